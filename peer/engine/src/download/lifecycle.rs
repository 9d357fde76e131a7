//! A download's stages and their ends.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use lanspread_protocol::message::OfferState;
use lanspread_protocol::{GameId, Manifest, ManifestId, PeerId};

use super::sources::GivenUp;
use super::{Download, Held, Purpose, Stage, Swarm};
use crate::command::{Command, CommandError};
use crate::effect::{Effect, StoreMode};
use crate::engine::{Engine, busy};
use crate::event::Event;
use crate::hedge::Ended;
use crate::ids::{OpId, RaceId};
use crate::input::{BlobError, DiskFailure, FailureKind, Opened, Raced, ScannedGame};
use crate::operations::{Lack, Operation, Why, Work, Writer};

/// The first pause after sources that are here gave nothing; doubles up to half a minute or so.
const SETBACK_PAUSE: Duration = Duration::from_secs(1);

/// Longer than a day nobody waits: such an end is not foretold.
const LONGEST_ETA_SECS: u64 = 24 * 60 * 60;

impl Engine {
    /// The game and download of a running operation.
    fn download_of(&mut self, op: OpId) -> Option<(GameId, &mut Download)> {
        let game = self.operations.game_of(op)?;
        let download = self.operations.download_mut(&game)?;
        Some((game, download))
    }

    pub(crate) fn manifest_loaded(&mut self, op: OpId, manifest: Option<Arc<Manifest>>) {
        let Some((game, download)) = self.download_of(op) else { return };
        let Stage::LoadingManifest(wanted) = download.stage else { return };
        match manifest {
            Some(manifest) => self.open_store(&game, op, manifest, None),
            None => self.fetch_manifest(&game, op, wanted, BTreeSet::new()),
        }
    }

    /// Asks the sources for the manifest that were not asked yet: those of the start, or those that came since.
    fn fetch_manifest(&mut self, game: &GameId, op: OpId, manifest: ManifestId, asked: BTreeSet<PeerId>) {
        let unasked: Vec<PeerId> =
            self.sources(game).into_iter().filter(|peer| !asked.contains(peer)).collect();
        let Some(race) = self.new_race(unasked) else { return self.sources_are_gone(game) };
        if let Some(download) = self.operations.download_mut(game) {
            let fetch = Effect::FetchManifest { race: race.id, op, from: race.conns(), manifest };
            download.stage = Stage::FetchingManifest { manifest, race, asked };
            self.push(fetch);
        }
    }

    pub(crate) fn manifest_fetched(&mut self, race: RaceId, op: OpId, raced: Raced<Arc<Manifest>>) {
        let Some((game, download)) = self.download_of(op) else { return };
        let is_awaited =
            matches!(&download.stage, Stage::FetchingManifest { race: current, .. } if current.id == race);
        if !is_awaited {
            return;
        }
        let stage = std::mem::replace(&mut download.stage, Stage::CLOSED);
        let Stage::FetchingManifest { manifest: wanted, race, mut asked } = stage else {
            download.stage = stage;
            return;
        };
        let Ended { first, failed } = self.conclude(&race, raced);
        for (peer_id, error) in failed {
            if asked.insert(peer_id) && error == BlobError::Late {
                self.emit(Event::SourceGivenUp { game: game.clone(), peer_id, reason: GivenUp::Slow });
            }
        }
        match first {
            Some((peer, manifest)) if manifest.id() == wanted => {
                return self.open_store(&game, op, manifest, Some(peer));
            }
            Some((peer, _)) => drop(asked.insert(peer)),
            None => {}
        }
        self.fetch_manifest(&game, op, wanted, asked);
    }

    /// Lets new sources take part in the race for a game's manifest.
    pub(crate) fn widen_manifest_race(&mut self, game: &GameId) {
        let Some(download) = self.operations.download_mut(game) else { return };
        let Stage::FetchingManifest { .. } = download.stage else { return };
        let mut stage = std::mem::replace(&mut download.stage, Stage::CLOSED);
        if let Stage::FetchingManifest { race, asked, .. } = &mut stage {
            let unasked: Vec<PeerId> =
                self.sources(game).into_iter().filter(|peer| !asked.contains(peer)).collect();
            self.widen_race(race, unasked);
        }
        if let Some(download) = self.operations.download_mut(game) {
            download.stage = stage;
        }
    }

