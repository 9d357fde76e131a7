//! Covers: pictures that the catalog names by hash, fetched from whoever has them.
//!
//! Nobody announces covers, so peers are asked one after the other; one that does not have it is not asked again before
//! everybody was and a pause is over. What comes is proven by its hash, so it does not matter whose it is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use lanspread_protocol::{Blake3Hash, PeerId};

use crate::effect::Effect;
use crate::engine::Engine;
use crate::ids::ConnId;
use crate::input::BlobError;

/// Fetched at once: they are small, and games matter more.
const AT_ONCE: usize = 2;
/// After everybody was asked.
const PAUSE: Duration = Duration::from_secs(15);

#[derive(Debug, Default)]
pub(crate) struct Covers {
    /// With the peers that were asked for it since the last pause.
    missing: BTreeMap<Blake3Hash, BTreeSet<PeerId>>,
    fetching: BTreeMap<Blake3Hash, ConnId>,
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
        if !named.is_empty() {
            self.push(Effect::LookForCovers { covers: named.into_iter().collect() });
        }
    }

    pub(crate) fn covers_missing(&mut self, covers: Vec<Blake3Hash>) {
        let is_named =
            |hash: &Blake3Hash| self.authority.games().values().any(|game| game.cover == Some(*hash));
        let missing = covers.into_iter().filter(is_named).map(|hash| (hash, BTreeSet::new()));
        self.covers.missing = missing.collect();
        self.covers.look = true;
    }

    pub(crate) fn cover_fetched(&mut self, conn: ConnId, cover: Blake3Hash, result: &Result<(), BlobError>) {
        if self.covers.fetching.get(&cover) == Some(&conn) {
            self.covers.fetching.remove(&cover);
        }
        match result {
            Ok(()) => drop(self.covers.missing.remove(&cover)),
            Err(BlobError::Wrong(_)) => self.covers.liars.extend(self.roster.peer_of(conn)),
            Err(BlobError::Unavailable) => {}
        }
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
        let peers: Vec<(PeerId, ConnId)> =
            self.roster.live_peers().filter(|(peer, _)| !self.covers.liars.contains(peer)).collect();
        let mut asks = Vec::new();
        let mut all_were_asked = false;
        let Covers { missing, fetching, .. } = &mut self.covers;
        for (cover, asked) in missing {
            if fetching.len() >= AT_ONCE {
                break;
            }
            if fetching.contains_key(cover) {
                continue;
            }
            let unasked: Vec<_> = peers.iter().filter(|(peer, _)| !asked.contains(peer)).collect();
            let at = usize::try_from(self.random.below(unasked.len() as u64)).unwrap_or(0);
            let Some((peer, conn)) = unasked.get(at) else {
                all_were_asked = true;
                continue;
            };
            asked.insert(*peer);
            fetching.insert(*cover, *conn);
            asks.push((*cover, *conn));
        }
        if all_were_asked && !peers.is_empty() {
            self.covers.again.get_or_insert(self.now + PAUSE);
        }
        for (cover, conn) in asks {
            self.push(Effect::FetchCover { conn, cover });
        }
    }
}
