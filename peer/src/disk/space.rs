//! Free space: checked before work begins, because only then is nothing lost by it.

use std::path::Path;

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
}
