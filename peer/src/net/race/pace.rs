//! The rate of one attempt to fetch a blob, and whether that is late.
//!
//! An attempt is measured over the last second, from its second one on. What this PC's own link or limit holds up is no
//! lateness: a manifest of 22 MB takes 88 s at 2 Mbit/s and is asked for once.
//! - *Late*: it receives less than [`MIN_RATE`], or less than `FAIR_RATE` and less than an eighth of all bytes that this
//!   PC receives.
//! - *Slow*: it receives less than `FAIR_RATE`, and so little else arrives that the link is no reason, unless it is
//!   slower than any LAN.
//! - Under a download limit an attempt that waits for the limit half of the time is neither. Otherwise all bytes of its
//!   connection count, since units that the limit delays can stand before the answer.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// The time that attempts are measured over. A good peer answers in milliseconds, a slow disk in less than this.
const MEASURED_OVER: Duration = Duration::from_secs(1);
/// The least rate, in bytes a second: most manifests have less than 1 MB and so take less than a minute.
pub(super) const MIN_RATE: u64 = 16 * 1024;
/// The rate of an attempt from a good source, in bytes a second, unless this PC's link is full.
const FAIR_RATE: u64 = 100_000;
/// A full link leaves an attempt at least this part of what arrives, by the number of requests that share it.
const FAIR_SHARE: u64 = 8;

/// The counts of an attempt at one time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) at: Instant,
    pub(super) received: u64,
    pub(super) received_on_conn: u64,
    /// Received from all peers.
    pub(super) total: u64,
    /// It waits for this PC's download limit.
    pub(super) is_at_limit: bool,
    /// All has come, and is being checked here.
    pub(super) is_whole: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// Too young to be measured.
    Unknown,
    Good,
    Slow,
    Late,
}

/// Measures one attempt.
pub(super) struct Meter {
    /// Oldest first; they reach back for `MEASURED_OVER` or to the start.
    samples: VecDeque<Sample>,
    pub(super) pace: Pace,
    /// Bytes in the last second.
    pub(super) rate: u64,
    pub(super) late_since: Option<Instant>,
}

impl Meter {
    pub(super) fn new(first: Sample) -> Self {
        Self { samples: VecDeque::from([first]), pace: Pace::Unknown, rate: 0, late_since: None }
    }

    /// Returns the time since the oldest sample that still counts: for an attempt that is too young to be measured, its age.
    pub(super) fn age(&self) -> Duration {
        self.samples.front().map_or(Duration::ZERO, |first| first.at.elapsed())
    }

    /// Whether so little arrives at this PC that it holds no answer up.
    pub(super) fn is_link_idle(&self) -> bool {
        let Some((first, last)) = self.samples.front().zip(self.samples.back()) else { return true };
        let millis = u64::try_from((last.at - first.at).as_millis()).unwrap_or(u64::MAX);
        last.total.saturating_sub(first.total).saturating_mul(1000) < FAIR_RATE * millis.max(1)
    }

    /// Takes a sample. `limit`: this PC's download limit in bytes a second; 0 is none.
    pub(super) fn measure(&mut self, sample: Sample, limit: u64) {
        self.samples.push_back(sample);
        while self.samples.get(1).is_some_and(|second| sample.at - second.at >= MEASURED_OVER) {
            self.samples.pop_front();
        }
        let first = self.samples[0];
        if sample.at - first.at < MEASURED_OVER {
            return;
        }
        let millis = u64::try_from((sample.at - first.at).as_millis()).unwrap_or(u64::MAX);
        let per_second = |new: u64, old: u64| new.saturating_sub(old).saturating_mul(1000) / millis;
        self.rate = per_second(sample.received, first.received);
        self.pace = if sample.is_whole {
            Pace::Good
        } else if limit > 0 {
            let at_limit = self.samples.iter().filter(|sample| sample.is_at_limit).count();
            let on_conn = per_second(sample.received_on_conn, first.received_on_conn);
            pace_under_limit(on_conn, limit, at_limit * 2 >= self.samples.len())
        } else {
            pace(self.rate, per_second(sample.total, first.total))
        };
        if self.pace == Pace::Late {
            self.late_since.get_or_insert(sample.at);
        } else {
            self.late_since = None;
        }
    }
}

/// Returns the pace of an attempt by its rate and this PC's.
fn pace(rate: u64, total: u64) -> Pace {
    if rate < MIN_RATE || (rate < FAIR_RATE && rate < total / FAIR_SHARE) {
        Pace::Late
    } else if rate < FAIR_RATE && total < 2 * FAIR_RATE {
        Pace::Slow
    } else {
        Pace::Good
    }
}

/// As [`pace`], under a download limit. Other requests may have taken almost all of it.
fn pace_under_limit(rate_on_conn: u64, limit: u64, waits_for_limit: bool) -> Pace {
    if waits_for_limit || rate_on_conn >= MIN_RATE.min(limit / (2 * FAIR_SHARE)) {
        Pace::Good
    } else {
        Pace::Late
    }
}
