//! Durable steps: a file is replaced whole or not at all, and what was said to be durable is.
//!
//! After [`write()`] and [`rename()`] return, a power cut leaves the new state; during them, the old or the new one.
//! [`flush_tree`] makes everything written before it durable with as few waits as the system allows.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use super::DiskError;
use super::error::Tried as _;

/// Replaces `path` by `contents`: a temporary file beside it, fsync, rename, fsync of the folder. The file is its
/// owner's only.
pub fn write(path: &Path, contents: &[u8]) -> Result<(), DiskError> {
    replace(path, contents, Durable::Yes, Readers::Owner)
}

/// Like [`write()`], for files that people share with others: who may read them follows the system's settings.
pub fn write_shared(path: &Path, contents: &[u8]) -> Result<(), DiskError> {
    replace(path, contents, Durable::Yes, Readers::AsUsual)
}

/// Like [`write()`] without waiting for the disk: for caches that notice when they are torn.
pub fn write_cache(path: &Path, contents: &[u8]) -> Result<(), DiskError> {
    replace(path, contents, Durable::No, Readers::Owner)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Durable {
    Yes,
    No,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Readers {
    Owner,
    /// What the umask leaves.
    AsUsual,
}

fn replace(path: &Path, contents: &[u8], durable: Durable, readers: Readers) -> Result<(), DiskError> {
    let folder = folder_of(path);
    // Not as a temporary file of the system: Windows would call it one for ever, and be in no hurry to write it.
    let temporary = tempfile::Builder::new()
        .prefix(".lanspread.")
        .suffix(".tmp")
        .make_in(folder, |path| create_for(path, readers));
    let mut temporary = temporary.tried("create a file in", folder)?;
    temporary.write_all(contents).tried("write", path)?;
    if durable == Durable::Yes {
        temporary.as_file().sync_all().tried("flush", path)?;
    }
    // Closed before it is renamed: Windows' scanners and old filesystems dislike open files that move.
    let mut temporary = temporary.into_temp_path();
    patiently(|| fs::rename(&temporary, path)).tried("replace", path)?;
    // The name is gone; there is nothing left to remove.
    temporary.disable_cleanup(true);
    if durable == Durable::Yes { sync_folder(folder) } else { Ok(()) }
}

#[cfg(unix)]
fn create_for(path: &Path, readers: Readers) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mode = match readers {
        Readers::Owner => 0o600,
        Readers::AsUsual => 0o666,
    };
    File::options().write(true).create_new(true).mode(mode).open(path)
}

/// A file has its folder's readers here.
#[cfg(not(unix))]
fn create_for(path: &Path, _readers: Readers) -> io::Result<File> {
    File::create_new(path)
}

/// Creates `path` with `contents`, flushes it, and leaves the name for a later [`rename`] to make durable.
pub fn write_new(path: &Path, contents: &[u8]) -> Result<(), DiskError> {
    remove_if_there(path)?;
    let mut file = File::create_new(path).tried("create", path)?;
    file.write_all(contents).tried("write", path)?;
    file.sync_all().tried("flush", path)
}

/// Renames and makes the new name durable. Both must be on one filesystem.
pub fn rename(from: &Path, to: &Path) -> Result<(), DiskError> {
    move_file(from, to)?;
    sync_folder(folder_of(to))
}

/// Renames, replacing a file of the new name even when it is read-only. Not durable until a flush.
pub fn move_file(from: &Path, to: &Path) -> Result<(), DiskError> {
    let renamed = patiently(|| fs::rename(from, to)).or_else(|error| {
        // Windows does not replace what is read-only.
        if cfg!(windows) && make_writable(to).is_ok() { fs::rename(from, to) } else { Err(error) }
    });
    renamed.tried("move a file to", to)
}

/// Removes a file or link, even a read-only one; whether it was there.
pub fn remove_if_there(path: &Path) -> Result<bool, DiskError> {
    let removed = patiently(|| fs::remove_file(path)).or_else(|error| {
        let may_be_read_only = cfg!(windows) && error.kind() == io::ErrorKind::PermissionDenied;
        if may_be_read_only && make_writable(path).is_ok() { fs::remove_file(path) } else { Err(error) }
    });
    match removed {
        Ok(()) => Ok(true),
        Err(error) if is_absent(&error) => Ok(false),
        Err(error) => Err(error).tried("remove", path),
    }
}

/// Removes a folder of this program with everything in it; whether it was there.
pub fn remove_tree_if_there(path: &Path) -> Result<bool, DiskError> {
    match patiently(|| fs::remove_dir_all(path)) {
        Ok(()) => Ok(true),
        Err(error) if is_absent(&error) => Ok(false),
        Err(error) => Err(error).tried("remove", path),
    }
}

/// Whether an error only says that nothing of that name exists.
pub fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Lets the owner write to `path`.
pub fn make_writable(path: &Path) -> io::Result<()> {
    let mut permissions = fs::symlink_metadata(path)?.permissions();
    if !permissions.readonly() {
        return Ok(());
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        permissions.set_mode(permissions.mode() | 0o200);
    }
    #[cfg(not(unix))]
    #[expect(clippy::permissions_set_readonly_false, reason = "read-only is one attribute here, not modes")]
    permissions.set_readonly(false);
    fs::set_permissions(path, permissions)
}

/// Makes the names in a folder durable. Windows journals them by itself and cannot open a folder as a file.
pub fn sync_folder(folder: &Path) -> Result<(), DiskError> {
    if cfg!(windows) {
        return Ok(());
    }
    File::open(folder).and_then(|folder| folder.sync_all()).tried("flush", folder)
}

/// Makes everything below `root` durable that was written before: one `syncfs` on Linux; elsewhere `files`, each
/// of which may be gone, are flushed one by one on several threads.
pub fn flush_tree(root: &Path, files: &[std::path::PathBuf]) -> Result<(), DiskError> {
    #[cfg(target_os = "linux")]
    {
        // Files are not needed: the filesystem flushes all of its own.
        let _ = files;
        let folder = File::open(root).tried("open", root)?;
        rustix::fs::syncfs(&folder).map_err(io::Error::from).tried("flush", root)
    }
    #[cfg(not(target_os = "linux"))]
    {
        flush_files(files)?;
        sync_folder(root)
    }
}

/// Flushes files from several threads: each flush waits for the disk, and disks take many at once.
#[cfg(any(test, not(target_os = "linux")))]
fn flush_files(files: &[std::path::PathBuf]) -> Result<(), DiskError> {
    const FLUSHERS: usize = 8;
    let flush = |path: &Path| match File::options().write(true).open(path) {
        Ok(file) => file.sync_all().tried("flush", path),
        Err(error) if is_absent(&error) => Ok(()),
        // What cannot be opened for writing was not written by us.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        Err(error) => Err(error).tried("flush", path),
    };
    super::parallel::for_each("flush", FLUSHERS, files, |path| flush(path))
}

/// Scanners and indexers on Windows hold files open for a moment after they are closed: what fails because of that
/// is tried again for up to a second.
fn patiently<T>(mut step: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    const SHARING_VIOLATION: i32 = 32;
    const ACCESS_DENIED: i32 = 5;
    let mut result = step();
    if cfg!(windows) {
        for wait_millis in [1, 4, 16, 64, 128, 256, 512] {
            let code = result.as_ref().err().and_then(io::Error::raw_os_error);
            if !matches!(code, Some(SHARING_VIOLATION | ACCESS_DENIED)) {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(wait_millis));
            result = step();
        }
    }
    result
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write(&path, b"one").unwrap();
        write_cache(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        let other = folder.path().join("b");
        write_new(&other, b"old").unwrap();
        write_new(&other, b"three").unwrap();
        rename(&other, &path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"three");
        flush_tree(folder.path(), std::slice::from_ref(&path)).unwrap();
        flush_files(&[path.clone(), other]).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(remove_if_there(&path).unwrap() && !remove_if_there(&path).unwrap());
        assert!(!remove_tree_if_there(&folder.path().join("none")).unwrap());
    }

    #[test]
    fn a_failed_write_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let error = write(&folder.path().join("none").join("a"), b"x").unwrap_err();
        assert!(error.to_string().contains("none"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
