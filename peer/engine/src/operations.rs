//! The operation table: one operation per game, explicit transitions, and the queue of downloads that wait.
//!
//! An operation that changes files which are served goes: entered in the table (the offer is hidden at once), its
//! outbound transfers cancelled, and only when their count is zero the first effect on disk
//! ([`Engine::start_writing_if_drained`]). Its end is: table cleared, one rescan, events.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use lanspread_protocol::message::OfferState;
use lanspread_protocol::{GameId, ManifestId, UnitSet};
use serde::Serialize;

use crate::command::{CommandError, ErrorCode};
use crate::config::QueuedDownload;
use crate::download::{Download, Stage};
use crate::effect::Effect;
use crate::engine::{Engine, busy};
use crate::event::{Event, Level, OperationStatus};
use crate::ids::{ConnId, OpId};
use crate::input::{DiskFailure, FailureKind, PublishOutcome, VerifyOutcome};
use crate::library::LocalState;

/// A verification that another peer asked for is not repeated within this time.
const DAMAGE_CHECK_PAUSE: Duration = Duration::from_mins(1);

/// What runs on a game.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OperationKind {
    Download,
    Update,
    Remove,
    Verify,
    Publish,
}

/// How far an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    Waiting,
    Hashing,
    Downloading,
    Finishing,
    Swapping,
    Removing,
    Verifying,
    Paused,
}

#[derive(Debug)]
pub(crate) struct Operations {
    active: BTreeMap<GameId, Operation>,
    /// Downloads that do not run, in the order in which they will.
    queue: Vec<Waiting>,
    told: Vec<OperationStatus>,
    stored: Vec<QueuedDownload>,
    /// When a peer's complaint last led to a verification, and whose it was.
    damage_checks: BTreeMap<GameId, (Instant, IpAddr)>,
    /// Something changed that may let a waiting download start.
    look_again: bool,
    /// When a download that waits after a setback may try again.
    retry: Option<Instant>,
    /// The games folder is being changed: nothing begins.
    folder_is_changing: bool,
}

#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) id: OpId,
    pub(crate) work: Work,
}

#[derive(Debug)]
pub(crate) enum Work {
    Download(Box<Download>),
    Verify,
    Remove(Writer),
    Publish(Writer),
}

/// How far work that changes a payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writer {
    /// Outbound transfers end first.
    Draining,
    Writing,
}

/// A download that does not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) game: GameId,
    pub(crate) why: Why,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// For its turn.
    Turn,
    Paused,
    /// For a source of what it lacks.
    NoSource(Box<Lack>),
    /// It failed; a person may try again.
    Failed,
}

/// What a download waits for that nobody could give it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lack {
    /// The payload and the units of it that are missing here; `None`: anything will do.
    pub(crate) missing: Option<(ManifestId, UnitSet)>,
    /// Not tried before, because those who offered it did not give it.
    pub(crate) retry_at: Option<Instant>,
    /// Stops since the last unit came: the pause grows, and only the first is told.
    pub(crate) setbacks: u32,
}

impl Operations {
    pub(crate) fn new(queue: &[QueuedDownload]) -> Self {
        let waiting = |queued: &QueuedDownload| Waiting {
            game: queued.game.clone(),
            why: if queued.paused { Why::Paused } else { Why::Turn },
        };
        Self {
            active: BTreeMap::new(),
            queue: queue.iter().map(waiting).collect(),
            told: Vec::new(),
            stored: queue.to_vec(),
            damage_checks: BTreeMap::new(),
            look_again: true,
            retry: None,
            folder_is_changing: false,
        }
    }

    pub(crate) fn get(&self, game: &GameId) -> Option<&Operation> {
        self.active.get(game)
    }

    pub(crate) fn active(&self) -> &BTreeMap<GameId, Operation> {
        &self.active
    }

    pub(crate) fn queue(&self) -> &[Waiting] {
        &self.queue
    }

    pub(crate) fn first_active(&self) -> Option<&GameId> {
        self.active.keys().next()
    }

    pub(crate) fn games(&self) -> Vec<GameId> {
        self.active.keys().cloned().collect()
    }

