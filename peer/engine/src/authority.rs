//! Which catalog is in force, and which manifest of a game is the accepted one.
//!
//! Order of authority: the newest catalog by the pinned key, else the given file, else none. Nothing is pinned by
//! itself; without a pin the signed catalogs that are met are only offered.
//!
//! A manifest in the catalog pins a game's payload. Without one, the manifest that most complete peers of the expected
//! version hold is chosen once per version, when it is first needed, and stored.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lanspread_protocol::message::{Control, OfferState};
use lanspread_protocol::{
    Catalog, CatalogHead, Game, GameId, ManifestId, OrganiserKey, PeerId, SignedCatalog, Version,
};

use crate::config::{EngineConfig, FolderState};
use crate::effect::Effect;
use crate::engine::Engine;
use crate::event::Event;
use crate::hedge::{Ended, Race};
use crate::ids::{ConnId, RaceId};
use crate::input::{BlobError, Raced};
use crate::notices::NoticeKind;
use crate::roster::{Live, tidy_name};
use crate::view::OfferedCatalogView;

/// Organisers whose catalogs are offered to the person at once.
const MAX_MET: usize = 32;
/// A catalog that could not be had is asked for again after this.
const CATALOG_REST: Duration = Duration::from_secs(2);
/// A peer that sent so many wrong catalogs is asked for none any more. What it named may still come from others.
const WRONG_CATALOGS: u32 = 3;

/// The catalog file that was given.
#[derive(Clone, Debug)]
pub enum GivenCatalog {
    /// Without a signature beside it.
    Plain(Arc<Catalog>),
    Signed(Arc<SignedCatalog>),
}

/// Where the catalog in force comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CatalogSource {
    /// The newest by the pinned key.
    Pinned(OrganiserKey),
    Given {
        signed_by: Option<OrganiserKey>,
    },
    Nothing,
}

#[derive(Debug)]
pub(crate) struct Authority {
    pinned: Option<OrganiserKey>,
    /// The newest by the pinned key.
    signed: Option<Arc<SignedCatalog>>,
    given: Option<GivenCatalog>,
    /// What is in force, by id.
    games: BTreeMap<GameId, Game>,
    serial: u64,
    /// Chosen manifests of games that the catalog does not pin.
    accepted: BTreeMap<GameId, (Version, ManifestId)>,
    /// Organisers whose catalogs were offered to the person, with the number of PCs that was told last.
    met: BTreeMap<OrganiserKey, usize>,
    /// The catalog that is being fetched, and from whom.
    fetching: Option<(Race, CatalogHead)>,
    /// When to ask again for a catalog that could not be had.
    retry: Option<Instant>,
}

impl Authority {
    pub(crate) fn new(config: &EngineConfig) -> Self {
        let pinned = config.pinned;
        let signed = config.signed.clone().filter(|signed| Some(signed.head.key) == pinned).map(Arc::new);
        let mut authority = Self {
            pinned,
            signed,
            given: config.given.clone(),
            games: BTreeMap::new(),
            serial: 0,
            accepted: config.accepted.clone(),
            met: BTreeMap::new(),
            fetching: None,
            retry: None,
        };
        authority.adopt_given();
        authority.put_in_force();
        authority
    }

    /// A given file by the pinned key competes with the stored one.
    fn adopt_given(&mut self) -> bool {
        let Some(GivenCatalog::Signed(given)) = &self.given else { return false };
        let is_newer = self.signed.as_ref().is_none_or(|signed| given.head.is_newer_than(&signed.head));
        if Some(given.head.key) == self.pinned && is_newer {
            self.signed = Some(Arc::clone(given));
            return true;
        }
        false
    }

    fn in_force(&self) -> Option<&Catalog> {
        match (&self.signed, &self.given) {
            (Some(signed), _) => Some(&signed.catalog),
            (None, Some(GivenCatalog::Signed(given))) => Some(&given.catalog),
            (None, Some(GivenCatalog::Plain(given))) => Some(given),
            (None, None) => None,
        }
    }

    fn put_in_force(&mut self) {
        let catalog = self.in_force();
        let games =
            catalog.map(|catalog| catalog.games.iter().map(|game| (game.id.clone(), game.clone())).collect());
        self.serial = catalog.map_or(0, |catalog| catalog.serial);
        self.games = games.unwrap_or_default();
        let games = &self.games;
        self.accepted.retain(|id, (version, _)| {
            games.get(id).is_none_or(|game| game.version.as_ref() == Some(version))
        });
    }

