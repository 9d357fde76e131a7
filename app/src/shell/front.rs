//! A second start on the same games folder brings the first window to the front.
//!
//! The window that has the folder listens on loopback, and says in a file of the folder where, with a word that only who
//! can read the folder knows. Whoever starts on that folder says the word there, and ends when it is answered. A file that
//! a crash left behind leads nowhere, or to a program that does not answer: then the folder's lock decides.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use egui::{Context, ViewportCommand};
use lanspread_peer::disk::GamesFolder;

const FILE: &str = "window";
const ANSWER: &[u8] = b"shown";
/// Digits of the word.
const WORD: usize = 32;
/// On one PC, an answer is there at once or never.
const PATIENCE: Duration = Duration::from_secs(1);

/// Listens on a thread as long as it lives; the file goes with it. Dropping it waits for that, so no frame does it.
#[derive(Debug)]
pub(super) struct Front {
    games: PathBuf,
    ending: Arc<Ending>,
    thread: Option<JoinHandle<()>>,
}

/// How the thread is ended: it is told so, then called, as it waits for callers.
#[derive(Debug, Default)]
struct Ending {
    is_over: AtomicBool,
    /// Where it listens; 0 before it does.
    port: AtomicU16,
}

impl Front {
    /// Of a window that has this games folder. A failure is logged: second starts then find the folder in use.
    pub(super) fn listen(ctx: &Context, games: &Path) -> Self {
        let file = GamesFolder::new(games).state().join(FILE);
        let (ctx, ending) = (ctx.clone(), Arc::<Ending>::default());
        let of_thread = Arc::clone(&ending);
        let listen = move || {
            if let Err(error) = answer_all(&ctx, &file, &of_thread) {
                tracing::warn!(%error, "second starts find no window");
            }
        };
        let thread = std::thread::Builder::new().name("front".to_owned()).spawn(listen);
        let thread = thread.inspect_err(|error| tracing::warn!(%error, "second starts find no window"));
        Self { games: games.to_owned(), ending, thread: thread.ok() }
    }

    pub(super) fn is_of(&self, games: &Path) -> bool {
        self.games == games
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        // One order for both sides: the thread sees that it is over, or this side sees where it listens.
        self.ending.is_over.store(true, Ordering::SeqCst);
        let port = self.ending.port.load(Ordering::SeqCst);
        let is_awake =
            port == 0 || TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, port).into(), PATIENCE).is_ok();
        if let Some(thread) = self.thread.take().filter(|_| is_awake) {
            drop(thread.join());
        }
    }
}

fn answer_all(ctx: &Context, file: &Path, ending: &Ending) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let own = listener.local_addr()?.port();
    let word = format!("{:0width$x}", rand::random::<u128>(), width = WORD);
    ending.port.store(own, Ordering::SeqCst);
    if ending.is_over.load(Ordering::SeqCst) {
        return Ok(());
    }
    std::fs::write(file, format!("{own} {word}"))?;
    let ended = answer_until_over(ctx, &listener, &word, ending);
    // Another window may have come to the folder meanwhile: its file is not this one's.
    if std::fs::read_to_string(file).is_ok_and(|text| text.starts_with(&format!("{own} "))) {
        std::fs::remove_file(file)?;
    }
    ended
}

fn answer_until_over(ctx: &Context, listener: &TcpListener, word: &str, ending: &Ending) -> io::Result<()> {
    loop {
        let (caller, _) = listener.accept()?;
        if ending.is_over.load(Ordering::SeqCst) {
            return Ok(());
        }
        if answer(caller, word).is_ok() {
            show(ctx);
        }
    }
}

fn show(ctx: &Context) {
    ctx.send_viewport_cmd(ViewportCommand::Minimized(false));
    ctx.send_viewport_cmd(ViewportCommand::Focus);
    ctx.request_repaint();
}

fn answer(mut caller: TcpStream, word: &str) -> io::Result<()> {
    caller.set_read_timeout(Some(PATIENCE))?;
    let mut said = [0; WORD];
    caller.read_exact(&mut said)?;
    if said != word.as_bytes() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    caller.write_all(ANSWER)
}

/// True when a window on this games folder has come to the front.
pub(super) fn call(games: &Path) -> bool {
    try_call(games).unwrap_or(false)
}

fn try_call(games: &Path) -> io::Result<bool> {
    let text = std::fs::read_to_string(GamesFolder::new(games).state().join(FILE))?;
    let Some((port, word)) = text.split_once(' ') else { return Ok(false) };
    let port: u16 = port.parse().map_err(io::Error::other)?;
    let mut stream = TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, port).into(), PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(word.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(64).read_to_end(&mut answer)?;
    Ok(answer == ANSWER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_knows_the_word_is_answered() {
        let folder = tempfile::tempdir().unwrap();
        let state = GamesFolder::new(folder.path()).state();
        std::fs::create_dir_all(&state).unwrap();
        assert!(!call(folder.path()), "nobody has the folder");
        let front = Front::listen(&Context::default(), folder.path());
        let told = loop {
            // Written by a thread, at once.
            match std::fs::read_to_string(state.join(FILE)) {
                Ok(told) if told.len() > WORD => break told,
                _ => std::thread::yield_now(),
            }
        };
        assert!(front.is_of(folder.path()) && call(folder.path()));
        let (port, word) = told.split_once(' ').unwrap();
        std::fs::write(state.join(FILE), format!("{port} {}", word.replace(|_| true, "0"))).unwrap();
        assert!(!call(folder.path()), "another word");
        drop(front);
        assert!(!state.join(FILE).exists() && !call(folder.path()));
        std::fs::write(state.join(FILE), "1 of a crash").unwrap();
        assert!(!call(folder.path()));
    }
}
