//! The engine's state and its two doors.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use lanspread_protocol::message::{Control, Presence};
use lanspread_protocol::{GameId, PeerId, Version};

use crate::authority::Authority;
use crate::command::{Answer, Command, CommandError, ErrorCode, Settings};
use crate::config::EngineConfig;
use crate::covers::Covers;
use crate::download::Measured;
use crate::effect::Effect;
use crate::event::{Event, Level};
use crate::hedge::Blamed;
use crate::ids::{ConnId, Counter, ReplyId};
use crate::input::Input;
use crate::library::Library;
use crate::notices::{FailureView, NoticeKind, Notices};
use crate::operations::Operations;
use crate::playing::Playing;
use crate::random::Random;
use crate::roster::Roster;
use crate::serving::Serving;

/// How long news may wait to travel together with other news.
pub(crate) const BATCH_INTERVAL: Duration = Duration::from_millis(100);
/// How often running downloads are looked at: stalls, rates, endgame.
pub(crate) const DOWNLOAD_TICK: Duration = Duration::from_millis(250);

/// A peer's mind. See the crate's comment for the contract.
#[derive(Debug)]
pub struct Engine {
    pub(crate) config: EngineConfig,
    pub(crate) now: Instant,
    pub(crate) random: Random,
    pub(crate) numbers: Counter,
    pub(crate) effects: VecDeque<Effect>,
    pub(crate) presence: Presence,
    pub(crate) roster: Roster,
    pub(crate) authority: Authority,
    pub(crate) library: Library,
    pub(crate) operations: Operations,
    pub(crate) serving: Serving,
    pub(crate) playing: Playing,
    pub(crate) covers: Covers,
    pub(crate) blamed: Blamed,
    pub(crate) notices: Notices,
    /// Versions that are not fetched ahead: a person cancelled that, or it failed.
    pub(crate) declined: BTreeMap<GameId, Version>,
    pub(crate) measured: Measured,
    /// News to be sent or told at a time: see [`Engine::flush_batches`].
    pub(crate) batches: Batches,
    identity_was_renewed: bool,
    /// It was told that this peer keeps its identity.
    identity_was_kept: bool,
}

/// News that is collected for [`BATCH_INTERVAL`].
#[derive(Debug, Default)]
pub(crate) struct Batches {
    pub(crate) due: Option<Instant>,
    /// The library event is due.
    pub(crate) library: bool,
    /// When it was told last.
    pub(crate) library_told: Option<Instant>,
    /// Peers whose library event is due.
    pub(crate) peer_libraries: BTreeSet<PeerId>,
}

impl Engine {
    pub fn new(config: EngineConfig, now: Instant) -> Self {
        let presence = Presence { name: config.name.clone(), pc: config.pc.clone(), ..Presence::default() };
        let mut engine = Self {
            now,
            random: Random::new(config.seed),
            numbers: Counter::default(),
            effects: VecDeque::new(),
            presence,
            roster: Roster::new(&config, now),
            authority: Authority::new(&config),
            library: Library::default(),
            operations: Operations::new(&config.queue),
            serving: Serving::default(),
            playing: Playing::default(),
            covers: Covers::default(),
            blamed: Blamed::default(),
            notices: Notices::default(),
            declined: BTreeMap::new(),
            measured: Measured::default(),
            batches: Batches::default(),
            identity_was_renewed: false,
            identity_was_kept: false,
            config,
        };
        engine.apply_limits();
        engine.list_games();
        engine.look_for_covers();
        engine
    }

    /// Takes one thing that happened.
    pub fn handle(&mut self, input: Input, now: Instant) {
        self.now = self.now.max(now);
        self.dispatch(input);
        self.run_timers();
        self.after_each_input();
        #[cfg(debug_assertions)]
        self.check_invariants();
    }

