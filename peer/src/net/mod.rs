//! The network: QUIC connections between peers, and what travels on them.
//!
//! This layer does and reports; it decides nothing. Whom to dial, which of two connections to a peer stays, whom to ban
//! and what to serve is the engine's. What happens comes out of one bounded channel as [`NetEvent`]s; for each
//! connection [`NetEvent::Connected`] is the first and [`NetEvent::Closed`] the last, each exactly once. No function of
//! [`Net`] that is not `async` ever waits.
//!
//! Hostile or broken input ends the connection that it came on, with a reason, and touches nothing else. Every queue,
//! every wait for a peer and every buffer has a bound.
//!
//! - [`endpoint`](self): sockets (`bind`, `udp`), who may knock (`admission`), dialling
//! - `tls`, `transport`, `windows`: who the other side is, QUIC's settings and memory
//! - `connection`: control messages, requests coming in, closing
//! - [`fetch`] and [`serve`]: the data plane, both limited by [`rate`]; `places`: how many units are sent at once
//! - [`race`]: a manifest, a catalog or a cover, from the first of several peers

mod address;
mod admission;
mod bind;
mod congestion;
mod connection;
mod endpoint;
mod frames;
mod places;
#[cfg(test)]
mod tests;
mod tls;
mod transport;
mod udp;
mod windows;

pub mod fetch;
pub mod race;
pub mod rate;
pub mod serve;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use lanspread_engine::{ConnId, DialId};
use lanspread_protocol::PeerId;
use lanspread_protocol::message::{CloseCode, Control};
use thiserror::Error;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, warn};

pub(crate) use address::canonical;
pub use address::is_link_local;
pub use admission::BanList;
pub use bind::{BindError, Port};
pub use tls::TlsError;

use crate::identity::Identity;
use crate::runtime::fault::Fault;
use connection::Link;
use endpoint::Bound;
use places::Places;
use rate::RateLimiter;
use serve::InboundRequest;

/// How long a shutdown waits for goodbyes to be sent, and then for tasks to end.
const FAREWELL: Duration = Duration::from_millis(500);

/// What happens on the network.
#[derive(Debug)]
pub enum NetEvent {
    /// A handshake is done; the peer has proved its id.
    Connected {
        conn: ConnId,
        peer: PeerId,
        remote: SocketAddr,
        /// This PC's address on the connection, where the system tells.
        local: Option<IpAddr>,
        /// The dial that led here; `None` when the peer dialled.
        dial: Option<DialId>,
    },
    /// A dial ended without a connection.
    DialFailed { dial: DialId, error: DialError },
    /// A control message. Messages of newer programs never show.
    Control { conn: ConnId, message: Control },
    /// A request to be served or refused. Dropping it resets its stream.
    Request { conn: ConnId, request: InboundRequest },
    /// The connection is over.
    Closed { conn: ConnId, reason: Closed },
    /// The network cannot go on; no other event follows.
    Failed { error: String },
}

/// Why a connection is over.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Closed {
    #[error("closed here ({0:?})")]
    Here(CloseCode),
    #[error("the peer said goodbye")]
    Goodbye,
    #[error("the peer keeps another connection")]
    Duplicate,
    #[error("the peer has banned this PC")]
    Banned,
    #[error("the peer finds this PC's key wrong")]
    WrongIdentity,
    #[error("the peer is silent")]
    TimedOut,
    /// Found on either side; the text says by whom.
    #[error("against the protocol: {0}")]
    Protocol(String),
    #[error("too much at once: {0}")]
    Flood(String),
    /// It did not take its messages for so long that the queue was full.
    #[error("the peer does not take its messages")]
    TooSlow,
    #[error("{0}")]
    Error(String),
}

/// Why a dial ended without a connection.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DialError {
    #[error("no socket here reaches {0}")]
    NoSocket(SocketAddr),
    #[error("{0} is banned")]
    Banned(IpAddr),
    #[error("another peer answered: {found}")]
    WrongPeer { found: PeerId },
    #[error("runs another version")]
    OtherVersion,
    #[error("the peer takes no more connections from here")]
    Refused,
    #[error("no answer")]
    TimedOut,
    #[error("the network stops")]
    Stopping,
    #[error("{0}")]
    Error(String),
}

/// Why the network does not start.
#[derive(Debug, Error)]
pub enum NetError {
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("cannot start QUIC on {address}: {source}")]
    Endpoint { address: SocketAddr, source: std::io::Error },
}

/// How to start.
#[derive(Clone, Debug, Default)]
pub struct NetConfig {
    /// Addresses of this PC to listen on; none means all.
    pub bind: Vec<IpAddr>,
    pub port: Port,
    pub bans: BanList,
    /// For tests: lets accepting fail.
    pub fault: Option<Fault>,
}

/// Figures of a connection.
#[derive(Clone, Copy, Debug)]
pub struct ConnStats {
    pub remote: SocketAddr,
    pub rtt: Duration,
    pub mtu: u16,
    /// Payload bytes, without headers and control messages.
    pub rx_bytes: u64,
    pub tx_bytes: u64,
    pub packets_lost: u64,
}

/// The network of a running peer. Clones are handles of the same one.
#[derive(Clone, Debug)]
pub struct Net(Arc<Shared>);

