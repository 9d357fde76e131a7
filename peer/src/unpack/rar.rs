//! RAR 1.5 to 7, in one file or several, solid or not, with large dictionaries.

use std::cell::RefCell;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rars::{
    Archive, ArchiveMember, ArchiveReadOptions, ArchiveReader, AttrSource, Error, ErrorKind,
    ExtractedEntryMeta, ExtractedLink,
};

use super::error::{Refusal, UnpackError};
use super::job::{Details, Job, SharedSink};
use super::links::Link;
use super::names::Separators;

/// Larger members are decoded as a stream. Below this a member may be held in memory as a whole.
const MAX_BUFFERED_BYTES: u64 = 16 * 1024 * 1024;

/// Files of one archive; old names end at `.z99`.
const MAX_VOLUMES: usize = 1_000;

/// Members that links in Unix' or Windows' way have by their attributes.
const TYPE_BITS: u64 = 0o170_000;
const LINK: u64 = 0o120_000;

pub(super) fn unpack(job: &mut Job<'_>) -> Result<(), UnpackError> {
    let volumes = open(job)?;
    let members = members_of(job, &volumes)?;
    job.admit(members.len(), members.iter().map(|member| member.meta.unpacked_size))?;
    for member in &members {
        look_at(job, member)?;
    }
    let sink = SharedSink::default();
    let options = ArchiveReadOptions::new()
        .with_rar50_buffered_decode_limit(MAX_BUFFERED_BYTES)
        .with_rar50_dictionary_size_limit(job.limits.max_dictionary)
        // Also makes it decode one member after the other, without a memory for each.
        .with_max_total_output_bytes(job.limits.max_bytes);
    let end = {
        // Two callbacks share the job, one at a time.
        let job = RefCell::new(&mut *job);
        let open = |meta: &ExtractedEntryMeta| stash(&sink, begin(&mut job.borrow_mut(), &sink, meta));
        let link = |meta: &ExtractedEntryMeta, link: ExtractedLink<'_>| {
            stash(&sink, add_link(&mut job.borrow_mut(), &sink, meta, link))
        };
        match volumes.as_slice() {
            [archive] => archive.extract_with_links(options, open, link),
            volumes => rars::extract_volumes_with_links(volumes, options, open, link),
        }
    };
    if let Some(error) = sink.take_error() {
        return Err(error);
    }
    end.map_err(|error| explain(job, None, &error))?;
    end_file(job, &sink)
}

pub(super) fn declared_bytes(job: &Job<'_>) -> Result<u64, UnpackError> {
    let members = members_of(job, &open(job)?)?;
    Ok(members.iter().map(|member| member.meta.unpacked_size).fold(0, u64::saturating_add))
}

/// Whether a file that begins so goes on with what another file began.
///
/// Layout: RARLAB, "RAR 5.0 archive format"; for RAR 4 the main header of `technote.txt`.
pub(super) fn is_later_volume(path: &Path, head: &[u8]) -> bool {
    const RAR5_MARK_AND_CHECKSUM: usize = 8 + 4;
    const RAR4_FLAGS: usize = 7 + 2 + 1;
    if head.starts_with(b"Rar!\x1a\x07\x01\x00") {
        let mut numbers = Numbers(head.get(RAR5_MARK_AND_CHECKSUM..).unwrap_or_default());
        let header = (numbers.next(), numbers.next(), numbers.next());
        let (Some(_size), Some(1), Some(flags)) = header else { return false };
        if flags & 1 != 0 {
            let _extra_size = numbers.next();
        }
        let has_number = numbers.next().is_some_and(|flags| flags & 0b10 != 0);
        return has_number && numbers.next().is_some_and(|number| number > 0);
    }
    let Some([low, high]) = head.get(RAR4_FLAGS..RAR4_FLAGS + 2) else { return false };
    let flags = u16::from_le_bytes([*low, *high]);
    let (is_volume, has_new_names, is_first) = (flags & 1 != 0, flags & 0x10 != 0, flags & 0x100 != 0);
    // Before RAR 3 no volume said that it is the first, but then the first is the one called `.rar`.
    let is_called_first = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("rar"));
    is_volume && !is_first && (has_new_names || !is_called_first)
}

