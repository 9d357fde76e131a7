//! The manifest: a payload's files and the chunks they are made of.
//!
//! The same files give the same manifest, byte for byte, on every PC: files in byte order of their paths, chunks cut
//! by [`crate::hasher`], flags derived from content, encoded by postcard. Its BLAKE3 hash, the [`ManifestId`], is the
//! payload's identity. Nothing in it depends on a filesystem or a clock.
//!
//! Units are derived, never transmitted: consecutive chunks of the manifest up to about 256 KiB. A unit is what is
//! requested, announced and scheduled. A chunk that stands in a manifest several times belongs to the unit where it
//! stands first; a receiver fetches it there once and copies it to its other places.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::limits::{
    CHUNK_MAX_BYTES, MAX_MANIFEST_BYTES, MAX_MANIFEST_FILES, MAX_SENTINEL_BYTES, UNIT_MAX_CHUNKS,
    UNIT_TARGET_BYTES,
};
use crate::path::twin_key;
use crate::{Blake3Hash, ManifestId, RelPath, UnitSet};

/// A piece of a file, the unit of verification and reuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Chunk {
    pub hash: Blake3Hash,
    /// 1 to [`CHUNK_MAX_BYTES`].
    pub bytes: u32,
}

/// One file of a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEntry {
    pub path: RelPath,
    /// Its content is a program (ELF or `#!`): gets the executable bit where there is one.
    pub executable: bool,
    pub bytes: u64,
    /// Which of the manifest's chunks make up the file, in order. Empty for an empty file.
    pub chunks: Range<u32>,
}

/// A unit's position in its manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UnitIndex(pub u32);

impl UnitIndex {
    pub fn as_usize(self) -> usize {
        self.0 as usize
    }
}

/// Consecutive chunks that travel together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    pub chunks: Range<u32>,
    pub bytes: u32,
    /// Bytes of the chunks that stand here first in the manifest: 0 means that nothing of this unit is ever fetched,
    /// because all of it is copied from earlier units.
    pub own_bytes: u32,
}

/// A payload's files and chunks, proven consistent. See the module's comment.
#[derive(Clone, Debug)]
pub struct Manifest {
    id: ManifestId,
    files: Vec<FileEntry>,
    empty_folders: Vec<RelPath>,
    chunks: Vec<Chunk>,
    units: Vec<Unit>,
    /// For each chunk the index of the first one with the same hash.
    firsts: Vec<u32>,
    total_bytes: u64,
}

/// Why bytes or files are no manifest.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ManifestError {
    #[error("a manifest of {0} bytes is larger than {MAX_MANIFEST_BYTES}")]
    TooLarge(usize),
    #[error("the manifest is damaged: {0}")]
    Encoding(postcard::Error),
    #[error("the manifest has bytes after its end")]
    TrailingBytes,
    #[error("the manifest is written with needless bytes")]
    NeedlessBytes,
    #[error("more than {MAX_MANIFEST_FILES} files and empty folders")]
    TooManyFiles,
    #[error("“{0}” stands in the manifest twice or out of order")]
    Order(RelPath),
    #[error("“{0}” and “{1}” are one file where case or accents do not count")]
    Twins(String, String),
    #[error("“{0}” is a file and a folder")]
    FileAndFolder(String),
    #[error("“{0}” is listed as an empty folder but holds something")]
    NotEmpty(RelPath),
    #[error("a chunk of {0} bytes; 1 to {CHUNK_MAX_BYTES} are allowed")]
    ChunkSize(u32),
    #[error("the files name {named} chunks, the manifest has {present}")]
    ChunkCount { named: u64, present: usize },
    #[error("one chunk hash stands with two lengths")]
    ChunkTwins,
    #[error("there is no version.ini of 1 to {MAX_SENTINEL_BYTES} bytes in the root")]
    NoSentinel,
}

/// A hashed file, the input to [`Manifest::from_files`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashedFile {
    pub path: RelPath,
    pub executable: bool,
    pub chunks: Vec<Chunk>,
}

