//! UDP sockets for quinn, and a plain one for where quinn's own refuses.
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
        Ok(fast) => Ok(fast),
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
        match io.try_recv_from(buffer) {
            Ok(datagram) => return Ok(Some(datagram)),
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock => return Ok(None),
                // Windows reports an earlier datagram's "port unreachable" here; it says nothing about this socket.
                io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted => {}
                _ => return Err(error),
            },
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
