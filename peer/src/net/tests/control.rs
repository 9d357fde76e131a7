use super::*;
use lanspread_protocol::limits::{MAX_FRAME_BYTES, MAX_MESSAGES_PER_SECOND};

fn framed(message: &Control) -> Vec<u8> {
    frame::encode(message).unwrap()
}

/// What a peer makes of these bytes as its control stream, while another connection goes on as before.
async fn end_after(bytes: &[u8]) -> Closed {
    let (mut a, to_b, mut b, to_a) = pair().await;
    let (stranger, conn) = Stranger::meets(&mut a).await;
    let _stream = stranger.says(bytes).await;
    let reason = a.closed(conn).await;
    a.net.send(to_b, &Control::Ping(1));
    b.net.send(to_a, &Control::Ping(2));
    assert_eq!((a.next_control().await, b.next_control().await), (Control::Ping(2), Control::Ping(1)));
    reason
}

#[tokio::test]
async fn messages_arrive_in_order_in_both_directions() {
    let (mut a, to_b, mut b, to_a) = pair().await;
    for number in 0..100 {
        a.net.send(to_b, &Control::Ping(number));
        b.net.send(to_a, &Control::Pong(number));
    }
    for number in 0..100 {
        assert_eq!(a.next_control().await, Control::Pong(number));
        assert_eq!(b.next_control().await, Control::Ping(number));
    }
}

#[tokio::test]
async fn messages_of_newer_programs_are_skipped() {
    let mut a = Peer::new();
    let (stranger, _) = Stranger::meets(&mut a).await;
    let newer = [&[3, 0, 0, 0, 99, 1, 2][..], &framed(&Control::Ping(5))].concat();
    let _stream = stranger.says(&[newer.clone(), newer].concat()).await;
    assert_eq!((a.next_control().await, a.next_control().await), (Control::Ping(5), Control::Ping(5)));
}

#[tokio::test]
async fn garbage_closes_its_connection_and_no_other() {
    let oversized = u32::try_from(MAX_FRAME_BYTES + 1).unwrap().to_le_bytes();
    let not_a_message = [2, 0, 0, 0, 0, 0xff];
    for bytes in [&[0; 4][..], &oversized, &not_a_message, b"GET / HTTP/1.1\r\n"] {
        let reason = end_after(bytes).await;
        assert!(matches!(reason, Closed::Protocol(_)), "{bytes:?}: {reason}");
    }
}

#[tokio::test]
async fn the_stranger_is_told_what_was_wrong() {
    let mut a = Peer::new();
    let (stranger, _) = Stranger::meets(&mut a).await;
    let _stream = stranger.says(&[0; 4]).await;
    let error = timeout(PATIENCE, stranger.connection.closed()).await.unwrap();
    assert!(error.to_string().contains("an empty frame"), "{error}");
}

#[tokio::test]
async fn a_flood_closes_its_connection_and_no_other() {
    let flood = framed(&Control::Ping(1)).repeat(2 * MAX_MESSAGES_PER_SECOND as usize);
    let reason = end_after(&flood).await;
    assert!(matches!(reason, Closed::Flood(_)), "{reason}");
}

#[tokio::test]
async fn an_ended_control_stream_ends_the_connection() {
    let mut a = Peer::new();
    let (stranger, conn) = Stranger::meets(&mut a).await;
    stranger.says(&framed(&Control::Ping(1))).await.finish().unwrap();
    assert_eq!(a.closed(conn).await, Closed::Protocol("the control stream ended".to_owned()));
}

#[tokio::test]
async fn a_peer_that_takes_no_messages_is_closed() {
    let mut a = Peer::new();
    let mut transport = TransportConfig::default();
    transport.stream_receive_window(1_000_u32.into());
    let (_stranger, conn) = Stranger::meets_with(&mut a, transport).await;
    for number in 0..2_000 {
        a.net.send(conn, &Control::Ping(number));
    }
    assert_eq!(a.closed(conn).await, Closed::TooSlow);
}

#[tokio::test]
async fn large_messages_to_a_peer_that_takes_none_are_bounded_by_their_bytes() {
    let mut a = Peer::new();
    let mut transport = TransportConfig::default();
    transport.stream_receive_window(1_000_u32.into());
    let (_stranger, conn) = Stranger::meets_with(&mut a, transport).await;
    let presence =
        lanspread_protocol::message::Presence { name: "x".repeat(3_000_000), ..Default::default() };
    let large = Control::Presence(presence);
    for _ in 0..5 {
        a.net.send(conn, &large);
    }
    assert_eq!(a.closed(conn).await, Closed::TooSlow);
}

/// Time stands still until nothing else can happen, so that the timeout is tested without waiting for it.
#[tokio::test(start_paused = true)]
async fn a_stranger_that_does_not_greet_is_closed() {
    let mut a = Peer::new();
    let (_stranger, conn) = Stranger::meets(&mut a).await;
    assert_eq!(a.closed(conn).await, Closed::Protocol("no greeting".to_owned()));
}
