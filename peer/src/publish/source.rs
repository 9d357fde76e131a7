//! The source, a folder or archives: what of it becomes the payload, and the copy of it beside the old payload.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use lanspread_protocol::{FileHasher, HashedFile, Manifest, RelPath, SENTINEL, Version};

use super::archive::{self, Looks};
use super::request::Checked;
use super::{PublishError, PublishRequest};
use crate::disk::error::{Offender, Tried as _};
use crate::disk::hash::{FileList, Hashers, ListedFile, hash_file, hash_files};
use crate::disk::parallel::{HASHERS, for_each, lock};
use crate::disk::place::{Placer, make_executable};
use crate::disk::scan::read_sentinel;
use crate::disk::tree::{FileStat, Follow, Walked, WalkedFile, walk};
use crate::disk::{Cancel, DiskError, GameFolder, Links, Progress, space};
use crate::transaction;

/// A source that exists.
#[derive(Debug)]
pub(super) enum Source {
    Folder {
        path: PathBuf,
        links: Links,
    },
    /// The game's own folder.
    InPlace {
        path: PathBuf,
        links: Links,
    },
    Archives(Vec<PathBuf>),
}

/// A payload ready for the swap.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) manifest: Manifest,
    /// Files that lie in `.lanspread/new/`: none when published in place.
    pub(super) moves: Vec<RelPath>,
    pub(super) sentinel: Vec<u8>,
    pub(super) skipped: Vec<String>,
}

/// Whether the source is a folder or archives, and how it lies to the game's.
pub(super) fn check(request: &PublishRequest, folder: &GameFolder) -> Result<Source, PublishError> {
    let nothing = || PublishError::Field { field: "--from", reason: "nothing is given".to_owned() };
    let (first, more) = request.from.split_first().ok_or_else(nothing)?;
    let links = request.links;
    match (is_folder(first)?, more.is_empty()) {
        (true, true) => Ok(match lies(first, folder)? {
            Lies::InPlace => Source::InPlace { path: first.clone(), links },
            Lies::Elsewhere => Source::Folder { path: first.clone(), links },
        }),
        (true, false) => Err(PublishError::Mixed(first.clone())),
        (false, _) => {
            for path in &request.from {
                check_archive(path, folder)?;
            }
            Ok(Source::Archives(request.from.clone()))
        }
    }
}

pub(super) fn is_folder(path: &Path) -> Result<bool, PublishError> {
    let metadata = fs::metadata(path).map_err(|_absent| PublishError::NoSource(path.to_owned()))?;
    Ok(metadata.is_dir())
}

fn check_archive(path: &Path, folder: &GameFolder) -> Result<(), PublishError> {
    if is_folder(path)? {
        return Err(PublishError::Mixed(path.to_owned()));
    }
    match archive::look(path).tried("read", path)? {
        Looks::Archive => lies(path, folder).map(drop),
        Looks::OtherName => Err(PublishError::NoArchive(path.to_owned())),
        Looks::OtherContent => Err(PublishError::OtherContent(path.to_owned())),
    }
}

/// Where a source is.
enum Lies {
    InPlace,
    Elsewhere,
}

/// How a source lies to the game's folder; neither may lie in the other.
fn lies(path: &Path, folder: &GameFolder) -> Result<Lies, PublishError> {
    let real = |path: &Path| fs::canonicalize(path);
    let source = real(path).tried("find", path)?;
    // A game's folder that does not exist yet lies where its parent is.
    let target = real(folder.root()).unwrap_or_else(|_absent| {
        let parent = folder.root().parent().and_then(|parent| real(parent).ok());
        let name = folder.root().file_name();
        parent.zip(name).map_or_else(|| folder.root().to_owned(), |(parent, name)| parent.join(name))
    });
    if source == target {
        return Ok(Lies::InPlace);
    }
    if source.starts_with(&target) || target.starts_with(&source) {
        return Err(PublishError::Nested { inner: path.to_owned(), target: folder.root().to_owned() });
    }
    Ok(Lies::Elsewhere)
}

/// Lists the source, copies it unless it is in place, and hashes it.
pub(super) fn build(
    source: &Source,
    folder: &GameFolder,
    checked: &Checked,
    old_sentinel: Option<&[u8]>,
    cancel: &Cancel,
    progress: &Progress,
) -> Result<Built, PublishError> {
    let (root, walked, own) = match source {
        Source::Folder { path, links } => (
            path.as_path(),
            walk(path, Follow::Inside(*links), cancel)?,
            read_sentinel(&GameFolder::new(path))?,
        ),
        Source::InPlace { path, links } => {
            // What is shared in place is served from there, and nothing outside is served: such a link has to be copied
            // to somewhere else first.
            let links = if *links == Links::Copy { Links::Refuse } else { *links };
            let sentinel = old_sentinel.map(<[u8]>::to_vec);
            (path.as_path(), walk(path, Follow::Inside(links), cancel)?, sentinel)
        }
        Source::Archives(paths) => (folder.root(), list_archives(paths)?, None),
    };
    let is_in_place = matches!(source, Source::InPlace { .. });
    let mut list = FileList::from_walked(root, &walked)?;
    list.files.retain(|file| !file.name.is_sentinel() && !checked.leave_out.contains(&file.name));
    if list.files.is_empty() && list.empty_folders.is_empty() {
        return Err(PublishError::Empty(root.to_owned()));
    }
    // One that says the version already may say more in its other lines.
    let own = own.filter(|bytes| Version::from_sentinel(bytes).as_ref() == Some(&checked.version));
    let sentinel = own.unwrap_or_else(|| format!("{}\n", checked.version).into_bytes());

    let mut hashed = if is_in_place {
        hash_files(&list.files, cancel, progress)?
    } else {
        transaction::discard(folder)?;
        copy(&list.files, folder, cancel, progress)?
    };
    let mut moves = Vec::new();
    if !is_in_place {
        moves.extend(hashed.iter().map(|file| file.path.clone()));
        moves.sort();
    }
    hashed.push(hash_sentinel(&sentinel, root)?);
    let manifest = Manifest::from_files(hashed, list.empty_folders)
        .map_err(|cause| DiskError::Manifest { path: root.to_owned(), cause })?;
    Ok(Built { manifest, moves, sentinel, skipped: walked.skipped })
}

