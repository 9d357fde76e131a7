//! Work on the games folder: listing, scanning, hashing, verifying, removing, publishing; and moving to another one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};

use lanspread_engine::{
    CommandError, ConnId, DiskFailure, ErrorCode, Event, FailureKind, Input, Level, NoticeKind, OpId,
    ReplyId, ScannedGame, VerifyOutcome,
};
use lanspread_protocol::{GameId, ManifestId};
use tokio::sync::{Semaphore, mpsc};

use super::catalogs;
use super::effects::{Shell, disk_failure, failed_inside, failure_kind, tell};
use super::games_folder::{self, Disk, lock};
use super::manifests;
use super::state::{Loaded, PeerState};
use super::works::Work;
use crate::api::{PeerEvent, PublishRequest};
use crate::disk::{self, DiskError, Progress, catalog_file};
use crate::publish::PublishError;

/// Scans at once: enough to keep a disk busy, few enough not to thrash a hard disk.
const SCANS_AT_ONCE: usize = 4;

/// What the shell keeps for work on the library.
#[derive(Debug)]
pub(super) struct Library {
    scans: Arc<Semaphore>,
    hashes: Arc<Semaphore>,
    /// Updates are measured one at a time: games come before their sizes.
    pub(super) measures: Arc<Semaphore>,
    /// What is to be published, until the engine says when.
    publishing: BTreeMap<GameId, PublishRequest>,
    pub(super) events: mpsc::Sender<PeerEvent>,
    /// Watches the games folder; replaced when that changes.
    watch: Option<disk::FolderWatcher>,
}

impl Library {
    pub(super) fn new(events: mpsc::Sender<PeerEvent>) -> Self {
        Self {
            scans: Arc::new(Semaphore::new(SCANS_AT_ONCE)),
            hashes: Arc::new(Semaphore::new(1)),
            measures: Arc::new(Semaphore::new(1)),
            publishing: BTreeMap::new(),
            events,
            watch: None,
        }
    }

    pub(super) fn hold_publish(&mut self, request: PublishRequest) -> Result<(), CommandError> {
        let game = request.game.id.clone();
        if self.publishing.contains_key(&game) {
            return Err(CommandError::new(ErrorCode::Busy, format!("{game} is being published already")));
        }
        self.publishing.insert(game, request);
        Ok(())
    }

    /// The engine refused it.
    pub(super) fn drop_publish(&mut self, game: &GameId) {
        self.publishing.remove(game);
    }
}

impl Shell {
    pub(super) fn list_games(&self) {
        let disk = Arc::clone(&self.disk);
        let list = move || match disk::list_games(&disk.games) {
            _ if disk.is_retired() => None,
            Ok(games) => Some(Input::GamesListed(games)),
            Err(error) => {
                tracing::error!(%error, "the games folder cannot be read");
                Some(Input::GamesListed(Vec::new()))
            }
        };
        // Commands wait for the first list: a lost one is an empty one.
        self.blocking_input("list games", list, |_| Some(Input::GamesListed(Vec::new())));
    }

    pub(super) fn scan(&self, game: GameId, manifest: Option<ManifestId>) {
        let (disk, inputs) = (Arc::clone(&self.disk), self.inputs.clone());
        let slots = Arc::clone(&self.library.scans);
        let task = async move {
            let _slot = slots.acquire_owned().await;
            let (scanned, of) = (Arc::clone(&disk), game.clone());
            let found = tokio::task::spawn_blocking(move || scanned.scan(&of, manifest)).await;
            let found = match found {
                Ok(Ok(found)) => found,
                Ok(Err(error)) => {
                    tracing::warn!(%game, %error, "a game's folder cannot be scanned");
                    None
                }
                Err(error) => {
                    tracing::error!(%game, %error, "a scan panicked");
                    None
                }
            };
            if !disk.is_retired() {
                tell(&inputs, Input::Scanned { game, found }).await;
            }
        };
        drop(self.supervisor.task("scan", task));
    }

