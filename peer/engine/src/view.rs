//! What people and scripts see: plain data, made from the state whenever the shell publishes a snapshot.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use lanspread_protocol::message::Presence;
use lanspread_protocol::{Game, GameId, OrganiserKey, PeerId, Version};
use serde::Serialize;

use crate::authority::CatalogSource;
use crate::download::{Download, Held, Swarm};
use crate::engine::Engine;
use crate::event::PeerGame;
use crate::ids::OpId;
use crate::input::Payload;
use crate::library::LocalState;
use crate::notices::{FailureView, NoticeView};
use crate::offers::peer_game;
use crate::operations::{OperationKind, Phase, Why};
use crate::playing::{Run, RunState};

/// Everything at one moment.
#[derive(Clone, Debug)]
pub struct View {
    /// By id.
    pub games: Vec<GameView>,
    pub peers: Vec<PeerView>,
    pub catalog: CatalogSource,
    /// Of the catalog in force.
    pub party: Option<String>,
    /// Signed catalogs that were met while no organiser is trusted.
    pub offered: Vec<OfferedCatalogView>,
    /// What must not be missed, the newest last; until [`crate::Command::Dismiss`].
    pub notices: Vec<NoticeView>,
    pub serial: u64,
    pub library_revision: u64,
    pub served_units: u64,
    /// All games were scanned since the start.
    pub is_settled: bool,
}

/// An organiser's signed catalog that peers hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OfferedCatalogView {
    pub party: String,
    pub key: OrganiserKey,
    /// The key, to be compared by people.
    pub words: String,
    /// Peers that hold one by this key.
    pub peers: usize,
}

/// A game of the catalog or on disk.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GameView {
    pub id: GameId,
    pub title: String,
    pub expected: Option<Version>,
    /// `None`: nothing of it is here.
    pub local: Option<LocalView>,
    /// Peers that have something of the expected version.
    pub sources: usize,
    pub operation: Option<OperationView>,
    /// Why its last operation failed, until another begins or [`crate::Command::Forget`].
    pub failure: Option<FailureView>,
    /// What a download or an update still has to fetch; `None` while that is unknown.
    pub fetch_bytes: Option<u64>,
    pub update_available: bool,
    /// All of the new version is here; a click swaps it in.
    pub update_ready: bool,
    pub installed: bool,
    /// The version in `local/`, if this program installed it.
    pub installed_version: Option<Version>,
    /// Its programs that run here.
    pub running: Vec<RunView>,
    /// Transfers of it from here that run.
    pub outbound: usize,
    /// Who receives it from here.
    #[serde(skip)]
    pub receivers: Vec<PeerId>,
    /// Peers that play it now.
    pub playing: usize,
    /// The catalog's entry.
    #[serde(skip)]
    pub entry: Option<Game>,
    /// Of a version that is fetched, that waits, or that was measured: what of it is here, to look at.
    #[serde(skip)]
    pub parts: Option<PartsView>,
}

/// The parts of a payload of which not all is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartsView {
    /// Units that are here and checked.
    pub here: usize,
    pub total: usize,
    /// The payload from its beginning to its end, in at most [`PartsView::MAX_CELLS`] pieces.
    pub cells: Arc<[MapCell]>,
    /// Bytes a second from each source, also from those that rest.
    pub sources: Vec<(PeerId, u64)>,
}

impl PartsView {
    pub const MAX_CELLS: usize = 140;

    /// The units in their order, in at most [`Self::MAX_CELLS`] cells: each as good as its worst unit.
    pub(crate) fn cells(units: &[MapCell]) -> Arc<[MapCell]> {
        let of_cell = units.len().div_ceil(Self::MAX_CELLS).max(1);
        units.chunks(of_cell).filter_map(|units| units.iter().min().copied()).collect()
    }
}

/// A piece of the map: the state of its worst unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MapCell {
    Missing,
    OnTheWay,
    Here,
}

/// A game on this PC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LocalView {
    pub version: Option<Version>,
    pub state: LocalState,
    /// The payload was hashed since it last changed: the state is proven, not only claimed by its `version.ini`.
    pub checked: bool,
    pub bytes: u64,
}

/// A program of a game that runs on this PC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunView {
    /// The launch entry's name.
    pub entry: String,
    /// `None` while it is being started.
    pub pid: Option<u32>,
}