/// The archives as a folder of them would be listed.
pub(super) fn list_archives(paths: &[PathBuf]) -> Result<Walked, DiskError> {
    let mut walked = Walked::default();
    for path in paths {
        let file_name = path.file_name().unwrap_or_default();
        let name = file_name.to_string_lossy().into_owned();
        let mut refuse = |reason: &str| {
            walked.offenders.push(Offender { path: path.display().to_string(), reason: reason.to_owned() });
        };
        if file_name.to_str().is_none() {
            refuse("the name is no Unicode");
        } else if walked.files.iter().any(|file| file.name == name) {
            refuse("another archive has this name");
        } else {
            // Where a link leads: the copy is a file.
            let real = fs::canonicalize(path).tried("find", path)?;
            let stat = FileStat::of(&fs::metadata(&real).tried("look at", &real)?);
            walked.files.push(WalkedFile { name, path: real, stat });
        }
    }
    Ok(walked)
}

fn hash_sentinel(bytes: &[u8], source: &Path) -> Result<HashedFile, DiskError> {
    let failed = |cause| DiskError::Io { action: "hash version.ini for", path: source.to_owned(), cause };
    let content = FileHasher::new().hash(bytes, |_, _| Ok(())).map_err(failed)?;
    let path = SENTINEL.parse().map_err(std::io::Error::other).map_err(failed)?;
    Ok(HashedFile { path, executable: content.executable, chunks: content.chunks })
}

/// Copies files to `.lanspread/new/`: by reflink where the filesystem can, else bytes are hashed as they pass.
fn copy(
    files: &[ListedFile],
    folder: &GameFolder,
    cancel: &Cancel,
    progress: &Progress,
) -> Result<Vec<HashedFile>, DiskError> {
    let new_files = folder.new_files();
    let io = |cause| DiskError::Io { action: "create the folder", path: new_files.clone(), cause };
    fs::create_dir_all(&new_files).map_err(io)?;
    let total = files.iter().map(|file| file.stat.bytes).sum();
    space::check_sizes(folder.root(), files.iter().map(|file| (file.name.as_str(), file.stat.bytes)))?;
    progress.expect_more(total);
    let placer = Mutex::new(Placer::new(folder, new_files.clone()));
    let can_reflink = AtomicBool::new(files.iter().any(|file| can_reflink(file, &new_files)));
    if !can_reflink.load(Ordering::Relaxed) {
        space::check(folder.root(), total)?;
    }
    let hashers = Hashers::default();
    let hashed = Mutex::new(Vec::with_capacity(files.len()));
    for_each("publish", HASHERS, files, |file| {
        let target = lock(&placer).with_folders(&file.name)?;
        let is_reflink =
            can_reflink.load(Ordering::Relaxed) && reflink_copy::reflink(&file.path, &target).is_ok();
        let copied = hashers.with(|hasher| copy_one(hasher, file, &target, is_reflink, cancel, progress))?;
        lock(&hashed).push(copied);
        Ok(())
    })?;
    let hashed = std::mem::take(&mut *lock(&hashed));
    Ok(hashed)
}

/// Whether a first file can be cloned to where the copies go. The clone is removed again.
fn can_reflink(file: &ListedFile, new_files: &Path) -> bool {
    let probe = new_files.join(".reflink-probe");
    let can = file.stat.bytes > 0 && reflink_copy::reflink(&file.path, &probe).is_ok();
    can && fs::remove_file(&probe).is_ok()
}

fn copy_one(
    hasher: &mut FileHasher,
    file: &ListedFile,
    target: &Path,
    is_reflink: bool,
    cancel: &Cancel,
    progress: &Progress,
) -> Result<HashedFile, DiskError> {
    let io = |action| move |cause| DiskError::Io { action, path: target.to_owned(), cause };
    let content = if is_reflink {
        let clone = fs::metadata(target).map_err(io("look at"))?;
        if clone.len() != file.stat.bytes {
            return Err(DiskError::Changed { path: file.path.clone() });
        }
        let stat = FileStat::of(&clone);
        hash_file(hasher, target, stat, cancel, |chunk, _| {
            progress.add(u64::from(chunk.bytes));
            Ok(())
        })?
    } else {
        let mut copy = File::create_new(target).map_err(io("create"))?;
        let mut written = Ok(());
        let content = hash_file(hasher, &file.path, file.stat, cancel, |chunk, bytes| {
            progress.add(u64::from(chunk.bytes));
            written = copy.write_all(bytes);
            // Whose error it is must not get lost: the source's path would be named for the copy's failure.
            if written.is_err() { Err(std::io::ErrorKind::Other.into()) } else { Ok(()) }
        });
        written.map_err(io("write"))?;
        content?
    };
    if content.executable {
        make_executable(target)?;
    }
    Ok(HashedFile { path: file.name.clone(), executable: content.executable, chunks: content.chunks })
}

/// Removes a game's folder that a failed attempt made and that holds nothing.
pub(super) fn remove_if_empty(folder: &GameFolder) {
    for path in [folder.state(), folder.root().to_owned()] {
        // Refused when it is not empty, which is what decides.
        let removed = fs::remove_dir(path);
        drop(removed);
    }
}
