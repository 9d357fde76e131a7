//! The real steps on real files: the power goes, or the system refuses, before every change.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;

use super::{Home, PAYLOAD, files};
use crate::disk::hash::{Selection, hash_payload};
use crate::disk::{Cancel, DiskError, Progress};
use crate::install::{InstallError, InstallRequest, Restore, Saves, install_by, uninstall_by};
use crate::transaction::recover_by;
use crate::transaction::swap::SwapPlan;
use crate::transaction::testing::power_cut_at;
use crate::transaction::{Extras, Recovered, recover, remove_by, swap_by};

#[derive(Clone, Copy, Debug)]
pub(super) enum Work {
    Install,
    Uninstall(Saves),
    /// The files of `.lanspread/new` become the payload.
    Swap,
    Remove,
}

/// A beginning and what is done to it. A person's files begin with “mine”.
pub(super) struct Story {
    pub(super) name: &'static str,
    pub(super) begin: fn() -> Home,
    work: Work,
}

pub(super) type State = BTreeMap<String, String>;
pub(super) type Before<'a> = &'a mut dyn FnMut() -> Result<(), DiskError>;

impl Story {
    /// The person said that saves go.
    pub(super) fn is_ticked(&self) -> bool {
        matches!(self.work, Work::Uninstall(Saves::Delete))
    }

    pub(super) fn run(&self, home: &Home, before: Before<'_>) -> Result<(), InstallError> {
        let (folder, game) = (home.tree.folder(), super::id());
        let (cancel, progress) = (Cancel::new(), Progress::new());
        match self.work {
            Work::Install => {
                let request = InstallRequest {
                    game: &game,
                    folder: &folder,
                    manifest: home.manifest.as_ref(),
                    entry: Some(&home.entry),
                    restore: Restore::Yes,
                };
                install_by(&request, &cancel, &progress, before).map(drop)
            }
            Work::Uninstall(saves) => {
                uninstall_by(&folder, &home.entry.keep, saves, (&cancel, &progress), before).map(drop)
            }
            Work::Swap => Ok(swap_by(&folder, swap_plan(home), before)?),
            Work::Remove => Ok(remove_by(&folder, &home.known(), Extras::Keep, &cancel, before)?),
        }
    }
}

/// What must be as it was or as it will be: everything but `.lanspread/`, and what is installed.
pub(super) fn state(home: &Home) -> State {
    let mut found = files(&home.tree, "");
    // Its text is another one with every install.
    if let Some(record) = crate::install::read_record(&home.tree.folder()) {
        found.insert("installed".to_owned(), format!("{} {:?}", record.version, record.files.keys()));
    }
    found.retain(|path, _| !path.starts_with(".lanspread/") && path != "local/.lanspread_owned");
    found
}

pub(super) fn persons(home: &Home) -> BTreeSet<String> {
    files(&home.tree, "").into_values().filter(|text| text.starts_with("mine")).collect()
}

fn updated() -> Home {
    let mut home = Home::new(&PAYLOAD);
    home.entry.keep = vec!["*.cfg".to_owned()];
    home.install();
    home.tree.put("local/config.cfg", b"mine: config");
    home.tree.put("local/data/a.pak", b"mine: mod");
    home.tree.put("local/saves/1", b"mine: save");
    home.update(&[("version.ini", b"2.0"), ("data/a.pak", b"a2"), ("config.cfg", b"default 2")]);
    home
}

fn adopted() -> Home {
    let home = Home::new(&PAYLOAD);
    home.tree.put("local/old", b"mine: old");
    home.tree.put("local/data/a.pak", b"mine: a");
    home
}

fn uninstalled() -> Home {
    let home = updated();
    home.uninstall(Saves::Keep);
    home
}

fn in_the_way() -> Home {
    let home = Home::new(&PAYLOAD);
    home.tree.put(".local.installing/x", b"mine: x");
    home.tree.put(".local.backup/y", b"mine: y");
    home
}

/// A payload with a person's files among its own, and the files of its update.
fn fetched_update() -> Home {
    let home = updated();
    home.tree.put("data/extra.cfg", b"mine: extra");
    for (path, bytes) in [("version.ini", "3.0"), ("data/a.pak", "a3"), ("new/b.pak", "b3")] {
        home.tree.put(&format!(".lanspread/new/{path}"), bytes.as_bytes());
    }
    home
}

fn swap_plan(home: &Home) -> SwapPlan {
    let new = home.tree.folder().new_files();
    let manifest = hash_payload(&new, Selection::All, &Cancel::new(), &Progress::new()).unwrap().manifest;
    let moves = manifest.files().iter().map(|file| file.path.clone()).filter(|path| !path.is_sentinel());
    let sentinel = fs::read(new.join("version.ini")).unwrap();
    SwapPlan::new(&manifest, moves.collect(), home.manifest.as_ref(), sentinel)
}

