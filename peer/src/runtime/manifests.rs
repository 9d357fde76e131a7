//! Manifests: from this PC's store or from another peer, and what two of them have in common.

use std::sync::{Arc, Weak};

use lanspread_engine::{BlobError, ConnId, Input, OpId, UpdateSize};
use lanspread_protocol::{GameId, Manifest, ManifestId};
use tokio_util::sync::CancellationToken;

use super::effects::{Shell, blob_error, tell};
use super::games_folder::Disk;
use crate::net::Net;
use crate::net::fetch::Blob;

impl Shell {
    pub(super) fn load_manifest(&self, op: OpId, manifest: ManifestId) {
        let disk = Arc::clone(&self.disk);
        let load = move || {
            let manifest = disk.manifests.get(manifest).unwrap_or_else(|error| {
                tracing::warn!(%error, "a stored manifest cannot be read; it is fetched");
                None
            });
            Some(Input::ManifestLoaded { op, manifest })
        };
        self.blocking_input("load manifest", load, move |_| {
            Some(Input::ManifestLoaded { op, manifest: None })
        });
    }

    pub(super) fn fetch_manifest(&self, op: OpId, conn: ConnId, manifest: ManifestId) {
        let (net, token) = (self.net.clone(), self.token.child_token());
        let disk = Arc::downgrade(&self.disk);
        let task = async move {
            let result = fetch_manifest(&net, &disk, conn, manifest, &token).await;
            Input::ManifestFetched { op, conn, result }
        };
        let result = Err(BlobError::Unavailable);
        self.input_task("fetch manifest", task, move |_| Input::ManifestFetched { op, conn, result });
    }

    /// Finds out what an update would fetch; tells nothing when a manifest cannot be had.
    pub(super) fn measure_update(&self, game: GameId, old: ManifestId, new: ManifestId, from: Vec<ConnId>) {
        let (net, token) = (self.net.clone(), self.token.child_token());
        let disk = Arc::downgrade(&self.disk);
        let (inputs, slots) = (self.inputs.clone(), Arc::clone(&self.library.measures));
        let task = async move {
            let Ok(_slot) = slots.acquire().await else { return };
            if !has_manifest(&net, &disk, new, from, &token).await {
                return;
            }
            let compare = move || {
                let disk = disk.upgrade()?;
                let get = |id| disk.manifests.get(id).ok().flatten();
                Some(UpdateSize::between(&*get(old)?, &*get(new)?))
            };
            if let Ok(Some(size)) = tokio::task::spawn_blocking(compare).await {
                tell(&inputs, Input::UpdateMeasured { game, size }).await;
            }
        };
        drop(self.supervisor.task("measure update", task));
    }
}

/// Fetches a manifest that is not stored here from the first that has it. `false`: it is not to be had. While a peer is
/// awaited the folder is not held: its lock goes when another one is taken into use.
pub(super) async fn has_manifest(
    net: &Net,
    disk: &Weak<Disk>,
    id: ManifestId,
    from: Vec<ConnId>,
    token: &CancellationToken,
) -> bool {
    let known = Weak::clone(disk);
    let is_stored = move |disk: Arc<Disk>| disk.manifests.get(id).is_ok_and(|known| known.is_some());
    let is_here = move || known.upgrade().is_some_and(is_stored);
    let mut is_known = tokio::task::spawn_blocking(is_here).await.unwrap_or(false);
    let mut holders = from.into_iter();
    while !is_known && let Some(conn) = holders.next() {
        is_known = fetch_manifest(net, disk, conn, id, token).await.is_ok();
    }
    is_known
}

/// Fetches a manifest and stores it.
async fn fetch_manifest(
    net: &Net,
    disk: &Weak<Disk>,
    conn: ConnId,
    manifest: ManifestId,
    token: &CancellationToken,
) -> Result<Arc<Manifest>, BlobError> {
    let fetched = net.fetch_blob(conn, Blob::Manifest(manifest), token).await;
    let fetched = fetched.map_err(|error| blob_error(&error));
    let disk = Weak::clone(disk);
    let decode = move || {
        let manifest = Manifest::decode(&fetched?).map_err(|error| BlobError::Wrong(error.to_string()))?;
        let disk = disk.upgrade().ok_or(BlobError::Unavailable)?;
        let kept = Arc::new(manifest.clone());
        Ok(disk.manifests.put(manifest).unwrap_or_else(|error| {
            // Opening the store meets the same disk and says so.
            tracing::warn!(%error, "a manifest could not be stored");
            kept
        }))
    };
    tokio::task::spawn_blocking(decode).await.unwrap_or(Err(BlobError::Unavailable))
}
