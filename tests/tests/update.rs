//! From one version to the next.

use lanspread_tests::{Game, MIB, Party, Peer, assert_same_tree};
use serde_json::json;

const SIZE: u64 = 12 * MIB;

fn old_version() -> Game {
    Game::big("arena", SIZE)
        .noise("data/maps.pak", MIB)
        .text("old.txt", "only in 1.0")
        .script("bin/game", "#!/bin/sh\n")
}

/// One file in the middle of the big archive, one new, one gone, one replaced.
fn new_version() -> Game {
    old_version()
        .in_version("2.0")
        .edited_noise("data/everything.pak", SIZE, SIZE / 2, "a few bytes more")
        .other_noise("data/maps.pak", MIB, "2.0")
        .noise("data/music.pak", MIB)
        .without("old.txt")
}

#[track_caller]
fn update(peer: &Peer) -> lanspread_tests::Mark {
    peer.until("a source of the new version", |peer| peer.sources("arena") > 0);
    let mark = peer.mark();
    peer.ask(json!({ "cmd": "update", "game": "arena" }));
    mark
}

#[test]
fn an_update_fetches_what_is_new_and_leaves_the_rest() {
    let party = Party::new();
    let old = party.publish(&old_version());
    let ben = party.origin("ben", &old);
    let new = party.publish(&new_version());
    std::fs::copy(party.catalog(), ben.catalog()).unwrap();
    std::fs::copy(party.catalog().with_extension("ron.sig"), ben.catalog().with_extension("ron.sig"))
        .unwrap();
    std::fs::write(ben.games().join("arena/my notes.txt"), "mine").unwrap();
    let seed = party.seed("seed", &[&new]).start();
    let ben = ben.knows(&seed).arg("--no-fetch-ahead").start();
    assert_eq!(ben.state("arena"), "wrong-version");
    assert_eq!(ben.game("arena")["update_available"], true);

    let mark = update(&ben);
    let finished = ben.wait_downloaded(mark, "arena");
    assert_eq!(finished["version"], "2.0");
    assert_eq!(ben.state("arena"), "downloaded");
    assert_eq!(ben.game("arena")["update_available"], false);
    assert_eq!(std::fs::read_to_string(ben.folder("arena").join("my notes.txt")).unwrap(), "mine");
    std::fs::remove_file(ben.folder("arena").join("my notes.txt")).unwrap();
    assert_same_tree(&new.payload, &ben.folder("arena"));
    // Two files of 1 MiB are new; the edit costs a chunk or two of at most 1 MiB.
    let fetched = ben.status("rx_bytes");
    assert!(fetched <= 5 * MIB, "{fetched} bytes fetched for 2 MiB and an edit");
}

#[test]
fn a_killed_update_leaves_the_old_version_whole_and_goes_on() {
    let party = Party::new();
    let old = party.publish(&old_version());
    let mut ben = party.seed("ben", &[&old]).pinned().arg("--no-fetch-ahead").start();
    let new = party.publish(&new_version());
    let seed = party.seed("seed", &[&new]).upload_limit(MIB).start();
    ben.ask(json!({ "cmd": "connect", "address": seed.address() }));
    let mark = update(&ben);
    ben.wait_progress(mark, "arena", 1);
    ben.kill9();
    assert_same_tree(&old.payload, &ben.folder("arena"));

    seed.ask(json!({ "cmd": "set", "upload_limit": 0 }));
    ben.restart();
    ben.ask(json!({ "cmd": "connect", "address": seed.address() }));
    if ben.game("arena")["operation"].is_null() {
        ben.until("a source again", |ben| ben.sources("arena") > 0);
        drop(ben.request(json!({ "cmd": "update", "game": "arena" })));
    }
    ben.until_state("arena", "downloaded");
    assert_same_tree(&new.payload, &ben.folder("arena"));
}

