//! Manifests by id: on disk as long as they are of use, in memory as long as they are used.
//!
//! A file is named by the hash of its bytes and proven by it on load; one that does not fit its name is removed and
//! counts as absent, so that it is fetched or computed again.

use std::fs;
use std::sync::{Arc, Mutex};

use lanspread_protocol::limits::MAX_MANIFEST_BYTES;
use lanspread_protocol::{Manifest, ManifestId};
use lru::LruCache;

use super::error::Tried as _;
use super::parallel::lock;
use super::{DiskError, GamesFolder, atomic};

/// What manifests in memory may take, encoded; decoded they take about twice as much. Users keep theirs by `Arc`.
const MAX_CACHED_BYTES: usize = 16 * 1024 * 1024;

/// The manifests of one games folder.
#[derive(Debug)]
pub struct ManifestStore {
    games: GamesFolder,
    cache: Mutex<Cache>,
}

#[derive(Debug)]
struct Cache {
    manifests: LruCache<ManifestId, (Arc<Manifest>, usize)>,
    bytes: usize,
}

impl Cache {
    fn put(&mut self, manifest: Arc<Manifest>, bytes: usize) {
        if let Some((_, (_, old))) = self.manifests.push(manifest.id(), (manifest, bytes)) {
            self.bytes -= old;
        }
        self.bytes += bytes;
        while self.bytes > MAX_CACHED_BYTES && self.manifests.len() > 1 {
            if let Some((_, (_, old))) = self.manifests.pop_lru() {
                self.bytes -= old;
            }
        }
    }
}

impl ManifestStore {
    pub fn new(games: GamesFolder) -> Self {
        let cache = Cache { manifests: LruCache::unbounded(), bytes: 0 };
        Self { games, cache: Mutex::new(cache) }
    }

    /// The manifest of this id, if it is here.
    pub fn get(&self, id: ManifestId) -> Result<Option<Arc<Manifest>>, DiskError> {
        if let Some((manifest, _)) = lock(&self.cache).manifests.get(&id) {
            return Ok(Some(Arc::clone(manifest)));
        }
        let path = self.games.manifest(id);
        let bytes = match fs::metadata(&path) {
            Ok(metadata) if metadata.len() <= MAX_MANIFEST_BYTES as u64 => {
                fs::read(&path).tried("read", &path)?
            }
            Ok(_) => Vec::new(),
            Err(error) if atomic::is_absent(&error) => return Ok(None),
            Err(error) => return Err(error).tried("look at", &path),
        };
        match Manifest::decode(&bytes) {
            Ok(manifest) if manifest.id() == id => {
                let manifest = Arc::new(manifest);
                lock(&self.cache).put(Arc::clone(&manifest), bytes.len());
                Ok(Some(manifest))
            }
            Ok(_) | Err(_) => {
                tracing::warn!(path = %path.display(), "a stored manifest is damaged and removed");
                atomic::remove_if_there(&path)?;
                Ok(None)
            }
        }
    }

    /// Its encoded bytes, to send them to a peer.
    pub fn encoded(&self, id: ManifestId) -> Result<Option<Vec<u8>>, DiskError> {
        Ok(self.get(id)?.map(|manifest| manifest.encode()))
    }

    /// Stores a manifest.
    pub fn put(&self, manifest: Manifest) -> Result<Arc<Manifest>, DiskError> {
        let manifest = Arc::new(manifest);
        let path = self.games.manifest(manifest.id());
        let bytes = manifest.encode();
        if !path.is_file() {
            let folder = self.games.manifests();
            fs::create_dir_all(&folder).tried("create", &folder)?;
            atomic::write(&path, &bytes)?;
        }
        lock(&self.cache).put(Arc::clone(&manifest), bytes.len());
        Ok(manifest)
    }

    /// Removes from disk all that nothing refers to any more.
    pub fn retain(&self, keep: impl Fn(ManifestId) -> bool) -> Result<(), DiskError> {
        let folder = self.games.manifests();
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if atomic::is_absent(&error) => return Ok(()),
            Err(error) => return Err(error).tried("list", &folder),
        };
        for entry in entries.flatten() {
            let id = entry.file_name().to_str().and_then(|name| name.parse::<ManifestId>().ok());
            if id.is_some_and(|id| !keep(id)) {
                atomic::remove_if_there(&entry.path())?;
            }
        }
        Ok(())
    }
}

/// The manifest in a game's own folder, if it is there and undamaged.
pub fn read_beside(folder: &super::GameFolder) -> Option<Manifest> {
    let path = folder.manifest();
    let fits = fs::metadata(&path).is_ok_and(|metadata| metadata.len() <= MAX_MANIFEST_BYTES as u64);
    fits.then(|| Manifest::decode(&fs::read(&path).ok()?).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::testing::Tree;

    #[test]
    fn manifests_are_proven_by_their_name() {
        let tree = Tree::new(&[("version.ini", b"1"), ("a", b"a")]);
        let manifest = tree.manifest();
        let id = manifest.id();
        let home = Tree::new(&[]);
        let games = GamesFolder::new(home.path());
        let store = ManifestStore::new(games.clone());
        assert!(store.get(id).unwrap().is_none());
        store.put(manifest.clone()).unwrap();
        store.put(manifest.clone()).unwrap();
        assert_eq!(lock(&store.cache).bytes, manifest.encode().len());

        let store = ManifestStore::new(games.clone());
        assert_eq!(*store.get(id).unwrap().unwrap(), manifest);
        assert_eq!(store.encoded(id).unwrap().unwrap(), manifest.encode());
        fs::write(games.manifest(id), b"damaged").unwrap();
        let store = ManifestStore::new(games.clone());
        assert!(store.get(id).unwrap().is_none() && !games.manifest(id).exists());
        store.put(manifest).unwrap();
        store.retain(|_| false).unwrap();
        assert!(!games.manifest(id).exists());
    }
}
