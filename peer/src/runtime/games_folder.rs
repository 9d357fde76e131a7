//! The games folder: whether a folder can be it, and the one that is in use ([`Disk`]).

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lanspread_engine::{Background, DiskFailure, FailureKind, Payload, ScannedGame};
use lanspread_protocol::{GameId, Manifest, ManifestId, SignedCatalog};
use thiserror::Error;

use super::state::PeerState;
use super::supervisor::Supervisor;
use crate::disk::hash::Selection;
use crate::disk::{
    self, Cancel, DiskError, Fingerprint, FolderLock, GamesFolder, Gate, Index, IndexEntry, ManifestStore,
    PayloadReader, Progress, catalog_file,
};
use crate::transaction::Known;

/// Why it cannot.
#[derive(Debug, Error)]
pub enum GamesFolderError {
    #[error("the games folder “{}” is no folder", .0.display())]
    NoFolder(PathBuf),
    /// Never made, deleted, or on a drive that is not plugged in.
    #[error("the games folder “{}” does not exist", .0.display())]
    Gone(PathBuf),
    #[error("the games folder “{}” cannot be written: {cause}", .folder.display())]
    NotWritable {
        folder: PathBuf,
        #[source]
        cause: io::Error,
    },
}

impl From<GamesFolderError> for DiskFailure {
    fn from(error: GamesFolderError) -> Self {
        Self { kind: FailureKind::Io, message: error.to_string() }
    }
}

/// Tries whether it is there and can be written.
pub(super) fn check(root: &Path) -> Result<(), GamesFolderError> {
    if root.is_file() {
        return Err(GamesFolderError::NoFolder(root.to_owned()));
    }
    if !root.is_dir() {
        return Err(GamesFolderError::Gone(root.to_owned()));
    }
    let state = GamesFolder::new(root).state();
    let probe = state.join("write-test");
    let tried = std::fs::create_dir_all(&state)
        .and_then(|()| std::fs::write(&probe, b""))
        .and_then(|()| std::fs::remove_file(&probe));
    tried.map_err(|cause| GamesFolderError::NotWritable { folder: root.to_owned(), cause })
}

/// How long a locked folder is tried again: it may be the one that this program left a moment ago.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);
const LOCK_PAUSE: Duration = Duration::from_millis(50);

fn acquire(games: &GamesFolder) -> Result<FolderLock, DiskError> {
    let deadline = Instant::now() + LOCK_PATIENCE;
    loop {
        match FolderLock::acquire(games) {
            Err(DiskError::Locked { .. }) if Instant::now() < deadline => std::thread::sleep(LOCK_PAUSE),
            acquired => return acquired,
        }
    }
}

/// One games folder in use, by this program alone.
#[derive(Debug)]
pub(super) struct Disk {
    pub(super) games: GamesFolder,
    pub(super) index: Index,
    pub(super) manifests: ManifestStore,
    _lock: FolderLock,
    readers: Mutex<BTreeMap<GameId, (ManifestId, Arc<PayloadReader>)>>,
    /// Another folder is in use: results of this one are dropped.
    retired: AtomicBool,
    /// Ends hashing and the like at its next step.
    pub(super) cancel: Cancel,
    /// Ends hashing that nobody asked for, and lets it rest while a game runs.
    pub(super) background: Cancel,
    gate: Arc<Gate>,
    rests: AtomicBool,
    /// The newest state that was not written yet.
    unsaved: Mutex<Option<PeerState>>,
    saving: Mutex<()>,
}

impl Disk {
    /// Takes a games folder into use: locked, its index loaded, unfinished transactions recovered.
    pub(super) fn open(root: PathBuf) -> Result<Self, DiskError> {
        let games = GamesFolder::new(root);
        let lock = acquire(&games)?;
        let index = Index::load(&games)?;
        crate::transaction::recover_all(&games)?;
        // Of games that were deleted while nobody looked. Where the folder cannot be listed, the scan says why.
        if let Ok(here) = disk::list_games(&games) {
            index.retain(|game| here.binary_search(game).is_ok())?;
        }
        let (cancel, gate) = (Cancel::new(), Arc::<Gate>::default());
        Ok(Self {
            manifests: ManifestStore::new(games.clone()),
            games,
            index,
            _lock: lock,
            readers: Mutex::default(),
            retired: AtomicBool::new(false),
            background: cancel.child_behind(&gate),
            cancel,
            gate,
            rests: AtomicBool::new(false),
            unsaved: Mutex::default(),
            saving: Mutex::default(),
        })
    }

    /// Ends hashing and the like at its next step.
    pub(super) fn cancel(&self) {
        self.cancel.cancel();
    }

