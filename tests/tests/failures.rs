//! Sources that are wrong, stale, changing or half: what they hold never reaches a person's disk.

use std::fs;

use lanspread_tests::{
    Event, Game, MIB, Party, Peer, Published, assert_same_tree, copy_tree, rot, write_file,
};
use serde_json::json;

/// A seed whose copy has rotted since it was hashed: it believes to be whole.
fn rotten_seed(party: &Party, game: &Published, file: &str, step: usize) -> Peer {
    let mut seed = party.seed("rotten", &[game]).start();
    seed.until_state(&game.id, "downloaded");
    seed.stop();
    rot(&seed.folder(&game.id).join(file), step);
    seed.restart();
    // It cannot know yet.
    seed.until_state(&game.id, "downloaded");
    seed
}

#[test]
fn a_flipped_byte_is_never_accepted_and_its_source_is_named() {
    let party = Party::new();
    let game = party.publish(&Game::big("arena", 4 * MIB));
    let rotten = rotten_seed(&party, &game, "data/everything.pak", usize::MAX);
    let ben = party.peer("ben").knows(&rotten).start();
    let mark = ben.download("arena");
    let rejected = ben.wait_after(mark, "the bad chunk", |event| event.about("chunk-rejected", "arena"));
    assert_eq!(rejected["peer_id"], rotten.id());
    ben.wait_after(mark, "no source is left", |event| event.about("download-all-peers-gone", "arena"));
    assert!(ben.status("bad_chunks") >= 1);
    assert!(!ben.folder("arena").join("version.ini").exists(), "a game with a hole has no sentinel");
    rotten.until("it has checked itself and serves no more", |rotten| rotten.state("arena") != "downloaded");

    let sound = party.seed("sound", &[&game]).knows(&ben).start();
    ben.until_connected_to(&sound);
    ben.wait_downloaded(mark, "arena");
    assert_same_tree(&game.payload, &ben.folder("arena"));
}

#[test]
fn a_rotten_source_among_sound_ones_does_no_harm() {
    let party = Party::new();
    let game = party.publish(&Game::big("arena", 16 * MIB));
    let rotten = rotten_seed(&party, &game, "data/everything.pak", 4096);
    let sound = party.seed("sound", &[&game]).upload_limit(4 * MIB).start();
    let ben = party.peer("ben").knows(&rotten).knows(&sound).start();
    ben.until_sources("arena", 2);
    ben.fetch("arena");
    assert_same_tree(&game.payload, &ben.folder("arena"));
    let rejected: Vec<_> = ben.events().into_iter().filter(|event| event.is("chunk-rejected")).collect();
    assert!(!rejected.is_empty(), "the rotten source was never asked");
    assert!(
        rejected.iter().all(|event| event["peer_id"] == rotten.id()),
        "the wrong one is named: {rejected:?}"
    );
}

#[test]
fn a_damaged_copy_is_found_and_only_the_damage_is_fetched() {
    let party = Party::new();
    let game = party.publish(&Game::big("arena", 16 * MIB).noise("data/maps.pak", MIB));
    let seed = party.seed("seed", &[&game]).start();
    let ben = rotten_seed(&party, &game, "data/maps.pak", usize::MAX);
    ben.ask(json!({ "cmd": "connect", "address": seed.address() }));
    ben.until_sources("arena", 1);
    let mark = ben.mark();
    ben.ask(json!({ "cmd": "verify", "game": "arena" }));
    let verified = ben.wait_after(mark, "the damage", |event| event.about("verify-finished", "arena"));
    assert_eq!(verified["damaged"], json!(["data/maps.pak"]));
    assert!((1..=2 * MIB).contains(&verified.number("damaged_bytes")), "{verified}");
    let end = ben.wait_after(mark, "the end", |event| {
        event.about("operation-finished", "arena") || event.about("operation-failed", "arena")
    });
    assert!(end.is("operation-finished"), "{end}");
    ben.until_state("arena", "downloaded");
    assert_same_tree(&game.payload, &ben.folder("arena"));
    assert!(ben.status("rx_bytes") <= 2 * MIB, "fetched more than the damage: {}", ben.status("rx_bytes"));
}

#[test]
fn what_is_damaged_is_known_from_another_peer_s_list() {
    let party = Party::new();
    let game = party.publish(&Game::small("chess"));
    // Copied by hand and damaged: nothing here says what the files should be.
    let ben = party.seed("ben", &[&game]);
    rot(&ben.games().join("chess/data/maps.pak"), usize::MAX);
    let ben = ben.start();
    ben.until_state("chess", "modified");
    let verify = |what: &str, is_end: &dyn Fn(&Event) -> bool| {
        let mark = ben.mark();
        ben.ask(json!({ "cmd": "verify", "game": "chess" }));
        ben.wait_after(mark, what, is_end)
    };
    let failed = verify("no list is to be had", &|event| event.about("operation-failed", "chess"));
    assert_eq!(failed["error"]["code"], "refused", "{failed}");

    let seed = party.knowing_seed("seed", &[&game]).start();
    ben.ask(json!({ "cmd": "connect", "address": seed.address() }));
    ben.until_sources("chess", 1);
    let verified = verify("the damage", &|event| event.about("verify-finished", "chess"));
    assert_eq!(verified["damaged"], json!(["data/maps.pak"]), "{verified}");
    ben.until_state("chess", "downloaded");
    assert_same_tree(&game.payload, &ben.folder("chess"));
}

