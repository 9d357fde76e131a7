//! The state of a running download: its units, its sources, what is asked of whom.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lanspread_protocol::message::WantedUnit;
use lanspread_protocol::{Manifest, PeerId, UnitIndex, UnitSet};

use super::rate::Rate;
use crate::engine::DOWNLOAD_TICK;
use crate::ids::FetchId;
use crate::input::Opened;
use crate::view::MapCell;

/// A source that brings nothing in this time is given up, at first.
pub(super) const STALL: Duration = Duration::from_secs(4);
/// No source is waited for longer.
pub(super) const LONGEST_PATIENCE: Duration = Duration::from_mins(1);

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

/// What a source has.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Has {
    Everything,
    Some(UnitSet),
}

/// A peer that has something of the payload.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) has: Has,
    pub(super) rate: Rate,
    pub(super) fetches: BTreeSet<FetchId>,
    /// It failed lately: nothing is asked before.
    pub(super) cool_until: Option<Instant>,
    pub(super) strikes: u32,
    /// When it last brought a unit, or was asked after a rest.
    pub(super) delivered: Instant,
    /// How long after its request the last unit came.
    pub(super) took: Duration,
    /// How long it may bring nothing: at least the time its units took.
    pub(super) patience: Duration,
    /// Its weight among the downloaders; 0 for a complete source.
    pub(super) weight: u8,
    /// When it last announced units, and how far apart announcements are.
    pub(super) news: Instant,
    pub(super) news_interval: Duration,
}

/// A request under way.
#[derive(Debug)]
pub(super) struct Fetch {
    pub(super) source: PeerId,
    /// What has not come yet.
    pub(super) units: Vec<UnitIndex>,
    /// Its end is awaited; what still comes is welcome.
    pub(super) cancelled: bool,
    pub(super) asked: Instant,
    pub(super) progress: Instant,
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
    /// How many partial sources have a unit.
    pub(super) availability: Vec<u16>,
    pub(super) sources: BTreeMap<PeerId, Source>,
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
    pub(super) rate: Rate,
    /// Bytes a second that may come for it all together; 0 is unlimited.
    limit: u64,
    /// How long a unit takes from another downloader, on average.
    pub(super) latency: Duration,
    tick: Instant,
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
            sources: BTreeMap::new(),
            fetches: BTreeMap::new(),
            duplicates: 0,
            thirsty: BTreeSet::new(),
            news: Vec::new(),
            first_fetchers: vec![None; count],
            rivals: 0,
            rate: Rate::new(now),
            limit: 0,
            latency: Duration::from_secs(1),
            tick: now + DOWNLOAD_TICK,
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

    pub(crate) fn rate(&self) -> u64 {
        self.rate.last()
    }

