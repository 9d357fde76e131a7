//! The Windows programs, run by wine among Linux peers: what a guest with Windows does, from the stick to the end.
//!
//! `dist/windows.sh` builds the programs. Where they, wine or the cross compiler are missing, the stories say that they
//! were skipped. Under wine no UDP socket of quinn's own kind exists, so these also try the plain ones.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests fail the test")]
#![cfg(target_os = "linux")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::{Mutex, PoisonError};

use lanspread_tests::{
    Game, Host, Lan, MIB, Node, Party, SCREEN_PROGRAMS, Screen, Wine, assert_same_tree, has_program,
    pictures, read_tree, skip, until, write_file,
};
use serde_json::json;

/// A Windows takes 700 MB and all cores to come up: one at a time.
static ONE: Mutex<()> = Mutex::new(());

/// *Start* of the first run, beside its word: where the window is whole on the screen, and no window manager is there.
const START: (u32, u32) = (644, 600);
/// Of the dark theme, as UI.md has it.
const ACCENT: &str = "#3DDCB4";

/// Runs until somebody puts a file `stop` beside it.
const GAME: &str = r#"
#include <io.h>
#include <stdio.h>
#include <windows.h>
int main(int count, char **words) {
    printf("started as %s\n", count > 1 ? words[1] : "nobody");
    fflush(stdout);
    for (int i = 0; i < 1200 && _access("stop", 0) != 0; i++) Sleep(50);
    puts("bye");
    return 7;
}
"#;

/// Names and contents: Windows knows no executable bit.
fn contents(root: &Path) -> BTreeMap<String, Option<blake3::Hash>> {
    let hash = |node| match node {
        Node::Folder => None,
        Node::File { hash, .. } => Some(hash),
    };
    read_tree(root).into_iter().map(|(path, node)| (path, hash(node))).collect()
}

fn wine(party: &Party, screen: Option<&Screen>, host: Option<&Host>, story: &str) -> Option<Wine> {
    Wine::new(&party.path().join("wine"), screen, host)
        .map_err(|why| skip(&format!("wine: {story}"), &why))
        .ok()
}

#[test]
fn a_windows_pc_fetches_plays_and_shares_a_game() {
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let party = Party::new();
    let Some(wine) = wine(&party, None, None, "a Windows PC fetches, plays and shares") else { return };
    let game = Game::small("chess").bytes("bin/play.exe", &wine.compile(GAME));
    let game = party.publish(&game.publish_arg("--start", "bin/play.exe {player}@windows"));
    let mut seed = party.seed("seed", &[&game]).start();
    let ben = party.peer("ben").knows(&seed).in_wine(&wine).start();
    seed.until_connected_to(&ben);
    ben.until_sources("chess", 1);
    ben.carry_out("install", json!({ "cmd": "download", "game": "chess", "install": true }));
    let folder = ben.folder("chess");
    assert_eq!(
        fs::read(folder.join("version.ini")).unwrap(),
        fs::read(game.payload.join("version.ini")).unwrap()
    );
    assert_eq!(contents(&game.source), contents(&folder.join("local")));

    ben.ask(json!({ "cmd": "start", "game": "chess" }));
    ben.wait("game-started", |event| event.about("game-started", "chess"));
    ben.is_refused(json!({ "cmd": "uninstall", "game": "chess" }), "game_running");
    write_file(&folder.join("local/bin/stop"), "");
    let exited = ben.wait("game-exited", |event| event.about("game-exited", "chess"));
    assert_eq!((&exited["code"], &exited["output"]), (&json!(7), &json!(["started as ben", "bye"])));

    seed.stop();
    let mut carl = party.peer("carl").knows(&ben).start();
    carl.fetch("chess");
    assert_same_tree(&game.payload, &carl.folder("chess"));
    carl.stop();
}

#[test]
fn a_windows_pc_that_was_cut_off_goes_on_where_it_was() {
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let party = Party::new();
    let Some(wine) = wine(&party, None, None, "kill -9 and going on") else { return };
    let game = party.publish(&Game::big("arena", 48 * MIB));
    let seed = party.seed("seed", &[&game]).upload_limit(12 * MIB).start();
    let mut ben = party.peer("ben").knows(&seed).in_wine(&wine).start();
    let mark = ben.download("arena");
    ben.wait_progress(mark, "arena", 40);
    ben.restart();
    ben.wait_downloaded(lanspread_tests::Mark::default(), "arena");
    assert_same_tree(&game.payload, &ben.folder("arena"));
    let fetched = ben.status("rx_bytes");
    assert!(fetched < game.bytes, "what was here was fetched again: {fetched} of {} bytes", game.bytes);
}

