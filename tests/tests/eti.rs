//! Packages of another launcher, as they are: imported, shared, unpacked, updated.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests fail the test")]

use std::fs;
use std::path::Path;

use lanspread_tests::{Game, KIB, MIB, Party, PeerBuilder, lanspread, read_tree, write_file};
use serde_json::json;

/// What is in `ut.eti`.
fn content(version: &str) -> Game {
    let game = Game::new("ut", version).text("System/ut.ini", "[Core]\n").noise("Maps/dm-one.unr", MIB);
    match version {
        "20250308" => game.text("old.txt", "old"),
        _ => game.noise("Maps/dm-two.unr", 200 * KIB),
    }
}

/// A package's folder, as the other launcher has it.
fn package(party: &Party, version: &str, folder: &Path) {
    let source = party.path().join(format!("content-{version}"));
    content(version).write_to(&source);
    let mut archive = rars::Builder::new(rars::ArchiveVersion::Rar50).store(true);
    for (path, node) in read_tree(&source) {
        match node {
            lanspread_tests::Node::Folder => archive.add_directory(path.into_bytes(), None, None).unwrap(),
            lanspread_tests::Node::File { .. } => {
                let bytes = fs::read(source.join(&path)).unwrap();
                archive.add_bytes(path.into_bytes(), bytes, None, None).unwrap();
            }
        }
    }
    fs::create_dir_all(folder).unwrap();
    archive.write_to_path(&folder.join("ut.eti"), None).unwrap();
    write_file(&folder.join("game_start.cmd"), "@echo off\r\nstart System\\ut.exe\r\n");
    write_file(&folder.join(".SyncIgnore"), "local\n");
    // Without a line's end, as they are.
    write_file(&folder.join("version.ini"), version);
}

/// The other launcher's folder beside its games, and the catalog that is made of it.
fn import(party: &Party, games: &Path, version: &str) {
    let update = games.join("eti_launcher/update");
    fs::create_dir_all(&update).unwrap();
    let path = update.join("game.db");
    drop(fs::remove_file(&path));
    let database = rusqlite::Connection::open(&path).unwrap();
    let sql = format!(
        "CREATE TABLE games (game_id TEXT, db_id INTEGER PRIMARY KEY, game_title, game_key, game_maxplayers, game_version);
         INSERT INTO games VALUES ('ut', 1, 'Unreal', 'KEY-SECRET', '2 (+ 6 CPU)', '{version}');"
    );
    database.execute_batch(&sql).unwrap();
    database.close().unwrap();
    let imported = lanspread([
        "catalog".as_ref(),
        "import-eti".as_ref(),
        path.as_os_str(),
        "--out".as_ref(),
        party.catalog().as_os_str(),
    ]);
    imported.ok();
    assert_eq!((&imported.json()["games"], &imported.json()["signed"]), (&json!(1), &json!(false)));
    assert!(!fs::read_to_string(party.catalog()).unwrap().contains("SECRET"));
}

fn on(party: &Party, name: &str, games: &Path) -> PeerBuilder {
    party.peer_on(name, games).arg("--no-fetch-ahead")
}

#[test]
fn a_package_is_shared_installed_and_updated_as_it_is() {
    let party = Party::new();
    let (old, new) = (party.path().join("old"), party.path().join("new"));
    package(&party, "20250308", &old.join("ut"));
    import(&party, &old, "20250308");
    let before = read_tree(&old.join("ut"));
    let holder = on(&party, "holder", &old).start();
    holder.until_state("ut", "downloaded");
    assert_eq!(holder.game("eti_launcher"), json!(null), "it is no game");

    let mut ben = party.peer("ben").arg("--no-fetch-ahead").knows(&holder).env("PATH", "/nowhere").start();
    ben.until_sources("ut", 1);
    ben.carry_out("install", json!({ "cmd": "download", "game": "ut", "install": true }));
    has(&ben, &old.join("ut"), "20250308", &party);
    assert_eq!(ben.game("ut")["installed_version"], "20250308");
    holder.until_sources("ut", 1);
    assert_eq!(read_tree(&old.join("ut")), before, "nothing of the package was changed");
    let refusal = ben.is_refused(json!({ "cmd": "start", "game": "ut" }), "refused");
    assert!(refusal.message.contains("wine"), "{refusal:?}");
    write_file(&ben.folder("ut").join("local/System/ut.ini"), "[Core]\nmine=1\n");
    write_file(&ben.folder("ut").join("local/Save/one.sav"), "my save");

    package(&party, "20251115", &new.join("ut"));
    import(&party, &new, "20251115");
    let newer = on(&party, "newer", &new).start();
    newer.until_state("ut", "downloaded");
    ben.stop();
    drop(holder);
    let ben = on(&party, "ben-later", ben.games()).knows(&newer).start();
    ben.until("the update", |ben| ben.sources("ut") == 1 && ben.game("ut")["update_available"] == true);
    let mark = ben.mark();
    ben.carry_out("install", json!({ "cmd": "update", "game": "ut" }));
    assert_eq!(ben.game("ut")["installed_version"], "20251115");
    let local = ben.folder("ut").join("local");
    assert_eq!(fs::read_to_string(local.join("Save/one.sav")).unwrap(), "my save");
    fs::remove_dir_all(local.join("Save")).unwrap();
    has(&ben, &new.join("ut"), "20251115", &party);
    let kept = ben.wait_after(mark, "files-kept", |event| event.about("files-kept", "ut"));
    assert_eq!(kept["paths"], json!(["System/ut.ini"]));
    let fetched = ben.status("rx_bytes");
    assert!(fetched < MIB, "{fetched} bytes for 200 KiB in a stored archive");
}

/// The package as it is there, without what it is not to share, and its archive's content in `local/`.
#[track_caller]
fn has(peer: &lanspread_tests::Peer, package: &Path, version: &str, party: &Party) {
    let mut expected = read_tree(package);
    expected.remove(".SyncIgnore");
    assert_eq!(read_tree(&peer.folder("ut")), expected);
    let local = read_tree(&peer.folder("ut").join("local"));
    assert_eq!(local, read_tree(&party.path().join(format!("content-{version}"))));
    assert!(!local.contains_key("game_start.cmd"));
}
