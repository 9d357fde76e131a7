//! Which files in `local/` are a person's, and those of them that live on in the next `local/`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use lanspread_engine::transaction::{Seen, Slot};
use walkdir::WalkDir;

use crate::disk::error::Tried as _;
use crate::disk::installed::{MARKER, Record, read_record};
use crate::disk::tree::FileStat;
use crate::disk::{Cancel, DiskError, GameFolder, Progress, atomic};
use crate::transaction::Before;
use crate::transaction::kept::{self, Droppable, Goes, Restored};

/// Globs of files that survive: `*` also stands for `/`, and case does not count, for what is kept is not lost.
#[derive(Debug)]
pub(super) struct KeepRules(GlobSet);

impl KeepRules {
    pub(super) fn new(globs: &[String]) -> Self {
        let mut set = GlobSetBuilder::new();
        for glob in globs {
            match GlobBuilder::new(glob).case_insensitive(true).build() {
                Ok(glob) => drop(set.add(glob)),
                Err(error) => tracing::warn!(%glob, %error, "a keep rule is no glob"),
            }
        }
        Self(set.build().unwrap_or_default())
    }

    fn keep(&self, name: &str) -> bool {
        self.0.is_match(name)
    }
}

/// A file or link below a folder.
#[derive(Debug)]
struct Found {
    /// Joined by `/`; `None` for names that are no Unicode.
    name: Option<String>,
    path: PathBuf,
    stat: FileStat,
    is_link: bool,
}

/// Where a person's files come from that are to live on.
#[derive(Debug)]
pub(super) struct Sources {
    folder: GameFolder,
    /// What the old `local/` was installed from.
    record: Option<Record>,
    /// Files of the record and of no keep rule: those that are unchanged may go.
    recorded: Vec<Found>,
    copies: Vec<PersonFile>,
    /// The folder below `.lanspread/kept/` that some copies come from.
    restored: Option<String>,
}

#[derive(Debug)]
struct PersonFile {
    name: String,
    found: Found,
    from: Origin,
    /// Takes the place of a new file.
    wins: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Local { is_ours: bool },
    Kept,
}

/// What [`Sources::copy`] did.
#[derive(Debug)]
pub(super) struct Person {
    /// What may go from the old `local/`.
    pub(super) drop: Goes,
    pub(super) restored: Option<Restored>,
    /// Paths of the new `local/` whose files are the person's.
    pub(super) taken: BTreeSet<String>,
}

impl Sources {
    /// Looks at what is there, without reading it.
    pub(super) fn survey(
        folder: &GameFolder,
        seen: Seen,
        restore: super::Restore,
        keep: &KeepRules,
    ) -> Result<Self, DiskError> {
        let mut sources = Self {
            folder: folder.clone(),
            record: None,
            recorded: Vec::new(),
            copies: Vec::new(),
            restored: None,
        };
        match seen.local {
            Slot::Absent if restore == super::Restore::Yes => sources.survey_kept(keep)?,
            Slot::Absent => {}
            Slot::Ours(_) => sources.survey_local(true, keep)?,
            Slot::Foreign => sources.survey_local(false, keep)?,
        }
        Ok(sources)
    }

    fn survey_local(&mut self, is_ours: bool, keep: &KeepRules) -> Result<(), DiskError> {
        self.record = if is_ours { read_record(&self.folder) } else { None };
        for found in files_below(&self.folder.local())? {
            let Some(name) = found.name.clone() else { continue };
            let is_kept = keep.keep(&name);
            let is_recorded = self.record.as_ref().is_some_and(|record| record.files.contains_key(&name));
            if is_recorded && !is_kept {
                self.recorded.push(found);
            } else if is_ours || is_kept {
                let from = Origin::Local { is_ours };
                self.copies.push(PersonFile { name, found, from, wins: is_kept });
            }
        }
        Ok(())
    }