#[derive(Serialize, Deserialize)]
struct EncodedFile {
    path: RelPath,
    executable: bool,
    chunks: u32,
}

#[derive(Serialize, Deserialize)]
struct Encoded {
    files: Vec<EncodedFile>,
    empty_folders: Vec<RelPath>,
    chunks: Vec<Chunk>,
}

impl Manifest {
    /// The manifest of these files and empty folders, in any order.
    pub fn from_files(
        mut files: Vec<HashedFile>,
        mut empty_folders: Vec<RelPath>,
    ) -> Result<Self, ManifestError> {
        files.sort_by(|a, b| a.path.cmp(&b.path));
        empty_folders.sort();
        let mut encoded =
            Encoded { files: Vec::with_capacity(files.len()), empty_folders, chunks: Vec::new() };
        for file in files {
            let chunks = u32::try_from(file.chunks.len()).unwrap_or(u32::MAX);
            encoded.files.push(EncodedFile { path: file.path, executable: file.executable, chunks });
            encoded.chunks.extend(file.chunks);
        }
        let bytes = postcard::to_stdvec(&encoded).map_err(ManifestError::Encoding)?;
        if bytes.len() > MAX_MANIFEST_BYTES {
            return Err(ManifestError::TooLarge(bytes.len()));
        }
        Self::check(encoded, ManifestId(Blake3Hash::of(&bytes).0))
    }

