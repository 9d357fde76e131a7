//! The budget: how much may be under way in all.
//!
//! It follows what this peer receives: on a slow link few sources are asked at a time, and what they send does not queue
//! up on the way. It is two and a half times the product of the rate and the shortest time that a unit took, so that it
//! grows as long as more sources bring more, and never less than what keeps a fast link busy.
//!
//! No other source is asked beside one that alone fills a slow link.
//!
//! Until the first unit is here nothing is known of the link: one unit is asked for, and another one of another source
//! for as long as next to nothing comes. Later, one untried source at a time is tried beyond the budget, because it may
//! be the fastest.

use std::time::{Duration, Instant};

use lanspread_protocol::PeerId;

use super::pick::bytes_in;
use super::rate::millis;
use super::requests::MIN_PROGRESS_BYTES;
use super::shares::BUSY_REQUESTS;
use super::sources::Source;
use super::swarm::Swarm;

/// The least that may be under way in all, more while contended, where it lies at many sources; and what fast links have
/// under way: what comes in this time.
const BUDGET_MIN_BYTES: u64 = 512 * 1024;
const CONTENDED_BUDGET_MIN_BYTES: u64 = 1024 * 1024;
const BUDGET_TIME: Duration = Duration::from_millis(500);
/// A link is slow below this rate, in bytes a second: a unit takes a tenth of a second.
const SLOW_LINK: f64 = 2_500_000.0;
/// So much of a rate is most of it.
const MOST: f64 = 0.6;
/// Another source is asked for the first unit after this time.
const FIRST_ANSWER: Duration = Duration::from_millis(100);
/// Unless the first one comes at least so fast, in bytes a second. What came is told this much later.
const FIRST_RATE: u64 = 128 * 1024;
const FIRST_REPORTS: Duration = Duration::from_millis(300);
/// Another untried source is tried beside the others after this time as long as the last one brought more; else after a
/// time that doubles.
pub(super) const TRY_ANOTHER: Duration = Duration::from_millis(500);

impl Swarm {
    /// Bytes that may be under way in all.
    pub(super) fn budget(&self) -> u64 {
        let rate = self.recent_rate();
        let product = self.fastest.map_or(0, |fastest| (rate / 400).saturating_mul(millis(fastest)));
        (rate / 1000).saturating_mul(millis(BUDGET_TIME)).max(product).max(self.least_budget())
    }

    pub(super) fn least_budget(&self) -> u64 {
        if self.is_contended() { CONTENDED_BUDGET_MIN_BYTES } else { BUDGET_MIN_BYTES }
    }

    /// Whether another request may be under way. Of what silent and slow sources owe only what comes soon counts; and one
    /// source is tried beside whatever the others bring, because it may be the fastest.
    pub(super) fn fits_budget(&mut self, peer: PeerId, now: Instant) -> bool {
        if self.fastest.is_none() {
            return self.fits_beginning(now);
        }
        if self.is_link_full(now) && self.brings_beside(peer, now) {
            return self.is_next_to_try(peer, now);
        }
        let yardstick = self.sources.yardstick(self.natural_silence(), now);
        let soon = self.fastest.unwrap_or_default().max(BUDGET_TIME);
        let coming = self.sources.iter().map(|(_, source)| {
            let owed = self.owed_bytes(source);
            match source.record.pace.rate(now) {
                _ if owed == 0 || yardstick.finds_silent(source, now) => 0,
                None if yardstick.finds_hollow(source, now) => 0,
                Some(pace) if yardstick.finds_slow(source, now) => owed.min(bytes_in(Some(pace), soon)),
                Some(_) | None => owed,
            }
        });
        coming.sum::<u64>() < self.budget() || self.is_next_to_try(peer, now)
    }

    /// The first unit comes alone, so that it shows how long one takes at least; while contended, a few. As long as nothing
    /// comes at all, one more is asked for every now and then.
    fn fits_beginning(&mut self, now: Instant) -> bool {
        let waited = now.saturating_duration_since(self.began);
        let reported = millis(waited.saturating_sub(FIRST_REPORTS));
        let is_silent = now.saturating_duration_since(self.last_progress) > FIRST_ANSWER * 4;
        let least = MIN_PROGRESS_BYTES.max(reported.saturating_mul(FIRST_RATE) / 1000);
        let comes = self.received >= least && !is_silent;
        let more = waited.as_millis() / FIRST_ANSWER.as_millis();
        let first = if self.is_contended() { BUSY_REQUESTS } else { 1 };
        let allowed =
            if comes { first } else { first.saturating_add(usize::try_from(more).unwrap_or(usize::MAX)) };
        let fits = self.fetches.len() < allowed;
        if !fits {
            let at = now + FIRST_ANSWER;
            self.look_at = Some(self.look_at.map_or(at, |known| known.min(at)));
        }
        fits
    }

    /// One source alone fills this peer's link, and a slow one: about as much comes as at any time lately, most of it from
    /// one source, and another one brought nothing more. Sources would compete there, and each would seem silent while
    /// others have the link.
    pub(super) fn is_link_full(&self, now: Instant) -> bool {
        if !self.more_brings_nothing || self.is_contended() {
            return false;
        }
        let (peak, rate) = (self.peak.get(now), self.known_rate());
        // Less than most of the peak means that the one source has become slow.
        if peak >= SLOW_LINK || rate <= peak * MOST {
            return false;
        }
        let asked = self.sources.iter().filter(|(_, source)| !source.fetches.is_empty());
        let best = asked.filter_map(|(_, source)| source.record.pace.rate(now)).fold(0.0, f64::max);
        best >= rate * MOST
    }

    /// A unit came whole so long after it was asked for.
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    pub(super) fn note_peak(&mut self, unit_bytes: u64, took: Duration, now: Instant) {
        let pace = unit_bytes as f64 / took.as_secs_f64().max(0.001);
        self.peak.note(self.known_rate().max(pace), now);
    }

    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    fn known_rate(&self) -> f64 {
        self.recent_rate() as f64
    }

    /// A source is about to be noted for a whole unit: if it is its first one, compares the rate with the one before.
    pub(super) fn note_first_unit(&mut self, peer: PeerId, now: Instant) {
        let first = self.sources.get(peer).filter(|source| !source.record.has_delivered);
        let before = first.map_or(0, |source| source.record.rate_before);
        if before > 0 && self.brings_beside(peer, now) {
            self.more_brings_nothing = self.rate.get(now) < before / 10 * 13;
        }
    }

    /// Whether another source than this one is bringing something.
    fn brings_beside(&self, peer: PeerId, now: Instant) -> bool {
        let mut others = self.sources.iter().filter(|(other, _)| *other != peer);
        others.any(|(_, source)| !source.fetches.is_empty() && source.brings(now))
    }

    fn is_next_to_try(&self, peer: PeerId, now: Instant) -> bool {
        if self.try_at.is_some_and(|at| now < at) {
            return false;
        }
        let is_untried = |source: &Source| !source.record.has_delivered;
        let mut others = self.sources.iter().filter(|(other, _)| *other != peer);
        self.sources.get(peer).is_some_and(|source| is_untried(source) && source.fetches.is_empty())
            && !others.any(|(_, source)| is_untried(source) && !source.fetches.is_empty())
    }
}
