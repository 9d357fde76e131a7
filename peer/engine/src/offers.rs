//! What other peers say they have.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lanspread_protocol::limits::MAX_GAMES;
use lanspread_protocol::message::{CloseCode, Offer, OfferState};
use lanspread_protocol::{GameId, ManifestId, PeerId, UnitIndex};

use crate::engine::Engine;
use crate::event::{Event, PeerGame};
use crate::ids::ConnId;

/// Subscribers hear of a peer's progress this often at most.
const UNITS_TOLD: Duration = Duration::from_secs(1);

impl Engine {
    /// A whole library. A later one has a greater revision; an earlier one that a slower connection brings is dropped.
    pub(crate) fn library_received(&mut self, peer: PeerId, conn: ConnId, revision: u64, offers: Vec<Offer>) {
        let Some(live) = self.roster.live_mut(peer) else { return };
        if live.library_from.is_some() && revision <= live.revision {
            return;
        }
        let new: BTreeMap<GameId, OfferState> =
            offers.into_iter().map(|offer| (offer.game, offer.state)).collect();
        (live.revision, live.library_from) = (revision, Some(conn));
        live.unit_room +=
            std::mem::take(&mut live.unit_reach).into_values().map(|reach| reach / 8).sum::<u32>();
        live.lied.retain(|game| new.contains_key(game));
        let old = std::mem::replace(&mut live.offers, new);
        let games: BTreeSet<GameId> = old.into_keys().chain(live.offers.keys().cloned()).collect();
        self.peer_games_changed(peer, games);
        self.follow_library(peer, conn);
    }

    /// Changes count only on the connection that the library before them came on.
    pub(crate) fn library_delta_received(
        &mut self,
        peer: PeerId,
        conn: ConnId,
        revision: u64,
        changed: Vec<Offer>,
        withdrawn: &[GameId],
    ) {
        let Some(live) = self.roster.live_mut(peer).filter(|live| live.library_from == Some(conn)) else {
            return;
        };
        live.revision = live.revision.max(revision);
        let mut games: BTreeSet<GameId> = withdrawn.iter().cloned().collect();
        for game in withdrawn {
            live.offers.remove(game);
            live.forget_reach(game);
            live.lied.remove(game);
        }
        for Offer { game, state } in changed {
            live.forget_reach(&game);
            games.insert(game.clone());
            live.offers.insert(game, state);
        }
        self.peer_games_changed(peer, games);
    }

    fn peer_games_changed(&mut self, peer: PeerId, games: BTreeSet<GameId>) {
        if let Some(live) = self.roster.live_mut(peer).filter(|live| live.offers.len() > MAX_GAMES) {
            live.offers.clear();
            let conn = live.conn;
            self.close(conn, CloseCode::Flood);
        }
        for game in games {
            self.offer_changed(peer, &game);
            self.widen_manifest_race(&game);
            self.measure_update_if_due(&game);
        }
        self.operations.look_again();
        self.batch().peer_libraries.insert(peer);
    }

    /// A partial offer has more units. Sets grow only within the peer's room, whatever it announces.
    pub(crate) fn units_announced(
        &mut self,
        peer: PeerId,
        conn: ConnId,
        game: &GameId,
        manifest: ManifestId,
        units: &[UnitIndex],
    ) {
        let now = self.now;
        let Some(live) = self.roster.live_mut(peer).filter(|live| live.library_from == Some(conn)) else {
            return;
        };
        let Some(OfferState::Partial { manifest: offered, units: known, .. }) = live.offers.get_mut(game)
        else {
            return;
        };
        let Some(last) = units.iter().map(|unit| unit.0).max().filter(|_| *offered == manifest) else {
            return;
        };
        let reach = live.unit_reach.entry(game.clone()).or_default();
        // In bytes, as they are given back.
        let growth = (last / 8).saturating_sub(*reach / 8);
        if growth > live.unit_room {
            return;
        }
        live.unit_room -= growth;
        *reach = last.max(*reach);
        known.extend(units.iter().copied());
        if now >= live.units_told + UNITS_TOLD {
            live.units_told = now;
            self.batch().peer_libraries.insert(peer);
        }
        self.operations.look_again_if_waiting();
        let Some(swarm) = self.operations.download_mut(game).and_then(|download| download.swarm_mut()) else {
            return;
        };
        if swarm.manifest().id() == manifest {
            swarm.announced(peer, units, now);
        }
    }

    pub(crate) fn tell_peer_library(&mut self, peer: PeerId) {
        let Some(live) = self.roster.live(peer) else { return };
        let games = live.offers.iter().map(|(game, state)| peer_game(game, state)).collect();
        self.emit(Event::PeerLibraryChanged { peer_id: peer, games });
    }
}

pub(crate) fn peer_game(game: &GameId, state: &OfferState) -> PeerGame {
    let id = game.clone();
    match state {
        OfferState::Complete { version, .. } => PeerGame {
            id,
            version: Some(version.clone()),
            complete: true,
            local_only: false,
            chunks: 0,
            chunks_total: 0,
        },
        OfferState::Partial { version, units, .. } => PeerGame {
            id,
            version: Some(version.clone()),
            complete: false,
            local_only: false,
            chunks: units.len(),
            chunks_total: 0,
        },
        OfferState::LocalOnly => {
            PeerGame { id, version: None, complete: false, local_only: true, chunks: 0, chunks_total: 0 }
        }
    }
}
