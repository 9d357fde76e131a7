//! The first run: a name and a games folder.

use std::path::{Path, PathBuf};

use lanspread_protocol::Catalog;

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

/// What a catalog says that came with the program: all that is known of a party before a peer runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownParty {
    pub name: String,
    /// Those that can be fetched.
    pub games: usize,
    /// What they take together; `None` when one of them does not say.
    pub bytes: Option<u64>,
}

impl KnownParty {
    pub fn of(catalog: &Catalog) -> Self {
        let games = || catalog.games.iter().filter(|game| game.version.is_some());
        Self {
            name: catalog.party.clone(),
            games: games().count(),
            bytes: games().map(|game| game.size).try_fold(0_u64, |sum, size| sum.checked_add(size?)),
        }
    }
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
    /// A report about another path does not count. `needed`: what all games take, where that is known.
    pub fn of(path: &Path, report: Option<&FolderReport>, needed: Option<u64>) -> Self {
        if !path.is_absolute() {
            return Self::NotWhole;
        }
        match report.filter(|report| report.path == path) {
            None => Self::Checking,
            Some(report) if !report.is_writable => Self::CannotWrite,
            Some(report) if report.free_bytes < needed.unwrap_or(LITTLE) => Self::Little(report.free_bytes),
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
        assert_eq!(FolderNote::of(Path::new("games"), Some(&report), None), FolderNote::NotWhole);
        assert_eq!(FolderNote::of(&folder, None, None), FolderNote::Checking);
        assert_eq!(FolderNote::of(&folder.join("other"), Some(&report), None), FolderNote::Checking);
        let enough = FolderNote::of(&folder, Some(&report), None);
        assert_eq!(enough, FolderNote::Enough(400_000_000_000));
        let more = FolderNote::of(&folder, Some(&report), Some(400_000_000_001));
        assert_eq!(more, FolderNote::Little(400_000_000_000), "less than all games take");
        assert!(can_begin("Mika", enough) && !can_begin("  ", enough));
        report.free_bytes = 8_000_000_000;
        assert_eq!(FolderNote::of(&folder, Some(&report), None), FolderNote::Little(8_000_000_000));
        let little = FolderNote::of(&folder, Some(&report), Some(7_000_000_000));
        assert_eq!(little, FolderNote::Enough(8_000_000_000), "a small party");
        report.is_writable = false;
        let note = FolderNote::of(&folder, Some(&report), None);
        assert!(note == FolderNote::CannotWrite && !can_begin("Mika", note));
    }

    #[test]
    fn a_catalog_says_how_much_its_games_take() {
        let catalog = |games: &str| {
            KnownParty::of(
                &Catalog::parse(format!("(party: \"Nord\", games: [{games}])").as_bytes()).unwrap(),
            )
        };
        let first = r#"(id: "a", title: "A", version: "1", size: 700)"#;
        let second = r#"(id: "b", title: "B", version: "1", size: 300)"#;
        let unknown = r#"(id: "c", title: "C", version: "1")"#;
        let shown_only = r#"(id: "d", title: "D")"#;
        let known = catalog(&format!("{first}, {second}, {shown_only}"));
        assert_eq!(known, KnownParty { name: "Nord".to_owned(), games: 2, bytes: Some(1000) });
        assert_eq!(catalog(&format!("{first}, {unknown}")).bytes, None);
    }
}
