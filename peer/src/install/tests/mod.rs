//! Stories on real files.

mod archives;
mod crashes;
mod earlier;
mod persons;
mod remove;

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use lanspread_protocol::{Game, GameId, Manifest};

use super::{InstallError, InstallRequest, Installed, Restore, Saves, install, uninstall};
use crate::disk::testing::Tree;
use crate::disk::{Cancel, DiskError, Progress};
use crate::transaction::{Extras, Kept, Known};

/// A game's folder with a payload, and what the catalog says of it.
pub(super) struct Home {
    pub(super) tree: Tree,
    pub(super) manifest: Option<Manifest>,
    pub(super) entry: Game,
    pub(super) restore: Restore,
}

impl Home {
    pub(super) fn new(payload: &[(&str, &[u8])]) -> Self {
        let tree = Tree::quick(payload);
        let manifest = Some(tree.manifest());
        Self { tree, manifest, entry: Game::new(id(), "UT"), restore: Restore::Yes }
    }

    /// Another version of the payload takes its place.
    pub(super) fn update(&mut self, payload: &[(&str, &[u8])]) {
        let folder = self.tree.folder();
        crate::transaction::remove(&folder, &self.known(), Extras::Keep, &Cancel::new()).unwrap();
        for (path, bytes) in payload {
            self.tree.put(path, bytes);
        }
        self.manifest = Some(self.tree.manifest());
    }

    /// The catalog names the payload's manifest.
    pub(super) fn known(&self) -> Known {
        Known { named: self.manifest.iter().cloned().map(Arc::new).collect(), proven: None }
    }

    pub(super) fn try_install(&self) -> Result<Installed, InstallError> {
        self.install_with(&Cancel::new())
    }

    pub(super) fn install_with(&self, cancel: &Cancel) -> Result<Installed, InstallError> {
        let game = id();
        let folder = self.tree.folder();
        let request = InstallRequest {
            game: &game,
            folder: &folder,
            manifest: self.manifest.as_ref(),
            entry: Some(&self.entry),
            restore: self.restore,
        };
        install(&request, cancel, &Progress::new())
    }

    pub(super) fn install(&self) -> Option<Kept> {
        self.try_install().unwrap().kept
    }

    pub(super) fn uninstall(&self, saves: Saves) -> Option<Kept> {
        self.try_uninstall(saves).unwrap()
    }

    pub(super) fn try_uninstall(&self, saves: Saves) -> Result<Option<Kept>, InstallError> {
        let keep = &self.entry.keep;
        uninstall(&self.tree.folder(), keep, saves, &Cancel::new(), &Progress::new())
    }

    /// The files of `local/` with their contents, without the marker.
    pub(super) fn local(&self) -> BTreeMap<String, String> {
        files(&self.tree, "local")
    }

    /// What stands in the game's root beside the payload.
    pub(super) fn traces(&self) -> Vec<String> {
        let names = fs::read_dir(self.tree.path()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| name.starts_with('.') && name != ".lanspread").collect();
        names.sort();
        names
    }
}

pub(super) fn id() -> GameId {
    "ut".parse().unwrap()
}

/// Files below a folder of the tree, by path, as text.
pub(super) fn files(tree: &Tree, below: &str) -> BTreeMap<String, String> {
    let root = tree.path().join(below);
    let mut found = BTreeMap::new();
    for entry in walkdir::WalkDir::new(&root).min_depth(1).into_iter().flatten() {
        let name = crate::transaction::kept::joined(entry.path().strip_prefix(&root).unwrap());
        if !entry.file_type().is_dir() && name != crate::disk::installed::MARKER {
            let bytes = fs::read(entry.path()).unwrap_or_default();
            found.insert(name, String::from_utf8_lossy(&bytes).into_owned());
        }
    }
    found
}

