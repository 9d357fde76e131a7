//! One budget of memory for all connections' QUIC windows.
//!
//! A window is memory that a connection may hold: sent and not yet acknowledged, or received and not yet read. Fast
//! links need large ones, thirty connections at once must not have them. So a balancer looks which connections moved
//! bytes lately and shares the budget among those; the others keep the small window they start with, which is memory
//! only when used. Windows change by factors of two, so that they do not flutter.
//!
//! What a send window holds is also what leaves late: thirty full windows on a slow uplink are seconds of it, in which
//! no first copy is whole. So the send windows together are worth what this PC sends in a tenth of a second, and each
//! at least what its own round trip needs to send faster than now.
//!
//! A receive window is what a peer may send at once without knowing the link that it goes to: a slow one drops most of
//! such a burst. So a connection starts with a small one, which grows to what arrives in a tenth of a second as soon as an
//! answer's first bytes show the rate; while this PC's link is known to be slow, no further.
//!
//! When downloads are limited (somebody plays), receive windows shrink to what the limit takes in a quarter second:
//! otherwise a full window would arrive as one burst and sit in memory.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use quinn::VarInt;

use super::connection::Link;
use super::{ConnId, Shared};

/// For each direction; together 48 MiB.
const BUDGET_BYTES: u32 = 24 * 1024 * 1024;
/// The receive window that a connection starts with: enough for messages.
pub(crate) const START_WINDOW_BYTES: u32 = 32 * 1024;
/// The one that it gets with an answer that comes fast: at a LAN's round trip of a millisecond worth a gigabyte a second.
const OPEN_WINDOW_BYTES: u32 = 1024 * 1024;
/// The least one on a slow link: eleven packets.
const SLOW_WINDOW_BYTES: u32 = 16 * 1024;
/// This PC's link is slow when less comes than so many bytes a second, and something came in this many looks.
const SLOW_LINK: u64 = 2_500_000;
const SLOW_LOOKS: u32 = 2;
/// The rate is forgotten when nothing came in this many looks, five seconds.
const REMEMBERED_LOOKS: u32 = 20;
/// Receive windows on a slow link hold what comes in this time.
const RECEIVE_AHEAD: Duration = Duration::from_millis(100);
/// The send window that a connection starts with: a unit, so that the second one is not taken before the first has
/// left. At a LAN's round trip of a millisecond worth 250 MB/s.
pub(crate) const START_SEND_WINDOW_BYTES: u32 = 256 * 1024;
/// More than this speeds nothing up, even on loopback.
pub(crate) const MAX_WINDOW_BYTES: u32 = 16 * 1024 * 1024;
/// Less than this makes even a crowd slow.
const MIN_WINDOW_BYTES: u32 = 128 * 1024;
/// The same of a send window, which is this small only when the whole uplink is slow.
const MIN_SEND_WINDOW_BYTES: u32 = 64 * 1024;
/// All send windows together hold what is sent in this time.
const SEND_AHEAD: Duration = Duration::from_millis(100);
/// A send window holds at least what its connection sends in this many round trips: more than two, so that a rate that
/// the window alone holds down doubles until something else does.
const ROUND_TRIPS: u32 = 4;
/// How often the balancer looks.
const INTERVAL: Duration = Duration::from_millis(250);
/// A connection that received less in an interval does not need a share.
const ACTIVE_BYTES: u64 = 256 * 1024;

/// What a connection has now, and its counters when it was last looked at.
#[derive(Clone, Copy, Debug)]
struct Known {
    received: u64,
    sent: u64,
    sent_payload: u64,
    /// The shortest round trip seen: the path's own, without what waits on it.
    round_trip: Duration,
    send_window: u32,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            received: 0,
            sent: 0,
            sent_payload: 0,
            round_trip: Duration::MAX,
            send_window: START_SEND_WINDOW_BYTES,
        }
    }
}

/// The bytes that a connection moved in an interval.
#[derive(Clone, Copy, Debug)]
struct Moved {
    receives: bool,
    received: u64,
    sends: bool,
    sent: u64,
}

/// A connection's receive window.
#[derive(Debug)]
pub(crate) struct ReceiveWindow(Mutex<u32>);

