//! The shell: each effect becomes a call that does not wait, or a task whose result comes back as an input.

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use lanspread_engine::{ConnId, DiskFailure, Effect, FailureKind, Input, RaceId, Raced};
use lanspread_protocol::{CatalogHead, CatalogSignature, SignedCatalog};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinError};
use tokio_util::sync::CancellationToken;

use super::catalogs::Catalogs;
use super::games_folder::Disk;
use super::library::{Library, OpenedFolder};
use super::races::Races;
use super::state::PeerState;
use super::supervisor::{Supervisor, describe_join_error};
use super::surroundings::Surroundings;
use super::transfers::Transfers;
use super::works::Works;
use crate::api::{PeerConfig, PeerEvent, Ready};
use crate::discovery::adapters::Adapters;
use crate::discovery::mdns::Announcement;
use crate::disk::{DiskError, DiskErrorKind};
use crate::net::fetch::Blob;
use crate::net::{BanList, Net};

/// Settings that a new session starts with, as they were last set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) upload: u64,
    pub(super) playing: u64,
    pub(super) fetch_ahead: bool,
}

impl Limits {
    pub(super) fn of(config: &PeerConfig) -> Self {
        let PeerConfig { upload_limit: upload, playing_limit: playing, fetch_ahead, .. } = *config;
        Self { upload, playing, fetch_ahead }
    }
}

/// What effects act on.
pub(super) struct Shell {
    pub(super) net: Net,
    pub(super) bans: BanList,
    pub(super) supervisor: Supervisor,
    pub(super) inputs: mpsc::Sender<Input>,
    pub(super) disk: Arc<Disk>,
    pub(super) library: Library,
    pub(super) transfers: Transfers,
    pub(super) works: Works,
    pub(super) races: Races,
    pub(super) limits: Limits,
    pub(super) catalogs: Catalogs,
    pub(super) state: PeerState,
    pub(super) ready: Ready,
    pub(super) next_games_folder: Option<PathBuf>,
    /// Another games folder that was opened, until the input that says so is handled.
    pub(super) opened_folder: OpenedFolder,
    /// The newest catalog by the pinned key, as it is stored.
    pub(super) newest_catalog: Option<Arc<SignedCatalog>>,
    /// Events of tasks; they lie here before the input that wakes the loop.
    pub(super) events: mpsc::Receiver<PeerEvent>,
    pub(super) token: CancellationToken,
    /// This PC's network adapters, as they were a moment ago.
    pub(super) adapters: Arc<ArcSwap<Adapters>>,
    pub(super) surroundings: Surroundings,
    /// What discovery announces.
    pub(super) announcement: watch::Sender<Announcement>,
    /// Where this PC's state lies: other programs look there for the control channel.
    pub(super) state_folder: watch::Sender<PathBuf>,
}

impl Shell {
    /// An event that a task has told.
    pub(super) fn next_event(&mut self) -> Option<PeerEvent> {
        self.events.try_recv().ok()
    }