#[test]
fn a_download_that_a_new_version_overtakes_goes_on_as_that_one() {
    let party = Party::new();
    let version = |number: &str| {
        let game = Game::big("arena", 16 * MIB).in_version(number).small_files(50, 1000, 2000);
        game.text(&format!("aaa/only-in-{number}.txt"), number).text("aaa/version.txt", number)
    };
    let old = party.publish(&version("1.0"));
    let old_seed = party.seed("old-seed", &[&old]).upload_limit(2 * MIB).start();
    let ben = party.peer("ben").pinned().knows(&old_seed).start();
    let placed = ben.folder("arena").join("aaa/only-in-1.0.txt");
    ben.download("arena");
    ben.until("small files are at their places", |_| placed.exists());
    std::fs::write(ben.folder("arena").join("notes.txt"), "a person's").unwrap();
    let new = party.publish(&version("2.0"));
    let mark = ben.mark();
    let seed = party.seed("seed", &[&new]).start();
    ben.ask(json!({ "cmd": "connect", "address": seed.address() }));
    ben.wait_downloaded(mark, "arena");
    assert_eq!(ben.state("arena"), "downloaded");
    let mut here = lanspread_tests::read_tree(&ben.folder("arena"));
    assert!(here.remove("notes.txt").is_some(), "what a person put there stays");
    assert_eq!(here, lanspread_tests::read_tree(&new.payload));
}

#[test]
fn a_cancelled_update_leaves_the_old_version_as_it_was() {
    let party = Party::new();
    let old = party.publish(&old_version());
    let ben = party.seed("ben", &[&old]).pinned().arg("--no-fetch-ahead").start();
    let new = party.publish(&new_version());
    let seed = party.seed("seed", &[&new]).upload_limit(MIB).start();
    ben.ask(json!({ "cmd": "connect", "address": seed.address() }));
    let mark = update(&ben);
    ben.wait_progress(mark, "arena", 1);
    ben.ask(json!({ "cmd": "cancel", "game": "arena" }));
    ben.until("no operation", |ben| ben.game("arena")["operation"].is_null());
    assert_same_tree(&old.payload, &ben.folder("arena"));
    assert!(!ben.folder("arena").join(".lanspread/new").exists(), "what was in the making is gone");
    assert_eq!(ben.state("arena"), "wrong-version");
}

#[test]
fn eight_peers_fetch_the_new_version_from_one_seed_and_one_another() {
    let party = Party::new();
    let old = party.publish(&old_version());
    let peers: Vec<_> = (1..=8)
        .map(|n| party.seed(&format!("guest-{n}"), &[&old]).pinned().arg("--no-fetch-ahead"))
        .collect();
    let new = party.publish(&new_version().noise("data/expansion.pak", 12 * MIB));
    let seed = party.seed("seed", &[&new]).upload_limit(2 * MIB).start();
    let peers: Vec<_> = peers.into_iter().map(|peer| peer.knows(&seed).start()).collect();
    for peer in &peers {
        peer.until("all others are met", |peer| peer.connected().len() == peers.len());
    }
    let marks: Vec<_> = peers.iter().map(update).collect();
    for (peer, mark) in peers.iter().zip(marks) {
        peer.wait_downloaded(mark, "arena");
        assert_same_tree(&new.payload, &peer.folder("arena"));
    }
    let from_seed = seed.status("tx_bytes");
    let exchanged: u64 = peers.iter().map(|peer| peer.status("tx_bytes")).sum();
    assert!(
        exchanged > from_seed,
        "the seed gave {from_seed} bytes, the guests one another only {exchanged}"
    );
}

#[test]
fn what_was_published_without_the_peer_is_known_whole_at_once() {
    let party = Party::new();
    let old = party.publish(&old_version());
    let ben = party.origin("ben", &old).start();
    ben.until_state("arena", "downloaded");
    drop(ben);
    let new = new_version();
    let source = party.path().join("new");
    new.write_to(&source);
    party.run_publish(&new, &old.games, &source).ok();
    // What it knew of the old version must not count for a moment.
    let ben = party.peer_on("ben-again", &old.games).start();
    ben.carry_out("remove", json!({ "cmd": "remove", "game": "arena" }));
    let left = lanspread_tests::list_tree(&ben.folder("arena"));
    assert!(!ben.folder("arena").exists(), "{left}");
}