    pub(crate) fn source(&self) -> CatalogSource {
        match (&self.signed, &self.given) {
            (Some(signed), _) => CatalogSource::Pinned(signed.head.key),
            (None, Some(GivenCatalog::Signed(given))) => {
                CatalogSource::Given { signed_by: Some(given.head.key) }
            }
            (None, Some(GivenCatalog::Plain(_))) => CatalogSource::Given { signed_by: None },
            (None, None) => CatalogSource::Nothing,
        }
    }

    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        self.retry
    }

    /// The name of the party whose catalog is in force.
    pub(crate) fn party(&self) -> Option<String> {
        self.in_force().map(|catalog| catalog.party.clone())
    }

    pub(crate) fn serial(&self) -> u64 {
        self.serial
    }

    /// What others are told: the signed catalog that is held.
    pub(crate) fn head(&self) -> Option<CatalogHead> {
        match (&self.signed, &self.given) {
            (Some(signed), _) => Some(signed.head.clone()),
            (None, Some(GivenCatalog::Signed(given))) => Some(given.head.clone()),
            (None, Some(GivenCatalog::Plain(_)) | None) => None,
        }
    }

    pub(crate) fn games(&self) -> &BTreeMap<GameId, Game> {
        &self.games
    }

    pub(crate) fn game(&self, id: &GameId) -> Option<&Game> {
        self.games.get(id)
    }

    pub(crate) fn expected(&self, id: &GameId) -> Option<&Version> {
        self.games.get(id)?.version.as_ref()
    }

    /// The accepted manifest of the expected version: pinned, or chosen before.
    pub(crate) fn accepted(&self, id: &GameId) -> Option<ManifestId> {
        let game = self.games.get(id)?;
        let chosen = self.accepted.get(id).filter(|(version, _)| Some(version) == game.version.as_ref());
        game.manifest.or(chosen.map(|(_, manifest)| *manifest))
    }

    fn is_newer_than_held(&self, head: &CatalogHead) -> bool {
        self.signed.as_ref().is_none_or(|signed| head.is_newer_than(&signed.head))
    }
}

impl Engine {
    /// The accepted manifest for a download; chosen by vote and stored if the catalog leaves it open. `None`: nobody
    /// has the expected version.
    pub(crate) fn choose_manifest(&mut self, game: &GameId) -> Option<ManifestId> {
        if let Some(manifest) = self.authority.accepted(game) {
            return Some(manifest);
        }
        let expected = self.authority.expected(game)?.clone();
        let manifest = self.voted_manifest(game)?;
        self.accept(game, expected, manifest);
        Some(manifest)
    }

    /// What most peers with a complete payload of the expected version hold; one vote an address.
    pub(crate) fn voted_manifest(&self, game: &GameId) -> Option<ManifestId> {
        let expected = self.authority.expected(game)?;
        let mut votes: BTreeMap<ManifestId, BTreeSet<IpAddr>> = BTreeMap::new();
        for (peer, conn) in self.roster.live_peers() {
            let offer = self.roster.live(peer).and_then(|live| live.offers.get(game));
            if let (Some(OfferState::Complete { version, manifest }), Some(ip)) =
                (offer, self.roster.ip_of(conn))
                && version == expected
            {
                votes.entry(*manifest).or_default().insert(ip);
            }
        }
        // Of equal counts the lowest id wins: `max_by_key` keeps the last of equals, so the order is turned around.
        votes.into_iter().rev().max_by_key(|(_, voters)| voters.len()).map(|(manifest, _)| manifest)
    }

    /// A person asks for a game of which nobody here has the payload that was chosen: without a pin in the catalog, and
    /// only while nothing runs, the choice is made anew. Else one stray vote could keep a game from a PC for ever.
    pub(crate) fn forget_choice(&mut self, game: &GameId) {
        self.authority.accepted.remove(game);
        self.refresh_offer(game);
    }

