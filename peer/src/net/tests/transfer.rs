use super::*;
use crate::net::fetch::{Blob, BlobProgress, Extent, FetchError, FetchedUnit, UnitSink};
use crate::net::serve::{InboundRequest, Served};
use crate::net::windows::START_WINDOW_BYTES;
use bytes::Bytes;
use lanspread_protocol::message::{Refusal, Request, WantedUnit};
use lanspread_protocol::{Blake3Hash, FileHasher, GameId, HashedFile, Manifest, UnitIndex};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

pub(super) fn game() -> GameId {
    "game".parse().unwrap()
}

/// A payload in memory.
#[derive(Clone)]
pub(super) struct Payload {
    pub(super) manifest: Arc<Manifest>,
    /// Each unit's bytes.
    pub(super) units: Arc<Vec<Bytes>>,
}

impl Payload {
    pub(super) fn new(length: usize) -> Self {
        let mut data = vec![0; length];
        blake3::Hasher::new().update(b"payload").finalize_xof().fill(&mut data);
        let hashed = |path: &str, data: &[u8]| HashedFile {
            path: path.parse().unwrap(),
            executable: false,
            chunks: FileHasher::new().hash(data, |_, _| Ok(())).unwrap().chunks,
        };
        let files = vec![hashed("data", &data), hashed("version.ini", b"1")];
        let manifest = Arc::new(Manifest::from_files(files, vec![]).unwrap());
        data.push(b'1');
        let mut data = Bytes::from(data);
        let units = manifest.units().iter().map(|unit| data.split_to(unit.bytes as usize)).collect();
        Self { manifest, units: Arc::new(units) }
    }

    pub(super) fn all(&self) -> Vec<WantedUnit> {
        (0..u32::try_from(self.units.len()).unwrap()).map(UnitIndex).map(WantedUnit::whole).collect()
    }

    /// Answers a request for whole units.
    pub(super) async fn serve(&self, request: InboundRequest, cancel: &CancellationToken) -> Served {
        let Request::Units { units: wanted, .. } = request.request().clone() else { panic!() };
        let units = self.units.clone();
        let bytes = wanted.iter().map(|wanted| units[wanted.unit.as_usize()].len() as u64).sum();
        let count = wanted.len();
        request.serve(bytes, count, move |nth| Ok(units[wanted[nth].unit.as_usize()].clone()), cancel).await
    }
}

async fn request(peer: &mut Peer) -> InboundRequest {
    match peer.next().await {
        NetEvent::Request { request, .. } => request,
        event => panic!("{event:?}"),
    }
}

