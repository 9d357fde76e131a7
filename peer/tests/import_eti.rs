//! `catalog import-eti` as an organiser uses it: one JSON line on stdout, what was left out on stderr.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::json;

fn lanspread(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lanspread-peer"));
    command.current_dir(folder).args(args).env_remove("RUST_LOG").output().unwrap()
}

fn import(folder: &Path) -> Output {
    lanspread(folder, &["catalog", "import-eti", "eti_launcher/update/game.db", "--out", "catalog.ron"])
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap().trim_end()
}

/// A launcher's folder: a database with two games and a useless row, and a cover.
fn launcher() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let update = folder.path().join("eti_launcher/update");
    fs::create_dir_all(&update).unwrap();
    let database = rusqlite::Connection::open(update.join("game.db")).unwrap();
    let sql = "CREATE TABLE games (game_id, game_title, game_key, game_version);
        INSERT INTO games VALUES ('ut', 'UT', 'KEY-SECRET', '20250308'), ('chess', 'Chess', 'KEY-SECRET', NULL),
            ('../evil', 'Evil', 'KEY-SECRET', '1')";
    database.execute_batch(sql).unwrap();
    database.close().unwrap();
    let mut assets = rars::Builder::new(rars::ArchiveVersion::Rar50);
    assets.add_bytes(b"assets/ut.jpg".to_vec(), b"\xff\xd8\xff image".to_vec(), None, None).unwrap();
    assets.write_to_path(&update.join("assets.eti"), None).unwrap();
    folder
}

#[test]
fn a_launcher_s_games_become_a_catalog_that_the_other_commands_read() {
    let folder = launcher();
    let run = import(folder.path());
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    let line: serde_json::Value = serde_json::from_str(text(&run.stdout)).unwrap();
    let expected =
        json!({"out": "catalog.ron", "serial": 1, "games": 2, "covers": 1, "skipped": 1, "signed": false});
    assert_eq!(line, expected);
    let said = text(&run.stderr);
    assert!(
        said.starts_with("lanspread-peer: left out: “../evil” is no game id") && !said.contains('\n'),
        "{said}"
    );
    assert!(!said.contains("SECRET"));

    let check = lanspread(folder.path(), &["catalog", "check", "catalog.ron"]);
    assert_eq!(text(&check.stdout), "“LAN party”, serial 1, 2 games, not signed: no mistakes");
    let show = lanspread(folder.path(), &["catalog", "show", "catalog.ron", "--json"]);
    let shown: serde_json::Value = serde_json::from_str(text(&show.stdout)).unwrap();
    let cover = shown["games"][0]["cover"].as_str().unwrap();
    assert_eq!(fs::read(folder.path().join("covers").join(cover)).unwrap(), b"\xff\xd8\xff image");

    let again: serde_json::Value = serde_json::from_str(text(&import(folder.path()).stdout)).unwrap();
    assert_eq!(again["serial"], 2);
}

#[test]
fn what_is_no_database_is_one_line_and_changes_nothing() {
    let folder = launcher();
    fs::write(folder.path().join("eti_launcher/update/game.db"), "text").unwrap();
    let run = import(folder.path());
    assert_eq!((run.status.code(), text(&run.stdout)), (Some(1), ""));
    let said = "lanspread-peer: “eti_launcher/update/game.db” is no sound database: it is no SQLite file";
    assert_eq!(text(&run.stderr), said);
    assert!(!folder.path().join("catalog.ron").exists() && !folder.path().join("covers").exists());
    let help = lanspread(folder.path(), &["catalog", "import-eti", "--help"]);
    assert!(text(&help.stdout).contains("covers") && text(&help.stdout).contains("--out <FILE>"));
}
