//! One peer of the world: its engine while it runs, its disk, its place in the network, its faults.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use lanspread_engine::{
    Answer, Background, CommandError, ConnId, DialId, Engine, EngineConfig, Event, FetchId, GivenCatalog,
    OpId, QueuedDownload, RaceId, ReplyId, RunId, ServeId,
};
use lanspread_protocol::{
    Blake3Hash, CatalogHead, GameId, InstanceId, ManifestId, OrganiserKey, PeerId, SignedCatalog, Version,
};

use crate::content::Release;
use crate::disk::Disk;
use crate::net::races::{BlobFault, Race};

/// 1 Gbit/s as bytes.
pub(crate) const GIGABIT: u64 = 125_000_000;

/// Which peer of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NodeId(pub(crate) usize);

/// How a peer is set up; [`crate::world::World::add`] makes it.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) given: Option<GivenCatalog>,
    pub(crate) pinned: Option<OrganiserKey>,
    pub(crate) disk: Disk,
    pub(crate) up: u64,
    pub(crate) down: u64,
    pub(crate) is_closed: bool,
    pub(crate) typed: Vec<NodeId>,
    pub(crate) parallel: usize,
    pub(crate) address: Option<SocketAddr>,
    pub(crate) wifi: bool,
    pub(crate) fetch_ahead: bool,
}

impl Setup {
    pub(crate) fn new() -> Self {
        Self {
            given: None,
            pinned: None,
            disk: Disk::default(),
            up: GIGABIT,
            down: GIGABIT,
            is_closed: false,
            typed: Vec::new(),
            parallel: 2,
            address: None,
            wifi: false,
            fetch_ahead: false,
        }
    }

    pub(crate) fn catalog(mut self, given: &GivenCatalog) -> Self {
        self.given = Some(given.clone());
        self
    }

    pub(crate) fn pin(mut self, key: OrganiserKey) -> Self {
        self.pinned = Some(key);
        self
    }

    pub(crate) fn has(mut self, release: &Release) -> Self {
        self.disk.put(release);
        self
    }

    pub(crate) fn link(mut self, bytes_per_sec: u64) -> Self {
        (self.up, self.down) = (bytes_per_sec, bytes_per_sec);
        self
    }

    /// Refuses packets from addresses that it did not send to lately.
    pub(crate) fn closed(mut self) -> Self {
        self.is_closed = true;
        self
    }

    pub(crate) fn knows(mut self, node: NodeId) -> Self {
        self.typed.push(node);
        self
    }

    /// Bytes a second that it sends at most, whatever it receives.
    pub(crate) fn uplink(mut self, bytes_per_sec: u64) -> Self {
        self.up = bytes_per_sec;
        self
    }

    /// Is at this address: several peers may share an IP address.
    pub(crate) fn at(mut self, address: SocketAddr) -> Self {
        self.address = Some(address);
        self
    }

    /// Builds new versions before anybody asks.
    pub(crate) fn ahead(mut self) -> Self {
        self.fetch_ahead = true;
        self
    }

    /// Has the game installed, too.
    pub(crate) fn installed(mut self, release: &Release) -> Self {
        let folder = self.disk.folder(&release.game);
        (folder.has_local, folder.installed) = (true, Some(release.version.clone()));
        self
    }

    /// Has a second adapter with a worse path.
    pub(crate) fn with_wifi(mut self) -> Self {
        self.wifi = true;
        self
    }
}

/// What the shell stored for the next start.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) given: Option<GivenCatalog>,
    pub(crate) pinned: Option<OrganiserKey>,
    pub(crate) signed: Option<SignedCatalog>,
    pub(crate) accepted: BTreeMap<GameId, (Version, ManifestId)>,
    pub(crate) queue: Vec<QueuedDownload>,
    /// Covers on disk.
    pub(crate) covers: BTreeSet<Blake3Hash>,
    /// A catalog that is announced, and comes with a wrong signature.
    pub(crate) forged: Option<CatalogHead>,
}

/// A running program.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) engine: Engine,
    /// Which side of which link each connection is.
    pub(crate) conns: BTreeMap<ConnId, (usize, usize)>,
    pub(crate) fetches: BTreeMap<FetchId, u64>,
    pub(crate) serves: BTreeMap<ServeId, u64>,
    pub(crate) races: BTreeMap<RaceId, Race>,
    /// Serves that got their one answer.
    pub(crate) answered: BTreeSet<ServeId>,
    /// Transfers of a game's files that did not end yet.
    pub(crate) outbound: BTreeMap<GameId, usize>,
    pub(crate) replies: BTreeMap<ReplyId, Result<Answer, CommandError>>,
    pub(crate) writing: BTreeMap<GameId, OpId>,
    pub(crate) closed_ops: BTreeSet<OpId>,
    pub(crate) dials: BTreeMap<DialId, Duration>,
    /// What was last planned as the engine's wake-up.
    pub(crate) tick: Option<Duration>,
    pub(crate) upload_limit: u64,
    pub(crate) download_limit: u64,
    pub(crate) background: Option<Background>,
    /// Work that was told to end.
    pub(crate) cancelled: BTreeSet<OpId>,
    pub(crate) started: Vec<RunId>,
}

/// The link to the network: transfers that wait to send their next unit, and those that send one.
#[derive(Debug, Default)]
pub(crate) struct Uplink {
    pub(crate) is_busy: bool,
    pub(crate) waiting: VecDeque<u64>,
    pub(crate) active: VecDeque<u64>,
    /// All that sends waits until then.
    pub(crate) wakes_at: Option<Duration>,
}

