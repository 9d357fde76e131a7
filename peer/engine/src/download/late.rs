//! Late units: what one source owes and another one is asked for as well.
//!
//! A source that finds nothing missing in the window takes over what others owe: the first unit that its owner would
//! bring much later than this source would. So a slow or silent source holds up neither the window nor the end. The
//! first answer counts, the other request is cancelled ([`super::requests`]).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use lanspread_protocol::{PeerId, UnitIndex};

use super::pick::{WINDOW_BYTES, time_for};
use super::requests::{Fetch, GRACE};
use super::swarm::{Swarm, UnitState};

/// The time in which an untried source is expected to bring a unit.
const UNTRIED: Duration = Duration::from_millis(100);
/// A unit is asked of fewer sources than this at a time.
const MAX_COPIES: u8 = 4;

impl Swarm {
    /// The first unit that other sources owe and would bring much later than this one.
    pub(super) fn pick_late(&mut self, peer: PeerId, now: Instant) -> Option<UnitIndex> {
        // At an own limit a second request for a unit only takes from the first.
        if self.is_limited() {
            return None;
        }
        let source = self.sources.get(peer)?;
        let is_proven = source.record.has_delivered;
        let own = self.expected(peer, now).unwrap_or(UNTRIED);
        let mut look_at = self.look_at;
        // Units that are late at all who owe them, and those that are not.
        let mut units: BTreeMap<UnitIndex, bool> = BTreeMap::new();
        for fetch in self.fetches.values().filter(|fetch| !fetch.cancelled) {
            let mut ahead = 0;
            for owed in &fetch.owed {
                ahead += owed.bytes;
                let state = self.units.get(owed.unit.as_usize());
                let is_open = matches!(state, Some(UnitState::Requested(1..MAX_COPIES)));
                if !is_open || !source.offered.has.contains(owed.unit) {
                    continue;
                }
                let is_late = match self.lateness(fetch, ahead, own, now) {
                    // Its own requests, and what is slow where this one may be slower.
                    _ if fetch.source == peer => false,
                    Lateness::Silent => true,
                    Lateness::Slow => is_proven,
                    Lateness::InTime => false,
                    Lateness::SilentAt(at) => {
                        look_at = Some(look_at.map_or(at, |known| known.min(at)));
                        false
                    }
                };
                *units.entry(owed.unit).or_insert(true) &= is_late;
            }
        }
        self.look_at = look_at;
        units.into_iter().find(|(_, is_late)| *is_late).map(|(unit, _)| unit)
    }

    /// Whether a source that would take `own` for a unit is to ask for one that another source owes as the last of
    /// `ahead` bytes of a request.
    fn lateness(&self, fetch: &Fetch, ahead: u64, own: Duration, now: Instant) -> Lateness {
        let Some(owner) = self.sources.get(fetch.source) else { return Lateness::Silent };
        if owner.is_silent(self.natural_silence(), now) {
            return Lateness::Silent;
        }
        let Some(pace) = owner.record.pace.rate(now) else {
            let at = fetch.asked + (own * 4).max(self.natural_silence()) + GRACE;
            return if at <= now { Lateness::Silent } else { Lateness::SilentAt(at) };
        };
        let left = time_for(ahead.saturating_sub(fetch.partial()), pace);
        // On a link that is full a second request for a unit takes from the first.
        let is_slow = left > own * 2 + GRACE + self.natural_silence();
        if is_slow && !self.wastes_too_much() { Lateness::Slow } else { Lateness::InTime }
    }

    /// Less than half of the window is missing, and its first unit is owed: a late one would soon hold all up.
    pub(super) fn is_window_half_spent(&self) -> bool {
        let is_head_owed = matches!(self.units.get(self.window_start()), Some(UnitState::Requested(_)));
        let left = || {
            let missing = self.window().filter(|(_, state)| *state == UnitState::Missing);
            let units = self.manifest.units();
            missing.map(|(unit, _)| u64::from(units[unit.as_usize()].bytes)).sum::<u64>()
        };
        is_head_owed && left() < WINDOW_BYTES / 2
    }
}

/// The lateness of a unit that is owed.
#[derive(Clone, Copy, Debug)]
enum Lateness {
    InTime,
    Slow,
    Silent,
    /// Silent from then on, if nothing comes.
    SilentAt(Instant),
}