    pub(super) fn hash(&self, game: GameId, fingerprint: u64, manifest: Option<ManifestId>) {
        let (disk, inputs) = (Arc::clone(&self.disk), self.inputs.clone());
        let slots = Arc::clone(&self.library.hashes);
        let task = async move {
            let _slot = slots.acquire_owned().await;
            let (hashed, of) = (Arc::clone(&disk), game.clone());
            let manifest = tokio::task::spawn_blocking(move || {
                hashed.hash(&of, manifest, &hashed.background, &Progress::new())
            })
            .await;
            let manifest = match manifest {
                Ok(Ok(manifest)) => Some(manifest),
                Ok(Err(error)) => {
                    tracing::warn!(%game, %error, "a payload cannot be hashed");
                    None
                }
                Err(error) => {
                    tracing::error!(%game, %error, "hashing panicked");
                    None
                }
            };
            if !disk.is_retired() {
                tell(&inputs, Input::Hashed { game, fingerprint, manifest }).await;
            }
        };
        drop(self.supervisor.task("hash", task));
    }

    pub(super) fn verify(&mut self, op: OpId, game: GameId, id: ManifestId, from: Vec<ConnId>) {
        let work = self.works.begin(op, &self.disk.cancel);
        let (disk, net, token) = (Arc::clone(&self.disk), self.net.clone(), self.token.child_token());
        let task = async move {
            let weak = Arc::downgrade(&disk);
            tokio::select! {
                () = work.token.cancelled() => {}
                // Without it, verifying says what it lacks.
                _ = manifests::has_manifest(&net, &weak, id, from, &token) => {}
            }
            let verify = move || verify(&disk, &game, id, &work);
            let result = tokio::task::spawn_blocking(verify).await;
            let result = result.unwrap_or_else(|end| Err(failed_inside("verify", end)));
            Input::Verified { op, result }
        };
        self.input_task("verify", task, move |failure| Input::Verified { op, result: Err(failure) });
    }

    pub(super) fn publish(&mut self, op: OpId, game: &GameId) {
        let lost = move |failure| Input::Published { op, result: Err(failure) };
        let Some(request) = self.library.publishing.remove(game) else {
            let message = format!("{game}: what is to be published is not known any more");
            return self.tell_later("publish", lost(DiskFailure { kind: FailureKind::Io, message }));
        };
        let disk = Arc::clone(&self.disk);
        let work = self.works.begin(op, &disk.cancel);
        let (events, inputs, catalogs) =
            (self.library.events.clone(), self.inputs.clone(), self.catalogs.clone());
        let pinned = self.state.pinned;
        let held = self.newest_catalog.as_ref().map(|catalog| catalog.head.key);
        let path = request.catalog.clone();
        let publish = move || {
            let (published, scan) = publish(&disk, &request, &work)?;
            Ok((published, scan, catalogs.after_publish(&request.catalog, pinned, held)))
        };
        let task = async move {
            let published = tokio::task::spawn_blocking(publish).await;
            let result = match published.unwrap_or_else(|end| Err(failed_inside("publish", end))) {
                Ok((published, scan, after)) => {
                    if let Some(given) = after.given {
                        tell(&inputs, Input::CatalogGiven(given)).await;
                    }
                    let elsewhere = (!after.is_in_force).then(|| published_elsewhere(&published.game, &path));
                    for event in elsewhere.into_iter().chain([PeerEvent::Published(published.clone())]) {
                        if events.send(event).await.is_err() {
                            tracing::trace!("the loop has ended");
                        }
                    }
                    Ok(scan)
                }
                Err(failure) => Err(failure),
            };
            Input::Published { op, result }
        };
        self.input_task("publish", task, lost);
    }

    pub(super) fn watch_games(&mut self) {
        self.library.watch = watch(&self.disk, &self.inputs);
    }

