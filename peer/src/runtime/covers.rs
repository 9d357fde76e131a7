//! Covers on disk: which are there, and those that are fetched. A file is named by the hash of its bytes, which was
//! checked before it is written.

use std::fs;
use std::sync::Arc;

use lanspread_engine::{BlobError, ConnId, Input};
use lanspread_protocol::Blake3Hash;
use lanspread_protocol::limits::MAX_COVER_BYTES;

use super::effects::{Shell, blob_error};
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

    pub(super) fn fetch_cover(&self, conn: ConnId, cover: Blake3Hash) {
        let (net, token, disk) = (self.net.clone(), self.token.child_token(), Arc::clone(&self.disk));
        let task = async move {
            let fetched = net.fetch_blob(conn, Blob::Cover(cover), &token).await;
            let fetched = fetched.map_err(|error| blob_error(&error));
            let store = move || fetched.and_then(|bytes| store(&disk, cover, &bytes));
            let result = tokio::task::spawn_blocking(store).await.unwrap_or(Err(BlobError::Unavailable));
            Input::CoverFetched { conn, cover, result }
        };
        let lost = move |_| Input::CoverFetched { conn, cover, result: Err(BlobError::Unavailable) };
        self.input_task("fetch cover", task, lost);
    }
}

/// A cover that cannot be stored is asked for again later, as if nobody had it.
fn store(disk: &Disk, cover: Blake3Hash, bytes: &[u8]) -> Result<(), BlobError> {
    let folder = disk.games.covers();
    let made = fs::create_dir_all(&folder).tried("create", &folder);
    made.and_then(|()| atomic::write(&disk.games.cover(cover), bytes)).map_err(|error| {
        tracing::warn!(%error, "a cover could not be stored");
        BlobError::Unavailable
    })
}

/// A cover to be sent; whatever else lies there is none.
pub(super) fn load(disk: &Disk, cover: Blake3Hash) -> Option<Vec<u8>> {
    let path = disk.games.cover(cover);
    let fits = fs::metadata(&path).is_ok_and(|there| there.len() <= MAX_COVER_BYTES as u64);
    fits.then(|| fs::read(&path).ok())?
}
