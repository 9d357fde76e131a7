//! Requests and their units: asked, refused, sent in turn, cancelled; each side hears of its end once.

use std::collections::VecDeque;
use std::time::Duration;

use lanspread_engine::{BlobError, ConnId, FetchEnd, FetchId, Input, ServeEnd, ServeFrom, ServeId};
use lanspread_protocol::message::{Request, WantedUnit};

use super::races::{Blob, BlobFault};
use super::{Packet, Sending, Transfer, UnitEnd, What};
use crate::node::NodeId;
use crate::world::{Happening, World};

/// Units that a peer sends side by side, as in the program.
const SENDING_PLACES: usize = 8;
/// The longest time that bytes under way to a receiver take on its link: the sender waits.
const DOWNLINK_QUEUE: Duration = Duration::from_millis(30);
/// A unit is sent in slices of this size; at once where it takes less than this time.
const SLICE_BYTES: u64 = 64 * 1024;
const QUICK: Duration = Duration::from_millis(5);
/// The time between two reports of bytes of one unit.
const REPORT_INTERVAL: Duration = Duration::from_millis(250);

impl World {
    /// Returns the transfer's number; `None` when the connection is gone already.
    pub(crate) fn request(
        &mut self,
        from: NodeId,
        conn: ConnId,
        what: What,
        units: Vec<WantedUnit>,
    ) -> Option<u64> {
        let id = self.number();
        let place = self.nodes[from.0].run().conns.get(&conn).copied();
        let Some((link, side)) = place else {
            if let What::Units { fetch, .. } = what {
                let end = FetchEnd::Lost("no such connection".to_owned());
                self.soon(from, Input::FetchEnded { fetch, end });
            }
            return None;
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
            sending: None,
            last_arrival: Duration::ZERO,
            reported_at: Duration::ZERO,
            unreported: 0,
        };
        self.transfers.insert(id, transfer);
        let cut = self.cut_until(self.links[link].ends[0].node, self.links[link].ends[1].node);
        let after = self.flight().max(cut.unwrap_or_default().saturating_sub(self.now));
        self.at(after, Happening::Packet(Packet::Request(id)));
        Some(id)
    }