    /// Work that nobody asked for goes on, or rests.
    pub(super) fn set_background(&self, background: Background) {
        self.rests.store(background == Background::Rests, Ordering::Release);
        match background {
            Background::Works => self.gate.open(),
            Background::Rests => self.gate.close(),
        }
    }

    pub(super) fn rests(&self) -> bool {
        self.rests.load(Ordering::Acquire)
    }

    /// Another folder takes its place: work on this one ends, so that its lock does.
    pub(super) fn retire(&self) {
        self.retired.store(true, Ordering::Release);
        self.cancel();
    }

    /// Stores the newest catalog, unless the folder holds a newer one of the same organiser.
    pub(super) fn store_catalog(&self, catalog: &SignedCatalog) {
        let _turn = lock(&self.saving);
        let is_older = |stored: &SignedCatalog| {
            stored.head.key == catalog.head.key && !catalog.head.is_newer_than(&stored.head)
        };
        if catalog_file::load_newest(&self.games).as_ref().is_some_and(is_older) {
            return;
        }
        if let Err(error) = catalog_file::store_newest(&self.games, catalog) {
            tracing::warn!(%error, "the new catalog is in force, but could not be stored");
        }
    }

    /// Without one, a full disk cannot be freed by an uninstall.
    pub(super) fn keep_reserve(&self) {
        if let Err(error) = disk::reserve::keep(&self.games) {
            tracing::debug!(%error, "there is no reserve for a full disk");
        }
    }

    /// Removes manifests that neither a catalog, nor a choice, nor a payload here refers to, but for a few.
    pub(super) fn tidy_manifests(&self, needed: &BTreeSet<ManifestId>) {
        let entries = self.index.entries();
        let hashed: BTreeSet<ManifestId> = entries.values().filter_map(|entry| entry.manifest).collect();
        if let Err(error) = self.manifests.tidy(|id| needed.contains(&id) || hashed.contains(&id)) {
            tracing::warn!(%error, "manifests that nobody needs stay");
        }
    }

