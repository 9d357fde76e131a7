//! A UDP relay between two peers on loopback, which does to their packets what a bad line does: it delays each by a
//! time of its own, drops some, and limits the rate.
//!
//! The dialling peer is told the relay's address; the other side sees an address of the relay, too. Neither learns where
//! the other really is: no message tells a peer's own address, and gossip, which needs a third peer, names addresses as
//! they were seen, which are the relay's. Delays are kept to about a tenth of a millisecond. Chance comes from a seed,
//! but threads race: two runs throw the same dice for packets in another order.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use crate::Dice;

const ADDRESS: &str = "127.0.0.240:0";
/// What fits into a packet of Ethernet: loopback's packets of 64 KiB would make a line of few packets, where order
/// hardly counts. QUIC finds the largest packet that passes by itself.
const LARGEST_PACKET: usize = 1_472;
/// A burst waits in the socket while the relay's thread waits for a core.
const SOCKET_BUFFER: usize = 4 << 20;
/// The time until a relay that is dropped sees it.
const STOP_INTERVAL: Duration = Duration::from_millis(50);
/// A limited line drops what would wait longer, as a switch does whose queue is full.
const LONGEST_QUEUE: Duration = Duration::from_millis(50);

/// A relay's treatment of the packets of each direction.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// The shortest and the longest delay; each packet gets any between them.
    pub delay: (Duration, Duration),
    /// A packet waits for those that came before it.
    pub in_order: bool,
    /// One of so many packets is dropped; 0 is none.
    pub loss_once_in: u64,
    /// 0 is unlimited.
    pub bytes_per_sec: u64,
}

impl Line {
    /// Delays each packet by the same time, so that all stay in order.
    pub fn constant(delay: Duration) -> Self {
        Self::random(delay, delay)
    }

    /// Delays each packet by a time of its own, so that some overtake others.
    pub fn random(shortest: Duration, longest: Duration) -> Self {
        Self { delay: (shortest, longest), in_order: false, loss_once_in: 0, bytes_per_sec: 0 }
    }

    #[must_use]
    pub fn in_order(mut self) -> Self {
        self.in_order = true;
        self
    }

    #[must_use]
    pub fn losing_once_in(mut self, packets: u64) -> Self {
        self.loss_once_in = packets;
        self
    }

    #[must_use]
    pub fn limited_to(mut self, bytes_per_sec: u64) -> Self {
        self.bytes_per_sec = bytes_per_sec;
        self
    }
}

/// A relay's counts, of both directions together.
#[derive(Clone, Copy, Debug, Default)]
pub struct Relayed {
    pub packets: u64,
    pub bytes: u64,
    /// Packets that were sent on after a packet that came later.
    pub overtaken: u64,
    /// Packets that the line's settings dropped.
    pub dropped: u64,
}

/// A running relay; it ends when it is dropped.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    directions: [Arc<Direction>; 2],
    threads: Vec<JoinHandle<()>>,
}

/// The packets of one direction on their way.
#[derive(Debug)]
struct Direction {
    line: Line,
    queue: Mutex<Queue>,
    news: Condvar,
    stop: Arc<AtomicBool>,
    packets: AtomicU64,
    bytes: AtomicU64,
    overtaken: AtomicU64,
    dropped: AtomicU64,
}

#[derive(Debug)]
struct Queue {
    waiting: BinaryHeap<Reverse<Packet>>,
    dice: Dice,
    next_number: u64,
    last_due: Instant,
    /// When the limited line has sent all that it accepted.
    free_at: Instant,
}

/// Ordered by when it is due.
#[derive(Debug)]
struct Packet {
    due: Instant,
    number: u64,
    to: SocketAddr,
    through: Arc<UdpSocket>,
    bytes: Vec<u8>,
}

impl PartialEq for Packet {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Packet {}

impl PartialOrd for Packet {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Packet {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.due, self.number).cmp(&(other.due, other.number))
    }
}

impl Relay {
    /// Starts a relay that passes on what it gets to this peer, and the answers back.
    #[track_caller]
    pub fn to(peer: &str, line: Line, seed: u64) -> Self {
        let peer: SocketAddr = peer.parse().unwrap();
        let front = Arc::new(socket().unwrap());
        let stop = Arc::new(AtomicBool::new(false));
        let there = Direction::new(line, seed, &stop);
        let back = Direction::new(line, seed ^ 1, &stop);
        let address = front.local_addr().unwrap();
        let deliver = |name: &str, direction: &Arc<Direction>| {
            let direction = Arc::clone(direction);
            named_thread(name, move || direction.deliver())
        };
        let mut threads = vec![deliver("relay-there", &there), deliver("relay-back", &back)];
        let directions = [Arc::clone(&there), Arc::clone(&back)];
        threads.push(named_thread("relay-front", move || serve(&front, peer, &there, &back)));
        Self { address, stop, directions, threads }
    }

