//! The loop that owns the engine.
//!
//! Nothing in here waits but the loop's own `select!`: effects become tasks, whose results arrive on one bounded
//! channel. Chunk bytes never pass it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lanspread_engine::{
    Answer, ClosedReason, Command, CommandError, ConnId, Effect, Engine, ErrorCode, GivenCatalog, Input,
    LinkKind, PeerView, ReplyId, ServeId, Settings,
};
use lanspread_protocol::message::CloseCode;
use lanspread_protocol::{GameId, PeerId};
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep_until;

use super::effects::{Shell, failed_inside};
use super::supervisor::RuntimeFailure;
use super::works::PROGRESS_INTERVAL;
use crate::api::{
    NetworkView, PeerCommand, PeerEvent, PeerReply, RuntimeSide, SentCommand, SettingsChange, Snapshot,
    Status,
};
use crate::firewall::Finding;
use crate::net::{Closed, NetEvent};

/// Results that wait for the loop. Tasks wait when it is full, which slows the data plane down, never the loop.
pub(super) const INPUT_QUEUE: usize = 1024;
/// Network events that wait for the loop.
pub(super) const NET_QUEUE: usize = 1024;
/// A window draws at most this often because of us.
const SNAPSHOT_INTERVAL: Duration = Duration::from_millis(33);
/// Before a peer starts again under a new identity: time for the other one to hear why.
const RENEW_PAUSE: Duration = Duration::from_millis(500);
/// A full scan sees what the watch missed.
const FULL_SCAN_INTERVAL: Duration = Duration::from_mins(5);
/// Rates of peers are measured over this time.
const RATE_INTERVAL: Duration = Duration::from_secs(1);

/// Why the loop ended.
#[derive(Debug)]
pub(super) enum Exit {
    /// The program wants the peer to stop, or a required service failed.
    Stop,
    /// Another PC has this identity.
    RenewIdentity,
}

/// Settings on their way into force, with the catalog that they name.
#[derive(Debug)]
struct ReadSettings {
    change: SettingsChange,
    given: GivenCatalog,
    reply: oneshot::Sender<Result<PeerReply, CommandError>>,
}

pub(super) struct EventLoop<'a> {
    pub(super) engine: Engine,
    pub(super) shell: Shell,
    pub(super) side: &'a mut RuntimeSide,
    pub(super) inputs: mpsc::Receiver<Input>,
    pub(super) net_events: mpsc::Receiver<NetEvent>,
    pub(super) failure: oneshot::Receiver<RuntimeFailure>,
    replies: BTreeMap<ReplyId, oneshot::Sender<Result<PeerReply, CommandError>>>,
    /// Publishes whose reply is not given yet: a refused one is dropped.
    publishes: BTreeMap<ReplyId, GameId>,
    /// Settings whose catalog file was read.
    read_settings: (mpsc::Sender<ReadSettings>, mpsc::Receiver<ReadSettings>),
    /// The change of the games folder that is under way, and what follows it.
    switching: Option<(ReplyId, SettingsChange, Option<GivenCatalog>)>,
    /// Commands that came before the library was known. Bounded by the queue they came through and its reader.
    waiting: VecDeque<SentCommand>,
    was_scanned: bool,
    next_number: u64,
    full_scan_due: Instant,
    snapshot_due: Option<Instant>,
    last_snapshot: Instant,
    rates: Rates,
    /// When to start again under a new identity.
    renew_at: Option<Instant>,
}

impl<'a> EventLoop<'a> {
    pub(super) fn new(
        engine: Engine,
        shell: Shell,
        side: &'a mut RuntimeSide,
        inputs: mpsc::Receiver<Input>,
        net_events: mpsc::Receiver<NetEvent>,
        failure: oneshot::Receiver<RuntimeFailure>,
    ) -> Self {
        Self {
            engine,
            shell,
            side,
            inputs,
            net_events,
            failure,
            replies: BTreeMap::new(),
            publishes: BTreeMap::new(),
            read_settings: mpsc::channel(1),
            switching: None,
            waiting: VecDeque::new(),
            was_scanned: false,
            next_number: 0,
            full_scan_due: Instant::now() + FULL_SCAN_INTERVAL,
            snapshot_due: Some(Instant::now()),
            last_snapshot: Instant::now(),
            rates: Rates::default(),
            renew_at: None,
        }
    }