/// Numbers of seven bits a byte, the lowest first.
struct Numbers<'a>(&'a [u8]);

impl Numbers<'_> {
    fn next(&mut self) -> Option<u64> {
        let length = self.0.iter().take(9).position(|byte| byte & 0x80 == 0)? + 1;
        let (number, rest) = self.0.split_at(length);
        self.0 = rest;
        Some(number.iter().rev().fold(0, |number, byte| number << 7 | u64::from(byte & 0x7f)))
    }
}

/// All files of the archive, in order.
fn open(job: &Job<'_>) -> Result<Vec<Archive>, UnpackError> {
    let read = |path: &Path| {
        let headers = u64::try_from(job.limits.max_files).unwrap_or(u64::MAX).saturating_mul(3);
        let options = ArchiveReadOptions::new().with_max_header_count(headers.saturating_add(100));
        let archive = ArchiveReader::read_reader_with_options(job.open(path)?, options);
        archive.map_err(|error| explain(job, None, &error))
    };
    let first = read(job.archive)?;
    if first.member_refs().next().is_some_and(rars::ArchiveMemberRef::is_split_before) {
        return Err(UnpackError::LaterVolume { archive: job.archive.to_owned() });
    }
    let mut volumes = vec![first];
    while goes_on(job, &volumes[volumes.len() - 1])? {
        let volume = volume_path(job.archive, volumes.len());
        if volumes.len() >= MAX_VOLUMES || !volume.is_file() {
            return Err(UnpackError::MissingVolume { archive: job.archive.to_owned(), volume });
        }
        volumes.push(read(&volume)?);
    }
    Ok(volumes)
}

/// Whether another file follows. A RAR 5 without its end is broken, even if the cut is between two members; before,
/// not every program wrote an end.
#[expect(clippy::wildcard_enum_match_arm, reason = "what other crates may add is treated as the rest")]
fn goes_on(job: &Job<'_>, archive: &Archive) -> Result<bool, UnpackError> {
    const RAR4_NEXT_VOLUME: u16 = 1;
    let is_split = archive.members().last().is_some_and(|member| member.meta.is_split_after);
    match archive {
        Archive::Rar50Plus(archive) => match archive.blocks.last() {
            Some(rars::rar50::Block::End(end)) => Ok(end.has_next_volume() || is_split),
            _ => Err(job.broken(None, "the end is not there")),
        },
        Archive::Rar15To40(archive) => {
            let flags = match archive.blocks.last() {
                Some(rars::rar15_40::Block::End(end)) => end.flags,
                _ => 0,
            };
            Ok(is_split || flags & RAR4_NEXT_VOLUME != 0)
        }
        _ => Ok(false),
    }
}

/// `x.part1.rar`, `x.part2.rar`, … or `x.rar`, `x.r00`, … `x.r99`, `x.s00`. `nth` counts from 0.
fn volume_path(first: &Path, nth: usize) -> PathBuf {
    let name = first.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let stem = Path::new(name).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let ending = &name[stem.len()..];
    if let Some((base, number)) = stem.rsplit_once('.') {
        let digits = number.get(4..).unwrap_or_default();
        let is_part = number.get(..4).is_some_and(|part| part.eq_ignore_ascii_case("part"));
        if let (true, Ok(first_number)) = (is_part, digits.parse::<usize>()) {
            let (part, width) = (&number[..4], digits.len());
            let name = format!("{base}.{part}{:0width$}{ending}", first_number.saturating_add(nth));
            return first.with_file_name(name);
        }
    }
    let letter =
        u8::try_from((nth - 1) / 100).map_or('z', |hundreds| char::from(b'r'.saturating_add(hundreds)));
    first.with_extension(format!("{letter}{:02}", (nth - 1) % 100))
}

fn members_of(job: &Job<'_>, volumes: &[Archive]) -> Result<Vec<ArchiveMember>, UnpackError> {
    rars::volume_members(volumes).map_err(|error| explain(job, None, &error))
}

