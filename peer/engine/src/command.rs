//! What a person or a script asks for, and how it is refused.

use std::net::SocketAddr;

use lanspread_protocol::{GameId, OrganiserKey};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// An intent. Accepted or refused at once ([`crate::Effect::Reply`]); the work's end is an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Dials these addresses (one, or one host's possible ports) until a peer answers there.
    Connect {
        addresses: Vec<SocketAddr>,
    },
    /// Fetches the expected version.
    Download {
        game: GameId,
        then: AfterDownload,
    },
    /// Fetches the expected version, swaps it in, and installs it if the game is installed.
    Update {
        game: GameId,
    },
    /// Makes `local/` out of the payload, or makes it anew.
    Install {
        game: GameId,
        kept: KeptFiles,
    },
    /// Removes `local/`.
    Uninstall {
        game: GameId,
        saves: Saves,
    },
    /// Starts one of the game's programs.
    Start {
        game: GameId,
        /// A launch entry's name.
        entry: String,
        /// Where the server to join is; without it one that is announced here.
        server: Option<String>,
    },
    Verify {
        game: GameId,
    },
    /// Finds out what an update would fetch; the view tells it.
    MeasureUpdate {
        game: GameId,
    },
    Cancel {
        game: GameId,
    },
    Pause {
        game: GameId,
    },
    Resume {
        game: GameId,
    },
    /// Removes the payload.
    Remove {
        game: GameId,
        /// Removes `local/`, too, and does this with a person's files in it.
        local: Option<Saves>,
        extras: Extras,
    },
    /// The shell holds what is to be published; the engine decides when the game's files may change.
    Publish {
        game: GameId,
    },
    Trust {
        key: OrganiserKey,
    },
    /// Lets a waiting download take this place among those that wait; 0 is the next.
    MoveInQueue {
        game: GameId,
        position: usize,
    },
    /// A notice was read.
    Dismiss {
        id: u64,
    },
    /// A failure was read: it is not shown any more, and a download that failed does not wait for another try.
    Forget {
        game: GameId,
    },
    /// Dials all known addresses that nobody answers at, at once.
    LookAgain,
    Set(Settings),
    /// Another games folder; accepted only while nothing runs.
    ChangeGamesFolder,
}

/// Settings that a command changes; `None` leaves one as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    pub name: Option<String>,
    /// Bytes a second, 0 is unlimited.
    pub upload_limit: Option<u64>,
    /// Bytes a second in and out while a game runs, 0 is unlimited.
    pub playing_limit: Option<u64>,
    /// Build a new version of a game that is here in the background.
    pub fetch_ahead: Option<bool>,
}

/// What follows a download that was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AfterDownload {
    #[default]
    Nothing,
    Install,
}

/// What an installation does with files that an uninstallation kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeptFiles {
    /// They go back to their places.
    #[default]
    Restore,
    /// They stay where they are kept.
    Leave,
}

/// The choice of a removal for files in the game's folder that Lanspread did not place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Extras {
    #[default]
    Keep,
    Delete,
}

/// What happens to saves, configs and other files of a person when an installed game goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Saves {
    #[default]
    Keep,
    Delete,
}

/// What a command that was accepted is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Done,
    /// The program that was started.
    Started {
        pid: u32,
    },
}

/// The codes of the headless contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    BadCommand,
    UnknownGame,
    Busy,
    NotDownloaded,
    NotInstalled,
    NoSource,
    NoSpace,
    CatalogMismatch,
    GameRunning,
    Io,
    Refused,
}

/// Why a command is refused or an operation failed: a code for programs, a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct CommandError {
    pub code: ErrorCode,
    pub message: String,
    /// What the sentence says, for who says it in another language. No part of the headless contract.
    #[serde(skip)]
    pub detail: Option<Box<ErrorDetail>>,
}

/// What an error's sentence says beyond its code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorDetail {
    /// Nothing of this name can be started on this system.
    NoEntry { name: String },
    /// A Windows program, and nothing here that runs it.
    NeedsWine,
    /// A program of the game is not there.
    ProgramGone { path: String },
    /// A link out of its game's folder.
    LeadsOut { path: String },
    /// A server is to be joined, and none was chosen.
    NoServer,
    /// This is no server's address.
    BadServer { server: String },
    /// The game's setup ended with this code; `None`: it was killed.
    SetupFailed { code: Option<i32> },
    /// The system did not start a program, in its words.
    NotStarted { program: String, why: String },
    /// The system refused something about a file, in its words.
    File { path: String, why: String },
}

impl CommandError {
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), detail: None }
    }

    #[must_use]
    pub fn with_detail(mut self, detail: ErrorDetail) -> Self {
        self.detail = Some(Box::new(detail));
        self
    }
}
