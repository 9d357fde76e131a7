//! Sockets that listen and dial: a peer's dials always leave from a listening socket, because a stateful firewall that
//! let a dial out lets the other side's dial in from there.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use lanspread_protocol::PeerId;
use lanspread_protocol::limits::GREETING_TIMEOUT;
use quinn::{
    ClientConfig, Connecting, ConnectionError, Endpoint, ServerConfig, TokioRuntime, TransportErrorCode,
};
use tokio::time::timeout;
use tracing::{Instrument, debug, debug_span};

use super::address::canonical;
use super::admission::{Place, Verdict};
use super::connection;
use super::tls::{SERVER_NAME, SeenPeer, Tls};
use super::{BindError, DialError, DialId, NetConfig, NetError, NetEvent, Shared, transport, udp};
use crate::runtime::fault::NETWORK;

/// TLS's alert when there is no common ALPN name.
const NO_APPLICATION_PROTOCOL: u8 = 120;

/// One listening socket.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    pub(crate) endpoint: Endpoint,
    pub(crate) address: SocketAddr,
    /// How to answer peers on the LAN, and those on this PC, whose packets may be larger.
    lan: Arc<ServerConfig>,
    pub(super) loopback: Arc<ServerConfig>,
}

/// Opens all sockets. Must run inside the tokio runtime.
pub(crate) fn bind(tls: &Tls, config: &NetConfig) -> Result<Vec<Bound>, NetError> {
    let crypto = Arc::new(tls.server()?);
    let sockets = super::bind::bind(&config.bind, config.port)?;
    let listen = |socket: std::net::UdpSocket| {
        let address = socket.local_addr().map_err(|source| {
            NetError::Bind(BindError::Failed { address: SocketAddr::from(([0; 4], 0)), source })
        })?;
        let mut lan = ServerConfig::with_crypto(crypto.clone());
        transport::bound_strangers(&mut lan);
        lan.transport_config(transport::transport(Ipv4Addr::UNSPECIFIED.into()));
        let mut loopback = lan.clone();
        loopback.transport_config(transport::transport(Ipv4Addr::LOCALHOST.into()));
        let server = lan.clone();
        let endpoint = udp::wrap(socket).and_then(|socket| {
            let runtime = Arc::new(TokioRuntime);
            Endpoint::new_with_abstract_socket(transport::endpoint(), Some(server), socket, runtime)
        });
        match endpoint {
            Ok(endpoint) => Ok(Bound { endpoint, address, lan: Arc::new(lan), loopback: Arc::new(loopback) }),
            Err(source) => Err(NetError::Endpoint { address, source }),
        }
    };
    sockets.into_iter().map(listen).collect()
}

/// Starts to accept on all sockets. When one ends before its time, by an error or a panic, the network has failed.
pub(crate) fn spawn_accepting(shared: &Arc<Shared>) {
    for bound in &shared.bound {
        let address = bound.address;
        let task_shared = shared.clone();
        let (fault, accept) = (shared.fault.clone(), accept_all(shared.clone(), bound.clone()));
        let accepting = async move {
            if !fault.is_some_and(|fault| fault.strikes(NETWORK)) {
                accept.await;
            }
        };
        let accepting = accepting.instrument(debug_span!("accept", %address));
        let accepting = shared.tracker.spawn(accepting);
        shared.tracker.spawn(async move {
            let error = match accepting.await {
                _ if task_shared.token.is_cancelled() => return,
                Ok(()) => format!("the socket of {address} is lost"),
                Err(error) => format!("accepting on {address} ended: {error}"),
            };
            task_shared.emit(NetEvent::Failed { error }).await;
        });
    }
}

async fn accept_all(shared: Arc<Shared>, bound: Bound) {
    loop {
        let incoming = tokio::select! {
            () = shared.token.cancelled() => return,
            incoming = bound.endpoint.accept() => incoming,
        };
        let Some(incoming) = incoming else { return };
        let remote = canonical(incoming.remote_address());
        match shared.door.knock(remote.ip(), incoming.remote_address_validated(), &shared.bans) {
            Verdict::Enter(place) => {
                let config = if remote.ip().is_loopback() { &bound.loopback } else { &bound.lan };
                spawn_handshake(&shared, incoming.accept_with(config.clone()), remote, place);
            }
            Verdict::Prove => {
                if let Err(error) = incoming.retry() {
                    debug!("cannot ask {remote} to prove itself: {error}");
                }
            }
            Verdict::Refuse => incoming.refuse(),
            Verdict::Ignore => incoming.ignore(),
        }
    }
}

