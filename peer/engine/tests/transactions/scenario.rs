//! What is there before a transaction, and what must be there after it.

use std::collections::BTreeMap;

use lanspread_engine::transaction::{Intent, Outcome, Transaction};

use super::disk::{Disk, Stop, Tree};
use super::perform::{BACKUP, INSTALLING, KEPT, Plan, drive, id, look, recover};

type Files = &'static [(&'static str, &'static str)];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Install,
    Uninstall,
    Swap,
    Remove,
}

/// One transaction over one beginning. What is a person's has a text that begins with “mine”.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    kind: Kind,
    start: Vec<(&'static str, &'static str)>,
    /// All files afterwards but those that are kept.
    end: Vec<(&'static str, &'static str)>,
    pub(crate) plan: Plan,
}

const PAYLOAD: Files = &[("version.ini", "1.0"), ("data/a", "a1"), ("data/extra", "mine: extra")];
const OLD_MARKER: &str = "local/.lanspread_owned";
/// What `id(1)` looks like in a marker.
const NEW_ID: &str = "0101010101010101010101010101010101010101010101010101010101010101";
const OLD_ID: &str = "0909090909090909090909090909090909090909090909090909090909090909";
const INSTALLED: Files =
    &[(OLD_MARKER, OLD_ID), ("local/a", "a1"), ("local/b", "b1"), (".lanspread/installed", "old")];
const NEW_FILES: Files = &[("a", "a2"), ("c", "c2")];
const NEW_LOCAL: Files =
    &[(OLD_MARKER, NEW_ID), ("local/a", "a2"), ("local/c", "c2"), (".lanspread/installed", "new")];

fn all(parts: &[Files]) -> Vec<(&'static str, &'static str)> {
    parts.concat()
}

fn installs() -> Vec<Scenario> {
    let kind = Kind::Install;
    let plan = || Plan { files: NEW_FILES.to_vec(), kept: "now", ..Plan::default() };
    let end = || all(&[PAYLOAD, NEW_LOCAL]);
    let save: Files = &[("local/saves/1", "mine: save")];
    vec![
        Scenario { name: "a first install", kind, start: PAYLOAD.to_vec(), end: end(), plan: plan() },
        Scenario {
            name: "an install over an older one",
            kind,
            start: all(&[PAYLOAD, INSTALLED]),
            end: end(),
            plan: Plan { drop: vec!["a", "b"], ..plan() },
        },
        Scenario {
            name: "an install over a person's files",
            kind,
            start: all(&[
                PAYLOAD,
                &[
                    (OLD_MARKER, OLD_ID),
                    ("local/a", "mine: mod"),
                    ("local/b", "b1"),
                    (".lanspread/installed", "old"),
                ],
                save,
            ]),
            end: all(&[PAYLOAD, NEW_LOCAL, save]),
            plan: Plan { copies: vec![("local/saves/1", "saves/1")], drop: vec!["b", "saves/1"], ..plan() },
        },
        Scenario {
            name: "an install whose keep rule wins",
            kind,
            start: all(&[PAYLOAD, &[(OLD_MARKER, OLD_ID), ("local/a", "mine: config")]]),
            end: all(&[
                PAYLOAD,
                &[
                    (OLD_MARKER, NEW_ID),
                    ("local/a", "mine: config"),
                    ("local/c", "c2"),
                    (".lanspread/installed", "new"),
                ],
            ]),
            plan: Plan { copies: vec![("local/a", "a")], drop: vec!["a"], ..plan() },
        },
    ]
}

fn more_installs() -> Vec<Scenario> {
    let kind = Kind::Install;
    let plan = || Plan { files: NEW_FILES.to_vec(), kept: "now", ..Plan::default() };
    let end = || all(&[PAYLOAD, NEW_LOCAL]);
    let save: Files = &[("local/saves/1", "mine: save")];
    vec![
        Scenario {
            name: "an install over an adopted folder",
            kind,
            start: all(&[PAYLOAD, &[("local/a", "mine: a"), ("local/d/e", "mine: e")], save]),
            end: all(&[PAYLOAD, NEW_LOCAL, save]),
            plan: Plan { copies: vec![("local/saves/1", "saves/1")], drop: vec!["a"], ..plan() },
        },
        Scenario {
            name: "an install after an uninstall",
            kind,
            start: all(&[
                PAYLOAD,
                &[(".lanspread/kept/then/saves/1", "mine: save"), (".lanspread/kept/then/a", "mine: mod")],
            ]),
            end: all(&[PAYLOAD, NEW_LOCAL, save]),
            plan: Plan {
                copies: vec![(".lanspread/kept/then/saves/1", "saves/1")],
                restored: vec!["then/saves/1"],
                ..plan()
            },
        },
        Scenario {
            name: "an install with foreign folders in its way",
            kind,
            start: all(&[
                PAYLOAD,
                INSTALLED,
                &[(".local.installing/x", "mine: x"), (".local.backup/y/z", "mine: z")],
            ]),
            end: end(),
            plan: Plan { drop: vec!["a", "b"], ..plan() },
        },
        Scenario {
            name: "a first install with a foreign backup in its way",
            kind,
            start: all(&[PAYLOAD, &[(".local.backup/y/z", "mine: z")]]),
            end: end(),
            plan: plan(),
        },
    ]
}

