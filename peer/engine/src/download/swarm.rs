//! The state of a running download: its units, its sources, what is asked of whom.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lanspread_protocol::message::WantedUnit;
use lanspread_protocol::{Manifest, PeerId, UnitIndex, UnitSet};

use super::budget::TRY_ANOTHER;
use super::rate::{Peak, Rate};
use super::requests::Fetch;
use super::sources::{Has, LONGEST_PATIENCE, Offered, Sources, Yardstick};
use crate::engine::DOWNLOAD_TICK;
use crate::ids::FetchId;
use crate::input::Opened;
use crate::view::MapCell;

/// Less does not fill any link, so that nobody's silence is explained by it.
const MIN_RATE: u64 = 8 * 1024;
/// After so long without a byte another download takes this one's turn.
const STARVED: Duration = Duration::from_secs(10);
/// A unit is in exactly one of these states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UnitState {
    Here,
    /// Comes by itself with the units that hold its chunks first.
    Follows,
    Missing,
    /// Asked of this many sources; more than one only in the endgame.
    Requested(u8),
}

#[derive(Debug)]
pub(crate) struct Swarm {
    pub(super) manifest: Arc<Manifest>,
    pub(super) me: PeerId,
    pub(super) weight: u8,
    pub(super) units: Vec<UnitState>,
    here: UnitSet,
    /// Which chunks of a unit not to ask for, where that is not nothing.
    skips: BTreeMap<UnitIndex, Vec<u8>>,
    pub(super) units_left: usize,
    bytes_left: u64,
    pub(super) bytes_fetched: u64,
    /// All units before this are here or follow.
    pub(super) cursor: usize,
    /// The number of trusted partial sources that have a unit.
    pub(super) availability: Vec<u16>,
    /// The number of partial sources that offer it.
    holders: Vec<u16>,
    pub(super) sources: Sources,
    pub(super) fetches: BTreeMap<FetchId, Fetch>,
    /// Requests for units that were asked for already; counted up to the last request's end.
    pub(super) duplicates: u32,
    /// Sources that might take another request.
    pub(super) thirsty: BTreeSet<PeerId>,
    /// Units that were verified since the last announcement.
    pub(super) news: Vec<UnitIndex>,
    /// Who fetches a unit first, with the winning score; `None` until the unit is considered.
    pub(super) first_fetchers: Vec<Option<(f64, PeerId)>>,
    /// Sources that download themselves.
    pub(super) rivals: usize,
    /// All that comes, for decisions and for people.
    pub(super) rate: Rate,
    pub(super) shown_rate: Rate,
    /// Bytes that came in vain, because another source brought them first.
    pub(super) wasted: u64,
    /// The peer that sent the manifest; it is asked first.
    pub(super) answered: Option<PeerId>,
    /// The shortest time that a unit took.
    pub(super) fastest: Option<Duration>,
    /// The highest rate lately, of all that came or of one unit.
    pub(super) peak: Peak,
    /// The last source that delivered for the first time brought hardly more than came without it.
    pub(super) more_brings_nothing: bool,
    /// See [`Self::natural_silence`].
    natural: Duration,
    /// The time when another untried source may be tried beside the others, and the pause after that.
    pub(super) try_at: Option<Instant>,
    pub(super) try_pause: Duration,
    /// The rate when one was tried last.
    pub(super) rate_before_try: u64,
    /// Bytes that came, of units or not.
    pub(super) received: u64,
    pub(super) began: Instant,
    /// The time of the last progress of any source.
    pub(super) last_progress: Instant,
    /// Bytes a second that may come for it all together; 0 is unlimited.
    limit: u64,
    tick: Instant,
    /// The time when a unit that a silent source owes may be asked of another one.
    pub(super) look_at: Option<Instant>,
}

