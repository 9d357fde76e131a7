//! Peers tell each other who else is here, so that one reachable peer is enough when multicast is blocked.
//!
//! Only addresses that the shell calls private and on-link are named (`Connection::gossiped`), with their ids: a dial
//! must prove the id, so gossip can waste a dial and nothing more.

use std::net::SocketAddr;

use lanspread_protocol::PeerId;
use lanspread_protocol::limits::{MAX_ADDRESSES_PER_PEER, MAX_GOSSIP_PEERS};
use lanspread_protocol::message::{Control, GossipPeer};

use crate::engine::Engine;
use crate::ids::ConnId;
use crate::input::Candidate;

/// Gossiped addresses are dialled after those that discovery ranked.
const GOSSIP_RANK: u8 = 2;

impl Engine {
    /// A newcomer hears of everyone, everyone of the newcomer.
    pub(super) fn gossip_about_newcomer(&mut self, newcomer: PeerId, conn: ConnId) {
        let others: Vec<(PeerId, ConnId)> =
            self.roster.live_peers().filter(|(id, _)| *id != newcomer).collect();
        let everyone: Vec<GossipPeer> =
            others.iter().filter_map(|(id, conn)| self.gossip_entry(*id, *conn)).collect();
        for part in everyone.chunks(MAX_GOSSIP_PEERS) {
            self.send(conn, Control::Gossip(part.to_vec()));
        }
        if let Some(entry) = self.gossip_entry(newcomer, conn) {
            for (_, other) in others {
                self.send(other, Control::Gossip(vec![entry.clone()]));
            }
        }
    }

    fn gossip_entry(&self, peer: PeerId, conn: ConnId) -> Option<GossipPeer> {
        let connection = self.roster.conns.get(&conn)?;
        connection.gossiped.then(|| GossipPeer { peer, addresses: vec![connection.remote] })
    }

    pub(super) fn gossip(&mut self, peers: Vec<GossipPeer>) {
        for GossipPeer { peer, addresses } in peers.into_iter().take(MAX_GOSSIP_PEERS) {
            let is_plausible = |address: &SocketAddr| address.port() != 0 && !address.ip().is_multicast();
            let candidates: Vec<Candidate> = addresses
                .into_iter()
                .take(MAX_ADDRESSES_PER_PEER)
                .filter(is_plausible)
                .map(|address| Candidate { rank: GOSSIP_RANK, address })
                .collect();
            self.roster.learn(peer, &candidates, self.now);
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
