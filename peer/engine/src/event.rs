//! What subscribers are told: the events of the headless contract, in its names and fields.

use std::net::SocketAddr;

use lanspread_protocol::{GameId, OrganiserKey, PeerId, Version};
use serde::Serialize;

use crate::command::CommandError;
use crate::download::GivenUp;
use crate::library::LocalState;
use crate::notices::NoticeKind;
use crate::operations::{OperationKind, Phase};

/// Something that happened, for people and scripts.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    PeerJoined {
        peer_id: PeerId,
        name: String,
        addresses: Vec<SocketAddr>,
    },
    PeerLeft {
        peer_id: PeerId,
        reason: LeaveReason,
    },
    PeerLibraryChanged {
        peer_id: PeerId,
        games: Vec<PeerGame>,
    },
    LocalLibraryChanged {
        revision: u64,
        games: Vec<StateEntry>,
    },
    ActiveOperationsChanged {
        operations: Vec<OperationStatus>,
    },
    DownloadStarted {
        game: GameId,
        version: Version,
        bytes_total: u64,
        bytes_needed: u64,
        sources: usize,
    },
    DownloadProgress {
        game: GameId,
        bytes_done: u64,
        bytes_total: u64,
        rate: u64,
        sources: usize,
        eta: Option<u64>,
    },
    DownloadFinished {
        game: GameId,
        version: Version,
        bytes_fetched: u64,
        seconds: f64,
    },
    DownloadAllPeersGone {
        game: GameId,
    },
    ChunkRejected {
        game: GameId,
        peer_id: PeerId,
    },
    /// A source brought nothing of what was asked of it. It rests and is tried again; until it delivers, this is not told
    /// again.
    SourceGivenUp {
        game: GameId,
        peer_id: PeerId,
        reason: GivenUp,
    },
    OperationFinished {
        game: GameId,
        operation: OperationKind,
    },
    OperationFailed {
        game: GameId,
        operation: OperationKind,
        error: CommandError,
    },
    VerifyFinished {
        game: GameId,
        damaged_bytes: u64,
        damaged: Vec<String>,
    },
    /// A person's files were moved to this folder, relative to the game's.
    FilesKept {
        game: GameId,
        folder: String,
        paths: Vec<String>,
    },
    GameStarted {
        game: GameId,
        pid: u32,
        entry: String,
    },
    /// Every process of it has ended. `output` are the last lines that it printed.
    GameExited {
        game: GameId,
        entry: String,
        code: Option<i32>,
        output: Vec<String>,
    },
    OutboundTransferCountChanged {
        game: GameId,
        count: usize,
    },
    CatalogChanged {
        serial: u64,
        signed_by: Option<OrganiserKey>,
        added: Vec<GameId>,
        changed: Vec<GameId>,
        removed: Vec<GameId>,
    },
    CatalogOffered {
        party: String,
        key: OrganiserKey,
        words: String,
        peers: usize,
    },
    Notice {
        level: Level,
        message: NoticeKind,
    },
}

/// Why a peer left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LeaveReason {
    Goodbye,
    Timeout,
    Error,
    Banned,
}

/// How much a notice matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Info,
    Warning,
    Error,
}

/// A game that a peer has. Counts are in units, the chunks that are scheduled; the total is 0 while it is unknown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PeerGame {
    pub id: GameId,
    pub version: Option<Version>,
    pub complete: bool,
    pub local_only: bool,
    pub chunks: usize,
    pub chunks_total: usize,
}

/// A game on this PC's disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StateEntry {
    pub id: GameId,
    pub version: Option<Version>,
    pub state: LocalState,
    pub bytes: u64,
}

/// An operation and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OperationStatus {
    pub game: GameId,
    pub operation: OperationKind,
    pub phase: Phase,
}
