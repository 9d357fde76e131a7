//! `scan` and `verify`: what is on disk. Both only read, and need no lock.

use std::path::Path;
use std::sync::Arc;

use anyhow::{bail, ensure};
use lanspread_engine::{GivenCatalog, LocalState};
use lanspread_peer::catalog_file;
use lanspread_peer::disk::catalog_file::load_newest;
use lanspread_peer::disk::hash::Selection;
use lanspread_peer::disk::{
    Cancel, DiskError, GamesFolder, ManifestStore, Progress, ScannedGame, hash_payload, manifests, scan_game,
    scan_games, verify as disk_verify,
};
use lanspread_protocol::{Catalog, GameId, Manifest, ManifestId, Version};
use serde::Serialize;

use crate::args::{ScanArgs, VerifyArgs};
use crate::output::print_json;
use crate::progress::Bar;

/// The library as it is on disk.
#[derive(Serialize)]
struct Library {
    games_dir: String,
    games: Vec<GameRow>,
    /// Folders whose names are no game ids.
    skipped: Vec<String>,
    /// Games that could not be read.
    failed: Vec<FailedRow>,
}

#[derive(Serialize)]
struct GameRow {
    id: GameId,
    title: Option<String>,
    expected: Option<Version>,
    version: Option<Version>,
    state: LocalState,
    bytes: u64,
    files: usize,
}

#[derive(Serialize)]
struct FailedRow {
    id: GameId,
    error: String,
}

/// One game's line of `verify`.
#[derive(Serialize)]
struct VerifyRow {
    game: GameId,
    state: LocalState,
    damaged: Vec<String>,
    damaged_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'static str>,
}

/// A games folder with the catalog that says what is expected.
struct Party {
    games: GamesFolder,
    catalog: Option<Arc<Catalog>>,
    manifests: ManifestStore,
}

impl Party {
    fn open(args: &ScanArgs) -> anyhow::Result<Self> {
        ensure_folder(&args.games)?;
        let games = GamesFolder::new(args.games.clone());
        let catalog = match &args.catalog {
            Some(file) => Some(catalog_of(&catalog_file::read(file)?)),
            // The newest by the pinned key, as a peer on this folder has stored it.
            None => load_newest(&games).map(|signed| Arc::new(signed.catalog)),
        };
        Ok(Self { manifests: ManifestStore::new(games.clone()), games, catalog })
    }

    /// The manifest that the catalog pins, if it pins one.
    fn pinned(&self, game: &GameId) -> Option<ManifestId> {
        self.catalog.as_ref()?.game(game)?.manifest
    }

    /// The manifest that a game's payload should have: the catalog's, or the one it was downloaded or published by.
    fn manifest(&self, game: &GameId) -> Result<Option<Arc<Manifest>>, DiskError> {
        let beside = manifests::read_beside(&self.games.game(game)).map(Arc::new);
        match self.pinned(game) {
            None => Ok(beside),
            Some(pinned) => match beside.filter(|manifest| manifest.id() == pinned) {
                Some(manifest) => Ok(Some(manifest)),
                None => self.manifests.get(pinned),
            },
        }
    }

    /// The state as far as it shows without hashing; `None` when nothing is here. Without a catalog everything that is
    /// here is what was expected.
    fn state(&self, scanned: &ScannedGame) -> Option<LocalState> {
        if scanned.is_empty() {
            return None;
        }
        let entry = self.catalog.as_ref().map(|catalog| catalog.game(&scanned.game));
        if entry == Some(None) {
            return Some(LocalState::NotInCatalog);
        }
        let Some(version) = &scanned.sentinel else {
            let has_payload = scanned.files > 0 || scanned.is_unfinished;
            return Some(if has_payload { LocalState::Incomplete } else { LocalState::LocalOnly });
        };
        let expected = entry.flatten().and_then(|game| game.version.as_ref());
        if expected.is_some_and(|expected| expected != version) {
            return Some(LocalState::WrongVersion);
        }
        Some(if scanned.has_local { LocalState::Installed } else { LocalState::Downloaded })
    }

    fn row(&self, scanned: &ScannedGame) -> Option<GameRow> {
        let entry = self.catalog.as_ref().and_then(|catalog| catalog.game(&scanned.game));
        Some(GameRow {
            id: scanned.game.clone(),
            title: entry.map(|game| game.title.clone()),
            expected: entry.and_then(|game| game.version.clone()),
            version: scanned.sentinel.clone(),
            state: self.state(scanned)?,
            bytes: scanned.bytes,
            files: scanned.files,
        })
    }
}

