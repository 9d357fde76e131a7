//! The archive's file, read in steps that look at the [`Cancel`] and remember what the disk refused.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::disk::error::Tried as _;
use crate::disk::parallel::lock;
use crate::disk::{Cancel, DiskError};

/// Read at once: large enough for disks, small enough that a cancelled job ends at once.
const BUFFER_BYTES: usize = 128 * 1024;

/// The operating system's own error while reading an archive. Decoders turn every error into one about their format;
/// this one tells a bad disk from a bad archive.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults(Arc<Mutex<Option<io::Error>>>);

impl Faults {
    pub(super) fn take(&self) -> Option<io::Error> {
        lock(&self.0).take()
    }
}

/// An archive's file. Owned, because some decoders keep it.
#[derive(Debug)]
pub(super) struct Source {
    file: BufReader<Watched>,
}

#[derive(Debug)]
struct Watched {
    file: File,
    cancel: Cancel,
    faults: Faults,
}

impl Source {
    pub(super) fn open(path: &Path, cancel: &Cancel, faults: &Faults) -> Result<Self, DiskError> {
        let file = File::open(path).tried("open", path)?;
        let watched = Watched { file, cancel: cancel.clone(), faults: faults.clone() };
        Ok(Self { file: BufReader::with_capacity(BUFFER_BYTES, watched) })
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

impl io::BufRead for Source {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.file.fill_buf()
    }

    fn consume(&mut self, bytes: usize) {
        self.file.consume(bytes);
    }
}

impl Seek for Source {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        // Decoders seek to where they are already; a plain seek would read the buffer again each time.
        if let SeekFrom::Start(to) = to {
            let distance = i128::from(to) - i128::from(self.file.stream_position()?);
            if let Ok(distance) = i64::try_from(distance) {
                self.file.seek_relative(distance)?;
                return Ok(to);
            }
        }
        self.file.seek(to)
    }
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.cancel.is_cancelled() {
            return Err(io::Error::other("cancelled"));
        }
        self.file.read(buffer).inspect_err(|error| {
            if let Some(code) = error.raw_os_error() {
                *lock(&self.faults.0) = Some(io::Error::from_raw_os_error(code));
            }
        })
    }
}

impl Seek for Watched {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
