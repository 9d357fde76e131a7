//! A model of a filesystem: names and contents that programs see, and what of it a power cut leaves.
//!
//! Changes of names reach the disk in the order they were made (a journalled filesystem's promise) but as late as it
//! likes; contents whenever it likes, or never, unless they are flushed. A file whose content never came is torn.

use std::collections::{BTreeMap, BTreeSet};

/// Names and contents.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tree {
    names: BTreeMap<String, Node>,
    contents: BTreeMap<u32, String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Node {
    Folder,
    File(u32),
}

#[derive(Clone, Debug)]
enum Change {
    Folder(String),
    File(String, u32),
    Content(u32, String),
    Rename(String, String),
    Remove(String),
}

/// Why work on the model ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The power is gone.
    Crash,
    /// The operating system refused it.
    Refused,
}

/// What is refused, counted in changes and flushes from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    None,
    At(usize),
    /// From this one on nothing can be written; removing and renaming work.
    FullFrom(usize),
    /// From this one on everything is refused.
    From(usize),
}

/// A disk in use.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    now: Tree,
    flushed: Tree,
    pending: Vec<Change>,
    next_file: u32,
    pub(crate) refusal: Refusal,
    pub(crate) crash_at: Option<usize>,
    /// Changes and flushes so far.
    pub(crate) steps: usize,
}

impl Tree {
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        match self.names.get(path)? {
            Node::File(number) => Some(self.contents.get(number).map_or("torn", String::as_str)),
            Node::Folder => None,
        }
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.names.contains_key(path)
    }

    /// All files, by path.
    pub(crate) fn files(&self) -> BTreeMap<String, String> {
        let files = self.names.keys().filter_map(|path| Some((path.clone(), self.text(path)?.to_owned())));
        files.collect()
    }

    /// Everything below a folder, by path relative to it.
    pub(crate) fn below(&self, folder: &str) -> BTreeMap<String, String> {
        let inside = |(path, text): (String, String)| {
            let rest = path.strip_prefix(folder)?.strip_prefix('/')?;
            Some((rest.to_owned(), text))
        };
        self.files().into_iter().filter_map(inside).collect()
    }

    /// Folders below one, outer ones first.
    pub(crate) fn folders_below(&self, folder: &str) -> Vec<String> {
        let prefix = format!("{folder}/");
        let is_inside = |(name, node): &(&String, &Node)| name.starts_with(&prefix) && **node == Node::Folder;
        self.names.iter().filter(is_inside).map(|(name, _)| name.clone()).collect()
    }

    fn is_empty_folder(&self, path: &str) -> bool {
        let prefix = format!("{path}/");
        self.names.get(path) == Some(&Node::Folder)
            && !self.names.keys().any(|name| name.starts_with(&prefix))
    }

    fn apply(&mut self, change: &Change) {
        match change {
            Change::Folder(path) => drop(self.names.insert(path.clone(), Node::Folder)),
            Change::File(path, number) => drop(self.names.insert(path.clone(), Node::File(*number))),
            Change::Content(number, text) => drop(self.contents.insert(*number, text.clone())),
            Change::Remove(path) => drop(self.names.remove(path)),
            Change::Rename(from, to) => {
                let prefix = format!("{from}/");
                let moved: Vec<_> = self
                    .names
                    .keys()
                    .filter(|name| *name == from || name.starts_with(&prefix))
                    .cloned()
                    .collect();
                for name in moved {
                    let node = self.names.remove(&name).unwrap();
                    self.names.insert(format!("{to}{}", &name[from.len()..]), node);
                }
            }
        }
    }

    /// Without contents that no name leads to, and with numbers in order of names: equal if they look equal.
    fn normal(&self) -> Self {
        let mut normal = Self::default();
        for ((path, node), number) in self.names.iter().zip(0..) {
            let node = match node {
                Node::Folder => Node::Folder,
                Node::File(old) => {
                    if let Some(text) = self.contents.get(old) {
                        normal.contents.insert(number, text.clone());
                    }
                    Node::File(number)
                }
            };
            normal.names.insert(path.clone(), node);
        }
        normal
    }
}

impl Disk {
    pub(crate) fn new(tree: Tree) -> Self {
        let next_file = tree.contents.keys().chain(tree.names.values().filter_map(|node| match node {
            Node::File(number) => Some(number),
            Node::Folder => None,
        }));
        let next_file = next_file.max().map_or(0, |last| last + 1);
        let (now, flushed) = (tree.clone(), tree);
        Self {
            now,
            flushed,
            pending: Vec::new(),
            next_file,
            refusal: Refusal::None,
            crash_at: None,
            steps: 0,
        }
    }

