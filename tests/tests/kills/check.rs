//! What stands on the disk after a recovery, held against what may.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use lanspread_tests::{Node, Peer, lanspread, read_tree};
use walkdir::WalkDir;

use crate::versions::Version;
use crate::world::{Allowed, World};

impl World {
    /// What is on disk is an allowed state. Returns the versions of payload and `local/`.
    pub(crate) fn check(&mut self, ben: &Peer, expected: usize) -> (Option<usize>, Option<usize>) {
        let folder = self.folder();
        for left in
            [".lanspread.json", ".local.installing", ".local.backup", ".version.ini.tmp", ".lanspread/plan"]
        {
            assert!(!folder.join(left).exists(), "{left} is left\n{}", self.tell());
        }
        let payload = self.payload_version();
        let local = self.local_version();
        assert!(self.allowed.payload.contains(&payload), "the payload is {payload:?}\n{}", self.tell());
        assert!(self.allowed.local.contains(&local), "installed is {local:?}\n{}", self.tell());
        let there = self.small_files();
        for written in &self.persons {
            assert!(there.contains(written), "{written:?} of a person is lost\n{}", self.tell());
        }
        for (path, content) in
            [("holiday/photo.jpg", "a photo"), ("arena/screenshots/shot.png", "a screenshot")]
        {
            let read = fs::read_to_string(self.games.join(path));
            assert!(read.is_ok_and(|read| read == content), "{path} was touched\n{}", self.tell());
        }
        let scratch = self.scratch_catalog();
        if scratch.exists() {
            lanspread(["catalog".as_ref(), "check".as_ref(), scratch.as_os_str()]).ok();
        }
        let game = ben.game("arena");
        assert_eq!(game["installed"], local.is_some(), "{game}\n{}", self.tell());
        if payload == Some(expected) {
            ben.until_state("arena", if local.is_some() { "installed" } else { "downloaded" });
        }
        self.allowed = Allowed { payload: [payload].into(), local: [local].into() };
        (payload, local)
    }

    /// The version of a complete payload. Files that a download of the other version had put into their places before
    /// it was given up stay, as does everything that is no part of a payload.
    fn payload_version(&mut self) -> Option<usize> {
        if !self.folder().join("version.ini").is_file() {
            return None;
        }
        let mut tree = read_tree(&self.folder());
        tree.retain(|path, _| !path.starts_with("screenshots"));
        let strange = |version: &Version| -> BTreeSet<String> {
            let lacks = version.payload.iter().filter(|(path, node)| tree.get(*path) != Some(node));
            let adds = tree.iter().filter(|(path, _)| !version.payload.contains_key(*path));
            lacks.chain(adds).map(|(path, _)| path.clone()).collect()
        };
        let strange: Vec<_> = self.versions.iter().map(strange).collect();
        if let Some(exact) = strange.iter().position(BTreeSet::is_empty) {
            self.given_up.clear();
            return Some(exact);
        }
        let has_more = |(number, paths): (usize, &BTreeSet<String>)| {
            let payload = &self.versions[number].payload;
            paths.iter().all(|path| !payload.contains_key(path) && self.given_up.contains(path))
        };
        let version = strange.iter().enumerate().position(has_more);
        assert!(version.is_some(), "the payload is a mix:\n{strange:#?}\n{}", self.tell());
        version
    }

    fn local_version(&self) -> Option<usize> {
        let local = self.folder().join("local");
        if fs::symlink_metadata(&local).is_err() {
            return None;
        }
        let tree = read_tree(&local);
        let is_persons = |path: &str| {
            fs::read_to_string(local.join(path)).is_ok_and(|read| self.persons_ever.contains(&read))
        };
        let strange = |version: &Version| -> Vec<String> {
            let lacks = version.local.iter().filter(|(path, node)| tree.get(*path) != Some(node));
            let adds = tree
                .iter()
                .filter(|(path, node)| !version.local.contains_key(*path) && !matches!(node, Node::Folder));
            let paths = lacks.chain(adds).map(|(path, _)| path.clone());
            paths.filter(|path| !is_persons(path)).collect()
        };
        let strange: Vec<_> = self.versions.iter().map(strange).collect();
        let version = strange.iter().position(Vec::is_empty);
        assert!(version.is_some(), "local/ is a mix: not of a version:\n{strange:#?}\n{}", self.tell());
        version
    }

    /// The contents of all small files in `local/` and of those that were kept.
    fn small_files(&self) -> BTreeSet<String> {
        let roots = [self.folder().join("local"), self.folder().join(".lanspread/kept")];
        let files = roots.iter().flat_map(|root| WalkDir::new(root).into_iter().flatten());
        let small =
            files.filter(|file| file.metadata().is_ok_and(|about| about.is_file() && about.len() < 100));
        small.filter_map(|file| fs::read_to_string(file.path()).ok()).collect()
    }

    pub(crate) fn scratch_catalog(&self) -> PathBuf {
        self.party.path().join("scratch.ron")
    }
}
