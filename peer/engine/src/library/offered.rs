//! What of this PC's library is offered to others, and how they are told.
//!
//! An offer follows from the library, the catalog and the operation table. What others were told is remembered, so that
//! only changes travel; a large library goes in several messages, none of which is too long.

use lanspread_protocol::limits::MAX_FRAME_BYTES;
use lanspread_protocol::message::{Control, Offer, OfferState};
use lanspread_protocol::{GameId, ManifestId, UnitSet, Version};

use crate::engine::Engine;

impl Engine {
    /// The manifest of a complete payload that may be served: the accepted one of the expected version.
    pub(crate) fn servable(&self, game: &GameId) -> Option<(Version, ManifestId)> {
        if self.library.unsure.contains(game) {
            return None;
        }
        let local = self.library.games.get(game)?;
        let version = local.scan.version.as_ref()?;
        let manifest = local.manifest()?;
        let is_expected = self.authority.expected(game) == Some(version);
        // Where the catalog leaves it open and nothing was chosen, what is here is this peer's vote.
        let is_accepted = self.authority.accepted(game).is_none_or(|accepted| accepted == manifest);
        (is_expected && is_accepted).then(|| (version.clone(), manifest))
    }

    fn offer_of(&self, game: &GameId) -> Option<OfferState> {
        if let Some(partial) = self.partial_offer(game) {
            return Some(partial);
        }
        if self.operations.hides(game) {
            return None;
        }
        if let Some((version, manifest)) = self.servable(game) {
            return Some(OfferState::Complete { version, manifest });
        }
        // What the catalog does not know means nothing to others.
        self.authority.game(game)?;
        let local = self.library.games.get(game).filter(|_| !self.library.unsure.contains(game))?;
        (local.scan.has_local && local.scan.version.is_none()).then_some(OfferState::LocalOnly)
    }

    /// Something that a game's offer hangs on changed.
    pub(crate) fn refresh_offer(&mut self, game: &GameId) {
        self.library.stale_offers.insert(game.clone());
    }

    /// Tells all peers what changed.
    pub(crate) fn send_offer_changes(&mut self) {
        // While another games folder is taken in, what is equal there must not come and go for others.
        let is_taking_in = self.library.must_tell && !self.library.is_settled();
        let stale = std::mem::take(&mut self.library.stale_offers);
        let (stale, later) = stale.into_iter().partition(|game| !is_taking_in || self.operations.hides(game));
        self.library.stale_offers = later;
        let (mut changed, mut withdrawn) = (Vec::new(), Vec::new());
        for game in stale {
            let offer = self.offer_of(&game);
            let known = offer.as_ref().map(without_units);
            if known.as_ref() == self.library.offered.get(&game) {
                continue;
            }
            match (offer, known) {
                (Some(state), Some(known)) => {
                    self.library.offered.insert(game.clone(), known);
                    changed.push(Offer { game, state });
                }
                _ => {
                    self.library.offered.remove(&game);
                    withdrawn.push(game);
                }
            }
        }
        if !changed.is_empty() || !withdrawn.is_empty() {
            let revision = self.advance_offers_revision();
            for changed in in_messages(changed) {
                let withdrawn = std::mem::take(&mut withdrawn);
                self.broadcast(&Control::LibraryDelta { revision, changed, withdrawn });
            }
        }
    }

    pub(crate) fn advance_offers_revision(&mut self) -> u64 {
        self.library.offers_revision += 1;
        self.library.offers_revision
    }

    /// The whole library, for a newcomer: what does not fit into its message comes as changes.
    pub(crate) fn library_messages(&self) -> impl Iterator<Item = Control> + use<> {
        let offers = self.library.offered.keys();
        let offers =
            offers.filter_map(|game| Some(Offer { game: game.clone(), state: self.offer_of(game)? }));
        let revision = self.library.offers_revision;
        in_messages(offers.collect()).into_iter().enumerate().map(move |(nth, offers)| match nth {
            0 => Control::Library { revision, offers },
            _ => Control::LibraryDelta { revision, changed: offers, withdrawn: Vec::new() },
        })
    }
}

/// Splits offers so that each part fits into a message with room to spare. There is at least one part.
fn in_messages(offers: Vec<Offer>) -> Vec<Vec<Offer>> {
    let (mut parts, mut bytes) = (vec![Vec::new()], 0);
    for offer in offers {
        let own = encoded_bytes_at_most(&offer);
        bytes += own;
        if bytes > MAX_FRAME_BYTES / 2 {
            bytes = own;
            parts.push(Vec::new());
        }
        if let Some(part) = parts.last_mut() {
            part.push(offer);
        }
    }
    parts
}

/// An offer's size in a message, and never less: id, version, manifest, and up to ten bytes for 64 units.
fn encoded_bytes_at_most(offer: &Offer) -> usize {
    let fixed = 256;
    match &offer.state {
        OfferState::Partial { units, .. } => fixed + 10 * units.words(),
        OfferState::Complete { .. } | OfferState::LocalOnly => fixed,
    }
}

fn without_units(offer: &OfferState) -> OfferState {
    match offer {
        OfferState::Partial { version, manifest, weight, .. } => OfferState::Partial {
            version: version.clone(),
            manifest: *manifest,
            units: UnitSet::new(),
            weight: *weight,
        },
        OfferState::Complete { .. } | OfferState::LocalOnly => offer.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_is_split_into_messages_that_fit() {
        let offer = |nth: usize, units: u32| Offer {
            game: format!("game-{nth}").parse().unwrap(),
            state: OfferState::Partial {
                version: "v".repeat(64).parse().unwrap(),
                manifest: ManifestId([0xff; 32]),
                units: UnitSet::full(units as usize),
                weight: 9,
            },
        };
        let offers: Vec<Offer> = (0..100).map(|nth| offer(nth, 1_000_000)).collect();
        let parts = in_messages(offers.clone());
        assert!(parts.len() > 1 && parts.concat() == offers);
        for changed in parts {
            let message = Control::LibraryDelta { revision: u64::MAX, changed, withdrawn: Vec::new() };
            assert!(lanspread_protocol::frame::encode(&message).is_ok());
        }
        assert_eq!(in_messages(Vec::new()).len(), 1, "an empty library is told, too");
    }
}