    /// The game that an operation runs on, unless the operation is over.
    pub(crate) fn game_of(&self, op: OpId) -> Option<GameId> {
        self.active.iter().find(|(_, operation)| operation.id == op).map(|(game, _)| game.clone())
    }

    pub(crate) fn download(&self, game: &GameId) -> Option<&Download> {
        match &self.active.get(game)?.work {
            Work::Download(download) => Some(download),
            Work::Verify | Work::Remove(_) | Work::Publish(_) => None,
        }
    }

    pub(crate) fn download_mut(&mut self, game: &GameId) -> Option<&mut Download> {
        match &mut self.active.get_mut(game)?.work {
            Work::Download(download) => Some(download),
            Work::Verify | Work::Remove(_) | Work::Publish(_) => None,
        }
    }

    /// All running downloads, in order of their games.
    pub(crate) fn downloads_mut(&mut self) -> impl Iterator<Item = (&GameId, OpId, &mut Download)> {
        self.active.iter_mut().filter_map(|(game, operation)| match &mut operation.work {
            Work::Download(download) => Some((game, operation.id, &mut **download)),
            Work::Verify | Work::Remove(_) | Work::Publish(_) => None,
        })
    }

    pub(crate) fn running_downloads(&self) -> usize {
        self.active.values().filter(|operation| matches!(operation.work, Work::Download(_))).count()
    }

    /// The game's complete payload is not offered.
    pub(crate) fn hides(&self, game: &GameId) -> bool {
        self.active.contains_key(game)
    }

    /// Scans would see a payload in the making.
    pub(crate) fn changes_disk(&self, game: &GameId) -> bool {
        self.active.contains_key(game)
    }

    /// Waiting downloads are looked at after this input.
    pub(crate) fn look_again(&mut self) {
        self.look_again = true;
    }

    /// As [`Self::look_again`], for what only helps those without a source.
    pub(crate) fn look_again_if_waiting(&mut self) {
        self.look_again |= self.queue.iter().any(|waiting| matches!(waiting.why, Why::NoSource(_)));
    }

    /// Whether waiting downloads are to be looked at now.
    pub(crate) fn take_look(&mut self, now: Instant) -> bool {
        if self.retry.is_some_and(|retry| retry <= now) {
            self.retry = None;
            self.look_again = true;
        }
        std::mem::take(&mut self.look_again) && !self.folder_is_changing
    }

    pub(crate) fn retry_at(&mut self, at: Instant) {
        self.retry = Some(self.retry.map_or(at, |retry| retry.min(at)));
    }

    pub(crate) fn folder_switch_begins(&mut self) {
        self.folder_is_changing = true;
    }

    pub(crate) fn folder_switch_ended(&mut self) {
        self.folder_is_changing = false;
        self.look_again = true;
    }

    pub(crate) fn insert(&mut self, game: GameId, operation: Operation) {
        // A verification only reads: a download that waits goes on waiting at its place.
        if !matches!(operation.work, Work::Verify) {
            self.queue.retain(|waiting| waiting.game != game);
        }
        self.active.insert(game, operation);
    }

    pub(crate) fn take(&mut self, game: &GameId) -> Option<Operation> {
        self.look_again = true;
        self.active.remove(game)
    }

    /// Lets a download wait; at its old place if it has one.
    pub(crate) fn enqueue(&mut self, game: &GameId, why: Why) {
        self.look_again = true;
        match self.queue.iter_mut().find(|waiting| waiting.game == *game) {
            Some(waiting) => waiting.why = why,
            None => self.queue.push(Waiting { game: game.clone(), why }),
        }
    }

    pub(crate) fn dequeue(&mut self, game: &GameId) -> Option<Waiting> {
        let at = self.queue.iter().position(|waiting| waiting.game == *game)?;
        Some(self.queue.remove(at))
    }

    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        let downloads = self.active.values().filter_map(|operation| match &operation.work {
            Work::Download(download) => download.next_timeout(),
            Work::Verify | Work::Remove(_) | Work::Publish(_) => None,
        });
        downloads.chain(self.retry).min()
    }

    /// Everything that runs or waits to, as subscribers see it.
    pub(crate) fn statuses(&self) -> Vec<OperationStatus> {
        let active = self.active.iter().map(|(game, operation)| OperationStatus {
            game: game.clone(),
            operation: operation.kind(),
            phase: operation.phase(),
        });
        let idle = self.queue.iter().filter(|waiting| !self.active.contains_key(&waiting.game));
        let waiting = idle.filter_map(|waiting| {
            let phase = match waiting.why {
                Why::Turn => Phase::Waiting,
                Why::Paused => Phase::Paused,
                Why::NoSource(_) | Why::Failed => return None,
            };
            Some(OperationStatus { game: waiting.game.clone(), operation: OperationKind::Download, phase })
        });
        active.chain(waiting).collect()
    }
}