    /// Reads and checks untrusted bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, ManifestError> {
        if bytes.len() > MAX_MANIFEST_BYTES {
            return Err(ManifestError::TooLarge(bytes.len()));
        }
        let (encoded, rest) = postcard::take_from_bytes::<Encoded>(bytes).map_err(ManifestError::Encoding)?;
        if !rest.is_empty() {
            return Err(ManifestError::TrailingBytes);
        }
        // Numbers can be written with needless bytes. Accepted, one manifest would have many ids, and what is stored under
        // an id or sent to others would not hash to it.
        if postcard::to_stdvec(&encoded).map_err(ManifestError::Encoding)? != bytes {
            return Err(ManifestError::NeedlessBytes);
        }
        Self::check(encoded, ManifestId(Blake3Hash::of(bytes).0))
    }

    /// The bytes whose hash is [`Self::id`].
    pub fn encode(&self) -> Vec<u8> {
        let files = self.files.iter().map(|file| EncodedFile {
            path: file.path.clone(),
            executable: file.executable,
            chunks: file.chunks.end - file.chunks.start,
        });
        let encoded = Encoded {
            files: files.collect(),
            empty_folders: self.empty_folders.clone(),
            chunks: self.chunks.clone(),
        };
        // Serialising plain vectors into memory has no failing path.
        postcard::to_stdvec(&encoded).unwrap_or_default()
    }

    fn check(encoded: Encoded, id: ManifestId) -> Result<Self, ManifestError> {
        if encoded.files.len() + encoded.empty_folders.len() > MAX_MANIFEST_FILES {
            return Err(ManifestError::TooManyFiles);
        }
        check_names(&encoded)?;
        let bad_size = |chunk: &&Chunk| chunk.bytes == 0 || chunk.bytes as usize > CHUNK_MAX_BYTES;
        if let Some(chunk) = encoded.chunks.iter().find(bad_size) {
            return Err(ManifestError::ChunkSize(chunk.bytes));
        }
        let named: u64 = encoded.files.iter().map(|file| u64::from(file.chunks)).sum();
        let present = encoded.chunks.len();
        if named != present as u64 || u32::try_from(present).is_err() {
            return Err(ManifestError::ChunkCount { named, present });
        }
        let firsts = first_occurrences(&encoded.chunks)?;
        let mut files = Vec::with_capacity(encoded.files.len());
        let mut next_chunk = 0;
        for file in encoded.files {
            let chunks = next_chunk..next_chunk + file.chunks;
            next_chunk = chunks.end;
            let bytes = &encoded.chunks[chunks.start as usize..chunks.end as usize];
            let bytes = bytes.iter().map(|chunk| u64::from(chunk.bytes)).sum();
            files.push(FileEntry { path: file.path, executable: file.executable, bytes, chunks });
        }
        let units = cut_units(&encoded.chunks, &firsts);
        let total_bytes = files.iter().map(|file| file.bytes).sum();
        let manifest = Self {
            id,
            files,
            empty_folders: encoded.empty_folders,
            chunks: encoded.chunks,
            units,
            firsts,
            total_bytes,
        };
        if manifest.sentinel().is_none() {
            return Err(ManifestError::NoSentinel);
        }
        Ok(manifest)
    }

    pub fn id(&self) -> ManifestId {
        self.id
    }

    /// All files, in byte order of their paths.
    pub fn files(&self) -> &[FileEntry] {
        &self.files
    }

    /// Folders without a file below them, in byte order.
    pub fn empty_folders(&self) -> &[RelPath] {
        &self.empty_folders
    }

    pub fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    pub fn units(&self) -> &[Unit] {
        &self.units
    }

    pub fn total_bytes(&self) -> u64 {
        self.total_bytes
    }

    /// Bytes of the chunks that another payload lacks, each counted once.
    pub fn bytes_absent_from(&self, other: &Self) -> u64 {
        let mut seen: HashSet<Blake3Hash> = other.chunks.iter().map(|chunk| chunk.hash).collect();
        self.chunks.iter().filter(|chunk| seen.insert(chunk.hash)).map(|chunk| u64::from(chunk.bytes)).sum()
    }

    /// Units with a chunk that another payload lacks.
    pub fn units_absent_from(&self, other: &Self) -> UnitSet {
        let known: HashSet<Blake3Hash> = other.chunks.iter().map(|chunk| chunk.hash).collect();
        let is_absent = |unit: &Unit| {
            let chunks = &self.chunks[unit.chunks.start as usize..unit.chunks.end as usize];
            chunks.iter().any(|chunk| !known.contains(&chunk.hash))
        };
        let mut absent = UnitSet::new();
        for (index, _) in (0_u32..).zip(&self.units).filter(|(_, unit)| is_absent(unit)) {
            absent.insert(UnitIndex(index));
        }
        absent
    }

    /// Where the chunk at `index` stands first: itself, or an earlier chunk with the same hash.
    pub fn first_occurrence(&self, index: u32) -> u32 {
        self.firsts.get(index as usize).copied().unwrap_or(index)
    }

    /// The file that the chunk at `index` belongs to.
    pub fn file_of_chunk(&self, index: u32) -> Option<&FileEntry> {
        // Empty files share a start with their successor; the last file that starts at or before `index` holds it.
        let after = self.files.partition_point(|file| file.chunks.start <= index);
        self.files[..after].iter().rev().find(|file| file.chunks.contains(&index))
    }

    /// The unit that the chunk at `index` belongs to.
    pub fn unit_of_chunk(&self, index: u32) -> Option<UnitIndex> {
        let after = self.units.partition_point(|unit| unit.chunks.start <= index);
        let unit = u32::try_from(after.checked_sub(1)?).ok()?;
        self.units[unit as usize].chunks.contains(&index).then_some(UnitIndex(unit))
    }

    /// The payload's `version.ini`. Every manifest has one.
    pub fn sentinel(&self) -> Option<&FileEntry> {
        let at = self.files.binary_search_by(|file| file.path.as_str().cmp(crate::SENTINEL)).ok()?;
        let file = &self.files[at];
        (1..=MAX_SENTINEL_BYTES).contains(&file.bytes).then_some(file)
    }
}

