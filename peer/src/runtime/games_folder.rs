//! Whether a folder can be the games folder.

use std::io;
use std::path::{Path, PathBuf};

use lanspread_engine::{DiskFailure, FailureKind};
use thiserror::Error;

use crate::disk::GamesFolder;

/// Why it cannot.
#[derive(Debug, Error)]
pub enum GamesFolderError {
    #[error("the games folder “{}” is no folder", .0.display())]
    NoFolder(PathBuf),
    /// Never made, deleted, or on a drive that is not plugged in.
    #[error("the games folder “{}” does not exist", .0.display())]
    Gone(PathBuf),
    #[error("the games folder “{}” cannot be written: {cause}", .folder.display())]
    NotWritable {
        folder: PathBuf,
        #[source]
        cause: io::Error,
    },
}

impl From<GamesFolderError> for DiskFailure {
    fn from(error: GamesFolderError) -> Self {
        Self { kind: FailureKind::Io, message: error.to_string() }
    }
}

/// Tries whether it is there and can be written.
pub(super) fn check(root: &Path) -> Result<(), GamesFolderError> {
    if root.is_file() {
        return Err(GamesFolderError::NoFolder(root.to_owned()));
    }
    if !root.is_dir() {
        return Err(GamesFolderError::Gone(root.to_owned()));
    }
    let state = GamesFolder::new(root).state();
    let probe = state.join("write-test");
    let tried = std::fs::create_dir_all(&state)
        .and_then(|()| std::fs::write(&probe, b""))
        .and_then(|()| std::fs::remove_file(&probe));
    tried.map_err(|cause| GamesFolderError::NotWritable { folder: root.to_owned(), cause })
}
