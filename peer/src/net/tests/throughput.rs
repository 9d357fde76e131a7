//! What the network moves on loopback, measured on request:
//! `cargo test --release -p lanspread-peer --lib -- --ignored --nocapture throughput`.
//! Figures depend on the machine; what counts is the ratio to the bare stream between the same sockets.

use super::transfer::{Payload, game};
use super::*;
use crate::net::fetch::{FetchedUnit, UnitSink};
use crate::net::{endpoint, transport, windows};
use bytes::Bytes;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

const PAYLOAD_BYTES: usize = 64 * 1024 * 1024;
/// How often the payload is moved.
const ROUNDS: usize = 16;
const UNITS_PER_REQUEST: usize = 16;
const REQUESTS_IN_FLIGHT: usize = 4;

#[expect(clippy::print_stderr, clippy::cast_precision_loss, reason = "a measurement is for people to read")]
fn report(what: &str, start: Instant) -> f64 {
    let rate = (ROUNDS * PAYLOAD_BYTES) as f64 / start.elapsed().as_secs_f64() / 1e6;
    eprintln!("{what:40} {rate:8.0} MB/s");
    rate
}

/// One stream, nothing verified: what QUIC itself moves with these settings.
async fn bare_stream() -> f64 {
    let bound = || {
        let config =
            NetConfig { bind: vec![LOOPBACK], port: Port::Any, bans: BanList::default(), fault: None };
        endpoint::bind(&Tls::new(&Identity::ephemeral()).unwrap(), &config).unwrap().remove(0)
    };
    let (one, other) = (bound(), bound());
    let mut config =
        ClientConfig::new(Arc::new(Tls::new(&Identity::ephemeral()).unwrap().client(None).unwrap().0));
    config.transport_config(transport::transport(LOOPBACK));
    let dial = one.endpoint.connect_with(config, other.address, SERVER_NAME).unwrap();
    let accept =
        async { other.endpoint.accept().await.unwrap().accept_with(other.loopback.clone()).unwrap().await };
    let (from, to) = tokio::join!(dial, accept);
    let (from, to) = (from.unwrap(), to.unwrap());
    from.set_send_window(windows::MAX_WINDOW_BYTES.into());
    to.set_receive_window(windows::MAX_WINDOW_BYTES.into());
    let start = Instant::now();
    let data = Bytes::from(vec![7; 256 * 1024]);
    let count = ROUNDS * PAYLOAD_BYTES / data.len();
    let sending = tokio::spawn(async move {
        let (mut stream, _) = from.open_bi().await.unwrap();
        for _ in 0..count {
            stream.write_chunk(data.clone()).await.unwrap();
        }
        stream.finish().unwrap();
        stream.stopped().await.unwrap();
    });
    let (_, mut stream) = to.accept_bi().await.unwrap();
    while stream.read_chunk(usize::MAX, true).await.unwrap().is_some() {}
    sending.await.unwrap();
    report("a bare stream, same settings", start)
}

pub(super) async fn serve_all(mut peer: Peer, payload: Payload) {
    while let Some(event) = peer.events.recv().await {
        if let NetEvent::Request { request, .. } = event {
            let payload = payload.clone();
            tokio::spawn(async move { payload.serve(request, &CancellationToken::new()).await });
        }
    }
}

/// Fetches the payload `rounds` times.
pub(super) async fn fetch_all(net: &Net, conn: ConnId, payload: &Payload, rounds: usize) {
    let all = payload.all();
    let jobs: Vec<_> = (0..rounds).flat_map(|_| all.chunks(UNITS_PER_REQUEST)).map(<[_]>::to_vec).collect();
    let jobs = Arc::new(std::sync::Mutex::new(jobs));
    let (sender, mut units) = mpsc::channel::<FetchedUnit>(8);
    let fetchers: Vec<_> = (0..REQUESTS_IN_FLIGHT)
        .map(|_| {
            let (net, manifest, jobs, sender) =
                (net.clone(), payload.manifest.clone(), jobs.clone(), sender.clone());
            tokio::spawn(async move {
                let never = CancellationToken::new();
                loop {
                    let Some(wanted) = jobs.lock().unwrap().pop() else { return };
                    let sink = UnitSink { units: &sender, received: &AtomicU64::new(0) };
                    net.fetch_units(conn, game(), &manifest, wanted, sink, &never).await.unwrap();
                }
            })
        })
        .collect();
    drop(sender);
    while units.recv().await.is_some() {}
    for fetcher in fetchers {
        fetcher.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement, not a test"]
async fn throughput() {
    let payload = Payload::new(PAYLOAD_BYTES);
    for _ in 0..3 {
        let bare = bare_stream().await;
        let (a, to_b, b, _) = pair().await;
        let serving = tokio::spawn(serve_all(b, payload.clone()));
        let start = Instant::now();
        fetch_all(&a.net, to_b, &payload, ROUNDS).await;
        let fetched = report("units, requested, verified", start);
        report_ratio(fetched / bare, &a.net.stats(to_b).unwrap());
        serving.abort();
    }
}

#[expect(clippy::print_stderr, reason = "a measurement is for people to read")]
fn report_ratio(ratio: f64, stats: &crate::net::ConnStats) {
    eprintln!("{:40} {ratio:8.2}      {stats:?}", "ratio");
}
