//! Who this peer is: an Ed25519 key that lives in the games folder and belongs to one PC.
//!
//! The key file holds the secret and a hash of the machine's id. A file written on another machine (a cloned disk, a
//! moved or copied folder) is not used: it is set aside and a new key made, because two peers with one key would be
//! taken for one. A damaged file is set aside in the same way. The file is replaced atomically; after a crash there
//! is the old key or the new one, never half of one.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use lanspread_protocol::{Blake3Hash, PeerId};
use thiserror::Error;

/// The key's file in the games folder's state directory.
const FILE_NAME: &str = "identity";
const FILE_MARK: &str = "lanspread-identity-1";
/// A key file is one line of about 150 bytes; anything much longer is not one and is not read.
const MAX_FILE_BYTES: u64 = 4096;
/// So many unusable keys are kept; then the last is overwritten.
const MAX_SET_ASIDE: u32 = 100;

/// A peer's key. The secret is never logged.
#[derive(Clone)]
pub struct Identity {
    secret: SigningKey,
    peer_id: PeerId,
}

/// A hash that names the machine, never its id itself: the id is confidential, and folders are shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MachineId(Blake3Hash);

/// Where a loaded identity came from, for the log and for a notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The key was there and is this machine's.
    Loaded,
    /// There was none.
    Created,
    /// The key in the folder was another machine's; it lies at `set_aside` now.
    OtherMachine { set_aside: PathBuf },
    /// The key's file was damaged; it lies at `set_aside` now.
    Damaged { set_aside: PathBuf },
}

/// Why there is no identity.
#[derive(Debug, Error)]
pub enum IdentityError {
    #[error("cannot read this PC's key: {source} ({})", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot set the unusable key aside: {source} ({})", path.display())]
    SetAside { path: PathBuf, source: io::Error },
    #[error("cannot store this PC's key: {source} ({})", path.display())]
    Write { path: PathBuf, source: io::Error },
}

enum Stored {
    /// The secret key's bytes.
    Mine([u8; 32]),
    OtherMachine,
    Damaged,
    Absent,
}

impl MachineId {
    /// This machine's; its host name where the system has no id.
    pub fn of_this_machine() -> Self {
        let id = machine_uid::get().ok().filter(|id| !id.trim().is_empty());
        let id = id.unwrap_or_else(|| gethostname::gethostname().to_string_lossy().into_owned());
        Self::from_name(id.trim())
    }

    fn from_name(name: &str) -> Self {
        Self(Blake3Hash(blake3::derive_key("lanspread machine 1", name.as_bytes())))
    }
}

/// Enough of it to tell PCs apart.
impl fmt::Display for MachineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.16}", self.0.to_string())
    }
}

impl Identity {
    /// The key in `state_dir` (`<games>/.lanspread`, which must exist) if it is this machine's, else a new one that
    /// is stored there.
    pub fn load_or_create(state_dir: &Path) -> Result<(Self, Origin), IdentityError> {
        Self::load_or_create_for(state_dir, MachineId::of_this_machine())
    }

    fn load_or_create_for(state_dir: &Path, machine: MachineId) -> Result<(Self, Origin), IdentityError> {
        let path = state_dir.join(FILE_NAME);
        let origin = match read(&path, machine)? {
            Stored::Mine(secret) => {
                return Ok((Self::from_secret(SigningKey::from_bytes(&secret)), Origin::Loaded));
            }
            Stored::Absent => Origin::Created,
            Stored::OtherMachine => Origin::OtherMachine { set_aside: set_aside(&path)? },
            Stored::Damaged => Origin::Damaged { set_aside: set_aside(&path)? },
        };
        Ok((Self::create_for(state_dir, machine)?, origin))
    }

    /// A new key that takes the stored one's place: another peer that is alive has the old one.
    pub fn renew(state_dir: &Path) -> Result<Self, IdentityError> {
        Self::create_for(state_dir, MachineId::of_this_machine())
    }

    /// A key that is stored nowhere.
    pub fn ephemeral() -> Self {
        Self::from_secret(SigningKey::from_bytes(&rand::random()))
    }

    fn create_for(state_dir: &Path, machine: MachineId) -> Result<Self, IdentityError> {
        let identity = Self::ephemeral();
        let path = state_dir.join(FILE_NAME);
        match write(&path, &identity.secret, machine) {
            Ok(()) => Ok(identity),
            Err(source) => Err(IdentityError::Write { path, source }),
        }
    }

    fn from_secret(secret: SigningKey) -> Self {
        let peer_id = PeerId(secret.verifying_key().to_bytes());
        Self { secret, peer_id }
    }

    pub fn peer_id(&self) -> PeerId {
        self.peer_id
    }

    pub(crate) fn secret_bytes(&self) -> [u8; 32] {
        self.secret.to_bytes()
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity of {}", self.peer_id)
    }
}