    /// Stores the accepted manifest of a game that the catalog does not pin.
    pub(crate) fn accept(&mut self, game: &GameId, version: Version, manifest: ManifestId) {
        self.authority.accepted.insert(game.clone(), (version.clone(), manifest));
        self.push(Effect::StoreAccepted { game: game.clone(), version, manifest });
    }

    pub(crate) fn trust(&mut self, key: OrganiserKey) {
        if self.authority.pinned == Some(key) {
            return;
        }
        let old_head = self.authority.head();
        self.authority.pinned = Some(key);
        self.authority.signed = None;
        self.push(Effect::StorePin(key));
        self.authority.adopt_given();
        self.catalog_may_have_changed(old_head.as_ref());
        self.fetch_newest_catalog();
    }

    pub(crate) fn catalog_announced(&mut self, peer: PeerId, conn: ConnId, head: CatalogHead) {
        let Some(live) = self.roster.live_mut(peer) else { return };
        let is_stale = |known: &CatalogHead| known.key == head.key && !head.is_newer_than(known);
        // What another connection brings late is not news.
        if live.conn != conn && live.catalog.as_ref().is_some_and(is_stale) {
            return;
        }
        let mut head = head;
        head.party = tidy_name(&head.party);
        let key = head.key;
        (live.catalog, live.catalog_rests_until) = (Some(head), None);
        if self.authority.pinned == Some(key) {
            self.fetch_newest_catalog();
        } else if let Some(pinned) = self.authority.pinned {
            tracing::warn!(%peer, %key, %pinned, "refused: a catalog by another organiser's key");
        } else {
            self.meet(key);
        }
    }

    /// Tells the person of a signed catalog; again when more PCs hold one.
    fn meet(&mut self, key: OrganiserKey) {
        let head_of = |peer| self.roster.live(peer)?.catalog.as_ref();
        let heads: Vec<&CatalogHead> =
            self.roster.live_peers().filter_map(|(peer, _)| head_of(peer)).collect();
        let of_key = || heads.iter().filter(|head| head.key == key);
        let newest = of_key().max_by_key(|head| (head.serial, head.hash));
        let (Some(party), peers) = (newest.map(|head| head.party.clone()), of_key().count()) else { return };
        let met = &mut self.authority.met;
        if met.len() >= MAX_MET && !met.contains_key(&key) {
            // An organiser of whom nobody is left makes room.
            met.retain(|key, _| heads.iter().any(|head| head.key == *key));
            if met.len() >= MAX_MET {
                return;
            }
        }
        if met.insert(key, peers).is_none_or(|told| told < peers) {
            self.emit(Event::CatalogOffered { party, key, words: key.words(), peers });
        }
    }

    /// Organisers whose catalogs peers hold, those of most peers first; none once one is trusted.
    pub(crate) fn offered_catalogs(&self) -> Vec<OfferedCatalogView> {
        if self.authority.pinned.is_some() {
            return Vec::new();
        }
        let mut newest: BTreeMap<OrganiserKey, (usize, &CatalogHead)> = BTreeMap::new();
        for (peer, _) in self.roster.live_peers() {
            let Some(head) = self.roster.live(peer).and_then(|live| live.catalog.as_ref()) else { continue };
            let (peers, best) = newest.entry(head.key).or_insert((0, head));
            *peers += 1;
            if head.is_newer_than(best) {
                *best = head;
            }
        }
        let offered = newest.into_iter().map(|(key, (peers, head))| OfferedCatalogView {
            party: head.party.clone(),
            key,
            words: key.words(),
            peers,
        });
        let mut offered: Vec<_> = offered.collect();
        offered.sort_by_key(|offered| std::cmp::Reverse(offered.peers));
        offered.truncate(MAX_MET);
        offered
    }

    /// Whether a catalog with this head would come into force.
    fn is_catalog_wanted(&self, head: &CatalogHead) -> bool {
        Some(head.key) == self.authority.pinned && self.authority.is_newer_than_held(head)
    }

