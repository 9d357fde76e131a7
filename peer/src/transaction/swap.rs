//! The swap of a payload: what its steps do on disk. The journal drives them.
//!
//! The *plan* says everything that the swap will do. Once the intent that names it is durable the swap only goes
//! forward: each step can be done again without harm. The sentinel is off from the first step to the last, so nobody
//! ever sees a mix as a game.

use std::fs;
use std::path::PathBuf;

use lanspread_protocol::{Blake3Hash, Manifest, RelPath, Version};
use serde::{Deserialize, Serialize};

use super::payload::PayloadRecord;
use super::{Before, sentinel};
use crate::disk::layout::under;
use crate::disk::place::{Placer, make_executable, remove_emptied_folders};
use crate::disk::tree::Locator;
use crate::disk::{DiskError, GameFolder, atomic, catalog_file};

/// What a swap does.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SwapPlan {
    /// The new manifest, encoded.
    manifest: Vec<u8>,
    /// Files that go from `.lanspread/new/` to their places.
    moves: Vec<RelPath>,
    /// Files that only the old payload had.
    removals: Vec<RelPath>,
    /// The new `version.ini`.
    sentinel: Vec<u8>,
    /// A staged catalog that comes into force with the payload.
    catalog: Option<StagedCatalog>,
}

/// See [`catalog_file`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StagedCatalog {
    pub(crate) path: PathBuf,
    pub(crate) hash: Blake3Hash,
}

impl SwapPlan {
    pub(crate) fn new(
        manifest: &Manifest,
        moves: Vec<RelPath>,
        old: Option<&Manifest>,
        sentinel: Vec<u8>,
    ) -> Self {
        let is_new = |path: &RelPath| manifest.files().binary_search_by(|file| file.path.cmp(path)).is_ok();
        let old_files = old.map(Manifest::files).unwrap_or_default().iter();
        let removals = old_files.map(|file| &file.path).filter(|path| !is_new(path)).cloned().collect();
        Self { manifest: manifest.encode(), moves, removals, sentinel, catalog: None }
    }

    /// The swap also puts a staged catalog into force, so that both are old or both are new.
    pub(crate) fn with_catalog(self, catalog: StagedCatalog) -> Self {
        Self { catalog: Some(catalog), ..self }
    }

    /// The version that the payload is of after the swap.
    pub(crate) fn version(&self) -> Option<Version> {
        Version::from_sentinel(&self.sentinel)
    }

    fn decode_manifest(&self, folder: &GameFolder) -> Result<Manifest, DiskError> {
        Manifest::decode(&self.manifest).map_err(|cause| DiskError::Manifest { path: folder.plan(), cause })
    }

    /// Makes the new files durable.
    pub(crate) fn flush_new(&self, folder: &GameFolder) -> Result<(), DiskError> {
        let moved: Vec<_> = self.moves.iter().map(|path| under(&folder.new_files(), path)).collect();
        atomic::flush_tree(folder.root(), &moved)
    }

    pub(crate) fn remove_old(&self, folder: &GameFolder, before: &mut Before<'_>) -> Result<(), DiskError> {
        for path in &self.removals {
            // Through a link this would remove another file.
            if Locator::new(folder.root()).has_plain_folders(path) && !folder.file(path).is_dir() {
                before()?;
                atomic::remove_if_there(&folder.file(path))?;
            }
        }
        remove_emptied_folders(folder.root(), self.removals.iter());
        Ok(())
    }

    pub(crate) fn move_new(&self, folder: &GameFolder, before: &mut Before<'_>) -> Result<(), DiskError> {
        let mut placer = Placer::new(folder, folder.root().to_owned());
        for path in &self.moves {
            let new = under(&folder.new_files(), path);
            if fs::symlink_metadata(&new).is_ok() {
                before()?;
                placer.place(&new, path)?;
            }
        }
        Ok(())
    }

    /// Makes empty folders and programs' permissions.
    pub(crate) fn finish_payload(&self, folder: &GameFolder) -> Result<(), DiskError> {
        let manifest = self.decode_manifest(folder)?;
        let mut placer = Placer::new(folder, folder.root().to_owned());
        for path in manifest.empty_folders() {
            placer.empty_folder(path)?;
        }
        for file in manifest.files().iter().filter(|file| file.executable) {
            make_executable(&folder.file(&file.path))?;
        }
        Ok(())
    }

    /// Makes the payload durable, then its manifest.
    pub(crate) fn flush_payload(&self, folder: &GameFolder) -> Result<(), DiskError> {
        let moved: Vec<_> = self.moves.iter().map(|path| folder.file(path)).collect();
        atomic::flush_tree(folder.root(), &moved)?;
        PayloadRecord::write(folder, &self.decode_manifest(folder)?)?;
        atomic::write(&folder.manifest(), &self.manifest)
    }

    pub(crate) fn sentinel_on(&self, folder: &GameFolder) -> Result<(), DiskError> {
        sentinel::put_on(folder, &self.sentinel)
    }

    pub(crate) fn commit_catalog(&self) {
        if let Some(StagedCatalog { path, hash }) = &self.catalog
            && let Err(error) = catalog_file::commit(path, *hash)
        {
            // The stick it lies on may be gone; that must not keep the game from being played.
            tracing::error!(path = %path.display(), %error, "the published catalog is not in force; publish again");
        }
    }
}
