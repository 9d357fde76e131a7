//! The data plane's tasks: fetching into stores, serving out of payloads and stores.
//!
//! A unit goes socket → verify → disk inside one task; the loop only hears how much came and that a unit is there. A
//! transfer is registered from the effect that starts it to the input that tells its end.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use lanspread_engine::{
    ConnId, DiskFailure, Event, FetchEnd, FetchId, Input, OpId, Opened, ServeEnd, ServeFrom, ServeId,
    StoreMode,
};
use lanspread_protocol::message::{Refusal, Request, WantedUnit};
use lanspread_protocol::{GameId, Manifest, ManifestId, UnitIndex, Version};
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::effects::{Shell, disk_failure, failed_inside, tell};
use super::games_folder::Disk;
use super::install::refuse_if_in_use;
use crate::api::PeerEvent;
use crate::disk::{Cancel, DiskError, DiskErrorKind, PayloadReader};
use crate::net::fetch::{Extent, FetchError, FetchedUnit, UnitSink};
use crate::net::serve::{InboundRequest, Served};
use crate::store::{Mode, PayloadStore};
use crate::transaction;

/// Verified units of one request that wait to be written: what is in memory of a fetch, at most about 1 MiB each.
const UNITS_AHEAD: usize = 4;
/// The time between two reports of bytes of one fetch to the engine.
const REPORT_INTERVAL: Duration = Duration::from_millis(250);
/// The time until the first report of bytes: the engine asks another source when none come.
const FIRST_REPORT: Duration = Duration::from_millis(50);

/// Transfers under way, and the stores of running downloads.
#[derive(Debug, Default)]
pub(super) struct Transfers {
    /// Requests that the engine has not decided on yet.
    arrived: BTreeMap<ServeId, InboundRequest>,
    serves: BTreeMap<ServeId, CancellationToken>,
    fetches: BTreeMap<FetchId, CancellationToken>,
    stores: BTreeMap<OpId, RunningStore>,
    bad_chunks: Arc<AtomicU64>,
    served_units: Arc<AtomicU64>,
}

/// A download's store and all that uses it.
#[derive(Debug)]
struct RunningStore {
    /// Filled when the opening is done.
    store: Arc<Mutex<Option<Arc<PayloadStore>>>>,
    manifest: Arc<Manifest>,
    cancel: Cancel,
    /// Cancels fetches into it and transfers out of it.
    token: CancellationToken,
    tasks: TaskTracker,
}

impl Transfers {
    pub(super) fn arrived(&mut self, serve: ServeId, request: InboundRequest) {
        self.arrived.insert(serve, request);
    }

    pub(super) fn bad_chunks(&self) -> u64 {
        self.bad_chunks.load(Ordering::Relaxed)
    }

    /// Units given to the network since the start.
    pub(super) fn served_units(&self) -> u64 {
        self.served_units.load(Ordering::Relaxed)
    }

    pub(super) fn cancel_fetch(&self, fetch: FetchId) {
        if let Some(token) = self.fetches.get(&fetch) {
            token.cancel();
        }
    }

    pub(super) fn cancel_serve(&self, serve: ServeId) {
        if let Some(token) = self.serves.get(&serve) {
            token.cancel();
        }
    }

    /// Forgets a transfer whose end is on its way to the engine.
    pub(super) fn note_end(&mut self, input: &Input) {
        if let Input::ServeEnded { serve, .. } = input {
            self.serves.remove(serve);
        } else if let Input::FetchEnded { fetch, .. } = input {
            self.fetches.remove(fetch);
        }
    }

    /// Opening and committing stores ends at its next step.
    pub(super) fn cancel_stores(&self) {
        for running in self.stores.values() {
            running.cancel.cancel();
        }
    }

    fn store(&self, op: OpId) -> Option<Arc<PayloadStore>> {
        self.stores.get(&op)?.get()
    }
}

