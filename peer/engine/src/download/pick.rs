//! What to fetch next from whom.
//!
//! **Alone** with its sources, a download asks each for runs of neighbouring units, as much at once as the source
//! delivers in a moment. Its first picks are scattered: it does not know yet who else begins.
//!
//! **Contended**, while others download the same payload, queues are short, because a deep queue delays the first copy
//! that everybody else needs. From a complete peer a download asks, in this order:
//! 1. its own share: who fetches a unit first is settled without talking, by weighted rendezvous hashing over the
//!    downloaders (Thaler, Ravishankar 1998; weights: Schindelhauer, Schomaker 2005);
//! 2. shares of those who fell silent;
//! 3. shares of those who have much left, from their far end. Shares differ by chance, and a unit's first fetcher
//!    uploads it to most of the others: without this step the largest share alone decides when all are finished;
//! 4. anything, if next to nothing is under way.
//!
//! From other downloaders it asks what they announced, rarest first; of an idle one also what waits for long at a busy
//! one. Complete peers are not asked for what a downloader has announced: their uplink is what all wait for.
//!
//! Simulated (`tests/simulation/swarms.rs`), by the time that the payload takes on one link: 8 downloaders finish
//! 200 MiB at 1.07, 30 at 1.18; with two requests a source and no step 3 it was 1.24 and 1.54.
//!
//! Units are picked inside a window that moves through the manifest: far writes zero-fill on some filesystems.

use std::time::{Duration, Instant};

use lanspread_protocol::limits::MAX_UNITS_PER_REQUEST;
use lanspread_protocol::{PeerId, UnitIndex};

use super::swarm::{Fetch, Has, Swarm, UnitState};
use crate::random::{Random, mix};

/// The window's size in bytes.
const WINDOW_BYTES: u64 = 256 * 1024 * 1024;
/// A request's size while alone: what a source delivers in this time, at least and at most so much. Small at first: a
/// source may turn out to be slow, and others may begin at the same moment.
const REQUEST_TIME: Duration = Duration::from_millis(50);
const REQUEST_MIN_BYTES: u64 = 256 * 1024;
const REQUEST_MAX_BYTES: u64 = 4 * 1024 * 1024;
/// The pipeline of a source holds what it delivers in this time, at most so much.
const PIPELINE_TIME: Duration = Duration::from_millis(200);
const PIPELINE_MAX_BYTES: u64 = 32 * 1024 * 1024;
/// Before so much came, picks begin anywhere in the window: those who click at the same moment do not fetch the same.
const SCATTERED_BYTES: u64 = 2 * 1024 * 1024;
/// With so many requests under way there is something better to do than to ask a complete source outside the own share.
const BUSY_REQUESTS: usize = 4;
/// Requests of one unit each under way from one source while contended; one where there are many downloaders, because
/// each has that many sources.
const CONTENDED_REQUESTS: usize = 2;
const MANY_RIVALS: usize = 16;
/// A downloader that announced nothing in this many of its intervals no longer holds its share.
const SILENT_INTERVALS: u32 = 4;
const SILENT_AT_LEAST: Duration = Duration::from_secs(1);

impl Swarm {
    /// A source that may take another request, by chance: everyone asks, so a fixed order would load the first ones.
    pub(super) fn next_thirsty(&self, random: &mut Random) -> Option<PeerId> {
        let mut start = [0; 32];
        start[..8].copy_from_slice(&random.next().to_be_bytes());
        let start = PeerId(start);
        self.thirsty.range(start..).next().or(self.thirsty.first()).copied()
    }

