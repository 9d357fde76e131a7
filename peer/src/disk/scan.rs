//! What is in the games folder, without hashing: versions, sizes, and a fingerprint per game.
//!
//! The fingerprint covers names, sizes and times of the payload's files and the *contents* of `version.ini`, so that
//! a rewrite of the same length within one tick of the clock is seen. With the payload's manifest known, its files
//! are exactly the manifest's; extra files change nothing.

use std::fs;
use std::path::Path;

use lanspread_protocol::limits::MAX_SENTINEL_BYTES;
use lanspread_protocol::{Blake3Hash, GameId, Manifest, ManifestId, SENTINEL, Version};

use super::error::Tried as _;
use super::tree::{FileStat, Fingerprint, Follow, Links, Locator, walk};
use super::{Cancel, DiskError, GameFolder, GamesFolder};

/// ETI's own launcher lies among the games it starts and is none.
const NO_GAMES: [&str; 1] = ["eti_launcher"];

/// One game's folder as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScannedGame {
    pub game: GameId,
    /// The version that the sentinel names: the payload says that it is complete.
    pub sentinel: Option<Version>,
    /// The game is installed.
    pub has_local: bool,
    /// The version that was installed; `None` without `local/`, or if Lanspread did not make it.
    pub installed: Option<Version>,
    /// A download or an update was begun here and is not finished.
    pub is_unfinished: bool,
    pub fingerprint: Fingerprint,
    /// The manifest whose files were looked at: the known one, if the sentinel is its sentinel.
    pub scanned_by: Option<ManifestId>,
    /// Of the payload.
    pub bytes: u64,
    /// Of the payload.
    pub files: usize,
}

impl ScannedGame {
    /// Nothing of the game is here.
    pub fn is_empty(&self) -> bool {
        self.files == 0 && !self.has_local && !self.is_unfinished
    }
}

/// All games of a games folder.
#[derive(Clone, Debug, Default)]
pub struct ScannedLibrary {
    pub games: Vec<ScannedGame>,
    /// Folders whose names are no game ids.
    pub skipped: Vec<String>,
    /// Games that could not be read, and why.
    pub failed: Vec<(GameId, String)>,
}

/// Looks at one game. A folder that does not exist is an empty game.
pub fn scan_game(
    folder: &GameFolder,
    game: &GameId,
    known: Option<&Manifest>,
    cancel: &Cancel,
) -> Result<ScannedGame, DiskError> {
    let sentinel = read_sentinel(folder)?;
    let is_known =
        |manifest: &&Manifest| sentinel.as_ref().is_some_and(|bytes| is_sentinel_of(bytes, manifest));
    let manifest = known.filter(is_known);
    let mut print = Printer::default();
    if let Some(bytes) = &sentinel {
        print.sentinel(bytes);
    }
    match manifest {
        Some(manifest) => print.manifest(folder, manifest, cancel)?,
        None if folder.root().is_dir() => print.all(folder, cancel)?,
        None => {}
    }
    Ok(ScannedGame {
        game: game.clone(),
        sentinel: sentinel.as_deref().and_then(Version::from_sentinel),
        has_local: fs::symlink_metadata(folder.local()).is_ok_and(|local| local.is_dir()),
        installed: super::installed::installed_version(folder),
        is_unfinished: holds_anything(&folder.parts()) || holds_anything(&folder.new_files()),
        fingerprint: print.finish(),
        scanned_by: manifest.map(Manifest::id),
        bytes: print.bytes,
        files: print.files,
    })
}

/// The folders whose names are game ids, and the names of those that are none.
fn list(games: &GamesFolder, cancel: &Cancel) -> Result<(Vec<GameId>, Vec<String>), DiskError> {
    let (mut found, mut skipped) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(games.root()).tried("list", games.root())? {
        cancel.check()?;
        let entry = entry.tried("list", games.root())?;
        if !entry.path().is_dir() {
            continue;
        }
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || NO_GAMES.contains(&name.as_str()) {
            continue;
        }
        match name.parse::<GameId>() {
            Ok(game) => found.push(game),
            Err(_) => skipped.push(name),
        }
    }
    found.sort();
    skipped.sort();
    Ok((found, skipped))
}

/// The games that have a folder here.
pub fn list_games(games: &GamesFolder) -> Result<Vec<GameId>, DiskError> {
    Ok(list(games, &Cancel::new())?.0)
}

