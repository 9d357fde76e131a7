//! Peers of the previous version in the mix. The short form, always: a peer made of the frozen messages. The full mix,
//! with `LANSPREAD_PREVIOUS=1`: the program itself, built from the commit that `previous.rs` of the harness names.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

use std::path::Path;
use std::sync::Arc;

use lanspread_tests::{
    Asked, FrozenPeer, Game, MIB, Party, Payload, Peer, Published, Said, assert_same_tree, previous_program,
};
use serde_json::json;

const OLD: &str = "127.0.0.203";

// The short form

#[test]
fn a_new_guest_downloads_from_an_old_peer() {
    let party = Party::new();
    let game = party.publish(&Game::big("arena", 4 * MIB));
    let payload = Arc::new(Payload::of(&game));
    let ben = party.peer("ben").start();
    let mut old = FrozenPeer::dial_from(OLD, &ben.address(), &payload);
    old.offer_complete();
    old.wait(Said::Hello);
    old.wait(Said::Library);
    old.ping();
    old.wait(Said::Pong);
    ben.fetch("arena");
    assert_same_tree(&game.payload, &ben.folder("arena"));
    old.wait_asked("the manifest", |asked| *asked == Asked::Manifest);
    old.wait_asked("units", |asked| matches!(asked, Asked::Units(_)));
    // The guest, which is a source now, says so.
    old.wait(Said::LibraryDelta);
    old.understood_everything();
}

#[test]
fn an_old_peer_downloads_from_a_new_seed() {
    let party = Party::new();
    let game = party.publish(&Game::big("arena", 4 * MIB));
    let payload = Arc::new(Payload::of(&game));
    let seed = party.seed("seed", &[&game]).start();
    seed.until_state("arena", "downloaded");
    let old = FrozenPeer::dial_from(OLD, &seed.address(), &payload);
    old.wait(Said::Hello);
    old.wait(Said::Library);
    assert!(old.fetch() == payload.bytes(), "the units are not the payload's");
    old.understood_everything();
}

#[test]
fn an_old_downloader_understands_all_that_a_party_of_new_peers_says() {
    let party = Party::new();
    let game = party.publish(&Game::big("arena", 8 * MIB));
    let payload = Arc::new(Payload::of(&game));
    let seed = party.seed("seed", &[&game]).pinned().upload_limit(2 * MIB).start();
    let ben = party.peer("ben").pinned().knows(&seed).start();
    ben.until_connected_to(&seed);
    // It downloads, too, so that it is told which units the guest has verified.
    let mut old = FrozenPeer::dial_from(OLD, &ben.address(), &payload);
    let mut other = FrozenPeer::dial_from("127.0.0.204", &seed.address(), &payload);
    old.offer_every_unit();
    other.offer_every_unit();
    let mark = ben.download("arena");
    old.wait(Said::Units);
    old.wait(Said::Catalog);
    old.wait(Said::Gossip);
    ben.wait_downloaded(mark, "arena");
    assert_same_tree(&game.payload, &ben.folder("arena"));
    // A newer catalog is told, and a game server or a name may be: all of it is of frozen messages.
    party.publish(&Game::small("chess"));
    let cora = party.peer("cora").pinned().knows(&ben).start();
    cora.until_connected_to(&ben);
    ben.until("the new catalog", |ben| ben.game("chess")["title"].is_string());
    ben.ask(json!({ "cmd": "set", "name": "Ben the second" }));
    old.wait(Said::Presence);
    ben.ask(json!({ "cmd": "remove", "game": "arena" }));
    ben.until("the game is gone", |ben| ben.game("arena")["local"].is_null());
    old.ping();
    old.wait(Said::Pong);
    old.understood_everything();
    other.understood_everything();
}

// The full mix

/// Two peers are connected, and one of them has the game from nobody but the other.
#[track_caller]
fn fetches_from(guest: &Peer, source: &Peer, game: &Published) {
    guest.until_connected_to(source);
    guest.fetch(&game.id);
    assert_same_tree(&game.payload, &guest.folder(&game.id));
    assert!(source.status("served_chunks") > 0);
}

