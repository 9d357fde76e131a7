//! Peers that talk over loopback: two real networks, or one and a stranger that speaks bare QUIC.

#![allow(clippy::wildcard_enum_match_arm, reason = "a test names the one event that is right")]

mod control;
mod handshake;
mod race;
mod relay;
mod reordering;
mod throughput;
mod transfer;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use lanspread_protocol::message::Control;
use lanspread_protocol::{PeerId, frame};
use quinn::{ClientConfig, Endpoint, TransportConfig};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::tls::{SERVER_NAME, Tls};
use super::{BanList, Closed, ConnId, DialId, Net, NetConfig, NetEvent, Port};
use crate::identity::Identity;

/// Nothing here takes longer unless it hangs.
const PATIENCE: Duration = Duration::from_secs(20);
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

struct Peer {
    net: Net,
    id: PeerId,
    events: mpsc::Receiver<NetEvent>,
    bans: BanList,
}

impl Peer {
    fn new() -> Self {
        Self::of(&Identity::ephemeral())
    }

    fn of(identity: &Identity) -> Self {
        let (sender, events) = mpsc::channel(64);
        let bans = BanList::default();
        let config = NetConfig { bind: vec![LOOPBACK], port: Port::Any, bans: bans.clone(), fault: None };
        let net = Net::start(identity, config, sender, &CancellationToken::new()).unwrap();
        Self { net, id: identity.peer_id(), events, bans }
    }

    fn address(&self) -> SocketAddr {
        self.net.addresses()[0]
    }

    async fn next(&mut self) -> NetEvent {
        timeout(PATIENCE, self.events.recv()).await.expect("an event is due").expect("the network runs")
    }

    async fn next_control(&mut self) -> Control {
        match self.next().await {
            NetEvent::Control { message, .. } => message,
            event => panic!("{event:?}"),
        }
    }

    /// The connection that is new now, and its peer.
    async fn connected(&mut self) -> (ConnId, PeerId) {
        match self.next().await {
            NetEvent::Connected { conn, peer, .. } => (conn, peer),
            event => panic!("{event:?}"),
        }
    }

    /// Why `conn` ended, whatever else happens before.
    async fn closed(&mut self, conn: ConnId) -> Closed {
        loop {
            if let NetEvent::Closed { conn: closed, reason } = self.next().await
                && closed == conn
            {
                return reason;
            }
        }
    }
}

/// Two peers with a connection, greeted from both sides.
async fn pair() -> (Peer, ConnId, Peer, ConnId) {
    let (mut a, mut b) = (Peer::new(), Peer::new());
    a.net.dial(DialId(1), b.address(), Some(b.id));
    let ((to_b, _), (to_a, _)) = (a.connected().await, b.connected().await);
    a.net.send(to_b, &Control::Ping(0));
    b.net.send(to_a, &Control::Ping(0));
    assert_eq!((a.next_control().await, b.next_control().await), (Control::Ping(0), Control::Ping(0)));
    (a, to_b, b, to_a)
}

/// A program that speaks QUIC with a peer and keeps no rule.
struct Stranger {
    connection: quinn::Connection,
    _endpoint: Endpoint,
}

impl Stranger {
    /// Connects to `peer`, which must be quiet until then.
    async fn meets(peer: &mut Peer) -> (Self, ConnId) {
        Self::meets_with(peer, TransportConfig::default()).await
    }

    async fn meets_with(peer: &mut Peer, transport: TransportConfig) -> (Self, ConnId) {
        let tls = Tls::new(&Identity::ephemeral()).unwrap();
        let mut config = ClientConfig::new(Arc::new(tls.client(None).unwrap().0));
        config.transport_config(Arc::new(transport));
        let endpoint = Endpoint::client((LOOPBACK, 0).into()).unwrap();
        let connecting = endpoint.connect_with(config, peer.address(), SERVER_NAME).unwrap();
        let connection = connecting.await.unwrap();
        let (conn, _) = peer.connected().await;
        (Self { connection, _endpoint: endpoint }, conn)
    }

    /// Opens the control stream by a first message. It is to be held: its end would end the connection.
    async fn greets(&self) -> quinn::SendStream {
        self.says(&frame::encode(&Control::Ping(0)).unwrap()).await
    }

    /// Writes bytes on a new control stream, which is returned open.
    async fn says(&self, bytes: &[u8]) -> quinn::SendStream {
        let mut stream = self.connection.open_uni().await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream
    }
}
