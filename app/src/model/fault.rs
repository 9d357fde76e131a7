//! Why something did not work, as a value: the window says it in its language, while the sentences of the peer's errors
//! are English.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use lanspread_peer::catalog_file::CatalogFileError;
use lanspread_peer::disk::DiskError;
use lanspread_peer::identity::IdentityError;
use lanspread_peer::net::{BindError, NetError};
use lanspread_peer::publish::PublishError;
use lanspread_peer::runtime::{GamesFolderError, StartError};
use lanspread_protocol::{CatalogError, OrganiserKey, SignatureError};

/// What is in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The system refuses something about a file or folder.
    File {
        path: PathBuf,
        why: FileFault,
    },
    NoSpace {
        folder: PathBuf,
        needed: u64,
        free: u64,
    },
    /// More than FAT32 holds in a file.
    TooLarge {
        folder: PathBuf,
        file: String,
        bytes: u64,
    },
    NoFolder(PathBuf),
    /// Another program holds a file in it open.
    InUse(PathBuf),
    /// Another Lanspread has this folder.
    Locked(PathBuf),
    /// While it was read.
    Changed(PathBuf),
    /// Nothing in a game's folder is known to be the game's.
    NotOurs(PathBuf),
    /// A link out of its game's folder.
    LeadsOut(PathBuf),
    /// A link where only files are copied.
    Link(PathBuf),
    /// Two folders lie in one another.
    Nested(PathBuf, PathBuf),
    /// Neither a folder nor an archive.
    NoArchive(PathBuf),
    /// Named like an archive, and none.
    OtherContent(PathBuf),
    /// Nothing in it can be shared.
    Empty(PathBuf),
    /// A folder among archives.
    Mixed(PathBuf),
    Catalog {
        path: PathBuf,
        why: CatalogError,
    },
    Signature {
        path: PathBuf,
        why: SignatureError,
    },
    /// More bytes than such a file ever has.
    TooLong {
        path: PathBuf,
        most: u64,
    },
    /// The catalog is signed by this key, which is not here.
    ForeignKey(OrganiserKey),
    PortTaken(u16),
    /// All usual ones.
    PortsTaken,
    /// A thread of the window died.
    BrokenOff,
    /// No address of this PC.
    NotHere(IpAddr),
    /// In English: words that alone say why.
    Words(String),
}

/// Why the system refuses something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileFault {
    NotThere,
    NoPermission,
    DriveFull,
    AlreadyThere,
    /// In the system's words.
    Else(String),
}

impl Fault {
    pub fn of_file(path: &Path, error: &io::Error) -> Self {
        Self::File { path: path.to_owned(), why: error.into() }
    }

    /// Files may have been tampered with.
    pub const fn is_signature(&self) -> bool {
        matches!(self, Self::Signature { .. })
    }

    /// What is signed rightly may still be no catalog.
    fn of_signature(path: PathBuf, why: SignatureError) -> Self {
        match why {
            SignatureError::Catalog(why) => Self::Catalog { path, why },
            SignatureError::TooLarge(bytes) => Self::Catalog { path, why: CatalogError::TooLarge(bytes) },
            SignatureError::KeyFile | SignatureError::SignatureFile | SignatureError::Wrong(_) => {
                Self::Signature { path, why }
            }
        }
    }
}

impl From<&io::Error> for FileFault {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the system's other kinds are said by the system")]
    fn from(error: &io::Error) -> Self {
        use io::ErrorKind as Kind;
        match error.kind() {
            Kind::NotFound => Self::NotThere,
            Kind::PermissionDenied | Kind::ReadOnlyFilesystem => Self::NoPermission,
            Kind::StorageFull | Kind::QuotaExceeded => Self::DriveFull,
            Kind::AlreadyExists => Self::AlreadyThere,
            _ => Self::Else(words(error)),
        }
    }
}

/// Without the number, which says nothing to people.
fn words(error: &io::Error) -> String {
    let words = error.to_string();
    words.split_once(" (os error ").map(|(words, _)| words.to_owned()).unwrap_or(words)
}

impl From<DiskError> for Fault {
    fn from(error: DiskError) -> Self {
        match error {
            DiskError::Io { path, cause, .. } => Self::of_file(&path, &cause),
            DiskError::NoSpace { folder, needed, free } => Self::NoSpace { folder, needed, free },
            DiskError::FileTooLarge { folder, file, bytes } => Self::TooLarge { folder, file, bytes },
            DiskError::Changed { path } => Self::Changed(path),
            DiskError::Locked { folder } => Self::Locked(folder),
            DiskError::LeadsOut { path } => Self::LeadsOut(path),
            DiskError::InUse { path } => Self::InUse(path),
            DiskError::NotOurs { folder } => Self::NotOurs(folder),
            error @ (DiskError::Cancelled
            | DiskError::Names { .. }
            | DiskError::Manifest { .. }
            | DiskError::WrongVersion { .. }
            | DiskError::Incomplete { .. }
            | DiskError::NotHere { .. }
            | DiskError::UnitSize { .. }
            | DiskError::Unfinished { .. }
            | DiskError::Plan { .. }) => Self::Words(error.to_string()),
        }
    }
}

