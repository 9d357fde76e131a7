//! One connection: its control stream in both directions, the requests that come in, and its end.
//!
//! One task drives all of it, so that events keep their order: [`NetEvent::Connected`], then messages as they were
//! sent, then [`NetEvent::Closed`], after which nothing of this connection follows. Requests come after the greeting,
//! also when its packet is lost and theirs are not: until then their streams wait in QUIC, which bounds them. When the
//! owner is slow, the task waits for it and QUIC's flow control slows the peer.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use lanspread_protocol::limits::{
    GREETING_TIMEOUT, MAX_MESSAGES_PER_SECOND, MAX_QUEUED_BYTES, MAX_QUEUED_MESSAGES,
    MAX_REQUESTS_PER_SECOND, TRANSFERS_AT_ONCE,
};
use lanspread_protocol::message::{CloseCode, Control};
use quinn::{ConnectionError, ReadError, RecvStream, SendStream, WriteError};
use tokio::sync::{Semaphore, SetOnce, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::address::canonical;
use super::admission::Place;
use super::congestion;
use super::frames::{self, Frame, FrameReadError};
use super::serve;
use super::tls::peer_of;
use super::windows::ReceiveWindow;
use super::{Closed, ConnId, DialId, NetEvent, Shared, transport};

/// Control messages overtake chunks: an announcement is worth more the earlier it is known.
const CONTROL_PRIORITY: i32 = 1;

/// A connection as the rest of the network knows it.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) conn: ConnId,
    pub(crate) quinn: quinn::Connection,
    pub(crate) remote: SocketAddr,
    pub(crate) rx_bytes: AtomicU64,
    pub(crate) tx_bytes: AtomicU64,
    pub(crate) receive_window: ReceiveWindow,
    /// Cancelled when the connection is over.
    pub(crate) over: CancellationToken,
    /// Who may send now; see [`TRANSFERS_AT_ONCE`].
    pub(crate) sending: Semaphore,
    /// The peer's first message was handed over.
    greeted: SetOnce<()>,
    outbox: mpsc::Sender<Bytes>,
    queued_bytes: AtomicUsize,
    /// Why this side closed it, if it did.
    reason: OnceLock<Closed>,
}

impl Link {
    /// Closes with a reason; the first one counts.
    pub(crate) fn close(&self, reason: Closed) {
        let (code, text) = match &reason {
            Closed::Here(code) => (*code, String::new()),
            Closed::Protocol(text) => (CloseCode::Protocol, text.clone()),
            Closed::Flood(text) => (CloseCode::Flood, text.clone()),
            Closed::TooSlow => (CloseCode::Flood, "messages are not taken".to_owned()),
            // Found out from QUIC: there is nobody to tell.
            Closed::Goodbye
            | Closed::Duplicate
            | Closed::Banned
            | Closed::WrongIdentity
            | Closed::TimedOut
            | Closed::Error(_) => (CloseCode::Goodbye, String::new()),
        };
        // Whoever closed first has told the peer already.
        if self.reason.set(reason).is_ok() {
            congestion::open_to_close(&self.quinn);
            self.quinn.close(transport::code(code), text.as_bytes());
        }
    }

    /// Queues a frame, or closes a connection that does not take what is queued.
    pub(crate) fn enqueue(&self, frame: Bytes) {
        let length = frame.len();
        let queued = self.queued_bytes.fetch_add(length, Ordering::Relaxed) + length;
        if queued > MAX_QUEUED_BYTES + length || self.outbox.try_send(frame).is_err() {
            self.close(Closed::TooSlow);
        }
    }

    /// Why the connection is over, from what QUIC says of it.
    fn closed_by(&self, error: ConnectionError) -> Closed {
        match self.reason.get() {
            Some(reason) => reason.clone(),
            None => closed_by_peer(error),
        }
    }
}

fn closed_by_peer(error: ConnectionError) -> Closed {
    let close = match error {
        ConnectionError::ApplicationClosed(close) => close,
        ConnectionError::TimedOut => return Closed::TimedOut,
        ConnectionError::VersionMismatch
        | ConnectionError::TransportError(_)
        | ConnectionError::ConnectionClosed(_)
        | ConnectionError::Reset
        | ConnectionError::LocallyClosed
        | ConnectionError::CidsExhausted => return Closed::Error(error.to_string()),
    };
    let said = format!("the peer says: {}", String::from_utf8_lossy(&close.reason));
    match CloseCode::from_code(close.error_code.into_inner()) {
        Some(CloseCode::Goodbye) => Closed::Goodbye,
        Some(CloseCode::Duplicate) => Closed::Duplicate,
        Some(CloseCode::Banned) => Closed::Banned,
        Some(CloseCode::WrongIdentity) => Closed::WrongIdentity,
        Some(CloseCode::Protocol) => Closed::Protocol(said),
        Some(CloseCode::Flood) => Closed::Flood(said),
        None => Closed::Error(said),
    }
}

