//! Cubic, which overlooks rare losses, with a way out for goodbyes.
//!
//! A packet that is lost now and then, or only found late, tells nothing of a full queue: Wi-Fi loses some, and a line that
//! reorders makes some look lost. Cubic shrinks by a third at each, and on a LAN it needs seconds to grow again. A queue
//! that is full drops packets by the dozen. So lost bytes count only beyond a small share of those that arrive, with some
//! credit for a start: a line that reorders loses packets in the first milliseconds already, because quinn drops what
//! comes more than 128 packets late.
//!
//! quinn holds the packet that closes a connection back while the congestion window is full, and a closing connection
//! no longer sees the acknowledgements that would make room: a peer that leaves in the middle of sending would never say
//! goodbye, and the other side would call it lost. So closing opens the window, for that one packet.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use quinn::congestion::{Controller, ControllerFactory, ControllerMetrics, CubicConfig};
use quinn_proto::RttEstimator;

/// What may be under way before the first acknowledgement: a millisecond's worth of a gigabit link, which every switch
/// takes at once. The standard's 14 KiB would make each first request take several round trips.
const INITIAL_WINDOW_BYTES: u64 = 128 * 1024;

/// Of so many bytes that arrive one may be lost without consequences.
const ARRIVED_PER_LOST: u64 = 256;
/// So many may be lost without consequences, whatever arrived before: forty packets.
const CREDIT_BYTES: u64 = 60_000;
/// At once, not more than this part of the window.
const WINDOW_PER_LOST: u64 = 8;
/// One reduction in this time, in which the queue that was full empties: a round trip of a LAN is much shorter, and losses
/// of one cause that are found one after the other would make the window tiny.
const BETWEEN_REDUCTIONS: Duration = Duration::from_millis(20);

/// Makes a connection's controller.
#[derive(Debug)]
pub(crate) struct Factory;

impl ControllerFactory for Factory {
    fn build(self: Arc<Self>, now: Instant, current_mtu: u16) -> Box<dyn Controller> {
        let mut config = CubicConfig::default();
        config.initial_window(INITIAL_WINDOW_BYTES);
        let inner = Arc::new(config).build(now, current_mtu);
        Box::new(OpenToClose { inner, closing: Arc::default(), credit: Credit::default(), reduced: None })
    }
}

/// Lets the packet through that closes `connection`. To be called before it is closed.
pub(crate) fn open_to_close(connection: &quinn::Connection) {
    if let Ok(controller) = connection.congestion_state().into_any().downcast::<OpenToClose>() {
        controller.closing.store(true, Ordering::Relaxed);
    }
}

struct OpenToClose {
    inner: Box<dyn Controller>,
    /// Shared by the controller's clones, which are all of one connection.
    closing: Arc<AtomicBool>,
    credit: Credit,
    /// The time of the last reduction.
    reduced: Option<Instant>,
}

/// An allowance of losses without consequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Credit {
    /// Bytes that arrived, less those that were needed for what was overlooked.
    arrived: u64,
}

impl Default for Credit {
    fn default() -> Self {
        Self { arrived: CREDIT_BYTES * ARRIVED_PER_LOST }
    }
}

impl Credit {
    fn note_arrived(&mut self, bytes: u64) {
        self.arrived = (self.arrived + bytes).min(CREDIT_BYTES * ARRIVED_PER_LOST);
    }

    /// `true`, and spends it, if this loss has no consequences.
    fn overlooks(&mut self, lost_bytes: u64, window: u64) -> bool {
        let needed = lost_bytes.saturating_mul(ARRIVED_PER_LOST);
        let is_overlooked = needed <= self.arrived && lost_bytes <= window / WINDOW_PER_LOST;
        if is_overlooked {
            self.arrived -= needed;
        }
        is_overlooked
    }
}

impl Controller for OpenToClose {
    fn on_sent(&mut self, now: Instant, bytes: u64, last_packet_number: u64) {
        self.inner.on_sent(now, bytes, last_packet_number);
    }

    fn on_ack(&mut self, now: Instant, sent: Instant, bytes: u64, app_limited: bool, rtt: &RttEstimator) {
        self.credit.note_arrived(bytes);
        self.inner.on_ack(now, sent, bytes, app_limited, rtt);
    }

    fn on_end_acks(
        &mut self,
        now: Instant,
        in_flight: u64,
        app_limited: bool,
        largest_packet_num_acked: Option<u64>,
    ) {
        self.inner.on_end_acks(now, in_flight, app_limited, largest_packet_num_acked);
    }

    fn on_congestion_event(
        &mut self,
        now: Instant,
        sent: Instant,
        is_persistent_congestion: bool,
        lost_bytes: u64,
    ) {
        if !is_persistent_congestion {
            if self.credit.overlooks(lost_bytes, self.inner.window()) {
                return;
            }
            if self.reduced.is_some_and(|at| now < at + BETWEEN_REDUCTIONS) {
                return;
            }
        }
        self.reduced = Some(now);
        self.inner.on_congestion_event(now, sent, is_persistent_congestion, lost_bytes);
    }

    fn on_mtu_update(&mut self, new_mtu: u16) {
        self.inner.on_mtu_update(new_mtu);
    }

    fn window(&self) -> u64 {
        if self.closing.load(Ordering::Relaxed) { u64::MAX } else { self.inner.window() }
    }

    fn metrics(&self) -> ControllerMetrics {
        self.inner.metrics()
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        let (closing, credit, reduced) = (self.closing.clone(), self.credit, self.reduced);
        Box::new(Self { inner: self.inner.clone_box(), closing, credit, reduced })
    }

    fn initial_window(&self) -> u64 {
        self.inner.initial_window()
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKET: u64 = 1_500;

    #[test]
    fn one_packet_of_256_may_be_lost_and_no_more() {
        let mut credit = Credit::default();
        let mut overlooked = 0;
        while credit.overlooks(PACKET, INITIAL_WINDOW_BYTES) {
            overlooked += 1;
        }
        assert_eq!(overlooked, CREDIT_BYTES / PACKET, "what may be lost for a start");
        for _ in 0..2 {
            credit.note_arrived(255 * PACKET);
            assert!(!credit.overlooks(PACKET, INITIAL_WINDOW_BYTES));
            credit.note_arrived(PACKET);
            assert!(credit.overlooks(PACKET, INITIAL_WINDOW_BYTES));
        }
        credit.note_arrived(u64::MAX / 2);
        assert_eq!(credit, Credit::default(), "a long quiet time gives no more than the start");
    }

    #[test]
    fn a_large_part_of_the_window_is_not_overlooked() {
        let mut credit = Credit::default();
        assert!(!credit.overlooks(2 * PACKET, 15 * PACKET));
        assert!(credit.overlooks(2 * PACKET, 16 * PACKET));
    }

    #[test]
    fn losses_of_one_cause_reduce_the_window_once() {
        let start = Instant::now();
        let mut controller = Arc::new(Factory).build(start, 1_500);
        let mut lose = |millis, packets| {
            let now = start + Duration::from_millis(millis);
            controller.on_congestion_event(now, now, false, packets * PACKET);
            controller.window()
        };
        let whole = INITIAL_WINDOW_BYTES;
        assert_eq!(lose(100, 10), whole, "overlooked");
        let less = lose(200, 20);
        assert!(less < whole / 4 * 3, "{less}");
        assert_eq!(lose(210, 20), less);
        assert!(lose(221, 20) < less);
    }
}
