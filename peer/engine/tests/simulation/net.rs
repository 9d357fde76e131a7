//! The network: dials through firewalls, connections, messages in order, requests and their units.
//!
//! A few units leave a sender's uplink side by side, in slices, and arrive when the receiver's downlink has taken them; a
//! receiver whose downlink is full makes its senders wait. Lost packets are delays. A request ends once on each side, whatever happens.

pub(crate) mod races;
mod transfers;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use lanspread_engine::{
    ClosedReason, ConnId, DialId, FetchEnd, FetchId, Input, OpId, RaceId, ServeEnd, ServeFrom, ServeId,
};
use lanspread_protocol::message::{CloseCode, Control, WantedUnit};
use lanspread_protocol::{GameId, ManifestId, PeerId};

use crate::node::NodeId;
use crate::world::{Happening, World};

/// A firewall lets answers in for this long after a packet went out.
const HOLE: Duration = Duration::from_secs(10);
/// When a dial's packets leave; after the last it fails.
const TRIES: [u64; 4] = [0, 300, 900, 2100];
const DIAL_TIMEOUT: Duration = Duration::from_secs(3);
/// A silent connection ends after this.
const IDLE: Duration = Duration::from_secs(8);

#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) ends: [End; 2],
    /// When the last message arrived at each end: messages keep their order.
    last_arrival: [Duration; 2],
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    pub(crate) node: NodeId,
    pub(crate) generation: u32,
    pub(crate) conn: ConnId,
    pub(crate) is_open: bool,
}

/// A dial under way.
#[derive(Clone, Debug)]
pub(crate) struct Dial {
    from: NodeId,
    generation: u32,
    id: DialId,
    source: SocketAddr,
    target: SocketAddr,
    expect: Option<PeerId>,
}

#[derive(Debug)]
pub(crate) enum Packet {
    Try(Dial, usize),
    Knock(Dial),
    /// A control message for one end of a link.
    Control(usize, usize, Box<Control>),
    /// One end of a link closes.
    Closed(usize, usize, ClosedReason),
    Request(u64),
    Refused(u64),
    /// A part of a unit; with its last one the unit is whole.
    Slice {
        transfer: u64,
        bytes: u64,
        end: Option<UnitEnd>,
    },
    Blob(u64),
    /// The receiver no longer wants it.
    Reset(u64),
    /// The sender stopped.
    Broken(u64),
}

/// A request from one end of a link to the other.
#[derive(Debug)]
pub(crate) struct Transfer {
    link: usize,
    /// The end that asked.
    asker: usize,
    what: What,
    units: VecDeque<WantedUnit>,
    serve: Option<ServeId>,
    source: Option<ServeFrom>,
    fetch_is_open: bool,
    serve_is_open: bool,
    /// Units that were sent, and bytes.
    sent: (u64, u64),
    /// The unit that is being sent.
    sending: Option<Sending>,
    last_arrival: Duration,
    /// The time of the last report of bytes to the receiver's engine, and the bytes since.
    reported_at: Duration,
    unreported: u64,
}

/// A unit that is being sent.
#[derive(Debug)]
struct Sending {
    unit: WantedUnit,
    bytes: u64,
    left: u64,
    is_bad: bool,
    is_last: bool,
}

/// A unit that ends with a slice: its bytes, whether they are wrong, and whether it is the request's last unit.
pub(crate) type UnitEnd = (WantedUnit, u64, bool, bool);

#[derive(Clone, Debug)]
pub(crate) enum What {
    Units { fetch: FetchId, op: OpId, game: GameId, manifest: ManifestId },
    Blob(RaceId),
}

impl World {
    /// How long a packet takes; a lost one is sent again.
    pub(crate) fn flight(&mut self) -> Duration {
        let jitter = self.jitter;
        let mut flight = self.delay + self.dice.between(Duration::ZERO, jitter);
        while self.loss_percent > 0 && self.dice.percent(self.loss_percent) {
            flight += Duration::from_millis(50);
        }
        flight
    }

    fn cut_until(&self, a: NodeId, b: NodeId) -> Option<Duration> {
        self.partitions.get(&(a.min(b), a.max(b))).copied().filter(|until| *until > self.now)
    }

    /// Nothing passes between two peers for so long.
    pub(crate) fn partition(&mut self, a: NodeId, b: NodeId, time: Duration) {
        self.partitions.insert((a.min(b), a.max(b)), self.now + time);
        if time < IDLE {
            return;
        }
        for link in 0..self.links.len() {
            let ends = &self.links[link].ends;
            let joins = [ends[0].node, ends[1].node] == [a, b] || [ends[0].node, ends[1].node] == [b, a];
            if joins {
                for side in 0..2 {
                    self.at(IDLE, Happening::Packet(Packet::Closed(link, side, ClosedReason::TimedOut)));
                }
            }
        }
    }

    // Dials.

