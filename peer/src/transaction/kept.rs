//! What becomes of an old `local/`: named files go, everything else is kept under `.lanspread/kept/`.
//!
//! A folder's name says in which order and by what it was made: `k000001` by an install or by what replaced a file of the
//! payload, `k000001-uninstalled` by an uninstall, `k000001-adopted` by the uninstall of a `local/` that Lanspread did not
//! make. Names sort by age, whatever the clock said; those of earlier versions begin with the time and sort before.

use std::fs;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};
use walkdir::WalkDir;

use super::Before;
use crate::disk::error::Tried as _;
use crate::disk::installed::{MARKER, is_marked};
use crate::disk::layout::STATE;
pub(crate) use crate::disk::place::free_name;
use crate::disk::tree::FileStat;
use crate::disk::{DiskError, GameFolder, atomic};

/// Ends the names of folders that an uninstall made.
pub(crate) const UNINSTALLED: &str = "-uninstalled";
/// Ends the names of folders that hold a whole `local/` that Lanspread did not make.
pub(crate) const ADOPTED: &str = "-adopted";

/// A person's files that were moved out of `local/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Relative to the game's folder.
    pub folder: String,
    /// Relative to `folder`, joined by `/`, sorted.
    pub paths: Vec<String>,
}

/// What becomes of a backup.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Settlement {
    pub(crate) drop: Goes,
    /// The name below `.lanspread/kept/` for what is left.
    pub(crate) kept: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Goes {
    Files(Vec<Droppable>),
    /// The person ticked that nothing is to be kept.
    All,
}

/// A file that may go if it is still as it was when that was decided.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Droppable {
    /// Relative, joined by `/`.
    pub(crate) name: String,
    bytes: u64,
    modified: i64,
}

/// Files of an earlier uninstall that came back into `local/`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Restored {
    /// The name below `.lanspread/kept/`.
    pub(crate) folder: String,
    pub(crate) files: Vec<Droppable>,
}

impl Kept {
    /// `None` if nothing of that name is kept.
    pub(crate) fn list(folder: &GameFolder, name: &str) -> Option<Self> {
        let root = folder.kept().join(name);
        fs::symlink_metadata(&root).ok()?;
        let mut paths = Vec::new();
        for entry in WalkDir::new(&root).min_depth(1).into_iter().flatten() {
            if !entry.file_type().is_dir() {
                let inside = entry.path().strip_prefix(&root).unwrap_or(entry.path());
                paths.push(joined(inside));
            }
        }
        paths.sort();
        Some(Self { folder: format!("{STATE}/kept/{name}"), paths })
    }
}

impl Droppable {
    pub(crate) fn new(name: impl Into<String>, stat: FileStat) -> Self {
        Self { name: name.into(), bytes: stat.bytes, modified: stat.modified }
    }

    /// Removes it below `root`, unless it is not what it was or would be reached through a link.
    pub(super) fn drop_below(&self, root: &Path, before: &mut Before<'_>) -> Result<(), DiskError> {
        let name = Path::new(&self.name);
        if !name.components().all(|part| matches!(part, Component::Normal(_))) {
            return Ok(());
        }
        let path = root.join(name);
        let Ok(metadata) = fs::symlink_metadata(&path) else { return Ok(()) };
        let stat = FileStat::of(&metadata);
        let is_same = !metadata.is_dir() && (stat.bytes, stat.modified) == (self.bytes, self.modified);
        let folders = name.ancestors().skip(1).filter(|above| !above.as_os_str().is_empty());
        let is_plain =
            |above: &Path| fs::symlink_metadata(root.join(above)).is_ok_and(|found| found.is_dir());
        if is_same && folders.into_iter().all(is_plain) {
            before()?;
            remove_stubborn(&path)?;
        }
        Ok(())
    }
}

impl Restored {
    /// Removes what lives on in `local/`.
    pub(crate) fn settle(&self, folder: &GameFolder, before: &mut Before<'_>) -> Result<(), DiskError> {
        let root = folder.kept().join(&self.folder);
        for file in &self.files {
            file.drop_below(&root, before)?;
        }
        remove_empty_folders(&root);
        remove_if_empty(&folder.kept());
        Ok(())
    }
}

