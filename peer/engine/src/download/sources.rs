//! The sources of a running download, judged by what they deliver.
//!
//! - A source's *pace* is its rate while it owes something. It falls while nothing comes.
//! - A request that brought nothing is a *strike*: the source rests, longer each time. Strikes end with the next
//!   delivery, not with a reconnection: the [`Record`] of a source that left is kept.
//! - What a source announces counts as available once it is *trusted*: it delivered, has no strike, is not silent, and is
//!   not far slower than the others.
//! - Peers at one address are different sources until two of them failed without a single delivery. From then on the
//!   address is one source: one of its peers is asked at a time, and all of them rest together.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use lanspread_protocol::{PeerId, UnitIndex, UnitSet};
use serde::Serialize;

use super::rate::{Pace, Rate};
use crate::ids::FetchId;

/// A source that brings nothing in this time is given up, at first.
pub(super) const STALL: Duration = Duration::from_secs(4);
/// A source that brings nothing in this time may be silent: what it owes is asked of others when it is due.
pub(super) const SILENCE: Duration = Duration::from_secs(1);
/// An untried source that brings nothing in this time, while others do, counts as no fellow downloader.
const HOLLOW: Duration = Duration::from_millis(200);
/// Untried peers of one address that are asked at a time.
const UNTRIED_AT_ONCE: usize = 2;
/// No source is waited for longer.
pub(super) const LONGEST_PATIENCE: Duration = Duration::from_mins(1);
/// A source that failed rests for this time, twice as long with each further strike.
const REST: Duration = Duration::from_millis(500);
const LONGEST_REST: Duration = Duration::from_secs(16);
/// Identities of one address that may fail before the address counts as one source.
const FAILED_IDENTITIES: usize = 2;
/// Failed identities of an address that are remembered; more change nothing.
const MAX_FAILED_IDENTITIES: usize = 16;
/// Records of sources that left, and addresses, that are kept for one download.
const MAX_RECORDS: usize = 256;
/// A source with less than this fraction of the mean pace is slow.
const SLOW_FRACTION: f64 = 1.0 / 8.0;

/// The units that a source has.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Has {
    Everything,
    Some(UnitSet),
}

impl Has {
    pub(super) fn contains(&self, unit: UnitIndex) -> bool {
        match self {
            Self::Everything => true,
            Self::Some(units) => units.contains(unit),
        }
    }
}

/// A source by its offer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Offered {
    pub(super) has: Has,
    /// Its weight among the downloaders; 0 for a complete source.
    pub(super) weight: u8,
    pub(super) address: Option<IpAddr>,
}

/// The reason why a source is not asked for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum GivenUp {
    /// Nothing came in time.
    Silent,
    /// So little came that a unit would take for ever.
    Slow,
    /// It refuses what it offers.
    Refused,
    /// Its answers break off.
    Broken,
}

/// A peer that has something of the payload.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) offered: Offered,
    pub(super) fetches: BTreeSet<FetchId>,
    pub(super) record: Record,
    /// For people.
    pub(super) rate: Rate,
    /// The time of its last delivery, or of the first request after a rest.
    pub(super) progress: Instant,
    /// The time of the last request to it.
    pub(super) asked: Option<Instant>,
    /// Its announced units count as available.
    pub(super) is_counted: bool,
    /// It counts as a fellow downloader.
    pub(super) is_rival: bool,
    /// The time of its last announcement of units, and the mean time between announcements.
    pub(super) news: Instant,
    pub(super) news_interval: Duration,
}

/// A source's record: its rate, its failures, its rest.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) pace: Pace,
    pub(super) has_delivered: bool,
    /// The rate of all sources when it was asked for the first time, in bytes a second.
    pub(super) rate_before: u64,
    /// Requests in a row that brought nothing.
    strikes: u32,
    rests_until: Option<Instant>,
    /// The time between the last unit and its request.
    pub(super) took: Duration,
    /// The time that it may bring nothing: at least the time that its units took.
    pub(super) patience: Duration,
    was_given_up: bool,
}

