//! A person's own files in a game's folder: nothing but what Lanspread placed is ever replaced or deleted.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests fail the test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use lanspread_tests::{Game, Mark, Party, Peer, assert_same_tree, write_file};
use serde_json::json;

/// All files of a folder that hold a person's text, by path.
fn persons(folder: &Path) -> BTreeMap<String, String> {
    let files =
        walkdir::WalkDir::new(folder).into_iter().flatten().filter(|entry| entry.file_type().is_file());
    let texts = files.filter_map(|entry| {
        let text = fs::read_to_string(entry.path()).ok().filter(|text| text.starts_with("mine"))?;
        Some((entry.path().strip_prefix(folder).unwrap().to_str().unwrap().replace('\\', "/"), text))
    });
    texts.collect()
}

fn texts(files: &[(&str, &str)]) -> BTreeMap<String, String> {
    files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

/// Saves, a screenshot and a map, as games put them beside their own files.
fn play(folder: &Path) -> BTreeMap<String, String> {
    let own = [("saves/1", "mine: a save"), ("shot.png", "mine: a shot"), ("data/own.map", "mine: a map")];
    for (path, text) in own {
        write_file(&folder.join(path), text);
    }
    texts(&own)
}

fn remove(peer: &Peer, extras: &str) {
    peer.carry_out("remove", json!({ "cmd": "remove", "game": "chess", "extras": extras }));
}

#[test]
fn a_game_that_was_copied_by_hand_is_removed_without_what_is_a_person_s() {
    let party = Party::new();
    let game = party.publish(&Game::small("chess"));
    let seed = party.knowing_seed("seed", &[&game]);
    let own = play(&seed.games().join("chess"));
    let seed = seed.start();
    seed.until_state("chess", "downloaded");
    remove(&seed, "keep");
    assert_eq!(persons(&seed.folder("chess")), own);
    assert!(!seed.folder("chess").join("data/maps.pak").exists());
}

#[test]
fn without_a_list_of_its_files_nothing_of_a_game_is_deleted() {
    let party = Party::new();
    let game = party.publish(&Game::small("chess"));
    let seed = party.seed("seed", &[&game]);
    let own = play(&seed.games().join("chess"));
    let mut seed = seed.start();
    seed.until("the folder is hashed", |seed| seed.game("chess")["local"]["state"] == "modified");
    let mark = seed.mark();
    seed.ask(json!({ "cmd": "remove", "game": "chess" }));
    let failed = seed.wait_after(mark, "a refusal", |event| event.about("operation-failed", "chess"));
    assert!(failed.to_string().contains("everything in"), "{failed}");
    assert_eq!(persons(&seed.folder("chess")), own);
    assert_same_tree_but(&game.payload, &seed.folder("chess"), &own);
    // The person says so.
    remove(&seed, "delete");
    assert!(!seed.folder("chess").exists());
    seed.stop();
}

fn assert_same_tree_but(expected: &Path, found: &Path, own: &BTreeMap<String, String>) {
    let mut tree = lanspread_tests::read_tree(found);
    tree.retain(|path, _| !own.contains_key(path) && path != "saves");
    assert_eq!(tree, lanspread_tests::read_tree(expected));
}

#[test]
fn a_game_whose_state_is_lost_is_removed_without_what_is_a_person_s() {
    let party = Party::new();
    let game = party.publish(&Game::small("chess"));
    let seed = party.seed("seed", &[&game]).start();
    let mut ben = party.peer("ben").pinned().knows(&seed).start();
    ben.fetch("chess");
    let folder = ben.folder("chess");
    let own = play(&folder);
    ben.stop();
    fs::remove_dir_all(folder.join(".lanspread")).unwrap();
    fs::remove_file(ben.games().join(".lanspread/index")).unwrap();
    ben.restart();
    ben.until("the folder is looked at", |ben| ben.game("chess")["local"]["checked"] == true);
    remove(&ben, "keep");
    assert_eq!(persons(&folder), own);
    assert!(!folder.join("data/maps.pak").exists());
}

#[test]
fn a_download_moves_what_stands_at_its_paths_to_kept_and_says_so() {
    let party = Party::new();
    let game = party.publish(&Game::small("chess"));
    let seed = party.seed("seed", &[&game]).start();
    let ben = party.peer("ben").pinned().knows(&seed);
    let folder = ben.games().join("chess");
    // One of another size, and one that is repaired where it stands if its beginning is the game's.
    let mut maps = fs::read(game.payload.join("data/maps.pak")).unwrap();
    let end = maps.len() - 20;
    maps[end..].copy_from_slice(b"mine: my own map end");
    write_file(&folder.join("readme.txt"), "mine: notes");
    fs::create_dir_all(folder.join("data")).unwrap();
    fs::write(folder.join("data/maps.pak"), &maps).unwrap();
    let ben = ben.start();
    ben.fetch("chess");
    assert_same_tree(&game.payload, &folder);
    let told = ben.wait_after(Mark::default(), "files-kept", |event| event.about("files-kept", "chess"));
    assert_eq!(told["paths"], json!(["data/maps.pak", "readme.txt"]), "{told}");
    let kept = folder.join(told["folder"].as_str().unwrap());
    assert_eq!(fs::read_to_string(kept.join("readme.txt")).unwrap(), "mine: notes");
    assert!(fs::read(kept.join("data/maps.pak")).unwrap() == maps);
}
