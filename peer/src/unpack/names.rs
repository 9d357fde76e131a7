//! Members' names: one spelling each, and either a file or a folder.

use std::collections::HashMap;

use lanspread_protocol::{InnerPath, PathError};

use super::error::Refusal;

/// Names at the top that begin like this are Lanspread's own in `local/`, too.
const OWN_PREFIX: &str = ".lanspread";

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
}

/// Whether a name was learned before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    Before,
    New,
}

/// The names of one archive, by the form in which filesystems that ignore case and accents compare them.
#[derive(Debug, Default)]
pub(super) struct Names {
    known: HashMap<Box<str>, (Box<str>, Kind)>,
}

/// How archives write a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Separators {
    Slash,
    /// Tools on Windows write `\` where the format says `/`.
    SlashOrBackslash,
}

/// A member's path. `None` is the folder itself that is unpacked into.
pub(super) fn parse(name: &str, separators: Separators) -> Result<Option<InnerPath>, Refusal> {
    let converted;
    let mut name = match separators {
        Separators::Slash => name,
        Separators::SlashOrBackslash => {
            converted = name.replace('\\', "/");
            &converted
        }
    };
    while let Some(rest) = name.strip_prefix("./") {
        name = rest;
    }
    name = name.strip_suffix('/').unwrap_or(name);
    if name.is_empty() || name == "." {
        return Ok(None);
    }
    let path: InnerPath = name.parse()?;
    // The mark of what Lanspread made, in any case, is made by nobody else.
    if path.twin_key().starts_with(OWN_PREFIX) {
        return Err(PathError::Reserved { path: name.to_owned() }.into());
    }
    Ok(Some(path))
}

impl Names {
    /// Folders count as names, too: `A/x` and `a/y` are twins.
    pub(super) fn learn(&mut self, path: &InnerPath, kind: Kind) -> Result<Known, Refusal> {
        // Case folding and normalisation never make or take a `/`: the keys of the folders begin the path's key.
        let key = path.twin_key();
        for (folder, (end, _)) in path.ancestors().zip(key.match_indices('/')) {
            self.learn_one(&key[..end], folder, Kind::Folder)?;
        }
        self.learn_one(&key, path.as_str(), kind)
    }

    /// How many files and folders there are.
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    fn learn_one(&mut self, key: &str, spelling: &str, kind: Kind) -> Result<Known, Refusal> {
        match self.known.get(key) {
            None => {
                self.known.insert(key.into(), (spelling.into(), kind));
                Ok(Known::New)
            }
            Some((other, _)) if **other != *spelling => Err(Refusal::Twin { other: other.to_string() }),
            Some((_, known)) if *known != kind => Err(Refusal::FileAndFolder),
            Some(_) => Ok(Known::Before),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_paths_or_are_refused() {
        let path = |name| parse(name, Separators::SlashOrBackslash).map(|path| path.map(String::from));
        assert_eq!(path("./a/b"), Ok(Some("a/b".to_owned())));
        assert_eq!(path("a\\b\\"), Ok(Some("a/b".to_owned())));
        assert_eq!(path("local/Version.INI"), Ok(Some("local/Version.INI".to_owned())));
        assert_eq!((path("./"), path("."), path("")), (Ok(None), Ok(None), Ok(None)));
        for hostile in ["../a", "a/../b", "/a", "\\a", "C:\\a", "a:b", "nul", ".lanspread/x", "a//b", "a//"] {
            assert!(matches!(path(hostile), Err(Refusal::Name(_))), "{hostile}");
        }
        assert!(matches!(parse("a\\b", Separators::Slash), Err(Refusal::Name(_))));
    }

    #[test]
    fn a_name_has_one_spelling_and_one_kind() {
        let mut names = Names::default();
        let mut learn = |path: &str, kind| names.learn(&path.parse().unwrap(), kind);
        assert_eq!(learn("Ä/x", Kind::File), Ok(Known::New));
        assert_eq!(learn("Ä", Kind::Folder), Ok(Known::Before));
        assert_eq!(learn("Ä/x", Kind::File), Ok(Known::Before));
        assert_eq!(learn("ä/y", Kind::File), Err(Refusal::Twin { other: "Ä".to_owned() }));
        assert_eq!(learn("A\u{308}/y", Kind::File), Err(Refusal::Twin { other: "Ä".to_owned() }));
        assert_eq!(learn("Ä/x/y", Kind::File), Err(Refusal::FileAndFolder));
        assert_eq!(learn("Ä", Kind::File), Err(Refusal::FileAndFolder));
    }
}