/// Drives a connection to its end. Holds its place at the door as long.
pub(crate) async fn run(shared: Arc<Shared>, quinn: quinn::Connection, place: Place, dial: Option<DialId>) {
    let Some(peer) = peer_of(&quinn) else {
        // The handshake demands a certificate, so that this is never seen.
        quinn.close(transport::code(CloseCode::Protocol), b"no certificate");
        return;
    };
    let conn = ConnId(shared.next_conn.fetch_add(1, Ordering::Relaxed));
    let remote = canonical(quinn.remote_address());
    let (outbox, queue) = mpsc::channel(MAX_QUEUED_MESSAGES);
    let link = Arc::new(Link {
        conn,
        quinn,
        remote,
        rx_bytes: AtomicU64::new(0),
        tx_bytes: AtomicU64::new(0),
        receive_window: ReceiveWindow::default(),
        over: shared.token.child_token(),
        sending: Semaphore::new(TRANSFERS_AT_ONCE),
        greeted: SetOnce::new(),
        outbox,
        queued_bytes: AtomicUsize::new(0),
        reason: OnceLock::new(),
    });
    shared.lock().insert(conn, link.clone());
    if shared.token.is_cancelled() {
        link.close(Closed::Here(CloseCode::Goodbye));
    }
    let local = link.quinn.local_ip().map(|ip| ip.to_canonical());
    shared.emit(NetEvent::Connected { conn, peer, remote, local, dial }).await;
    debug!(?conn, %peer, "connected");
    let reason = drive(&shared, &link, queue).await;
    link.over.cancel();
    shared.lock().remove(&conn);
    drop(place);
    let path = link.quinn.stats().path;
    debug!(
        ?conn, %peer, rtt = ?path.rtt, mtu = path.current_mtu, window = path.cwnd, sent = path.sent_packets,
        lost = path.lost_packets, congestions = path.congestion_events, "closed: {reason}"
    );
    shared.emit(NetEvent::Closed { conn, reason }).await;
}

/// Runs all parts until one of them ends the connection.
async fn drive(shared: &Arc<Shared>, link: &Arc<Link>, queue: mpsc::Receiver<Bytes>) -> Closed {
    let mut readers = JoinSet::new();
    let reason = run_parts(shared, link, queue, &mut readers).await;
    // No request may follow the end.
    readers.shutdown().await;
    reason
}

async fn run_parts(
    shared: &Arc<Shared>,
    link: &Arc<Link>,
    queue: mpsc::Receiver<Bytes>,
    readers: &mut JoinSet<Option<End>>,
) -> Closed {
    let receiving = pin!(receive_control(shared, link));
    let sending = pin!(send_control(link, queue));
    let requests = pin!(accept_requests(shared, link, readers));
    let reason = tokio::select! {
        // A lost connection fails all parts at once; its own reason says most.
        biased;
        error = link.quinn.closed() => link.closed_by(error),
        () = shared.token.cancelled() => Closed::Here(CloseCode::Goodbye),
        end = receiving => end.reason(link),
        end = sending => end.reason(link),
        end = requests => end.reason(link),
    };
    // While the control stream is here: dropped before, it would end in order, which the peer takes for a fault.
    link.close(reason.clone());
    reason
}

/// Why one part ended.
enum End {
    Lost(ConnectionError),
    Broken(Closed),
}

impl End {
    fn reason(self, link: &Link) -> Closed {
        match self {
            Self::Lost(error) => link.closed_by(error),
            Self::Broken(reason) => link.reason.get().cloned().unwrap_or(reason),
        }
    }
}

impl From<ConnectionError> for End {
    fn from(error: ConnectionError) -> Self {
        Self::Lost(error)
    }
}

impl From<FrameReadError> for End {
    fn from(error: FrameReadError) -> Self {
        if let FrameReadError::Stream(ReadError::ConnectionLost(error)) = error {
            Self::Lost(error)
        } else {
            Self::Broken(Closed::Protocol(error.to_string()))
        }
    }
}

impl From<WriteError> for End {
    fn from(error: WriteError) -> Self {
        if let WriteError::ConnectionLost(error) = error {
            Self::Lost(error)
        } else {
            Self::Broken(Closed::Protocol(format!("the control stream is not taken: {error}")))
        }
    }
}

async fn receive_control(shared: &Shared, link: &Link) -> End {
    match try_receive_control(shared, link).await {
        Ok(never) => match never {},
        Err(end) => end,
    }
}

