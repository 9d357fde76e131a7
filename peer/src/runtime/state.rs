//! What a peer remembers between runs besides its index: `<games>/.lanspread/state.ron`, written atomically.

use std::collections::BTreeMap;
use std::fs;

use lanspread_engine::QueuedDownload;
use lanspread_protocol::{GameId, ManifestId, OrganiserKey, Version};
use serde::{Deserialize, Serialize};

use crate::disk::{DiskError, GamesFolder, atomic};

/// Small decisions of people, and of the engine for a catalog that leaves something open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct PeerState {
    /// The organiser whose catalogs are in force.
    pub(crate) pinned: Option<OrganiserKey>,
    /// Chosen manifests of games that the catalog does not pin, with the version each was chosen for.
    pub(crate) accepted: BTreeMap<GameId, (Version, ManifestId)>,
    /// Downloads that wait or ran.
    pub(crate) queue: Vec<QueuedDownload>,
}

impl PeerState {
    /// What an earlier run stored. A broken file is set aside, and said in the log: nothing in it cannot be made again.
    pub(crate) fn load(games: &GamesFolder) -> Self {
        let path = games.state().join("state.ron");
        let Ok(text) = fs::read_to_string(&path) else { return Self::default() };
        ron::from_str(&text).unwrap_or_else(|error| {
            tracing::warn!(path = %path.display(), %error, "the stored state is broken and set aside");
            if let Err(error) = fs::rename(&path, path.with_extension("broken")) {
                tracing::warn!(%error, "it could not be set aside");
            }
            Self::default()
        })
    }

    pub(crate) fn save(&self, games: &GamesFolder) -> Result<(), DiskError> {
        // Plain maps and strings always have a text.
        let text = ron::ser::to_string_pretty(self, ron::ser::PrettyConfig::default()).unwrap_or_default();
        atomic::write(&games.state().join("state.ron"), text.as_bytes())
    }
}
