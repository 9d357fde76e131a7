//! Requests to sources: sent, answered, failed, slow.

use std::time::{Duration, Instant};

use lanspread_protocol::limits::BAD_CHUNKS_UNTIL_BAN;
use lanspread_protocol::message::{CloseCode, Control, Offer, OfferState};
use lanspread_protocol::{GameId, ManifestId, PeerId, UnitIndex};

use super::Swarm;
use super::swarm::{Fetch, Has, LONGEST_PATIENCE, STALL, UnitState};
use crate::effect::Effect;
use crate::engine::Engine;
use crate::event::Event;
use crate::ids::{FetchId, OpId};
use crate::input::FetchEnd;
use crate::roster::Live;

/// A source that failed is left alone for this long, longer each time.
const COOL: Duration = Duration::from_millis(500);
const LONGEST_COOL: Duration = Duration::from_secs(16);

impl Engine {
    /// Gives every source that can take one another request.
    pub(crate) fn fill_pipelines(&mut self) {
        let mut requests = Vec::new();
        for (game, op, download) in self.operations.downloads_mut() {
            let Some(swarm) = download.swarm_mut() else { continue };
            while let Some(peer) = swarm.next_thirsty(&mut self.random) {
                let Some(units) = swarm.pick(peer, &mut self.random, self.now) else {
                    swarm.thirsty.remove(&peer);
                    continue;
                };
                let fetch = FetchId(self.numbers.next());
                swarm.request(fetch, peer, &units, self.now);
                let wanted: Vec<_> = units.iter().map(|unit| swarm.wanted(*unit)).collect();
                requests.push((fetch, op, peer, game.clone(), wanted));
            }
        }
        for (fetch, op, peer, game, units) in requests {
            match self.roster.live(peer) {
                Some(live) => {
                    let conn = live.conn;
                    self.push(Effect::FetchUnits { fetch, op, conn, game, units });
                }
                None => self.fetch_ended(fetch, FetchEnd::Lost("the peer is gone".to_owned())),
            }
        }
    }

    pub(crate) fn unit_stored(
        &mut self,
        fetch: FetchId,
        unit: UnitIndex,
        bytes: u64,
        completed: &[UnitIndex],
    ) {
        let now = self.now;
        let Some((game, _, swarm)) = self.swarm_of(fetch) else { return };
        swarm.rate.add(bytes, now);
        swarm.bytes_fetched += bytes;
        for unit in completed {
            swarm.complete(*unit);
        }
        swarm.written(unit);
        if let Some(about) = swarm.fetches.get_mut(&fetch) {
            about.units.retain(|owed| *owed != unit);
            about.progress = now;
            let peer = about.source;
            if let Some(source) = swarm.sources.get_mut(&peer) {
                source.rate.add(bytes, now);
                source.strikes = 0;
                source.took = now.saturating_duration_since(about.asked);
                if source.has != Has::Everything {
                    swarm.latency = (swarm.latency * 31 + source.took) / 32;
                }
                let took = now.saturating_duration_since(source.delivered);
                source.patience = (took * 4).clamp(STALL, LONGEST_PATIENCE);
                source.delivered = now;
                swarm.thirsty.insert(peer);
            }
        }
        let is_done = swarm.units_left == 0;
        let (news, enough) = (swarm.news.len(), swarm.announcement_units());
        let cancels = if swarm.duplicates > 0 { swarm.superseded() } else { Vec::new() };
        for fetch in cancels {
            self.push(Effect::CancelFetch { fetch });
        }
        let is_idle = self.serving.count(&game) == 0;
        if news >= if is_idle { enough.0 } else { enough.1 } {
            self.announce_units();
        } else {
            self.batch();
        }
        if let Some(download) = self.operations.download_mut(&game) {
            download.setbacks = 0;
        }
        if is_done {
            self.all_units_here(&game);
        }
    }

