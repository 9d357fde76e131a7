//! What a download or an update in the making leaves when it is given up.

use std::fs;

use super::{placed, remove};
use crate::disk::{DiskError, GameFolder, atomic};

/// Drops a download or an update in the making. Of files at their places only those go that the download has put
/// there and nobody changed; with a sentinel, what is there is a payload, and stays.
pub fn discard(folder: &GameFolder) -> Result<(), DiskError> {
    if fs::symlink_metadata(folder.intent()).is_ok() {
        return Err(DiskError::Unfinished { path: folder.intent() });
    }
    if fs::symlink_metadata(folder.sentinel()).is_err() {
        placed::remove(folder, &mut || Ok(()))?;
    }
    remove_parts(folder)?;
    remove::remove_folder(folder);
    Ok(())
}

/// Removes what a download or an update left under `.lanspread/`. What is at its place stays.
pub(crate) fn remove_parts(folder: &GameFolder) -> Result<(), DiskError> {
    atomic::remove_tree_if_there(&folder.new_files())?;
    atomic::remove_tree_if_there(&folder.parts())?;
    atomic::remove_if_there(&folder.placed())?;
    Ok(())
}
