//! Hand-made snapshots: for tests and pictures of screens, without a running peer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use lanspread_engine::{
    CatalogSource, CommandError, ErrorCode, FailureView, GameView, LinkKind, LocalState, LocalView,
    OfferedCatalogView, OpId, OperationKind, OperationView, PeerView, Phase, ProgressView, RunView, View,
};
use lanspread_peer::api::{
    AdapterView, CheckReason, CheckResult, Checks, DiskSpace, NetworkView, Ready, Snapshot, Status,
};
use lanspread_peer::runtime::supervisor::RuntimeFailure;
use lanspread_protocol::message::{GameServer, Presence};
use lanspread_protocol::{Game, GameId, LaunchEntry, OrganiserKey, Os, PeerId, Players, Version};

use crate::model::{Card, Source, Told};

/// A game, made step by step.
#[derive(Clone, Debug)]
pub struct GameSample(pub GameView);

/// An id; ids of samples are right by construction, so a wrong one is the id `sample`.
fn id(text: &str) -> GameId {
    text.parse().or_else(|_| "sample".parse()).unwrap_or_else(|_| unreachable!())
}

impl GameSample {
    /// A game of 1.3 GB in version 2 that nobody here has.
    pub fn new(game: &str, title: &str) -> Self {
        let mut entry = Game::new(id(game), title);
        entry.version = "2".parse().ok();
        entry.size = Some(1_300_000_000);
        Self(GameView {
            id: id(game),
            title: title.to_owned(),
            expected: entry.version.clone(),
            local: None,
            sources: 0,
            operation: None,
            failure: None,
            fetch_bytes: None,
            update_available: false,
            update_ready: false,
            installed: false,
            installed_version: None,
            running: Vec::new(),
            outbound: 0,
            receivers: Vec::new(),
            playing: 0,
            entry: Some(entry),
            parts: None,
        })
    }

    #[must_use]
    pub fn entry(mut self, change: impl FnOnce(&mut Game)) -> Self {
        if let Some(entry) = &mut self.0.entry {
            change(entry);
        }
        self
    }

    /// Has programs of these names for this system.
    #[must_use]
    pub fn programs(self, names: &[&str]) -> Self {
        let program = |name: &&str| {
            let (program, name) = (name.parse().ok()?, (*name).to_owned());
            let (args, folder, env) = (Vec::new(), None, BTreeMap::new());
            Some(LaunchEntry { name, os: Os::CURRENT, program, args, folder, env })
        };
        self.entry(|entry| entry.launch = names.iter().filter_map(program).collect())
    }

    #[must_use]
    pub fn about(self, genre: &str, from: u16, to: u16) -> Self {
        self.entry(|entry| {
            entry.genre = Some(genre.to_owned());
            entry.players = Some(Players { from, to });
        })
    }

    #[must_use]
    pub fn size(self, bytes: u64) -> Self {
        self.entry(|entry| entry.size = Some(bytes))
    }

    #[must_use]
    pub fn downloaded(mut self) -> Self {
        let bytes = self.0.entry.as_ref().and_then(|entry| entry.size).unwrap_or_default();
        let version = self.0.expected.clone();
        self.0.local = Some(LocalView { version, state: LocalState::Downloaded, checked: true, bytes });
        self
    }

    #[must_use]
    pub fn installed(mut self) -> Self {
        self = self.downloaded();
        if let Some(local) = &mut self.0.local {
            local.state = LocalState::Installed;
        }
        self.0.installed = true;
        self.0.installed_version.clone_from(&self.0.expected);
        self
    }

    /// What is here is version 1.
    #[must_use]
    pub fn outdated(mut self) -> Self {
        let old: Option<Version> = "1".parse().ok();
        if let Some(local) = &mut self.0.local {
            local.version.clone_from(&old);
            local.state = LocalState::WrongVersion;
        }
        self.0.installed_version = old;
        self.0.update_available = true;
        self
    }

    #[must_use]
    pub const fn update_ready(mut self) -> Self {
        self.0.update_ready = true;
        self
    }

    #[must_use]
    pub const fn sources(mut self, count: usize) -> Self {
        self.0.sources = count;
        self
    }

    #[must_use]
    pub const fn playing(mut self, count: usize) -> Self {
        self.0.playing = count;
        self
    }

    #[must_use]
    pub fn outbound(mut self, count: u8) -> Self {
        self.0.outbound = count.into();
        self.0.receivers = (1..=count).map(|number| PeerId([number; 32])).collect();
        self
    }

    #[must_use]
    pub fn running(mut self) -> Self {
        self.0.running = vec![RunView { entry: "play".to_owned(), pid: Some(1) }];
        self
    }