pub(super) const STORIES: [Story; 10] = [
    Story { name: "a first install", begin: || Home::new(&PAYLOAD), work: Work::Install },
    Story { name: "an update", begin: updated, work: Work::Install },
    Story { name: "an install over an adopted folder", begin: adopted, work: Work::Install },
    Story { name: "an install after an uninstall", begin: uninstalled, work: Work::Install },
    Story { name: "an install with folders in its way", begin: in_the_way, work: Work::Install },
    Story { name: "an uninstall", begin: updated, work: Work::Uninstall(Saves::Keep) },
    Story { name: "an uninstall of saves", begin: updated, work: Work::Uninstall(Saves::Delete) },
    Story { name: "an uninstall of an adopted folder", begin: adopted, work: Work::Uninstall(Saves::Keep) },
    Story { name: "a swap", begin: fetched_update, work: Work::Swap },
    Story { name: "a removal", begin: updated, work: Work::Remove },
];

/// The state before, the state after, and how many changes lie between.
pub(super) fn ends(story: &Story) -> (State, State, usize) {
    let home = (story.begin)();
    let before = state(&home);
    let mut changes = 0;
    let mut count = || {
        changes += 1;
        Ok(())
    };
    story.run(&home, &mut count).unwrap();
    assert!(home.traces().is_empty(), "{}: {:?}", story.name, home.traces());
    (before, state(&home), changes)
}

/// Recovered for good, it is one of the ends, and everything of the person's is there.
fn check(
    story: &Story,
    (before, after): (&State, &State),
    home: &Home,
    what: &str,
    had: &BTreeSet<String>,
) -> bool {
    let mut found = state(home);
    // Before it began, what was in its way may still be there.
    found.retain(|path, _| !path.starts_with(".local."));
    let is_new = found == *after;
    let mut before = before.clone();
    before.retain(|path, _| !path.starts_with(".local."));
    assert!(is_new || found == before, "{} {what}: {found:#?}", story.name);
    let is_ticked = is_new && story.is_ticked();
    assert!(is_ticked || persons(home) == *had, "{} {what}: {:?}, not {had:?}", story.name, persons(home));
    is_new
}

#[test]
fn a_power_cut_before_any_change_leaves_the_old_or_the_new_state() {
    for story in &STORIES {
        let (before, after, changes) = ends(story);
        assert!(changes > 4, "{} has only {changes} changes", story.name);
        let mut outcomes = BTreeSet::new();
        for nth in 0..changes {
            let home = (story.begin)();
            let had = persons(&home);
            assert_eq!(story.run(&home, &mut power_cut_at(nth)).is_ok(), nth + 1 == changes);
            // The power goes again, sooner and later, before a recovery comes to its end.
            for second in [0, 1, 3] {
                drop(recover_by(&home.tree.folder(), &mut power_cut_at(second)));
            }
            recover(&home.tree.folder()).unwrap();
            assert_eq!(recover(&home.tree.folder()).unwrap(), Recovered::Nothing, "{} {nth}", story.name);
            outcomes.insert(check(story, (&before, &after), &home, &format!("cut at {nth}"), &had));
        }
        assert_eq!(outcomes.len(), 2, "{}", story.name);
    }
}

#[test]
fn a_change_that_is_refused_is_told_and_leaves_the_old_or_the_new_state() {
    for story in &STORIES {
        let (before, after, changes) = ends(story);
        // The last change is to remove a plan that nobody needs any more.
        for nth in 0..changes - 1 {
            let home = (story.begin)();
            let had = persons(&home);
            let mut left = Some(nth);
            let mut refuse = || {
                let now = left.take();
                left = now.and_then(|left| left.checked_sub(1));
                if now == Some(0) { Err(full()) } else { Ok(()) }
            };
            let error = story.run(&home, &mut refuse).unwrap_err().to_string();
            assert!(error.contains("cannot write “somewhere”"), "{error}");
            let is_unfinished = home.tree.folder().intent().exists();
            assert_eq!(
                error.starts_with("installed, but"),
                is_unfinished && matches!(story.work, Work::Install)
            );
            if is_unfinished {
                recover(&home.tree.folder()).unwrap();
            }
            let is_new = check(story, (&before, &after), &home, &format!("refused at {nth}"), &had);
            assert_eq!(is_new, is_unfinished, "{} {nth}", story.name);
        }
    }
}

fn full() -> DiskError {
    DiskError::Io { action: "write", path: "somewhere".into(), cause: io::ErrorKind::StorageFull.into() }
}

#[test]
fn a_damaged_plan_or_intent_loses_nothing() {
    let story = Story { name: "an update", begin: updated, work: Work::Install };
    let (.., changes) = ends(&story);
    for nth in 0..changes - 1 {
        let home = (story.begin)();
        let had = persons(&home);
        assert!(story.run(&home, &mut power_cut_at(nth)).is_err());
        let plan = home.tree.folder().plan();
        if plan.exists() {
            fs::write(&plan, b"damaged").unwrap();
        }
        recover(&home.tree.folder()).unwrap();
        assert_eq!(recover(&home.tree.folder()).unwrap(), Recovered::Nothing);
        assert_eq!(persons(&home), had);
        assert!(home.traces().is_empty(), "{:?}", home.traces());
        assert!(home.tree.has("local/data/a.pak"));
    }
    let home = updated();
    fs::write(home.tree.folder().intent(), b"{}").unwrap();
    assert!(matches!(recover(&home.tree.folder()), Err(DiskError::Unfinished { .. })));
    assert!(home.try_install().is_err());
}
