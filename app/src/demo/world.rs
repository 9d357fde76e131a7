//! The demo's folder: a games folder for each of its peers, and the organiser's signed catalog.
//!
//! ```text
//! lanspread-demo-…/           in the system's folder for temporary files, deleted at the end
//!   lock                      held while the demo runs: what an earlier one had to leave is deleted by the next
//!   organiser/                catalog.ron, its signature, its key
//!   given/                    catalog.ron and its signature, as everybody begins with it
//!   games-0/ … games-2/       the others' games folders; the first is the organiser's
//!   games-you/                the newcomer's, empty
//! ```

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use lanspread_peer::api::{Links, PublishRequest};
use lanspread_peer::catalog_file::{CatalogFileError, create_key, signature_path};
use lanspread_peer::disk::{Cancel, GamesFolder, Progress};
use lanspread_peer::publish::{PublishError, publish};
use lanspread_protocol::{Game, OrganiserKey, Version};
use thiserror::Error;

use super::samples::Sample;
use crate::model::Fault;

/// How the folders of all demos begin.
const PREFIX: &str = "lanspread-demo-";
/// The others at the party.
pub(super) const OTHERS: usize = 3;
/// Of the disk, for each byte of a payload: the organiser's, the newcomer's, installed, and an update of it.
const COPIES: u64 = 4;
/// The catalog before its first game.
const EMPTY_CATALOG: &str = "(party: \"Demo party\", serial: 0, games: [])\n";

