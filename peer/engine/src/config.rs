//! What an engine starts with.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use lanspread_protocol::{GameId, InstanceId, ManifestId, OrganiserKey, PeerId, SignedCatalog, Version};
use serde::{Deserialize, Serialize};

use crate::authority::GivenCatalog;
use crate::download::{Held, Purpose};
use crate::notices::FailureView;

/// What an engine starts with: identity, settings, and what an earlier run stored.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    pub me: PeerId,
    pub instance: InstanceId,
    /// The program's version, for people.
    pub program: String,
    /// The player's name.
    pub name: String,
    /// The PC's name.
    pub pc: String,
    /// All the engine's randomness.
    pub seed: u64,
    /// Addresses typed by hand; each inner list is one host's possible ports.
    pub addresses: Vec<Vec<SocketAddr>>,
    /// The file that was given, or the stick's.
    pub given: Option<GivenCatalog>,
    /// The organiser whose catalogs are in force.
    pub pinned: Option<OrganiserKey>,
    /// The newest catalog by that organiser which an earlier run stored.
    pub signed: Option<SignedCatalog>,
    /// The accepted manifests of games that the catalog does not pin, with the version each was chosen for.
    pub accepted: BTreeMap<GameId, (Version, ManifestId)>,
    /// Downloads that an earlier run left.
    pub queue: Vec<QueuedDownload>,
    /// Downloads that run at once.
    pub parallel_downloads: usize,
    /// Bytes a second, 0 is unlimited.
    pub upload_limit: u64,
    /// Bytes a second in and out while a game runs, 0 is unlimited.
    pub playing_limit: u64,
    /// Build a new version of a game that is here in the background.
    pub fetch_ahead: bool,
    /// A new identity was made not long ago: until then no other one is, whoever asks for it.
    pub identity_rests_until: Option<Instant>,
}

/// What a peer stored in another games folder that is taken into use.
#[derive(Clone, Debug, Default)]
pub struct FolderState {
    /// Counts where no organiser was chosen here.
    pub pinned: Option<OrganiserKey>,
    /// Counts where it is newer, by the key that counts.
    pub signed: Option<Arc<SignedCatalog>>,
    /// Count before those chosen here: the payloads they were chosen for lie in that folder.
    pub accepted: BTreeMap<GameId, (Version, ManifestId)>,
    /// Takes the place of this one: parts of downloads lie in their folder.
    pub queue: Vec<QueuedDownload>,
}

/// A download that waits: stored, so that it survives a restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuedDownload {
    pub game: GameId,
    pub paused: bool,
    /// What follows it.
    #[serde(default)]
    pub purpose: Purpose,
    /// It waits because it failed.
    #[serde(default)]
    pub failure: Option<FailureView>,
    /// What was here when it last stood still.
    #[serde(default)]
    pub held: Option<Held>,
}
