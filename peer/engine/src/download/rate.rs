//! How fast bytes come: an exponentially weighted average over about a second.

use std::time::{Duration, Instant};

/// Samples shorter than this are put together.
const SAMPLE: Duration = Duration::from_millis(100);
/// The average forgets half of what was in this time.
const HALF_LIFE_SECS: f64 = 0.7;

#[derive(Debug)]
pub(crate) struct Rate {
    bytes_per_sec: f64,
    pending: u64,
    since: Instant,
}

impl Rate {
    pub(crate) fn new(now: Instant) -> Self {
        Self { bytes_per_sec: 0.0, pending: 0, since: now }
    }

    pub(crate) fn add(&mut self, bytes: u64, now: Instant) {
        self.pending += bytes;
        self.settle(now);
    }

    /// Bytes a second; falls while nothing comes.
    pub(crate) fn get(&mut self, now: Instant) -> u64 {
        self.settle(now);
        self.last()
    }

    /// As of the last sample.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rates are positive and far below 2^53"
    )]
    pub(crate) fn last(&self) -> u64 {
        self.bytes_per_sec as u64
    }

    #[expect(clippy::cast_precision_loss, reason = "bytes of one sample are far below 2^53")]
    fn settle(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.since);
        if elapsed < SAMPLE {
            return;
        }
        let seconds = elapsed.as_secs_f64();
        let keep = 0.5_f64.powf(seconds / HALF_LIFE_SECS);
        let sample = self.pending as f64 / seconds;
        // The first sample is the best guess there is.
        self.bytes_per_sec = if self.bytes_per_sec == 0.0 {
            sample
        } else {
            self.bytes_per_sec * keep + sample * (1.0 - keep)
        };
        self.pending = 0;
        self.since = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test counts from some instant")]
    fn a_steady_flow_is_its_rate_and_silence_fades() {
        let start = Instant::now();
        let mut rate = Rate::new(start);
        for step in 1..=50 {
            rate.add(10_000, start + Duration::from_millis(100 * step));
        }
        let measured = rate.last();
        assert!((95_000..105_000).contains(&measured), "{measured}");
        assert!(rate.get(start + Duration::from_secs(15)) < 1_000);
    }
}