impl Swarm {
    pub(super) fn new(manifest: Arc<Manifest>, opened: Opened, me: PeerId, weight: u8, now: Instant) -> Self {
        let count = manifest.units().len();
        let mut units = vec![UnitState::Follows; count];
        let mut skips = BTreeMap::new();
        for WantedUnit { unit, skip } in opened.wanted {
            if let Some(state) = units.get_mut(unit.as_usize()) {
                *state = UnitState::Missing;
                if !skip.is_empty() {
                    skips.insert(unit, skip);
                }
            }
        }
        let mut here = UnitSet::new();
        for unit in opened.here.iter() {
            if let Some(state) = units.get_mut(unit.as_usize()) {
                *state = UnitState::Here;
                here.insert(unit);
            }
        }
        let mut swarm = Self {
            units_left: count - here.len(),
            me,
            weight,
            units,
            here,
            skips,
            bytes_left: opened.bytes_missing,
            bytes_fetched: 0,
            cursor: 0,
            availability: vec![0; count],
            holders: vec![0; count],
            sources: Sources::default(),
            fetches: BTreeMap::new(),
            duplicates: 0,
            thirsty: BTreeSet::new(),
            news: Vec::new(),
            first_fetchers: vec![None; count],
            rivals: 0,
            rate: Rate::new(now),
            shown_rate: Rate::shown(now),
            wasted: 0,
            answered: None,
            fastest: None,
            peak: Peak::new(now),
            more_brings_nothing: false,
            natural: Duration::ZERO,
            try_at: None,
            try_pause: TRY_ANOTHER,
            rate_before_try: 0,
            received: 0,
            began: now,
            last_progress: now,
            limit: 0,
            tick: now + DOWNLOAD_TICK,
            look_at: None,
            manifest,
        };
        swarm.move_cursor();
        swarm
    }

    pub(crate) fn manifest(&self) -> &Arc<Manifest> {
        &self.manifest
    }

    /// Units that are verified and on disk.
    pub(crate) fn here(&self) -> &UnitSet {
        &self.here
    }

    pub(crate) fn bytes_done(&self) -> u64 {
        self.manifest.total_bytes().saturating_sub(self.bytes_left)
    }

    /// The units in their order.
    pub(crate) fn map(&self) -> Vec<MapCell> {
        let cell = |state: &UnitState| match state {
            UnitState::Here => MapCell::Here,
            UnitState::Follows | UnitState::Requested(_) => MapCell::OnTheWay,
            UnitState::Missing => MapCell::Missing,
        };
        self.units.iter().map(cell).collect()
    }

    pub(crate) fn bytes_left(&self) -> u64 {
        self.bytes_left
    }

    /// Bytes a second, for people.
    pub(crate) fn rate(&self) -> u64 {
        self.shown_rate.last()
    }

    /// Brings the rates up to date; returns bytes a second, for people.
    pub(super) fn rate_now(&mut self, now: Instant) -> u64 {
        self.rate.get(now);
        self.shown_rate.get(now)
    }

    /// Bytes a second as of the last sample, for decisions.
    pub(super) fn recent_rate(&self) -> u64 {
        self.rate.last()
    }