    /// Runs until the peer is to stop.
    pub(super) async fn run(&mut self) -> Exit {
        self.apply_effects();
        let stop = self.side.stop.clone();
        let surroundings = self.shell.surroundings.clone();
        loop {
            let due = [self.engine.poll_timeout(), self.snapshot_due, self.renew_at];
            let due =
                due.into_iter().flatten().min().map_or(self.full_scan_due, |due| due.min(self.full_scan_due));
            tokio::select! {
                biased;
                () = stop.cancelled() => return Exit::Stop,
                failure = &mut self.failure => {
                    if let Ok(failure) = failure {
                        self.side.fail(failure);
                    }
                    return Exit::Stop;
                }
                Some(event) = self.net_events.recv() => self.net_event(event),
                Some(input) = self.inputs.recv() => self.input(input),
                Some(sent) = self.side.commands.recv() => self.take(sent),
                Some(ReadSettings { change, given, reply }) = self.read_settings.1.recv() => {
                    self.set_folder(change, Some(given), reply);
                }
                () = surroundings.changed() => {
                    self.snapshot_due.get_or_insert(self.last_snapshot + SNAPSHOT_INTERVAL);
                }
                () = sleep_until(due.into()) => self.input(Input::Tick),
            }
            if self.full_scan_due <= Instant::now() {
                self.full_scan_due = Instant::now() + FULL_SCAN_INTERVAL;
                if !self.shell.disk.rests() {
                    self.shell.list_games();
                }
            }
            self.take_waiting();
            self.apply_effects();
            if self.renew_at.is_some_and(|at| at <= Instant::now()) {
                return Exit::RenewIdentity;
            }
            self.publish_if_due();
        }
    }

    pub(super) fn input(&mut self, input: Input) {
        let is_tick = matches!(input, Input::Tick);
        self.shell.note_end(&input);
        self.engine.handle(input, Instant::now());
        if !is_tick {
            self.snapshot_due.get_or_insert(self.last_snapshot + SNAPSHOT_INTERVAL);
        }
    }

    fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    fn net_event(&mut self, event: NetEvent) {
        match event {
            NetEvent::Connected { conn, peer, remote, dial, .. } => {
                if dial.is_none() {
                    self.shell.surroundings.note_dialled();
                }
                let adapters = self.shell.adapters.load();
                let rank = adapters.rank(remote) as u8;
                let gossiped = adapters.may_gossip(remote.ip(), remote.ip());
                self.input(Input::Connected { conn, peer, remote, rank, gossiped, dial });
            }
            NetEvent::DialFailed { dial, error } => {
                tracing::debug!(dial = dial.0, %error, "a dial failed");
                self.input(Input::DialFailed { dial });
            }
            NetEvent::Control { conn, message } => self.input(Input::Control { conn, message }),
            NetEvent::Request { conn, request } => {
                let serve = ServeId(self.number());
                let asked = request.request().clone();
                self.shell.transfers.arrived(serve, request);
                self.input(Input::Requested { serve, conn, request: asked });
            }
            NetEvent::Closed { conn, reason } => {
                tracing::debug!(conn = conn.0, %reason, "a connection is over");
                self.input(Input::Closed { conn, reason: closed_reason(reason) });
            }
            NetEvent::Failed { error } => self.shell.supervisor.fail("network", error),
        }
    }

