//! What a peer remembers between runs besides its index: `<games>/.lanspread/state.ron`, written atomically.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

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
    /// When this PC last made a new identity because another one had its own: seconds since 1970.
    pub(crate) identity_renewed: Option<u64>,
}

/// Between two new identities. Any peer can say that this one's is taken.
const IDENTITY_REST: Duration = Duration::from_hours(1);

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

    /// A new identity was made just now.
    pub(crate) fn note_renewal(&mut self, now: SystemTime) {
        self.identity_renewed = now.duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs());
    }

    /// How long no other identity is made. A renewal in the future tells of a clock that was wrong, then or now.
    pub(crate) fn identity_rest(&self, now: SystemTime) -> Option<Duration> {
        let renewed = UNIX_EPOCH.checked_add(Duration::from_secs(self.identity_renewed?))?;
        let passed = now.duration_since(renewed).ok()?;
        IDENTITY_REST.checked_sub(passed).filter(|rest| !rest.is_zero())
    }

    pub(crate) fn save(&self, games: &GamesFolder) -> Result<(), DiskError> {
        // Plain maps and strings always have a text.
        let text = ron::ser::to_string_pretty(self, ron::ser::PrettyConfig::default()).unwrap_or_default();
        atomic::write(&games.state().join("state.ron"), text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_identity_rests_for_an_hour_by_a_sane_clock() {
        let mut state = PeerState::default();
        let noon = UNIX_EPOCH + Duration::from_hours(500_000);
        let minutes = |minutes| Duration::from_mins(minutes);
        assert_eq!(state.identity_rest(noon), None);
        state.note_renewal(noon);
        assert_eq!(state.identity_rest(noon + minutes(20)), Some(minutes(40)));
        assert_eq!(state.identity_rest(noon + minutes(60)), None);
        assert_eq!(state.identity_rest(noon - minutes(1)), None, "the clock was set back");
        state.identity_renewed = Some(u64::MAX);
        assert_eq!(state.identity_rest(noon), None);
    }
}
