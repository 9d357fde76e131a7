//! Picks units while others download the same payload.
//!
//! Queues are short then, because a deep queue delays the first copy that everybody else needs. From a complete peer a
//! download asks, in this order:
//! 1. its own share: who fetches a unit first is settled without talking, by weighted rendezvous hashing over the
//!    downloaders (Thaler, Ravishankar 1998; weights: Schindelhauer, Schomaker 2005);
//! 2. shares of those who fell silent;
//! 3. shares of those who have much left, from their far end. Shares differ by chance, and a unit's first fetcher
//!    uploads it to most of the others: without this step the largest share alone decides when all are finished. Shares
//!    of those with a much faster uplink are left alone: what a slow one takes of them is everywhere later;
//! 4. anything, if next to nothing is under way.
//!
//! From other downloaders it asks what they announced, rarest first. Complete peers are not asked for what a trusted
//! downloader has announced: their uplink is what all wait for.
//!
//! Simulated (`tests/simulation/swarms.rs`), by the time that the payload takes on one link: 8 downloaders finish
//! 200 MiB at 1.07, 30 at 1.18; with two requests a source and no step 3 it was 1.24 and 1.54.

use std::time::{Duration, Instant};

use lanspread_protocol::{PeerId, UnitIndex};

use super::sources::{Has, Source};
use super::swarm::{Swarm, UnitState};
use crate::random::{Random, mix};

/// With so many requests under way there is something better to do than to ask a complete source outside the own share.
pub(super) const BUSY_REQUESTS: usize = 4;
/// Requests of one unit each under way from one source while contended; one where there are many downloaders, because
/// each has that many sources.
const CONTENDED_REQUESTS: usize = 2;
const MANY_RIVALS: usize = 16;
/// Twice as many of a source that answers in less than this time: its queue is short.
const QUICK_ANSWER: Duration = Duration::from_millis(8);
/// A downloader that announced nothing in this many of its intervals no longer holds its share.
const SILENT_INTERVALS: u32 = 4;
const SILENT_AT_LEAST: Duration = Duration::from_secs(1);

impl Swarm {
    pub(super) fn pick_contended(
        &mut self,
        peer: PeerId,
        random: &mut Random,
        now: Instant,
    ) -> Option<UnitIndex> {
        let source = self.sources.get(peer)?;
        let is_quick = source.record.has_delivered && source.record.took < QUICK_ANSWER;
        let limit = match self.rivals {
            ..MANY_RIVALS if is_quick => 2 * CONTENDED_REQUESTS,
            ..MANY_RIVALS => CONTENDED_REQUESTS,
            _ => 1,
        };
        if source.fetches.len() >= limit {
            return None;
        }
        let unit = if source.offered.has == Has::Everything {
            self.pick_from_complete(peer, random, now)
        } else if self.is_useful(peer, now) {
            self.pick_rarest(peer, random)
        } else {
            None
        };
        unit.or_else(|| self.pick_late(peer, now))
    }

    /// The own share first; then what its first fetcher did not announce in time; then, when the share is done, anything.
    fn pick_from_complete(&mut self, from: PeerId, random: &mut Random, now: Instant) -> Option<UnitIndex> {
        let missing: Vec<UnitIndex> =
            self.window().filter(|(_, state)| *state == UnitState::Missing).map(|(unit, _)| unit).collect();
        // What others wait for at this source takes about as long as what this peer got from it last.
        let took = self.sources.get(from).map_or(Duration::ZERO, |source| source.record.took);
        let (mut orphans, mut unannounced) = (Vec::new(), Vec::new());
        for unit in &missing {
            if self.availability[unit.as_usize()] > 0 {
                continue;
            }
            let owner = self.first_fetcher(*unit);
            if owner == self.me {
                return Some(*unit);
            }
            if self.neglects_its_share(owner, took, now) {
                orphans.push(*unit);
            }
            if !self.is_much_stronger(owner) {
                unannounced.push(*unit);
            }
        }
        // By chance, because others who are done or wait for the same peer do the same.
        let mut any = |units: &[UnitIndex]| {
            let at = random.below(units.len() as u64);
            units.get(usize::try_from(at).unwrap_or(0)).copied()
        };
        if !orphans.is_empty() {
            return any(&orphans);
        }
        // From the far end: their first fetchers come from the near one. So many as may be under way to them are left.
        let under_way = CONTENDED_REQUESTS * self.rivals;
        let far = if unannounced.len() > under_way { &unannounced[unannounced.len() / 2..] } else { &[] };
        let is_busy = self.requests_that_bring(now) >= BUSY_REQUESTS || self.is_supplied_by_stronger(now);
        any(far).or_else(|| if is_busy { None } else { any(&missing) })
    }

    /// Of the missing units that a partial source has, one that the fewest have; ties by chance.
    fn pick_rarest(&self, peer: PeerId, random: &mut Random) -> Option<UnitIndex> {
        let Has::Some(has) = &self.sources.get(peer)?.offered.has else { return None };
        let mut best: Option<(u16, UnitIndex)> = None;
        let mut ties = 0;
        for (unit, state) in self.window() {
            if state != UnitState::Missing || !has.contains(unit) {
                continue;
            }
            let count = self.availability[unit.as_usize()];
            match best {
                Some((fewest, _)) if count > fewest => {}
                Some((fewest, _)) if count == fewest => {
                    ties += 1;
                    if random.below(ties) == 0 {
                        best = Some((count, unit));
                    }
                }
                _ => {
                    ties = 1;
                    best = Some((count, unit));
                }
            }
        }
        best.map(|(_, unit)| unit)
    }

