//! The games go to another folder: copied first, the old ones removed only after the new folder is in use.
//!
//! Nothing of others is written over, and nothing is removed but what was copied and has not changed since, so that a
//! failure at any point leaves every file in at least one of the two places. What changes while the copy runs, such as
//! the saves of somebody who plays, is copied again at its end; what is removed meanwhile does not come back in the new
//! folder.
//!
//! A copy that was cut off before leaves files behind: what is there and holds nothing but the beginning of the file that
//! comes is written again, so that the next try goes through.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use crate::model::{Fault, Moving};

/// How often the window is told how far it is.
const TELL_EVERY: Duration = Duration::from_millis(250);
/// Of this run alone: the new folder gets its own.
const NOT_MOVED: [&str; 2] = [".lanspread/lock", ".lanspread/logs"];
/// What Lanspread itself keeps, and writes at any time: the new folder has its own once it is in use.
const OWN: &str = ".lanspread";
/// How often what has changed is looked for and copied again. What still changes then stays in the old folder, too.
const LOOKS: usize = 3;
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
    /// The new folder is in use: the old files go, but those that were written since.
    pub(in crate::shell) fn remove_old(&self) {
        let is_copied = |(name, seen): &(&PathBuf, &Seen)| {
            name.starts_with(OWN)
                || fs::metadata(self.from.join(name)).is_ok_and(|now| Seen::from(now) == **seen)
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
    let gone: Vec<PathBuf> =
        copied.files.keys().filter(|name| !here.contains(name.as_path())).cloned().collect();
    copied.files.retain(|name, _| here.contains(name.as_path()));
    remove(&copied.to, gone.iter().map(PathBuf::as_path));
    files.retain(|(name, seen)| copied.files.get(name) != Some(seen));
    for (name, seen) in &files {
        copy_one(copied, name, *seen)?;
    }
    Ok(!files.is_empty() || !gone.is_empty())
}

fn copy_one(copied: &mut Copied, name: &Path, seen: Seen) -> Result<(), Fault> {
    let (from, to) = (copied.from.join(name), copied.to.join(name));
    let failed = |error: io::Error| Fault::of_file(&to, &error);
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    if copied.files.insert(name.to_owned(), seen).is_none()
        && let Err(error) = fs::File::create_new(&to)
    {
        match there(&from, &to) {
            Ok(There::All) => {
                copied.found.insert(name.to_owned());
                return Ok(());
            }
            Ok(There::Beginning) => {}
            Ok(There::Other) | Err(_) => {
                copied.files.remove(name);
                return Err(failed(error));
            }
        }
    }
    if let Err(error) = fs::copy(&from, &to) {
        if error.kind() == io::ErrorKind::NotFound && copied.from.is_dir() {
            // Removed since it was listed: the empty file that waits for it goes, too.
            copied.files.remove(name);
            remove(&copied.to, std::iter::once(name));
            return Ok(());
        }
        return Err(failed(error));
    }
    let times = fs::metadata(&from).and_then(|metadata| metadata.modified());
    // A file with another time is only hashed once more.
    let kept = times.and_then(|time| fs::File::options().write(true).open(&to)?.set_modified(time));
    if let Err(error) = kept {
        tracing::debug!(%error, path = %to.display(), "the time of change is not kept");
    }
    fs::File::open(&to).and_then(|file| file.sync_all()).map_err(failed)
}

/// What a file that is there already has of the one that comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum There {
    All,
    /// Of a copy that was cut off.
    Beginning,
    /// It is somebody's.
    Other,
}

fn there(from: &Path, to: &Path) -> io::Result<There> {
    let (mut whole, mut part) = (fs::File::open(from)?, fs::File::open(to)?);
    let (bytes, there) = (whole.metadata()?.len(), part.metadata()?.len());
    let (mut expected, mut found) = (vec![0; STEP_BYTES], vec![0; STEP_BYTES]);
    loop {
        let read = part.read(&mut found)?;
        if read == 0 {
            return Ok(if there == bytes { There::All } else { There::Beginning });
        }
        let is_same = match whole.read_exact(&mut expected[..read]) {
            Ok(()) => expected[..read] == found[..read],
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => false,
            Err(error) => return Err(error),
        };
        if !is_same {
            return Ok(There::Other);
        }
    }
}

fn list(root: &Path, folder: &Path, files: &mut Vec<(PathBuf, Seen)>) -> Result<(), Fault> {
    let whole = root.join(folder);
    for entry in fs::read_dir(&whole).map_err(|error| Fault::of_file(&whole, &error))? {
        let entry = entry.map_err(|error| Fault::of_file(&whole, &error))?;
        let name = folder.join(entry.file_name());
        if NOT_MOVED.iter().any(|not| Path::new(not) == name) {
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
    let mut folders: Vec<&Path> = Vec::new();
    for name in files {
        if let Err(error) = fs::remove_file(root.join(name)) {
            tracing::warn!(%error, path = %root.join(name).display(), "not removed after a move");
        }
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
    use crate::model::FileFault;

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
        fs::write(here("chess/data/board"), "squa").unwrap();
        fs::write(here("chess/version.ini"), "1").unwrap();
        let copied = copy(old.path(), new.path(), drop).unwrap();
        assert_eq!(names(new.path()), ALL);
        assert_eq!(fs::read_to_string(here("chess/data/board")).unwrap(), "squares");
        copied.remove_new();
        assert_eq!(names(new.path()), ["chess/version.ini"], "what was there before stays");
    }

    #[test]
    fn copies_go_when_the_new_folder_is_refused() {
        let (old, new) = (games(), tempfile::tempdir().unwrap());
        copy(old.path(), new.path(), drop).unwrap().remove_new();
        assert_eq!((names(old.path()).len(), names(new.path()).len()), (3, 0));
    }
}
