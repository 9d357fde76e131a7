//! Races: a manifest, a catalog or a cover, fetched from the first of several peers that brings it.
//!
//! These are small and nothing goes on without them, so they are hedged requests (Dean, Barroso: "The tail at scale",
//! 2013): a peer that is late is not waited for, the next one is asked besides.
//!
//! # Protocol
//! The caller names the candidates in the order in which they are to be asked; others may join while the race runs.
//! - The first candidate is asked. An attempt that fails or is refused makes room for the next candidate at once.
//! - When all attempts that run are late, the next candidate is asked besides: about a second after the one before it,
//!   and after `LOOK_INTERVAL` already where not a byte has come and no download limit explains that.
//! - At most `AT_ONCE` attempts run. When another one is due then, the one that receives least is given up.
//! - The first answer that is right ends the race, and the other attempts with it. Dropping an attempt tells its peer to
//!   stop.
//! - An attempt that stays late for `GIVEN_UP_AFTER` is given up. The last one of all goes on as long as it has the
//!   least rate of all, `MIN_RATE`: a source that is slow but alone still brings it. So every race ends: no blob is
//!   greater than `MAX_MANIFEST_BYTES`, and each attempt that lasts receives `MIN_RATE`.
//!
//! # When an attempt is late
//! Each attempt is measured over the last second, from its second one on. What this PC's own link or limit holds up is no
//! lateness: a manifest of 22 MB takes 88 s at 2 Mbit/s and is asked for once.
//! - *Late*: it receives less than `MIN_RATE`, or less than `FAIR_RATE` and less than an eighth of all bytes that
//!   this PC receives.
//! - *Slow*: it receives less than `FAIR_RATE`, and so little else arrives that the link is no reason, unless it is
//!   slower than any LAN. Up to `MAX_SLOW` such attempts run; they are not given up.
//! - Under a download limit an attempt that waits for the limit half of the time is neither. Otherwise all bytes of its
//!   connection count, since units that the limit delays can stand before the answer.

use std::collections::{BTreeSet, VecDeque};
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

use super::fetch::{Blob, BlobProgress, FetchError};
use super::{ConnId, Net};

/// Two that may fail and one more; each costs the receiver the bytes of a whole blob at worst.
const AT_ONCE: usize = 3;
/// How often the attempts are looked at: a quarter of the time that they are measured over.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);
/// What attempts are measured over. An answer of a peer that is well takes milliseconds, and a slow disk's less than this.
const MEASURED_OVER: Duration = Duration::from_secs(1);
/// An attempt that stays late is given up after this; so long a source may hang, as Wi-Fi and waking disks do.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(10);
/// The least rate, in bytes a second: most manifests have less than 1 MB and so take less than a minute.
const MIN_RATE: u64 = 16 * 1024;
/// What an attempt receives from a source that is well, in bytes a second, unless this PC's link is full.
const FAIR_RATE: u64 = 100_000;
/// A full link leaves an attempt at least this part of what arrives, by the number of requests that share it.
const FAIR_SHARE: u64 = 8;
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
        let late = race.running.iter().filter(|attempt| attempt.pace == Pace::Late || attempt.is_silent());
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
    /// Oldest first; they reach back for `MEASURED_OVER` or to the start.
    samples: VecDeque<Sample>,
    pace: Pace,
    /// Bytes in the last second.
    rate: u64,
    late_since: Option<Instant>,
}

