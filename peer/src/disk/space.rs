//! Free space, and how large files may be: checked before work begins, because only then is nothing lost by it.

use std::path::Path;

use sysinfo::{DiskRefreshKind, Disks};

use super::DiskError;
use super::error::Tried as _;

/// Bytes that this person may still write below `folder`. A folder that does not exist yet counts as its parent.
pub fn free_bytes(folder: &Path) -> Result<u64, DiskError> {
    let existing = folder.ancestors().find(|path| path.is_dir()).unwrap_or(folder);
    fs4::available_space(existing).tried("ask for free space in", existing)
}

/// All bytes of the disk that `folder` is on.
pub fn total_bytes(folder: &Path) -> Result<u64, DiskError> {
    fs4::total_space(folder).tried("ask for the size of", folder)
}

/// [`DiskError::NoSpace`] unless `needed` bytes are free.
pub fn check(folder: &Path, needed: u64) -> Result<(), DiskError> {
    let free = free_bytes(folder)?;
    if needed > free {
        return Err(DiskError::NoSpace { folder: folder.to_owned(), needed, free });
    }
    Ok(())
}

/// What FAT32 holds at most in one file; no other file system that games lie on has a limit that they meet.
const FAT_LARGEST: u64 = u32::MAX as u64;

/// [`DiskError::FileTooLarge`] when the file system below `folder` cannot hold one of these files.
pub fn check_sizes<'a>(
    folder: &Path,
    files: impl IntoIterator<Item = (&'a str, u64)>,
) -> Result<(), DiskError> {
    let large = files.into_iter().find(|(_, bytes)| *bytes > FAT_LARGEST);
    match large {
        Some((file, bytes)) if is_fat(folder) => {
            Err(DiskError::FileTooLarge { folder: folder.to_owned(), file: file.to_owned(), bytes })
        }
        _ => Ok(()),
    }
}

/// What is not known is no FAT.
fn is_fat(folder: &Path) -> bool {
    let existing = folder.ancestors().find(|path| path.is_dir()).unwrap_or(folder);
    let Ok(existing) = existing.canonicalize() else { return false };
    let disks = Disks::new_with_refreshed_list_specifics(DiskRefreshKind::nothing());
    let mounts = disks.iter().map(|disk| (disk.mount_point(), disk.file_system().to_string_lossy()));
    is_fat_among(&existing, mounts)
}

/// The mount that lies deepest above the folder decides. Windows' own names begin with `\\?\`, mounts do not.
fn is_fat_among<'a>(folder: &Path, mounts: impl Iterator<Item = (&'a Path, impl AsRef<str>)>) -> bool {
    let plain = folder.to_str().and_then(|text| text.strip_prefix(r"\\?\"));
    let folder = plain.map_or(folder, Path::new);
    let above = mounts.filter(|(mount, _)| folder.starts_with(mount));
    let deepest = above.max_by_key(|(mount, _)| mount.components().count());
    deepest.is_some_and(|(_, name)| {
        ["fat", "fat32", "msdos", "vfat"].contains(&name.as_ref().to_ascii_lowercase().as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_there_is_is_refused_with_numbers() {
        let folder = tempfile::tempdir().unwrap();
        check(&folder.path().join("not/yet"), 0).unwrap();
        let error = check(folder.path(), u64::MAX).unwrap_err();
        assert!(matches!(error, DiskError::NoSpace { needed: u64::MAX, .. }), "{error}");
    }

    #[test]
    fn the_deepest_mount_says_whether_it_is_fat() {
        let mounts = || [("/", "ext4"), ("/media/stick", "vfat"), ("/media/stick/deep", "exfat")];
        let is_fat = |folder: &str| {
            is_fat_among(
                Path::new(folder),
                mounts().into_iter().map(|(mount, name)| (Path::new(mount), name)),
            )
        };
        assert!(is_fat("/media/stick") && is_fat("/media/stick/games"));
        assert!(!is_fat("/media/stick/deep/games") && !is_fat("/media/stick2") && !is_fat("/home"));
        let folder = tempfile::tempdir().unwrap();
        check_sizes(folder.path(), [("small", 1), ("large", u64::MAX)]).unwrap();
    }
}
