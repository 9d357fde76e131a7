//! Removes a payload: the sentinel first, so that what is left of it is never taken for a game.

use std::fs;

use lanspread_protocol::{Manifest, RelPath};

use super::place::remove_emptied_folders;
use super::tree::{Follow, Locator, walk};
use super::{Cancel, DiskError, GameFolder, atomic};

/// Removes exactly the manifest's files, or without a manifest all but `local/` and what is ours, then the folders
/// that this empties. Extra files stay, and so does what `.lanspread/` keeps for a person. Parts of a download go.
pub fn remove_payload(
    folder: &GameFolder,
    manifest: Option<&Manifest>,
    cancel: &Cancel,
) -> Result<(), DiskError> {
    if fs::symlink_metadata(folder.intent()).is_ok() {
        return Err(DiskError::Unfinished { path: folder.intent() });
    }
    if !folder.root().is_dir() {
        return Ok(());
    }
    if fs::symlink_metadata(folder.sentinel()).is_ok_and(|there| !there.is_dir()) {
        atomic::remove_if_there(&folder.sentinel())?;
        atomic::sync_folder(folder.root())?;
    }
    match manifest {
        Some(manifest) => remove_files_of(folder, manifest, cancel)?,
        None => remove_all(folder, cancel)?,
    }
    for path in [folder.parts(), folder.new_files()] {
        atomic::remove_tree_if_there(&path)?;
    }
    atomic::remove_if_there(&folder.manifest())?;
    // Refused when something of a person's is left in them, which is what decides.
    for path in [folder.state(), folder.root().to_owned()] {
        let removed = fs::remove_dir(path);
        drop(removed);
    }
    Ok(())
}

fn remove_files_of(folder: &GameFolder, manifest: &Manifest, cancel: &Cancel) -> Result<(), DiskError> {
    let mut locator = Locator::new(folder.root());
    for file in manifest.files() {
        cancel.check()?;
        let path = folder.file(&file.path);
        // Through a link this would remove another file; a folder in a file's place is not ours.
        let is_file = fs::symlink_metadata(&path).is_ok_and(|there| !there.is_dir());
        if is_file && locator.has_plain_folders(&file.path) {
            atomic::remove_if_there(&path)?;
        }
    }
    let paths = manifest.files().iter().map(|file| &file.path);
    remove_empty_folders(folder, manifest.empty_folders());
    remove_emptied_folders(folder.root(), paths.chain(manifest.empty_folders()));
    Ok(())
}

fn remove_empty_folders(folder: &GameFolder, paths: &[RelPath]) {
    for path in paths {
        let removed = fs::remove_dir(folder.file(path));
        drop(removed);
    }
}

fn remove_all(folder: &GameFolder, cancel: &Cancel) -> Result<(), DiskError> {
    let walked = walk(folder.root(), Follow::Nothing, cancel)?;
    for file in &walked.files {
        cancel.check()?;
        atomic::remove_if_there(&file.path)?;
    }
    // What is left are folders, links, and what operating systems drop into folders.
    for entry in fs::read_dir(folder.root()).into_iter().flatten().flatten() {
        cancel.check()?;
        let name = entry.file_name();
        if lanspread_protocol::path::is_reserved_root_name(&name.to_string_lossy()) {
            continue;
        }
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            atomic::remove_tree_if_there(&entry.path())?;
        } else {
            atomic::remove_if_there(&entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::testing::Tree;

    fn tree() -> Tree {
        let tree = Tree::new(&[
            ("version.ini", b"1"),
            ("data/deep/a", b"a"),
            ("data/b", b"b"),
            ("local/save", b"mine"),
            (".lanspread/parts/x", b""),
        ]);
        fs::create_dir(tree.path().join("void")).unwrap();
        tree
    }

    #[test]
    fn a_payload_goes_and_everything_else_stays() {
        let tree = tree();
        let manifest = tree.manifest();
        tree.put("data/extra", b"mine");
        tree.put(".lanspread/kept/x", b"mine");
        remove_payload(&tree.folder(), Some(&manifest), &Cancel::new()).unwrap();
        assert_eq!(
            tree.contents().into_keys().collect::<Vec<_>>(),
            ["data/", "data/extra", "local/", "local/save"]
        );
        assert!(tree.has(".lanspread/kept/x") && !tree.has(".lanspread/parts"));
        remove_payload(&tree.folder(), Some(&manifest), &Cancel::new()).unwrap();
    }

    #[test]
    fn without_a_manifest_all_but_the_installed_game_goes() {
        let tree = tree();
        tree.put("Thumbs.db", b"");
        tree.put("data/Thumbs.db", b"");
        remove_payload(&tree.folder(), None, &Cancel::new()).unwrap();
        assert_eq!(tree.contents().into_keys().collect::<Vec<_>>(), ["local/", "local/save"]);
        fs::remove_dir_all(tree.path().join("local")).unwrap();
        remove_payload(&tree.folder(), None, &Cancel::new()).unwrap();
        assert!(!tree.path().exists());
        remove_payload(&tree.folder(), None, &Cancel::new()).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn nothing_is_removed_through_a_link() {
        let tree = tree();
        let manifest = tree.manifest();
        let outside = Tree::new(&[("a", b"a")]);
        fs::remove_dir_all(tree.path().join("data/deep")).unwrap();
        std::os::unix::fs::symlink(outside.path(), tree.path().join("data/deep")).unwrap();
        remove_payload(&tree.folder(), Some(&manifest), &Cancel::new()).unwrap();
        assert!(outside.has("a"));
        remove_payload(&tree.folder(), None, &Cancel::new()).unwrap();
        assert!(outside.has("a") && !tree.has("data"));
    }
}
