//! Starting games and watching them.

use std::path::Path;

use lanspread_engine::{CommandError, ErrorCode, ErrorDetail, Input, RunId};
use lanspread_protocol::{Game, GameId};

use super::effects::{Shell, tell};
use super::supervisor::describe_join_error;
use crate::disk::DiskError;
use crate::launch::{LaunchError, LaunchRequest, Launcher, RunningGame};

impl Shell {
    /// Starts a program and watches it until the last of its processes has ended. A game outlives this peer: at a stop
    /// it is only watched no more.
    pub(super) fn start_game(
        &self,
        run: RunId,
        game: GameId,
        entry: String,
        about: Option<Box<Game>>,
        player: String,
        server: Option<String>,
    ) {
        let folder = self.disk.games.game(&game);
        let launch = about.map(|about| about.launch).unwrap_or_default();
        let begin = async move {
            let launcher = Launcher::of_this_program()?;
            let (chooser, of, among) = (launcher.clone(), game.clone(), folder.clone());
            let choice = tokio::task::spawn_blocking(move || chooser.choose(&of, &among, &launch, &entry));
            let choice = choice.await.map_err(|error| LaunchError::Keeper(error.to_string()))??;
            launcher.start(LaunchRequest { game, folder, choice, player, lang: language(), server }).await
        };
        let (inputs, token) = (self.inputs.clone(), self.token.clone());
        let begin = self.supervisor.task("start game", begin);
        let task = async move {
            let started =
                begin.await.unwrap_or_else(|end| Err(LaunchError::Keeper(describe_join_error(end))));
            let result = started.as_ref().map(RunningGame::pid).map_err(refusal);
            tell(&inputs, Input::Started { run, result }).await;
            let Ok(started) = started else { return };
            tokio::select! {
                () = token.cancelled() => {}
                exit = started.exited() => {
                    tell(&inputs, Input::Exited { run, code: exit.code, output: exit.output }).await;
                }
            }
        };
        drop(self.supervisor.task("watch game", task));
    }
}

fn refusal(error: &LaunchError) -> CommandError {
    let said = |path: &Path| path.display().to_string();
    let (code, detail) = match error {
        LaunchError::Io { path, cause, .. } | LaunchError::Disk(DiskError::Io { path, cause, .. }) => {
            (ErrorCode::Io, Some(ErrorDetail::File { path: said(path), why: cause.to_string() }))
        }
        LaunchError::Spawn { program, cause } => {
            let (program, why) = (said(program), cause.clone());
            (ErrorCode::Io, Some(ErrorDetail::NotStarted { program, why }))
        }
        LaunchError::Disk(_) | LaunchError::Keeper(_) => (ErrorCode::Io, None),
        LaunchError::NoEntry { name, .. } => {
            (ErrorCode::Refused, Some(ErrorDetail::NoEntry { name: name.clone() }))
        }
        LaunchError::NeedsWine { .. } => (ErrorCode::Refused, Some(ErrorDetail::NeedsWine)),
        LaunchError::Missing { path } => {
            (ErrorCode::Refused, Some(ErrorDetail::ProgramGone { path: said(path) }))
        }
        LaunchError::LeadsOut { path } => {
            (ErrorCode::Refused, Some(ErrorDetail::LeadsOut { path: said(path) }))
        }
        LaunchError::NoServer { .. } => (ErrorCode::Refused, Some(ErrorDetail::NoServer)),
        LaunchError::BadServer { server } => {
            (ErrorCode::Refused, Some(ErrorDetail::BadServer { server: server.clone() }))
        }
        LaunchError::Setup { exit, .. } => {
            (ErrorCode::Refused, Some(ErrorDetail::SetupFailed { code: exit.code }))
        }
    };
    CommandError { detail: detail.map(Box::new), ..CommandError::new(code, error.to_string()) }
}

/// The person's language as two letters; English where the system does not say.
fn language() -> String {
    let locale = sys_locale::get_locale().unwrap_or_default();
    let language: String = locale.chars().take_while(char::is_ascii_alphabetic).collect();
    if language.len() == 2 { language.to_lowercase() } else { "en".to_owned() }
}
