//! Covers: pictures that the catalog names by hash, fetched from whoever has them.
//!
//! Nobody announces covers, so all peers are candidates of the race for one (see `hedge`); they are not asked again before
//! a pause is over. What comes is proven by its hash, so it does not matter whose it is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use lanspread_protocol::{Blake3Hash, PeerId};

use crate::effect::Effect;
use crate::engine::Engine;
use crate::hedge::{Ended, Race};
use crate::ids::RaceId;
use crate::input::{BlobError, Raced};

/// Fetched at once: they are small, and games matter more.
const AT_ONCE: usize = 2;
/// After everybody was asked.
const PAUSE: Duration = Duration::from_secs(15);

#[derive(Debug, Default)]
pub(crate) struct Covers {
    /// With the peers that were asked for it since the last pause.
    missing: BTreeMap<Blake3Hash, BTreeSet<PeerId>>,
    fetching: BTreeMap<Blake3Hash, Race>,
    /// Sent something else than was asked for.
    liars: BTreeSet<PeerId>,
    /// Something changed that may let one be fetched.
    look: bool,
    /// When everybody may be asked again.
    again: Option<Instant>,
}

impl Covers {
    pub(crate) fn look_again(&mut self) {
        self.look = true;
    }

    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        self.again
    }
}

impl Engine {
    /// Another catalog or another folder: the shell says which covers are not there.
    pub(crate) fn look_for_covers(&mut self) {
        let named = self.authority.games().values().filter_map(|game| game.cover);
        let named: BTreeSet<Blake3Hash> = named.collect();
        self.covers.missing.clear();
        self.cancel_covers(|cover| !named.contains(cover));
        if !named.is_empty() {
            self.push(Effect::LookForCovers { covers: named.into_iter().collect() });
        }
    }

    /// Cancels the fetches of covers that are not wanted any more.
    pub(crate) fn cancel_covers(&mut self, is_unwanted: impl Fn(&Blake3Hash) -> bool) {
        let unwanted: Vec<Race> = self
            .covers
            .fetching
            .extract_if(.., |cover, _| is_unwanted(cover))
            .map(|(_, race)| race)
            .collect();
        for race in &unwanted {
            self.cancel_race(race);
        }
    }

    pub(crate) fn covers_missing(&mut self, covers: Vec<Blake3Hash>) {
        let is_named =
            |hash: &Blake3Hash| self.authority.games().values().any(|game| game.cover == Some(*hash));
        let missing = covers.into_iter().filter(is_named).map(|hash| (hash, BTreeSet::new()));
        self.covers.missing = missing.collect();
        self.covers.look = true;
    }

    pub(crate) fn cover_fetched(&mut self, race: RaceId, cover: Blake3Hash, raced: Raced<()>) {
        if self.covers.fetching.get(&cover).is_none_or(|current| current.id != race) {
            return;
        }
        let Some(race) = self.covers.fetching.remove(&cover) else { return };
        let Ended { first, failed } = self.conclude(&race, raced);
        if first.is_some() {
            self.covers.missing.remove(&cover);
        } else if let Some(asked) = self.covers.missing.get_mut(&cover) {
            asked.extend(failed.iter().map(|(peer, _)| *peer));
        }
        let is_lie = |error: &BlobError| matches!(error, BlobError::Wrong(_));
        self.covers.liars.extend(failed.iter().filter(|(_, error)| is_lie(error)).map(|(peer, _)| *peer));
        self.covers.look = true;
    }

    /// Asks for what is missing, as far as there is somebody to ask.
    pub(crate) fn fetch_covers(&mut self) {
        if self.covers.again.is_some_and(|again| again <= self.now) {
            self.covers.again = None;
            self.covers.missing.values_mut().for_each(BTreeSet::clear);
            self.covers.look = true;
        }
        if !std::mem::take(&mut self.covers.look) {
            return;
        }
        let live = self.roster.live_peers().map(|(peer, _)| peer);
        let peers: Vec<PeerId> = live.filter(|peer| !self.covers.liars.contains(peer)).collect();
        let mut fetching = std::mem::take(&mut self.covers.fetching);
        for race in fetching.values_mut() {
            self.widen_race(race, peers.iter().copied());
        }
        self.covers.fetching = fetching;
        let mut all_were_asked = false;
        let mut next = Vec::new();
        for (cover, asked) in &self.covers.missing {
            if self.covers.fetching.len() + next.len() >= AT_ONCE {
                break;
            }
            if self.covers.fetching.contains_key(cover) {
                continue;
            }
            let unasked: Vec<PeerId> = peers.iter().filter(|peer| !asked.contains(peer)).copied().collect();
            if unasked.is_empty() {
                all_were_asked = true;
            } else {
                next.push((*cover, unasked));
            }
        }
        if all_were_asked && !peers.is_empty() {
            self.covers.again.get_or_insert(self.now + PAUSE);
        }
        for (cover, unasked) in next {
            let Some(race) = self.new_race(unasked) else { continue };
            self.push(Effect::FetchCover { race: race.id, from: race.conns(), cover });
            self.covers.fetching.insert(cover, race);
        }
    }
}
