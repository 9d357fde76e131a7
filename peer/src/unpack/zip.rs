//! ZIP, with the methods that real tools use: stored, Deflate, Deflate64, `BZip2`, LZMA, XZ, Zstandard.

use std::borrow::Cow;
use std::io::Read as _;
use std::time::{Duration, SystemTime};

use lanspread_protocol::InnerPath;
use zip::extra_fields::ExtraField;
use zip::read::{ZipArchive, ZipFileEntry};
use zip::result::ZipError;

use super::error::{Refusal, UnpackError};
use super::job::{Details, Job};
use super::links::{Link, MAX_TARGET_BYTES};
use super::names::Separators;
use super::source::Source;
use super::zip_methods::{self, Said};

/// Bits of a Unix mode that say what a member is.
const TYPE_BITS: u32 = 0o170_000;
const FOLDER: u32 = 0o040_000;
const FILE: u32 = 0o100_000;
const LINK: u32 = 0o120_000;

/// What is known of a member before its content is read.
enum Member {
    Folder(Option<InnerPath>),
    File(InnerPath, Details),
    Link(InnerPath),
}

pub(super) fn unpack(job: &mut Job<'_>) -> Result<(), UnpackError> {
    let mut archive = open(job)?;
    let entries: Vec<usize> = (0..archive.len()).collect();
    job.admit(entries.len(), sizes(&archive))?;
    for nth in &entries {
        let entry = archive.by_index_data(*nth).map_err(|error| explain(job, None, &error))?;
        look_at(job, &entry)?;
    }
    for nth in entries {
        let entry = archive.by_index_data(nth).map_err(|error| explain(job, None, &error))?;
        let name = name_of(job, &entry)?.into_owned();
        let member = look_at(job, &entry)?;
        match member {
            Member::Folder(path) => job.folder(path.as_ref())?,
            Member::File(path, details) if zip_methods::is_known(entry.compression()) => {
                let packed = archive.by_index_raw(nth).map_err(|error| explain(job, Some(&name), &error))?;
                let details = Details { modified: modified(&packed), ..details };
                let said = Said { bytes: packed.size(), crc32: packed.crc32() };
                let method = packed.compression();
                let content = zip_methods::reader(method, packed, said, job.limits.max_dictionary);
                let mut content = content.map_err(|error| job.unreadable(Some(&name), &error))?;
                job.file(path, details, &mut content)?;
            }
            Member::File(path, details) => {
                let mut content = archive.by_index(nth).map_err(|error| explain(job, Some(&name), &error))?;
                job.file(path, Details { modified: modified(&content), ..details }, &mut content)?;
            }
            Member::Link(path) => {
                let content = archive.by_index(nth).map_err(|error| explain(job, Some(&name), &error))?;
                let mut text = String::new();
                let read = content.take(MAX_TARGET_BYTES).read_to_string(&mut text);
                read.map_err(|error| job.unreadable(Some(&name), &error))?;
                job.link(path.clone(), Link::symbolic(&path, text));
            }
        }
    }
    Ok(())
}

pub(super) fn declared_bytes(job: &Job<'_>) -> Result<u64, UnpackError> {
    Ok(sizes(&open(job)?).fold(0, u64::saturating_add))
}

fn open(job: &Job<'_>) -> Result<ZipArchive<Source>, UnpackError> {
    ZipArchive::new(job.open(job.archive)?).map_err(|error| explain(job, None, &error))
}

fn sizes(archive: &ZipArchive<Source>) -> impl Iterator<Item = u64> {
    (0..archive.len()).map(|nth| archive.by_index_data(nth).map_or(0, |entry| entry.size()))
}

/// Checks a member as far as that is possible without its content.
fn look_at(job: &mut Job<'_>, entry: &ZipFileEntry<'_>) -> Result<Member, UnpackError> {
    job.cancel.check()?;
    let name = name_of(job, entry)?;
    let mode = entry.unix_mode().unwrap_or(0);
    let separators = Separators::SlashOrBackslash;
    if name.ends_with(['/', '\\']) || mode & TYPE_BITS == FOLDER && entry.size() == 0 {
        return Ok(Member::Folder(job.folder_name(&name, separators)?));
    }
    if entry.encrypted() {
        return Err(job.encrypted(Some(&name)));
    }
    let method = entry.compression();
    if !zip_methods::is_known(method) && !zip::SUPPORTED_COMPRESSION_METHODS.contains(&method) {
        // The crate says it only when the content is read, as if that were damaged.
        return Err(job.unsupported(Some(&name), format!("it is compressed by {method}")));
    }
    let path = job.file_name(&name, separators)?;
    match mode & TYPE_BITS {
        LINK => Ok(Member::Link(path)),
        0 | FILE | FOLDER => {
            let details =
                Details { bytes: Some(entry.size()), executable: mode & 0o111 != 0, modified: None };
            Ok(Member::File(path, details))
        }
        _ => Err(job.refuse(&name, Refusal::Special)),
    }
}

fn name_of<'a>(job: &Job<'_>, entry: &'a ZipFileEntry<'_>) -> Result<Cow<'a, str>, UnpackError> {
    entry.name().map_err(|error| explain(job, None, &error))
}

/// Only the optional field has a time that does not depend on where the archive was made.
fn modified<R: std::io::Read>(content: &zip::read::ZipFile<'_, R>) -> Option<SystemTime> {
    let seconds = content.extra_data_fields().find_map(|field| {
        if let ExtraField::ExtendedTimestamp(times) = field { times.mod_time() } else { None }
    })?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds.into()))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "what other crates may add is treated as the rest")]
fn explain(job: &Job<'_>, member: Option<&str>, error: &ZipError) -> UnpackError {
    match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) | ZipError::InvalidPassword => {
            job.encrypted(member)
        }
        ZipError::Io(error) => job.unreadable(member, error),
        ZipError::UnsupportedArchive(_) | ZipError::CompressionMethodNotSupported(_) => {
            job.unsupported(member, error.to_string())
        }
        _ => job.broken(member, error.to_string()),
    }
}