async fn try_receive_control(shared: &Shared, link: &Link) -> Result<std::convert::Infallible, End> {
    let greeting = async {
        let mut stream = link.quinn.accept_uni().await?;
        let mut buffer = Vec::new();
        let first = frames::read::<Control>(&mut stream, &mut buffer).await?;
        Ok::<_, End>((stream, buffer, first))
    };
    let Ok(greeting) = timeout(GREETING_TIMEOUT, greeting).await else {
        return Err(End::Broken(Closed::Protocol("no greeting".to_owned())));
    };
    let (mut stream, mut buffer, mut frame) = greeting?;
    let mut flood = FloodGuard::new(MAX_MESSAGES_PER_SECOND);
    loop {
        if !flood.allows_one_more(Instant::now()) {
            return Err(End::Broken(Closed::Flood(format!(
                "more than {MAX_MESSAGES_PER_SECOND} messages a second"
            ))));
        }
        match frame {
            Frame::Message(message) => {
                shared.emit(NetEvent::Control { conn: link.conn, message }).await;
                // Fails for all messages but the first.
                drop(link.greeted.set(()));
            }
            Frame::Unknown => debug!("skipped a message of a newer program"),
            Frame::End => return Err(End::Broken(Closed::Protocol("the control stream ended".to_owned()))),
        }
        frame = frames::read(&mut stream, &mut buffer).await?;
    }
}

async fn send_control(link: &Link, queue: mpsc::Receiver<Bytes>) -> End {
    match try_send_control(link, queue).await {
        Ok(never) => match never {},
        Err(end) => end,
    }
}

async fn try_send_control(
    link: &Link,
    mut queue: mpsc::Receiver<Bytes>,
) -> Result<std::convert::Infallible, End> {
    let mut stream = link.quinn.open_uni().await?;
    // Fails only on a closed stream, which the first write reports.
    drop(stream.set_priority(CONTROL_PRIORITY));
    loop {
        match queue.recv().await {
            Some(frame) => {
                let length = frame.len();
                stream.write_chunk(frame).await?;
                link.queued_bytes.fetch_sub(length, Ordering::Relaxed);
            }
            // The link, which this task holds, holds the other end.
            None => std::future::pending().await,
        }
    }
}

async fn accept_requests(shared: &Arc<Shared>, link: &Arc<Link>, readers: &mut JoinSet<Option<End>>) -> End {
    link.greeted.wait().await;
    let mut flood = FloodGuard::new(MAX_REQUESTS_PER_SECOND);
    loop {
        tokio::select! {
            stream = link.quinn.accept_bi() => match stream {
                Err(error) => return End::Lost(error),
                Ok(_) if !flood.allows_one_more(Instant::now()) => {
                    let text = format!("more than {MAX_REQUESTS_PER_SECOND} requests a second");
                    return End::Broken(Closed::Flood(text));
                }
                // QUIC bounds the open streams, and thereby these tasks.
                Ok((send, receive)) => {
                    readers.spawn(read_request(shared.clone(), link.clone(), send, receive));
                }
            },
            Some(end) = readers.join_next() => match end {
                Ok(None) => {}
                Ok(Some(end)) => return end,
                Err(error) => return End::Broken(Closed::Error(format!("reading a request failed: {error}"))),
            },
        }
    }
}

/// Reads a request and hands it over. `Some` when the connection must end.
async fn read_request(
    shared: Arc<Shared>,
    link: Arc<Link>,
    send: SendStream,
    mut receive: RecvStream,
) -> Option<End> {
    let mut buffer = Vec::new();
    let read = timeout(GREETING_TIMEOUT, frames::read(&mut receive, &mut buffer)).await;
    let conn = link.conn;
    match read {
        Ok(Ok(Frame::Message(request))) => {
            let request = serve::accept(shared.clone(), link, send, request)?;
            shared.emit(NetEvent::Request { conn, request }).await;
            None
        }
        Ok(Ok(Frame::Unknown)) => {
            serve::refuse_unknown(send);
            None
        }
        // The peer gave the request up before it was whole.
        Ok(Err(FrameReadError::Stream(ReadError::Reset(_)))) => None,
        Ok(Ok(Frame::End)) => Some(End::Broken(Closed::Protocol("a stream without a request".to_owned()))),
        Ok(Err(error)) => Some(error.into()),
        Err(_) => Some(End::Broken(Closed::Protocol("a request that does not come".to_owned()))),
    }
}

/// Counts events in windows of a second.
#[derive(Debug)]
struct FloodGuard {
    limit: u32,
    count: u32,
    since: Option<Instant>,
}

impl FloodGuard {
    fn new(limit: u32) -> Self {
        Self { limit, count: 0, since: None }
    }

    fn allows_one_more(&mut self, now: Instant) -> bool {
        if self.since.is_none_or(|since| now - since >= Duration::from_secs(1)) {
            (self.since, self.count) = (Some(now), 0);
        }
        self.count += 1;
        self.count <= self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_what_comes_within_a_second() {
        let start = Instant::now();
        let mut guard = FloodGuard::new(3);
        assert!((0..3).all(|_| guard.allows_one_more(start)));
        assert!(!guard.allows_one_more(start + Duration::from_millis(999)));
        assert!(guard.allows_one_more(start + Duration::from_secs(1)));
    }
}