/// The counts at one look.
#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Instant,
    received: u64,
    received_on_conn: u64,
    total: u64,
    is_at_limit: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    /// Too young to be measured.
    Unknown,
    Good,
    Slow,
    Late,
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
            samples: VecDeque::from([first]),
            pace: Pace::Unknown,
            rate: 0,
            late_since: None,
        });
    }

    fn sample(&self, conn: ConnId, progress: &BlobProgress) -> Sample {
        Sample {
            at: Instant::now(),
            received: progress.received(),
            received_on_conn: self.peers.received_on(conn),
            total: self.peers.traffic().total,
            is_at_limit: progress.is_at_limit(),
        }
    }

    /// Measures the attempts, gives up those that were late for long, and asks the next candidate if it is due.
    fn look(&mut self) {
        let limit = self.peers.traffic().limit;
        for nth in 0..self.running.len() {
            let attempt = &self.running[nth];
            let sample = self.sample(attempt.conn, &attempt.progress);
            self.running[nth].measure(sample, limit);
        }
        while let Some(nth) = self.late_for_long() {
            self.give_up(nth);
        }
        if self.is_next_due() {
            if self.running.len() >= AT_ONCE
                && let Some(nth) = self.worst()
            {
                self.give_up(nth);
            }
            self.ask_next();
        }
    }

    fn late_for_long(&self) -> Option<usize> {
        let is_last = self.running.len() == 1 && self.next_candidate().is_none();
        self.running.iter().position(|attempt| {
            let is_over = attempt.late_since.is_some_and(|since| since.elapsed() >= GIVEN_UP_AFTER);
            is_over && !(is_last && attempt.rate >= MIN_RATE)
        })
    }

    fn is_next_due(&self) -> bool {
        let is_limited = self.peers.traffic().limit > 0;
        let is_well = |attempt: &Attempt<T>| match attempt.pace {
            Pace::Good => true,
            // Before it can be measured, one byte is a sign of life.
            Pace::Unknown => is_limited || !attempt.is_silent(),
            Pace::Slow | Pace::Late => false,
        };
        if self.running.len() >= AT_ONCE && self.worst().is_none() {
            return false;
        }
        let slow = self.running.iter().filter(|attempt| attempt.pace == Pace::Slow).count();
        self.next_candidate().is_some() && slow < MAX_SLOW && !self.running.iter().any(is_well)
    }

    /// The late attempt that receives least.
    fn worst(&self) -> Option<usize> {
        let late = self.running.iter().enumerate().filter(|(_, attempt)| attempt.pace == Pace::Late);
        late.min_by_key(|(_, attempt)| attempt.rate).map(|(nth, _)| nth)
    }

    fn give_up(&mut self, nth: usize) {
        let attempt = self.running.remove(nth);
        debug!(conn = attempt.conn.0, rate = attempt.rate, "a late attempt to fetch is given up");
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
        self.pace == Pace::Unknown && self.progress.received() == 0 && !self.is_new()
    }

    /// It was asked since the last look.
    fn is_new(&self) -> bool {
        self.samples.front().is_some_and(|first| first.at.elapsed() < LOOK_INTERVAL)
    }

    fn measure(&mut self, sample: Sample, limit: u64) {
        self.samples.push_back(sample);
        while self.samples.get(1).is_some_and(|second| sample.at - second.at >= MEASURED_OVER) {
            self.samples.pop_front();
        }
        let first = self.samples[0];
        if sample.at - first.at < MEASURED_OVER {
            return;
        }
        let millis = u64::try_from((sample.at - first.at).as_millis()).unwrap_or(u64::MAX);
        let per_second = |new: u64, old: u64| new.saturating_sub(old).saturating_mul(1000) / millis;
        self.rate = per_second(sample.received, first.received);
        self.pace = if self.progress.is_whole() {
            // It is being checked here.
            Pace::Good
        } else if limit > 0 {
            let at_limit = self.samples.iter().filter(|sample| sample.is_at_limit).count();
            let on_conn = per_second(sample.received_on_conn, first.received_on_conn);
            pace_under_limit(on_conn, limit, at_limit * 2 >= self.samples.len())
        } else {
            pace(self.rate, per_second(sample.total, first.total))
        };
        if self.pace == Pace::Late {
            self.late_since.get_or_insert(sample.at);
        } else {
            self.late_since = None;
        }
    }
}

/// The pace of an attempt by its rate and this PC's.
fn pace(rate: u64, total: u64) -> Pace {
    if rate < MIN_RATE || (rate < FAIR_RATE && rate < total / FAIR_SHARE) {
        Pace::Late
    } else if rate < FAIR_RATE && total < 2 * FAIR_RATE {
        Pace::Slow
    } else {
        Pace::Good
    }
}