/// Fetches in a task of its own; the units come out of the channel.
fn fetch(
    peer: &Peer,
    conn: ConnId,
    payload: &Payload,
    wanted: Vec<WantedUnit>,
    cancel: &CancellationToken,
) -> (tokio::task::JoinHandle<Result<(), FetchError>>, mpsc::Receiver<FetchedUnit>) {
    let (net, manifest, cancel) = (peer.net.clone(), payload.manifest.clone(), cancel.clone());
    let (sender, units) = mpsc::channel(2);
    let task = tokio::spawn(async move {
        let sink = UnitSink { units: &sender, received: &AtomicU64::new(0) };
        net.fetch_units(conn, game(), &manifest, wanted, sink, &cancel).await
    });
    (task, units)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_mebibytes_arrive_verified() {
    let (a, to_b, mut b, _) = pair().await;
    let payload = Payload::new(64 * 1024 * 1024);
    let never = CancellationToken::new();
    let mut arrived = 0;
    let link = a.net.0.link(to_b).unwrap();
    assert_eq!(link.receive_window.bytes(), START_WINDOW_BYTES);
    for wanted in payload.all().chunks(64) {
        let (task, mut units) = fetch(&a, to_b, &payload, wanted.to_vec(), &never);
        let inbound = request(&mut b).await;
        let serving = {
            let (payload, never) = (payload.clone(), never.clone());
            tokio::spawn(async move { payload.serve(inbound, &never).await })
        };
        for wanted in wanted {
            let fetched = timeout(PATIENCE, units.recv()).await.unwrap().unwrap();
            assert_eq!(fetched.wanted, *wanted);
            assert!(fetched.bytes == payload.units[wanted.unit.as_usize()]);
            arrived += fetched.bytes.len() as u64;
        }
        assert_eq!(task.await.unwrap(), Ok(()));
        assert!(matches!(serving.await.unwrap(), Served::Done));
    }
    assert_eq!(arrived, payload.manifest.total_bytes());
    assert_eq!((a.net.total_bytes().0, b.net.total_bytes().1), (arrived, arrived));
    assert_eq!(a.net.stats(to_b).unwrap().rx_bytes, arrived);
    assert!(link.receive_window.bytes() > START_WINDOW_BYTES, "it opened with the answers");
}

#[tokio::test]
async fn a_connection_serves_both_of_its_sides() {
    let (mut a, to_b, mut b, to_a) = pair().await;
    let payload = Payload::new(1_000_000);
    let never = CancellationToken::new();
    let (by_a, mut units_of_a) = fetch(&a, to_b, &payload, payload.all(), &never);
    let (by_b, mut units_of_b) = fetch(&b, to_a, &payload, payload.all(), &never);
    let (of_b, of_a) = (request(&mut a).await, request(&mut b).await);
    let drain = async |units: &mut mpsc::Receiver<FetchedUnit>| while units.recv().await.is_some() {};
    let results = tokio::join!(
        payload.serve(of_a, &never),
        payload.serve(of_b, &never),
        drain(&mut units_of_a),
        drain(&mut units_of_b)
    );
    assert!(matches!(results, (Served::Done, Served::Done, (), ())));
    assert_eq!((by_a.await.unwrap(), by_b.await.unwrap()), (Ok(()), Ok(())));
}

#[tokio::test]
async fn chunks_that_are_here_already_do_not_travel() {
    let (a, to_b, mut b, _) = pair().await;
    // The last unit has the end of the data and the sentinel.
    let payload = Payload::new(65_000);
    let mut wanted = WantedUnit::whole(UnitIndex(0));
    wanted.skip_chunk(0);
    let never = CancellationToken::new();
    let (task, mut units) = fetch(&a, to_b, &payload, vec![wanted.clone()], &never);
    let inbound = request(&mut b).await;
    assert!(matches!(inbound.serve(1, 1, |_| Ok(Bytes::from_static(b"1")), &never).await, Served::Done));
    assert_eq!(
        units.recv().await.unwrap(),
        FetchedUnit { wanted, extent: Extent::Whole, bytes: b"1".to_vec() }
    );
    assert_eq!(task.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn a_wrong_chunk_is_named_and_not_handed_over() {
    let (a, to_b, mut b, _) = pair().await;
    let honest = Payload::new(3_000_000);
    let mut units: Vec<_> = honest.units.iter().cloned().collect();
    let mut damaged = units[2].to_vec();
    damaged[1_000] ^= 1;
    units[2] = damaged.into();
    let liar = Payload { units: Arc::new(units), ..honest.clone() };
    let never = CancellationToken::new();
    let (task, mut units) = fetch(&a, to_b, &honest, honest.all(), &never);
    let inbound = request(&mut b).await;
    let serving = tokio::spawn(async move { liar.serve(inbound, &CancellationToken::new()).await });
    for good in 0..2 {
        assert_eq!(units.recv().await.unwrap().wanted.unit, UnitIndex(good));
    }
    assert_eq!(units.recv().await, None);
    assert_eq!(task.await.unwrap(), Err(FetchError::BadChunk { unit: UnitIndex(2) }));
    serving.await.unwrap();
}

/// A fetch of one unit of four chunks of ten bytes, whose source has sent 25 bytes and stands still.
struct Halfway {
    fetching: tokio::task::JoinHandle<Result<(), FetchError>>,
    units: mpsc::Receiver<FetchedUnit>,
    cancel: CancellationToken,
    /// Dropped, the source breaks its answer off.
    source_lives: std::sync::mpsc::SyncSender<()>,
    _peers: (Peer, Peer),
}

impl Halfway {
    /// With the bit flipped that `damage` names.
    async fn reached(damage: Option<usize>) -> Self {
        let data: Vec<u8> = (0..40).collect();
        let hashed = |(path, data): (&str, &[u8])| HashedFile {
            path: path.parse().unwrap(),
            executable: false,
            chunks: FileHasher::new().hash(data, |_, _| Ok(())).unwrap().chunks,
        };
        let files = ["a", "b", "c", "version.ini"].into_iter().zip(data.chunks(10)).map(hashed).collect();
        let manifest = Arc::new(Manifest::from_files(files, vec![]).unwrap());
        let (a, to_b, mut b, _) = pair().await;
        let cancel = CancellationToken::new();
        let payload = Payload { manifest, units: Arc::new(vec![data.clone().into()]) };
        let (fetching, units) = fetch(&a, to_b, &payload, payload.all(), &cancel);
        let mut sent = data[..25].to_vec();
        if let Some(nth) = damage {
            sent[nth] ^= 1;
        }
        let mut sent = Some(Bytes::from(sent));
        let (source_lives, is_alive) = std::sync::mpsc::sync_channel::<()>(1);
        let read = move |_| match sent.take() {
            Some(sent) => Ok(sent),
            None => Err(std::io::Error::other(is_alive.recv().unwrap_err())),
        };
        let inbound = request(&mut b).await;
        tokio::spawn(async move { inbound.serve(40, 2, read, &CancellationToken::new()).await });
        let arrived = async {
            while a.net.total_bytes().0 < 25 {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, arrived).await.unwrap();
        Self { fetching, units, cancel, source_lives, _peers: (a, b) }
    }

    async fn cancelled(self) -> (Result<(), FetchError>, Vec<FetchedUnit>) {
        self.cancel.cancel();
        let source_lives = self.source_lives;
        let ended = Self::ended(self.fetching, self.units).await;
        drop(source_lives);
        ended
    }

    async fn broken_off(self) -> (Result<(), FetchError>, Vec<FetchedUnit>) {
        drop(self.source_lives);
        Self::ended(self.fetching, self.units).await
    }

    async fn ended(
        fetching: tokio::task::JoinHandle<Result<(), FetchError>>,
        mut units: mpsc::Receiver<FetchedUnit>,
    ) -> (Result<(), FetchError>, Vec<FetchedUnit>) {
        let result = timeout(PATIENCE, fetching).await.unwrap().unwrap();
        let mut fetched = Vec::new();
        while let Some(unit) = units.recv().await {
            fetched.push(unit);
        }
        (result, fetched)
    }
}

/// The first two of [`Halfway`]'s chunks.
fn two_of_four() -> FetchedUnit {
    let mut wanted = WantedUnit::whole(UnitIndex(0));
    wanted.skip_chunk(2);
    wanted.skip_chunk(3);
    FetchedUnit { wanted, extent: Extent::Part, bytes: (0..20).collect() }
}

#[tokio::test]
async fn a_cancelled_fetch_hands_over_the_whole_chunks_that_came() {
    let ended = Halfway::reached(None).await.cancelled().await;
    assert_eq!(ended, (Err(FetchError::Cancelled), vec![two_of_four()]));
}

#[tokio::test]
async fn a_lost_fetch_hands_over_the_whole_chunks_that_came() {
    let (result, fetched) = Halfway::reached(None).await.broken_off().await;
    assert!(matches!(result, Err(FetchError::Lost(_))), "{result:?}");
    assert_eq!(fetched, [two_of_four()]);
}

#[tokio::test]
async fn a_wrong_chunk_of_a_part_is_reported_unless_the_fetch_was_cancelled() {
    let ended = Halfway::reached(Some(13)).await.broken_off().await;
    assert_eq!(ended, (Err(FetchError::BadChunk { unit: UnitIndex(0) }), vec![]));
    let ended = Halfway::reached(Some(13)).await.cancelled().await;
    assert_eq!(ended, (Err(FetchError::Cancelled), vec![]));
}

#[tokio::test]
async fn what_is_not_a_whole_chunk_is_neither_handed_over_nor_judged() {
    let ended = Halfway::reached(Some(24)).await.cancelled().await;
    assert_eq!(ended, (Err(FetchError::Cancelled), vec![two_of_four()]));
}

#[tokio::test]
async fn a_refusal_tells_why() {
    let (a, to_b, mut b, _) = pair().await;
    let payload = Payload::new(1_000);
    let (task, _units) = fetch(&a, to_b, &payload, payload.all(), &CancellationToken::new());
    request(&mut b).await.refuse(Refusal::Busy);
    assert_eq!(task.await.unwrap(), Err(FetchError::Refused(Refusal::Busy)));
}

#[tokio::test]
async fn a_forgotten_request_is_no_empty_answer() {
    let (a, to_b, mut b, _) = pair().await;
    let payload = Payload::new(1_000);
    let (task, _units) = fetch(&a, to_b, &payload, payload.all(), &CancellationToken::new());
    drop(request(&mut b).await);
    assert!(matches!(task.await.unwrap(), Err(FetchError::Lost(_))));
}

/// Serves a payload that is larger than all windows to a fetch whose owner takes nothing.
async fn stalled() -> (
    (Peer, ConnId),
    (Peer, ConnId),
    (tokio::task::JoinHandle<Result<(), FetchError>>, CancellationToken, mpsc::Receiver<FetchedUnit>),
    (tokio::task::JoinHandle<Served>, CancellationToken),
) {
    let (a, to_b, mut b, to_a) = pair().await;
    let payload = Payload::new(60_000_000 / 4);
    let (stop_fetch, stop_serve) = (CancellationToken::new(), CancellationToken::new());
    let wanted = payload.all().into_iter().take(60).collect();
    let (fetching, mut units) = fetch(&a, to_b, &payload, wanted, &stop_fetch);
    let inbound = request(&mut b).await;
    let stop = stop_serve.clone();
    let serving = tokio::spawn(async move { payload.serve(inbound, &stop).await });
    // It flows, and then nobody takes any more.
    units.recv().await.unwrap();
    ((a, to_b), (b, to_a), (fetching, stop_fetch, units), (serving, stop_serve))
}

#[tokio::test]
async fn a_stalled_receiver_does_not_hold_up_a_cancel() {
    let (_a, _b, (fetching, _, mut units), (serving, stop)) = stalled().await;
    stop.cancel();
    let served = timeout(PATIENCE, serving).await.unwrap().unwrap();
    assert!(matches!(served, Served::Cancelled), "{served:?}");
    while units.recv().await.is_some() {}
    assert!(matches!(fetching.await.unwrap(), Err(FetchError::Lost(_))));
}

#[tokio::test]
async fn a_receiver_that_cancels_stops_the_sender() {
    let (_a, _b, (fetching, stop, _units), (serving, _)) = stalled().await;
    stop.cancel();
    assert_eq!(fetching.await.unwrap(), Err(FetchError::Cancelled));
    let served = timeout(PATIENCE, serving).await.unwrap().unwrap();
    assert!(matches!(served, Served::Stopped), "{served:?}");
}

#[tokio::test]
async fn a_sender_that_leaves_in_mid_transfer_is_a_goodbye() {
    let ((mut a, to_b), (b, _), (fetching, _stop, mut units), (serving, _)) = stalled().await;
    b.net.shutdown().await;
    assert!(matches!(timeout(PATIENCE, serving).await.unwrap().unwrap(), Served::Stopped));
    assert_eq!(a.closed(to_b).await, Closed::Goodbye);
    while units.recv().await.is_some() {}
    assert!(matches!(fetching.await.unwrap(), Err(FetchError::Lost(_))));
}

#[tokio::test]
async fn a_receiver_that_leaves_in_mid_transfer_is_a_goodbye() {
    let ((a, _), (mut b, to_a), (_fetching, _stop, _units), (serving, _)) = stalled().await;
    a.net.shutdown().await;
    assert!(matches!(timeout(PATIENCE, serving).await.unwrap().unwrap(), Served::Stopped));
    assert_eq!(b.closed(to_a).await, Closed::Goodbye);
}

#[tokio::test]
async fn serving_ends_only_when_nothing_is_read_any_more() {
    let (a, to_b, mut b, _) = pair().await;
    let payload = Payload::new(1_000_000);
    let (_fetching, _units) = fetch(&a, to_b, &payload, payload.all(), &CancellationToken::new());
    let inbound = request(&mut b).await;
    let stop = CancellationToken::new();
    let is_reading = Arc::new(AtomicBool::new(false));
    let (started, mut has_started) = mpsc::channel(1);
    let (go_on, may_go_on) = std::sync::mpsc::sync_channel::<()>(1);
    let serving = {
        let (is_reading, stop) = (is_reading.clone(), stop.clone());
        let read = move |_| {
            is_reading.store(true, Ordering::SeqCst);
            started.blocking_send(()).unwrap();
            may_go_on.recv().unwrap();
            is_reading.store(false, Ordering::SeqCst);
            Ok(Bytes::from_static(b"x"))
        };
        tokio::spawn(async move { inbound.serve(1_000_001, 4, read, &stop).await })
    };
    has_started.recv().await.unwrap();
    stop.cancel();
    tokio::task::yield_now().await;
    assert!(!serving.is_finished());
    go_on.send(()).unwrap();
    assert!(matches!(serving.await.unwrap(), Served::Cancelled));
    assert!(!is_reading.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_read_error_never_looks_like_a_whole_answer() {
    let (a, to_b, mut b, _) = pair().await;
    let payload = Payload::new(1_000_000);
    let (fetching, _units) = fetch(&a, to_b, &payload, payload.all(), &CancellationToken::new());
    let inbound = request(&mut b).await;
    let bytes = payload.manifest.total_bytes();
    let read = |_| Err(std::io::Error::other("bad sector"));
    let served = inbound.serve(bytes, 4, read, &CancellationToken::new()).await;
    assert!(matches!(served, Served::Failed(error) if error.to_string() == "bad sector"));
    assert!(matches!(fetching.await.unwrap(), Err(FetchError::Lost(_))));
}

#[tokio::test]
async fn an_answer_of_another_length_ends_the_connection() {
    let (mut a, to_b, mut b, _) = pair().await;
    let payload = Payload::new(1_000);
    let (fetching, _units) = fetch(&a, to_b, &payload, payload.all(), &CancellationToken::new());
    let read = |_| Ok(Bytes::from_static(b"x"));
    request(&mut b).await.serve(1, 1, read, &CancellationToken::new()).await;
    assert!(matches!(fetching.await.unwrap(), Err(FetchError::Lost(_))));
    assert!(matches!(a.closed(to_b).await, Closed::Protocol(_)));
}

#[tokio::test]
async fn blobs_are_what_their_names_say() {
    let (a, to_b, mut b, _) = pair().await;
    let never = CancellationToken::new();
    let serve = async |b: &mut Peer, bytes: &'static [u8]| {
        let inbound = request(b).await;
        inbound.serve(bytes.len() as u64, 1, move |_| Ok(Bytes::from_static(bytes)), &never).await
    };
    let cover = Blob::Cover(Blake3Hash::of(b"picture"));
    let progress = BlobProgress::default();
    let (got, _) = tokio::join!(a.net.fetch_blob(to_b, cover, &progress), serve(&mut b, b"picture"));
    assert_eq!(got.as_deref(), Ok(&b"picture"[..]));
    assert_eq!(progress.received(), 7);
    let (got, _) = tokio::join!(a.net.fetch_blob(to_b, cover, &progress), serve(&mut b, b"another"));
    assert_eq!(got, Err(FetchError::BadBlob));
    let catalog = Blob::Catalog(Blake3Hash::of(b"catalog"));
    let signed: &'static [u8] = [&[9; 64][..], b"catalog"].concat().leak();
    let (got, _) = tokio::join!(a.net.fetch_blob(to_b, catalog, &progress), serve(&mut b, signed));
    assert_eq!(got.as_deref(), Ok(signed));
}

/// The limit is so slow that a second piece would take 25 minutes; it is lifted once the first has come.
#[tokio::test]
async fn a_download_limit_holds_what_arrives_and_not_the_answer() {
    let (a, to_b, mut b, _) = pair().await;
    let payload = Payload::new(4_000_000);
    a.net.download().set_limit(1);
    let never = CancellationToken::new();
    let (fetching, mut units) = fetch(&a, to_b, &payload, payload.all(), &never);
    let inbound = request(&mut b).await;
    let serving = {
        let (payload, never) = (payload.clone(), never.clone());
        tokio::spawn(async move { payload.serve(inbound, &never).await })
    };
    // One piece passes; the sender is held up by flow control, long before it has sent all.
    let first_piece = async {
        while a.net.total_bytes().0 < 1_500 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, first_piece).await.unwrap();
    assert_eq!(a.net.total_bytes().0, 1_500);
    assert!(!serving.is_finished());
    a.net.download().set_limit(0);
    let mut bytes = 0;
    while let Some(unit) = timeout(PATIENCE, units.recv()).await.unwrap() {
        bytes += unit.bytes.len() as u64;
    }
    assert_eq!(fetching.await.unwrap(), Ok(()));
    assert!(matches!(serving.await.unwrap(), Served::Done));
    assert_eq!(
        (bytes, a.net.total_bytes().0),
        (payload.manifest.total_bytes(), payload.manifest.total_bytes())
    );
}

#[tokio::test]
async fn requests_out_of_bounds_and_of_newer_programs_are_refused() {
    use lanspread_protocol::message::Response;
    let mut a = Peer::new();
    let (stranger, _) = Stranger::meets(&mut a).await;
    let _control = stranger.greets().await;
    let manifest = Payload::new(10).manifest.id();
    let units = vec![WantedUnit::whole(UnitIndex(0)); 65];
    let too_many = frame::encode(&Request::Units { game: game(), manifest, units }).unwrap();
    for (bytes, refusal) in [(too_many, Refusal::Malformed), (vec![1, 0, 0, 0, 99], Refusal::Other)] {
        let (mut send, mut receive) = stranger.connection.open_bi().await.unwrap();
        send.write_all(&bytes).await.unwrap();
        let answer = timeout(PATIENCE, receive.read_to_end(100)).await.unwrap().unwrap();
        assert_eq!(frame::decode::<Response>(&answer[4..]), Ok(Some(Response::Refused(refusal))));
    }
}

#[tokio::test]
async fn a_garbled_request_ends_the_connection() {
    let mut a = Peer::new();
    let (stranger, conn) = Stranger::meets(&mut a).await;
    let _control = stranger.greets().await;
    let (mut send, _receive) = stranger.connection.open_bi().await.unwrap();
    send.write_all(&[2, 0, 0, 0, 0, 0xff]).await.unwrap();
    assert!(matches!(a.closed(conn).await, Closed::Protocol(_)));
}

#[tokio::test]
async fn a_request_that_overtakes_the_greeting_waits_for_it() {
    let mut a = Peer::new();
    let (stranger, _) = Stranger::meets(&mut a).await;
    let (mut send, _receive) = stranger.connection.open_bi().await.unwrap();
    let request = Request::Manifest(Payload::new(10).manifest.id());
    send.write_all(&frame::encode(&request).unwrap()).await.unwrap();
    send.finish().unwrap();
    // The request has arrived once all of it is acknowledged.
    assert_eq!(timeout(PATIENCE, send.stopped()).await.unwrap(), Ok(None));
    let _control = stranger.greets().await;
    assert_eq!(a.next_control().await, Control::Ping(0));
    assert!(matches!(a.next().await, NetEvent::Request { request: got, .. } if *got.request() == request));
}
