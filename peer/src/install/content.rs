//! What `local/` is made of: archives that are unpacked, or the payload's files as they are.
//!
//! The catalog's recipe decides; without one the payload does: `<id>.eti` in its root is unpacked and nothing else
//! (ETI's convention); else a payload of nothing but archives in its root is unpacked, in byte order of their names, an
//! archive in several files once; else its files are placed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use lanspread_protocol::{FileHasher, Game, InstallRecipe, ManifestId, Os, RelPath, Version};
use walkdir::WalkDir;

use super::{InstallError, InstallRequest};
use crate::disk::error::Tried as _;
use crate::disk::hash::FileList;
use crate::disk::installed::{Digest, MARKER, Record, RecordedFile};
use crate::disk::layout::under;
use crate::disk::place::{Placer, make_executable};
use crate::disk::scan::read_sentinel;
use crate::disk::tree::{FileStat, Follow, Links, Locator, walk};
use crate::disk::{Cancel, DiskError, GameFolder, Progress, atomic};
use crate::transaction::plan::WholeRecord;
use crate::transaction::{Before, kept};
use crate::unpack::{self, Limits, Looks, UnpackError};

/// The game's part of an install.
#[derive(Debug)]
pub(super) struct Content<'a> {
    folder: &'a GameFolder,
    entry: Option<&'a Game>,
    version: Version,
    manifest: Option<ManifestId>,
    what: What,
}

#[derive(Debug)]
enum What {
    /// Archives in the payload, one after another, and what they say that they unpack to.
    Archives {
        paths: Vec<PathBuf>,
        declared_bytes: u64,
    },
    Files {
        files: Vec<PayloadFile>,
        empty_folders: Vec<RelPath>,
    },
}

#[derive(Debug)]
struct PayloadFile {
    name: RelPath,
    path: PathBuf,
    bytes: u64,
    is_program: bool,
    /// `None` without a manifest: the file is read for it.
    digest: Option<Digest>,
}

/// What was written, by path.
pub(super) type Written = BTreeMap<String, Digest>;

impl<'a> Content<'a> {
    /// Looks at the payload and decides.
    pub(super) fn of(request: &InstallRequest<'a>, cancel: &Cancel) -> Result<Self, InstallError> {
        let folder = request.folder;
        let version = read_sentinel(folder)?.as_deref().and_then(Version::from_sentinel);
        let Some(version) = version else {
            return Err(InstallError::NoPayload { folder: folder.root().to_owned() });
        };
        let files = Files::of(request, cancel)?;
        let recipe = request.entry.and_then(|entry| entry.install.as_ref());
        let what = match recipe {
            Some(InstallRecipe::Unpack(archives)) => files.archives(folder, archives)?,
            Some(InstallRecipe::Files) => files.placed(),
            None => match files.archives_by_convention(request)? {
                Some(archives) => What::of_archives(archives)?,
                None => files.placed(),
            },
        };
        let manifest = request.manifest.map(lanspread_protocol::Manifest::id);
        Ok(Self { folder, entry: request.entry, version, manifest, what })
    }

    /// Bytes that `local/` will take, as far as the payload tells.
    pub(super) fn bytes(&self) -> u64 {
        match &self.what {
            What::Archives { declared_bytes, .. } => *declared_bytes,
            What::Files { files, .. } => files.iter().map(|file| file.bytes).sum(),
        }
    }

    /// Whether the filesystem shares the payload's blocks with its copies, so that they take no room.
    pub(super) fn can_be_cloned(&self, folder: &GameFolder) -> bool {
        let What::Files { files, .. } = &self.what else { return false };
        let Some(file) = files.iter().find(|file| file.bytes > 0) else { return true };
        let probe = folder.state().join("reflink-probe");
        let made =
            fs::create_dir_all(folder.state()).and_then(|()| reflink_copy::reflink(&file.path, &probe));
        made.is_ok() && fs::remove_file(&probe).is_ok()
    }

    /// Writes everything into `.local.installing`.
    pub(super) fn write(
        &self,
        cancel: &Cancel,
        progress: &Progress,
        before: &mut Before<'_>,
    ) -> Result<Written, InstallError> {
        let into = self.folder.local_installing();
        let mut written = Written::new();
        match &self.what {
            What::Archives { paths, .. } => {
                for path in paths {
                    before()?;
                    let limits = Limits::of(&into)?;
                    unpack::unpack(path, &into, &limits, cancel, progress, &mut |file| {
                        before()?;
                        written.insert(file.path.as_str().to_owned(), Digest::Whole(file.hash));
                        Ok(())
                    })?;
                }
            }
            What::Files { files, empty_folders } => {
                let mut placer = Placer::new(self.folder, into);
                for file in files {
                    cancel.check()?;
                    before()?;
                    let target = placer.with_folders(&file.name)?;
                    written.insert(file.name.as_str().to_owned(), file.copy_to(&target)?);
                    progress.add(file.bytes);
                }
                for path in empty_folders {
                    placer.empty_folder(path)?;
                }
            }
        }
        for entry in self.entry.iter().flat_map(|game| &game.launch) {
            if entry.os == Os::CURRENT {
                make_executable(&under(&self.folder.local_installing(), &entry.program))?;
            }
        }
        Ok(written)
    }