    pub(crate) fn dial(&mut self, from: NodeId, dial: DialId, target: SocketAddr, expect: Option<PeerId>) {
        let node = &mut self.nodes[from.0];
        let same_net = |(address, _): &&(SocketAddr, u8)| net_of(*address) == net_of(target);
        let source = node.addresses.iter().find(same_net).unwrap_or(&node.addresses[0]).0;
        let generation = node.generation;
        let dial = Dial { from, generation, id: dial, source, target, expect };
        let (now, id) = (self.now, dial.id);
        assert!(self.nodes[from.0].run().dials.insert(id, now).is_none(), "a dial's number came twice");
        for (nth, millis) in TRIES.into_iter().enumerate() {
            self.at(Duration::from_millis(millis), Happening::Packet(Packet::Try(dial.clone(), nth)));
        }
        self.at(DIAL_TIMEOUT, Happening::Packet(Packet::Try(dial, TRIES.len())));
    }

    fn dial_try(&mut self, dial: Dial, nth: usize) {
        let now = self.now;
        let node = &mut self.nodes[dial.from.0];
        if node.generation != dial.generation || !node.run().dials.contains_key(&dial.id) {
            return;
        }
        if nth == TRIES.len() {
            node.run().dials.remove(&dial.id);
            return self.feed(dial.from, Input::DialFailed { dial: dial.id });
        }
        node.sent_to.insert(dial.target, now);
        let after = self.flight();
        self.at(after, Happening::Packet(Packet::Knock(dial)));
    }

    fn knock(&mut self, dial: &Dial) {
        let now = self.now;
        let Some(to) = self.by_address.get(&dial.target).copied() else { return };
        let alive = self.nodes[dial.from.0].generation == dial.generation
            && self.nodes[dial.from.0].run().dials.contains_key(&dial.id);
        if !alive || self.cut_until(dial.from, to).is_some() || !self.is_running(to) {
            return;
        }
        let target = &self.nodes[to.0];
        let was_asked = target.sent_to.get(&dial.source).is_some_and(|at| now <= *at + HOLE);
        if (target.is_closed && !was_asked && to != dial.from) || target.banned.contains(&dial.source.ip()) {
            return;
        }
        self.nodes[dial.from.0].run().dials.remove(&dial.id);
        let is_expected = dial.expect.is_none_or(|expect| expect == self.nodes[to.0].peer);
        if !is_expected {
            let failed = Input::DialFailed { dial: dial.id };
            return self.soon(dial.from, failed);
        }
        self.connect(dial, to);
    }

    fn connect(&mut self, dial: &Dial, to: NodeId) {
        let conns = [ConnId(self.number()), ConnId(self.number())];
        let link = self.links.len();
        let end = |world: &Self, node: NodeId, conn| End {
            node,
            generation: world.nodes[node.0].generation,
            conn,
            is_open: true,
        };
        let ends = [end(self, dial.from, conns[0]), end(self, to, conns[1])];
        self.links.push(Link { ends, last_arrival: [self.now; 2] });
        let back = self.flight();
        // The dialler's first messages leave once its side stands, and never arrive before the other side stands.
        self.links[link].last_arrival = [self.now + back, self.now + back];
        for (side, node, remote, dialled) in
            [(1, to, dial.source, None), (0, dial.from, dial.target, Some(dial.id))]
        {
            self.nodes[node.0].run().conns.insert(conns[side], (link, side));
            let other = &self.nodes[ends[1 - side].node.0];
            let rank =
                other.addresses.iter().find(|(address, _)| *address == remote).map_or(2, |(_, rank)| *rank);
            let connected = Input::Connected {
                conn: conns[side],
                peer: other.peer,
                remote,
                rank,
                gossiped: true,
                dial: dialled,
            };
            self.later(node, if side == 1 { Duration::ZERO } else { back }, connected);
        }
    }

    // Messages.

    pub(crate) fn send(&mut self, from: NodeId, conn: ConnId, message: Control) {
        let Some((link, side)) = self.nodes[from.0].run().conns.get(&conn).copied() else { return };
        self.nodes[from.0].stats.control_messages += 1;
        let at = self.arrival(link, 1 - side);
        let after = at - self.now;
        self.at(after, Happening::Packet(Packet::Control(link, 1 - side, Box::new(message))));
    }

    /// When something that is sent now arrives at an end, in order with what was sent before.
    fn arrival(&mut self, link: usize, side: usize) -> Duration {
        let ends = self.links[link].ends;
        let mut at = self.now + self.flight();
        at = at.max(self.cut_until(ends[0].node, ends[1].node).unwrap_or_default());
        at = at.max(self.links[link].last_arrival[side]);
        self.links[link].last_arrival[side] = at;
        at
    }

