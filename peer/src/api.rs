//! The peer as its programs see it: what it starts with, what it is told, what it tells.
//!
//! A program sends commands through a [`PeerRuntimeHandle`], which never waits: a full queue refuses at once. Each
//! command has one reply, sent when it is accepted or refused; the end of long work is an event. The state of
//! everything is in the [`Snapshot`], loaded without a lock. Commands, replies and events carry the names and fields
//! of the headless contract; [`crate::json_lines`] writes them.

mod address;
mod handle;
mod network;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use lanspread_engine::{Command, Event, GameView, OperationKind, PeerView, Phase, View};
use lanspread_protocol::{Game, GameId, OrganiserKey, PeerId, RelPath, Version};
use serde::Serialize;

pub use address::{AddressError, PeerAddress};
pub use handle::{
    COMMAND_QUEUE, EVENT_QUEUE, PeerClient, PeerRuntimeHandle, Pending, RuntimeSide, SendRefused,
    SentCommand, connect_runtime,
};

pub use network::{AdapterView, CheckReason, CheckResult, Checks, DiskSpace, NetworkView};

pub use crate::disk::Links;
pub use crate::publish::Published;
pub use crate::runtime::fault::{Fault, FaultKind};
pub use crate::runtime::supervisor::RuntimeFailure;

/// Bytes a second in and out while a game runs: nobody's ping pays for somebody's download.
pub const DEFAULT_PLAYING_LIMIT: u64 = 4_000_000;

/// What a peer starts with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerConfig {
    /// The folder of all games. It exists.
    pub games: PathBuf,
    /// The party's catalog as a file; counts until a pinned key's newer one is known.
    pub catalog: Option<PathBuf>,
    /// The player's name; `None` is the PC's.
    pub name: Option<String>,
    /// The PC's name, for people; `None` is the system's.
    pub pc: Option<String>,
    /// Addresses to listen on; none means all adapters, IPv4 and IPv6.
    pub bind: Vec<IpAddr>,
    /// `None` is the first free one of the usual ports, `Some(0)` any free one.
    pub port: Option<u16>,
    /// Peers known by their address.
    pub peers: Vec<PeerAddress>,
    /// Announce and look for peers by mDNS.
    pub mdns: bool,
    /// Bytes a second, 0 is unlimited.
    pub upload_limit: u64,
    /// Bytes a second in and out while a game runs, 0 is unlimited.
    pub playing_limit: u64,
    /// The organiser whose signed catalogs are in force.
    pub organiser: Option<OrganiserKey>,
    /// Build a new version of a game that is here in the background.
    pub fetch_ahead: bool,
    /// For tests: lets a service fail.
    pub fault: Option<Fault>,
}

impl PeerConfig {
    /// A peer on this folder with everything as it is by default.
    pub fn new(games: impl Into<PathBuf>) -> Self {
        Self {
            games: games.into(),
            catalog: None,
            name: None,
            pc: None,
            bind: Vec::new(),
            port: None,
            peers: Vec::new(),
            mdns: true,
            upload_limit: 0,
            playing_limit: DEFAULT_PLAYING_LIMIT,
            organiser: None,
            fetch_ahead: true,
            fault: None,
        }
    }
}

/// Called after a new snapshot was stored. It must not wait.
#[derive(Clone)]
pub struct Waker(Arc<dyn Fn() + Send + Sync>);

impl Waker {
    pub fn new(wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(wake))
    }

    /// Wakes nobody: for programs that listen to events.
    pub fn none() -> Self {
        Self::new(|| {})
    }

    pub fn wake(&self) {
        (self.0)();
    }
}

impl fmt::Debug for Waker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Waker")
    }
}

/// What a running peer is told.
#[derive(Clone, Debug, PartialEq)]
pub enum PeerCommand {
    /// An intent that the engine decides. Publishing and settings that concern the shell too have their own variants.
    Engine(Command),
    Publish(Box<PublishRequest>),
    List,
    Peers,
    Status,
    Set(SettingsChange),
    /// Announces and asks by multicast at once, and dials all known addresses.
    LookAgain,
    Shutdown,
}

/// Settings to change; `None` leaves one as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettingsChange {
    /// Bytes a second, 0 is unlimited.
    pub upload_limit: Option<u64>,
    /// Bytes a second in and out while a game runs, 0 is unlimited.
    pub playing_limit: Option<u64>,
    pub games: Option<PathBuf>,
    pub name: Option<String>,
    pub catalog: Option<PathBuf>,
    /// Build a new version of a game that is here in the background.
    pub fetch_ahead: Option<bool>,
}

/// A game to be put into a catalog, with its payload. All paths are absolute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishRequest {
    /// The catalog's entry, without manifest, size and cover. What is empty in it stays as the catalog has it.
    pub game: Game,
    /// The version that is published.
    pub version: Version,
    /// One folder, or archives, which become the payload's files as they are.
    pub from: Vec<PathBuf>,
    pub catalog: PathBuf,
    /// An image file.
    pub cover: Option<PathBuf>,
    /// The organiser's key file; `None` is the key beside the catalog, made if it is not there.
    pub key: Option<PathBuf>,
    pub links: Links,
    /// Files of the source that are not published: stray logs.
    pub leave_out: Vec<RelPath>,
}

/// The answer to a command that was accepted.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum PeerReply {
    Done {},
    Games { games: Vec<GameView> },
    Peers { peers: Vec<PeerView> },
    Started { pid: u32 },
    Status(Status),
}

/// Counts since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Chunk bytes received.
    pub rx_bytes: u64,
    /// Chunk bytes sent.
    pub tx_bytes: u64,
    pub served_chunks: u64,
    pub bad_chunks: u64,
    /// Connections that stand now.
    pub connections: usize,
}

/// What subscribers are told. Serialised it is an event of the headless contract, without its time.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum PeerEvent {
    Ready(Ready),
    /// A publish is done; comes before its `operation-finished`.
    Published(Published),
    /// How far work on disk is: hashing, verifying, installing and the like.
    OperationProgress {
        game: GameId,
        operation: OperationKind,
        phase: Phase,
        bytes_done: u64,
        bytes_total: u64,
    },
    /// Another games folder is in use.
    GamesFolderChanged {
        #[serde(serialize_with = "display")]
        games_dir: PathBuf,
    },
    /// The runtime cannot go on; it stops by itself.
    RuntimeFailed {
        component: String,
        error: String,
    },
    /// The last event.
    Stopped,
    #[serde(untagged)]
    Engine(Event),
}

/// A path as people read it.
fn display<S: serde::Serializer>(path: &std::path::Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

/// The peer runs: who and where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ready {
    pub peer_id: PeerId,
    pub name: String,
    /// Where it listens.
    pub addresses: Vec<SocketAddr>,
    pub games_dir: String,
    pub protocol: String,
}

/// Everything a window shows, as of one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// This and `view` are `None` until the peer is ready.
    pub ready: Option<Ready>,
    pub view: Option<Arc<View>>,
    pub status: Status,
    /// Of the games folder.
    pub disk: Option<DiskSpace>,
    /// The games folder is not there any more: deleted, or on a drive that was unplugged.
    pub folder_is_gone: bool,
    pub network: NetworkView,
    /// Why the peer stopped by itself.
    pub failure: Option<RuntimeFailure>,
}