    pub(crate) fn source_rates(&self) -> impl Iterator<Item = (PeerId, u64)> + '_ {
        self.sources.iter().map(|(peer, source)| (peer, source.rate.last()))
    }

    pub(crate) fn source_count(&self) -> usize {
        self.sources.len()
    }

    pub(super) fn next_timeout(&self) -> Instant {
        self.look_at.map_or(self.tick, |look_at| self.tick.min(look_at))
    }

    /// Whether the sources are to be looked at, between two ticks.
    pub(super) fn look_is_due(&mut self, now: Instant) -> bool {
        self.look_at.take_if(|at| *at <= now).is_some()
    }

    pub(super) fn tick_is_due(&mut self, now: Instant) -> bool {
        let is_due = self.tick <= now;
        if is_due {
            self.tick = now + DOWNLOAD_TICK;
        }
        is_due
    }

    /// Nothing came for so long that another download takes its turn.
    pub(crate) fn is_starved(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.last_progress) > STARVED
    }

    /// The request for a unit, without what is here.
    pub(super) fn wanted(&self, unit: UnitIndex) -> WantedUnit {
        WantedUnit { unit, skip: self.skips.get(&unit).cloned().unwrap_or_default() }
    }

    /// Bytes that a request for the unit brings.
    pub(super) fn wanted_bytes(&self, unit: UnitIndex) -> u64 {
        let Some(about) = self.manifest.units().get(unit.as_usize()) else { return 0 };
        let Some(skip) = self.skips.get(&unit) else { return u64::from(about.bytes) };
        let is_skipped = |nth: usize| skip.get(nth / 8).is_some_and(|byte| byte & (1 << (nth % 8)) != 0);
        let chunks = &self.manifest.chunks()[about.chunks.start as usize..about.chunks.end as usize];
        let wanted = chunks.iter().enumerate().filter(|(nth, _)| !is_skipped(*nth));
        wanted.map(|(_, chunk)| u64::from(chunk.bytes)).sum()
    }

    /// A unit is whole on disk.
    pub(super) fn complete(&mut self, unit: UnitIndex) {
        let Some(state) = self.units.get_mut(unit.as_usize()) else { return };
        let old = std::mem::replace(state, UnitState::Here);
        if old == UnitState::Here {
            return;
        }
        if old != UnitState::Follows {
            self.bytes_left = self.bytes_left.saturating_sub(self.wanted_bytes(unit));
        }
        self.here.insert(unit);
        self.units_left -= 1;
        self.news.push(unit);
        self.move_cursor();
    }

    fn move_cursor(&mut self) {
        let is_done = |state: &UnitState| matches!(state, UnitState::Here | UnitState::Follows);
        while self.units.get(self.cursor).is_some_and(is_done) {
            self.cursor += 1;
        }
    }

    /// A unit was written, and waits for chunks that other units bring.
    pub(super) fn written(&mut self, unit: UnitIndex) {
        let bytes = self.wanted_bytes(unit);
        if let Some(state) = self.units.get_mut(unit.as_usize())
            && !matches!(state, UnitState::Here | UnitState::Follows)
        {
            *state = UnitState::Follows;
            self.bytes_left = self.bytes_left.saturating_sub(bytes);
            self.move_cursor();
        }
    }

    /// Adds a source, or takes its new offer over; its requests go on.
    pub(super) fn set_source(&mut self, peer: PeerId, offered: Offered, now: Instant) {
        if self.sources.get(peer).is_some_and(|source| source.offered == offered) {
            return;
        }
        self.uncount(peer);
        count_all(&mut self.holders, &offered.has, true);
        if let Some(old) = self.sources.set(peer, offered, now) {
            count_all(&mut self.holders, &old.has, false);
        }
        self.thirsty.insert(peer);
        self.judge(peer, now);
    }

    /// Takes a source out. Its requests, if it still has any, are to be cancelled: nobody looks after them any more.
    pub(super) fn remove_source(&mut self, peer: PeerId, now: Instant) -> Vec<FetchId> {
        self.uncount(peer);
        self.thirsty.remove(&peer);
        let Some(source) = self.sources.remove(peer, now) else { return Vec::new() };
        count_all(&mut self.holders, &source.offered.has, false);
        // What is left to do may be others' now.
        self.everyone_is_thirsty();
        self.cancel_from(peer)
    }

    /// A source counts no longer: neither what it announced, nor as a fellow downloader.
    fn uncount(&mut self, peer: PeerId) {
        self.set_counted(peer, false);
        self.set_rival(peer, false);
    }

    /// Decides whether a source is a fellow downloader, and whether what it announced counts.
    pub(super) fn judge(&mut self, peer: PeerId, now: Instant) {
        let yardstick = self.sources.yardstick(self.natural_silence(), now);
        self.judge_by(yardstick, peer, now);
    }

    /// As [`Self::judge`], of all sources.
    pub(super) fn judge_all(&mut self, now: Instant) {
        let yardstick = self.sources.yardstick(self.natural_silence(), now);
        let peers: Vec<PeerId> = self.sources.peers().collect();
        for peer in peers {
            self.judge_by(yardstick, peer, now);
        }
    }

    fn judge_by(&mut self, yardstick: Yardstick, peer: PeerId, now: Instant) {
        let Some(source) = self.sources.get(peer) else { return };
        let is_trusted = source.offered.has != Has::Everything && yardstick.trusts(source, now);
        let is_rival = yardstick.is_rival(source, now);
        self.set_counted(peer, is_trusted);
        self.set_rival(peer, is_rival);
    }

    fn set_counted(&mut self, peer: PeerId, is_counted: bool) {
        let Some(source) = self.sources.get_mut(peer).filter(|source| source.is_counted != is_counted) else {
            return;
        };
        source.is_counted = is_counted;
        count_all(&mut self.availability, &source.offered.has, is_counted);
    }

    fn set_rival(&mut self, peer: PeerId, is_rival: bool) {
        let Some(source) = self.sources.get_mut(peer).filter(|source| source.is_rival != is_rival) else {
            return;
        };
        source.is_rival = is_rival;
        let weight = source.offered.weight;
        if is_rival {
            self.rivals += 1;
            self.rival_came(peer, weight);
        } else {
            self.rivals -= 1;
            self.rival_left(peer);
        }
    }

    /// A partial source announced more units.
    pub(crate) fn announced(&mut self, peer: PeerId, units: &[UnitIndex], now: Instant) {
        let count = self.units.len();
        let Some(source) = self.sources.get_mut(peer) else { return };
        let Has::Some(has) = &mut source.offered.has else { return };
        let new = units.iter().copied().filter(|unit| unit.as_usize() < count && has.insert(*unit));
        let is_counted = source.is_counted;
        for unit in new {
            count_available(&mut self.holders, unit, true);
            if is_counted {
                count_available(&mut self.availability, unit, true);
            }
        }
        source.news_interval = (source.news_interval * 3 + now.saturating_duration_since(source.news)) / 4;
        source.news = now;
        self.thirsty.insert(peer);
    }

    /// Whether anything that is missing can come from anyone.
    pub(super) fn is_reachable(&self) -> bool {
        !self.fetches.is_empty() || self.window_start() < self.units.len()
    }

    /// Where the window begins: at the first unit that is to come and that somebody has. What nobody has does not hold up
    /// what others could send.
    pub(super) fn window_start(&self) -> usize {
        if self.sources.iter().any(|(_, source)| source.offered.has == Has::Everything) {
            return self.cursor;
        }
        let states = self.units.iter().zip(&self.holders).skip(self.cursor);
        let can_come = |(state, holders): (&UnitState, &u16)| match state {
            UnitState::Requested(_) => true,
            UnitState::Missing => *holders > 0,
            UnitState::Here | UnitState::Follows => false,
        };
        self.cursor + states.take_while(|about| !can_come(*about)).count()
    }

    pub(super) fn is_partial_source(&self, peer: PeerId) -> bool {
        self.sources.get(peer).is_some_and(|source| source.offered.has != Has::Everything)
    }

    pub(super) fn partial_sources(&self) -> impl Iterator<Item = PeerId> + '_ {
        self.sources.iter().filter(|(_, source)| source.offered.has != Has::Everything).map(|(peer, _)| peer)
    }

    /// Chunks of a unit were written, of a request that ended early: they are not asked for again.
    pub(super) fn chunks_written(&mut self, written: &WantedUnit, bytes: u64) {
        let Some(about) = self.manifest.units().get(written.unit.as_usize()) else { return };
        let chunks = about.chunks.len();
        let mut rest = self.wanted(written.unit);
        for nth in (0..chunks).filter(|nth| written.wants(*nth)) {
            rest.skip_chunk(nth);
        }
        let is_owed = self
            .units
            .get(written.unit.as_usize())
            .is_some_and(|state| matches!(state, UnitState::Missing | UnitState::Requested(_)));
        if is_owed {
            let before = self.wanted_bytes(written.unit);
            self.skips.insert(written.unit, rest.skip);
            let new = before - self.wanted_bytes(written.unit);
            self.bytes_left = self.bytes_left.saturating_sub(new);
            self.bytes_fetched += new;
            self.note_wasted(bytes.saturating_sub(new));
        } else {
            self.note_wasted(bytes);
        }
    }

    /// So many verified units are told at once, without waiting for the batch: while the uplink is idle, and while it is
    /// not. The first copy of a unit is what the others wait for; in a large swarm each announcement goes to many.
    pub(super) fn announcement_units(&self) -> (usize, usize) {
        (1 + self.rivals / 16, 4 + self.rivals / 4)
    }

    /// Other peers download the same payload now.
    pub(super) fn is_contended(&self) -> bool {
        self.rivals > 0
    }

    /// This peer's own weight changed, and with it everyone's shares.
    pub(super) fn set_weight(&mut self, weight: u8) {
        self.weight = weight;
        self.first_fetchers.fill(None);
    }

    /// All sources together may bring so many bytes a second from now on; 0 is unlimited.
    pub(crate) fn set_limit(&mut self, bytes_per_sec: u64) {
        self.limit = bytes_per_sec;
        self.everyone_is_thirsty();
    }

    pub(super) fn is_limited(&self) -> bool {
        self.limit > 0
    }

    /// What is under way fills the limit for a second: more would only wait, and look like stalled sources.
    pub(super) fn limit_is_filled(&self) -> bool {
        self.is_limited() && !self.fetches.is_empty() && self.all_bytes_under_way() >= self.limit
    }

    /// How long everything that is under way takes at the limit.
    fn time_at_limit(&self) -> Duration {
        let millis = (self.all_bytes_under_way() * 1000).checked_div(self.limit);
        Duration::from_millis(millis.unwrap_or(0))
    }

    /// How long a source may bring nothing because what others send fills this peer's link, or because of its own limit:
    /// as of the last tick.
    pub(super) fn natural_silence(&self) -> Duration {
        self.natural
    }

    pub(super) fn measure_natural_silence(&mut self, now: Instant) {
        let rate = self.recent_rate();
        // What silent sources owe fills no link.
        let comes = |fetch: &&Fetch| {
            let source = self.sources.get(fetch.source);
            source.is_some_and(|source| source.brings(now))
        };
        let coming: u64 = self.fetches.values().filter(comes).map(Fetch::bytes_owed).sum();
        let millis = if rate < MIN_RATE { 0 } else { coming * 2000 / rate };
        self.natural = Duration::from_millis(millis).max(self.time_at_limit()).min(LONGEST_PATIENCE);
    }

    #[cfg(debug_assertions)]
    pub(super) fn next_tick(&self) -> Instant {
        self.tick
    }

    /// The time of the last check.
    #[cfg(debug_assertions)]
    pub(super) fn last_tick(&self) -> Instant {
        self.tick.checked_sub(DOWNLOAD_TICK).unwrap_or(self.tick)
    }

    fn all_bytes_under_way(&self) -> u64 {
        self.fetches.values().map(Fetch::bytes_owed).sum()
    }

    /// Units that are still to come from someone.
    pub(crate) fn missing(&self) -> UnitSet {
        let states = (0..).map(UnitIndex).zip(&self.units);
        let is_missing = |state: &UnitState| matches!(state, UnitState::Missing | UnitState::Requested(_));
        states.filter(|(_, state)| is_missing(state)).map(|(unit, _)| unit).collect()
    }

    /// Something can be asked for.
    pub(super) fn lacks_anything(&self) -> bool {
        self.units.contains(&UnitState::Missing)
    }
}

