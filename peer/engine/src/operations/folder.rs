//! Another games folder: nothing runs while it is opened, and nothing begins.

use lanspread_protocol::GameId;

use crate::command::{CommandError, ErrorCode};
use crate::download::{Download, Purpose};
use crate::effect::Effect;
use crate::engine::{Engine, busy};
use crate::ids::ReplyId;
use crate::operations::{Operations, Why};

/// How far a change of the games folder is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum FolderChange {
    #[default]
    Nothing,
    /// What is fetched ahead closes its stores; then the folder is opened for this command.
    MakesWay(ReplyId),
    /// The shell opens the folder.
    Opening,
}

impl Operations {
    pub(crate) fn folder_is_changing(&self) -> bool {
        self.folder_change != FolderChange::Nothing
    }

    pub(crate) fn folder_switch_ended(&mut self) {
        self.folder_change = FolderChange::Nothing;
        self.look_again = true;
    }
}

impl Engine {
    /// The shell opens the folder; its result is the reply. What nobody asked for makes way, as it does for any other
    /// intent: it goes on in the folder that is in use then.
    pub(crate) fn change_games_folder(&mut self, reply: ReplyId) {
        if let Some(refused) = self.why_folder_stays() {
            return self.push(Effect::Reply { reply, result: Err(refused) });
        }
        self.operations.folder_change = FolderChange::MakesWay(reply);
        for game in self.operations.games() {
            self.close_download(&game, Some(Why::Turn));
        }
    }

    fn why_folder_stays(&self) -> Option<CommandError> {
        let makes_way =
            |download: &Download| download.purpose == Purpose::Ahead && download.can_be_interrupted();
        let mut running = self.operations.active().keys();
        let is_in_the_way = |game: &&GameId| !self.operations.download(game).is_some_and(makes_way);
        if let Some(game) = running.find(is_in_the_way) {
            Some(busy(game, "the games folder cannot be changed while an operation runs on it"))
        } else if self.plays() {
            let message = "the games folder cannot be changed while a game runs";
            Some(CommandError::new(ErrorCode::GameRunning, message))
        } else if self.operations.folder_is_changing() {
            Some(CommandError::new(ErrorCode::Busy, "the games folder is being changed already"))
        } else {
            None
        }
    }

    /// Everything has made way.
    pub(crate) fn open_folder_if_idle(&mut self) {
        if let FolderChange::MakesWay(reply) = self.operations.folder_change
            && self.operations.active().is_empty()
        {
            self.operations.folder_change = FolderChange::Opening;
            self.push(Effect::SwitchGamesFolder { reply });
        }
    }
}