fn others() -> Vec<Scenario> {
    let plan = || Plan { kept: "now", ..Plan::default() };
    let new: Files = &[(".lanspread/new/data/a", "a2"), (".lanspread/new/data/c", "c2")];
    let uninstall = |name, start: &[Files], drop| Scenario {
        name,
        kind: Kind::Uninstall,
        start: all(start),
        end: PAYLOAD.to_vec(),
        plan: Plan { drop, ..plan() },
    };
    vec![
        uninstall("an uninstall", &[PAYLOAD, INSTALLED], vec!["a", "b"]),
        uninstall(
            "an uninstall with a person's files",
            &[PAYLOAD, INSTALLED, &[("local/saves/1", "mine: save"), ("local/saves/2", "mine: other")]],
            vec!["a", "b"],
        ),
        uninstall("an uninstall of an adopted folder", &[PAYLOAD, &[("local/a", "mine: a")]], vec!["a"]),
        uninstall(
            "an uninstall with a foreign backup in its way",
            &[PAYLOAD, INSTALLED, &[(".local.backup/y", "mine: y")]],
            vec!["a", "b"],
        ),
        Scenario {
            name: "a swap",
            kind: Kind::Swap,
            start: all(&[PAYLOAD, &[("data/b", "b1")], INSTALLED, new]),
            end: all(&[
                &[("version.ini", "2.0"), ("data/a", "a2"), ("data/c", "c2"), ("data/extra", "mine: extra")],
                INSTALLED,
                &[(".lanspread/manifest", "new")],
            ]),
            plan: Plan {
                files: vec![("data/a", "a2"), ("data/c", "c2")],
                drop: vec!["data/b"],
                sentinel: "2.0",
                ..plan()
            },
        },
        Scenario {
            name: "a removal",
            kind: Kind::Remove,
            start: all(&[PAYLOAD, INSTALLED, new]),
            end: all(&[&[("data/extra", "mine: extra")], INSTALLED]),
            plan: Plan { drop: vec!["data/a"], ..plan() },
        },
    ]
}

pub(crate) fn all_scenarios() -> Vec<Scenario> {
    installs().into_iter().chain(more_installs()).chain(others()).collect()
}

impl Scenario {
    pub(crate) fn disk(&self) -> Disk {
        Disk::with(&self.start)
    }

    pub(crate) fn transaction(&self) -> Transaction {
        let seen = look(self.disk().tree());
        match self.kind {
            Kind::Install => Transaction::install(seen, id(1)),
            Kind::Uninstall => Transaction::uninstall(seen, id(1)),
            Kind::Swap => Transaction::swap(id(1)),
            Kind::Remove => Transaction::remove(id(1)),
        }
    }

    fn intents(&self) -> Vec<Intent> {
        self.transaction().intent().into_iter().collect()
    }

    pub(crate) fn run(&self, disk: &mut Disk) -> Result<Outcome, Stop> {
        drive(disk, &mut self.transaction(), &self.plan)
    }

    pub(crate) fn recover(&self, disk: &mut Disk) -> Result<Option<Outcome>, Stop> {
        recover(disk, &self.intents(), &self.plan)
    }

    /// Recovers for good, checks what is there then, and that another recovery finds nothing to do.
    pub(crate) fn settle(&self, tree: Tree) -> Settled {
        let before = tree.files();
        let mut disk = Disk::new(tree);
        let outcome = self.recover(&mut disk).unwrap();
        let at =
            |tree: &Tree| format!("{}: from {before:#?}\nby {outcome:?}\nto {:#?}", self.name, tree.files());
        assert_ne!(outcome, Some(Outcome::Unfinished), "{}", at(disk.tree()));
        let settled =
            self.check(disk.tree()).unwrap_or_else(|problem| panic!("{problem}\n{}", at(disk.tree())));
        let once = disk.tree().clone();
        assert_eq!(self.recover(&mut disk), Ok(None), "{}", at(&once));
        assert_eq!(*disk.tree(), once);
        settled
    }

    /// Whether the tree is the old or the new one, with everything of the person's.
    pub(crate) fn check(&self, tree: &Tree) -> Result<Settled, String> {
        let texts: Vec<_> = tree.files().into_values().collect();
        for (path, text) in self.start.iter().filter(|(_, text)| text.starts_with("mine")) {
            if !texts.iter().any(|found| found == text) {
                return Err(format!("“{path}” of the person's is lost"));
            }
        }
        let is_foreign = |path: &str| {
            let is_there = |folder: &str| self.start.iter().any(|(path, _)| path.starts_with(folder));
            [INSTALLING, BACKUP].iter().any(|folder| path.starts_with(folder) && is_there(folder))
        };
        let is_temporary = |path: &str| path.rsplit('.').next() == Some("tmp");
        let matters = |path: &str| !(is_temporary(path) || path.starts_with(KEPT) || is_foreign(path));
        let files = |files: BTreeMap<String, String>| -> BTreeMap<String, String> {
            files.into_iter().filter(|(path, _)| matters(path)).collect()
        };
        let wanted = |list: &[(&str, &str)]| {
            files(list.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect())
        };
        let found = files(tree.files());
        if found == wanted(&self.start) {
            Ok(Settled::Old)
        } else if found == wanted(&self.end) {
            Ok(Settled::New)
        } else {
            Err("it is neither the old nor the new state".to_owned())
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    Old,
    New,
}
