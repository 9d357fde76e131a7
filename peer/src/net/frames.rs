//! Reading framed messages from a QUIC stream.

use lanspread_protocol::FrameError;
use lanspread_protocol::frame::{self, FRAME_HEADER_BYTES, Message};
use quinn::{ReadError, ReadExactError, RecvStream};
use thiserror::Error;

/// A frame's buffer grows by this while bytes arrive, so that a length alone costs nothing.
const GROWTH_BYTES: usize = 64 * 1024;

/// What the next frame is.
#[derive(Debug)]
pub(crate) enum Frame<M> {
    Message(M),
    /// A message of a newer program, to be skipped.
    Unknown,
    /// The stream has ended between two frames.
    End,
}

/// Why there is no next frame.
#[derive(Debug, Error)]
pub(crate) enum FrameReadError {
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("a stream that ends within a frame")]
    Truncated,
    #[error(transparent)]
    Stream(ReadError),
}

impl From<ReadExactError> for FrameReadError {
    fn from(error: ReadExactError) -> Self {
        match error {
            ReadExactError::FinishedEarly(_) => Self::Truncated,
            ReadExactError::ReadError(error) => Self::Stream(error),
        }
    }
}

/// Reads one frame; `buffer` is reused from one to the next.
pub(crate) async fn read<M: Message>(
    stream: &mut RecvStream,
    buffer: &mut Vec<u8>,
) -> Result<Frame<M>, FrameReadError> {
    let mut header = [0; FRAME_HEADER_BYTES];
    match stream.read_exact(&mut header).await {
        Err(ReadExactError::FinishedEarly(0)) => return Ok(Frame::End),
        other => other?,
    }
    let length = frame::payload_length(header)?;
    buffer.clear();
    while buffer.len() < length {
        let filled = buffer.len();
        buffer.resize(length.min(filled + GROWTH_BYTES), 0);
        stream.read_exact(&mut buffer[filled..]).await?;
    }
    let message = frame::decode(buffer)?;
    buffer.shrink_to(GROWTH_BYTES);
    Ok(message.map_or(Frame::Unknown, Frame::Message))
}
