//! Nobody stands still while somebody could send.
//!
//! The engine checks after each input that a request or a timer stands for each download. This looks from outside, at what
//! comes: a download that brings nothing for [`LIMIT`] of virtual time, although a peer that it is connected to has the
//! payload and could send, fails the test.

use std::collections::BTreeMap;
use std::time::Duration;

use lanspread_engine::{OperationKind, Phase};
use lanspread_protocol::GameId;

use crate::node::NodeId;
use crate::world::World;

/// The time between two checks.
const INTERVAL: Duration = Duration::from_secs(5);
/// Longer than the longest patience with a source that was slow before, and the longest rest of one that failed.
const LIMIT: Duration = Duration::from_secs(100);

/// The progress of running and waiting downloads.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    due: Duration,
    downloads: BTreeMap<(NodeId, GameId), Progress>,
}

/// The bytes that were here, and the time since when no more came although a source could send.
#[derive(Debug)]
struct Progress {
    bytes: u64,
    since: Duration,
}

impl World {
    pub(crate) fn watch_downloads(&mut self) {
        if !self.checks || self.now < self.watched.due {
            return;
        }
        self.watched.due = self.now + INTERVAL;
        let mut before = std::mem::take(&mut self.watched.downloads);
        let mut seen = BTreeMap::new();
        for id in self.all().filter(|id| self.is_running(*id)) {
            let Some(engine) = self.engine(id) else { continue };
            let games = engine.view().games;
            let runs = |phase| !matches!(phase, Phase::Waiting | Phase::Paused);
            let is_busy = games.iter().filter_map(|game| game.operation.as_ref()).any(|it| runs(it.phase));
            for game in games {
                let Some(operation) = game.operation else { continue };
                let is_download =
                    matches!(operation.operation, OperationKind::Download | OperationKind::Update);
                let is_due =
                    matches!(operation.phase, Phase::Downloading | Phase::Waiting) && !game.update_ready;
                let waits_for_turn = is_busy && operation.phase == Phase::Waiting;
                if !is_download || !is_due || waits_for_turn || !self.somebody_could_send(id, &game.id) {
                    continue;
                }
                let bytes = self.bytes_received(id, &game.id);
                let key = (id, game.id);
                let progress = match before.remove(&key) {
                    Some(progress) if progress.bytes == bytes => progress,
                    _ => Progress { bytes, since: self.now },
                };
                assert!(
                    self.now - progress.since < LIMIT,
                    "seed {}: {:?} has stood still at {:?} since {:?} although somebody could send\n{}",
                    self.seed,
                    key,
                    operation.phase,
                    progress.since,
                    self.story()
                );
                seen.insert(key, progress);
            }
        }
        self.watched.downloads = seen;
    }

    fn bytes_received(&self, id: NodeId, game: &GameId) -> u64 {
        let received = &self.nodes[id.0].received;
        received.iter().filter(|((of, _), _)| of == game).map(|(_, bytes)| bytes).sum()
    }

    /// A peer that is connected, honest, awake and reachable has the whole payload, and offers it.
    fn somebody_could_send(&self, id: NodeId, game: &GameId) -> bool {
        let pinned = self.game(id, game).and_then(|view| view.entry?.manifest);
        let chosen = self.nodes[id.0].stored.accepted.get(game).map(|(_, manifest)| *manifest);
        let Some(accepted) = pinned.or(chosen) else { return false };
        self.all().filter(|other| *other != id && self.is_running(*other)).any(|other| {
            let node = &self.nodes[other.0];
            let folder = node.disk.games.get(game);
            let is_complete = folder
                .and_then(|folder| folder.complete.as_ref())
                .is_some_and(|complete| complete.manifest.id() == accepted && !complete.is_rotten);
            let is_cut = self
                .partitions
                .get(&(id.min(other), id.max(other)))
                .is_some_and(|until| *until + Duration::from_secs(20) > self.now);
            let is_slack = node.lies.contains(game)
                || node.is_empty_handed
                || node.is_mute
                || node.changed_by_hand
                || node.stalled_until + Duration::from_secs(20) > self.now;
            let is_offered = self.game(other, game).is_some_and(|view| {
                view.operation.is_none() && view.local.is_some_and(|local| local.checked)
            });
            is_complete && is_offered && !is_cut && !is_slack && self.sees(id, other) && self.sees(other, id)
        })
    }
}
