//! Payloads are removed, and nothing else.

use std::fs;

use crate::disk::Cancel;
use crate::disk::testing::Tree;
use crate::transaction::remove;

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
    remove(&tree.folder(), Some(&manifest), &Cancel::new()).unwrap();
    assert_eq!(
        tree.contents().into_keys().collect::<Vec<_>>(),
        ["data/", "data/extra", "local/", "local/save"]
    );
    assert!(tree.has(".lanspread/kept/x") && !tree.has(".lanspread/parts"));
    remove(&tree.folder(), Some(&manifest), &Cancel::new()).unwrap();
}

#[test]
fn without_a_manifest_all_but_the_installed_game_goes() {
    let tree = tree();
    tree.put("Thumbs.db", b"");
    tree.put("data/Thumbs.db", b"");
    remove(&tree.folder(), None, &Cancel::new()).unwrap();
    assert_eq!(tree.contents().into_keys().collect::<Vec<_>>(), ["local/", "local/save"]);
    fs::remove_dir_all(tree.path().join("local")).unwrap();
    remove(&tree.folder(), None, &Cancel::new()).unwrap();
    assert!(!tree.path().exists());
    remove(&tree.folder(), None, &Cancel::new()).unwrap();
}

#[cfg(unix)]
#[test]
fn nothing_is_removed_through_a_link() {
    let tree = tree();
    let manifest = tree.manifest();
    let outside = Tree::new(&[("a", b"a")]);
    fs::remove_dir_all(tree.path().join("data/deep")).unwrap();
    std::os::unix::fs::symlink(outside.path(), tree.path().join("data/deep")).unwrap();
    remove(&tree.folder(), Some(&manifest), &Cancel::new()).unwrap();
    assert!(outside.has("a"));
    remove(&tree.folder(), None, &Cancel::new()).unwrap();
    assert!(outside.has("a") && !tree.has("data"));
}
