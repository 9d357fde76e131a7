//! A source changes its game while others read from it: it is not held up, and nobody gets a mix.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests fail the test")]
#![cfg(unix)]

use lanspread_tests::{Game, KIB, MIB, Mark, Node, Party, Peer, assert_same_tree, read_tree};
use serde_json::json;

const SIZE: u64 = 12 * MIB;

fn old_version() -> Game {
    Game::big("arena", SIZE).small_files(60, KIB, 60 * KIB).text("news.txt", "old")
}

fn new_version() -> Game {
    old_version()
        .in_version("2.0")
        .other_noise("data/everything.pak", MIB, "2.0")
        .other_noise("files/000/00007.dat", 20 * KIB, "2.0")
        .text("news.txt", "new")
}

/// What has arrived so far is of the old version, byte for byte.
#[track_caller]
fn has_only(peer: &Peer, old: &std::path::Path) {
    let old = read_tree(old);
    for (path, node) in read_tree(&peer.folder("arena")) {
        assert!(old.get(&path) == Some(&node) || node == Node::Folder, "{}: {path}: {node:?}", peer.name());
    }
}

#[test]
fn a_source_updates_while_five_read_the_old_version_from_it() {
    let party = Party::new();
    let old = party.publish(&old_version());
    let anna = party.seed("anna", &[&old]).pinned().upload_limit(MIB).arg("--no-fetch-ahead").start();
    let guests: Vec<_> = (1..=5).map(|n| party.peer(&format!("guest-{n}")).knows(&anna).start()).collect();
    let later = party.seed("later", &[&old]);
    for guest in &guests {
        guest.until_connected_to(&anna);
    }
    let marks: Vec<Mark> = guests.iter().map(|guest| guest.download("arena")).collect();
    for (guest, mark) in guests.iter().zip(&marks) {
        guest.wait_progress(*mark, "arena", 1);
    }

    let new = party.publish(&new_version());
    let seed = party.seed("seed", &[&new]).start();
    let stalled = &guests[4];
    stalled.signal("STOP");
    let mark = anna.mark();
    anna.ask(json!({ "cmd": "connect", "address": seed.address() }));
    anna.until("the new version is known and there", |anna| {
        let game = anna.game("arena");
        game["expected"] == "2.0" && anna.sources("arena") > 0
    });
    anna.ask(json!({ "cmd": "update", "game": "arena" }));
    anna.wait_downloaded(mark, "arena");
    let told = anna.events();
    let at = |what: &str, is: &dyn Fn(&lanspread_tests::Event) -> bool| {
        told.iter().rposition(is).unwrap_or_else(|| panic!("{what}: never"))
    };
    let quiet = at("nobody reads", &|event| {
        event.about("outbound-transfer-count-changed", "arena") && event["count"] == 0
    });
    let done = at("the end", &|event| event.about("download-finished", "arena"));
    let read = told.iter().filter(|event| event.about("outbound-transfer-count-changed", "arena"));
    let most = read.map(|event| event.number("count")).max();
    assert!(most >= Some(2), "several read at once: {most:?}");
    assert!(quiet < done, "they were waited for");
    let left = told.iter().any(|event| event.is("peer-left") && event["peer_id"] == stalled.id());
    assert!(!left, "the update did not wait until the stalled one counted as gone");
    assert_same_tree(&new.payload, &anna.folder("arena"));

    stalled.signal("CONT");
    for (guest, mark) in guests.iter().zip(&marks) {
        guest.wait_after(*mark, "no source is left", |event| event.about("download-all-peers-gone", "arena"));
        assert!(!guest.folder("arena").join("version.ini").exists());
        has_only(guest, &old.payload);
    }
    let later = guests.iter().fold(later, lanspread_tests::PeerBuilder::knows).start();
    for (guest, mark) in guests.iter().zip(&marks) {
        guest.wait_downloaded(*mark, "arena");
        assert_same_tree(&old.payload, &guest.folder("arena"));
        assert_eq!((guest.count("chunk-rejected"), guest.count("operation-failed")), (0, 0));
    }
    assert!(later.status("tx_bytes") > 0);
}