/// The record of the peers at one address.
#[derive(Debug, Default)]
struct Address {
    /// Identities that failed and never delivered.
    failed: BTreeSet<PeerId>,
    strikes: u32,
    rests_until: Option<Instant>,
}

impl Address {
    fn is_one_source(&self) -> bool {
        self.failed.len() >= FAILED_IDENTITIES
    }
}

/// The sources that are here, and the records of those that were.
#[derive(Debug, Default)]
pub(super) struct Sources {
    here: BTreeMap<PeerId, Source>,
    left: BTreeMap<PeerId, Record>,
    addresses: BTreeMap<IpAddr, Address>,
}

impl Record {
    fn new() -> Self {
        Self {
            pace: Pace::default(),
            has_delivered: false,
            rate_before: 0,
            strikes: 0,
            rests_until: None,
            took: Duration::ZERO,
            patience: STALL,
            was_given_up: false,
        }
    }
}

impl Record {
    /// It was asked and never gave anything.
    pub(super) fn is_doubted(&self) -> bool {
        self.strikes > 0 && !self.has_delivered
    }
}

impl Source {
    /// Returns the time in which it has brought nothing of what it owes.
    pub(super) fn silence(&self, now: Instant) -> Duration {
        if self.fetches.is_empty() { Duration::ZERO } else { now.saturating_duration_since(self.progress) }
    }

    /// Bytes of it came, and not long ago.
    pub(super) fn brings(&self, now: Instant) -> bool {
        self.record.pace.rate(now).is_some() && self.silence(now) <= SILENCE
    }

    /// It owes something and has brought nothing for longer than its units take. `natural`: the silence that is nobody's
    /// fault, because other bytes fill this peer's link.
    pub(super) fn is_silent(&self, natural: Duration, now: Instant) -> bool {
        self.silence(now) > (self.record.took * 4).max(natural).max(SILENCE)
    }
}

fn rest_after(strikes: u32) -> Duration {
    (REST * 2_u32.saturating_pow(strikes.clamp(1, 8) - 1)).min(LONGEST_REST)
}

impl Sources {
    pub(super) fn get(&self, peer: PeerId) -> Option<&Source> {
        self.here.get(&peer)
    }

    pub(super) fn get_mut(&mut self, peer: PeerId) -> Option<&mut Source> {
        self.here.get_mut(&peer)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (PeerId, &Source)> + '_ {
        self.here.iter().map(|(peer, source)| (*peer, source))
    }

