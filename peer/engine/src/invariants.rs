//! What is true after every input, checked in debug builds.

#![cfg(debug_assertions)]

use std::collections::BTreeMap;

use lanspread_protocol::GameId;

use crate::effect::Effect;
use crate::engine::Engine;
use crate::operations::{Work, Writer};

impl Engine {
    /// Panics if a promise of the engine does not hold.
    pub(crate) fn check_invariants(&self) {
        self.check_outbound_counts();
        self.check_writers();
        self.check_operations();
        self.check_roster();
        self.check_liveness();
    }

    /// The count of each game is the number of its registered transfers: none is lost, none counted twice.
    fn check_outbound_counts(&self) {
        let mut counts: BTreeMap<GameId, usize> = BTreeMap::new();
        for game in self.serving.counted() {
            *counts.entry(game.clone()).or_default() += 1;
        }
        assert_eq!(&counts, self.serving.counts(), "outbound counts differ from the registered transfers");
    }

    /// No writer's effect while somebody reads.
    fn check_writers(&self) {
        for (game, operation) in self.operations.active() {
            let writes = match &operation.work {
                Work::Change(change) => change.writer == Writer::Writing,
                Work::Download(_) | Work::Verify => false,
            };
            assert!(!writes || self.serving.count(game) == 0, "{game} is written while it is served");
        }
        for effect in &self.effects {
            if let Effect::Finish { game, mode: crate::StoreMode::Update, .. } = effect {
                assert_eq!(self.serving.count(game), 0, "{game} is swapped while it is served");
            }
        }
    }

    /// A game is in the table or in the queue, not in both; a game in the table offers no complete payload.
    fn check_operations(&self) {
        for waiting in self.operations.queue() {
            let runs = self.operations.get(&waiting.game);
            let only_reads = runs.is_none_or(|operation| matches!(operation.work, Work::Verify));
            assert!(only_reads, "{} runs and waits", waiting.game);
        }
        for game in self.operations.active().keys() {
            let is_complete = matches!(
                self.library.offered().get(game),
                Some(lanspread_protocol::message::OfferState::Complete { .. })
            );
            assert!(!is_complete, "{game} is offered while an operation runs on it");
        }
        for download in self.operations.active().keys().filter_map(|game| self.operations.download(game)) {
            if let Some(swarm) = download.any_swarm() {
                swarm.check_invariants();
            }
        }
    }

    /// The current connection of a peer is a connection to it.
    fn check_roster(&self) {
        for (peer, conn) in self.roster.live_peers() {
            let leads_to = self.roster.conns.get(&conn).map(|conn| conn.peer);
            assert_eq!(leads_to, Some(peer), "the current connection of {peer} leads elsewhere");
        }
    }
}