    /// The running download that a fetch belongs to.
    fn swarm_of(&mut self, fetch: FetchId) -> Option<(GameId, OpId, &mut Swarm)> {
        self.operations.downloads_mut().find_map(|(game, op, download)| {
            let swarm = download.swarm_mut()?;
            swarm.fetches.contains_key(&fetch).then(|| (game.clone(), op, swarm))
        })
    }

    pub(crate) fn fetch_ended(&mut self, fetch: FetchId, end: FetchEnd) {
        let now = self.now;
        let Some((game, _, swarm)) = self.swarm_of(fetch) else { return };
        let Some(about) = swarm.fetches.remove(&fetch) else { return };
        let peer = about.source;
        // A request that ended well and did not bring all is one that broke.
        let end = if end == FetchEnd::Done && !about.units.is_empty() {
            FetchEnd::Lost("units are missing".to_owned())
        } else {
            end
        };
        let is_news = swarm.give_back(&about.units);
        if let Some(source) = swarm.sources.get_mut(&peer) {
            source.fetches.remove(&fetch);
            match &end {
                FetchEnd::Done => source.strikes = 0,
                FetchEnd::Cancelled => {}
                FetchEnd::Refused | FetchEnd::Lost(_) | FetchEnd::BadChunk(_) => {
                    source.strikes += 1;
                    let cool = COOL * 2_u32.saturating_pow(source.strikes.min(8) - 1);
                    source.cool_until = Some(now + cool.min(LONGEST_COOL));
                }
            }
        }
        if is_news {
            swarm.everyone_is_thirsty();
        } else if swarm.sources.contains_key(&peer) {
            swarm.thirsty.insert(peer);
        }
        match end {
            FetchEnd::BadChunk(unit) => self.bad_chunk(&game, peer, unit),
            FetchEnd::Lost(error) => tracing::debug!(%game, %peer, error, "a request to a source broke"),
            FetchEnd::Done | FetchEnd::Cancelled | FetchEnd::Refused => {}
        }
    }

    /// A wrong chunk ends this game from that sender, which is told to verify itself; repeated, the address is banned.
    fn bad_chunk(&mut self, game: &GameId, peer: PeerId, unit: UnitIndex) {
        let Some(download) = self.operations.download_mut(game) else { return };
        let Some(swarm) = download.swarm_mut() else { return };
        swarm.remove_source(peer);
        let cancels = swarm.cancel_from(peer);
        let manifest = swarm.manifest.id();
        for fetch in cancels {
            self.push(Effect::CancelFetch { fetch });
        }
        self.emit(Event::ChunkRejected { game: game.clone(), peer_id: peer });
        let Some(live) = self.roster.live_mut(peer) else { return };
        live.lied.insert(game.clone());
        let conn = live.conn;
        self.send(conn, Control::Damaged { game: game.clone(), manifest, unit });
        let Some(address) = self.roster.ip_of(conn) else { return };
        if self.roster.count_bad_chunk(address) >= BAD_CHUNKS_UNTIL_BAN {
            self.roster.ban(address);
            self.push(Effect::Ban { address });
            self.close(conn, CloseCode::Banned);
            self.banned(conn);
        }
    }

    /// Stalled requests, the endgame, and downloads that nobody can finish.
    pub(crate) fn run_download_timers(&mut self) {
        let (now, mut work) = (self.now, Vec::new());
        for (game, op, download) in self.operations.downloads_mut() {
            let Some(swarm) = download.swarm_mut() else { continue };
            if !swarm.tick_is_due(now) {
                continue;
            }
            let stalled = swarm.stalled(now);
            let duplicates = swarm.endgame(&mut self.numbers, now);
            swarm.everyone_is_thirsty();
            work.push((game.clone(), op, stalled, duplicates));
        }
        for (game, op, stalled, duplicates) in work {
            for fetch in stalled {
                self.push(Effect::CancelFetch { fetch });
            }
            for (fetch, peer, wanted) in duplicates {
                if let Some(conn) = self.roster.live(peer).map(|live| live.conn) {
                    self.push(Effect::FetchUnits {
                        fetch,
                        op,
                        conn,
                        game: game.clone(),
                        units: vec![wanted],
                    });
                } else {
                    self.fetch_ended(fetch, FetchEnd::Cancelled);
                }
            }
            self.tell_progress(&game);
            self.stop_if_unreachable(&game);
        }
    }

