//! The younger methods of ZIP: LZMA, XZ and Zstandard, by the decoders that other formats need anyway, whose memory is
//! bounded.
//!
//! Source: PKWARE, "APPNOTE.TXT", 4.4.5 (methods) and 5.8 (LZMA's header).

use std::io::{self, BufReader, Read};

use flate2::Crc;
use lzma_rust2::LzmaReader;
use zip::CompressionMethod;

use super::format::{Compression, memory_kib};

/// What a member's list entry says of its content.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said {
    pub(super) bytes: u64,
    pub(super) crc32: u32,
}

/// Whether [`reader`] decodes this method.
pub(super) fn is_known(method: CompressionMethod) -> bool {
    [CompressionMethod::LZMA, CompressionMethod::XZ, CompressionMethod::ZSTD].contains(&method)
}

/// A member's content out of its packed bytes, compared with its checksum at the end.
pub(super) fn reader<'a>(
    method: CompressionMethod,
    packed: impl Read + 'a,
    said: Said,
    max_dictionary: u64,
) -> io::Result<impl Read + 'a> {
    let content = if method == CompressionMethod::LZMA {
        lzma(packed, said.bytes, max_dictionary)?
    } else {
        let is_xz = method == CompressionMethod::XZ;
        let compression = if is_xz { Compression::Xz } else { Compression::Zstd };
        compression.reader(BufReader::new(packed), max_dictionary)
    };
    Ok(Checked { content, crc: Crc::new(), said: said.crc32 })
}

/// The header of a member is a version, a size, and five bytes that begin the header of a file of LZMA.
fn lzma<'a>(mut packed: impl Read + 'a, bytes: u64, max_dictionary: u64) -> io::Result<Box<dyn Read + 'a>> {
    let mut header = [0; 9];
    packed.read_exact(&mut header)?;
    let [_, _, 5, 0, properties @ ..] = header else {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "its header is none of LZMA"));
    };
    let most_kib = u32::try_from(memory_kib(max_dictionary)).unwrap_or(u32::MAX);
    let header = io::Cursor::new([&properties[..], &bytes.to_le_bytes()].concat());
    Ok(Box::new(LzmaReader::new_mem_limit(header.chain(BufReader::new(packed)), most_kib, None)?))
}

/// Content whose end is an error if its checksum is another one than was said.
struct Checked<R> {
    content: R,
    crc: Crc,
    said: u32,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.content.read(buffer)?;
        self.crc.update(&buffer[..read]);
        if read == 0 && !buffer.is_empty() && self.crc.sum() != self.said {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a checksum does not fit"));
        }
        Ok(read)
    }
}