    /// A downloader uploads so much faster than this peer that what it fetches first is everywhere sooner.
    fn is_much_stronger(&self, peer: PeerId) -> bool {
        self.sources
            .get(peer)
            .is_some_and(|source| source.is_rival && source.offered.weight > self.weight + 1)
    }

    /// A stronger downloader delivers and announces: what it has not announced yet comes from it soon. To ask a complete
    /// peer for that would only slow the stronger one down.
    pub(super) fn is_supplied_by_stronger(&self, now: Instant) -> bool {
        let mut counted = self.sources.iter().filter(|(_, source)| source.is_counted);
        counted.any(|(peer, source)| {
            self.is_much_stronger(peer) && !self.neglects_its_share(peer, source.record.took, now)
        })
    }

    /// Requests under way to sources that are neither silent nor slow.
    fn requests_that_bring(&self, now: Instant) -> usize {
        let natural = self.natural_silence();
        let brings = |source: &Source| {
            (source.is_counted || source.offered.has == Has::Everything) && !source.is_silent(natural, now)
        };
        let sources = self.sources.iter().filter(|(_, source)| brings(source));
        sources.map(|(_, source)| source.fetches.len()).sum()
    }

    /// A downloader has announced nothing for longer than its units take.
    fn neglects_its_share(&self, peer: PeerId, took: Duration, now: Instant) -> bool {
        if peer == self.me {
            return false;
        }
        let Some(source) = self.sources.get(peer) else { return true };
        let patience = (source.news_interval.max(took) * SILENT_INTERVALS).max(SILENT_AT_LEAST);
        now.saturating_duration_since(source.news) > patience
    }

    /// Returns the downloader that fetches a unit first. Computed when the unit is considered, and kept up to date from then
    /// on as downloaders come and go.
    fn first_fetcher(&mut self, unit: UnitIndex) -> PeerId {
        let Some(known) = self.first_fetchers.get(unit.as_usize()) else { return self.me };
        if let Some((_, owner)) = known {
            return *owner;
        }
        let salt = self.salt(unit);
        let rivals = self.sources.iter().filter(|(_, source)| source.is_rival);
        let rivals =
            rivals.map(|(peer, source)| (peer, source.offered.weight)).chain([(self.me, self.weight)]);
        let best = rivals
            .map(|(peer, weight)| (score(salt, peer, weight), peer))
            .max_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        if let Some(known) = self.first_fetchers.get_mut(unit.as_usize()) {
            *known = best;
        }
        best.map_or(self.me, |(_, peer)| peer)
    }

    fn salt(&self, unit: UnitIndex) -> u64 {
        u64::from_le_bytes(first_eight(&self.manifest.id().0)) ^ mix(u64::from(unit.0))
    }

    /// A downloader came: it takes the units where it scores highest.
    pub(super) fn rival_came(&mut self, peer: PeerId, weight: u8) {
        if weight == 0 {
            return;
        }
        for at in self.cursor..self.first_fetchers.len() {
            let Some((best, owner)) = self.first_fetchers[at] else { continue };
            let score = score(self.salt(UnitIndex(u32::try_from(at).unwrap_or(u32::MAX))), peer, weight);
            if score.total_cmp(&best).then(peer.cmp(&owner)).is_gt() {
                self.first_fetchers[at] = Some((score, peer));
            }
        }
    }

    /// A downloader left: its units are settled anew when they are considered.
    pub(super) fn rival_left(&mut self, peer: PeerId) {
        for known in &mut self.first_fetchers[self.cursor..] {
            if known.is_some_and(|(_, owner)| owner == peer) {
                *known = None;
            }
        }
    }
}

fn first_eight(bytes: &[u8; 32]) -> [u8; 8] {
    let mut eight = [0; 8];
    eight.copy_from_slice(&bytes[..8]);
    eight
}

/// The weighted rendezvous score: −w ÷ ln(u) for a uniform u in (0, 1). Weights are powers of two; 0 never wins against
/// any other. The last bit of a logarithm may differ between machines; then two peers fetch one unit, and no harm is done.
#[expect(clippy::cast_precision_loss, reason = "53 random bits are plenty")]
fn score(salt: u64, peer: PeerId, weight: u8) -> f64 {
    let hash = mix(salt ^ u64::from_le_bytes(first_eight(&peer.0)));
    let uniform = ((hash >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
    let weight = if weight == 0 { 1e-9 } else { 2.0_f64.powi(i32::from(weight.min(20))) };
    -weight / uniform.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_follow_weights() {
        let peers = [(PeerId([1; 32]), 3), (PeerId([2; 32]), 3), (PeerId([3; 32]), 4), (PeerId([4; 32]), 0)];
        let mut shares = [0_u32; 4];
        for unit in 0..40_000_u64 {
            let scores = peers.map(|(peer, weight)| score(mix(unit), peer, weight));
            let best = (0..4).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap();
            shares[best] += 1;
        }
        assert!((9_500..10_500).contains(&shares[0]), "{shares:?}");
        assert!((9_500..10_500).contains(&shares[1]), "{shares:?}");
        assert!((19_500..20_500).contains(&shares[2]), "{shares:?}");
        assert_eq!(shares[3], 0);
    }
}
