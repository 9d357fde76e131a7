//! Races for manifests, catalogs and covers, with the program's stagger: the next candidate is asked when all attempts
//! are a second old, or when one has failed; three run at once; one that has lasted for eleven seconds is given up. A
//! blob comes whole or not at all, so that an attempt is late when it is a second old.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use lanspread_engine::{BlobError, ConnId, FetchEnd, Input, OpId, RaceId, Raced};
use lanspread_protocol::{Blake3Hash, CatalogHead, ManifestId};

use super::{Packet, What};
use crate::node::NodeId;
use crate::world::{Happening, World};

const AT_ONCE: usize = 3;
const LATE_AFTER: Duration = Duration::from_secs(1);
const GIVEN_UP_AFTER: Duration = Duration::from_secs(11);

/// A race of one peer.
#[derive(Debug)]
pub(crate) struct Race {
    blob: Blob,
    waiting: VecDeque<ConnId>,
    running: Vec<Attempt>,
    failed: Vec<(ConnId, BlobError)>,
}

#[derive(Clone, Copy, Debug)]
struct Attempt {
    conn: ConnId,
    transfer: u64,
    since: Duration,
}

#[derive(Clone, Debug)]
pub(crate) enum Blob {
    Manifest { op: OpId, manifest: ManifestId },
    Catalog(CatalogHead),
    Cover(Blake3Hash),
}

/// A peer's misbehaviour with requests for blobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlobFault {
    /// It sends, and so slowly that nothing ever is complete.
    Trickles,
    Silent,
}

impl World {
    pub(crate) fn start_race(&mut self, node: NodeId, race: RaceId, from: Vec<ConnId>, blob: Blob) {
        let started = Race { blob, waiting: from.into(), running: Vec::new(), failed: Vec::new() };
        let is_new = self.nodes[node.0].run().races.insert(race, started).is_none();
        assert!(is_new, "a race's number came twice");
        self.ask_next(node, race);
    }

    fn race(&mut self, node: NodeId, race: RaceId) -> Option<&mut Race> {
        self.nodes[node.0].running.as_mut()?.races.get_mut(&race)
    }

    /// Asks the next candidate that is still connected; ends the race when nobody is left.
    fn ask_next(&mut self, node: NodeId, id: RaceId) {
        let now = self.now;
        while let Some(conn) = self.race(node, id).and_then(|race| race.waiting.pop_front()) {
            let transfer = self.request(node, conn, What::Blob(id), Vec::new());
            let Some(race) = self.race(node, id) else { return };
            if let Some(transfer) = transfer {
                race.running.push(Attempt { conn, transfer, since: now });
                let generation = self.nodes[node.0].generation;
                for after in [LATE_AFTER, GIVEN_UP_AFTER] {
                    self.at(after, Happening::RaceLook(node, generation, id));
                }
                return;
            }
            race.failed.push((conn, BlobError::Unavailable));
        }
        if self.race(node, id).is_some_and(|race| race.running.is_empty()) {
            self.end_race(node, id, None);
        }
    }

    /// An attempt is a second old, or eleven.
    pub(crate) fn race_look(&mut self, node: NodeId, id: RaceId) {
        let now = self.now;
        let Some(race) = self.race(node, id) else { return };
        let is_over = |attempt: &mut Attempt| now >= attempt.since + GIVEN_UP_AFTER;
        let mut given_up: Vec<Attempt> = race.running.extract_if(.., is_over).collect();
        let all_are_late = race.running.iter().all(|attempt| now >= attempt.since + LATE_AFTER);
        let is_due = all_are_late && !race.waiting.is_empty();
        if is_due && race.running.len() >= AT_ONCE {
            given_up.push(race.running.remove(0));
        }
        race.failed.extend(given_up.iter().map(|attempt| (attempt.conn, BlobError::Late)));
        for attempt in given_up {
            self.drop_attempt(attempt);
        }
        let nobody_runs = self.race(node, id).is_some_and(|race| race.running.is_empty());
        if is_due || nobody_runs {
            self.ask_next(node, id);
        }
    }

    pub(crate) fn widen_race(&mut self, node: NodeId, id: RaceId, from: Vec<ConnId>) {
        let now = self.now;
        let Some(race) = self.race(node, id) else { return };
        let was_asked = |conn: &ConnId| {
            let failed = race.failed.iter().map(|(conn, _)| conn);
            failed.chain(race.running.iter().map(|attempt| &attempt.conn)).any(|asked| asked == conn)
        };
        race.waiting = from.into_iter().filter(|conn| !was_asked(conn)).collect();
        if race.running.iter().all(|attempt| now > attempt.since + LATE_AFTER) {
            self.race_look(node, id);
        }
    }