#[test]
fn old_and_new_peers_share_a_game_and_its_update() {
    let Some(program) = previous_program("old and new peers share a game") else { return };
    let party = Party::new();
    let version = |number: &str| {
        let game = Game::big("arena", 16 * MIB).in_version(number).small_files(40, 1_000, 20_000);
        game.other_noise("data/maps.pak", MIB, number)
    };
    let game = party.publish(&version("1.0"));
    let old_seed = party.seed("old-seed", &[&game]).running(&program).pinned().upload_limit(4 * MIB).start();
    let guest = |name: &str| party.peer(name).pinned().arg("--no-fetch-ahead").knows(&old_seed);
    let guests =
        [guest("new-1").start(), guest("new-2").start(), guest("old-guest").running(&program).start()];
    for guest in &guests {
        guest.until("all others are met", |guest| guest.connected().len() == guests.len());
    }
    let marks: Vec<_> = guests.iter().map(|guest| guest.download("arena")).collect();
    for (guest, mark) in guests.iter().zip(marks) {
        guest.wait_downloaded(mark, "arena");
        assert_same_tree(&game.payload, &guest.folder("arena"));
        assert!(guest.status("tx_bytes") > 0, "{} gave nothing to the others", guest.name());
    }

    let update = party.publish(&version("2.0"));
    let new_seed = party.seed("new-seed", &[&update]).pinned().upload_limit(4 * MIB).start();
    for guest in guests.iter().chain([&old_seed]) {
        guest.ask(json!({ "cmd": "connect", "address": new_seed.address() }));
    }
    let marks: Vec<_> = guests
        .iter()
        .map(|guest| {
            guest.until("the update is offered", |guest| {
                guest.game("arena")["update_available"] == true && guest.sources("arena") > 0
            });
            let mark = guest.mark();
            guest.ask(json!({ "cmd": "update", "game": "arena" }));
            mark
        })
        .collect();
    for (guest, mark) in guests.iter().zip(marks) {
        guest.wait_downloaded(mark, "arena");
        assert_same_tree(&update.payload, &guest.folder("arena"));
    }
}

#[test]
fn each_version_downloads_from_the_other_alone() {
    let Some(program) = previous_program("each version downloads from the other alone") else { return };
    let party = Party::new();
    let game = party.publish(&Game::big("arena", 8 * MIB).small_files(40, 1_000, 20_000));
    let old_seed = party.seed("old-seed", &[&game]).running(&program).start();
    let new = party.peer("new").knows(&old_seed).start();
    fetches_from(&new, &old_seed, &game);
    drop(old_seed);
    let old = party.peer("old").running(&program).knows(&new).start();
    fetches_from(&old, &new, &game);
}

#[test]
fn a_folder_of_the_previous_version_is_opened_with_all_that_it_holds() {
    let Some(program) = previous_program("a folder of the previous version is opened") else { return };
    let party = Party::new();
    let chess = party.publish(&Game::small("chess"));
    let arena = party.publish(&Game::big("arena", 16 * MIB));
    let seed = party.seed("seed", &[&chess, &arena]).upload_limit(4 * MIB).start();
    let mut old = party.peer("ben").pinned().running(&program).knows(&seed).start();
    old.fetch("chess");
    old.ask(json!({ "cmd": "install", "game": "chess" }));
    old.until_state("chess", "installed");
    let mark = old.download("arena");
    old.wait_progress(mark, "arena", 40);
    old.ask(json!({ "cmd": "pause", "game": "arena" }));
    old.until("the pause", |old| old.game("arena")["operation"]["phase"] == "paused");
    let id = old.id();
    old.stop();
    let games = old.games().to_owned();
    drop(old);

    let new = party.peer_on("ben", &games).pinned().knows(&seed).start();
    assert_eq!(new.id(), id, "it is the same peer");
    new.until_state("chess", "installed");
    assert_same_tree(&chess.payload, &new.folder("chess"));
    let shown = new.game("arena")["operation"].clone();
    assert_eq!(shown["phase"], "paused", "{shown}");
    assert!(shown["bytes_done"].as_u64() >= Some(arena.bytes * 4 / 10), "{shown}");
    seed.ask(json!({ "cmd": "set", "upload_limit": 0 }));
    let mark = new.mark();
    new.ask(json!({ "cmd": "resume", "game": "arena" }));
    new.wait_downloaded(mark, "arena");
    assert_same_tree(&arena.payload, &new.folder("arena"));
    let fetched = new.status("rx_bytes");
    assert!(fetched <= arena.bytes * 7 / 10, "it began anew: {fetched} bytes");
    assert!(Path::new(&games.join("chess/local")).is_dir());
}
