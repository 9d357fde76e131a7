//! What a peer remembers between runs besides its index: `<games>/.lanspread/state.ron`, written atomically.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lanspread_engine::{FolderState, NoticeKind, QueuedDownload};
use lanspread_protocol::{GameId, ManifestId, OrganiserKey, SignedCatalog, Version};
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

/// What was stored, and what is to be told of it.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) state: PeerState,
    pub(crate) notice: Option<NoticeKind>,
}

/// Between two new identities. Any peer can say that this one's is taken.
const IDENTITY_REST: Duration = Duration::from_hours(1);

impl PeerState {
    /// What an earlier run stored. A file that cannot be used is set aside as `state.ron.broken`, and people are told
    /// by [`Loaded::notice`]: with it goes which organiser they trust.
    pub(crate) fn load(games: &GamesFolder) -> Loaded {
        let path = games.state().join("state.ron");
        let text = match fs::read(&path) {
            Ok(bytes) => String::from_utf8(bytes).map_err(|error| error.to_string()),
            Err(error) if atomic::is_absent(&error) => return Loaded::default(),
            Err(error) => Err(error.to_string()),
        };
        let why = match text.and_then(|text| ron::from_str(&text).map_err(|error| error.to_string())) {
            Ok(state) => return Loaded { state, notice: None },
            Err(why) => why,
        };
        let aside = games.state().join("state.ron.broken");
        let is_aside = fs::rename(&path, &aside);
        let path = path.display().to_string();
        let notice = match is_aside {
            Ok(()) => NoticeKind::StateSetAside { path, why, aside: aside.display().to_string() },
            Err(error) => NoticeKind::StateNotReadable { path, why, error: error.to_string() },
        };
        tracing::warn!("{notice}");
        Loaded { state: Self::default(), notice: Some(notice) }
    }

    /// What the engine is to know of another games folder's state.
    pub(crate) fn for_engine(&self, newest: Option<SignedCatalog>) -> FolderState {
        FolderState {
            pinned: self.pinned,
            signed: newest.map(Arc::new),
            accepted: self.accepted.clone(),
            queue: self.queue.clone(),
        }
    }

    /// Another games folder is in use, where this was stored: its queue and its choices count, and its organiser where
    /// none was chosen here. The identity stays this one's.
    pub(crate) fn move_into(&mut self, stored: Self) {
        self.pinned = self.pinned.or(stored.pinned);
        self.accepted.extend(stored.accepted);
        self.queue = stored.queue;
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
    use crate::disk::testing::Tree;

    #[test]
    fn a_file_that_cannot_be_used_is_set_aside_and_told() {
        let tree = Tree::new(&[("empty/.lanspread/x", b"")]);
        let loaded = PeerState::load(&GamesFolder::new(tree.path().join("empty")));
        assert_eq!((loaded.state, loaded.notice), (PeerState::default(), None));
        for broken in [b"(pinned: 7)".as_slice(), b"\xff\xfe", b""] {
            tree.put(".lanspread/state.ron", broken);
            let games = GamesFolder::new(tree.path());
            let loaded = PeerState::load(&games);
            assert_eq!(loaded.state, PeerState::default());
            assert!(loaded.notice.unwrap().to_string().contains("state.ron.broken"));
            assert_eq!(tree.get(".lanspread/state.ron.broken"), broken);
            let state = PeerState { identity_renewed: Some(7), ..PeerState::default() };
            state.save(&games).unwrap();
            assert_eq!(PeerState::load(&games).state, state);
        }
    }

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