    pub(crate) fn cancel_race(&mut self, node: NodeId, id: RaceId) {
        self.end_race(node, id, None);
    }

    /// An attempt was refused, lost, or brought something wrong.
    pub(super) fn attempt_failed(&mut self, node: NodeId, id: RaceId, conn: ConnId, error: BlobError) {
        let Some(race) = self.race(node, id) else { return };
        race.running.retain(|attempt| attempt.conn != conn);
        race.failed.push((conn, error));
        self.ask_next(node, id);
    }

    /// Tells its peer to stop.
    fn drop_attempt(&mut self, attempt: Attempt) {
        self.end_fetch(attempt.transfer, Duration::ZERO, FetchEnd::Cancelled);
        let after = self.flight();
        self.at(after, Happening::Packet(Packet::Reset(attempt.transfer)));
    }

    fn end_race(&mut self, node: NodeId, id: RaceId, first: Option<(ConnId, NodeId)>) {
        let now = self.now;
        let Some(mut race) = self.nodes[node.0].run().races.remove(&id) else { return };
        if let Some((winner, _)) = first {
            race.running.retain(|attempt| attempt.conn != winner);
            let late = race.running.iter().filter(|attempt| now >= attempt.since + LATE_AFTER);
            race.failed.extend(late.map(|attempt| (attempt.conn, BlobError::Late)));
        }
        for attempt in std::mem::take(&mut race.running) {
            self.drop_attempt(attempt);
        }
        let failed = race.failed;
        let input = match race.blob {
            Blob::Manifest { op, manifest } => {
                let first = first.map(|(conn, from)| {
                    let found = Arc::clone(&self.nodes[from.0].disk.manifests[&manifest]);
                    self.nodes[node.0].disk.manifests.insert(manifest, Arc::clone(&found));
                    (conn, found)
                });
                Input::ManifestFetched { race: id, op, raced: Raced { first, failed } }
            }
            Blob::Catalog(head) => {
                let found = |from| Box::new(self.catalog_of(from, &head).expect("it has it"));
                let first = first.map(|(conn, from)| (conn, found(from)));
                Input::CatalogFetched { race: id, raced: Raced { first, failed } }
            }
            Blob::Cover(cover) => {
                if first.is_some() {
                    self.nodes[node.0].stored.covers.insert(cover);
                }
                let first = first.map(|(conn, _)| (conn, ()));
                Input::CoverFetched { race: id, cover, raced: Raced { first, failed } }
            }
        };
        self.soon(node, input);
    }

    /// Whether a peer can bring what a race is about, and what it says if it lies. `None`: it has nothing.
    pub(super) fn blob_of(&self, from: NodeId, blob: &Blob) -> Option<Result<(), BlobError>> {
        let node = &self.nodes[from.0];
        match blob {
            Blob::Manifest { manifest, .. } => node.disk.manifests.contains_key(manifest).then_some(Ok(())),
            Blob::Catalog(head) if node.stored.lies_about(head) => {
                Some(Err(BlobError::Wrong("a wrong signature".to_owned())))
            }
            Blob::Catalog(head) => self.catalog_of(from, head).map(|_| Ok(())),
            Blob::Cover(cover) => node.stored.covers.contains(cover).then_some(Ok(())),
        }
    }

    pub(super) fn blob_arrived(&mut self, id: u64) {
        let Some(transfer) = self.transfers.get_mut(&id).filter(|transfer| transfer.fetch_is_open) else {
            return;
        };
        let ends = self.links[transfer.link].ends;
        let (at, from) = (ends[transfer.asker], ends[1 - transfer.asker]);
        let What::Blob(race) = transfer.what else { return };
        transfer.fetch_is_open = false;
        self.forget(id);
        if self.nodes[at.node.0].generation != at.generation || !at.is_open {
            return;
        }
        let Some(blob) = self.race(at.node, race).map(|race| race.blob.clone()) else { return };
        match self.blob_of(from.node, &blob).unwrap_or(Err(BlobError::Unavailable)) {
            Ok(()) => self.end_race(at.node, race, Some((at.conn, from.node))),
            Err(error) => self.attempt_failed(at.node, race, at.conn, error),
        }
    }

    /// The request of an attempt, for the peer that is asked.
    pub(super) fn blob_request(&self, asker: NodeId, race: RaceId) -> Option<Blob> {
        Some(self.nodes[asker.0].running.as_ref()?.races.get(&race)?.blob.clone())
    }
}
