//! Hashes a payload's folder into its manifest, on a few threads.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use lanspread_protocol::{Blake3Hash, Chunk, FileHasher, HashedFile, Manifest, RelPath};

use super::error::{Offender, Tried as _};
use super::parallel::{HASHERS, for_each, lock};
use super::tree::{FileStat, Follow, Links, Locator, Walked, walk};
use super::{Cancel, DiskError, Progress};

/// Which files of a folder are its payload.
#[derive(Clone, Copy, Debug)]
pub enum Selection<'a> {
    /// All but `local/`, what is ours, and what operating systems drop. Links that leave the folder are left out.
    All,
    /// Exactly this manifest's, as far as they are there.
    Of(&'a Manifest),
}

/// A payload's manifest as its folder is now.
#[derive(Debug)]
pub struct HashedPayload {
    pub manifest: Manifest,
    /// Of links and of Lanspread's own names that were left out.
    pub skipped: Vec<String>,
}

/// Hashes the payload in `root`. A file that changes meanwhile ends it as [`DiskError::Changed`]; names that no
/// manifest can hold, as [`DiskError::Names`] with all of them.
pub fn hash_payload(
    root: &Path,
    selection: Selection<'_>,
    cancel: &Cancel,
    progress: &Progress,
) -> Result<HashedPayload, DiskError> {
    match selection {
        Selection::All => {
            let walked = walk(root, Follow::Inside(Links::Skip), cancel)?;
            let list = FileList::from_walked(root, &walked)?;
            let manifest = hash_list(root, list, cancel, progress)?;
            Ok(HashedPayload { manifest, skipped: walked.skipped })
        }
        Selection::Of(manifest) => {
            let list = FileList::from_manifest(root, manifest)?;
            let manifest = hash_list(root, list, cancel, progress)?;
            Ok(HashedPayload { manifest, skipped: Vec::new() })
        }
    }
}

/// The files to hash, with names that a manifest can hold.
#[derive(Debug, Default)]
pub(crate) struct FileList {
    pub(crate) files: Vec<ListedFile>,
    pub(crate) empty_folders: Vec<RelPath>,
}

#[derive(Clone, Debug)]
pub(crate) struct ListedFile {
    pub(crate) name: RelPath,
    pub(crate) path: PathBuf,
    pub(crate) stat: FileStat,
}

impl FileList {
    /// All that was walked, or all names that cannot be shared.
    pub(crate) fn from_walked(root: &Path, walked: &Walked) -> Result<Self, DiskError> {
        let mut list = Self::default();
        let mut offenders = walked.offenders.clone();
        let mut spellings: HashMap<String, String> = HashMap::new();
        let mut parse = |name: &str, offenders: &mut Vec<Offender>| {
            let mut refuse = |reason| offenders.push(Offender { path: name.to_owned(), reason });
            let path = match name.parse::<RelPath>() {
                Ok(path) => path,
                Err(error) => {
                    refuse(error.to_string());
                    return None;
                }
            };
            for part in path.ancestors().chain([name]) {
                let Ok(part_path) = part.parse::<RelPath>() else { continue };
                let known = spellings.entry(part_path.twin_key()).or_insert_with(|| part.to_owned());
                if known != part {
                    refuse(format!("is the same as “{known}” where case or accents do not count"));
                    return None;
                }
            }
            Some(path)
        };
        for file in &walked.files {
            if let Some(name) = parse(&file.name, &mut offenders) {
                list.files.push(ListedFile { name, path: file.path.clone(), stat: file.stat });
            }
        }
        for name in &walked.empty_folders {
            list.empty_folders.extend(parse(name, &mut offenders));
        }
        if offenders.is_empty() {
            return Ok(list);
        }
        offenders.sort_by(|a, b| a.path.cmp(&b.path));
        Err(DiskError::Names { folder: root.to_owned(), offenders })
    }

