//! Puts finished files to their places in a game's folder, whatever stands in the way.
//!
//! A file that is there already is replaced: whose it is decides who calls. What cannot be replaced by a rename (a folder
//! where a file must be, a file or link where a folder must be) may be a person's: it is moved to `.lanspread/kept/`,
//! never deleted.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use lanspread_protocol::RelPath;

use super::error::Tried as _;
use super::layout::under;
use super::{DiskError, GameFolder, atomic};

/// Places files below one folder.
#[derive(Debug)]
pub(crate) struct Placer {
    root: PathBuf,
    game: GameFolder,
    /// Folders that are known to be real ones.
    folders: HashSet<String>,
    /// The folder that the next thing in the way goes to.
    kept_name: Option<String>,
    displaced: BTreeSet<String>,
}

impl Placer {
    /// Below `root`, which is the game's folder or one in its state.
    pub(crate) fn new(game: &GameFolder, root: PathBuf) -> Self {
        Self {
            root,
            game: game.clone(),
            folders: HashSet::new(),
            kept_name: None,
            displaced: BTreeSet::new(),
        }
    }

    /// Where `path` is to lie. All folders above it are real ones after this.
    pub(crate) fn with_folders(&mut self, path: &RelPath) -> Result<PathBuf, DiskError> {
        for folder in path.ancestors() {
            if !self.folders.contains(folder) {
                self.make_folder(folder)?;
                self.folders.insert(folder.to_owned());
            }
        }
        Ok(under(&self.root, path))
    }

    /// Moves a finished file to its place. Not durable until a flush.
    pub(crate) fn place(&mut self, from: &Path, path: &RelPath) -> Result<(), DiskError> {
        let to = self.with_folders(path)?;
        if fs::symlink_metadata(&to).is_ok_and(|there| there.is_dir()) && fs::remove_dir(&to).is_err() {
            self.displace(&to, path.as_str())?;
        }
        atomic::move_file(from, &to)
    }

    /// Makes an empty folder of the payload. One that is there stays as it is.
    pub(crate) fn empty_folder(&mut self, path: &RelPath) -> Result<(), DiskError> {
        self.with_folders(path)?;
        self.make_folder(path.as_str())
    }

    fn make_folder(&mut self, name: &str) -> Result<(), DiskError> {
        // Parts of a `RelPath` are safe to join.
        let path: PathBuf = self.root.join(name);
        match fs::symlink_metadata(&path) {
            Ok(there) if there.is_dir() => return Ok(()),
            Ok(_) => self.displace(&path, name)?,
            Err(error) if atomic::is_absent(&error) => {}
            Err(error) => return Err(error).tried("look at", &path),
        }
        fs::create_dir(&path).tried("create the folder", &path)
    }

    /// Moves what stands in the way to a folder in `.lanspread/kept/`, the same for all that this placer moves.
    pub(crate) fn displace(&mut self, path: &Path, name: &str) -> Result<(), DiskError> {
        let (mut to, mut free);
        loop {
            to = self.kept_name.get_or_insert_with(|| free_name(&self.game, "")).clone();
            free = self.game.kept().join(&to).join(name);
            // Of a path that was displaced before, both are kept.
            if fs::symlink_metadata(&free).is_err() {
                break;
            }
            self.kept_name = None;
        }
        let folder = free.parent().unwrap_or(&free);
        fs::create_dir_all(folder).tried("create the folder", folder)?;
        tracing::warn!(from = %path.display(), to = %free.display(), "moved what stood in a payload's way");
        atomic::move_file(path, &free)?;
        self.displaced.insert(to);
        Ok(())
    }

    /// The folders in `.lanspread/kept/` that something was moved to.
    pub(crate) fn displaced(&self) -> &BTreeSet<String> {
        &self.displaced
    }
}

/// A name below `.lanspread/kept/` that is free and sorts after all that are there.
pub(crate) fn free_name(game: &GameFolder, suffix: &str) -> String {
    let names = fs::read_dir(game.kept()).into_iter().flatten().flatten();
    let number = |name: &str| name.strip_prefix('k')?.get(..6)?.parse::<u32>().ok();
    let numbers = names.filter_map(|entry| number(entry.file_name().to_str()?));
    let next = numbers.max().unwrap_or(0) + 1;
    format!("k{next:06}{suffix}")
}

/// Lets what the manifest calls a program be started. Windows goes by names.
#[cfg_attr(not(unix), expect(clippy::unnecessary_wraps, reason = "it can fail where files have such a bit"))]
pub(crate) fn make_executable(path: &Path) -> Result<(), DiskError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let metadata = match fs::metadata(path) {
            Err(error) if atomic::is_absent(&error) => return Ok(()),
            metadata => metadata.tried("look at", path)?,
        };
        let mode = metadata.permissions().mode();
        // Whoever may read it may run it.
        let wanted = mode | (mode & 0o444) >> 2;
        if mode != wanted {
            fs::set_permissions(path, fs::Permissions::from_mode(wanted)).tried("make executable", path)?;
        }
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// Removes the empty folders above files that were removed, innermost first, and none that holds anything.
pub(crate) fn remove_emptied_folders<'a>(root: &Path, removed: impl Iterator<Item = &'a RelPath>) {
    let mut folders: Vec<&str> = removed.flat_map(|path| path.ancestors()).collect();
    folders.sort_unstable();
    folders.dedup();
    for folder in folders.iter().rev() {
        // Refused when it is not empty, which is what decides.
        let removed = fs::remove_dir(root.join(folder));
        drop(removed);
    }
}
