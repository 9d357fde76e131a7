//! The organiser's catalog on its way to everybody, and what does not pass for one.

use std::fs;
use std::path::Path;

use lanspread_tests::{Game, Party, Peer, Published, assert_same_tree, lanspread, write_file};
use serde_json::json;

/// The serial of a catalog file.
#[track_caller]
fn serial_of(catalog: &Path) -> u64 {
    let run = lanspread(["catalog".as_ref(), "show".as_ref(), catalog.as_os_str(), "--json".as_ref()]);
    run.ok();
    let shown: serde_json::Value = serde_json::from_str(&run.stdout).unwrap_or_default();
    assert!(shown["serial"].is_u64(), "no serial\n{run}");
    shown["serial"].as_u64().unwrap_or_default()
}

/// Gives a running peer another catalog file with its signature, as an organiser does.
fn give(peer: &Peer, catalog: &Path) {
    peer.ask(json!({ "cmd": "set", "catalog": catalog }));
}

/// An organiser with the old version, three guests who fetched it and pin the organiser's key.
fn party_with_guests(party: &Party) -> (Published, Peer, Vec<Peer>) {
    let old = party.publish(&Game::small("chess"));
    let organiser = party.seed("organiser", &[&old]).pinned().arg("--no-fetch-ahead").start();
    let guests = (1..=3)
        .map(|n| {
            party
                .seed(&format!("guest-{n}"), &[&old])
                .pinned()
                .knows(&organiser)
                .arg("--no-fetch-ahead")
                .start()
        })
        .collect::<Vec<_>>();
    for guest in &guests {
        guest.until_sources("chess", 3);
    }
    (old, organiser, guests)
}

fn new_version() -> Game {
    Game::small("chess").in_version("2.0").text("news.txt", "new in 2.0")
}

#[test]
fn a_new_version_reaches_everyone_and_old_copies_are_no_sources() {
    let party = Party::new();
    let (_, organiser, guests) = party_with_guests(&party);
    let new = party.publish(&new_version());
    let serial = serial_of(party.catalog());
    give(&organiser, party.catalog());
    for guest in &guests {
        let changed =
            guest.wait("the new catalog", |event| event.is("catalog-changed") && event["serial"] == serial);
        assert_eq!(changed["signed_by"], party.organiser());
        assert!(changed["changed"].to_string().contains("chess"), "{changed}");
        guest.until_state("chess", "wrong-version");
        assert_eq!(guest.game("chess")["update_available"], true);
        assert_eq!(guest.game("chess")["expected"], "2.0");
        guest.until_sources("chess", 0);
        guest.is_refused(json!({ "cmd": "update", "game": "chess" }), "no_source");
    }

    let seed = party.seed("seed", &[&new]).pinned().knows(&organiser).start();
    let guest = &guests[0];
    guest.until_sources("chess", 1);
    let mark = guest.mark();
    guest.ask(json!({ "cmd": "update", "game": "chess" }));
    guest.wait_downloaded(mark, "chess");
    assert_same_tree(&new.payload, &guest.folder("chess"));
    assert!(seed.status("served_chunks") > 0);
}

#[test]
fn a_catalog_outlives_a_restart_and_reaches_those_who_come_late() {
    let party = Party::new();
    let (_, mut organiser, mut guests) = party_with_guests(&party);
    party.publish(&new_version());
    let serial = serial_of(party.catalog());
    give(&organiser, party.catalog());
    let mut guest = guests.remove(0);
    guest.wait("the new catalog", |event| event.is("catalog-changed") && event["serial"] == serial);
    organiser.stop();
    drop(guests);
    // Its own file still holds the old catalog: what the pinned key signed later is what counts.
    guest.restart();
    guest.until_state("chess", "wrong-version");

    let late = party.peer("late").pinned();
    fs::remove_file(late.catalog().with_extension("ron.sig")).unwrap();
    write_file(late.catalog(), "(party: \"nobody's\", games: [])");
    let late = late.knows(&guest).start();
    late.wait("the catalog from a guest", |event| event.is("catalog-changed") && event["serial"] == serial);
    assert_eq!(late.game("chess")["expected"], "2.0");
}

