//! What is on this PC's disk, and what of it is offered.
//!
//! One scan per game at a time; what happens during it asks for exactly one more. A payload is hashed when it could be
//! offered: its sentinel says the expected version. Offers follow from the library, the catalog and the operation
//! table, and are recomputed whenever one of them changes: an offer that should not be there cannot linger.

mod offered;

use std::collections::{BTreeMap, BTreeSet};

use lanspread_protocol::message::OfferState;
use lanspread_protocol::{GameId, ManifestId};
use serde::Serialize;

use crate::command::{Answer, CommandError};
use crate::config::FolderState;
use crate::effect::Effect;
use crate::engine::Engine;
use crate::event::{Event, StateEntry};
use crate::ids::{ConnId, ReplyId};
use crate::input::{DiskFailure, Payload, ScannedGame};

/// A local game as the headless contract names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LocalState {
    /// The expected payload.
    Downloaded,
    /// The expected payload and `local/`.
    Installed,
    /// `local/` without a payload.
    LocalOnly,
    /// Files without a sentinel.
    Incomplete,
    NotInCatalog,
    WrongVersion,
    /// The right version with other files than the accepted manifest's.
    Modified,
}

#[derive(Debug, Default)]
pub(crate) struct Library {
    games: BTreeMap<GameId, LocalGame>,
    /// Grows when the library changes.
    revision: u64,
    scans: BTreeMap<GameId, Scan>,
    hashing: BTreeMap<GameId, u64>,
    /// The first listing has come.
    listed: bool,
    /// What others were told, without the units of partial offers.
    offered: BTreeMap<GameId, OfferState>,
    offers_revision: u64,
    stale_offers: BTreeSet<GameId>,
    /// Games that an operation or another folder may have changed since their last scan: neither offered nor served
    /// before the next.
    unsure: BTreeSet<GameId>,
    /// Games of which another folder may hold something else: not served before their next scan.
    moved: BTreeSet<GameId>,
    /// Entries as subscribers were last told.
    told: Vec<StateEntry>,
    /// A changed games folder is told even if nothing else changed.
    must_tell: bool,
}

/// A game on disk: what the last scan saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LocalGame {
    pub(crate) scan: ScannedGame,
}

/// What the removal of a payload leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// `local/`, if there was one.
    Installed,
    Nothing,
}

/// A scan under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scan {
    Running,
    /// Something happened since it began: one more follows.
    RunningAndStale,
}

impl LocalGame {
    pub(crate) fn manifest(&self) -> Option<ManifestId> {
        match self.scan.payload {
            Payload::Hashed(manifest) => Some(manifest),
            Payload::Unknown | Payload::Damaged => None,
        }
    }
}

impl Library {
    pub(crate) fn game(&self, id: &GameId) -> Option<&LocalGame> {
        self.games.get(id)
    }

    pub(crate) fn games(&self) -> &BTreeMap<GameId, LocalGame> {
        &self.games
    }

    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// For [`Engine::check_invariants`], which only debug builds have.
    #[cfg(debug_assertions)]
    pub(crate) fn offered(&self) -> &BTreeMap<GameId, OfferState> {
        &self.offered
    }

    /// All games were listed and scanned.
    pub(crate) fn is_scanned(&self) -> bool {
        self.listed && self.scans.is_empty()
    }

    /// All games were listed and scanned, and hashed as far as they are offered.
    pub(crate) fn is_settled(&self) -> bool {
        self.listed && self.scans.is_empty() && self.hashing.is_empty()
    }
}

impl Engine {
    pub(crate) fn list_games(&mut self) {
        self.push(Effect::ListGames);
    }

    pub(crate) fn games_listed(&mut self, found: Vec<GameId>) {
        self.library.listed = true;
        // In an empty folder no scan follows.
        self.operations.look_again();
        let known: BTreeSet<GameId> = self.library.games.keys().cloned().chain(found).collect();
        for game in known {
            self.touch(&game);
        }
        self.batch().library = true;
    }

    /// Something in a game's folder may have changed.
    pub(crate) fn touch(&mut self, game: &GameId) {
        if self.operations.changes_disk(game) {
            // The end of the operation scans.
            return;
        }
        match self.library.scans.get_mut(game) {
            Some(scan) => *scan = Scan::RunningAndStale,
            None => {
                self.library.scans.insert(game.clone(), Scan::Running);
                let manifest = self.authority.accepted(game);
                self.push(Effect::Scan { game: game.clone(), manifest });
            }
        }
    }