fn spawn_handshake(
    shared: &Arc<Shared>,
    connecting: Result<Connecting, ConnectionError>,
    remote: SocketAddr,
    mut place: Place,
) {
    let task_shared = shared.clone();
    let task = async move {
        let outcome = match connecting {
            Ok(connecting) => timeout(GREETING_TIMEOUT, connecting).await,
            Err(error) => Ok(Err(error)),
        };
        match outcome {
            Ok(Ok(connection)) => {
                place.established();
                connection::run(task_shared, connection, place, None).await;
            }
            Ok(Err(error)) => debug!("a handshake failed: {error}"),
            Err(_) => debug!("a handshake took too long"),
        }
    };
    shared.tracker.spawn(task.instrument(debug_span!("inbound", %remote)));
}

/// Starts a dial.
pub(crate) fn spawn_dial(shared: &Arc<Shared>, dial: DialId, address: SocketAddr, expect: Option<PeerId>) {
    let address = canonical(address);
    let task_shared = shared.clone();
    let task = async move {
        let place = task_shared.door.dialled(address.ip());
        let outcome = tokio::select! {
            outcome = establish(&task_shared, address, expect) => outcome,
            () = task_shared.token.cancelled() => Err(DialError::Stopping),
        };
        match outcome {
            Ok(connection) => connection::run(task_shared, connection, place, Some(dial)).await,
            Err(error) => task_shared.emit(NetEvent::DialFailed { dial, error }).await,
        }
    };
    shared.tracker.spawn(task.instrument(debug_span!("dial", %address)));
}

async fn establish(
    shared: &Shared,
    address: SocketAddr,
    expect: Option<PeerId>,
) -> Result<quinn::Connection, DialError> {
    if shared.bans.contains(address.ip()) {
        return Err(DialError::Banned(address.ip()));
    }
    let bound = choose(&shared.bound, address).ok_or(DialError::NoSocket(address))?;
    let (crypto, seen) = shared.tls.client(expect).map_err(|error| DialError::Error(error.to_string()))?;
    let mut config = ClientConfig::new(Arc::new(crypto));
    config.transport_config(transport::transport(address.ip()));
    let connecting = bound
        .endpoint
        .connect_with(config, address, SERVER_NAME)
        .map_err(|error| DialError::Error(error.to_string()))?;
    match timeout(GREETING_TIMEOUT, connecting).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(dial_error(error, &seen)),
        Err(_) => Err(DialError::TimedOut),
    }
}

fn dial_error(error: ConnectionError, seen: &SeenPeer) -> DialError {
    if let Some(found) = seen.get() {
        return DialError::WrongPeer { found };
    }
    let close = match error {
        ConnectionError::ConnectionClosed(close) => close,
        ConnectionError::VersionMismatch => return DialError::OtherVersion,
        ConnectionError::TimedOut => return DialError::TimedOut,
        ConnectionError::LocallyClosed => return DialError::Stopping,
        ConnectionError::TransportError(_)
        | ConnectionError::ApplicationClosed(_)
        | ConnectionError::Reset
        | ConnectionError::CidsExhausted => return DialError::Error(error.to_string()),
    };
    if close.error_code == TransportErrorCode::crypto(NO_APPLICATION_PROTOCOL) {
        DialError::OtherVersion
    } else if close.error_code == TransportErrorCode::CONNECTION_REFUSED {
        DialError::Refused
    } else {
        DialError::Error(close.to_string())
    }
}

/// The socket that `target` is dialled from: of those that reach it the one whose address is most like it.
fn choose(bound: &[Bound], target: SocketAddr) -> Option<&Bound> {
    let own = |bound: &Bound| bound.address.ip();
    bound
        .iter()
        .filter(|bound| reaches(own(bound), target.ip()))
        .max_by_key(|bound| common_prefix(own(bound), target.ip()))
}

/// Whether packets for `target` can leave from a socket of `own`. A loopback address reaches only its like.
fn reaches(own: IpAddr, target: IpAddr) -> bool {
    own.is_ipv4() == target.is_ipv4() && (!own.is_loopback() || target.is_loopback())
}

/// How many leading bits two addresses of one family share.
fn common_prefix(one: IpAddr, other: IpAddr) -> u32 {
    match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => (one.to_bits() ^ other.to_bits()).leading_zeros(),
        (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits() ^ other.to_bits()).leading_zeros(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dials_leave_from_the_address_most_like_the_target() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(reaches(ip("127.0.0.2"), ip("127.0.0.1")));
        assert!(reaches(ip("0.0.0.0"), ip("127.0.0.1")));
        assert!(!reaches(ip("127.0.0.2"), ip("10.0.0.1")));
        assert!(!reaches(ip("::"), ip("10.0.0.1")));
        assert!(
            common_prefix(ip("10.0.1.5"), ip("10.0.1.9")) > common_prefix(ip("10.0.2.5"), ip("10.0.1.9"))
        );
        assert!(common_prefix(ip("fd00::1"), ip("fd00::2")) > common_prefix(ip("::"), ip("fd00::2")));
    }
}