impl Default for ReceiveWindow {
    fn default() -> Self {
        Self(Mutex::new(START_WINDOW_BYTES))
    }
}

impl ReceiveWindow {
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> u32 {
        *self.0.lock().unwrap()
    }

    /// So much of an answer has come in this time since it was asked for.
    pub(crate) fn grow(&self, quinn: &quinn::Connection, opening: &Opening, bytes: u64, time: Duration) {
        let most = opening.0.load(Ordering::Relaxed);
        self.change(quinn, |now| if now < most { now.max(opened(bytes, time, most)) } else { now });
    }

    fn change(&self, quinn: &quinn::Connection, new: impl FnOnce(u32) -> u32) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = new(*now);
        if std::mem::replace(&mut *now, wanted) != wanted {
            quinn.set_receive_window(VarInt::from_u32(wanted));
        }
    }
}

/// The receive window that a connection may get with an answer.
#[derive(Debug)]
pub(crate) struct Opening(AtomicU32);

impl Default for Opening {
    fn default() -> Self {
        Self(AtomicU32::new(OPEN_WINDOW_BYTES))
    }
}

/// The balancer's memory.
#[derive(Debug, Default)]
struct Balance {
    known: BTreeMap<ConnId, Known>,
    /// Bytes a second that all connections sent lately.
    rate: u64,
    incoming: Incoming,
}

/// The bytes of files that all connections received lately.
#[derive(Clone, Copy, Debug, Default)]
struct Incoming {
    /// Bytes a second while something came.
    rate: u64,
    /// Looks at which something had come, less those at which nothing had; at none the rate is forgotten.
    looks: u32,
}

/// Runs until the network stops.
pub(crate) async fn balance(shared: Arc<Shared>) {
    let mut balance = Balance::default();
    let mut looked = Instant::now();
    loop {
        tokio::select! {
            () = shared.token.cancelled() => return,
            () = tokio::time::sleep(INTERVAL) => {}
        }
        let links = shared.links();
        let now = Instant::now();
        balance.rebalance(&links, now - std::mem::replace(&mut looked, now), &shared);
    }
}

impl Balance {
    fn rebalance(&mut self, links: &[Arc<Link>], interval: Duration, shared: &Shared) {
        self.known.retain(|conn, _| links.iter().any(|link| link.conn == *conn));
        let moved: Vec<_> =
            links.iter().map(|link| self.known.entry(link.conn).or_default().look(link)).collect();
        let sent: u64 = moved.iter().map(|moved| moved.sent).sum();
        self.rate = lately(self.rate, per_second(sent, interval));
        let receivers = moved.iter().filter(|moved| moved.receives).count();
        let senders = moved.iter().filter(|moved| moved.sends).count();
        let download_limit = shared.download.limit();
        let receive = limited(share(receivers), download_limit);
        let idle = limited(OPEN_WINDOW_BYTES, download_limit).min(receive);
        self.incoming.look(moved.iter().map(|moved| moved.received).sum(), interval);
        let slow = self.incoming.slow_rate();
        shared.opening.0.store(slow.map_or(idle, |rate| slow_window(rate, 0).min(idle)), Ordering::Relaxed);
        for (link, moved) in links.iter().zip(moved) {
            let known = self.known.entry(link.conn).or_default();
            let own = in_time(per_second(moved.received, interval), known.round_trip * ROUND_TRIPS);
            link.receive_window.change(&link.quinn, |now| match slow {
                Some(rate) if moved.received > 0 => slow_window(rate, own).min(idle),
                Some(rate) => now.min(slow_window(rate, 0)),
                None if moved.receives => receive,
                None => now.min(idle),
            });
            let wanted = if moved.sends {
                let own = in_time(per_second(moved.sent, interval), known.round_trip * ROUND_TRIPS);
                send_window(senders, in_time(self.rate, SEND_AHEAD), own)
            } else {
                START_SEND_WINDOW_BYTES.min(share(senders))
            };
            if std::mem::replace(&mut known.send_window, wanted) != wanted {
                link.quinn.set_send_window(wanted.into());
            }
        }
    }
}

