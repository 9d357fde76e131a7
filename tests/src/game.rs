//! Generated games: deterministic from their description, so that two runs hash the same bytes.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;

pub const KIB: u64 = 1024;
pub const MIB: u64 = 1024 * KIB;
pub const GIB: u64 = 1024 * MIB;

/// A game to be written to disk and published. Paths are `/`-separated.
#[derive(Clone, Debug)]
pub struct Game {
    pub id: String,
    pub version: String,
    entries: BTreeMap<String, Entry>,
    /// Extra arguments of `publish`, such as launch entries.
    pub publish_args: Vec<String>,
}

#[derive(Clone, Debug)]
enum Entry {
    Folder,
    File(Content),
    Script(Vec<u8>),
}

#[derive(Clone, Debug)]
enum Content {
    Bytes(Vec<u8>),
    /// Bytes that do not compress or repeat.
    Noise {
        seed: u64,
        bytes: u64,
    },
    /// A hole: a length and no data.
    Hole {
        bytes: u64,
    },
    /// Noise with more bytes put in at one place: what an update of a game's archive looks like.
    Edited {
        seed: u64,
        bytes: u64,
        at: u64,
        insert: Vec<u8>,
    },
}

impl Game {
    /// An empty game. A source without `version.ini`: publishing writes it.
    pub fn new(id: &str, version: &str) -> Self {
        Self { id: id.into(), version: version.into(), entries: BTreeMap::new(), publish_args: Vec::new() }
    }

    /// A small game with a bit of everything, some hundred KiB: enough where the tree is not the story.
    pub fn small(id: &str) -> Self {
        Self::new(id, "1.0")
            .text("readme.txt", "A small game.\n")
            .noise("data/maps.pak", 300 * KIB)
            .noise("data/sounds.pak", 80 * KIB)
            .script("bin/game", "#!/bin/sh\nexit 0\n")
    }

    /// A game of one large archive.
    pub fn big(id: &str, bytes: u64) -> Self {
        Self::new(id, "1.0").noise("data/everything.pak", bytes).text("readme.txt", "A big game.\n")
    }

    /// The same game in another version: chain what is different.
    #[must_use]
    pub fn in_version(mut self, version: &str) -> Self {
        self.version = version.into();
        self
    }

    #[must_use]
    pub fn text(self, path: &str, text: &str) -> Self {
        self.with(path, Entry::File(Content::Bytes(text.into())))
    }

    #[must_use]
    pub fn bytes(self, path: &str, bytes: &[u8]) -> Self {
        self.with(path, Entry::File(Content::Bytes(bytes.into())))
    }

    /// A file that begins like a script, with the executable bit where there is one.
    #[must_use]
    pub fn script(self, path: &str, text: &str) -> Self {
        self.with(path, Entry::Script(text.into()))
    }

    /// Noise that only this path of this game holds.
    #[must_use]
    pub fn noise(self, path: &str, bytes: u64) -> Self {
        let seed = seed_of(&format!("{}/{path}", self.id));
        self.with(path, Entry::File(Content::Noise { seed, bytes }))
    }

    /// Other noise than [`Game::noise`] gives at this path, for each `edition` another one.
    #[must_use]
    pub fn other_noise(self, path: &str, bytes: u64, edition: &str) -> Self {
        let seed = seed_of(&format!("{}/{path}/{edition}", self.id));
        self.with(path, Entry::File(Content::Noise { seed, bytes }))
    }

    /// What [`Game::noise`] gives, with `insert` put in at `at`.
    #[must_use]
    pub fn edited_noise(self, path: &str, bytes: u64, at: u64, insert: &str) -> Self {
        let seed = seed_of(&format!("{}/{path}", self.id));
        self.with(path, Entry::File(Content::Edited { seed, bytes, at, insert: insert.into() }))
    }

    #[must_use]
    pub fn hole(self, path: &str, bytes: u64) -> Self {
        self.with(path, Entry::File(Content::Hole { bytes }))
    }

    #[must_use]
    pub fn empty_file(self, path: &str) -> Self {
        self.with(path, Entry::File(Content::Bytes(Vec::new())))
    }

    #[must_use]
    pub fn empty_folder(self, path: &str) -> Self {
        self.with(path, Entry::Folder)
    }

    /// `count` files of `smallest` to `largest` bytes in folders of a hundred.
    #[must_use]
    pub fn small_files(mut self, count: u64, smallest: u64, largest: u64) -> Self {
        for number in 0..count {
            let path = format!("files/{:03}/{number:05}.dat", number / 100);
            let spread = seed_of(&path) % (largest - smallest + 1);
            self = self.noise(&path, smallest + spread);
        }
        self
    }

    #[must_use]
    pub fn without(mut self, path: &str) -> Self {
        assert!(self.entries.remove(path).is_some(), "{} has no {path}", self.id);
        self
    }

    #[must_use]
    pub fn publish_arg(mut self, flag: &str, value: &str) -> Self {
        self.publish_args.extend([flag.to_owned(), value.to_owned()]);
        self
    }

    fn with(mut self, path: &str, entry: Entry) -> Self {
        self.entries.insert(path.into(), entry);
        self
    }

    /// Writes the tree into a folder, which is made.
    pub fn write_to(&self, folder: &Path) {
        fs::create_dir_all(folder).unwrap();
        for (path, entry) in &self.entries {
            let target = folder.join(path);
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            match entry {
                Entry::Folder => fs::create_dir_all(&target).unwrap(),
                Entry::File(content) => content.write_to(&target),
                Entry::Script(text) => {
                    fs::write(&target, text).unwrap();
                    make_executable(&target);
                }
            }
        }
    }
}

impl Content {
    fn write_to(&self, path: &Path) {
        match self {
            Self::Bytes(bytes) => fs::write(path, bytes).unwrap(),
            Self::Hole { bytes } => File::create(path).unwrap().set_len(*bytes).unwrap(),
            Self::Noise { seed, bytes } => write_noise(path, *seed, *bytes),
            Self::Edited { seed, bytes, at, insert } => {
                write_noise(path, *seed, *bytes);
                let mut content = fs::read(path).unwrap();
                let at = usize::try_from(*at).unwrap();
                content.splice(at..at, insert.iter().copied());
                fs::write(path, content).unwrap();
            }
        }
    }
}

fn write_noise(path: &Path, seed: u64, bytes: u64) {
    let mut noise = blake3::Hasher::new_derive_key("lanspread-tests 2026 noise")
        .update(&seed.to_le_bytes())
        .finalize_xof();
    let mut file = BufWriter::with_capacity(256 * 1024, File::create(path).unwrap());
    let mut piece = vec![0; 256 * 1024];
    let mut left = bytes;
    while left > 0 {
        let now = usize::try_from(left.min(piece.len() as u64)).unwrap();
        noise.fill(&mut piece[..now]);
        file.write_all(&piece[..now]).unwrap();
        left -= now as u64;
    }
    file.flush().unwrap();
}

fn seed_of(text: &str) -> u64 {
    u64::from_le_bytes(blake3::hash(text.as_bytes()).as_bytes()[..8].try_into().unwrap())
}

#[cfg(unix)]
fn make_executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[cfg(not(unix))]
fn make_executable(_: &Path) {}
