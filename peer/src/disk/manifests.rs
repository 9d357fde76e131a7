//! Manifests by id: on disk as long as they are of use and a little longer, in memory as long as they are used.
//!
//! A file is named by the hash of its bytes and proven by it on load; one that does not fit its name is removed and
//! counts as absent, so that it is fetched or computed again.

use std::fs;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use lanspread_protocol::limits::MAX_MANIFEST_BYTES;
use lanspread_protocol::{Manifest, ManifestId};
use lru::LruCache;

use super::error::Tried as _;
use super::parallel::lock;
use super::{DiskError, GamesFolder, atomic};

/// What manifests in memory may take, encoded; decoded they take about twice as much. Users keep theirs by `Arc`.
const MAX_CACHED_BYTES: usize = 16 * 1024 * 1024;

/// Of the manifests that nothing here refers to, so many are kept: other peers may still ask for them, and a catalog may
/// go back a version …
const KEPT_IDLE: usize = 64;
/// … and so many bytes of them.
const KEPT_IDLE_BYTES: u64 = 64 * 1024 * 1024;

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
    fn forget(&mut self, id: ManifestId) {
        if let Some((_, bytes)) = self.manifests.pop(&id) {
            self.bytes -= bytes;
        }
    }

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

    /// Removes those that are not needed, but for the newest of them.
    pub fn tidy(&self, is_needed: impl Fn(ManifestId) -> bool) -> Result<(), DiskError> {
        let mut kept_bytes = 0;
        for (nth, idle) in self.idle(is_needed)?.into_iter().enumerate() {
            kept_bytes += idle.bytes;
            if nth >= KEPT_IDLE || kept_bytes > KEPT_IDLE_BYTES {
                atomic::remove_if_there(&self.games.manifest(idle.id))?;
                lock(&self.cache).forget(idle.id);
            }
        }
        Ok(())
    }

    /// Those that are not needed, the newest first.
    fn idle(&self, is_needed: impl Fn(ManifestId) -> bool) -> Result<Vec<Idle>, DiskError> {
        let folder = self.games.manifests();
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if atomic::is_absent(&error) => return Ok(Vec::new()),
            Err(error) => return Err(error).tried("list", &folder),
        };
        let look = |entry: fs::DirEntry| {
            let id = entry.file_name().to_str()?.parse::<ManifestId>().ok().filter(|id| !is_needed(*id))?;
            let metadata = entry.metadata().ok()?;
            Some(Idle { id, bytes: metadata.len(), written: metadata.modified().ok() })
        };
        let mut idle: Vec<Idle> = entries.flatten().filter_map(look).collect();
        idle.sort_by_key(|idle| std::cmp::Reverse((idle.written, idle.id)));
        Ok(idle)
    }
}

/// A stored manifest that nothing here refers to.
struct Idle {
    id: ManifestId,
    bytes: u64,
    written: Option<SystemTime>,
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
    }

    #[test]
    fn idle_manifests_are_kept_up_to_a_number() {
        let home = Tree::new(&[]);
        let games = GamesFolder::new(home.path());
        let store = ManifestStore::new(games.clone());
        store.tidy(|_| false).unwrap();
        let put = |nth: usize| {
            let tree = Tree::new(&[("version.ini", nth.to_string().as_bytes())]);
            let id = store.put(tree.manifest()).unwrap().id();
            let file = fs::File::options().write(true).open(games.manifest(id)).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(nth as u64)).unwrap();
            id
        };
        let ids: Vec<_> = (0..KEPT_IDLE + 5).map(put).collect();
        fs::write(games.manifests().join("something else"), b"").unwrap();
        let needed = ids[1];
        store.tidy(|id| id == needed).unwrap();
        let is_here = |id: &ManifestId| games.manifest(*id).exists();
        assert!(is_here(&needed) && ids[5..].iter().all(is_here));
        assert!(!ids[2..5].iter().any(is_here) && !is_here(&ids[0]));
        assert!(store.get(ids[0]).unwrap().is_none(), "not in memory either");
        assert!(games.manifests().join("something else").exists());
    }
}
