//! Which requests are answered.
//!
//! A transfer is registered before its eligibility is checked, in one step, and ends exactly once. A request is served
//! only if the game is in the catalog, the manifest is the accepted one of the expected version, and either the payload
//! is complete and no operation runs, or the units are verified units of the download in the making.

use std::collections::{BTreeMap, BTreeSet};

use lanspread_protocol::limits::{MAX_REQUESTS_PER_CONNECTION, MAX_UNITS_PER_REQUEST};
use lanspread_protocol::message::{Refusal, Request, WantedUnit};
use lanspread_protocol::{GameId, ManifestId, PeerId};

use crate::effect::{Effect, ServeFrom};
use crate::engine::Engine;
use crate::event::Event;
use crate::ids::{ConnId, ServeId};
use crate::input::ServeEnd;

#[derive(Debug, Default)]
pub(crate) struct Serving {
    transfers: BTreeMap<ServeId, Transfer>,
    counts: BTreeMap<GameId, usize>,
    /// Open requests by connection.
    in_flight: BTreeMap<ConnId, usize>,
    served_units: u64,
}

#[derive(Debug)]
struct Transfer {
    conn: ConnId,
    /// `None` for manifests, covers and catalogs, which no writer touches.
    game: Option<GameId>,
    /// Counted as an outbound transfer of the game.
    counted: bool,
}

impl Serving {
    /// Outbound transfers of a game.
    pub(crate) fn count(&self, game: &GameId) -> usize {
        self.counts.get(game).copied().unwrap_or(0)
    }

    #[cfg(debug_assertions)]
    pub(crate) fn counts(&self) -> &BTreeMap<GameId, usize> {
        &self.counts
    }

    pub(crate) fn served_units(&self) -> u64 {
        self.served_units
    }

    #[cfg(debug_assertions)]
    /// Games' transfers, for the invariants.
    pub(crate) fn counted(&self) -> impl Iterator<Item = &GameId> {
        self.transfers
            .values()
            .filter(|transfer| transfer.counted)
            .filter_map(|transfer| transfer.game.as_ref())
    }
}

impl Engine {
    pub(crate) fn requested(&mut self, serve: ServeId, conn: ConnId, request: Request) {
        if self.serving.transfers.contains_key(&serve) {
            return;
        }
        let in_flight = self.serving.in_flight.entry(conn).or_default();
        *in_flight += 1;
        let is_too_many = *in_flight > MAX_REQUESTS_PER_CONNECTION as usize;
        let game = match &request {
            Request::Units { game, .. } => Some(game.clone()),
            Request::Manifest(_) | Request::Cover(_) | Request::Catalog(_) => None,
        };
        self.serving.transfers.insert(serve, Transfer { conn, game: game.clone(), counted: false });
        if self.roster.peer_of(conn).is_none() || is_too_many {
            return self.push(Effect::Refuse { serve, reason: Refusal::TooMany });
        }
        let Request::Units { game, manifest, units } = request else {
            return self.push(Effect::ServeBlob { serve, request });
        };
        match self.check_request(&game, manifest, units) {
            Ok(from) => {
                self.count_transfer(serve, &game);
                self.push(Effect::Serve { serve, from });
            }
            Err(reason) => self.push(Effect::Refuse { serve, reason }),
        }
    }

    fn check_request(
        &self,
        game: &GameId,
        manifest: ManifestId,
        units: Vec<WantedUnit>,
    ) -> Result<ServeFrom, Refusal> {
        if units.is_empty() || units.len() > MAX_UNITS_PER_REQUEST {
            return Err(Refusal::Malformed);
        }
        if self.authority.expected(game).is_none() {
            return Err(Refusal::UnknownGame);
        }
        if self.authority.accepted(game).is_some_and(|accepted| accepted != manifest) {
            return Err(Refusal::WrongManifest);
        }
        if let Some(op) = self.operations.get(game) {
            let Some(swarm) = self.operations.download(game).and_then(|download| download.serving_swarm())
            else {
                return Err(Refusal::Busy);
            };
            if swarm.manifest().id() != manifest || self.authority.accepted(game) != Some(manifest) {
                return Err(Refusal::WrongManifest);
            }
            if units.iter().any(|wanted| !swarm.here().contains(wanted.unit)) {
                return Err(Refusal::NotHere);
            }
            return Ok(ServeFrom::Store { op: op.id, game: game.clone(), units });
        }
        match self.servable(game).filter(|_| self.is_in_place(game)) {
            Some((_, complete)) if complete == manifest => {
                Ok(ServeFrom::Payload { game: game.clone(), manifest, units })
            }
            Some(_) => Err(Refusal::WrongManifest),
            None => Err(Refusal::NotHere),
        }
    }

    fn count_transfer(&mut self, serve: ServeId, game: &GameId) {
        if let Some(transfer) = self.serving.transfers.get_mut(&serve) {
            transfer.counted = true;
            *self.serving.counts.entry(game.clone()).or_default() += 1;
            self.tell_outbound(game);
        }
    }

    fn tell_outbound(&mut self, game: &GameId) {
        let count = self.serving.count(game);
        self.emit(Event::OutboundTransferCountChanged { game: game.clone(), count });
    }

    pub(crate) fn serve_ended(&mut self, serve: ServeId, end: &ServeEnd) {
        let Some(transfer) = self.serving.transfers.remove(&serve) else { return };
        if let Some(in_flight) = self.serving.in_flight.get_mut(&transfer.conn) {
            *in_flight -= 1;
            if *in_flight == 0 {
                self.serving.in_flight.remove(&transfer.conn);
            }
        }
        let Some(game) = transfer.game else { return };
        if transfer.counted {
            let count = self.serving.count(&game).saturating_sub(1);
            if count == 0 {
                self.serving.counts.remove(&game);
            } else {
                self.serving.counts.insert(game.clone(), count);
            }
            self.tell_outbound(&game);
        }
        match end {
            ServeEnd::Served { units, .. } => self.serving.served_units += units,
            // The files are not what the scan had seen: the scan will say what they are.
            ServeEnd::Changed => self.touch(&game),
            ServeEnd::Failed(error) => {
                tracing::warn!(%game, error, "a transfer to another peer failed");
                self.touch(&game);
            }
            ServeEnd::Refused | ServeEnd::Cancelled => {}
        }
        self.start_writing_if_drained(&game);
    }

    /// Who receives which games.
    pub(crate) fn receivers(&self) -> BTreeMap<&GameId, BTreeSet<PeerId>> {
        let mut receivers = BTreeMap::<_, BTreeSet<_>>::new();
        for transfer in self.serving.transfers.values().filter(|transfer| transfer.counted) {
            if let (Some(game), Some(peer)) = (&transfer.game, self.roster.peer_of(transfer.conn)) {
                receivers.entry(game).or_default().insert(peer);
            }
        }
        receivers
    }

    /// Stops all outbound transfers of a game.
    pub(crate) fn cancel_serving(&mut self, game: &GameId) {
        let is_of_game = |transfer: &Transfer| transfer.counted && transfer.game.as_ref() == Some(game);
        let of_game = self.serving.transfers.iter().filter(|(_, transfer)| is_of_game(transfer));
        let serves: Vec<ServeId> = of_game.map(|(serve, _)| *serve).collect();
        for serve in serves {
            self.push(Effect::CancelServe { serve });
        }
    }
}
