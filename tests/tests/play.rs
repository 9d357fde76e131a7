//! Starting games: their output and exit code, their whole process tree, and what rests while one runs.

#![cfg(unix)]

use std::fs;

use lanspread_tests::{Game, MIB, Party, Peer, Published, write_file};
use serde_json::json;

/// Runs until somebody puts a file `stop` into its folder, and not for ever: a game outlives its peer.
const UNTIL_STOPPED: &str = r#"#!/bin/sh
echo "started as $1"
for _ in $(seq 1200); do
    [ -e stop ] && break
    sleep 0.05
done
echo bye
"#;

fn game() -> Game {
    Game::small("chess")
        .script("bin/play", UNTIL_STOPPED)
        .script("bin/server", UNTIL_STOPPED)
        .script("bin/fail", "#!/bin/sh\necho no sound card\nexit 3\n")
        .script("bin/launcher", "#!/bin/sh\nsh ./play child &\n")
        .script("bin/setup", "#!/bin/sh\necho once >> setup-ran\n")
        .publish_arg("--start", "bin/play {player}@linux")
        .publish_arg("--start", "server=bin/server {player}@linux")
        .publish_arg("--start", "fail=bin/fail@linux")
        .publish_arg("--start", "launcher=bin/launcher@linux")
        .publish_arg("--start", "setup=bin/setup@linux")
        .publish_arg("--start", "join=bin/play {server}@linux")
}

fn player(party: &Party, name: &str, published: &Published) -> Peer {
    let peer = party.knowing_seed(name, &[published]).start();
    peer.until_state("chess", "downloaded");
    peer.carry_out("install", json!({ "cmd": "install", "game": "chess" }));
    peer
}

fn quit(peer: &Peer) {
    write_file(&peer.folder("chess").join("local/bin/stop"), "");
}

#[test]
fn a_game_runs_as_the_catalog_says_and_its_end_is_told() {
    let party = Party::new();
    let published = party.publish(&game());
    let ben = player(&party, "ben's \"PC\"", &published);
    let reply = ben.ask(json!({ "cmd": "start", "game": "chess" }));
    let started = ben.wait("game-started", |event| event.about("game-started", "chess"));
    assert_eq!((&reply["pid"], started.text("entry")), (&started["pid"], "play"));
    assert!(reply["pid"].as_u64().is_some());
    assert_eq!(ben.game("chess")["running"][0]["entry"], "play");
    quit(&ben);
    let exited = ben.wait("game-exited", |event| event.about("game-exited", "chess"));
    assert_eq!(exited["code"], 0);
    assert_eq!(exited["output"], json!(["started as ben's \"PC\"", "bye"]));
    assert_eq!(ben.game("chess")["running"], json!([]));
    assert_eq!(fs::read_to_string(ben.folder("chess").join("local/bin/setup-ran")).unwrap(), "once\n");
}

#[test]
fn setup_runs_once_and_a_failing_game_shows_why() {
    let party = Party::new();
    let published = party.publish(&game());
    let ben = player(&party, "ben", &published);
    for _ in 0..2 {
        let mark = ben.mark();
        ben.ask(json!({ "cmd": "start", "game": "chess", "entry": "fail" }));
        let exited = ben.wait_after(mark, "game-exited", |event| event.about("game-exited", "chess"));
        assert_eq!((&exited["code"], &exited["output"]), (&json!(3), &json!(["no sound card"])));
    }
    assert_eq!(fs::read_to_string(ben.folder("chess").join("local/bin/setup-ran")).unwrap(), "once\n");
    let refusal = ben.is_refused(json!({ "cmd": "start", "game": "chess", "entry": "editor" }), "refused");
    assert!(refusal.message.contains("editor"), "{refusal:?}");
}

#[test]
fn a_running_game_is_not_updated_removed_or_uninstalled() {
    let party = Party::new();
    let published = party.publish(&game());
    let ben = player(&party, "ben", &published);
    // The launcher ends at once; what it started runs on.
    ben.ask(json!({ "cmd": "start", "game": "chess", "entry": "launcher" }));
    ben.wait("game-started", |event| event.about("game-started", "chess"));
    for command in [
        json!({ "cmd": "uninstall", "game": "chess" }),
        json!({ "cmd": "remove", "game": "chess" }),
        json!({ "cmd": "install", "game": "chess" }),
        json!({ "cmd": "update", "game": "chess" }),
        json!({ "cmd": "start", "game": "chess", "entry": "launcher" }),
    ] {
        ben.is_refused(command, "game_running");
    }
    quit(&ben);
    let exited = ben.wait("game-exited", |event| event.about("game-exited", "chess"));
    assert_eq!(exited["output"], json!(["started as child", "bye"]));
    ben.carry_out("uninstall", json!({ "cmd": "uninstall", "game": "chess" }));
}

#[test]
fn others_see_who_plays_and_can_join_a_server() {
    let party = Party::new();
    let published = party.publish(&game());
    let anna = player(&party, "anna", &published);
    let ben = party.knowing_seed("ben", &[&published]).knows(&anna).start();
    ben.until_state("chess", "downloaded");
    ben.carry_out("install", json!({ "cmd": "install", "game": "chess" }));
    ben.until_connected_to(&anna);
    ben.is_refused(json!({ "cmd": "start", "game": "chess", "entry": "join" }), "no_source");
    anna.ask(json!({ "cmd": "start", "game": "chess", "entry": "server" }));
    ben.until("anna's server is announced", |ben| ben.connected()[0]["servers"][0]["game"] == "chess");
    ben.ask(json!({ "cmd": "start", "game": "chess", "entry": "join" }));
    anna.until("ben is seen to play", |anna| anna.connected()[0]["playing"] == "chess");
    quit(&ben);
    let exited = ben.wait("game-exited", |event| event.about("game-exited", "chess"));
    assert_eq!(exited["output"][0], "started as 127.0.0.1", "the address of anna's PC");
    quit(&anna);
    ben.until("nobody plays", |ben| {
        ben.connected()[0]["servers"].as_array().is_some_and(Vec::is_empty)
            && ben.game("chess")["playing"] == 0
    });
}

#[test]
fn downloads_keep_to_the_playing_limit_while_a_game_runs() {
    let party = Party::new();
    let played = party.publish(&game());
    let fetched = party.publish(&Game::big("quake", 24 * MIB));
    let seed = party.seed("seed", &[&fetched]).start();
    let ben =
        party.knowing_seed("ben", &[&played]).knows(&seed).arg("--playing-limit").arg("1000000").start();
    ben.until_state("chess", "downloaded");
    ben.carry_out("install", json!({ "cmd": "install", "game": "chess" }));
    ben.ask(json!({ "cmd": "start", "game": "chess" }));
    let mark = ben.download("quake");
    // Several seconds at this limit, and a blink without it: half of the time goes by while it holds.
    ben.wait_progress(mark, "quake", 10);
    let before = ben.events().iter().filter(|event| event.is("download-progress")).count();
    quit(&ben);
    ben.wait_downloaded(mark, "quake");
    assert!(before >= 2, "{before} lines of progress at 4 a second for a tenth at 1 MB/s");
}