    #[must_use]
    pub fn working(mut self, operation: OperationKind, phase: Phase) -> Self {
        // What waits or is paused has none: nothing runs.
        let id = (!matches!(phase, Phase::Waiting | Phase::Paused)).then_some(OpId(1));
        self.0.operation = Some(OperationView { id, operation, phase, queue_position: None, progress: None });
        self
    }

    #[must_use]
    pub fn waiting(self) -> Self {
        self.working(OperationKind::Download, Phase::Waiting)
    }

    /// What waits: how many are before it.
    #[must_use]
    pub fn place(mut self, place: usize) -> Self {
        if let Some(operation) = &mut self.0.operation {
            operation.queue_position = Some(place);
        }
        self
    }

    #[must_use]
    pub fn paused(self) -> Self {
        self.working(OperationKind::Download, Phase::Paused)
    }

    #[must_use]
    pub fn downloading(self, bytes_done: u64, bytes_total: u64, rate: u64) -> Self {
        let sources = self.0.sources;
        self.working(OperationKind::Download, Phase::Downloading).progress(ProgressView {
            bytes_done,
            bytes_total,
            rate,
            sources,
        })
    }

    /// How far the operation is.
    #[must_use]
    pub fn progress(mut self, progress: ProgressView) -> Self {
        if let Some(operation) = &mut self.0.operation {
            operation.progress = Some(progress);
        }
        self
    }

    /// What was done with it last failed.
    #[must_use]
    pub fn failed(mut self, operation: OperationKind, code: ErrorCode) -> Self {
        let error = CommandError::new(code, "the disk is full");
        self.0.failure = Some(FailureView { operation, error });
        self
    }

    /// Of an update, what is not here yet.
    #[must_use]
    pub const fn fetches(mut self, bytes: u64) -> Self {
        self.0.fetch_bytes = Some(bytes);
        self
    }

    /// Its card, with the network on or off.
    pub fn card(self, is_connected: bool) -> Card {
        let mut snapshot = snapshot(Vec::new());
        if !is_connected {
            snapshot.failure = Some(failure());
        }
        Card::new(Source { snapshot: &snapshot, told: &Told::default() }, &self.0)
    }
}

/// Lets what was done last with a game of a snapshot have failed.
pub fn fail(snapshot: &mut Snapshot, game: &str, operation: OperationKind, code: ErrorCode) {
    let view = snapshot.view.as_mut().and_then(Arc::get_mut);
    let games = view.map_or(&mut [][..], |view| &mut view.games);
    if let Some(found) = games.iter_mut().find(|found| found.id.as_str() == game) {
        *found = GameSample(found.clone()).failed(operation, code).0;
    }
}

/// A catalog that three PCs hold.
pub fn offered(party: &str, key: OrganiserKey) -> OfferedCatalogView {
    OfferedCatalogView { party: party.to_owned(), key, words: key.words(), peers: 3 }
}

/// A network service that has stopped.
pub fn failure() -> RuntimeFailure {
    RuntimeFailure { component: "net".to_owned(), error: "the Ethernet cable was unplugged".to_owned() }
}

/// A player who is here, with rates from and to them.
pub fn peer(number: u8, name: &str, rx_rate: u64, tx_rate: u64) -> PeerView {
    PeerView {
        peer_id: PeerId([number; 32]),
        presence: Presence {
            name: name.to_owned(),
            pc: format!("{}-PC", name.to_uppercase()),
            ..Presence::default()
        },
        program: "lanspread 0.1.0".to_owned(),
        addresses: vec![([192, 168, 10, number], 40420).into()],
        connected: true,
        rx_rate,
        tx_rate,
        rtt: Some(Duration::from_micros(299 + u64::from(number))),
        link: LinkKind::Cable,
        games: Vec::new(),
    }
}

/// A player whose PC runs a server of a game.
pub fn host(mut peer: PeerView, game: &str) -> PeerView {
    peer.presence.servers.push(GameServer { game: id(game), entry: "server".to_owned() });
    peer
}

fn reached(peer: PeerView, link: LinkKind, micros: u64) -> PeerView {
    PeerView { link, rtt: Some(Duration::from_micros(micros)), ..peer }
}

/// A cable, the usual port, and a firewall that blocks.
pub fn network() -> NetworkView {
    let adapter = AdapterView {
        name: "Ethernet".to_owned(),
        kind: LinkKind::Cable,
        addresses: vec![[192, 168, 10, 42].into()],
    };
    let checks = Checks {
        adapter: CheckResult::Ok,
        multicast: CheckResult::Limited(CheckReason::NothingHeard),
        port: CheckResult::Ok,
        reach: CheckResult::Ok,
        firewall: CheckResult::Problem(CheckReason::RuleBlocks),
    };
    NetworkView { adapters: vec![adapter], port: Some(40420), checks, ..NetworkView::default() }
}

