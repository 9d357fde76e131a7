//! A game on its way from those who have it to one who wants it, interrupted in every way.

use lanspread_tests::{Event, Game, MIB, Mark, Party, Peer, assert_same_tree};
use serde_json::json;

/// Verified chunks may still be on their way to the disk when a peer is killed or asked to stop.
const IN_FLIGHT: u64 = 4 * MIB;

fn phase_of(event: &Event, game: &str) -> Option<String> {
    let operations = event["operations"].as_array()?;
    let operation = operations.iter().find(|operation| operation["game"] == game)?;
    Some(operation["phase"].as_str()?.to_owned())
}

#[track_caller]
fn wait_phase(peer: &Peer, mark: Mark, game: &str, phase: &str) {
    peer.wait_after(mark, &format!("{game} is {phase}"), |event| {
        event.is("active-operations-changed") && phase_of(event, game).as_deref() == Some(phase)
    });
}

/// Gives what was held back: the rest of a story needs no slow source.
#[track_caller]
fn unleash(source: &Peer) {
    source.ask(json!({ "cmd": "set", "upload_limit": 0 }));
}

#[test]
fn a_game_arrives_whole_and_is_shared_onward() {
    let party = Party::new();
    let game = party.publish(&Game::small("chess"));
    let mut seed = party.seed("seed", &[&game]).start();
    let ben = party.peer("ben").knows(&seed).start();
    assert_eq!(ben.state("chess"), json!(null));

    let mark = ben.download("chess");
    let finished = ben.wait_downloaded(mark, "chess");
    assert_eq!(finished["version"], "1.0");
    assert_eq!(finished.number("bytes_fetched"), game.bytes);
    let started = ben.wait_after(mark, "started", |event| event.about("download-started", "chess"));
    assert_eq!(started.number("bytes_total"), game.bytes);
    assert_eq!(started.number("bytes_needed"), game.bytes);
    ben.wait_after(mark, "its library tells", |event| {
        event.is("local-library-changed")
            && event["games"].as_array().is_some_and(|games| {
                games.iter().any(|entry| entry["id"] == "chess" && entry["state"] == "downloaded")
            })
    });
    assert_same_tree(&game.payload, &ben.folder("chess"));
    assert_same_tree(&game.source, &ben.folder("chess"));
    ben.until("no operation", |ben| ben.game("chess")["operation"].is_null());

    seed.stop();
    let cora = party.peer("cora").knows(&ben).start();
    cora.fetch("chess");
    assert_same_tree(&game.payload, &cora.folder("chess"));
    assert!(ben.status("served_chunks") > 0);
}

#[test]
fn three_sources_all_contribute() {
    let party = Party::new();
    let game = party.publish(&Game::big("arena", 24 * MIB));
    let sources: Vec<_> =
        (1..=3).map(|n| party.seed(&format!("source-{n}"), &[&game]).upload_limit(4 * MIB).start()).collect();
    let mut ben = party.peer("ben");
    for source in &sources {
        ben = ben.knows(source);
    }
    let ben = ben.start();
    ben.until_sources("arena", 3);
    ben.fetch("arena");

    assert_same_tree(&game.payload, &ben.folder("arena"));
    let sent: Vec<u64> = sources.iter().map(|source| source.status("tx_bytes")).collect();
    assert!(sent.iter().all(|&bytes| bytes > 0), "not all contributed: {sent:?}");
    assert!(sources.iter().all(|source| source.status("served_chunks") > 0));
    assert!(sent.iter().sum::<u64>() >= game.bytes, "{sent:?} is less than the game");
    assert!(
        ben.status("rx_bytes") <= game.bytes * 5 / 4,
        "much was fetched twice: {}",
        ben.status("rx_bytes")
    );
}

#[test]
fn a_source_that_dies_half_way_is_replaced_by_the_others() {
    let party = Party::new();
    let game = party.publish(&Game::big("arena", 24 * MIB));
    let mut dying = party.seed("dying", &[&game]).upload_limit(3 * MIB).start();
    let staying = party.seed("staying", &[&game]).upload_limit(3 * MIB).start();
    let ben = party.peer("ben").knows(&dying).knows(&staying).start();
    ben.until_sources("arena", 2);
    let mark = ben.download("arena");
    ben.wait_progress(mark, "arena", 40);
    assert!(dying.status("served_chunks") > 0, "it is a source before it dies");
    dying.kill9();
    unleash(&staying);
    ben.wait_downloaded(mark, "arena");
    assert_same_tree(&game.payload, &ben.folder("arena"));
    assert_eq!(ben.count("download-all-peers-gone"), 0, "one source was there all the time");
}

