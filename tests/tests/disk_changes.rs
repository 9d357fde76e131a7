//! Installing, updating and uninstalling on a disk that is full or must not be written to: a clear error, everything
//! as before, and once there is room it works without a restart.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests fail the test")]

use std::fs;

use lanspread_tests::{
    Game, KIB, MIB, Node, Party, Peer, PeerBuilder, Published, SmallDisk, copy_tree, read_tree, write_file,
};
use serde_json::{Value, json};

const SIZE: u64 = 6 * MIB;

fn old_version() -> Game {
    Game::new("chess", "1.0")
        .noise("data/everything.pak", SIZE)
        .small_files(20, KIB, 8 * KIB)
        .text("readme.txt", "old")
        .publish_arg("--keep", "saves/**")
}

fn new_version() -> Game {
    old_version().in_version("2.0").other_noise("data/everything.pak", SIZE, "2.0").text("readme.txt", "new")
}

/// A game that is installed on a disk of its own, with a save. The disk goes before the party's folder.
struct Installed {
    party: Party,
    disk: SmallDisk,
    old: Published,
    ben: PeerBuilder,
}

fn installed(story: &str, bytes: u64) -> Option<Installed> {
    let party = Party::new();
    let old = party.publish(&old_version());
    let ben = party.peer("ben").pinned().arg("--no-fetch-ahead");
    // Only the game's folder: the peer's own state and log are elsewhere.
    let disk = SmallDisk::mount_at(story, bytes, &ben.games().join("chess"))?;
    copy_tree(&old.payload, disk.path());
    let peer = ben.clone().start();
    peer.until_state("chess", "downloaded");
    peer.carry_out("install", json!({ "cmd": "install", "game": "chess" }));
    write_file(&disk.path().join("local/saves/one.sav"), "my save");
    Some(Installed { party, disk, old, ben })
}

type Tree = std::collections::BTreeMap<String, Node>;

/// Payload and `local/`; nothing of a transaction lies around.
fn trees(disk: &SmallDisk) -> (Tree, Tree) {
    for left in [".lanspread.json", ".local.installing", ".local.backup", ".version.ini.tmp"] {
        assert!(!disk.path().join(left).exists(), "{left} is left");
    }
    let mut payload = read_tree(disk.path());
    payload.remove("ballast");
    (payload, read_tree(&disk.path().join("local")))
}

/// The operation fails, at once or on its way, with this code and a message that says where.
#[track_caller]
fn fails(peer: &Peer, command: Value, code: &str) {
    let mark = peer.mark();
    let told = command.to_string();
    let message = match peer.request(command) {
        Err(refusal) => {
            assert_eq!(refusal.code, code, "{told}: {refusal:?}");
            refusal.message
        }
        Ok(_) => {
            let end = peer.wait_after(mark, &format!("the end of {told}"), |event| {
                event.about("operation-failed", "chess") || event.about("operation-finished", "chess")
            });
            assert!(end.is("operation-failed"), "{told}: {end}");
            assert_eq!(end["error"]["code"], code, "{told}: {end}");
            end["error"]["message"].as_str().unwrap_or_default().to_owned()
        }
    };
    assert!(message.len() > 20, "{told}: {message:?} is no clear error");
    peer.until("nothing runs", |peer| peer.game("chess")["operation"].is_null());
}

fn update() -> Value {
    json!({ "cmd": "update", "game": "chess" })
}

#[test]
fn an_update_without_room_changes_nothing_and_works_once_there_is_some() {
    let Some(Installed { party, disk, old, ben }) = installed("an update without room", 40 * MIB) else {
        return;
    };
    let new = party.publish(&new_version());
    let seed = party.seed("seed", &[&new]).start();
    let ben = ben.knows(&seed).start();
    ben.until("the update", |ben| ben.sources("chess") == 1 && ben.state("chess") == "wrong-version");
    let before = trees(&disk);
    let ballast = disk.fill_up();
    fails(&ben, update(), "no_space");
    assert_eq!(trees(&disk), before);
    assert_eq!(before.0, read_tree(&old.payload));

    fs::remove_file(ballast).unwrap();
    ben.carry_out("install", update());
    let (payload, mut local) = trees(&disk);
    assert_eq!(payload, read_tree(&new.payload));
    assert!(local.remove("saves/one.sav").is_some() && local.remove("saves").is_some());
    let mut expected = read_tree(&new.payload);
    expected.remove("version.ini");
    assert_eq!(local, expected);
}