impl Operation {
    pub(crate) fn kind(&self) -> OperationKind {
        match &self.work {
            Work::Download(download) => download.kind(),
            Work::Verify => OperationKind::Verify,
            Work::Remove(_) => OperationKind::Remove,
            Work::Publish(_) => OperationKind::Publish,
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        match &self.work {
            Work::Download(download) => download.phase(),
            Work::Verify => Phase::Verifying,
            Work::Remove(_) => Phase::Removing,
            Work::Publish(_) => Phase::Hashing,
        }
    }
}

impl Engine {
    pub(crate) fn refuse_if_busy(&self, game: &GameId) -> Result<(), CommandError> {
        match self.operations.get(game) {
            Some(operation) => Err(busy(game, operation.kind().sentence())),
            None if self.operations.folder_is_changing => {
                Err(busy(game, "the games folder is being changed"))
            }
            None => Ok(()),
        }
    }

    fn require_known(&self, game: &GameId) -> Result<(), CommandError> {
        let is_known = self.authority.game(game).is_some()
            || self.library.game(game).is_some()
            || self.operations.get(game).is_some()
            || self.operations.queue.iter().any(|waiting| waiting.game == *game);
        if is_known { Ok(()) } else { Err(unknown(game)) }
    }

    /// Enters an operation in the table: from now on the game is hidden from offers.
    pub(crate) fn begin(&mut self, game: &GameId, work: Work) -> OpId {
        let id = OpId(self.numbers.next());
        self.operations.insert(game.clone(), Operation { id, work });
        self.refresh_offer(game);
        id
    }

    /// Clears the table's entry and looks at the disk once more.
    pub(crate) fn end(&mut self, game: &GameId) -> Option<Operation> {
        let operation = self.operations.take(game);
        self.doubt(game);
        self.touch(game);
        operation
    }

    pub(crate) fn start_verify(&mut self, game: &GameId) -> Result<(), CommandError> {
        self.require_known(game)?;
        self.refuse_if_busy(game)?;
        let Some(local) = self.library.game(game).filter(|local| local.scan.version.is_some()) else {
            return Err(not_downloaded(game));
        };
        let hashed = local.manifest();
        let is_expected = local.scan.version.as_ref() == self.authority.expected(game);
        let accepted = self.authority.accepted(game).filter(|_| is_expected);
        let Some(manifest) = accepted.or(hashed) else {
            let message = format!("{game}: there is nothing known yet to verify it against");
            return Err(CommandError::new(ErrorCode::CatalogMismatch, message));
        };
        let op = self.begin(game, Work::Verify);
        let from = self.holders_of(game, manifest);
        self.push(Effect::Verify { op, game: game.clone(), manifest, from });
        Ok(())
    }

    /// Connections to peers that have this payload, or a part of it.
    fn holders_of(&self, game: &GameId, wanted: ManifestId) -> Vec<ConnId> {
        let holds = |offer: &OfferState| match offer {
            OfferState::Complete { manifest, .. } | OfferState::Partial { manifest, .. } => {
                *manifest == wanted
            }
            OfferState::LocalOnly => false,
        };
        let offer_of = |peer| self.roster.live(peer)?.offers.get(game);
        let peers = self.roster.live_peers().filter(|(peer, _)| offer_of(*peer).is_some_and(holds));
        peers.map(|(_, conn)| conn).collect()
    }