    pub(super) fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Acquire)
    }

    /// The manifest that a game's payload had when it was last hashed, or else the given one.
    pub(super) fn known_manifest(
        &self,
        game: &GameId,
        accepted: Option<ManifestId>,
    ) -> Option<Arc<Manifest>> {
        let hashed = self.index.get(game).and_then(|entry| entry.manifest);
        let load = |id| self.manifests.get(id).ok().flatten();
        let beside = || disk::manifests::read_beside(&self.games.game(game)).map(Arc::new);
        hashed.and_then(load).or_else(|| accepted.and_then(load)).or_else(beside)
    }

    /// The manifest of the payload as it is now, as far as that is known. What the index says counts while nothing has
    /// changed since: a recovery, or a publish without this peer, puts another payload there behind the index, with its
    /// manifest beside it.
    pub(super) fn payload_manifest(
        &self,
        game: &GameId,
        accepted: Option<ManifestId>,
    ) -> Result<Option<Arc<Manifest>>, DiskError> {
        let folder = self.games.game(game);
        let entry = self.index.get(game);
        let hashed = entry.as_ref().and_then(|entry| self.manifests.get(entry.manifest?).ok().flatten());
        if let (Some(entry), Some(hashed)) = (entry, hashed) {
            let scan = disk::scan_game(&folder, game, Some(&hashed), &self.cancel)?;
            if scan.fingerprint == entry.fingerprint {
                return Ok(Some(hashed));
            }
        }
        let sentinel = disk::scan::read_sentinel(&folder)?.unwrap_or_default();
        let beside = disk::manifests::read_beside(&folder);
        let beside = beside.filter(|beside| disk::scan::is_sentinel_of(&sentinel, beside));
        Ok(beside.map(Arc::new).or_else(|| self.known_manifest(game, accepted)))
    }

    /// Returns what is known of a game's files beside what its folder says; `named` is the manifest that the catalog names.
    pub(super) fn known_files(&self, game: &GameId, named: Option<ManifestId>) -> Result<Known, DiskError> {
        let named = named.map_or(Ok(None), |id| self.manifests.get(id))?;
        let mut known = Known { named: named.into_iter().collect(), proven: None };
        if let Some(entry) = self.index.get(game)
            && let Some(hashed) = entry.manifest.map_or(Ok(None), |id| self.manifests.get(id))?
        {
            let scan = disk::scan_game(&self.games.game(game), game, Some(&hashed), &self.cancel)?;
            known.proven = (scan.fingerprint == entry.fingerprint).then(|| hashed.id());
        }
        Ok(known)
    }

    pub(super) fn scan(
        &self,
        game: &GameId,
        accepted: Option<ManifestId>,
    ) -> Result<Option<ScannedGame>, DiskError> {
        let known = self.known_manifest(game, accepted);
        let scan = disk::scan_game(&self.games.game(game), game, known.as_deref(), &self.cancel)?;
        if scan.is_empty() {
            self.index.update(game, None)?;
            return Ok(None);
        }
        let entry = self.index.get(game).filter(|entry| entry.fingerprint == scan.fingerprint);
        let payload = entry.and_then(|entry| entry.manifest).map_or(Payload::Unknown, Payload::Hashed);
        Ok(Some(engine_scan(&scan, payload)))
    }

    pub(super) fn hash(
        &self,
        game: &GameId,
        accepted: Option<ManifestId>,
        cancel: &Cancel,
        progress: &Progress,
    ) -> Result<ManifestId, DiskError> {
        let folder = self.games.game(game);
        let known = accepted.and_then(|id| self.manifests.get(id).ok().flatten());
        let selection = known.as_deref().map_or(Selection::All, Selection::Of);
        let hashed = disk::hash_payload(folder.root(), selection, cancel, progress)?;
        let manifest = self.manifests.put(hashed.manifest)?;
        self.learn_payload(game, &manifest)?;
        Ok(manifest.id())
    }

    /// The payload was just proven to be this manifest's: the index says so from now on.
    pub(super) fn learn_payload(
        &self,
        game: &GameId,
        manifest: &Arc<Manifest>,
    ) -> Result<ScannedGame, DiskError> {
        self.forget_reader(game);
        if self.manifests.get(manifest.id())?.is_none() {
            self.manifests.put(Manifest::clone(manifest))?;
        }
        let scan = disk::scan_game(&self.games.game(game), game, Some(manifest), &Cancel::new())?;
        let entry = IndexEntry {
            fingerprint: scan.fingerprint,
            version: scan.sentinel.clone(),
            manifest: Some(manifest.id()),
            bytes: scan.bytes,
            files: scan.files as u64,
        };
        self.index.update(game, Some(entry))?;
        Ok(engine_scan(&scan, Payload::Hashed(manifest.id())))
    }

    pub(super) fn forget_reader(&self, game: &GameId) {
        lock(&self.readers).remove(game);
    }

    /// A reader of a complete payload, kept for the next request. `None` if its manifest is not here.
    pub(super) fn reader(
        &self,
        game: &GameId,
        id: ManifestId,
    ) -> Result<Option<Arc<PayloadReader>>, DiskError> {
        if let Some((_, reader)) = lock(&self.readers).get(game).filter(|(known, _)| *known == id) {
            return Ok(Some(Arc::clone(reader)));
        }
        let Some(manifest) = self.manifests.get(id)? else { return Ok(None) };
        let folder = self.games.game(game);
        // The files must still be what was hashed; from here on the reader watches them.
        let Some(hashed) = self.index.get(game).filter(|entry| entry.manifest == Some(id)) else {
            return Err(DiskError::Changed { path: folder.root().to_owned() });
        };
        let reader =
            PayloadReader::open(folder, Arc::clone(&manifest), Some(hashed.fingerprint), &Cancel::new())?;
        let reader = Arc::new(reader);
        lock(&self.readers).insert(game.clone(), (id, Arc::clone(&reader)));
        Ok(Some(reader))
    }

    /// Writes the newest state, once for many changes in a row.
    pub(super) fn save_state_later(self: &Arc<Self>, supervisor: &Supervisor, state: PeerState) {
        *lock(&self.unsaved) = Some(state);
        let this = Arc::clone(self);
        let save = move || {
            let _turn = lock(&this.saving);
            let Some(state) = lock(&this.unsaved).take() else { return };
            if let Err(error) = state.save(&this.games) {
                tracing::warn!(%error, "the peer's state could not be stored");
            }
        };
        drop(supervisor.blocking("save state", save));
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The scan as the engine sees it. Eight bytes of the fingerprint tell two states of one game apart well enough.
fn engine_scan(scan: &disk::ScannedGame, payload: Payload) -> ScannedGame {
    ScannedGame {
        version: scan.sentinel.clone(),
        has_local: scan.has_local,
        installed: scan.installed.clone(),
        has_files: scan.files > 0 || scan.is_unfinished,
        bytes: scan.bytes,
        fingerprint: short(&scan.fingerprint),
        payload,
    }
}

fn short(fingerprint: &Fingerprint) -> u64 {
    fingerprint.0.0.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}
