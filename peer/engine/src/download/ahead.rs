//! New versions that are built in the background, so that a click only swaps them in.
//!
//! Such a download waits like any other and comes after those that a person asked for. When all of it is here it stays
//! in the table, ready, and serves its units to others. A click takes it over; any other intent on the game interrupts
//! it, and it goes on afterwards. A person who cancels it is not asked again for that version.

use lanspread_protocol::GameId;

use super::{Download, Purpose, Stage};
use crate::command::Command;
use crate::engine::Engine;
use crate::library::LocalState;
use crate::notices::NoticeKind;
use crate::operations::{Lack, Why};

impl Engine {
    /// The catalog expects another version of a game that is here: it is fetched as soon as somebody has it.
    pub(crate) fn fetch_ahead_if_due(&mut self, game: &GameId) {
        let is_due = self.config.fetch_ahead
            && self.local_state(game) == Some(LocalState::WrongVersion)
            && self.operations.get(game).is_none()
            && self.operations.purpose_of_waiting(game).is_none()
            && self.declined.get(game) != self.authority.expected(game);
        if is_due {
            self.operations.enqueue(game, Why::NoSource(Box::<Lack>::default()), Purpose::Ahead);
        }
    }

    /// All games are looked at for new versions; or none is fetched ahead any more.
    pub(crate) fn set_fetch_ahead(&mut self, fetch_ahead: bool) {
        self.config.fetch_ahead = fetch_ahead;
        let games: Vec<GameId> = self.library.games().keys().cloned().collect();
        for game in games {
            if fetch_ahead {
                self.fetch_ahead_if_due(&game);
            } else if self.operations.purpose_of_waiting(&game) == Some(Purpose::Ahead) {
                self.operations.dequeue(&game);
            }
        }
    }

    /// This version is not fetched ahead again.
    pub(crate) fn decline_ahead(&mut self, game: &GameId) {
        if let Some(expected) = self.authority.expected(game) {
            self.declined.insert(game.clone(), expected.clone());
        }
    }

    /// A click on what is being fetched ahead: it goes on as the person's own. `false`: there is nothing to take over.
    pub(super) fn take_over_ahead(&mut self, game: &GameId, purpose: Purpose) -> bool {
        let Some(download) = self.operations.download_mut(game) else { return false };
        let is_ending = matches!(download.stage, Stage::Closing { .. });
        if download.purpose != Purpose::Ahead || is_ending {
            return false;
        }
        download.purpose = purpose;
        self.proceed_if_ready(game);
        true
    }

    /// Closes a download that nobody asked for, so that `command` can be carried out; later it goes on. `false`: it
    /// cannot be interrupted.
    pub(crate) fn interrupt_ahead(&mut self, game: &GameId, command: Command) -> bool {
        if !self.operations.download(game).is_some_and(Download::can_be_interrupted) {
            return false;
        }
        let goes = matches!(command, Command::Remove { .. } | Command::Publish { .. });
        let then = if goes { None } else { Some(Why::Turn) };
        self.close_download_before(game, then, Some(Box::new(command)));
        true
    }

    /// A command that waited for a download to end. It was accepted; what keeps it from being done now is told.
    pub(super) fn carry_out_later_command(&mut self, game: &GameId, command: Command) {
        if let Err(error) = self.carry_out(command) {
            self.warn(NoticeKind::NotDone { game: game.clone(), error });
        }
    }
}