    /// The next request to a source; `None`: it has enough to do, or nothing that is wanted.
    pub(super) fn pick(&mut self, peer: PeerId, random: &mut Random, now: Instant) -> Option<Vec<UnitIndex>> {
        let source = self.sources.get(&peer)?;
        if source.cool_until.is_some_and(|until| now < until) || self.limit_is_filled() {
            return None;
        }
        let is_complete = source.has == Has::Everything;
        if self.is_contended() {
            let limit = if self.rivals < MANY_RIVALS { CONTENDED_REQUESTS } else { 1 };
            if source.fetches.len() >= limit {
                return None;
            }
            let unit = if is_complete {
                self.pick_from_complete(peer, random, now)
            } else {
                self.pick_rarest(peer, random).or_else(|| self.pick_overdue(peer, now))
            };
            return unit.map(|unit| vec![unit]);
        }
        let request_bytes = self.bytes_in(REQUEST_TIME, peer).clamp(REQUEST_MIN_BYTES, REQUEST_MAX_BYTES);
        // A request always fits twice, so that the line never runs dry between two.
        let pipeline_bytes = self.bytes_in(PIPELINE_TIME, peer).clamp(2 * request_bytes, PIPELINE_MAX_BYTES);
        if self.bytes_under_way(peer) + request_bytes > pipeline_bytes {
            return None;
        }
        let window_units = self.window().count() as u64;
        let scatter = if self.bytes_fetched < SCATTERED_BYTES { random.below(window_units) } else { 0 };
        let mut run = self.pick_run(peer, request_bytes, scatter);
        if run.is_empty() && scatter > 0 {
            run = self.pick_run(peer, request_bytes, 0);
        }
        (!run.is_empty()).then_some(run)
    }

    fn bytes_under_way(&self, peer: PeerId) -> u64 {
        let Some(source) = self.sources.get(&peer) else { return 0 };
        let units =
            source.fetches.iter().filter_map(|fetch| self.fetches.get(fetch)).flat_map(|fetch| &fetch.units);
        units.map(|unit| self.wanted_bytes(*unit)).sum()
    }

    /// What a source delivers in this time.
    fn bytes_in(&self, time: Duration, peer: PeerId) -> u64 {
        let rate = self.sources.get(&peer).map_or(0, |source| source.rate.last());
        rate / 1000 * u64::try_from(time.as_millis()).unwrap_or(0)
    }

