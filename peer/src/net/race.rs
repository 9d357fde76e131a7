//! Races: a manifest, a catalog or a cover, fetched from the first of several peers that brings it.
//!
//! These are small and nothing goes on without them, so they are hedged requests (Dean, Barroso: "The tail at scale",
//! 2013): a peer that is late is not waited for, the next one is asked besides.
//!
//! # Protocol
//! The caller names the candidates in the order in which they are to be asked; others may join while the race runs.
//! - The first candidate is asked. An attempt that fails or is refused makes room for the next candidate at once.
//! - When all attempts that run are late, the next candidate is asked besides: about a second after the one before it,
//!   and after `SILENT_AFTER` already where not a byte has come and neither a download limit nor other traffic explains
//!   that.
//! - At most `AT_ONCE` attempts receive, and `ASKED_AT_ONCE` run. When another one is due then, the late one that
//!   receives least is given up.
//! - The first answer that is right ends the race, and the other attempts with it. Dropping an attempt tells its peer to
//!   stop.
//! - An attempt that stays late for `GIVEN_UP_AFTER` is given up. The last one of all goes on as long as it has the
//!   least rate of all, `MIN_RATE`: a source that is slow but alone still brings it. So every race ends: no blob is
//!   greater than `MAX_MANIFEST_BYTES`, and each attempt that lasts receives `MIN_RATE`.
//! - An attempt is *late* or *slow* by its rate over the last second (`pace`). Up to `MAX_SLOW` slow ones run; they are
//!   not given up.

mod pace;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use lanspread_engine::{BlobError, Raced};
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use self::pace::{MIN_RATE, Meter, Pace, Sample};
use super::fetch::{Blob, BlobProgress, FetchError};
use super::{ConnId, Net};

/// Two that may fail and one more; each costs the receiver the bytes of a whole blob at worst.
const AT_ONCE: usize = 3;
/// With those of which not a byte has come: these cost nothing but their requests.
const ASKED_AT_ONCE: usize = 6;
/// The time between two looks at the attempts.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// A peer of a LAN answers within this time, and so does a disk that spins. Less than the time between two looks, so that
/// who is asked in one look counts in the next.
const SILENT_AFTER: Duration = Duration::from_millis(75);
/// Beside other traffic the answer may wait behind that.
const SILENT_AFTER_BESIDE_OTHERS: Duration = Duration::from_millis(300);
/// An attempt that has brought nothing for so long is late when another one wins.
const BLAMED_AFTER: Duration = Duration::from_millis(500);
/// An attempt that stays late is given up after this; so long a source may hang, as Wi-Fi and waking disks do.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(10);
/// Slow attempts at once: the second finds out whether the first one's peer is slow, or this PC's link.
const MAX_SLOW: usize = 2;

impl Net {
    /// Fetches a blob from the first of these peers that brings it. `open` makes of its bytes what is wanted, on the
    /// blocking pool; an error means that the peer sent something wrong. Cancelled, it ends without an answer. What changes in
    /// `from` counts for the candidates that were not asked yet, within `LOOK_INTERVAL`.
    pub async fn race<T: Send + 'static>(
        &self,
        blob: Blob,
        from: watch::Receiver<Vec<ConnId>>,
        open: impl Fn(Vec<u8>) -> Result<T, String> + Send + Sync + 'static,
        cancel: &CancellationToken,
    ) -> Raced<T> {
        let peers = NetPeers { net: self.clone(), blob, open: Arc::new(open) };
        run(&peers, from, cancel).await
    }
}

/// The bytes that this PC has received until now, and its limit on them in bytes a second; 0 is none.
#[derive(Clone, Copy, Debug, Default)]
struct Traffic {
    total: u64,
    limit: u64,
}

type Answer<T> = Pin<Box<dyn Future<Output = Result<T, BlobError>> + Send>>;

/// The peers of a race and the link to them. Tests put scripted ones in their place.
trait Peers<T> {
    fn ask(&self, conn: ConnId, progress: Arc<BlobProgress>) -> Answer<T>;
    fn traffic(&self) -> Traffic;
    /// Payload bytes that a connection has received.
    fn received_on(&self, conn: ConnId) -> u64;
}

struct NetPeers<F> {
    net: Net,
    blob: Blob,
    open: Arc<F>,
}

