//! From a payload to a game that can be played, and back: install, update, uninstall, remove.

use std::fs;
use std::path::Path;

use lanspread_tests::{
    Game, KIB, MIB, Party, Peer, PeerBuilder, Published, assert_same_tree, read_tree, write_file,
};
use serde_json::json;

fn old_version() -> Game {
    Game::small("chess")
        .text("config/settings.cfg", "volume=5\n")
        .text("only-in-old.txt", "old")
        .publish_arg("--keep", "saves/**")
        .publish_arg("--keep", "config/*.cfg")
}

fn new_version() -> Game {
    old_version()
        .in_version("2.0")
        .text("config/settings.cfg", "volume=5\nquality=high\n")
        .text("readme.txt", "A small game, now better.\n")
        .noise("data/new.pak", 200 * KIB)
        .without("only-in-old.txt")
}

/// What is installed is the payload, but for its `version.ini`, and our mark.
#[track_caller]
fn is_installed(peer: &Peer, payload: &Path) {
    let mut expected = read_tree(payload);
    expected.remove("version.ini");
    let mut installed = read_tree(&peer.folder("chess").join("local"));
    installed.retain(|path, _| path != ".lanspread_owned");
    let names = |tree: &std::collections::BTreeMap<String, _>| tree.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&installed), names(&expected));
    for (path, node) in &expected {
        assert_eq!(&installed[path], node, "{path}");
    }
}

/// A peer with the old version installed, and a person's files in it; a seed with the new one.
struct Outdated {
    old: Published,
    new: Published,
    ben: PeerBuilder,
    seed: Peer,
}

fn outdated(party: &Party) -> Outdated {
    let old = party.publish(&old_version());
    let ben = party.knowing_seed("ben", &[&old]).pinned();
    // As the version before left what it had downloaded.
    let manifest = fs::read(old.payload.join(".lanspread/manifest")).unwrap_or_default();
    write_file(&ben.games().join("chess/.lanspread/manifest"), manifest);
    let peer = ben.clone().start();
    peer.until_state("chess", "downloaded");
    peer.carry_out("install", json!({ "cmd": "install", "game": "chess" }));
    is_installed(&peer, &old.payload);
    drop(peer);
    let local = ben.games().join("chess/local");
    write_file(&local.join("saves/slot1.sav"), "my save");
    write_file(&local.join("config/settings.cfg"), "volume=9\n");
    write_file(&local.join("readme.txt"), "my scribbles");
    write_file(&local.join("mods/mine.mod"), "my mod");
    let new = party.publish(&new_version());
    let seed = party.seed("seed", &[&new]).start();
    Outdated { old, new, ben, seed }
}

fn read(peer: &Peer, path: &str) -> String {
    let path = peer.folder("chess").join("local").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| format!("cannot be read: {error}"))
}

#[test]
fn a_game_is_downloaded_and_installed_in_one_go() {
    let party = Party::new();
    let game = party.publish(&old_version());
    let seed = party.origin("seed", &game).start();
    let ben = party.peer("ben").knows(&seed).start();
    ben.until("a source", |ben| ben.sources("chess") > 0);
    ben.carry_out("install", json!({ "cmd": "download", "game": "chess", "install": true }));
    assert_eq!(
        (ben.state("chess"), ben.game("chess")["installed"].clone()),
        (json!("installed"), json!(true))
    );
    assert_eq!(ben.game("chess")["installed_version"], "1.0");
    is_installed(&ben, &game.payload);
    seed.until("the installed copy is shared", |seed| seed.sources("chess") == 1);
}

#[test]
fn saves_configs_and_a_person_s_files_survive_an_update() {
    let party = Party::new();
    let Outdated { new, ben, seed, .. } = outdated(&party);
    let ben = ben.knows(&seed).arg("--no-fetch-ahead").start();
    ben.until_sources("chess", 1);
    let mark = ben.mark();
    ben.carry_out("install", json!({ "cmd": "update", "game": "chess" }));
    assert_eq!(
        (ben.state("chess"), ben.game("chess")["installed_version"].clone()),
        (json!("installed"), json!("2.0"))
    );
    assert_eq!(read(&ben, "saves/slot1.sav"), "my save");
    assert_eq!(read(&ben, "config/settings.cfg"), "volume=9\n", "a keep-rule's file is the person's");
    assert_eq!(read(&ben, "mods/mine.mod"), "my mod");
    assert_eq!(read(&ben, "readme.txt"), "A small game, now better.\n", "the new version's file wins");
    assert!(!ben.folder("chess").join("local/only-in-old.txt").exists());
    let kept = ben.wait_after(mark, "files-kept", |event| event.about("files-kept", "chess"));
    assert_eq!(kept["paths"], json!(["readme.txt"]));
    let folder = ben.folder("chess").join(kept.text("folder"));
    assert_eq!(fs::read_to_string(folder.join("readme.txt")).unwrap(), "my scribbles");
    drop(seed);
    assert_same_tree(&new.payload.join("data"), &ben.folder("chess").join("local/data"));
}

