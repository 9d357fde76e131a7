//! Disks that are full, read-only, taken or gone.

use std::fs;

use lanspread_tests::{Game, MIB, Party, Peer, SmallDisk, assert_same_tree, lanspread};
use serde_json::json;

#[test]
fn two_programs_on_one_folder_are_one_too_many() {
    let party = Party::new();
    let game = party.publish(&Game::small("chess"));
    let first = party.seed("first", &[&game]).start();
    let mut second = party.peer_on("second", first.games()).spawn();
    assert_eq!(second.wait_exit().code(), Some(1));
    let log = second.log();
    assert!(log.contains(&first.games().display().to_string()), "which folder? {log}");
    assert_eq!(second.count("ready"), 0);
    assert_eq!(first.state("chess"), "downloaded");
    // Reading needs no lock.
    lanspread(["scan".as_ref(), "--games".as_ref(), first.games().as_os_str()]).ok();
}

#[test]
fn a_folder_that_is_taken_cannot_be_chosen() {
    let party = Party::new();
    let first = party.peer("first").start();
    let second = party.peer("second").start();
    let refusal = second.is_refused(json!({ "cmd": "set", "games": first.games() }), "refused");
    assert!(refusal.message.contains(&first.games().display().to_string()), "{}", refusal.message);
    second.ask(json!({ "cmd": "list" }));
}

#[test]
fn a_disk_that_is_too_small_is_seen_before_a_byte_is_fetched() {
    let Some(disk) = SmallDisk::mount("a disk that is too small", 16 * MIB) else { return };
    let party = Party::new();
    let game = party.publish(&Game::big("arena", 24 * MIB));
    let seed = party.seed("seed", &[&game]).start();
    let ben = party.peer_on("ben", disk.path()).knows(&seed).start();
    ben.until_sources("arena", 1);
    let mark = ben.mark();
    // Refused at once, or when the manifest that tells what is missing has come.
    if let Err(refusal) = ben.request(json!({ "cmd": "download", "game": "arena" })) {
        assert_eq!(refusal.code, "no_space");
    } else {
        let failed = ben.wait_after(mark, "no space", |event| event.about("operation-failed", "arena"));
        assert_eq!(failed["error"]["code"], "no_space", "{failed}");
    }
    assert_eq!(seed.status("served_chunks"), 0);
    assert!(!disk.path().join("arena/version.ini").exists());
}

#[test]
fn a_disk_that_fills_up_half_way_loses_nothing() {
    let Some(disk) = SmallDisk::mount("a disk that fills up half-way", 40 * MIB) else { return };
    let party = Party::new();
    let game = party.publish(&Game::big("arena", 24 * MIB));
    let seed = party.seed("seed", &[&game]).upload_limit(4 * MIB).start();
    let ben = party.peer_on("ben", disk.path()).knows(&seed).start();
    let mark = ben.download("arena");
    ben.wait_progress(mark, "arena", 30);
    let ballast = disk.fill_up();
    let failed = ben.wait_after(mark, "no space", |event| event.about("operation-failed", "arena"));
    assert_eq!(failed["error"]["code"], "no_space", "{failed}");
    assert!(!disk.path().join("arena/version.ini").exists());

    fs::remove_file(ballast).unwrap();
    seed.ask(json!({ "cmd": "set", "upload_limit": 0 }));
    ben.until("no operation", |ben| ben.game("arena")["operation"].is_null());
    ben.fetch("arena");
    assert_same_tree(&game.payload, &disk.path().join("arena"));
    let fetched = ben.status("rx_bytes");
    assert!(fetched <= game.bytes + 4 * MIB, "it began anew: {fetched} bytes");
}

#[test]
fn a_disk_that_is_full_to_the_last_byte_can_be_freed() {
    let Some(disk) = SmallDisk::mount("freeing a full disk", 48 * MIB) else { return };
    let party = Party::new();
    let game = party.publish(&Game::big("arena", 4 * MIB).small_files(2000, 10, 20));
    let games = disk.path().join("games");
    lanspread_tests::copy_tree(&game.payload, &games.join("arena"));
    let ben = party.peer_on("ben", &games).start();
    ben.until_state("arena", "downloaded");
    ben.carry_out("install", json!({ "cmd": "install", "game": "arena" }));
    let reserve = games.join(".lanspread/reserve");
    ben.until("there is a reserve", |_| reserve.exists());
    let ballast = disk.fill_up();
    ben.carry_out("uninstall", json!({ "cmd": "uninstall", "game": "arena" }));
    assert!(!games.join("arena/local").exists());
    assert!(reserve.exists(), "there is a new one for the next time");

    fs::rename(ballast, disk.path().join("more ballast")).unwrap();
    disk.fill_up();
    ben.carry_out("remove", json!({ "cmd": "remove", "game": "arena" }));
    ben.until_state("arena", "");
    assert!(!games.join("arena").exists());
}

