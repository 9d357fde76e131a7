//! 7z, with LZMA, LZMA2, `PPMd`, `BZip2`, Deflate and the filters for programs.

use std::io::Read;
use std::time::{Duration, SystemTime};

use lanspread_protocol::InnerPath;
use sevenz_rust2::{ArchiveEntry, ArchiveReader, Error, Password};

use super::error::{Refusal, UnpackError};
use super::format::memory_kib;
use super::job::{Details, Job};
use super::links::{Link, MAX_TARGET_BYTES};
use super::names::Separators;
use super::source::Source;

/// The upper half of the attributes is a Unix mode.
const UNIX_EXTENSION: u32 = 0x8000;
/// A link of Windows, whose content is no path.
const REPARSE_POINT: u32 = 0x400;
const TYPE_BITS: u32 = 0o170_000;
const FOLDER: u32 = 0o040_000;
const FILE: u32 = 0o100_000;
const LINK: u32 = 0o120_000;

enum Member {
    Folder(Option<InnerPath>),
    File(InnerPath, Details),
    Link(InnerPath),
}

pub(super) fn unpack(job: &mut Job<'_>) -> Result<(), UnpackError> {
    let mut archive = open(job)?;
    let files = &archive.archive().files;
    job.admit(files.len(), files.iter().map(ArchiveEntry::size))?;
    for (nth, entry) in files.iter().enumerate() {
        look_at(job, entry)?;
        if archive.archive().is_file_encrypted(nth) {
            return Err(job.encrypted(Some(entry.name())));
        }
    }
    let mut current = None;
    // The crate's error type cannot carry ours.
    let mut failed = None;
    let end = archive.for_each_entries(|entry, content| {
        current = Some(entry.name().to_owned());
        member(job, entry, content).map_err(|error| {
            failed = Some(error);
            Error::Other("stopped".into())
        })?;
        Ok(true)
    });
    match (failed, end) {
        (Some(error), _) => Err(error),
        (None, Err(error)) => Err(explain(job, current.as_deref(), &error)),
        (None, Ok(())) => Ok(()),
    }
}

pub(super) fn declared_bytes(job: &Job<'_>) -> Result<u64, UnpackError> {
    let archive = open(job)?;
    Ok(archive.archive().files.iter().map(ArchiveEntry::size).fold(0, u64::saturating_add))
}

fn open(job: &Job<'_>) -> Result<ArchiveReader<Source>, UnpackError> {
    let most_kib = usize::try_from(memory_kib(job.limits.max_dictionary)).unwrap_or(usize::MAX);
    let source = job.open(job.archive)?;
    let archive = ArchiveReader::new_with_memory_limit(source, Password::empty(), most_kib);
    let mut archive = archive.map_err(|error| explain(job, None, &error))?;
    // Each thread would have a dictionary of its own.
    archive.set_thread_count(1);
    Ok(archive)
}

fn member(job: &mut Job<'_>, entry: &ArchiveEntry, content: &mut dyn Read) -> Result<(), UnpackError> {
    match look_at(job, entry)? {
        Member::Folder(path) => job.folder(path.as_ref()),
        Member::File(path, details) => job.file(path, details, content),
        Member::Link(path) => {
            let mut text = String::new();
            let read = content.take(MAX_TARGET_BYTES).read_to_string(&mut text);
            read.map_err(|error| job.unreadable(Some(entry.name()), &error))?;
            job.link(path.clone(), Link::symbolic(&path, text));
            Ok(())
        }
    }
}

/// Checks a member as far as that is possible without its content.
fn look_at(job: &mut Job<'_>, entry: &ArchiveEntry) -> Result<Member, UnpackError> {
    job.cancel.check()?;
    let name = entry.name();
    let attributes = if entry.has_windows_attributes { entry.windows_attributes() } else { 0 };
    let mode = if attributes & UNIX_EXTENSION == 0 { 0 } else { attributes >> 16 };
    if entry.is_anti_item() {
        return Err(job.refuse(name, Refusal::Deletes));
    }
    if entry.is_directory() {
        return Ok(Member::Folder(job.folder_name(name, Separators::SlashOrBackslash)?));
    }
    let path = job.file_name(name, Separators::SlashOrBackslash)?;
    match mode & TYPE_BITS {
        LINK => Ok(Member::Link(path)),
        0 | FILE | FOLDER if attributes & REPARSE_POINT == 0 => {
            let details = Details {
                bytes: Some(entry.size()),
                executable: mode & 0o111 != 0,
                modified: modified(entry),
            };
            Ok(Member::File(path, details))
        }
        _ => Err(job.refuse(name, Refusal::Special)),
    }
}

/// From Windows' 100 ns since 1601.
fn modified(entry: &ArchiveEntry) -> Option<SystemTime> {
    const FROM_1601_TO_1970: u64 = 116_444_736_000_000_000;
    let ticks = entry.has_last_modified_date.then(|| u64::from(entry.last_modified_date()))?;
    let ticks = ticks.checked_sub(FROM_1601_TO_1970)?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_micros(ticks / 10))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "what other crates may add is treated as the rest")]
fn explain(job: &Job<'_>, member: Option<&str>, error: &Error) -> UnpackError {
    match error {
        Error::PasswordRequired | Error::MaybeBadPassword(_) => job.encrypted(member),
        Error::MaxMemLimited { .. } => job.dictionary(),
        Error::UnsupportedCompressionMethod(method) => {
            job.unsupported(member, format!("compressed by {method}"))
        }
        Error::Unsupported(what) => job.unsupported(member, what.clone()),
        Error::ExternalUnsupported => job.unsupported(member, "its list of members lies elsewhere"),
        Error::Io(error, _) => job.unreadable(member, error),
        Error::Other(what) => job.broken(member, what.clone()),
        Error::ChecksumVerificationFailed | Error::NextHeaderCrcMismatch => {
            job.broken(member, "a checksum does not fit")
        }
        error => job.broken(member, error.to_string()),
    }
}
