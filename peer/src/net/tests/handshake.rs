use super::*;
use crate::net::tls::tests::{client_with_alpn, client_with_stolen_certificate, server_with_alpn};
use crate::net::{DialError, Shared};
use quinn::{ConnectionError, ServerConfig};

async fn dial_error(peer: &mut Peer, address: SocketAddr, expect: Option<PeerId>) -> DialError {
    peer.net.dial(DialId(7), address, expect);
    match peer.next().await {
        NetEvent::DialFailed { dial: DialId(7), error } => error,
        event => panic!("{event:?}"),
    }
}

async fn bare_dial(peer: &Peer, crypto: quinn::crypto::rustls::QuicClientConfig) -> ConnectionError {
    let endpoint = Endpoint::client((LOOPBACK, 0).into()).unwrap();
    let config = ClientConfig::new(Arc::new(crypto));
    match endpoint.connect_with(config, peer.address(), SERVER_NAME).unwrap().await {
        // The client's part may be done before the server has looked at its certificate.
        Ok(connection) => timeout(PATIENCE, connection.closed()).await.unwrap(),
        Err(error) => error,
    }
}

#[tokio::test]
async fn both_sides_learn_who_the_other_is() {
    let (mut a, mut b) = (Peer::new(), Peer::new());
    a.net.dial(DialId(1), b.address(), Some(b.id));
    let (NetEvent::Connected { peer, remote, dial, .. }, (_, dialler)) =
        (a.next().await, b.connected().await)
    else {
        panic!()
    };
    assert_eq!((peer, remote, dial, dialler), (b.id, b.address(), Some(DialId(1)), a.id));
}

#[tokio::test]
async fn dials_leave_from_the_listening_socket() {
    let (a, mut b) = (Peer::new(), Peer::new());
    a.net.dial(DialId(1), b.address(), None);
    let NetEvent::Connected { remote, dial, .. } = b.next().await else { panic!() };
    assert_eq!((remote, dial), (a.address(), None));
}

#[tokio::test]
async fn another_peer_than_expected_is_no_connection() {
    let (mut a, mut b) = (Peer::new(), Peer::new());
    let error = dial_error(&mut a, b.address(), Some(PeerId([7; 32]))).await;
    assert_eq!(error, DialError::WrongPeer { found: b.id });
    // The next thing that happens at the other side is the dial that knows whom it calls.
    a.net.dial(DialId(2), b.address(), Some(b.id));
    assert_eq!(b.connected().await.1, a.id);
}

#[tokio::test]
async fn two_peers_with_one_key_can_meet_and_find_out() {
    let identity = Identity::ephemeral();
    let (mut a, mut b) = (Peer::of(&identity), Peer::of(&identity));
    a.net.dial(DialId(1), b.address(), Some(b.id));
    assert_eq!((a.connected().await.1, b.connected().await.1), (b.id, a.id));
}

#[tokio::test]
async fn another_major_version_is_told_as_such() {
    let mut a = Peer::new();
    let crypto = server_with_alpn(&Identity::ephemeral(), b"lanspread/99");
    let server = Endpoint::server(ServerConfig::with_crypto(Arc::new(crypto)), (LOOPBACK, 0).into()).unwrap();
    let address = server.local_addr().unwrap();
    let answering = tokio::spawn(async move { server.accept().await.unwrap().await.is_err() });
    assert_eq!(dial_error(&mut a, address, None).await, DialError::OtherVersion);
    assert!(answering.await.unwrap());

    let error = bare_dial(&a, client_with_alpn(&Identity::ephemeral(), b"lanspread/99")).await;
    assert!(matches!(error, ConnectionError::ConnectionClosed(_)), "{error}");
}

#[tokio::test]
async fn a_certificate_without_its_key_proves_nothing() {
    let mut a = Peer::new();
    let victim = Identity::ephemeral();
    let crypto = client_with_stolen_certificate(&Identity::ephemeral(), &victim);
    let error = bare_dial(&a, crypto).await;
    assert!(matches!(error, ConnectionError::ConnectionClosed(_)), "{error}");
    // Nobody has connected as the victim: the next that does is an honest stranger.
    let (_stranger, _) = Stranger::meets(&mut a).await;
}

#[tokio::test]
async fn the_banned_neither_come_in_nor_are_dialled() {
    let (mut a, mut b) = (Peer::new(), Peer::new());
    a.bans.ban(LOOPBACK);
    assert_eq!(dial_error(&mut a, b.address(), None).await, DialError::Banned(LOOPBACK));
    let to_a = a.address();
    assert_eq!(dial_error(&mut b, to_a, None).await, DialError::Refused);
}

#[tokio::test]
async fn one_address_has_a_bounded_number_of_connections() {
    let mut a = Peer::new();
    let mut strangers = Vec::new();
    for _ in 0..lanspread_protocol::limits::MAX_CONNECTIONS_PER_ADDRESS {
        strangers.push(Stranger::meets(&mut a).await);
    }
    let mut b = Peer::new();
    let to_a = a.address();
    assert_eq!(dial_error(&mut b, to_a, None).await, DialError::Refused);
    let (stranger, conn) = strangers.remove(0);
    stranger.connection.close(1_u32.into(), b"");
    assert_eq!(a.closed(conn).await, Closed::Goodbye);
    b.net.dial(DialId(2), a.address(), Some(a.id));
    assert_eq!(a.connected().await.1, b.id);
}

#[tokio::test]
async fn a_target_without_a_socket_for_it_is_told_at_once() {
    let mut a = Peer::new();
    let target = "10.1.2.3:40420".parse().unwrap();
    assert_eq!(dial_error(&mut a, target, None).await, DialError::NoSocket(target));
}

#[tokio::test]
async fn shutting_down_says_goodbye_and_leaves_no_task() {
    let (a, _, mut b, to_a) = pair().await;
    timeout(Duration::from_secs(2), a.net.shutdown()).await.unwrap();
    assert_eq!(b.closed(to_a).await, Closed::Goodbye);
    let shared: &Shared = &a.net.0;
    assert!(shared.tracker.is_empty());
    assert!(shared.links().is_empty());
}

#[tokio::test]
async fn a_cancelled_runtime_says_goodbye_by_itself() {
    let (mut a, to_b, mut b, to_a) = pair().await;
    a.net.0.token.cancel();
    assert_eq!(a.closed(to_b).await, Closed::Here(lanspread_protocol::message::CloseCode::Goodbye));
    assert_eq!(b.closed(to_a).await, Closed::Goodbye);
}

#[tokio::test]
async fn a_close_tells_its_reason_to_both_sides() {
    use lanspread_protocol::message::CloseCode;
    let reasons = [
        (CloseCode::Goodbye, Closed::Goodbye),
        (CloseCode::Duplicate, Closed::Duplicate),
        (CloseCode::Banned, Closed::Banned),
        (CloseCode::WrongIdentity, Closed::WrongIdentity),
    ];
    for (code, seen) in reasons {
        let (mut a, to_b, mut b, to_a) = pair().await;
        a.net.close(to_b, code);
        assert_eq!(a.closed(to_b).await, Closed::Here(code));
        assert_eq!(b.closed(to_a).await, seen);
    }
}
