//! [`Placed`]: which files a download in the making has put to their places itself.
//!
//! A small file is at its place as soon as it is here, long before the sentinel. When the download is given up, or
//! the party expects another version, these files must go again, and nothing else: what was in the folder before, and
//! what a person has changed since, stays. So `.lanspread/placed` lists them, a line a file with its size and time of
//! change; a file counts only while it still has both. Nobody flushes the list: what a power cut takes off it stays
//! on disk.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;

use lanspread_protocol::{Manifest, RelPath};

use super::Before;
use crate::disk::error::Tried as _;
use crate::disk::place::remove_emptied_folders;
use crate::disk::tree::{FileStat, Locator};
use crate::disk::{DiskError, GameFolder, atomic};

/// The list, open for more.
#[derive(Debug)]
pub(crate) struct Placed {
    folder: GameFolder,
    list: File,
}

impl Placed {
    /// Goes on with the list that is there. What `manifest` does not have was of a download that was given up, and is
    /// removed: whatever of it is of use must have been copied.
    pub(crate) fn go_on(folder: &GameFolder, manifest: &Manifest) -> Result<Self, DiskError> {
        let is_of_use =
            |path: &RelPath| manifest.files().binary_search_by(|file| file.path.cmp(path)).is_ok();
        let (mine, abandoned): (BTreeMap<_, _>, BTreeMap<_, _>) =
            read(folder)?.into_iter().partition(|(path, _)| is_of_use(path));
        remove_files(folder, &abandoned, &mut || Ok(()))?;
        let text = mine.iter().fold(String::new(), |text, (path, stat)| text + &line(path, *stat));
        let path = folder.placed();
        atomic::write_cache(&path, text.as_bytes())?;
        let list = File::options().append(true).open(&path).tried("open", &path)?;
        Ok(Self { folder: folder.clone(), list })
    }

    /// A file was put to its place just now.
    pub(crate) fn add(&mut self, path: &RelPath) {
        let added = fs::symlink_metadata(self.folder.file(path))
            .and_then(|there| self.list.write_all(line(path, FileStat::of(&there)).as_bytes()));
        if let Err(error) = added {
            // On a full disk the download ends anyway. The file counts as a person's.
            tracing::debug!(%path, %error, "a placed file could not be noted");
        }
    }
}

/// Takes away what the download has placed and nobody changed; the list goes last.
pub(crate) fn remove(folder: &GameFolder, before: &mut Before<'_>) -> Result<(), DiskError> {
    remove_files(folder, &read(folder)?, before)?;
    atomic::remove_if_there(&folder.placed()).map(drop)
}

fn remove_files(
    folder: &GameFolder,
    files: &BTreeMap<RelPath, FileStat>,
    before: &mut Before<'_>,
) -> Result<(), DiskError> {
    for path in files.keys() {
        before()?;
        atomic::remove_if_there(&folder.file(path))?;
    }
    remove_emptied_folders(folder.root(), files.keys());
    Ok(())
}

pub(super) fn line(path: &RelPath, stat: FileStat) -> String {
    format!("{} {} {path}\n", stat.bytes, stat.modified)
}

/// The files of the list that are as they were placed. A line that was torn names none.
pub(super) fn read(folder: &GameFolder) -> Result<BTreeMap<RelPath, FileStat>, DiskError> {
    let path = folder.placed();
    let text = match fs::read(&path) {
        Err(error) if atomic::is_absent(&error) => return Ok(BTreeMap::new()),
        read => read.tried("read", &path)?,
    };
    let text = String::from_utf8_lossy(&text);
    let mut files: BTreeMap<RelPath, FileStat> = text.lines().filter_map(parse).collect();
    let mut locator = Locator::new(folder.root());
    files.retain(|path, stat| {
        let is_same = fs::symlink_metadata(folder.file(path))
            .is_ok_and(|there| there.is_file() && FileStat::of(&there) == *stat);
        // Through a link this would be another file.
        is_same && locator.has_plain_folders(path)
    });
    Ok(files)
}

pub(super) fn parse(line: &str) -> Option<(RelPath, FileStat)> {
    let mut fields = line.splitn(3, ' ');
    let stat = FileStat { bytes: fields.next()?.parse().ok()?, modified: fields.next()?.parse().ok()? };
    Some((fields.next()?.parse().ok()?, stat))
}