    /// Starts the work. The caller has handled events, replies and the renewal of the identity.
    pub(super) fn apply(&mut self, effect: Effect) {
        match effect {
            Effect::Dial { dial, address, expect } => self.net.dial(dial, address, expect),
            Effect::Send { conn, message } => self.net.send(conn, &message),
            Effect::Close { conn, code } => self.net.close(conn, code),
            Effect::Ban { address } => {
                tracing::warn!(%address, "banned for sending wrong chunks");
                self.bans.ban(address);
            }
            Effect::FetchUnits { fetch, op, conn, game, units } => {
                self.fetch_units(fetch, op, conn, game, units);
            }
            Effect::CancelFetch { fetch } => self.transfers.cancel_fetch(fetch),
            Effect::FetchManifest { race, op, from, manifest } => {
                self.fetch_manifest(race, op, from, manifest);
            }
            Effect::FetchCatalog { race, from, head } => self.fetch_catalog(race, from, head),
            Effect::WidenRace { race, from } => self.races.widen(race, from),
            Effect::CancelRace { race } => self.races.cancel(race),
            Effect::LookForCovers { covers } => self.look_for_covers(covers),
            Effect::FetchCover { race, from, cover } => self.fetch_cover(race, from, cover),
            Effect::Serve { serve, from } => self.serve(serve, from),
            Effect::ServeBlob { serve, request } => self.serve_blob(serve, &request),
            Effect::Refuse { serve, reason } => self.refuse(serve, reason),
            Effect::CancelServe { serve } => self.transfers.cancel_serve(serve),
            Effect::ListGames => self.list_games(),
            Effect::Scan { game, manifest } => self.scan(game, manifest),
            Effect::Hash { game, fingerprint, manifest } => self.hash(game, fingerprint, manifest),
            Effect::LoadManifest { op, manifest } => self.load_manifest(op, manifest),
            Effect::OpenStore { op, game, manifest, mode } => self.open_store(op, &game, manifest, mode),
            Effect::Finish { op, game, version, mode } => self.finish(op, game, version, mode),
            Effect::CloseStore { op, game, discard } => self.close_store(op, game, discard),
            Effect::MeasureUpdate { game, old, new, from } => self.measure_update(game, old, new, from),
            Effect::Verify { op, game, manifest, from } => self.verify(op, game, manifest, from),
            Effect::Install { op, game, manifest, entry, kept } => {
                self.install(op, game, manifest, entry, kept);
            }
            Effect::Uninstall { op, game, keep, saves } => self.uninstall(op, game, keep, saves),
            Effect::Remove { op, game, named, keep, local, extras } => {
                self.remove(op, game, named, keep, local, extras);
            }
            Effect::CancelWork { op } => self.works.cancel(op),
            Effect::Start { run, game, entry, about, player, server } => {
                self.start_game(run, game, entry, about, player, server);
            }
            Effect::Publish { op, game } => self.publish(op, &game),
            Effect::SwitchGamesFolder { reply } => self.switch_games_folder(reply),
            Effect::StoreCatalog(catalog) => self.store_catalog(catalog),
            Effect::StorePin(key) => self.change_state(|state| state.pinned = Some(key)),
            Effect::StoreAccepted { game, version, manifest } => {
                self.change_state(|state| drop(state.accepted.insert(game, (version, manifest))));
            }
            Effect::StoreQueue(queue) => self.change_state(|state| state.queue = queue),
            Effect::SetLimits { upload, download } => {
                self.net.upload().set_limit(upload);
                self.net.download().set_limit(download);
            }
            Effect::SetBackground(background) => self.disk.set_background(background),
            // The loop's own.
            Effect::Emit(_) | Effect::Reply { .. } | Effect::RenewIdentity => {}
        }
    }

    /// Runs a task that ends with an input. `lost` makes one if it panics or is aborted: nothing may wait for ever for
    /// an end that never comes.
    pub(super) fn input_task(
        &self,
        name: &'static str,
        body: impl Future<Output = Input> + Send + 'static,
        lost: impl FnOnce(DiskFailure) -> Input + Send + 'static,
    ) {
        report_end(&self.supervisor, &self.inputs, name, body, lost);
    }

    /// Tells the engine the end of something that never began.
    pub(super) fn tell_later(&self, name: &'static str, input: Input) {
        let inputs = self.inputs.clone();
        drop(self.supervisor.task(name, async move { tell(&inputs, input).await }));
    }

    /// Runs blocking work on the pool; its result is an input. `failed` makes one if the work panics.
    pub(super) fn blocking_input(
        &self,
        name: &'static str,
        work: impl FnOnce() -> Option<Input> + Send + 'static,
        failed: impl FnOnce(DiskFailure) -> Option<Input> + Send + 'static,
    ) {
        let inputs = self.inputs.clone();
        let work = self.supervisor.blocking(name, work);
        let task = async move {
            let input = work.await.unwrap_or_else(|end| failed(failed_inside(name, end)));
            if let Some(input) = input {
                tell(&inputs, input).await;
            }
        };
        drop(self.supervisor.task(name, task));
    }

    fn change_state(&mut self, change: impl FnOnce(&mut PeerState)) {
        change(&mut self.state);
        self.save_state();
    }

    /// Written by one task after the other, the newest last.
    pub(super) fn save_state(&self) {
        self.disk.save_state_later(&self.supervisor, self.state.clone());
    }

    pub(super) fn store_catalog(&mut self, catalog: Arc<SignedCatalog>) {
        self.catalogs.remember(&catalog);
        self.newest_catalog = Some(Arc::clone(&catalog));
        let disk = Arc::clone(&self.disk);
        drop(self.supervisor.blocking("store catalog", move || disk.store_catalog(&catalog)));
        self.tidy_manifests();
    }

