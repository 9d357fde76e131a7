//! [`RelPath`]: the only path type on the wire and in manifests; [`InnerPath`]: the same inside a folder of the game's.
//!
//! A `RelPath` is safe to join to a game's folder on every OS: the same rules hold on all of them, so that what one
//! PC publishes exists on all others. It cannot be absolute, leave its folder, name a drive, a device, a stream or
//! one of Lanspread's own files. Rules about Windows names: Microsoft, "Naming Files, Paths, and Namespaces".

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use unicode_normalization::UnicodeNormalization;

use crate::SENTINEL;
use crate::limits::{MAX_COMPONENT, MAX_PATH_BYTES, MAX_PATH_DEPTH};

/// A relative path of a payload: components joined by `/`, no `.` or `..`, names that exist on every OS.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RelPath(InnerPath);

/// A relative path in a folder that is wholly the game's, such as `local/`: as safe as a [`RelPath`], and free to use the
/// names that are Lanspread's own in the game's root.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InnerPath(Box<str>);

/// Why a text is no [`RelPath`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PathError {
    #[error("a path is empty")]
    Empty,
    #[error("“{0}…” is longer than {MAX_PATH_BYTES} bytes or deeper than {MAX_PATH_DEPTH} folders")]
    TooLong(String),
    #[error("“{path}”: a name in it is longer than {MAX_COMPONENT}")]
    LongName { path: String },
    #[error("“{path}” is absolute or has an empty, “.” or “..” component")]
    NotRelative { path: String },
    #[error("“{path}” has the character {character:?}, which Windows does not allow in names")]
    Character { path: String, character: char },
    #[error("“{path}”: a name must not end with a dot or a blank (Windows drops them)")]
    TrailingDotOrBlank { path: String },
    #[error("“{path}” is the name of a Windows device")]
    Device { path: String },
    #[error("“{path}” belongs to Lanspread and cannot be part of a payload")]
    Reserved { path: String },
}

impl InnerPath {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path's components, outermost first. There is at least one.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }

    /// The folders that hold this path, outermost first, without the path itself.
    pub fn ancestors(&self) -> impl Iterator<Item = &str> {
        self.0.match_indices('/').map(|(end, _)| &self.0[..end])
    }

    /// Two paths with one key are one file on a case-insensitive or Unicode-normalising filesystem.
    pub fn twin_key(&self) -> String {
        twin_key(&self.0)
    }
}

impl RelPath {
    /// Whether this is the sentinel: `version.ini` in the root, in exactly this case.
    pub fn is_sentinel(&self) -> bool {
        self.as_str() == SENTINEL
    }
}

/// Every path of a payload is good inside a folder, too.
impl Deref for RelPath {
    type Target = InnerPath;

    fn deref(&self) -> &InnerPath {
        &self.0
    }
}

/// The form in which case-insensitive and Unicode-normalising filesystems compare names.
pub(crate) fn twin_key(path: &str) -> String {
    // Upper case first: it folds pairs that lower case keeps apart (ſ and s, K and the Kelvin sign).
    path.nfc().collect::<String>().to_uppercase().to_lowercase().nfc().collect()
}

/// Whether Windows takes a file of this name for a device, whatever its ending.
pub fn is_device_name(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim_end_matches(' ').to_ascii_uppercase();
    if matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$" | "CLOCK$") {
        return true;
    }
    let digit = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT"));
    digit.is_some_and(|digit| {
        let mut characters = digit.chars();
        matches!(characters.next(), Some('0'..='9' | '¹' | '²' | '³')) && characters.next().is_none()
    })
}

/// Whether a name in a game's root is Lanspread's own, in any case, or could be its 8.3 alias on Windows.
pub fn is_reserved_root_name(name: &str) -> bool {
    let key = twin_key(name);
    let looks_like_alias = |prefix: &str| key.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('~'));
    key == "local"
        || key.starts_with(".lanspread")
        || key.starts_with(".local.")
        || key.starts_with(".version.ini")
        || (key == SENTINEL && name != SENTINEL)
        || ["lanspr", "local", "localb", "locali", "versio"].iter().any(|prefix| looks_like_alias(prefix))
}

/// Files that operating systems and other programs drop into folders: no part of a payload hashed without a manifest.
pub fn is_ignored_name(name: &str) -> bool {
    matches!(name, "Thumbs.db" | "desktop.ini" | ".DS_Store" | ".SyncIgnore") || name.ends_with(".!sync")
}

impl FromStr for RelPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let path: InnerPath = text.parse()?;
        if path.components().next().is_some_and(is_reserved_root_name) {
            return Err(PathError::Reserved { path: text.to_owned() });
        }
        Ok(Self(path))
    }
}