    /// A disk with these files, all flushed.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let mut disk = Self::new(Tree::default());
        for (path, text) in files {
            disk.folders_of(path).unwrap();
            disk.write(path, text).unwrap();
        }
        Self::new(disk.now)
    }

    pub(crate) fn tree(&self) -> &Tree {
        &self.now
    }

    /// All that may be there after the power went now.
    pub(crate) fn after_crash(&self) -> BTreeSet<Tree> {
        let mut tree = self.flushed.clone();
        let mut trees = BTreeSet::from([tree.normal()]);
        let mut torn = self.flushed.clone();
        for change in &self.pending {
            tree.apply(change);
            trees.insert(tree.normal());
            // Names that came before their contents.
            if !matches!(change, Change::Content(..)) {
                torn.apply(change);
                trees.insert(torn.normal());
            }
        }
        trees
    }

    fn step(&mut self, writes: bool) -> Result<(), Stop> {
        let nth = self.steps;
        self.steps += 1;
        if self.crash_at == Some(nth) {
            return Err(Stop::Crash);
        }
        let is_refused = match self.refusal {
            Refusal::None => false,
            Refusal::At(at) => nth == at,
            Refusal::FullFrom(at) => nth >= at && writes,
            Refusal::From(at) => nth >= at,
        };
        if is_refused { Err(Stop::Refused) } else { Ok(()) }
    }

    fn change(&mut self, change: Change) -> Result<(), Stop> {
        let writes = matches!(change, Change::Folder(_) | Change::File(..) | Change::Content(..));
        self.step(writes)?;
        self.now.apply(&change);
        self.pending.push(change);
        Ok(())
    }

    pub(crate) fn folder(&mut self, path: &str) -> Result<(), Stop> {
        if self.now.has(path) { Ok(()) } else { self.change(Change::Folder(path.to_owned())) }
    }

    pub(crate) fn folders_of(&mut self, path: &str) -> Result<(), Stop> {
        let ends: Vec<_> = path.match_indices('/').map(|(end, _)| end).collect();
        ends.into_iter().try_for_each(|end| self.folder(&path[..end]))
    }

    /// A new file in the place of what was there. Not flushed.
    pub(crate) fn write(&mut self, path: &str, text: &str) -> Result<(), Stop> {
        let number = self.next_file;
        self.next_file += 1;
        self.change(Change::File(path.to_owned(), number))?;
        self.change(Change::Content(number, text.to_owned()))
    }

    pub(crate) fn rename(&mut self, from: &str, to: &str) -> Result<(), Stop> {
        assert!(self.now.has(from), "{from} is not there");
        let is_replaced = self.now.text(to).is_some() && self.now.text(from).is_some();
        assert!(is_replaced || !self.now.has(to), "{to} is in the way of {from}");
        self.change(Change::Rename(from.to_owned(), to.to_owned()))
    }

    /// A file, or an empty folder; nothing else is changed by it.
    pub(crate) fn remove(&mut self, path: &str) -> Result<(), Stop> {
        if self.now.text(path).is_some() || self.now.is_empty_folder(path) {
            self.change(Change::Remove(path.to_owned()))
        } else {
            Ok(())
        }
    }

    pub(crate) fn flush_file(&mut self, path: &str) -> Result<(), Stop> {
        self.step(false)?;
        let Some(Node::File(number)) = self.now.names.get(path).copied() else { panic!("{path} is no file") };
        let flushed = &mut self.flushed;
        self.pending.retain(|change| {
            let is_its = matches!(change, Change::Content(of, _) if *of == number);
            if is_its {
                flushed.apply(change);
            }
            !is_its
        });
        Ok(())
    }

    /// All changes of names in this folder, and those before them.
    pub(crate) fn flush_folder(&mut self, folder: &str) -> Result<(), Stop> {
        self.step(false)?;
        let is_in = |path: &String| path.rsplit_once('/').map_or("", |(above, _)| above) == folder;
        let touches = |change: &Change| match change {
            Change::Folder(path) | Change::File(path, _) | Change::Remove(path) => is_in(path),
            Change::Rename(from, to) => is_in(from) || is_in(to),
            Change::Content(..) => false,
        };
        let Some(last) = self.pending.iter().rposition(touches) else { return Ok(()) };
        let rest = self.pending.split_off(last + 1);
        let (contents, names): (Vec<_>, Vec<_>) = std::mem::take(&mut self.pending)
            .into_iter()
            .partition(|change| matches!(change, Change::Content(..)));
        for change in &names {
            self.flushed.apply(change);
        }
        self.pending = contents.into_iter().chain(rest).collect();
        Ok(())
    }

    pub(crate) fn flush_all(&mut self) -> Result<(), Stop> {
        self.step(false)?;
        for change in std::mem::take(&mut self.pending) {
            self.flushed.apply(&change);
        }
        Ok(())
    }
}
