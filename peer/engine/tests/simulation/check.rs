//! What must hold after every step, across the world.

use std::collections::BTreeSet;

use lanspread_engine::{ConnId, Effect, Event, OpId, ServeFrom, StoreMode};
use lanspread_protocol::limits::MAX_UNITS_PER_REQUEST;
use lanspread_protocol::message::{Control, Offer, OfferState};
use lanspread_protocol::{GameId, ManifestId};

use crate::node::NodeId;
use crate::world::World;

impl World {
    /// The effect is one that may be carried out now.
    pub(crate) fn check_effect(&mut self, id: NodeId, effect: &Effect) {
        if !self.checks {
            return;
        }
        match effect {
            Effect::Serve { serve, .. } | Effect::ServeBlob { serve, .. } | Effect::Refuse { serve, .. } => {
                let is_first = self.nodes[id.0].run().answered.insert(*serve);
                self.require(id, is_first, "a request is answered once");
                if let Effect::Serve { from, .. } = effect {
                    self.check_served(id, from);
                }
            }
            Effect::FetchManifest { from, .. }
            | Effect::FetchCatalog { from, .. }
            | Effect::FetchCover { from, .. } => {
                let different: BTreeSet<ConnId> = from.iter().copied().collect();
                let is_race = !from.is_empty() && different.len() == from.len();
                self.require(id, is_race, "a race has candidates, each once");
            }
            Effect::OpenStore { game, manifest, .. } => {
                let pinned = self.game(id, game).and_then(|view| view.entry).and_then(|entry| entry.manifest);
                let is_accepted = pinned.is_none_or(|pinned| pinned == manifest.id());
                self.require(id, is_accepted, "a store is opened for the accepted manifest only");
            }
            Effect::FetchUnits { fetch, op, game, units, .. } => {
                let node = &mut self.nodes[id.0];
                let is_new = !node.run().fetches.contains_key(fetch);
                let store = node.disk.games.get(game).and_then(|folder| folder.store.as_ref());
                let is_open = store.is_some_and(|store| store.op == *op);
                let is_needed =
                    store.is_some_and(|store| units.iter().all(|wanted| !store.has_unit(wanted.unit)));
                let fits = !units.is_empty() && units.len() <= MAX_UNITS_PER_REQUEST;
                self.require(id, is_new, "a fetch's number is new");
                self.require(id, is_open && fits, "units are fetched into the open store");
                self.require(id, is_needed, "no unit is fetched that is here");
            }
            Effect::Finish { op, game, mode, .. } => {
                let is_writer = *mode == StoreMode::Update;
                self.check_writer(id, *op, game, is_writer);
            }
            Effect::CloseStore { op, game, discard } => {
                self.check_writer(id, *op, game, *discard);
                self.nodes[id.0].run().writing.remove(game);
            }
            Effect::Remove { op, game, .. }
            | Effect::Publish { op, game }
            | Effect::Install { op, game, .. }
            | Effect::Uninstall { op, game, .. } => {
                self.check_writer(id, *op, game, true);
            }
            Effect::Send { message: Control::Library { offers, .. }, .. } => self.check_offers(id, offers),
            Effect::Send { message: Control::LibraryDelta { changed, .. }, .. } => {
                self.check_offers(id, changed);
            }
            Effect::Emit(event) => self.check_event(id, event),
            _ => {}
        }
    }

    fn require(&self, id: NodeId, holds: bool, what: &str) {
        assert!(holds, "seed {}: broken at {id:?}: {what}\n{}", self.seed, self.story());
    }

    /// Only what is there is served.
    fn check_served(&self, id: NodeId, from: &ServeFrom) {
        let folder = |game| self.nodes[id.0].disk.games.get(game);
        let is_there = match from {
            ServeFrom::Payload { game, manifest, .. } => {
                folder(game).is_some_and(|folder| folder.is_complete(*manifest))
            }
            ServeFrom::Store { op, game, units } => folder(game).is_some_and(|folder| {
                let in_store = folder.store.as_ref().is_some_and(|store| {
                    store.op == *op && units.iter().all(|wanted| store.has_all_of(wanted))
                });
                in_store || folder.complete.is_some()
            }),
        };
        let changed_by_hand = self.nodes[id.0].changed_by_hand;
        self.require(id, is_there || changed_by_hand, "only what is there is served");
    }

    /// A writer begins when nobody reads, and one at a time.
    fn check_writer(&mut self, id: NodeId, op: OpId, game: &GameId, needs_quiet: bool) {
        let running = self.nodes[id.0].run();
        let readers = running.outbound.get(game).copied().unwrap_or(0);
        let other = running.writing.insert(game.clone(), op).filter(|other| *other != op);
        self.require(id, !needs_quiet || readers == 0, "a writer waits for its readers");
        self.require(id, other.is_none(), "one writer at a time");
    }

    /// Units are received for the accepted manifest only.
    pub(crate) fn check_arrival(&self, id: NodeId, game: &GameId, op: OpId, manifest: ManifestId) {
        if !self.checks {
            return;
        }
        let store = self.nodes[id.0].disk.games.get(game).and_then(|folder| folder.store.as_ref());
        let Some(store) = store.filter(|store| store.op == op) else { return };
        self.require(id, store.manifest.id() == manifest, "units come for the manifest of the store");
    }

    /// Nothing is called complete that is not.
    fn check_offers(&self, id: NodeId, offers: &[Offer]) {
        for offer in offers {
            if let OfferState::Complete { manifest, .. } = &offer.state {
                let folder = self.nodes[id.0].disk.games.get(&offer.game);
                let is_there = folder.is_some_and(|folder| {
                    folder
                        .complete
                        .as_ref()
                        .is_some_and(|complete| complete.manifest.id() == *manifest || complete.is_rotten)
                });
                let excused = self.nodes[id.0].changed_by_hand;
                self.require(id, is_there || excused, "a complete offer is complete on disk");
            }
        }
    }

    /// A stop is told as one thing: all peers gone, or a failure.
    fn check_event(&mut self, id: NodeId, event: &Event) {
        let now = self.now;
        let told = &mut self.nodes[id.0].told_gone;
        match event {
            Event::DownloadAllPeersGone { game } => {
                told.insert(game.clone(), now);
            }
            Event::DownloadStarted { game, .. } => {
                told.remove(game);
            }
            Event::OperationFailed { game, operation, .. } => {
                let is_download = matches!(
                    operation,
                    lanspread_engine::OperationKind::Download | lanspread_engine::OperationKind::Update
                );
                let is_double = is_download && told.contains_key(game);
                self.require(id, !is_double, "all peers gone and failed are told for one stop");
            }
            _ => {}
        }
    }

    /// What one input leads to is bounded by what there is.
    pub(crate) fn check_step(&self, id: NodeId, effects: usize) {
        let peers = self.nodes.len();
        let bound = 300 + 40 * peers;
        self.require(id, effects <= bound, "one input leads to few effects");
    }
}
