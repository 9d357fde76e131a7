//! The end of a download: everything durable, then the sentinel; for an update, the swap.

use std::sync::atomic::Ordering;

use lanspread_protocol::{Manifest, Version};

use super::files::FileState;
use super::{Mode, PayloadStore};
use crate::disk::error::Tried as _;
use crate::disk::parallel::lock;
use crate::disk::place::make_executable;
use crate::disk::scan::is_sentinel_of;
use crate::disk::{Cancel, DiskError, atomic};
use crate::transaction::payload::PayloadRecord;
use crate::transaction::swap::SwapPlan;
use crate::transaction::{remove_parts, sentinel};

impl PayloadStore {
    /// Ends a fresh download or a repair: makes all durable, then commits the sentinel, which must name `expected`.
    /// Cancelled before the sentinel, everything stays for another try.
    pub fn finish(&self, expected: &Version, cancel: &Cancel) -> Result<(), DiskError> {
        debug_assert_eq!(self.mode, Mode::Fresh);
        let sentinel = self.complete_all(expected, cancel)?;
        {
            let mut files = lock(&self.files);
            for path in self.map.manifest.empty_folders() {
                files.placer().empty_folder(path)?;
            }
        }
        let paths = self.map.manifest.files().iter();
        for file in paths.clone().filter(|file| file.executable) {
            make_executable(&self.folder.file(&file.path))?;
        }
        cancel.check()?;
        let paths: Vec<_> = paths.map(|file| self.folder.file(&file.path)).collect();
        atomic::flush_tree(self.folder.root(), &paths)?;
        cancel.check()?;
        PayloadRecord::write(&self.folder, &self.map.manifest)?;
        atomic::write(&self.folder.manifest(), &self.map.manifest.encode())?;
        sentinel::put_on(&self.folder, &sentinel)?;
        self.seal();
        remove_parts(&self.folder)
    }

    /// Ends an update: closes the store with all files complete, and says what the swap ([`crate::transaction::swap`])
    /// is to do with them. Files that only `old` had are removed. From now on the store serves nothing.
    pub(crate) fn plan_swap(
        &self,
        expected: &Version,
        old: Option<&Manifest>,
    ) -> Result<SwapPlan, DiskError> {
        debug_assert_eq!(self.mode, Mode::Beside);
        let sentinel = self.complete_all(expected, &Cancel::new())?;
        self.is_closed.store(true, Ordering::Release);
        let files = lock(&self.files);
        let entries = self.map.manifest.files().iter().zip(&files.states);
        let done = entries.filter(|(_, state)| **state == FileState::Done);
        let moves = done.map(|(file, _)| file.path.clone()).collect();
        Ok(SwapPlan::new(&self.map.manifest, moves, old, sentinel))
    }

    /// Places all files but the sentinel, and returns the sentinel's bytes, proven.
    fn complete_all(&self, expected: &Version, cancel: &Cancel) -> Result<Vec<u8>, DiskError> {
        let missing = self.bytes_missing();
        if missing > 0 {
            return Err(DiskError::Incomplete { folder: self.folder.root().to_owned(), missing });
        }
        let mut files = lock(&self.files);
        let mut sentinel = None;
        for (file, entry) in (0_u32..).zip(self.map.manifest.files()) {
            if entry.path.is_sentinel() {
                sentinel = Some(files.path(file));
            } else {
                cancel.check()?;
                files.complete(file)?;
            }
        }
        files.close_all();
        drop(files);
        let path = sentinel.unwrap_or_else(|| self.folder.sentinel());
        let bytes = std::fs::read(&path).tried("read", &path)?;
        if !is_sentinel_of(&bytes, &self.map.manifest) {
            return Err(DiskError::Changed { path });
        }
        let found = Version::from_sentinel(&bytes);
        if found.as_ref() != Some(expected) {
            let folder = self.folder.root().to_owned();
            return Err(DiskError::WrongVersion { folder, expected: expected.clone(), found });
        }
        Ok(bytes)
    }

    /// The sentinel is at its place: whoever still reads from this store finds it there.
    fn seal(&self) {
        let mut files = lock(&self.files);
        files.close_all();
        for (file, entry) in (0_u32..).zip(self.map.manifest.files()) {
            if entry.path.is_sentinel() {
                files.set_done(file);
            }
        }
    }
}
