//! UDP sockets for quinn, and a plain one for where quinn's own refuses.
//!
//! quinn hands up to ten packets to the system in one call (segmentation offload). With packets larger than Ethernet's
//! that is more than a UDP datagram may hold, and the system refuses the whole: found by transfers that stalled on
//! loopback. [`Splitting`] cuts such batches.
//!
//! quinn-udp asks the system for control messages (ECN, packet info, segmentation) and fails as a whole where one is
//! missing: odd drivers, sandboxes, wine. The plain socket does without all of them, a datagram a call; QUIC works the
//! same, slower.

use std::future::Future;
use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, Runtime, TokioRuntime, UdpPoller};
use tracing::{debug, warn};

/// Wraps a bound, non-blocking socket. Must run inside the tokio runtime.
pub(crate) fn wrap(socket: UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
    match TokioRuntime.wrap_udp_socket(socket.try_clone()?) {
        Ok(fast) => Ok(Arc::new(Splitting(fast))),
        Err(error) => {
            warn!("this system's UDP sockets lack what fast transfers need, using plain ones: {error}");
            plain(socket)
        }
    }
}

fn plain(socket: UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
    socket.set_nonblocking(true)?;
    Ok(Arc::new(PlainSocket { io: Arc::new(tokio::net::UdpSocket::from_std(socket)?) }))
}

/// What one call may hand to the system: a UDP datagram's payload under IPv4's headers, and less than under IPv6's.
const MAX_BATCH_BYTES: usize = 65_507;

/// quinn's socket with batches cut to what the system takes.
#[derive(Debug)]
struct Splitting(Arc<dyn AsyncUdpSocket>);

impl AsyncUdpSocket for Splitting {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        self.0.clone().create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        let Some(segment) = transmit.segment_size.filter(|_| transmit.contents.len() > MAX_BATCH_BYTES)
        else {
            return self.0.try_send(transmit);
        };
        // When the system's queue is full in between, all is sent again later: QUIC drops packets that it knows.
        transmit.contents.chunks((MAX_BATCH_BYTES / segment).max(1) * segment).try_for_each(|contents| {
            let segment_size = (contents.len() > segment).then_some(segment);
            self.0.try_send(&Transmit { contents, segment_size, ..*transmit })
        })
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_recv(cx, buffers, meta)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        self.0.max_transmit_segments()
    }

    /// quinn makes room for so many packets of the largest size in each of its buffers. What the system joins is never
    /// longer than one datagram, so that room for one is enough; room for 64 would be 134 MB a socket.
    fn max_receive_segments(&self) -> usize {
        1
    }

    fn may_fragment(&self) -> bool {
        self.0.may_fragment()
    }
}

#[derive(Debug)]
struct PlainSocket {
    io: Arc<tokio::net::UdpSocket>,
}

impl AsyncUdpSocket for PlainSocket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(WritablePoller { io: self.io.clone(), waiting: None })
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        match self.io.try_send_to(transmit.contents, transmit.destination) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(error),
            // QUIC sends again what a route's change or a full queue lost; an error here would end the connection.
            Err(error) => {
                debug!("cannot send a datagram to {}: {error}", transmit.destination);
                Ok(())
            }
            Ok(_) => Ok(()),
        }
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.io.poll_recv_ready(cx))?;
            let mut received = 0;
            for (buffer, meta) in buffers.iter_mut().zip(&mut *meta) {
                let Some((length, from)) = receive(&self.io, buffer)? else { break };
                *meta = RecvMeta::default();
                (meta.addr, meta.len, meta.stride) = (from, length, length);
                received += 1;
            }
            if received > 0 {
                return Poll::Ready(Ok(received));
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.local_addr()
    }
}

