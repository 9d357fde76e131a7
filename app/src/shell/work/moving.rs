//! The games go to another folder: copied first, the old ones removed only after the new folder is in use.
//!
//! Nothing of others is written over, and nothing is removed but what was copied and has not changed since, so that a
//! failure at any point leaves every file in at least one of the two places. What changes while the copy runs, such as
//! the saves of somebody who plays, is copied again at its end; what is removed meanwhile does not come back in the new
//! folder.
//!
//! A file has another name until all of it is there. So what a copy that was cut off has left behind is known: the next try
//! writes unfinished files again, and finds the finished ones to be the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, BufRead as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use crate::model::{Fault, FileFault, Moving};

/// How often the window is told how far it is.
const TELL_EVERY: Duration = Duration::from_millis(250);
/// Of this run alone: the new folder gets its own.
const NOT_MOVED: [&str; 2] = [".lanspread/lock", ".lanspread/logs"];
/// What Lanspread itself keeps, and writes at any time: the new folder has its own once it is in use.
const OWN: &str = ".lanspread";
/// How often what has changed is looked for and copied again. What still changes then stays in the old folder, too.
const LOOKS: usize = 3;
/// How the name of a file ends until all of it is there.
const UNFINISHED: &str = ".lanspread-copy";
/// Read at once when files are compared.
const STEP_BYTES: usize = 256 * 1024;

/// A copy that stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::shell) struct Copied {
    pub(in crate::shell) from: PathBuf,
    pub(in crate::shell) to: PathBuf,
    /// Relative, files only; as they were when they were read.
    files: BTreeMap<PathBuf, Seen>,
    /// Of these, what was in the new folder already.
    found: BTreeSet<PathBuf>,
    /// Folders that are known to lie in the new one.
    folders: BTreeSet<PathBuf>,
}

/// A file, as far as it tells that it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    bytes: u64,
    modified: Option<SystemTime>,
}

impl From<fs::Metadata> for Seen {
    fn from(metadata: fs::Metadata) -> Self {
        Self { bytes: metadata.len(), modified: metadata.modified().ok() }
    }
}

/// Copies all of `from`; what it has made is gone again if it fails.
pub(super) fn copy(from: &Path, to: &Path, tell: impl FnMut(Moving)) -> Result<Copied, Fault> {
    let mut copied = Copied { from: from.to_owned(), to: to.to_owned(), ..Copied::default() };
    let result = check(from, to).and_then(|()| copy_into(&mut copied, tell));
    match result {
        Ok(()) => Ok(copied),
        Err(error) => {
            copied.remove_new();
            Err(error)
        }
    }
}

impl Copied {
    /// The new folder is in use: the old files go, but those that were written since, or are not in the new one.
    pub(in crate::shell) fn remove_old(&self) {
        let is_copied = |(name, seen): &(&PathBuf, &Seen)| {
            let is_own = name.starts_with(OWN);
            let is_there = |there: fs::Metadata| there.is_file() && (is_own || there.len() == seen.bytes);
            let is_unchanged = |now: fs::Metadata| is_own || Seen::from(now) == **seen;
            fs::metadata(self.to.join(name)).is_ok_and(is_there)
                && fs::metadata(self.from.join(name)).is_ok_and(is_unchanged)
        };
        remove(&self.from, self.files.iter().filter(is_copied).map(|(name, _)| name.as_path()));
    }

    /// The new folder is not used: its copies go, but not what was there before.
    pub(in crate::shell) fn remove_new(&self) {
        let is_new = |name: &&PathBuf| !self.found.contains(*name);
        remove(&self.to, self.files.keys().filter(is_new).map(PathBuf::as_path));
    }
}

fn check(from: &Path, to: &Path) -> Result<(), Fault> {
    let real = |path: &Path| fs::canonicalize(path).map_err(|error| Fault::of_file(path, &error));
    fs::create_dir_all(to).map_err(|error| Fault::of_file(to, &error))?;
    let (from, to) = (real(from)?, real(to)?);
    if to.starts_with(&from) || from.starts_with(&to) {
        return Err(Fault::Nested(from, to));
    }
    Ok(())
}

fn copy_into(copied: &mut Copied, mut tell: impl FnMut(Moving)) -> Result<(), Fault> {
    let mut files = Vec::new();
    list(&copied.from, Path::new(""), &mut files)?;
    // What changes at any time comes last: a copy that is cut off should find its files the same at the next try.
    files.sort_by_key(|(name, _)| name.starts_with(OWN));
    let bytes_total = files.iter().map(|(_, seen)| seen.bytes).sum();
    let free = fs4::available_space(&copied.to).map_err(|error| Fault::of_file(&copied.to, &error))?;
    if free < bytes_total {
        return Err(Fault::NoSpace { folder: copied.to.clone(), needed: bytes_total, free });
    }
    let (mut bytes_done, mut last) = (0, Instant::now());
    tell(Moving { bytes_done, bytes_total });
    for (name, seen) in files {
        copy_one(copied, &name, seen)?;
        bytes_done += seen.bytes;
        if last.elapsed() >= TELL_EVERY {
            last = Instant::now();
            tell(Moving { bytes_done, bytes_total });
        }
    }
    for _ in 0..LOOKS {
        if !copy_changed(copied)? {
            break;
        }
    }
    Ok(())
}

