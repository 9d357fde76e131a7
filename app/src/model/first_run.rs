//! The first run: a name and a games folder.

use std::path::{Path, PathBuf};

/// Below this only small games fit.
const LITTLE: u64 = 10_000_000_000;

/// What was found at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderReport {
    pub path: PathBuf,
    /// The folder is there; else it is made.
    pub is_there: bool,
    pub is_writable: bool,
    /// Of its disk.
    pub free_bytes: u64,
    pub total_bytes: u64,
}

/// What is said about a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FolderNote {
    Checking,
    /// Nothing is typed, or only a part of a path.
    NotWhole,
    CannotWrite,
    Little(u64),
    Enough(u64),
}

impl FolderNote {
    /// A report about another path does not count.
    pub fn of(path: &Path, report: Option<&FolderReport>) -> Self {
        if !path.is_absolute() {
            return Self::NotWhole;
        }
        match report.filter(|report| report.path == path) {
            None => Self::Checking,
            Some(report) if !report.is_writable => Self::CannotWrite,
            Some(report) if report.free_bytes < LITTLE => Self::Little(report.free_bytes),
            Some(report) => Self::Enough(report.free_bytes),
        }
    }

    pub const fn is_usable(self) -> bool {
        matches!(self, Self::Little(_) | Self::Enough(_))
    }
}

/// There is a name, and a folder that games can go to.
pub fn can_begin(name: &str, note: FolderNote) -> bool {
    !name.trim().is_empty() && note.is_usable()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_waits_for_a_name_and_a_writable_folder() {
        let folder = std::env::temp_dir();
        let mut report = FolderReport {
            path: folder.clone(),
            is_writable: true,
            is_there: true,
            free_bytes: 400_000_000_000,
            total_bytes: 900_000_000_000,
        };
        assert_eq!(FolderNote::of(Path::new("games"), Some(&report)), FolderNote::NotWhole);
        assert_eq!(FolderNote::of(&folder, None), FolderNote::Checking);
        assert_eq!(FolderNote::of(&folder.join("other"), Some(&report)), FolderNote::Checking);
        let enough = FolderNote::of(&folder, Some(&report));
        assert_eq!(enough, FolderNote::Enough(400_000_000_000));
        assert!(can_begin("Mika", enough) && !can_begin("  ", enough));
        report.free_bytes = 8_000_000_000;
        assert_eq!(FolderNote::of(&folder, Some(&report)), FolderNote::Little(8_000_000_000));
        report.is_writable = false;
        let note = FolderNote::of(&folder, Some(&report));
        assert!(note == FolderNote::CannotWrite && !can_begin("Mika", note));
    }
}
