//! Requests to sources: sent, answered, failed, slow.

use lanspread_protocol::limits::BAD_CHUNKS_UNTIL_BAN;
use lanspread_protocol::message::{CloseCode, Control, Offer, OfferState, WantedUnit};
use lanspread_protocol::{GameId, ManifestId, PeerId, UnitIndex};

use super::Swarm;
use super::requests::{Received, Stalled};
use super::sources::{GivenUp, Has, Offered};
use crate::effect::Effect;
use crate::engine::Engine;
use crate::event::Event;
use crate::ids::{FetchId, OpId};
use crate::input::FetchEnd;
use crate::roster::Roster;

impl Engine {
    /// Gives every source that can take one another request.
    pub(crate) fn fill_pipelines(&mut self) {
        let mut requests = Vec::new();
        for (game, op, download) in self.operations.downloads_mut() {
            let Some(swarm) = download.swarm_mut() else { continue };
            while let Some(peer) = swarm.next_thirsty(&mut self.random, self.now) {
                let Some(units) = swarm.pick(peer, &mut self.random, self.now) else {
                    swarm.thirsty.remove(&peer);
                    continue;
                };
                let fetch = FetchId(self.numbers.next());
                swarm.request(fetch, peer, &units, self.now);
                tracing::trace!(%game, %peer, fetch = fetch.0, ?units, "units are asked for");
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
        swarm.bytes_fetched += bytes;
        if swarm.here().contains(unit) {
            swarm.note_wasted(bytes);
        }
        swarm.count_received(fetch, Received::Unit(bytes), now);
        for unit in completed {
            swarm.complete(*unit);
        }
        swarm.written(unit);
        if let Some(about) = swarm.fetches.get_mut(&fetch) {
            about.owed.retain(|owed| owed.unit != unit);
            let (peer, took) = (about.source, now.saturating_duration_since(about.asked));
            swarm.note_first_unit(peer, now);
            swarm.sources.note_unit(peer, took, now);
            swarm.fastest = Some(swarm.fastest.map_or(took, |fastest| fastest.min(took)));
            swarm.note_peak(bytes, took, now);
            swarm.judge(peer, now);
            swarm.thirsty.insert(peer);
        }
        let is_done = swarm.units_left == 0;
        let (news, enough) = (swarm.news.len(), swarm.announcement_units());
        let (cancels, late) = if swarm.duplicates > 0 { swarm.superseded(now) } else { Default::default() };
        for fetch in cancels {
            tracing::trace!(%game, fetch = fetch.0, "another source was first");
            self.push(Effect::CancelFetch { fetch });
        }
        for (peer, why) in late {
            self.strike(&game, peer, why);
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

    /// Bytes of a request came that do not make up a whole unit yet.
    pub(crate) fn bytes_received(&mut self, fetch: FetchId, bytes: u64) {
        let now = self.now;
        let Some((_, _, swarm)) = self.swarm_of(fetch) else { return };
        swarm.count_received(fetch, Received::Bytes(bytes), now);
        if let Some(peer) = swarm.fetches.get(&fetch).map(|about| about.source) {
            swarm.thirsty.insert(peer);
        }
    }

    /// Whole chunks of a unit were written, of a request that ended before the unit was whole.
    pub(crate) fn chunks_stored(
        &mut self,
        fetch: FetchId,
        wanted: &WantedUnit,
        bytes: u64,
        completed: &[UnitIndex],
    ) {
        let Some((game, _, swarm)) = self.swarm_of(fetch) else { return };
        swarm.chunks_written(wanted, bytes);
        for unit in completed {
            swarm.complete(*unit);
        }
        if swarm.units_left == 0 {
            self.all_units_here(&game);
        }
    }

    /// A request to a source brought nothing.
    fn strike(&mut self, game: &GameId, peer: PeerId, why: GivenUp) {
        let now = self.now;
        let Some(swarm) = self.operations.download_mut(game).and_then(|download| download.swarm_mut()) else {
            return;
        };
        let is_news = swarm.sources.strike(peer, why, now);
        tracing::trace!(%game, %peer, ?why, "a source failed");
        swarm.judge(peer, now);
        if is_news {
            self.emit(Event::SourceGivenUp { game: game.clone(), peer_id: peer, reason: why });
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
        let Some((about, is_news)) = swarm.end_request(fetch, now) else { return };
        tracing::trace!(%game, fetch = fetch.0, ?end, "a request ended");
        let peer = about.source;
        // A request that ended well and did not bring all is one that broke.
        let end = if end == FetchEnd::Done && !about.owed.is_empty() {
            FetchEnd::Lost("units are missing".to_owned())
        } else {
            end
        };
        // With little under way also those have something to bring that others were preferred to.
        if is_news || swarm.is_idle() {
            swarm.everyone_is_thirsty();
        } else if swarm.sources.contains(peer) {
            swarm.thirsty.insert(peer);
        }
        match &end {
            FetchEnd::Refused => self.strike(&game, peer, GivenUp::Refused),
            FetchEnd::Lost(_) => self.strike(&game, peer, GivenUp::Broken),
            FetchEnd::Done | FetchEnd::Cancelled | FetchEnd::BadChunk(_) => {}
        }
        match end {
            FetchEnd::BadChunk(unit) => self.bad_chunk(&game, peer, unit),
            FetchEnd::Lost(error) => tracing::debug!(%game, %peer, error, "a request to a source broke"),
            FetchEnd::Done | FetchEnd::Cancelled | FetchEnd::Refused => {}
        }
    }

    /// A wrong chunk ends this game from that sender, which is told to verify itself; repeated, the address is banned.
    fn bad_chunk(&mut self, game: &GameId, peer: PeerId, unit: UnitIndex) {
        let now = self.now;
        let Some(download) = self.operations.download_mut(game) else { return };
        let Some(swarm) = download.swarm_mut() else { return };
        let cancels = swarm.remove_source(peer, now);
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

    /// Stalled requests, the standing of sources, and downloads that nobody can finish.
    pub(crate) fn run_download_timers(&mut self) {
        let (now, mut work) = (self.now, Vec::new());
        for (game, _, download) in self.operations.downloads_mut() {
            let Some(swarm) = download.swarm_mut() else { continue };
            if swarm.look_is_due(now) {
                swarm.everyone_is_thirsty();
            }
            if swarm.tick_is_due(now) {
                swarm.rate_now(now);
                swarm.measure_natural_silence(now);
                swarm.judge_all(now);
                swarm.everyone_is_thirsty();
                work.push((game.clone(), swarm.stalled(now)));
            }
        }
        for (game, stalled) in work {
            for Stalled { peer, fetches, why } in stalled {
                for fetch in fetches {
                    self.push(Effect::CancelFetch { fetch });
                }
                self.strike(&game, peer, why);
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
        match self.roster.offered(peer, game, wanted) {
            Some(offered) => {
                let is_new_rival = matches!(offered.has, Has::Some(_)) && !swarm.is_partial_source(peer);
                swarm.set_source(peer, offered, now);
                if is_new_rival && !swarm.here().is_empty() {
                    self.tell_rival(peer, game);
                }
            }
            None => {
                for fetch in swarm.remove_source(peer, now) {
                    self.push(Effect::CancelFetch { fetch });
                }
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

impl Roster {
    /// Returns what a peer offers of this payload; `None` if that is nothing, or if it sent a wrong chunk of the game since
    /// it offered it.
    pub(super) fn offered(&self, peer: PeerId, game: &GameId, wanted: ManifestId) -> Option<Offered> {
        let live = self.live(peer)?;
        let offer = live.offers.get(game).filter(|_| !live.lied.contains(game))?;
        let (has, weight) = match offer {
            OfferState::Complete { manifest, .. } if *manifest == wanted => (Has::Everything, 0),
            OfferState::Partial { manifest, units, weight, .. } if *manifest == wanted => {
                (Has::Some(units.clone()), *weight)
            }
            OfferState::Complete { .. } | OfferState::Partial { .. } | OfferState::LocalOnly => return None,
        };
        Some(Offered { has, weight, address: self.ip_of(live.conn) })
    }
}
