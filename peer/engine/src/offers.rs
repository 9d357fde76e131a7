//! What other peers say they have.

use std::collections::BTreeMap;

use lanspread_protocol::limits::MAX_GAMES;
use lanspread_protocol::message::{CloseCode, Offer, OfferState};
use lanspread_protocol::{GameId, PeerId};

use crate::engine::Engine;
use crate::event::{Event, PeerGame};

impl Engine {
    pub(crate) fn library_received(&mut self, peer: PeerId, revision: u64, offers: Vec<Offer>) {
        let Some(live) = self.roster.live_mut(peer).filter(|live| live.revision <= revision) else { return };
        let new: BTreeMap<GameId, OfferState> =
            offers.into_iter().map(|offer| (offer.game, offer.state)).collect();
        live.revision = revision;
        let old = std::mem::replace(&mut live.offers, new);
        let mut games: Vec<GameId> = old.into_keys().collect();
        games.extend(live.offers.keys().cloned());
        self.peer_games_changed(peer, &games);
    }

    pub(crate) fn library_delta_received(
        &mut self,
        peer: PeerId,
        revision: u64,
        changed: Vec<Offer>,
        withdrawn: &[GameId],
    ) {
        // An older one was overtaken on another connection; after a gap the whole library is on its way.
        let Some(live) = self.roster.live_mut(peer).filter(|live| live.revision + 1 == revision) else {
            return;
        };
        live.revision = revision;
        let mut games = withdrawn.to_vec();
        for game in withdrawn {
            live.offers.remove(game);
        }
        for Offer { game, state } in changed {
            games.push(game.clone());
            live.offers.insert(game, state);
        }
        self.peer_games_changed(peer, &games);
    }

    fn peer_games_changed(&mut self, peer: PeerId, games: &[GameId]) {
        if let Some(live) = self.roster.live(peer).filter(|live| live.offers.len() > MAX_GAMES) {
            let conn = live.conn;
            return self.close(conn, CloseCode::Flood);
        }
        for game in games {
            self.offer_changed(peer, game);
        }
        self.tell_peer_library(peer);
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
