//! One archive's way to disk: every member of every format goes through here.
//!
//! A file is created anew, never opened: what had its name before is removed first, and all folders above it are
//! real ones, so that nothing is written through a link. Links are kept until the end, when what they lead to is
//! there, and become copies.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::SystemTime;

use lanspread_protocol::hasher::is_executable_content;
use lanspread_protocol::{Blake3Hash, InnerPath, PathError};

use super::error::{Refusal, UnpackError};
use super::links::Link;
use super::names::{Kind, Known, Names, Separators, parse};
use super::source::{Faults, Source};
use super::{Limits, UnpackedFile};
use crate::disk::error::Tried as _;
use crate::disk::layout::under;
use crate::disk::place::make_executable;
use crate::disk::{Cancel, DiskError, Progress, atomic, space};

/// Decoded at once: bounded work between two looks at the [`Cancel`].
const STEP_BYTES: usize = 128 * 1024;

/// What an archive says about a file besides its name and content.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Details {
    /// `None` where the format does not say.
    pub(super) bytes: Option<u64>,
    pub(super) executable: bool,
    pub(super) modified: Option<SystemTime>,
}

/// The unpacking of one archive.
pub(super) struct Job<'a> {
    pub(super) archive: &'a Path,
    pub(super) into: &'a Path,
    pub(super) limits: &'a Limits,
    pub(super) cancel: &'a Cancel,
    progress: &'a Progress,
    on_file: &'a mut dyn FnMut(UnpackedFile) -> Result<(), DiskError>,
    faults: Faults,
    names: Names,
    /// Folders that are known to be real ones.
    folders: HashSet<Box<str>>,
    pub(super) links: BTreeMap<InnerPath, Link>,
    written: u64,
    buffer: Vec<u8>,
}

impl<'a> Job<'a> {
    pub(super) fn new(
        archive: &'a Path,
        into: &'a Path,
        limits: &'a Limits,
        cancel: &'a Cancel,
        progress: &'a Progress,
        on_file: &'a mut dyn FnMut(UnpackedFile) -> Result<(), DiskError>,
    ) -> Self {
        Self {
            archive,
            into,
            limits,
            cancel,
            progress,
            on_file,
            faults: Faults::default(),
            names: Names::default(),
            folders: HashSet::new(),
            links: BTreeMap::new(),
            written: 0,
            buffer: vec![0; STEP_BYTES],
        }
    }

    pub(super) fn open(&self, archive: &Path) -> Result<Source, UnpackError> {
        Ok(Source::open(archive, self.cancel, &self.faults)?)
    }

    /// Checks what an archive with a list of its members says before anything is written.
    pub(super) fn admit(&self, members: usize, bytes: impl Iterator<Item = u64>) -> Result<(), UnpackError> {
        if members > self.limits.max_files {
            return Err(self.too_many_files());
        }
        let (mut sum, mut largest) = (0_u64, 0);
        for bytes in bytes {
            (sum, largest) = (sum.saturating_add(bytes), largest.max(bytes));
        }
        if sum > self.limits.max_bytes {
            return Err(self.too_large());
        }
        let name = self.archive.file_name().unwrap_or_default();
        let member = format!("a file in {}", name.display());
        Ok(space::check_sizes(self.into, [(member.as_str(), largest)])?)
    }

    /// Checks the name of a file or link.
    pub(super) fn file_name(
        &mut self,
        member: &str,
        separators: Separators,
    ) -> Result<InnerPath, UnpackError> {
        let path = parse(member, separators).and_then(|path| path.ok_or(PathError::Empty.into()));
        let path = path.map_err(|refusal| self.refuse(member, refusal))?;
        self.learn(&path, Kind::File)?;
        Ok(path)
    }

    /// Checks the name of a folder. `None` is the one that is unpacked into.
    pub(super) fn folder_name(
        &mut self,
        member: &str,
        separators: Separators,
    ) -> Result<Option<InnerPath>, UnpackError> {
        let path = parse(member, separators).map_err(|refusal| self.refuse(member, refusal))?;
        if let Some(path) = &path {
            self.learn(path, Kind::Folder)?;
        }
        Ok(path)
    }

    fn learn(&mut self, path: &InnerPath, kind: Kind) -> Result<(), UnpackError> {
        let known = self.names.learn(path, kind).map_err(|refusal| self.refuse(path.as_str(), refusal))?;
        if known == Known::Before && kind == Kind::File {
            // A later member of the same name wins over an earlier link.
            self.links.remove(path);
        }
        if self.names.len() > self.limits.max_files { Err(self.too_many_files()) } else { Ok(()) }
    }

