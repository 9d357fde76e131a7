//! A connection's life, and the messages on it.

use std::net::SocketAddr;
use std::time::Duration;

use lanspread_protocol::PeerId;
use lanspread_protocol::limits::{GREETING_TIMEOUT, MAX_MESSAGES_PER_SECOND, MAX_NAME_BYTES};
use lanspread_protocol::message::{CloseCode, Control, Hello, Presence};

use super::{Connection, Live, Standing};
use crate::effect::Effect;
use crate::engine::Engine;
use crate::event::{Event, LeaveReason};
use crate::ids::{ConnId, DialId};
use crate::input::{Candidate, ClosedReason};

/// Connections that one peer may have at once: two adapters each, dialled from both sides.
const MAX_CONNECTIONS_PER_PEER: usize = 8;

impl Engine {
    pub(crate) fn connected(
        &mut self,
        conn: ConnId,
        peer: PeerId,
        remote: SocketAddr,
        rank: u8,
        gossiped: bool,
        dial: Option<DialId>,
    ) {
        if self.roster.conns.contains_key(&conn) {
            return;
        }
        let ours = dial.is_some();
        if peer == self.config.me {
            self.roster.mark_as_me(dial);
        } else if ours {
            // Only an address that was dialled surely leads to the peer; a dialled one is remembered for next time.
            self.roster.learn(peer, true, &[Candidate { rank, address: remote }], self.now);
        }
        self.roster.answered(dial, peer);
        let of_peer = self.roster.conns.values().filter(|other| other.peer == peer).count();
        let until = self.now + GREETING_TIMEOUT;
        let (standing, taken) = (Standing::Silent { until }, (self.now, 0));
        self.roster.conns.insert(conn, Connection { peer, remote, ours, rank, gossiped, standing, taken });
        self.roster.wake_at(until);
        if self.roster.is_banned(remote) {
            return self.close(conn, CloseCode::Banned);
        }
        if of_peer >= MAX_CONNECTIONS_PER_PEER {
            return self.close(conn, CloseCode::Flood);
        }
        let hello = Hello {
            instance: self.config.instance,
            program: self.config.program.clone(),
            presence: self.presence.clone(),
        };
        self.send(conn, Control::Hello(hello));
    }

    pub(crate) fn control(&mut self, conn: ConnId, message: Control) {
        let now = self.now;
        let Some(connection) = self.roster.conns.get_mut(&conn) else { return };
        let peer = connection.peer;
        if now >= connection.taken.0 + Duration::from_secs(1) {
            connection.taken = (now, 0);
        }
        connection.taken.1 += 1;
        let is_flood = connection.taken.1 > MAX_MESSAGES_PER_SECOND;
        let is_silent = match connection.standing {
            Standing::Silent { .. } => true,
            Standing::Closing => return,
            Standing::Greeted | Standing::Suspect { .. } | Standing::Draining { .. } => false,
        };
        match message {
            _ if is_flood => self.close(conn, CloseCode::Flood),
            Control::Hello(hello) if is_silent => self.greeted(conn, tidy(hello)),
            // A greeting comes first and once; anything else is no Lanspread peer.
            Control::Hello(_) => self.close(conn, CloseCode::Protocol),
            _ if is_silent => self.close(conn, CloseCode::Protocol),
            Control::Ping(number) => self.send(conn, Control::Pong(number)),
            Control::Pong(number) => self.pong(conn, number),
            Control::IdentityTaken => self.renew_identity(),
            // What a replaced instance says no longer counts.
            _ if self.roster.peer_of(conn).is_none() => {}
            Control::Library { revision, offers } => self.library_received(peer, conn, revision, offers),
            Control::LibraryDelta { revision, changed, withdrawn } => {
                self.library_delta_received(peer, conn, revision, changed, &withdrawn);
            }
            Control::Units { game, manifest, units } => {
                self.units_announced(peer, conn, &game, manifest, &units);
            }
            Control::Presence(presence) => {
                if let Some(live) = self.roster.live_mut(peer) {
                    live.hello.presence = tidy_presence(presence);
                }
            }
            Control::Catalog(head) => self.catalog_announced(peer, conn, head),
            Control::Gossip(peers) => self.gossip(peer, peers),
            Control::Introduce { peer: wanted } => self.introduce(peer, wanted),
            Control::Damaged { game, manifest, .. } => self.told_of_damage(conn, &game, manifest),
        }
    }