impl FromStr for InnerPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        if text.is_empty() {
            return Err(PathError::Empty);
        }
        if text.len() > MAX_PATH_BYTES || text.split('/').count() > MAX_PATH_DEPTH {
            return Err(PathError::TooLong(text.chars().take(80).collect()));
        }
        let path = || text.to_owned();
        for name in text.split('/') {
            check_name(name, path)?;
        }
        Ok(Self(text.into()))
    }
}

fn check_name(name: &str, path: impl Fn() -> String) -> Result<(), PathError> {
    if name.is_empty() || name == "." || name == ".." {
        return Err(PathError::NotRelative { path: path() });
    }
    if name.len() > MAX_COMPONENT || name.encode_utf16().count() > MAX_COMPONENT {
        return Err(PathError::LongName { path: path() });
    }
    let is_forbidden =
        |c: &char| c.is_control() || matches!(c, '<' | '>' | ':' | '"' | '\\' | '|' | '?' | '*');
    if let Some(character) = name.chars().find(is_forbidden) {
        return Err(PathError::Character { path: path(), character });
    }
    if name.ends_with(['.', ' ']) {
        return Err(PathError::TrailingDotOrBlank { path: path() });
    }
    if is_device_name(name) {
        return Err(PathError::Device { path: path() });
    }
    Ok(())
}

impl TryFrom<String> for RelPath {
    type Error = PathError;

    fn try_from(text: String) -> Result<Self, PathError> {
        text.parse()
    }
}

impl From<RelPath> for String {
    fn from(path: RelPath) -> Self {
        path.0.into()
    }
}

impl From<InnerPath> for String {
    fn from(path: InnerPath) -> Self {
        path.0.into()
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for InnerPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Debug for InnerPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_are_paths() {
        let long = "x".repeat(255);
        for good in [
            "a",
            "version.ini",
            "data/maps/dm1.map",
            "Ümläut/日本 語.txt",
            "a b.c",
            ".hidden",
            &long,
            "sub/local",
            "a/.lanspread",
        ] {
            assert_eq!(good.parse::<RelPath>().unwrap().as_str(), good);
        }
    }

    #[test]
    fn unsafe_paths_cannot_be_built() {
        let long = "x".repeat(256);
        let deep = "a/".repeat(64) + "a";
        let bad = [
            "",
            "/",
            "/etc/passwd",
            "a//b",
            "a/",
            "./a",
            "a/./b",
            "../a",
            "a/../../b",
            "a\\b",
            "C:/a",
            "C:a",
            "a:b",
            "a\0b",
            "a\nb",
            "a\u{85}b",
            "a?",
            "a*",
            "\"a\"",
            "a|b",
            "<a>",
            "a.",
            "a ",
            "a./b",
            "a /b",
            "con",
            "CON",
            "a/NUL.txt",
            "aux.tar.gz",
            "com1",
            "COM¹",
            "lpt9.log",
            "conin$",
            "nul .txt",
            "local",
            "LOCAL/x",
            "Local",
            ".lanspread",
            ".LANSPREAD/manifest",
            ".lanspread.json",
            ".lanspread_owned",
            ".version.ini.tmp",
            ".local.installing/x",
            ".Local.Backup",
            "Version.ini",
            "VERSION.INI/x",
            "LANSPR~1/x",
            "LOCAL~1",
            &long,
            &deep,
        ];
        for path in bad {
            assert!(path.parse::<RelPath>().is_err(), "{path:?} became a path");
            let is_only_reserved = matches!(path.parse::<RelPath>(), Err(PathError::Reserved { .. }));
            assert_eq!(path.parse::<InnerPath>().is_ok(), is_only_reserved, "{path:?} inside a folder");
        }
    }

    #[test]
    fn twins_share_a_key() {
        let key = |text: &str| text.parse::<RelPath>().unwrap().twin_key();
        assert_eq!(key("Data/Maps"), key("data/MAPS"));
        assert_eq!(key("\u{e9}"), key("e\u{301}"));
        assert_eq!(key("\u{212a}"), key("k"));
        assert_ne!(key("a/b"), key("a/c"));
    }

    #[test]
    fn ancestors_are_the_folders_above() {
        let path: RelPath = "a/b/c".parse().unwrap();
        assert_eq!(path.ancestors().collect::<Vec<_>>(), ["a", "a/b"]);
        assert_eq!("a".parse::<RelPath>().unwrap().ancestors().count(), 0);
    }

    proptest::proptest! {
        #[test]
        fn a_path_never_leaves_its_folder(text in "\\PC{0,40}") {
            if let Ok(path) = text.parse::<RelPath>() {
                let joined = std::path::Path::new("root").join(path.as_str());
                proptest::prop_assert!(joined.components().all(|part| matches!(part, std::path::Component::Normal(_))));
                proptest::prop_assert_eq!(joined.components().count(), path.components().count() + 1);
            }
        }
    }
}