    fn from_manifest(root: &Path, manifest: &Manifest) -> Result<Self, DiskError> {
        let mut list = Self::default();
        let mut locator = Locator::new(root);
        for file in manifest.files() {
            match locator.file(&file.path) {
                Ok(Some(found)) => {
                    list.files.push(ListedFile {
                        name: file.path.clone(),
                        path: found.path,
                        stat: found.stat,
                    });
                }
                Ok(None) | Err(DiskError::LeadsOut { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let folders = manifest.empty_folders().iter();
        list.empty_folders =
            folders.filter(|path| super::layout::under(root, path).is_dir()).cloned().collect();
        Ok(list)
    }
}

fn hash_list(
    root: &Path,
    list: FileList,
    cancel: &Cancel,
    progress: &Progress,
) -> Result<Manifest, DiskError> {
    let hashed = hash_files(&list.files, cancel, progress)?;
    Manifest::from_files(hashed, list.empty_folders)
        .map_err(|cause| DiskError::Manifest { path: root.to_owned(), cause })
}

/// Hashes files, in any order.
pub(crate) fn hash_files(
    files: &[ListedFile],
    cancel: &Cancel,
    progress: &Progress,
) -> Result<Vec<HashedFile>, DiskError> {
    progress.expect_more(files.iter().map(|file| file.stat.bytes).sum());
    let hashed = Mutex::new(Vec::with_capacity(files.len()));
    let buffers = Hashers::default();
    for_each("hash", HASHERS, files, |file| {
        let content = buffers.with(|hasher| {
            hash_file(hasher, &file.path, file.stat, cancel, |chunk, _| {
                progress.add(u64::from(chunk.bytes));
                Ok(())
            })
        })?;
        let (executable, chunks) = (content.executable, content.chunks);
        lock(&hashed).push(HashedFile { path: file.name.clone(), executable, chunks });
        Ok(())
    })?;
    let hashed = std::mem::take(&mut *lock(&hashed));
    Ok(hashed)
}

/// Hashers with their buffers, handed from file to file: a payload has more files than a PC has memory for buffers.
#[derive(Debug, Default)]
pub(crate) struct Hashers(Mutex<Vec<FileHasher>>);

impl Hashers {
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut FileHasher) -> T) -> T {
        let mut hasher = lock(&self.0).pop().unwrap_or_default();
        let result = work(&mut hasher);
        lock(&self.0).push(hasher);
        result
    }
}

/// Hashes one file that must look like `stat` before and after.
pub(crate) fn hash_file(
    hasher: &mut FileHasher,
    path: &Path,
    stat: FileStat,
    cancel: &Cancel,
    mut on_chunk: impl FnMut(&Chunk, &[u8]) -> io::Result<()>,
) -> Result<lanspread_protocol::hasher::HashedContent, DiskError> {
    let changed = || DiskError::Changed { path: path.to_owned() };
    let stat_now =
        |file: &File| file.metadata().map(|metadata| FileStat::of(&metadata)).tried("look at", path);
    cancel.check()?;
    let mut file = match File::open(path) {
        Err(error) if super::atomic::is_absent(&error) => return Err(changed()),
        opened => opened.tried("open", path)?,
    };
    if stat_now(&file)? != stat {
        return Err(changed());
    }
    let mut bytes = 0;
    let content = hasher.hash(&mut file, |chunk, data| {
        bytes += u64::from(chunk.bytes);
        if cancel.is_cancelled() || bytes > stat.bytes {
            return Err(io::ErrorKind::Other.into());
        }
        on_chunk(chunk, data)
    });
    cancel.check()?;
    if bytes != stat.bytes && content.is_ok() || bytes > stat.bytes || stat_now(&file)? != stat {
        return Err(changed());
    }
    content.tried("read", path)
}

/// A file whose content should be a known file's: which of its chunks are there.
pub(crate) fn matching_chunks(
    path: &Path,
    chunks: &[Chunk],
    cancel: &Cancel,
    progress: &Progress,
) -> Result<Vec<bool>, DiskError> {
    let file = File::open(path).tried("open", path)?;
    let mut offset = 0;
    let mut buffer = Vec::new();
    let mut matches = Vec::with_capacity(chunks.len());
    for chunk in chunks {
        cancel.check()?;
        buffer.resize(chunk.bytes as usize, 0);
        matches.push(match super::tree::read_exact_at(&file, &mut buffer, offset) {
            Ok(()) => Blake3Hash::of(&buffer) == chunk.hash,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => false,
            // A sector that cannot be read is as good as absent: it is what repairing is for.
            Err(error) if is_bad_sector(&error) => false,
            Err(error) => return Err(error).tried("read", path),
        });
        offset += u64::from(chunk.bytes);
        progress.add(u64::from(chunk.bytes));
    }
    Ok(matches)
}

/// EIO, or Windows' data error (cyclic redundancy check).
fn is_bad_sector(error: &io::Error) -> bool {
    error.raw_os_error() == Some(if cfg!(windows) { 23 } else { 5 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::testing::{Tree, noise};

    #[test]
    fn a_folder_is_hashed_the_same_with_and_without_its_manifest() {
        let tree = Tree::new(&[
            ("version.ini", b"1"),
            ("data/big", &noise("big", 3_000_000)),
            ("data/empty", b""),
            ("Ünï/ö ö", b"#!/bin/sh"),
            ("local/x", b""),
            (".lanspread/y", b""),
        ]);
        std::fs::create_dir_all(tree.path().join("saves/slot")).unwrap();
        let progress = Progress::new();
        let hashed = hash_payload(tree.path(), Selection::All, &Cancel::new(), &progress).unwrap();
        let manifest = hashed.manifest;
        assert_eq!(manifest.total_bytes(), progress.bytes_done());
        assert_eq!(progress.bytes_total(), progress.bytes_done());
        assert_eq!(manifest.empty_folders(), ["saves/slot".parse().unwrap()]);
        let programs = manifest.files().iter().filter(|file| file.executable);
        assert_eq!(programs.map(|file| file.path.as_str()).collect::<Vec<_>>(), ["Ünï/ö ö"]);

        tree.put("extra", b"x");
        assert_ne!(tree.manifest(), manifest);
        let select = Selection::Of(&manifest);
        let again = hash_payload(tree.path(), select, &Cancel::new(), &Progress::new()).unwrap();
        assert_eq!(again.manifest, manifest);
        tree.put("data/empty", b"x");
        let again = hash_payload(tree.path(), select, &Cancel::new(), &Progress::new()).unwrap();
        assert_ne!(again.manifest, manifest);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn every_name_that_cannot_be_shared_is_listed() {
        use std::os::unix::ffi::OsStrExt as _;
        let tree =
            Tree::new(&[("version.ini", b"1"), ("A/x", b""), ("a/y", b""), ("b:c", b""), ("d/nul.txt", b"")]);
        let no_unicode = std::ffi::OsStr::from_bytes(b"\xff");
        std::fs::write(tree.path().join(no_unicode), b"").unwrap();
        std::fs::create_dir(tree.path().join("void.")).unwrap();
        let error = hash_payload(tree.path(), Selection::All, &Cancel::new(), &Progress::new()).unwrap_err();
        let DiskError::Names { offenders, .. } = &error else { panic!("{error}") };
        let paths: Vec<_> = offenders.iter().map(|offender| offender.path.as_str()).collect();
        assert_eq!(paths, ["a/y", "b:c", "d/nul.txt", "void.", "\u{fffd}"]);
    }

    #[test]
    fn a_file_that_changes_and_a_cancel_end_it() {
        let tree = Tree::new(&[("version.ini", b"1"), ("a", &noise("a", 3_000_000))]);
        let path = tree.path().join("a");
        let stat = FileStat::of(&std::fs::metadata(&path).unwrap());
        let mut hasher = FileHasher::new();
        let grow = |_: &Chunk, _: &[u8]| {
            std::fs::OpenOptions::new().append(true).open(&path)?;
            std::fs::write(&path, b"short")
        };
        let error = hash_file(&mut hasher, &path, stat, &Cancel::new(), grow).unwrap_err();
        assert!(matches!(error, DiskError::Changed { .. }), "{error}");
        let cancel = Cancel::new();
        cancel.cancel();
        let error = hash_payload(tree.path(), Selection::All, &cancel, &Progress::new()).unwrap_err();
        assert!(matches!(error, DiskError::Cancelled), "{error}");
    }

    #[test]
    fn matching_chunks_are_told_apart() {
        let tree = Tree::new(&[("version.ini", b"1"), ("a", &noise("a", 3_000_000))]);
        let manifest = tree.manifest();
        let chunks = &manifest.chunks()[..manifest.files()[0].chunks.end as usize];
        let mut damaged = tree.get("a");
        damaged[0] ^= 1;
        damaged.truncate(2_999_999);
        tree.put("a", &damaged);
        let found =
            matching_chunks(&tree.path().join("a"), chunks, &Cancel::new(), &Progress::new()).unwrap();
        let good = found.iter().filter(|good| **good).count();
        assert_eq!(good, chunks.len() - 2);
        assert!(!found[0] && !found[chunks.len() - 1]);
    }
}
