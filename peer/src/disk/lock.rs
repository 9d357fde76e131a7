//! [`FolderLock`]: one Lanspread per games folder.

use std::fs::{self, File, TryLockError};

use super::error::Tried as _;
use super::{DiskError, GamesFolder};

/// Held while a program runs on a games folder. The system releases it when the program ends, however it ends.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// [`DiskError::Locked`] when another program holds it. Makes the folder's `.lanspread/`.
    pub fn acquire(games: &GamesFolder) -> Result<Self, DiskError> {
        let path = games.lock();
        fs::create_dir_all(games.state()).tried("create", &games.state())?;
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.tried("open", &path)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(DiskError::Locked { folder: games.root().to_owned() }),
            Err(TryLockError::Error(error)) => Err(error).tried("lock", &path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_program_is_refused_until_the_first_ends() {
        let folder = tempfile::tempdir().unwrap();
        let games = GamesFolder::new(folder.path());
        let first = FolderLock::acquire(&games).unwrap();
        let error = FolderLock::acquire(&games).unwrap_err();
        assert!(error.to_string().starts_with("another Lanspread runs on “"), "{error}");
        drop(first);
        FolderLock::acquire(&games).unwrap();
    }
}