    pub(crate) fn scanned(&mut self, game: &GameId, found: Option<ScannedGame>) {
        let was_stale = self.library.scans.remove(game) == Some(Scan::RunningAndStale);
        if was_stale {
            return self.touch(game);
        }
        self.operations.look_again();
        if self.operations.changes_disk(game) {
            // The index keeps an active game's last entry.
            return;
        }
        self.library.moved.remove(game);
        if self.library.unsure.remove(game) {
            self.refresh_offer(game);
        }
        let mut found = found.map(|scan| LocalGame { scan });
        if let (Some(found), Some(old)) = (&mut found, self.library.games.get(game)) {
            // A scan does not read contents: what is known to be damaged stays so until something changes.
            let is_same = found.scan.fingerprint == old.scan.fingerprint;
            if is_same && old.scan.payload == Payload::Damaged {
                found.scan.payload = Payload::Damaged;
            }
        }
        if self.library.games.get(game) != found.as_ref() {
            match found {
                Some(found) => self.library.games.insert(game.clone(), found),
                None => self.library.games.remove(game),
            };
            self.library_changed(game);
        }
        self.hash_if_needed(game);
        self.fetch_ahead_if_due(game);
        self.measure_update_if_due(game);
        self.batch().library = true;
    }

    /// Hashes a payload that could be offered if its manifest were known.
    pub(crate) fn hash_if_needed(&mut self, game: &GameId) {
        let Some(local) = self.library.games.get(game) else { return };
        let fingerprint = local.scan.fingerprint;
        let is_expected =
            local.scan.version.is_some() && local.scan.version.as_ref() == self.authority.expected(game);
        let is_open = local.scan.payload == Payload::Unknown && !self.library.hashing.contains_key(game);
        if is_expected && is_open && !self.operations.changes_disk(game) {
            self.library.hashing.insert(game.clone(), fingerprint);
            let manifest = self.authority.accepted(game);
            self.push(Effect::Hash { game: game.clone(), fingerprint, manifest });
        }
    }

    pub(crate) fn hashed(&mut self, game: &GameId, fingerprint: u64, manifest: Option<ManifestId>) {
        if self.library.hashing.get(game) == Some(&fingerprint) {
            self.library.hashing.remove(game);
        }
        self.batch().library = true;
        self.operations.look_again();
        let Some(local) = self.library.games.get_mut(game) else { return };
        if local.scan.fingerprint != fingerprint {
            return self.hash_if_needed(game);
        }
        match manifest {
            Some(manifest) => {
                local.scan.payload = Payload::Hashed(manifest);
                self.library_changed(game);
            }
            None => {
                // Files are missing or cannot be read, or it changes just now: then a scan sees another fingerprint.
                local.scan.payload = Payload::Damaged;
                self.library_changed(game);
                self.touch(game);
            }
        }
    }

    fn library_changed(&mut self, game: &GameId) {
        self.batch().library = true;
        self.refresh_offer(game);
    }

    /// The catalog says something new of a game.
    pub(crate) fn catalog_entry_changed(&mut self, game: &GameId) {
        self.refresh_offer(game);
        self.touch(game);
        self.batch().library = true;
        self.download_expectation_changed(game);
    }

    /// Verifying found what the payload really is: the index must not claim more.
    pub(crate) fn note_damage(&mut self, game: &GameId, is_damaged: bool) {
        if let (true, Some(local)) = (is_damaged, self.library.games.get_mut(game)) {
            local.scan.payload = Payload::Damaged;
            self.library_changed(game);
        }
    }

    /// An operation left this on disk.
    pub(crate) fn replace_local(&mut self, game: &GameId, scan: ScannedGame) {
        self.library.games.insert(game.clone(), LocalGame { scan });
        self.library.unsure.remove(game);
        self.library_changed(game);
    }

    /// `local/` was made out of the payload, or is gone: known at once, and confirmed by the scan under way.
    pub(crate) fn note_installed(&mut self, game: &GameId, is_installed: bool) {
        if let Some(local) = self.library.games.get_mut(game) {
            local.scan.has_local = is_installed;
            local.scan.installed = local.scan.version.clone().filter(|_| is_installed);
            self.library_changed(game);
        }
    }

    /// Its files may have changed: what the last scan saw is offered again when a new one confirms it.
    pub(crate) fn doubt(&mut self, game: &GameId) {
        self.library.unsure.insert(game.clone());
        self.refresh_offer(game);
    }

    /// Its payload was removed; the scan under way says what else is left.
    pub(crate) fn note_removed(&mut self, game: &GameId, left: Left) {
        let games = &mut self.library.games;
        match (left, games.get_mut(game)) {
            (Left::Installed, Some(LocalGame { scan })) if scan.has_local => {
                scan.version = None;
                (scan.has_files, scan.bytes, scan.payload) = (false, 0, Payload::Unknown);
            }
            (Left::Installed | Left::Nothing, _) => drop(games.remove(game)),
        }
        self.library_changed(game);
    }