impl RunningStore {
    fn get(&self) -> Option<Arc<PayloadStore>> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Shell {
    pub(super) fn fetch_units(
        &mut self,
        fetch: FetchId,
        op: OpId,
        conn: ConnId,
        game: GameId,
        units: Vec<WantedUnit>,
    ) {
        let Some((running, store)) =
            self.transfers.stores.get(&op).and_then(|running| Some((running, running.get()?)))
        else {
            return self.tell_later("fetch", Input::FetchEnded { fetch, end: FetchEnd::Cancelled });
        };
        let token = running.token.child_token();
        self.transfers.fetches.insert(fetch, token.clone());
        let job = FetchJob {
            fetch,
            op,
            store,
            inputs: self.inputs.clone(),
            token,
            net: self.net.clone(),
            bad_chunks: Arc::clone(&self.transfers.bad_chunks),
        };
        let manifest = Arc::clone(&running.manifest);
        let task = running.tasks.track_future(job.run(conn, game, manifest, units));
        let lost =
            move |failure: DiskFailure| Input::FetchEnded { fetch, end: FetchEnd::Lost(failure.message) };
        self.input_task("fetch", task, lost);
    }

    pub(super) fn open_store(&mut self, op: OpId, game: &GameId, manifest: Arc<Manifest>, mode: StoreMode) {
        let work = self.works.begin(op, &Cancel::new());
        let running = RunningStore {
            store: Arc::default(),
            manifest: Arc::clone(&manifest),
            cancel: work.cancel,
            token: self.token.child_token(),
            tasks: TaskTracker::new(),
        };
        let (slot, cancel) = (Arc::clone(&running.store), running.cancel.clone());
        let folder = self.disk.games.game(game);
        let tracked = running.tasks.token();
        self.transfers.stores.insert(op, running);
        let open = move || {
            let _tracked = tracked;
            let result = PayloadStore::open(folder, manifest, store_mode(mode), &cancel, &work.progress);
            let result = result.map(|opened| {
                *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(opened.store));
                Opened { here: opened.units, wanted: opened.wanted, bytes_missing: opened.bytes_missing }
            });
            Some(Input::StoreOpened { op, result: result.map_err(|error| disk_failure(&error)) })
        };
        let failed = move |failure| Some(Input::StoreOpened { op, result: Err(failure) });
        self.blocking_input("open store", open, failed);
    }

    /// Ends what uses the store, then commits it.
    pub(super) fn finish(&mut self, op: OpId, game: GameId, version: Version, mode: StoreMode) {
        let lost = move |failure| Input::Finished { op, result: Err(failure) };
        let Some(running) = self.transfers.stores.get(&op) else {
            return self.tell_later("finish", lost(store_is_gone()));
        };
        let (store, tasks, cancel) = (running.get(), running.tasks.clone(), running.cancel.clone());
        let (disk, events, of) = (Arc::clone(&self.disk), self.library.events.clone(), game.clone());
        // Before an update is swapped in, superseded fetches end; whoever is served from a fresh payload may go on.
        tasks.close();
        let task = async move {
            if mode == StoreMode::Update {
                tasks.wait().await;
            }
            let commit = move || {
                let store = store.ok_or_else(store_is_gone)?;
                if mode == StoreMode::Update {
                    refuse_if_in_use(&disk, &game)?;
                }
                let committed = commit(&disk, &store, &game, &version, mode, &cancel);
                committed.map(|scan| (scan, store.kept())).map_err(|error| disk_failure(&error))
            };
            let result = tokio::task::spawn_blocking(commit).await;
            let result = match result.unwrap_or_else(|end| Err(failed_inside("finish", end))) {
                Ok((scan, kept)) => {
                    for transaction::Kept { folder, paths } in kept {
                        let event = Event::FilesKept { game: of.clone(), folder, paths };
                        if events.send(PeerEvent::Engine(event)).await.is_err() {
                            tracing::trace!("the loop has ended");
                        }
                    }
                    Ok(scan)
                }
                Err(failure) => Err(failure),
            };
            Input::Finished { op, result }
        };
        self.input_task("finish", task, lost);
    }

    /// Cancels what uses the store, waits for it, and lets go of it.
    pub(super) fn close_store(&mut self, op: OpId, game: GameId, discard: bool) {
        let folder = self.disk.games.game(&game);
        let running = self.transfers.stores.remove(&op);
        let task = async move {
            if let Some(running) = running {
                running.cancel.cancel();
                running.token.cancel();
                running.tasks.close();
                running.tasks.wait().await;
            }
            if discard {
                let discarded = tokio::task::spawn_blocking(move || transaction::discard(&folder)).await;
                match discarded {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => tracing::warn!(%game, %error, "parts of a cancelled download stay"),
                    Err(error) => tracing::error!(%game, %error, "discarding parts panicked"),
                }
            }
            Input::StoreClosed { op }
        };
        self.input_task("close store", task, move |_| Input::StoreClosed { op });
    }

    /// Before the engine hears of an end, the shell lets go of what ended.
    pub(super) fn note_end(&mut self, input: &Input) {
        self.transfers.note_end(input);
        self.works.note_end(input);
        self.races.note_end(input);
        if let Input::Finished { op, result: Ok(_) } = input {
            self.transfers.stores.remove(op);
        } else if let Input::GamesFolderSwitched { result: Ok(_), .. } = input {
            self.move_in();
        }
    }

