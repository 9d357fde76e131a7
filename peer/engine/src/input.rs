//! What happens to a peer.

use std::net::SocketAddr;
use std::sync::Arc;

use lanspread_protocol::message::{Control, Request, WantedUnit};
use lanspread_protocol::{
    Blake3Hash, GameId, Manifest, ManifestId, PeerId, SignedCatalog, UnitIndex, UnitSet, Version,
};

use crate::authority::GivenCatalog;
use crate::command::{Command, CommandError, ErrorCode};
use crate::config::FolderState;
use crate::event::Level;
use crate::ids::{ConnId, DialId, FetchId, OpId, RaceId, ReplyId, RunId, ServeId};
use crate::notices::NoticeKind;
use crate::view::PartsView;

/// One thing that happened. Results of work name the operation or request they belong to; late ones are dropped.
#[derive(Clone, Debug)]
pub enum Input {
    /// Time passed.
    Tick,
    Command {
        reply: ReplyId,
        command: Command,
    },
    /// Discovery saw a peer.
    Discovered {
        peer: PeerId,
        candidates: Vec<Candidate>,
    },
    DialFailed {
        dial: DialId,
    },
    /// A handshake succeeded: the other side proved to be `peer`.
    Connected {
        conn: ConnId,
        peer: PeerId,
        remote: SocketAddr,
        rank: u8,
        gossiped: bool,
        dial: Option<DialId>,
    },
    Control {
        conn: ConnId,
        message: Control,
    },
    Closed {
        conn: ConnId,
        reason: ClosedReason,
    },
    Requested {
        serve: ServeId,
        conn: ConnId,
        request: Request,
    },
    ServeEnded {
        serve: ServeId,
        end: ServeEnd,
    },
    /// Payload bytes of a fetch arrived. `bytes` is what the count of all payload bytes that the fetch has received grew by
    /// since the last report of this fetch; they belong to units that [`Self::UnitStored`] has told of or will tell of.
    /// Reported a few times a second for a fetch that takes long, and only when bytes arrived; what arrives after the
    /// last report is not reported.
    BytesReceived {
        fetch: FetchId,
        bytes: u64,
    },
    /// A unit of a fetch was verified and written; `completed` are all units that are whole since.
    UnitStored {
        fetch: FetchId,
        unit: UnitIndex,
        bytes: u64,
        completed: Vec<UnitIndex>,
    },
    /// Some chunks of a unit of a fetch that ended early were verified and written: those that `wanted` does not skip.
    /// `completed` are all units that are whole since. Its [`Input::FetchEnded`] follows.
    ChunksStored {
        fetch: FetchId,
        wanted: WantedUnit,
        bytes: u64,
        completed: Vec<UnitIndex>,
    },
    FetchEnded {
        fetch: FetchId,
        end: FetchEnd,
    },
    ManifestFetched {
        race: RaceId,
        op: OpId,
        raced: Raced<Arc<Manifest>>,
    },
    /// How much an update would fetch. Nothing comes where that cannot be found out.
    UpdateMeasured {
        game: GameId,
        size: UpdateSize,
    },
    /// The manifest from this PC's own store, if it is there.
    ManifestLoaded {
        op: OpId,
        manifest: Option<Arc<Manifest>>,
    },
    CatalogFetched {
        race: RaceId,
        raced: Raced<Box<SignedCatalog>>,
    },
    /// Of the covers that were looked for, those that are not here.
    CoversMissing(Vec<Blake3Hash>),
    /// A cover was stored, or did not come.
    CoverFetched {
        race: RaceId,
        cover: Blake3Hash,
        raced: Raced<()>,
    },
    /// The given catalog file was read, or read again.
    CatalogGiven(GivenCatalog),
    /// The folders in the games folder.
    GamesListed(Vec<GameId>),
    /// Something in a game's folder changed.
    GameTouched(GameId),
    Scanned {
        game: GameId,
        found: Option<ScannedGame>,
    },
    /// The payload was hashed; `None` if it could not be.
    Hashed {
        game: GameId,
        fingerprint: u64,
        manifest: Option<ManifestId>,
    },
    StoreOpened {
        op: OpId,
        result: Result<Opened, DiskFailure>,
    },
    /// The download is complete on disk, or an update swapped in; the game was scanned again.
    Finished {
        op: OpId,
        result: Result<ScannedGame, DiskFailure>,
    },
    /// A cancelled or paused download's store is closed.
    StoreClosed {
        op: OpId,
    },
    /// Writing a unit failed; the download cannot go on.
    WriteFailed {
        op: OpId,
        failure: DiskFailure,
    },
    Verified {
        op: OpId,
        result: Result<VerifyOutcome, DiskFailure>,
    },
    /// `local/` was made, or is as it was.
    Installed {
        op: OpId,
        result: Result<Option<Kept>, DiskFailure>,
    },
    Uninstalled {
        op: OpId,
        result: Result<Option<Kept>, DiskFailure>,
    },
    Removed {
        op: OpId,
        result: Result<Option<Kept>, DiskFailure>,
    },
    /// A program was started and has this process id, or could not be.
    Started {
        run: RunId,
        result: Result<u32, CommandError>,
    },
    /// Every process of a started program has ended.
    Exited {
        run: RunId,
        /// `None`: a signal ended it, or nobody can know.
        code: Option<i32>,
        /// The last lines that it printed.
        output: Vec<String>,
    },
    /// The shell has something to tell.
    Notice {
        level: Level,
        message: NoticeKind,
    },
    Published {
        op: OpId,
        result: Result<ScannedGame, DiskFailure>,
    },
    /// The games folder was changed by [`crate::Effect::SwitchGamesFolder`], with what was stored in the new one; `None`
    /// if it is the one that was in use already.
    GamesFolderSwitched {
        reply: ReplyId,
        result: Result<Option<Box<FolderState>>, DiskFailure>,
    },
}