fn count_available(availability: &mut [u16], unit: UnitIndex, more: bool) {
    if let Some(count) = availability.get_mut(unit.as_usize()) {
        *count = if more { count.saturating_add(1) } else { count.saturating_sub(1) };
    }
}

fn count_all(counts: &mut [u16], has: &Has, more: bool) {
    if let Has::Some(units) = has {
        for unit in units.iter() {
            count_available(counts, unit, more);
        }
    }
}

#[cfg(debug_assertions)]
impl Swarm {
    /// What is counted is what is there. Costs a walk over the units, so large payloads are checked now and then only.
    pub(crate) fn check_invariants(&self) {
        let every = (self.units.len() / 64).max(1);
        if self.units.len() > 256 && !self.units_left.is_multiple_of(every) {
            return;
        }
        let here = self.units.iter().filter(|state| **state == UnitState::Here).count();
        assert_eq!(here + self.units_left, self.units.len(), "units are lost");
        assert_eq!(here, self.here.len(), "units here are counted twice");
        for (unit, state) in (0_u32..).map(UnitIndex).zip(&self.units) {
            let asked = self.fetches.values().filter(|fetch| fetch.owes(unit)).count();
            if let UnitState::Requested(count) = state {
                assert_eq!(usize::from(*count), asked, "unit {} is asked for {asked} times", unit.0);
            }
            if *state == UnitState::Missing {
                assert_eq!(asked, 0, "unit {} is missing and asked for", unit.0);
            }
        }
        let before = &self.units[..self.cursor];
        assert!(
            before.iter().all(|state| matches!(state, UnitState::Here | UnitState::Follows)),
            "the cursor ran ahead"
        );
        let head = self.units.get(self.cursor);
        let is_owed = |state: &UnitState| matches!(state, UnitState::Missing | UnitState::Requested(_));
        assert!(head.is_none_or(is_owed), "the window does not begin at what is missing");
    }
}