    fn open_store(&mut self, game: &GameId, op: OpId, manifest: Arc<Manifest>, answered: Option<PeerId>) {
        let Some(download) = self.operations.download_mut(game) else { return };
        download.stage = Stage::Opening { manifest: Arc::clone(&manifest), answered };
        let mode = download.mode;
        self.push(Effect::OpenStore { op, game: game.clone(), manifest, mode });
    }

    pub(crate) fn store_opened(&mut self, op: OpId, result: Result<Opened, DiskFailure>) {
        let (me, weight, now) = (self.config.me, self.upload_weight(), self.now);
        let limit = self.download_limit();
        let Some((game, download)) = self.download_of(op) else { return };
        let Stage::Opening { manifest, answered } = &download.stage else { return };
        let opened = match result {
            Ok(opened) => opened,
            Err(failure) => return self.download_failed(&game, failure),
        };
        let (manifest, answered) = (Arc::clone(manifest), *answered);
        let id = manifest.id();
        let bytes_needed = opened.bytes_missing;
        let bytes_total = manifest.total_bytes();
        let mut swarm = Swarm::new(manifest, opened, me, weight, now);
        swarm.set_limit(limit);
        swarm.answered = answered;
        let version = download.version.clone();
        for (peer, _) in self.roster.live_peers() {
            if let Some(offered) = self.roster.offered(peer, &game, id) {
                swarm.set_source(peer, offered, now);
            }
        }
        let (sources, is_done) = (swarm.source_count(), swarm.units_left == 0);
        if !is_done && !swarm.lacks_anything() {
            let message = format!("{game}: its parts on disk do not fit together; cancel it and start again");
            return self.download_failed(&game, DiskFailure { kind: FailureKind::Io, message });
        }
        if let Some(download) = self.operations.download_mut(&game) {
            download.stage = Stage::Fetching(Box::new(swarm));
        }
        self.refresh_offer(&game);
        if let Some(version) = version {
            self.emit(Event::DownloadStarted {
                game: game.clone(),
                version,
                bytes_total,
                bytes_needed,
                sources,
            });
        }
        if is_done {
            self.all_units_here(&game);
        } else {
            self.stop_if_unreachable(&game);
        }
    }

    /// Everything is fetched: what runs twice is stopped, and the payload committed.
    pub(crate) fn all_units_here(&mut self, game: &GameId) {
        self.tell_progress(game);
        self.announce_units();
        let Some(download) = self.operations.download_mut(game) else { return };
        let stage = std::mem::replace(&mut download.stage, Stage::CLOSED);
        let Stage::Fetching(swarm) = stage else {
            download.stage = stage;
            return;
        };
        let cancels: Vec<_> = swarm.fetches.keys().copied().collect();
        download.stage = Stage::Ready(swarm);
        for fetch in cancels {
            self.push(Effect::CancelFetch { fetch });
        }
        self.proceed_if_ready(game);
    }

    /// Commits what is all here, unless it waits for a click or for the end of the running game.
    pub(crate) fn proceed_if_ready(&mut self, game: &GameId) {
        let runs = self.is_running(game);
        let Some(op) = self.operations.get(game).map(|operation| operation.id) else { return };
        let Some(download) = self.operations.download_mut(game) else { return };
        let is_update = download.mode == StoreMode::Update;
        let must_wait = match download.purpose {
            Purpose::Ahead => true,
            Purpose::Install => runs,
            Purpose::Fetch => runs && is_update,
        };
        if must_wait || !download.is_ready() {
            return;
        }
        let stage = std::mem::replace(&mut download.stage, Stage::CLOSED);
        let Stage::Ready(swarm) = stage else {
            download.stage = stage;
            return;
        };
        let (mode, version) = (download.mode, download.version.clone());
        if is_update {
            download.stage = Stage::Draining(swarm);
            self.refresh_offer(game);
            self.drain_then_write(game);
        } else if let Some(version) = version {
            download.stage = Stage::Finishing(swarm);
            self.push(Effect::Finish { op, game: game.clone(), version, mode });
        }
    }

