//! Starting games and watching them.

use lanspread_engine::{CommandError, ErrorCode, Input, RunId};
use lanspread_protocol::{Game, GameId};

use super::effects::Shell;

impl Shell {
    pub(super) fn start_game(
        &self,
        run: RunId,
        game: GameId,
        _entry: String,
        _about: Option<Box<Game>>,
        _player: String,
        _server: Option<String>,
    ) {
        let message = format!("{game}: this version of Lanspread cannot start games");
        let result = Err(CommandError::new(ErrorCode::Refused, message));
        self.tell_later("start", Input::Started { run, result });
    }
}