/// Checks a member as far as that is possible without its content.
fn look_at(job: &mut Job<'_>, member: &ArchiveMember) -> Result<(), UnpackError> {
    job.cancel.check()?;
    let separators = separators(member.meta.family);
    let name = text_of(job, &member.meta.name)?;
    if member.meta.is_encrypted {
        return Err(job.encrypted(Some(&name)));
    }
    if member.meta.is_directory {
        job.folder_name(&name, separators).map(drop)
    } else {
        job.file_name(&name, separators).map(drop)
    }
}

/// The callback for each file and folder. The one before is complete, its checksum was compared.
fn begin(
    job: &mut Job<'_>,
    sink: &SharedSink,
    meta: &ExtractedEntryMeta,
) -> Result<Box<dyn Write>, UnpackError> {
    end_file(job, sink)?;
    let name = text_of(job, &meta.name)?;
    if meta.is_directory {
        let path = job.folder_name(&name, Separators::SlashOrBackslash)?;
        job.folder(path.as_ref())?;
        return Ok(Box::new(io::sink()));
    }
    let mode = if meta.attr_source == AttrSource::Unix { meta.file_attr } else { 0 };
    if mode & TYPE_BITS == LINK {
        return Err(job.refuse(&name, Refusal::Special));
    }
    let path = job.file_name(&name, Separators::SlashOrBackslash)?;
    let details = Details { bytes: None, executable: mode & 0o111 != 0, modified: modified(meta) };
    sink.set(job.create(path, details)?);
    Ok(Box::new(sink.clone()))
}

/// The callback for each link.
#[expect(clippy::wildcard_enum_match_arm, reason = "what other crates may add is treated as the rest")]
fn add_link(
    job: &mut Job<'_>,
    sink: &SharedSink,
    meta: &ExtractedEntryMeta,
    link: ExtractedLink<'_>,
) -> Result<(), UnpackError> {
    end_file(job, sink)?;
    let name = text_of(job, &meta.name)?;
    let path = job.file_name(&name, Separators::SlashOrBackslash)?;
    let text = text_of(job, link.target())?;
    let link = match link {
        ExtractedLink::Symlink { .. } => Link::symbolic(&path, text),
        ExtractedLink::HardLink { .. } | ExtractedLink::FileCopy { .. } => Link::hard(text),
        _ => return Err(job.refuse(&name, Refusal::Link { target: text })),
    };
    job.link(path, link);
    Ok(())
}

fn end_file(job: &mut Job<'_>, sink: &SharedSink) -> Result<(), UnpackError> {
    sink.take().map_or(Ok(()), |sink| job.finish(sink))
}

/// Keeps an error that the crate's error type cannot carry, and ends its work.
fn stash<T>(sink: &SharedSink, result: Result<T, UnpackError>) -> rars::Result<T> {
    result.map_err(|error| {
        sink.fail(error);
        Error::Cancelled
    })
}

fn separators(family: rars::ArchiveFamily) -> Separators {
    if family == rars::ArchiveFamily::Rar50Plus { Separators::Slash } else { Separators::SlashOrBackslash }
}

fn modified(meta: &ExtractedEntryMeta) -> Option<SystemTime> {
    rars::timestamp::extracted_system_time(
        rars::ArchiveFamily::Rar50Plus,
        meta.file_time,
        meta.mtime_refinement,
    )
}

fn text_of(job: &Job<'_>, name: &[u8]) -> Result<String, UnpackError> {
    match std::str::from_utf8(name) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Err(job.refuse(&String::from_utf8_lossy(name), Refusal::NotUnicode)),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "what other crates may add is treated as the rest")]
fn explain(job: &Job<'_>, member: Option<&str>, error: &Error) -> UnpackError {
    match error {
        Error::AtEntry { name, source, .. } => explain(job, Some(&String::from_utf8_lossy(name)), source),
        Error::AtArchiveOffset { source, .. } | Error::InVolume { source, .. } => {
            explain(job, member, source)
        }
        Error::Rar50DictionaryLimitExceeded { .. } => job.dictionary(),
        Error::TotalOutputLimitExceeded { .. } => job.too_large(),
        error => match error.kind() {
            ErrorKind::PasswordRequired | ErrorKind::BadPassword => job.encrypted(member),
            ErrorKind::UnsupportedFeature | ErrorKind::UnsupportedFormat => {
                job.unsupported(member, error.to_string())
            }
            _ => job.broken(member, error.to_string()),
        },
    }
}