    fn fetch_catalog(&mut self, race: RaceId, from: Vec<ConnId>, head: CatalogHead) {
        let (from, token) = self.races.begin(race, from, &self.token);
        let net = self.net.clone();
        let task = async move {
            let blob = Blob::Catalog(head.hash);
            let open = move |bytes: Vec<u8>| open_catalog(&head, &bytes);
            let raced = net.race(blob, from, open, &token).await;
            Input::CatalogFetched { race, raced }
        };
        self.input_task("fetch catalog", task, move |_| Input::CatalogFetched {
            race,
            raced: Raced::default(),
        });
    }
}

/// A catalog as it travels; it must be the one with this head.
fn open_catalog(head: &CatalogHead, bytes: &[u8]) -> Result<Box<SignedCatalog>, String> {
    let (signature, file) = bytes.split_first_chunk::<64>().ok_or("shorter than a signature")?;
    let signature = CatalogSignature { key: head.key, signature: *signature };
    let opened = SignedCatalog::open(file.to_vec(), signature).map_err(|error| error.to_string())?;
    if opened.head.serial == head.serial {
        Ok(Box::new(opened))
    } else {
        Err(format!("serial {} instead of {}", opened.head.serial, head.serial))
    }
}

/// A task and the one that tells its end, however it ends. The end is told when nothing of the task is left.
fn report_end(
    supervisor: &Supervisor,
    inputs: &mpsc::Sender<Input>,
    name: &'static str,
    body: impl Future<Output = Input> + Send + 'static,
    lost: impl FnOnce(DiskFailure) -> Input + Send + 'static,
) -> AbortHandle {
    let (inputs, body) = (inputs.clone(), supervisor.task(name, body));
    let abort = body.abort_handle();
    let report = async move {
        let input = body.await.unwrap_or_else(|end| lost(failed_inside(name, end)));
        tell(&inputs, input).await;
    };
    drop(supervisor.task(name, report));
    abort
}

/// A panic or an abort, as the failure of what was to be done.
pub(super) fn failed_inside(name: &str, end: JoinError) -> DiskFailure {
    let why = describe_join_error(end);
    tracing::error!(name, why, "work failed inside");
    DiskFailure { kind: FailureKind::Io, message: format!("“{name}” failed inside: {why}") }
}

/// Gives an input to the loop. After the loop's end nobody wants it.
pub(super) async fn tell(inputs: &mpsc::Sender<Input>, input: Input) {
    if inputs.send(input).await.is_err() {
        tracing::trace!("the loop has ended");
    }
}

pub(super) fn disk_failure(error: &DiskError) -> DiskFailure {
    DiskFailure { kind: failure_kind(error.kind()), message: error.to_string() }
}

pub(super) fn failure_kind(kind: DiskErrorKind) -> FailureKind {
    match kind {
        DiskErrorKind::NoSpace => FailureKind::NoSpace,
        DiskErrorKind::Cancelled => FailureKind::Cancelled,
        DiskErrorKind::AccessDenied | DiskErrorKind::Changed | DiskErrorKind::Io => FailureKind::Io,
    }
}

#[cfg(test)]
mod tests {
    use lanspread_engine::{ServeEnd, ServeId};

    use super::*;

    const SERVE: ServeId = ServeId(7);

    fn lost(failure: DiskFailure) -> Input {
        Input::ServeEnded { serve: SERVE, end: ServeEnd::Failed(failure.message) }
    }

    /// A transfer that ends as `body` does tells its end once.
    async fn end_of(body: impl Future<Output = Input> + Send + 'static, is_aborted: bool) -> ServeEnd {
        let (supervisor, _failure) = Supervisor::new(CancellationToken::new());
        let (sender, mut inputs) = mpsc::channel(4);
        let abort = report_end(&supervisor, &sender, "serve", body, lost);
        if is_aborted {
            abort.abort();
        }
        let Some(Input::ServeEnded { serve: SERVE, end }) = inputs.recv().await else {
            panic!("another input")
        };
        drop(sender);
        assert!(inputs.recv().await.is_none(), "told once");
        end
    }

    #[tokio::test]
    async fn a_transfer_ends_once_however_its_task_ends() {
        let served = async { Input::ServeEnded { serve: SERVE, end: ServeEnd::Cancelled } };
        assert_eq!(end_of(served, false).await, ServeEnd::Cancelled);
        let panicked = end_of(async { panic!("boom") }, false).await;
        assert_eq!(panicked, ServeEnd::Failed("“serve” failed inside: it panicked: boom".into()));
        let aborted = end_of(std::future::pending(), true).await;
        assert_eq!(aborted, ServeEnd::Failed("“serve” failed inside: it was aborted".into()));
    }
}
