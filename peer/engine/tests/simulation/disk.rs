//! A model of a peer's games folder: what survives a restart, what a crash may take, and the stores of downloads.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lanspread_engine::{OpId, Opened, Payload, ScannedGame};
use lanspread_protocol::message::WantedUnit;
use lanspread_protocol::{Blake3Hash, GameId, Manifest, ManifestId, UnitIndex, UnitSet, Version};

use crate::content::Release;
use crate::dice::Dice;

#[derive(Debug, Default)]
pub(crate) struct Disk {
    pub(crate) games: BTreeMap<GameId, Folder>,
    /// Manifests by id.
    pub(crate) manifests: BTreeMap<ManifestId, Arc<Manifest>>,
}

/// One game's folder.
#[derive(Debug, Default)]
pub(crate) struct Folder {
    pub(crate) complete: Option<Complete>,
    pub(crate) has_local: bool,
    pub(crate) installed: Option<Version>,
    /// Chunks of downloads that did not end, and whether each is durable.
    pub(crate) parts: BTreeMap<Blake3Hash, bool>,
    /// Grows with each change.
    pub(crate) fingerprint: u64,
    /// The index's entry: what was hashed at which fingerprint.
    pub(crate) indexed: Option<(u64, Payload)>,
    pub(crate) store: Option<Store>,
}

/// A payload with its sentinel.
#[derive(Clone, Debug)]
pub(crate) struct Complete {
    pub(crate) version: Version,
    pub(crate) manifest: Arc<Manifest>,
    pub(crate) is_rotten: bool,
}

/// An open download.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) op: OpId,
    pub(crate) manifest: Arc<Manifest>,
    here: UnitSet,
    /// Chunks that are here, by the index where each stands first.
    has: Vec<bool>,
    /// For chunks that stand in several units: the units by first index.
    shared: BTreeMap<u32, Vec<UnitIndex>>,
}

impl Disk {
    pub(crate) fn folder(&mut self, game: &GameId) -> &mut Folder {
        self.games.entry(game.clone()).or_default()
    }

    pub(crate) fn put(&mut self, release: &Release) {
        self.manifests.insert(release.manifest.id(), Arc::clone(&release.manifest));
        let folder = self.folder(&release.game);
        folder.complete = Some(Complete {
            version: release.version.clone(),
            manifest: Arc::clone(&release.manifest),
            is_rotten: false,
        });
        folder.fingerprint += 1;
    }

    /// The program stopped without an end; with `power_loss` what was not durable may be gone.
    pub(crate) fn stop(&mut self, power_loss: bool, dice: &mut Dice) {
        for folder in self.games.values_mut() {
            folder.store = None;
            if power_loss {
                folder.parts.retain(|_, is_durable| *is_durable || dice.percent(50));
            }
            for is_durable in folder.parts.values_mut() {
                *is_durable = true;
            }
        }
    }
}

impl Folder {
    pub(crate) fn scan(&self) -> Option<ScannedGame> {
        if self.complete.is_none() && !self.has_local && self.parts.is_empty() {
            return None;
        }
        let payload = match self.indexed {
            Some((fingerprint, payload)) if fingerprint == self.fingerprint => payload,
            _ => Payload::Unknown,
        };
        Some(ScannedGame {
            version: self.complete.as_ref().map(|complete| complete.version.clone()),
            has_local: self.has_local,
            installed: self.installed.clone(),
            has_files: self.complete.is_some() || !self.parts.is_empty(),
            bytes: self.complete.as_ref().map_or(0, |complete| complete.manifest.total_bytes()),
            fingerprint: self.fingerprint,
            payload: if self.complete.is_some() { payload } else { Payload::Unknown },
        })
    }

    /// What hashing finds, and the index remembers.
    pub(crate) fn hash(&mut self) -> Option<ManifestId> {
        let complete = self.complete.as_ref()?;
        let id = if complete.is_rotten {
            ManifestId(Blake3Hash::of(&complete.manifest.id().0).0)
        } else {
            complete.manifest.id()
        };
        self.indexed = Some((self.fingerprint, Payload::Hashed(id)));
        Some(id)
    }

    pub(crate) fn is_complete(&self, manifest: ManifestId) -> bool {
        self.complete.as_ref().is_some_and(|complete| complete.manifest.id() == manifest)
    }

