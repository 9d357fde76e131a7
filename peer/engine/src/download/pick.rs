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
//!    uploads it to most of the others: without this step the largest share alone decides when all are finished. Shares
//!    of those with a much faster uplink are left alone: what a slow one takes of them is everywhere later;
//! 4. anything, if next to nothing is under way.
//!
//! From other downloaders it asks what they announced, rarest first. Complete peers are not asked for what a trusted
//! downloader has announced: their uplink is what all wait for.
//!
//! **Late units.** A source that finds nothing missing in the window takes over what others owe: the first unit that its
//! owner would bring much later than this source would. So a slow or silent source holds up neither the window nor the
//! end. The first answer counts, the other request is cancelled ([`super::requests`]).
//!
//! **Slow sources** are asked for units ahead of where the window will be when they deliver, and not at all while the
//! others would be there first; now and then they are tried again.
//!
//! **The budget.** What is under way in all follows what this peer receives: on a slow link few sources are asked at a
//! time, and what they send does not queue up on the way. It is two and a half times the product of the rate and the shortest time that
//! a unit took, so that it grows as long as more sources bring more, and never less than what keeps a fast link busy.
//!
//! Simulated (`tests/simulation/swarms.rs`), by the time that the payload takes on one link: 8 downloaders finish
//! 200 MiB at 1.07, 30 at 1.18; with two requests a source and no step 3 it was 1.24 and 1.54.
//!
//! Units are picked inside a window that moves through the manifest: far writes zero-fill on some filesystems.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use lanspread_protocol::limits::MAX_UNITS_PER_REQUEST;
use lanspread_protocol::{PeerId, UnitIndex};

use super::requests::{Fetch, GRACE, MIN_PROGRESS_BYTES};
use super::sources::{Has, Source};
use super::swarm::{Swarm, UnitState};
use crate::random::{Random, mix};