/// Why there is no demo.
#[derive(Debug, Error)]
pub enum DemoError {
    #[error("the demo needs {needed} MB for a while in “{}”, where {free} MB are free", folder.display())]
    NoSpace { needed: u64, free: u64, folder: PathBuf },
    #[error("the demo’s folder in “{}”: {cause}", folder.display())]
    Folder { folder: PathBuf, cause: io::Error },
    #[error("the demo’s games: {0}")]
    Samples(#[from] ron::error::SpannedError),
    #[error("the demo’s games: {0}")]
    Publish(#[from] PublishError),
    #[error("the demo’s catalog: {0}")]
    Catalog(#[from] CatalogFileError),
    #[error("a peer of the demo: {0}")]
    Peer(#[from] lanspread_peer::runtime::StartError),
    #[error("a peer of the demo has no address")]
    NoAddress,
    #[error("the demo’s thread: {0}")]
    Thread(io::Error),
}

impl From<DemoError> for Fault {
    fn from(error: DemoError) -> Self {
        let bytes = |megabytes: u64| megabytes.saturating_mul(1_000_000);
        match error {
            DemoError::NoSpace { needed, free, folder } => {
                Self::NoSpace { folder, needed: bytes(needed), free: bytes(free) }
            }
            DemoError::Folder { folder, cause } => Self::of_file(&folder, &cause),
            DemoError::Publish(error) => error.into(),
            DemoError::Catalog(error) => error.into(),
            DemoError::Peer(error) => error.into(),
            error @ (DemoError::Samples(_) | DemoError::NoAddress | DemoError::Thread(_)) => {
                Self::Words(error.to_string())
            }
        }
    }
}

/// Everything on disk. Dropping it deletes the folder.
#[derive(Debug)]
pub(super) struct World {
    pub(super) samples: Vec<Sample>,
    pub(super) organiser: OrganiserKey,
    folder: tempfile::TempDir,
    _lock: File,
}

impl World {
    /// Makes the games and shares them out among the others.
    pub(super) fn make(samples: Vec<Sample>, program: &Path, cancel: &Cancel) -> Result<Self, DemoError> {
        let temp = std::env::temp_dir();
        delete_leftovers(&temp);
        check_space(&samples, &temp)?;
        let failed = |cause| DemoError::Folder { folder: temp.clone(), cause };
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(&temp).map_err(failed)?;
        let lock = File::create(folder.path().join("lock")).map_err(failed)?;
        // Of a new file, which nobody else knows.
        drop(lock.try_lock());
        let catalog = folder.path().join("organiser").join("catalog.ron");
        let organiser = lay_out(folder.path(), &catalog).map_err(failed)??;
        let world = Self { samples, organiser, folder, _lock: lock };
        for sample in &world.samples {
            let version = sample.game.version.clone().unwrap_or_else(|| sample.next.clone());
            let from = world.games(0).join(sample.game.id.as_str());
            sample.write(&version, &from).map_err(failed)?;
            let mut request = world.request(sample, version, from, program);
            request.cover = world.cover(sample).map_err(failed)?;
            publish(&GamesFolder::new(world.games(0)), &request, cancel, &Progress::new())?;
            for other in 1..sample.sharers {
                let (from, to) = (world.games(0), world.games(other));
                link_tree(&from.join(sample.game.id.as_str()), &to.join(sample.game.id.as_str()))
                    .map_err(failed)?;
            }
        }
        // Peers do not fetch covers by themselves: they come with the catalog, as on an organiser's stick.
        let covers = Path::new(".lanspread").join("covers");
        for games in [world.games(1), world.games(2), world.newcomers_games()] {
            link_tree(&world.games(0).join(&covers), &games.join(&covers)).map_err(failed)?;
        }
        fs::copy(&catalog, world.given_catalog())
            .and_then(|_| fs::copy(signature_path(&catalog), signature_path(&world.given_catalog())))
            .map_err(failed)?;
        Ok(world)
    }

    /// A publication of the organiser.
    pub(super) fn request(
        &self,
        sample: &Sample,
        version: Version,
        from: PathBuf,
        program: &Path,
    ) -> PublishRequest {
        let launch = sample.launch(program).into_iter().collect();
        PublishRequest {
            game: Game { launch, version: None, ..sample.game.clone() },
            version,
            from: vec![from],
            catalog: self.organisers_catalog(),
            cover: None,
            key: None,
            links: Links::Refuse,
            leave_out: Vec::new(),
        }
    }

    fn cover(&self, sample: &Sample) -> io::Result<Option<PathBuf>> {
        let Some(bytes) = sample.cover() else { return Ok(None) };
        let path = self.folder.path().join("cover.jpg");
        fs::write(&path, bytes)?;
        Ok(Some(path))
    }

    /// Of one of the others; the first is the organiser.
    pub(super) fn games(&self, other: usize) -> PathBuf {
        self.folder.path().join(format!("games-{other}"))
    }

    pub(super) fn newcomers_games(&self) -> PathBuf {
        self.folder.path().join("games-you")
    }

    pub(super) fn organisers_catalog(&self) -> PathBuf {
        self.folder.path().join("organiser").join("catalog.ron")
    }

    pub(super) fn given_catalog(&self) -> PathBuf {
        self.folder.path().join("given").join("catalog.ron")
    }

    /// Where the files of a new version are made.
    pub(super) fn workshop(&self) -> PathBuf {
        self.folder.path().join("workshop")
    }
}

/// The folders, and an empty catalog with a new key.
fn lay_out(folder: &Path, catalog: &Path) -> io::Result<Result<OrganiserKey, CatalogFileError>> {
    for name in ["organiser", "given", "games-you"] {
        fs::create_dir(folder.join(name))?;
    }
    for other in 0..OTHERS {
        fs::create_dir(folder.join(format!("games-{other}")))?;
    }
    fs::write(catalog, EMPTY_CATALOG)?;
    Ok(create_key(&lanspread_peer::disk::catalog_file::key_path(catalog)))
}

fn check_space(samples: &[Sample], temp: &Path) -> Result<(), DemoError> {
    let megabytes: usize = samples.iter().map(|sample| sample.megabytes).sum();
    let needed = u64::try_from(megabytes).unwrap_or(u64::MAX).saturating_mul(COPIES);
    match fs4::available_space(temp) {
        Ok(free) if free / 1_000_000 < needed => {
            Err(DemoError::NoSpace { needed, free: free / 1_000_000, folder: temp.to_owned() })
        }
        // Where the system does not say, writing will.
        Ok(_) | Err(_) => Ok(()),
    }
}

/// The same files in two places take the room of one; payloads are never changed in place.
fn link_tree(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            link_tree(&entry.path(), &target)?;
        } else if fs::hard_link(entry.path(), &target).is_err() {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}

/// Folders of demos that were killed, or whose games still ran when they ended.
fn delete_leftovers(temp: &Path) {
    let Ok(entries) = fs::read_dir(temp) else { return };
    for folder in entries.flatten().map(|entry| entry.path()) {
        let is_demo = folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PREFIX));
        // Without a lock it is not a demo's, or one that begins just now.
        let Some(lock) = is_demo.then(|| File::open(folder.join("lock")).ok()).flatten() else { continue };
        if lock.try_lock().is_ok()
            && let Err(error) = fs::remove_dir_all(&folder)
        {
            tracing::debug!(%error, "an earlier demo’s folder stays");
        }
    }
}
