//! Whom to dial, and when.
//!
//! Every known peer that is not connected is dialled again and again, by both sides, from the listening socket: crossing
//! packets open stateful firewalls. A round tries a peer's candidates in order of rank, [`STEP`] apart; rounds are
//! spaced by a pause that doubles up to [`LONGEST_PAUSE`] and starts over when something new is heard of the peer.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use lanspread_protocol::PeerId;
use lanspread_protocol::limits::MAX_ADDRESSES_PER_PEER;
use lanspread_protocol::message::Control;

use super::{Dial, Dialling, FORGET_AFTER, Roster, Standing, Target};
use crate::effect::Effect;
use crate::engine::Engine;
use crate::ids::{ConnId, DialId};
use crate::input::Candidate;

/// Between two candidates of one peer: time for a cable to win over Wi-Fi.
const STEP: Duration = Duration::from_millis(250);
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// A peer that only gossip knows is forgotten after so many rounds without an answer.
const HEARSAY_ROUNDS: u32 = 6;
/// Peers that are asked for an introduction when nobody is known who surely can give one.
const ASKED_FOR_HELP: usize = 3;

impl Dialling {
    pub(super) fn from(next: Instant) -> Self {
        Self { step: 0, next, pause: SHORTEST_PAUSE, rounds: 0, asked: false }
    }

    /// Only now and then.
    pub(super) fn patient(now: Instant) -> Self {
        Self { next: now + LONGEST_PAUSE, pause: LONGEST_PAUSE, ..Self::from(now) }
    }

    /// The next candidate's number; plans the one after it.
    fn advance(&mut self, candidates: usize, now: Instant) -> usize {
        let step = self.step;
        if step == 0 {
            self.rounds += 1;
            self.asked = false;
        }
        if step + 1 < candidates {
            self.step += 1;
            self.next = now + STEP;
        } else {
            self.step = 0;
            self.next = now + self.pause;
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        }
        step
    }
}

impl Roster {
    pub(super) fn add_target(&mut self, address: SocketAddr, now: Instant) {
        let dialling = Dialling::from(now);
        match self.targets.iter_mut().find(|target| target.address == address) {
            Some(target) => target.dialling = dialling,
            None => self.targets.push(Target { address, dialling, peer: None, is_me: false }),
        }
        self.wake_at(now);
    }

    /// Remembers where a peer may be; something new lets its dials start over.
    pub(super) fn learn(&mut self, id: PeerId, is_proven: bool, candidates: &[Candidate], now: Instant) {
        let Some(peer) = self.peer_entry(id, is_proven, now) else { return };
        let mut is_news = false;
        for candidate in candidates {
            if peer.candidates.len() < MAX_ADDRESSES_PER_PEER
                || peer.candidates.contains_key(&candidate.address)
            {
                let rank = peer.candidates.entry(candidate.address).or_insert_with(|| {
                    is_news = true;
                    candidate.rank
                });
                *rank = (*rank).min(candidate.rank);
            }
        }
        if is_news && peer.live.is_none() {
            peer.dialling = Dialling::from(now);
            self.wake_at(now);
        }
    }

    /// Dials a peer again at once, unless that was done a moment ago.
    pub(super) fn hurry(&mut self, id: PeerId, now: Instant) {
        let in_flight = self.dials.values().any(|dial| dial.expect == Some(id));
        let Some(peer) = self.peers.get_mut(&id) else { return };
        // A peer that is dialled anyway in a moment is left to that.
        let is_patient = peer.dialling.next > now + SHORTEST_PAUSE;
        if peer.live.is_none() && !in_flight && is_patient {
            peer.dialling = Dialling::from(now);
            self.wake_at(now);
        }
    }

    /// Everybody who is not here is dialled at once, whenever it was to be.
    pub(crate) fn dial_all(&mut self, now: Instant) {
        for target in &mut self.targets {
            target.dialling = Dialling::from(now);
        }
        for peer in self.peers.values_mut().filter(|peer| peer.live.is_none()) {
            peer.dialling = Dialling::from(now);
        }
        self.wake_at(now);
    }

    /// It is this PC: never dialled again.
    pub(super) fn mark_as_me(&mut self, dial: Option<DialId>) {
        let address = dial.and_then(|dial| self.dials.get(&dial)).map(|dial| dial.address);
        for target in &mut self.targets {
            target.is_me |= address == Some(target.address);
        }
    }

    /// Who answered at an address that was typed.
    pub(super) fn answered(&mut self, dial: Option<DialId>, peer: PeerId) {
        let Some(dial) = dial.and_then(|dial| self.dials.remove(&dial)) else { return };
        for target in &mut self.targets {
            if target.address == dial.address {
                target.peer = Some(peer);
            }
        }
    }
}

