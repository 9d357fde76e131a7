//! What a person or a script asks for, and how it is refused.

use std::net::SocketAddr;

use lanspread_protocol::{GameId, OrganiserKey};
use serde::Serialize;
use thiserror::Error;

/// An intent. Accepted or refused at once ([`crate::Effect::Reply`]); the work's end is an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Dials these addresses (one, or one host's possible ports) until a peer answers there.
    Connect {
        addresses: Vec<SocketAddr>,
    },
    Download {
        game: GameId,
    },
    Update {
        game: GameId,
    },
    Verify {
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
    },
    /// The shell holds what is to be published; the engine decides when the game's files may change.
    Publish {
        game: GameId,
    },
    Trust {
        key: OrganiserKey,
    },
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
}

/// The codes of the headless contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize)]
#[error("{message}")]
pub struct CommandError {
    pub code: ErrorCode,
    pub message: String,
}

impl CommandError {
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}
