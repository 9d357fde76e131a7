//! A games folder of the version before is opened by this one: everything is there, and nothing is asked or done twice.
//!
//! `state-N.tar.gz` is what version N left: the folders of a seed and of a guest, with the times of all files. When what
//! lies on disk changes, the archive of the version before is written first, by
//! `cargo test --workspace --test upgrade -- --ignored`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests fail the test")]
#![cfg(target_os = "linux")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lanspread_tests::{Event, Game, Mark, Party, Peer, write_file};
use serde_json::json;

/// The version whose folders are written.
const WRITTEN: &str = "state-1";
/// The versions whose folders are opened.
const OPENED: [&str; 1] = ["state-1"];

fn archive(version: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(format!("{version}.tar.gz"))
}

fn tar(args: &[&str], archive: &Path, folder: &Path) {
    let mut tar = Command::new("tar");
    tar.args(args).arg("-f").arg(archive).arg("-C").arg(folder);
    if args.contains(&"-c") {
        tar.args(["seed", "guest"]);
    }
    assert!(tar.status().is_ok_and(|status| status.success()), "{tar:?}");
}

fn chess() -> Game {
    Game::new("chess", "1.0")
        .text("readme.txt", "A small game.\n")
        .text("server.cfg", "name = as shipped\n")
        .script("bin/game", "#!/bin/sh\nexit 0\n")
        .script("bin/setup", "#!/bin/sh\necho once >> setup-ran\n")
        .publish_arg("--start", "bin/game@linux")
        .publish_arg("--start", "setup=bin/setup@linux")
        .publish_arg("--keep", "saves/**")
}

/// Some units that pack well and do not repeat.
fn arena() -> Game {
    (0..5).fold(Game::new("arena", "1.0"), |game, file| {
        let lines = (0..10_000).map(|line| format!("file {file}, line {line}, no other is like it\n"));
        game.text(&format!("maps/{file}.txt"), &lines.collect::<String>())
    })
}

fn play(peer: &Peer) {
    let mark = peer.mark();
    peer.ask(json!({ "cmd": "start", "game": "chess" }));
    peer.wait_after(mark, "game-exited", |event| event.about("game-exited", "chess"));
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The texts below `kept/`, wherever they lie.
fn kept(guest: &Peer) -> Vec<String> {
    let files = walkdir::WalkDir::new(guest.folder("chess").join(".lanspread/kept")).into_iter().flatten();
    files.filter(|entry| entry.file_type().is_file()).map(|entry| text(entry.path())).collect()
}

#[test]
#[ignore = "it writes what the next version is tested with"]
fn the_folders_of_this_version_are_written_down() {
    let party = Party::new();
    // It has the catalog from the seed alone.
    let guest = party.peer("guest");
    let games = [chess(), arena()].map(|game| party.publish(&game));
    let seed = party.seed("seed", &[&games[0], &games[1]]).pinned().upload_limit(200_000).start();
    let mut guest = guest.knows(&seed).start();
    guest.wait("the catalog", |event| event.is("catalog-offered"));
    guest.ask(json!({ "cmd": "trust", "key": party.organiser() }));
    guest.until_sources("chess", 1);
    guest.carry_out("install", json!({ "cmd": "download", "game": "chess", "install": true }));
    play(&guest);
    let local = guest.folder("chess").join("local");
    write_file(&local.join("saves/1"), "mine: an old save");
    write_file(&local.join("server.cfg"), "mine: an old config");
    guest.carry_out("uninstall", json!({ "cmd": "uninstall", "game": "chess", "saves": "keep" }));
    guest.carry_out("install", json!({ "cmd": "install", "game": "chess" }));
    play(&guest);
    write_file(&local.join("server.cfg"), "mine: a config");
    let mark = guest.download("arena");
    guest.wait_progress(mark, "arena", 40);
    guest.kill9();
    drop(seed);
    for name in ["seed", "guest"] {
        // The reserve is large; both it and what is this PC's alone are made anew.
        for left_out in ["reserve", "logs", "control", "lock", "identity"] {
            let path = party.path().join(name).join("games/.lanspread").join(left_out);
            drop(fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path)));
        }
    }
    tar(
        &["-c", "-z", "--format=posix", "--owner=0", "--group=0", "--numeric-owner"],
        &archive(WRITTEN),
        party.path(),
    );
}

#[test]
fn a_folder_of_an_earlier_version_has_everything_and_asks_nothing() {
    for version in OPENED {
        let party = Party::new();
        tar(&["-x", "-z", "-p"], &archive(version), party.path());
        let seed = party.peer("seed").with_catalog(&party.path().join("seed/catalog.ron")).start();
        seed.until_state("arena", "downloaded");
        let guest = party.peer("guest").start();
        guest.until_state("chess", "installed");
        let chess = guest.game("chess");
        assert_eq!(
            (&chess["installed"], &chess["installed_version"]),
            (&json!(true), &json!("1.0")),
            "{chess}"
        );
        assert_eq!(chess["update_available"], false, "{chess}");

        // The download goes on, with what was here.
        let mark = Mark::default();
        guest.ask(json!({ "cmd": "connect", "address": seed.address() }));
        guest.wait_downloaded(mark, "arena");
        let all = seed.game("arena")["local"]["bytes"].as_u64().unwrap();
        let fetched = guest.status("rx_bytes");
        assert!(0 < fetched && fetched < all * 3 / 4, "{fetched} of {all} bytes were fetched");
        let asked = |event: &Event| event.is("catalog-offered") || event.is("notice");
        assert!(!guest.events().iter().any(asked), "{:?}", guest.events());

        // The setup ran, and does not run again.
        let local = guest.folder("chess").join("local");
        play(&guest);
        assert_eq!(text(&local.join("bin/setup-ran")), "once\n");
        assert_eq!(text(&local.join("server.cfg")), "mine: a config");
        assert_eq!(text(&local.join("saves/1")), "mine: an old save");
        assert_eq!(kept(&guest), ["mine: an old config"]);

        // What is taken away now comes back, and not what an older uninstall kept.
        guest.carry_out("uninstall", json!({ "cmd": "uninstall", "game": "chess", "saves": "keep" }));
        guest.carry_out("install", json!({ "cmd": "install", "game": "chess" }));
        assert_eq!(text(&local.join("saves/1")), "mine: an old save");
        let mut kept = kept(&guest);
        kept.sort();
        assert_eq!(kept, ["mine: a config", "mine: an old config"]);
    }
}