#[test]
fn a_windows_pc_finds_the_party_by_itself_and_outlives_a_pulled_cable() {
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let story = "found by mDNS, and unplugged";
    let Some(lan) = Lan::new(&format!("wine: {story}")) else { return };
    let party = Party::new();
    let (cable, other) = (lan.host(), lan.host());
    let Some(wine) = wine(&party, None, Some(&cable), story) else { return };
    let game = party.publish(&Game::big("arena", 48 * MIB));
    let _seed = party.seed("seed", &[&game]).on(&other).with_mdns().upload_limit(12 * MIB).start();
    let ben = party.peer("ben").in_wine(&wine).on(&cable).with_mdns().start();
    let mark = ben.download("arena");
    ben.wait_progress(mark, "arena", 40);
    cable.set_plugged_in(false);
    ben.wait_after(mark, "no source is left", |event| event.about("download-all-peers-gone", "arena"));
    assert!(!ben.folder("arena").join("version.ini").exists(), "half a game has no sentinel");
    cable.set_plugged_in(true);
    ben.wait_downloaded(mark, "arena");
    assert_same_tree(&game.payload, &ben.folder("arena"));
    let fetched = ben.status("rx_bytes");
    assert!(fetched < game.bytes * 5 / 4, "what was here was fetched again: {fetched} bytes");
}

/// The window's program on a stick; killed when the story fails.
struct Window(Child);

impl Window {
    fn open(wine: &Wine, screen: &Screen, program: &Path) -> Self {
        let mut command = wine.command(program);
        command.args(["--no-mdns", "--bind", "127.0.0.1", "--port", "0"]);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let mut window = Self(command.spawn().expect("wine starts"));
        until("the window", || {
            let ended = window.0.try_wait().unwrap();
            assert!(ended.is_none(), "the program ended before its window: {ended:?}");
            screen.has_window("Lanspread")
        });
        window
    }

    /// As a click on its cross does.
    fn close(mut self, wine: &Wine) {
        let asked = wine.command("taskkill").args(["/im", "lanspread.exe"]).stdout(Stdio::null()).status();
        assert!(asked.is_ok_and(|status| status.success()), "taskkill");
        until("the end of the program", || self.0.try_wait().unwrap().is_some());
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// All files of the disk `C:`, but those that wine itself writes at any time.
fn files(prefix: &Path) -> BTreeSet<PathBuf> {
    let disk = prefix.join("drive_c");
    let all = walkdir::WalkDir::new(&disk).into_iter().flatten().map(|entry| entry.path().to_owned());
    all.filter(|path| !path.starts_with(disk.join("windows/temp"))).collect()
}

#[test]
fn the_window_opens_from_the_stick_and_leaves_nothing_on_the_pc() {
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let story = "the window from a stick";
    let party = Party::new();
    if let Some(missing) = SCREEN_PROGRAMS.iter().find(|name| !has_program(name)) {
        return skip(&format!("wine: {story}"), &format!("{missing} is not here"));
    }
    let screen = Screen::open();
    let Some(wine) = wine(&party, Some(&screen), None, story) else { return };
    let stick = party.path().join("stick");
    fs::create_dir_all(&stick).unwrap();
    let program = stick.join("lanspread.exe");
    fs::copy(wine.program("lanspread"), &program).unwrap();
    // Wine's own desktop puts some files there with the first window of any program.
    let mut other = wine.command("notepad").spawn().unwrap();
    until("a window of wine's own", || screen.has_window("Notepad"));
    drop(wine.command("taskkill").args(["/f", "/im", "notepad.exe"]).status());
    drop(other.wait());
    let before = files(&wine.prefix());

    fs::write(stick.join("lanspread.ron"), "{}").unwrap();
    let window = Window::open(&wine, &screen, &program);
    until("a folder that will do", || screen.color(START) == ACCENT);
    screen.picture(&pictures().join("wine-first-run.png"));
    screen.click(START);
    // The form suggests a folder of the person's, whatever the person is called here.
    let chosen = || {
        let persons = fs::read_dir(wine.prefix().join("drive_c/users")).unwrap().flatten();
        let mut folders = persons.map(|person| person.path().join("Lanspread"));
        folders.find(|games| games.join(".lanspread/window").is_file())
    };
    until("the peer on the folder of the form", || chosen().is_some());
    let games = chosen().unwrap();
    window.close(&wine);
    assert!(stick.join("lanspread-pcs.ron").is_file(), "the stick knows what this PC chose");

    let window = Window::open(&wine, &screen, &program);
    until("the peer on its games folder", || games.join(".lanspread/window").is_file());
    let picture = pictures().join("wine-library.png");
    until("something to see", || screen.picture(&picture) > 100);
    assert_ne!(screen.color(START), ACCENT, "nothing is asked a second time");
    window.close(&wine);

    let after = files(&wine.prefix());
    let left: Vec<_> = after.difference(&before).filter(|path| !path.starts_with(&games)).collect();
    assert!(left.is_empty(), "left on the PC: {left:#?}");
}
