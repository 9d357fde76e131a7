//! When changes are told: the first at once, those of a burst rarely, the last of all never late.
//!
//! A change that comes alone is told after [`SETTLE`]: a file that is replaced is two or three changes. What changes
//! again soon after it was told is in the middle of something, such as a copy: it is told when nothing came for
//! [`QUIET`], or else after a wait that doubles each time. Each thing is paced by itself: a long copy into one game's
//! folder does not delay the news of another.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Between a first change and its telling.
const SETTLE: Duration = Duration::from_millis(5);
/// In a burst nothing is told before a pause of this length …
const QUIET: Duration = Duration::from_millis(100);
/// … or its first untold change is this old, which doubles …
const FIRST_PATIENCE: Duration = Duration::from_millis(500);
/// … up to this.
const MAX_PATIENCE: Duration = Duration::from_secs(8);
/// What was not told for this long is in no burst any more.
const CALM: Duration = Duration::from_secs(1);

/// Times the telling of changes of things named by `K`.
#[derive(Debug)]
pub(super) struct Pacer<K>(BTreeMap<K, Pace>);

#[derive(Debug)]
struct Pace {
    /// Of the changes that were not told: the first and the last.
    untold: Option<(Instant, Instant)>,
    told: Option<Instant>,
    patience: Duration,
}

impl<K> Default for Pacer<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord + Clone> Pacer<K> {
    pub(super) fn changed(&mut self, key: K, now: Instant) {
        let fresh = || Pace { untold: None, told: None, patience: FIRST_PATIENCE };
        let pace = self.0.entry(key).or_insert_with(fresh);
        pace.forget_old_burst(now);
        pace.untold = Some((pace.untold.map_or(now, |(first, _)| first), now));
    }

    /// When [`Pacer::take_due`] has something.
    pub(super) fn due(&self) -> Option<Instant> {
        self.0.values().filter_map(Pace::due).min()
    }

    /// What is to be told now.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<K> {
        if self.due().is_none_or(|due| due > now) {
            return Vec::new();
        }
        let mut due = Vec::new();
        self.0.retain(|key, pace| {
            if pace.due().is_some_and(|due| due <= now) {
                pace.tell(now);
                due.push(key.clone());
            }
            pace.untold.is_some() || pace.told.is_some_and(|told| now < told + CALM)
        });
        due
    }
}

impl Pace {
    fn due(&self) -> Option<Instant> {
        let (first, last) = self.untold?;
        Some(match self.told {
            None => first + SETTLE,
            Some(_) => (last + QUIET).min(first + self.patience),
        })
    }

    fn tell(&mut self, now: Instant) {
        let was_quiet = self.untold.is_none_or(|(_, last)| last + QUIET <= now);
        let is_first = self.told.is_none();
        self.patience = match (is_first || was_quiet, self.patience) {
            (true, _) => FIRST_PATIENCE,
            (false, patience) => (patience * 2).min(MAX_PATIENCE),
        };
        (self.untold, self.told) = (None, Some(now));
    }

    fn forget_old_burst(&mut self, now: Instant) {
        if self.untold.is_none() && self.told.is_some_and(|told| told + CALM <= now) {
            (self.told, self.patience) = (None, FIRST_PATIENCE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Changes of things at milliseconds, and what was told when.
    fn told(changes: &[(u64, &'static str)]) -> Vec<(u64, &'static str)> {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut pacer = Pacer::default();
        let mut told = Vec::new();
        let mut changes = changes.iter().peekable();
        loop {
            let next = changes.peek().map(|(millis, _)| at(*millis));
            let due = pacer.due();
            let Some(now) = [next, due].into_iter().flatten().min() else { return told };
            if next == Some(now) {
                pacer.changed(changes.next().unwrap().1, now);
            }
            let millis = u64::try_from(now.duration_since(start).as_millis()).unwrap();
            told.extend(pacer.take_due(now).into_iter().map(|key| (millis, key)));
        }
    }

    #[test]
    fn a_change_alone_is_told_at_once_and_once() {
        assert_eq!(told(&[(0, "ut"), (1, "ut"), (3, "ut")]), [(5, "ut")]);
        assert_eq!(told(&[(0, "ut"), (0, "quake"), (2000, "ut")]), [(5, "quake"), (5, "ut"), (2005, "ut")]);
    }

    #[test]
    fn what_follows_soon_waits_for_quiet() {
        assert_eq!(
            told(&[(0, "ut"), (20, "ut"), (60, "ut"), (61, "quake")]),
            [(5, "ut"), (66, "quake"), (160, "ut")]
        );
    }

    #[test]
    fn a_long_copy_is_told_rarely_and_its_end_soon() {
        let copy: Vec<_> = (0..20_000).map(|file| (file * 3, "ut")).collect();
        let told = told(&copy);
        let end = copy.last().unwrap().0;
        assert!(told.len() <= 14, "{told:?}");
        assert_eq!(told.last(), Some(&(end + 100, "ut")));
        let waits: Vec<_> = told.windows(2).map(|two| two[1].0 - two[0].0).collect();
        assert!(waits[..5].is_sorted(), "{waits:?}");
    }

    #[test]
    fn what_is_calm_is_forgotten() {
        let start = Instant::now();
        let mut pacer = Pacer::default();
        pacer.changed("ut", start);
        assert_eq!(pacer.take_due(start + SETTLE), ["ut"]);
        pacer.changed("quake", start + CALM * 2);
        assert_eq!(pacer.take_due(start + CALM * 2 + SETTLE), ["quake"]);
        assert_eq!(pacer.0.len(), 1);
    }
}
