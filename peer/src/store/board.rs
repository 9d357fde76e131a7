//! [`Board`]: which chunks are here, and what that completes.
//!
//! A distinct chunk is here at all of its places or at none. It is in exactly one state: missing, being written by
//! one thread, or here.

use std::collections::HashSet;

use lanspread_protocol::message::WantedUnit;
use lanspread_protocol::{UnitIndex, UnitSet};

use super::map::ChunkMap;

#[derive(Debug)]
pub(super) struct Board {
    /// By first occurrence.
    here: Vec<bool>,
    /// First occurrences that a thread is writing now.
    writing: HashSet<u32>,
    /// Chunks that each file still lacks.
    file_missing: Vec<u32>,
    /// Chunks that each unit still lacks.
    unit_missing: Vec<u32>,
    /// Bytes of distinct chunks that are missing.
    missing_bytes: u64,
}

/// What a write has completed.
#[derive(Debug, Default)]
pub(super) struct Completed {
    pub(super) units: Vec<UnitIndex>,
    pub(super) files: Vec<u32>,
}

impl Board {
    /// `here` says for each first occurrence whether the chunk is at all its places.
    pub(super) fn new(map: &ChunkMap, here: Vec<bool>) -> Self {
        let lacking = |chunks: std::ops::Range<u32>| {
            let missing = chunks.filter(|index| !here[map.first(*index) as usize]).count();
            u32::try_from(missing).unwrap_or(u32::MAX)
        };
        let manifest = &map.manifest;
        let file_missing = manifest.files().iter().map(|file| lacking(file.chunks.clone())).collect();
        let unit_missing = manifest.units().iter().map(|unit| lacking(unit.chunks.clone())).collect();
        let distinct = (0_u32..).zip(&here).filter(|(index, here)| map.first(*index) == *index && !**here);
        let missing_bytes = distinct.map(|(index, _)| u64::from(map.chunk(index).bytes)).sum();
        Self { here, writing: HashSet::new(), file_missing, unit_missing, missing_bytes }
    }

    pub(super) fn is_here(&self, first: u32) -> bool {
        self.here[first as usize]
    }

    pub(super) fn missing_bytes(&self) -> u64 {
        self.missing_bytes
    }

    pub(super) fn is_file_complete(&self, file: u32) -> bool {
        self.file_missing[file as usize] == 0
    }

    /// Takes a missing chunk for the calling thread to write; `false` if it is here or another thread's.
    pub(super) fn claim(&mut self, first: u32) -> bool {
        !self.is_here(first) && self.writing.insert(first)
    }

    /// Gives back what could not be written.
    pub(super) fn release(&mut self, firsts: impl Iterator<Item = u32>) {
        for first in firsts {
            self.writing.remove(&first);
        }
    }

    /// Claimed chunks have been written to all their places.
    pub(super) fn commit(&mut self, map: &ChunkMap, firsts: impl Iterator<Item = u32>) -> Completed {
        let mut completed = Completed::default();
        for first in firsts {
            self.writing.remove(&first);
            if std::mem::replace(&mut self.here[first as usize], true) {
                continue;
            }
            self.missing_bytes -= u64::from(map.chunk(first).bytes);
            for index in map.repeats(first) {
                let file = map.place(*index).file;
                self.file_missing[file as usize] -= 1;
                if self.file_missing[file as usize] == 0 {
                    completed.files.push(file);
                }
                let Some(unit) = map.manifest.unit_of_chunk(*index) else { continue };
                self.unit_missing[unit.as_usize()] -= 1;
                if self.unit_missing[unit.as_usize()] == 0 {
                    completed.units.push(unit);
                }
            }
        }
        completed
    }

    pub(super) fn complete_units(&self) -> UnitSet {
        let units = (0_u32..).zip(&self.unit_missing);
        units.filter(|(_, missing)| **missing == 0).map(|(unit, _)| UnitIndex(unit)).collect()
    }

    /// What has to be fetched: each missing chunk once, in the unit where it stands first.
    pub(super) fn wanted(&self, map: &ChunkMap) -> Vec<WantedUnit> {
        let mut wanted = Vec::new();
        for (unit, index) in map.manifest.units().iter().zip(0_u32..) {
            let is_wanted = |chunk: &u32| map.first(*chunk) == *chunk && !self.is_here(*chunk);
            if unit.chunks.clone().any(|chunk| is_wanted(&chunk)) {
                let mut want = WantedUnit::whole(UnitIndex(index));
                let skipped = unit.chunks.clone().enumerate().filter(|(_, chunk)| !is_wanted(chunk));
                skipped.for_each(|(nth, _)| want.skip_chunk(nth));
                wanted.push(want);
            }
        }
        wanted
    }
}