/// Removes from the backup what is to go, and keeps the rest as `name`. What has no marker (any more) is kept whole.
pub(crate) fn settle(
    folder: &GameFolder,
    drop: Option<&Goes>,
    name: &str,
    before: &mut Before<'_>,
) -> Result<(), DiskError> {
    let backup = folder.local_backup();
    if fs::symlink_metadata(&backup).is_err() {
        return Ok(());
    }
    if is_marked(&backup) {
        match drop {
            Some(Goes::All) => return remove_owned(&backup, before),
            Some(Goes::Files(files)) => {
                for file in files {
                    file.drop_below(&backup, before)?;
                }
            }
            None => {}
        }
        before()?;
        atomic::remove_if_there(&backup.join(MARKER))?;
    }
    remove_empty_folders(&backup);
    if fs::symlink_metadata(&backup).is_ok() {
        before()?;
        keep(folder, &backup, name)?;
    }
    atomic::sync_folder(folder.root())
}

/// Moves what is at `path` to `.lanspread/kept/<name>`, durably.
pub(crate) fn keep(folder: &GameFolder, path: &Path, name: &str) -> Result<(), DiskError> {
    let kept = folder.kept();
    fs::create_dir_all(&kept).tried("create the folder", &kept)?;
    atomic::sync_folder(&folder.state())?;
    tracing::info!(from = %path.display(), %name, "a person's files are kept");
    atomic::rename(path, &kept.join(name))?;
    atomic::sync_folder(folder.root())
}

/// The newest folder that an uninstall made, and whether it holds a whole `local/`.
pub(crate) fn newest_uninstalled(folder: &GameFolder) -> Option<(String, bool)> {
    let entries = fs::read_dir(folder.kept()).ok()?;
    let names = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    let newest = names.filter(|name| name.contains(UNINSTALLED) || name.contains(ADOPTED)).max()?;
    let is_adopted = newest.contains(ADOPTED);
    Some((newest, is_adopted))
}

/// Removes a folder of ours with everything in it, the marker last; one without a marker only if it is empty.
pub(crate) fn remove_owned(root: &Path, before: &mut Before<'_>) -> Result<(), DiskError> {
    if is_marked(root) {
        let marker = root.join(MARKER);
        for entry in WalkDir::new(root).min_depth(1).contents_first(true) {
            let entry = entry.map_err(std::io::Error::from).tried("look into", root)?;
            if entry.path() == marker {
                continue;
            }
            before()?;
            if entry.file_type().is_dir() {
                fs::remove_dir(entry.path()).tried("remove", entry.path())?;
            } else {
                remove_stubborn(entry.path())?;
            }
        }
        before()?;
        atomic::remove_if_there(&marker)?;
    }
    remove_if_empty(root);
    Ok(())
}

/// Removes a file even from a folder that must not be written to.
fn remove_stubborn(path: &Path) -> Result<(), DiskError> {
    match atomic::remove_if_there(path) {
        Err(DiskError::Io { cause, .. }) if cause.kind() == std::io::ErrorKind::PermissionDenied => {
            let folder = path.parent().unwrap_or(path);
            atomic::make_writable(folder).tried("make writable", folder)?;
            atomic::remove_if_there(path).map(drop)
        }
        removed => removed.map(drop),
    }
}

/// Removes all folders in which there is no file, and `root` itself if there is none at all.
fn remove_empty_folders(root: &Path) {
    for entry in WalkDir::new(root).contents_first(true).into_iter().flatten() {
        if entry.file_type().is_dir() {
            remove_if_empty(entry.path());
        }
    }
}

/// Refused when it is not empty, which is what decides.
pub(crate) fn remove_if_empty(folder: &Path) {
    let removed = fs::remove_dir(folder);
    drop(removed);
}

/// Makes everything below a folder durable.
pub(crate) fn flush_all(root: &Path) -> Result<(), DiskError> {
    // One flush of the filesystem does it on Linux.
    let mut files: Vec<PathBuf> = Vec::new();
    if cfg!(not(target_os = "linux")) {
        let entries = WalkDir::new(root).into_iter().flatten();
        files.extend(entries.filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path));
    }
    atomic::flush_tree(root, &files)
}

/// A relative path with `/` between its parts.
pub(crate) fn joined(path: &Path) -> String {
    let parts: Vec<_> = path.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}
