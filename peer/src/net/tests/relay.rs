//! A UDP relay on loopback that delays, reorders and loses packets.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};

use super::{LOOPBACK, Port};
use crate::net::bind;

/// Larger packets do not pass: Ethernet's MTU without the headers of IPv4 and UDP.
const MAX_PACKET_BYTES: usize = 1_472;
/// The relay's pause when it has nothing to do.
const PAUSE: Duration = Duration::from_micros(50);

/// The relay's treatment of each packet, in each direction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Conditions {
    pub(super) delay: Duration,
    /// Each packet's own delay is up to this much shorter or longer.
    pub(super) jitter: Duration,
    /// Of a thousand packets, so many are lost.
    pub(super) lost_of_thousand: u32,
    pub(super) seed: u64,
}

/// The relay's counts.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) passed: AtomicU64,
    /// Packets that left before one that came earlier.
    pub(super) reordered: AtomicU64,
}

/// A relay in a thread of its own, until it is dropped.
pub(super) struct Relay {
    pub(super) counters: Arc<Counters>,
    front: SocketAddr,
    stops: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Relay {
    /// Relays between who sends to [`Self::address`] first, and `target`.
    pub(super) fn to(target: SocketAddr, conditions: Conditions) -> Self {
        let socket = || bind::bind(&[LOOPBACK], Port::Any).unwrap().remove(0);
        let (front, back) = (socket(), socket());
        let address = front.local_addr().unwrap();
        let (counters, stops) = (Arc::<Counters>::default(), Arc::<AtomicBool>::default());
        let (count, stop) = (counters.clone(), stops.clone());
        let relay = move || {
            let mut random = SmallRng::seed_from_u64(conditions.seed);
            let mut there = Direction::new(&front, &back, Some(target));
            let mut back = Direction::new(&back, &front, None);
            while !stop.load(Ordering::Relaxed) {
                let moved = there.turn(conditions, &mut random, &count);
                back.to = back.to.or(there.from);
                if !(back.turn(conditions, &mut random, &count) || moved) {
                    std::thread::sleep(PAUSE);
                }
            }
        };
        let thread = std::thread::Builder::new().name("relay".to_owned()).spawn(relay).unwrap();
        Self { counters, front: address, stops, thread: Some(thread) }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.front
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.stops.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

struct Direction<'a> {
    input: &'a UdpSocket,
    output: &'a UdpSocket,
    /// The client's address, as soon as it is known.
    from: Option<SocketAddr>,
    to: Option<SocketAddr>,
    came: u64,
    last_left: u64,
    /// By the time they leave, then by the order in which they came.
    waiting: BinaryHeap<Reverse<(Instant, u64, Vec<u8>)>>,
    buffer: Vec<u8>,
}

impl<'a> Direction<'a> {
    fn new(input: &'a UdpSocket, output: &'a UdpSocket, to: Option<SocketAddr>) -> Self {
        let (waiting, buffer) = (BinaryHeap::new(), vec![0; 65_536]);
        Self { input, output, from: None, to, came: 0, last_left: 0, waiting, buffer }
    }

    /// Takes what came and sends what is due. Whether anything moved.
    fn turn(&mut self, conditions: Conditions, random: &mut SmallRng, counters: &Counters) -> bool {
        let mut moved = false;
        while let Ok((length, from)) = self.input.recv_from(&mut self.buffer) {
            moved = true;
            self.from = Some(from);
            let is_lost = random.random_range(0..1_000) < conditions.lost_of_thousand;
            let longer = random.random_range(Duration::ZERO..=conditions.jitter * 2);
            if !is_lost && length <= MAX_PACKET_BYTES {
                let due = Instant::now() + conditions.delay.saturating_sub(conditions.jitter) + longer;
                self.came += 1;
                self.waiting.push(Reverse((due, self.came, self.buffer[..length].to_vec())));
            }
        }
        let now = Instant::now();
        while self.waiting.peek().is_some_and(|Reverse((due, ..))| *due <= now) {
            let Some((Reverse((_, nth, packet)), to)) = self.waiting.pop().zip(self.to) else { break };
            moved = true;
            if nth < self.last_left {
                counters.reordered.fetch_add(1, Ordering::Relaxed);
            }
            self.last_left = self.last_left.max(nth);
            counters.passed.fetch_add(1, Ordering::Relaxed);
            // Fails when the system has no room, as on any link.
            drop(self.output.send_to(&packet, to));
        }
        moved
    }
}