impl Known {
    fn look(&mut self, link: &Link) -> Moved {
        let stats = link.quinn.stats();
        let sent_payload = link.tx_bytes.load(Ordering::Relaxed);
        // Not what the link counts: the probes for its largest packet fill no window, and are large on loopback.
        let now_received = link.rx_bytes.load(Ordering::Relaxed);
        let received = now_received - self.received;
        let moved = Moved {
            receives: received >= ACTIVE_BYTES,
            received,
            // Acknowledgements alone need no window.
            sends: sent_payload > self.sent_payload,
            sent: stats.udp_tx.bytes - self.sent,
        };
        (self.received, self.sent, self.sent_payload) = (now_received, stats.udp_tx.bytes, sent_payload);
        self.round_trip = self.round_trip.min(stats.path.rtt);
        moved
    }
}

impl Incoming {
    fn look(&mut self, received: u64, interval: Duration) {
        if received > 0 {
            self.rate = lately(self.rate, per_second(received, interval));
            self.looks = (self.looks + 1).min(REMEMBERED_LOOKS);
        } else {
            // An end is no sign of a slow link.
            self.looks = self.looks.saturating_sub(1);
            self.rate = if self.looks == 0 { 0 } else { self.rate };
        }
    }

    /// Bytes a second, while that is so little that the link is taken to be slow.
    fn slow_rate(&self) -> Option<u64> {
        (self.looks >= SLOW_LOOKS && self.rate < SLOW_LINK).then_some(self.rate)
    }
}

/// The window for an answer of which so much came in this time.
fn opened(bytes: u64, time: Duration, most: u32) -> u32 {
    let ahead = in_time(per_second(bytes, time), RECEIVE_AHEAD);
    floor_to_power_of_two(u32::try_from(ahead).unwrap_or(u32::MAX)).min(most)
}

/// The receive window of a connection while all receive only so much: what comes in a moment, or what the `own` round trips
/// need.
fn slow_window(rate: u64, own: u64) -> u32 {
    let wanted = in_time(rate, RECEIVE_AHEAD).max(own);
    floor_to_power_of_two(u32::try_from(wanted).unwrap_or(u32::MAX)).max(SLOW_WINDOW_BYTES)
}

/// A rate that follows a rise at once and a fall by half an interval.
fn lately(before: u64, now: u64) -> u64 {
    now.max(before / 2)
}

fn per_second(bytes: u64, interval: Duration) -> u64 {
    in_nanos(bytes, 1_000_000_000, interval.as_nanos())
}

/// Returns the bytes that a rate moves in `time`.
fn in_time(bytes_per_second: u64, time: Duration) -> u64 {
    in_nanos(bytes_per_second, time.as_nanos(), 1_000_000_000)
}

fn in_nanos(bytes: u64, factor: u128, divisor: u128) -> u64 {
    u64::try_from(u128::from(bytes) * factor / divisor.max(1)).unwrap_or(u64::MAX)
}

/// The send window of one of `active` connections: its part of what all may hold `together`, or what its `own` round
/// trips need.
fn send_window(active: usize, together: u64, own: u64) -> u32 {
    let wanted = (together / active.max(1) as u64).max(own);
    let wanted = floor_to_power_of_two(u32::try_from(wanted).unwrap_or(u32::MAX));
    wanted.clamp(MIN_SEND_WINDOW_BYTES, share(active))
}

