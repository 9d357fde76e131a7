//! [`DiskError`]: what was tried, on which path, and why it failed.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use lanspread_protocol::{ManifestError, Version};
use thiserror::Error;

/// What a caller can do about an error: the engine's error codes come from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskErrorKind {
    /// The disk, or what this person may use of it, is full.
    NoSpace,
    /// The folder is read-only or belongs to somebody else.
    AccessDenied,
    /// The work was told to stop; nothing is wrong.
    Cancelled,
    /// A file is not what it was a moment ago: scan again.
    Changed,
    /// Anything else.
    Io,
}

/// Why work on disk failed.
#[derive(Debug, Error)]
pub enum DiskError {
    /// The operating system refused a step.
    #[error("cannot {action} “{}”: {cause}", .path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    /// Found before work began; a disk that fills up meanwhile is [`DiskError::Io`] of the same kind.
    #[error("“{}” needs {} more, and {} are free", .folder.display(), Size(*.needed), Size(*.free))]
    NoSpace { folder: PathBuf, needed: u64, free: u64 },
    #[error(
        "“{file}” has {}, and the drive of “{}” is formatted as FAT32, which holds at most 4 GiB in a file: choose a folder on another drive, or format this one as exFAT or NTFS",
        Size(*.bytes),
        .folder.display()
    )]
    FileTooLarge { folder: PathBuf, file: String, bytes: u64 },
    #[error("cancelled")]
    Cancelled,
    #[error("“{}” was changed meanwhile", .path.display())]
    Changed { path: PathBuf },
    #[error("another Lanspread runs on “{}”", .folder.display())]
    Locked { folder: PathBuf },
    #[error("“{}” is a link that leads out of its game's folder", .path.display())]
    LeadsOut { path: PathBuf },
    /// All names that no manifest can hold.
    #[error("“{}” cannot be shared:{}", .folder.display(), Offenders(.offenders))]
    Names { folder: PathBuf, offenders: Vec<Offender> },
    #[error("“{}” is no manifest: {cause}", .path.display())]
    Manifest {
        path: PathBuf,
        #[source]
        cause: ManifestError,
    },
    /// The payload says that it is another version than the catalog promised.
    #[error("version.ini in “{}” says {}, expected is {expected}", .folder.display(), Found(.found.as_ref()))]
    WrongVersion { folder: PathBuf, expected: Version, found: Option<Version> },
    #[error("“{}” still lacks {}", .folder.display(), Size(*.missing))]
    Incomplete { folder: PathBuf, missing: u64 },
    /// Another program holds a file in it open, after this one waited for a second.
    #[error("a file in “{}” is in use by another program: close it and try again", .path.display())]
    InUse { path: PathBuf },
    /// A request for what this payload does not have (yet).
    #[error("unit {unit} of “{}” is not here", .folder.display())]
    NotHere { folder: PathBuf, unit: u32 },
    /// Bytes that do not fit the unit they are said to be.
    #[error("{given} bytes were given for unit {unit}, which takes {expected}")]
    UnitSize { unit: u32, given: usize, expected: u64 },
    #[error("“{}” tells of a transaction that is not finished: start again to recover it", .path.display())]
    Unfinished { path: PathBuf },
    /// Nothing says which files are the game's.
    #[error(
        "nothing in “{}” is known to be Lanspread's, so nothing was deleted. To delete everything in \
         it, say that other files go, too (“extras”: “delete”)",
        .folder.display()
    )]
    NotOurs { folder: PathBuf },
    #[error("“{}”, the plan of an interrupted change, is damaged; verify the game", .path.display())]
    Plan { path: PathBuf },
}

/// A name that no manifest can hold, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offender {
    pub path: String,
    pub reason: String,
}

impl DiskError {
    pub fn kind(&self) -> DiskErrorKind {
        use io::ErrorKind as K;
        match self {
            Self::NoSpace { .. } => DiskErrorKind::NoSpace,
            Self::Cancelled => DiskErrorKind::Cancelled,
            Self::Changed { .. } => DiskErrorKind::Changed,
            Self::Io { cause, .. } => {
                let kind = cause.kind();
                if matches!(kind, K::StorageFull | K::QuotaExceeded | K::FileTooLarge) {
                    DiskErrorKind::NoSpace
                } else if matches!(kind, K::PermissionDenied | K::ReadOnlyFilesystem) {
                    DiskErrorKind::AccessDenied
                } else {
                    DiskErrorKind::Io
                }
            }
            Self::Locked { .. }
            | Self::FileTooLarge { .. }
            | Self::LeadsOut { .. }
            | Self::Names { .. }
            | Self::Manifest { .. }
            | Self::WrongVersion { .. }
            | Self::Incomplete { .. }
            | Self::InUse { .. }
            | Self::NotHere { .. }
            | Self::UnitSize { .. }
            | Self::Unfinished { .. }
            | Self::NotOurs { .. }
            | Self::Plan { .. } => DiskErrorKind::Io,
        }
    }
}

/// Says what was tried when an [`io::Result`] is an error.
pub(crate) trait Tried<T> {
    /// `action` completes the sentence "cannot … “path”".
    fn tried(self, action: &'static str, path: &Path) -> Result<T, DiskError>;
}

impl<T> Tried<T> for io::Result<T> {
    fn tried(self, action: &'static str, path: &Path) -> Result<T, DiskError> {
        self.map_err(|cause| DiskError::Io { action, path: path.to_owned(), cause })
    }
}

/// A number of bytes as people say it.
pub(crate) struct Size(pub(crate) u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)];
        match units.into_iter().find(|(_, unit)| self.0 >= *unit) {
            Some((name, unit)) => write!(f, "{}.{} {name}", self.0 / unit, self.0 % unit * 10 / unit),
            None => write!(f, "{} bytes", self.0),
        }
    }
}

struct Found<'a>(Option<&'a Version>);

impl fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or("nothing", Version::as_str).fmt(f)
    }
}

pub(crate) struct Offenders<'a>(pub(crate) &'a [Offender]);

impl fmt::Display for Offenders<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|Offender { path, reason }| write!(f, "\n  {path}: {reason}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_say_what_was_tried_and_kinds_what_it_means() {
        let full = io::Result::<()>::Err(io::ErrorKind::StorageFull.into());
        let error = full.tried("write", Path::new("a/b")).unwrap_err();
        assert_eq!(error.kind(), DiskErrorKind::NoSpace);
        assert!(error.to_string().starts_with("cannot write “a/b”: "), "{error}");
        let error = DiskError::NoSpace { folder: "g".into(), needed: 5_250_000_000, free: 1_000 };
        assert_eq!(error.to_string(), "“g” needs 5.2 GB more, and 1.0 kB are free");
        let read_only = io::Result::<()>::Err(io::ErrorKind::ReadOnlyFilesystem.into());
        assert_eq!(read_only.tried("write", Path::new("a")).unwrap_err().kind(), DiskErrorKind::AccessDenied);
    }
}