    pub(super) fn refuse(&mut self, serve: ServeId, reason: Refusal) {
        if let Some(request) = self.transfers.arrived.remove(&serve) {
            request.refuse(reason);
        }
        self.tell_later("refuse", Input::ServeEnded { serve, end: ServeEnd::Refused });
    }

    pub(super) fn serve(&mut self, serve: ServeId, from: ServeFrom) {
        let Some(request) = self.transfers.arrived.remove(&serve) else {
            return self.refuse(serve, Refusal::Other);
        };
        let disk = Arc::clone(&self.disk);
        let (token, served) = (self.token.child_token(), Arc::clone(&self.transfers.served_units));
        self.transfers.serves.insert(serve, token.clone());
        let (source, units, tracked) = match from {
            ServeFrom::Payload { game, manifest, units } => {
                (Source::Payload { disk, game, manifest }, units, None)
            }
            ServeFrom::Store { op, units, .. } => match self.transfers.store(op) {
                Some(store) => {
                    let tracked = self.transfers.stores.get(&op).map(|running| running.tasks.token());
                    (Source::Store(store), units, tracked)
                }
                None => (Source::Gone, units, None),
            },
        };
        let task = async move {
            let _tracked = tracked;
            let end = serve_units(request, source, units, served, &token).await;
            Input::ServeEnded { serve, end }
        };
        self.input_task("serve", task, serve_lost(serve));
    }

    pub(super) fn serve_blob(&mut self, serve: ServeId, request: &Request) {
        let Some(inbound) = self.transfers.arrived.remove(&serve) else {
            return self.refuse(serve, Refusal::Other);
        };
        let token = self.token.child_token();
        self.transfers.serves.insert(serve, token.clone());
        let (disk, catalogs) = (Arc::clone(&self.disk), self.catalogs.clone());
        let request = request.clone();
        let load = move || match request {
            Request::Manifest(id) => disk.manifests.encoded(id).ok().flatten(),
            Request::Cover(hash) => super::covers::load(&disk, hash),
            Request::Catalog(hash) => catalogs.blob(hash),
            Request::Units { .. } => None,
        };
        let task = async move {
            let blob = tokio::task::spawn_blocking(load).await.ok().flatten();
            let end = match blob {
                None => {
                    inbound.refuse(Refusal::NotHere);
                    ServeEnd::Refused
                }
                Some(blob) => {
                    let blob = Bytes::from(blob);
                    let length = blob.len() as u64;
                    serve_end(inbound.serve(length, 1, move |_| Ok(blob.clone()), &token).await, length, 0)
                }
            };
            Input::ServeEnded { serve, end }
        };
        self.input_task("serve blob", task, serve_lost(serve));
    }
}

/// What is told of a transfer whose task is lost: it must not be counted for ever.
fn serve_lost(serve: ServeId) -> impl FnOnce(DiskFailure) -> Input {
    move |failure| Input::ServeEnded { serve, end: ServeEnd::Failed(failure.message) }
}

fn store_is_gone() -> DiskFailure {
    DiskFailure {
        kind: lanspread_engine::FailureKind::Io,
        message: "the download's store is gone".to_owned(),
    }
}

/// One request to another peer, from asking to writing.
struct FetchJob {
    fetch: FetchId,
    op: OpId,
    store: Arc<PayloadStore>,
    inputs: mpsc::Sender<Input>,
    token: CancellationToken,
    net: crate::net::Net,
    bad_chunks: Arc<AtomicU64>,
}

impl FetchJob {
    async fn run(self, conn: ConnId, game: GameId, manifest: Arc<Manifest>, units: Vec<WantedUnit>) -> Input {
        let (sender, receiver) = mpsc::channel(UNITS_AHEAD);
        let received = AtomicU64::new(0);
        let fetching = async {
            let sender = sender;
            let sink = UnitSink { units: &sender, received: &received };
            self.net.fetch_units(conn, game, &manifest, units, sink, &self.token).await
        };
        let transfer = async { tokio::join!(fetching, self.write(receiver)) };
        let (fetched, written) = tokio::select! {
            biased;
            ended = transfer => ended,
            never = report_received(self.fetch, &received, &self.inputs) => match never {},
        };
        let end = match (written, fetched) {
            (Err(failure), _) => {
                tell(&self.inputs, Input::WriteFailed { op: self.op, failure }).await;
                FetchEnd::Cancelled
            }
            (Ok(()), Ok(())) => FetchEnd::Done,
            (Ok(()), Err(FetchError::Cancelled)) => FetchEnd::Cancelled,
            (Ok(()), Err(FetchError::Refused(_))) => FetchEnd::Refused,
            (Ok(()), Err(FetchError::BadChunk { unit })) => {
                self.bad_chunks.fetch_add(1, Ordering::Relaxed);
                FetchEnd::BadChunk(unit)
            }
            (Ok(()), Err(error @ (FetchError::BadBlob | FetchError::Lost(_)))) => {
                FetchEnd::Lost(error.to_string())
            }
        };
        Input::FetchEnded { fetch: self.fetch, end }
    }