    pub(crate) fn source_rates(&self) -> impl Iterator<Item = (PeerId, u64)> + '_ {
        self.sources.iter().map(|(peer, source)| (*peer, source.rate.last()))
    }

    pub(crate) fn source_count(&self) -> usize {
        self.sources.len()
    }

    pub(super) fn next_tick(&self) -> Instant {
        self.tick
    }

    pub(super) fn tick_is_due(&mut self, now: Instant) -> bool {
        let is_due = self.tick <= now;
        if is_due {
            self.tick = now + DOWNLOAD_TICK;
        }
        is_due
    }

    /// The request for a unit, without what is here.
    pub(super) fn wanted(&self, unit: UnitIndex) -> WantedUnit {
        WantedUnit { unit, skip: self.skips.get(&unit).cloned().unwrap_or_default() }
    }

    /// Bytes that a request for the unit brings.
    pub(super) fn wanted_bytes(&self, unit: UnitIndex) -> u64 {
        let Some(about) = self.manifest.units().get(unit.as_usize()) else { return 0 };
        let Some(skip) = self.skips.get(&unit) else { return u64::from(about.bytes) };
        let wanted = WantedUnit { unit, skip: skip.clone() };
        let chunks = &self.manifest.chunks()[about.chunks.start as usize..about.chunks.end as usize];
        let wanted = chunks.iter().enumerate().filter(|(nth, _)| wanted.wants(*nth));
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

    pub(super) fn add_source(&mut self, peer: PeerId, has: Has, weight: u8, now: Instant) {
        self.remove_source(peer);
        if let Has::Some(units) = &has {
            for unit in units.iter() {
                self.count_available(unit, true);
            }
        }
        let source = Source {
            has,
            rate: Rate::new(now),
            fetches: BTreeSet::new(),
            cool_until: None,
            strikes: 0,
            delivered: now,
            took: Duration::ZERO,
            patience: STALL,
            weight,
            news: now,
            news_interval: Duration::from_secs(1),
        };
        self.sources.insert(peer, source);
        self.thirsty.insert(peer);
        self.rivals += usize::from(weight > 0);
        self.rival_came(peer, weight);
    }

    /// The source's offer changed; what runs goes on.
    pub(super) fn update_source(&mut self, peer: PeerId, has: Has, weight: u8, now: Instant) {
        let Some(old) = self.sources.get(&peer) else { return self.add_source(peer, has, weight, now) };
        if old.has == has && old.weight == weight {
            return;
        }
        let Some(old) = self.remove_source(peer) else { return };
        self.add_source(peer, has, weight, now);
        if let Some(source) = self.sources.get_mut(&peer) {
            *source = Source { has: std::mem::replace(&mut source.has, Has::Everything), weight, ..old };
        }
    }

    pub(super) fn remove_source(&mut self, peer: PeerId) -> Option<Source> {
        let source = self.sources.remove(&peer)?;
        if let Has::Some(units) = &source.has {
            for unit in units.iter() {
                self.count_available(unit, false);
            }
        }
        self.thirsty.remove(&peer);
        self.rivals -= usize::from(source.weight > 0);
        self.rival_left(peer);
        Some(source)
    }

    /// A partial source announced more units.
    pub(crate) fn announced(&mut self, peer: PeerId, units: &[UnitIndex], now: Instant) {
        let count = self.units.len();
        let Some(source) = self.sources.get_mut(&peer) else { return };
        let Has::Some(has) = &mut source.has else { return };
        let new: Vec<UnitIndex> =
            units.iter().copied().filter(|unit| unit.as_usize() < count && has.insert(*unit)).collect();
        source.news_interval = (source.news_interval * 3 + now.saturating_duration_since(source.news)) / 4;
        source.news = now;
        for unit in new {
            self.count_available(unit, true);
        }
        self.thirsty.insert(peer);
    }

    fn count_available(&mut self, unit: UnitIndex, more: bool) {
        if let Some(count) = self.availability.get_mut(unit.as_usize()) {
            *count = if more { count.saturating_add(1) } else { count.saturating_sub(1) };
        }
    }

    /// Whether anything that is missing can come from anyone.
    pub(super) fn is_reachable(&self) -> bool {
        self.sources.values().any(|source| source.has == Has::Everything)
            || self.units[self.cursor..].iter().zip(&self.availability[self.cursor..]).any(
                |(state, available)| {
                    matches!(state, UnitState::Requested(_))
                        || (*state == UnitState::Missing && *available > 0)
                },
            )
    }

    pub(super) fn is_partial_source(&self, peer: PeerId) -> bool {
        self.sources.get(&peer).is_some_and(|source| source.has != Has::Everything)
    }

    pub(super) fn partial_sources(&self) -> impl Iterator<Item = PeerId> + '_ {
        self.sources.iter().filter(|(_, source)| source.has != Has::Everything).map(|(peer, _)| *peer)
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
    pub(super) fn time_at_limit(&self) -> Duration {
        let millis = (self.all_bytes_under_way() * 1000).checked_div(self.limit);
        Duration::from_millis(millis.unwrap_or(0))
    }

    fn all_bytes_under_way(&self) -> u64 {
        let units = self.fetches.values().flat_map(|fetch| &fetch.units);
        units.map(|unit| self.wanted_bytes(*unit)).sum()
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
            let asked = self.fetches.values().filter(|fetch| fetch.units.contains(&unit)).count();
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