    /// What the dialling peer is told.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    pub fn relayed(&self) -> Relayed {
        self.directions.iter().fold(Relayed::default(), |sum, direction| Relayed {
            packets: sum.packets + direction.packets.load(Ordering::Relaxed),
            bytes: sum.bytes + direction.bytes.load(Ordering::Relaxed),
            overtaken: sum.overtaken + direction.overtaken.load(Ordering::Relaxed),
            dropped: sum.dropped + direction.dropped.load(Ordering::Relaxed),
        })
    }

    /// Packets that the kernel dropped because a socket of a relay was full (Linux; elsewhere unknown, 0): a line that
    /// should lose nothing lost them.
    pub fn overflowed(&self) -> u64 {
        let table = std::fs::read_to_string("/proc/net/udp").unwrap_or_default();
        // Addresses stand there in hexadecimal, in the byte order of the machine.
        let SocketAddr::V4(address) = self.address else { return 0 };
        let own = format!("{:08X}:", u32::from_ne_bytes(address.ip().octets()));
        let rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let of_relays = rows.filter(|row| row.get(1).is_some_and(|local| local.starts_with(&own)));
        of_relays.filter_map(|row| row.last()?.parse::<u64>().ok()).sum()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for direction in &self.directions {
            direction.news.notify_all();
        }
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }
}

impl Direction {
    fn new(line: Line, seed: u64, stop: &Arc<AtomicBool>) -> Arc<Self> {
        let queue = Queue {
            waiting: BinaryHeap::new(),
            dice: Dice::new(seed),
            next_number: 0,
            last_due: Instant::now(),
            free_at: Instant::now(),
        };
        Arc::new(Self {
            line,
            queue: Mutex::new(queue),
            news: Condvar::new(),
            stop: Arc::clone(stop),
            packets: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            overtaken: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        })
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Takes a packet, to send it on when it is due.
    fn take(&self, bytes: &[u8], through: &Arc<UdpSocket>, to: SocketAddr) {
        let now = Instant::now();
        let mut queue = self.queue.lock().unwrap();
        if self.line.loss_once_in > 0 && queue.dice.once_in(self.line.loss_once_in) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let Some(sent) = queue.send_at_rate(self.line.bytes_per_sec, bytes.len(), now) else {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let (shortest, longest) = self.line.delay;
        let spread = u64::try_from(longest.saturating_sub(shortest).as_nanos()).unwrap();
        let mut due = sent + shortest + Duration::from_nanos(queue.dice.below(spread + 1));
        if self.line.in_order {
            due = due.max(queue.last_due);
            queue.last_due = due;
        }
        let number = queue.next_number;
        queue.next_number += 1;
        let packet = Packet { due, number, to, through: Arc::clone(through), bytes: bytes.to_vec() };
        let is_next = queue.waiting.peek().is_none_or(|Reverse(next)| packet < *next);
        queue.waiting.push(Reverse(packet));
        drop(queue);
        if is_next {
            self.news.notify_one();
        }
    }

    /// Sends each packet on when it is due, until the relay ends.
    fn deliver(&self) {
        let mut latest_number = 0;
        let mut queue = self.queue.lock().unwrap();
        while !self.is_stopped() {
            let now = Instant::now();
            let until_due = queue.waiting.peek().map(|Reverse(next)| next.due.saturating_duration_since(now));
            match until_due {
                None => queue = self.news.wait_timeout(queue, STOP_INTERVAL).unwrap().0,
                Some(wait) if !wait.is_zero() => queue = self.news.wait_timeout(queue, wait).unwrap().0,
                Some(_) => {
                    let Some(Reverse(packet)) = queue.waiting.pop() else { continue };
                    drop(queue);
                    // What the receiver's socket does not take is lost, as on any line.
                    drop(packet.through.send_to(&packet.bytes, packet.to));
                    self.packets.fetch_add(1, Ordering::Relaxed);
                    self.bytes.fetch_add(packet.bytes.len() as u64, Ordering::Relaxed);
                    self.overtaken.fetch_add(u64::from(packet.number < latest_number), Ordering::Relaxed);
                    latest_number = latest_number.max(packet.number);
                    queue = self.queue.lock().unwrap();
                }
            }
        }
    }
}

impl Queue {
    /// When a packet has left a line of this rate; `None` if it would wait too long.
    fn send_at_rate(&mut self, bytes_per_sec: u64, bytes: usize, now: Instant) -> Option<Instant> {
        if bytes_per_sec == 0 {
            return Some(now);
        }
        let start = self.free_at.max(now);
        if start > now + LONGEST_QUEUE {
            return None;
        }
        self.free_at = start + Duration::from_nanos(bytes as u64 * 1_000_000_000 / bytes_per_sec);
        Some(self.free_at)
    }
}

/// Reads what the diallers send, and gives each dialler a socket of its own towards the peer.
fn serve(front: &Arc<UdpSocket>, peer: SocketAddr, there: &Arc<Direction>, back: &Arc<Direction>) {
    let mut diallers: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
    let mut threads = Vec::new();
    receive(front, there, |from, bytes| {
        let towards_peer = diallers.entry(from).or_insert_with(|| {
            let socket = Arc::new(socket().unwrap());
            let (front, back, answers) = (Arc::clone(front), Arc::clone(back), Arc::clone(&socket));
            threads.push(named_thread("relay-answers", move || {
                receive(&answers, &back, |sender, bytes| {
                    if sender == peer {
                        back.take(bytes, &front, from);
                    }
                });
            }));
            socket
        });
        there.take(bytes, towards_peer, peer);
    });
    for thread in threads {
        drop(thread.join());
    }
}

/// Hands each packet over until the relay ends.
fn receive(socket: &UdpSocket, direction: &Direction, mut packet: impl FnMut(SocketAddr, &[u8])) {
    let mut buffer = vec![0; usize::from(u16::MAX)];
    while !direction.is_stopped() {
        // An error is a timeout, or tells that a peer is not there any more.
        let Ok((length, from)) = socket.recv_from(&mut buffer) else { continue };
        if length <= LARGEST_PACKET {
            packet(from, &buffer[..length]);
        }
    }
}

fn socket() -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None)?;
    socket.set_recv_buffer_size(SOCKET_BUFFER)?;
    socket.set_read_timeout(Some(STOP_INTERVAL))?;
    socket.bind(&ADDRESS.parse::<SocketAddr>().unwrap().into())?;
    Ok(socket.into())
}