#[test]
fn an_older_catalog_changes_nothing() {
    let party = Party::new();
    let old = party.publish(&Game::small("chess"));
    let stale = party.seed("stale", &[&old]).pinned();
    let new = party.publish(&new_version());
    let current = party.seed("current", &[&new]).pinned().start();
    let stale = stale.knows(&current).start();
    stale.until_state("chess", "wrong-version");
    assert_eq!(
        current.count("catalog-changed"),
        current
            .events()
            .iter()
            .filter(|event| { event.is("catalog-changed") && event["serial"] == serial_of(party.catalog()) })
            .count()
    );
    assert_eq!(current.state("chess"), "downloaded");
}

#[test]
fn a_catalog_by_another_key_changes_nothing() {
    let (party, stranger) = (Party::new(), Party::new());
    let game = party.publish(&Game::small("chess"));
    for version in ["7.0", "8.0", "9.0"] {
        stranger.publish(&Game::small("chess").in_version(version));
    }
    assert!(serial_of(stranger.catalog()) > serial_of(party.catalog()));
    let ben = party.seed("ben", &[&game]).pinned().start();
    let intruder = stranger.peer("intruder").at("127.0.0.77").pinned().knows(&ben).start();
    intruder.until_connected_to(&ben);
    // A newer catalog by the right key comes after all that the intruder said.
    party.publish(&Game::small("go"));
    let helper = party.peer("helper").pinned().knows(&ben).start();
    helper.until_connected_to(&ben);
    let serial = serial_of(party.catalog());
    ben.wait("the organiser's next", |event| event.is("catalog-changed") && event["serial"] == serial);
    assert_eq!(ben.game("chess")["expected"], "1.0");
    assert_eq!(ben.state("chess"), "downloaded");
    assert!(
        !ben.events()
            .iter()
            .any(|event| event.is("catalog-changed") && event["signed_by"] == stranger.organiser())
    );
}

#[test]
fn a_catalog_whose_signature_does_not_fit_is_refused() {
    let party = Party::new();
    let game = party.publish(&Game::small("chess"));
    let ben = party.seed("ben", &[&game]).pinned().start();
    party.publish(&new_version());
    let forged = party.path().join("forged.ron");
    let text = fs::read_to_string(party.catalog()).unwrap();
    write_file(&forged, text.replace("2.0", "6.6"));
    fs::copy(party.catalog().with_extension("ron.sig"), forged.with_extension("ron.sig")).unwrap();

    let checked = lanspread(["catalog".as_ref(), "check".as_ref(), forged.as_os_str()]);
    checked.exits(1).complains_of(&["signature"]);
    assert!(ben.request(json!({ "cmd": "set", "catalog": forged })).is_err(), "taken");
    assert_eq!(ben.game("chess")["expected"], "1.0");
    assert_eq!(ben.state("chess"), "downloaded");
}

#[test]
fn without_a_pinned_key_a_catalog_is_only_offered_until_it_is_trusted() {
    let party = Party::new();
    let game = party.publish(&Game::small("chess"));
    let seed = party.seed("seed", &[&game]).pinned().start();
    let guest = party.peer("guest");
    fs::remove_file(guest.catalog().with_extension("ron.sig")).unwrap();
    write_file(guest.catalog(), "(party: \"empty\", games: [])");
    let guest = guest.knows(&seed).start();
    let offered = guest.wait("an offer", |event| event.is("catalog-offered"));
    assert_eq!(offered["key"], party.organiser());
    assert!(!offered.text("words").is_empty());
    assert_eq!(guest.game("chess"), json!(null), "nothing is pinned by itself");

    guest.ask(json!({ "cmd": "trust", "key": party.organiser() }));
    guest.wait("the catalog", |event| event.is("catalog-changed") && event["signed_by"] == party.organiser());
    guest.fetch("chess");
    assert_same_tree(&game.payload, &guest.folder("chess"));
}

