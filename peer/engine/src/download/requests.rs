//! Requests under way: what each owes, what came of it, and which of them bring nothing.
//!
//! Bytes are counted as they are received, not only when a unit is whole: on a slow link a unit takes seconds, and a
//! source that is slow must be told apart from one that is silent.

use std::time::{Duration, Instant};

use lanspread_protocol::{PeerId, UnitIndex};

use super::budget::TRY_ANOTHER;
use super::sources::{GivenUp, LONGEST_PATIENCE, SILENCE};
use super::swarm::{Swarm, UnitState};
use crate::ids::FetchId;

/// Fewer bytes are no progress of a request: a source that sends a byte a second is as good as silent.
pub(super) const MIN_PROGRESS_BYTES: u64 = 4 * 1024;
/// A unit that a slow source owes is asked of another one as long as not more than this fraction of all bytes, and this
/// many for a start, came in vain.
const WASTED_FRACTION: u64 = 40;
const WASTED_BYTES_ALLOWED: u64 = 256 * 1024;

/// A request that another source's delivery made superfluous was late if it had this much time and brought nothing.
pub(super) const GRACE: Duration = Duration::from_millis(250);

/// A result of a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Received {
    /// Bytes, of units that may not be whole yet.
    Bytes(u64),
    /// A whole unit of so many bytes, which was stored.
    Unit(u64),
}

/// A unit that a request is to bring, and the bytes that it brings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owed {
    pub(super) unit: UnitIndex,
    pub(super) bytes: u64,
}

/// A request under way.
#[derive(Debug)]
pub(super) struct Fetch {
    pub(super) source: PeerId,
    /// The units that have not come yet, in the order in which they come.
    pub(super) owed: Vec<Owed>,
    /// Its end is awaited; what still comes is welcome.
    pub(super) cancelled: bool,
    pub(super) asked: Instant,
    /// The time of the last progress.
    pub(super) progress: Instant,
    /// Bytes that were received: reported ones, and those of stored units.
    reported: u64,
    stored: u64,
    /// Bytes since `progress`.
    trickle: u64,
}

impl Fetch {
    #[cfg(debug_assertions)]
    pub(super) fn owes(&self, unit: UnitIndex) -> bool {
        self.owed.iter().any(|owed| owed.unit == unit)
    }

    /// Bytes that came of a unit that is not stored yet.
    pub(super) fn partial(&self) -> u64 {
        self.reported.saturating_sub(self.stored)
    }

    /// Bytes that are still to come.
    pub(super) fn bytes_owed(&self) -> u64 {
        let owed: u64 = self.owed.iter().map(|owed| owed.bytes).sum();
        owed.saturating_sub(self.partial())
    }

    pub(super) fn has_brought_nothing(&self) -> bool {
        self.reported == 0 && self.stored == 0
    }
}

/// A source's requests that are to be cancelled.
#[derive(Debug)]
pub(super) struct Stalled {
    pub(super) peer: PeerId,
    pub(super) fetches: Vec<FetchId>,
    pub(super) why: GivenUp,
}

impl Swarm {
    /// Counts bytes of a request that were received, as far as they were not counted before.
    pub(super) fn count_received(&mut self, fetch: FetchId, what: Received, now: Instant) {
        let Some(about) = self.fetches.get_mut(&fetch) else { return };
        let before = about.reported.max(about.stored);
        let is_unit = match what {
            Received::Bytes(bytes) => {
                about.reported += bytes;
                false
            }
            Received::Unit(bytes) => {
                about.stored += bytes;
                true
            }
        };
        let new = about.reported.max(about.stored) - before;
        about.trickle += new;
        let has_moved = is_unit || about.trickle >= MIN_PROGRESS_BYTES;
        if has_moved {
            (about.progress, about.trickle) = (now, 0);
        }
        self.rate.add(new, now);
        self.shown_rate.add(new, now);
        self.received += new;
        if has_moved {
            self.last_progress = now;
        }
        if let Some(source) = self.sources.get_mut(about.source) {
            source.rate.add(new, now);
            source.record.pace.add(new, now);
            // A whole unit is noted with the time that it took.
            if has_moved && !is_unit {
                source.progress = now;
            }
        }
    }

    /// Bytes came that were here already.
    pub(super) fn note_wasted(&mut self, bytes: u64) {
        self.wasted += bytes;
    }

    /// So much came in vain that only silent sources are helped out.
    pub(super) fn wastes_too_much(&self) -> bool {
        self.wasted > WASTED_BYTES_ALLOWED + self.bytes_fetched / WASTED_FRACTION
    }

    pub(super) fn request(&mut self, fetch: FetchId, peer: PeerId, units: &[UnitIndex], now: Instant) {
        for unit in units {
            if let Some(state) = self.units.get_mut(unit.as_usize()) {
                *state = match *state {
                    UnitState::Missing => UnitState::Requested(1),
                    UnitState::Requested(count) => {
                        self.duplicates += 1;
                        UnitState::Requested(count.saturating_add(1))
                    }
                    done @ (UnitState::Here | UnitState::Follows) => done,
                };
            }
        }
        let owed = units.iter().map(|unit| Owed { unit: *unit, bytes: self.wanted_bytes(*unit) }).collect();
        let request = Fetch {
            source: peer,
            owed,
            asked: now,
            cancelled: false,
            progress: now,
            reported: 0,
            stored: 0,
            trickle: 0,
        };
        self.fetches.insert(fetch, request);
        self.note_try(peer, now);
        if let Some(source) = self.sources.get_mut(peer) {
            if source.fetches.is_empty() {
                source.progress = now;
                source.record.pace.start(now);
            }
            source.asked = Some(now);
            source.fetches.insert(fetch);
        }
    }

