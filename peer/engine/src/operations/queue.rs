//! The order of downloads that wait, and why the last operation on a game failed.

use lanspread_protocol::GameId;

use super::{Operations, Waiting, Why};
use crate::command::{CommandError, ErrorCode};
use crate::download::Purpose;
use crate::engine::Engine;
use crate::notices::FailureView;

impl Operations {
    /// Downloads that will run by themselves, in that order: what nobody asked for comes last.
    pub(crate) fn line(&self) -> impl Iterator<Item = &Waiting> {
        let of = |is_ahead: bool| {
            self.queue.iter().filter(move |waiting| (waiting.purpose == Purpose::Ahead) == is_ahead)
        };
        of(false).chain(of(true)).filter(|waiting| matches!(waiting.why, Why::Turn | Why::NoSource(_)))
    }

    /// Puts a waiting download before the one that has this place now.
    fn move_in_line(&mut self, game: &GameId, position: usize) {
        let before = self.line().filter(|waiting| waiting.game != *game).nth(position);
        let before = before.map(|waiting| waiting.game.clone());
        let Some(moved) = self.dequeue(game) else { return };
        let at = self.queue.iter().position(|waiting| Some(&waiting.game) == before.as_ref());
        self.queue.insert(at.unwrap_or(self.queue.len()), moved);
        self.look_again = true;
    }

    pub(crate) fn failure(&self, game: &GameId) -> Option<&FailureView> {
        self.failures.get(game)
    }

    pub(crate) fn note_failure(&mut self, game: GameId, failure: FailureView) {
        self.failures.insert(game, failure);
    }

    /// What is stored of a download that failed, so that it still says why after a restart.
    pub(super) fn failure_of_waiting(&self, waiting: &Waiting) -> Option<FailureView> {
        self.failures.get(&waiting.game).filter(|_| waiting.why == Why::Failed).cloned()
    }

    /// Its parts stay on disk; a new click goes on with them.
    pub(crate) fn forget_failure(&mut self, game: &GameId) {
        self.failures.remove(game);
        self.queue.retain(|waiting| waiting.game != *game || waiting.why != Why::Failed);
    }
}

impl Engine {
    pub(crate) fn move_in_queue(&mut self, game: &GameId, position: usize) -> Result<(), CommandError> {
        self.require_known(game)?;
        if !self.operations.line().any(|waiting| waiting.game == *game) {
            let message = format!("{game}: no download of it waits for its turn");
            return Err(CommandError::new(ErrorCode::Refused, message));
        }
        self.operations.move_in_line(game, position);
        Ok(())
    }
}
