//! Covers on disk: which are there, and those that are fetched. A file is named by the hash of its bytes, which was
//! checked before it is written.

use std::fs;
use std::sync::Arc;

use lanspread_engine::{ConnId, Input, RaceId, Raced};
use lanspread_protocol::Blake3Hash;
use lanspread_protocol::limits::MAX_COVER_BYTES;

use super::effects::Shell;
use super::games_folder::Disk;
use crate::disk::atomic;
use crate::disk::error::Tried as _;
use crate::net::fetch::Blob;

impl Shell {
    pub(super) fn look_for_covers(&self, covers: Vec<Blake3Hash>) {
        let disk = Arc::clone(&self.disk);
        let look = move || {
            let is_missing = |cover: &Blake3Hash| !disk.games.cover(*cover).is_file();
            Some(Input::CoversMissing(covers.into_iter().filter(is_missing).collect()))
        };
        self.blocking_input("look for covers", look, |_| None);
    }

    pub(super) fn fetch_cover(&mut self, race: RaceId, from: Vec<ConnId>, cover: Blake3Hash) {
        let (from, token) = self.races.begin(race, from, &self.token);
        let (net, disk) = (self.net.clone(), Arc::clone(&self.disk));
        let task = async move {
            let Raced { first, failed } = net.race(Blob::Cover(cover), from, Ok, &token).await;
            let store =
                move || first.filter(|(_, bytes)| store(&disk, cover, bytes)).map(|(conn, _)| (conn, ()));
            let first = tokio::task::spawn_blocking(store).await.unwrap_or(None);
            Input::CoverFetched { race, cover, raced: Raced { first, failed } }
        };
        let lost = move |_| Input::CoverFetched { race, cover, raced: Raced::default() };
        self.input_task("fetch cover", task, lost);
    }
}

/// Stores a cover. One that cannot be stored is asked for again later, as if nobody had it.
fn store(disk: &Disk, cover: Blake3Hash, bytes: &[u8]) -> bool {
    let folder = disk.games.covers();
    let made = fs::create_dir_all(&folder).tried("create", &folder);
    let stored = made.and_then(|()| atomic::write(&disk.games.cover(cover), bytes));
    if let Err(error) = &stored {
        tracing::warn!(%error, "a cover could not be stored");
    }
    stored.is_ok()
}

/// A cover to be sent; whatever else lies there is none.
pub(super) fn load(disk: &Disk, cover: Blake3Hash) -> Option<Vec<u8>> {
    let path = disk.games.cover(cover);
    let fits = fs::metadata(&path).is_ok_and(|there| there.len() <= MAX_COVER_BYTES as u64);
    fits.then(|| fs::read(&path).ok())?
}
