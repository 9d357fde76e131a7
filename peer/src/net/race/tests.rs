//! Races among scripted peers, in simulated time.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;

use tokio::time::sleep;

use super::*;

/// A peer's behaviour when it is asked.
#[derive(Clone, Copy)]
enum Peer {
    Silent,
    /// Refuses after so many milliseconds.
    Refuses(u64),
    Lies(u64),
    Answers(u64),
    /// Sends so many bytes a second until so many have come.
    Sends(u64, u64),
    /// Is silent until so many milliseconds after the race's start, and then sends so many bytes in 100 ms.
    Wakes(u64, u64),
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
                Peer::Wakes(at, bytes) => {
                    wait(at - millis).await;
                    for _ in 0..10 {
                        progress.add(bytes / 10);
                        wait(10).await;
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
async fn the_next_is_asked_when_not_a_byte_comes() {
    let outcome = race(IDLE, &[Peer::Silent, Peer::Answers(5), Peer::Answers(5)]).await;
    assert_eq!(outcome.first, Some(2));
    assert_eq!(outcome.asked, [(1, 0), (2, 100)]);
    assert_eq!(outcome.failed, [], "it had little time");
    let outcome = race(IDLE, &[Peer::Silent, Peer::Answers(600)]).await;
    assert_eq!(outcome.first, Some(2));
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
    assert_eq!(outcome.asked, [(1, 0), (2, 100), (3, 200), (4, 300), (5, 400)]);
    assert!(outcome.failed.iter().all(|(_, error)| *error == BlobError::Late));
    assert_eq!((outcome.failed.len(), outcome.took), (5, 11_400));
    assert_eq!(outcome.failed.iter().map(|(conn, _)| *conn).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
}

#[tokio::test(start_paused = true)]
async fn the_one_that_sends_least_makes_room() {
    let forever = u64::MAX;
    let trickle = |rate| Peer::Sends(rate, forever);
    let outcome = race(IDLE, &[trickle(8_000), trickle(5_000), trickle(6_000), Peer::Answers(50)]).await;
    assert_eq!((outcome.first, outcome.took), (Some(4), 3050));
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
    assert_eq!((outcome.first, outcome.took), (Some(3), 1101));
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
    assert_eq!(*scripted.asked.lock().unwrap(), [(1, 0), (2, 1700)]);
}

#[tokio::test(start_paused = true)]
async fn of_many_that_were_silent_together_three_go_on() {
    let peers = [Peer::Wakes(650, 40_000); 6];
    let outcome = race(IDLE, &peers).await;
    assert_eq!(outcome.asked, [(1, 0), (2, 100), (3, 200), (4, 300), (5, 400), (6, 500)]);
    assert_eq!((outcome.first, outcome.failed), (Some(1), vec![]));
}

#[tokio::test(start_paused = true)]
async fn beside_other_traffic_silence_lasts_longer() {
    let link = Link { other_rate: 250_000, limit: 0 };
    let outcome = race(link, &[Peer::Answers(250), Peer::Answers(1)]).await;
    assert_eq!((outcome.first, outcome.asked.len()), (Some(1), 1));
}
