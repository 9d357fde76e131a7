//! Who is here: peers, their connections, and the dials that make them.
//!
//! A peer is its key; addresses are only where to try. One connection per peer is *current*; others that stand for a
//! moment (both sides dialled, a better path, a restarted peer) are told apart by the rules in `roster::greet`.

mod connections;
mod dialling;
mod gossip;
mod greet;

pub(crate) use connections::tidy_name;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use lanspread_protocol::limits::{MAX_FRAME_BYTES, MAX_PEERS};
use lanspread_protocol::message::{Hello, OfferState};
use lanspread_protocol::{CatalogHead, GameId, PeerId};

use crate::config::EngineConfig;
use crate::ids::{ConnId, DialId};

/// A peer not heard of for this long, and not connected, is forgotten.
const FORGET_AFTER: Duration = Duration::from_mins(10);
/// Addresses whose wrong chunks are counted; more come only from a peer that changes its address to be forgotten.
const MAX_WATCHED_ADDRESSES: usize = 1024;

#[derive(Debug)]
pub(crate) struct Roster {
    me: PeerId,
    pub(crate) conns: BTreeMap<ConnId, Connection>,
    pub(crate) peers: BTreeMap<PeerId, Peer>,
    targets: Vec<Target>,
    dials: BTreeMap<DialId, Dial>,
    /// Wrong chunks by address.
    bad_chunks: BTreeMap<IpAddr, u32>,
    /// Refused for the rest of the session, and not dialled.
    banned: BTreeSet<IpAddr>,
    /// Addresses that complained of damage where there was none: not believed again.
    pub(crate) false_alarms: BTreeSet<IpAddr>,
    /// When the next thing is due; recomputed by the timers.
    timeout: Option<Instant>,
}

/// A QUIC connection whose handshake is done.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) peer: PeerId,
    pub(crate) remote: SocketAddr,
    /// This side dialled.
    ours: bool,
    rank: u8,
    /// Others may be told of `remote`.
    gossiped: bool,
    standing: Standing,
    /// Messages taken in the second that began then.
    taken: (Instant, u32),
}

/// A connection is in exactly one of these states.
#[derive(Debug)]
enum Standing {
    /// No `Hello` yet; closed if none comes by then.
    Silent { until: Instant },
    /// Greeted; may be the peer's current connection, or a spare.
    Greeted,
    /// A new instance of its peer took its place; it is asked whether it still lives, and closed by then if not.
    Suspect { until: Instant },
    /// Another connection stays; closed when nothing runs on it, or by then.
    Draining { until: Instant },
    /// A close was sent; only its end is awaited.
    Closing,
}

/// A peer that was seen, heard of, or is here.
#[derive(Debug)]
pub(crate) struct Peer {
    /// Where it may be, with the rank of each address.
    candidates: BTreeMap<SocketAddr, u8>,
    last_seen: Instant,
    /// It was seen by discovery or proved its key here; others are hearsay, and soon forgotten.
    is_proven: bool,
    /// Who told of it last: can introduce the two of us.
    told_by: Option<PeerId>,
    dialling: Dialling,
    /// The connection in use; present exactly while the peer is here.
    pub(crate) live: Option<Live>,
}

/// What is known of a peer that is here.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) conn: ConnId,
    pub(crate) hello: Hello,
    pub(crate) offers: BTreeMap<GameId, OfferState>,
    pub(crate) revision: u64,
    /// The connection that its last library came on: changes to it count only on that one.
    pub(crate) library_from: Option<ConnId>,
    /// How far each partial offer's set of units reaches, and how many bytes all of them may still grow.
    pub(crate) unit_reach: BTreeMap<GameId, u32>,
    pub(crate) unit_room: u32,
    /// When subscribers last heard of its progress.
    pub(crate) units_told: Instant,
    /// Games of which it sent a wrong chunk: asked again when it offers them anew.
    pub(crate) lied: BTreeSet<GameId>,
    pub(crate) catalog: Option<CatalogHead>,
    /// Its catalog could not be had: asked again then.
    pub(crate) catalog_rests_until: Option<Instant>,
    /// Catalogs of it that were wrong.
    pub(crate) wrong_catalogs: u32,
}

impl Live {
    /// The set of units is another one: its room is free again.
    pub(crate) fn forget_reach(&mut self, game: &GameId) {
        self.unit_room += self.unit_reach.remove(game).unwrap_or_default() / 8;
    }

    fn new(conn: ConnId, hello: Hello, now: Instant) -> Self {
        Self {
            conn,
            hello,
            offers: BTreeMap::new(),
            revision: 0,
            library_from: None,
            unit_reach: BTreeMap::new(),
            unit_room: 2 * u32::try_from(MAX_FRAME_BYTES).unwrap_or(u32::MAX),
            units_told: now,
            lied: BTreeSet::new(),
            catalog: None,
            catalog_rests_until: None,
            wrong_catalogs: 0,
        }
    }
}

