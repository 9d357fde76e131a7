//! Frames: how messages lie on a QUIC stream.
//!
//! A frame is its payload's length as a little-endian `u32`, then the payload: one message in postcard. Enums grow
//! only at their end; a message whose first variant index this program does not know is skipped, not an error, so that
//! minor versions mix freely. Everything else that does not decode closes the connection.

use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::limits::MAX_FRAME_BYTES;

/// Bytes before a frame's payload.
pub const FRAME_HEADER_BYTES: usize = 4;

/// Why bytes are no frame or message. Each closes the connection it came on.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    #[error("a frame of {0} bytes; at most {MAX_FRAME_BYTES} are allowed")]
    TooLarge(usize),
    #[error("an empty frame")]
    Empty,
    #[error("a message that does not decode: {0}")]
    Encoding(postcard::Error),
    #[error("a message with bytes after its end")]
    TrailingBytes,
}

/// A top-level message: an enum that grows at its end.
pub trait Message: Serialize + DeserializeOwned {
    /// How many variants this program knows.
    const VARIANTS: u32;
}

/// The payload's length that a frame's header announces.
pub fn payload_length(header: [u8; FRAME_HEADER_BYTES]) -> Result<usize, FrameError> {
    match u32::from_le_bytes(header) as usize {
        0 => Err(FrameError::Empty),
        length if length > MAX_FRAME_BYTES => Err(FrameError::TooLarge(length)),
        length => Ok(length),
    }
}

/// Header and payload of one message.
pub fn encode<M: Message>(message: &M) -> Result<Vec<u8>, FrameError> {
    let mut bytes = vec![0; FRAME_HEADER_BYTES];
    bytes = postcard::to_extend(message, bytes).map_err(FrameError::Encoding)?;
    let length = bytes.len() - FRAME_HEADER_BYTES;
    match u32::try_from(length) {
        Ok(header) if length <= MAX_FRAME_BYTES => {
            bytes[..FRAME_HEADER_BYTES].copy_from_slice(&header.to_le_bytes());
            Ok(bytes)
        }
        _ => Err(FrameError::TooLarge(length)),
    }
}

/// The message in a frame's payload; `None` for one of a newer minor version.
pub fn decode<M: Message>(payload: &[u8]) -> Result<Option<M>, FrameError> {
    let (variant, _) = postcard::take_from_bytes::<u32>(payload).map_err(FrameError::Encoding)?;
    if variant >= M::VARIANTS {
        return Ok(None);
    }
    match postcard::take_from_bytes(payload) {
        Ok((message, [])) => Ok(Some(message)),
        Ok(_) => Err(FrameError::TrailingBytes),
        Err(error) => Err(FrameError::Encoding(error)),
    }
}