    /// Nobody reads the old payload any more: the new one is swapped in.
    pub(crate) fn swap_in(&mut self, game: &GameId) {
        let Some(op) = self.operations.get(game).map(|operation| operation.id) else { return };
        let Some(download) = self.operations.download_mut(game) else { return };
        let stage = std::mem::replace(&mut download.stage, Stage::CLOSED);
        let Stage::Draining(swarm) = stage else {
            download.stage = stage;
            return;
        };
        download.stage = Stage::Finishing(swarm);
        if let Some(version) = download.version.clone() {
            self.push(Effect::Finish { op, game: game.clone(), version, mode: StoreMode::Update });
        }
    }

    pub(crate) fn download_finished(&mut self, op: OpId, result: Result<ScannedGame, DiskFailure>) {
        let Some((game, download)) = self.download_of(op) else { return };
        let Stage::Finishing(swarm) = &download.stage else { return };
        let scan = match result {
            Ok(scan) => scan,
            Err(failure) => return self.download_failed(&game, failure),
        };
        let bytes_fetched = swarm.bytes_fetched;
        let seconds =
            download.since.map_or(0.0, |since| self.now.saturating_duration_since(since).as_secs_f64());
        let Some(Operation { work: Work::Download(download), .. }) = self.operations.take(&game) else {
            return;
        };
        let (operation, purpose) = (download.kind(), download.purpose);
        self.replace_local(&game, scan);
        self.refresh_offer(&game);
        if let Some(version) = download.version {
            self.emit(Event::DownloadFinished { game: game.clone(), version, bytes_fetched, seconds });
        }
        self.emit(Event::OperationFinished { game: game.clone(), operation });
        if purpose == Purpose::Install {
            self.hand_over_to_install(&game);
        } else {
            self.touch(&game);
        }
    }

    pub(crate) fn write_failed(&mut self, op: OpId, failure: DiskFailure) {
        if let Some((game, download)) = self.download_of(op)
            && download.swarm().is_some()
        {
            self.download_failed(&game, failure);
        }
    }

    /// It cannot go on: its parts stay, and a person may try again.
    fn download_failed(&mut self, game: &GameId, failure: DiskFailure) {
        let Some(operation) = self.operations.get(game).map(Operation::kind) else { return };
        let purpose = self.operations.download(game).map(|download| download.purpose);
        let was_cancelled = failure.kind == FailureKind::Cancelled;
        if purpose == Some(Purpose::Ahead) && !was_cancelled {
            // Nobody asked for it: the click that does will tell.
            tracing::warn!(%game, error = failure.message, "a new version cannot be fetched ahead");
            self.decline_ahead(game);
        } else if !was_cancelled {
            let error = CommandError::new(failure.kind.code(), failure.message);
            self.emit(Event::OperationFailed { game: game.clone(), operation, error });
        }
        self.close_download(game, Some(Why::Failed));
    }

    /// Pause (`then` says so) or cancel of a running download.
    pub(crate) fn stop_download(&mut self, game: &GameId, then: Option<Why>) -> Result<(), CommandError> {
        let Some(download) = self.operations.download_mut(game) else {
            return Err(busy(game, "this operation cannot be stopped; it ends soon"));
        };
        match &download.stage {
            Stage::LoadingManifest(_)
            | Stage::FetchingManifest { .. }
            | Stage::Opening { .. }
            | Stage::Fetching(_)
            | Stage::Ready(_) => {
                self.close_download(game, then);
                Ok(())
            }
            Stage::Draining(_) | Stage::Finishing(_) | Stage::Closing { .. } => {
                let is_told = match then {
                    Some(why) => self.wait_instead(game, why),
                    None => self.follow_closing(game, Command::Cancel { game: game.clone() }),
                };
                if is_told {
                    return Ok(());
                }
                Err(busy(game, "it is about to finish and cannot be stopped now"))
            }
        }
    }

