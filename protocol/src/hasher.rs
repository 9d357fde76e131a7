//! Cuts files into chunks and hashes them, the same on every PC.
//!
//! FastCDC, version of the 2020 paper as the `fastcdc` crate's `v2020` module implements it (its gear table and masks;
//! normalisation level 1, no seed), 64 KiB / 256 KiB / 1 MiB; BLAKE3 per chunk. Cut points and hashes are golden-tested:
//! a dependency that changes them must not pass unnoticed, because it would split every party.

use std::io::{self, Read};
use std::sync::LazyLock;

use fastcdc::v2020::{Normalization, cut, select_masks};

use crate::Blake3Hash;
use crate::limits::{CHUNK_AVERAGE_BYTES, CHUNK_MAX_BYTES, CHUNK_MIN_BYTES};
use crate::manifest::Chunk;

/// Read at once: room for several chunks, so that the tail that is moved to the front is a small part.
const BUFFER_BYTES: usize = 4 * CHUNK_MAX_BYTES;

static MASKS: LazyLock<(u64, u64)> =
    LazyLock::new(|| select_masks(CHUNK_AVERAGE_BYTES, Normalization::Level1));

/// The length of the chunk that `data` begins with. `data` must hold [`CHUNK_MAX_BYTES`] or reach the file's end.
pub fn chunk_length(data: &[u8]) -> usize {
    let (mask_s, mask_l) = *MASKS;
    let (_, length) = cut(
        data,
        CHUNK_MIN_BYTES,
        CHUNK_AVERAGE_BYTES,
        CHUNK_MAX_BYTES,
        mask_s,
        mask_l,
        mask_s << 1,
        mask_l << 1,
    );
    length
}

/// Whether a file that begins so is a program: an ELF image or a script with `#!`.
pub fn is_executable_content(head: &[u8]) -> bool {
    head.starts_with(b"\x7fELF") || head.starts_with(b"#!")
}

/// What hashing a file gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HashedContent {
    pub executable: bool,
    pub chunks: Vec<Chunk>,
}

/// Hashes one file after another with one buffer.
#[derive(Debug, Default)]
pub struct FileHasher {
    buffer: Vec<u8>,
}

impl FileHasher {
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads to the end. `on_chunk` sees each chunk with its bytes, in order, and may end the work by an error.
    pub fn hash(
        &mut self,
        mut reader: impl Read,
        mut on_chunk: impl FnMut(&Chunk, &[u8]) -> io::Result<()>,
    ) -> io::Result<HashedContent> {
        let mut content = HashedContent::default();
        let mut filled = 0;
        let mut at_end = false;
        while !at_end {
            filled += self.fill(&mut reader, filled, &mut at_end)?;
            if content.chunks.is_empty() {
                content.executable = is_executable_content(&self.buffer[..filled]);
            }
            let mut start = 0;
            while start < filled && (at_end || filled - start >= CHUNK_MAX_BYTES) {
                let bytes = &self.buffer[start..filled];
                let bytes = &bytes[..chunk_length(bytes)];
                let chunk = Chunk {
                    hash: Blake3Hash::of(bytes),
                    bytes: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
                };
                on_chunk(&chunk, bytes)?;
                content.chunks.push(chunk);
                start += bytes.len();
            }
            self.buffer.copy_within(start..filled, 0);
            filled -= start;
        }
        Ok(content)
    }

    /// Reads until the buffer is full or the file ends; the buffer grows only as far as files need it.
    fn fill(&mut self, reader: &mut impl Read, filled: usize, at_end: &mut bool) -> io::Result<usize> {
        let mut total = filled;
        loop {
            if total == self.buffer.len() {
                if total == BUFFER_BYTES {
                    return Ok(total - filled);
                }
                let grown = (total * 2).clamp(64 * 1024, BUFFER_BYTES);
                self.buffer.resize(grown, 0);
            }
            match reader.read(&mut self.buffer[total..]) {
                Ok(0) => {
                    *at_end = true;
                    return Ok(total - filled);
                }
                Ok(read) => total += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reproducible bytes that need no generator crate: BLAKE3's extendable output of a name.
    fn bytes(name: &str, length: usize) -> Vec<u8> {
        let mut data = vec![0; length];
        blake3::Hasher::new().update(name.as_bytes()).finalize_xof().fill(&mut data);
        data
    }

    fn lengths(data: &[u8]) -> Vec<u32> {
        let content = FileHasher::new().hash(data, |_, _| Ok(())).unwrap();
        content.chunks.iter().map(|chunk| chunk.bytes).collect()
    }

    #[test]
    fn cut_points_and_hashes_are_golden() {
        let data = bytes("golden", 3_000_000);
        assert_eq!(lengths(&data), GOLDEN_LENGTHS);
        let content = FileHasher::new().hash(&data[..], |_, _| Ok(())).unwrap();
        assert_eq!(content.chunks[0].hash.to_string(), GOLDEN_FIRST_HASH);
        assert_eq!(lengths(&vec![0; 2_500_000]), [1_048_576, 1_048_576, 402_848]);
        assert_eq!(lengths(b"x"), [1]);
        assert_eq!(lengths(b""), [0_u32; 0]);
    }

    const GOLDEN_LENGTHS: [u32; 10] =
        [403_325, 412_416, 194_742, 444_722, 200_756, 66_059, 249_578, 367_948, 270_122, 390_332];
    const GOLDEN_FIRST_HASH: &str = "260ed08d8555fa90066859fbc9d99f6acc6cdf7c7a552af128898acd9feffdb2";

    #[test]
    fn the_reader_s_steps_do_not_matter() {
        struct Dribble<'a>(&'a [u8], usize);
        impl Read for Dribble<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let step = self.1.min(buffer.len()).min(self.0.len());
                buffer[..step].copy_from_slice(&self.0[..step]);
                self.0 = &self.0[step..];
                Ok(step)
            }
        }
        let data = bytes("steps", 9_000_000);
        let whole = FileHasher::new().hash(&data[..], |_, _| Ok(())).unwrap();
        for step in [4096, 65_537, 5_000_000] {
            let mut seen = Vec::new();
            let collect = |_: &Chunk, bytes: &[u8]| {
                seen.extend_from_slice(bytes);
                Ok(())
            };
            assert_eq!(FileHasher::new().hash(Dribble(&data, step), collect).unwrap(), whole);
            assert!(seen == data);
        }
    }

    #[test]
    fn programs_are_told_by_their_content() {
        let is_program = |data: &[u8]| FileHasher::new().hash(data, |_, _| Ok(())).unwrap().executable;
        assert!(is_program(b"#!/bin/sh\n"));
        assert!(is_program(b"\x7fELF\x02"));
        assert!(!is_program(b"MZ"));
        assert!(!is_program(b""));
    }
}
