//! What to fetch next from whom.
//!
//! **Alone** with its sources, a download asks each for runs of neighbouring units, as much at once as the source
//! delivers in a moment. Its first picks are scattered: it does not know yet who else begins. **Contended**, while others
//! download the same payload, it asks for single units ([`super::shares`]). How much may be under way in all is the
//! budget ([`super::budget`]).
//!
//! **Slow sources** are asked for units ahead of where the window will be when they deliver, and not at all while the
//! others would be there first; now and then they are tried again. What they owe too late is asked of others as well
//! ([`super::late`]).
//!
//! Units are picked inside a window that moves through the manifest: far writes zero-fill on some filesystems.

use std::time::{Duration, Instant};

use lanspread_protocol::limits::MAX_UNITS_PER_REQUEST;
use lanspread_protocol::{PeerId, UnitIndex};

use super::requests::{Fetch, GRACE};
use super::shares::BUSY_REQUESTS;
use super::sources::Source;
use super::swarm::{Swarm, UnitState};
use crate::random::Random;

/// The window's size in bytes.
pub(super) const WINDOW_BYTES: u64 = 256 * 1024 * 1024;
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
/// A slow source that the others are ahead of is tried again after this time.
const TRY_AGAIN: Duration = Duration::from_secs(10);
/// Times are compared up to this one.
const FOR_EVER: Duration = Duration::from_hours(1_000);
/// Before so much came, picks begin anywhere in the window: those who click at the same moment do not fetch the same.
const SCATTERED_BYTES: u64 = 2 * 1024 * 1024;

impl Swarm {
    /// Returns a source that may take another request: by chance, because everyone asks, and a fixed order would load the
    /// first ones; the fastest one while the budget is so small that only few are asked. Before any unit has come, the
    /// sender of the manifest comes first, because others may be silent.
    pub(super) fn next_thirsty(&self, random: &mut Random, now: Instant) -> Option<PeerId> {
        if self.fastest.is_none()
            && let Some(peer) = self.answered.filter(|peer| self.thirsty.contains(peer))
        {
            return Some(peer);
        }
        if self.bytes_fetched > 0 && (self.is_link_full(now) || self.budget() <= self.least_budget()) {
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

    pub(super) fn owed_bytes(&self, source: &Source) -> u64 {
        let fetches = source.fetches.iter().filter_map(|fetch| self.fetches.get(fetch));
        fetches.map(Fetch::bytes_owed).sum()
    }

    /// Returns the time in which a source would bring one unit more; `None` if it was never tried.
    pub(super) fn expected(&self, peer: PeerId, now: Instant) -> Option<Duration> {
        let pace = self.sources.get(peer)?.record.pace.rate(now)?;
        Some(time_for(self.bytes_owed_by(peer) + REQUEST_MIN_BYTES, pace))
    }

    /// Whether a source would bring a unit before the others come to it. One of which nothing is known may; a slow one is
    /// tried again after a while.
    pub(super) fn is_useful(&self, peer: PeerId, now: Instant) -> bool {
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

    /// Returns the bytes that the others bring while a slow source brings a unit; `None` for one that is among the fast ones.
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
            let is_wanted = state == UnitState::Missing && source.offered.has.contains(unit);
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

    /// Returns the number of the window's first units that are so many bytes.
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

    /// Next to nothing is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.fetches.len() < BUSY_REQUESTS
    }
}

/// The place in the window where a pick begins.
#[derive(Clone, Copy, Debug)]
enum Start {
    /// After so many units.
    Units(u64),
    /// After so many bytes.
    Bytes(u64),
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
pub(super) fn time_for(bytes: u64, bytes_per_sec: f64) -> Duration {
    Duration::try_from_secs_f64(bytes as f64 / bytes_per_sec).unwrap_or(Duration::MAX / 16).min(FOR_EVER)
}

/// Returns the bytes that come in this time; 0 where the rate is not known.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive and far below 2^53")]
pub(super) fn bytes_in(bytes_per_sec: Option<f64>, time: Duration) -> u64 {
    bytes_per_sec.map_or(0, |pace| (pace * time.as_secs_f64()) as u64)
}
