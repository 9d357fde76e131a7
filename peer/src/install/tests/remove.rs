//! Payloads are removed, and nothing else.

use std::fs;
use std::sync::Arc;

use lanspread_protocol::Manifest;

use crate::disk::testing::Tree;
use crate::disk::{Cancel, DiskError};
use crate::transaction::payload::PayloadRecord;
use crate::transaction::{Extras, Known, remove};

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

fn named(manifest: &Manifest) -> Known {
    Known { named: vec![Arc::new(manifest.clone())], proven: None }
}

fn take_away(tree: &Tree, known: &Known) {
    remove(&tree.folder(), known, Extras::Keep, &Cancel::new()).unwrap();
}

fn left(tree: &Tree) -> Vec<String> {
    tree.contents().into_keys().filter(|path| !path.ends_with('/')).collect()
}

#[test]
fn a_payload_goes_and_everything_else_stays() {
    let tree = tree();
    let manifest = tree.manifest();
    tree.put("data/extra", b"mine");
    tree.put(".lanspread/kept/x", b"mine");
    // Changed by a person since it was named.
    tree.put("data/b", b"B");
    take_away(&tree, &named(&manifest));
    assert_eq!(left(&tree), ["data/b", "data/extra", "local/save"]);
    assert!(tree.has(".lanspread/kept/x") && !tree.has(".lanspread/parts") && !tree.has("void"));
    tree.put("data/b", b"b");
    take_away(&tree, &named(&manifest));
    assert_eq!(left(&tree), ["data/extra", "local/save"]);
}

#[test]
fn what_lanspread_placed_goes_while_it_is_as_it_was() {
    let tree = tree();
    let manifest = tree.manifest();
    PayloadRecord::write(&tree.folder(), &manifest).unwrap();
    tree.put("data/extra", b"mine");
    tree.put("data/b", b"B");
    tree.put(".lanspread/manifest", &manifest.encode());
    take_away(&tree, &Known::default());
    assert_eq!(left(&tree), ["data/b", "data/extra", "local/save"]);
    assert!(!tree.has(".lanspread/payload") && !tree.has(".lanspread/manifest"));
}

#[test]
fn a_manifest_that_only_the_index_knows_is_no_list_of_files() {
    let tree = tree();
    let known = Known { named: vec![], proven: Some(tree.manifest().id()) };
    fs::remove_dir_all(tree.path().join(".lanspread")).unwrap();
    let before = tree.contents();
    let refused = remove(&tree.folder(), &known, Extras::Keep, &Cancel::new());
    assert!(matches!(refused, Err(DiskError::NotOurs { .. })), "{refused:?}");
    assert_eq!(tree.contents(), before);
}

#[test]
fn a_person_who_says_so_removes_all_but_the_installed_game() {
    let tree = tree();
    tree.put("Thumbs.db", b"");
    tree.put("data/Thumbs.db", b"");
    let all = || remove(&tree.folder(), &Known::default(), Extras::Delete, &Cancel::new()).unwrap();
    all();
    assert_eq!(tree.contents().into_keys().collect::<Vec<_>>(), ["local/", "local/save"]);
    fs::remove_dir_all(tree.path().join("local")).unwrap();
    all();
    assert!(!tree.path().exists());
    all();
}

#[cfg(unix)]
#[test]
fn nothing_is_removed_through_a_link() {
    let tree = tree();
    let manifest = tree.manifest();
    let outside = Tree::new(&[("a", b"a")]);
    fs::remove_dir_all(tree.path().join("data/deep")).unwrap();
    std::os::unix::fs::symlink(outside.path(), tree.path().join("data/deep")).unwrap();
    take_away(&tree, &named(&manifest));
    assert!(outside.has("a"));
    remove(&tree.folder(), &Known::default(), Extras::Delete, &Cancel::new()).unwrap();
    assert!(outside.has("a") && !tree.has("data"));
}