/// An operation, as far as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OperationView {
    /// `None` for a download that waits.
    #[serde(skip)]
    pub id: Option<OpId>,
    pub operation: OperationKind,
    pub phase: Phase,
    /// Of a download that waits: 0 is the next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_position: Option<usize>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub progress: Option<ProgressView>,
}

/// How far an operation is; bytes and bytes a second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProgressView {
    pub bytes_done: u64,
    pub bytes_total: u64,
    /// Of a download.
    pub rate: u64,
    /// Peers that a download comes from.
    pub sources: usize,
}

/// A peer that is here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PeerView {
    pub peer_id: PeerId,
    #[serde(flatten)]
    pub presence: Presence,
    pub program: String,
    pub addresses: Vec<SocketAddr>,
    pub connected: bool,
    /// Bytes a second from this peer; measured by the shell.
    pub rx_rate: u64,
    /// Bytes a second to this peer; measured by the shell.
    pub tx_rate: u64,
    /// The connection's round-trip time; measured by the shell.
    #[serde(skip)]
    pub rtt: Option<Duration>,
    /// What the connection goes over; looked up by the shell.
    pub link: LinkKind,
    pub games: Vec<PeerGame>,
}

/// What a network adapter is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LinkKind {
    Cable,
    WiFi,
    /// VPNs, virtual machines, bridges.
    Virtual,
    /// This PC itself, or what no adapter is directly connected to.
    #[default]
    Unknown,
}

impl Engine {
    pub fn view(&self) -> View {
        let ids: BTreeSet<&GameId> = self
            .authority
            .games()
            .keys()
            .chain(self.library.games().keys())
            .chain(self.operations.active().keys())
            .collect();
        let mut receivers = self.receivers();
        let mut game_view = |id| self.game_view(id, receivers.remove(id).unwrap_or_default());
        View {
            games: ids.into_iter().map(&mut game_view).collect(),
            peers: self.roster.live_peers().filter_map(|(peer, _)| self.peer_view(peer)).collect(),
            catalog: self.authority.source(),
            party: self.authority.party(),
            offered: self.offered_catalogs(),
            notices: self.notices.list(),
            serial: self.authority.serial(),
            library_revision: self.library.revision(),
            served_units: self.serving.served_units(),
            is_settled: self.library.is_settled(),
        }
    }

    fn game_view(&self, id: &GameId, receivers: BTreeSet<PeerId>) -> GameView {
        let entry = self.authority.game(id).cloned();
        let local = self.library.game(id);
        let state = self.local_state(id);
        let playing = self.roster.live_peers().filter(|(peer, _)| {
            self.roster.live(*peer).is_some_and(|live| live.hello.presence.playing.as_ref() == Some(id))
        });
        GameView {
            id: id.clone(),
            title: entry.as_ref().map_or_else(|| id.to_string(), |game| game.title.clone()),
            expected: entry.as_ref().and_then(|game| game.version.clone()),
            local: local.zip(state).map(|(local, state)| LocalView {
                version: local.scan.version.clone(),
                state,
                checked: local.scan.payload != Payload::Unknown,
                bytes: local.scan.bytes,
            }),
            sources: self.source_count(id),
            operation: self.operation_view(id),
            failure: self.operations.failure(id).cloned(),
            fetch_bytes: self.fetch_bytes(id),
            update_available: state == Some(LocalState::WrongVersion),
            update_ready: self.operations.download(id).is_some_and(Download::is_ready),
            installed: local.is_some_and(|local| local.scan.has_local),
            installed_version: local.and_then(|local| local.scan.installed.clone()),
            running: self.playing.of(id).map(run_view).collect(),
            outbound: self.serving.count(id),
            receivers: receivers.into_iter().collect(),
            playing: playing.count(),
            entry,
            parts: self.parts_view(id, state),
        }
    }