    /// Writes verified units as they come, those that wait in one go. Ends when no more come, or at the first failure.
    async fn write(&self, mut units: mpsc::Receiver<FetchedUnit>) -> Result<(), DiskFailure> {
        let mut waiting = Vec::with_capacity(UNITS_AHEAD);
        while units.recv_many(&mut waiting, UNITS_AHEAD).await > 0 {
            let (store, batch, fetch) = (Arc::clone(&self.store), std::mem::take(&mut waiting), self.fetch);
            let write = move || {
                let write = |fetched: FetchedUnit| {
                    let written = store.write_unit(&fetched.wanted, &fetched.bytes);
                    written.map(|completed| stored(fetch, fetched, completed))
                };
                batch.into_iter().map(write).collect::<Vec<_>>()
            };
            let written = tokio::task::spawn_blocking(write).await;
            let written = written.map_err(|end| failed_inside("write", end))?;
            for result in written {
                let stored = result.map_err(|error| disk_failure(&error))?;
                tell(&self.inputs, stored).await;
            }
        }
        Ok(())
    }
}

/// The engine's news of chunks that are on disk now.
fn stored(fetch: FetchId, fetched: FetchedUnit, completed: Vec<UnitIndex>) -> Input {
    let FetchedUnit { wanted, extent, bytes } = fetched;
    let bytes = bytes.len() as u64;
    match extent {
        Extent::Whole => Input::UnitStored { fetch, unit: wanted.unit, bytes, completed },
        Extent::Part => Input::ChunksStored { fetch, wanted, bytes, completed },
    }
}

/// Reports to the engine how many bytes of a fetch arrived since the last report, if any did. Runs until it is dropped.
async fn report_received(fetch: FetchId, received: &AtomicU64, inputs: &mpsc::Sender<Input>) -> Infallible {
    let (mut reported, mut pause) = (0, FIRST_REPORT);
    loop {
        sleep(std::mem::replace(&mut pause, REPORT_INTERVAL)).await;
        let total = received.load(Ordering::Relaxed);
        if total > reported {
            tell(inputs, Input::BytesReceived { fetch, bytes: total - reported }).await;
            reported = total;
        }
    }
}

/// Everything is here: durable, committed, scanned. The index learns what the payload is without another hash.
fn commit(
    disk: &Disk,
    store: &PayloadStore,
    game: &GameId,
    version: &Version,
    mode: StoreMode,
    cancel: &Cancel,
) -> Result<lanspread_engine::ScannedGame, DiskError> {
    match mode {
        StoreMode::Fresh => store.finish(version, cancel)?,
        StoreMode::Update => {
            let old = disk.payload_manifest(game, None)?;
            transaction::swap(store.folder(), store.plan_swap(version, old.as_deref())?)?;
        }
    }
    let manifest = store.manifest();
    let known = disk.learn_payload(game, manifest)?;
    Ok(known)
}

fn store_mode(mode: StoreMode) -> Mode {
    match mode {
        StoreMode::Fresh => Mode::Fresh,
        StoreMode::Update => Mode::Beside,
    }
}

/// Where a transfer's bytes come from.
enum Source {
    Payload {
        disk: Arc<Disk>,
        game: GameId,
        manifest: ManifestId,
    },
    Store(Arc<PayloadStore>),
    /// The download ended meanwhile.
    Gone,
}

/// A source with its files ready to be read.
enum OpenSource {
    Payload(Arc<PayloadReader>),
    Store(Arc<PayloadStore>),
}

impl OpenSource {
    fn manifest(&self) -> &Arc<Manifest> {
        match self {
            Self::Payload(reader) => reader.manifest(),
            Self::Store(store) => store.manifest(),
        }
    }

    fn read_unit(&self, wanted: &WantedUnit, out: &mut Vec<u8>) -> Result<(), DiskError> {
        match self {
            Self::Payload(reader) => reader.read_unit(wanted, out),
            Self::Store(store) => store.read_unit(wanted, out),
        }
    }
}