#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "settings and faults, each on or off")]
pub(crate) struct Node {
    pub(crate) peer: PeerId,
    /// Address and the rank that others give it, best first.
    pub(crate) addresses: Vec<(SocketAddr, u8)>,
    pub(crate) generation: u32,
    pub(crate) running: Option<Box<Running>>,
    pub(crate) disk: Disk,
    pub(crate) stored: Stored,
    pub(crate) parallel: usize,
    pub(crate) typed: Vec<SocketAddr>,
    pub(crate) fetch_ahead: bool,
    pub(crate) up: u64,
    pub(crate) down: u64,
    pub(crate) uplink: Uplink,
    pub(crate) down_free: Duration,
    pub(crate) is_closed: bool,
    /// When it last sent to an address: opens its firewall for answers.
    pub(crate) sent_to: BTreeMap<SocketAddr, Duration>,
    /// Sends wrong bytes for this game, on purpose.
    pub(crate) lies: BTreeSet<GameId>,
    pub(crate) stalled_until: Duration,
    /// Answers requests with nothing.
    pub(crate) is_empty_handed: bool,
    /// Answers no request at all.
    pub(crate) is_mute: bool,
    pub(crate) blob_fault: Option<BlobFault>,
    /// Games whose downloads find no space.
    pub(crate) full_disks: BTreeSet<GameId>,
    /// Somebody changed files behind the program's back, so offers may lag.
    pub(crate) changed_by_hand: bool,
    pub(crate) told_gone: BTreeMap<GameId, Duration>,
    pub(crate) banned: BTreeSet<std::net::IpAddr>,
    pub(crate) publishing: BTreeMap<GameId, (Release, Option<GivenCatalog>)>,
    pub(crate) events: Vec<(Duration, Event)>,
    /// Bytes received of each game, by sender.
    pub(crate) received: BTreeMap<(GameId, NodeId), u64>,
    /// Units that were verified and came again.
    pub(crate) wasted_units: u64,
    pub(crate) stats: Stats,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stats {
    pub(crate) inputs: u64,
    pub(crate) control_messages: u64,
    pub(crate) units_served: u64,
    pub(crate) renewals: u32,
    pub(crate) requests: u64,
    pub(crate) cancels: u64,
}

impl Node {
    pub(crate) fn new(number: usize, setup: Setup, typed: Vec<SocketAddr>) -> Self {
        let host = |net: u8| Ipv4Addr::new(10, net, (number / 250) as u8, (number % 250 + 1) as u8);
        let cable = setup.address.unwrap_or_else(|| SocketAddr::new(host(0).into(), 40420));
        let mut addresses = vec![(cable, 0)];
        if setup.wifi {
            addresses.push((SocketAddr::new(host(1).into(), 40420), 1));
        }
        Self {
            peer: peer_id(number as u64, 0),
            addresses,
            generation: 0,
            running: None,
            disk: setup.disk,
            stored: Stored {
                given: setup.given,
                pinned: setup.pinned,
                signed: None,
                accepted: BTreeMap::new(),
                queue: Vec::new(),
                covers: BTreeSet::new(),
                forged: None,
            },
            parallel: setup.parallel,
            typed,
            fetch_ahead: setup.fetch_ahead,
            up: setup.up,
            down: setup.down,
            uplink: Uplink::default(),
            down_free: Duration::ZERO,
            is_closed: setup.is_closed,
            sent_to: BTreeMap::new(),
            lies: BTreeSet::new(),
            stalled_until: Duration::ZERO,
            is_empty_handed: false,
            is_mute: false,
            blob_fault: None,
            full_disks: BTreeSet::new(),
            changed_by_hand: false,
            told_gone: BTreeMap::new(),
            banned: BTreeSet::new(),
            publishing: BTreeMap::new(),
            events: Vec::new(),
            received: BTreeMap::new(),
            wasted_units: 0,
            stats: Stats::default(),
        }
    }

    pub(crate) fn config(&self, number: usize, seed: u64) -> EngineConfig {
        EngineConfig {
            me: self.peer,
            instance: InstanceId(seed),
            program: "simulated".to_owned(),
            name: format!("player {number}"),
            pc: format!("pc {number}"),
            seed,
            addresses: self.typed.iter().map(|address| vec![*address]).collect(),
            given: self.stored.given.clone(),
            pinned: self.stored.pinned,
            signed: self.stored.signed.clone(),
            accepted: self.stored.accepted.clone(),
            queue: self.stored.queue.clone(),
            parallel_downloads: self.parallel,
            upload_limit: 0,
            playing_limit: 4_000_000,
            fetch_ahead: self.fetch_ahead,
            identity_rests_until: None,
        }
    }

    pub(crate) fn run(&mut self) -> &mut Running {
        self.running.as_mut().expect("the peer runs")
    }

    /// Units of a game's open download.
    pub(crate) fn units_here(&self, game: &GameId) -> usize {
        let folder = self.disk.games.get(game);
        folder.and_then(|folder| folder.store.as_ref()).map_or(0, crate::disk::Store::units_here)
    }
}

impl Running {
    pub(crate) fn new(engine: Engine) -> Self {
        Self {
            engine,
            conns: BTreeMap::new(),
            fetches: BTreeMap::new(),
            serves: BTreeMap::new(),
            races: BTreeMap::new(),
            answered: BTreeSet::new(),
            outbound: BTreeMap::new(),
            replies: BTreeMap::new(),
            writing: BTreeMap::new(),
            closed_ops: BTreeSet::new(),
            dials: BTreeMap::new(),
            tick: None,
            upload_limit: 0,
            download_limit: 0,
            background: None,
            cancelled: BTreeSet::new(),
            started: Vec::new(),
        }
    }
}

/// A peer's key: well mixed, because shares hang on it.
pub(crate) fn peer_id(number: u64, generation: u64) -> PeerId {
    PeerId(Blake3Hash::of(format!("peer {number} {generation}").as_bytes()).0)
}