    fn survey_kept(&mut self, keep: &KeepRules) -> Result<(), DiskError> {
        let Some((folder, is_adopted)) = kept::newest_uninstalled(&self.folder) else { return Ok(()) };
        for found in files_below(&self.folder.kept().join(&folder))? {
            let Some(name) = found.name.clone() else { continue };
            let is_kept = keep.keep(&name);
            if is_kept || !is_adopted {
                self.copies.push(PersonFile { name, found, from: Origin::Kept, wins: is_kept });
            }
        }
        self.restored = Some(folder);
        Ok(())
    }

    pub(super) fn bytes_to_copy(&self) -> u64 {
        self.copies.iter().map(|copy| copy.found.stat.bytes).sum()
    }

    /// Copies into `.local.installing`, which holds the game already.
    pub(super) fn copy(
        &self,
        cancel: &Cancel,
        progress: &Progress,
        before: &mut Before<'_>,
    ) -> Result<Person, DiskError> {
        let mut taken = BTreeSet::new();
        let (mut drop, mut restored) = (Vec::new(), Vec::new());
        for copy in &self.copies {
            cancel.check()?;
            before()?;
            if copy.place(&self.folder.local_installing())? {
                taken.insert(copy.name.clone());
                let droppable = Droppable::new(&copy.name, copy.found.stat);
                match copy.from {
                    Origin::Local { is_ours: true } => drop.push(droppable),
                    Origin::Local { is_ours: false } => {}
                    Origin::Kept => restored.push(droppable),
                }
            }
            progress.add(copy.found.stat.bytes);
        }
        if let Some(record) = &self.record {
            for found in &self.recorded {
                cancel.check()?;
                if let Some(name) = &found.name {
                    drop.extend(found.droppable_by(record, name)?);
                }
            }
        }
        let restored = match &self.restored {
            Some(folder) if !restored.is_empty() => {
                Some(Restored { folder: folder.clone(), files: restored })
            }
            _ => None,
        };
        Ok(Person { drop: Goes::Files(drop), restored, taken })
    }
}

impl PersonFile {
    /// Whether it was copied: a new file of the same path wins over one that no keep rule names.
    fn place(&self, into: &Path) -> Result<bool, DiskError> {
        let target = into.join(&self.name);
        let mut folder = into.to_owned();
        for part in Path::new(&self.name).parent().into_iter().flat_map(Path::components) {
            folder.push(part);
            match fs::symlink_metadata(&folder) {
                Ok(there) if there.is_dir() => {}
                // A new file or link has the folder's name.
                Ok(_) => return Ok(false),
                Err(error) if atomic::is_absent(&error) => {
                    fs::create_dir(&folder).tried("create the folder", &folder)?;
                }
                Err(error) => return Err(error).tried("look at", &folder),
            }
        }
        match fs::symlink_metadata(&target) {
            Ok(there) if there.is_dir() || !self.wins => return Ok(false),
            Ok(_) => drop(atomic::remove_if_there(&target)?),
            Err(error) if atomic::is_absent(&error) => {}
            Err(error) => return Err(error).tried("look at", &target),
        }
        if self.found.is_link { copy_link(&self.found.path, &target) } else { self.copy_file(&target) }
    }

    fn copy_file(&self, target: &Path) -> Result<bool, DiskError> {
        fs::copy(&self.found.path, target).tried("copy a person's file to", target)?;
        // Saves are listed by time. A filesystem that cannot keep it loses nothing else.
        let copied = fs::File::open(&self.found.path).and_then(|from| {
            let modified = from.metadata()?.modified()?;
            fs::File::options().append(true).open(target)?.set_modified(modified)
        });
        if let Err(error) = copied {
            tracing::debug!(path = %target.display(), %error, "a copy has a new time");
        }
        let now = fs::symlink_metadata(&self.found.path).tried("look at", &self.found.path)?;
        // What was written to meanwhile stays where it is, too: only the unchanged may go.
        if FileStat::of(&now) == self.found.stat {
            Ok(true)
        } else {
            Err(DiskError::Changed { path: self.found.path.clone() })
        }
    }
}