impl From<CatalogFileError> for Fault {
    fn from(error: CatalogFileError) -> Self {
        match error {
            CatalogFileError::Disk(error) => error.into(),
            CatalogFileError::Io { path, cause, .. } => Self::of_file(&path, &cause),
            CatalogFileError::Catalog { path, cause } => Self::Catalog { path, why: cause },
            CatalogFileError::Signature { path, cause } => Self::of_signature(path, cause),
            CatalogFileError::TooLong { path, most } => {
                Self::TooLong { path, most: u64::try_from(most).unwrap_or(u64::MAX) }
            }
        }
    }
}

impl From<PublishError> for Fault {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::NoArchive(path) => Self::NoArchive(path),
            PublishError::OtherContent(path) => Self::OtherContent(path),
            PublishError::NoSource(path) => Self::File { path, why: FileFault::NotThere },
            PublishError::Empty(path) => Self::Empty(path),
            PublishError::Mixed(path) => Self::Mixed(path),
            PublishError::Nested { inner, target } => Self::Nested(inner, target),
            PublishError::Catalog { path, cause } => Self::Catalog { path, why: cause },
            PublishError::Key { path, cause } => Self::of_signature(path, cause),
            PublishError::ForeignKey { key } => Self::ForeignKey(key),
            PublishError::Disk(error) => error.into(),
            error @ PublishError::Field { .. } => Self::Words(error.to_string()),
        }
    }
}

impl From<StartError> for Fault {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Folder(GamesFolderError::Gone(path)) => Self::File { path, why: FileFault::NotThere },
            StartError::Folder(GamesFolderError::NoFolder(path)) => Self::NoFolder(path),
            StartError::Folder(GamesFolderError::NotWritable { folder, cause }) => {
                Self::of_file(&folder, &cause)
            }
            StartError::Disk(error) => error.into(),
            StartError::Catalog(error) => error.into(),
            StartError::Identity(
                IdentityError::Read { path, source }
                | IdentityError::SetAside { path, source }
                | IdentityError::Write { path, source },
            ) => Self::of_file(&path, &source),
            StartError::Net(NetError::Bind(BindError::Taken(address))) => Self::PortTaken(address.port()),
            StartError::Net(NetError::Bind(BindError::AllTaken)) => Self::PortsTaken,
            StartError::Net(NetError::Bind(BindError::NotHere(address))) => Self::NotHere(address),
            error @ (StartError::Net(_) | StartError::Thread(_)) => Self::Words(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn io(kind: io::ErrorKind) -> io::Error {
        kind.into()
    }

    #[test]
    fn what_is_known_needs_no_words_of_others() {
        let (path, at) = (PathBuf::from("p"), || PathBuf::from("p"));
        let file = |why| Fault::File { path: at(), why };
        let disk = |kind| DiskError::Io { action: "read", path: at(), cause: io(kind) };
        let cases: Vec<(Fault, Fault)> = vec![
            (disk(io::ErrorKind::NotFound).into(), file(FileFault::NotThere)),
            (disk(io::ErrorKind::ReadOnlyFilesystem).into(), file(FileFault::NoPermission)),
            (disk(io::ErrorKind::StorageFull).into(), file(FileFault::DriveFull)),
            (
                DiskError::Io { action: "read", path: at(), cause: io::Error::other("odd (os error 5)") }
                    .into(),
                file(FileFault::Else("odd".to_owned())),
            ),
            (CatalogFileError::Disk(DiskError::Changed { path: at() }).into(), Fault::Changed(at())),
            (PublishError::NoSource(at()).into(), file(FileFault::NotThere)),
            (StartError::Folder(GamesFolderError::NoFolder(at())).into(), Fault::NoFolder(path)),
            (
                StartError::Net(NetError::Bind(BindError::Taken(([0, 0, 0, 0], 7).into()))).into(),
                Fault::PortTaken(7),
            ),
            (DiskError::Cancelled.into(), Fault::Words("cancelled".to_owned())),
        ];
        for (fault, expected) in cases {
            assert_eq!(fault, expected);
        }
    }

    #[test]
    fn only_what_may_have_been_tampered_with_is_a_matter_of_signatures() {
        let of = |cause| Fault::from(CatalogFileError::Signature { path: "p".into(), cause });
        assert!(of(SignatureError::SignatureFile).is_signature());
        let broken = of(SignatureError::Catalog(CatalogError::NotText));
        assert_eq!(broken, Fault::Catalog { path: "p".into(), why: CatalogError::NotText });
        assert!(!broken.is_signature(), "signed rightly");
    }
}