    /// Commands about games wait until it is known what is on disk: at the start, for a moment.
    fn take(&mut self, sent: SentCommand) {
        let needs_library = match &sent.command {
            PeerCommand::Engine(
                Command::Connect { .. }
                | Command::Trust { .. }
                | Command::Set(_)
                | Command::Dismiss { .. }
                | Command::LookAgain,
            ) => false,
            PeerCommand::Engine(_) | PeerCommand::Publish(_) | PeerCommand::List => true,
            PeerCommand::Peers
            | PeerCommand::Status
            | PeerCommand::Set(_)
            | PeerCommand::LookAgain
            | PeerCommand::Shutdown => false,
        };
        if needs_library && !self.was_scanned {
            self.waiting.push_back(sent);
        } else {
            self.command(sent);
        }
    }

    fn take_waiting(&mut self) {
        self.was_scanned |= self.engine.is_scanned();
        while self.was_scanned
            && let Some(sent) = self.waiting.pop_front()
        {
            self.command(sent);
        }
    }

    fn command(&mut self, sent: SentCommand) {
        let SentCommand { command, reply } = sent;
        match command {
            PeerCommand::Engine(command) => {
                self.engine_command(command, reply);
            }
            PeerCommand::Publish(request) => {
                let game = request.game.id.clone();
                match self.shell.library.hold_publish(*request) {
                    Ok(()) => {
                        let id = self.engine_command(Command::Publish { game: game.clone() }, reply);
                        self.publishes.insert(id, game);
                    }
                    Err(error) => answer(reply, Err(error)),
                }
            }
            PeerCommand::List => {
                let mut games = self.engine.view().games;
                self.shell.works.fill(&mut games);
                answer(reply, Ok(PeerReply::Games { games }));
            }
            PeerCommand::Peers => {
                self.rates.measure(&self.engine, &self.shell);
                let peers = self.rates.fill(self.engine.view().peers);
                answer(reply, Ok(PeerReply::Peers { peers }));
            }
            PeerCommand::Status => {
                let status = self.status();
                answer(reply, Ok(PeerReply::Status(status)));
            }
            PeerCommand::Set(change) => self.set(change, reply),
            PeerCommand::LookAgain => {
                // What is announced again is also asked for again.
                self.shell.announcement.send_modify(|_same| {});
                self.shell.surroundings.look_again();
                self.engine_command(Command::LookAgain, reply);
            }
            PeerCommand::Shutdown => {
                answer(reply, Ok(PeerReply::Done {}));
                self.side.stop.cancel();
            }
        }
    }

    fn engine_command(
        &mut self,
        command: Command,
        reply: oneshot::Sender<Result<PeerReply, CommandError>>,
    ) -> ReplyId {
        let id = ReplyId(self.number());
        self.replies.insert(id, reply);
        self.input(Input::Command { reply: id, command });
        id
    }

    /// All settings or none: what can fail comes first. A catalog file is read beside the loop.
    fn set(&mut self, change: SettingsChange, reply: oneshot::Sender<Result<PeerReply, CommandError>>) {
        let Some(path) = change.catalog.clone() else {
            return self.set_folder(change, None, reply);
        };
        let (supervisor, read_settings) = (self.shell.supervisor.clone(), self.read_settings.0.clone());
        let task = async move {
            let read = supervisor.blocking("read catalog", move || super::catalogs::read_given(&path)).await;
            match read.unwrap_or_else(|end| Err(failed_inside("read catalog", end).message)) {
                Ok(given) => {
                    if read_settings.send(ReadSettings { change, given, reply }).await.is_err() {
                        tracing::trace!("the loop has ended");
                    }
                }
                Err(message) => answer(reply, Err(CommandError::new(ErrorCode::Io, message))),
            }
        };
        drop(self.shell.supervisor.task("read catalog", task));
    }