impl PartialEq for Manifest {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

/// Order, twins, and files that are folders. Folders count as names, too: `A/x` and `a/y` are twins.
fn check_names(encoded: &Encoded) -> Result<(), ManifestError> {
    let paths = encoded.files.iter().map(|file| &file.path);
    let is_sorted = |paths: &mut dyn Iterator<Item = &RelPath>| {
        let mut last: Option<RelPath> = None;
        for path in paths {
            if last.as_ref().is_some_and(|last| last >= path) {
                return Err(ManifestError::Order(path.clone()));
            }
            last = Some(path.clone());
        }
        Ok(())
    };
    is_sorted(&mut paths.clone())?;
    is_sorted(&mut encoded.empty_folders.iter())?;

    let mut spellings: HashMap<String, &str> = HashMap::new();
    let mut folders: BTreeMap<&str, bool> = BTreeMap::new();
    let mut learn = |spelling| match spellings.insert(twin_key(spelling), spelling) {
        Some(other) if other != spelling => Err(ManifestError::Twins(other.to_owned(), spelling.to_owned())),
        _ => Ok(()),
    };
    for path in paths.clone().chain(&encoded.empty_folders) {
        for folder in path.ancestors() {
            if folders.insert(folder, true).is_none() {
                learn(folder)?;
            }
        }
        learn(path.as_str())?;
    }
    if let Some(path) = paths.clone().find(|path| folders.contains_key(path.as_str())) {
        return Err(ManifestError::FileAndFolder(path.to_string()));
    }
    if let Some(path) = encoded.empty_folders.iter().find(|path| folders.contains_key(path.as_str())) {
        return Err(ManifestError::NotEmpty(path.clone()));
    }
    let is_file = |path: &&RelPath| encoded.files.binary_search_by(|file| file.path.cmp(path)).is_ok();
    match encoded.empty_folders.iter().find(is_file) {
        Some(path) => Err(ManifestError::FileAndFolder(path.to_string())),
        None => Ok(()),
    }
}

fn first_occurrences(chunks: &[Chunk]) -> Result<Vec<u32>, ManifestError> {
    let mut seen: HashMap<Blake3Hash, (u32, u32)> = HashMap::with_capacity(chunks.len());
    let mut firsts = Vec::with_capacity(chunks.len());
    for (index, chunk) in (0..).zip(chunks) {
        let (first, bytes) = *seen.entry(chunk.hash).or_insert((index, chunk.bytes));
        if bytes != chunk.bytes {
            return Err(ManifestError::ChunkTwins);
        }
        firsts.push(first);
    }
    Ok(firsts)
}

/// Greedy: a unit takes the next chunk while it stays within [`UNIT_TARGET_BYTES`], and always takes one.
fn cut_units(chunks: &[Chunk], firsts: &[u32]) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    for (index, (chunk, first)) in (0..).zip(chunks.iter().zip(firsts)) {
        let own_bytes = if *first == index { chunk.bytes } else { 0 };
        match units.last_mut() {
            Some(unit)
                if u64::from(unit.bytes) + u64::from(chunk.bytes) <= UNIT_TARGET_BYTES
                    && unit.chunks.len() < UNIT_MAX_CHUNKS =>
            {
                unit.chunks.end = index + 1;
                unit.bytes += chunk.bytes;
                unit.own_bytes += own_bytes;
            }
            _ => units.push(Unit { chunks: index..index + 1, bytes: chunk.bytes, own_bytes }),
        }
    }
    units
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(seed: u8, bytes: u32) -> Chunk {
        Chunk { hash: Blake3Hash([seed; 32]), bytes }
    }

    fn file(path: &str, chunks: Vec<Chunk>) -> HashedFile {
        HashedFile { path: path.parse().unwrap(), executable: false, chunks }
    }

    fn sentinel() -> HashedFile {
        file("version.ini", vec![chunk(0, 9)])
    }

    fn error(files: Vec<HashedFile>, folders: &[&str]) -> ManifestError {
        let folders = folders.iter().map(|path| path.parse().unwrap()).collect();
        Manifest::from_files(files, folders).unwrap_err()
    }

