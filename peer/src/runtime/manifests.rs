//! Manifests: from this PC's store or from another peer, and what two of them have in common.

use std::sync::{Arc, Weak};

use lanspread_engine::{ConnId, Input, OpId, RaceId, Raced, UpdateSize};
use lanspread_protocol::{GameId, Manifest, ManifestId};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::effects::{Shell, tell};
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

    pub(super) fn fetch_manifest(&mut self, race: RaceId, op: OpId, from: Vec<ConnId>, manifest: ManifestId) {
        let (from, token) = self.races.begin(race, from, &self.token);
        let net = self.net.clone();
        let disk = Arc::downgrade(&self.disk);
        let task = async move {
            let raced = fetch_manifest(&net, &disk, from, manifest, &token).await;
            Input::ManifestFetched { race, op, raced }
        };
        let lost = move |_| Input::ManifestFetched { race, op, raced: Raced::default() };
        self.input_task("fetch manifest", task, lost);
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

/// Fetches a manifest that is not stored here from the first that brings it. `false`: it is not to be had. While peers are
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
    let is_known = tokio::task::spawn_blocking(is_here).await.unwrap_or(false);
    is_known || fetch_manifest(net, disk, watch::channel(from).1, id, token).await.first.is_some()
}

/// Fetches a manifest and stores it.
async fn fetch_manifest(
    net: &Net,
    disk: &Weak<Disk>,
    from: watch::Receiver<Vec<ConnId>>,
    id: ManifestId,
    token: &CancellationToken,
) -> Raced<Arc<Manifest>> {
    let decode = |bytes: Vec<u8>| Manifest::decode(&bytes).map_err(|error| error.to_string());
    let Raced { first, failed } = net.race(Blob::Manifest(id), from, decode, token).await;
    let disk = Weak::clone(disk);
    let store = move || {
        let (conn, manifest) = first?;
        let disk = disk.upgrade()?;
        let kept = Arc::new(manifest.clone());
        let stored = disk.manifests.put(manifest).unwrap_or_else(|error| {
            // Opening the store meets the same disk and says so.
            tracing::warn!(%error, "a manifest could not be stored");
            kept
        });
        Some((conn, stored))
    };
    let first = tokio::task::spawn_blocking(store).await.unwrap_or(None);
    Raced { first, failed }
}