/// Copies what was written since it was copied, or is new, and drops what was removed. `false` when there was nothing.
fn copy_changed(copied: &mut Copied) -> Result<bool, Fault> {
    let mut files = Vec::new();
    list(&copied.from, Path::new(""), &mut files)?;
    let here: BTreeSet<&Path> = files.iter().map(|(name, _)| name.as_path()).collect();
    let is_gone = |name: &PathBuf| !here.contains(name.as_path());
    // What was there before stays.
    let is_ours = |name: &&PathBuf| is_gone(name) && !copied.found.contains(*name);
    let gone: Vec<PathBuf> = copied.files.keys().filter(is_ours).cloned().collect();
    copied.files.retain(|name, _| !is_gone(name));
    copied.found.retain(|name| !is_gone(name));
    remove(&copied.to, gone.iter().map(PathBuf::as_path));
    files.retain(|(name, seen)| copied.files.get(name) != Some(seen));
    for (name, seen) in &files {
        copy_one(copied, name, *seen)?;
    }
    Ok(!files.is_empty() || !gone.is_empty())
}

/// A file that has vanished since it was listed is none.
fn copy_one(copied: &mut Copied, name: &Path, seen: Seen) -> Result<(), Fault> {
    let (from, to) = (copied.from.join(name), copied.to.join(name));
    let failed = |error: io::Error| Fault::of_file(&to, &error);
    let folder = to.parent().unwrap_or(&to);
    fs::create_dir_all(folder).map_err(failed)?;
    stay_inside(copied, folder)?;
    let is_ours = copied.files.contains_key(name) && !copied.found.contains(name);
    if !is_ours && let Ok(there) = fs::symlink_metadata(&to) {
        // It is somebody's. The same again does no harm.
        return match there.is_file().then(|| is_same(&from, &to)) {
            Some(Ok(true)) => {
                copied.files.insert(name.to_owned(), seen);
                copied.found.insert(name.to_owned());
                Ok(())
            }
            Some(Err(error)) if is_gone(copied, &error) => Ok(()),
            Some(Err(error)) => Err(failed(error)),
            Some(Ok(false)) | None => Err(Fault::File { path: to, why: FileFault::AlreadyThere }),
        };
    }
    let mut part = to.clone().into_os_string();
    part.push(UNFINISHED);
    let written = write_copy(&from, Path::new(&part)).and_then(|()| fs::rename(&part, &to));
    if let Err(error) = written {
        drop(fs::remove_file(&part));
        if is_gone(copied, &error) {
            remove_folders(&copied.to, std::iter::once(name));
            return Ok(());
        }
        return Err(failed(error));
    }
    copied.files.insert(name.to_owned(), seen);
    Ok(())
}

/// The file that was to be copied, while its folder is there.
fn is_gone(copied: &Copied, error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound && copied.from.is_dir()
}

/// A link on the way would lead out of the new folder, and maybe back to the old one.
fn stay_inside(copied: &mut Copied, folder: &Path) -> Result<(), Fault> {
    if copied.folders.contains(folder) {
        return Ok(());
    }
    let real = |path: &Path| fs::canonicalize(path).map_err(|error| Fault::of_file(path, &error));
    if !real(folder)?.starts_with(real(&copied.to)?) {
        return Err(Fault::Link(folder.to_owned()));
    }
    copied.folders.insert(folder.to_owned());
    Ok(())
}

/// All of it, durably, with its time and its rights.
fn write_copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = fs::File::open(from)?;
    let metadata = source.metadata()?;
    let mut copy = fs::File::create(to)?;
    io::copy(&mut source, &mut copy)?;
    // A file with another time is only hashed once more.
    if let Err(error) = metadata.modified().and_then(|time| copy.set_modified(time)) {
        tracing::debug!(%error, path = %to.display(), "the time of change is not kept");
    }
    copy.sync_all()?;
    drop(copy);
    // Not every file system has them.
    if let Err(error) = fs::set_permissions(to, metadata.permissions()) {
        tracing::debug!(%error, path = %to.display(), "the permissions are not kept");
    }
    Ok(())
}

