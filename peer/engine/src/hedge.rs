//! Whom to ask for a manifest, a catalog or a cover, and in which order.
//!
//! The engine names all candidates of one fetch, and the shell runs a race between them: it asks the first one, and the
//! next ones besides as long as the answer is late (`peer/src/net/race.rs`). The order bounds how long peers that send
//! nothing hold the race up. One PC may run many identities, so one identity of each address comes before the second
//! identity of any. Peers that were late or wrong before come last, and each of them has used a turn of its address:
//! a new identity of that address comes after the first identities of the other addresses.
//!
//! A peer that comes while a race runs joins it in its place of the order: at the start of a party the first peer that is
//! met may be the one that sends nothing.

use std::collections::BTreeMap;
use std::net::IpAddr;

use lanspread_protocol::PeerId;

use crate::effect::Effect;
use crate::engine::Engine;
use crate::ids::{ConnId, RaceId};
use crate::input::{BlobError, Raced};

/// Peers whose late or wrong answers are remembered. More come only from one that makes new identities.
const MAX_BLAMED: usize = 1024;

/// A peer that can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    peer: PeerId,
    conn: ConnId,
    address: IpAddr,
}

/// A race under way. Only the part of the engine that holds it takes its result; the results of others are dropped.
#[derive(Debug)]
pub(crate) struct Race {
    pub(crate) id: RaceId,
    candidates: Vec<Candidate>,
}

impl Race {
    /// Returns the connections to ask, in order.
    pub(crate) fn conns(&self) -> Vec<ConnId> {
        self.candidates.iter().map(|candidate| candidate.conn).collect()
    }

    pub(crate) fn peers(&self) -> impl Iterator<Item = PeerId> + '_ {
        self.candidates.iter().map(|candidate| candidate.peer)
    }
}

/// The end of a race, by peers.
#[derive(Debug)]
pub(crate) struct Ended<T> {
    pub(crate) first: Option<(PeerId, T)>,
    /// At least one peer when no answer came.
    pub(crate) failed: Vec<(PeerId, BlobError)>,
}

/// Peers whose last answer was late or wrong, with their addresses.
#[derive(Debug, Default)]
pub(crate) struct Blamed(BTreeMap<PeerId, IpAddr>);

impl Blamed {
    pub(crate) fn contains(&self, peer: PeerId) -> bool {
        self.0.contains_key(&peer)
    }

    fn add(&mut self, candidate: Candidate) {
        if self.0.len() >= MAX_BLAMED && !self.contains(candidate.peer) {
            self.0.pop_first();
        }
        self.0.insert(candidate.peer, candidate.address);
    }

    /// Orders candidates as the module's comment says; those that nothing tells apart keep their order.
    fn order(&self, candidates: Vec<Candidate>) -> Vec<Candidate> {
        // How many turns each address has used, for the peers without blame and for the others.
        let mut used: [BTreeMap<IpAddr, usize>; 2] = Default::default();
        for address in self.0.values() {
            *used[0].entry(*address).or_default() += 1;
        }
        let mut ranked: Vec<(bool, usize, Candidate)> = Vec::with_capacity(candidates.len());
        for candidate in candidates {
            let is_blamed = self.contains(candidate.peer);
            let turn = used[usize::from(is_blamed)].entry(candidate.address).or_default();
            ranked.push((is_blamed, *turn, candidate));
            *turn += 1;
        }
        ranked.sort_by_key(|(is_blamed, turn, _)| (*is_blamed, *turn));
        ranked.into_iter().map(|(_, _, candidate)| candidate).collect()
    }
}

impl Engine {
    /// Returns those of the peers that are here, in random order.
    fn candidates(&mut self, peers: impl IntoIterator<Item = PeerId>) -> Vec<Candidate> {
        let candidate = |peer| {
            let conn = self.roster.live(peer)?.conn;
            Some(Candidate { peer, conn, address: self.roster.ip_of(conn)? })
        };
        let mut candidates: Vec<Candidate> = peers.into_iter().filter_map(candidate).collect();
        self.random.shuffle(&mut candidates);
        candidates
    }

    /// Returns the connections to these peers in the order in which they are to be asked.
    pub(crate) fn conns_to_ask(&mut self, peers: impl IntoIterator<Item = PeerId>) -> Vec<ConnId> {
        let candidates = self.candidates(peers);
        self.blamed.order(candidates).into_iter().map(|candidate| candidate.conn).collect()
    }

    /// Makes a race between these peers, for an effect that the caller pushes. `None`: none of them is here.
    pub(crate) fn new_race(&mut self, peers: impl IntoIterator<Item = PeerId>) -> Option<Race> {
        let candidates = self.candidates(peers);
        let candidates = self.blamed.order(candidates);
        (!candidates.is_empty()).then(|| Race { id: RaceId(self.numbers.next()), candidates })
    }

