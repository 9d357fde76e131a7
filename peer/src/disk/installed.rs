//! What an install wrote into `local/`: the record decides what is the game's and what is a person's.
//!
//! `.lanspread/installed` is JSON lines: the first says what was installed, each further one names a file. A folder
//! that Lanspread made has a marker in it, and only such folders are ever deleted.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::Path;

use lanspread_protocol::limits::MAX_SENTINEL_BYTES;
use lanspread_protocol::{Blake3Hash, Chunk, FileHasher, ManifestId, Version};
use serde::{Deserialize, Serialize};

use super::error::Tried as _;
use super::tree::FileStat;
use super::{DiskError, GameFolder, atomic};

/// The file in a folder that says that Lanspread made it, and which install.
pub(crate) const MARKER: &str = ".lanspread_owned";

/// What was installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub version: Version,
    /// Of the payload it was made from, if that is known.
    pub manifest: Option<ManifestId>,
    /// What was written and is the game's, by path relative to `local/`, joined by `/`.
    #[serde(skip)]
    pub files: BTreeMap<String, RecordedFile>,
}

/// A file as it was installed. Links are never the game's: none is made by an install.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedFile {
    pub bytes: u64,
    /// Nanoseconds since 1970. With the same size and time a file counts as unchanged without being read.
    pub modified: i64,
    pub digest: Digest,
}

/// How a file's content is known again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Digest {
    /// BLAKE3 of its bytes.
    Whole(Blake3Hash),
    /// BLAKE3 of its chunks' hashes and lengths: a payload's manifest tells it without reading the file.
    Chunks(Blake3Hash),
}

#[derive(Serialize, Deserialize)]
struct Line {
    path: String,
    #[serde(flatten)]
    file: RecordedFile,
}

impl Digest {
    pub(crate) fn of_chunks(chunks: &[Chunk]) -> Self {
        let mut bytes = Vec::with_capacity(chunks.len() * 36);
        for chunk in chunks {
            bytes.extend(chunk.hash.0);
            bytes.extend(chunk.bytes.to_le_bytes());
        }
        Self::Chunks(Blake3Hash::of(&bytes))
    }

    /// Whether what lies at `path` has this content.
    fn fits(self, path: &Path) -> io::Result<bool> {
        Ok(match self {
            Self::Whole(hash) => {
                let mut hasher = blake3::Hasher::new();
                hasher.update_reader(File::open(path)?)?;
                Blake3Hash(hasher.finalize().into()) == hash
            }
            Self::Chunks(_) => {
                let hashed = FileHasher::new().hash(File::open(path)?, |_, _| Ok(()))?;
                Self::of_chunks(&hashed.chunks) == self
            }
        })
    }
}

impl RecordedFile {
    /// Whether the file at `path`, which looks like `stat` now, is as it was installed.
    pub(crate) fn is_unchanged(&self, path: &Path, stat: FileStat) -> Result<bool, DiskError> {
        if stat.bytes != self.bytes {
            return Ok(false);
        }
        if stat.modified == self.modified {
            return Ok(true);
        }
        self.digest.fits(path).tried("read", path)
    }
}

impl Record {
    pub(crate) fn write(&self, folder: &GameFolder) -> Result<(), DiskError> {
        let encode = || -> serde_json::Result<Vec<u8>> {
            let mut text = serde_json::to_vec(self)?;
            for (path, file) in &self.files {
                text.push(b'\n');
                serde_json::to_writer(&mut text, &Line { path: path.clone(), file: file.clone() })?;
            }
            Ok(text)
        };
        let text = encode().map_err(io::Error::other).tried("write", &folder.installed())?;
        atomic::write(&folder.installed(), &text)
    }

    fn read(folder: &GameFolder) -> io::Result<Self> {
        let mut lines = BufReader::new(File::open(folder.installed())?).lines();
        let first = lines.next().ok_or(io::ErrorKind::UnexpectedEof)??;
        let mut record: Self = serde_json::from_str(&first)?;
        for line in lines {
            let Line { path, file } = serde_json::from_str(&line?)?;
            record.files.insert(path, file);
        }
        Ok(record)
    }
}