#[test]
fn an_archive_for_which_the_room_ends_half_way_leaves_what_was_installed() {
    let party = Party::new();
    let source = party.path().join("source");
    // Much smaller packed, and a packed TAR does not say how large it becomes.
    Game::new("chess", "1.0").hole("data/empty.pak", 24 * MIB).text("readme.txt", "new").write_to(&source);
    let mut tar = tar::Builder::new(Vec::new());
    tar.append_dir_all(".", &source).unwrap();
    let packed = ruzstd::encoding::compress_to_vec(
        &tar.into_inner().unwrap()[..],
        ruzstd::encoding::CompressionLevel::Fastest,
    );
    let archive = party.path().join("game.tar.zst");
    fs::write(&archive, packed).unwrap();
    let game = party.publish_from(&Game::new("chess", "1.0"), &archive);
    let ben = party.knowing_seed("ben", &[&game]);
    let folder = ben.games().join("chess");
    let Some(disk) = SmallDisk::mount_at("an archive that is too large", 40 * MIB, &folder) else { return };
    copy_tree(&game.payload, &folder);
    write_file(&folder.join("local/saves/one.sav"), "my save");
    fs::write(folder.join("ballast"), vec![1; 24 << 20]).unwrap();
    let ben = ben.start();
    ben.until_state("chess", "installed");
    let before = trees(&disk);
    fails(&ben, json!({ "cmd": "install", "game": "chess" }), "no_space");
    assert_eq!(trees(&disk), before);

    fs::remove_file(folder.join("ballast")).unwrap();
    ben.carry_out("install", json!({ "cmd": "install", "game": "chess" }));
    let (_, local) = trees(&disk);
    assert!(local.contains_key("data/empty.pak"), "{local:?}");
}

#[test]
fn what_must_not_be_written_to_is_left_as_it_is() {
    let Some(Installed { party, disk, ben, .. }) = installed("a folder that is read-only", 40 * MIB) else {
        return;
    };
    let new = party.publish(&new_version());
    let seed = party.seed("seed", &[&new]).start();
    let ben = ben.knows(&seed).start();
    ben.until("the update", |ben| ben.sources("chess") == 1 && ben.state("chess") == "wrong-version");
    let before = trees(&disk);
    disk.make_read_only();
    for command in [
        update(),
        json!({ "cmd": "install", "game": "chess" }),
        json!({ "cmd": "uninstall", "game": "chess" }),
        json!({ "cmd": "uninstall", "game": "chess", "saves": "delete" }),
        json!({ "cmd": "remove", "game": "chess" }),
        json!({ "cmd": "remove", "game": "chess", "local": true }),
    ] {
        fails(&ben, command, "io");
        assert_eq!(trees(&disk), before);
    }
    disk.make_writable();
    ben.carry_out("install", update());
    assert_eq!(trees(&disk).0, read_tree(&new.payload));
    ben.carry_out("uninstall", json!({ "cmd": "uninstall", "game": "chess" }));
    assert!(!disk.path().join("local").exists());
}

#[test]
fn a_full_disk_needs_a_little_room_to_be_emptied() {
    let Some(Installed { party: _party, disk, ben, .. }) = installed("an uninstall on a full disk", 40 * MIB)
    else {
        return;
    };
    let ben = ben.start();
    ben.until_state("chess", "installed");
    let before = trees(&disk);
    let ballast = disk.fill_up();
    // What is to be done is written down first.
    let uninstall = json!({ "cmd": "uninstall", "game": "chess" });
    fails(&ben, uninstall.clone(), "no_space");
    assert_eq!(trees(&disk), before);
    let whole = fs::metadata(&ballast).unwrap().len();
    fs::File::options().write(true).open(&ballast).unwrap().set_len(whole - 128 * KIB).unwrap();
    let mark = ben.mark();
    ben.carry_out("uninstall", uninstall);
    let kept = ben.wait_after(mark, "the save", |event| event.about("files-kept", "chess"));
    assert_eq!(kept["paths"], json!(["saves/one.sav"]));
    assert!(!disk.path().join("local").exists());
}
