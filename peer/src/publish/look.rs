//! A look at a source before it is published: what is in it, and what would be in the way.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use lanspread_protocol::hasher::is_executable_content;
use lanspread_protocol::{Os, Version};

use super::PublishError;
use super::archive::{self, Looks};
use super::source::{is_folder, list_archives};
use crate::disk::error::{Offender, Tried as _};
use crate::disk::hash::FileList;
use crate::disk::scan::read_sentinel;
use crate::disk::tree::{Follow, WalkedFile, walk};
use crate::disk::{Cancel, DiskError, GameFolder, Links};
use crate::launch::is_held_open;

/// What Windows starts by a double click.
const WINDOWS_PROGRAMS: [&str; 3] = [".exe", ".bat", ".cmd"];
/// What is no program whatever it begins with.
const LIBRARIES: [&str; 3] = [".so", ".py", ".dll"];

/// What a folder, or archives, hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceContents {
    /// By name, joined by `/`.
    pub files: Vec<SourceFile>,
    /// Names that no manifest can hold, with the reason: nothing is published while there is one.
    pub offenders: Vec<(String, String)>,
    /// The version that its `version.ini` says.
    pub version: Option<Version>,
    /// A program that has something in it open.
    pub held_by: Option<String>,
    /// Archives, which are shared as they are: their members are not listed.
    pub is_archives: bool,
}

/// A file of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    pub name: String,
    pub bytes: u64,
    /// A program, and for which system.
    pub runs_on: Option<Os>,
}

/// Lists a source and reads the beginnings of its files. Nothing is changed.
pub fn look(from: &[PathBuf], cancel: &Cancel) -> Result<SourceContents, PublishError> {
    let nothing = || PublishError::Field { field: "--from", reason: "nothing is given".to_owned() };
    let (first, more) = from.split_first().ok_or_else(nothing)?;
    if !is_folder(first)? {
        return look_at_archives(from);
    }
    if !more.is_empty() {
        return Err(PublishError::Mixed(first.clone()));
    }
    let walked = walk(first, Follow::Inside(Links::Refuse), cancel)?;
    let offenders = match FileList::from_walked(first, &walked) {
        Ok(_list) => Vec::new(),
        Err(DiskError::Names { offenders, .. }) => offenders,
        Err(error) => return Err(error.into()),
    };
    let files = walked.files.iter().map(found).collect::<Result<_, _>>()?;
    let sentinel = read_sentinel(&GameFolder::new(first))?;
    Ok(SourceContents {
        files,
        offenders: offenders.into_iter().map(|Offender { path, reason }| (path, reason)).collect(),
        version: sentinel.as_deref().and_then(Version::from_sentinel),
        // What cannot be found out is no reason to warn.
        held_by: is_held_open(first).unwrap_or_default(),
        is_archives: false,
    })
}

fn look_at_archives(paths: &[PathBuf]) -> Result<SourceContents, PublishError> {
    for path in paths {
        match archive::look(path).tried("read", path)? {
            Looks::Archive => {}
            Looks::OtherName => return Err(PublishError::NoArchive(path.clone())),
            Looks::OtherContent => return Err(PublishError::OtherContent(path.clone())),
        }
    }
    let walked = list_archives(paths)?;
    let file =
        |file: &WalkedFile| SourceFile { name: file.name.clone(), bytes: file.stat.bytes, runs_on: None };
    let files = walked.files.iter().map(file).collect();
    Ok(SourceContents { files, is_archives: true, ..SourceContents::default() })
}

fn found(file: &WalkedFile) -> Result<SourceFile, DiskError> {
    let runs_on = runs_on(&file.name, &file.path).tried("read", &file.path)?;
    Ok(SourceFile { name: file.name.clone(), bytes: file.stat.bytes, runs_on })
}

/// Windows knows programs by their name, Linux by their content.
fn runs_on(name: &str, path: &Path) -> std::io::Result<Option<Os>> {
    let name = name.to_lowercase();
    if WINDOWS_PROGRAMS.iter().any(|ending| name.ends_with(ending)) {
        return Ok(Some(Os::Windows));
    }
    if LIBRARIES.iter().any(|ending| name.ends_with(ending) || name.contains(".so.")) {
        return Ok(None);
    }
    let mut head = [0; 4];
    let mut read = 0;
    let mut file = File::open(path)?;
    while read < head.len() {
        match file.read(&mut head[read..])? {
            0 => break,
            bytes => read += bytes,
        }
    }
    Ok(is_executable_content(&head[..read]).then_some(Os::Linux))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::testing::Tree;

    #[test]
    fn a_folder_is_known_before_it_is_published() {
        let tree = Tree::new(&[
            ("version.ini", b"2.3\n"),
            ("bin/game", b"\x7fELF\x02"),
            ("game.exe", b"MZ"),
            ("lib/libgame.so.2", b"\x7fELF\x02"),
            ("run.log", b"a line"),
        ]);
        let contents = look(&[tree.path().to_owned()], &Cancel::new()).unwrap();
        let file = |name: &str, bytes, runs_on| SourceFile { name: name.to_owned(), bytes, runs_on };
        let expected = [
            file("bin/game", 5, Some(Os::Linux)),
            file("game.exe", 2, Some(Os::Windows)),
            file("lib/libgame.so.2", 5, None),
            file("run.log", 6, None),
            file("version.ini", 4, None),
        ];
        assert_eq!(contents.files, expected);
        assert_eq!(contents.version, "2.3".parse().ok());
        assert_eq!(contents.offenders, []);
    }

    #[cfg(unix)]
    #[test]
    fn names_that_windows_cannot_have_are_told() {
        let tree = Tree::new(&[("a:b", b""), ("aux.txt", b""), ("fine", b"")]);
        let contents = look(&[tree.path().to_owned()], &Cancel::new()).unwrap();
        let names: Vec<_> = contents.offenders.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a:b", "aux.txt"]);
    }

    #[test]
    fn what_is_no_source_says_why() {
        let tree = Tree::new(&[("page.zip", b"<html>"), ("game.zip", b"PK\x03\x04"), ("text", b"")]);
        let look_at = |name: &str| look(&[tree.path().join(name)], &Cancel::new());
        assert!(matches!(look_at("page.zip"), Err(PublishError::OtherContent(_))));
        assert!(matches!(look_at("text"), Err(PublishError::NoArchive(_))));
        assert!(matches!(look_at("none"), Err(PublishError::NoSource(_))));
        assert!(look_at("game.zip").unwrap().is_archives);
    }
}