/// The record of what is installed; `None` if there is none or it cannot be read: then everything in `local/` counts
/// as a person's.
pub fn read_record(folder: &GameFolder) -> Option<Record> {
    match Record::read(folder) {
        Ok(record) => Some(record),
        Err(error) if atomic::is_absent(&error) => None,
        Err(error) => {
            tracing::warn!(path = %folder.installed().display(), %error, "the record of installed files is damaged");
            None
        }
    }
}

/// The version that `local/` was installed from, without reading more than the record's first line.
pub(crate) fn installed_version(folder: &GameFolder) -> Option<Version> {
    if !is_marked(&folder.local()) {
        return None;
    }
    let mut line = Vec::new();
    let file = File::open(folder.installed()).ok()?;
    BufReader::new(file.take(MAX_SENTINEL_BYTES)).read_until(b'\n', &mut line).ok()?;
    serde_json::from_slice::<Record>(&line).ok().map(|record| record.version)
}

/// Whether this is a real folder with Lanspread's marker in it.
pub(crate) fn is_marked(folder: &Path) -> bool {
    let is_folder = fs::symlink_metadata(folder).is_ok_and(|there| there.is_dir());
    is_folder && fs::symlink_metadata(folder.join(MARKER)).is_ok_and(|marker| marker.is_file())
}

/// The install that a folder's marker names.
pub(crate) fn marked_by(folder: &Path) -> Option<Blake3Hash> {
    let mut text = String::new();
    let file = File::open(folder.join(MARKER)).ok()?;
    file.take(64).read_to_string(&mut text).ok()?;
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::testing::Tree;

    #[test]
    fn a_record_is_read_back_and_its_first_line_tells_the_version() {
        let tree = Tree::new(&[("local/a", b"one"), (".lanspread/x", b"")]);
        let stat = FileStat::of(&fs::metadata(tree.path().join("local/a")).unwrap());
        let whole =
            RecordedFile { bytes: 3, modified: stat.modified, digest: Digest::Whole(Blake3Hash::of(b"one")) };
        let files = BTreeMap::from([("a".to_owned(), whole.clone()), ("b/ü\n".to_owned(), whole.clone())]);
        let record = Record { version: "1.0".parse().unwrap(), manifest: None, files };
        record.write(&tree.folder()).unwrap();
        assert_eq!(read_record(&tree.folder()).unwrap(), record);
        assert_eq!(installed_version(&tree.folder()), None, "not ours");
        tree.put(&format!("local/{MARKER}"), b"");
        assert_eq!(installed_version(&tree.folder()), Some(record.version));
        assert_eq!(marked_by(&tree.folder().local()), None);
        tree.put(".lanspread/installed", b"{");
        assert_eq!(read_record(&tree.folder()), None);
    }

    #[test]
    fn a_changed_file_is_told_from_a_touched_one() {
        let tree = Tree::new(&[("a", b"one")]);
        let path = tree.path().join("a");
        let stat = FileStat::of(&fs::metadata(&path).unwrap());
        let chunks = FileHasher::new().hash(&b"one"[..], |_, _| Ok(())).unwrap().chunks;
        for digest in [Digest::Whole(Blake3Hash::of(b"one")), Digest::of_chunks(&chunks)] {
            tree.put("a", b"one");
            let file = RecordedFile { bytes: 3, modified: 5, digest };
            assert!(file.is_unchanged(&path, stat).unwrap());
            tree.put("a", b"two");
            assert!(!file.is_unchanged(&path, stat).unwrap());
            assert!(file.is_unchanged(&path, FileStat { modified: 5, ..stat }).unwrap());
            assert!(!file.is_unchanged(&path, FileStat { modified: 5, bytes: 4 }).unwrap());
        }
    }
}
