//! The keeper: a process of this program's own for each running game, which knows when all of the game has ended.
//!
//! A game's launcher often ends at once and leaves the game to others, so that waiting for one process is not enough.
//! The game's ancestor has to be a process that the system tells of all descendants:
//! - On Linux that is a subreaper: whoever loses its parent becomes its child, through any number of forks and sessions.
//!   The attribute is the process's, and this program has other children, and other games: their orphans could not be
//!   told apart afterwards. So each game has a subreaper of its own, and nothing has to be guessed. (Control groups
//!   need rights, watching `/proc` misses who is quick, marks in the environment can be wiped.)
//! - On Windows the keeper puts itself into a job object before it starts the game: the game is in it from its first
//!   instruction.
//!
//! The keeper reads what the game prints and keeps the last lines. It does not end when the program does that started
//! it, so that a game that goes on never writes into a closed pipe; and nothing that games print fills a disk.
//!
//! It is told what to run on its stdin, as JSON, and tells on its stdout, as JSON lines: that the program was started
//! or could not be, and how it ended. It ends nothing and changes nothing.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix as system;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as system;

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::invocation::Invocation;
use super::output::LastLines;
use super::{Exit, LaunchError, LaunchRequest};

/// The first argument of a program that is to be a keeper; the second is the game, for who looks at the processes.
const KEEP: &str = "--keep-game";
/// Told at the end: so many lines, each character escaped at worst, fit well.
const MAX_TOLD_BYTES: u64 = 8 * 1024 * 1024;
/// When all of the game has ended, its last words are in the pipe already, even if somebody else holds that open.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How often a tree is looked at that does not tell of itself.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// What a keeper tells.
#[derive(Debug, Serialize, Deserialize)]
enum Told {
    Started { pid: u32 },
    Failed { cause: String },
    Ended { code: Option<i32>, output: Vec<String> },
}

/// To be the first call of a program's `main`: carries a keeper's work out if this process was started as one. The
/// program then ends with what is returned.
pub fn keep_if_asked() -> Option<ExitCode> {
    (std::env::args_os().nth(1)? == KEEP).then(|| match keep() {
        Ok(()) => ExitCode::SUCCESS,
        // Nobody is there to be told.
        Err(_) => ExitCode::FAILURE,
    })
}

/// A game with its keeper, as seen from this program.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) pid: u32,
    /// Closed without a word if the keeper was killed.
    pub(super) exit: oneshot::Receiver<Exit>,
}

impl Kept {
    /// Starts a keeper, and by it the game. Waits until the game's program runs.
    pub(super) fn start(
        keeper: &Path,
        request: &LaunchRequest,
        invocation: &Invocation,
    ) -> Result<Self, LaunchError> {
        let failed = |error: io::Error| LaunchError::Keeper(error.to_string());
        let mut command = Command::new(keeper);
        command.arg(KEEP).arg(request.game.as_str()).current_dir(request.folder.root());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        system::dress(&mut command);
        let mut child = command.spawn().map_err(failed)?;
        let Some((stdin, stdout)) = child.stdin.take().zip(child.stdout.take()) else {
            return Err(LaunchError::Keeper("it has no pipes".to_owned()));
        };
        let mut told = BufReader::new(stdout);
        let cause = match give(stdin, invocation).and_then(|()| listen(&mut told)) {
            Ok(Some(Told::Started { pid })) => {
                let (ended, exit) = oneshot::channel();
                let wait = move || wait_for_end(child, told, ended);
                thread::Builder::new().name(format!("game {}", request.game)).spawn(wait).map_err(failed)?;
                return Ok(Self { pid, exit });
            }
            Ok(Some(Told::Failed { cause })) => {
                let program = invocation.program.clone().into();
                LaunchError::Spawn { program, cause }
            }
            Ok(Some(Told::Ended { .. }) | None) => LaunchError::Keeper("it ended early".to_owned()),
            Err(error) => failed(error),
        };
        // It has ended, or ends as soon as nobody listens.
        drop(told);
        reap(child);
        Err(cause)
    }
}

/// Tells a keeper what to run, all of it at once: it begins when its stdin ends.
fn give(stdin: ChildStdin, invocation: &Invocation) -> io::Result<()> {
    Ok(serde_json::to_writer(stdin, invocation)?)
}

fn wait_for_end(child: Child, mut told: BufReader<ChildStdout>, ended: oneshot::Sender<Exit>) {
    match listen(&mut told) {
        Ok(Some(Told::Ended { code, output })) => {
            // Whoever waited may have gone.
            drop(ended.send(Exit { code, output }));
        }
        Ok(Some(Told::Started { .. } | Told::Failed { .. }) | None) | Err(_) => {
            tracing::warn!("a game's keeper was killed; when the game ends will not be known");
        }
    }
    reap(child);
}

fn reap(mut child: Child) {
    if let Err(error) = child.wait() {
        tracing::debug!("a game's keeper cannot be waited for: {error}");
    }
}

fn listen(told: &mut BufReader<ChildStdout>) -> io::Result<Option<Told>> {
    let mut line = String::new();
    told.take(MAX_TOLD_BYTES).read_line(&mut line)?;
    if line.is_empty() { Ok(None) } else { Ok(Some(serde_json::from_str(&line)?)) }
}

fn tell(told: &Told) {
    let mut stdout = io::stdout().lock();
    let text = serde_json::to_writer(&mut stdout, told).map_err(io::Error::from);
    // Whoever started this may have ended meanwhile; the game goes on.
    drop(text.and_then(|()| writeln!(stdout)).and_then(|()| stdout.flush()));
}

fn keep() -> io::Result<()> {
    let invocation: Invocation = serde_json::from_reader(io::stdin().lock())?;
    let started = system::prepare().and_then(|tree| {
        let (printed, child) = spawn(&invocation)?;
        Ok((tree, printed, child))
    });
    let (tree, printed, child) = match started {
        Ok(started) => started,
        Err(error) => {
            tell(&Told::Failed { cause: error.to_string() });
            return Err(error);
        }
    };
    let lines = Arc::new(Mutex::new(LastLines::default()));
    let (done, is_done) = mpsc::sync_channel::<()>(1);
    let reader = {
        let lines = lines.clone();
        move || {
            let add = |bytes: &[u8]| lines.lock().unwrap_or_else(PoisonError::into_inner).add(bytes);
            // What cannot be read any more is not there.
            drop(LastLines::drain(printed, add));
            drop(done);
        }
    };
    thread::Builder::new().name("output".to_owned()).spawn(reader)?;
    tell(&Told::Started { pid: child.id() });
    let code = system::wait(tree, child);
    // Nothing is ever sent: it is closed when all was read. Either way all that the game printed is there.
    let (Ok(()) | Err(_)) = is_done.recv_timeout(LAST_WORDS);
    let lines = std::mem::take(&mut *lines.lock().unwrap_or_else(PoisonError::into_inner));
    tell(&Told::Ended { code, output: lines.into_lines() });
    Ok(())
}

/// Starts the program; what it prints can be read.
fn spawn(invocation: &Invocation) -> io::Result<(io::PipeReader, Child)> {
    let (printed, stdout) = io::pipe()?;
    let stderr = stdout.try_clone()?;
    let mut command = Command::new(&invocation.program);
    command.current_dir(&invocation.folder);
    command.envs(invocation.env.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::null()).stdout(stdout).stderr(stderr);
    system::dress(&mut command);
    system::add_args(&mut command, invocation);
    // The command holds the pipe's other end until it is dropped, here.
    let child = command.spawn()?;
    Ok((printed, child))
}