    pub(crate) fn close(&mut self, from: NodeId, conn: ConnId, code: CloseCode) {
        let Some((link, side)) = self.nodes[from.0].run().conns.get(&conn).copied() else { return };
        let reason = match code {
            CloseCode::Goodbye => ClosedReason::Goodbye,
            CloseCode::Duplicate => ClosedReason::Duplicate,
            CloseCode::Banned => ClosedReason::Banned,
            CloseCode::Protocol | CloseCode::Flood | CloseCode::WrongIdentity => {
                ClosedReason::Error(format!("{code:?}"))
            }
        };
        let after = self.moment();
        self.at(after, Happening::Packet(Packet::Closed(link, side, reason.clone())));
        let after = self.arrival(link, 1 - side) - self.now;
        self.at(after, Happening::Packet(Packet::Closed(link, 1 - side, reason)));
    }

    /// A peer is gone: the others notice by its goodbye, or by its silence.
    pub(crate) fn drop_links_of(&mut self, id: NodeId, goodbye: bool) {
        for link in 0..self.links.len() {
            for side in 0..2 {
                let end = self.links[link].ends[side];
                if end.node != id || !end.is_open {
                    continue;
                }
                self.links[link].ends[side].is_open = false;
                let (after, reason) = if goodbye {
                    (self.arrival(link, 1 - side) - self.now, ClosedReason::Goodbye)
                } else {
                    (IDLE, ClosedReason::TimedOut)
                };
                self.at(after, Happening::Packet(Packet::Closed(link, 1 - side, reason)));
            }
        }
        for transfer in self.transfers.values_mut() {
            let link = &self.links[transfer.link];
            for (side, end) in link.ends.iter().enumerate() {
                if end.node == id && !end.is_open {
                    let is_open = if side == transfer.asker {
                        &mut transfer.fetch_is_open
                    } else {
                        &mut transfer.serve_is_open
                    };
                    *is_open = false;
                }
            }
        }
    }

    fn closed(&mut self, link: usize, side: usize, reason: ClosedReason) {
        let end = self.links[link].ends[side];
        if !end.is_open || self.nodes[end.node.0].generation != end.generation {
            return;
        }
        self.links[link].ends[side].is_open = false;
        let of_link: Vec<(u64, bool)> = self
            .transfers
            .iter()
            .filter(|(_, transfer)| transfer.link == link)
            .map(|(id, transfer)| (*id, transfer.asker == side))
            .collect();
        let closed = Input::Closed { conn: end.conn, reason };
        // The ends of requests and of the connection come in any order.
        let closed_first = self.dice.percent(50);
        if closed_first {
            self.feed(end.node, closed.clone());
        }
        for (transfer, is_asker) in of_link {
            if is_asker {
                self.end_fetch(transfer, Duration::ZERO, FetchEnd::Lost("closed".to_owned()));
            } else {
                self.end_serve(transfer, Duration::ZERO, ServeEnd::Cancelled);
            }
        }
        if !closed_first {
            self.later(end.node, Duration::ZERO, closed);
        }
        let node = &mut self.nodes[end.node.0];
        if let Some(running) = &mut node.running {
            running.conns.remove(&end.conn);
        }
    }

    pub(crate) fn packet(&mut self, packet: Packet) {
        match packet {
            Packet::Try(dial, nth) => self.dial_try(dial, nth),
            Packet::Knock(dial) => self.knock(&dial),
            Packet::Control(link, side, message) => {
                let end = self.links[link].ends[side];
                if end.is_open && self.nodes[end.node.0].generation == end.generation {
                    self.feed(end.node, Input::Control { conn: end.conn, message: *message });
                }
            }
            Packet::Closed(link, side, reason) => self.closed(link, side, reason),
            Packet::Request(id) => self.requested(id),
            Packet::Refused(id) => self.end_fetch(id, Duration::ZERO, FetchEnd::Refused),
            Packet::Slice { transfer, bytes, end } => self.slice_arrived(transfer, bytes, end),
            Packet::Blob(id) => self.blob_arrived(id),
            Packet::Reset(id) => {
                self.end_serve(id, Duration::ZERO, ServeEnd::Cancelled);
                let is_named = |node: &crate::node::Node| {
                    node.running
                        .as_ref()
                        .is_some_and(|running| running.serves.values().any(|named| *named == id))
                };
                let is_over = |transfer: &Transfer| !transfer.fetch_is_open && !transfer.serve_is_open;
                let server = self
                    .transfers
                    .get(&id)
                    .map(|transfer| self.links[transfer.link].ends[1 - transfer.asker].node);
                let still_named = server.is_some_and(|server| is_named(&self.nodes[server.0]));
                if self.transfers.get(&id).is_some_and(is_over) && !still_named {
                    self.transfers.remove(&id);
                }
            }
            Packet::Broken(id) => self.end_fetch(id, Duration::ZERO, FetchEnd::Lost("reset".to_owned())),
        }
    }
}

fn net_of(address: SocketAddr) -> u8 {
    match address {
        SocketAddr::V4(address) => address.ip().octets()[1],
        SocketAddr::V6(_) => 0,
    }
}