    /// Fetches the newest catalog by the pinned key that a peer holds, if it is newer than the one in force. One that
    /// only peers announce that were late or wrong before comes after the others: an announcement alone proves nothing.
    pub(crate) fn fetch_newest_catalog(&mut self) {
        if let Some((mut race, head)) = self.authority.fetching.take() {
            if self.is_catalog_wanted(&head) {
                self.widen_race(&mut race, self.catalog_holders(&head));
                self.authority.fetching = Some((race, head));
                return;
            }
            self.cancel_race(&race);
        }
        let is_trusted = |peer: &PeerId| !self.blamed.contains(*peer);
        let announced = self.announced_catalogs();
        let best = announced.iter().max_by_key(|(peer, head)| (is_trusted(peer), head.serial, head.hash));
        let Some(head) = best.map(|(_, head)| (*head).clone()) else {
            self.authority.retry = self.catalog_retry();
            return;
        };
        self.authority.retry = None;
        let Some(race) = self.new_race(self.catalog_holders(&head)) else { return };
        self.push(Effect::FetchCatalog { race: race.id, from: race.conns(), head: head.clone() });
        self.authority.fetching = Some((race, head));
    }

    /// Catalogs that would come into force, by the peers that may be asked for them at some time.
    fn wanted_catalogs(&self) -> impl Iterator<Item = (PeerId, &Live, &CatalogHead)> {
        let announced = self.roster.live_peers().filter_map(|(peer, _)| {
            let live = self.roster.live(peer)?;
            Some((peer, live, live.catalog.as_ref()?))
        });
        announced
            .filter(|(_, live, head)| self.is_catalog_wanted(head) && live.wrong_catalogs < WRONG_CATALOGS)
    }

    /// Of [`Self::wanted_catalogs`] those of the peers that may be asked now.
    fn announced_catalogs(&self) -> Vec<(PeerId, &CatalogHead)> {
        let rests = |live: &Live| live.catalog_rests_until.is_some_and(|until| until > self.now);
        self.wanted_catalogs()
            .filter(|(_, live, _)| !rests(live))
            .map(|(peer, _, head)| (peer, head))
            .collect()
    }

    /// Returns the peers that may be asked now for this catalog.
    fn catalog_holders(&self, head: &CatalogHead) -> Vec<PeerId> {
        let announced = self.announced_catalogs().into_iter();
        announced.filter(|(_, other)| is_same(other, head)).map(|(peer, _)| peer).collect()
    }

    /// Returns the time when the first peer with a wanted catalog has rested.
    fn catalog_retry(&self) -> Option<Instant> {
        self.wanted_catalogs().filter_map(|(_, live, _)| live.catalog_rests_until).min()
    }

    pub(crate) fn run_catalog_timer(&mut self) {
        if self.authority.retry.is_some_and(|retry| retry <= self.now) {
            self.fetch_newest_catalog();
        }
    }

    pub(crate) fn catalog_fetched(&mut self, race: RaceId, raced: Raced<Box<SignedCatalog>>) {
        let Some((race, head)) = self.authority.fetching.take_if(|(current, _)| current.id == race) else {
            return;
        };
        let Ended { first, failed } = self.conclude(&race, raced);
        for (peer, error) in failed {
            match error {
                BlobError::Wrong(_) => self.catalog_was_wrong(peer, head.serial),
                BlobError::Late | BlobError::Unavailable => self.catalog_rests(peer),
            }
        }
        let is_right =
            |signed: &SignedCatalog| is_same(&signed.head, &head) && Some(head.key) == self.authority.pinned;
        match first {
            Some((_, signed)) if is_right(&signed) => self.take_catalog(Arc::from(signed)),
            Some((peer, _)) => self.catalog_was_wrong(peer, head.serial),
            None => {}
        }
        self.fetch_newest_catalog();
    }

    /// Puts a catalog by the pinned key in force if it is newer than the one that is held.
    fn take_catalog(&mut self, signed: Arc<SignedCatalog>) {
        if !self.authority.is_newer_than_held(&signed.head) {
            return;
        }
        self.tell_twins(&signed.head);
        let old_head = self.authority.head();
        self.authority.signed = Some(Arc::clone(&signed));
        self.push(Effect::StoreCatalog(signed));
        self.catalog_may_have_changed(old_head.as_ref());
    }

    /// Refused; the peer is asked again a few times, since only what it sent is wrong, not what it named.
    fn catalog_was_wrong(&mut self, peer: PeerId, serial: u64) {
        tracing::warn!(%peer, serial, "refused: a catalog that is not what was announced");
        self.warn(NoticeKind::CatalogRefused { serial });
        if let Some(live) = self.roster.live_mut(peer) {
            live.wrong_catalogs += 1;
        }
        self.catalog_rests(peer);
    }

