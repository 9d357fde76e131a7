//! What changes a game's files: install, uninstall, remove, publish; and the wait of a writer for its readers.

use lanspread_protocol::GameId;

use super::{Change, Operation, What, Work, Writer, not_downloaded, not_installed};
use crate::command::{Command, CommandError, ErrorCode, Extras, KeptFiles, Saves};
use crate::download::{Purpose, Stage};
use crate::effect::Effect;
use crate::engine::{Engine, busy};
use crate::event::Event;
use crate::ids::OpId;
use crate::input::{DiskFailure, FailureKind, Kept, Payload, ScannedGame};
use crate::library::Left;

/// Whether an intent on a game can begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MakesWay {
    Now,
    /// A download ends first that nobody asked for, or that waits once its store is closed; then the command is given
    /// again.
    Soon,
}

impl Engine {
    /// Refuses a second intent on a busy game. A new version that is fetched ahead makes way, and goes on afterwards;
    /// a download that is being closed to wait is not in the way either.
    pub(super) fn makes_way(&mut self, game: &GameId, command: Command) -> Result<MakesWay, CommandError> {
        let is_ahead = |download: &crate::download::Download| download.purpose == Purpose::Ahead;
        if self.follow_closing(game, command.clone()) {
            return Ok(MakesWay::Soon);
        }
        if self.operations.download(game).is_some_and(is_ahead) && self.interrupt_ahead(game, command) {
            return Ok(MakesWay::Soon);
        }
        self.refuse_if_busy(game).map(|()| MakesWay::Now)
    }

    pub(crate) fn start_install(&mut self, game: &GameId, kept: KeptFiles) -> Result<(), CommandError> {
        self.require_known(game)?;
        let Some(local) = self.library.game(game).filter(|local| local.scan.version.is_some()) else {
            return Err(self.or_busy(game, not_downloaded(game)));
        };
        if local.scan.payload == Payload::Damaged {
            let message = format!("{game}: files of its download are damaged or missing; verify it first");
            return Err(CommandError::new(ErrorCode::CatalogMismatch, message));
        }
        self.refuse_if_running(game)?;
        let command = Command::Install { game: game.clone(), kept };
        if self.makes_way(game, command)? == MakesWay::Now {
            self.change(game, What::Install(kept));
        }
        Ok(())
    }

    pub(crate) fn start_uninstall(&mut self, game: &GameId, saves: Saves) -> Result<(), CommandError> {
        self.require_known(game)?;
        if !self.library.game(game).is_some_and(|local| local.scan.has_local) {
            return Err(self.or_busy(game, not_installed(game)));
        }
        self.refuse_if_running(game)?;
        let command = Command::Uninstall { game: game.clone(), saves };
        if self.makes_way(game, command)? == MakesWay::Now {
            self.change(game, What::Uninstall(saves));
        }
        Ok(())
    }

    pub(crate) fn start_remove(
        &mut self,
        game: &GameId,
        local: Option<Saves>,
        extras: Extras,
    ) -> Result<(), CommandError> {
        self.require_known(game)?;
        self.refuse_if_running(game)?;
        let command = Command::Remove { game: game.clone(), local, extras };
        if self.makes_way(game, command)? == MakesWay::Soon {
            return Ok(());
        }
        let scan = self.library.game(game).map(|local| &local.scan);
        let has_payload = scan.is_some_and(|scan| scan.has_files);
        let has_local = local.is_some() && scan.is_some_and(|scan| scan.has_local);
        let was_waiting = self.operations.dequeue(game).is_some();
        if !has_payload && !has_local && !was_waiting {
            return Err(not_downloaded(game));
        }
        self.change(game, What::Remove { local, extras });
        Ok(())
    }

    pub(crate) fn start_publish(&mut self, game: &GameId) -> Result<(), CommandError> {
        let command = Command::Publish { game: game.clone() };
        if self.makes_way(game, command)? == MakesWay::Now {
            self.operations.dequeue(game);
            self.change(game, What::Publish);
        }
        Ok(())
    }