    /// A source is tried that never was. If the one before it has brought no more than there was without it, this peer's
    /// link seems full, and the next one is tried later.
    fn note_try(&mut self, peer: PeerId, now: Instant) {
        if self.sources.get(peer).is_none_or(|source| source.record.has_delivered) {
            return;
        }
        let rate = self.recent_rate();
        if rate == 0 {
            return;
        }
        if let Some(source) = self.sources.get_mut(peer).filter(|source| source.fetches.is_empty()) {
            source.record.rate_before = rate;
        }
        let is_worth_it = rate > self.rate_before_try / 10 * 11;
        self.try_pause = if is_worth_it { TRY_ANOTHER } else { (self.try_pause * 2).min(LONGEST_PATIENCE) };
        self.try_at = Some(now + self.try_pause);
        self.rate_before_try = rate;
    }

    /// A request is over. Returns it, and whether units are missing again.
    pub(super) fn end_request(&mut self, fetch: FetchId, now: Instant) -> Option<(Fetch, bool)> {
        let about = self.fetches.remove(&fetch)?;
        if let Some(source) = self.sources.get_mut(about.source) {
            source.fetches.remove(&fetch);
            if source.fetches.is_empty() {
                source.record.pace.stop(now);
            }
        }
        let is_news = self.give_back(&about.owed);
        Some((about, is_news))
    }

    /// Units that a request did not bring are missing again; whether any is.
    fn give_back(&mut self, owed: &[Owed]) -> bool {
        let mut is_news = false;
        for Owed { unit, .. } in owed {
            let Some(state) = self.units.get_mut(unit.as_usize()) else { continue };
            match *state {
                UnitState::Requested(count) if count > 1 => *state = UnitState::Requested(count - 1),
                UnitState::Requested(_) => {
                    *state = UnitState::Missing;
                    self.cursor = self.cursor.min(unit.as_usize());
                    is_news = true;
                }
                UnitState::Here | UnitState::Follows | UnitState::Missing => {}
            }
        }
        if self.fetches.is_empty() {
            self.duplicates = 0;
        }
        is_news
    }

    /// Requests all of whose units came from other sources meanwhile; they are to be cancelled. One that brought nothing
    /// although it had time, or had stopped, is a strike.
    pub(super) fn superseded(&mut self, now: Instant) -> (Vec<FetchId>, Vec<(PeerId, GivenUp)>) {
        let (mut ids, mut late, mut wasted) = (Vec::new(), Vec::new(), 0);
        for (id, fetch) in &mut self.fetches {
            let is_needed = |owed: &Owed| self.units.get(owed.unit.as_usize()) != Some(&UnitState::Here);
            if fetch.cancelled || fetch.owed.is_empty() || fetch.owed.iter().any(is_needed) {
                continue;
            }
            fetch.cancelled = true;
            ids.push(*id);
            wasted += fetch.partial();
            if fetch.has_brought_nothing() && now > fetch.asked + GRACE {
                late.push((fetch.source, GivenUp::Silent));
            } else if now > fetch.progress + if fetch.progress == fetch.asked { GRACE } else { SILENCE } {
                late.push((fetch.source, GivenUp::Slow));
            }
        }
        self.note_wasted(wasted);
        (ids, late)
    }

    /// Sources that bring nothing of what they owe: their requests are cancelled. The next time they have more patience,
    /// so that a link where a unit takes long is not given up for ever.
    pub(super) fn stalled(&mut self, now: Instant) -> Vec<Stalled> {
        // Where the own link or limit is full it is not the source that is slow.
        let own = self.natural_silence();
        let is_stalled = |peer: &PeerId| {
            self.sources.get(*peer).is_some_and(|source| {
                !source.fetches.is_empty() && now >= source.progress + source.record.patience + own
            })
        };
        let stalled: Vec<PeerId> = self.sources.peers().filter(is_stalled).collect();
        let mut all = Vec::new();
        for peer in stalled {
            let mut of_peer = self.fetches.values().filter(|fetch| fetch.source == peer && !fetch.cancelled);
            let why = if of_peer.all(Fetch::has_brought_nothing) { GivenUp::Silent } else { GivenUp::Slow };
            let fetches = self.cancel_from(peer);
            if fetches.is_empty() {
                continue;
            }
            if let Some(source) = self.sources.get_mut(peer) {
                source.record.patience = (source.record.patience * 2).min(LONGEST_PATIENCE);
            }
            all.push(Stalled { peer, fetches, why });
        }
        all
    }

    pub(super) fn cancel_from(&mut self, peer: PeerId) -> Vec<FetchId> {
        let of_peer = self.fetches.iter_mut().filter(|(_, fetch)| fetch.source == peer && !fetch.cancelled);
        let cancel = |(id, fetch): (&FetchId, &mut Fetch)| {
            fetch.cancelled = true;
            *id
        };
        of_peer.map(cancel).collect()
    }

    pub(super) fn everyone_is_thirsty(&mut self) {
        self.thirsty.extend(self.sources.peers());
    }
}
