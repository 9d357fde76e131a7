//! The window's program, used by mouse and keys on a screen of its own: what a guest does from the first start on.
//!
//! A real peer shares a real game. What the window does is seen on disk and on the screen; the places that are clicked are
//! those of the design at 1280 x 800. Pictures of each step stay in `target/ci/pictures`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests fail the test")]
#![cfg(target_os = "linux")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use lanspread_tests::{
    Game, MIB, Party, SCREEN_PROGRAMS, Screen, has_program, pictures, skip, until, window_program,
};
use serde_json::json;

/// On the edges of fields, which the one that has the keyboard shows.
const NAME_EDGE: (u32, u32) = (780, 315);
const FOLDER_EDGE: (u32, u32) = (780, 425);
/// Buttons, beside their words.
const START: (u32, u32) = (640, 577);
const BANNER_BUTTON: (u32, u32) = (1165, 36);
const TRUST_IT: (u32, u32) = (772, 490);
const CARD_BUTTON: (u32, u32) = (130, 408);
const UPDATE_NOW: (u32, u32) = (738, 534);
const REMOVE_DOWNLOAD: (u32, u32) = (1183, 350);
const REMOVE: (u32, u32) = (715, 576);
const CARD_COVER: (u32, u32) = (202, 250);
/// Of no use to anybody.
const NOWHERE: (u32, u32) = (640, 600);
/// Of the dark theme, as UI.md has them.
const ACCENT: &str = "#3DDCB4";
const ACCENT_HOVERED: &str = "#63E8C7";
const DANGER_HOVERED: &str = "#E24B58";
const INSTALLED: &str = "#14352F";
const UPDATE: &str = "#15273E";
const PANEL: &str = "#161B23";

/// The running program; killed when the story fails.
struct Window<'a> {
    process: Child,
    screen: &'a Screen,
    games: PathBuf,
}

impl<'a> Window<'a> {
    fn open(screen: &'a Screen, home: &Path, games: &Path, peer: &str) -> Self {
        let mut command = command(screen, home);
        command.args(["--bind", "127.0.0.1", "--port", "0", "--no-mdns", "--peer", peer]);
        let mut process = command.spawn().unwrap();
        until("the window", || {
            let ended = process.try_wait().unwrap();
            assert!(ended.is_none(), "the program ended before its window: {ended:?}");
            screen.has_window("Lanspread")
        });
        screen.focus("Lanspread");
        Self { process, screen, games: games.to_owned() }
    }

    fn picture(&self, name: &str) {
        self.screen.picture(&pictures().join(format!("window-{name}.png")));
    }

    fn until_color(&self, what: &str, place: (u32, u32), color: &str) {
        until(what, || self.screen.color(place) == color);
    }

    /// Clicks a button once it has seen the pointer.
    fn click(&self, what: &str, place: (u32, u32), hovered: &str) {
        self.screen.point(place);
        self.until_color(what, place, hovered);
        self.screen.press();
    }

    fn until_file(&self, path: &str, holds: impl Fn(Option<String>) -> bool) {
        let file = self.games.join(path);
        until(path, || holds(fs::read_to_string(&file).ok()));
    }
}

impl Drop for Window<'_> {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn command(screen: &Screen, home: &Path) -> Command {
    let mut command = Command::new(window_program().unwrap());
    // Software renders, and nothing of this PC's own desktop counts.
    command.env("DISPLAY", &screen.display).env("HOME", home).env("USER", "guest").env("LANG", "C.UTF-8");
    for name in ["WAYLAND_DISPLAY", "WAYLAND_SOCKET", "XDG_CONFIG_HOME", "DBUS_SESSION_BUS_ADDRESS"] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// It writes who plays into a save, once.
fn game() -> Game {
    let script = "#!/bin/sh\nmkdir -p saves\n[ -f saves/first ] || echo \"$1\" > saves/first\n";
    let game = Game::new("chess", "1.0").script("play.sh", script).noise("data/board.pak", 4 * MIB);
    game.publish_arg("--start", "play.sh {player}@linux").publish_arg("--keep", "saves/*")
}