    /// Enters a change in the table; its first effect follows when nobody reads.
    fn change(&mut self, game: &GameId, what: What) {
        self.begin(game, Work::Change(Change { what, writer: Writer::Draining }));
        self.drain_then_write(game);
    }

    /// A finished download becomes an installation. The new entry has a token of its own: nothing that ends downloads
    /// ends it.
    pub(crate) fn hand_over_to_install(&mut self, game: &GameId) {
        self.change(game, What::Install(KeptFiles::Restore));
    }

    pub(crate) fn changed(&mut self, op: OpId, result: Result<Option<Kept>, DiskFailure>) {
        let Some(game) = self.operations.game_of(op) else { return };
        let is_change = |operation: &Operation| matches!(operation.work, Work::Change(_));
        if !self.operations.get(&game).is_some_and(is_change) {
            return;
        }
        let kept = match result {
            Ok(kept) => kept,
            Err(failure) => return self.operation_failed(&game, failure),
        };
        if let Some(Kept { folder, paths }) = kept {
            self.emit(Event::FilesKept { game: game.clone(), folder, paths });
        }
        let Some(Operation { work: Work::Change(Change { what, .. }), .. }) = self.end(&game) else { return };
        match what {
            What::Install(_) => self.note_installed(&game, true),
            What::Uninstall(_) => self.note_installed(&game, false),
            What::Remove { local: None, .. } => self.note_removed(&game, Left::Installed),
            What::Remove { local: Some(_), .. } => self.note_removed(&game, Left::Nothing),
            What::Publish => {}
        }
        self.emit(Event::OperationFinished { game, operation: what.kind() });
    }

    /// Who hears that it is done sees it in the library, as after a download.
    pub(crate) fn published(&mut self, op: OpId, result: Result<ScannedGame, DiskFailure>) {
        let is_publish = |work: &Work| matches!(work, Work::Change(Change { what: What::Publish, .. }));
        let game = self.operations.game_of(op);
        let game = game.filter(|game| self.operations.get(game).is_some_and(|it| is_publish(&it.work)));
        let result = result.map(|scan| {
            if let Some(game) = &game {
                self.replace_local(game, scan);
            }
            None
        });
        self.changed(op, result);
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
            Work::Change(change) if change.writer == Writer::Draining => {
                change.writer = Writer::Writing;
                let what = change.what;
                self.begin_writing(op, game, what);
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
                | Stage::Opening { .. }
                | Stage::Fetching(_)
                | Stage::Ready(_)
                | Stage::Finishing(_)
                | Stage::Closing { .. } => {}
            },
            Work::Verify | Work::Change(_) => {}
        }
    }

    fn begin_writing(&mut self, op: OpId, game: GameId, what: What) {
        let entry = self.authority.game(&game).cloned().map(Box::new);
        let keep = || entry.as_ref().map(|entry| entry.keep.clone()).unwrap_or_default();
        let effect = match what {
            What::Install(kept) => {
                let manifest = self.library.game(&game).and_then(crate::library::LocalGame::manifest);
                Effect::Install { op, game, manifest, entry, kept }
            }
            What::Uninstall(saves) => Effect::Uninstall { op, keep: keep(), game, saves },
            What::Remove { local, extras } => {
                let named = entry.as_ref().and_then(|entry| entry.manifest);
                Effect::Remove { op, keep: keep(), named, game, local, extras }
            }
            What::Publish => Effect::Publish { op, game },
        };
        self.push(effect);
    }

    /// A change that can be ended ends at its next step, and leaves everything as it was.
    pub(super) fn cancel_change(&mut self, game: &GameId) -> Result<(), CommandError> {
        let Some(Operation { id, work: Work::Change(change) }) = self.operations.get(game) else {
            return Ok(());
        };
        if !change.what.can_be_cancelled() {
            return Err(busy(game, "this operation cannot be stopped; it ends soon"));
        }
        match change.writer {
            Writer::Draining => drop(self.end(game)),
            Writer::Writing => self.push(Effect::CancelWork { op: *id }),
        }
        Ok(())
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
}
