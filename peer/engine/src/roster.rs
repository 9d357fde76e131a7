//! Who is here: peers, their connections, and the dials that make them.
//!
//! A peer is its key; addresses are only where to try. One connection per peer is *current*; others that stand for a
//! moment (both sides dialled, a better path, a restarted peer) are told apart by the rules in `roster::greet`.

mod connections;
mod dialling;
mod gossip;
mod greet;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use lanspread_protocol::limits::MAX_PEERS;
use lanspread_protocol::message::{Hello, OfferState};
use lanspread_protocol::{CatalogHead, GameId, PeerId};

use crate::config::EngineConfig;
use crate::ids::{ConnId, DialId};

/// A peer not heard of for this long, and not connected, is forgotten.
const FORGET_AFTER: Duration = Duration::from_mins(10);

#[derive(Debug)]
pub(crate) struct Roster {
    me: PeerId,
    pub(crate) conns: BTreeMap<ConnId, Connection>,
    pub(crate) peers: BTreeMap<PeerId, Peer>,
    targets: Vec<Target>,
    dials: BTreeMap<DialId, Dial>,
    /// Wrong chunks by address.
    pub(crate) bad_chunks: BTreeMap<IpAddr, u32>,
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
}

/// A connection is in exactly one of these states.
#[derive(Debug)]
enum Standing {
    /// No `Hello` yet.
    Silent,
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
    pub(crate) catalog: Option<CatalogHead>,
}

/// When to dial a peer next.
#[derive(Debug)]
struct Dialling {
    /// The next candidate of this round; candidates are tried in order of rank, a moment apart.
    step: usize,
    next: Instant,
    pause: Duration,
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

    /// The peer's entry, made if there is room.
    fn peer_entry(&mut self, id: PeerId, now: Instant) -> Option<&mut Peer> {
        if id == self.me || (!self.peers.contains_key(&id) && self.peers.len() >= MAX_PEERS) {
            return None;
        }
        let peer = self.peers.entry(id).or_insert_with(|| Peer {
            candidates: BTreeMap::new(),
            last_seen: now,
            dialling: Dialling::from(now),
            live: None,
        });
        peer.last_seen = now;
        Some(peer)
    }
}