    /// Makes a folder. One that is there stays as it is.
    pub(super) fn folder(&mut self, path: Option<&InnerPath>) -> Result<(), UnpackError> {
        self.cancel.check()?;
        let Some(path) = path else { return Ok(()) };
        self.folders_above(path)?;
        self.real_folder(path.as_str())
    }

    /// Writes a file out of a decoder whose errors are the archive's.
    pub(super) fn file(
        &mut self,
        path: InnerPath,
        details: Details,
        content: &mut dyn Read,
    ) -> Result<(), UnpackError> {
        let mut sink = self.create(path, details)?;
        let mut buffer = std::mem::take(&mut self.buffer);
        loop {
            match content.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => sink.put(&buffer[..read])?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.unreadable(Some(sink.path.as_str()), &error)),
            }
        }
        self.buffer = buffer;
        self.finish(sink)
    }

    /// Begins a file whose content is pushed.
    pub(super) fn create(&mut self, path: InnerPath, details: Details) -> Result<Sink, UnpackError> {
        self.cancel.check()?;
        let room = self.limits.max_bytes - self.written;
        if details.bytes.is_some_and(|bytes| bytes > room) {
            return Err(self.too_large());
        }
        if let Some(bytes) = details.bytes {
            // TAR has no list of its members to check before.
            space::check_sizes(self.into, [(path.as_str(), bytes)])?;
        }
        self.folders_above(&path)?;
        let to = under(self.into, &path);
        if fs::symlink_metadata(&to).is_ok_and(|there| there.is_dir()) {
            return Err(self.in_the_way(to));
        }
        atomic::remove_if_there(&to)?;
        let file = File::create_new(&to).tried("create", &to)?;
        Ok(Sink {
            file: BufWriter::with_capacity(STEP_BYTES, file),
            path,
            to,
            details,
            room,
            bytes: 0,
            head: [0; HEAD_BYTES],
            hasher: blake3::Hasher::new(),
            archive: self.archive.to_owned(),
            most: self.limits.max_bytes,
            cancel: self.cancel.clone(),
            progress: self.progress.clone(),
        })
    }

    /// Closes a file and tells of it.
    pub(super) fn finish(&mut self, sink: Sink) -> Result<(), UnpackError> {
        let Sink { file, path, to, details, bytes, head, hasher, .. } = sink;
        if let Some(said) = details.bytes.filter(|said| *said != bytes) {
            return Err(self.broken(Some(path.as_str()), format!("{bytes} of {said} bytes are there")));
        }
        let file = file.into_inner().map_err(io::IntoInnerError::into_error).tried("write", &to)?;
        if let Some(modified) = details.modified {
            // A filesystem that cannot hold the time keeps its own.
            drop(file.set_modified(modified));
        }
        drop(file);
        if details.executable || is_executable_content(&head) {
            make_executable(&to)?;
        }
        self.written += bytes;
        let hash = Blake3Hash(*hasher.finalize().as_bytes());
        (self.on_file)(UnpackedFile { path, bytes, hash })?;
        Ok(())
    }

    /// Remembers a link until all files are there.
    pub(super) fn link(&mut self, path: InnerPath, link: Link) {
        self.links.insert(path, link);
    }

    /// The folders above `path` are real ones after this.
    fn folders_above(&mut self, path: &InnerPath) -> Result<(), UnpackError> {
        path.ancestors().try_for_each(|folder| self.real_folder(folder))
    }

    fn real_folder(&mut self, folder: &str) -> Result<(), UnpackError> {
        if self.folders.contains(folder) {
            return Ok(());
        }
        // Parts of a `InnerPath` are safe to join.
        let path = self.into.join(folder);
        match fs::symlink_metadata(&path) {
            Ok(there) if there.is_dir() => {}
            Ok(_) => return Err(self.in_the_way(path)),
            Err(error) if atomic::is_absent(&error) => {
                fs::create_dir(&path).tried("create the folder", &path)?;
            }
            Err(error) => Err(error).tried("look at", &path)?,
        }
        self.folders.insert(folder.into());
        Ok(())
    }
}

