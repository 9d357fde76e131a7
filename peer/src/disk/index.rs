//! The index: what each payload was when it was last hashed, so that a start needs no hashing.
//!
//! It is a cache. Losing it costs time, never a game: a damaged one is set aside and the games are hashed again.
//! Changing an entry and writing the file are one step under one lock, so no change is lost to another.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;

use lanspread_protocol::{Blake3Hash, GameId, ManifestId, Version};
use serde::{Deserialize, Serialize};

use super::error::Tried as _;
use super::parallel::lock;
use super::tree::Fingerprint;
use super::{DiskError, GamesFolder, atomic};

/// Begins the file; another number is another format, which is hashed anew.
const MARK: &[u8; 8] = b"lansidx1";

/// What is known of one game's payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexEntry {
    /// Of the payload when `manifest` was computed.
    pub fingerprint: Fingerprint,
    pub version: Option<Version>,
    /// `None` for a payload that cannot be hashed into a manifest, such as one without a sentinel.
    pub manifest: Option<ManifestId>,
    pub bytes: u64,
    pub files: u64,
}

type Entries = BTreeMap<GameId, IndexEntry>;

/// The index of one games folder, in memory and on disk.
#[derive(Debug)]
pub struct Index {
    path: PathBuf,
    entries: Mutex<Entries>,
}

impl Index {
    /// Reads the index; one that is damaged is set aside as `index.broken` and an empty one takes its place.
    pub fn load(games: &GamesFolder) -> Result<Self, DiskError> {
        let path = games.index();
        let entries = match fs::read(&path) {
            Ok(bytes) => {
                if let Some(entries) = decode(&bytes) {
                    entries
                } else {
                    tracing::warn!(path = %path.display(), "the index is damaged; all games are hashed again");
                    atomic::move_file(&path, &path.with_extension("broken"))?;
                    Entries::new()
                }
            }
            Err(error) if atomic::is_absent(&error) => Entries::new(),
            Err(error) => return Err(error).tried("read", &path),
        };
        Ok(Self { path, entries: Mutex::new(entries) })
    }

    pub fn get(&self, game: &GameId) -> Option<IndexEntry> {
        lock(&self.entries).get(game).cloned()
    }

    pub fn entries(&self) -> BTreeMap<GameId, IndexEntry> {
        lock(&self.entries).clone()
    }

    /// Changes one entry, or removes it by `None`, and writes the file; whether anything changed. When the disk
    /// refuses, memory still holds the change and the next one writes it.
    pub fn update(&self, game: &GameId, entry: Option<IndexEntry>) -> Result<bool, DiskError> {
        let mut entries = lock(&self.entries);
        if entries.get(game) == entry.as_ref() {
            return Ok(false);
        }
        match entry {
            Some(entry) => entries.insert(game.clone(), entry),
            None => entries.remove(game),
        };
        self.save(&entries)?;
        Ok(true)
    }

    /// Drops the entries of games that are gone, as one change.
    pub fn retain(&self, keep: impl Fn(&GameId) -> bool) -> Result<(), DiskError> {
        let mut entries = lock(&self.entries);
        let before = entries.len();
        entries.retain(|game, _| keep(game));
        if entries.len() == before { Ok(()) } else { self.save(&entries) }
    }

    fn save(&self, entries: &Entries) -> Result<(), DiskError> {
        let folder = self.path.parent().unwrap_or(&self.path);
        fs::create_dir_all(folder).tried("create", folder)?;
        atomic::write_cache(&self.path, &encode(entries))
    }
}

/// The mark, the hash of the rest, the rest: a torn file is seen, so nobody has to wait for the disk.
fn encode(entries: &Entries) -> Vec<u8> {
    // Serialising a plain map into memory has no failing path.
    let body = postcard::to_stdvec(entries).unwrap_or_default();
    [MARK, &Blake3Hash::of(&body).0[..], &body].concat()
}

fn decode(bytes: &[u8]) -> Option<Entries> {
    let (hash, body) = bytes.strip_prefix(MARK)?.split_at_checked(32)?;
    (Blake3Hash::of(body).0 == hash).then(|| postcard::from_bytes(body).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::testing::Tree;

    fn entry(bytes: u64) -> IndexEntry {
        IndexEntry {
            fingerprint: Fingerprint(Blake3Hash([1; 32])),
            version: Some("1".parse().unwrap()),
            manifest: Some(ManifestId([2; 32])),
            bytes,
            files: 3,
        }
    }

    #[test]
    fn entries_survive_and_a_damaged_file_is_set_aside() {
        let tree = Tree::new(&[]);
        let games = GamesFolder::new(tree.path());
        let (ut, teeworlds) = ("ut".parse().unwrap(), "teeworlds".parse().unwrap());
        let index = Index::load(&games).unwrap();
        assert!(index.update(&ut, Some(entry(1))).unwrap());
        assert!(!index.update(&ut, Some(entry(1))).unwrap());
        assert!(index.update(&teeworlds, Some(entry(2))).unwrap());
        let index = Index::load(&games).unwrap();
        assert_eq!(index.get(&ut), Some(entry(1)));
        index.update(&ut, None).unwrap();
        index.retain(|game| *game == teeworlds).unwrap();
        assert_eq!(Index::load(&games).unwrap().entries().into_keys().collect::<Vec<_>>(), [teeworlds]);

        let good = fs::read(games.index()).unwrap();
        for broken in [&b""[..], b"lansidx1", &good[..good.len() - 1], b"something else"] {
            fs::write(games.index(), broken).unwrap();
            assert!(Index::load(&games).unwrap().entries().is_empty());
            assert_eq!(fs::read(games.state().join("index.broken")).unwrap(), broken);
        }
    }
}