    /// A download whose store is being closed waits already, as everybody sees: this is what it waits for now.
    /// `false`: nothing is being closed that will wait, or a command follows that decides.
    pub(crate) fn wait_instead(&mut self, game: &GameId, why: Why) -> bool {
        let Some(download) = self.operations.download_mut(game) else { return false };
        let Stage::Closing { then: Some(then), after: None, .. } = &mut download.stage else { return false };
        *then = why;
        true
    }

    /// As [`Self::wait_instead`], for a command that needs the store closed: it is carried out then.
    pub(crate) fn follow_closing(&mut self, game: &GameId, command: Command) -> bool {
        let Some(download) = self.operations.download_mut(game) else { return false };
        let Stage::Closing { then: Some(_), after: after @ None, .. } = &mut download.stage else {
            return false;
        };
        *after = Some(Box::new(command));
        true
    }

    /// Stops fetching and serving; the store is closed when its last reader has ended. Without anything to wait for, its
    /// parts go.
    pub(crate) fn close_download(&mut self, game: &GameId, then: Option<Why>) {
        self.close_download_before(game, then, None);
    }

    /// As [`Self::close_download`]; then a command is given.
    pub(super) fn close_download_before(
        &mut self,
        game: &GameId,
        then: Option<Why>,
        after: Option<Box<Command>>,
    ) {
        let Some(download) = self.operations.download_mut(game) else { return };
        let discard = then.is_none();
        let closing = Stage::Closing { then, discard, writer: Writer::Draining, after };
        let stage = std::mem::replace(&mut download.stage, closing);
        if let Some(swarm) = stage.swarm() {
            download.held = Some(Held::of(swarm));
        }
        if let Stage::FetchingManifest { race, .. } = &stage {
            self.cancel_race(race);
        } else if let Stage::Fetching(swarm) = stage {
            for fetch in swarm.fetches.keys() {
                self.push(Effect::CancelFetch { fetch: *fetch });
            }
        }
        self.refresh_offer(game);
        self.drain_then_write(game);
    }

    pub(crate) fn store_closed(&mut self, op: OpId) {
        let Some((game, download)) = self.download_of(op) else { return };
        let purpose = download.purpose;
        let Stage::Closing { then, writer: Writer::Writing, after, .. } = &mut download.stage else { return };
        let (then, after) = (then.take(), after.take());
        let held = download.held.take();
        self.end(&game);
        if let Some(why) = then {
            self.operations.enqueue(&game, why, purpose);
            self.operations.hold(&game, held);
        }
        if let Some(command) = after {
            self.carry_out_later_command(&game, *command);
        }
    }

    /// The catalog expects something else now: a running download starts over with that; its chunks are reused.
    pub(crate) fn download_expectation_changed(&mut self, game: &GameId) {
        let (expected, accepted) = (self.authority.expected(game).cloned(), self.authority.accepted(game));
        let Some(download) = self.operations.download(game) else { return };
        let is_same_manifest = match (&download.stage, accepted) {
            (_, None) => true,
            (Stage::LoadingManifest(manifest) | Stage::FetchingManifest { manifest, .. }, Some(accepted)) => {
                *manifest == accepted
            }
            (Stage::Opening { manifest, .. }, Some(accepted)) => manifest.id() == accepted,
            (Stage::Fetching(swarm) | Stage::Ready(swarm), Some(accepted)) => swarm.manifest.id() == accepted,
            (Stage::Draining(_) | Stage::Finishing(_) | Stage::Closing { .. }, Some(_)) => true,
        };
        if download.version == expected && is_same_manifest {
            return;
        }
        // Whether or not it can still be stopped: its end leads to another look.
        if !download.can_be_interrupted() {
            return tracing::info!(%game, "the catalog changed while a download was about to end");
        }
        self.close_download(game, expected.map(|_| Why::Turn));
    }

