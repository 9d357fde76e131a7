//! The sentinel, whose presence says that a payload is complete: off before the first change, on after the last.

use std::fs;

use lanspread_protocol::RelPath;

use crate::disk::place::Placer;
use crate::disk::{DiskError, GameFolder, atomic};

/// Takes the sentinel away, durably. A folder of its name is none.
pub(crate) fn take_off(folder: &GameFolder) -> Result<(), DiskError> {
    if fs::symlink_metadata(folder.sentinel()).is_ok_and(|there| !there.is_dir()) {
        atomic::remove_if_there(&folder.sentinel())?;
    }
    atomic::sync_folder(folder.root())
}

/// Puts `version.ini` to its place; everything else must be durable.
pub(crate) fn put_on(folder: &GameFolder, bytes: &[u8]) -> Result<(), DiskError> {
    let temporary = folder.sentinel_tmp();
    atomic::write_new(&temporary, bytes)?;
    // A folder of the sentinel's name is a person's, and makes way like any other obstacle.
    let path = lanspread_protocol::SENTINEL.parse::<RelPath>();
    match path {
        Ok(path) => Placer::new(folder, folder.root().to_owned()).place(&temporary, &path)?,
        Err(_never) => atomic::move_file(&temporary, &folder.sentinel())?,
    }
    atomic::sync_folder(folder.root())
}