#[test]
fn a_new_version_is_fetched_ahead_and_swapped_in_by_a_click() {
    let party = Party::new();
    let Outdated { old, new, ben, mut seed } = outdated(&party);
    let ben = ben.knows(&seed).start();
    ben.until("all of the new version is here", |ben| ben.game("chess")["update_ready"] == true);
    assert_eq!(ben.state("chess"), "wrong-version");
    assert_same_tree(&old.payload.join("data"), &ben.folder("chess").join("data"));
    seed.stop();
    ben.carry_out("install", json!({ "cmd": "update", "game": "chess" }));
    assert_eq!(ben.game("chess")["installed_version"], "2.0");
    assert_same_tree(&new.payload.join("data"), &ben.folder("chess").join("local/data"));
    assert_eq!(read(&ben, "saves/slot1.sav"), "my save");
}

#[test]
fn uninstalling_keeps_saves_and_the_next_install_gives_them_back() {
    let party = Party::new();
    let Outdated { ben, .. } = outdated(&party);
    let ben = ben.arg("--no-fetch-ahead").start();
    let mark = ben.mark();
    ben.carry_out("uninstall", json!({ "cmd": "uninstall", "game": "chess" }));
    assert_eq!(ben.game("chess")["installed"], false);
    assert!(!ben.folder("chess").join("local").exists());
    let kept = ben.wait_after(mark, "files-kept", |event| event.about("files-kept", "chess"));
    assert_eq!(
        kept["paths"],
        json!(["config/settings.cfg", "mods/mine.mod", "readme.txt", "saves/slot1.sav"])
    );
    ben.is_refused(json!({ "cmd": "uninstall", "game": "chess" }), "not_installed");
    ben.carry_out("install", json!({ "cmd": "install", "game": "chess" }));
    assert_eq!(
        (read(&ben, "saves/slot1.sav"), read(&ben, "mods/mine.mod")),
        ("my save".into(), "my mod".into())
    );
    assert_eq!(read(&ben, "config/settings.cfg"), "volume=9\n");
    ben.carry_out("uninstall", json!({ "cmd": "uninstall", "game": "chess", "saves": "delete" }));
    assert!(!ben.folder("chess").join("local").exists());
}

#[test]
fn removing_takes_the_download_and_if_asked_the_installed_game() {
    let party = Party::new();
    let Outdated { ben, .. } = outdated(&party);
    let ben = ben.arg("--no-fetch-ahead").start();
    ben.carry_out("remove", json!({ "cmd": "remove", "game": "chess" }));
    let left = ben.game("chess");
    assert_eq!((&left["local"]["state"], &left["installed"]), (&json!("local-only"), &json!(true)));
    ben.until_state("chess", "local-only");
    assert!(!ben.folder("chess").join("version.ini").exists());
    assert_eq!(read(&ben, "saves/slot1.sav"), "my save");
    write_file(&ben.folder("chess").join("screenshots/win.png"), "a person's");
    ben.carry_out("remove", json!({ "cmd": "remove", "game": "chess", "local": true }));
    assert!(!ben.folder("chess").join("local").exists());
    assert!(ben.folder("chess").join("screenshots/win.png").exists(), "what is no part of the game stays");
}

#[test]
fn a_folder_that_another_launcher_made_is_adopted_and_given_back_whole() {
    let party = Party::new();
    let game = party.publish(&old_version());
    let ben = party.knowing_seed("ben", &[&game]);
    let local = ben.games().join("chess/local");
    write_file(&local.join("game.exe"), "made by another launcher");
    write_file(&local.join("saves/slot1.sav"), "my save");
    let ben = ben.start();
    ben.until_state("chess", "installed");
    assert_eq!(ben.game("chess")["installed_version"], json!(null));
    let mark = ben.mark();
    ben.carry_out("install", json!({ "cmd": "install", "game": "chess" }));
    let kept = ben.wait_after(mark, "files-kept", |event| event.about("files-kept", "chess"));
    let folder = ben.folder("chess").join(kept.text("folder"));
    assert_eq!(fs::read_to_string(folder.join("game.exe")).unwrap(), "made by another launcher");
    assert_eq!(read(&ben, "saves/slot1.sav"), "my save");
    assert!(!ben.folder("chess").join("local/game.exe").exists());
}

