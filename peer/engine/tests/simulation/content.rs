//! Synthetic games: manifests of made-up chunks, and catalogs that are really signed.

use std::ops::Range;
use std::sync::Arc;

use lanspread_engine::GivenCatalog;
use lanspread_protocol::{
    Blake3Hash, Catalog, Chunk, Game, GameId, HashedFile, Manifest, OrganiserSecret, SignedCatalog, Version,
};

/// One chunk of this size is one unit.
pub(crate) const UNIT: u32 = 256 * 1024;

/// A version of a game: what is on disk and what the catalog expects.
#[derive(Clone, Debug)]
pub(crate) struct Release {
    pub(crate) game: GameId,
    pub(crate) version: Version,
    pub(crate) manifest: Arc<Manifest>,
}

pub(crate) fn game(name: &str) -> GameId {
    name.parse().unwrap()
}

/// A game of so many units, each of one chunk.
pub(crate) fn release(name: &str, version: &str, units: u32) -> Release {
    let labels: Vec<String> = (0..units).map(|unit| format!("{name}/{version}/{unit}")).collect();
    release_of(name, version, &labels)
}

/// As [`release`], but of every ten units only so many differ from the same release of another version.
pub(crate) fn update(name: &str, version: &str, units: u32, changed_of_ten: u32) -> Release {
    let label = |unit: u32| {
        if unit % 10 < changed_of_ten {
            format!("{name}/{version}/{unit}")
        } else {
            format!("{name}/same/{unit}")
        }
    };
    release_of(name, version, &(0..units).map(label).collect::<Vec<_>>())
}

/// As [`release`], with other units than another version has in these places only.
pub(crate) fn edited(name: &str, version: &str, units: u32, edits: &[Range<u32>]) -> Release {
    let is_edited = |unit: u32| edits.iter().any(|edit| edit.contains(&unit));
    let label = |unit: u32| {
        if is_edited(unit) { format!("{name}/{version}/{unit}") } else { format!("{name}/same/{unit}") }
    };
    release_of(name, version, &(0..units).map(label).collect::<Vec<_>>())
}

/// A game whose chunks come again in other places, so that some units follow from others.
pub(crate) fn repetitive(name: &str, version: &str, units: u32) -> Release {
    let label = |unit: u32| format!("{name}/{version}/{}", if unit % 3 == 2 { unit / 2 } else { unit });
    release_of(name, version, &(0..units).map(label).collect::<Vec<_>>())
}

fn release_of(name: &str, version: &str, labels: &[String]) -> Release {
    let chunk = |label: &String| Chunk { hash: Blake3Hash::of(label.as_bytes()), bytes: UNIT };
    let file = |path: &str, chunks| HashedFile { path: path.parse().unwrap(), executable: false, chunks };
    let sentinel = Chunk { hash: Blake3Hash::of(version.as_bytes()), bytes: version.len() as u32 };
    let mut files: Vec<HashedFile> = labels
        .chunks(16)
        .enumerate()
        .map(|(nth, part)| file(&format!("data/{nth:06}"), part.iter().map(chunk).collect()))
        .collect();
    files.push(file("version.ini", vec![sentinel]));
    let manifest = Arc::new(Manifest::from_files(files, Vec::new()).unwrap());
    Release { game: game(name), version: version.parse().unwrap(), manifest }
}

impl Release {
    /// The catalog's entry, pinned byte for byte.
    pub(crate) fn pinned(&self) -> Game {
        Game { manifest: Some(self.manifest.id()), ..self.open() }
    }

    /// The catalog's entry without a manifest.
    pub(crate) fn open(&self) -> Game {
        Game { version: Some(self.version.clone()), ..Game::new(self.game.clone(), self.game.as_str()) }
    }
}

pub(crate) fn catalog(serial: u64, games: Vec<Game>) -> Catalog {
    Catalog { party: "LAN".to_owned(), serial, games }
}

pub(crate) fn plain(games: Vec<Game>) -> GivenCatalog {
    GivenCatalog::Plain(Arc::new(catalog(1, games)))
}

pub(crate) fn organiser(number: u8) -> OrganiserSecret {
    OrganiserSecret::from_seed([number; 32])
}

pub(crate) fn signed(by: &OrganiserSecret, serial: u64, games: Vec<Game>) -> SignedCatalog {
    let bytes = catalog(serial, games).to_text().unwrap().into_bytes();
    let signature = by.sign(&bytes);
    SignedCatalog::open(bytes, signature).unwrap()
}

pub(crate) fn signed_file(by: &OrganiserSecret, serial: u64, games: Vec<Game>) -> GivenCatalog {
    GivenCatalog::Signed(Arc::new(signed(by, serial, games)))
}
