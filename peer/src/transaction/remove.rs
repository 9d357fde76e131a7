//! The removal of a payload's files. The journal takes the sentinel off before, and goes on after a crash.

use std::fs;

use lanspread_protocol::{Manifest, RelPath};

use super::{Before, placed};
use crate::disk::place::remove_emptied_folders;
use crate::disk::tree::{Follow, Locator, walk};
use crate::disk::{Cancel, DiskError, GameFolder, atomic};

/// Removes exactly the manifest's files and those that a download of another has placed, or without a manifest all but
/// `local/` and what is ours, then the folders that this empties. Extra files
/// stay, and so does what `.lanspread/` keeps for a person. The sentinel is off.
pub(crate) fn remove_files(
    folder: &GameFolder,
    manifest: Option<&Manifest>,
    before: &mut Before<'_>,
) -> Result<(), DiskError> {
    if !folder.root().is_dir() {
        return Ok(());
    }
    placed::remove(folder, before)?;
    match manifest {
        Some(manifest) => remove_files_of(folder, manifest, before)?,
        None => remove_all(folder, before)?,
    }
    atomic::remove_if_there(&folder.manifest())?;
    Ok(())
}

/// Removes the game's folder, if nothing is left in it.
pub(crate) fn remove_folder(folder: &GameFolder) {
    for path in [folder.state(), folder.root().to_owned()] {
        // Refused when something of a person's is left in them, which is what decides.
        let removed = fs::remove_dir(path);
        drop(removed);
    }
}

fn remove_files_of(
    folder: &GameFolder,
    manifest: &Manifest,
    before: &mut Before<'_>,
) -> Result<(), DiskError> {
    let mut locator = Locator::new(folder.root());
    for file in manifest.files() {
        let path = folder.file(&file.path);
        // Through a link this would remove another file; a folder in a file's place is not ours.
        let is_file = fs::symlink_metadata(&path).is_ok_and(|there| !there.is_dir());
        if is_file && locator.has_plain_folders(&file.path) {
            before()?;
            atomic::remove_if_there(&path)?;
        }
    }
    let paths = manifest.files().iter().map(|file| &file.path);
    remove_empty_folders(folder, manifest.empty_folders());
    remove_emptied_folders(folder.root(), paths.chain(manifest.empty_folders()));
    Ok(())
}

fn remove_empty_folders(folder: &GameFolder, paths: &[RelPath]) {
    for path in paths {
        let removed = fs::remove_dir(folder.file(path));
        drop(removed);
    }
}

fn remove_all(folder: &GameFolder, before: &mut Before<'_>) -> Result<(), DiskError> {
    let walked = walk(folder.root(), Follow::Nothing, &Cancel::new())?;
    for file in &walked.files {
        before()?;
        atomic::remove_if_there(&file.path)?;
    }
    // What is left are folders, links, and what operating systems drop into folders.
    for entry in fs::read_dir(folder.root()).into_iter().flatten().flatten() {
        before()?;
        let name = entry.file_name();
        if lanspread_protocol::path::is_reserved_root_name(&name.to_string_lossy()) {
            continue;
        }
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            atomic::remove_tree_if_there(&entry.path())?;
        } else {
            atomic::remove_if_there(&entry.path())?;
        }
    }
    Ok(())
}