/// As [`pace`], under a download limit. Other requests may have taken almost all of it.
fn pace_under_limit(rate_on_conn: u64, limit: u64, waits_for_limit: bool) -> Pace {
    if waits_for_limit || rate_on_conn >= MIN_RATE.min(limit / (2 * FAIR_SHARE)) {
        Pace::Good
    } else {
        Pace::Late
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Mutex;
    use std::sync::atomic::AtomicU64;

    use tokio::time::sleep;

    use super::*;

    /// What a peer does when it is asked.
    #[derive(Clone, Copy)]
    enum Peer {
        Silent,
        /// Refuses after so many milliseconds.
        Refuses(u64),
        Lies(u64),
        Answers(u64),
        /// Sends so many bytes a second until so many have come.
        Sends(u64, u64),
        /// Sends so much, of which this PC's limit holds up all.
        IsHeldUp(u64),
    }

    /// Peers by connection, and what else arrives in bytes a second.
    struct Scripted {
        peers: BTreeMap<ConnId, Peer>,
        start: Instant,
        asked: Mutex<Vec<(u64, u64)>>,
        received: Arc<AtomicU64>,
        other_rate: u64,
        limit: u64,
    }

    impl Peers<ConnId> for Scripted {
        fn ask(&self, conn: ConnId, progress: Arc<BlobProgress>) -> Answer<ConnId> {
            let millis = u64::try_from(self.start.elapsed().as_millis()).unwrap();
            self.asked.lock().unwrap().push((conn.0, millis));
            let (peer, received) = (self.peers[&conn], Arc::clone(&self.received));
            Box::pin(async move {
                let wait = |millis| sleep(Duration::from_millis(millis));
                match peer {
                    Peer::Silent => std::future::pending().await,
                    Peer::Refuses(after) => {
                        wait(after).await;
                        Err(BlobError::Unavailable)
                    }
                    Peer::Lies(after) => {
                        wait(after).await;
                        Err(BlobError::Wrong("a lie".to_owned()))
                    }
                    Peer::Answers(after) => {
                        wait(after).await;
                        Ok(conn)
                    }
                    Peer::Sends(rate, bytes) => {
                        while progress.received() < bytes {
                            wait(10).await;
                            progress.add(rate / 100);
                            received.fetch_add(rate / 100, Ordering::Relaxed);
                        }
                        Ok(conn)
                    }
                    Peer::IsHeldUp(millis) => {
                        progress.set_at_limit(true);
                        wait(millis).await;
                        Ok(conn)
                    }
                }
            })
        }

        fn traffic(&self) -> Traffic {
            let other = u64::try_from(self.start.elapsed().as_millis()).unwrap() * self.other_rate / 1000;
            Traffic { total: self.received.load(Ordering::Relaxed) + other, limit: self.limit }
        }

        fn received_on(&self, _conn: ConnId) -> u64 {
            0
        }
    }

    /// The first answer, who failed and how, when which connection was asked, and how long all took in milliseconds.
    struct Outcome {
        first: Option<u64>,
        failed: Vec<(u64, BlobError)>,
        asked: Vec<(u64, u64)>,
        took: u64,
    }

    struct Link {
        other_rate: u64,
        limit: u64,
    }

    const IDLE: Link = Link { other_rate: 0, limit: 0 };

    async fn race(link: Link, peers: &[Peer]) -> Outcome {
        let conns: Vec<ConnId> = (1..=peers.len() as u64).map(ConnId).collect();
        let scripted = Scripted {
            peers: conns.iter().copied().zip(peers.iter().copied()).collect(),
            start: Instant::now(),
            asked: Mutex::default(),
            received: Arc::default(),
            other_rate: link.other_rate,
            limit: link.limit,
        };
        let raced = run(&scripted, watch::channel(conns).1, &CancellationToken::new()).await;
        if let Some((conn, answer)) = raced.first {
            assert_eq!(conn, answer);
        }
        Outcome {
            first: raced.first.map(|(conn, _)| conn.0),
            failed: raced.failed.into_iter().map(|(conn, error)| (conn.0, error)).collect(),
            asked: scripted.asked.into_inner().unwrap(),
            took: u64::try_from(scripted.start.elapsed().as_millis()).unwrap(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_is_asked_when_not_a_byte_comes_and_the_silent_one_is_named() {
        let outcome = race(IDLE, &[Peer::Silent, Peer::Answers(5), Peer::Answers(5)]).await;
        assert_eq!(outcome.first, Some(2));
        assert_eq!(outcome.asked, [(1, 0), (2, 250)]);
        assert_eq!(outcome.failed, [(1, BlobError::Late)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_one_that_answers_in_the_end_wins_and_blames_nobody() {
        let outcome = race(IDLE, &[Peer::Answers(400), Peer::Answers(900)]).await;
        assert_eq!((outcome.first, outcome.took), (Some(1), 400));
        assert_eq!(outcome.failed, [], "the second one is not late yet");
    }

    #[tokio::test(start_paused = true)]
    async fn refusals_and_lies_lead_to_the_next_at_once() {
        let outcome = race(IDLE, &[Peer::Refuses(3), Peer::Lies(4), Peer::Answers(5)]).await;
        assert_eq!((outcome.first, outcome.took), (Some(3), 12));
        assert_eq!(outcome.asked, [(1, 0), (2, 3), (3, 7)]);
        let lie = BlobError::Wrong("a lie".to_owned());
        assert_eq!(outcome.failed, [(1, BlobError::Unavailable), (2, lie)]);
    }

    #[tokio::test(start_paused = true)]
    async fn silent_peers_are_asked_in_turn_and_given_up() {
        let outcome = race(IDLE, &[Peer::Silent; 5]).await;
        assert_eq!(outcome.first, None);
        assert_eq!(outcome.asked, [(1, 0), (2, 250), (3, 500), (4, 1000), (5, 1250)]);
        assert!(outcome.failed.iter().all(|(_, error)| *error == BlobError::Late));
        assert_eq!((outcome.failed.len(), outcome.took), (5, 12_250));
        // The first two made room for the fourth and the fifth.
        assert_eq!(outcome.failed.iter().map(|(conn, _)| *conn).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_one_that_sends_least_makes_room() {
        let forever = u64::MAX;
        let peers =
            [Peer::Sends(5_000, forever), Peer::Silent, Peer::Sends(8_000, forever), Peer::Answers(100)];
        let outcome = race(IDLE, &peers).await;
        assert_eq!((outcome.first, outcome.took), (Some(4), 2350));
        assert_eq!(outcome.failed.iter().map(|(conn, _)| *conn).collect::<Vec<_>>(), [2, 1, 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_manifest_on_a_slow_link_is_asked_for_once() {
        let link = Link { other_rate: 0, limit: 0 };
        let outcome = race(link, &[Peer::Sends(250_000, 22_000_000), Peer::Answers(1)]).await;
        assert_eq!((outcome.first, outcome.took), (Some(1), 88_000));
        assert_eq!(outcome.asked.len(), 1);
        // The same beside other requests that fill the link.
        let link = Link { other_rate: 200_000, limit: 0 };
        let outcome = race(link, &[Peer::Sends(50_000, 1_000_000), Peer::Answers(1)]).await;
        assert_eq!((outcome.first, outcome.took), (Some(1), 20_000));
        assert_eq!(outcome.asked.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn less_than_a_fair_share_is_late() {
        let link = Link { other_rate: 10_000_000, limit: 0 };
        let outcome = race(link, &[Peer::Sends(90_000, 9_000_000), Peer::Answers(1)]).await;
        assert_eq!((outcome.first, outcome.failed), (Some(2), vec![(1, BlobError::Late)]));
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_one_goes_on_while_it_has_the_least_rate() {
        let link = Link { other_rate: 10_000_000, limit: 0 };
        let outcome = race(link, &[Peer::Sends(30_000, 3_000_000), Peer::Refuses(50)]).await;
        assert_eq!((outcome.first, outcome.took), (Some(1), 100_000));
        let outcome = race(IDLE, &[Peer::Sends(10_000, 3_000_000)]).await;
        assert_eq!((outcome.first, outcome.took), (None, 11_000));
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_slow_for_no_reason_is_compared_with_one_other() {
        let peers = [Peer::Sends(20_000, 1_000_000), Peer::Sends(25_000, 1_000_000), Peer::Answers(1)];
        let outcome = race(IDLE, &peers).await;
        assert_eq!((outcome.first, outcome.asked.len()), (Some(2), 2));
        assert_eq!(outcome.failed, [], "both may be honest");
        let peers = [Peer::Sends(20_000, 1_000_000), Peer::Silent, Peer::Answers(1)];
        let outcome = race(IDLE, &peers).await;
        assert_eq!((outcome.first, outcome.took), (Some(3), 1251));
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_makes_nobody_late() {
        let limited = || Link { other_rate: 1_000_000, limit: 1_000_000 };
        let outcome = race(limited(), &[Peer::IsHeldUp(60_000), Peer::Answers(1)]).await;
        assert_eq!((outcome.first, outcome.asked.len()), (Some(1), 1));
        let outcome = race(limited(), &[Peer::Silent, Peer::Answers(1)]).await;
        assert_eq!((outcome.first, outcome.took), (Some(2), 1001));
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancelled_race_ends_at_once() {
        let scripted = Scripted {
            peers: BTreeMap::from([(ConnId(1), Peer::Silent)]),
            start: Instant::now(),
            asked: Mutex::default(),
            received: Arc::default(),
            other_rate: 0,
            limit: 0,
        };
        let cancel = CancellationToken::new();
        cancel.cancel();
        let from = |conns| watch::channel(conns).1;
        assert_eq!(run(&scripted, from(vec![ConnId(1)]), &cancel).await, Raced::default());
        assert_eq!(run(&scripted, from(vec![]), &CancellationToken::new()).await, Raced::default());
    }

    #[tokio::test(start_paused = true)]
    async fn a_candidate_that_comes_later_is_asked_before_the_late_one_is_given_up() {
        let scripted = Scripted {
            peers: BTreeMap::from([(ConnId(1), Peer::Silent), (ConnId(2), Peer::Answers(5))]),
            start: Instant::now(),
            asked: Mutex::default(),
            received: Arc::default(),
            other_rate: 0,
            limit: 0,
        };
        let (candidates, from) = watch::channel(vec![ConnId(1)]);
        let join = async {
            sleep(Duration::from_millis(1600)).await;
            candidates.send(vec![ConnId(2), ConnId(1)]).unwrap();
        };
        let never = CancellationToken::new();
        let (raced, ()) = tokio::join!(run(&scripted, from, &never), join);
        assert_eq!(
            raced,
            Raced { first: Some((ConnId(2), ConnId(2))), failed: vec![(ConnId(1), BlobError::Late)] }
        );
        assert_eq!(*scripted.asked.lock().unwrap(), [(1, 0), (2, 1750)]);
    }
}
