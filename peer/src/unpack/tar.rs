//! TAR, plain or packed by gzip, xz or Zstandard: one stream, checked as it comes.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use tar::{Archive, Entry, EntryType};

use super::error::{Refusal, UnpackError};
use super::format::{Compression, drain};
use super::job::{Details, Job};
use super::links::Link;
use super::names::Separators;

/// Headers before one member: long names, extended attributes, maps of holes. The crate holds them in memory.
const MAX_HEADER_BYTES: u64 = 4 * 1024 * 1024;

/// What the crate may read, and whether the stream ended under it.
#[derive(Clone, Debug, Default)]
struct Meter(Rc<MeterState>);

#[derive(Debug, Default)]
struct MeterState {
    allowed: Cell<u64>,
    ended: Cell<bool>,
}

struct Metered<R> {
    stream: R,
    meter: Meter,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let MeterState { allowed, ended } = &*self.meter.0;
        if allowed.get() == 0 {
            return Err(io::Error::other("a member's header is too long"));
        }
        let length = buffer.len().min(usize::try_from(allowed.get()).unwrap_or(usize::MAX));
        let read = self.stream.read(&mut buffer[..length])?;
        allowed.set(allowed.get() - read as u64);
        ended.set(ended.get() || read == 0 && length > 0);
        Ok(read)
    }
}

pub(super) fn unpack(job: &mut Job<'_>, compression: Compression) -> Result<(), UnpackError> {
    let stream = compression.reader(job.open(job.archive)?, job.limits.max_dictionary);
    let meter = Meter::default();
    let mut archive = Archive::new(Metered { stream, meter: meter.clone() });
    let mut last = None;
    let mut entries = archive.entries().map_err(|error| job.unreadable(None, &error))?;
    loop {
        job.cancel.check()?;
        meter.0.allowed.set(MAX_HEADER_BYTES);
        let Some(entry) = entries.next() else { break };
        let mut entry = entry.map_err(|error| job.unreadable(last.as_deref(), &error))?;
        meter.0.allowed.set(u64::MAX);
        last = Some(member(job, &mut entry)?);
    }
    if meter.0.ended.get() {
        return Err(job.broken(last.as_deref(), "the end is not there"));
    }
    // Zeros follow, and the checksums of what it is packed in.
    meter.0.allowed.set(u64::MAX);
    let mut rest = archive.into_inner();
    drain(&mut rest, job.limits.max_bytes).map_err(|error| job.unreadable(None, &error))
}

/// Cheap where members can be jumped over.
pub(super) fn declared_bytes(job: &Job<'_>) -> Result<u64, UnpackError> {
    let meter = Meter::default();
    meter.0.allowed.set(u64::MAX);
    let mut archive = Archive::new(job.open(job.archive)?);
    let entries = archive.entries_with_seek().map_err(|error| job.unreadable(None, &error))?;
    let mut bytes: u64 = 0;
    for entry in entries {
        let entry = entry.map_err(|error| job.unreadable(None, &error))?;
        bytes = bytes.saturating_add(size_of(&entry));
    }
    Ok(bytes)
}

/// Writes one member; its name.
#[expect(clippy::wildcard_enum_match_arm, reason = "what other crates may add is treated as the rest")]
fn member<R: Read>(job: &mut Job<'_>, entry: &mut Entry<'_, R>) -> Result<String, UnpackError> {
    let name = text_of(job, &entry.path_bytes())?;
    let kind = entry.header().entry_type();
    let slash = Separators::Slash;
    match kind {
        EntryType::XGlobalHeader => {}
        EntryType::Directory => {
            let path = job.folder_name(&name, slash)?;
            job.folder(path.as_ref())?;
        }
        // How the oldest TARs write folders.
        EntryType::Regular if name.ends_with('/') && entry.size() == 0 => {
            let path = job.folder_name(&name, slash)?;
            job.folder(path.as_ref())?;
        }
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
            let (path, details) = (job.file_name(&name, slash)?, details(entry));
            job.file(path, details, entry)?;
        }
        EntryType::Symlink | EntryType::Link => {
            let path = job.file_name(&name, slash)?;
            let target = entry.link_name_bytes().unwrap_or_default();
            let target = text_of(job, &target)?;
            let link =
                if kind == EntryType::Link { Link::hard(target) } else { Link::symbolic(&path, target) };
            job.link(path, link);
        }
        _ => return Err(job.refuse(&name, Refusal::Special)),
    }
    Ok(name)
}

fn details<R: Read>(entry: &Entry<'_, R>) -> Details {
    let header = entry.header();
    let seconds = header.mtime().ok().filter(|seconds| *seconds > 0);
    Details {
        bytes: Some(size_of(entry)),
        executable: header.mode().is_ok_and(|mode| mode & 0o111 != 0),
        modified: seconds
            .and_then(|seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))),
    }
}

/// A member's size when it is unpacked; a sparse file's holes count.
fn size_of<R: Read>(entry: &Entry<'_, R>) -> u64 {
    let header = entry.header();
    let real = header.as_gnu().filter(|_| header.entry_type() == EntryType::GNUSparse);
    real.and_then(|header| header.real_size().ok()).unwrap_or_else(|| entry.size())
}

fn text_of(job: &Job<'_>, bytes: &[u8]) -> Result<String, UnpackError> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Err(job.refuse(&String::from_utf8_lossy(bytes), Refusal::NotUnicode)),
    }
}