#[test]
fn a_peer_in_another_version_is_no_source() {
    let party = Party::new();
    let old = party.publish(&Game::small("chess"));
    let stale = party.seed("stale", &[&old]).start();
    party.publish(&Game::small("chess").in_version("2.0").text("new.txt", "new"));
    let ben = party.peer("ben").knows(&stale).start();
    ben.wait("the stale library", |event| {
        event.is("peer-library-changed") && event["games"].to_string().contains(r#""version":"1.0""#)
    });
    assert_eq!(ben.sources("chess"), 0);
    ben.is_refused(json!({ "cmd": "download", "game": "chess" }), "no_source");
    assert_eq!(stale.status("served_chunks"), 0);
}

#[test]
fn a_majority_of_stale_copies_counts_for_nothing() {
    let party = Party::new();
    let old = party.publish(&Game::small("chess"));
    let stale: Vec<_> = (1..=3).map(|n| party.seed(&format!("stale-{n}"), &[&old]).start()).collect();
    let new =
        party.publish(&Game::small("chess").in_version("2.0").other_noise("data/maps.pak", 300_000, "2.0"));
    let current = party.seed("current", &[&new]).start();
    let mut ben = party.peer("ben").knows(&current);
    for peer in &stale {
        ben = ben.knows(peer);
    }
    let ben = ben.start();
    for peer in &stale {
        ben.until_connected_to(peer);
    }
    ben.fetch("chess");
    assert_eq!(ben.sources("chess"), 1);
    assert_same_tree(&new.payload, &ben.folder("chess"));
    assert!(stale.iter().all(|peer| peer.status("served_chunks") == 0));
}

#[test]
fn a_source_whose_files_change_under_it_is_never_mixed_in() {
    let party = Party::new();
    let game = party.publish(&Game::big("arena", 16 * MIB));
    let changing = party.seed("changing", &[&game]).upload_limit(2 * MIB).start();
    let ben = party.peer("ben").knows(&changing).start();
    let mark = ben.download("arena");
    ben.wait_progress(mark, "arena", 20);
    Game::big("arena", 16 * MIB)
        .other_noise("data/everything.pak", 16 * MIB, "changed")
        .write_to(&changing.folder("arena"));

    changing.until("it sees that the files are not what they were", |peer| peer.state("arena") == "modified");
    ben.wait_after(mark, "no source is left", |event| event.about("download-all-peers-gone", "arena"));
    assert!(!ben.folder("arena").join("version.ini").exists());
    let sound = party.seed("sound", &[&game]).knows(&ben).start();
    ben.until_connected_to(&sound);
    ben.wait_downloaded(mark, "arena");
    assert_same_tree(&game.payload, &ben.folder("arena"));
}

#[test]
fn a_source_that_removes_the_game_stops_serving_first() {
    let party = Party::new();
    let game = party.publish(&Game::big("arena", 16 * MIB));
    let seed = party.seed("seed", &[&game]).upload_limit(2 * MIB).start();
    let ben = party.peer("ben").knows(&seed).start();
    let mark = ben.download("arena");
    ben.wait_progress(mark, "arena", 20);
    let removal = seed.mark();
    seed.ask(json!({ "cmd": "remove", "game": "arena" }));
    seed.wait_after(removal, "removed", |event| {
        event.about("operation-finished", "arena") && event["operation"] == "remove"
    });
    let count =
        seed.events().into_iter().rfind(|event| event.about("outbound-transfer-count-changed", "arena"));
    assert_eq!(count.unwrap()["count"], 0);
    ben.wait_after(mark, "no source is left", |event| event.about("download-all-peers-gone", "arena"));
    assert_eq!(ben.count("chunk-rejected"), 0, "what it sent while it served was right");
}

#[test]
fn a_game_that_is_only_installed_counts_nowhere() {
    let party = Party::new();
    let game = party.publish(&Game::small("chess"));
    let installed = party.peer("installed");
    copy_tree(&game.payload, &installed.games().join("chess/local"));
    let installed = installed.start();
    let seed = party.seed("seed", &[&game]).start();
    assert_eq!(installed.state("chess"), "local-only");

    let ben = party.peer("ben").knows(&installed).knows(&seed).start();
    ben.until_sources("chess", 1);
    ben.wait("its presence", |event| {
        event.is("peer-library-changed")
            && event["peer_id"] == installed.id()
            && event["games"]
                .as_array()
                .is_some_and(|games| games.iter().any(|game| game["local_only"] == true))
    });
    assert_eq!(ben.sources("chess"), 1, "only the seed");
    ben.fetch("chess");
    assert_eq!(installed.status("served_chunks"), 0);
    drop(seed);
    let cora = party.peer("cora").knows(&installed).start();
    cora.until_connected_to(&installed);
    cora.is_refused(json!({ "cmd": "download", "game": "chess" }), "no_source");
}

#[test]
fn only_the_file_named_exactly_version_ini_makes_a_game_complete() {
    let party = Party::new();
    let game = party.publish(&Game::small("chess"));
    for how in ["missing", "nested", "in another case", "a folder"] {
        let holder = party.seed(&format!("holder, {how}"), &[&game]);
        let folder = holder.games().join("chess");
        fs::remove_file(folder.join("version.ini")).unwrap();
        match how {
            "nested" => write_file(&folder.join("sub/version.ini"), "1.0"),
            "in another case" => write_file(&folder.join("Version.ini"), "1.0"),
            "a folder" => fs::create_dir(folder.join("version.ini")).unwrap(),
            _ => {}
        }
        let holder = holder.start();
        assert_eq!(holder.state("chess"), "incomplete", "the sentinel is {how}");
        let asker = party.peer(&format!("asker, {how}")).knows(&holder).start();
        asker.until_connected_to(&holder);
        asker.is_refused(json!({ "cmd": "download", "game": "chess" }), "no_source");
    }
}

#[test]
fn a_sentinel_rewritten_with_equal_length_and_time_is_seen() {
    let party = Party::new();
    let game = party.publish(&Game::small("chess"));
    let holder = party.seed("holder", &[&game]).start();
    let ben = party.peer("ben").knows(&holder).start();
    ben.until_sources("chess", 1);

    let sentinel = holder.folder("chess").join("version.ini");
    let original = fs::read(&sentinel).unwrap();
    let time = fs::metadata(&sentinel).unwrap().modified().unwrap();
    let rewrite = |content: &[u8]| {
        fs::write(&sentinel, content).unwrap();
        fs::File::options().write(true).open(&sentinel).unwrap().set_modified(time).unwrap();
    };
    rewrite(&String::from_utf8(original.clone()).unwrap().replace("1.0", "9.9").into_bytes());
    holder.until_state("chess", "wrong-version");
    ben.until_sources("chess", 0);
    rewrite(&original);
    holder.until_state("chess", "downloaded");
    ben.until_sources("chess", 1);
}

#[test]
fn an_equal_library_in_another_folder_is_news_for_the_screen_only() {
    let party = Party::new();
    let game = party.publish(&Game::small("chess"));
    let holder = party.seed("holder", &[&game]).start();
    let ben = party.peer("ben").knows(&holder).start();
    ben.until_sources("chess", 1);
    ben.wait("the holder's library", |event| event.is("peer-library-changed"));
    let revision = holder.wait("its library", |event| event.is("local-library-changed"));
    let last =
        holder.events().into_iter().rfind(|event| event.is("local-library-changed")).unwrap_or(revision);

    let other_folder = party.path().join("other-games");
    copy_tree(&game.payload, &other_folder.join("chess"));
    let (mark, ben_mark) = (holder.mark(), ben.mark());
    holder.ask(json!({ "cmd": "set", "games": other_folder }));
    let changed = holder.wait_after(mark, "news of the folder", |event| event.is("local-library-changed"));
    assert_eq!(changed["revision"], last["revision"], "the library is equal");
    // A game that arrives there proves that both have gone on since.
    holder.until_state("chess", "downloaded");
    ben.fetch("chess");
    let news = holder.events_after(mark).iter().filter(|event| event.is("local-library-changed")).count();
    assert_eq!(news, 1, "one word, not one per game");
    let told = ben.events_after(ben_mark).iter().filter(|event| event.is("peer-library-changed")).count();
    assert_eq!(told, 0, "nothing changed for the others");
}

#[test]
fn files_that_are_no_part_of_a_game_are_neither_sent_nor_touched() {
    let party = Party::new();
    let game = party.publish(&Game::small("chess"));
    let seed = party.knowing_seed("seed", &[&game]);
    fs::write(seed.games().join("chess/my notes.txt"), "mine").unwrap();
    fs::write(seed.games().join("chess/Thumbs.db"), "windows").unwrap();
    let seed = seed.start();
    assert_eq!(seed.state("chess"), "downloaded", "extra files are no part of its identity");
    let ben = party.peer("ben").knows(&seed).start();
    ben.fetch("chess");
    assert_same_tree(&game.payload, &ben.folder("chess"));

    fs::write(ben.folder("chess").join("my notes.txt"), "mine").unwrap();
    let mark = ben.mark();
    ben.ask(json!({ "cmd": "remove", "game": "chess" }));
    ben.wait_after(mark, "removed", |event| event.about("operation-finished", "chess"));
    assert_eq!(fs::read_to_string(ben.folder("chess").join("my notes.txt")).unwrap(), "mine");
    assert!(!ben.folder("chess").join("data/maps.pak").exists());
}
