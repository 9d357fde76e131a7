//! Where everything lies in a games folder. No other place spells these names.

use std::path::{Path, PathBuf};

use lanspread_protocol::{Blake3Hash, GameId, InnerPath, ManifestId, RelPath, SENTINEL};

/// The name of this program's own folder, in the games folder and in each game's.
pub const STATE: &str = ".lanspread";

/// The folder a person chose for games.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GamesFolder {
    root: PathBuf,
}

impl GamesFolder {
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// This PC's state.
    pub fn state(&self) -> PathBuf {
        self.root.join(STATE)
    }

    /// The peer's key, with the hash of the machine's id.
    pub fn identity(&self) -> PathBuf {
        self.state().join("identity")
    }

    /// Held by the one Lanspread that runs on this folder.
    pub fn lock(&self) -> PathBuf {
        self.state().join("lock")
    }

    /// What was found when the games were last scanned: [`crate::disk::index`].
    pub fn index(&self) -> PathBuf {
        self.state().join("index")
    }

    /// The newest catalog of the pinned key; its signature lies beside it as `catalog.ron.sig`.
    pub fn catalog(&self) -> PathBuf {
        self.state().join("catalog.ron")
    }

    /// Manifests by id: [`crate::disk::manifests`].
    pub fn manifests(&self) -> PathBuf {
        self.state().join("manifests")
    }

    pub fn manifest(&self, id: ManifestId) -> PathBuf {
        self.manifests().join(id.to_string())
    }

    /// Cover images by hash.
    pub fn covers(&self) -> PathBuf {
        self.state().join("covers")
    }

    pub fn cover(&self, hash: Blake3Hash) -> PathBuf {
        self.covers().join(hash.to_string())
    }

    /// Room that is given up when the disk is full: [`crate::disk::reserve`].
    pub(crate) fn reserve(&self) -> PathBuf {
        self.state().join("reserve")
    }

    pub fn logs(&self) -> PathBuf {
        self.state().join("logs")
    }

    pub fn game(&self, id: &GameId) -> GameFolder {
        GameFolder { root: self.root.join(id.as_str()) }
    }
}

/// One game's folder. It need not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GameFolder {
    root: PathBuf,
}

impl GameFolder {
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where a file of the payload lies.
    pub fn file(&self, path: &RelPath) -> PathBuf {
        under(&self.root, path)
    }

    /// Its presence says that the payload is complete.
    pub fn sentinel(&self) -> PathBuf {
        self.root.join(SENTINEL)
    }

    /// The sentinel before its commit.
    pub fn sentinel_tmp(&self) -> PathBuf {
        self.root.join(".version.ini.tmp")
    }

    /// The installed game.
    pub fn local(&self) -> PathBuf {
        self.root.join("local")
    }

    pub fn local_installing(&self) -> PathBuf {
        self.root.join(".local.installing")
    }

    pub fn local_backup(&self) -> PathBuf {
        self.root.join(".local.backup")
    }

    /// The intent of the transaction that runs.
    pub fn intent(&self) -> PathBuf {
        self.root.join(".lanspread.json")
    }

    /// What this program keeps about the game.
    pub fn state(&self) -> PathBuf {
        self.root.join(STATE)
    }

    /// The manifest of the payload that is here.
    pub fn manifest(&self) -> PathBuf {
        self.state().join("manifest")
    }

    /// Files that are not complete.
    pub fn parts(&self) -> PathBuf {
        self.state().join("parts")
    }

    /// Complete files of an update in the making.
    pub fn new_files(&self) -> PathBuf {
        self.state().join("new")
    }

    /// The files that the download in the making has put to their places: `transaction/placed.rs`.
    pub(crate) fn placed(&self) -> PathBuf {
        self.state().join("placed")
    }

    /// Sizes and times of the payload's files when they were placed: `transaction/payload.rs`.
    pub(crate) fn payload_record(&self) -> PathBuf {
        self.state().join("payload")
    }

    /// A person's files that were moved out of the way.
    pub fn kept(&self) -> PathBuf {
        self.state().join("kept")
    }

    /// What the install wrote into `local/`.
    pub fn installed(&self) -> PathBuf {
        self.state().join("installed")
    }

    /// The plan of the transaction that runs: `transaction/plan.rs`.
    pub fn plan(&self) -> PathBuf {
        self.state().join("plan")
    }

    /// Says that the setup of what is installed has run; uninstalling removes it.
    pub fn setup_done(&self) -> PathBuf {
        self.state().join("setup-done")
    }
}

/// `path` below `root`, with the separators of this system.
pub fn under(root: &Path, path: &InnerPath) -> PathBuf {
    let mut joined = root.to_owned();
    joined.extend(path.components());
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_of_ours_can_be_part_of_a_payload() {
        let games = GamesFolder::new("games");
        let game = games.game(&"ut".parse().unwrap());
        assert_eq!(game.file(&"a/b".parse().unwrap()), Path::new("games").join("ut").join("a").join("b"));
        let ours = [
            game.sentinel_tmp(),
            game.local(),
            game.local_installing(),
            game.local_backup(),
            game.intent(),
            game.state(),
        ];
        for path in ours {
            let name = path.file_name().unwrap().to_str().unwrap();
            assert!(name.parse::<RelPath>().is_err(), "{name}");
        }
    }
}