fn read(path: &Path, machine: MachineId) -> Result<Stored, IdentityError> {
    let contents = fs::metadata(path).and_then(|metadata| {
        // A folder of that name, or a huge file, is no key.
        if metadata.is_file() && metadata.len() <= MAX_FILE_BYTES { fs::read(path) } else { Ok(Vec::new()) }
    });
    match contents {
        Ok(contents) => Ok(parse(&contents, machine)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Stored::Absent),
        Err(source) => Err(IdentityError::Read { path: path.to_owned(), source }),
    }
}

fn parse(contents: &[u8], machine: MachineId) -> Stored {
    let Ok(text) = std::str::from_utf8(contents) else { return Stored::Damaged };
    let mut words = text.split_ascii_whitespace();
    let (mark, secret, owner, end) = (words.next(), words.next(), words.next(), words.next());
    let (Some(FILE_MARK), Some(Ok(secret)), Some(Ok(owner)), None) =
        (mark, secret.map(str::parse::<Blake3Hash>), owner.map(str::parse::<Blake3Hash>), end)
    else {
        return Stored::Damaged;
    };
    if owner == machine.0 { Stored::Mine(secret.0) } else { Stored::OtherMachine }
}

/// Moves an unusable file out of the way, without overwriting one that was set aside before.
fn set_aside(path: &Path) -> Result<PathBuf, IdentityError> {
    let free =
        (1..MAX_SET_ASIDE).map(|nth| path.with_extension(format!("old-{nth}"))).find(|path| !path.exists());
    let target = free.unwrap_or_else(|| path.with_extension("old"));
    match fs::rename(path, &target) {
        Ok(()) => Ok(target),
        Err(source) => Err(IdentityError::SetAside { path: path.to_owned(), source }),
    }
}

fn write(path: &Path, secret: &SigningKey, machine: MachineId) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    // tempfile creates with mode 0600 on unix, which the rename keeps.
    let mut file = tempfile::Builder::new().prefix(".identity-").tempfile_in(folder)?;
    writeln!(file, "{FILE_MARK} {} {}", Blake3Hash(secret.to_bytes()), machine.0)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    // Windows makes renames durable by itself and cannot open folders as files.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// The PC's name, for people.
pub fn host_name() -> String {
    gethostname::gethostname().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(name: &str) -> MachineId {
        MachineId::from_name(name)
    }

    #[test]
    fn a_key_stays_with_its_folder_and_machine() {
        let folder = tempfile::tempdir().unwrap();
        let (first, origin) = Identity::load_or_create(folder.path()).unwrap();
        assert_eq!(origin, Origin::Created);
        let (again, origin) = Identity::load_or_create(folder.path()).unwrap();
        assert_eq!((again.peer_id(), origin), (first.peer_id(), Origin::Loaded));
        let renewed = Identity::renew(folder.path()).unwrap();
        assert_ne!(renewed.peer_id(), first.peer_id());
        assert_eq!(Identity::load_or_create(folder.path()).unwrap().0.peer_id(), renewed.peer_id());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn another_machine_gets_another_key() {
        let folder = tempfile::tempdir().unwrap();
        let load = |name| Identity::load_or_create_for(folder.path(), machine(name)).unwrap();
        let (first, _) = load("one");
        let (second, origin) = load("two");
        assert_ne!(first.peer_id(), second.peer_id());
        assert_eq!(origin, Origin::OtherMachine { set_aside: folder.path().join("identity.old-1") });
        assert_eq!(load("two").1, Origin::Loaded);
        assert_eq!(load("three").1, Origin::OtherMachine { set_aside: folder.path().join("identity.old-2") });
    }

    #[test]
    fn a_broken_file_is_set_aside_and_replaced() {
        let contents = ["", "x", "lanspread-identity-1 00 11", "\u{fffd}", &"x".repeat(100_000)];
        for contents in contents {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join(FILE_NAME), contents).unwrap();
            let (identity, origin) = Identity::load_or_create(folder.path()).unwrap();
            let Origin::Damaged { set_aside } = origin else { panic!("{origin:?}") };
            assert_eq!(fs::read_to_string(set_aside).unwrap(), contents);
            assert_eq!(Identity::load_or_create(folder.path()).unwrap().0.peer_id(), identity.peer_id());
        }
    }

    #[test]
    fn a_folder_in_the_key_s_place_is_set_aside() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(FILE_NAME)).unwrap();
        let (_, origin) = Identity::load_or_create(folder.path()).unwrap();
        assert!(matches!(origin, Origin::Damaged { .. }));
    }

    #[test]
    fn a_missing_folder_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let error = Identity::load_or_create(&folder.path().join("absent")).unwrap_err();
        assert!(error.to_string().contains("absent"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_reads_the_key() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        Identity::load_or_create(folder.path()).unwrap();
        let mode = fs::metadata(folder.path().join(FILE_NAME)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