fn is_same(one: &Path, other: &Path) -> io::Result<bool> {
    let (one, other) = (fs::File::open(one)?, fs::File::open(other)?);
    if one.metadata()?.len() != other.metadata()?.len() {
        return Ok(false);
    }
    let (mut one, mut other) =
        (io::BufReader::with_capacity(STEP_BYTES, one), io::BufReader::with_capacity(STEP_BYTES, other));
    loop {
        let (left, right) = (one.fill_buf()?, other.fill_buf()?);
        let count = left.len().min(right.len());
        if count == 0 {
            return Ok(left.len() == right.len());
        }
        if left[..count] != right[..count] {
            return Ok(false);
        }
        one.consume(count);
        other.consume(count);
    }
}

fn list(root: &Path, folder: &Path, files: &mut Vec<(PathBuf, Seen)>) -> Result<(), Fault> {
    let whole = root.join(folder);
    for entry in fs::read_dir(&whole).map_err(|error| Fault::of_file(&whole, &error))? {
        let entry = entry.map_err(|error| Fault::of_file(&whole, &error))?;
        let name = folder.join(entry.file_name());
        let is_unfinished = name.to_string_lossy().ends_with(UNFINISHED);
        if is_unfinished || NOT_MOVED.iter().any(|not| Path::new(not) == name) {
            continue;
        }
        let metadata = entry.metadata().map_err(|error| Fault::of_file(&entry.path(), &error))?;
        if metadata.is_dir() {
            list(root, &name, files)?;
        } else if metadata.is_file() {
            files.push((name, metadata.into()));
        } else {
            return Err(Fault::Link(entry.path()));
        }
    }
    Ok(())
}

/// Removes files, and the folders that are empty then. What cannot be removed stays, which loses nothing.
fn remove<'a>(root: &Path, files: impl Iterator<Item = &'a Path>) {
    let removed = files.inspect(|name| {
        if let Err(error) = fs::remove_file(root.join(name)) {
            tracing::warn!(%error, path = %root.join(name).display(), "not removed after a move");
        }
    });
    remove_folders(root, removed);
}