    /// The window's units, first to last.
    fn window(&self) -> impl Iterator<Item = (UnitIndex, UnitState)> + '_ {
        let mut bytes = 0;
        let units = self.manifest.units()[self.cursor..].iter().zip(&self.units[self.cursor..]);
        let first = u32::try_from(self.cursor).unwrap_or(u32::MAX);
        (first..).zip(units).map_while(move |(index, (unit, state))| {
            let is_inside = bytes < WINDOW_BYTES;
            bytes += u64::from(unit.bytes);
            is_inside.then_some((UnitIndex(index), *state))
        })
    }

    /// Neighbouring missing units that the source has, up to one request.
    fn pick_run(&self, peer: PeerId, request_bytes: u64, scatter: u64) -> Vec<UnitIndex> {
        let Some(source) = self.sources.get(&peer) else { return Vec::new() };
        let has = |unit| match &source.has {
            Has::Everything => true,
            Has::Some(units) => units.contains(unit),
        };
        let mut run = Vec::new();
        let mut bytes = 0;
        for (unit, state) in self.window().skip(usize::try_from(scatter).unwrap_or(0)) {
            let is_wanted = state == UnitState::Missing && has(unit);
            if !is_wanted && run.is_empty() {
                continue;
            }
            if (!is_wanted && state != UnitState::Follows && state != UnitState::Here)
                || bytes >= request_bytes
                || run.len() >= MAX_UNITS_PER_REQUEST
            {
                break;
            }
            if is_wanted {
                bytes += self.wanted_bytes(unit);
                run.push(unit);
            }
        }
        run
    }

    /// The own share first; then what its first fetcher did not announce in time; then, when the share is done, anything.
    fn pick_from_complete(&mut self, from: PeerId, random: &mut Random, now: Instant) -> Option<UnitIndex> {
        let missing: Vec<UnitIndex> =
            self.window().filter(|(_, state)| *state == UnitState::Missing).map(|(unit, _)| unit).collect();
        // What others wait for at this source takes about as long as what this peer got from it last.
        let took = self.sources.get(&from).map_or(Duration::ZERO, |source| source.took);
        let (mut orphans, mut unannounced) = (Vec::new(), Vec::new());
        for unit in &missing {
            if self.availability[unit.as_usize()] > 0 {
                continue;
            }
            let owner = self.first_fetcher(*unit);
            if owner == self.me {
                return Some(*unit);
            }
            if self.is_silent(owner, took, now) {
                orphans.push(*unit);
            }
            unannounced.push(*unit);
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
        let is_busy = self.fetches.len() >= BUSY_REQUESTS;
        any(far).or_else(|| if is_busy { None } else { any(&missing) })
    }

    fn is_silent(&self, peer: PeerId, took: Duration, now: Instant) -> bool {
        let Some(source) = self.sources.get(&peer) else { return true };
        let patience = (source.news_interval.max(took) * SILENT_INTERVALS).max(SILENT_AT_LEAST);
        now.saturating_duration_since(source.news) > patience
    }

    /// Who of the downloaders fetches a unit first. Computed when the unit is considered, and kept up to date from then
    /// on as downloaders come and go.
    fn first_fetcher(&mut self, unit: UnitIndex) -> PeerId {
        let Some(known) = self.first_fetchers.get(unit.as_usize()) else { return self.me };
        if let Some((_, owner)) = known {
            return *owner;
        }
        let salt = self.salt(unit);
        let rivals = self.sources.iter().filter(|(_, source)| source.weight > 0);
        let rivals = rivals.map(|(peer, source)| (*peer, source.weight)).chain([(self.me, self.weight)]);
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

    /// Of the missing units that a partial source has, one that the fewest have; ties by chance.
    fn pick_rarest(&self, peer: PeerId, random: &mut Random) -> Option<UnitIndex> {
        let Has::Some(has) = &self.sources.get(&peer)?.has else { return None };
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

    /// A unit that waits at a busy downloader for long, and that this idle one has as well.
    fn pick_overdue(&self, peer: PeerId, now: Instant) -> Option<UnitIndex> {
        let source = self.sources.get(&peer).filter(|source| source.fetches.is_empty())?;
        let Has::Some(has) = &source.has else { return None };
        let is_overdue = |fetch: &&Fetch| fetch.source != peer && now > fetch.asked + self.latency * 2;
        let is_free = |unit: &UnitIndex| {
            has.contains(*unit) && self.units.get(unit.as_usize()) == Some(&UnitState::Requested(1))
        };
        let overdue = self.fetches.values().filter(is_overdue);
        overdue.flat_map(|fetch| &fetch.units).copied().find(is_free)
    }

    /// Nothing is missing that is not asked for already: a unit that another source owes, to ask this one, too.
    pub(super) fn pick_endgame(&self, peer: PeerId, now: Instant) -> Option<UnitIndex> {
        const PATIENCE: Duration = Duration::from_millis(500);
        let source = self.sources.get(&peer)?;
        if !source.fetches.is_empty() || source.cool_until.is_some_and(|until| now < until) {
            return None;
        }
        if self.units[self.cursor..].contains(&UnitState::Missing) && !self.is_contended() {
            return None;
        }
        let owed =
            self.fetches.values().filter(|fetch| fetch.source != peer && now > fetch.progress + PATIENCE);
        let mut owed: Vec<_> =
            owed.flat_map(|fetch| fetch.units.iter().map(|unit| (fetch.progress, *unit))).collect();
        owed.sort_unstable();
        let has = |unit| match &source.has {
            Has::Everything => true,
            Has::Some(units) => units.contains(unit),
        };
        let is_free = |unit: UnitIndex| self.units.get(unit.as_usize()) == Some(&UnitState::Requested(1));
        owed.into_iter().map(|(_, unit)| unit).find(|unit| has(*unit) && is_free(*unit))
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