/// One datagram, or `None` when there is none now.
fn receive(io: &tokio::net::UdpSocket, buffer: &mut [u8]) -> io::Result<Option<(usize, SocketAddr)>> {
    loop {
        let error = match io.try_recv_from(buffer) {
            Ok(datagram) => return Ok(Some(datagram)),
            Err(error) => error.kind(),
        };
        if error == io::ErrorKind::WouldBlock {
            return Ok(None);
        }
        // Windows reports an earlier datagram's "port unreachable" here; it says nothing about this socket.
        if !matches!(error, io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted) {
            return Err(error.into());
        }
    }
}

type Writable = Pin<Box<dyn Future<Output = io::Result<()>> + Send + Sync>>;

struct WritablePoller {
    io: Arc<tokio::net::UdpSocket>,
    /// A future of its own for each poller, because the socket's poll functions remember one waker only.
    waiting: Option<Writable>,
}

impl std::fmt::Debug for WritablePoller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WritablePoller").field("io", &self.io).finish_non_exhaustive()
    }
}

impl UdpPoller for WritablePoller {
    fn poll_writable(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let io = self.io.clone();
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(async move { io.writable().await }));
        let result = ready!(waiting.as_mut().poll(cx));
        self.waiting = None;
        Poll::Ready(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    /// Receives `count` datagrams.
    async fn receive_all(socket: &dyn AsyncUdpSocket, count: usize) -> Vec<Vec<u8>> {
        let mut seen = Vec::new();
        let mut buffer = vec![0; 4_000_000];
        while seen.len() < count {
            let mut meta = [RecvMeta::default(); 1];
            let mut buffers = [IoSliceMut::new(&mut buffer)];
            poll_fn(|cx| socket.poll_recv(cx, &mut buffers, &mut meta)).await.unwrap();
            seen.extend(buffer[..meta[0].len].chunks(meta[0].stride).map(<[u8]>::to_vec));
        }
        seen
    }

    #[tokio::test]
    async fn batches_larger_than_a_datagram_arrive_whole() {
        let socket = || {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            socket.set_nonblocking(true).unwrap();
            wrap(socket).unwrap()
        };
        let (a, b) = (socket(), socket());
        let segment = 8_952;
        let contents: Vec<u8> = (0..10_u8).flat_map(|nth| vec![nth; segment]).collect();
        let contents = &contents[..9 * segment + 5];
        let segment_size = Some(segment);
        let destination = b.local_addr().unwrap();
        let mut poller = a.clone().create_io_poller();
        poll_fn(|cx| poller.as_mut().poll_writable(cx)).await.unwrap();
        a.try_send(&Transmit { destination, ecn: None, contents, segment_size, src_ip: None }).unwrap();
        let expected: Vec<_> = contents.chunks(segment).map(<[u8]>::to_vec).collect();
        assert_eq!(receive_all(&*b, 10).await, expected);
    }

    #[tokio::test]
    async fn the_plain_socket_carries_datagrams() {
        let bind = || UdpSocket::bind("127.0.0.1:0").unwrap();
        let (a, b) = (plain(bind()).unwrap(), plain(bind()).unwrap());
        let destination = b.local_addr().unwrap();
        let mut poller = a.clone().create_io_poller();
        for contents in [&b"one"[..], b"two"] {
            poll_fn(|cx| poller.as_mut().poll_writable(cx)).await.unwrap();
            let transmit = Transmit { destination, ecn: None, contents, segment_size: None, src_ip: None };
            a.try_send(&transmit).unwrap();
        }
        let mut seen = Vec::new();
        while seen.len() < 2 {
            let (mut first, mut second) = ([0; 10], [0; 10]);
            let mut meta = [RecvMeta::default(); 2];
            let mut buffers = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
            let count = poll_fn(|cx| b.poll_recv(cx, &mut buffers, &mut meta)).await.unwrap();
            for (buffer, meta) in buffers.iter().zip(&meta).take(count) {
                assert_eq!(meta.addr, a.local_addr().unwrap());
                seen.push(buffer[..meta.len].to_vec());
            }
        }
        assert_eq!(seen, [b"one", b"two"]);
    }
}