    /// What a peer offers of a game changed.
    pub(crate) fn offer_changed(&mut self, peer: PeerId, game: &GameId) {
        let now = self.now;
        let Some(swarm) = self.operations.download_mut(game).and_then(|download| download.swarm_mut()) else {
            return;
        };
        let wanted = swarm.manifest.id();
        match self.roster.live(peer).and_then(|live| source_of(live, game, wanted)) {
            Some((has, weight)) => {
                let is_new_rival = matches!(has, Has::Some(_)) && !swarm.is_partial_source(peer);
                swarm.update_source(peer, has, weight, now);
                if is_new_rival && !swarm.here().is_empty() {
                    self.tell_rival(peer, game);
                }
            }
            None => {
                swarm.remove_source(peer);
            }
        }
        self.stop_if_unreachable(game);
    }

    /// Tells those who download the same which units are verified here, those since the last time. Nobody else needs it.
    pub(crate) fn announce_units(&mut self) {
        let mut messages = Vec::new();
        for (game, _, download) in self.operations.downloads_mut() {
            let Some(swarm) = download.swarm_mut() else { continue };
            if !swarm.news.is_empty() {
                let units = std::mem::take(&mut swarm.news);
                let rivals: Vec<PeerId> = swarm.partial_sources().collect();
                messages.push((
                    rivals,
                    Control::Units { game: game.clone(), manifest: swarm.manifest.id(), units },
                ));
            }
        }
        for (rivals, message) in messages {
            for peer in rivals {
                if let Some(conn) = self.roster.live(peer).map(|live| live.conn) {
                    self.send(conn, message.clone());
                }
            }
        }
    }

    /// A peer began to download the same: what it knows of this side's units is old, because it was not told since.
    pub(crate) fn tell_rival(&mut self, peer: PeerId, game: &GameId) {
        let offer = self.partial_offer(game);
        if let (Some(state), Some(conn)) = (offer, self.roster.live(peer).map(|live| live.conn)) {
            let revision = self.advance_offers_revision();
            let changed = vec![Offer { game: game.clone(), state }];
            self.send(conn, Control::LibraryDelta { revision, changed, withdrawn: Vec::new() });
        }
    }
}

/// What a peer's offer means for a download of this manifest: what it has, and its weight as a fellow downloader.
/// `None` if it is no source, or sent a wrong chunk of the game since it offered it.
pub(super) fn source_of(live: &Live, game: &GameId, wanted: ManifestId) -> Option<(Has, u8)> {
    let offer = live.offers.get(game).filter(|_| !live.lied.contains(game))?;
    match offer {
        OfferState::Complete { manifest, .. } => (*manifest == wanted).then_some((Has::Everything, 0)),
        OfferState::Partial { manifest, units, weight, .. } => {
            (*manifest == wanted).then_some((Has::Some(units.clone()), *weight))
        }
        OfferState::LocalOnly => None,
    }
}

impl Swarm {
    fn request(&mut self, fetch: FetchId, peer: PeerId, units: &[UnitIndex], now: Instant) {
        for unit in units {
            if let Some(state) = self.units.get_mut(unit.as_usize()) {
                *state = match *state {
                    UnitState::Missing => UnitState::Requested(1),
                    UnitState::Requested(count) => {
                        self.duplicates += 1;
                        UnitState::Requested(count.saturating_add(1))
                    }
                    done @ (UnitState::Here | UnitState::Follows) => done,
                };
            }
        }
        let request =
            Fetch { source: peer, units: units.to_vec(), asked: now, cancelled: false, progress: now };
        self.fetches.insert(fetch, request);
        if let Some(source) = self.sources.get_mut(&peer) {
            if source.fetches.is_empty() {
                source.delivered = now;
            }
            source.fetches.insert(fetch);
        }
    }