pub(super) fn texts(files: &[(&str, &str)]) -> BTreeMap<String, String> {
    files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

pub(super) const PAYLOAD: [(&str, &[u8]); 4] =
    [("version.ini", b"1.0"), ("bin/game", b"#!/bin/sh"), ("data/a.pak", b"a1"), ("config.cfg", b"default")];

#[test]
fn a_payload_s_files_are_placed_and_recorded() {
    let home = Home::new(&PAYLOAD);
    assert_eq!(home.install(), None);
    assert_eq!(
        home.local(),
        texts(&[("bin/game", "#!/bin/sh"), ("config.cfg", "default"), ("data/a.pak", "a1")])
    );
    assert!(home.traces().is_empty(), "{:?}", home.traces());
    let record = super::read_record(&home.tree.folder()).unwrap();
    assert_eq!(record.version.as_str(), "1.0");
    assert_eq!(record.manifest, home.manifest.as_ref().map(Manifest::id));
    assert_eq!(
        record.files.keys().map(String::as_str).collect::<Vec<_>>(),
        ["bin/game", "config.cfg", "data/a.pak"]
    );
    let scan = crate::disk::scan_game(&home.tree.folder(), &id(), None, &Cancel::new()).unwrap();
    assert_eq!(scan.installed, Some(record.version));
    assert_eq!(home.uninstall(Saves::Keep), None);
    assert!(
        !home.tree.has("local") && !home.tree.has(".lanspread/installed") && home.tree.has("version.ini")
    );
    assert!(matches!(home.try_uninstall(Saves::Keep), Err(InstallError::NotInstalled { .. })));
}

#[test]
fn without_a_complete_payload_nothing_is_installed() {
    let mut home = Home::new(&PAYLOAD);
    fs::remove_file(home.tree.path().join("data/a.pak")).unwrap();
    assert!(matches!(home.try_install(), Err(InstallError::NoFile { .. })));
    home.manifest = None;
    home.install();
    assert_eq!(home.local().len(), 2);
    fs::remove_file(home.tree.path().join("version.ini")).unwrap();
    assert!(matches!(home.try_install(), Err(InstallError::NoPayload { .. })));
    assert_eq!(home.local().len(), 2, "what is installed stays");
}

#[test]
fn a_cancelled_install_leaves_everything_as_it_was() {
    let mut home = Home::new(&PAYLOAD);
    home.install();
    home.tree.put("local/save", b"mine");
    let before = home.local();
    home.update(&[("version.ini", b"2.0"), ("data/a.pak", b"a2")]);
    for looks in 1.. {
        match home.install_with(&Cancel::at_look(looks)) {
            Ok(_) => {
                assert!(looks > 5, "an install has only {looks} looks");
                break;
            }
            Err(error) => assert!(matches!(error, InstallError::Disk(DiskError::Cancelled)), "{error}"),
        }
        assert_eq!(home.local(), before, "after look {looks}");
        assert!(home.traces().is_empty(), "{:?}", home.traces());
    }
    assert_eq!(home.local(), texts(&[("data/a.pak", "a2"), ("save", "mine")]));
}

#[test]
fn twenty_thousand_files_are_installed_and_uninstalled() {
    let tree = Tree::quick(&[("version.ini", b"1.0")]);
    for folder in 0..20 {
        fs::create_dir_all(tree.path().join(format!("data/{folder}"))).unwrap();
        for nth in 0..1_000 {
            fs::write(tree.path().join(format!("data/{folder}/{nth}.txt")), nth.to_string()).unwrap();
        }
    }
    let manifest = Some(tree.manifest());
    let home = Home { tree, manifest, entry: Game::new(id(), "UT"), restore: Restore::Yes };
    home.install();
    home.tree.put("local/data/7/77.txt", b"mine");
    assert_eq!(home.install().unwrap().paths, ["data/7/77.txt"]);
    assert_eq!(super::read_record(&home.tree.folder()).unwrap().files.len(), 20_000);
    assert_eq!(home.uninstall(Saves::Keep), None);
    assert!(!home.tree.has("local"));
}
