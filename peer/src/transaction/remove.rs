//! The removal of a payload's files: which they are, found before the intent, and what the journal's step does with them.
//!
//! The journal takes the sentinel off before, and goes on after a crash.

use std::fs;

use lanspread_protocol::{Manifest, RelPath};
use serde::{Deserialize, Serialize};

use super::kept::Droppable;
use super::ours::{Known, Ours};
use super::{Before, Extras, placed};
use crate::disk::place::remove_emptied_folders;
use crate::disk::tree::{FileStat, Follow, Locator, walk};
use crate::disk::{Cancel, DiskError, GameFolder, atomic};

/// What goes.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum RemovePlan {
    /// These files while they are as they were, then these folders if they are empty.
    Files { files: Vec<Droppable>, empty_folders: Vec<RelPath> },
    /// All but `local/` and what is Lanspread's own.
    Everything,
}

impl RemovePlan {
    /// Finds what is ours. Files whose times do not tell are read.
    pub(crate) fn find(
        folder: &GameFolder,
        known: &Known,
        extras: Extras,
        cancel: &Cancel,
    ) -> Result<Self, DiskError> {
        if extras == Extras::Delete {
            return Ok(Self::Everything);
        }
        let ours = Ours::of(folder, known)?;
        let (mut files, mut has_others) = (Vec::new(), false);
        for found in walk(folder.root(), Follow::Nothing, cancel)?.files {
            cancel.check()?;
            match found.name.parse::<RelPath>() {
                Ok(path) if ours.has(&path, &found.path, found.stat, cancel)? => {
                    files.push(Droppable::new(path.as_str(), found.stat));
                }
                Ok(_) | Err(_) => has_others = true,
            }
        }
        let has_parts = [folder.parts(), folder.new_files()].iter().any(|parts| parts.is_dir());
        if files.is_empty() && has_others && !has_parts {
            return Err(DiskError::NotOurs { folder: folder.root().to_owned() });
        }
        Ok(Self::Files { files, empty_folders: ours.empty_folders().cloned().collect() })
    }

    /// What a plan of the first form does now: with a manifest its files went, without one everything would have gone,
    /// a person's files among it, and nothing goes any more.
    pub(super) fn of_first_form(folder: &GameFolder, manifest: Option<&Manifest>) -> Self {
        let mut locator = Locator::new(folder.root());
        let mut droppable = |path: &RelPath| {
            let there = fs::symlink_metadata(folder.file(path)).ok().filter(|there| !there.is_dir())?;
            locator.has_plain_folders(path).then(|| Droppable::new(path.as_str(), FileStat::of(&there)))
        };
        let listed = manifest.map(Manifest::files).unwrap_or_default();
        let files = listed.iter().filter_map(|file| droppable(&file.path)).collect();
        let empty_folders = manifest.map(Manifest::empty_folders).unwrap_or_default().to_vec();
        Self::Files { files, empty_folders }
    }

    /// Removes them, what a download has placed, and the folders that this empties. What is a person's stays, and so does
    /// what `.lanspread/` keeps for a person. The sentinel is off.
    pub(super) fn remove_files(&self, folder: &GameFolder, before: &mut Before<'_>) -> Result<(), DiskError> {
        if !folder.root().is_dir() {
            return Ok(());
        }
        placed::remove(folder, before)?;
        match self {
            Self::Files { files, empty_folders } => {
                for file in files {
                    file.drop_below(folder.root(), before)?;
                }
                for path in empty_folders {
                    let removed = fs::remove_dir(folder.file(path));
                    drop(removed);
                }
                let paths: Vec<_> = files.iter().filter_map(|file| file.name.parse().ok()).collect();
                remove_emptied_folders(folder.root(), paths.iter().chain(empty_folders));
            }
            Self::Everything => remove_all(folder, before)?,
        }
        atomic::remove_if_there(&folder.payload_record())?;
        atomic::remove_if_there(&folder.manifest())?;
        Ok(())
    }
}

/// Removes the game's folder, if nothing is left in it.
pub(crate) fn remove_folder(folder: &GameFolder) {
    for path in [folder.state(), folder.root().to_owned()] {
        // Refused when something of a person's is left in them, which is what decides.
        let removed = fs::remove_dir(path);
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
