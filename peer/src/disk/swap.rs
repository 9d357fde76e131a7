//! The journalled swap of a payload, and what is done at start about one that was interrupted.
//!
//! The *plan* says everything that the swap will do; it is durable before the *intent* (`.lanspread.json`) names it by
//! its hash. From then on the swap only goes forward: each step can be done again without harm, and [`recover`] does
//! them all again. The sentinel is off from the first step to the last, so nobody ever sees a mix as a game.
//!
//! Order: sentinel off, removals, moves, empty folders, programs' permissions, flush, manifest, sentinel on, a
//! published catalog, intent off. Removals come before moves: on filesystems that ignore case, `Data` may go where `data` comes.

use std::fs;
use std::path::PathBuf;

use lanspread_protocol::{Blake3Hash, Manifest, RelPath, Version};
use serde::{Deserialize, Serialize};

use super::error::Tried as _;
use super::layout::under;
use super::place::{Placer, make_executable, remove_emptied_folders};
use super::tree::Locator;
use super::{DiskError, GameFolder, GamesFolder, atomic, catalog_file};

/// What a swap does.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
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

/// The contents of `.lanspread.json` while a swap runs.
#[derive(Debug, Serialize, Deserialize)]
struct Intent {
    transaction: String,
    plan: Blake3Hash,
}

const TRANSACTION: &str = "swap";

/// What [`recover`] found to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recovered {
    /// Nothing was interrupted.
    Nothing,
    /// A swap has been completed; the payload is of this version now.
    Swapped(Option<Version>),
    /// The intent is another transaction's: an installation's.
    OtherTransaction,
}

impl Plan {
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
}

/// Makes everything durable and swaps. Once the intent is written, an error leaves work for [`recover`].
pub(crate) fn run(folder: &GameFolder, plan: &Plan) -> Result<(), DiskError> {
    begin(folder, plan)?;
    roll_forward(folder, plan, &mut || Ok(()))
}

/// Everything durable, then the intent.
fn begin(folder: &GameFolder, plan: &Plan) -> Result<(), DiskError> {
    if fs::symlink_metadata(folder.intent()).is_ok() {
        return Err(DiskError::Unfinished { path: folder.intent() });
    }
    fs::create_dir_all(folder.state()).tried("create the folder", &folder.state())?;
    let bytes = postcard::to_stdvec(plan).map_err(std::io::Error::other);
    let bytes = bytes.tried("write the plan", &folder.swap_plan())?;
    let intent = Intent { transaction: TRANSACTION.to_owned(), plan: Blake3Hash::of(&bytes) };
    let intent = serde_json::to_vec(&intent).map_err(std::io::Error::other);
    let intent = intent.tried("write the intent", &folder.intent())?;
    let moved: Vec<_> = plan.moves.iter().map(|path| under(&folder.new_files(), path)).collect();
    atomic::flush_tree(folder.root(), &moved)?;
    atomic::write(&folder.swap_plan(), &bytes)?;
    atomic::write(&folder.intent(), &intent)
}

/// Does all steps of a plan, again or for the first time. `before_step` is called before each; tests end it there.
fn roll_forward(
    folder: &GameFolder,
    plan: &Plan,
    before_step: &mut dyn FnMut() -> Result<(), DiskError>,
) -> Result<(), DiskError> {
    let manifest = Manifest::decode(&plan.manifest)
        .map_err(|cause| DiskError::Manifest { path: folder.swap_plan(), cause })?;
    before_step()?;
    if fs::symlink_metadata(folder.sentinel()).is_ok_and(|there| !there.is_dir()) {
        atomic::remove_if_there(&folder.sentinel())?;
    }
    atomic::sync_folder(folder.root())?;
    for path in &plan.removals {
        before_step()?;
        // Through a link this would remove another file.
        if Locator::new(folder.root()).has_plain_folders(path) && !folder.file(path).is_dir() {
            atomic::remove_if_there(&folder.file(path))?;
        }
    }
    remove_emptied_folders(folder.root(), plan.removals.iter());
    let mut placer = Placer::new(folder, folder.root().to_owned());
    for path in &plan.moves {
        let new = under(&folder.new_files(), path);
        if fs::symlink_metadata(&new).is_ok() {
            before_step()?;
            placer.place(&new, path)?;
        }
    }
    before_step()?;
    for path in manifest.empty_folders() {
        placer.empty_folder(path)?;
    }
    for file in manifest.files().iter().filter(|file| file.executable) {
        make_executable(&folder.file(&file.path))?;
    }
    before_step()?;
    atomic::flush_tree(folder.root(), &[])?;
    atomic::write(&folder.manifest(), &plan.manifest)?;
    before_step()?;
    commit_sentinel(folder, &plan.sentinel)?;
    before_step()?;
    if let Some(StagedCatalog { path, hash }) = &plan.catalog
        && let Err(error) = catalog_file::commit(path, *hash)
    {
        // The stick it lies on may be gone; that must not keep the game from being played.
        tracing::error!(path = %path.display(), %error, "the published catalog is not in force; publish again");
    }
    before_step()?;
    atomic::remove_if_there(&folder.intent())?;
    atomic::sync_folder(folder.root())?;
    before_step()?;
    clean_up(folder)
}