/// Looks at every game; `known` gives the manifest a payload had when it was last hashed.
pub fn scan_games(
    games: &GamesFolder,
    known: &dyn Fn(&GameId) -> Option<std::sync::Arc<Manifest>>,
    cancel: &Cancel,
) -> Result<ScannedLibrary, DiskError> {
    let (found, skipped) = list(games, cancel)?;
    let mut library = ScannedLibrary { skipped, ..ScannedLibrary::default() };
    for game in found {
        match scan_game(&games.game(&game), &game, known(&game).as_deref(), cancel) {
            Ok(scanned) => library.games.push(scanned),
            Err(DiskError::Cancelled) => return Err(DiskError::Cancelled),
            // One unreadable game must not hide the others.
            Err(error) => library.failed.push((game, error.to_string())),
        }
    }
    Ok(library)
}

/// The sentinel's bytes: of the regular file named exactly `version.ini` in the root, at most 64 KiB.
pub fn read_sentinel(folder: &GameFolder) -> Result<Option<Vec<u8>>, DiskError> {
    let path = folder.sentinel();
    match fs::symlink_metadata(&path) {
        Ok(metadata) if metadata.is_file() && metadata.len() <= MAX_SENTINEL_BYTES => {}
        Ok(_) => return Ok(None),
        Err(error) if super::atomic::is_absent(&error) => return Ok(None),
        Err(error) => return Err(error).tried("look at", &path),
    }
    if cfg!(any(windows, target_os = "macos")) && !is_named_exactly(folder)? {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    let read = fs::File::open(&path).and_then(|file| {
        // It may have grown since: one byte more than allowed tells.
        std::io::Read::read_to_end(&mut std::io::Read::take(file, MAX_SENTINEL_BYTES + 1), &mut bytes)
    });
    match read {
        Ok(_) => Ok((bytes.len() as u64 <= MAX_SENTINEL_BYTES).then_some(bytes)),
        Err(error) if super::atomic::is_absent(&error) => Ok(None),
        Err(error) => Err(error).tried("read", &path),
    }
}

fn holds_anything(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
}

/// Filesystems that ignore case find `VERSION.INI`, too; only the listing tells how the name is written.
fn is_named_exactly(folder: &GameFolder) -> Result<bool, DiskError> {
    let entries = fs::read_dir(folder.root()).tried("list", folder.root())?;
    Ok(entries.flatten().any(|entry| entry.file_name() == SENTINEL))
}

/// Whether these are the bytes of the manifest's `version.ini`.
pub(crate) fn is_sentinel_of(bytes: &[u8], manifest: &Manifest) -> bool {
    let mut rest = bytes;
    let Some(file) = manifest.sentinel().filter(|file| file.bytes == bytes.len() as u64) else {
        return false;
    };
    manifest.chunks()[file.chunks.start as usize..file.chunks.end as usize].iter().all(|chunk| {
        let (head, tail) = rest.split_at(rest.len().min(chunk.bytes as usize));
        rest = tail;
        Blake3Hash::of(head) == chunk.hash
    })
}

/// The fingerprint in the making. Every field has a fixed length or says it, so that no two lists look alike.
#[derive(Default)]
pub(crate) struct Printer {
    hasher: blake3::Hasher,
    bytes: u64,
    files: usize,
}

impl Printer {
    pub(crate) fn sentinel(&mut self, bytes: &[u8]) {
        self.hasher.update(b"s").update(blake3::hash(bytes).as_bytes());
    }

    pub(crate) fn file(&mut self, name: &str, stat: Option<FileStat>) {
        self.hasher.update(if stat.is_some() { b"f" } else { b"-" });
        self.hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes());
        if let Some(FileStat { bytes, modified }) = stat {
            self.hasher.update(&bytes.to_le_bytes()).update(&modified.to_le_bytes());
            self.bytes += bytes;
            self.files += 1;
        }
    }

    fn folder(&mut self, name: &str) {
        self.hasher.update(b"d").update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes());
    }

    pub(crate) fn finish(&self) -> Fingerprint {
        Fingerprint(Blake3Hash(self.hasher.finalize().into()))
    }

    fn manifest(
        &mut self,
        folder: &GameFolder,
        manifest: &Manifest,
        cancel: &Cancel,
    ) -> Result<(), DiskError> {
        let mut locator = Locator::new(folder.root());
        for (nth, file) in manifest.files().iter().enumerate() {
            if nth % 1024 == 0 {
                cancel.check()?;
            }
            let stat = match locator.file(&file.path) {
                Ok(located) => located.map(|located| located.stat),
                Err(DiskError::LeadsOut { .. }) => None,
                Err(error) => return Err(error),
            };
            self.file(file.path.as_str(), stat);
        }
        self.folders(folder, manifest);
        Ok(())
    }

    pub(crate) fn folders(&mut self, folder: &GameFolder, manifest: &Manifest) {
        for path in manifest.empty_folders().iter().filter(|path| folder.file(path).is_dir()) {
            self.folder(path.as_str());
        }
    }

    fn all(&mut self, folder: &GameFolder, cancel: &Cancel) -> Result<(), DiskError> {
        let walked = walk(folder.root(), Follow::Inside(Links::Skip), cancel)?;
        for file in &walked.files {
            self.file(&file.name, Some(file.stat));
        }
        walked.empty_folders.iter().for_each(|name| self.folder(name));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::testing::Tree;

    fn scan(tree: &Tree, known: Option<&Manifest>) -> ScannedGame {
        scan_game(&tree.folder(), &"ut".parse().unwrap(), known, &Cancel::new()).unwrap()
    }

    fn version(tree: &Tree) -> Option<String> {
        scan(tree, None).sentinel.map(String::from)
    }

    #[test]
    fn only_the_root_s_exact_version_ini_is_a_sentinel() {
        assert_eq!(version(&Tree::new(&[("version.ini", b"\xef\xbb\xbf 1.2 \r\nrest")])).unwrap(), "1.2");
        assert_eq!(version(&Tree::new(&[("data/version.ini", b"1")])), None);
        assert_eq!(version(&Tree::new(&[("version.ini/x", b"1")])), None);
        assert_eq!(version(&Tree::new(&[("version.ini", b"")])), None);
        assert_eq!(version(&Tree::new(&[("version.ini", &vec![b'1'; 64 * 1024 + 1])])), None);
        #[cfg(target_os = "linux")]
        assert_eq!(version(&Tree::new(&[("Version.ini", b"1")])), None);
        assert!(scan(&Tree::new(&[]), None).is_empty());
        let gone = GameFolder::new("gone");
        assert!(scan_game(&gone, &"ut".parse().unwrap(), None, &Cancel::new()).unwrap().is_empty());
    }

    #[test]
    fn the_fingerprint_sees_what_matters_and_nothing_else() {
        let tree = Tree::new(&[("version.ini", b"1"), ("a", b"one"), ("local/x", b"")]);
        let manifest = tree.manifest();
        let by_manifest = scan(&tree, Some(&manifest));
        assert_eq!(by_manifest.scanned_by, Some(manifest.id()));
        assert_eq!((by_manifest.files, by_manifest.bytes, by_manifest.has_local), (2, 4, true));
        let plain = scan(&tree, None);

        tree.put("local/x", b"changed");
        tree.put("Thumbs.db", b"new");
        assert_eq!(scan(&tree, None), plain);
        tree.put("extra", b"new");
        assert_eq!(scan(&tree, Some(&manifest)), by_manifest);
        assert_ne!(scan(&tree, None).fingerprint, plain.fingerprint);

        // A rewrite of the same length with the old time of change.
        let path = tree.path().join("version.ini");
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        tree.put("version.ini", b"2");
        fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
        let other = scan(&tree, Some(&manifest));
        assert_ne!(other.fingerprint, by_manifest.fingerprint);
        assert_eq!(other.scanned_by, None, "the manifest is of another version");
        tree.put("version.ini", b"1");

        let before = scan(&tree, Some(&manifest));
        tree.put("a", b"longer");
        assert_ne!(scan(&tree, Some(&manifest)).fingerprint, before.fingerprint);
        fs::remove_file(tree.path().join("a")).unwrap();
        assert_eq!(scan(&tree, Some(&manifest)).files, 1);
    }

    #[test]
    fn only_folders_named_like_games_are_games() {
        let tree = Tree::new(&[
            ("ut/version.ini", b"1"),
            ("empty-game/local/x", b""),
            ("eti_launcher/x", b""),
            ("No Game/x", b""),
            #[cfg(unix)]
            ("con/x", b""),
            (".lanspread/x", b""),
            ("file", b""),
        ]);
        let games = GamesFolder::new(tree.path());
        let library = scan_games(&games, &|_| None, &Cancel::new()).unwrap();
        let ids: Vec<_> = library.games.iter().map(|game| game.game.as_str()).collect();
        assert_eq!(ids, ["empty-game", "ut"]);
        let skipped: &[&str] = if cfg!(unix) { &["No Game", "con"] } else { &["No Game"] };
        assert_eq!(library.skipped, skipped);
        let cancel = Cancel::new();
        cancel.cancel();
        assert!(matches!(scan_games(&games, &|_| None, &cancel), Err(DiskError::Cancelled)));
    }
}