    /// Lets peers take part in a race that runs; those that do so already are passed over.
    pub(crate) fn widen_race(&mut self, race: &mut Race, peers: impl IntoIterator<Item = PeerId>) {
        let mut new = self.candidates(peers);
        new.retain(|new| race.peers().all(|peer| peer != new.peer));
        if new.is_empty() {
            return;
        }
        let mut candidates = std::mem::take(&mut race.candidates);
        candidates.extend(new);
        race.candidates = self.blamed.order(candidates);
        self.push(Effect::WidenRace { race: race.id, from: race.conns() });
    }

    /// Remembers who was late or wrong in a race that has ended, and forgives the peer that answered.
    pub(crate) fn conclude<T>(&mut self, race: &Race, raced: Raced<T>) -> Ended<T> {
        let by_conn = |conn| race.candidates.iter().find(|candidate| candidate.conn == conn).copied();
        let mut failed = Vec::new();
        for (conn, error) in raced.failed {
            let Some(candidate) = by_conn(conn) else { continue };
            if let BlobError::Late | BlobError::Wrong(_) = error {
                self.blamed.add(candidate);
            }
            failed.push((candidate.peer, error));
        }
        let first = raced.first.and_then(|(conn, answer)| Some((by_conn(conn)?.peer, answer)));
        if let Some((peer, _)) = &first {
            self.blamed.0.remove(peer);
        } else if failed.is_empty() {
            // The shell's task was lost.
            failed.extend(race.peers().map(|peer| (peer, BlobError::Unavailable)));
        }
        Ended { first, failed }
    }

    /// Ends a race that nobody waits for any more.
    pub(crate) fn cancel_race(&mut self, race: &Race) {
        self.push(Effect::CancelRace { race: race.id });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::random::Random;

    fn candidate(number: u8, host: u8) -> Candidate {
        Candidate {
            peer: PeerId([number; 32]),
            conn: ConnId(u64::from(number)),
            address: IpAddr::from([10, 0, 0, host]),
        }
    }

    /// Returns the numbers of candidates in the order of `blamed`.
    fn order(blamed: &Blamed, candidates: &[Candidate], seed: u64) -> Vec<u64> {
        let mut candidates = candidates.to_vec();
        Random::new(seed).shuffle(&mut candidates);
        let ordered = blamed.order(candidates);
        ordered.into_iter().map(|candidate| candidate.conn.0).collect()
    }

    /// Five identities of one address, and one of another.
    fn crowd() -> Vec<Candidate> {
        (1..=5).map(|number| candidate(number, 7)).chain([candidate(9, 8)]).collect()
    }

    #[test]
    fn one_identity_of_each_address_comes_before_second_ones() {
        let mut firsts = BTreeSet::new();
        for seed in 0..50 {
            let order = order(&Blamed::default(), &crowd(), seed);
            assert!(order[..2].contains(&9), "{order:?}");
            let all: BTreeSet<u64> = order.iter().copied().collect();
            assert_eq!(all.len(), 6, "everybody is asked some time");
            firsts.insert(order[0]);
        }
        assert!(firsts.len() > 3, "the order is random otherwise: {firsts:?}");
    }

    #[test]
    fn blamed_peers_come_last_and_use_turns_of_their_address() {
        let mut blamed = Blamed::default();
        blamed.add(candidate(1, 7));
        for seed in 0..50 {
            let order = order(&blamed, &crowd(), seed);
            assert_eq!((order[0], order[5]), (9, 1), "{order:?}");
        }
        // It is gone, and its address still comes later.
        blamed.add(candidate(6, 8));
        blamed.add(candidate(7, 8));
        for seed in 0..50 {
            let order = order(&blamed, &crowd(), seed);
            assert!(order[0] != 9 && order[5] == 1, "{order:?}");
        }
    }

    #[test]
    fn who_joins_later_comes_before_second_identities_and_changes_nothing_else() {
        let crowd: Vec<Candidate> = crowd().into_iter().take(5).collect();
        let blamed = Blamed::default();
        let mut running = blamed.order(crowd.clone());
        assert_eq!(running, crowd);
        running.push(candidate(9, 8));
        let order: Vec<u64> = blamed.order(running).iter().map(|candidate| candidate.conn.0).collect();
        assert_eq!(order, [1, 9, 2, 3, 4, 5]);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut blamed = Blamed::default();
        for number in 0..5000_u32 {
            let mut peer = PeerId([0; 32]);
            peer.0[..4].copy_from_slice(&number.to_be_bytes());
            blamed.add(Candidate { peer, ..candidate(0, 1) });
        }
        assert_eq!(blamed.0.len(), MAX_BLAMED);
    }
}