    /// A peer is here: it gets all that it needs to know.
    pub(super) fn join(&mut self, conn: ConnId, hello: Hello) {
        let Some(connection) = self.roster.conns.get_mut(&conn) else { return };
        connection.standing = Standing::Greeted;
        let (id, remote) = (connection.peer, connection.remote);
        let now = self.now;
        let Some(peer) = self.roster.peer_entry(id, true, now) else {
            return self.close(conn, CloseCode::Flood);
        };
        let name = hello.presence.name.clone();
        peer.live = Some(Live::new(conn, hello, now));
        self.emit(Event::PeerJoined { peer_id: id, name, addresses: vec![remote] });
        self.send_library(conn);
        self.gossip_about_newcomer(id, conn);
        self.covers.look_again();
    }

    /// All that the peer at the other end needs to know of this one.
    pub(super) fn send_library(&mut self, conn: ConnId) {
        for message in self.library_messages() {
            self.send(conn, message);
        }
        if let Some(head) = self.authority.head() {
            self.send(conn, Control::Catalog(head));
        }
    }

    pub(crate) fn closed(&mut self, conn: ConnId, reason: &ClosedReason) {
        let Some(connection) = self.roster.conns.remove(&conn) else { return };
        let peer = connection.peer;
        if self.roster.live(peer).is_none_or(|live| live.conn != conn) {
            return;
        }
        // A spare connection takes over without a word.
        let spare = self.roster.conns.iter().find(|(_, other)| {
            other.peer == peer && matches!(other.standing, Standing::Greeted | Standing::Draining { .. })
        });
        let Some(spare) = spare.map(|(spare, _)| *spare) else {
            return self.leave(peer, leave_reason(reason));
        };
        self.set_standing(spare, Standing::Greeted);
        self.make_current(peer, spare);
    }

    /// The peer is gone; what it offered no longer counts.
    pub(super) fn leave(&mut self, id: PeerId, reason: LeaveReason) {
        let now = self.now;
        let Some(peer) = self.roster.peers.get_mut(&id) else { return };
        if peer.live.take().is_none() {
            return;
        }
        peer.last_seen = now;
        // Who said goodbye comes back by itself.
        let dialling = match reason {
            LeaveReason::Goodbye | LeaveReason::Banned => super::Dialling::patient(now),
            LeaveReason::Timeout | LeaveReason::Error => super::Dialling::from(now),
        };
        self.roster.wake_at(dialling.next);
        for target in &mut self.roster.targets {
            if target.peer == Some(id) {
                target.dialling = dialling.clone();
            }
        }
        if let Some(peer) = self.roster.peers.get_mut(&id) {
            peer.dialling = dialling;
        }
        self.emit(Event::PeerLeft { peer_id: id, reason });
        self.source_left(id);
    }

    /// The address behind a connection is banned: its peer is gone at once.
    pub(crate) fn banned(&mut self, conn: ConnId) {
        if let Some(peer) = self.roster.conns.get(&conn).map(|conn| conn.peer) {
            self.leave(peer, LeaveReason::Banned);
        }
    }

    /// Closes a connection from this side; its end is still reported by the shell.
    pub(crate) fn close(&mut self, conn: ConnId, code: CloseCode) {
        self.set_standing(conn, Standing::Closing);
        self.push(Effect::Close { conn, code });
    }
}

fn leave_reason(reason: &ClosedReason) -> LeaveReason {
    match reason {
        ClosedReason::Goodbye => LeaveReason::Goodbye,
        ClosedReason::TimedOut => LeaveReason::Timeout,
        ClosedReason::Banned => LeaveReason::Banned,
        ClosedReason::Duplicate | ClosedReason::Error(_) => LeaveReason::Error,
    }
}

/// Names from the net are shown to people: bounded and without control characters.
fn tidy(mut hello: Hello) -> Hello {
    hello.program = tidy_name(&hello.program);
    hello.presence = tidy_presence(hello.presence);
    hello
}

fn tidy_presence(mut presence: Presence) -> Presence {
    presence.name = tidy_name(&presence.name);
    presence.pc = tidy_name(&presence.pc);
    presence.servers.truncate(16);
    for server in &mut presence.servers {
        server.entry = tidy_name(&server.entry);
    }
    presence
}

pub(crate) fn tidy_name(name: &str) -> String {
    let mut tidy = String::new();
    for character in name.chars().filter(|character| !character.is_control()) {
        if tidy.len() + character.len_utf8() > MAX_NAME_BYTES {
            break;
        }
        tidy.push(character);
    }
    tidy
}
