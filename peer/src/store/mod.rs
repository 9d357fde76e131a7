//! [`PayloadStore`]: a payload in the making, by download, update or repair.
//!
//! The store takes verified chunks in any order from several threads, puts each to all its places, and serves back
//! what it has. It promises:
//!
//! - After [`PayloadStore::open`] a distinct chunk is at all its places or at none; whatever was found of it anywhere
//!   in the game's folder has been copied. Nothing on disk is trusted unless it was hashed just now.
//! - A file is at its place only when it is complete, except for a damaged one that is repaired where it stands.
//! - No sentinel is at its place before everything else is durable ([`PayloadStore::finish`]); an update touches
//!   nothing of the old payload. `version.ini` is kept among the part files until then.
//! - A fresh download knows which files it has placed (`transaction/placed.rs`); those of a manifest that is not
//!   wanted any more go when the next one is opened.
//! - Dropping the store at any time loses nothing: the next open hashes what is there and goes on.
//!
//! Part files are sparse: what nobody wrote takes no room where the filesystem can, and chunks of zeros are not
//! written at all into a part file that was just made.

mod board;
mod files;
mod finish;
mod map;
mod open;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use lanspread_protocol::message::WantedUnit;
use lanspread_protocol::{Manifest, UnitIndex, UnitSet};

use self::board::Board;
use self::files::{FileState, Files, write_whole};
use self::map::ChunkMap;
use crate::disk::parallel::lock;
use crate::disk::tree::{read_exact_at, write_all_at};
use crate::disk::{DiskError, GameFolder};
use crate::transaction::Kept;

/// Where a download is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// In the game's folder itself. A sentinel that is there goes before the first change.
    Fresh,
    /// Under `.lanspread/`, beside a payload that stays complete until the swap.
    Beside,
}

/// A download in the making. Shared by the threads that write and those that serve.
#[derive(Debug)]
pub struct PayloadStore {
    folder: GameFolder,
    mode: Mode,
    map: ChunkMap,
    board: Mutex<Board>,
    files: Mutex<Files>,
    is_closed: AtomicBool,
}

/// What [`PayloadStore::open`] found.
#[derive(Debug)]
pub struct Opened {
    pub store: PayloadStore,
    /// Units that are here as a whole.
    pub units: UnitSet,
    /// What has to be fetched: one for each unit with something missing that stands first in it. Chunks that are
    /// here already, or belong to earlier units, are skipped.
    pub wanted: Vec<WantedUnit>,
    /// Bytes of what is wanted.
    pub bytes_missing: u64,
    /// Bytes of all distinct chunks: what `bytes_missing` would be if nothing were here.
    pub bytes_total: u64,
}

/// A chunk to be written: its first occurrence and its bytes.
type Given<'a> = (u32, &'a [u8]);

impl PayloadStore {
    pub fn manifest(&self) -> &Arc<Manifest> {
        &self.map.manifest
    }

    pub fn folder(&self) -> &GameFolder {
        &self.folder
    }

    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Bytes of distinct chunks that are still missing.
    pub fn bytes_missing(&self) -> u64 {
        lock(&self.board).missing_bytes()
    }

    /// Writes the wanted chunks of a unit, whose verified bytes are `bytes`, to all their places. Returns all units
    /// that are complete now: perhaps others than this one, or none, because chunks repeat. What another thread
    /// writes or has written is left out, and completes there. After an error nothing of `bytes` counts as here.
    pub fn write_unit(&self, wanted: &WantedUnit, bytes: &[u8]) -> Result<Vec<UnitIndex>, DiskError> {
        let mut given = self.split(wanted, bytes)?;
        {
            let mut board = lock(&self.board);
            given.retain(|(first, _)| board.claim(*first));
        }
        let firsts = given.iter().map(|(first, _)| *first);
        if let Err(error) = self.write_chunks(&given) {
            lock(&self.board).release(firsts);
            return Err(error);
        }
        let completed = lock(&self.board).commit(&self.map, firsts);
        for file in completed.files {
            if self.is_sentinel(file) {
                continue;
            }
            if let Err(error) = lock(&self.files).complete(file) {
                // Its bytes are all here and served from the part file; finishing tries again and reports.
                tracing::warn!(%error, "a complete file is not at its place yet");
            }
        }
        Ok(completed.units)
    }