/// When to dial a peer next.
#[derive(Clone, Debug)]
struct Dialling {
    /// The next candidate of this round; candidates are tried in order of rank, a moment apart.
    step: usize,
    next: Instant,
    pause: Duration,
    /// Rounds that began since something was last heard of the peer.
    rounds: u32,
    /// A common peer was asked for help in this round.
    asked: bool,
}

/// An address typed by hand. A host without a port is one for each port that peers use: several may answer.
#[derive(Debug)]
struct Target {
    address: SocketAddr,
    dialling: Dialling,
    /// Who answered there.
    peer: Option<PeerId>,
    /// It is this PC.
    is_me: bool,
}

#[derive(Debug)]
struct Dial {
    address: SocketAddr,
    expect: Option<PeerId>,
}

impl Roster {
    pub(crate) fn new(config: &EngineConfig, now: Instant) -> Self {
        let mut roster = Self {
            me: config.me,
            conns: BTreeMap::new(),
            peers: BTreeMap::new(),
            targets: Vec::new(),
            dials: BTreeMap::new(),
            bad_chunks: BTreeMap::new(),
            banned: BTreeSet::new(),
            false_alarms: BTreeSet::new(),
            timeout: Some(now),
        };
        for address in config.addresses.iter().flatten() {
            roster.add_target(*address, now);
        }
        roster
    }

    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        self.timeout
    }

    fn wake_at(&mut self, at: Instant) {
        self.timeout = Some(self.timeout.map_or(at, |timeout| timeout.min(at)));
    }

    /// Peers that are here with their current connections, in key order.
    pub(crate) fn live_peers(&self) -> impl Iterator<Item = (PeerId, ConnId)> + '_ {
        self.peers.iter().filter_map(|(id, peer)| Some((*id, peer.live.as_ref()?.conn)))
    }

    pub(crate) fn live(&self, peer: PeerId) -> Option<&Live> {
        self.peers.get(&peer)?.live.as_ref()
    }

    pub(crate) fn live_mut(&mut self, peer: PeerId) -> Option<&mut Live> {
        self.peers.get_mut(&peer)?.live.as_mut()
    }

    /// The peer at the other end, if the connection was greeted and is not on its way out.
    pub(crate) fn peer_of(&self, conn: ConnId) -> Option<PeerId> {
        let connection = self.conns.get(&conn)?;
        matches!(connection.standing, Standing::Greeted | Standing::Draining { .. })
            .then_some(connection.peer)
    }

    /// The IP address behind a connection, for votes and bans. IPv4-mapped addresses count as IPv4.
    pub(crate) fn ip_of(&self, conn: ConnId) -> Option<IpAddr> {
        Some(self.conns.get(&conn)?.remote.ip().to_canonical())
    }

    /// Counts a wrong chunk; how many came from there.
    pub(crate) fn count_bad_chunk(&mut self, address: IpAddr) -> u32 {
        if self.bad_chunks.len() >= MAX_WATCHED_ADDRESSES && !self.bad_chunks.contains_key(&address) {
            self.bad_chunks.pop_first();
        }
        let count = self.bad_chunks.entry(address).or_default();
        *count += 1;
        *count
    }

    /// Another PC's complaint had no ground.
    pub(crate) fn note_false_alarm(&mut self, address: IpAddr) {
        if self.false_alarms.len() >= MAX_WATCHED_ADDRESSES {
            self.false_alarms.pop_first();
        }
        self.false_alarms.insert(address);
    }

    pub(crate) fn ban(&mut self, address: IpAddr) {
        if self.banned.len() >= MAX_WATCHED_ADDRESSES {
            self.banned.pop_first();
        }
        self.banned.insert(address);
    }

    fn is_banned(&self, address: SocketAddr) -> bool {
        self.banned.contains(&address.ip().to_canonical())
    }

    /// The peer's entry, made if there is room. A peer that is not here makes room, hearsay first; only a proven peer
    /// may take the place of another proven one.
    fn peer_entry(&mut self, id: PeerId, is_proven: bool, now: Instant) -> Option<&mut Peer> {
        if id == self.me {
            return None;
        }
        if !self.peers.contains_key(&id) && self.peers.len() >= MAX_PEERS {
            let absent = self.peers.iter().filter(|(_, peer)| peer.live.is_none());
            let absent = absent.filter(|(_, peer)| is_proven || !peer.is_proven);
            let oldest =
                absent.min_by_key(|(_, peer)| (peer.is_proven, peer.last_seen)).map(|(id, _)| *id)?;
            self.peers.remove(&oldest);
        }
        let peer = self.peers.entry(id).or_insert_with(|| Peer {
            candidates: BTreeMap::new(),
            last_seen: now,
            is_proven,
            told_by: None,
            dialling: Dialling::from(now),
            live: None,
        });
        peer.last_seen = now;
        peer.is_proven |= is_proven;
        Some(peer)
    }
}
