//! [`ChunkMap`]: where each chunk of a manifest stands.

use std::sync::Arc;

use lanspread_protocol::{Blake3Hash, Chunk, Manifest};

/// A manifest with the positions that writing and reading by chunk need. Built in one pass; 16 bytes a chunk.
#[derive(Debug)]
pub(super) struct ChunkMap {
    pub(super) manifest: Arc<Manifest>,
    /// Each chunk's offset in its file.
    offsets: Vec<u64>,
    /// Each chunk's file.
    files: Vec<u32>,
    /// All chunks, those with one hash side by side: ordered by (first occurrence, position).
    places: Vec<u32>,
}

/// Where a chunk stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) file: u32,
    pub(super) offset: u64,
}

impl ChunkMap {
    pub(super) fn new(manifest: Arc<Manifest>) -> Self {
        let count = manifest.chunks().len();
        let (mut offsets, mut files) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for (file, entry) in (0_u32..).zip(manifest.files()) {
            let mut offset = 0;
            for index in entry.chunks.clone() {
                offsets.push(offset);
                files.push(file);
                offset += u64::from(manifest.chunks()[index as usize].bytes);
            }
        }
        let mut places: Vec<u32> = (0..).take(count).collect();
        places.sort_by_key(|index| (manifest.first_occurrence(*index), *index));
        Self { manifest, offsets, files, places }
    }

    pub(super) fn chunk(&self, index: u32) -> Chunk {
        self.manifest.chunks()[index as usize]
    }

    pub(super) fn first(&self, index: u32) -> u32 {
        self.manifest.first_occurrence(index)
    }

    pub(super) fn place(&self, index: u32) -> Place {
        Place { file: self.files[index as usize], offset: self.offsets[index as usize] }
    }

    /// Every chunk with the hash of `first`, which must be the first of them.
    pub(super) fn repeats(&self, first: u32) -> &[u32] {
        let start = self.places.partition_point(|index| self.first(*index) < first);
        let end = start + self.places[start..].partition_point(|index| self.first(*index) == first);
        &self.places[start..end]
    }

    /// The first occurrences, ordered by hash, to look chunks up that were found somewhere.
    pub(super) fn by_hash(&self) -> ByHash<'_> {
        let mut firsts: Vec<u32> =
            (0_u32..).take(self.files.len()).filter(|index| self.first(*index) == *index).collect();
        firsts.sort_by_key(|index| self.chunk(*index).hash);
        ByHash { map: self, firsts }
    }
}

/// See [`ChunkMap::by_hash`].
pub(super) struct ByHash<'a> {
    map: &'a ChunkMap,
    firsts: Vec<u32>,
}

impl ByHash<'_> {
    pub(super) fn find(&self, hash: Blake3Hash) -> Option<u32> {
        let at = self.firsts.binary_search_by_key(&hash, |index| self.map.chunk(*index).hash).ok()?;
        Some(self.firsts[at])
    }
}
