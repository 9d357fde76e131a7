//! Which games run here, and what rests meanwhile.
//!
//! A run is entered before its program is started, so that nothing that changes the game's files can begin in between;
//! it ends when every process of it has. While a game runs, bytes in both directions obey the *while playing* limit,
//! hashing and full scans rest, and this PC is the first fetcher of nothing: nobody's ping pays for a download.

use std::collections::BTreeMap;

use lanspread_protocol::GameId;
use lanspread_protocol::message::{Control, GameServer, Presence};

use crate::command::{Answer, CommandError, ErrorCode};
use crate::effect::{Background, Effect};
use crate::engine::{Engine, busy};
use crate::event::Event;
use crate::ids::{ReplyId, RunId};
use crate::operations::not_installed;

/// The launch entry that a person plays with.
const PLAY: &str = "play";
/// Launch entries that others can join.
const SERVER: &str = "server";
/// The launch entry that joins a server.
const JOIN: &str = "join";

#[derive(Debug, Default)]
pub(crate) struct Playing {
    runs: BTreeMap<RunId, Run>,
    /// What the shell was told.
    rests: bool,
}

/// A program of a game that was started.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) game: GameId,
    pub(crate) entry: String,
    pub(crate) state: RunState,
}

#[derive(Debug)]
pub(crate) enum RunState {
    /// Its start is under way, and who asked for it waits.
    Starting(ReplyId),
    /// The process id of the program that was started.
    Running(u32),
}

impl Playing {
    pub(crate) fn of(&self, game: &GameId) -> impl Iterator<Item = &Run> {
        self.runs.values().filter(move |run| run.game == *game)
    }
}

impl Engine {
    pub(crate) fn is_running(&self, game: &GameId) -> bool {
        self.playing.of(game).next().is_some()
    }

    pub(crate) fn plays(&self) -> bool {
        !self.playing.runs.is_empty()
    }

    /// Files of a running game are not touched.
    pub(crate) fn refuse_if_running(&self, game: &GameId) -> Result<(), CommandError> {
        if self.is_running(game) {
            let message = format!("{game} is running; quit it first");
            return Err(CommandError::new(ErrorCode::GameRunning, message));
        }
        Ok(())
    }

    /// Checked and begun; the reply comes with the program's start.
    pub(crate) fn start_game(
        &mut self,
        reply: ReplyId,
        game: &GameId,
        entry: String,
        server: Option<String>,
    ) -> Result<(), CommandError> {
        self.require_known(game)?;
        if !self.library.game(game).is_some_and(|local| local.scan.has_local) {
            return Err(not_installed(game));
        }
        if let Some(operation) = self.operations.get(game).filter(|operation| operation.changes_installed()) {
            return Err(busy(game, operation.kind().sentence()));
        }
        if self.operations.folder_is_changing() {
            return Err(busy(game, "the games folder is being changed"));
        }
        if self.playing.of(game).any(|run| run.entry == entry) {
            let message = format!("“{entry}” of {game} is running already");
            return Err(CommandError::new(ErrorCode::GameRunning, message));
        }
        let server = self.server_to_join(game, &entry, server)?;
        let run = RunId(self.numbers.next());
        let state = RunState::Starting(reply);
        self.playing.runs.insert(run, Run { game: game.clone(), entry: entry.clone(), state });
        let about = self.authority.game(game).cloned().map(Box::new);
        let player = self.presence.name.clone();
        self.push(Effect::Start { run, game: game.clone(), entry, about, player, server });
        Ok(())
    }

    /// The server that is meant, or the one that is announced here.
    fn server_to_join(
        &self,
        game: &GameId,
        entry: &str,
        server: Option<String>,
    ) -> Result<Option<String>, CommandError> {
        if entry != JOIN || server.is_some() {
            return Ok(server);
        }
        let serves =
            |presence: &Presence| presence.servers.iter().any(|server: &GameServer| server.game == *game);
        let mut hosts = self.roster.live_peers().filter_map(|(peer, conn)| {
            let live = self.roster.live(peer)?;
            if serves(&live.hello.presence) { self.roster.ip_of(conn) } else { None }
        });
        match (hosts.next(), hosts.next()) {
            (Some(host), None) => Ok(Some(host.to_string())),
            (Some(_), Some(_)) => {
                let message = format!("{game}: there are several servers; say which one to join");
                Err(CommandError::new(ErrorCode::Refused, message))
            }
            (None, _) => {
                let message = format!("nobody here runs a server of {game}; give its address as “server”");
                Err(CommandError::new(ErrorCode::NoSource, message))
            }
        }
    }

    pub(crate) fn game_started(&mut self, id: RunId, result: Result<u32, CommandError>) {
        let Some(run) = self.playing.runs.get_mut(&id) else { return };
        let RunState::Starting(reply) = run.state else { return };
        match result {
            Ok(pid) => {
                run.state = RunState::Running(pid);
                let (game, entry) = (run.game.clone(), run.entry.clone());
                self.push(Effect::Reply { reply, result: Ok(Answer::Started { pid }) });
                self.emit(Event::GameStarted { game, pid, entry });
                self.runs_changed();
            }
            Err(error) => {
                self.push(Effect::Reply { reply, result: Err(error) });
                self.run_is_over(id);
            }
        }
    }

    pub(crate) fn game_exited(&mut self, id: RunId, code: Option<i32>, output: Vec<String>) {
        if let Some(Run { game, entry, .. }) = self.run_is_over(id) {
            self.emit(Event::GameExited { game, entry, code, output });
        }
    }

    fn run_is_over(&mut self, id: RunId) -> Option<Run> {
        let run = self.playing.runs.remove(&id)?;
        self.runs_changed();
        // An update may have waited for it, and it may have written into its folder.
        self.proceed_if_ready(&run.game);
        self.touch(&run.game);
        Some(run)
    }

    /// What others see, and how fast and how much may be done.
    fn runs_changed(&mut self) {
        let started = self.playing.runs.values().filter(|run| matches!(run.state, RunState::Running(_)));
        let servers = started.clone().filter(|run| run.entry == SERVER);
        let servers: Vec<GameServer> =
            servers.map(|run| GameServer { game: run.game.clone(), entry: run.entry.clone() }).collect();
        let mut played = started.filter(|run| run.entry == PLAY || run.entry == JOIN);
        let playing = played.next().map(|run| run.game.clone());
        if playing != self.presence.playing || servers != self.presence.servers {
            (self.presence.playing, self.presence.servers) = (playing, servers);
            self.broadcast(&Control::Presence(self.presence.clone()));
        }
        let plays = self.plays();
        if std::mem::replace(&mut self.playing.rests, plays) != plays {
            self.apply_limits();
            self.push(Effect::SetBackground(if plays { Background::Rests } else { Background::Works }));
            self.limits_changed();
        }
    }

    /// The limits that hold now.
    pub(crate) fn apply_limits(&mut self) {
        let playing = if self.plays() { self.config.playing_limit } else { 0 };
        let upload = match (self.config.upload_limit, playing) {
            (limit, 0) | (0, limit) => limit,
            (upload, playing) => upload.min(playing),
        };
        self.push(Effect::SetLimits { upload, download: playing });
    }
}