    fn catalog_rests(&mut self, peer: PeerId) {
        let until = self.now + CATALOG_REST;
        if let Some(live) = self.roster.live_mut(peer) {
            live.catalog_rests_until = Some(until);
        }
    }

    pub(crate) fn catalog_given(&mut self, given: GivenCatalog) {
        let old_head = self.authority.head();
        if let GivenCatalog::Signed(signed) = &given {
            self.tell_twins(&signed.head);
        }
        self.authority.given = Some(given);
        if self.authority.adopt_given()
            && let Some(signed) = self.authority.signed.clone()
        {
            self.push(Effect::StoreCatalog(signed));
        }
        self.catalog_may_have_changed(old_head.as_ref());
        self.fetch_newest_catalog();
    }

    /// Another games folder is in use: what was chosen there counts as [`FolderState`] says.
    pub(crate) fn take_in_authority(&mut self, stored: FolderState) {
        let old_head = self.authority.head();
        if let (None, Some(key)) = (self.authority.pinned, stored.pinned) {
            self.authority.pinned = Some(key);
            self.push(Effect::StorePin(key));
            self.authority.adopt_given();
        }
        let is_by_pinned = |signed: &Arc<SignedCatalog>| Some(signed.head.key) == self.authority.pinned;
        if let Some(signed) = stored.signed.filter(is_by_pinned)
            && self.authority.is_newer_than_held(&signed.head)
        {
            self.tell_twins(&signed.head);
            self.authority.signed = Some(Arc::clone(&signed));
            self.push(Effect::StoreCatalog(signed));
        }
        self.authority.accepted.extend(stored.accepted);
        self.catalog_may_have_changed(old_head.as_ref());
        self.fetch_newest_catalog();
    }

    /// Two catalogs by the pinned key with one serial, as two laptops make them: everybody takes the same one of the two,
    /// and what is only in the other is lost unless somebody is told.
    fn tell_twins(&mut self, head: &CatalogHead) {
        let is_twin =
            |held: &CatalogHead| held.key == head.key && held.serial == head.serial && held.hash != head.hash;
        if self.authority.signed.as_ref().is_some_and(|held| is_twin(&held.head)) {
            self.warn(NoticeKind::TwinCatalogs { serial: head.serial });
        }
    }

    /// Puts the catalog in force, says what changed, and lets everything that hangs on it follow.
    fn catalog_may_have_changed(&mut self, old_head: Option<&CatalogHead>) {
        let head = self.authority.head();
        if let Some(head) = head.filter(|head| Some(head) != old_head) {
            self.broadcast(&Control::Catalog(head));
        }
        let (old_games, old_serial) = (self.authority.games.clone(), self.authority.serial);
        self.authority.put_in_force();
        let new_games = &self.authority.games;
        let added: Vec<GameId> =
            new_games.keys().filter(|id| !old_games.contains_key(*id)).cloned().collect();
        let removed: Vec<GameId> =
            old_games.keys().filter(|id| !new_games.contains_key(*id)).cloned().collect();
        let differs = |(id, game): &(&GameId, &Game)| old_games.get(*id).is_some_and(|old| old != *game);
        let changed: Vec<GameId> = new_games.iter().filter(differs).map(|(id, _)| id.clone()).collect();
        let serial = self.authority.serial;
        if serial == old_serial && added.is_empty() && removed.is_empty() && changed.is_empty() {
            return;
        }
        let signed_by = match self.authority.source() {
            CatalogSource::Pinned(key) => Some(key),
            CatalogSource::Given { signed_by } => signed_by,
            CatalogSource::Nothing => None,
        };
        self.look_for_covers();
        let affected: Vec<GameId> = added.iter().chain(&removed).chain(&changed).cloned().collect();
        self.emit(Event::CatalogChanged { serial, signed_by, added, changed, removed });
        self.operations.look_again();
        for game in &affected {
            self.catalog_entry_changed(game);
        }
    }
}

/// Whether two heads name one catalog. The party's name is not compared: a peer may announce any.
fn is_same(one: &CatalogHead, other: &CatalogHead) -> bool {
    (one.key, one.serial, one.hash) == (other.key, other.serial, other.hash)
}