    fn operation_view(&self, id: &GameId) -> Option<OperationView> {
        if let Some(operation) = self.operations.get(id) {
            let phase = operation.phase();
            // How much of it was hashed already, the shell knows.
            let held = self.held(id).filter(|_| !matches!(phase, Phase::Hashing | Phase::Verifying));
            let progress = self.swarm(id).map(progress_view).or_else(|| held.map(Held::progress));
            let id = Some(operation.id);
            let operation = operation.kind();
            return Some(OperationView { id, operation, phase, queue_position: None, progress });
        }
        let waiting = self.operations.queue().iter().find(|waiting| waiting.game == *id)?;
        let phase = match waiting.why {
            Why::Turn | Why::NoSource(_) => Phase::Waiting,
            Why::Paused => Phase::Paused,
            Why::Failed => return None,
        };
        let operation = waiting.purpose.kind_of_waiting();
        let queue_position = self.operations.line().position(|waiting| waiting.game == *id);
        let progress = self.held(id).map(Held::progress);
        Some(OperationView { id: None, operation, phase, queue_position, progress })
    }

    fn parts_view(&self, id: &GameId, state: Option<LocalState>) -> Option<PartsView> {
        if let Some(swarm) = self.swarm(id) {
            return Some(parts_view(swarm));
        }
        if let Some(held) = self.held(id) {
            return held.parts.clone();
        }
        let size = self.update_size(id).filter(|_| state == Some(LocalState::WrongVersion));
        size.map(|size| size.parts.clone())
    }

    fn swarm(&self, id: &GameId) -> Option<&Swarm> {
        self.operations.download(id).and_then(Download::any_swarm)
    }

    /// What is here of a download that does not run, if it is of the payload that would be fetched now.
    fn held(&self, id: &GameId) -> Option<&Held> {
        let accepted = self.authority.accepted(id);
        self.operations.held(id).filter(|held| accepted == Some(held.manifest))
    }

    /// What a click on a game would fetch, or what is still to be fetched.
    fn fetch_bytes(&self, id: &GameId) -> Option<u64> {
        let progress = self.swarm(id).map(progress_view).or_else(|| self.held(id).map(Held::progress));
        if let Some(progress) = progress {
            return Some(progress.bytes_total.saturating_sub(progress.bytes_done));
        }
        match self.local_state(id) {
            None | Some(LocalState::LocalOnly) => self.authority.game(id)?.size,
            Some(LocalState::Downloaded | LocalState::Installed) => Some(0),
            Some(LocalState::WrongVersion) => self.update_size(id).map(|size| size.bytes),
            Some(LocalState::Incomplete | LocalState::Modified | LocalState::NotInCatalog) => None,
        }
    }

    fn peer_view(&self, peer: PeerId) -> Option<PeerView> {
        let live = self.roster.live(peer)?;
        let remote = self.roster.conns.get(&live.conn).map(|conn| conn.remote);
        Some(PeerView {
            peer_id: peer,
            presence: live.hello.presence.clone(),
            program: live.hello.program.clone(),
            addresses: remote.into_iter().collect(),
            connected: true,
            rx_rate: 0,
            tx_rate: 0,
            rtt: None,
            link: LinkKind::Unknown,
            games: live.offers.iter().map(|(game, state)| peer_game(game, state)).collect(),
        })
    }

    /// The connection in use to each peer, for rates.
    pub fn connections(&self) -> impl Iterator<Item = (PeerId, crate::ConnId)> + '_ {
        self.roster.live_peers()
    }

    /// All games of the folder were looked at, so that what is said of them holds.
    pub fn is_scanned(&self) -> bool {
        self.library.is_scanned()
    }

    /// How fast each source of a running download delivers, in bytes a second.
    pub fn source_rates(&self, game: &GameId) -> Vec<(PeerId, u64)> {
        self.swarm(game).map(|swarm| swarm.source_rates().collect()).unwrap_or_default()
    }
}

fn run_view(run: &Run) -> RunView {
    let pid = match run.state {
        RunState::Starting(_) => None,
        RunState::Running(pid) => Some(pid),
    };
    RunView { entry: run.entry.clone(), pid }
}

fn parts_view(swarm: &Swarm) -> PartsView {
    PartsView {
        here: swarm.here().len(),
        total: swarm.manifest().units().len(),
        cells: PartsView::cells(&swarm.map()),
        sources: swarm.source_rates().collect(),
    }
}

fn progress_view(swarm: &Swarm) -> ProgressView {
    ProgressView {
        bytes_done: swarm.bytes_done(),
        bytes_total: swarm.manifest().total_bytes(),
        rate: swarm.rate(),
        sources: swarm.source_count(),
    }
}