/// An address where a peer may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// Cable 0, Wi-Fi 1, others 2: lower ones are dialled first.
    pub rank: u8,
    pub address: SocketAddr,
}

/// Why a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClosedReason {
    Goodbye,
    /// Another connection to the peer stays.
    Duplicate,
    TimedOut,
    Banned,
    Error(String),
}

/// How an answered request ended. Each transfer ends exactly once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServeEnd {
    Served {
        bytes: u64,
        units: u64,
    },
    Refused,
    Cancelled,
    /// A file was not what the scan had seen.
    Changed,
    Failed(String),
}

/// How a fetch ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchEnd {
    Done,
    Cancelled,
    Refused,
    /// This unit's bytes did not have the manifest's hashes.
    BadChunk(UnitIndex),
    /// The connection or stream broke.
    Lost(String),
}

/// The end of a race for a manifest, a catalog or a cover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raced<T> {
    /// The first answer that is right, and the connection that it came on.
    pub first: Option<(ConnId, T)>,
    /// Attempts that failed. When an answer came, also those that were late at that time.
    pub failed: Vec<(ConnId, BlobError)>,
}

impl<T> Default for Raced<T> {
    /// No answer, and no attempt that is known of.
    fn default() -> Self {
        Self { first: None, failed: Vec::new() }
    }
}

/// The reason why a peer did not bring a manifest, a cover or a catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BlobError {
    /// The peer does not have it, or the connection broke.
    Unavailable,
    /// The peer sent nothing or too little for too long.
    Late,
    /// What came is not what was asked for.
    Wrong(String),
}

/// A game's folder as a scan saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScannedGame {
    /// What the sentinel says; `None` without one.
    pub version: Option<Version>,
    /// A folder `local/` is there.
    pub has_local: bool,
    /// The version that was installed into `local/`; `None` if there is none, or another program made it.
    pub installed: Option<Version>,
    /// There are files besides `local/` and Lanspread's own.
    pub has_files: bool,
    /// Bytes of the payload's files.
    pub bytes: u64,
    /// Changes whenever names, sizes, times or the sentinel's contents do.
    pub fingerprint: u64,
    pub payload: Payload,
}

/// What is in one payload and not in another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateSize {
    pub old: ManifestId,
    pub new: ManifestId,
    pub bytes: u64,
    /// What of the new one is here in the old one.
    pub parts: PartsView,
}

/// What is known of a payload's identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Not hashed since it changed.
    Unknown,
    Hashed(ManifestId),
    /// Verifying found wrong files in it.
    Damaged,
}

/// A store is open: what is here already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Units that are wholly here.
    pub here: UnitSet,
    /// Units to fetch, each without the chunks that are here or come with another unit.
    pub wanted: Vec<WantedUnit>,
    /// Bytes to fetch.
    pub bytes_missing: u64,
}

/// Disk work that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskFailure {
    pub kind: FailureKind,
    /// What was tried and why it failed, for people.
    pub message: String,
}

/// The kinds of failures that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    NoSpace,
    Cancelled,
    Refused,
    /// A program uses the files.
    GameRunning,
    Io,
}

impl FailureKind {
    pub(crate) fn code(self) -> ErrorCode {
        match self {
            Self::NoSpace => ErrorCode::NoSpace,
            Self::Refused => ErrorCode::Refused,
            Self::GameRunning => ErrorCode::GameRunning,
            Self::Cancelled | Self::Io => ErrorCode::Io,
        }
    }
}

/// What verifying found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyOutcome {
    pub damaged: Vec<String>,
    pub damaged_bytes: u64,
}

/// Files of a person that were moved out of the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Relative to the game's folder.
    pub folder: String,
    /// Relative to `folder`.
    pub paths: Vec<String>,
}