/// A ready peer of a player called Mika with these games, alone.
pub fn snapshot(games: Vec<GameSample>) -> Snapshot {
    snapshot_with(games, Vec::new())
}

pub fn snapshot_with(games: Vec<GameSample>, peers: Vec<PeerView>) -> Snapshot {
    let catalog =
        if games.is_empty() { CatalogSource::Nothing } else { CatalogSource::Given { signed_by: None } };
    let mut games: Vec<GameView> = games.into_iter().map(|game| game.0).collect();
    games.sort_by(|a, b| a.id.cmp(&b.id));
    let view = View {
        games,
        peers,
        catalog,
        party: Some("LAN Nord 2026".to_owned()),
        offered: Vec::new(),
        notices: Vec::new(),
        serial: 1,
        library_revision: 1,
        served_units: 0,
        is_settled: true,
    };
    Snapshot {
        ready: Some(Ready {
            peer_id: PeerId([0; 32]),
            name: "Mika".to_owned(),
            addresses: vec![([192, 168, 10, 42], 40420).into()],
            games_dir: r"D:\games".to_owned(),
            protocol: "lanspread/1".to_owned(),
        }),
        view: Some(Arc::new(view)),
        status: Status::default(),
        disk: Some(DiskSpace { free_bytes: 412_000_000_000, total_bytes: 1_000_000_000_000 }),
        folder_is_gone: false,
        network: NetworkView::default(),
        failure: None,
    }
}

/// The design's party: eighteen PCs, a game in most states.
pub fn party() -> Snapshot {
    let game = GameSample::new;
    let games = vec![
        game("teeworlds", "Teeworlds").about("Platformer", 2, 16).installed().playing(4).outbound(1),
        game("openarena", "OpenArena").about("Arena shooter", 2, 16).installed().playing(3),
        game("supertuxkart", "SuperTuxKart").about("Racing", 1, 8).installed().playing(2).outbound(1),
        game("0ad", "0 A.D.")
            .about("Strategy", 1, 8)
            .installed()
            .outdated()
            .sources(9)
            .playing(2)
            .outbound(2),
        game("redeclipse", "Red Eclipse").about("Arena shooter", 1, 16).sources(6).downloading(
            779_000_000,
            1_900_000_000,
            78_000_000,
        ),
        game("hedgewars", "Hedgewars").about("Artillery", 1, 8).downloaded().playing(2),
        game("xonotic", "Xonotic").about("Arena shooter", 1, 16).sources(6).playing(2),
        game("luanti", "Luanti").about("Sandbox", 1, 20).installed(),
        game("warzone2100", "Warzone 2100").about("Strategy", 1, 10).sources(4).downloading(
            202_000_000,
            920_000_000,
            34_000_000,
        ),
        game("openttd", "OpenTTD").about("Transport sim", 1, 15).installed(),
        game("bzflag", "BZFlag").about("Tank battle", 2, 32),
        game("wesnoth", "The Battle for Wesnoth").about("Turn strategy", 1, 9).size(520_000_000).sources(9),
        game("etr", "Extreme Tux Racer").about("Racing", 1, 1).sources(3).waiting().place(0),
        game("unvanquished", "Unvanquished")
            .about("Team shooter", 2, 24)
            .sources(2)
            .paused()
            .progress(ProgressView { bytes_done: 63, bytes_total: 100, rate: 0, sources: 0 }),
        game("neverball", "Neverball").about("Puzzle", 1, 4).downloaded(),
        game("freedoom", "Freedoom")
            .about("Shooter", 1, 4)
            .installed()
            .working(OperationKind::Verify, Phase::Verifying),
        game("armagetron", "Armagetron Advanced").about("Arcade", 1, 16).installed().running(),
        game("veloren", "Veloren").about("Role-playing", 1, 40).sources(1),
    ];
    let names = [
        "Jonas", "Lea", "Marie", "Tobi", "Ole", "Aylin", "Nils", "Sami", "Kati", "Finn", "Paula", "Yusuf",
        "Emil", "Ida", "Max", "Nele", "Jan",
    ];
    let peers = (1..).zip(names).map(|(number, name)| match number {
        1 => peer(number, name, 112_000_000, 0),
        2..=4 => peer(number, name, 0, 28_000_000),
        5 => reached(peer(number, name, 0, 0), LinkKind::Cable, 2_100),
        6 => reached(peer(number, name, 0, 0), LinkKind::WiFi, 6_000),
        9 => reached(peer(number, name, 0, 0), LinkKind::WiFi, 38_000),
        _ => peer(number, name, 0, 0),
    });
    snapshot_with(games, peers.collect())
}
