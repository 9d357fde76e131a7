//! Fetching units and blobs from a peer.
//!
//! Nothing is handed over that does not have its hash. Bytes are copied once, out of QUIC's packets into a unit's
//! buffer, which then belongs to whoever writes it. They are hashed where they are read: a unit takes less than a tenth of
//! a millisecond, and handing it to another thread and back cost more (7 % of the rate; hashing itself costs 12 %). A fetch of units waits for its peer as long as the connection
//! lives: who asks decides how long that may take, and cancels. So does a blob's, in a race (`race`).

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use bytes::BufMut;
use lanspread_protocol::limits::{MAX_CATALOG_BYTES, MAX_COVER_BYTES, MAX_MANIFEST_BYTES};
use lanspread_protocol::message::{Refusal, Request, Response, WantedUnit};
use lanspread_protocol::{Blake3Hash, Chunk, GameId, Manifest, ManifestId, UnitIndex, frame};
use quinn::RecvStream;
use thiserror::Error;
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::connection::Link;
use super::frames::{self, Frame};
use super::{Closed, ConnId, Net, Shared};

/// A catalog's signature stands before its file.
const SIGNATURE_BYTES: usize = 64;
/// A blob's buffer grows by this while bytes arrive, so that an announced length alone costs nothing.
const GROWTH_BYTES: usize = 1024 * 1024;

/// Chunks of a unit that all have their hashes.
#[derive(Debug, PartialEq, Eq)]
pub struct FetchedUnit {
    /// Skips what `bytes` does not have.
    pub wanted: WantedUnit,
    pub extent: Extent,
    /// The wanted chunks' bytes, in order.
    pub bytes: Vec<u8>,
}

/// The part of a unit's wanted chunks that has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    Whole,
    /// The fetch ended early; these are the first chunks.
    Part,
}

/// The receiver of what a fetch of units brings.
#[derive(Clone, Copy, Debug)]
pub struct UnitSink<'a> {
    pub units: &'a mpsc::Sender<FetchedUnit>,
    /// Grows by every payload byte of the fetch when it arrives, long before its unit is whole.
    pub received: &'a AtomicU64,
}

/// Why a fetch did not bring everything.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FetchError {
    #[error("the peer refuses: {0:?}")]
    Refused(Refusal),
    #[error("a chunk of unit {} is wrong", .unit.0)]
    BadChunk { unit: UnitIndex },
    /// A blob is not what its name says.
    #[error("the bytes are not the ones asked for")]
    BadBlob,
    #[error("cancelled")]
    Cancelled,
    /// The connection or the stream ended early.
    #[error("lost: {0}")]
    Lost(String),
}

/// Something small that is named by its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blob {
    Manifest(ManifestId),
    Cover(Blake3Hash),
    /// 64 bytes of signature, then the file that has this hash.
    Catalog(Blake3Hash),
}

impl Blob {
    fn request(self) -> Request {
        match self {
            Self::Manifest(id) => Request::Manifest(id),
            Self::Cover(hash) => Request::Cover(hash),
            Self::Catalog(hash) => Request::Catalog(hash),
        }
    }

    fn max_bytes(self) -> usize {
        match self {
            Self::Manifest(_) => MAX_MANIFEST_BYTES,
            Self::Cover(_) => MAX_COVER_BYTES,
            Self::Catalog(_) => SIGNATURE_BYTES + MAX_CATALOG_BYTES,
        }
    }

    fn names(self, bytes: &[u8]) -> bool {
        match self {
            Self::Manifest(id) => Blake3Hash::of(bytes) == id.into(),
            Self::Cover(hash) => Blake3Hash::of(bytes) == hash,
            Self::Catalog(hash) => {
                bytes.get(SIGNATURE_BYTES..).is_some_and(|file| Blake3Hash::of(file) == hash)
            }
        }
    }
}

