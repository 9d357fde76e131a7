//! Installing, uninstalling, removing: each a transaction on a thread of the pool.

use std::sync::Arc;

use lanspread_engine::{DiskFailure, Extras, FailureKind, Input, Kept, KeptFiles, OpId, Saves};
use lanspread_protocol::{Game, GameId, ManifestId};

use super::effects::{Shell, disk_failure, failure_kind};
use super::games_folder::Disk;
use super::works::Work;
use crate::disk::{DiskError, reserve};
use crate::install::{self, InstallError, InstallRequest, Restore};
use crate::transaction;

impl Shell {
    pub(super) fn install(
        &mut self,
        op: OpId,
        game: GameId,
        manifest: Option<ManifestId>,
        entry: Option<Box<Game>>,
        kept: KeptFiles,
    ) {
        let (disk, work) = self.begin_change(op);
        let install = move || {
            refuse_if_in_use(&disk, &game)?;
            let known = disk.payload_manifest(&game, manifest).map_err(|error| disk_failure(&error))?;
            let request = InstallRequest {
                game: &game,
                folder: &disk.games.game(&game),
                manifest: known.as_deref(),
                entry: entry.as_deref(),
                restore: match kept {
                    KeptFiles::Restore => Restore::Yes,
                    KeptFiles::Leave => Restore::No,
                },
            };
            let installed = install::install(&request, &work.cancel, &work.progress);
            installed.map(|installed| installed.kept.map(tell_kept)).map_err(|error| failure(&game, &error))
        };
        self.change("install", install, move |result| Input::Installed { op, result });
    }

    pub(super) fn uninstall(&mut self, op: OpId, game: GameId, keep: Vec<String>, saves: Saves) {
        let (disk, work) = self.begin_change(op);
        let uninstall = move || uninstall(&disk, &game, &keep, saves, &work);
        self.change("uninstall", uninstall, move |result| Input::Uninstalled { op, result });
    }

    pub(super) fn remove(
        &mut self,
        op: OpId,
        game: GameId,
        named: Option<ManifestId>,
        keep: Vec<String>,
        local: Option<Saves>,
        extras: Extras,
    ) {
        let (disk, work) = self.begin_change(op);
        let remove = move || {
            let folder = disk.games.game(&game);
            let local = local.filter(|_| folder.local().is_dir());
            let kept = match local {
                Some(saves) => uninstall(&disk, &game, &keep, saves, &work)?,
                None => None,
            };
            disk.forget_reader(&game);
            let known = disk.known_files(&game, named).map_err(|error| disk_failure(&error))?;
            freeing(&disk, || {
                let removed = match transaction::remove(&folder, &known, extras, &work.cancel) {
                    // Something was removed all the same.
                    Err(DiskError::NotOurs { .. }) if local.is_some() => Ok(()),
                    removed => removed,
                };
                removed
                    .and_then(|()| disk.index.update(&game, None))
                    .map_err(|error| removal_failure(&game, &error))
            })?;
            Ok(kept)
        };
        self.change("remove", remove, move |result| Input::Removed { op, result });
    }

    /// What a change works with. Only its own operation ends it: a stop of the peer waits for its next journal point.
    fn begin_change(&mut self, op: OpId) -> (Arc<Disk>, Work) {
        let work = self.works.begin(op, &self.disk.cancel);
        (Arc::clone(&self.disk), work)
    }

    fn change(
        &self,
        name: &'static str,
        work: impl FnOnce() -> Result<Option<Kept>, DiskFailure> + Send + 'static,
        ended: impl Fn(Result<Option<Kept>, DiskFailure>) -> Input + Clone + Send + 'static,
    ) {
        let failed = ended.clone();
        self.blocking_input(name, move || Some(ended(work())), move |failure| Some(failed(Err(failure))));
    }
}

fn uninstall(
    disk: &Disk,
    game: &GameId,
    keep: &[String],
    saves: Saves,
    work: &Work,
) -> Result<Option<Kept>, DiskFailure> {
    let saves = match saves {
        Saves::Keep => install::Saves::Keep,
        Saves::Delete => install::Saves::Delete,
    };
    refuse_if_in_use(disk, game)?;
    let folder = disk.games.game(game);
    freeing(disk, || {
        let kept = install::uninstall(&folder, keep, saves, &work.cancel, &work.progress);
        kept.map(|kept| kept.map(tell_kept)).map_err(|error| failure(game, &error))
    })
}

/// Carries out what frees space. On a full disk the reserve makes room for what it has to write first.
fn freeing<T>(disk: &Disk, work: impl Fn() -> Result<T, DiskFailure>) -> Result<T, DiskFailure> {
    let mut done = work();
    if let Err(DiskFailure { kind: FailureKind::NoSpace, .. }) = &done {
        match reserve::give_up(&disk.games) {
            Ok(true) => done = work(),
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "the disk is full, and the reserve cannot be given up"),
        }
    }
    disk.keep_reserve();
    done
}

/// A program that this peer did not start may run in `local/`.
pub(super) fn refuse_if_in_use(disk: &Disk, game: &GameId) -> Result<(), DiskFailure> {
    let local = disk.games.game(game).local();
    match crate::launch::is_held_open(&local) {
        Ok(Some(program)) => {
            let message = format!("{game} is in use by “{program}”; quit it first");
            Err(DiskFailure { kind: FailureKind::GameRunning, message })
        }
        Ok(None) => Ok(()),
        Err(error) => {
            tracing::debug!(%game, %error, "whether it is in use cannot be told");
            Ok(())
        }
    }
}

fn removal_failure(game: &GameId, error: &DiskError) -> DiskFailure {
    if matches!(error, DiskError::NotOurs { .. }) {
        return DiskFailure { kind: FailureKind::Refused, message: format!("{game}: {error}") };
    }
    disk_failure(error)
}

fn tell_kept(kept: transaction::Kept) -> Kept {
    Kept { folder: kept.folder, paths: kept.paths }
}

fn failure(game: &GameId, error: &InstallError) -> DiskFailure {
    let kind = error.kind().map_or(FailureKind::Refused, failure_kind);
    DiskFailure { kind, message: format!("{game}: {error}") }
}