    /// The next piece of work, in order.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// When [`Input::Tick`] is due. `None`: nothing waits for time.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let timers = [
            self.roster.next_timeout(),
            self.authority.next_timeout(),
            self.operations.next_timeout(),
            self.covers.next_timeout(),
            self.batches.due,
        ];
        timers.into_iter().flatten().min()
    }

    fn dispatch(&mut self, input: Input) {
        match input {
            Input::Tick => {}
            Input::Command { reply, command } => self.command(reply, command),
            Input::Discovered { peer, candidates } => self.discovered(peer, &candidates),
            Input::DialFailed { dial } => self.dial_failed(dial),
            Input::Connected { conn, peer, remote, rank, gossiped, dial } => {
                self.connected(conn, peer, remote, rank, gossiped, dial);
            }
            Input::Control { conn, message } => self.control(conn, message),
            Input::Closed { conn, reason } => self.closed(conn, &reason),
            Input::Requested { serve, conn, request } => self.requested(serve, conn, request),
            Input::ServeEnded { serve, end } => self.serve_ended(serve, &end),
            Input::BytesReceived { fetch, bytes } => self.bytes_received(fetch, bytes),
            Input::UnitStored { fetch, unit, bytes, completed } => {
                self.unit_stored(fetch, unit, bytes, &completed);
            }
            Input::ChunksStored { fetch, wanted, bytes, completed } => {
                self.chunks_stored(fetch, &wanted, bytes, &completed);
            }
            Input::FetchEnded { fetch, end } => self.fetch_ended(fetch, end),
            Input::ManifestFetched { race, op, raced } => self.manifest_fetched(race, op, raced),
            Input::UpdateMeasured { game, size } => self.update_measured(game, size),
            Input::ManifestLoaded { op, manifest } => self.manifest_loaded(op, manifest),
            Input::CatalogFetched { race, raced } => self.catalog_fetched(race, raced),
            Input::CoversMissing(covers) => self.covers_missing(covers),
            Input::CoverFetched { race, cover, raced } => self.cover_fetched(race, cover, raced),
            Input::CatalogGiven(given) => self.catalog_given(given),
            Input::GamesListed(games) => self.games_listed(games),
            Input::GameTouched(game) => self.touch(&game),
            Input::Scanned { game, found } => self.scanned(&game, found),
            Input::Hashed { game, fingerprint, manifest } => self.hashed(&game, fingerprint, manifest),
            Input::StoreOpened { op, result } => self.store_opened(op, result),
            Input::Finished { op, result } => self.download_finished(op, result),
            Input::StoreClosed { op } => self.store_closed(op),
            Input::WriteFailed { op, failure } => self.write_failed(op, failure),
            Input::Verified { op, result } => self.verified(op, result),
            Input::Installed { op, result }
            | Input::Uninstalled { op, result }
            | Input::Removed { op, result } => self.changed(op, result),
            Input::Started { run, result } => self.game_started(run, result),
            Input::Exited { run, code, output } => self.game_exited(run, code, output),
            Input::Notice { level, message } => self.emit(Event::Notice { level, message }),
            Input::Published { op, result } => self.published(op, result),
            Input::GamesFolderSwitched { reply, result } => self.games_folder_switched(reply, result),
        }
    }

    fn command(&mut self, reply: ReplyId, command: Command) {
        if let Command::ChangeGamesFolder = command {
            return self.change_games_folder(reply);
        }
        let result = if let Command::Start { game, entry, server } = command {
            match self.start_game(reply, &game, entry, server) {
                // The program's start is the reply.
                Ok(()) => return,
                Err(error) => Err(error),
            }
        } else {
            self.carry_out(command)
        };
        self.push(Effect::Reply { reply, result: result.map(|()| Answer::Done) });
    }

    /// Commands that are accepted or refused at once.
    pub(crate) fn carry_out(&mut self, command: Command) -> Result<(), CommandError> {
        match command {
            Command::Connect { addresses } => self.connect_to(&addresses),
            Command::Download { game, then } => return self.start_download(&game, then),
            Command::Update { game } => return self.start_update(&game),
            Command::Install { game, kept } => return self.start_install(&game, kept),
            Command::Uninstall { game, saves } => return self.start_uninstall(&game, saves),
            Command::Verify { game } => return self.start_verify(&game),
            Command::MeasureUpdate { game } => self.measure_update(&game),
            Command::Cancel { game } => return self.cancel(&game),
            Command::Pause { game } => return self.pause(&game),
            Command::Resume { game } => return self.resume(&game),
            Command::Remove { game, local, extras } => return self.start_remove(&game, local, extras),
            Command::Publish { game } => return self.start_publish(&game),
            Command::Trust { key } => self.trust(key),
            Command::Set(settings) => self.set(settings),
            Command::MoveInQueue { game, position } => return self.move_in_queue(&game, position),
            Command::Dismiss { id } => self.notices.dismiss(id),
            Command::Forget { game } => self.operations.forget_failure(&game),
            Command::LookAgain => self.look_again(),
            // Replied to later, in `command`.
            Command::Start { .. } | Command::ChangeGamesFolder => {}
        }
        Ok(())
    }

    fn set(&mut self, settings: Settings) {
        let Settings { name, upload_limit, playing_limit, fetch_ahead } = settings;
        if upload_limit.is_some() || playing_limit.is_some() {
            self.config.upload_limit = upload_limit.unwrap_or(self.config.upload_limit);
            self.config.playing_limit = playing_limit.unwrap_or(self.config.playing_limit);
            self.apply_limits();
            self.limits_changed();
        }
        if let Some(fetch_ahead) = fetch_ahead {
            self.set_fetch_ahead(fetch_ahead);
        }
        if let Some(name) = name {
            self.presence.name = name;
            self.broadcast(&Control::Presence(self.presence.clone()));
        }
    }

    /// Nobody may have to wait for the next round of dials.
    fn look_again(&mut self) {
        self.roster.dial_all(self.now);
    }

    fn run_timers(&mut self) {
        self.run_roster_timers();
        self.run_catalog_timer();
        self.run_download_timers();
        if self.batches.due.is_some_and(|due| due <= self.now) {
            self.flush_batches();
        }
    }

    /// What follows from any change of state, once per input: waiting downloads that can start, offers that changed,
    /// the operation table's event.
    fn after_each_input(&mut self) {
        self.open_folder_if_idle();
        self.operations.yield_turns(self.now);
        self.start_waiting_downloads();
        self.fill_pipelines();
        self.fetch_covers();
        self.send_offer_changes();
        self.tell_library_at_once();
        self.tell_operations();
        self.store_queue();
    }

    /// Asks for [`Engine::flush_batches`] within [`BATCH_INTERVAL`].
    pub(crate) fn batch(&mut self) -> &mut Batches {
        self.batches.due.get_or_insert(self.now + BATCH_INTERVAL);
        &mut self.batches
    }

    fn flush_batches(&mut self) {
        self.batches.due = None;
        self.announce_units();
        for peer in std::mem::take(&mut self.batches.peer_libraries) {
            self.tell_peer_library(peer);
        }
        if std::mem::take(&mut self.batches.library) {
            self.tell_library();
        }
    }

    /// A second peer with this identity is alive, or so it is said. Done once: a restart follows. Not soon again: any
    /// peer can say so, and a PC whose name changes all the time is nobody's friend.
    pub(crate) fn renew_identity(&mut self) {
        if self.config.identity_rests_until.is_some_and(|until| self.now < until) {
            if !std::mem::replace(&mut self.identity_was_kept, true) {
                self.warn(NoticeKind::IdentityKept);
            }
            return;
        }
        if !self.identity_was_renewed {
            self.identity_was_renewed = true;
            self.warn(NoticeKind::IdentityRenewed);
            self.push(Effect::RenewIdentity);
        }
    }

    pub(crate) fn push(&mut self, effect: Effect) {
        self.effects.push_back(effect);
    }

    /// Tells what must not be missed.
    pub(crate) fn warn(&mut self, message: NoticeKind) {
        self.emit(Event::Notice { level: Level::Warning, message });
    }

    /// Tells subscribers; what must not be missed is kept for those who look later.
    pub(crate) fn emit(&mut self, event: Event) {
        if let Event::Notice { level, message } = &event {
            self.notices.add(*level, message.clone());
        } else if let Event::OperationFailed { game, operation, error } = &event
            && self.require_known(game).is_ok()
        {
            let failure = FailureView { operation: *operation, error: error.clone() };
            self.operations.note_failure(game.clone(), failure);
        }
        self.push(Effect::Emit(event));
    }

    pub(crate) fn send(&mut self, conn: ConnId, message: Control) {
        self.push(Effect::Send { conn, message });
    }

    /// Sends to every peer that is here.
    pub(crate) fn broadcast(&mut self, message: &Control) {
        let conns: Vec<ConnId> = self.roster.live_peers().map(|(_, conn)| conn).collect();
        for conn in conns {
            self.send(conn, message.clone());
        }
    }
}

/// The refusal of a second intent on a busy game.
pub(crate) fn busy(game: &GameId, why: &str) -> CommandError {
    CommandError::new(ErrorCode::Busy, format!("{game}: {why}"))
}