impl<T, F> Peers<T> for NetPeers<F>
where
    T: Send + 'static,
    F: Fn(Vec<u8>) -> Result<T, String> + Send + Sync + 'static,
{
    fn ask(&self, conn: ConnId, progress: Arc<BlobProgress>) -> Answer<T> {
        let (net, blob, open) = (self.net.clone(), self.blob, Arc::clone(&self.open));
        Box::pin(async move {
            let fetched = net.fetch_blob(conn, blob, &progress).await;
            let bytes = fetched.map_err(|error| {
                debug!(conn = conn.0, ?blob, %error, "an attempt to fetch failed");
                blob_error(&error)
            })?;
            let opened = spawn_blocking(move || open(bytes)).await;
            opened.map_err(|_panicked| BlobError::Unavailable)?.map_err(BlobError::Wrong)
        })
    }

    fn traffic(&self) -> Traffic {
        Traffic { total: self.net.total_bytes().0, limit: self.net.download().limit() }
    }

    fn received_on(&self, conn: ConnId) -> u64 {
        self.net.0.link(conn).map_or(0, |link| link.rx_bytes.load(Ordering::Relaxed))
    }
}

fn blob_error(error: &FetchError) -> BlobError {
    match error {
        FetchError::BadBlob | FetchError::BadChunk { .. } => BlobError::Wrong(error.to_string()),
        FetchError::Refused(_) | FetchError::Cancelled | FetchError::Lost(_) => BlobError::Unavailable,
    }
}

async fn run<T>(
    peers: &impl Peers<T>,
    from: watch::Receiver<Vec<ConnId>>,
    cancel: &CancellationToken,
) -> Raced<T> {
    let mut race =
        Race { peers, candidates: from, asked: BTreeSet::new(), running: Vec::new(), failed: Vec::new() };
    let first = tokio::select! {
        biased;
        () = cancel.cancelled() => None,
        first = race.run() => first,
    };
    if first.is_some() {
        // Whoever was overtaken because it was late is known; whoever was asked a moment ago may be well.
        let late = race
            .running
            .iter()
            .filter(|attempt| attempt.meter.pace == Pace::Late || attempt.is_silent_for(BLAMED_AFTER));
        race.failed.extend(late.map(|attempt| (attempt.conn, BlobError::Late)));
    }
    Raced { first, failed: race.failed }
}

struct Race<'a, T, P> {
    peers: &'a P,
    candidates: watch::Receiver<Vec<ConnId>>,
    asked: BTreeSet<ConnId>,
    running: Vec<Attempt<T>>,
    failed: Vec<(ConnId, BlobError)>,
}

struct Attempt<T> {
    conn: ConnId,
    progress: Arc<BlobProgress>,
    answer: Answer<T>,
    meter: Meter,
}

