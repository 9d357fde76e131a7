//! [`UnpackError`]: which archive and which member could not be unpacked, and why, in a person's words.

use std::path::PathBuf;

use lanspread_protocol::PathError;
use thiserror::Error;

use crate::disk::error::Size;
use crate::disk::{DiskError, DiskErrorKind};

/// Why an archive was not unpacked. What was written before the error stays where it is.
#[derive(Debug, Error)]
pub enum UnpackError {
    /// Reading the archive or writing a file failed, or the work was cancelled.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The first bytes are those of no format that is known here.
    #[error("“{}” is no archive of a kind that can be unpacked (RAR, ZIP, 7z, TAR)", .archive.display())]
    NotAnArchive { archive: PathBuf },
    /// A member that would do harm, or cannot exist on every PC.
    #[error("“{}” cannot be unpacked: “{member}” {refusal}", .archive.display())]
    Member { archive: PathBuf, member: String, refusal: Refusal },
    /// A member that lies in the way of itself: something in the folder is not what the archive needs there.
    #[error("“{}” cannot be unpacked: “{}” is in the way", .archive.display(), .path.display())]
    InTheWay { archive: PathBuf, path: PathBuf },
    /// There is nobody here to type a password.
    #[error("“{}” is protected by a password{}", .archive.display(), of_member(.member.as_deref()))]
    Encrypted { archive: PathBuf, member: Option<String> },
    /// Truncated, changed, or never complete.
    #[error("“{}” is damaged or incomplete{}: {cause}", .archive.display(), of_member(.member.as_deref()))]
    Broken { archive: PathBuf, member: Option<String>, cause: String },
    /// Sound, but made in a way that is not known here.
    #[error("“{}” cannot be unpacked{}: {what}", .archive.display(), of_member(.member.as_deref()))]
    Unsupported { archive: PathBuf, member: Option<String>, what: String },
    /// An archive in several files, of which one is not there.
    #[error("“{}” goes on in “{}”, which is not there", .archive.display(), .volume.display())]
    MissingVolume { archive: PathBuf, volume: PathBuf },
    /// A part of an archive in several files that is not the first.
    #[error("“{}” is a later part of an archive in several files: unpack the first one", .archive.display())]
    LaterVolume { archive: PathBuf },
    /// More content than there is room for, by what the archive says or by what came out of it.
    #[error("“{}” unpacks to more than the {} there is room for", .archive.display(), Size(*.most))]
    TooLarge { archive: PathBuf, most: u64 },
    /// More files, folders and links than any payload has.
    #[error("“{}” has more than {most} files and folders", .archive.display())]
    TooManyFiles { archive: PathBuf, most: usize },
    /// It could only be unpacked with more memory than this PC can spare.
    #[error("“{}” needs more memory to unpack than the {} that can be spared", .archive.display(), Size(*.most))]
    Dictionary { archive: PathBuf, most: u64 },
}

/// What is wrong with a member.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The name leads out, or cannot exist on every PC, or is one of Lanspread's own.
    #[error("has a name that is not allowed: {0}")]
    Name(#[from] PathError),
    #[error("has a name that is no Unicode")]
    NotUnicode,
    #[error("is the same as “{other}” where case or accents do not count")]
    Twin { other: String },
    #[error("is a file and a folder")]
    FileAndFolder,
    /// Links are unpacked as copies of what they lead to; this one leads to nothing that was unpacked.
    #[error("is a link to “{target}”, which is no file in the folder")]
    Link { target: String },
    #[error("is neither file, folder nor link")]
    Special,
    /// A 7z "anti-item".
    #[error("is an order to delete something")]
    Deletes,
}

impl UnpackError {
    /// What a caller can do about it.
    pub fn kind(&self) -> DiskErrorKind {
        match self {
            Self::Disk(error) => error.kind(),
            Self::TooLarge { .. } => DiskErrorKind::NoSpace,
            Self::NotAnArchive { .. }
            | Self::Member { .. }
            | Self::InTheWay { .. }
            | Self::Encrypted { .. }
            | Self::Broken { .. }
            | Self::Unsupported { .. }
            | Self::MissingVolume { .. }
            | Self::LaterVolume { .. }
            | Self::TooManyFiles { .. }
            | Self::Dictionary { .. } => DiskErrorKind::Io,
        }
    }
}

fn of_member(member: Option<&str>) -> String {
    member.map(|member| format!(" at “{member}”")).unwrap_or_default()
}
