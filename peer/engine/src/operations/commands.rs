//! Verifying, and what concerns any operation: how it begins and ends, cancel, pause, resume, the table's event.

use std::net::IpAddr;
use std::time::Duration;

use lanspread_protocol::message::OfferState;
use lanspread_protocol::{GameId, ManifestId, PeerId};

use super::changes::MakesWay;
use super::{Operation, OperationKind, Phase, Why, Work, not_downloaded, unknown};
use crate::command::{Command, CommandError, ErrorCode};
use crate::config::QueuedDownload;
use crate::download::{Download, Purpose};
use crate::effect::Effect;
use crate::engine::{Engine, busy};
use crate::event::Event;
use crate::ids::OpId;
use crate::input::{DiskFailure, VerifyOutcome};
use crate::library::LocalState;
use crate::notices::NoticeKind;

/// A verification that another peer asked for is not repeated within this time.
const DAMAGE_CHECK_PAUSE: Duration = Duration::from_mins(1);

impl Engine {
    pub(crate) fn refuse_if_busy(&self, game: &GameId) -> Result<(), CommandError> {
        match self.operations.get(game) {
            Some(operation) => Err(busy(game, operation.kind().sentence())),
            None if self.operations.folder_is_changing() => {
                Err(busy(game, "the games folder is being changed"))
            }
            None => Ok(()),
        }
    }

    /// Why a game is not in the state for a command: what runs on it comes first, for it may be changing just that.
    pub(crate) fn or_busy(&self, game: &GameId, otherwise: CommandError) -> CommandError {
        self.refuse_if_busy(game).err().unwrap_or(otherwise)
    }

    pub(crate) fn require_known(&self, game: &GameId) -> Result<(), CommandError> {
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
        let command = Command::Verify { game: game.clone() };
        if self.makes_way(game, command)? == MakesWay::Soon {
            return Ok(());
        }
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
        let from = self.conns_to_ask(self.holders_of(game, manifest));
        self.push(Effect::Verify { op, game: game.clone(), manifest, from });
        Ok(())
    }

    /// Returns the peers that have this payload, or a part of it.
    pub(crate) fn holders_of(&self, game: &GameId, wanted: ManifestId) -> Vec<PeerId> {
        let holds = |offer: &OfferState| match offer {
            OfferState::Complete { manifest, .. } | OfferState::Partial { manifest, .. } => {
                *manifest == wanted
            }
            OfferState::LocalOnly => false,
        };
        let offer_of = |peer| self.roster.live(peer)?.offers.get(game);
        let peers = self.roster.live_peers().filter(|(peer, _)| offer_of(*peer).is_some_and(holds));
        peers.map(|(peer, _)| peer).collect()
    }

    /// Another peer received a wrong chunk from here.
    pub(crate) fn check_damage(&mut self, game: &GameId, complaint_of: IpAddr) {
        let last = self.operations.damage_checks.get(game);
        let is_due = last.is_none_or(|(last, _)| self.now >= *last + DAMAGE_CHECK_PAUSE);
        if is_due && self.start_verify(game).is_ok() {
            self.operations.damage_checks.insert(game.clone(), (self.now, complaint_of));
            self.warn(NoticeKind::DamageChecked { game: game.clone() });
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
            self.operations.enqueue(&game, Why::Turn, Purpose::Fetch);
        }
    }

    pub(crate) fn cancel(&mut self, game: &GameId) -> Result<(), CommandError> {
        self.require_known(game)?;
        if let Some(operation) = self.operations.get(game) {
            return match &operation.work {
                Work::Download(_) => {
                    self.decline_ahead(game);
                    self.stop_download(game, None)
                }
                Work::Verify => {
                    let op = operation.id;
                    self.push(Effect::CancelWork { op });
                    Ok(())
                }
                Work::Change(_) => self.cancel_change(game),
            };
        }
        self.refuse_if_busy(game)?;
        self.decline_ahead(game);
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
        if let Some(operation) = self.operations.get(game) {
            return match operation.work {
                Work::Download(_) => self.stop_download(game, Some(Why::Paused)),
                Work::Verify | Work::Change(_) => {
                    let what = operation.kind().sentence();
                    Err(busy(game, &format!("{what}; only a download can be paused")))
                }
            };
        }
        if let Some(purpose) = self.operations.purpose_of_waiting(game) {
            self.operations.enqueue(game, Why::Paused, purpose);
            return Ok(());
        }
        Err(CommandError::new(ErrorCode::Refused, format!("{game}: no download that could be paused")))
    }

    pub(crate) fn resume(&mut self, game: &GameId) -> Result<(), CommandError> {
        self.require_known(game)?;
        if let Some(purpose) = self.operations.purpose_of_waiting(game) {
            self.operations.enqueue(game, Why::Turn, purpose);
            return Ok(());
        }
        if self.wait_instead(game, Why::Turn) {
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
        let running = self.operations.active.iter().filter_map(|(game, operation)| match &operation.work {
            Work::Download(download) if !download.is_ending() => Some(QueuedDownload {
                game: game.clone(),
                paused: download.phase() == Phase::Paused,
                purpose: download.purpose,
                // It began without one: it has failed, and its store is being closed.
                failure: self.operations.failure(game).cloned(),
                held: download.held.clone(),
            }),
            Work::Download(_) | Work::Verify | Work::Change(_) => None,
        });
        let waiting = self.operations.queue.iter().map(|waiting| QueuedDownload {
            game: waiting.game.clone(),
            paused: matches!(waiting.why, Why::Paused | Why::Failed),
            purpose: waiting.purpose,
            failure: self.operations.failure_of_waiting(waiting),
            held: waiting.held.clone(),
        });
        let queue: Vec<QueuedDownload> = running.chain(waiting).collect();
        if queue != self.operations.stored {
            self.operations.stored.clone_from(&queue);
            self.push(Effect::StoreQueue(queue));
        }
    }
}
