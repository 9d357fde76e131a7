//! [`InstallError`]: why a game is not installed or not uninstalled.

use std::path::PathBuf;

use lanspread_protocol::RelPath;
use thiserror::Error;

use crate::disk::{DiskError, DiskErrorKind};
use crate::unpack::UnpackError;

/// Unless it says otherwise, `local/` is as it was.
#[derive(Debug, Error)]
pub enum InstallError {
    #[error("“{}” holds no complete payload: download the game first", .folder.display())]
    NoPayload { folder: PathBuf },
    #[error("“{}” has no installed game", .folder.display())]
    NotInstalled { folder: PathBuf },
    /// The catalog's recipe names an archive that the payload does not have.
    #[error("“{}” has no archive “{archive}”, which is to be unpacked", .folder.display())]
    NoArchive { folder: PathBuf, archive: RelPath },
    /// A file of the payload is gone or leads elsewhere.
    #[error("“{path}” of the payload is not here: verify the game")]
    NoFile { path: String },
    /// What is wrong with an archive.
    #[error(transparent)]
    Unpack(UnpackError),
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The new state is there; the rest is done by [`crate::transaction::recover`].
    #[error("installed, but what was there before could not be put away yet: {cause}")]
    Unfinished {
        #[source]
        cause: Box<InstallError>,
    },
}

impl From<UnpackError> for InstallError {
    fn from(error: UnpackError) -> Self {
        // The disk's failures and a cancel are told apart wherever they come from.
        if let UnpackError::Disk(error) = error { Self::Disk(error) } else { Self::Unpack(error) }
    }
}

impl InstallError {
    /// `None` for what no disk is to blame for.
    pub fn kind(&self) -> Option<DiskErrorKind> {
        match self {
            Self::Disk(error) => Some(error.kind()),
            Self::Unpack(error) => Some(error.kind()),
            Self::Unfinished { cause } => cause.kind(),
            Self::NoPayload { .. }
            | Self::NotInstalled { .. }
            | Self::NoArchive { .. }
            | Self::NoFile { .. } => None,
        }
    }
}