    /// Appends the wanted chunks' bytes to `out`. Of what is not here: [`DiskError::NotHere`].
    pub fn read_unit(&self, wanted: &WantedUnit, out: &mut Vec<u8>) -> Result<(), DiskError> {
        let not_here = || DiskError::NotHere { folder: self.folder.root().to_owned(), unit: wanted.unit.0 };
        let chunks = self.unit_chunks(wanted.unit).ok_or_else(not_here)?;
        let indices: Vec<u32> =
            chunks.enumerate().filter(|(nth, _)| wanted.wants(*nth)).map(|(_, index)| index).collect();
        {
            let board = lock(&self.board);
            let is_here = |index: &u32| board.is_here(self.map.first(*index));
            if self.is_closed.load(Ordering::Acquire) || !indices.iter().all(is_here) {
                return Err(not_here());
            }
        }
        for index in indices {
            let place = self.map.place(index);
            let file = self.open_file(place.file)?;
            let start = out.len();
            out.resize(start + self.map.chunk(index).bytes as usize, 0);
            read_exact_at(&file, &mut out[start..], place.offset)
                .map_err(|cause| self.failed("read", place.file, cause))?;
        }
        Ok(())
    }

    /// A person's files that were moved to `.lanspread/kept/` because files of the payload came to their places.
    pub fn kept(&self) -> Vec<Kept> {
        let names = lock(&self.files).displaced();
        names.iter().filter_map(|name| Kept::list(&self.folder, name)).collect()
    }

    fn failed(&self, action: &'static str, file: u32, cause: io::Error) -> DiskError {
        DiskError::Io { action, path: lock(&self.files).path(file), cause }
    }

    fn open_file(&self, file: u32) -> Result<Arc<File>, DiskError> {
        lock(&self.files).open(file)
    }

    fn unit_chunks(&self, unit: UnitIndex) -> Option<Range<u32>> {
        self.map.manifest.units().get(unit.as_usize()).map(|unit| unit.chunks.clone())
    }

    fn is_sentinel(&self, file: u32) -> bool {
        self.map.manifest.files()[file as usize].path.is_sentinel()
    }

    /// Which chunk each part of `bytes` is.
    fn split<'a>(&self, wanted: &WantedUnit, bytes: &'a [u8]) -> Result<Vec<Given<'a>>, DiskError> {
        let chunks = self.unit_chunks(wanted.unit).unwrap_or_default();
        let indices = chunks.enumerate().filter(|(nth, _)| wanted.wants(*nth)).map(|(_, index)| index);
        let expected: u64 = indices.clone().map(|index| u64::from(self.map.chunk(index).bytes)).sum();
        if expected != bytes.len() as u64 {
            return Err(DiskError::UnitSize { unit: wanted.unit.0, given: bytes.len(), expected });
        }
        let mut rest = bytes;
        let given = indices.map(|index| {
            let (chunk, tail) = rest.split_at(self.map.chunk(index).bytes as usize);
            rest = tail;
            (self.map.first(index), chunk)
        });
        Ok(given.collect())
    }

    /// Writes claimed chunks to all their places, file by file.
    fn write_chunks(&self, given: &[Given<'_>]) -> Result<(), DiskError> {
        let mut pieces = Vec::with_capacity(given.len());
        for (first, bytes) in given {
            for index in self.map.repeats(*first) {
                let place = self.map.place(*index);
                pieces.push((place.file, place.offset, *bytes));
            }
        }
        pieces.sort_unstable_by_key(|(file, offset, _)| (*file, *offset));
        for group in pieces.chunk_by(|(a, ..), (b, ..)| a == b) {
            let file = group[0].0;
            let entry = &self.map.manifest.files()[file as usize];
            let is_whole = group.len() == entry.chunks.len() && !entry.path.is_sentinel();
            if !(is_whole && self.write_small(file, group)?) {
                self.write_pieces(file, group)?;
            }
        }
        Ok(())
    }

    /// Writes a file of which nothing was here and all is given; `false` if it must go by a part file.
    fn write_small(&self, file: u32, pieces: &[(u32, u64, &[u8])]) -> Result<bool, DiskError> {
        let entry = &self.map.manifest.files()[file as usize];
        let target = {
            let mut files = lock(&self.files);
            if files.state(file) != FileState::Absent {
                return Ok(false);
            }
            files.target(file)?
        };
        // No other thread has a chunk of this file: all are claimed by this one.
        let is_sparse = pieces.len() > 1 && pieces.iter().any(|(.., bytes)| is_zero(bytes));
        if is_sparse || !write_whole(&target, entry.executable, pieces.iter().map(|(.., bytes)| *bytes))? {
            return Ok(false);
        }
        lock(&self.files).set_placed(file);
        Ok(true)
    }

    fn write_pieces(&self, file: u32, pieces: &[(u32, u64, &[u8])]) -> Result<(), DiskError> {
        let (open, is_fresh) = {
            let mut files = lock(&self.files);
            let open = files.open(file)?;
            (open, files.state(file) == FileState::Part { is_fresh: true })
        };
        for (_, offset, bytes) in pieces {
            if !(is_fresh && is_zero(bytes)) {
                write_all_at(&open, bytes, *offset).map_err(|cause| self.failed("write", file, cause))?;
            }
        }
        Ok(())
    }
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}