/// The folder must be there: a mistyped one must not look empty.
pub(crate) fn ensure_folder(games: &Path) -> anyhow::Result<()> {
    match std::fs::metadata(games) {
        Ok(metadata) => ensure!(metadata.is_dir(), "the games folder “{}” is no folder", games.display()),
        Err(error) => bail!("cannot open the games folder “{}”: {error}", games.display()),
    }
    Ok(())
}

fn catalog_of(given: &GivenCatalog) -> Arc<Catalog> {
    match given {
        GivenCatalog::Plain(catalog) => Arc::clone(catalog),
        GivenCatalog::Signed(signed) => Arc::new(signed.catalog.clone()),
    }
}

pub(crate) fn scan(args: &ScanArgs) -> anyhow::Result<()> {
    let party = Party::open(args)?;
    let known = |game: &GameId| party.manifest(game).ok().flatten();
    let library = scan_games(&party.games, &known, &Cancel::new())?;
    print_json(&Library {
        games_dir: args.games.display().to_string(),
        games: library.games.iter().filter_map(|scanned| party.row(scanned)).collect(),
        skipped: library.skipped,
        failed: library.failed.into_iter().map(|(id, error)| FailedRow { id, error }).collect(),
    })
}

pub(crate) fn verify(args: &VerifyArgs) -> anyhow::Result<()> {
    let party = Party::open(&args.folder)?;
    let games = if args.ids.is_empty() { complete_games(&party)? } else { args.ids.clone() };
    let mut bad = Vec::new();
    for game in &games {
        match verify_game(&party, game) {
            Ok(row) => {
                let is_good = matches!(row.state, LocalState::Downloaded | LocalState::Installed);
                print_json(&row)?;
                if !is_good || !row.damaged.is_empty() {
                    bad.push(game.to_string());
                }
            }
            Err(error) => {
                crate::output::complain(&format!("{game}: {error}"));
                bad.push(game.to_string());
            }
        }
    }
    ensure!(
        bad.is_empty(),
        "{} of {} games in “{}” are not as expected: {}",
        bad.len(),
        games.len(),
        args.folder.games.display(),
        bad.join(", ")
    );
    Ok(())
}

/// The games whose payload says that it is complete, as far as the catalog knows them.
fn complete_games(party: &Party) -> anyhow::Result<Vec<GameId>> {
    let library = scan_games(&party.games, &|_| None, &Cancel::new())?;
    let is_meant = |scanned: &&ScannedGame| {
        scanned.sentinel.is_some() && party.state(scanned) != Some(LocalState::NotInCatalog)
    };
    Ok(library.games.iter().filter(is_meant).map(|scanned| scanned.game.clone()).collect())
}

fn verify_game(party: &Party, game: &GameId) -> anyhow::Result<VerifyRow> {
    let folder = party.games.game(game);
    let cancel = Cancel::new();
    let scanned = scan_game(&folder, game, None, &cancel)?;
    let Some(state) = party.state(&scanned) else {
        bail!("it is not here (“{}”)", folder.root().display());
    };
    let progress = Progress::new();
    let _bar = Bar::follow(game.as_str(), &progress);
    let row = |state, damaged, damaged_bytes, note| VerifyRow {
        game: game.clone(),
        state,
        damaged,
        damaged_bytes,
        note,
    };
    if !matches!(state, LocalState::Downloaded | LocalState::Installed) {
        return Ok(row(state, Vec::new(), 0, Some("there is nothing to compare it with")));
    }
    if let Some(manifest) = party.manifest(game)? {
        let damages = disk_verify::verify(&folder, &manifest, &cancel, &progress)?;
        let state = if damages.is_empty() { state } else { LocalState::Modified };
        let bytes = damages.iter().map(|damage| damage.bytes).sum();
        let paths = damages.into_iter().map(|damage| damage.path.to_string()).collect();
        return Ok(row(state, paths, bytes, None));
    }
    let Some(pinned) = party.pinned(game) else {
        return Ok(row(state, Vec::new(), 0, Some("no manifest says what its files should be")));
    };
    // The manifest is not here, but its id is: the whole can be told right from wrong, not which part.
    let hashed = hash_payload(folder.root(), Selection::All, &cancel, &progress)?;
    if hashed.manifest.id() == pinned {
        return Ok(row(state, Vec::new(), 0, None));
    }
    let note = "it differs from the catalog's manifest, which is not here to say where";
    Ok(row(LocalState::Modified, Vec::new(), 0, Some(note)))
}
