//! Peers tell each other who else is here, so that one reachable peer is enough when multicast is blocked.
//!
//! Only addresses that the shell calls private and on-link are named (`Connection::gossiped`), with their ids: a dial
//! must prove the id, so gossip can waste a dial and nothing more.

use std::net::SocketAddr;

use lanspread_protocol::PeerId;
use lanspread_protocol::limits::MAX_GOSSIP_PEERS;
use lanspread_protocol::message::{Control, GossipPeer};

use crate::engine::Engine;
use crate::ids::ConnId;
use crate::input::Candidate;

/// Gossiped addresses are dialled after those that discovery ranked.
const GOSSIP_RANK: u8 = 2;
/// Peers that hear of a newcomer from one peer. The newcomer hears of more and dials them; that these few dial back at
/// the same moment opens their firewalls at once, the others' by an introduction. Everyone telling everyone of
/// everyone would be the cube of the party's size.
const TOLD_OF_NEWCOMER: usize = 8;
/// Peers that are not here and known only by one peer's word.
const MAX_HEARSAY: usize = 64;
/// Addresses of one peer that are taken from gossip.
const ADDRESSES_BY_GOSSIP: usize = 4;

impl Engine {
    /// A newcomer hears of a few, and some of them of the newcomer.
    pub(super) fn gossip_about_newcomer(&mut self, newcomer: PeerId, conn: ConnId) {
        let mut others: Vec<(PeerId, ConnId)> =
            self.roster.live_peers().filter(|(id, _)| *id != newcomer).collect();
        self.random.choose(&mut others, MAX_GOSSIP_PEERS);
        let few: Vec<GossipPeer> =
            others.iter().filter_map(|(id, conn)| self.gossip_entry(*id, *conn)).collect();
        if !few.is_empty() {
            self.send(conn, Control::Gossip(few));
        }
        if let Some(entry) = self.gossip_entry(newcomer, conn) {
            for (_, other) in others.into_iter().take(TOLD_OF_NEWCOMER) {
                self.send(other, Control::Gossip(vec![entry.clone()]));
            }
        }
    }

    fn gossip_entry(&self, peer: PeerId, conn: ConnId) -> Option<GossipPeer> {
        let connection = self.roster.conns.get(&conn)?;
        connection.gossiped.then(|| GossipPeer { peer, addresses: vec![connection.remote] })
    }

    pub(super) fn gossip(&mut self, from: PeerId, peers: Vec<GossipPeer>) {
        let is_hearsay =
            |peer: &&super::Peer| peer.told_by == Some(from) && !peer.is_proven && peer.live.is_none();
        let mut room = MAX_HEARSAY.saturating_sub(self.roster.peers.values().filter(is_hearsay).count());
        for GossipPeer { peer, addresses } in peers.into_iter().take(MAX_GOSSIP_PEERS) {
            if !self.roster.peers.contains_key(&peer) {
                if room == 0 {
                    continue;
                }
                room -= 1;
            }
            let is_plausible = |address: &SocketAddr| {
                address.port() != 0 && !address.ip().is_multicast() && !address.ip().is_unspecified()
            };
            let candidates: Vec<Candidate> = addresses
                .into_iter()
                .filter(is_plausible)
                .take(ADDRESSES_BY_GOSSIP)
                .map(|address| Candidate { rank: GOSSIP_RANK, address })
                .collect();
            self.roster.learn(peer, false, &candidates, self.now);
            if let Some(about) = self.roster.peers.get_mut(&peer) {
                about.told_by = Some(from);
            }
            self.roster.hurry(peer, self.now);
        }
    }

    /// `from` cannot reach `peer`: both hear of each other at the same moment.
    pub(super) fn introduce(&mut self, from: PeerId, peer: PeerId) {
        let conn_of = |id| self.roster.live(id).map(|live| live.conn);
        let (Some(asker), Some(asked)) = (conn_of(from), conn_of(peer)) else { return };
        let (Some(about_asker), Some(about_asked)) =
            (self.gossip_entry(from, asker), self.gossip_entry(peer, asked))
        else {
            return;
        };
        self.send(asked, Control::Gossip(vec![about_asker]));
        self.send(asker, Control::Gossip(vec![about_asked]));
    }
}