#[cfg(unix)]
fn copy_link(from: &Path, target: &Path) -> Result<bool, DiskError> {
    let leads_to = fs::read_link(from).tried("read", from)?;
    std::os::unix::fs::symlink(leads_to, target).tried("create", target)?;
    Ok(true)
}

/// Making links needs rights here that most people do not have: the link itself is kept.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "it can fail where there are links")]
fn copy_link(_from: &Path, _target: &Path) -> Result<bool, DiskError> {
    Ok(false)
}

/// The files of `local/` that are as they were installed and that no keep rule names: they may go.
pub(super) fn unchanged_files(
    folder: &GameFolder,
    keep: &KeepRules,
    cancel: &Cancel,
    progress: &Progress,
) -> Result<Vec<Droppable>, DiskError> {
    let Some(record) = read_record(folder) else { return Ok(Vec::new()) };
    let mut unchanged = Vec::new();
    let files = files_below(&folder.local())?;
    progress.expect_more(files.iter().map(|found| found.stat.bytes).sum());
    for found in files {
        cancel.check()?;
        if let Some(name) = found.name.as_ref().filter(|name| !keep.keep(name)) {
            unchanged.extend(found.droppable_by(&record, name)?);
        }
        progress.add(found.stat.bytes);
    }
    Ok(unchanged)
}

/// Bytes in an installed game's `local/`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LocalSize {
    /// Of what was installed.
    pub game: u64,
    /// Of a person's files and of what keep rules name.
    pub person: u64,
}

/// Measures without reading: a file of another size or time than recorded counts as a person's.
///
/// # Errors
/// When the folder cannot be looked through.
pub fn measure(folder: &GameFolder, keep: &[String]) -> Result<LocalSize, DiskError> {
    let (record, keep) = (read_record(folder), KeepRules::new(keep));
    let mut size = LocalSize::default();
    for found in files_below(&folder.local())? {
        let recorded = |name: &String| {
            let file = record.as_ref()?.files.get(name)?;
            Some(file.bytes == found.stat.bytes && file.modified == found.stat.modified && !keep.keep(name))
        };
        if found.name.as_ref().and_then(recorded).unwrap_or(false) {
            size.game += found.stat.bytes;
        } else {
            size.person += found.stat.bytes;
        }
    }
    Ok(size)
}

impl Found {
    /// It may go if it is as the record says.
    fn droppable_by(&self, record: &Record, name: &str) -> Result<Option<Droppable>, DiskError> {
        let Some(recorded) = record.files.get(name).filter(|_| !self.is_link) else { return Ok(None) };
        let is_unchanged = recorded.is_unchanged(&self.path, self.stat)?;
        Ok(is_unchanged.then(|| Droppable::new(name, self.stat)))
    }
}

/// All files and links below a folder but its marker, in byte order. No link is followed.
fn files_below(root: &Path) -> Result<Vec<Found>, DiskError> {
    let mut files = Vec::new();
    for entry in WalkDir::new(root).min_depth(1).sort_by_file_name() {
        let entry = entry.map_err(std::io::Error::from).tried("look into", root)?;
        let inside = entry.path().strip_prefix(root).unwrap_or(entry.path());
        if entry.file_type().is_dir() || inside == Path::new(MARKER) {
            continue;
        }
        let metadata = entry.metadata().map_err(std::io::Error::from).tried("look at", entry.path())?;
        // Sockets, pipes and devices cannot be copied; they are kept like names that are no Unicode.
        let is_plain = metadata.is_file() || metadata.is_symlink();
        let name = inside.to_str().filter(|_| is_plain).map(|_| kept::joined(inside));
        let stat = FileStat::of(&metadata);
        files.push(Found { name, path: entry.path().to_owned(), stat, is_link: metadata.is_symlink() });
    }
    Ok(files)
}