#[test]
fn a_guest_plays_updates_and_removes_a_game_by_mouse_and_keys() {
    let story = "the window by mouse and keys";
    if let Some(missing) = SCREEN_PROGRAMS.iter().find(|name| !has_program(name)) {
        return skip(story, &format!("{missing} is not here"));
    }
    if window_program().is_none() {
        return skip(story, "the window's program was not built; cargo test --workspace builds it");
    }
    let party = Party::new();
    let [home, games] = ["home", "games"].map(|name| party.path().join(name));
    fs::create_dir_all(&home).unwrap();
    let seed = party.origin("seed", &party.publish(&game())).pinned().start();
    let screen = Screen::open();
    let mut window = Window::open(&screen, &home, &games, &seed.address());

    window.until_color("the form, begun in its first field", NAME_EDGE, ACCENT);
    screen.keys(&["ctrl+a"]);
    screen.write("Mika");
    screen.keys(&["Tab"]);
    window.until_color("the next field", FOLDER_EDGE, ACCENT);
    screen.keys(&["ctrl+a"]);
    screen.write(games.to_str().unwrap());
    window.until_color("a folder that will do", START, ACCENT);
    window.picture("1-first-run");
    window.click("Start", START, ACCENT_HOVERED);
    window.until_file(".lanspread/window", |file| file.is_some());

    // The party's catalog is offered, and counts only once it is trusted.
    window.until_color("the catalog's banner", BANNER_BUTTON, ACCENT);
    window.click("Review", BANNER_BUTTON, ACCENT_HOVERED);
    screen.point(NOWHERE);
    window.until_color("the question", TRUST_IT, ACCENT);
    window.picture("2-trust");
    window.click("Trust it", TRUST_IT, ACCENT_HOVERED);
    window.until_file(".lanspread/catalog.ron", |file| file.is_some());

    until("a card without a banner", || screen.color((202, 120)) != screen.color((100, 120)));
    window.picture("3-library");
    window.click("Download", CARD_BUTTON, ACCENT_HOVERED);
    window.until_file("chess/version.ini", |file| file.is_some_and(|text| text.starts_with("1.0")));
    until("the installation", || games.join("chess/local/play.sh").is_file());
    screen.point(NOWHERE);
    window.until_color("Play", CARD_BUTTON, INSTALLED);
    window.picture("4-installed");
    window.click("Play", CARD_BUTTON, ACCENT_HOVERED);
    window.until_file("chess/local/saves/first", |file| file.as_deref() == Some("Mika\n"));

    let new = game().in_version("2.0").noise("data/more.pak", MIB);
    let source = party.path().join("new version");
    new.write_to(&source);
    party.run_publish(&new, seed.games(), &source).ok();
    screen.point(NOWHERE);
    window.until_color("an update", CARD_BUTTON, UPDATE);
    window.picture("5-update");
    window.click("Update", CARD_BUTTON, ACCENT_HOVERED);
    screen.point(NOWHERE);
    window.until_color("the question", UPDATE_NOW, ACCENT);
    window.picture("6-question");
    // The focus begins on this button.
    screen.keys(&["Return"]);
    window.until_file("chess/version.ini", |file| file.is_some_and(|text| text.starts_with("2.0")));
    until("the new installation", || games.join("chess/local/data/more.pak").is_file());
    window.until_file("chess/local/saves/first", |file| file.as_deref() == Some("Mika\n"));

    screen.point(NOWHERE);
    window.until_color("Play", CARD_BUTTON, INSTALLED);
    screen.click(CARD_COVER);
    window.until_color("the details", (510, 700), PANEL);
    window.picture("7-details");
    screen.click(REMOVE_DOWNLOAD);
    until("the question", || screen.color((510, 700)) != PANEL && screen.color((870, 255)) == PANEL);
    window.picture("8-remove");
    window.click("Remove", REMOVE, DANGER_HOVERED);
    until("the removal", || !games.join("chess/version.ini").exists());
    assert!(games.join("chess/local/play.sh").is_file(), "only the download was ticked");

    // Whoever starts it again finds this window.
    let mut second = command(&screen, &home);
    let second = second.arg("--games").arg(&games).status().unwrap();
    assert!(second.success() && window.process.try_wait().unwrap().is_none());
    seed.ask(json!({ "cmd": "peers" }));
}