    /// Another games folder is opened beside the loop, too; the other settings follow when it is in use.
    fn set_folder(
        &mut self,
        change: SettingsChange,
        given: Option<GivenCatalog>,
        reply: oneshot::Sender<Result<PeerReply, CommandError>>,
    ) {
        let Some(games) = change.games.clone() else { return self.put_in_force(change, given, reply) };
        if self.switching.is_some() {
            let error = CommandError::new(ErrorCode::Busy, "the games folder is being changed already");
            return answer(reply, Err(error));
        }
        self.shell.next_games_folder = Some(games);
        let id = self.engine_command(Command::ChangeGamesFolder, reply);
        self.switching = Some((id, change, given));
    }

    fn put_in_force(
        &mut self,
        change: SettingsChange,
        given: Option<GivenCatalog>,
        reply: oneshot::Sender<Result<PeerReply, CommandError>>,
    ) {
        let SettingsChange { upload_limit, playing_limit, games: _, name, catalog, fetch_ahead } = change;
        let limits = &mut self.shell.limits;
        limits.upload = upload_limit.unwrap_or(limits.upload);
        limits.playing = playing_limit.unwrap_or(limits.playing);
        limits.fetch_ahead = fetch_ahead.unwrap_or(limits.fetch_ahead);
        if let (Some(path), Some(given)) = (catalog, given) {
            self.shell.catalogs.remember_given(&given);
            self.shell.catalogs.watch(path);
            self.input(Input::CatalogGiven(given));
        }
        if let Some(name) = &name {
            self.shell.ready.name.clone_from(name);
            self.shell.announcement.send_modify(|announcement| announcement.name.clone_from(name));
        }
        let settings = Settings { name, upload_limit, playing_limit, fetch_ahead };
        self.engine_command(Command::Set(settings), reply);
    }

    /// An answer of the engine.
    fn replied(&mut self, id: ReplyId, result: Result<Answer, CommandError>) {
        if let (Some(game), Err(_)) = (self.publishes.remove(&id), &result) {
            self.shell.library.drop_publish(&game);
        }
        let Some(reply) = self.replies.remove(&id) else { return };
        match (self.switching.take_if(|(switch, ..)| *switch == id), result) {
            (Some((_, change, given)), Ok(_)) => self.put_in_force(change, given, reply),
            (_, Ok(Answer::Started { pid })) => answer(reply, Ok(PeerReply::Started { pid })),
            (_, result) => answer(reply, result.map(|_| PeerReply::Done {})),
        }
    }

    fn apply_effects(&mut self) {
        while let Some(event) = self.shell.next_event() {
            self.side.emit(event);
        }
        while let Some(effect) = self.engine.poll_effect() {
            if let Effect::Emit(event) = effect {
                self.side.emit(PeerEvent::Engine(event));
            } else if let Effect::Reply { reply, result } = effect {
                self.replied(reply, result);
            } else if let Effect::RenewIdentity = effect {
                self.renew_at.get_or_insert(Instant::now() + RENEW_PAUSE);
            } else {
                self.shell.apply(effect);
            }
        }
    }

    fn publish_if_due(&mut self) {
        let now = Instant::now();
        if self.snapshot_due.is_none_or(|due| due > now) {
            return;
        }
        self.snapshot_due = None;
        self.last_snapshot = now;
        self.rates.measure(&self.engine, &self.shell);
        let mut view = self.engine.view();
        view.peers = self.rates.fill(view.peers);
        self.shell.works.fill(&mut view.games);
        for event in self.shell.works.news(&view.games, now) {
            self.side.emit(event);
        }
        if !self.shell.works.is_idle() {
            // Nobody tells of each step of such work.
            self.snapshot_due = Some(now + PROGRESS_INTERVAL);
        }
        let status = self.status();
        self.side.publish(Snapshot {
            ready: Some(self.shell.ready.clone()),
            view: Some(Arc::new(view)),
            status,
            disk: self.shell.surroundings.disk(),
            folder_is_gone: self.shell.surroundings.folder_is_gone(),
            network: self.network(),
            failure: None,
        });
    }

