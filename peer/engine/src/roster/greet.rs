//! Which connection to a peer stays.
//!
//! - The two sides of one pair of instances dialled each other: the lower id's dial stays, the other drains.
//! - One side made both: the dialler keeps the better path and closes the other; the other side follows where the
//!   dialler's library comes, so both agree at every moment that matters.
//! - Another instance of the peer takes the old one's place at once, and the old connection is asked whether it lives.
//!   If it answers within [`PROOF_OF_LIFE`], two PCs share one identity and both must make new ones.

use std::time::Duration;

use lanspread_protocol::PeerId;
use lanspread_protocol::message::{CloseCode, Control, Hello};

use super::Standing;
use crate::engine::Engine;
use crate::event::LeaveReason;
use crate::ids::ConnId;

/// How long an old connection has to answer when a new instance of its peer appears.
const PROOF_OF_LIFE: Duration = Duration::from_millis(700);
/// How long a losing connection may finish what runs on it.
const DRAIN: Duration = Duration::from_secs(2);

impl Engine {
    pub(super) fn greeted(&mut self, conn: ConnId, hello: Hello) {
        let Some(connection) = self.roster.conns.get(&conn) else { return };
        let (peer, ours) = (connection.peer, connection.ours);
        if peer == self.roster.me {
            return self.met_own_identity(conn, &hello);
        }
        let Some(live) = self.roster.live(peer) else {
            return self.join(conn, hello);
        };
        let current = live.conn;
        if live.hello.instance != hello.instance {
            self.leave(peer, LeaveReason::Error);
            let until = self.now + PROOF_OF_LIFE;
            self.set_standing(current, Standing::Suspect { until });
            self.roster.wake_at(until);
            self.send(current, Control::Ping(current.0));
            return self.join(conn, hello);
        }
        let Some(old) = self.roster.conns.get(&current) else { return };
        let newer_stays = if old.ours == ours {
            ours && self.roster.conns.get(&conn).is_some_and(|new| new.rank < old.rank)
        } else {
            let lower_id_is_me = self.roster.me < peer;
            ours == lower_id_is_me
        };
        let both_dialled = old.ours != ours;
        self.set_standing(conn, Standing::Greeted);
        let loser = if newer_stays { current } else { conn };
        if newer_stays {
            self.make_current(peer, conn);
        }
        if both_dialled || ours {
            self.drain(loser);
        }
    }

    /// The handshake proved this PC's own key.
    fn met_own_identity(&mut self, conn: ConnId, hello: &Hello) {
        if hello.instance == self.config.instance {
            self.close(conn, CloseCode::WrongIdentity);
        } else {
            self.send(conn, Control::IdentityTaken);
            self.renew_identity();
        }
    }

    /// The connection of a replaced instance answers: it lives, so two PCs share one identity.
    pub(super) fn pong(&mut self, conn: ConnId, number: u64) {
        let Some(connection) = self.roster.conns.get(&conn) else { return };
        let peer = connection.peer;
        if number == conn.0 && matches!(connection.standing, Standing::Suspect { .. }) {
            self.send(conn, Control::IdentityTaken);
            if let Some(live) = self.roster.live(peer) {
                self.send(live.conn, Control::IdentityTaken);
            }
        }
    }

    /// A connection's time is up.
    pub(super) fn standing_expired(&mut self, conn: ConnId) {
        let Some(connection) = self.roster.conns.get(&conn) else { return };
        match connection.standing {
            Standing::Suspect { .. } | Standing::Draining { .. } => self.close(conn, CloseCode::Duplicate),
            Standing::Silent { .. } => self.close(conn, CloseCode::Protocol),
            Standing::Greeted | Standing::Closing => {}
        }
    }

    /// From now on everything goes this way. The library goes again, because messages on two connections may
    /// overtake each other; its new revision tells the other side that this one is the later.
    pub(super) fn make_current(&mut self, peer: PeerId, conn: ConnId) {
        if let Some(live) = self.roster.live_mut(peer) {
            live.conn = conn;
            self.advance_offers_revision();
            self.send_library(conn);
        }
    }

    /// The dialler of both connections sent its library here: it decided for this one.
    pub(crate) fn follow_library(&mut self, peer: PeerId, conn: ConnId) {
        let Some(current) = self.roster.live(peer).map(|live| live.conn) else { return };
        let is_theirs = |conn: ConnId| {
            let conn = self.roster.conns.get(&conn);
            conn.is_some_and(|conn| !conn.ours && matches!(conn.standing, Standing::Greeted))
        };
        if conn != current && is_theirs(conn) && is_theirs(current) {
            self.make_current(peer, conn);
        }
    }

    fn drain(&mut self, conn: ConnId) {
        let until = self.now + DRAIN;
        self.set_standing(conn, Standing::Draining { until });
        self.roster.wake_at(until);
    }

    pub(super) fn set_standing(&mut self, conn: ConnId, standing: Standing) {
        if let Some(connection) = self.roster.conns.get_mut(&conn) {
            connection.standing = standing;
        }
    }
}