#[test]
fn a_read_only_folder_is_one_clear_line() {
    let Some(disk) = SmallDisk::mount("a read-only folder", 16 * MIB) else { return };
    let party = Party::new();
    disk.make_read_only();
    let mut ben = party.peer_on("ben", disk.path()).spawn();
    assert_eq!(ben.wait_exit().code(), Some(1));
    assert!(ben.log().contains(&disk.path().display().to_string()), "which folder? {}", ben.log());

    let game = Game::small("chess");
    let source = party.path().join("source");
    game.write_to(&source);
    let run = party.run_publish(&game, disk.path(), &source);
    run.exits(1).complains_of(&[&disk.path().display().to_string()]);
    assert!(!party.catalog().exists(), "nothing was published");

    let cora = party.peer("cora").start();
    let refusal = cora.request(json!({ "cmd": "set", "games": disk.path() })).unwrap_err();
    assert!(["refused", "io"].contains(&refusal.code.as_str()), "{refusal:?}");
    assert_eq!(fs::read_dir(disk.path()).unwrap().count(), 0, "nothing changed on the disk");
}

#[test]
fn a_folder_that_is_not_there_is_one_clear_line() {
    let party = Party::new();
    let file = party.path().join("a-file");
    fs::write(&file, "no folder").unwrap();
    let mut ben = party.peer_on("ben", &file).spawn();
    assert_eq!(ben.wait_exit().code(), Some(1));
    assert!(ben.log().contains("a-file"), "which folder? {}", ben.log());
    assert_eq!(fs::read_to_string(&file).unwrap(), "no folder");
}

#[test]
fn files_that_come_and_go_are_noticed() {
    let party = Party::new();
    let game = party.publish(&Game::small("chess"));
    let ben = party.peer("ben").start();
    let cora = party.peer("cora").knows(&ben).start();
    cora.until_connected_to(&ben);
    lanspread_tests::copy_tree(&game.payload, &ben.folder("chess"));
    ben.until_state("chess", "downloaded");
    cora.until_sources("chess", 1);
    // A game's root is watched; what changes further below is seen by the next full scan, or by who reads it.
    fs::remove_file(ben.folder("chess").join("readme.txt")).unwrap();
    cora.until_sources("chess", 0);
    fs::remove_dir_all(ben.folder("chess")).unwrap();
    ben.until_state("chess", "");
}

#[test]
fn another_games_folder_has_its_own_queue_and_log() {
    let party = Party::new();
    let game = party.publish(&Game::big("arena", 16 * MIB));
    let seed = party.seed("seed", &[&game]).upload_limit(4 * MIB).start();
    let ben = party.peer("ben").knows(&seed).start();
    let mark = ben.download("arena");
    ben.wait_progress(mark, "arena", 20);
    ben.ask(json!({ "cmd": "pause", "game": "arena" }));
    let phase = |ben: &Peer| ben.game("arena")["operation"]["phase"].clone();
    ben.until("it is paused", |ben| phase(ben) == "paused");

    let other = party.path().join("other");
    fs::create_dir(&other).unwrap();
    ben.until("nothing runs", |ben| ben.request(json!({ "cmd": "set", "games": other })).is_ok());
    assert!(phase(&ben).is_null(), "nothing waits in the other folder");
    let logs = other.join(".lanspread/logs");
    ben.until("the log is there", |_| fs::read_dir(&logs).is_ok_and(|mut logs| logs.next().is_some()));

    ben.ask(json!({ "cmd": "set", "games": ben.games() }));
    assert_eq!(phase(&ben), "paused");
    let mark = ben.mark();
    seed.ask(json!({ "cmd": "set", "upload_limit": 0 }));
    ben.ask(json!({ "cmd": "resume", "game": "arena" }));
    ben.wait_downloaded(mark, "arena");
    assert_same_tree(&game.payload, &ben.folder("arena"));
    let fetched = ben.status("rx_bytes");
    assert!(fetched <= game.bytes + 4 * MIB, "it began anew: {fetched} bytes");
}
