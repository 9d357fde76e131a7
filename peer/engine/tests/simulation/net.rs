//! The network: dials through firewalls, connections, messages in order, requests and their units.
//!
//! A unit leaves its sender's uplink in turn with those for other receivers, and arrives when the receiver's downlink
//! has taken it. Lost packets are delays. A request ends once on each side, whatever happens.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use lanspread_engine::{
    BlobError, ClosedReason, ConnId, DialId, FetchEnd, FetchId, Input, OpId, ServeEnd, ServeFrom, ServeId,
};
use lanspread_protocol::message::{CloseCode, Control, Request, WantedUnit};
use lanspread_protocol::{CatalogHead, GameId, ManifestId, PeerId};

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
    /// A unit, and whether it is damaged, the request's last.
    Unit {
        transfer: u64,
        unit: WantedUnit,
        bytes: u64,
        is_bad: bool,
        is_last: bool,
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
    /// Units that were sent, and their bytes.
    sent: (u64, u64),
    last_arrival: Duration,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    Units { fetch: FetchId, op: OpId, game: GameId, manifest: ManifestId },
    Manifest { op: OpId, manifest: ManifestId },
    Catalog(CatalogHead),
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

    // Requests.

    pub(crate) fn request(&mut self, from: NodeId, conn: ConnId, what: What, units: Vec<WantedUnit>) {
        let id = self.number();
        let place = self.nodes[from.0].run().conns.get(&conn).copied();
        let Some((link, side)) = place else {
            // The connection is gone already.
            return match what {
                What::Units { fetch, .. } => {
                    let end = FetchEnd::Lost("no such connection".to_owned());
                    self.soon(from, Input::FetchEnded { fetch, end });
                }
                What::Manifest { op, .. } => {
                    self.soon(from, Input::ManifestFetched { op, conn, result: Err(BlobError::Unavailable) });
                }
                What::Catalog(head) => {
                    self.soon(
                        from,
                        Input::CatalogFetched { conn, head, result: Err(BlobError::Unavailable) },
                    );
                }
            };
        };
        if let What::Units { fetch, .. } = &what {
            self.nodes[from.0].run().fetches.insert(*fetch, id);
        }
        self.nodes[from.0].stats.requests += 1;
        let transfer = Transfer {
            link,
            asker: side,
            what,
            units: units.into(),
            serve: None,
            source: None,
            fetch_is_open: true,
            serve_is_open: false,
            sent: (0, 0),
            last_arrival: Duration::ZERO,
        };
        self.transfers.insert(id, transfer);
        let cut = self.cut_until(self.links[link].ends[0].node, self.links[link].ends[1].node);
        let after = self.flight().max(cut.unwrap_or_default().saturating_sub(self.now));
        self.at(after, Happening::Packet(Packet::Request(id)));
    }

    fn requested(&mut self, id: u64) {
        let Some(transfer) = self.transfers.get(&id) else { return };
        let end = self.links[transfer.link].ends[1 - transfer.asker];
        if !end.is_open || !transfer.fetch_is_open || self.nodes[end.node.0].generation != end.generation {
            return;
        }
        let request = match &transfer.what {
            What::Units { game, manifest, .. } => Request::Units {
                game: game.clone(),
                manifest: *manifest,
                units: transfer.units.iter().cloned().collect(),
            },
            What::Manifest { manifest, .. } => Request::Manifest(*manifest),
            What::Catalog(head) => Request::Catalog(head.hash),
        };
        let serve = ServeId(self.number());
        if let Some(transfer) = self.transfers.get_mut(&id) {
            (transfer.serve, transfer.serve_is_open) = (Some(serve), true);
        }
        self.nodes[end.node.0].run().serves.insert(serve, id);
        self.feed(end.node, Input::Requested { serve, conn: end.conn, request });
    }

    /// The engine lets a request be answered from the payload or store.
    pub(crate) fn serve(&mut self, node: NodeId, serve: ServeId, from: ServeFrom) {
        let Some(id) = self.nodes[node.0].run().serves.get(&serve).copied() else { return };
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        let (ServeFrom::Payload { game, .. } | ServeFrom::Store { game, .. }) = &from;
        let game = game.clone();
        transfer.source = Some(from);
        let receiver = self.links[transfer.link].ends[transfer.asker].node;
        *self.nodes[node.0].run().outbound.entry(game).or_default() += 1;
        if self.nodes[node.0].is_empty_handed {
            let after = self.flight();
            self.end_serve(id, after, ServeEnd::Served { bytes: 0, units: 0 });
            return self.end_fetch(id, after, FetchEnd::Done);
        }
        self.enqueue(node, receiver, id);
    }

    pub(crate) fn serve_blob(&mut self, node: NodeId, serve: ServeId) {
        let Some(id) = self.nodes[node.0].run().serves.get(&serve).copied() else { return };
        let Some(transfer) = self.transfers.get(&id) else { return };
        let stored = &self.nodes[node.0].stored;
        let has_it = match &transfer.what {
            What::Manifest { manifest, .. } => self.nodes[node.0].disk.manifests.contains_key(manifest),
            What::Catalog(head) => self.catalog_of(node, head).is_some() || stored.lies_about(head),
            What::Units { .. } => false,
        };
        if !has_it {
            return self.refuse(node, serve);
        }
        let after = self.flight() + Duration::from_millis(2);
        self.at(after, Happening::Packet(Packet::Blob(id)));
        self.end_serve(id, after, ServeEnd::Served { bytes: 1, units: 0 });
    }

    pub(crate) fn refuse(&mut self, node: NodeId, serve: ServeId) {
        let Some(id) = self.nodes[node.0].run().serves.get(&serve).copied() else { return };
        let after = self.moment();
        self.end_serve(id, after, ServeEnd::Refused);
        let after = self.flight();
        self.at(after, Happening::Packet(Packet::Refused(id)));
    }

    pub(crate) fn cancel_serve(&mut self, node: NodeId, serve: ServeId) {
        let Some(id) = self.nodes[node.0].run().serves.get(&serve).copied() else { return };
        let after = self.moment();
        self.end_serve(id, after, ServeEnd::Cancelled);
        let after = self.flight();
        self.at(after, Happening::Packet(Packet::Broken(id)));
    }

    pub(crate) fn cancel_fetch(&mut self, node: NodeId, fetch: FetchId) {
        self.nodes[node.0].stats.cancels += 1;
        let Some(id) = self.nodes[node.0].run().fetches.get(&fetch).copied() else { return };
        let after = self.moment();
        self.end_fetch(id, after, FetchEnd::Cancelled);
        let after = self.flight();
        self.at(after, Happening::Packet(Packet::Reset(id)));
    }

    fn end_fetch(&mut self, id: u64, after: Duration, end: FetchEnd) {
        let Some(transfer) = self.transfers.get_mut(&id).filter(|transfer| transfer.fetch_is_open) else {
            return;
        };
        transfer.fetch_is_open = false;
        let at = self.links[transfer.link].ends[transfer.asker];
        let conn = at.conn;
        let input = match transfer.what.clone() {
            What::Units { fetch, .. } => Input::FetchEnded { fetch, end },
            What::Manifest { op, .. } => {
                Input::ManifestFetched { op, conn, result: Err(BlobError::Unavailable) }
            }
            What::Catalog(head) => Input::CatalogFetched { conn, head, result: Err(BlobError::Unavailable) },
        };
        if self.nodes[at.node.0].generation == at.generation {
            self.later(at.node, after, input);
        }
        self.forget(id);
    }

    fn end_serve(&mut self, id: u64, after: Duration, end: ServeEnd) {
        let Some(transfer) = self.transfers.get_mut(&id).filter(|transfer| transfer.serve_is_open) else {
            return;
        };
        transfer.serve_is_open = false;
        let at = self.links[transfer.link].ends[1 - transfer.asker];
        let Some(serve) = transfer.serve else { return };
        if self.nodes[at.node.0].generation == at.generation {
            self.later(at.node, after, Input::ServeEnded { serve, end });
        }
    }

    fn forget(&mut self, id: u64) {
        let is_over = |transfer: &Transfer| !transfer.fetch_is_open && !transfer.serve_is_open;
        if self.transfers.get(&id).is_some_and(is_over) {
            // Kept while its serve's end is on its way, because that still names it.
            let horizon = Duration::from_secs(1);
            self.at(horizon, Happening::Packet(Packet::Reset(id)));
        }
    }

    /// The engine hears of a request's end: it counts no more.
    pub(crate) fn note_end(&mut self, node: NodeId, input: &Input) {
        let running = self.nodes[node.0].run();
        match input {
            Input::FetchEnded { fetch, .. } => {
                running.fetches.remove(fetch);
            }
            Input::ServeEnded { serve, .. } => {
                let id = running.serves.remove(serve).expect("a serve ended twice");
                let source = self.transfers.get(&id).and_then(|transfer| transfer.source.as_ref());
                if let Some(ServeFrom::Payload { game, .. } | ServeFrom::Store { game, .. }) = source {
                    let game = game.clone();
                    let count = self.nodes[node.0].run().outbound.get_mut(&game).expect("it was counted");
                    *count -= 1;
                }
            }
            _ => {}
        }
    }

    // The data's way.

    fn enqueue(&mut self, node: NodeId, receiver: NodeId, id: u64) {
        let uplink = &mut self.nodes[node.0].uplink;
        let queue = uplink.queues.entry(receiver).or_default();
        queue.push_back(id);
        if queue.len() == 1 {
            uplink.order.push_back(receiver);
        }
        self.pump(node);
    }

    /// Sends the next unit, if the uplink is free.
    pub(crate) fn pump(&mut self, node: NodeId) {
        loop {
            let now = self.now;
            let from = &mut self.nodes[node.0];
            if from.uplink.is_busy {
                return;
            }
            if from.stalled_until > now {
                from.uplink.is_busy = true;
                let (after, generation) = (from.stalled_until - now, from.generation);
                return self.at(after, Happening::UplinkFree(node, generation));
            }
            let Some(receiver) = from.uplink.order.pop_front() else { return };
            let Some(queue) = from.uplink.queues.get_mut(&receiver) else { continue };
            let Some(id) = queue.pop_front() else { continue };
            let next = self.transfers.get_mut(&id).filter(|transfer| transfer.serve_is_open);
            let unit = next.and_then(|transfer| transfer.units.pop_front());
            let has_more =
                unit.is_some() && self.transfers.get(&id).is_some_and(|transfer| !transfer.units.is_empty());
            let uplink = &mut self.nodes[node.0].uplink;
            if let Some(queue) = uplink.queues.get_mut(&receiver) {
                if has_more {
                    queue.push_back(id);
                }
                if !queue.is_empty() {
                    uplink.order.push_back(receiver);
                }
            }
            if let Some(unit) = unit {
                self.send_unit(node, receiver, id, unit, !has_more);
            }
        }
    }

    fn send_unit(&mut self, node: NodeId, receiver: NodeId, id: u64, unit: WantedUnit, is_last: bool) {
        let Some(source) = self.transfers.get(&id).and_then(|transfer| transfer.source.clone()) else {
            return;
        };
        let Some((bytes, is_bad)) = self.content(node, &source, &unit) else {
            self.end_serve(id, Duration::ZERO, ServeEnd::Changed);
            let after = self.flight();
            return self.at(after, Happening::Packet(Packet::Broken(id)));
        };
        let flight = self.flight();
        let from = &mut self.nodes[node.0];
        let limit = from.running.as_ref().map_or(0, |running| running.upload_limit);
        let rate = if limit == 0 { from.up } else { from.up.min(limit) };
        let on_wire = Duration::from_secs_f64(bytes as f64 / rate as f64);
        from.uplink.is_busy = true;
        from.stats.units_served += 1;
        let generation = from.generation;
        self.at(on_wire, Happening::UplinkFree(node, generation));
        let cut = self.cut_until(node, receiver).unwrap_or_default();
        let to = &mut self.nodes[receiver.0];
        let through = Duration::from_secs_f64(bytes as f64 / to.down as f64);
        // The downlink is work that waits: a slow sender's unit takes its share of it, not its time.
        to.down_free = to.down_free.max(self.now) + through;
        let at = (self.now + on_wire + flight).max(to.down_free).max(cut);
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        transfer.sent.0 += 1;
        transfer.sent.1 += bytes;
        let at = at.max(transfer.last_arrival);
        transfer.last_arrival = at;
        let (units, bytes_sent) = transfer.sent;
        let packet = Packet::Unit { transfer: id, unit, bytes, is_bad, is_last };
        self.at(at - self.now, Happening::Packet(packet));
        if is_last {
            self.end_serve(id, on_wire, ServeEnd::Served { bytes: bytes_sent, units });
        }
    }

    fn arrived(&mut self, id: u64, unit: &WantedUnit, bytes: u64, is_bad: bool, is_last: bool) {
        let Some(transfer) = self.transfers.get(&id).filter(|transfer| transfer.fetch_is_open) else {
            return;
        };
        let at = self.links[transfer.link].ends[transfer.asker];
        let sender = self.links[transfer.link].ends[1 - transfer.asker].node;
        let What::Units { fetch, op, game, manifest } = transfer.what.clone() else { return };
        if self.nodes[at.node.0].generation != at.generation || !at.is_open {
            return;
        }
        *self.nodes[at.node.0].received.entry((game.clone(), sender)).or_default() += bytes;
        if is_bad {
            self.end_fetch(id, Duration::ZERO, FetchEnd::BadChunk(unit.unit));
            let after = self.flight();
            return self.at(after, Happening::Packet(Packet::Reset(id)));
        }
        self.check_arrival(at.node, &game, op, manifest);
        let folder = self.nodes[at.node.0].disk.folder(&game);
        let was_here = folder.store.as_ref().is_some_and(|store| store.has_unit(unit.unit));
        let Some(completed) = folder.write(op, unit) else {
            return self.end_fetch(id, Duration::ZERO, FetchEnd::Cancelled);
        };
        self.nodes[at.node.0].wasted_units += u64::from(was_here);
        self.feed(at.node, Input::UnitStored { fetch, unit: unit.unit, bytes, completed });
        if is_last {
            self.end_fetch(id, Duration::ZERO, FetchEnd::Done);
        }
    }

    fn blob_arrived(&mut self, id: u64) {
        let Some(transfer) = self.transfers.get_mut(&id).filter(|transfer| transfer.fetch_is_open) else {
            return;
        };
        let ends = self.links[transfer.link].ends;
        let (at, from) = (ends[transfer.asker], ends[1 - transfer.asker]);
        transfer.fetch_is_open = false;
        let what = transfer.what.clone();
        if self.nodes[at.node.0].generation != at.generation || !at.is_open {
            return;
        }
        let conn = at.conn;
        match what {
            What::Manifest { op, manifest } => {
                let found = self.nodes[from.node.0].disk.manifests.get(&manifest).cloned();
                if let Some(found) = &found {
                    self.nodes[at.node.0].disk.manifests.insert(manifest, std::sync::Arc::clone(found));
                }
                let result = found.ok_or(BlobError::Unavailable);
                self.feed(at.node, Input::ManifestFetched { op, conn, result });
            }
            What::Catalog(head) => {
                let found = self.catalog_of(from.node, &head);
                let result =
                    found.map(Box::new).ok_or_else(|| BlobError::Wrong("a wrong signature".to_owned()));
                self.feed(at.node, Input::CatalogFetched { conn, head, result });
            }
            What::Units { .. } => {}
        }
        self.forget(id);
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
            Packet::Unit { transfer, unit, bytes, is_bad, is_last } => {
                self.arrived(transfer, &unit, bytes, is_bad, is_last);
            }
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
