//! Unpacks one archive into a folder: RAR, ZIP, 7z and TAR (plain, gzip, xz, Zstandard), known by their content.
//!
//! What an archive holds is not trusted. Every member's name becomes a [`InnerPath`] and so obeys the wire's rules;
//! one that does not, a case twin, a file in a folder's place, or a device ends the work with an error that names it.
//! Archives with a list of their members are checked as a whole before anything is written. Nothing is ever written
//! through a link, and no link is made: links to files inside become copies, others are refused. What an archive
//! may take is bounded by [`Limits`], by what it says and by what really comes out of it.
//!
//! Memory is bounded by a decoder's dictionary and does not grow with the files. Checksums are compared where the
//! format has them, and an archive that was cut off is an error in every format.
//!
//! Not atomic: what was written before an error stays. The caller unpacks into a folder that counts for nothing
//! until it is complete.

mod error;
mod format;
mod job;
mod links;
mod names;
mod rar;
mod sevenz;
mod source;
mod tar;
#[cfg(test)]
mod tests;
mod zip;
mod zip_methods;
mod zstd;

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use lanspread_protocol::limits::MAX_MANIFEST_FILES;
use lanspread_protocol::{Blake3Hash, InnerPath};

pub use self::error::{Refusal, UnpackError};

use self::format::{Compression, Format};
use self::job::Job;
use crate::disk::error::Tried as _;
use crate::disk::{Cancel, DiskError, Progress, space};

/// The largest dictionary that is accepted however much memory is free: what RAR's own programs take by default is
/// a quarter of it.
const MAX_DICTIONARY: u64 = 1024 * 1024 * 1024;

/// What an archive may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Of all unpacked files together.
    pub max_bytes: u64,
    /// Files, folders and links.
    pub max_files: usize,
    /// Memory for a decoder's history.
    pub max_dictionary: u64,
}

impl Limits {
    /// The free space of the target's filesystem, as many files as a payload may have, and a dictionary of 1 GiB or
    /// half the free memory, whichever is less.
    pub fn of(target: &Path) -> Result<Self, DiskError> {
        let mut system = sysinfo::System::new();
        system.refresh_memory();
        // 0 where the system does not say.
        let half_free = Some(system.available_memory() / 2).filter(|bytes| *bytes > 0);
        Ok(Self {
            max_bytes: space::free_bytes(target)?,
            max_files: MAX_MANIFEST_FILES,
            max_dictionary: half_free.unwrap_or(MAX_DICTIONARY).min(MAX_DICTIONARY),
        })
    }
}

/// A file that was written and closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnpackedFile {
    pub path: InnerPath,
    pub bytes: u64,
    pub hash: Blake3Hash,
}

/// What a file is to one who unpacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looks {
    /// It can be unpacked here.
    Archive,
    /// A later part of an archive in several files: it is unpacked with the first one.
    LaterVolume,
    Other,
}

/// What this is, by its first bytes.
pub fn look(path: &Path) -> Result<Looks, UnpackError> {
    match Format::of(path)? {
        Some(Format::Rar) => {
            let mut head = Vec::new();
            let file = File::open(path).tried("open", path)?;
            file.take(64).read_to_end(&mut head).tried("read", path)?;
            Ok(if rar::is_later_volume(path, &head) { Looks::LaterVolume } else { Looks::Archive })
        }
        Some(Format::Zip | Format::SevenZip | Format::Tar(_)) => Ok(Looks::Archive),
        None => Ok(Looks::Other),
    }
}

/// The sum of what the members are said to unpack to. `None` for a packed TAR, which would have to be unpacked to
/// know.
pub fn declared_bytes(archive: &Path) -> Result<Option<u64>, UnpackError> {
    let limits =
        Limits { max_bytes: u64::MAX, max_files: MAX_MANIFEST_FILES, max_dictionary: MAX_DICTIONARY };
    let (cancel, progress) = (Cancel::new(), Progress::new());
    let mut ignore = |_| Ok(());
    let job = Job::new(archive, Path::new(""), &limits, &cancel, &progress, &mut ignore);
    match format_of(archive)? {
        Format::Rar => rar::declared_bytes(&job).map(Some),
        Format::Zip => zip::declared_bytes(&job).map(Some),
        Format::SevenZip => sevenz::declared_bytes(&job).map(Some),
        Format::Tar(Compression::None) => tar::declared_bytes(&job).map(Some),
        Format::Tar(_) => Ok(None),
    }
}

/// Unpacks `archive` into the folder `into`, which is there.
///
/// A file that is there already is replaced, and of two members with one name the later one wins; anything else in
/// the way is an error. `on_file` is told of each file after it is written and closed, in no certain order, of a
/// replaced one again; its error ends the work. `progress` counts unpacked bytes as done and expects none: the
/// caller knows how many archives there are ([`declared_bytes`]).
pub fn unpack(
    archive: &Path,
    into: &Path,
    limits: &Limits,
    cancel: &Cancel,
    progress: &Progress,
    on_file: &mut dyn FnMut(UnpackedFile) -> Result<(), DiskError>,
) -> Result<(), UnpackError> {
    let format = format_of(archive)?;
    let mut job = Job::new(archive, into, limits, cancel, progress, on_file);
    match format {
        Format::Rar => rar::unpack(&mut job)?,
        Format::Zip => zip::unpack(&mut job)?,
        Format::SevenZip => sevenz::unpack(&mut job)?,
        Format::Tar(compression) => tar::unpack(&mut job, compression)?,
    }
    job.copy_links()?;
    // A decoder may have taken the end of reading for the end of the archive.
    cancel.check()?;
    Ok(())
}

fn format_of(archive: &Path) -> Result<Format, UnpackError> {
    Format::of(archive)?.ok_or_else(|| UnpackError::NotAnArchive { archive: archive.to_owned() })
}
