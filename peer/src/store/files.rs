//! [`Files`]: where each file of a download is now, and the few of them that are open.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;

use lanspread_protocol::{FileEntry, Manifest, RelPath};
use lru::LruCache;

use super::Mode;
use crate::disk::error::Tried as _;
use crate::disk::place::Placer;
use crate::disk::tree::FileStat;
use crate::disk::{DiskError, GameFolder, atomic};
use crate::transaction::ours::Ours;
use crate::transaction::placed::Placed;

/// Files held open at once: a few per source suffice, and a system allows some hundreds.
const MAX_OPEN: NonZero<usize> = NonZero::new(64).unwrap();

/// Where a file's content is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileState {
    /// Nothing of it is here.
    Absent,
    /// In `parts/`. What was never written reads as zeros if this store has made it.
    Part { is_fresh: bool },
    /// At its final place, put there by Lanspread, with wrong chunks, which are replaced where they stand.
    Repairing,
    /// It was complete at its final place when the store was opened.
    InPlace(FileStat),
    /// This download has made it: at its final place, or in `new/` for an update.
    Done,
}

#[derive(Debug)]
pub(super) struct Files {
    folder: GameFolder,
    manifest: Arc<Manifest>,
    mode: Mode,
    pub(super) states: Vec<FileState>,
    open: LruCache<u32, Arc<File>>,
    placer: Placer,
    /// Of a fresh download.
    placed: Option<Placed>,
    ours: Ours,
}

/// The beginning of the names of a manifest's part files.
fn part_prefix(manifest: &Manifest) -> String {
    format!("{}-", manifest.id().short())
}

/// Which file of the manifest a part file of this name is a part of.
pub(super) fn file_of_part(manifest: &Manifest, name: &str) -> Option<u32> {
    let number = name.strip_prefix(&part_prefix(manifest))?.parse::<u32>().ok()?;
    ((number as usize) < manifest.files().len()).then_some(number)
}

impl Files {
    pub(super) fn new(
        folder: GameFolder,
        manifest: Arc<Manifest>,
        mode: Mode,
        states: Vec<FileState>,
        ours: Ours,
    ) -> Self {
        let target = match mode {
            Mode::Fresh => folder.root().to_owned(),
            Mode::Beside => folder.new_files(),
        };
        let placer = Placer::new(&folder, target);
        Self { folder, manifest, mode, states, open: LruCache::new(MAX_OPEN), placer, placed: None, ours }
    }

    pub(super) fn state(&self, file: u32) -> FileState {
        self.states[file as usize]
    }

    fn entry(&self, file: u32) -> &FileEntry {
        &self.manifest.files()[file as usize]
    }

    pub(super) fn part_path(&self, file: u32) -> PathBuf {
        self.folder.parts().join(format!("{}{file}", part_prefix(&self.manifest)))
    }

    pub(super) fn path(&self, file: u32) -> PathBuf {
        let name = &self.entry(file).path;
        match (self.state(file), self.mode) {
            (FileState::Absent | FileState::Part { .. }, _) => self.part_path(file),
            (FileState::Done, Mode::Beside) => crate::disk::layout::under(&self.folder.new_files(), name),
            (FileState::Done, Mode::Fresh) | (FileState::Repairing | FileState::InPlace(_), _) => {
                self.folder.file(name)
            }
        }
    }

    /// The file, open for reading, and for writing as long as it is not complete. One that is absent becomes an
    /// empty part file.
    pub(super) fn open(&mut self, file: u32) -> Result<Arc<File>, DiskError> {
        if let Some(open) = self.open.get(&file) {
            return Ok(Arc::clone(open));
        }
        let path = self.path(file);
        let opened = match self.state(file) {
            FileState::Absent => {
                let opened = create(&path, self.entry(file).executable)?;
                opened.set_len(self.entry(file).bytes).tried("make room in", &path)?;
                self.states[file as usize] = FileState::Part { is_fresh: true };
                opened
            }
            FileState::Part { .. } | FileState::Repairing => {
                atomic::make_writable(&path).tried("make writable", &path)?;
                let opened = OpenOptions::new().read(true).write(true).open(&path).tried("open", &path)?;
                opened.set_len(self.entry(file).bytes).tried("make room in", &path)?;
                opened
            }
            FileState::InPlace(stat) => {
                let opened = File::open(&path).tried("open", &path)?;
                let now = opened.metadata().tried("look at", &path)?;
                if FileStat::of(&now) != stat {
                    return Err(DiskError::Changed { path });
                }
                opened
            }
            FileState::Done => File::open(&path).tried("open", &path)?,
        };
        let opened = Arc::new(opened);
        self.open.put(file, Arc::clone(&opened));
        Ok(opened)
    }