    /// Another peer received a wrong chunk from here.
    pub(crate) fn check_damage(&mut self, game: &GameId, complaint_of: IpAddr) {
        let last = self.operations.damage_checks.get(game);
        let is_due = last.is_none_or(|(last, _)| self.now >= *last + DAMAGE_CHECK_PAUSE);
        if is_due && self.start_verify(game).is_ok() {
            self.operations.damage_checks.insert(game.clone(), (self.now, complaint_of));
            let message =
                format!("{game}: another PC received a damaged part from here. Its files are being checked.");
            self.emit(Event::Notice { level: Level::Warning, message });
        }
    }

    pub(crate) fn verified(&mut self, op: OpId, result: Result<VerifyOutcome, DiskFailure>) {
        let Some(game) = self.operations.game_of(op) else { return };
        let outcome = match result {
            Ok(outcome) => outcome,
            Err(failure) => return self.operation_failed(&game, failure),
        };
        let is_damaged = !outcome.damaged.is_empty();
        if let Some((_, complaint_of)) = self.operations.damage_checks.get(&game).filter(|_| !is_damaged) {
            self.roster.note_false_alarm(*complaint_of);
        }
        self.note_damage(&game, is_damaged);
        self.emit(Event::VerifyFinished {
            game: game.clone(),
            damaged_bytes: outcome.damaged_bytes,
            damaged: outcome.damaged,
        });
        self.end(&game);
        self.emit(Event::OperationFinished { game: game.clone(), operation: OperationKind::Verify });
        let is_expected = self.local_state(&game) == Some(LocalState::Modified);
        if is_damaged && is_expected && self.authority.accepted(&game).is_some() {
            // What is damaged is fetched again; without a source it waits for one.
            self.operations.enqueue(&game, Why::Turn);
        }
    }

    pub(crate) fn start_remove(&mut self, game: &GameId) -> Result<(), CommandError> {
        self.require_known(game)?;
        self.refuse_if_busy(game)?;
        let has_payload = self.library.game(game).is_some_and(|local| local.scan.has_files);
        let was_waiting = self.operations.dequeue(game).is_some();
        if !has_payload && !was_waiting {
            return Err(not_downloaded(game));
        }
        self.begin(game, Work::Remove(Writer::Draining));
        self.drain_then_write(game);
        Ok(())
    }

    pub(crate) fn removed(&mut self, op: OpId, result: Result<(), DiskFailure>) {
        let Some(game) = self.operations.game_of(op) else { return };
        match result {
            Ok(()) => {
                self.end(&game);
                self.forget_local(&game);
                self.emit(Event::OperationFinished { game, operation: OperationKind::Remove });
            }
            Err(failure) => self.operation_failed(&game, failure),
        }
    }

    pub(crate) fn start_publish(&mut self, game: &GameId) -> Result<(), CommandError> {
        self.refuse_if_busy(game)?;
        self.operations.dequeue(game);
        self.begin(game, Work::Publish(Writer::Draining));
        self.drain_then_write(game);
        Ok(())
    }

    pub(crate) fn published(&mut self, op: OpId, result: Result<PublishOutcome, DiskFailure>) {
        let Some(game) = self.operations.game_of(op) else { return };
        match result {
            Ok(_) => {
                self.end(&game);
                self.emit(Event::OperationFinished { game, operation: OperationKind::Publish });
            }
            Err(failure) => self.operation_failed(&game, failure),
        }
    }

    /// Cancels the game's outbound transfers; the writer's first effect follows when the last has ended.
    pub(crate) fn drain_then_write(&mut self, game: &GameId) {
        self.cancel_serving(game);
        self.start_writing_if_drained(game);
    }

    /// The writer's first effect on disk, once nobody reads.
    pub(crate) fn start_writing_if_drained(&mut self, game: &GameId) {
        if self.serving.count(game) > 0 {
            return;
        }
        let Some(operation) = self.operations.active.get_mut(game) else { return };
        let (op, game) = (operation.id, game.clone());
        match &mut operation.work {
            Work::Remove(writer @ Writer::Draining) => {
                *writer = Writer::Writing;
                self.push(Effect::Remove { op, game });
            }
            Work::Publish(writer @ Writer::Draining) => {
                *writer = Writer::Writing;
                self.push(Effect::Publish { op, game });
            }
            Work::Download(download) => match &mut download.stage {
                Stage::Draining(_) => self.swap_in(&game),
                Stage::Closing { writer: writer @ Writer::Draining, discard, .. } => {
                    *writer = Writer::Writing;
                    let discard = *discard;
                    self.push(Effect::CloseStore { op, game, discard });
                }
                Stage::LoadingManifest(_)
                | Stage::FetchingManifest { .. }
                | Stage::Opening(_)
                | Stage::Fetching(_)
                | Stage::Finishing(_)
                | Stage::Closing { .. } => {}
            },
            Work::Verify | Work::Remove(_) | Work::Publish(_) => {}
        }
    }