/// What all tasks of the network share.
#[derive(Debug)]
pub(crate) struct Shared {
    bound: Vec<Bound>,
    tls: tls::Tls,
    links: Mutex<BTreeMap<ConnId, Arc<Link>>>,
    next_conn: AtomicU64,
    events: mpsc::Sender<NetEvent>,
    door: admission::Door,
    bans: BanList,
    fault: Option<Fault>,
    pub(crate) upload: RateLimiter,
    pub(crate) download: RateLimiter,
    places: Places,
    opening: windows::Opening,
    rx_bytes: AtomicU64,
    tx_bytes: AtomicU64,
    tracker: TaskTracker,
    /// Cancelled when the network begins to stop.
    pub(crate) token: CancellationToken,
    /// Cancelled when nobody is waited for any more.
    abandoned: CancellationToken,
}

impl Net {
    /// Binds, and accepts from then on. `token` stops everything, as [`Self::shutdown`] does in order.
    pub fn start(
        identity: &Identity,
        config: NetConfig,
        events: mpsc::Sender<NetEvent>,
        token: &CancellationToken,
    ) -> Result<Self, NetError> {
        let tls = tls::Tls::new(identity)?;
        let bound = endpoint::bind(&tls, &config)?;
        let shared = Arc::new(Shared {
            bound,
            tls,
            links: Mutex::default(),
            next_conn: AtomicU64::new(1),
            events,
            door: admission::Door::default(),
            bans: config.bans,
            fault: config.fault,
            upload: RateLimiter::new(0),
            download: RateLimiter::new(0),
            places: Places::default(),
            opening: windows::Opening::default(),
            rx_bytes: AtomicU64::new(0),
            tx_bytes: AtomicU64::new(0),
            tracker: TaskTracker::new(),
            token: token.child_token(),
            abandoned: CancellationToken::new(),
        });
        endpoint::spawn_accepting(&shared);
        shared.tracker.spawn(windows::balance(shared.clone()));
        Ok(Self(shared))
    }

    /// The addresses that are listened on.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.0.bound.iter().map(|bound| bound.address).collect()
    }

    /// Dials; [`NetEvent::Connected`] or [`NetEvent::DialFailed`] follows. Any key is taken when none is expected.
    pub fn dial(&self, dial: DialId, address: SocketAddr, expect: Option<PeerId>) {
        endpoint::spawn_dial(&self.0, dial, address, expect);
    }

    /// Queues a message. A peer that does not take its messages is closed as [`Closed::TooSlow`] once its queue is
    /// full: waiting would stop the event loop for everybody, and leaving a message out would let its picture of this
    /// peer differ from the truth. Without such a connection nothing happens: its end is on the way as an event.
    pub fn send(&self, conn: ConnId, message: &Control) {
        let Some(link) = self.0.link(conn) else { return };
        match lanspread_protocol::frame::encode(message) {
            Ok(frame) => link.enqueue(frame.into()),
            Err(error) => error!("a control message cannot be sent: {error}"),
        }
    }

    /// Ends a connection; [`NetEvent::Closed`] follows with [`Closed::Here`].
    pub fn close(&self, conn: ConnId, code: CloseCode) {
        if let Some(link) = self.0.link(conn) {
            link.close(Closed::Here(code));
        }
    }

    pub fn stats(&self, conn: ConnId) -> Option<ConnStats> {
        let link = self.0.link(conn)?;
        let path = link.quinn.stats().path;
        Some(ConnStats {
            remote: link.remote,
            rtt: link.quinn.rtt(),
            mtu: path.current_mtu,
            rx_bytes: link.rx_bytes.load(Ordering::Relaxed),
            tx_bytes: link.tx_bytes.load(Ordering::Relaxed),
            packets_lost: path.lost_packets,
        })
    }

    /// Payload bytes received and sent since the start.
    pub fn total_bytes(&self) -> (u64, u64) {
        (self.0.rx_bytes.load(Ordering::Relaxed), self.0.tx_bytes.load(Ordering::Relaxed))
    }

    /// The limit on what is served.
    pub fn upload(&self) -> &RateLimiter {
        &self.0.upload
    }

    /// The limit on what is fetched.
    pub fn download(&self) -> &RateLimiter {
        &self.0.download
    }

    /// Says goodbye to all, and ends all tasks within a second. Transfers end at their next step; the tasks they run in
    /// are their owners'.
    pub async fn shutdown(&self) {
        let shared = &self.0;
        shared.token.cancel();
        for link in shared.links() {
            link.close(Closed::Here(CloseCode::Goodbye));
        }
        for bound in &shared.bound {
            bound.endpoint.close(transport::code(CloseCode::Goodbye), b"goodbye");
        }
        let sent = async {
            for bound in &shared.bound {
                bound.endpoint.wait_idle().await;
            }
        };
        if timeout(FAREWELL, sent).await.is_err() {
            tracing::debug!("some peers did not acknowledge the goodbye");
        }
        shared.abandoned.cancel();
        shared.tracker.close();
        if timeout(FAREWELL, shared.tracker.wait()).await.is_err() {
            warn!("{} tasks of the network have not ended", shared.tracker.len());
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<ConnId, Arc<Link>>> {
        // Nothing panics while it holds this lock.
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn link(&self, conn: ConnId) -> Option<Arc<Link>> {
        self.lock().get(&conn).cloned()
    }

    fn links(&self) -> Vec<Arc<Link>> {
        self.lock().values().cloned().collect()
    }

    /// Hands an event to the owner, waiting for room: this is what slows a peer down that sends faster than it is
    /// listened to.
    async fn emit(&self, event: NetEvent) {
        tokio::select! {
            biased;
            sent = self.events.send(event) => {
                if sent.is_err() && !self.token.is_cancelled() {
                    warn!("nobody listens to the network any more");
                    self.token.cancel();
                }
            }
            () = self.abandoned.cancelled() => {}
        }
    }
}