impl<T, P: Peers<T>> Race<'_, T, P> {
    /// Returns the first answer that is right; `None` when all candidates have failed.
    async fn run(&mut self) -> Option<(ConnId, T)> {
        let mut looks = interval_at(Instant::now() + LOOK_INTERVAL, LOOK_INTERVAL);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.ask_next();
        while !self.running.is_empty() {
            tokio::select! {
                biased;
                (nth, answer) = first_end(&mut self.running) => {
                    let conn = self.running.remove(nth).conn;
                    match answer {
                        Ok(answer) => return Some((conn, answer)),
                        Err(error) => self.failed.push((conn, error)),
                    }
                    self.ask_next();
                }
                _ = looks.tick() => self.look(),
            }
        }
        None
    }

    /// Returns the first candidate that was not asked yet.
    fn next_candidate(&self) -> Option<ConnId> {
        self.candidates.borrow().iter().find(|conn| !self.asked.contains(conn)).copied()
    }

    fn ask_next(&mut self) {
        let Some(conn) = self.next_candidate() else { return };
        self.asked.insert(conn);
        let progress = Arc::new(BlobProgress::default());
        let first = self.sample(conn, &progress);
        self.running.push(Attempt {
            conn,
            answer: self.peers.ask(conn, Arc::clone(&progress)),
            progress,
            meter: Meter::new(first),
        });
    }

    fn sample(&self, conn: ConnId, progress: &BlobProgress) -> Sample {
        Sample {
            at: Instant::now(),
            received: progress.received(),
            received_on_conn: self.peers.received_on(conn),
            total: self.peers.traffic().total,
            is_at_limit: progress.is_at_limit(),
            is_whole: progress.is_whole(),
        }
    }

    /// Measures the attempts, gives up those that were late for long, and asks the next candidate if it is due.
    fn look(&mut self) {
        let limit = self.peers.traffic().limit;
        for nth in 0..self.running.len() {
            let attempt = &self.running[nth];
            let sample = self.sample(attempt.conn, &attempt.progress);
            self.running[nth].meter.measure(sample, limit);
        }
        while let Some(nth) = self.late_for_long() {
            self.give_up(nth);
        }
        if self.is_next_due() {
            if self.is_full()
                && let Some(nth) = self.worst()
            {
                self.give_up(nth);
            }
            self.ask_next();
        }
        while self.receiving().count() > AT_ONCE {
            // All of them were silent together; the last one to answer is not to blame.
            let least = self.receiving().rev().min_by_key(|(_, attempt)| attempt.progress.received());
            let Some((nth, _)) = least else { break };
            drop(self.running.remove(nth));
        }
    }

    fn late_for_long(&self) -> Option<usize> {
        let is_last = self.running.len() == 1 && self.next_candidate().is_none();
        self.running.iter().position(|attempt| {
            let is_over = attempt.meter.late_since.is_some_and(|since| since.elapsed() >= GIVEN_UP_AFTER);
            is_over && !(is_last && attempt.meter.rate >= MIN_RATE)
        })
    }

    fn is_next_due(&self) -> bool {
        let is_limited = self.peers.traffic().limit > 0;
        let is_well = |attempt: &Attempt<T>| match attempt.meter.pace {
            Pace::Good => true,
            // Before it can be measured, one byte is a sign of life.
            Pace::Unknown => is_limited || !attempt.is_silent(),
            Pace::Slow | Pace::Late => false,
        };
        if self.is_full() && self.worst().is_none() {
            return false;
        }
        let slow = self.running.iter().filter(|attempt| attempt.meter.pace == Pace::Slow).count();
        self.next_candidate().is_some() && slow < MAX_SLOW && !self.running.iter().any(is_well)
    }

    /// Attempts of which bytes have come.
    fn receiving(&self) -> impl DoubleEndedIterator<Item = (usize, &Attempt<T>)> {
        self.running.iter().enumerate().filter(|(_, attempt)| attempt.progress.received() > 0)
    }

    fn is_full(&self) -> bool {
        self.running.len() >= ASKED_AT_ONCE || self.receiving().count() >= AT_ONCE
    }

    /// The late attempt that receives least.
    fn worst(&self) -> Option<usize> {
        let late = self.running.iter().enumerate().filter(|(_, attempt)| attempt.meter.pace == Pace::Late);
        late.min_by_key(|(_, attempt)| attempt.meter.rate).map(|(nth, _)| nth)
    }

    fn give_up(&mut self, nth: usize) {
        let attempt = self.running.remove(nth);
        debug!(conn = attempt.conn.0, rate = attempt.meter.rate, "a late attempt to fetch is given up");
        self.failed.push((attempt.conn, BlobError::Late));
    }
}

/// Waits for the first attempt that ends.
async fn first_end<T>(running: &mut [Attempt<T>]) -> (usize, Result<T, BlobError>) {
    std::future::poll_fn(|context| {
        for (nth, attempt) in running.iter_mut().enumerate() {
            if let Poll::Ready(answer) = attempt.answer.as_mut().poll(context) {
                return Poll::Ready((nth, answer));
            }
        }
        Poll::Pending
    })
    .await
}

impl<T> Attempt<T> {
    /// Not a byte has come, and it was not asked just now.
    fn is_silent(&self) -> bool {
        let patience = if self.meter.is_link_idle() { SILENT_AFTER } else { SILENT_AFTER_BESIDE_OTHERS };
        self.is_silent_for(patience)
    }

    /// Too young to be measured, and not a byte has come in this time.
    fn is_silent_for(&self, time: Duration) -> bool {
        self.meter.pace == Pace::Unknown && self.progress.received() == 0 && self.meter.age() >= time
    }
}
