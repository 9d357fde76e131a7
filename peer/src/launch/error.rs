//! [`LaunchError`]: why a game was not started.

use std::fmt;
use std::io;
use std::path::PathBuf;

use lanspread_protocol::GameId;
use thiserror::Error;

use super::Exit;
use crate::disk::DiskError;

/// How many of a failed setup's last lines its message has.
const SHOWN_LINES: usize = 10;

/// Why a game was not started.
#[derive(Debug, Error)]
pub enum LaunchError {
    /// Neither the catalog nor the payload has something of that name for this system.
    #[error("“{game}” has no “{name}” to start; {}", Found(.found))]
    NoEntry { game: GameId, name: String, found: Vec<String> },
    #[error("“{name}” of “{game}” is a Windows program: install wine (or umu-run), which is not in PATH")]
    NeedsWine { game: GameId, name: String },
    #[error("“{}” is not there: verify the game, or install it again", .path.display())]
    Missing { path: PathBuf },
    #[error("“{}” is a link that leads out of its game's folder", .path.display())]
    LeadsOut { path: PathBuf },
    #[error("“{name}” joins a server, and none was chosen")]
    NoServer { name: String },
    #[error("“{server}” is no server's address")]
    BadServer { server: String },
    /// The setup ended with an error; the game was not started, and the next start tries again.
    #[error("the setup of “{game}” failed {}", Ended(.exit))]
    Setup { game: GameId, exit: Exit },
    #[error("cannot {action} “{}”: {cause}", .path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The system did not start the program.
    #[error("cannot start “{}”: {cause}", .program.display())]
    Spawn { program: PathBuf, cause: String },
    /// The process that watches over a game did not do its part.
    #[error("cannot watch over the game: {0}")]
    Keeper(String),
}

struct Found<'a>(&'a [String]);

impl fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            f.write_str("it has nothing to start")
        } else {
            write!(f, "it has {}", self.0.join(", "))
        }
    }
}

struct Ended<'a>(&'a Exit);

impl fmt::Display for Ended<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.code {
            Some(code) => write!(f, "with code {code}")?,
            None => f.write_str("because it was killed")?,
        }
        let lines = &self.0.output;
        let shown = &lines[lines.len().saturating_sub(SHOWN_LINES)..];
        shown
            .iter()
            .enumerate()
            .try_for_each(|(nth, line)| write!(f, "{}{line}", if nth == 0 { ":\n  " } else { "\n  " }))
    }
}