/// Removes the folders of these files that are empty.
fn remove_folders<'a>(root: &Path, files: impl Iterator<Item = &'a Path>) {
    let mut folders: Vec<&Path> = Vec::new();
    for name in files {
        folders.extend(name.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty()));
    }
    folders.sort_by_key(|folder| std::cmp::Reverse(folder.components().count()));
    folders.dedup();
    for folder in folders {
        // Refused when it is not empty, which is what decides.
        drop(fs::remove_dir(root.join(folder)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn games() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("chess/version.ini", "1"),
            ("chess/data/board", "squares"),
            (".lanspread/identity", "key"),
            (".lanspread/lock", ""),
        ] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    fn names(root: &Path) -> Vec<String> {
        let mut files = Vec::new();
        list(root, Path::new(""), &mut files).unwrap();
        let mut names: Vec<String> =
            files.iter().map(|(name, _)| name.to_string_lossy().replace('\\', "/")).collect();
        names.sort();
        names
    }

    const ALL: [&str; 3] = [".lanspread/identity", "chess/data/board", "chess/version.ini"];

    #[test]
    fn games_are_in_both_places_until_the_new_one_is_used() {
        let (old, new) = (games(), tempfile::tempdir().unwrap());
        let mut told = Vec::new();
        let copied = copy(old.path(), new.path(), |moving| told.push(moving)).unwrap();
        assert_eq!(
            (names(old.path()), names(new.path())),
            (ALL.map(str::to_owned).to_vec(), ALL.map(str::to_owned).to_vec())
        );
        assert_eq!(told.first(), Some(&Moving { bytes_done: 0, bytes_total: 11 }));
        let time = |root: &Path| fs::metadata(root.join("chess/data/board")).unwrap().modified().unwrap();
        assert_eq!(time(old.path()), time(new.path()));
        fs::write(old.path().join("chess/notes"), "written meanwhile").unwrap();
        copied.remove_old();
        assert_eq!(names(old.path()), ["chess/notes"], "what was not copied stays");
        assert!(!old.path().join("chess/data").exists());
    }

    #[test]
    fn what_is_written_meanwhile_is_lost_in_no_place() {
        let (old, new) = (games(), tempfile::tempdir().unwrap());
        let save = old.path().join("chess/local/save");
        fs::create_dir_all(save.parent().unwrap()).unwrap();
        fs::write(&save, "first").unwrap();
        // Said once all files are listed, before the first is copied.
        let playing = |moving: Moving| {
            if moving.bytes_done == 0 {
                fs::write(old.path().join("chess/local/new"), "another").unwrap();
            }
        };
        let mut copied = copy(old.path(), new.path(), playing).unwrap();
        assert_eq!(fs::read_to_string(new.path().join("chess/local/new")).unwrap(), "another");
        fs::write(&save, "the second").unwrap();
        assert_eq!(copy_changed(&mut copied), Ok(true));
        assert_eq!(copy_changed(&mut copied), Ok(false));
        assert_eq!(fs::read_to_string(new.path().join("chess/local/save")).unwrap(), "the second");
        fs::write(&save, "the third one").unwrap();
        copied.remove_old();
        assert_eq!(names(old.path()), ["chess/local/save"], "only what was written since is still here");
        assert_eq!(fs::read_to_string(&save).unwrap(), "the third one");
        assert_eq!(names(new.path()).len(), 5);
    }

    #[test]
    fn what_is_removed_meanwhile_does_not_come_back() {
        let (old, new) = (games(), tempfile::tempdir().unwrap());
        let go = old.path().join("go/version.ini");
        fs::create_dir_all(go.parent().unwrap()).unwrap();
        fs::write(&go, "1").unwrap();
        // Said once all files are listed, before the first is copied.
        let removing = |moving: Moving| {
            if moving.bytes_done == 0 {
                fs::remove_dir_all(go.parent().unwrap()).unwrap();
            }
        };
        let mut copied = copy(old.path(), new.path(), removing).unwrap();
        assert_eq!(names(new.path()), ALL);
        assert!(!new.path().join("go").exists(), "not even its folder");
        fs::remove_dir_all(old.path().join("chess")).unwrap();
        assert_eq!(copy_changed(&mut copied), Ok(true));
        assert_eq!((copy_changed(&mut copied), names(new.path())), (Ok(false), vec![ALL[0].to_owned()]));
        copied.remove_old();
        assert!(names(old.path()).is_empty());
    }

    #[test]
    fn a_move_that_fails_leaves_everything_as_it_was() {
        let (old, new) = (games(), tempfile::tempdir().unwrap());
        fs::create_dir_all(new.path().join("chess")).unwrap();
        fs::write(new.path().join("chess/version.ini"), "somebody's").unwrap();
        let path = new.path().join("chess/version.ini");
        let there = Fault::File { path, why: FileFault::AlreadyThere };
        assert_eq!(copy(old.path(), new.path(), drop), Err(there));
        assert_eq!(names(old.path()), ALL);
        assert_eq!(names(new.path()), ["chess/version.ini"]);
        assert_eq!(fs::read_to_string(new.path().join("chess/version.ini")).unwrap(), "somebody's");
        let inside = copy(old.path(), &old.path().join("inside"), drop);
        assert!(matches!(inside, Err(Fault::Nested(..))), "{inside:?}");
    }

    #[test]
    fn a_copy_that_was_cut_off_is_no_hindrance() {
        let (old, new) = (games(), tempfile::tempdir().unwrap());
        let here = |name: &str| new.path().join(name);
        fs::create_dir_all(here("chess/data")).unwrap();
        fs::write(here("chess/data/board.lanspread-copy"), "squa").unwrap();
        fs::write(here("chess/version.ini"), "1").unwrap();
        let mut copied = copy(old.path(), new.path(), drop).unwrap();
        assert_eq!(names(new.path()), ALL);
        assert_eq!(fs::read_to_string(here("chess/data/board")).unwrap(), "squares");
        assert!(!here("chess/data/board.lanspread-copy").exists());
        fs::remove_file(old.path().join("chess/version.ini")).unwrap();
        assert_eq!(copy_changed(&mut copied), Ok(false), "what was there before stays");
        copied.remove_new();
        assert_eq!(names(new.path()), ["chess/version.ini"], "here, too");
    }

    #[test]
    fn the_only_copy_is_never_removed() {
        let (old, new) = (games(), tempfile::tempdir().unwrap());
        let copied = copy(old.path(), new.path(), drop).unwrap();
        fs::remove_file(new.path().join("chess/data/board")).unwrap();
        copied.remove_old();
        assert_eq!(names(old.path()), ["chess/data/board"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leads_back_is_no_copy() {
        let (old, new) = (games(), tempfile::tempdir().unwrap());
        let link = new.path().join("chess");
        std::os::unix::fs::symlink(old.path().join("chess"), &link).unwrap();
        let refused = copy(old.path(), new.path(), drop);
        assert!(matches!(&refused, Err(Fault::Link(path)) if path.starts_with(&link)), "{refused:?}");
        assert_eq!(names(old.path()), ALL);
    }

    #[test]
    fn copies_go_when_the_new_folder_is_refused() {
        let (old, new) = (games(), tempfile::tempdir().unwrap());
        copy(old.path(), new.path(), drop).unwrap().remove_new();
        assert_eq!((names(old.path()).len(), names(new.path()).len()), (3, 0));
    }
}