    /// At the start, and when another catalog is in force.
    pub(super) fn tidy_manifests(&self) {
        let newest = self.newest_catalog.iter().flat_map(|signed| catalogs::manifests(&signed.catalog));
        let chosen = self.state.accepted.values().map(|(_, manifest)| *manifest);
        let needed: BTreeSet<ManifestId> =
            newest.chain(chosen).chain(self.catalogs.given_manifests()).collect();
        let disk = Arc::clone(&self.disk);
        drop(self.supervisor.blocking("tidy manifests", move || disk.tidy_manifests(&needed)));
    }

    /// For each games folder that is taken into use.
    pub(super) fn keep_reserve(&self) {
        let disk = Arc::clone(&self.disk);
        drop(self.supervisor.blocking("keep a reserve", move || disk.keep_reserve()));
    }

    /// Opens another games folder; identity and connections stay. Opening may recover a transaction, so the loop does
    /// not wait for it.
    pub(super) fn switch_games_folder(&mut self, reply: ReplyId) {
        let switched = move |result| Some(Input::GamesFolderSwitched { reply, result });
        let (old, root) = (Arc::clone(&self.disk), self.next_games_folder.take());
        let (inputs, opened) = (self.inputs.clone(), Arc::clone(&self.opened_folder));
        let open = move || {
            let Some(root) = root.filter(|root| !is_same_folder(root, old.games.root())) else {
                return switched(Ok(None));
            };
            switched(open_folder(&root).map(|disk| {
                let disk = Arc::new(disk);
                let watch = watch(&disk, &inputs);
                let stored = PeerState::load(&disk.games);
                let for_engine = stored.state.for_engine(catalog_file::load_newest(&disk.games));
                *lock(&opened) = Some(NewFolder { disk, watch, stored });
                old.retire();
                Some(Box::new(for_engine))
            }))
        };
        self.blocking_input("switch games folder", open, move |failure| switched(Err(failure)));
    }

    /// The other games folder is in use from now on.
    pub(super) fn move_in(&mut self) {
        let Some(NewFolder { disk, watch, stored }) = lock(&self.opened_folder).take() else { return };
        self.disk = disk;
        self.ready.games_dir = self.disk.games.root().display().to_string();
        self.surroundings.folder_is_another();
        self.state_folder.send_replace(self.disk.games.state());
        self.state.move_into(stored.state);
        self.save_state();
        let notice =
            stored.notice.map(|message| PeerEvent::Engine(Event::Notice { level: Level::Warning, message }));
        let moved = PeerEvent::GamesFolderChanged { games_dir: self.disk.games.root().to_owned() };
        for event in notice.into_iter().chain([moved]) {
            if self.library.events.try_send(event).is_err() {
                tracing::debug!("an event of the new games folder is lost: too many others wait");
            }
        }
        if let Some(catalog) = self.newest_catalog.clone() {
            self.store_catalog(catalog);
        }
        let old = std::mem::replace(&mut self.library.watch, watch);
        self.keep_reserve();
        // Its thread is joined.
        drop(self.supervisor.blocking("end watch", move || drop(old)));
    }
}

/// Another games folder, ready to be used.
#[derive(Debug)]
pub(super) struct NewFolder {
    disk: Arc<Disk>,
    watch: Option<disk::FolderWatcher>,
    /// What was remembered there.
    stored: Loaded,
}

pub(super) type OpenedFolder = Arc<Mutex<Option<NewFolder>>>;

fn open_folder(root: &Path) -> Result<Disk, DiskFailure> {
    games_folder::check(root)?;
    Disk::open(root.to_owned()).map_err(|error| {
        let failure = disk_failure(&error);
        let is_locked = matches!(error, DiskError::Locked { .. });
        DiskFailure { kind: if is_locked { FailureKind::Refused } else { failure.kind }, ..failure }
    })
}

fn is_same_folder(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    one == other || real(one).is_some_and(|one| real(other) == Some(one))
}

