//! The one place that knows how archives are read.

use std::path::{Path, PathBuf};

use lanspread_protocol::{Blake3Hash, RelPath};
use thiserror::Error;

use crate::disk::{Cancel, DiskError, DiskErrorKind, Progress};

/// A file that was unpacked.
#[derive(Debug)]
pub(super) struct UnpackedFile {
    pub(super) path: RelPath,
    pub(super) hash: Blake3Hash,
}

/// Why an archive was not unpacked.
#[derive(Debug, Error)]
pub enum UnpackError {
    #[error("“{}” cannot be unpacked: its format is not known", .0.display())]
    Unknown(PathBuf),
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl UnpackError {
    pub(super) fn kind(&self) -> Option<DiskErrorKind> {
        match self {
            Self::Unknown(_) => None,
            Self::Disk(error) => Some(error.kind()),
        }
    }
}

pub(super) fn is_archive(_path: &Path) -> bool {
    false
}

pub(super) fn declared_bytes(_path: &Path) -> Option<u64> {
    None
}

pub(super) fn unpack(
    archive: &Path,
    _into: &Path,
    cancel: &Cancel,
    _progress: &Progress,
    _on_file: &mut dyn FnMut(UnpackedFile) -> Result<(), DiskError>,
) -> Result<(), UnpackError> {
    cancel.check()?;
    Err(UnpackError::Unknown(archive.to_owned()))
}
