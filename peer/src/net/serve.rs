//! Answering requests.
//!
//! A piece is read from disk on the blocking pool while the one before it is sent; QUIC keeps the buffers that it is
//! given, nothing is copied. Every wait ends when the transfer is cancelled, when the receiver gives up and when the
//! connection is lost: a stalled receiver holds nobody up. A unit is sent when it has one of the peer's few places
//! (`places`); blobs, which others wait for before they can ask for anything, need none. When [`InboundRequest::serve`] returns, no read is under
//! way any more, so that who waits for it may then change the files.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use lanspread_protocol::frame;
use lanspread_protocol::limits::{MAX_UNITS_PER_REQUEST, UNIT_MAX_CHUNKS};
use lanspread_protocol::message::{CloseCode, Refusal, Request, Response};
use quinn::{SendStream, WriteError};
use tokio::task::{JoinError, JoinHandle, spawn_blocking};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::connection::Link;
use super::places::Places;
use super::{Shared, transport};

/// A peer's request, to be served or refused.
#[derive(Debug)]
pub struct InboundRequest {
    request: Request,
    answer: Answer,
    link: Arc<Link>,
    shared: Arc<Shared>,
}

/// How serving a request ended.
#[derive(Debug)]
pub enum Served {
    /// All bytes are on their way.
    Done,
    /// This side cancelled.
    Cancelled,
    /// The receiver does not want the rest, or is gone.
    Stopped,
    /// The bytes could not be read.
    Failed(io::Error),
}

/// The stream of an answer; reset when dropped before its end, so that the receiver never takes a part for the whole.
#[derive(Debug)]
struct Answer(Option<SendStream>);

impl Answer {
    /// The receiver knows from here on that nothing follows.
    fn finish(&mut self) {
        if let Some(mut stream) = self.0.take() {
            // Fails when the receiver has stopped it; then there is nothing to end.
            drop(stream.finish());
        }
    }

    fn reset(&mut self) {
        if let Some(mut stream) = self.0.take() {
            // Fails when it is reset already.
            drop(stream.reset(transport::code(CloseCode::Goodbye)));
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.reset();
    }
}

/// Checks a request's bounds. `None` when it is against them and refused.
pub(super) fn accept(
    shared: Arc<Shared>,
    link: Arc<Link>,
    send: SendStream,
    request: Request,
) -> Option<InboundRequest> {
    let inbound = InboundRequest { request, answer: Answer(Some(send)), link, shared };
    if is_within_bounds(&inbound.request) {
        Some(inbound)
    } else {
        inbound.refuse(Refusal::Malformed);
        None
    }
}

/// Refuses a request of a newer program.
pub(super) fn refuse_unknown(send: SendStream) {
    refuse(&mut Answer(Some(send)), Refusal::Other);
}

fn is_within_bounds(request: &Request) -> bool {
    match request {
        Request::Units { units, .. } => {
            let fits = |mask: &[u8]| mask.len() <= UNIT_MAX_CHUNKS.div_ceil(8);
            (1..=MAX_UNITS_PER_REQUEST).contains(&units.len()) && units.iter().all(|unit| fits(&unit.skip))
        }
        Request::Manifest(_) | Request::Cover(_) | Request::Catalog(_) => true,
    }
}

/// Sends a refusal without waiting: a fresh stream has room for its few bytes, unless the receiver gives it none; then
/// it gets a reset.
fn refuse(answer: &mut Answer, refusal: Refusal) {
    let Some(stream) = &mut answer.0 else { return };
    let Ok(refused) = frame::encode(&Response::Refused(refusal)) else { return };
    let mut context = Context::from_waker(Waker::noop());
    let written = Pin::new(stream).poll_write(&mut context, &refused);
    if matches!(written, Poll::Ready(Ok(written)) if written == refused.len()) {
        answer.finish();
    } else {
        answer.reset();
    }
}

impl InboundRequest {
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Answers with a reason instead of bytes. Never waits.
    pub fn refuse(mut self, refusal: Refusal) {
        refuse(&mut self.answer, refusal);
    }