impl Roster {
    /// The dials that are due; plans the next.
    fn due_dials(&mut self, now: Instant) -> Vec<(SocketAddr, Option<PeerId>)> {
        let mut dials = Vec::new();
        let mut wake: Option<Instant> = None;
        let mut plan = |at: Instant| wake = Some(wake.map_or(at, |wake| wake.min(at)));
        let (peers, in_flight) = (&self.peers, &self.dials);
        let is_live = |id: PeerId| peers.get(&id).is_some_and(|peer| peer.live.is_some());
        for target in &mut self.targets {
            if target.is_me || target.peer.is_some_and(is_live) {
                continue;
            }
            if target.dialling.next <= now {
                target.dialling.advance(1, now);
                dials.push((target.address, None));
            }
            plan(target.dialling.next);
        }
        let met: BTreeSet<PeerId> = self.conns.values().map(|conn| conn.peer).collect();
        for (id, peer) in &mut self.peers {
            // A connection that stands, greeted or not yet, is enough; its end lets the dials start over.
            if peer.candidates.is_empty() || met.contains(id) {
                continue;
            }
            if peer.dialling.next <= now {
                let mut ranked: Vec<_> =
                    peer.candidates.iter().map(|(address, rank)| (*rank, *address)).collect();
                ranked.sort_unstable();
                let step = peer.dialling.advance(ranked.len(), now);
                dials.extend(ranked.get(step).map(|(_, address)| (*address, Some(*id))));
            }
            plan(peer.dialling.next);
        }
        // A dial that is still under way goes on sending; a second one would not help it.
        let is_under_way = |(address, expect): &(SocketAddr, Option<PeerId>)| {
            in_flight.values().any(|dial| dial.address == *address && dial.expect == *expect)
        };
        dials.retain(|dial| !is_under_way(dial) && !self.banned.contains(&dial.0.ip().to_canonical()));
        if let Some(at) = wake {
            self.wake_at(at);
        }
        dials
    }
}

impl Engine {
    pub(crate) fn connect_to(&mut self, addresses: &[SocketAddr]) {
        for address in addresses {
            self.roster.add_target(*address, self.now);
        }
    }

    pub(crate) fn discovered(&mut self, peer: PeerId, candidates: &[Candidate]) {
        self.roster.learn(peer, true, candidates, self.now);
        self.roster.hurry(peer, self.now);
    }

    pub(crate) fn dial_failed(&mut self, dial: DialId) {
        let Some(dial) = self.roster.dials.remove(&dial) else { return };
        let Some(peer) = dial.expect else { return };
        // A common peer can tell both of us to dial at the same moment, which opens both firewalls.
        let Some(about) = self.roster.peers.get_mut(&peer) else { return };
        if about.live.is_some()
            || about.dialling.step > 0
            || std::mem::replace(&mut about.dialling.asked, true)
        {
            return;
        }
        for conn in self.helpers(peer) {
            self.send(conn, Control::Introduce { peer });
        }
    }

    /// Who is asked for an introduction: who told of the peer, else a few by chance.
    fn helpers(&mut self, peer: PeerId) -> Vec<ConnId> {
        let told_by = self.roster.peers.get(&peer).and_then(|peer| peer.told_by);
        if let Some(live) = told_by.and_then(|told_by| self.roster.live(told_by)) {
            return vec![live.conn];
        }
        let mut conns: Vec<ConnId> = self.roster.live_peers().map(|(_, conn)| conn).collect();
        self.random.choose(&mut conns, ASKED_FOR_HELP);
        conns
    }

    /// Dials that are due, connections whose time is up, peers to forget.
    pub(crate) fn run_roster_timers(&mut self) {
        if self.roster.timeout.is_none_or(|timeout| timeout > self.now) {
            return;
        }
        self.roster.timeout = None;
        let now = self.now;
        self.roster.peers.retain(|_, peer| {
            peer.live.is_some()
                || (now < peer.last_seen + FORGET_AFTER
                    && (peer.is_proven || peer.dialling.rounds < HEARSAY_ROUNDS))
        });
        for (address, expect) in self.roster.due_dials(now) {
            self.dial(address, expect);
        }
        self.run_connection_timers();
    }

    fn dial(&mut self, address: SocketAddr, expect: Option<PeerId>) {
        let dial = DialId(self.numbers.next());
        self.roster.dials.insert(dial, Dial { address, expect });
        self.push(Effect::Dial { dial, address, expect });
    }

    fn run_connection_timers(&mut self) {
        let mut due: Vec<ConnId> = Vec::new();
        let mut wake = Vec::new();
        for (id, conn) in &self.roster.conns {
            if let Standing::Silent { until } | Standing::Suspect { until } | Standing::Draining { until } =
                conn.standing
            {
                if until <= self.now { due.push(*id) } else { wake.push(until) }
            }
        }
        for at in wake {
            self.roster.wake_at(at);
        }
        for conn in due {
            self.standing_expired(conn);
        }
    }
}
