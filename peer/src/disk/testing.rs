//! Folders and payloads for the tests of this module.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use lanspread_protocol::{Manifest, UnitIndex};

use super::hash::{Selection, hash_payload};
use super::{Cancel, GameFolder, Progress};

/// Reproducible bytes that look like data: BLAKE3's extendable output of a name.
pub(crate) fn noise(name: &str, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    blake3::Hasher::new().update(name.as_bytes()).finalize_xof().fill(&mut bytes);
    bytes
}

/// A temporary folder with files in it, gone when it is dropped.
pub(crate) struct Tree(tempfile::TempDir);

impl Tree {
    pub(crate) fn new(files: &[(&str, &[u8])]) -> Self {
        Self::in_folder(&std::env::temp_dir(), files)
    }

    /// In memory where the system has a folder for that: for tests that flush thousands of times.
    pub(crate) fn quick(files: &[(&str, &[u8])]) -> Self {
        let memory = Path::new("/dev/shm");
        if memory.is_dir() { Self::in_folder(memory, files) } else { Self::new(files) }
    }

    fn in_folder(folder: &Path, files: &[(&str, &[u8])]) -> Self {
        let tree = Self(tempfile::tempdir_in(folder).unwrap());
        for (path, bytes) in files {
            tree.put(path, bytes);
        }
        tree
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn folder(&self) -> GameFolder {
        GameFolder::new(self.path())
    }

    pub(crate) fn put(&self, path: &str, bytes: &[u8]) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub(crate) fn get(&self, path: &str) -> Vec<u8> {
        fs::read(self.path().join(path)).unwrap()
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.path().join(path).exists()
    }

    /// The folder's own manifest.
    pub(crate) fn manifest(&self) -> Manifest {
        hash_payload(self.path(), Selection::All, &Cancel::new(), &Progress::new()).unwrap().manifest
    }

    /// All files with size and hash, and all folders, without Lanspread's state.
    pub(crate) fn contents(&self) -> BTreeMap<String, String> {
        let mut contents = BTreeMap::new();
        for entry in walkdir::WalkDir::new(self.path()).min_depth(1) {
            let entry = entry.unwrap();
            let name = entry.path().strip_prefix(self.path()).unwrap().to_str().unwrap();
            let name = name.replace(std::path::MAIN_SEPARATOR, "/");
            if entry.file_type().is_file() && !name.starts_with(".lanspread/") {
                contents.insert(name, describe(&fs::read(entry.path()).unwrap()));
            } else if entry.file_type().is_dir() && !name.starts_with(".lanspread") {
                contents.insert(format!("{name}/"), String::new());
            }
        }
        contents
    }
}

/// A file's content in the form that [`Tree::contents`] shows.
pub(crate) fn describe(bytes: &[u8]) -> String {
    format!("{} bytes, {}", bytes.len(), &blake3::hash(bytes).to_hex()[..8])
}

/// A unit's bytes, of the chunks that `wanted` asks for, out of a complete payload.
pub(crate) fn unit_bytes(
    source: &Path,
    manifest: &Manifest,
    wanted: &lanspread_protocol::message::WantedUnit,
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let UnitIndex(unit) = wanted.unit;
    for (nth, index) in manifest.units()[unit as usize].chunks.clone().enumerate() {
        let file = manifest.file_of_chunk(index).unwrap();
        let before: u64 =
            (file.chunks.start..index).map(|at| u64::from(manifest.chunks()[at as usize].bytes)).sum();
        if wanted.wants(nth) {
            let content = fs::read(super::layout::under(source, &file.path)).unwrap();
            let start = usize::try_from(before).unwrap();
            bytes.extend(&content[start..start + manifest.chunks()[index as usize].bytes as usize]);
        }
    }
    bytes
}
