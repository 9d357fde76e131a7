//! Publishing: a folder, or archives, become a game's payload, and the catalog says so, signed.
//!
//! Everything is checked before anything is changed: the request, the catalog, the key, every name in the source.
//! The payload is built beside whatever is there (`.lanspread/new/`), the new catalog is staged beside the old one
//! ([`crate::disk::catalog_file`]), and one journalled swap ([`crate::transaction`]) puts both into force. An
//! interruption before the swap's intent leaves the old state, after it the new one. The source is only read; it may
//! be the game's own folder, which is then published in place. Archives lie in the payload as they are, each under its
//! own name: whoever installs the game unpacks them.
//!
//! A replaced game keeps what the request does not mention: descriptions, entries, a cover.
//!
//! The caller holds the games folder's lock, and nobody reads the old payload meanwhile.

mod archive;
mod catalog;
mod launch;
mod look;
mod request;
mod source;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::PathBuf;

use lanspread_protocol::{CatalogError, GameId, ManifestId, OrganiserKey, SignatureError, Version};
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use self::launch::{LaunchError, parse_launch_entry};
pub use self::look::{SourceContents, SourceFile, look};
pub use crate::api::PublishRequest;

use self::catalog::Publication;
use self::request::Checked;
use self::source::Built;
use crate::disk::manifests::read_beside;
use crate::disk::scan::{is_sentinel_of, read_sentinel};
use crate::disk::{
    Cancel, DiskError, DiskErrorKind, GameFolder, GamesFolder, ManifestStore, Progress, atomic, catalog_file,
};
use crate::transaction::swap::SwapPlan;
use crate::transaction::{self, remove_parts};

/// What was published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    pub game: GameId,
    pub version: Version,
    pub manifest: ManifestId,
    pub files: usize,
    pub bytes: u64,
    pub chunks: usize,
    /// Names that were left out of the payload: Lanspread's own, `local/`, links by the policy.
    #[serde(skip)]
    pub skipped: Vec<String>,
    /// The key that this publish made, to be backed up.
    #[serde(skip)]
    pub new_key: Option<PathBuf>,
}

/// Why a game was not published. Unless it says otherwise, nothing has changed.
#[derive(Debug, Error)]
pub enum PublishError {
    #[error("{field}: {reason}")]
    Field { field: &'static str, reason: String },
    #[error("“{}” is neither a folder nor an archive ({})", .0.display(), archive::ENDINGS)]
    NoArchive(PathBuf),
    #[error("“{}” is named like an archive, but its content is not one of that kind", .0.display())]
    OtherContent(PathBuf),
    #[error("there is no folder or archive “{}”", .0.display())]
    NoSource(PathBuf),
    /// Nobody means to share nothing: the path is mistyped, or the files are elsewhere.
    #[error("“{}” holds nothing that can be shared", .0.display())]
    Empty(PathBuf),
    #[error("“{}” is a folder: publish one folder, or archives only", .0.display())]
    Mixed(PathBuf),
    #[error("“{}” and “{}” lie in one another; publish from a folder elsewhere, or in place", .inner.display(), .target.display())]
    Nested { inner: PathBuf, target: PathBuf },
    #[error("catalog “{}”: {cause}", .path.display())]
    Catalog {
        path: PathBuf,
        #[source]
        cause: CatalogError,
    },
    #[error("key “{}”: {cause}", .path.display())]
    Key {
        path: PathBuf,
        #[source]
        cause: SignatureError,
    },
    #[error("the catalog is signed by {key} ({}), whose key file is not beside it: give it with --key", .key.words())]
    ForeignKey { key: OrganiserKey },
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl PublishError {
    /// `None` for a request that cannot be carried out as it is.
    pub fn kind(&self) -> Option<DiskErrorKind> {
        match self {
            Self::Disk(error) => Some(error.kind()),
            Self::Field { .. }
            | Self::NoArchive(_)
            | Self::OtherContent(_)
            | Self::NoSource(_)
            | Self::Empty(_)
            | Self::Mixed(_)
            | Self::Nested { .. }
            | Self::Catalog { .. }
            | Self::Key { .. }
            | Self::ForeignKey { .. } => None,
        }
    }
}

/// Publishes a game into `games` and the request's catalog. See the module's comment.
pub fn publish(
    games: &GamesFolder,
    request: &PublishRequest,
    cancel: &Cancel,
    progress: &Progress,
) -> Result<Published, PublishError> {
    let catalog = request.catalog.as_path();
    let checked = Checked::new(request)?;
    let mut publication = Publication::open(games, catalog, request.key.as_deref())?;
    publication.check(&checked)?;
    let folder = games.game(&checked.game);
    let source = source::check(request, &folder)?;
    transaction::recover(&folder)?;
    let old_sentinel = read_sentinel(&folder)?;
    let result = source::build(&source, &folder, &checked, old_sentinel.as_deref(), cancel, progress)
        .and_then(|built| put_into_force(games, &folder, &checked, &mut publication, built, cancel));
    if result.is_err() && fs::symlink_metadata(folder.intent()).is_err() {
        // The old state, without traces of the attempt. The first error is the one to be told.
        let cleaned = remove_parts(&folder).and_then(|()| catalog_file::unstage(catalog));
        if let Err(error) = cleaned {
            tracing::warn!(%error, "an attempt to publish left traces");
        }
        source::remove_if_empty(&folder);
    }
    result
}

/// Cover, manifest and catalog first, none of which anybody sees yet, then the swap.
fn put_into_force(
    games: &GamesFolder,
    folder: &GameFolder,
    checked: &Checked,
    publication: &mut Publication,
    built: Built,
    cancel: &Cancel,
) -> Result<Published, PublishError> {
    let manifest = ManifestStore::new(games.clone()).put(built.manifest)?;
    if let Some((hash, bytes)) = &checked.cover {
        let path = games.cover(*hash);
        fs::create_dir_all(games.covers()).map_err(|cause| DiskError::Io {
            action: "create the folder",
            path: games.covers(),
            cause,
        })?;
        atomic::write(&path, bytes)?;
    }
    let sentinel_now = read_sentinel(folder)?.unwrap_or_default();
    let old = read_beside(folder).filter(|old| is_sentinel_of(&sentinel_now, old));
    cancel.check()?;
    let staged = publication.stage(checked, &manifest)?;
    let moves = built.moves;
    let plan = SwapPlan::new(&manifest, moves, old.as_ref(), built.sentinel).with_catalog(staged);
    transaction::swap(folder, plan)?;
    Ok(Published {
        game: checked.game.clone(),
        version: checked.version.clone(),
        manifest: manifest.id(),
        files: manifest.files().len(),
        bytes: manifest.total_bytes(),
        chunks: manifest.chunks().len(),
        skipped: built.skipped,
        new_key: publication.new_key(),
    })
}