/// Puts `version.ini` to its place; everything else must be durable.
pub(crate) fn commit_sentinel(folder: &GameFolder, bytes: &[u8]) -> Result<(), DiskError> {
    let temporary = folder.sentinel_tmp();
    atomic::write_new(&temporary, bytes)?;
    // A folder of the sentinel's name is a person's, and makes way like any other obstacle.
    let path = lanspread_protocol::SENTINEL.parse::<RelPath>();
    match path {
        Ok(path) => Placer::new(folder, folder.root().to_owned()).place(&temporary, &path)?,
        Err(_never) => atomic::move_file(&temporary, &folder.sentinel())?,
    }
    atomic::sync_folder(folder.root())
}

/// At start, for every game: completes a swap that was interrupted and removes a sentinel that was never committed.
/// Parts and new files stay for a resume. Doing it twice equals once.
pub fn recover(folder: &GameFolder) -> Result<Recovered, DiskError> {
    atomic::remove_if_there(&folder.sentinel_tmp())?;
    let bytes = match fs::read(folder.intent()) {
        Ok(bytes) => bytes,
        Err(error) if atomic::is_absent(&error) => {
            atomic::remove_if_there(&folder.swap_plan())?;
            return Ok(Recovered::Nothing);
        }
        Err(error) => return Err(error).tried("read", &folder.intent()),
    };
    let intent = match serde_json::from_slice::<Intent>(&bytes) {
        Ok(intent) if intent.transaction == TRANSACTION => intent,
        Ok(_) | Err(_) => return Ok(Recovered::OtherTransaction),
    };
    let path = folder.swap_plan();
    let bytes = match fs::read(&path) {
        Err(error) if atomic::is_absent(&error) => Vec::new(),
        read => read.tried("read", &path)?,
    };
    let plan = (Blake3Hash::of(&bytes) == intent.plan).then(|| postcard::from_bytes::<Plan>(&bytes).ok());
    let Some(plan) = plan.flatten() else { return Err(DiskError::Plan { path }) };
    roll_forward(folder, &plan, &mut || Ok(()))?;
    Ok(Recovered::Swapped(Version::from_sentinel(&plan.sentinel)))
}

/// [`recover`] for every game. One game that cannot be recovered is logged and does not hold up the others.
pub fn recover_all(games: &GamesFolder) -> Result<(), DiskError> {
    for game in super::list_games(games)? {
        match recover(&games.game(&game)) {
            Ok(Recovered::Nothing) => {}
            Ok(recovered) => tracing::info!(%game, ?recovered, "an interrupted transaction was recovered"),
            Err(error) => tracing::error!(%game, %error, "an interrupted transaction could not be recovered"),
        }
    }
    Ok(())
}

/// Drops a download or an update in the making. What is complete at its place stays.
pub fn discard(folder: &GameFolder) -> Result<(), DiskError> {
    if fs::symlink_metadata(folder.intent()).is_ok() {
        return Err(DiskError::Unfinished { path: folder.intent() });
    }
    clean_up(folder)
}

fn clean_up(folder: &GameFolder) -> Result<(), DiskError> {
    atomic::remove_tree_if_there(&folder.new_files())?;
    atomic::remove_tree_if_there(&folder.parts())?;
    atomic::remove_if_there(&folder.swap_plan())?;
    Ok(())
}

/// A swap that ends before its nth step, as if the power had gone; whether it came to its end before that.
#[cfg(test)]
pub(crate) fn run_until(folder: &GameFolder, plan: &Plan, steps: usize) -> bool {
    begin(folder, plan).unwrap();
    roll_forward(folder, plan, &mut power_cut_after(steps)).is_ok()
}

/// A recovery that ends before its nth step.
#[cfg(test)]
pub(crate) fn recover_until(folder: &GameFolder, steps: usize) {
    if folder.intent().exists() {
        let bytes = fs::read(folder.swap_plan()).unwrap();
        let plan: Plan = postcard::from_bytes(&bytes).unwrap();
        let result = roll_forward(folder, &plan, &mut power_cut_after(steps));
        assert!(result.is_ok() || matches!(result, Err(DiskError::Cancelled)), "{result:?}");
    }
}

#[cfg(test)]
fn power_cut_after(mut steps: usize) -> impl FnMut() -> Result<(), DiskError> {
    move || {
        steps = steps.checked_sub(1).ok_or(DiskError::Cancelled)?;
        Ok(())
    }
}