    pub(super) fn peers(&self) -> impl Iterator<Item = PeerId> + '_ {
        self.here.keys().copied()
    }

    pub(super) fn len(&self) -> usize {
        self.here.len()
    }

    pub(super) fn contains(&self, peer: PeerId) -> bool {
        self.here.contains_key(&peer)
    }

    /// Adds a source, with the record that it left behind, or takes its new offer over. Returns its old one.
    pub(super) fn set(&mut self, peer: PeerId, offered: Offered, now: Instant) -> Option<Offered> {
        if let Some(source) = self.here.get_mut(&peer) {
            return Some(std::mem::replace(&mut source.offered, offered));
        }
        let record = self.left.remove(&peer).unwrap_or_else(Record::new);
        let source = Source {
            offered,
            fetches: BTreeSet::new(),
            record,
            rate: Rate::shown(now),
            progress: now,
            asked: None,
            is_counted: false,
            is_rival: false,
            news: now,
            news_interval: Duration::from_secs(1),
        };
        self.here.insert(peer, source);
        None
    }

    /// Takes a source out and keeps its record.
    pub(super) fn remove(&mut self, peer: PeerId, now: Instant) -> Option<Source> {
        let mut source = self.here.remove(&peer)?;
        source.record.pace.stop(now);
        if self.left.len() >= MAX_RECORDS {
            self.left.pop_first();
        }
        self.left.insert(peer, source.record.clone());
        Some(source)
    }

    /// Whether a source may be asked now: it does not rest, and neither does its address.
    pub(super) fn may_ask(&self, peer: PeerId, now: Instant) -> bool {
        let Some(source) = self.here.get(&peer) else { return false };
        let rests = |until: Option<Instant>| until.is_some_and(|until| now < until);
        if rests(source.record.rests_until) {
            return false;
        }
        if source.offered.address.is_none() || (source.record.has_delivered && source.record.strikes == 0) {
            return true;
        }
        let address = source.offered.address.and_then(|address| self.addresses.get(&address));
        let one_source = address.filter(|address| address.is_one_source());
        if one_source.is_some_and(|address| rests(address.rests_until)) {
            return false;
        }
        let at_once = if one_source.is_some() { 1 } else { UNTRIED_AT_ONCE };
        let is_tried = |(other, about): &(&PeerId, &Source)| {
            **other != peer
                && about.offered.address == source.offered.address
                && !about.record.has_delivered
                && !about.fetches.is_empty()
        };
        self.here.iter().filter(is_tried).count() < at_once
    }

    /// Notes a request that brought nothing. `true`: the source is given up for the first time since it delivered.
    pub(super) fn strike(&mut self, peer: PeerId, why: GivenUp, now: Instant) -> bool {
        let Some(source) = self.here.get_mut(&peer) else { return false };
        let record = &mut source.record;
        record.strikes += 1;
        record.rests_until = Some(now + rest_after(record.strikes));
        if let Some(ip) = source.offered.address.filter(|_| !record.has_delivered) {
            if self.addresses.len() >= MAX_RECORDS && !self.addresses.contains_key(&ip) {
                self.addresses.pop_first();
            }
            let address = self.addresses.entry(ip).or_default();
            if address.failed.len() < MAX_FAILED_IDENTITIES {
                address.failed.insert(peer);
            }
            address.strikes += 1;
            address.rests_until = Some(now + rest_after(address.strikes));
        }
        // One broken answer may be the end of its connection, of which the peer's leaving tells.
        let is_sure = why != GivenUp::Broken || record.strikes > 1;
        is_sure && !std::mem::replace(&mut record.was_given_up, true)
    }

    /// Notes that bytes of a source came: its strikes are over once a whole unit came.
    pub(super) fn note_unit(&mut self, peer: PeerId, took: Duration, now: Instant) {
        let Some(source) = self.here.get_mut(&peer) else { return };
        let gap = now.saturating_duration_since(source.progress);
        source.progress = now;
        let record = &mut source.record;
        (record.has_delivered, record.was_given_up) = (true, false);
        (record.strikes, record.rests_until) = (0, None);
        record.took = took;
        record.patience = (gap.max(took) * 4).clamp(STALL, LONGEST_PATIENCE);
        if let Some(address) = source.offered.address.and_then(|address| self.addresses.get_mut(&address)) {
            address.failed.remove(&peer);
            if !address.is_one_source() {
                (address.strikes, address.rests_until) = (0, None);
            }
        }
    }

    /// Returns the measure that sources are judged by. `natural`: the silence that no source is to blame for.
    pub(super) fn yardstick(&self, natural: Duration, now: Instant) -> Yardstick {
        let mut yardstick = Yardstick { total_pace: 0.0, count: 0, usual: Duration::ZERO, natural };
        for record in self.here.values().map(|source| &source.record).filter(|record| record.has_delivered) {
            yardstick.total_pace += record.pace.rate(now).unwrap_or_default();
            yardstick.count += 1;
            yardstick.usual = yardstick.usual.max(record.took);
        }
        yardstick
    }

    /// The sum of the paces of all others that are delivering now.
    pub(super) fn pace_of_others(&self, than: PeerId, natural: Duration, now: Instant) -> f64 {
        let others = self.here.iter().filter(|(peer, source)| {
            **peer != than && !source.fetches.is_empty() && !source.is_silent(natural, now)
        });
        others.filter_map(|(_, source)| source.record.pace.rate(now)).sum()
    }
}

