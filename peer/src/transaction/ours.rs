//! The files of a game's folder that are Lanspread's: a removal and a download touch no others, which are a person's. A swap
//! does not ask yet.
//!
//! Ours are files that Lanspread placed and nobody has changed since, and files whose bytes are those of a manifest
//! that the catalog names: a copy of the game by hand. Lanspread placed what the manifest beside the payload lists,
//! which only a download, a swap and a publish write, and what the record of the payload and the list of the download in
//! the making say. A manifest that was made of whatever lay in the folder says which payload that is, and never which
//! files are ours.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use lanspread_protocol::{Manifest, ManifestId, RelPath};

use super::payload::PayloadRecord;
use super::placed;
use crate::disk::hash::matching_chunks;
use crate::disk::manifests::read_beside;
use crate::disk::tree::FileStat;
use crate::disk::{Cancel, DiskError, GameFolder, Progress};

/// The knowledge of a game's files beside what its folder says.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Manifests that the catalog names.
    pub named: Vec<Arc<Manifest>>,
    /// The manifest that the payload was proven to have, when nothing has changed since.
    pub proven: Option<ManifestId>,
}

/// See the module's comment.
#[derive(Debug)]
pub(crate) struct Ours {
    record: PayloadRecord,
    placed: BTreeMap<RelPath, FileStat>,
    /// The one beside the payload, and those that the catalog names.
    lists: Vec<Arc<Manifest>>,
    proven: Option<ManifestId>,
}

impl Ours {
    pub(crate) fn of(folder: &GameFolder, known: &Known) -> Result<Self, DiskError> {
        let beside = read_beside(folder).map(Arc::new);
        Ok(Self {
            record: PayloadRecord::read(folder),
            placed: placed::read(folder)?,
            lists: beside.into_iter().chain(known.named.iter().cloned()).collect(),
            proven: known.proven,
        })
    }

    /// Returns whether Lanspread placed the file and it is as it was, as far as size and time tell.
    pub(crate) fn is_placed(&self, path: &RelPath, now: FileStat) -> bool {
        self.placed.get(path) == Some(&now) || self.record.has(path, now) == Some(true)
    }

    /// Returns whether the file `path` of the payload, which lies at `at` and looks like this, is ours.
    pub(crate) fn has(
        &self,
        path: &RelPath,
        at: &Path,
        now: FileStat,
        cancel: &Cancel,
    ) -> Result<bool, DiskError> {
        if self.is_placed(path, now) {
            return Ok(true);
        }
        for list in &self.lists {
            let Ok(nth) = list.files().binary_search_by(|file| file.path.cmp(path)) else { continue };
            let file = &list.files()[nth];
            if file.bytes != now.bytes {
                continue;
            }
            if self.proven == Some(list.id()) {
                return Ok(true);
            }
            let chunks = &list.chunks()[file.chunks.start as usize..file.chunks.end as usize];
            match matching_chunks(at, chunks, cancel, &Progress::new()) {
                Ok(matches) if matches.iter().all(|matches| *matches) => return Ok(true),
                Ok(_) => {}
                Err(DiskError::Cancelled) => return Err(DiskError::Cancelled),
                // What cannot be read is not known to be ours.
                Err(error) => tracing::warn!(%error, "a file is left alone"),
            }
        }
        Ok(false)
    }

    /// Folders that these payloads have though they are empty.
    pub(crate) fn empty_folders(&self) -> impl Iterator<Item = &RelPath> {
        self.lists.iter().flat_map(|list| list.empty_folders())
    }
}