    /// An operation other than a running download failed.
    pub(crate) fn operation_failed(&mut self, game: &GameId, failure: DiskFailure) {
        let Some(operation) = self.end(game) else { return };
        if failure.kind == FailureKind::Cancelled {
            return;
        }
        let error = CommandError::new(failure.kind.code(), failure.message);
        self.emit(Event::OperationFailed { game: game.clone(), operation: operation.kind(), error });
    }

    pub(crate) fn cancel(&mut self, game: &GameId) -> Result<(), CommandError> {
        self.require_known(game)?;
        if self.operations.get(game).is_some() {
            return self.stop_download(game, None);
        }
        match self.operations.dequeue(game) {
            Some(_) => {
                // Its parts go, too: a short operation that only discards.
                self.begin(game, Work::Download(Box::new(Download::discarding())));
                self.drain_then_write(game);
                Ok(())
            }
            None => Err(CommandError::new(
                ErrorCode::Refused,
                format!("{game}: nothing runs that could be cancelled"),
            )),
        }
    }

    pub(crate) fn pause(&mut self, game: &GameId) -> Result<(), CommandError> {
        self.require_known(game)?;
        if self.operations.get(game).is_some() {
            return self.stop_download(game, Some(Why::Paused));
        }
        if self.operations.queue.iter().any(|waiting| waiting.game == *game) {
            self.operations.enqueue(game, Why::Paused);
            return Ok(());
        }
        Err(CommandError::new(ErrorCode::Refused, format!("{game}: no download that could be paused")))
    }

    pub(crate) fn resume(&mut self, game: &GameId) -> Result<(), CommandError> {
        self.require_known(game)?;
        if self.operations.queue.iter().any(|waiting| waiting.game == *game) {
            self.operations.enqueue(game, Why::Turn);
            return Ok(());
        }
        self.refuse_if_busy(game)?;
        Err(CommandError::new(ErrorCode::Refused, format!("{game}: no download is paused")))
    }

    /// The table's event, if the table changed.
    pub(crate) fn tell_operations(&mut self) {
        let operations = self.operations.statuses();
        if operations != self.operations.told {
            self.operations.told.clone_from(&operations);
            self.emit(Event::ActiveOperationsChanged { operations });
        }
    }

    /// Downloads that run or wait survive a restart.
    pub(crate) fn store_queue(&mut self) {
        let running = self.operations.active.iter().filter(|(_, operation)| match &operation.work {
            Work::Download(download) => !download.is_ending(),
            Work::Verify | Work::Remove(_) | Work::Publish(_) => false,
        });
        let running = running.map(|(game, operation)| QueuedDownload {
            game: game.clone(),
            paused: operation.phase() == Phase::Paused,
        });
        let waiting = self.operations.queue.iter().map(|waiting| QueuedDownload {
            game: waiting.game.clone(),
            paused: matches!(waiting.why, Why::Paused | Why::Failed),
        });
        let queue: Vec<QueuedDownload> = running.chain(waiting).collect();
        if queue != self.operations.stored {
            self.operations.stored.clone_from(&queue);
            self.push(Effect::StoreQueue(queue));
        }
    }
}

impl OperationKind {
    fn sentence(self) -> &'static str {
        match self {
            Self::Download => "it is being downloaded",
            Self::Update => "it is being updated",
            Self::Remove => "it is being removed",
            Self::Verify => "its files are being checked",
            Self::Publish => "it is being published",
        }
    }
}

pub(crate) fn unknown(game: &GameId) -> CommandError {
    CommandError::new(ErrorCode::UnknownGame, format!("no game “{game}” in the catalog or on this PC"))
}

fn not_downloaded(game: &GameId) -> CommandError {
    CommandError::new(ErrorCode::NotDownloaded, format!("{game} is not downloaded"))
}