/// What is wrong with the archive.
impl Job<'_> {
    pub(super) fn refuse(&self, member: &str, refusal: Refusal) -> UnpackError {
        UnpackError::Member { archive: self.archive.to_owned(), member: member.to_owned(), refusal }
    }

    /// A decoder gave up: because it was cancelled, because the disk failed, or because the archive is broken.
    pub(super) fn broken(&self, member: Option<&str>, cause: impl Into<String>) -> UnpackError {
        if self.cancel.is_cancelled() {
            return DiskError::Cancelled.into();
        }
        if let Some(cause) = self.faults.take() {
            return DiskError::Io { action: "read", path: self.archive.to_owned(), cause }.into();
        }
        let member = member.map(str::to_owned);
        UnpackError::Broken { archive: self.archive.to_owned(), member, cause: cause.into() }
    }

    pub(super) fn unreadable(&self, member: Option<&str>, error: &io::Error) -> UnpackError {
        // What decoders say whose dictionary is bounded.
        if error.kind() == io::ErrorKind::OutOfMemory {
            self.dictionary()
        } else {
            self.broken(member, error.to_string())
        }
    }

    pub(super) fn unsupported(&self, member: Option<&str>, what: impl Into<String>) -> UnpackError {
        let member = member.map(str::to_owned);
        UnpackError::Unsupported { archive: self.archive.to_owned(), member, what: what.into() }
    }

    pub(super) fn encrypted(&self, member: Option<&str>) -> UnpackError {
        UnpackError::Encrypted { archive: self.archive.to_owned(), member: member.map(str::to_owned) }
    }

    pub(super) fn dictionary(&self) -> UnpackError {
        UnpackError::Dictionary { archive: self.archive.to_owned(), most: self.limits.max_dictionary }
    }

    pub(super) fn too_large(&self) -> UnpackError {
        UnpackError::TooLarge { archive: self.archive.to_owned(), most: self.limits.max_bytes }
    }

    fn too_many_files(&self) -> UnpackError {
        UnpackError::TooManyFiles { archive: self.archive.to_owned(), most: self.limits.max_files }
    }

    fn in_the_way(&self, path: PathBuf) -> UnpackError {
        UnpackError::InTheWay { archive: self.archive.to_owned(), path }
    }
}

const HEAD_BYTES: usize = 4;

/// A file that is being written.
pub(super) struct Sink {
    file: BufWriter<File>,
    path: InnerPath,
    to: PathBuf,
    details: Details,
    /// What may still be written of the archive.
    room: u64,
    bytes: u64,
    /// How the content begins; zeros where it is shorter.
    head: [u8; HEAD_BYTES],
    hasher: blake3::Hasher,
    archive: PathBuf,
    most: u64,
    cancel: Cancel,
    progress: Progress,
}

impl Sink {
    pub(super) fn put(&mut self, content: &[u8]) -> Result<(), UnpackError> {
        self.cancel.check()?;
        if content.len() as u64 > self.room - self.bytes {
            return Err(UnpackError::TooLarge { archive: self.archive.clone(), most: self.most });
        }
        let start = usize::try_from(self.bytes).map_or(HEAD_BYTES, |bytes| bytes.min(HEAD_BYTES));
        let head = &mut self.head[start..];
        let length = head.len().min(content.len());
        head[..length].copy_from_slice(&content[..length]);
        self.file.write_all(content).tried("write", &self.to)?;
        self.hasher.update(content);
        self.bytes += content.len() as u64;
        self.progress.add(content.len() as u64);
        Ok(())
    }
}

/// A [`Sink`] for decoders that push and keep their writers: shared with the job, which takes the sink back.
#[derive(Clone, Default)]
pub(super) struct SharedSink(Rc<RefCell<Shared>>);

#[derive(Default)]
struct Shared {
    sink: Option<Sink>,
    error: Option<UnpackError>,
}

impl SharedSink {
    pub(super) fn set(&self, sink: Sink) {
        self.0.borrow_mut().sink = Some(sink);
    }

    pub(super) fn take(&self) -> Option<Sink> {
        self.0.borrow_mut().sink.take()
    }

    /// Keeps an error that the decoder's error type cannot carry.
    pub(super) fn fail(&self, error: UnpackError) {
        self.0.borrow_mut().error = Some(error);
    }

    pub(super) fn take_error(&self) -> Option<UnpackError> {
        self.0.borrow_mut().error.take()
    }
}

impl Write for SharedSink {
    fn write(&mut self, content: &[u8]) -> io::Result<usize> {
        let mut shared = self.0.borrow_mut();
        let Some(sink) = &mut shared.sink else { return Err(io::Error::other("no file is open")) };
        let Err(error) = sink.put(content) else { return Ok(content.len()) };
        shared.error = Some(error);
        Err(io::Error::other("not written"))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
