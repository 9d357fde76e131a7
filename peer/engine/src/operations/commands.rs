//! How operations begin and end: commands, results of their work, the wait of a writer for its readers.

use std::net::IpAddr;
use std::time::Duration;

use lanspread_protocol::message::OfferState;
use lanspread_protocol::{GameId, ManifestId};

use super::{Operation, OperationKind, Phase, Why, Work, Writer, not_downloaded, unknown};
use crate::command::{CommandError, ErrorCode};
use crate::config::QueuedDownload;
use crate::download::{Download, Stage};
use crate::effect::Effect;
use crate::engine::{Engine, busy};
use crate::event::{Event, Level};
use crate::ids::{ConnId, OpId};
use crate::input::{DiskFailure, FailureKind, PublishOutcome, VerifyOutcome};
use crate::library::LocalState;

/// A verification that another peer asked for is not repeated within this time.
const DAMAGE_CHECK_PAUSE: Duration = Duration::from_mins(1);

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

    pub(super) fn require_known(&self, game: &GameId) -> Result<(), CommandError> {
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