fn named_thread(name: &str, body: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    std::thread::Builder::new().name(name.into()).spawn(body).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    const DEADLINE: Duration = Duration::from_secs(30);

    /// A peer that only listens, and a dialler.
    fn ends() -> (UdpSocket, UdpSocket) {
        (socket().unwrap(), socket().unwrap())
    }

    /// Awaits a packet of at most 8 bytes.
    fn receive_one(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
        let (start, mut buffer) = (Instant::now(), [0; 8]);
        loop {
            if let Ok((length, from)) = socket.recv_from(&mut buffer) {
                return (buffer[..length].to_vec(), from);
            }
            assert!(start.elapsed() < DEADLINE, "no packet comes");
        }
    }

    /// Sends so many numbered packets through a relay; returns the numbers as they arrive.
    fn pass(line: Line, count: u32) -> (Vec<u32>, Relayed) {
        let (peer, dialler) = ends();
        let relay = Relay::to(&peer.local_addr().unwrap().to_string(), line, 7);
        for number in 0..count {
            dialler.send_to(&number.to_le_bytes(), relay.address()).unwrap();
        }
        let (start, mut arrived, mut buffer) = (Instant::now(), Vec::new(), [0; 8]);
        while arrived.len() as u64 + relay.relayed().dropped < u64::from(count) {
            // A timeout is a reason to look again: the last packet may have been dropped meanwhile.
            match peer.recv(&mut buffer) {
                Ok(length) => arrived.push(u32::from_le_bytes(buffer[..length].try_into().unwrap())),
                Err(_) => assert!(start.elapsed() < DEADLINE, "{arrived:?}"),
            }
        }
        (arrived, relay.relayed())
    }

    #[test]
    fn a_constant_delay_keeps_the_order_and_a_random_one_does_not() {
        let all: Vec<u32> = (0..500).collect();
        let (arrived, relayed) = pass(Line::constant(MILLISECOND), 500);
        assert_eq!((arrived, relayed.overtaken), (all.clone(), 0));
        let (mut arrived, relayed) = pass(Line::random(MILLISECOND, 20 * MILLISECOND), 500);
        assert_ne!(arrived, all);
        assert!(relayed.overtaken > 100, "{relayed:?}");
        arrived.sort_unstable();
        assert_eq!(arrived, all, "nothing is lost");
    }

    #[test]
    fn no_packet_is_early() {
        let (peer, dialler) = ends();
        let delay = 20 * MILLISECOND;
        let relay = Relay::to(&peer.local_addr().unwrap().to_string(), Line::constant(delay), 7);
        let start = Instant::now();
        dialler.send_to(b"x", relay.address()).unwrap();
        let (_, from) = receive_one(&peer);
        assert!(start.elapsed() >= delay);
        peer.send_to(b"y", from).unwrap();
        assert_eq!(receive_one(&dialler).0, b"y");
        assert!(start.elapsed() >= 2 * delay);
    }

    #[test]
    fn a_lossy_line_drops_its_share() {
        let (arrived, relayed) = pass(Line::constant(MILLISECOND).losing_once_in(10), 2_000);
        assert_eq!(arrived.len() as u64 + relayed.dropped, 2_000);
        assert!((100..=300).contains(&relayed.dropped), "{relayed:?}");
    }

    #[test]
    fn a_limited_line_takes_its_time() {
        let start = Instant::now();
        // 100 packets of 4 bytes at 10 kB/s.
        let (arrived, _) = pass(Line::constant(Duration::ZERO).limited_to(10_000), 100);
        assert_eq!(arrived.len(), 100);
        assert!(start.elapsed() >= 39 * MILLISECOND);
    }
}
