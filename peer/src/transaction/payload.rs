//! The record of a payload's files: what Lanspread placed, with size and time of change.
//!
//! `.lanspread/payload` is text: the first line is the manifest's id, each further one a file as in the list of what a
//! download places. Download, swap and publish write it before the sentinel. A file counts as placed only while it
//! still has both size and time, so a record that is out of date claims nothing that a person has changed.

use std::collections::BTreeMap;
use std::fs;

use lanspread_protocol::{Manifest, RelPath};

use super::placed::{line, parse};
use crate::disk::tree::{FileStat, Locator};
use crate::disk::{DiskError, GameFolder, atomic};

/// Filesystems of USB sticks count time in steps of two seconds (FAT) or of a hundredth (exFAT): what was changed shortly
/// before the record was written may have been changed again without a trace.
const COARSE_NANOS: i64 = 10_000_000;
const LONGEST_STEP_NANOS: i64 = 2_000_000_000;

/// Sizes and times of a payload's files when they were placed.
#[derive(Debug, Default)]
pub(crate) struct PayloadRecord {
    files: BTreeMap<RelPath, FileStat>,
    /// When it was written, in nanoseconds since 1970.
    written: i64,
}

impl PayloadRecord {
    /// Records the manifest's files as they lie there.
    pub(crate) fn write(folder: &GameFolder, manifest: &Manifest) -> Result<(), DiskError> {
        let mut text = format!("{}\n", manifest.id());
        let mut locator = Locator::new(folder.root());
        for file in manifest.files().iter().filter(|file| !file.path.is_sentinel()) {
            let there = fs::symlink_metadata(folder.file(&file.path)).ok().filter(fs::Metadata::is_file);
            if let Some(there) = there.filter(|_| locator.has_plain_folders(&file.path)) {
                text.push_str(&line(&file.path, FileStat::of(&there)));
            }
        }
        atomic::write(&folder.payload_record(), text.as_bytes())
    }

    /// Without a record that can be read, nothing is recorded.
    pub(crate) fn read(folder: &GameFolder) -> Self {
        let path = folder.payload_record();
        let read = || {
            let written = FileStat::of(&fs::metadata(&path)?).modified;
            let text = fs::read(&path)?;
            let text = String::from_utf8_lossy(&text);
            Ok(Self { files: text.lines().skip(1).filter_map(parse).collect(), written })
        };
        read().unwrap_or_else(|error: std::io::Error| {
            if !atomic::is_absent(&error) {
                tracing::warn!(path = %path.display(), %error, "the record of a payload cannot be read");
            }
            Self::default()
        })
    }

    /// Whether a file that looks like this is as it was placed. `None` if its time cannot tell.
    pub(crate) fn has(&self, path: &RelPath, now: FileStat) -> Option<bool> {
        match self.files.get(path) {
            Some(placed) if *placed == now => {
                let is_fine = now.modified % COARSE_NANOS != 0;
                let is_settled = now.modified < self.written.saturating_sub(LONGEST_STEP_NANOS);
                (is_fine || is_settled).then_some(true)
            }
            _ => Some(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::testing::Tree;

    #[test]
    fn a_file_counts_as_placed_while_it_is_as_it_was() {
        let tree = Tree::new(&[("version.ini", b"1"), ("a", b"one"), (".lanspread/x", b"")]);
        assert_eq!(PayloadRecord::read(&tree.folder()).has(&path(), stat(&tree)), Some(false), "no record");
        PayloadRecord::write(&tree.folder(), &tree.manifest()).unwrap();
        let record = PayloadRecord::read(&tree.folder());
        let placed = FileStat { modified: record.files[&path()].modified, ..stat(&tree) };
        assert_eq!(record.files.len(), 1, "the sentinel is none");
        assert_eq!(record.has(&path(), FileStat { bytes: 4, ..placed }), Some(false));
        assert_eq!(record.has(&path(), FileStat { modified: 7, ..placed }), Some(false));
        assert_eq!(record.has(&"b".parse().unwrap(), placed), Some(false));
    }

    #[test]
    fn a_time_in_coarse_steps_tells_nothing_of_the_last_moment() {
        let seconds = |seconds: i64| FileStat { bytes: 3, modified: seconds * 1_000_000_000 };
        let record = |stat| PayloadRecord { files: [(path(), stat)].into(), written: seconds(100).modified };
        for (modified, expected) in [(seconds(90), Some(true)), (seconds(99), None), (seconds(100), None)] {
            assert_eq!(record(modified).has(&path(), modified), expected, "{modified:?}");
        }
        let fine = FileStat { modified: seconds(99).modified + 1_234_567, ..seconds(99) };
        assert_eq!(record(fine).has(&path(), fine), Some(true));
    }

    fn path() -> RelPath {
        "a".parse().unwrap()
    }

    fn stat(tree: &Tree) -> FileStat {
        FileStat::of(&fs::metadata(tree.path().join("a")).unwrap())
    }
}