    /// A game's state for people.
    pub(crate) fn local_state(&self, game: &GameId) -> Option<LocalState> {
        let local = self.library.games.get(game)?;
        let Some(entry) = self.authority.game(game) else { return Some(LocalState::NotInCatalog) };
        let Some(version) = &local.scan.version else {
            return match (local.scan.has_local, local.scan.has_files) {
                (true, false) => Some(LocalState::LocalOnly),
                (_, true) => Some(LocalState::Incomplete),
                (false, false) => None,
            };
        };
        if entry.version.as_ref().is_some_and(|expected| expected != version) {
            return Some(LocalState::WrongVersion);
        }
        let is_other = |accepted| local.manifest().is_some_and(|manifest| manifest != accepted);
        if local.scan.payload == Payload::Damaged || self.authority.accepted(game).is_some_and(is_other) {
            return Some(LocalState::Modified);
        }
        Some(if local.scan.has_local { LocalState::Installed } else { LocalState::Downloaded })
    }

    pub(crate) fn library_entries(&self) -> Vec<StateEntry> {
        let entry = |(id, local): (&GameId, &LocalGame)| {
            let state = self.local_state(id)?;
            Some(StateEntry {
                id: id.clone(),
                version: local.scan.version.clone(),
                state,
                bytes: local.scan.bytes,
            })
        };
        self.library.games.iter().filter_map(entry).collect()
    }

    /// A change that comes alone need not wait for others: after a pause the event is told as soon as nothing is being
    /// scanned.
    pub(crate) fn tell_library_at_once(&mut self) {
        let is_pause =
            self.batches.library_told.is_none_or(|told| told + crate::engine::BATCH_INTERVAL <= self.now);
        if self.batches.library && is_pause && self.library.is_scanned() {
            self.batches.library = false;
            self.tell_library();
        }
    }

    /// The library event, if there is something to tell and the scans that are under way are done.
    pub(crate) fn tell_library(&mut self) {
        let is_taking_in = self.library.must_tell && !self.library.is_settled();
        if !self.library.is_scanned() || is_taking_in {
            // The scans' ends ask for it again.
            return;
        }
        let games = self.library_entries();
        let is_equal = games == self.library.told;
        if !is_equal || self.library.must_tell {
            self.library.must_tell = false;
            self.library.revision += u64::from(!is_equal);
            self.library.told.clone_from(&games);
            let revision = self.library.revision;
            self.batches.library_told = Some(self.now);
            self.emit(Event::LocalLibraryChanged { revision, games });
        }
    }

    /// Another games folder is in use. The event is due even if the library is equal; nothing is sent to peers then.
    pub(crate) fn games_folder_switched(
        &mut self,
        reply: ReplyId,
        result: Result<Option<Box<FolderState>>, DiskFailure>,
    ) {
        let refusal = |failure: DiskFailure| CommandError::new(failure.kind.code(), failure.message);
        let result = result.map_err(refusal).map(|stored| {
            if let Some(stored) = stored {
                self.operations.replace_queue(&stored.queue);
                self.take_in_authority(*stored);
            }
        });
        if result.is_ok() {
            self.library.must_tell = true;
            self.library.listed = false;
            // Their results, of the old folder, are dropped by the shell.
            self.library.scans.clear();
            self.library.hashing.clear();
            self.library.moved = self.library.games.keys().cloned().collect();
            self.list_games();
            // They are stored in the old folder.
            self.cancel_covers(|_| true);
            self.look_for_covers();
        }
        self.operations.folder_switch_ended();
        self.push(Effect::Reply { reply, result: result.map(|()| Answer::Done) });
    }

    /// Another peer says that what this one sent was wrong: the payload is hashed again.
    pub(crate) fn told_of_damage(&mut self, conn: ConnId, game: &GameId, manifest: ManifestId) {
        let is_offered = self.servable(game).is_some_and(|(_, offered)| offered == manifest);
        let Some(address) = self.roster.ip_of(conn) else { return };
        if is_offered && !self.roster.false_alarms.contains(&address) {
            self.check_damage(game, address);
        }
    }

    /// Its files are where the last scan saw them, as far as is known.
    pub(crate) fn is_in_place(&self, game: &GameId) -> bool {
        !self.library.moved.contains(game)
    }

    /// What is on disk of a game is known, or that nothing is.
    pub(crate) fn is_known(&self, game: &GameId) -> bool {
        let library = &self.library;
        let is_open = library.hashing.contains_key(game) || library.unsure.contains(game);
        library.is_settled() || (library.games.contains_key(game) && !is_open)
    }
}
