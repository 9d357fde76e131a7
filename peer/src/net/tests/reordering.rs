//! Transfers over a link that reorders packets.

use super::relay::{Conditions, Relay};
use super::throughput::{fetch_all, serve_all};
use super::transfer::Payload;
use super::*;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// Each packet takes 1 to 2 ms, whatever the others take.
const REORDERING: Conditions = Conditions {
    delay: Duration::from_micros(1_500),
    jitter: Duration::from_micros(500),
    lost_of_thousand: 0,
    seed: 1,
};

/// Two peers that greeted each other through a relay.
async fn pair_over(conditions: Conditions) -> (Relay, (Peer, ConnId), (Peer, ConnId)) {
    let (mut a, mut b) = (Peer::new(), Peer::new());
    let relay = Relay::to(b.address(), conditions);
    a.net.dial(DialId(1), relay.address(), Some(b.id));
    let ((to_b, _), (to_a, _)) = (a.connected().await, b.connected().await);
    a.net.send(to_b, &Control::Ping(0));
    b.net.send(to_a, &Control::Ping(0));
    assert_eq!((a.next_control().await, b.next_control().await), (Control::Ping(0), Control::Ping(0)));
    (relay, (a, to_b), (b, to_a))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reordered_packets_are_not_taken_for_lost() {
    let (relay, (a, to_b), (b, to_a)) = pair_over(REORDERING).await;
    let payload = Payload::new(16 * 1024 * 1024);
    // Slow enough for a busy machine: what its socket buffers do not hold is really lost.
    b.net.upload().set_limit(16_000_000);
    let net = b.net.clone();
    let serving = tokio::spawn(serve_all(b, payload.clone()));
    fetch_all(&a.net, to_b, &payload, 1).await;
    let (passed, reordered) =
        (relay.counters.passed.load(Ordering::Relaxed), relay.counters.reordered.load(Ordering::Relaxed));
    assert!(reordered > passed / 10, "{reordered} of {passed} packets came out of order");
    let lost = net.stats(to_a).unwrap().packets_lost;
    // Some are on a busy machine, where the relay's thread is late. By the number of later packets it would be an eighth.
    assert!(lost <= passed / 20, "{lost} of {passed} packets were taken for lost");
    assert_eq!(a.net.total_bytes().0, payload.manifest.total_bytes());
    serving.abort();
}

/// `cargo test --release -p lanspread-peer --lib -- --ignored --nocapture over_bad_links`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement, not a test"]
#[expect(clippy::print_stderr, clippy::cast_precision_loss, reason = "a measurement is for people to read")]
async fn throughput_over_bad_links() {
    let payload = Payload::new(64 * 1024 * 1024);
    let links = [
        ("in order", Duration::ZERO, 0),
        ("reordered", REORDERING.jitter, 0),
        ("in order, 1 % lost", Duration::ZERO, 10),
        ("reordered, 1 % lost", REORDERING.jitter, 10),
    ];
    for seed in 1..=3 {
        for (what, jitter, lost_of_thousand) in links {
            let conditions = Conditions { jitter, lost_of_thousand, seed, ..REORDERING };
            let (relay, (a, to_b), (b, to_a)) = pair_over(conditions).await;
            let net = b.net.clone();
            let serving = tokio::spawn(serve_all(b, payload.clone()));
            let start = Instant::now();
            fetch_all(&a.net, to_b, &payload, 2).await;
            let rate = 2.0 * payload.manifest.total_bytes() as f64 / start.elapsed().as_secs_f64() / 1e6;
            let (passed, reordered) = (
                relay.counters.passed.load(Ordering::Relaxed),
                relay.counters.reordered.load(Ordering::Relaxed),
            );
            let stats = net.stats(to_a).unwrap();
            eprintln!(
                "{what:24} {rate:6.1} MB/s, {passed} packets, {reordered} out of order, {} taken for lost, {:?}",
                stats.packets_lost, stats.rtt,
            );
            serving.abort();
        }
    }
}