    pub(super) fn requested(&mut self, id: u64) {
        let Some(transfer) = self.transfers.get(&id) else { return };
        let ends = self.links[transfer.link].ends;
        let (asker, end) = (ends[transfer.asker].node, ends[1 - transfer.asker]);
        if !end.is_open || !transfer.fetch_is_open || self.nodes[end.node.0].generation != end.generation {
            return;
        }
        if self.nodes[end.node.0].is_mute && matches!(transfer.what, What::Units { .. }) {
            return;
        }
        let request = match &transfer.what {
            What::Units { game, manifest, .. } => Request::Units {
                game: game.clone(),
                manifest: *manifest,
                units: transfer.units.iter().cloned().collect(),
            },
            What::Blob(_) if self.nodes[end.node.0].blob_fault == Some(BlobFault::Silent) => return,
            What::Blob(race) => match self.blob_request(asker, *race) {
                Some(Blob::Manifest { manifest, .. }) => Request::Manifest(manifest),
                Some(Blob::Catalog(head)) => Request::Catalog(head.hash),
                Some(Blob::Cover(cover)) => Request::Cover(cover),
                None => return,
            },
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
        *self.nodes[node.0].run().outbound.entry(game).or_default() += 1;
        if self.nodes[node.0].is_empty_handed {
            let after = self.flight();
            self.end_serve(id, after, ServeEnd::Served { bytes: 0, units: 0 });
            return self.end_fetch(id, after, FetchEnd::Done);
        }
        self.enqueue(node, id);
    }

    pub(crate) fn serve_blob(&mut self, node: NodeId, serve: ServeId) {
        let Some(id) = self.nodes[node.0].run().serves.get(&serve).copied() else { return };
        let Some(transfer) = self.transfers.get(&id) else { return };
        let What::Blob(race) = transfer.what else { return };
        let asker = self.links[transfer.link].ends[transfer.asker].node;
        let blob = self.blob_request(asker, race);
        if blob.is_none_or(|blob| self.blob_of(node, &blob).is_none()) {
            return self.refuse(node, serve);
        }
        if self.nodes[node.0].blob_fault == Some(BlobFault::Trickles) {
            // It goes on until the other side has had enough.
            return;
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

    pub(super) fn end_fetch(&mut self, id: u64, after: Duration, end: FetchEnd) {
        let Some(transfer) = self.transfers.get_mut(&id).filter(|transfer| transfer.fetch_is_open) else {
            return;
        };
        transfer.fetch_is_open = false;
        let at = self.links[transfer.link].ends[transfer.asker];
        let conn = at.conn;
        let input = match transfer.what.clone() {
            What::Units { fetch, .. } => Input::FetchEnded { fetch, end },
            What::Blob(race) => {
                self.forget(id);
                // Nobody waits for one that was cancelled.
                if self.nodes[at.node.0].generation == at.generation && end != FetchEnd::Cancelled {
                    self.attempt_failed(at.node, race, conn, BlobError::Unavailable);
                }
                return;
            }
        };
        if self.nodes[at.node.0].generation == at.generation {
            self.later(at.node, after, input);
        }
        self.forget(id);
    }

    pub(super) fn end_serve(&mut self, id: u64, after: Duration, end: ServeEnd) {
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

    pub(super) fn forget(&mut self, id: u64) {
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

    pub(super) fn enqueue(&mut self, node: NodeId, id: u64) {
        self.nodes[node.0].uplink.waiting.push_back(id);
        self.pump(node);
    }

    /// Sends the next slice, if the uplink is free. As in the program, so many units are sent side by side; one whose
    /// receiver takes nothing at the moment does not count among them.
    pub(crate) fn pump(&mut self, node: NodeId) {
        let now = self.now;
        loop {
            let from = &mut self.nodes[node.0];
            if from.uplink.is_busy {
                return;
            }
            if from.stalled_until > now {
                let at = from.stalled_until;
                return self.wake_uplink(node, at);
            }
            self.fill_places(node);
            let active = std::mem::take(&mut self.nodes[node.0].uplink.active);
            let is_open = |id: &u64| self.transfers.get(id).is_some_and(|transfer| transfer.serve_is_open);
            let mut active: VecDeque<u64> = active.into_iter().filter(is_open).collect();
            let ready = active.iter().position(|id| self.free_at(*id) <= now);
            let Some(ready) = ready else {
                let next = active.iter().map(|id| self.free_at(*id)).min();
                self.nodes[node.0].uplink.active = active;
                if let Some(next) = next {
                    // By chance, who of several senders comes first.
                    let after = self.moment();
                    self.wake_uplink(node, next.max(now) + after);
                }
                return;
            };
            let id = active.remove(ready).expect("it was found there");
            self.nodes[node.0].uplink.active = active;
            self.send_slice(node, id);
        }
    }

    fn wake_uplink(&mut self, node: NodeId, at: Duration) {
        let (now, generation) = (self.now, self.nodes[node.0].generation);
        let uplink = &mut self.nodes[node.0].uplink;
        if uplink.wakes_at.is_none_or(|planned| planned <= now || at < planned) {
            uplink.wakes_at = Some(at);
            self.at(at.saturating_sub(now), Happening::UplinkWake(node, generation));
        }
    }

    /// The time when the receiver of a transfer takes more bytes.
    fn free_at(&self, id: u64) -> Duration {
        let Some(transfer) = self.transfers.get(&id) else { return Duration::ZERO };
        let receiver = self.links[transfer.link].ends[transfer.asker].node;
        self.nodes[receiver.0].down_free.saturating_sub(DOWNLINK_QUEUE)
    }

    fn fill_places(&mut self, node: NodeId) {
        loop {
            let uplink = &self.nodes[node.0].uplink;
            let taken = uplink.active.iter().filter(|id| self.free_at(**id) <= self.now).count();
            if taken >= SENDING_PLACES {
                return;
            }
            let Some(id) = self.nodes[node.0].uplink.waiting.pop_front() else { return };
            if self.begin_unit(node, id) {
                self.nodes[node.0].uplink.active.push_back(id);
            }
        }
    }

    /// Opens the next unit of a transfer; `false` if there is none.
    fn begin_unit(&mut self, node: NodeId, id: u64) -> bool {
        let Some(transfer) = self.transfers.get_mut(&id).filter(|transfer| transfer.serve_is_open) else {
            return false;
        };
        let (Some(source), Some(unit)) = (transfer.source.clone(), transfer.units.pop_front()) else {
            return false;
        };
        let is_last = transfer.units.is_empty();
        let Some((bytes, is_bad)) = self.content(node, &source, &unit) else {
            self.end_serve(id, Duration::ZERO, ServeEnd::Changed);
            let after = self.flight();
            self.at(after, Happening::Packet(Packet::Broken(id)));
            return false;
        };
        self.nodes[node.0].stats.units_served += 1;
        if let Some(transfer) = self.transfers.get_mut(&id) {
            transfer.sending = Some(Sending { unit, bytes, left: bytes, is_bad, is_last });
        }
        true
    }

    fn send_slice(&mut self, node: NodeId, id: u64) {
        let flight = self.flight();
        let now = self.now;
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        let Some(mut sending) = transfer.sending.take() else { return };
        let receiver = self.links[transfer.link].ends[transfer.asker].node;
        let from = &mut self.nodes[node.0];
        let limit = from.running.as_ref().map_or(0, |running| running.upload_limit);
        let up = if limit == 0 { from.up } else { from.up.min(limit) };
        let to = &self.nodes[receiver.0];
        let limit = to.running.as_ref().map_or(0, |running| running.download_limit);
        let down = if limit == 0 { to.down } else { to.down.min(limit) };
        let time = |bytes: u64, rate: u64| Duration::from_secs_f64(bytes as f64 / rate as f64);
        let is_quick = time(sending.left, up.min(down)) < QUICK;
        let most = SLICE_BYTES.min(up.min(down) / 16).max(1);
        let slice = if is_quick { sending.left } else { sending.left.min(most) };
        sending.left -= slice;
        let on_wire = time(slice, up);
        let generation = self.nodes[node.0].generation;
        self.nodes[node.0].uplink.is_busy = true;
        self.at(on_wire, Happening::UplinkFree(node, generation));
        let cut = self.cut_until(node, receiver).unwrap_or_default();
        let to = &mut self.nodes[receiver.0];
        // The downlink is work that waits: a slow sender's slice takes its share of it, not its time.
        to.down_free = to.down_free.max(now) + time(slice, down);
        let at = (now + on_wire + flight).max(to.down_free).max(cut);
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        let at = at.max(transfer.last_arrival);
        transfer.last_arrival = at;
        transfer.sent.1 += slice;
        let has_more = !transfer.units.is_empty();
        let (is_whole, is_last) = (sending.left == 0, sending.is_last);
        let end = is_whole.then(|| (sending.unit.clone(), sending.bytes, sending.is_bad, is_last));
        if is_whole {
            transfer.sent.0 += 1;
        } else {
            transfer.sending = Some(sending);
        }
        let (units, bytes) = transfer.sent;
        self.at(at - now, Happening::Packet(Packet::Slice { transfer: id, bytes: slice, end }));
        let uplink = &mut self.nodes[node.0].uplink;
        match (is_whole, has_more) {
            (false, _) => uplink.active.push_back(id),
            (true, true) => uplink.waiting.push_back(id),
            (true, false) => self.end_serve(id, on_wire, ServeEnd::Served { bytes, units }),
        }
    }

    /// Part of a unit, perhaps its last, is at its receiver.
    pub(super) fn slice_arrived(&mut self, id: u64, bytes: u64, end: Option<UnitEnd>) {
        let now = self.now;
        let Some(transfer) = self.transfers.get_mut(&id) else { return };
        let ends = self.links[transfer.link].ends;
        let (at, sender) = (ends[transfer.asker], ends[1 - transfer.asker].node);
        let What::Units { fetch, game, .. } = transfer.what.clone() else { return };
        // The first bytes are reported soon.
        let is_first = transfer.reported_at == Duration::ZERO;
        let is_due = is_first || now >= transfer.reported_at + REPORT_INTERVAL;
        let is_open = transfer.fetch_is_open;
        transfer.unreported += bytes;
        let report = (is_due && end.is_none()).then(|| std::mem::take(&mut transfer.unreported));
        if report.is_some() || is_first {
            transfer.reported_at = now;
        }
        if self.nodes[at.node.0].generation != at.generation || !at.is_open {
            return;
        }
        *self.nodes[at.node.0].received.entry((game, sender)).or_default() += bytes;
        if !is_open {
            return;
        }
        if let Some(bytes) = report {
            self.feed(at.node, Input::BytesReceived { fetch, bytes });
        }
        if let Some((unit, bytes, is_bad, is_last)) = end {
            self.arrived(id, &unit, bytes, is_bad, is_last);
        }
    }

    pub(super) fn arrived(&mut self, id: u64, unit: &WantedUnit, bytes: u64, is_bad: bool, is_last: bool) {
        let Some(transfer) = self.transfers.get(&id).filter(|transfer| transfer.fetch_is_open) else {
            return;
        };
        let at = self.links[transfer.link].ends[transfer.asker];
        let What::Units { fetch, op, game, manifest } = transfer.what.clone() else { return };
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
}