async fn serve_units(
    request: InboundRequest,
    source: Source,
    units: Vec<WantedUnit>,
    served: Arc<AtomicU64>,
    token: &CancellationToken,
) -> ServeEnd {
    let open = move || match source {
        Source::Payload { disk, game, manifest } => {
            disk.reader(&game, manifest).map(|reader| reader.map(OpenSource::Payload))
        }
        Source::Store(store) => Ok(Some(OpenSource::Store(store))),
        Source::Gone => Ok(None),
    };
    let opened = tokio::task::spawn_blocking(open).await;
    let source = match opened {
        Ok(Ok(Some(source))) => source,
        Ok(Ok(None)) => {
            request.refuse(Refusal::NotHere);
            return ServeEnd::Refused;
        }
        Ok(Err(error)) => {
            request.refuse(Refusal::NotHere);
            return if error.kind() == DiskErrorKind::Changed {
                ServeEnd::Changed
            } else {
                ServeEnd::Failed(error.to_string())
            };
        }
        Err(error) => {
            request.refuse(Refusal::Other);
            return ServeEnd::Failed(error.to_string());
        }
    };
    let manifest = Arc::clone(source.manifest());
    let lengths: Option<Vec<u64>> = units.iter().map(|wanted| wanted_bytes(&manifest, wanted)).collect();
    let Some(lengths) = lengths else {
        request.refuse(Refusal::Malformed);
        return ServeEnd::Refused;
    };
    let (total, count) = (lengths.iter().sum(), units.len());
    let read = move |nth: usize| {
        let mut bytes = Vec::with_capacity(usize::try_from(lengths[nth]).unwrap_or_default());
        source.read_unit(&units[nth], &mut bytes).map_err(io::Error::other)?;
        served.fetch_add(1, Ordering::Relaxed);
        Ok(Bytes::from(bytes))
    };
    serve_end(request.serve(total, count, read, token).await, total, count as u64)
}

fn serve_end(served: Served, bytes: u64, units: u64) -> ServeEnd {
    match served {
        Served::Done => ServeEnd::Served { bytes, units },
        Served::Cancelled | Served::Stopped => ServeEnd::Cancelled,
        Served::Failed(error) => {
            let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<DiskError>());
            match cause.map(DiskError::kind) {
                Some(DiskErrorKind::Changed) => ServeEnd::Changed,
                _ => ServeEnd::Failed(error.to_string()),
            }
        }
    }
}

/// Bytes that a wanted unit brings; `None` for a unit that does not exist.
fn wanted_bytes(manifest: &Manifest, wanted: &WantedUnit) -> Option<u64> {
    let unit = manifest.units().get(wanted.unit.as_usize())?;
    let chunks = &manifest.chunks()[unit.chunks.start as usize..unit.chunks.end as usize];
    let sent = chunks.iter().enumerate().filter(|(nth, _)| wanted.wants(*nth));
    Some(sent.map(|(_, chunk)| u64::from(chunk.bytes)).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_unit_is_no_stored_unit() {
        let mut wanted = WantedUnit::whole(UnitIndex(3));
        wanted.skip_chunk(1);
        let fetched = |extent| FetchedUnit { wanted: wanted.clone(), extent, bytes: vec![0; 9] };
        let whole = stored(FetchId(7), fetched(Extent::Whole), vec![]);
        assert!(matches!(whole, Input::UnitStored { unit: UnitIndex(3), bytes: 9, .. }), "{whole:?}");
        let part = stored(FetchId(7), fetched(Extent::Part), vec![]);
        assert!(
            matches!(&part, Input::ChunksStored { wanted: kept, bytes: 9, .. } if *kept == wanted),
            "{part:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn reports_what_arrived_since_the_last_report() {
        let (inputs, mut reports) = mpsc::channel(8);
        let received = Arc::new(AtomicU64::new(0));
        let reporting = {
            let received = Arc::clone(&received);
            tokio::spawn(async move { report_received(FetchId(7), &received, &inputs).await })
        };
        for arrived in [3, 0, 4] {
            received.fetch_add(arrived, Ordering::Relaxed);
            sleep(REPORT_INTERVAL + Duration::from_millis(1)).await;
        }
        reporting.abort();
        let mut bytes = Vec::new();
        while let Some(Input::BytesReceived { fetch: FetchId(7), bytes: report }) = reports.recv().await {
            bytes.push(report);
        }
        assert_eq!(bytes, [3, 4]);
    }
}
