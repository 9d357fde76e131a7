//! Installing, uninstalling, removing: each a transaction on a thread of the pool.

use std::sync::Arc;

use lanspread_engine::{DiskFailure, FailureKind, Input, KeptFiles, OpId, Saves};
use lanspread_protocol::{Game, GameId, ManifestId};

use super::effects::{Shell, disk_failure};
use crate::disk::{self, Cancel};

impl Shell {
    pub(super) fn install(
        &mut self,
        op: OpId,
        game: GameId,
        _manifest: Option<ManifestId>,
        _entry: Option<Box<Game>>,
        _kept: KeptFiles,
    ) {
        self.tell_later("install", Input::Installed { op, result: Err(not_yet(&game)) });
    }

    pub(super) fn uninstall(&mut self, op: OpId, game: GameId, _keep: Vec<String>, _saves: Saves) {
        self.tell_later("uninstall", Input::Uninstalled { op, result: Err(not_yet(&game)) });
    }

    pub(super) fn remove(&mut self, op: OpId, game: GameId, _keep: Vec<String>, _local: Option<Saves>) {
        let disk = Arc::clone(&self.disk);
        let remove = move || {
            disk.forget_reader(&game);
            let known = disk.known_manifest(&game, None);
            let removed = disk::remove_payload(&disk.games.game(&game), known.as_deref(), &Cancel::new());
            let result = removed.and_then(|()| disk.index.update(&game, None).map(|_| None));
            Some(Input::Removed { op, result: result.map_err(|error| disk_failure(&error)) })
        };
        self.blocking_input("remove", remove, move |failure| {
            Some(Input::Removed { op, result: Err(failure) })
        });
    }
}

fn not_yet(game: &GameId) -> DiskFailure {
    let message = format!("{game}: this version of Lanspread cannot install games");
    DiskFailure { kind: FailureKind::Refused, message }
}
