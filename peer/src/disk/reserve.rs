//! A few megabytes that are kept on the games' disk, to be given up when it is full: freeing space by an uninstall or a
//! removal begins with writing down what will go, so that a crash leaves nothing half done.

use super::{DiskError, GamesFolder, atomic, space};

/// What the plan of a game of 100 GB takes.
const MAX_BYTES: u64 = 16 * 1024 * 1024;
/// Of the free space: on a small or nearly full disk the games come first.
const SHARE: u64 = 32;
/// Less is of no use.
const MIN_BYTES: u64 = 64 * 1024;

/// Makes the reserve unless it is there, or there is no room for it.
pub(crate) fn keep(games: &GamesFolder) -> Result<(), DiskError> {
    let path = games.reserve();
    let bytes = (space::free_bytes(games.root())? / SHARE).min(MAX_BYTES);
    if path.exists() || bytes < MIN_BYTES {
        return Ok(());
    }
    // Nothing that a filesystem could store in less room.
    let mut noise = vec![0; usize::try_from(bytes).unwrap_or_default()];
    blake3::Hasher::new().update(b"reserve").finalize_xof().fill(&mut noise);
    atomic::write_cache(&path, &noise)
}

/// Gives the reserve's room back to the disk; whether there was any.
pub(crate) fn give_up(games: &GamesFolder) -> Result<bool, DiskError> {
    atomic::remove_if_there(&games.reserve())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::testing::Tree;

    #[test]
    fn it_is_kept_and_given_up_once() {
        let tree = Tree::new(&[(".lanspread/lock", b"")]);
        let games = GamesFolder::new(tree.path());
        keep(&games).unwrap();
        let bytes = std::fs::metadata(games.reserve()).unwrap().len();
        assert!((MIN_BYTES..=MAX_BYTES).contains(&bytes));
        assert!(give_up(&games).unwrap() && !give_up(&games).unwrap());
        keep(&games).unwrap();
        assert!(games.reserve().exists());
    }
}
