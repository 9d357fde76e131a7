//! A transaction that an earlier version left in the middle is completed or undone by this one.
//!
//! `peer/tests/state-N/` holds, for each story of `crashes`, every folder that a power cut left while version N's
//! transaction was pending: a line of JSON with the two ends, then a line a folder. Files keep their times, which plans
//! and records name. When what lies on disk changes, the states of the version before are written first, by
//! `cargo test -p lanspread-peer --lib earlier -- --ignored`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::Home;
use super::crashes::{STORIES, State, Story, ends, persons, state};
use crate::disk::testing::Tree;
use crate::disk::tree::FileStat;
use crate::transaction::testing::power_cut_at;
use crate::transaction::{Recovered, recover, recover_by};

/// The version whose states are written.
const WRITTEN: &str = "state-1";
/// The versions whose states are opened.
const OPENED: [&str; 1] = ["state-1"];

#[derive(Serialize, Deserialize)]
struct Ends {
    story: String,
    before: State,
    after: State,
    /// The texts of the person's files.
    persons: BTreeSet<String>,
    /// The person said that they go.
    is_ticked: bool,
}

/// A folder that a power cut left.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
struct Left {
    /// Changes that were made.
    changes: usize,
    entries: Vec<Entry>,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    path: String,
    /// `None` for a folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file: Option<Packed>,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Packed {
    modified: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// Set if it is no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hex: Option<String>,
}

fn states(version: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(version)
}

fn file_of(version: &str, story: &Story) -> PathBuf {
    states(version).join(format!("{}.jsonl", story.name.replace(' ', "-")))
}

impl Packed {
    fn read(path: &Path) -> Self {
        let bytes = fs::read(path).unwrap();
        let modified = FileStat::of(&fs::metadata(path).unwrap()).modified;
        match String::from_utf8(bytes) {
            Ok(text) => Self { modified, text: Some(text), hex: None },
            Err(error) => Self { modified, text: None, hex: Some(to_hex(error.as_bytes())) },
        }
    }

    fn write(&self, path: &Path) {
        let bytes = self.text.as_ref().map_or_else(
            || from_hex(self.hex.as_deref().unwrap_or_default()),
            |text| text.clone().into_bytes(),
        );
        fs::write(path, bytes).unwrap();
        let modified = UNIX_EPOCH + Duration::from_nanos(self.modified.try_into().unwrap());
        File::options().append(true).open(path).unwrap().set_modified(modified).unwrap();
    }
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

fn from_hex(hex: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digit).collect()
}

impl Left {
    fn pack(tree: &Tree, changes: usize) -> Self {
        let mut entries = Vec::new();
        for entry in walkdir::WalkDir::new(tree.path()).min_depth(1).sort_by_file_name() {
            let entry = entry.unwrap();
            let path = crate::transaction::kept::joined(entry.path().strip_prefix(tree.path()).unwrap());
            let file = (!entry.file_type().is_dir()).then(|| Packed::read(entry.path()));
            entries.push(Entry { path, file });
        }
        Self { changes, entries }
    }

    fn unpack(&self) -> Tree {
        let tree = Tree::quick(&[]);
        for entry in &self.entries {
            let path = tree.path().join(&entry.path);
            match &entry.file {
                None => fs::create_dir(path).unwrap(),
                Some(file) => file.write(&path),
            }
        }
        tree
    }
}

#[test]
#[ignore = "it writes what the next version is tested with"]
fn the_states_of_this_version_are_written_down() {
    fs::create_dir_all(states(WRITTEN)).unwrap();
    for story in &STORIES {
        let (before, after, changes) = ends(story);
        let is_ticked = story.is_ticked();
        let home = (story.begin)();
        let ends = Ends { story: story.name.to_owned(), before, after, persons: persons(&home), is_ticked };
        let mut lines = vec![serde_json::to_string(&ends).unwrap()];
        for changes in 0..changes {
            let home = (story.begin)();
            drop(story.run(&home, &mut power_cut_at(changes)));
            let folder = home.tree.folder();
            if folder.intent().exists() || folder.plan().exists() {
                lines.push(serde_json::to_string(&Left::pack(&home.tree, changes)).unwrap());
            }
        }
        assert!(lines.len() > 3, "{}", story.name);
        fs::write(file_of(WRITTEN, story), lines.join("\n") + "\n").unwrap();
    }
}

#[test]
fn what_an_earlier_version_began_is_completed_or_undone() {
    for version in OPENED {
        for file in fs::read_dir(states(version)).unwrap() {
            let text = fs::read_to_string(file.unwrap().path()).unwrap();
            let mut lines = text.lines();
            let ends: Ends = serde_json::from_str(lines.next().unwrap()).unwrap();
            for line in lines {
                let left: Left = serde_json::from_str(line).unwrap();
                ends.check(&left, &[]);
                // This version's power goes, too.
                for cuts in [[0, 1].as_slice(), &[3], &[6]] {
                    ends.check(&left, cuts);
                }
            }
        }
    }
}

impl Ends {
    fn check(&self, left: &Left, cuts: &[usize]) {
        let what = format!("{} after {} changes, cut {cuts:?}", self.story, left.changes);
        let home = Home { tree: left.unpack(), ..Home::new(&[("version.ini", b"0")]) };
        let folder = home.tree.folder();
        for cut in cuts {
            drop(recover_by(&folder, &mut power_cut_at(*cut)));
        }
        recover(&folder).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(recover(&folder).unwrap(), Recovered::Nothing, "{what}");
        assert!(!folder.intent().exists() && !folder.plan().exists(), "{what}");
        let without_ways = |mut state: State| {
            state.retain(|path, _| !path.starts_with(".local."));
            state
        };
        let found = without_ways(state(&home));
        let is_new = found == self.after;
        assert!(is_new || found == without_ways(self.before.clone()), "{what}: {found:#?}");
        assert!(is_new && self.is_ticked || persons(&home) == self.persons, "{what}: {:?}", persons(&home));
    }
}
