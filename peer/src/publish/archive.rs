//! Which files are archives that a game's install can unpack: known by their name, proven by how they begin.
//!
//! Both must agree. An archive is shared as it is and unpacked on another PC weeks later: a download page that was
//! saved as `game.zip` has to be refused here.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// A format, the endings of its files, and the bytes that must stand in them.
struct Format {
    endings: &'static [&'static str],
    /// Where the mark stands, and what may stand there.
    offset: usize,
    marks: &'static [&'static [u8]],
}

const FORMATS: &[Format] = &[
    Format { endings: &[".rar", ".eti"], offset: 0, marks: &[b"Rar!\x1a\x07"] },
    // The second is an empty archive's, the third a split one's.
    Format { endings: &[".zip"], offset: 0, marks: &[b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"] },
    Format { endings: &[".7z"], offset: 0, marks: &[b"7z\xbc\xaf\x27\x1c"] },
    Format { endings: &[".tar"], offset: 257, marks: &[b"ustar"] },
    Format { endings: &[".tar.gz", ".tgz"], offset: 0, marks: &[b"\x1f\x8b"] },
    Format { endings: &[".tar.zst"], offset: 0, marks: &[b"\x28\xb5\x2f\xfd"] },
    Format { endings: &[".tar.xz"], offset: 0, marks: &[b"\xfd7zXZ\x00"] },
];

/// The endings of all formats, for people.
pub(super) const ENDINGS: &str = ".eti .rar .zip .7z .tar .tar.gz .tgz .tar.zst .tar.xz";

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Looks {
    Archive,
    /// Its name ends like no archive's.
    OtherName,
    /// It is named like an archive and begins like none of that kind.
    OtherContent,
}

/// Reads the beginning of a file.
pub(super) fn look(path: &Path) -> io::Result<Looks> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let format = FORMATS.iter().find(|format| format.endings.iter().any(|ending| name.ends_with(ending)));
    let Some(format) = format else { return Ok(Looks::OtherName) };
    let mut begin = Vec::new();
    File::open(path)?.take(512).read_to_end(&mut begin)?;
    let begin = begin.get(format.offset..).unwrap_or_default();
    let fits = format.marks.iter().any(|mark| begin.starts_with(mark));
    Ok(if fits { Looks::Archive } else { Looks::OtherContent })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::testing::Tree;

    #[test]
    fn name_and_beginning_must_agree() {
        let mut tar = vec![0; 512];
        tar[257..262].copy_from_slice(b"ustar");
        let files: &[(&str, &[u8], Looks)] = &[
            ("a.eti", b"Rar!\x1a\x07\x00...", Looks::Archive),
            ("A.RAR", b"Rar!\x1a\x07\x01\x00", Looks::Archive),
            ("a.zip", b"PK\x03\x04...", Looks::Archive),
            ("empty.zip", b"PK\x05\x06", Looks::Archive),
            ("a.7z", b"7z\xbc\xaf\x27\x1c", Looks::Archive),
            ("a.tar", &tar, Looks::Archive),
            ("a.tar.gz", b"\x1f\x8b\x08", Looks::Archive),
            ("a.TGZ", b"\x1f\x8b\x08", Looks::Archive),
            ("a.tar.zst", b"\x28\xb5\x2f\xfd", Looks::Archive),
            ("a.tar.xz", b"\xfd7zXZ\x00", Looks::Archive),
            ("page.zip", b"<html>", Looks::OtherContent),
            ("zip.rar", b"PK\x03\x04", Looks::OtherContent),
            ("short.tar", b"ustar", Looks::OtherContent),
            ("nothing.7z", b"", Looks::OtherContent),
            ("notes.gz", b"\x1f\x8b\x08", Looks::OtherName),
            ("game.exe", b"MZ", Looks::OtherName),
        ];
        for (name, bytes, looks) in files {
            let tree = Tree::new(&[(name, bytes)]);
            assert_eq!(look(&tree.path().join(name)).unwrap(), *looks, "{name}");
        }
    }

    #[test]
    fn every_ending_is_told_to_people() {
        let mut known: Vec<_> = FORMATS.iter().flat_map(|format| format.endings).copied().collect();
        let mut told: Vec<_> = ENDINGS.split(' ').collect();
        known.sort_unstable();
        told.sort_unstable();
        assert_eq!(known, told);
    }
}