#[test]
fn a_broken_archive_is_named_and_leaves_what_was_installed() {
    let party = Party::new();
    let source = party.path().join("archive");
    // The magic of a zip file, and nothing that follows from it.
    write_file(&source.join("game.zip"), [b"PK\x03\x04".as_slice(), &[7; 4000]].concat());
    let game = party.publish_from(&Game::new("chess", "1.0"), &source);
    let ben = party.origin("ben", &game).start();
    ben.until_state("chess", "downloaded");
    let local = ben.folder("chess").join("local");
    write_file(&local.join("saves/slot1.sav"), "my save");
    ben.until_state("chess", "installed");
    let mark = ben.mark();
    ben.ask(json!({ "cmd": "install", "game": "chess" }));
    let failed = ben.wait_after(mark, "the failure", |event| event.about("operation-failed", "chess"));
    assert_eq!(failed["operation"], "install");
    assert!(failed["error"]["message"].as_str().unwrap().contains("game.zip"), "{failed}");
    assert_eq!(read_tree(&local).len(), 2, "saves/ and the save");
    assert!(!ben.folder("chess").join(".local.installing").exists());
}

#[test]
fn what_cannot_be_done_is_refused_with_a_reason() {
    let party = Party::new();
    let game = party.publish(&old_version());
    let ben = party.peer("ben").start();
    ben.is_refused(json!({ "cmd": "install", "game": "chess" }), "not_downloaded");
    ben.is_refused(json!({ "cmd": "uninstall", "game": "chess" }), "not_installed");
    ben.is_refused(json!({ "cmd": "start", "game": "chess" }), "not_installed");
    ben.is_refused(json!({ "cmd": "install", "game": "checkers" }), "unknown_game");
    let seed = party.origin("seed", &game).start();
    seed.until_state("chess", "downloaded");
    seed.is_refused(json!({ "cmd": "start", "game": "chess" }), "not_installed");
}

#[test]
fn an_installation_that_is_cancelled_or_has_no_room_leaves_nothing() {
    let party = Party::new();
    let Some(disk) = lanspread_tests::SmallDisk::mount("an install without room", 24 * MIB) else { return };
    let game = party.publish(&Game::big("chess", 16 * MIB));
    let games = disk.path().join("games");
    lanspread_tests::copy_tree(&game.payload, &games.join("chess"));
    let ben = party.peer_on("ben", &games).start();
    ben.until_state("chess", "downloaded");
    let mark = ben.mark();
    ben.ask(json!({ "cmd": "install", "game": "chess" }));
    let failed = ben.wait_after(mark, "the failure", |event| event.about("operation-failed", "chess"));
    let message = says_what_is_missing(&failed);
    assert!(message.contains("needs 16.7 MB more"), "{message}");
    assert!(!ben.folder("chess").join("local").exists());
    assert!(!ben.folder("chess").join(".local.installing").exists());
    assert!(!ben.folder("chess").join(".lanspread.json").exists());
    ben.until_state("chess", "downloaded");
}

/// Told before anything was written: a write that failed would name its file.
fn says_what_is_missing(failed: &lanspread_tests::Event) -> String {
    assert_eq!((failed.text("operation"), &failed["error"]["code"]), ("install", &json!("no_space")));
    let message = failed["error"]["message"].as_str().unwrap_or_default().to_owned();
    assert!(
        message.contains("chess") && message.contains(" more, and ") && message.ends_with("are free"),
        "{message}"
    );
    message
}

#[test]
fn an_archive_that_unpacks_to_more_than_there_is_room_for_is_not_begun() {
    let party = Party::new();
    let Some(disk) = lanspread_tests::SmallDisk::mount("an archive without room", 24 * MIB) else { return };
    let archive = party.path().join("zeros.zip");
    let mut writer = zip::ZipWriter::new(fs::File::create(&archive).unwrap());
    writer.start_file("zeros", zip::write::SimpleFileOptions::default()).unwrap();
    std::io::copy(&mut std::io::Read::take(std::io::repeat(0), 64 * MIB), &mut writer).unwrap();
    writer.finish().unwrap();
    let game = party.publish_from(&Game::new("chess", "1.0"), &archive);
    assert!(game.bytes < MIB, "{} bytes", game.bytes);
    let games = disk.path().join("games");
    lanspread_tests::copy_tree(&game.payload, &games.join("chess"));
    let ben = party.peer_on("ben", &games).start();
    ben.until_state("chess", "downloaded");
    let mark = ben.mark();
    ben.ask(json!({ "cmd": "install", "game": "chess" }));
    let failed = ben.wait_after(mark, "the failure", |event| event.about("operation-failed", "chess"));
    let message = says_what_is_missing(&failed);
    assert!(message.contains("needs 67.1 MB more"), "{message}");
    assert_eq!(ben.state("chess"), "downloaded");
}