    #[test]
    fn the_encoding_is_golden() {
        let files = vec![sentinel(), file("data/a", vec![chunk(7, 300)]), file("data/empty", vec![])];
        let manifest = Manifest::from_files(files, vec!["saves".parse().unwrap()]).unwrap();
        let bytes = manifest.encode();
        let mut golden =
            b"\x03\x06data/a\0\x01\x0adata/empty\0\0\x0bversion.ini\0\x01\x01\x05saves\x02".to_vec();
        golden.extend([7; 32]);
        golden.extend([0xac, 0x02]);
        golden.extend([0; 32]);
        golden.push(9);
        assert_eq!(bytes, golden);
        assert_eq!(manifest.id().to_string(), Blake3Hash::of(&golden).to_string());
        assert_eq!(Manifest::decode(&bytes).unwrap(), manifest);
        // The same number in two bytes would be the same manifest under another id.
        golden.pop();
        golden.extend([9 | 0x80, 0]);
        assert_eq!(Manifest::decode(&golden), Err(ManifestError::NeedlessBytes));
    }

    #[test]
    fn units_hold_consecutive_chunks_and_know_what_is_new_in_them() {
        let kib = |n: u32| n * 1024;
        let files = vec![
            file("a", vec![chunk(1, kib(1000)), chunk(2, kib(100)), chunk(3, kib(100))]),
            file("b", vec![chunk(2, kib(100)), chunk(4, kib(10))]),
            sentinel(),
        ];
        let manifest = Manifest::from_files(files, vec![]).unwrap();
        let units: Vec<_> =
            manifest.units().iter().map(|u| (u.chunks.clone(), u.bytes, u.own_bytes)).collect();
        assert_eq!(
            units,
            [(0..1, kib(1000), kib(1000)), (1..3, kib(200), kib(200)), (3..6, kib(110) + 9, kib(10) + 9)]
        );
        assert_eq!(manifest.first_occurrence(3), 1);
        assert_eq!(manifest.unit_of_chunk(5), Some(UnitIndex(2)));
        assert_eq!(manifest.unit_of_chunk(6), None);
        assert_eq!(manifest.file_of_chunk(4).unwrap().path.as_str(), "b");
        assert_eq!(manifest.total_bytes(), u64::from(kib(1310)) + 9);
    }

    #[test]
    fn contradictions_are_refused() {
        let plain = |path| file(path, vec![]);
        assert_eq!(error(vec![], &[]), ManifestError::NoSentinel);
        assert_eq!(error(vec![plain("version.ini")], &[]), ManifestError::NoSentinel);
        assert_eq!(
            error(vec![sentinel(), sentinel()], &[]),
            ManifestError::Order("version.ini".parse().unwrap())
        );
        assert!(matches!(error(vec![sentinel(), plain("A"), plain("a")], &[]), ManifestError::Twins(..)));
        assert!(matches!(error(vec![sentinel(), plain("D/x"), plain("d/y")], &[]), ManifestError::Twins(..)));
        assert!(matches!(error(vec![sentinel(), plain("d/y")], &["D"]), ManifestError::Twins(..)));
        assert!(matches!(
            error(vec![sentinel(), plain("d"), plain("d/y")], &[]),
            ManifestError::FileAndFolder(_)
        ));
        assert!(matches!(error(vec![sentinel(), plain("d")], &["d"]), ManifestError::FileAndFolder(_)));
        assert!(matches!(error(vec![sentinel(), plain("d/y")], &["d"]), ManifestError::NotEmpty(_)));
        assert_eq!(error(vec![sentinel(), file("a", vec![chunk(1, 0)])], &[]), ManifestError::ChunkSize(0));
        assert_eq!(error(vec![sentinel(), file("a", vec![chunk(0, 8)])], &[]), ManifestError::ChunkTwins);
    }

    #[test]
    fn damaged_bytes_are_refused() {
        let manifest = Manifest::from_files(vec![sentinel(), file("a", vec![chunk(1, 5)])], vec![]).unwrap();
        let bytes = manifest.encode();
        for end in 0..bytes.len() {
            assert!(Manifest::decode(&bytes[..end]).is_err());
        }
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(Manifest::decode(&longer), Err(ManifestError::TrailingBytes));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            if let Ok(manifest) = Manifest::decode(&bytes) {
                proptest::prop_assert_eq!(Manifest::decode(&manifest.encode()).unwrap().id(), manifest.id());
            }
        }
    }
}
