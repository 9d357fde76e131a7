//! A real game, program and data, from publishing to playing: its server answers, its client opens a window.
//!
//! `.ci/run` puts the unpacked Debian packages into `<target>/real-games/` and installs what they need to run.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests fail the test")]
#![cfg(target_os = "linux")]

use std::fs;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use lanspread_tests::{
    Event, Game, Party, Peer, Screen, assert_same_tree, has_program, program, skip, write_file,
};
use serde_json::json;

const PACKAGES: [&str; 3] = ["teeworlds", "teeworlds-data", "teeworlds-server"];
/// Where the game looks for its data, from the folder of its programs, in which it is started.
const STORAGE: &str = "add_path $CURRENTDIR\nadd_path ../share/games/teeworlds/data\n";

/// The packages' folders, or the first one that is not there.
fn packages() -> Result<Vec<PathBuf>, String> {
    let folder = std::env::var_os("LANSPREAD_REAL_GAMES").map_or_else(
        || program().ancestors().nth(2).map(|target| target.join("real-games")).unwrap_or_default(),
        PathBuf::from,
    );
    PACKAGES
        .iter()
        .map(|name| {
            let package = folder.join(name);
            if package.is_dir() { Ok(package) } else { Err(format!("{} is not there", package.display())) }
        })
        .collect()
}

/// Whether all libraries of a program are on this machine.
fn can_run(program: &Path) -> bool {
    let listed = Command::new("ldd").arg(program).output();
    listed.is_ok_and(|listed| {
        listed.status.success() && !String::from_utf8_lossy(&listed.stdout).contains("not found")
    })
}

/// All packages in one tree. A link to a font of another package becomes that font, if it is on this machine.
fn join(packages: &[PathBuf], to: &Path) {
    for package in packages {
        for entry in walkdir::WalkDir::new(package).into_iter().flatten() {
            let inside = entry.path().strip_prefix(package).unwrap();
            let from =
                if entry.path_is_symlink() { Path::new("/").join(inside) } else { entry.path().to_owned() };
            let target = to.join(inside);
            if entry.file_type().is_dir() {
                fs::create_dir_all(&target).unwrap();
            } else if from.is_file() {
                fs::copy(&from, &target).unwrap();
            }
        }
    }
}

/// A game that was started; its process is ended when the story fails.
struct Running<'a> {
    peer: &'a Peer,
    entry: &'a str,
    pid: String,
}

impl<'a> Running<'a> {
    fn start(peer: &'a Peer, entry: &'a str) -> Self {
        let reply = peer.ask(json!({ "cmd": "start", "game": "teeworlds", "entry": entry }));
        Self { peer, entry, pid: reply["pid"].to_string() }
    }

    fn kill(&self, signal: &str) {
        drop(Command::new("kill").args([signal, &self.pid]).stderr(Stdio::null()).status());
    }

    fn has_exited(&self) -> bool {
        self.peer.events().iter().any(|event| self.is_exit(event))
    }

    fn is_exit(&self, event: &Event) -> bool {
        event.about("game-exited", "teeworlds") && event["entry"] == self.entry
    }

    fn end(self) -> Event {
        self.kill("-TERM");
        self.peer.wait("game-exited", |event| self.is_exit(event))
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if !self.has_exited() {
            self.kill("-KILL");
        }
    }
}

/// Asks for a token, as a client does first. An answer carries ours back.
fn answers(port: u16) -> bool {
    const TOKEN: [u8; 4] = *b"lan!";
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let mut packet = vec![0x04, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0x05];
    packet.extend(TOKEN);
    packet.extend([0; 508]);
    // Nobody listens yet: the next try may be answered.
    drop(socket.send_to(&packet, ("127.0.0.1", port)));
    let mut answer = [0; 1500];
    let expected = [&[0x04, 0x00, 0x00][..], &TOKEN, &[0x05]].concat();
    socket.recv(&mut answer).is_ok_and(|bytes| answer[..bytes].starts_with(&expected))
}

fn free_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn teeworlds_is_published_fetched_installed_and_played() {
    let packages = match packages() {
        Ok(packages) => packages,
        Err(why) => return skip("Teeworlds", &why),
    };
    let party = Party::new();
    let source = party.path().join("teeworlds");
    join(&packages, &source);
    write_file(&source.join("usr/games/storage.cfg"), STORAGE);
    let port = free_port();
    let game = Game::new("teeworlds", "0.7.5")
        .publish_arg("--links", "skip")
        .publish_arg("--start", "play=usr/games/teeworlds \"player_name {player}\" \"snd_enable 0\"@linux")
        .publish_arg(
            "--start",
            &format!(
                "server=usr/games/teeworlds-server \"sv_port {port}\" \"sv_register 0\" \"bindaddr 127.0.0.1\"@linux"
            ),
        );
    let published = party.publish_from(&game, &source);
    let seed = party.origin("seed", &published).start();
    let home = party.path().join("home");
    fs::create_dir_all(&home).unwrap();
    let screen = has_program("Xvfb").then(Screen::open);
    let display = screen.as_ref().map_or("", |screen| &screen.display);
    let ben = party.peer("ben").knows(&seed).env("HOME", &home.display().to_string()).env("DISPLAY", display);
    let ben = ben.env("SDL_AUDIODRIVER", "dummy").start();
    ben.until_sources("teeworlds", 1);
    ben.carry_out("install", json!({ "cmd": "download", "game": "teeworlds", "install": true }));
    let local = ben.folder("teeworlds").join("local");
    assert_same_tree(&source, &local);

    if can_run(&local.join("usr/games/teeworlds-server")) {
        let server = Running::start(&ben, "server");
        ben.until("the server answers", |_| {
            assert!(!server.has_exited(), "the server ended");
            answers(port)
        });
        server.end();
    } else {
        skip("the server of Teeworlds", "libraries that it needs are not on this machine");
    }

    match &screen {
        Some(screen) if has_program("xdotool") && can_run(&local.join("usr/games/teeworlds")) => {
            let client = Running::start(&ben, "play");
            ben.until("its window", |_| {
                assert!(!client.has_exited(), "the client ended");
                screen.has_window("Teeworlds")
            });
            client.end();
        }
        _ => skip(
            "the client of Teeworlds",
            "it needs Xvfb, xdotool and the libraries of the package teeworlds",
        ),
    }
    assert_eq!(ben.game("teeworlds")["running"], json!([]));
}