/// Watches a games folder; without a watch the periodic scan sees changes, later.
fn watch(disk: &Arc<Disk>, inputs: &mpsc::Sender<Input>) -> Option<disk::FolderWatcher> {
    let (inputs, watched) = (inputs.clone(), Arc::clone(disk));
    let on_event = move |event| {
        let input = match event {
            disk::WatchEvent::Game(game) => Input::GameTouched(game),
            disk::WatchEvent::Root | disk::WatchEvent::Lost => match disk::list_games(&watched.games) {
                Ok(games) => Input::GamesListed(games),
                Err(_) => return,
            },
        };
        // A full queue: the periodic scan sees it.
        if !watched.is_retired() && inputs.try_send(input).is_err() {
            tracing::debug!("a change of the games folder waits for the next full scan");
        }
    };
    match disk::FolderWatcher::start(&disk.games, on_event) {
        Ok(watch) => Some(watch),
        Err(error) => {
            tracing::warn!(%error, "the games folder cannot be watched; it is scanned every few minutes instead");
            None
        }
    }
}

fn verify(disk: &Disk, game: &GameId, id: ManifestId, work: &Work) -> Result<VerifyOutcome, DiskFailure> {
    let failed = |error: DiskError| disk_failure(&error);
    let folder = disk.games.game(game);
    let Some(manifest) = disk.manifests.get(id).map_err(failed)? else {
        // The payload is hashed, and its identity says whether it is the accepted one.
        if disk.hash(game, None, &work.cancel, &work.progress).map_err(failed)? == id {
            return Ok(VerifyOutcome::default());
        }
        let message = format!(
            "{game}: the list of its files is not on this PC, and nobody here has it. Something in the folder differs \
             from it; what that is can be said when a PC with this game is here"
        );
        return Err(DiskFailure { kind: FailureKind::Refused, message });
    };
    let found = disk::verify(&folder, &manifest, &work.cancel, &work.progress).map_err(failed)?;
    disk.forget_reader(game);
    if found.is_empty() {
        disk.learn_payload(game, &manifest).map_err(failed)?;
    } else {
        disk.index.update(game, None).map_err(failed)?;
    }
    let damaged_bytes = found.iter().map(|damage| damage.bytes).sum();
    Ok(VerifyOutcome { damaged: found.iter().map(|damage| damage.path.to_string()).collect(), damaged_bytes })
}

/// The work is done, but nobody at this peer sees it.
fn published_elsewhere(game: &GameId, catalog: &Path) -> PeerEvent {
    let catalog = catalog.display().to_string();
    let message = NoticeKind::PublishedElsewhere { game: game.clone(), catalog };
    PeerEvent::Engine(Event::Notice { level: Level::Warning, message })
}

fn publish(
    disk: &Disk,
    request: &PublishRequest,
    work: &Work,
) -> Result<(crate::api::Published, ScannedGame), DiskFailure> {
    disk.forget_reader(&request.game.id);
    let published = crate::publish::publish(&disk.games, request, &work.cancel, &work.progress);
    let published = published.map_err(|error| {
        // A full disk is told as one; what else cannot be carried out as it is was refused.
        let is_io = matches!(
            &error,
            PublishError::Disk(DiskError::Io { .. } | DiskError::NoSpace { .. } | DiskError::Cancelled)
        );
        let kind = error.kind().filter(|_| is_io).map_or(FailureKind::Refused, failure_kind);
        DiskFailure { kind, message: error.to_string() }
    })?;
    let manifest = disk.manifests.get(published.manifest).map_err(|error| disk_failure(&error))?;
    let manifest = manifest.ok_or_else(|| DiskFailure {
        kind: FailureKind::Io,
        message: format!("{}: its manifest is gone as soon as it was written", published.game),
    })?;
    let scan = disk.learn_payload(&published.game, &manifest).map_err(|error| disk_failure(&error))?;
    Ok((published, scan))
}
