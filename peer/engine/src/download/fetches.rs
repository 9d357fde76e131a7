//! Requests to sources: sent, answered, failed, slow.

use std::time::{Duration, Instant};

use lanspread_protocol::limits::BAD_CHUNKS_UNTIL_BAN;
use lanspread_protocol::message::{CloseCode, Control, OfferState};
use lanspread_protocol::{GameId, ManifestId, PeerId, UnitIndex};

use super::Swarm;
use super::swarm::{Fetch, Has, UnitState};
use crate::effect::Effect;
use crate::engine::Engine;
use crate::event::Event;
use crate::ids::{FetchId, OpId};
use crate::input::FetchEnd;

/// A request without a byte in this time is given to another source.
const STALL: Duration = Duration::from_secs(4);
/// A source that failed is left alone for this long, longer each time.
const COOL: Duration = Duration::from_millis(500);
const LONGEST_COOL: Duration = Duration::from_secs(16);

impl Engine {
    /// Gives every source that can take one another request.
    pub(crate) fn fill_pipelines(&mut self) {
        let mut requests = Vec::new();
        for (game, op, download) in self.operations.downloads_mut() {
            let Some(swarm) = download.swarm_mut() else { continue };
            while let Some(peer) = swarm.thirsty.pop_first() {
                while let Some(units) = swarm.pick(peer, &mut self.random, self.now) {
                    let fetch = FetchId(self.numbers.next());
                    swarm.request(fetch, peer, &units, self.now);
                    let wanted: Vec<_> = units.iter().map(|unit| swarm.wanted(*unit)).collect();
                    requests.push((fetch, op, peer, game.clone(), wanted));
                }
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
        let Some((game, op, swarm)) = self.swarm_of(fetch) else { return };
        swarm.rate.add(bytes, now);
        swarm.bytes_fetched += bytes;
        for unit in completed {
            swarm.complete(*unit);
        }
        if let Some(about) = swarm.fetches.get_mut(&fetch) {
            about.units.retain(|owed| *owed != unit);
            about.progress = now;
            let peer = about.source;
            if let Some(source) = swarm.sources.get_mut(&peer) {
                source.rate.add(bytes, now);
                source.strikes = 0;
                swarm.thirsty.insert(peer);
            }
        }
        let is_done = swarm.units_left == 0;
        let cancels = swarm.superseded();
        for fetch in cancels {
            self.push(Effect::CancelFetch { fetch });
        }
        self.batch();
        if is_done {
            self.all_units_here(&game, op);
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
        swarm.give_back(&about.units);
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
        let everyone: Vec<PeerId> = swarm.sources.keys().copied().collect();
        swarm.thirsty.extend(everyone);
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
        self.operations.add_liar(game, peer);
        for fetch in cancels {
            self.push(Effect::CancelFetch { fetch });
        }
        self.emit(Event::ChunkRejected { game: game.clone(), peer_id: peer });
        let Some(conn) = self.roster.live(peer).map(|live| live.conn) else { return };
        self.send(conn, Control::Damaged { game: game.clone(), manifest, unit });
        let Some(address) = self.roster.ip_of(conn) else { return };
        let count = self.roster.bad_chunks.entry(address).or_default();
        *count += 1;
        if *count >= BAD_CHUNKS_UNTIL_BAN {
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
            let everyone: Vec<PeerId> = swarm.sources.keys().copied().collect();
            swarm.thirsty.extend(everyone);
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
        let offer = self.roster.live(peer).and_then(|live| live.offers.get(game)).cloned();
        if offer.is_none() {
            // An offer that was taken back and is made again is believed again.
            self.operations.forgive(game, peer);
        }
        let is_liar = self.operations.is_liar(game, peer);
        let Some(swarm) = self.operations.download_mut(game).and_then(|download| download.swarm_mut()) else {
            return;
        };
        match offer.filter(|_| !is_liar).and_then(|offer| source_of(offer, swarm.manifest.id())) {
            Some((has, weight)) => swarm.update_source(peer, has, weight, now),
            None => swarm.remove_source(peer),
        }
        self.stop_if_unreachable(game);
    }

    pub(crate) fn units_announced(
        &mut self,
        peer: PeerId,
        game: &GameId,
        manifest: ManifestId,
        units: &[UnitIndex],
    ) {
        let now = self.now;
        let Some(live) = self.roster.live_mut(peer) else { return };
        match live.offers.get_mut(game) {
            Some(OfferState::Partial { manifest: offered, units: known, .. }) if *offered == manifest => {
                let bound = lanspread_protocol::limits::MAX_MANIFEST_BYTES / 32;
                known.extend(units.iter().copied().filter(|unit| unit.as_usize() < bound));
            }
            _ => return,
        }
        self.batch().peer_libraries.insert(peer);
        let Some(swarm) = self.operations.download_mut(game).and_then(|download| download.swarm_mut()) else {
            return;
        };
        if swarm.manifest.id() == manifest {
            swarm.announced(peer, units, now);
        }
    }

    /// Tells the others which units are verified here, those since the last time.
    pub(crate) fn announce_units(&mut self) {
        let mut messages = Vec::new();
        for (game, _, download) in self.operations.downloads_mut() {
            let Some(swarm) = download.swarm_mut() else { continue };
            if !swarm.news.is_empty() {
                let units = std::mem::take(&mut swarm.news);
                messages.push(Control::Units { game: game.clone(), manifest: swarm.manifest.id(), units });
            }
        }
        for message in messages {
            self.broadcast(&message);
        }
    }
}

/// What an offer means for a download of this manifest: what the source has, and its weight as a fellow downloader.
pub(super) fn source_of(offer: OfferState, wanted: ManifestId) -> Option<(Has, u8)> {
    match offer {
        OfferState::Complete { manifest, .. } => (manifest == wanted).then_some((Has::Everything, 0)),
        OfferState::Partial { manifest, units, weight, .. } => {
            (manifest == wanted).then_some((Has::Some(units), weight))
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
                    UnitState::Requested(count) => UnitState::Requested(count.saturating_add(1)),
                    done @ (UnitState::Here | UnitState::Follows) => done,
                };
            }
        }
        self.fetches
            .insert(fetch, Fetch { source: peer, units: units.to_vec(), cancelled: false, progress: now });
        if let Some(source) = self.sources.get_mut(&peer) {
            source.fetches.insert(fetch);
        }
    }

    /// Units that a fetch did not bring are missing again.
    fn give_back(&mut self, units: &[UnitIndex]) {
        for unit in units {
            if let Some(state) = self.units.get_mut(unit.as_usize()) {
                *state = match *state {
                    UnitState::Requested(count) if count > 1 => UnitState::Requested(count - 1),
                    UnitState::Requested(_) => UnitState::Missing,
                    other @ (UnitState::Here | UnitState::Follows | UnitState::Missing) => other,
                };
                self.cursor = self.cursor.min(unit.as_usize());
            }
        }
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

    /// Requests that bring nothing: cancelled, and their source rests.
    fn stalled(&mut self, now: Instant) -> Vec<FetchId> {
        let mut ids = Vec::new();
        for (id, fetch) in &mut self.fetches {
            if fetch.cancelled || now < fetch.progress + STALL {
                continue;
            }
            fetch.cancelled = true;
            ids.push(*id);
            if let Some(source) = self.sources.get_mut(&fetch.source) {
                source.strikes += 1;
                let cool = COOL * 2_u32.saturating_pow(source.strikes.min(8));
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
        let peers: Vec<PeerId> = self.sources.keys().copied().collect();
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