    fn network(&self) -> NetworkView {
        let adapters = self.shell.adapters.load().views();
        let port = self.shell.ready.addresses.first().map(std::net::SocketAddr::port);
        let has_peers = self.engine.connections().next().is_some();
        let checks = self.shell.surroundings.checks(&adapters, port, has_peers);
        let Finding { blocking_rule, allow_command, .. } =
            self.shell.surroundings.firewall().as_ref().clone();
        NetworkView { adapters, port, checks, allow_command, blocking_rule }
    }

    fn status(&self) -> Status {
        let (rx_bytes, tx_bytes) = self.shell.net.total_bytes();
        Status {
            rx_bytes,
            tx_bytes,
            served_chunks: self.shell.transfers.served_units(),
            bad_chunks: self.shell.transfers.bad_chunks(),
            connections: self.engine.connections().count(),
        }
    }
}

/// The receiver may be gone: then nobody wants to know.
fn answer(reply: oneshot::Sender<Result<PeerReply, CommandError>>, result: Result<PeerReply, CommandError>) {
    drop(reply.send(result));
}

fn closed_reason(reason: Closed) -> ClosedReason {
    match reason {
        Closed::Here(CloseCode::Goodbye) | Closed::Goodbye => ClosedReason::Goodbye,
        Closed::Here(CloseCode::Duplicate) | Closed::Duplicate => ClosedReason::Duplicate,
        Closed::Here(CloseCode::Banned) | Closed::Banned => ClosedReason::Banned,
        Closed::TimedOut => ClosedReason::TimedOut,
        reason @ (Closed::Here(CloseCode::Protocol | CloseCode::Flood | CloseCode::WrongIdentity)
        | Closed::WrongIdentity
        | Closed::Protocol(_)
        | Closed::Flood(_)
        | Closed::TooSlow
        | Closed::Error(_)) => ClosedReason::Error(reason.to_string()),
    }
}

/// What is measured on the connection to a peer.
#[derive(Clone, Copy, Debug)]
struct Figures {
    rx_rate: u64,
    tx_rate: u64,
    rtt: Duration,
    link: LinkKind,
}

/// Bytes a second from and to each peer, over the last second or so.
#[derive(Debug, Default)]
struct Rates {
    at: Option<Instant>,
    counted: BTreeMap<ConnId, (u64, u64)>,
    by_peer: BTreeMap<PeerId, Figures>,
}

impl Rates {
    fn measure(&mut self, engine: &Engine, shell: &Shell) {
        let elapsed = self.at.map(|at| at.elapsed());
        if elapsed.is_some_and(|elapsed| elapsed < RATE_INTERVAL) {
            return;
        }
        let millis = elapsed.map_or(u128::MAX, |elapsed| elapsed.as_millis());
        let mut counted = BTreeMap::new();
        self.by_peer.clear();
        for (peer, conn) in engine.connections() {
            let Some(stats) = shell.net.stats(conn) else { continue };
            let (rx, tx) = self.counted.get(&conn).copied().unwrap_or((stats.rx_bytes, stats.tx_bytes));
            let rate =
                |new: u64, old: u64| u64::try_from(u128::from(new - old) * 1000 / millis).unwrap_or(u64::MAX);
            let figures = Figures {
                rx_rate: rate(stats.rx_bytes, rx),
                tx_rate: rate(stats.tx_bytes, tx),
                rtt: stats.rtt,
                link: shell.adapters.load().rank(stats.remote).link(),
            };
            self.by_peer.insert(peer, figures);
            counted.insert(conn, (stats.rx_bytes, stats.tx_bytes));
        }
        self.counted = counted;
        self.at = Some(Instant::now());
    }

    fn fill(&self, mut peers: Vec<PeerView>) -> Vec<PeerView> {
        for peer in &mut peers {
            let Some(figures) = self.by_peer.get(&peer.peer_id) else { continue };
            (peer.rx_rate, peer.tx_rate) = (figures.rx_rate, figures.tx_rate);
            (peer.rtt, peer.link) = (Some(figures.rtt), figures.link);
        }
        peers
    }
}