impl Net {
    /// Fetches units and gives each to the sink as soon as it is verified, waiting for room there. When it ends in the
    /// middle of a unit, because it is cancelled or the peer is lost, it gives the unit's whole chunks as
    /// [`Extent::Part`] without waiting; they are dropped if there is no room. What was given before an error is good.
    /// The download limit holds.
    pub async fn fetch_units(
        &self,
        conn: ConnId,
        game: GameId,
        manifest: &Manifest,
        wanted: Vec<WantedUnit>,
        sink: UnitSink<'_>,
        cancel: &CancellationToken,
    ) -> Result<(), FetchError> {
        let link = self.0.link(conn).ok_or_else(|| FetchError::Lost("the connection is over".to_owned()))?;
        let mut arriving = Arriving::default();
        let work = async {
            let expected: u64 = wanted.iter().map(|unit| wanted_bytes(manifest, unit)).sum();
            let request = Request::Units { game, manifest: manifest.id(), units: wanted.clone() };
            let asked = Instant::now();
            let (stream, bytes) = ask(&link, &request).await?;
            if bytes != expected {
                return Err(broken(&link, format!("an answer of {bytes} bytes to a request for {expected}")));
            }
            let at_limit = AtomicBool::new(false);
            let (shared, received) = (&self.0, sink.received);
            let mut answer =
                Answer { shared, link: &link, stream, asked, read: 0, received, at_limit: &at_limit };
            for (nth, wanted) in wanted.iter().enumerate() {
                arriving.nth = nth;
                let length = usize::try_from(wanted_bytes(manifest, wanted)).unwrap_or(usize::MAX);
                answer.read(&mut arriving.bytes, length).await?;
                let bytes = std::mem::take(&mut arriving.bytes);
                if !is_right(wanted_chunks(manifest, wanted), &bytes) {
                    return Err(FetchError::BadChunk { unit: wanted.unit });
                }
                let fetched = FetchedUnit { wanted: wanted.clone(), extent: Extent::Whole, bytes };
                // Nobody waits for the units any more.
                sink.units.send(fetched).await.map_err(|_closed| FetchError::Cancelled)?;
            }
            Ok(())
        };
        let outcome = tokio::select! {
            biased;
            () = cancel.cancelled() => Err(FetchError::Cancelled),
            result = work => result,
        };
        let Some(wanted) = wanted.get(arriving.nth) else { return outcome };
        match (outcome, first_chunks(manifest, wanted, arriving.bytes)) {
            // Of a cancelled fetch nothing is wanted any more, an accusation neither.
            (Err(FetchError::Lost(_)), Err(bad_chunk)) => Err(bad_chunk),
            (outcome, Ok(Some(part))) => {
                if sink.units.try_send(part).is_err() {
                    debug!("the first chunks of unit {} find no room", wanted.unit.0);
                }
                outcome
            }
            (outcome, Ok(None) | Err(_)) => outcome,
        }
    }

    /// Fetches a blob from one peer and checks that it is the one. Waits as long as the connection lives; dropping the
    /// future ends it.
    pub(super) async fn fetch_blob(
        &self,
        conn: ConnId,
        blob: Blob,
        progress: &BlobProgress,
    ) -> Result<Vec<u8>, FetchError> {
        let link = self.0.link(conn).ok_or_else(|| FetchError::Lost("the connection is over".to_owned()))?;
        let asked = Instant::now();
        let (stream, length) = ask(&link, &blob.request()).await?;
        let length = usize::try_from(length).ok().filter(|length| *length <= blob.max_bytes());
        let length = length.ok_or_else(|| broken(&link, "a blob larger than its kind may be".to_owned()))?;
        let BlobProgress { received, at_limit, is_whole } = progress;
        let mut answer = Answer { shared: &self.0, link: &link, stream, asked, read: 0, received, at_limit };
        let mut bytes = Vec::new();
        while bytes.len() < length {
            let step = GROWTH_BYTES.min(length - bytes.len());
            answer.read(&mut bytes, step).await?;
        }
        is_whole.store(true, Ordering::Relaxed);
        let check = move || if blob.names(&bytes) { Ok(bytes) } else { Err(FetchError::BadBlob) };
        spawn_blocking(check).await.map_err(|error| FetchError::Lost(error.to_string()))?
    }
}

/// The progress of the fetch of a blob, for the race that decides whether its peer is late.
#[derive(Debug, Default)]
pub(super) struct BlobProgress {
    received: AtomicU64,
    /// The download limit holds the next bytes up, not the peer.
    at_limit: AtomicBool,
    /// All bytes are here.
    is_whole: AtomicBool,
}

impl BlobProgress {
    /// Returns the number of bytes that have arrived.
    pub(super) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    pub(super) fn is_at_limit(&self) -> bool {
        self.at_limit.load(Ordering::Relaxed)
    }