    /// Sends `bytes_total` bytes in `pieces` pieces; `read(n)` gives the nth and may block. The upload limit holds.
    pub async fn serve<R>(
        mut self,
        bytes_total: u64,
        pieces: usize,
        read: R,
        cancel: &CancellationToken,
    ) -> Served
    where
        R: FnMut(usize) -> io::Result<Bytes> + Send + 'static,
    {
        let Some(stream) = &mut self.answer.0 else { return Served::Stopped };
        let stopped = stream.stopped();
        let mut reading = None;
        let places = match self.request {
            Request::Units { .. } => Some(&self.shared.places),
            Request::Manifest(_) | Request::Cover(_) | Request::Catalog(_) => None,
        };
        let pieces = Pieces { count: pieces, places, read, reading: &mut reading };
        let served = tokio::select! {
            biased;
            () = cancel.cancelled() => Served::Cancelled,
            () = self.link.over.cancelled() => Served::Stopped,
            _ = stopped => Served::Stopped,
            sent = send(&self.shared, &self.link, stream, bytes_total, pieces) => match sent {
                Ok(()) => Served::Done,
                Err(SendError::Stopped(error)) => {
                    debug!("a transfer was stopped: {error}");
                    Served::Stopped
                }
                Err(SendError::Read(error)) => Served::Failed(error),
            },
        };
        match served {
            Served::Done => self.answer.finish(),
            Served::Cancelled | Served::Stopped | Served::Failed(_) => self.answer.reset(),
        }
        if let Some(reading) = reading {
            // What it read is not wanted any more; that it has ended is.
            drop(reading.await);
        }
        served
    }
}

enum SendError {
    Stopped(WriteError),
    Read(io::Error),
}

impl From<WriteError> for SendError {
    fn from(error: WriteError) -> Self {
        Self::Stopped(error)
    }
}

impl From<io::Error> for SendError {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}

impl From<JoinError> for SendError {
    fn from(error: JoinError) -> Self {
        Self::Read(io::Error::other(error))
    }
}

/// The read under way gives the reader back with its bytes.
type Reading<R> = JoinHandle<(R, io::Result<Bytes>)>;

struct Pieces<'a, R> {
    count: usize,
    /// The places, of which each piece takes one to be sent.
    places: Option<&'a Places>,
    read: R,
    /// Outlives a cancelled send, whose last read has to be waited for.
    reading: &'a mut Option<Reading<R>>,
}

async fn send<R>(
    shared: &Shared,
    link: &Link,
    stream: &mut SendStream,
    bytes_total: u64,
    pieces: Pieces<'_, R>,
) -> Result<(), SendError>
where
    R: FnMut(usize) -> io::Result<Bytes> + Send + 'static,
{
    let start = |mut read: R, nth| {
        spawn_blocking(move || {
            let bytes = read(nth);
            (read, bytes)
        })
    };
    // Never closed, so that there is always a permit some time.
    let _turn = link.sending.acquire().await;
    let header = frame::encode(&Response::Ok { bytes: bytes_total }).map_err(io::Error::other)?;
    if pieces.count > 0 {
        *pieces.reading = Some(start(pieces.read, 0));
    }
    stream.write_chunk(header.into()).await?;
    let mut left = bytes_total;
    let mut next = 1;
    while let Some(reading) = pieces.reading {
        let (read, bytes) = reading.await?;
        *pieces.reading = (next < pieces.count).then(|| start(read, next));
        next += 1;
        let mut bytes = bytes?;
        left = left
            .checked_sub(bytes.len() as u64)
            .ok_or_else(|| io::Error::other("more bytes were read than announced"))?;
        let sending = async {
            while !bytes.is_empty() {
                let piece = bytes.split_to(shared.upload.take(bytes.len()).await);
                let length = piece.len() as u64;
                stream.write_chunk(piece).await?;
                link.tx_bytes.fetch_add(length, Ordering::Relaxed);
                shared.tx_bytes.fetch_add(length, Ordering::Relaxed);
            }
            Ok::<_, WriteError>(())
        };
        match pieces.places {
            Some(places) => places.send(sending).await?,
            None => sending.await?,
        }
    }
    if left == 0 { Ok(()) } else { Err(io::Error::other("fewer bytes were read than announced").into()) }
}