    /// A peer is gone, and with it what it offered.
    pub(crate) fn source_left(&mut self, peer: PeerId) {
        let now = self.now;
        for game in self.operations.games() {
            let Some(download) = self.operations.download_mut(&game) else { continue };
            if let Some(swarm) = download.swarm_mut() {
                for fetch in swarm.remove_source(peer, now) {
                    self.push(Effect::CancelFetch { fetch });
                }
            }
            self.stop_if_unreachable(&game);
        }
    }

    /// Nobody has anything that is missing here.
    pub(crate) fn stop_if_unreachable(&mut self, game: &GameId) {
        let Some(swarm) = self.operations.download(game).and_then(Download::swarm) else { return };
        if swarm.units_left > 0 && !swarm.is_reachable() {
            self.sources_are_gone(game);
        }
    }

    /// Nobody here gives what is missing: said once, until a unit comes again; the download waits for a source. When
    /// some are here that offer it and do not give it, it tries again after a pause.
    fn sources_are_gone(&mut self, game: &GameId) {
        let has_sources = !self.sources(game).is_empty();
        let now = self.now;
        let Some(download) = self.operations.download_mut(game) else { return };
        let setbacks = download.setbacks;
        let pause = SETBACK_PAUSE * 2_u32.saturating_pow(setbacks.min(5));
        let lack = Lack {
            missing: download.swarm().map(|swarm| (swarm.manifest().id(), swarm.missing())),
            retry_at: has_sources.then_some(now + pause),
            setbacks: setbacks.saturating_add(1),
        };
        if setbacks == 0 {
            self.emit(Event::DownloadAllPeersGone { game: game.clone() });
        }
        self.close_download(game, Some(Why::NoSource(Box::new(lack))));
    }

    pub(crate) fn tell_progress(&mut self, game: &GameId) {
        let now = self.now;
        let Some(swarm) = self.operations.download_mut(game).and_then(Download::swarm_mut) else { return };
        let rate = swarm.rate_now(now);
        let event = Event::DownloadProgress {
            game: game.clone(),
            bytes_done: swarm.bytes_done(),
            bytes_total: swarm.manifest.total_bytes(),
            rate,
            sources: swarm.source_count(),
            eta: swarm.bytes_left().checked_div(rate).filter(|secs| *secs <= LONGEST_ETA_SECS),
        };
        self.emit(event);
    }

    /// What a running download offers: its verified units.
    pub(crate) fn partial_offer(&self, game: &GameId) -> Option<OfferState> {
        let download = self.operations.download(game)?;
        let swarm = download.serving_swarm()?;
        Some(OfferState::Partial {
            version: download.version.clone()?,
            manifest: swarm.manifest.id(),
            units: swarm.here().clone(),
            // Who has everything fetches nothing first.
            weight: if download.is_ready() { 0 } else { swarm.weight },
        })
    }

    /// The limits, or whether a game runs.
    pub(crate) fn limits_changed(&mut self) {
        let (weight, limit) = (self.upload_weight(), self.download_limit());
        for game in self.operations.games() {
            let swarm = self.operations.download_mut(&game).and_then(Download::swarm_mut);
            if let Some(swarm) = swarm {
                swarm.set_weight(weight);
                swarm.set_limit(limit);
                self.refresh_offer(&game);
            }
        }
    }

    /// What one download may take of the limit that holds now: downloads that run side by side share it.
    fn download_limit(&self) -> u64 {
        let limit = if self.plays() { self.config.playing_limit } else { 0 };
        if limit == 0 { 0 } else { (limit / self.config.parallel_downloads.max(1) as u64).max(1) }
    }

    /// This peer's weight among downloaders: log2 of its upload rate in MB/s; without a limit, that of 1 Gbit/s.
    fn upload_weight(&self) -> u8 {
        if self.plays() {
            return 0;
        }
        let megabytes = match self.config.upload_limit {
            0 => 128,
            limit => (limit / 1_000_000).max(2),
        };
        u8::try_from(megabytes.ilog2()).unwrap_or(1).clamp(1, 10)
    }
}