    pub(super) fn is_whole(&self) -> bool {
        self.is_whole.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
impl BlobProgress {
    pub(super) fn add(&self, bytes: u64) {
        self.received.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn set_at_limit(&self, is_at_limit: bool) {
        self.at_limit.store(is_at_limit, Ordering::Relaxed);
    }
}

/// Sends a request and reads the answer's head: the stream that the given number of bytes follows on. Dropping that
/// stream tells the peer to stop.
async fn ask(link: &Link, request: &Request) -> Result<(RecvStream, u64), FetchError> {
    let request = frame::encode(request).map_err(lost)?;
    let (mut send, mut receive) = link.quinn.open_bi().await.map_err(lost)?;
    send.write_chunk(request.into()).await.map_err(lost)?;
    send.finish().map_err(lost)?;
    match frames::read(&mut receive, &mut Vec::new()).await {
        Ok(Frame::Message(Response::Ok { bytes })) => Ok((receive, bytes)),
        Ok(Frame::Message(Response::Refused(refusal))) => Err(FetchError::Refused(refusal)),
        Ok(Frame::Unknown) => Err(FetchError::Refused(Refusal::Other)),
        Ok(Frame::End) => Err(FetchError::Lost("an empty answer".to_owned())),
        Err(frames::FrameReadError::Stream(error)) => Err(lost(error)),
        Err(error) => Err(broken(link, error.to_string())),
    }
}

/// The bytes that follow an answer's head.
struct Answer<'a> {
    shared: &'a Shared,
    link: &'a Link,
    stream: RecvStream,
    asked: Instant,
    /// Bytes that came since then.
    read: u64,
    /// Counts the bytes that have arrived.
    received: &'a AtomicU64,
    /// Set while the limit holds the next bytes up.
    at_limit: &'a AtomicBool,
}

impl Answer<'_> {
    /// Appends exactly `length` bytes, as fast as the limit allows. When it fails or is dropped, the buffer has the
    /// bytes that came until then.
    async fn read(&mut self, buffer: &mut Vec<u8>, mut length: usize) -> Result<(), FetchError> {
        buffer.reserve_exact(length);
        while length > 0 {
            self.at_limit.store(true, Ordering::Relaxed);
            let mut piece = self.shared.download.take(length).await;
            self.at_limit.store(false, Ordering::Relaxed);
            length -= piece;
            while piece > 0 {
                let read = self.stream.read_buf(&mut (&mut *buffer).limit(piece)).await.map_err(lost)?;
                if read == 0 {
                    return Err(lost(io::Error::from(io::ErrorKind::UnexpectedEof)));
                }
                piece -= read;
                self.read += read as u64;
                self.link.receive_window.grow(
                    &self.link.quinn,
                    &self.shared.opening,
                    self.read,
                    self.asked.elapsed(),
                );
                for count in [self.received, &self.link.rx_bytes, &self.shared.rx_bytes] {
                    count.fetch_add(read as u64, Ordering::Relaxed);
                }
            }
        }
        Ok(())
    }
}

fn lost(error: impl std::fmt::Display) -> FetchError {
    FetchError::Lost(error.to_string())
}

/// An answer against the protocol ends the connection.
fn broken(link: &Link, reason: String) -> FetchError {
    link.close(Closed::Protocol(reason.clone()));
    FetchError::Lost(reason)
}

/// The chunks that are sent for a wanted unit, by their numbers in it; none for a unit that does not exist.
fn numbered_chunks<'a>(
    manifest: &'a Manifest,
    wanted: &'a WantedUnit,
) -> impl Iterator<Item = (usize, &'a Chunk)> {
    let chunks = manifest.units().get(wanted.unit.as_usize()).map_or(0..0, |unit| unit.chunks.clone());
    let chunks = &manifest.chunks()[chunks.start as usize..chunks.end as usize];
    chunks.iter().enumerate().filter(|(nth, _)| wanted.wants(*nth))
}

fn wanted_chunks<'a>(manifest: &'a Manifest, wanted: &'a WantedUnit) -> impl Iterator<Item = &'a Chunk> {
    numbered_chunks(manifest, wanted).map(|(_, chunk)| chunk)
}

fn wanted_bytes(manifest: &Manifest, wanted: &WantedUnit) -> u64 {
    wanted_chunks(manifest, wanted).map(|chunk| u64::from(chunk.bytes)).sum()
}

fn is_right<'a>(chunks: impl Iterator<Item = &'a Chunk>, mut bytes: &[u8]) -> bool {
    for chunk in chunks {
        let Some((own, rest)) = bytes.split_at_checked(chunk.bytes as usize) else { return false };
        if Blake3Hash::of(own) != chunk.hash {
            return false;
        }
        bytes = rest;
    }
    bytes.is_empty()
}

/// The unit that a fetch receives at the moment.
#[derive(Default)]
struct Arriving {
    /// Its place among the wanted ones.
    nth: usize,
    /// The bytes of it that arrived; empty when none is arriving.
    bytes: Vec<u8>,
}

/// Verifies the whole chunks of a unit of which only `bytes` came. `None` if there are none.
fn first_chunks(
    manifest: &Manifest,
    wanted: &WantedUnit,
    mut bytes: Vec<u8>,
) -> Result<Option<FetchedUnit>, FetchError> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let mut part = wanted.clone();
    let mut end = 0;
    for (nth, chunk) in numbered_chunks(manifest, wanted) {
        match bytes.get(end..end + chunk.bytes as usize) {
            Some(own) if Blake3Hash::of(own) == chunk.hash => end += own.len(),
            Some(_) => return Err(FetchError::BadChunk { unit: wanted.unit }),
            None => {
                part.skip_chunk(nth);
                // Of the chunks behind it, none is here.
                bytes.truncate(end);
            }
        }
    }
    Ok((end > 0).then_some(FetchedUnit { wanted: part, extent: Extent::Part, bytes }))
}
