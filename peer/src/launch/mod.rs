//! Starting games, and knowing how long they run.
//!
//! What is promised:
//! - Only launch entries of the accepted catalog and the scripts of a payload are started, and only files that lie in the
//!   game's own folder, wherever links lead ([`invocation`](self)).
//! - No value becomes part of a command: on Linux there is no shell at all, and where `cmd.exe` has to read a line,
//!   values lose what it would act on ([`cmd`](self)).
//! - A game runs until the last process that it started has ended, and its exit code and last lines are known then
//!   ([`keeper`]).
//! - A game outlives this program: nothing here ends one, ever.
//!
//! Whether a game may be started, and what may be done to its files while it runs, is the engine's to decide.

mod choose;
mod cmd;
mod error;
mod held;
mod invocation;
mod keeper;
mod output;

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use lanspread_protocol::{GameId, LaunchEntry};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

pub use choose::{Choice, Program, Runner, Script, What};
pub use error::LaunchError;
pub use held::is_held_open;
pub use keeper::keep_if_asked;
pub use output::{MAX_LINE_BYTES, MAX_LINES};

use crate::disk::{GameFolder, atomic};
use keeper::Kept;

/// What starts games. Clones are the same.
#[derive(Clone, Debug)]
pub struct Launcher {
    /// A program whose `main` begins with [`keep_if_asked`].
    keeper: PathBuf,
    /// Where wine is looked for.
    path: Option<OsString>,
}

/// A start, as a person asked for it.
#[derive(Clone, Debug)]
pub struct LaunchRequest {
    pub game: GameId,
    pub folder: GameFolder,
    /// Made by [`Launcher::choose`].
    pub choice: Choice,
    pub player: String,
    /// A language's code; ETI scripts know `de`, `en` and `fr`.
    pub lang: String,
    /// The address of the server to join. Other PCs announce it, so it is checked to be no more than an address.
    pub server: Option<String>,
}

/// A game that runs. Dropping this leaves it running.
#[derive(Debug)]
pub struct RunningGame {
    pid: u32,
    setup: Option<Exit>,
    exit: oneshot::Receiver<Exit>,
}

/// How a program ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exit {
    /// Of the program that was started; what it started itself may have gone on for longer. `None` if it was killed.
    pub code: Option<i32>,
    /// The last lines that it and its children printed: at most [`MAX_LINES`] of at most [`MAX_LINE_BYTES`] each.
    pub output: Vec<String>,
}

impl Launcher {
    /// Keepers are this program itself, whose `main` has to begin with [`keep_if_asked`].
    pub fn of_this_program() -> Result<Self, LaunchError> {
        // On Linux also when the program's file was replaced meanwhile.
        let keeper = if cfg!(target_os = "linux") {
            PathBuf::from("/proc/self/exe")
        } else {
            std::env::current_exe().map_err(|cause| LaunchError::Keeper(cause.to_string()))?
        };
        Ok(Self::new(keeper, std::env::var_os("PATH")))
    }

    /// With another program as keeper, and another `PATH`.
    pub fn new(keeper: PathBuf, path: Option<OsString>) -> Self {
        Self { keeper, path }
    }

    /// Which program a start of `name` means: the catalog's entry for this system; on Linux else one for Windows if
    /// wine or umu-run is there; else the script that ETI packages have for it by convention. Looks at the disk.
    pub fn choose(
        &self,
        game: &GameId,
        folder: &GameFolder,
        launch: &[LaunchEntry],
        name: &str,
    ) -> Result<Choice, LaunchError> {
        choose::choose(game, folder, launch, name, self.path.as_deref())
    }

    /// Starts the game; before its first start the setup, which is waited for.
    pub async fn start(&self, request: LaunchRequest) -> Result<RunningGame, LaunchError> {
        let setup = self.set_up(&request).await?;
        let program = request.choice.program.clone();
        let kept = self.run(program, request).await?;
        Ok(RunningGame { pid: kept.pid, setup, exit: kept.exit })
    }

    /// Runs the setup if it is due. What it printed is handed on if it ran.
    async fn set_up(&self, request: &LaunchRequest) -> Result<Option<Exit>, LaunchError> {
        let Some(setup) = request.choice.setup.clone() else { return Ok(None) };
        let marker = request.folder.setup_done();
        if blocking(move || marker.exists()).await? {
            return Ok(None);
        }
        let is_strict = matches!(setup.what, What::Entry(_));
        let kept = self.run(setup, request.clone()).await?;
        let exit = kept.exit.await.unwrap_or_default();
        // ETI setups end with rules for a firewall that only administrators may change: their code means nothing.
        if is_strict && exit.code != Some(0) {
            return Err(LaunchError::Setup { game: request.game.clone(), exit });
        }
        let folder = request.folder.clone();
        blocking(move || mark_set_up(&folder)).await??;
        Ok(Some(exit))
    }

    async fn run(&self, program: Program, request: LaunchRequest) -> Result<Kept, LaunchError> {
        let keeper = self.keeper.clone();
        blocking(move || {
            let invocation = invocation::invocation(&program, &request)?;
            Kept::start(&keeper, &request, &invocation)
        })
        .await?
    }
}

impl RunningGame {
    /// Of the program that was started; it may have ended while its children run on.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// How the setup ended, if this start ran it.
    pub fn setup(&self) -> Option<&Exit> {
        self.setup.as_ref()
    }

    /// Waits until the last process of the game has ended.
    pub async fn exited(self) -> Exit {
        // A keeper that was killed tells nothing.
        self.exit.await.unwrap_or_default()
    }
}

fn mark_set_up(folder: &GameFolder) -> Result<(), LaunchError> {
    let state = folder.state();
    fs::create_dir_all(&state).map_err(|cause| LaunchError::Io {
        action: "create",
        path: state.clone(),
        cause,
    })?;
    Ok(atomic::write(&folder.setup_done(), b"")?)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, LaunchError> {
    spawn_blocking(work).await.map_err(|error| LaunchError::Keeper(error.to_string()))
}
