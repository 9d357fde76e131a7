//! Makes a catalog out of another launcher's database: `game.db`, with the covers in `assets.eti` beside it.
//!
//! The database is read into memory and nothing is ever written to it or beside it. It may come from anybody: its
//! size is bounded, SQLite checks its pages, views and virtual tables are refused, and no expression of its schema
//! may call what is not harmless. A column that is not there is as good as empty, but for a game's id and title. A
//! row that is of no use is left out and told of; the rest is imported. `game_key` is a secret of the other program
//! and never asked for.
//!
//! The catalog becomes the database's image: games that are only in the old file are left out. A game that is in
//! both keeps what no such database can say: its launch entries, keep-rules and recipe, and while its version stays
//! the same also its manifest.

mod covers;
mod database;
mod fields;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};

use lanspread_protocol::{Catalog, CatalogError, Game, OrganiserSecret};
use serde::Serialize;
use thiserror::Error;

use crate::catalog_file::{self, CatalogFileError, signature_path};
use crate::disk::catalog_file as disk_file;
use crate::disk::{Cancel, DiskError, Progress, atomic};

pub use self::database::MAX_DATABASE_BYTES;

/// The party's name in a catalog that an import makes. A person changes it in the file.
const NEW_PARTY: &str = "LAN party";
/// The archive with covers, in the database's folder.
const ASSETS: &str = "assets.eti";

/// What was imported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Imported {
    pub out: PathBuf,
    pub serial: u64,
    pub games: usize,
    pub covers: usize,
    /// Rows that were left out.
    pub skipped: usize,
    pub signed: bool,
    /// What was left out or changed, and why: one sentence each.
    #[serde(skip)]
    pub warnings: Vec<String>,
}

/// Why nothing was imported. The old catalog is as it was.
#[derive(Debug, Error)]
pub enum ImportError {
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error("“{}” has more than the {MAX_DATABASE_BYTES} bytes that a game database may have", .0.display())]
    TooLarge(PathBuf),
    /// No SQLite file, or one that is damaged.
    #[error("“{}” is no sound database: {cause}", .path.display())]
    Damaged { path: PathBuf, cause: String },
    #[error("“{}” has a {found} where a table must be: “{name}”", .path.display())]
    NoTable { path: PathBuf, name: String, found: String },
    #[error("“{}” has no {what}: it is no game database", .path.display())]
    Lacks { path: PathBuf, what: &'static str },
    #[error("“{}” has {rows} rows in “{table}”; at most {most} are allowed", .path.display())]
    TooManyRows { path: PathBuf, table: &'static str, rows: u64, most: usize },
    #[error("the catalog that is there cannot be replaced: {0}")]
    OldCatalog(CatalogFileError),
    #[error("“{}”: {cause}", .path.display())]
    Catalog { path: PathBuf, cause: CatalogError },
}

/// Reads `database` and writes the catalog `out`, and its covers as `covers/<hash>` beside it.
///
/// The serial is 1, or one more than that of the catalog that is there. A key beside it (`out` with `.key`) signs.
pub fn import(
    database: &Path,
    out: &Path,
    cancel: &Cancel,
    progress: &Progress,
) -> Result<Imported, ImportError> {
    let old = read_old(out)?;
    let found = database::read(database)?;
    let (mut warnings, skipped) = (found.warnings, found.skipped);
    let mut catalog = Catalog {
        party: old.as_ref().map_or_else(|| NEW_PARTY.to_owned(), |old| old.party.clone()),
        serial: old.as_ref().map_or(1, |old| old.serial + 1),
        games: found.games,
    };
    if let Some(old) = &old {
        keep_what_only_catalogs_say(&mut catalog, old, &mut warnings);
    }
    let assets = database.with_file_name(ASSETS);
    let mut covers = 0;
    if assets.is_file() {
        covers = covers::import(
            &assets,
            &covers_folder(out),
            &mut catalog.games,
            &mut warnings,
            cancel,
            progress,
        )?;
    }
    cancel.check()?;
    let signed = write(&catalog, out, &mut warnings)?;
    let (serial, games) = (catalog.serial, catalog.games.len());
    Ok(Imported { out: out.to_owned(), serial, games, covers, skipped, signed, warnings })
}

/// Where the covers of the catalog at `out` are put, named by their hashes.
pub fn covers_folder(out: &Path) -> PathBuf {
    out.with_file_name("covers")
}

fn read_old(out: &Path) -> Result<Option<Catalog>, ImportError> {
    let Some(file) = disk_file::load(out)? else { return Ok(None) };
    let catalog = Catalog::parse(&file.bytes);
    let failed = |cause| CatalogFileError::Catalog { path: out.to_owned(), cause };
    catalog.map(Some).map_err(|cause| ImportError::OldCatalog(failed(cause)))
}

fn keep_what_only_catalogs_say(catalog: &mut Catalog, old: &Catalog, warnings: &mut Vec<String>) {
    for game in &mut catalog.games {
        let Some(old) = old.game(&game.id).cloned() else { continue };
        if game.version.is_some() && game.version == old.version {
            game.manifest = old.manifest;
            game.size = old.size.filter(|_| old.manifest.is_some()).or(game.size);
        }
        let Game { cover, install, launch, keep, .. } = old;
        (game.cover, game.install, game.launch, game.keep) = (cover, install, launch, keep);
    }
    for game in old.games.iter().filter(|game| catalog.game(&game.id).is_none()) {
        warnings
            .push(format!("{}: was in the catalog, is not in the database, and is left out now", game.id));
    }
}

/// Writes the catalog, signed if its key is there; whether it is.
fn write(catalog: &Catalog, out: &Path, warnings: &mut Vec<String>) -> Result<bool, ImportError> {
    let failed = |cause| ImportError::Catalog { path: out.to_owned(), cause };
    let text = catalog.to_text().map_err(failed)?;
    // What we write must be what others can read.
    Catalog::parse(text.as_bytes()).map_err(failed)?;
    if let Some(secret) = key_beside(out)? {
        disk_file::store(out, text.as_bytes(), &secret.sign(text.as_bytes()))?;
        return Ok(true);
    }
    // A catalog with a signature that does not fit would be no catalog at all.
    if atomic::remove_if_there(&signature_path(out))? {
        warnings.push(format!(
            "the signature of “{}” is gone, it did not fit any more: sign it again",
            out.display()
        ));
    }
    atomic::write(out, text.as_bytes())?;
    Ok(false)
}

fn key_beside(out: &Path) -> Result<Option<OrganiserSecret>, ImportError> {
    let path = disk_file::key_path(out);
    if fs::symlink_metadata(&path).is_err() {
        return Ok(None);
    }
    catalog_file::read_key(&path).map(Some).map_err(ImportError::OldCatalog)
}
