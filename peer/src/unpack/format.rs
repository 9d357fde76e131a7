//! What kind of archive a file is: by its first bytes, never by its name.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use lzma_rust2::XzReader;

use super::zstd::ZstdReader;
use crate::disk::DiskError;
use crate::disk::error::Tried as _;

/// A kind of archive that can be unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Rar,
    Zip,
    SevenZip,
    Tar(Compression),
}

/// What a TAR is packed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Gzip,
    Xz,
    Zstd,
}

/// A TAR's unit, and the size of a member's header.
pub(super) const TAR_BLOCK_BYTES: usize = 512;

/// Enough for real TARs; looking at a file must not cost more.
const MAX_LOOK_DICTIONARY: u64 = 128 * 1024 * 1024;

impl Format {
    /// `None` for anything else, and for what is no plain file.
    pub(super) fn of(path: &Path) -> Result<Option<Self>, DiskError> {
        // Before it is opened: Windows opens no folders, and whoever opens a pipe waits.
        if !std::fs::metadata(path).tried("open", path)?.is_file() {
            return Ok(None);
        }
        let mut file = BufReader::new(File::open(path).tried("open", path)?);
        let head = file.fill_buf().tried("read", path)?;
        let format = match head {
            [b'R', b'a', b'r', b'!', 0x1a, 7, 0, ..] | [b'R', b'a', b'r', b'!', 0x1a, 7, 1, 0, ..] => {
                Self::Rar
            }
            // A first member, the end of an empty archive, the mark of one in several files.
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] | [b'P', b'K', 7, 8, ..] => Self::Zip,
            [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => Self::SevenZip,
            [0x1f, 0x8b, ..] => Self::Tar(Compression::Gzip),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Tar(Compression::Xz),
            // A frame, or one that is skipped.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
                Self::Tar(Compression::Zstd)
            }
            _ => Self::Tar(Compression::None),
        };
        let Self::Tar(compression) = format else { return Ok(Some(format)) };
        // Any file can be compressed by itself: what counts is what is inside.
        let mut content = compression.reader(file, MAX_LOOK_DICTIONARY);
        let mut block = [0; TAR_BLOCK_BYTES];
        let is_tar = content.read_exact(&mut block).is_ok() && is_tar_header(&block);
        Ok(is_tar.then_some(format))
    }
}

impl Compression {
    /// A TAR's own bytes.
    pub(super) fn reader<'a>(self, file: impl BufRead + 'a, max_dictionary: u64) -> Box<dyn Read + 'a> {
        match self {
            Self::None => Box::new(file),
            Self::Gzip => Box::new(MultiGzDecoder::new(file)),
            Self::Xz => {
                let most_kib = u32::try_from(memory_kib(max_dictionary)).unwrap_or(u32::MAX);
                Box::new(XzReader::new_mem_limit(file, true, most_kib))
            }
            Self::Zstd => Box::new(ZstdReader::new(file, max_dictionary)),
        }
    }
}

/// What an LZMA decoder needs for a dictionary, in KiB: the largest tables of probabilities take 6 MiB.
pub(super) fn memory_kib(dictionary: u64) -> u64 {
    dictionary / 1024 + 8 * 1024
}

/// Whether a block's checksum is right: older TARs have no other mark. (POSIX, "pax", ustar interchange format.)
fn is_tar_header(block: &[u8; TAR_BLOCK_BYTES]) -> bool {
    const CHECKSUM: std::ops::Range<usize> = 148..156;
    let text = String::from_utf8_lossy(&block[CHECKSUM]);
    let said = u64::from_str_radix(text.trim_matches(['\0', ' ']), 8);
    let bytes = (0..).zip(block).map(|(at, byte)| if CHECKSUM.contains(&at) { b' ' } else { *byte });
    said == Ok(bytes.map(u64::from).sum())
}

/// Reads a stream to its end, so that checksums behind the content are looked at; at most `most` bytes.
pub(super) fn drain(stream: &mut dyn Read, most: u64) -> io::Result<()> {
    io::copy(&mut stream.take(most), &mut io::sink()).map(drop)
}