    /// Units that a fetch did not bring are missing again; whether any is.
    fn give_back(&mut self, units: &[UnitIndex]) -> bool {
        let mut is_news = false;
        for unit in units {
            let Some(state) = self.units.get_mut(unit.as_usize()) else { continue };
            match *state {
                UnitState::Requested(count) if count > 1 => *state = UnitState::Requested(count - 1),
                UnitState::Requested(_) => {
                    *state = UnitState::Missing;
                    self.cursor = self.cursor.min(unit.as_usize());
                    is_news = true;
                }
                UnitState::Here | UnitState::Follows | UnitState::Missing => {}
            }
        }
        if self.fetches.is_empty() {
            self.duplicates = 0;
        }
        is_news
    }

    pub(super) fn everyone_is_thirsty(&mut self) {
        self.thirsty.extend(self.sources.keys().copied());
    }

    /// Requests for units that meanwhile came from someone else.
    fn superseded(&mut self) -> Vec<FetchId> {
        let mut ids = Vec::new();
        for (id, fetch) in &mut self.fetches {
            let is_needed = |unit: &UnitIndex| self.units.get(unit.as_usize()) != Some(&UnitState::Here);
            if !fetch.cancelled && !fetch.units.is_empty() && !fetch.units.iter().any(is_needed) {
                fetch.cancelled = true;
                ids.push(*id);
            }
        }
        ids
    }

    fn cancel_from(&mut self, peer: PeerId) -> Vec<FetchId> {
        let of_peer = self.fetches.iter_mut().filter(|(_, fetch)| fetch.source == peer && !fetch.cancelled);
        let cancel = |(id, fetch): (&FetchId, &mut Fetch)| {
            fetch.cancelled = true;
            *id
        };
        of_peer.map(cancel).collect()
    }

    /// Requests to sources that bring nothing: cancelled, and the source rests. The next time it has more patience, so
    /// that a link where a unit takes long is not given up for ever.
    fn stalled(&mut self, now: Instant) -> Vec<FetchId> {
        let mut ids = Vec::new();
        // At an own limit it is not the source that is slow.
        let own = self.time_at_limit();
        for (peer, source) in &mut self.sources {
            if source.fetches.is_empty() || now < source.delivered + source.patience + own {
                continue;
            }
            let of_source = self.fetches.iter_mut().filter(|(_, fetch)| fetch.source == *peer);
            let before = ids.len();
            for (id, fetch) in of_source.filter(|(_, fetch)| !fetch.cancelled) {
                fetch.cancelled = true;
                ids.push(*id);
            }
            if ids.len() > before {
                source.strikes += 1;
                source.patience = (source.patience * 2).min(LONGEST_PATIENCE);
                let cool = COOL * 2_u32.saturating_pow(source.strikes.min(8) - 1);
                source.cool_until = Some(now + cool.min(LONGEST_COOL));
            }
        }
        ids
    }

    /// Duplicate requests to idle sources when everything is asked for already.
    fn endgame(
        &mut self,
        numbers: &mut crate::ids::Counter,
        now: Instant,
    ) -> Vec<(FetchId, PeerId, lanspread_protocol::message::WantedUnit)> {
        let mut requests = Vec::new();
        // At an own limit a second request for a unit only takes from the first.
        let peers: Vec<PeerId> =
            if self.is_limited() { Vec::new() } else { self.sources.keys().copied().collect() };
        for peer in peers {
            if let Some(unit) = self.pick_endgame(peer, now) {
                let fetch = FetchId(numbers.next());
                self.request(fetch, peer, &[unit], now);
                requests.push((fetch, peer, self.wanted(unit)));
            }
        }
        requests
    }
}
