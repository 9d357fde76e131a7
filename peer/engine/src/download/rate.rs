//! How fast bytes come.
//!
//! [`Rate`] is a flow over wall time: an exponentially weighted average. [`Peak`] is the highest one lately. [`Pace`] is
//! what a source delivers while it owes something: time in which nothing is asked of it does not count.

use std::time::{Duration, Instant};

/// Samples shorter than this are put together.
const SAMPLE: Duration = Duration::from_millis(100);
/// A rate that decisions hang on forgets half of what was in this time.
const HALF_LIFE: Duration = Duration::from_millis(700);
/// A rate that people look at is smoother: on a slow link units come one by one.
const SHOWN_HALF_LIFE: Duration = Duration::from_millis(2_500);
/// Half of a peak is forgotten in this time.
const PEAK_HALF_LIFE: Duration = Duration::from_secs(2);

/// A flow of bytes over wall time.
#[derive(Debug)]
pub(crate) struct Rate {
    bytes_per_sec: f64,
    pending: u64,
    since: Instant,
    half_life: Duration,
}

impl Rate {
    pub(crate) fn new(now: Instant) -> Self {
        Self { bytes_per_sec: 0.0, pending: 0, since: now, half_life: HALF_LIFE }
    }

    /// A rate for people.
    pub(crate) fn shown(now: Instant) -> Self {
        Self { half_life: SHOWN_HALF_LIFE, ..Self::new(now) }
    }

    pub(crate) fn add(&mut self, bytes: u64, now: Instant) {
        self.pending += bytes;
        self.settle(now);
    }

    /// Returns bytes a second; falls while nothing comes.
    pub(crate) fn get(&mut self, now: Instant) -> u64 {
        self.settle(now);
        self.last()
    }

    /// Returns the rate as of the last sample.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rates are positive and far below 2^53"
    )]
    pub(crate) fn last(&self) -> u64 {
        self.bytes_per_sec as u64
    }

    fn settle(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.since);
        if self.bytes_per_sec == 0.0 && self.pending == 0 {
            // The first bytes are those of the whole time before them, within reason.
            self.since += elapsed.saturating_sub(self.half_life);
        } else if elapsed >= SAMPLE {
            self.bytes_per_sec = blend(self.bytes_per_sec, self.pending, elapsed, self.half_life);
            (self.pending, self.since) = (0, now);
        }
    }
}

/// The highest rate of the last while: a higher one counts at once, a lower one as the highest is forgotten.
#[derive(Debug)]
pub(crate) struct Peak {
    bytes_per_sec: f64,
    noted: Instant,
}

impl Peak {
    pub(crate) fn new(now: Instant) -> Self {
        Self { bytes_per_sec: 0.0, noted: now }
    }

    pub(crate) fn note(&mut self, bytes_per_sec: f64, now: Instant) {
        (self.bytes_per_sec, self.noted) = (self.get(now).max(bytes_per_sec), now);
    }

    pub(crate) fn get(&self, now: Instant) -> f64 {
        let elapsed = now.saturating_duration_since(self.noted);
        self.bytes_per_sec * 0.5_f64.powf(elapsed.as_secs_f64() / PEAK_HALF_LIFE.as_secs_f64())
    }
}

/// A source's rate while it owes something.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pace {
    bytes_per_sec: f64,
    pending: u64,
    /// The time in which it owed something since the last sample.
    busy: Duration,
    /// It owes something; counted in `busy` up to then.
    since: Option<Instant>,
}

impl Pace {
    /// The source owes something from now on.
    pub(crate) fn start(&mut self, now: Instant) {
        self.since.get_or_insert(now);
    }

    /// The source owes nothing any more.
    pub(crate) fn stop(&mut self, now: Instant) {
        self.advance(now);
        self.since = None;
    }

    pub(crate) fn add(&mut self, bytes: u64, now: Instant) {
        self.pending += bytes;
        self.advance(now);
    }

    /// Returns bytes a second, lower the longer nothing comes; `None` before the first byte.
    pub(crate) fn rate(&self, now: Instant) -> Option<f64> {
        let open = self.since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        let busy = self.busy + open;
        if self.bytes_per_sec > 0.0 {
            let is_due = busy >= SAMPLE;
            let rate = if is_due {
                blend(self.bytes_per_sec, self.pending, busy, HALF_LIFE)
            } else {
                self.bytes_per_sec
            };
            return Some(rate.max(1.0));
        }
        let busy = busy.max(Duration::from_millis(1));
        (self.pending > 0).then(|| blend(0.0, self.pending, busy, HALF_LIFE))
    }

    fn advance(&mut self, now: Instant) {
        if let Some(since) = &mut self.since {
            self.busy += now.saturating_duration_since(*since);
            *since = now;
        }
        let has_news = self.bytes_per_sec > 0.0 || self.pending > 0;
        if self.busy >= SAMPLE && has_news {
            self.bytes_per_sec = blend(self.bytes_per_sec, self.pending, self.busy, HALF_LIFE).max(1.0);
            (self.pending, self.busy) = (0, Duration::ZERO);
        }
    }
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The average after a sample. The first sample is the best guess there is.
#[expect(clippy::cast_precision_loss, reason = "bytes of one sample are far below 2^53")]
fn blend(average: f64, bytes: u64, time: Duration, half_life: Duration) -> f64 {
    let sample = bytes as f64 / time.as_secs_f64();
    if average == 0.0 {
        return sample;
    }
    let keep = 0.5_f64.powf(time.as_secs_f64() / half_life.as_secs_f64());
    average * keep + sample * (1.0 - keep)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::disallowed_methods, reason = "a test counts from some instant")]
    fn start() -> Instant {
        Instant::now()
    }

    const fn millis(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn a_steady_flow_is_its_rate_and_silence_fades() {
        let start = start();
        let mut rate = Rate::new(start);
        for step in 1..=50 {
            rate.add(10_000, start + millis(100 * step));
        }
        let measured = rate.last();
        assert!((95_000..105_000).contains(&measured), "{measured}");
        assert!(rate.get(start + Duration::from_secs(15)) < 1_000);
    }

    #[test]
    fn a_shown_rate_is_steady_though_units_come_one_by_one() {
        let start = start();
        let mut rate = Rate::shown(start);
        for step in 1..=200_u64 {
            let bytes = if step.is_multiple_of(10) { 250_000 } else { 0 };
            rate.add(bytes, start + millis(100 * step));
            if step > 100 {
                assert!((190_000..320_000).contains(&rate.last()), "{}", rate.last());
            }
        }
    }

    #[test]
    fn only_the_time_in_which_something_is_owed_counts() {
        let start = start();
        let mut pace = Pace::default();
        assert_eq!(pace.rate(start), None);
        for nth in 0..20 {
            let asked = start + millis(1_000 * nth);
            pace.start(asked);
            assert!(nth == 0 || pace.rate(asked + millis(10)).unwrap() > 800_000.0);
            pace.add(50_000, asked + millis(50));
            pace.stop(asked + millis(50));
        }
        let rate = pace.rate(start + Duration::from_mins(1)).unwrap();
        assert!((900_000.0..1_100_000.0).contains(&rate), "{rate}");
        let asked = start + Duration::from_mins(2);
        pace.start(asked);
        assert!(
            pace.rate(asked + Duration::from_secs(4)).unwrap() < rate / 20.0,
            "it falls while nothing comes"
        );
    }
}