/// The measure that a source is judged by: the other sources.
#[derive(Clone, Copy, Debug)]
pub(super) struct Yardstick {
    /// The paces of all that delivered, and their number.
    total_pace: f64,
    count: u32,
    /// The longest that a unit took of those.
    usual: Duration,
    /// The silence that is nobody's fault, because other bytes fill this peer's link.
    natural: Duration,
}

impl Yardstick {
    /// Whether what a source announces counts.
    pub(super) fn trusts(&self, source: &Source, now: Instant) -> bool {
        let is_proven = source.record.has_delivered && source.record.strikes == 0;
        is_proven && !self.finds_silent(source, now) && !self.finds_slow(source, now)
    }

    pub(super) fn finds_silent(&self, source: &Source, now: Instant) -> bool {
        source.is_silent(self.natural, now)
    }

    /// Whether a source is far slower than the mean of those who delivered.
    pub(super) fn finds_slow(&self, source: &Source, now: Instant) -> bool {
        let mean = self.total_pace / f64::from(self.count.max(1));
        source.record.pace.rate(now).is_none_or(|pace| pace < mean * SLOW_FRACTION)
    }

    /// Whether a source shares the work: it has a weight, and does not only announce.
    pub(super) fn is_rival(&self, source: &Source, now: Instant) -> bool {
        source.offered.weight > 0 && !source.record.is_doubted() && !self.finds_hollow(source, now)
    }

    /// Whether a source that has never delivered owes something for longer than others take.
    pub(super) fn finds_hollow(&self, source: &Source, now: Instant) -> bool {
        let patience = (self.usual * 4).max(self.natural).max(HOLLOW);
        !source.record.has_delivered && source.silence(now) > patience
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::disallowed_methods, reason = "a test counts from some instant")]
    fn start() -> Instant {
        Instant::now()
    }

    fn peer(number: u8) -> PeerId {
        PeerId([number; 32])
    }

    fn complete() -> Offered {
        Offered { has: Has::Everything, weight: 0, address: Some(IpAddr::from([10, 0, 0, 1])) }
    }

    fn sources(count: u8, now: Instant) -> Sources {
        let mut sources = Sources::default();
        for number in 0..count {
            sources.set(peer(number), complete(), now);
        }
        sources
    }

    #[test]
    fn strikes_survive_a_reconnection_and_end_with_a_delivery() {
        let now = start();
        let mut sources = sources(1, now);
        assert!(sources.strike(peer(0), GivenUp::Silent, now));
        assert!(!sources.strike(peer(0), GivenUp::Silent, now), "told once");
        sources.remove(peer(0), now);
        sources.set(peer(0), complete(), now);
        assert!(!sources.may_ask(peer(0), now + REST));
        assert!(sources.may_ask(peer(0), now + REST * 2));
        sources.note_unit(peer(0), REST, now);
        assert_eq!(sources.get(peer(0)).unwrap().record.strikes, 0);
        assert!(sources.strike(peer(0), GivenUp::Silent, now), "told again after it delivered");
    }

    #[test]
    fn an_address_of_failed_identities_is_one_source() {
        let now = start();
        let mut sources = sources(4, now);
        sources.strike(peer(0), GivenUp::Silent, now);
        assert!(sources.may_ask(peer(1), now), "one may fail");
        sources.strike(peer(1), GivenUp::Silent, now);
        assert!(!sources.may_ask(peer(2), now), "a new identity rests with the others");
        let later = now + REST * 4;
        assert!(sources.may_ask(peer(2), later) && sources.may_ask(peer(3), later));
        sources.get_mut(peer(2)).unwrap().fetches.insert(FetchId(1));
        assert!(!sources.may_ask(peer(3), later), "one at a time");
        sources.note_unit(peer(2), REST, later);
        sources.strike(peer(3), GivenUp::Refused, later);
        assert!(sources.may_ask(peer(2), later), "who delivers is asked whatever its neighbours do");
    }
}