    pub(crate) fn open(&mut self, op: OpId, manifest: &Arc<Manifest>) -> Opened {
        assert!(self.store.is_none(), "two stores on one game");
        let mut present: BTreeSet<Blake3Hash> = self.parts.keys().copied().collect();
        if let Some(complete) = self.complete.as_ref().filter(|complete| !complete.is_rotten) {
            present.extend(complete.manifest.chunks().iter().map(|chunk| chunk.hash));
        }
        let mut shared: BTreeMap<u32, Vec<UnitIndex>> = BTreeMap::new();
        let mut has = Vec::new();
        for (index, chunk) in (0..).zip(manifest.chunks()) {
            let first = manifest.first_occurrence(index);
            if first != index {
                let units = shared.entry(first).or_default();
                units.extend(manifest.unit_of_chunk(index));
            }
            has.push(present.contains(&chunk.hash));
        }
        let mut store = Store { op, manifest: Arc::clone(manifest), here: UnitSet::new(), has, shared };
        let mut wanted = Vec::new();
        let mut bytes_missing = 0;
        for unit in store.all_units() {
            if store.is_whole(unit) {
                store.here.insert(unit);
                continue;
            }
            let mut request = WantedUnit::whole(unit);
            let mut bytes = 0;
            let chunks = manifest.units()[unit.as_usize()].chunks.clone();
            for (nth, index) in chunks.enumerate() {
                if manifest.first_occurrence(index) != index || store.has[index as usize] {
                    request.skip_chunk(nth);
                } else {
                    bytes += u64::from(manifest.chunks()[index as usize].bytes);
                }
            }
            if bytes > 0 {
                wanted.push(request);
                bytes_missing += bytes;
            }
        }
        let here = store.here.clone();
        self.store = Some(store);
        Opened { here, wanted, bytes_missing }
    }

    /// Writes a verified unit; returns the units that are whole since. `None`: no such store.
    pub(crate) fn write(&mut self, op: OpId, wanted: &WantedUnit) -> Option<Vec<UnitIndex>> {
        let store = self.store.as_mut().filter(|store| store.op == op)?;
        let manifest = Arc::clone(&store.manifest);
        let mut touched = vec![wanted.unit];
        let chunks = manifest.units()[wanted.unit.as_usize()].chunks.clone();
        for (nth, index) in chunks.enumerate() {
            let first = manifest.first_occurrence(index);
            if wanted.wants(nth) && !store.has[first as usize] {
                store.has[first as usize] = true;
                touched.extend(store.shared.get(&first).into_iter().flatten());
                self.parts.insert(manifest.chunks()[first as usize].hash, false);
            }
        }
        let mut completed = Vec::new();
        for unit in touched {
            if store.is_whole(unit) && store.here.insert(unit) {
                completed.push(unit);
            }
        }
        Some(completed)
    }

    /// All of the store is committed: the game is complete.
    pub(crate) fn commit(&mut self, op: OpId, version: &Version) -> ScannedGame {
        let store = self.store.take().filter(|store| store.op == op).expect("a finish without its store");
        assert!(store.all_units().all(|unit| store.here.contains(unit)), "finished with units missing");
        self.complete =
            Some(Complete { version: version.clone(), manifest: store.manifest, is_rotten: false });
        self.parts.clear();
        self.fingerprint += 1;
        self.hash();
        self.scan().expect("a complete game is there")
    }

    pub(crate) fn close(&mut self, op: OpId, discard: bool) {
        self.store = self.store.take().filter(|store| store.op != op);
        if discard {
            self.parts.clear();
        }
        for is_durable in self.parts.values_mut() {
            *is_durable = true;
        }
        self.fingerprint += 1;
    }

    pub(crate) fn install(&mut self) {
        let version = self.complete.as_ref().map(|complete| complete.version.clone());
        (self.has_local, self.installed) = (true, version);
    }

    pub(crate) fn uninstall(&mut self) {
        (self.has_local, self.installed) = (false, None);
    }

    pub(crate) fn remove(&mut self) {
        (self.complete, self.store) = (None, None);
        self.parts.clear();
        self.fingerprint += 1;
    }
}

impl Store {
    fn all_units(&self) -> impl Iterator<Item = UnitIndex> + use<> {
        (0..self.manifest.units().len() as u32).map(UnitIndex)
    }

    fn is_whole(&self, unit: UnitIndex) -> bool {
        let mut chunks = self.manifest.units()[unit.as_usize()].chunks.clone();
        chunks.all(|index| self.has[self.manifest.first_occurrence(index) as usize])
    }

    pub(crate) fn has_unit(&self, unit: UnitIndex) -> bool {
        self.here.contains(unit)
    }

    pub(crate) fn has_all_of(&self, wanted: &WantedUnit) -> bool {
        self.has_unit(wanted.unit)
    }

    pub(crate) fn units_here(&self) -> usize {
        self.here.len()
    }
}