    /// What to record of the filled folder: all that was written, without the paths that a person's files have
    /// `taken`.
    pub(super) fn record(
        &self,
        mut written: Written,
        taken: &BTreeSet<String>,
    ) -> Result<WholeRecord, DiskError> {
        let root = self.folder.local_installing();
        let mut files = BTreeMap::new();
        for entry in WalkDir::new(&root).min_depth(1) {
            let entry = entry.map_err(std::io::Error::from).tried("look into", &root)?;
            let Some(inside) = entry.path().strip_prefix(&root).ok().and_then(Path::to_str) else { continue };
            if entry.file_type().is_dir() || inside == MARKER {
                continue;
            }
            let name = kept::joined(Path::new(inside));
            let digest = written.remove(&name);
            if let Some(digest) = digest.filter(|_| !taken.contains(&name)) {
                let metadata =
                    entry.metadata().map_err(std::io::Error::from).tried("look at", entry.path())?;
                let FileStat { bytes, modified } = FileStat::of(&metadata);
                files.insert(name, RecordedFile { bytes, modified, digest });
            }
        }
        Ok(Record { version: self.version.clone(), manifest: self.manifest, files }.into())
    }
}

impl What {
    fn of_archives(paths: Vec<PathBuf>) -> Result<Self, InstallError> {
        let mut declared_bytes = 0_u64;
        for path in &paths {
            // A packed TAR does not say; that there is room is seen while it is unpacked.
            declared_bytes = declared_bytes.saturating_add(unpack::declared_bytes(path)?.unwrap_or(0));
        }
        Ok(Self::Archives { paths, declared_bytes })
    }
}

impl PayloadFile {
    fn copy_to(&self, target: &Path) -> Result<Digest, DiskError> {
        reflink_copy::reflink_or_copy(&self.path, target).tried("copy a file to", target)?;
        // Games write to what a payload may protect.
        atomic::make_writable(target).tried("make writable", target)?;
        let copied = fs::symlink_metadata(target).tried("look at", target)?;
        if copied.len() != self.bytes {
            return Err(DiskError::Changed { path: self.path.clone() });
        }
        let (digest, is_program) = match self.digest {
            Some(digest) => (digest, self.is_program),
            None => {
                let content =
                    fs::File::open(target).and_then(|file| FileHasher::new().hash(file, |_, _| Ok(())));
                let content = content.tried("read", target)?;
                (Digest::of_chunks(&content.chunks), content.executable)
            }
        };
        if is_program {
            make_executable(target)?;
        }
        Ok(digest)
    }
}

/// The payload's files but `version.ini`.
struct Files {
    files: Vec<PayloadFile>,
    empty_folders: Vec<RelPath>,
}

impl Files {
    fn of(request: &InstallRequest<'_>, cancel: &Cancel) -> Result<Self, InstallError> {
        let root = request.folder.root();
        let mut files = Vec::new();
        let Some(manifest) = request.manifest else {
            let list = FileList::from_walked(root, &walk(root, Follow::Inside(Links::Skip), cancel)?)?;
            for file in list.files.into_iter().filter(|file| !file.name.is_sentinel()) {
                let (name, path, bytes) = (file.name, file.path, file.stat.bytes);
                files.push(PayloadFile { name, path, bytes, is_program: false, digest: None });
            }
            return Ok(Self { files, empty_folders: list.empty_folders });
        };
        let mut locator = Locator::new(root);
        for file in manifest.files().iter().filter(|file| !file.path.is_sentinel()) {
            let Some(located) = locator.file(&file.path)?.filter(|found| found.stat.bytes == file.bytes)
            else {
                return Err(InstallError::NoFile { path: file.path.as_str().to_owned() });
            };
            let chunks = &manifest.chunks()[file.chunks.start as usize..file.chunks.end as usize];
            files.push(PayloadFile {
                name: file.path.clone(),
                path: located.path,
                bytes: file.bytes,
                is_program: file.executable,
                digest: Some(Digest::of_chunks(chunks)),
            });
        }
        Ok(Self { files, empty_folders: manifest.empty_folders().to_vec() })
    }

    fn placed(self) -> What {
        What::Files { files: self.files, empty_folders: self.empty_folders }
    }

    fn archives(&self, folder: &GameFolder, names: &[RelPath]) -> Result<What, InstallError> {
        let find = |name: &RelPath| {
            let found = self.files.iter().find(|file| file.name == *name);
            let none = || InstallError::NoArchive { folder: folder.root().to_owned(), archive: name.clone() };
            found.map(|file| file.path.clone()).ok_or_else(none)
        };
        What::of_archives(names.iter().map(find).collect::<Result<_, _>>()?)
    }

    fn archives_by_convention(
        &self,
        request: &InstallRequest<'_>,
    ) -> Result<Option<Vec<PathBuf>>, InstallError> {
        let eti = format!("{}.eti", request.game);
        if let Some(file) = self.files.iter().find(|file| file.name.as_str() == eti) {
            return Ok(Some(vec![file.path.clone()]));
        }
        if self.files.is_empty() || !self.empty_folders.is_empty() {
            return Ok(None);
        }
        let mut archives = Vec::new();
        // Files of a manifest and of a walk come in byte order.
        for file in &self.files {
            if file.name.components().count() != 1 {
                return Ok(None);
            }
            match unpack::look(&file.path)? {
                Looks::Archive => archives.push(file.path.clone()),
                Looks::LaterVolume => {}
                Looks::Other => return Ok(None),
            }
        }
        match (archives.is_empty(), self.files.first()) {
            // Later volumes alone: placed as files they would be no game.
            (true, Some(volume)) => Err(UnpackError::LaterVolume { archive: volume.path.clone() }.into()),
            (true, None) => Ok(None),
            (false, _) => Ok(Some(archives)),
        }
    }
}