#[test]
fn publishing_on_a_running_peer_reaches_the_others() {
    let party = Party::new();
    let game = party.publish(&Game::small("chess"));
    let organiser = party.origin("organiser", &game).pinned().start();
    let guest = party.peer("guest").pinned().knows(&organiser).start();
    guest.until_connected_to(&organiser);
    let next = Game::small("go");
    let source = party.path().join("go-source");
    next.write_to(&source);
    // The command line's work is handed to the peer that runs on this folder.
    party.run_publish(&next, organiser.games(), &source).ok();
    organiser.until_state("go", "downloaded");
    guest.fetch("go");
    assert_same_tree(&source, &guest.folder("go"));
}

#[test]
fn without_pinned_manifests_most_addresses_decide_and_nothing_is_mixed() {
    let party = Party::new();
    let theirs = party.publish(&Game::small("chess"));
    let other = party.publish(&Game::small("chess").noise("data/maps.pak", 200_000));
    party.unpin_manifests();
    let many: Vec<_> =
        (1..=3).map(|n| party.seed(&format!("one-pc-{n}"), &[&other]).at("127.0.0.99").start()).collect();
    let two: Vec<_> = (1..=2).map(|n| party.seed(&format!("pc-{n}"), &[&theirs]).start()).collect();
    // They agree among themselves only where they are; the guest hears all before it chooses.
    let mut guest = party.peer("guest");
    for peer in many.iter().chain(&two) {
        guest = guest.knows(peer);
    }
    let guest = guest.start();
    for peer in many.iter().chain(&two) {
        let id = peer.id();
        guest.wait("all libraries", |event| {
            event.is("peer-library-changed")
                && event["peer_id"] == id.as_str()
                && event["games"].to_string().contains("chess")
        });
    }
    guest.fetch("chess");
    assert_same_tree(&theirs.payload, &guest.folder("chess"));
    assert!(many.iter().all(|peer| peer.status("served_chunks") == 0), "three peers on one PC are one vote");
}

#[test]
fn a_publish_that_this_peer_does_not_see_is_told() {
    let party = Party::new();
    let game = party.publish(&Game::small("chess"));
    let organiser = party.origin("organiser", &game).start();
    organiser.until_state("chess", "downloaded");
    let next = Game::small("go");
    let source = party.path().join("go-source");
    next.write_to(&source);
    let elsewhere = party.path().join("elsewhere.ron");
    let mark = organiser.mark();
    organiser.ask(json!({
        "cmd": "publish", "game": "go", "version": "1", "title": "Go", "from": source, "catalog": elsewhere,
    }));
    organiser.wait_after(mark, "the end", |event| event.about("operation-finished", "go"));
    let notice = organiser.wait_after(mark, "a word on where it went", |event| event.is("notice"));
    assert!(notice["message"].to_string().contains("elsewhere.ron"), "{notice}");
    assert_eq!(organiser.state("go"), "not-in-catalog");
}

#[test]
fn a_guest_gets_the_organiser_s_cover_and_passes_it_on() {
    let party = Party::new();
    let picture = b"\x89PNG a picture of chess".as_slice();
    let cover = party.path().join("cover.png");
    write_file(&cover, picture);
    let game = Game::small("chess").publish_arg("--cover", &cover.display().to_string());
    let published = party.publish(&game);
    let hash = lanspread_protocol::Blake3Hash::of(picture).to_string();
    let place = |peer: &Peer| peer.games().join(".lanspread/covers").join(&hash);

    let mut organiser = party.origin("organiser", &published).pinned().start();
    assert_eq!(fs::read(place(&organiser)).unwrap(), picture);
    let guest = party.peer("guest").pinned().knows(&organiser).start();
    guest.until("the cover is here", |guest| fs::read(place(guest)).is_ok_and(|there| there == picture));
    organiser.stop();
    let late = party.peer("late").pinned().knows(&guest).start();
    late.until("a guest passes it on", |late| fs::read(place(late)).is_ok_and(|there| there == picture));
}
