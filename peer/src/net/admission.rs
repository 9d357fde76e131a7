//! Who may knock: banned addresses, and bounds on what strangers can make this peer keep.
//!
//! A stranger's packet costs a handshake's state. Handshakes under way are bounded in all, and past half of that bound
//! an address must first prove by a QUIC Retry that it can be answered. Connections are bounded per address and in all,
//! so that one PC cannot take the places of a whole party.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lanspread_protocol::limits::{MAX_CONNECTIONS_PER_ADDRESS, MAX_PEERS, MAX_PENDING_HANDSHAKES};

/// Addresses that are neither heard nor dialled for the rest of the session. Clones share the list.
#[derive(Clone, Debug, Default)]
pub struct BanList(Arc<Mutex<BTreeSet<IpAddr>>>);

impl BanList {
    pub fn ban(&self, address: IpAddr) {
        lock(&self.0).insert(address.to_canonical());
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        lock(&self.0).contains(&address.to_canonical())
    }
}

/// What becomes of a knock.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// The handshake may begin.
    Enter(Place),
    /// The address has to prove itself first.
    Prove,
    /// No, with an answer: the peer is told at once instead of waiting.
    Refuse,
    /// No, without an answer: the flood is so large that answers would only add to it.
    Ignore,
}

/// The counts of who is in. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Door(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    handshakes: usize,
    connections: usize,
    by_address: BTreeMap<IpAddr, usize>,
}

/// A connection's place, from its first packet to its end; dropping it gives the place back.
#[derive(Debug)]
pub(crate) struct Place {
    door: Door,
    address: IpAddr,
    in_handshake: bool,
}

impl Door {
    pub(crate) fn knock(&self, address: IpAddr, proved: bool, bans: &BanList) -> Verdict {
        if bans.contains(address) {
            return Verdict::Refuse;
        }
        let mut counts = lock(&self.0);
        if counts.handshakes >= MAX_PENDING_HANDSHAKES {
            return Verdict::Ignore;
        }
        if counts.handshakes >= MAX_PENDING_HANDSHAKES / 2 && !proved {
            return Verdict::Prove;
        }
        let here = counts.by_address.get(&address).copied().unwrap_or(0);
        if here >= MAX_CONNECTIONS_PER_ADDRESS || counts.connections >= MAX_PEERS {
            return Verdict::Refuse;
        }
        counts.handshakes += 1;
        Verdict::Enter(self.enter(&mut counts, address, true))
    }

    /// A place for a connection that this peer dialled: it counts, but is never refused.
    pub(crate) fn dialled(&self, address: IpAddr) -> Place {
        let mut counts = lock(&self.0);
        self.enter(&mut counts, address, false)
    }

    fn enter(&self, counts: &mut Counts, address: IpAddr, in_handshake: bool) -> Place {
        counts.connections += 1;
        *counts.by_address.entry(address).or_default() += 1;
        Place { door: self.clone(), address, in_handshake }
    }
}

impl Place {
    /// The handshake is done; the connection keeps its place.
    pub(crate) fn established(&mut self) {
        if std::mem::take(&mut self.in_handshake) {
            lock(&self.door.0).handshakes -= 1;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.established();
        let mut counts = lock(&self.door.0);
        counts.connections -= 1;
        if let Some(here) = counts.by_address.get_mut(&self.address) {
            *here -= 1;
            if *here == 0 {
                counts.by_address.remove(&self.address);
            }
        }
    }
}

/// No code panics while it holds one of these locks, so that a poisoned one is as good as any.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn address(last: usize) -> IpAddr {
        Ipv4Addr::from(u32::try_from(0x0a00_0000 + last).unwrap()).into()
    }

    #[test]
    fn one_address_cannot_take_all_places() {
        let (door, bans) = (Door::default(), BanList::default());
        let mut places = Vec::new();
        for _ in 0..MAX_CONNECTIONS_PER_ADDRESS {
            let Verdict::Enter(mut place) = door.knock(address(1), false, &bans) else { panic!() };
            place.established();
            places.push(place);
        }
        assert!(matches!(door.knock(address(1), true, &bans), Verdict::Refuse));
        assert!(matches!(door.knock(address(2), false, &bans), Verdict::Enter(_)));
        places.pop();
        assert!(matches!(door.knock(address(1), true, &bans), Verdict::Enter(_)));
        drop(places);
        assert!(lock(&door.0).by_address.is_empty());
    }

    #[test]
    fn many_handshakes_make_strangers_prove_themselves_and_then_wait() {
        let (door, bans) = (Door::default(), BanList::default());
        let mut places = Vec::new();
        for nth in 0..MAX_PENDING_HANDSHAKES {
            match door.knock(address(nth), false, &bans) {
                Verdict::Enter(place) => places.push(place),
                Verdict::Prove => {
                    assert!(nth >= MAX_PENDING_HANDSHAKES / 2);
                    let Verdict::Enter(place) = door.knock(address(nth), true, &bans) else { panic!() };
                    places.push(place);
                }
                verdict @ (Verdict::Refuse | Verdict::Ignore) => panic!("{verdict:?}"),
            }
        }
        assert!(matches!(door.knock(address(999), true, &bans), Verdict::Ignore));
        places.clear();
        assert!(matches!(door.knock(address(999), false, &bans), Verdict::Enter(_)));
    }

    #[test]
    fn the_banned_stay_out_however_their_address_is_written() {
        let (door, bans) = (Door::default(), BanList::default());
        bans.ban("::ffff:10.0.0.1".parse().unwrap());
        assert!(matches!(door.knock("10.0.0.1".parse().unwrap(), true, &bans), Verdict::Refuse));
    }
}