    /// Where a small file is to be written at once.
    pub(super) fn target(&mut self, file: u32) -> Result<PathBuf, DiskError> {
        let name = self.manifest.files()[file as usize].path.clone();
        self.placer.with_folders(&name)
    }

    /// What is put to its place from now on is noted. Removes what a download of another manifest has placed.
    pub(super) fn note_placed(&mut self) -> Result<(), DiskError> {
        if self.mode == Mode::Fresh {
            self.placed = Some(Placed::go_on(&self.folder, &self.manifest)?);
        }
        Ok(())
    }

    /// A file that was absent has been written to its place.
    pub(super) fn set_placed(&mut self, file: u32) {
        if let Some(placed) = &mut self.placed {
            placed.add(&self.manifest.files()[file as usize].path);
        }
        self.set_done(file);
    }

    pub(super) fn set_done(&mut self, file: u32) {
        self.states[file as usize] = FileState::Done;
    }

    /// A file has all its bytes: moves it to where it belongs.
    pub(super) fn complete(&mut self, file: u32) -> Result<(), DiskError> {
        match self.state(file) {
            FileState::Done | FileState::InPlace(_) => return Ok(()),
            // An empty file has no chunk that would have made it.
            FileState::Absent => drop(self.open(file)?),
            FileState::Repairing | FileState::Part { .. } => {}
        }
        let closed = self.open.pop(&file);
        drop(closed);
        if self.state(file) == FileState::Repairing {
            self.set_done(file);
        } else {
            let name = self.manifest.files()[file as usize].path.clone();
            if self.mode == Mode::Fresh {
                self.make_way(&name)?;
            }
            self.placer.place(&self.part_path(file), &name)?;
            self.set_placed(file);
        }
        Ok(())
    }

    /// Moves a person's file to `.lanspread/kept/` that stands where one of the payload's comes.
    fn make_way(&mut self, name: &RelPath) -> Result<(), DiskError> {
        let path = self.placer.with_folders(name)?;
        match fs::symlink_metadata(&path) {
            Ok(there) if there.is_dir() => Ok(()),
            Ok(there) if there.is_file() && self.ours.is_placed(name, FileStat::of(&there)) => Ok(()),
            Ok(_) => self.placer.displace(&path, name.as_str()),
            Err(error) if atomic::is_absent(&error) => Ok(()),
            Err(error) => Err(error).tried("look at", &path),
        }
    }

    /// Closes everything: Windows does not move or remove what is open.
    pub(super) fn close_all(&mut self) {
        self.open.clear();
        self.placed = None;
    }

    /// The folders in `.lanspread/kept/` that a person's files were moved to.
    pub(super) fn displaced(&self) -> Vec<String> {
        self.placer.displaced().iter().cloned().collect()
    }

    pub(super) fn placer(&mut self) -> &mut Placer {
        &mut self.placer
    }
}

/// A new file, replacing one that is there. What the manifest calls a program may be run.
pub(super) fn create(path: &std::path::Path, executable: bool) -> Result<File, DiskError> {
    let open = || new_file_options(executable).open(path);
    match open() {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            atomic::remove_if_there(path)?;
            open().tried("create", path)
        }
        Err(error) if atomic::is_absent(&error) => {
            let folder = path.parent().unwrap_or(path);
            fs::create_dir_all(folder).tried("create the folder", folder)?;
            open().tried("create", path)
        }
        opened => opened.tried("create", path),
    }
}

fn new_file_options(executable: bool) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, if executable { 0o777 } else { 0o666 });
    #[cfg(not(unix))]
    let _ = executable;
    options
}

/// Writes a whole file where none is; `false` if something is there. What could not be written is removed again.
pub(super) fn write_whole<'a>(
    path: &std::path::Path,
    executable: bool,
    pieces: impl Iterator<Item = &'a [u8]>,
) -> Result<bool, DiskError> {
    let mut file = match new_file_options(executable).open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Ok(false),
        opened => opened.tried("create", path)?,
    };
    for piece in pieces {
        if let Err(error) = file.write_all(piece) {
            drop(file);
            atomic::remove_if_there(path)?;
            return Err(error).tried("write", path);
        }
    }
    Ok(true)
}