/// The largest window of each of `active` connections.
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
    fn a_slow_link_is_known_after_half_a_second_and_the_end_of_a_fast_download_is_none() {
        let mut incoming = Incoming::default();
        assert_eq!(incoming.slow_rate(), None);
        incoming.look(10_000, INTERVAL);
        assert_eq!(incoming.slow_rate(), None, "the download may have begun a moment ago");
        incoming.look(62_500, INTERVAL);
        assert_eq!(incoming.slow_rate(), Some(250_000));
        incoming.look(62_500, INTERVAL);
        incoming.look(0, INTERVAL);
        assert_eq!(incoming.slow_rate(), Some(250_000), "a standstill of a moment");
        incoming.look(25_000_000, INTERVAL);
        for _ in 0..REMEMBERED_LOOKS {
            assert_eq!(incoming.slow_rate(), None);
            incoming.look(0, INTERVAL);
        }
        incoming.look(10_000, INTERVAL);
        assert_eq!(incoming.slow_rate(), None, "forgotten");
    }

    #[test]
    fn a_slow_link_has_small_windows_that_do_not_hold_it_down() {
        assert_eq!(slow_window(250_000, 0), SLOW_WINDOW_BYTES);
        assert_eq!(slow_window(2_400_000, 0), 128 * 1024);
        for micros in [500, 5_000, 50_000, 200_000] {
            let round_trip = Duration::from_micros(micros);
            let mut window = SLOW_WINDOW_BYTES;
            let mut rate = 0;
            for _ in 0..40 {
                rate = per_second(window.into(), round_trip).min(SLOW_LINK);
                window = slow_window(rate, in_time(rate, round_trip * ROUND_TRIPS));
            }
            assert_eq!(rate, SLOW_LINK, "{micros} µs");
        }
    }

    #[test]
    fn a_window_opens_to_what_comes_in_a_moment() {
        let millisecond = Duration::from_millis(1);
        assert_eq!(opened(32_768, millisecond, OPEN_WINDOW_BYTES), OPEN_WINDOW_BYTES);
        assert_eq!(opened(32_768, 130 * millisecond, OPEN_WINDOW_BYTES), 16_384);
        assert_eq!(opened(32_768, Duration::ZERO, SLOW_WINDOW_BYTES), SLOW_WINDOW_BYTES);
    }

    #[test]
    fn a_limit_makes_windows_small() {
        assert_eq!(limited(MAX_WINDOW_BYTES, 0), MAX_WINDOW_BYTES);
        assert_eq!(limited(MAX_WINDOW_BYTES, 4_000_000), 512 * 1024);
        assert_eq!(limited(MAX_WINDOW_BYTES, 10), MIN_WINDOW_BYTES);
    }

    /// The send windows after ten seconds of sending as fast as the windows and the uplink allow.
    fn settled(active: usize, uplink: u64, round_trip: Duration) -> (u32, u64) {
        let (mut window, mut lately_sent) = (START_SEND_WINDOW_BYTES, 0);
        let mut rate = 0;
        for _ in 0..40 {
            rate = per_second(window.into(), round_trip).min(uplink / active as u64);
            lately_sent = lately(lately_sent, rate * active as u64);
            window = send_window(
                active,
                in_time(lately_sent, SEND_AHEAD),
                in_time(rate, round_trip * ROUND_TRIPS),
            );
        }
        (window, rate * active as u64)
    }

    #[test]
    fn send_windows_hold_a_tenth_of_a_second_of_a_slow_uplink() {
        let round_trip = Duration::from_micros(500);
        for active in [1, 2, 8, 16] {
            let (window, _) = settled(active, 12_500_000, round_trip);
            assert!(window as usize * active <= 1_310_720, "{active}: {window}");
        }
        assert_eq!(settled(8, 12_500_000, round_trip).0, 128 * 1024);
        // In a crowd the least one counts, a fifth of a second.
        assert_eq!(settled(30, 12_500_000, round_trip).0, MIN_SEND_WINDOW_BYTES);
    }

    #[test]
    fn no_rate_is_held_down_by_its_window() {
        for micros in [100, 1_000, 5_000, 20_000, 100_000, 200_000] {
            for uplink in [1_000_000, 12_500_000, 60_000_000] {
                for active in [1, 3] {
                    let (window, rate) = settled(active, uplink, Duration::from_micros(micros));
                    assert!(
                        rate >= uplink - active as u64,
                        "{micros} µs, {active} of {uplink}: {rate}, {window}"
                    );
                }
            }
        }
        assert_eq!(settled(1, 400_000_000, Duration::from_millis(2)).0, MAX_WINDOW_BYTES);
        assert_eq!(settled(8, 1_000_000_000, Duration::from_millis(2)).0, share(8));
    }

    #[test]
    fn a_fall_counts_by_halves() {
        assert_eq!(lately(100, 300), 300);
        assert_eq!(lately(100, 0), 50);
    }
}
