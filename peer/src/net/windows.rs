//! One budget of memory for all connections' QUIC windows.
//!
//! A window is memory that a connection may hold: sent and not yet acknowledged, or received and not yet read. Fast
//! links need large ones, thirty connections at once must not have them. So a balancer looks which connections moved
//! bytes lately and shares the budget among those; the others keep the small window they start with, which is memory
//! only when used. Windows change by factors of two, so that they do not flutter.
//!
//! When downloads are limited (somebody plays), receive windows shrink to what the limit takes in a quarter second:
//! otherwise a full window would arrive as one burst and sit in memory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use quinn::VarInt;

use super::connection::Link;
use super::{ConnId, Shared};

/// For each direction; together 48 MiB.
const BUDGET_BYTES: u32 = 24 * 1024 * 1024;
/// What a connection starts with: at a LAN's round trip of a millisecond worth a gigabyte a second.
pub(crate) const START_WINDOW_BYTES: u32 = 1024 * 1024;
/// More than this speeds nothing up, even on loopback.
pub(crate) const MAX_WINDOW_BYTES: u32 = 16 * 1024 * 1024;
/// Less than this makes even a crowd slow.
const MIN_WINDOW_BYTES: u32 = 128 * 1024;
/// How often the balancer looks.
const INTERVAL: Duration = Duration::from_millis(250);
/// A connection that moved less in an interval does not need a share.
const ACTIVE_BYTES: u64 = 256 * 1024;

/// What a connection has now, and its counters when it was last looked at.
#[derive(Clone, Copy, Debug)]
struct Known {
    received: u64,
    sent: u64,
    receive_window: u32,
    send_window: u32,
}

impl Default for Known {
    fn default() -> Self {
        Self { received: 0, sent: 0, receive_window: START_WINDOW_BYTES, send_window: START_WINDOW_BYTES }
    }
}

/// Runs until the network stops.
pub(crate) async fn balance(shared: Arc<Shared>) {
    let mut known: BTreeMap<ConnId, Known> = BTreeMap::new();
    loop {
        tokio::select! {
            () = shared.token.cancelled() => return,
            () = tokio::time::sleep(INTERVAL) => {}
        }
        let links = shared.links();
        known.retain(|conn, _| links.iter().any(|link| link.conn == *conn));
        rebalance(&links, &mut known, shared.download.limit());
    }
}

fn rebalance(links: &[Arc<Link>], known: &mut BTreeMap<ConnId, Known>, download_limit: u64) {
    let moved: Vec<_> = links
        .iter()
        .map(|link| {
            let udp = link.quinn.stats();
            let before = known.entry(link.conn).or_default();
            let moved = (udp.udp_rx.bytes - before.received, udp.udp_tx.bytes - before.sent);
            (before.received, before.sent) = (udp.udp_rx.bytes, udp.udp_tx.bytes);
            (moved.0 >= ACTIVE_BYTES, moved.1 >= ACTIVE_BYTES)
        })
        .collect();
    let receive = limited(share(moved.iter().filter(|moved| moved.0).count()), download_limit);
    let send = share(moved.iter().filter(|moved| moved.1).count());
    let idle = limited(START_WINDOW_BYTES, download_limit);
    for (link, (receives, sends)) in links.iter().zip(moved) {
        let now = known.entry(link.conn).or_default();
        let wanted = if receives { receive } else { idle.min(receive) };
        if std::mem::replace(&mut now.receive_window, wanted) != wanted {
            link.quinn.set_receive_window(VarInt::from_u32(wanted));
        }
        let wanted = if sends { send } else { START_WINDOW_BYTES.min(send) };
        if std::mem::replace(&mut now.send_window, wanted) != wanted {
            link.quinn.set_send_window(wanted.into());
        }
    }
}

/// The window of each of `active` connections.
fn share(active: usize) -> u32 {
    let equal = BUDGET_BYTES / u32::try_from(active.max(1)).unwrap_or(u32::MAX);
    floor_to_power_of_two(equal).clamp(MIN_WINDOW_BYTES, MAX_WINDOW_BYTES)
}

fn limited(window: u32, limit: u64) -> u32 {
    let quarter = u32::try_from(limit / 4).unwrap_or(u32::MAX);
    if limit == 0 { window } else { window.min(floor_to_power_of_two(quarter).max(MIN_WINDOW_BYTES)) }
}

fn floor_to_power_of_two(number: u32) -> u32 {
    number.checked_ilog2().map_or(0, |log| 1 << log)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_holds_for_every_crowd() {
        assert_eq!(share(0), MAX_WINDOW_BYTES);
        assert_eq!(share(1), MAX_WINDOW_BYTES);
        for active in 2..=192 {
            assert!(share(active) * u32::try_from(active).unwrap() <= BUDGET_BYTES, "{active}");
        }
        assert_eq!(share(1_000), MIN_WINDOW_BYTES);
    }

    #[test]
    fn a_limit_makes_windows_small() {
        assert_eq!(limited(MAX_WINDOW_BYTES, 0), MAX_WINDOW_BYTES);
        assert_eq!(limited(MAX_WINDOW_BYTES, 4_000_000), 512 * 1024);
        assert_eq!(limited(MAX_WINDOW_BYTES, 10), MIN_WINDOW_BYTES);
    }
}