#[test]
fn all_sources_gone_is_one_event_and_one_that_returns_is_enough() {
    let party = Party::new();
    let game = party.publish(&Game::big("arena", 24 * MIB));
    let mut first = party.seed("first", &[&game]).upload_limit(2 * MIB).start();
    let mut second = party.seed("second", &[&game]).upload_limit(2 * MIB).start();
    let ben = party.peer("ben").knows(&first).knows(&second).start();
    ben.until_sources("arena", 2);
    let mark = ben.download("arena");
    ben.wait_progress(mark, "arena", 30);
    first.stop();
    second.kill9();
    ben.wait_after(mark, "all gone", |event| event.about("download-all-peers-gone", "arena"));
    ben.until("the operation has left the table", |ben| {
        let operation = &ben.game("arena")["operation"];
        operation.is_null() || operation["phase"] == "waiting"
    });
    assert!(!ben.folder("arena").join("version.ini").exists(), "half a game has no sentinel");

    first.restart();
    unleash(&first);
    ben.wait_downloaded(mark, "arena");
    assert_same_tree(&game.payload, &ben.folder("arena"));
    assert_eq!(ben.count("download-all-peers-gone"), 1, "exactly once");
    assert_eq!(ben.count("operation-failed"), 0, "gone sources are no failure");
}

#[test]
fn a_killed_receiver_resumes_without_fetching_again() {
    let party = Party::new();
    let game = party.publish(&Game::big("arena", 32 * MIB).small_files(50, 1000, 20_000));
    let seed = party.seed("seed", &[&game]).upload_limit(8 * MIB).start();
    let mut ben = party.peer("ben").knows(&seed).start();
    let mark = ben.download("arena");
    let progress = ben.wait_progress(mark, "arena", 50);
    ben.kill9();
    let done = ben
        .events()
        .iter()
        .filter(|event| event.is("download-progress"))
        .map(|event| event.number("bytes_done"))
        .max();
    let done = done.unwrap_or_default().max(progress.number("bytes_done"));
    assert!(!ben.folder("arena").join("version.ini").exists(), "half a game has no sentinel");

    unleash(&seed);
    ben.restart();
    // A download that was running is taken up again, by itself or when it is asked for.
    if ben.game("arena")["operation"].is_null() {
        ben.until_sources("arena", 1);
        drop(ben.request(json!({ "cmd": "download", "game": "arena" })));
    }
    ben.wait_downloaded(Mark::default(), "arena");
    assert_same_tree(&game.payload, &ben.folder("arena"));
    let fetched_again = (done + ben.status("rx_bytes")).saturating_sub(game.bytes);
    assert!(fetched_again <= IN_FLIGHT, "{fetched_again} bytes were verified before and fetched again");
}

#[test]
fn a_receiver_that_stops_in_mid_transfer_says_goodbye_and_resumes() {
    let party = Party::new();
    let game = party.publish(&Game::big("arena", 16 * MIB));
    let seed = party.seed("seed", &[&game]).upload_limit(4 * MIB).start();
    let mut ben = party.peer("ben").knows(&seed).start();
    let mark = ben.download("arena");
    ben.wait_progress(mark, "arena", 25);
    let id = ben.id();
    ben.stop();
    let left = seed.wait("ben leaves", |event| event.is("peer-left") && event["peer_id"] == id);
    assert_eq!(left["reason"], "goodbye", "{left}");
    seed.wait("nothing is sent any more", |event| {
        event.about("outbound-transfer-count-changed", "arena") && event["count"] == 0
    });
    let last_count = seed.events().into_iter().rfind(|event| event.is("outbound-transfer-count-changed"));
    assert_eq!(last_count.unwrap()["count"], 0);

    unleash(&seed);
    ben.restart();
    if ben.game("arena")["operation"].is_null() {
        ben.until_sources("arena", 1);
        drop(ben.request(json!({ "cmd": "download", "game": "arena" })));
    }
    ben.wait_downloaded(Mark::default(), "arena");
    let fetched = ben.status("rx_bytes");
    assert!(fetched <= game.bytes * 3 / 4 + IN_FLIGHT, "it began anew: {fetched} bytes");
    assert_same_tree(&game.payload, &ben.folder("arena"));
}

#[test]
fn a_paused_download_keeps_what_it_has_across_a_restart() {
    let party = Party::new();
    let game = party.publish(&Game::big("arena", 16 * MIB));
    let seed = party.seed("seed", &[&game]).upload_limit(4 * MIB).start();
    let mut ben = party.peer("ben").knows(&seed).start();
    let mark = ben.download("arena");
    ben.wait_progress(mark, "arena", 30);
    ben.ask(json!({ "cmd": "pause", "game": "arena" }));
    wait_phase(&ben, mark, "arena", "paused");
    // It is killed, not stopped: only what is on disk by then can survive.
    let stored = ben.games().join(".lanspread/state.ron");
    ben.until("the pause is stored", |_| {
        std::fs::read_to_string(&stored).is_ok_and(|state| state.contains("paused: true"))
    });

    ben.restart();
    ben.until("still paused", |ben| ben.game("arena")["operation"]["phase"] == "paused");
    let shown = ben.game("arena")["operation"].clone();
    let [done, total] = ["bytes_done", "bytes_total"].map(|key| shown[key].as_u64().unwrap_or_default());
    assert!(done * 100 >= total * 30 && done < total, "how much is here is still shown: {shown}");
    let mark = ben.mark();
    unleash(&seed);
    ben.ask(json!({ "cmd": "resume", "game": "arena" }));
    ben.wait_downloaded(mark, "arena");
    assert_same_tree(&game.payload, &ben.folder("arena"));
    let sent = seed.status("tx_bytes");
    assert!(sent <= game.bytes + IN_FLIGHT, "{sent} bytes were sent for a game of {}", game.bytes);
}

