use super::*;
use crate::net::fetch::Blob;
use crate::net::serve::{InboundRequest, Served};
use bytes::Bytes;
use lanspread_engine::{BlobError, Raced};
use lanspread_protocol::Blake3Hash;
use tokio::sync::watch;

/// Connects `a` to a new peer and greets from both sides.
async fn connect(a: &mut Peer, number: u64) -> (Peer, ConnId) {
    let mut b = Peer::new();
    a.net.dial(DialId(number), b.address(), Some(b.id));
    let ((to_b, _), (to_a, _)) = (a.connected().await, b.connected().await);
    a.net.send(to_b, &Control::Ping(number));
    b.net.send(to_a, &Control::Ping(number));
    assert_eq!(
        (a.next_control().await, b.next_control().await),
        (Control::Ping(number), Control::Ping(number))
    );
    (b, to_b)
}

async fn request(peer: &mut Peer) -> InboundRequest {
    match peer.next().await {
        NetEvent::Request { request, .. } => request,
        event => panic!("{event:?}"),
    }
}

/// Sends a hundred bytes at once and then now and then, as from a disk that fails.
async fn trickle(peer: &mut Peer, bytes: u64) -> Served {
    let pieces = usize::try_from(bytes / 100).unwrap();
    let read = |nth| {
        if nth > 0 {
            std::thread::sleep(Duration::from_millis(200));
        }
        Ok(Bytes::from_static(&[0; 100]))
    };
    request(peer).await.serve(bytes, pieces, read, &CancellationToken::new()).await
}

async fn answer(peer: &mut Peer, bytes: &'static [u8]) -> Served {
    let read = move |_| Ok(Bytes::from_static(bytes));
    request(peer).await.serve(bytes.len() as u64, 1, read, &CancellationToken::new()).await
}

#[tokio::test]
async fn the_sound_one_of_four_peers_is_found() {
    let mut a = Peer::new();
    let (mut silent, to_silent) = connect(&mut a, 1).await;
    let (mut slow, to_slow) = connect(&mut a, 2).await;
    let (mut liar, to_liar) = connect(&mut a, 3).await;
    let (mut sound, to_sound) = connect(&mut a, 4).await;
    let blob = Blob::Cover(Blake3Hash::of(b"picture"));
    let from = watch::channel(vec![to_silent, to_slow, to_liar, to_sound]).1;
    let never = CancellationToken::new();
    let race = a.net.race(blob, from, Ok, &never);
    let peers = async {
        // Held, and not answered.
        let held = request(&mut silent);
        tokio::join!(
            held,
            trickle(&mut slow, 100_000),
            answer(&mut liar, b"another"),
            answer(&mut sound, b"picture")
        )
    };
    let (raced, (_held, slow, liar, sound)) =
        timeout(PATIENCE, async { tokio::join!(race, peers) }).await.unwrap();
    let Raced { first, failed } = raced;
    assert_eq!(first, Some((to_sound, b"picture".to_vec())));
    let wrong = BlobError::Wrong("the bytes are not the ones asked for".to_owned());
    assert_eq!(failed, [(to_liar, wrong), (to_silent, BlobError::Late), (to_slow, BlobError::Late)]);
    assert!(matches!((liar, sound), (Served::Done, Served::Done)));
    assert!(matches!(slow, Served::Stopped), "its peer told it to stop: {slow:?}");
}

#[tokio::test]
async fn a_right_blob_that_cannot_be_opened_is_a_lie() {
    let mut a = Peer::new();
    let (mut liar, to_liar) = connect(&mut a, 1).await;
    let (mut sound, to_sound) = connect(&mut a, 2).await;
    let signed: &'static [u8] = [&[9; 64][..], b"catalog"].concat().leak();
    let forged: &'static [u8] = [&[8; 64][..], b"catalog"].concat().leak();
    let open =
        |bytes: Vec<u8>| if bytes[0] == 9 { Ok(bytes[0]) } else { Err("a wrong signature".to_owned()) };
    let from = watch::channel(vec![to_liar, to_sound]).1;
    let never = CancellationToken::new();
    let race = a.net.race(Blob::Catalog(Blake3Hash::of(b"catalog")), from, open, &never);
    let (raced, _, _) = tokio::join!(race, answer(&mut liar, forged), answer(&mut sound, signed));
    assert_eq!(raced.first, Some((to_sound, 9)));
    assert_eq!(raced.failed, [(to_liar, BlobError::Wrong("a wrong signature".to_owned()))]);
}

#[tokio::test]
async fn a_lost_connection_leads_to_the_next_and_a_cancelled_race_stops_its_peer() {
    let mut a = Peer::new();
    let (gone, to_gone) = connect(&mut a, 1).await;
    let (mut slow, to_slow) = connect(&mut a, 2).await;
    gone.net.shutdown().await;
    a.closed(to_gone).await;
    let from = watch::channel(vec![to_gone, to_slow]).1;
    let cancel = CancellationToken::new();
    let race = a.net.race(Blob::Cover(Blake3Hash::of(b"picture")), from, Ok, &cancel);
    let served = async {
        let inbound = request(&mut slow).await;
        cancel.cancel();
        let read = |_| Ok(Bytes::from_static(&[0; 1000]));
        inbound.serve(1_000_000, 1000, read, &CancellationToken::new()).await
    };
    let (raced, served) = timeout(PATIENCE, async { tokio::join!(race, served) }).await.unwrap();
    assert_eq!(raced, Raced { first: None, failed: vec![(to_gone, BlobError::Unavailable)] });
    assert!(matches!(served, Served::Stopped), "{served:?}");
}