/// The window's size in bytes.
const WINDOW_BYTES: u64 = 256 * 1024 * 1024;
/// A request's size while alone: what a source delivers in this time, at least and at most so much. Small at first: a
/// source may turn out to be slow, and others may begin at the same moment.
const REQUEST_TIME: Duration = Duration::from_millis(50);
const REQUEST_MIN_BYTES: u64 = 256 * 1024;
const REQUEST_MAX_BYTES: u64 = 4 * 1024 * 1024;
/// The pipeline of a source holds what it delivers in this time, at most so much. On a slow link, where packets queue for
/// long, the next request is on its way a second before the last one is answered.
const PIPELINE_TIME: Duration = Duration::from_millis(200);
const REQUEST_AHEAD: Duration = Duration::from_secs(1);
const REQUEST_AHEAD_BYTES: u64 = 256 * 1024;
const PIPELINE_MAX_BYTES: u64 = 32 * 1024 * 1024;
/// The least that may be under way in all, more while contended, where it lies at many sources; and what fast links have
/// under way: what comes in this time.
const BUDGET_MIN_BYTES: u64 = 512 * 1024;
const CONTENDED_BUDGET_MIN_BYTES: u64 = 1024 * 1024;
const BUDGET_TIME: Duration = Duration::from_millis(500);
/// Another source is asked for the first unit after this time.
const FIRST_ANSWER: Duration = Duration::from_millis(100);
/// Unless the first one comes at least so fast, in bytes a second. What came is told this much later.
const FIRST_RATE: u64 = 128 * 1024;
const FIRST_REPORTS: Duration = Duration::from_millis(300);
/// Another untried source is tried beside the others after this time as long as the last one brought more; else after a
/// time that doubles.
pub(super) const TRY_ANOTHER: Duration = Duration::from_millis(500);
/// A slow source that the others are ahead of is tried again after this time.
const TRY_AGAIN: Duration = Duration::from_secs(10);
/// What an untried source is expected to take for a unit.
const UNTRIED: Duration = Duration::from_millis(100);
/// A unit is asked of fewer sources than this at a time.
const MAX_COPIES: u8 = 4;
/// Times are compared up to this one.
const FOR_EVER: Duration = Duration::from_hours(1_000);
/// Before so much came, picks begin anywhere in the window: those who click at the same moment do not fetch the same.
const SCATTERED_BYTES: u64 = 2 * 1024 * 1024;
/// With so many requests under way there is something better to do than to ask a complete source outside the own share.
const BUSY_REQUESTS: usize = 4;
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
    /// A source that may take another request: by chance, because everyone asks, and a fixed order would load the first
    /// ones; the fastest one while the budget is so small that only few are asked.
    pub(super) fn next_thirsty(&self, random: &mut Random, now: Instant) -> Option<PeerId> {
        if self.bytes_fetched > 0 && self.budget() <= self.least_budget() {
            let pace =
                |peer: &PeerId| self.sources.get(*peer).and_then(|source| source.record.pace.rate(now));
            let proven = self.thirsty.iter().filter_map(|peer| Some((pace(peer)?, *peer)));
            let fastest = proven.max_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            if let Some((_, peer)) = fastest {
                return Some(peer);
            }
        }
        let mut start = [0; 32];
        start[..8].copy_from_slice(&random.next().to_be_bytes());
        let start = PeerId(start);
        self.thirsty.range(start..).next().or(self.thirsty.first()).copied()
    }

    /// The next request to a source; `None`: it has enough to do, or nothing that is wanted.
    pub(super) fn pick(&mut self, peer: PeerId, random: &mut Random, now: Instant) -> Option<Vec<UnitIndex>> {
        if !self.sources.may_ask(peer, now) || self.limit_is_filled() || !self.fits_budget(peer, now) {
            return None;
        }
        if self.is_contended() {
            self.pick_contended(peer, random, now).map(|unit| vec![unit])
        } else {
            self.pick_alone(peer, random, now)
        }
    }

    /// Bytes that may be under way in all.
    fn budget(&self) -> u64 {
        let rate = self.recent_rate();
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let product = self.fastest.map_or(0, |fastest| (rate / 400).saturating_mul(millis(fastest)));
        (rate / 1000).saturating_mul(millis(BUDGET_TIME)).max(product).max(self.least_budget())
    }

    fn least_budget(&self) -> u64 {
        if self.is_contended() { CONTENDED_BUDGET_MIN_BYTES } else { BUDGET_MIN_BYTES }
    }

    /// Whether another request may be under way. Of what silent and slow sources owe only what comes soon counts; and one
    /// source is tried beside whatever the others bring, because it may be the fastest.
    fn fits_budget(&mut self, peer: PeerId, now: Instant) -> bool {
        if self.fastest.is_none() {
            return self.fits_beginning(now);
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
        let millis = u64::try_from(waited.saturating_sub(FIRST_REPORTS).as_millis()).unwrap_or(u64::MAX);
        let is_silent = now.saturating_duration_since(self.last_progress) > FIRST_ANSWER * 4;
        let least = MIN_PROGRESS_BYTES.max(millis.saturating_mul(FIRST_RATE) / 1000);
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

    fn is_next_to_try(&self, peer: PeerId, now: Instant) -> bool {
        if self.try_at.is_some_and(|at| now < at) {
            return false;
        }
        let is_untried = |source: &Source| !source.record.has_delivered;
        let mut others = self.sources.iter().filter(|(other, _)| *other != peer);
        self.sources.get(peer).is_some_and(|source| is_untried(source) && source.fetches.is_empty())
            && !others.any(|(_, source)| is_untried(source) && !source.fetches.is_empty())
    }

    fn pick_contended(&mut self, peer: PeerId, random: &mut Random, now: Instant) -> Option<UnitIndex> {
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
        let unit = if source.has == Has::Everything {
            self.pick_from_complete(peer, random, now)
        } else if self.is_useful(peer, now) {
            self.pick_rarest(peer, random)
        } else {
            None
        };
        unit.or_else(|| self.pick_late(peer, now))
    }

    fn pick_alone(&mut self, peer: PeerId, random: &mut Random, now: Instant) -> Option<Vec<UnitIndex>> {
        let source = self.sources.get(peer)?;
        let (pace, is_doubted) = (source.record.pace.rate(now), source.record.is_doubted());
        let request_bytes = bytes_in(pace, REQUEST_TIME).clamp(REQUEST_MIN_BYTES, REQUEST_MAX_BYTES);
        // The line never runs dry between two requests.
        let pipeline_bytes = match pace {
            // What is only tried gets one; alone on the link, it shows how long a unit takes at least.
            None => request_bytes,
            Some(_) => {
                let ahead = request_bytes + bytes_in(pace, REQUEST_AHEAD).min(REQUEST_AHEAD_BYTES);
                bytes_in(pace, PIPELINE_TIME).max(ahead).min(PIPELINE_MAX_BYTES)
            }
        };
        if self.bytes_owed_by(peer) + request_bytes > pipeline_bytes || !self.is_useful(peer, now) {
            return None;
        }
        let mut run = Vec::new();
        if !is_doubted && self.is_window_half_spent() {
            run.extend(self.pick_late(peer, now));
        }
        if !run.is_empty() {
            return Some(run);
        }
        if is_doubted {
            run = self.pick_run(peer, request_bytes, Start::Bytes(WINDOW_BYTES / 4 * 3));
        } else if self.bytes_fetched < SCATTERED_BYTES {
            let window_units = self.window().count() as u64;
            run = self.pick_run(peer, request_bytes, Start::Units(random.below(window_units)));
        } else if let Some(ahead) = self.bytes_ahead(peer, now) {
            run = self.pick_run(peer, request_bytes, Start::Bytes(ahead));
        }
        if run.is_empty() {
            run = self.pick_run(peer, request_bytes, Start::Units(0));
        }
        if run.is_empty() {
            run.extend(self.pick_late(peer, now));
        }
        (!run.is_empty()).then_some(run)
    }

    fn bytes_owed_by(&self, peer: PeerId) -> u64 {
        self.sources.get(peer).map_or(0, |source| self.owed_bytes(source))
    }

    /// Less than half of the window is missing, and its first unit is owed: a late one would soon hold all up.
    fn is_window_half_spent(&self) -> bool {
        let is_head_owed = matches!(self.units.get(self.window_start()), Some(UnitState::Requested(_)));
        let left = || {
            let missing = self.window().filter(|(_, state)| *state == UnitState::Missing);
            let units = self.manifest.units();
            missing.map(|(unit, _)| u64::from(units[unit.as_usize()].bytes)).sum::<u64>()
        };
        is_head_owed && left() < WINDOW_BYTES / 2
    }

    fn owed_bytes(&self, source: &Source) -> u64 {
        let fetches = source.fetches.iter().filter_map(|fetch| self.fetches.get(fetch));
        fetches.map(Fetch::bytes_owed).sum()
    }

    /// How long a source would take for one unit more; `None` if it was never tried.
    fn expected(&self, peer: PeerId, now: Instant) -> Option<Duration> {
        let pace = self.sources.get(peer)?.record.pace.rate(now)?;
        Some(time_for(self.bytes_owed_by(peer) + REQUEST_MIN_BYTES, pace))
    }

    /// Whether a source would bring a unit before the others come to it. One of which nothing is known may; a slow one is
    /// tried again after a while.
    fn is_useful(&self, peer: PeerId, now: Instant) -> bool {
        let Some(expected) = self.expected(peer, now) else { return true };
        let others = self.sources.pace_of_others(peer, self.natural_silence(), now);
        if others == 0.0 {
            return true;
        }
        let reach = time_for(WINDOW_BYTES.min(self.bytes_left()), others);
        let asked = self.sources.get(peer).and_then(|source| source.asked);
        let is_due = asked.is_none_or(|asked| now >= asked + TRY_AGAIN);
        expected <= reach * 2 + GRACE || is_due
    }

    /// How far the others get while a slow source brings a unit; `None` for one that is among the fast ones.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positive and far below 2^53"
    )]
    fn bytes_ahead(&self, peer: PeerId, now: Instant) -> Option<u64> {
        let pace = self.sources.get(peer)?.record.pace.rate(now)?;
        let others = self.sources.pace_of_others(peer, self.natural_silence(), now);
        let expected = self.expected(peer, now)?;
        (pace * 4.0 < others).then(|| ((others * expected.as_secs_f64()) as u64).min(WINDOW_BYTES))
    }

    /// The window's units, first to last.
    pub(super) fn window(&self) -> impl Iterator<Item = (UnitIndex, UnitState)> + '_ {
        let mut bytes = 0;
        let start = self.window_start();
        let units = self.manifest.units()[start..].iter().zip(&self.units[start..]);
        let first = u32::try_from(start).unwrap_or(u32::MAX);
        (first..).zip(units).map_while(move |(index, (unit, state))| {
            let is_inside = bytes < WINDOW_BYTES;
            bytes += u64::from(unit.bytes);
            is_inside.then_some((UnitIndex(index), *state))
        })
    }

    /// Neighbouring missing units that the source has, up to one request.
    fn pick_run(&self, peer: PeerId, request_bytes: u64, start: Start) -> Vec<UnitIndex> {
        let Some(source) = self.sources.get(peer) else { return Vec::new() };
        let skip = match start {
            Start::Units(units) => usize::try_from(units).unwrap_or(0),
            Start::Bytes(bytes) => self.window_units_in(bytes),
        };
        let mut run = Vec::new();
        let mut bytes = 0;
        for (unit, state) in self.window().skip(skip) {
            let is_wanted = state == UnitState::Missing && source.has.contains(unit);
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

    /// How many of the window's first units are so many bytes.
    fn window_units_in(&self, bytes: u64) -> usize {
        let mut sum = 0;
        let units = self.manifest.units()[self.window_start()..].iter();
        units
            .take_while(|unit| {
                sum += u64::from(unit.bytes);
                sum <= bytes
            })
            .count()
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

    /// A downloader uploads so much faster than this peer that what it fetches first is everywhere sooner.
    fn is_much_stronger(&self, peer: PeerId) -> bool {
        self.sources.get(peer).is_some_and(|source| source.is_rival && source.weight > self.weight + 1)
    }

    /// A stronger downloader delivers and announces: what it has not announced yet comes from it soon. To ask a complete
    /// peer for that would only slow the stronger one down.
    pub(super) fn is_supplied_by_stronger(&self, now: Instant) -> bool {
        let mut counted = self.sources.iter().filter(|(_, source)| source.is_counted);
        counted.any(|(peer, source)| {
            self.is_much_stronger(peer) && !self.neglects_its_share(peer, source.record.took, now)
        })
    }

    /// Next to nothing is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.fetches.len() < BUSY_REQUESTS
    }

    /// Requests under way to sources that are neither silent nor slow.
    fn requests_that_bring(&self, now: Instant) -> usize {
        let natural = self.natural_silence();
        let brings = |source: &Source| {
            (source.is_counted || source.has == Has::Everything) && !source.is_silent(natural, now)
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

    /// Who of the downloaders fetches a unit first. Computed when the unit is considered, and kept up to date from then
    /// on as downloaders come and go.
    fn first_fetcher(&mut self, unit: UnitIndex) -> PeerId {
        let Some(known) = self.first_fetchers.get(unit.as_usize()) else { return self.me };
        if let Some((_, owner)) = known {
            return *owner;
        }
        let salt = self.salt(unit);
        let rivals = self.sources.iter().filter(|(_, source)| source.is_rival);
        let rivals = rivals.map(|(peer, source)| (peer, source.weight)).chain([(self.me, self.weight)]);
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
        let Has::Some(has) = &self.sources.get(peer)?.has else { return None };
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

    /// The first unit that other sources owe and would bring much later than this one.
    fn pick_late(&mut self, peer: PeerId, now: Instant) -> Option<UnitIndex> {
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
                if !is_open || !source.has.contains(owed.unit) {
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
}

/// Where in the window a pick begins.
#[derive(Clone, Copy, Debug)]
enum Start {
    /// After so many units.
    Units(u64),
    /// After so many bytes.
    Bytes(u64),
}

/// Whether a unit comes in time.
#[derive(Clone, Copy, Debug)]
enum Lateness {
    InTime,
    Slow,
    Silent,
    /// Silent from then on, if nothing comes.
    SilentAt(Instant),
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn time_for(bytes: u64, bytes_per_sec: f64) -> Duration {
    Duration::try_from_secs_f64(bytes as f64 / bytes_per_sec).unwrap_or(Duration::MAX / 16).min(FOR_EVER)
}

/// What a source delivers in this time; nothing is known of an untried one.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive and far below 2^53")]
fn bytes_in(bytes_per_sec: Option<f64>, time: Duration) -> u64 {
    bytes_per_sec.map_or(0, |pace| (pace * time.as_secs_f64()) as u64)
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