#[test]
fn a_cancelled_download_leaves_nothing() {
    let party = Party::new();
    let game = party.publish(&Game::big("arena", 16 * MIB).small_files(20, 1000, 2000));
    let seed = party.seed("seed", &[&game]).upload_limit(2 * MIB).start();
    let ben = party.peer("ben").knows(&seed).start();
    let mark = ben.download("arena");
    ben.wait_progress(mark, "arena", 20);
    ben.ask(json!({ "cmd": "cancel", "game": "arena" }));
    ben.until("the game is gone", |ben| {
        let game = ben.game("arena");
        game["operation"].is_null() && game["local"].is_null()
    });
    let left = lanspread_tests::read_tree(ben.games());
    assert!(!left.keys().any(|path| path.starts_with("arena/")), "left: {left:?}");
    seed.until("nothing is sent any more", |seed| {
        let last = seed.events().into_iter().rfind(|event| event.is("outbound-transfer-count-changed"));
        last.is_some_and(|event| event["count"] == 0)
    });

    unleash(&seed);
    ben.fetch("arena");
    assert_same_tree(&game.payload, &ben.folder("arena"));
}

#[test]
fn the_third_download_waits_for_its_turn() {
    let party = Party::new();
    let ids = ["one", "two", "three"];
    let games = ids.map(|id| party.publish(&Game::big(id, 4 * MIB)));
    let seed = party.seed("seed", &games.each_ref()).upload_limit(MIB).start();
    let ben = party.peer("ben").knows(&seed).start();
    ben.until("all three have a source", |ben| ids.iter().all(|id| ben.sources(id) == 1));
    let mark = ben.mark();
    for id in ids {
        ben.ask(json!({ "cmd": "download", "game": id }));
    }
    wait_phase(&ben, mark, "three", "waiting");
    unleash(&seed);
    for (id, game) in ids.iter().zip(&games) {
        ben.wait_downloaded(mark, id);
        assert_same_tree(&game.payload, &ben.folder(id));
    }
}

#[test]
fn one_operation_at_a_time_on_one_game() {
    let party = Party::new();
    let game = party.publish(&Game::big("arena", 16 * MIB));
    let seed = party.seed("seed", &[&game]).upload_limit(MIB).start();
    let ben = party.peer("ben").knows(&seed).start();
    let mark = ben.download("arena");
    ben.wait_progress(mark, "arena", 5);
    ben.is_refused(json!({ "cmd": "download", "game": "arena" }), "busy");
    ben.is_refused(json!({ "cmd": "verify", "game": "arena" }), "busy");
    ben.is_refused(json!({ "cmd": "remove", "game": "arena" }), "busy");
    for command in ["update", "install", "uninstall"] {
        ben.is_refused(json!({ "cmd": command, "game": "arena" }), "busy");
    }
    unleash(&seed);
    ben.wait_downloaded(mark, "arena");
}

#[test]
fn peers_serve_what_they_have_while_they_still_download() {
    let party = Party::new();
    let game = party.publish(&Game::big("arena", 24 * MIB));
    let seed = party.seed("seed", &[&game]).upload_limit(3 * MIB).start();
    let guests: Vec<_> = (1..=3).map(|n| party.peer(&format!("guest-{n}")).knows(&seed).start()).collect();
    for guest in &guests {
        for other in guests.iter().filter(|other| other.name() != guest.name()) {
            guest.until_connected_to(other);
        }
    }
    let marks: Vec<_> = guests.iter().map(|guest| guest.download("arena")).collect();
    for (guest, mark) in guests.iter().zip(marks) {
        guest.wait_downloaded(mark, "arena");
        assert_same_tree(&game.payload, &guest.folder("arena"));
    }
    let exchanged: u64 = guests.iter().map(|guest| guest.status("tx_bytes")).sum();
    assert!(exchanged > game.bytes / 2, "the guests gave each other only {exchanged} bytes");
    let sent = seed.status("tx_bytes");
    assert!(sent < 3 * game.bytes, "the seed sent all three copies: {sent}");
}
