//! Archives of every format, made by the crates themselves, good and bad.

mod damaged;
mod hostile;
mod making;
mod round_trip;

use std::fs;
use std::path::{Path, PathBuf};

use self::making::{Item, Made};
use super::{Limits, UnpackError, UnpackedFile, unpack};
use crate::disk::testing::Tree;
use crate::disk::{Cancel, Progress};

const LIMITS: Limits = Limits { max_bytes: 64_000_000, max_files: 10_000, max_dictionary: 256_000_000 };

/// An archive on disk and a folder to unpack it into.
struct Bench {
    folder: Tree,
    archive: PathBuf,
    target: Tree,
}

impl Bench {
    fn new(bytes: &[u8]) -> Self {
        let folder = Tree::new(&[("archive", bytes)]);
        let archive = folder.path().join("archive");
        Self { folder, archive, target: Tree::new(&[]) }
    }

    fn of(made: Made, items: &[Item]) -> Self {
        Self::new(&made.archive(items))
    }

    fn unpack(&self) -> Result<Vec<UnpackedFile>, UnpackError> {
        self.unpack_within(&LIMITS)
    }

    fn unpack_within(&self, limits: &Limits) -> Result<Vec<UnpackedFile>, UnpackError> {
        unpack_into(&self.archive, self.target.path(), limits, &Cancel::new())
    }

    /// The message without the archive's path.
    #[track_caller]
    fn refusal(&self) -> String {
        let error = self.unpack().unwrap_err();
        let message = error.to_string();
        let path = self.archive.display().to_string();
        assert!(message.contains(&path), "names the archive: {message}");
        message.replace(&format!("“{path}” "), "")
    }
}

fn unpack_into(
    archive: &Path,
    into: &Path,
    limits: &Limits,
    cancel: &Cancel,
) -> Result<Vec<UnpackedFile>, UnpackError> {
    let mut files = Vec::new();
    let progress = Progress::new();
    unpack(archive, into, limits, cancel, &progress, &mut |file| {
        assert_eq!(fs::metadata(into.join(file.path.as_str())).unwrap().len(), file.bytes);
        files.push(file);
        Ok(())
    })?;
    assert_eq!(progress.bytes_done(), files.iter().map(|file| file.bytes).sum::<u64>());
    Ok(files)
}
