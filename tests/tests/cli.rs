//! The command line and the JSON lines: what is right, and one clear line for what is wrong.

use std::ffi::OsString;
use std::fs;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};

use lanspread_tests::{Game, MIB, Party, assert_same_tree, lanspread, read_tree, rot, write_file};
use serde_json::json;

#[test]
fn help_explains_every_option_and_version_works() {
    let help = lanspread(["run", "--help"]);
    help.ok();
    for option in [
        "--games",
        "--catalog",
        "--name",
        "--bind",
        "--port",
        "--peer",
        "--no-mdns",
        "--upload-limit",
        "--playing-limit",
        "--organiser",
        "--no-fetch-ahead",
    ] {
        assert!(help.stdout.contains(option), "{option} is missing\n{help}");
    }
    let top = lanspread(["--help"]);
    top.ok();
    for command in ["run", "publish", "catalog", "keygen", "verify", "scan"] {
        assert!(top.stdout.contains(command), "{command} is missing\n{top}");
    }
    assert!(lanspread(["--version"]).ok().stdout.contains("0.1.0"));
}

#[test]
fn wrong_use_exits_2_with_a_word_on_stderr() {
    for wrong in [
        vec!["run"],
        vec!["run", "--games", "x", "--no-such-option"],
        vec!["run", "--games", "x", "--port", "70000"],
        vec!["publish", "--games", "x"],
        vec!["no-such-command"],
        vec!["catalog", "check"],
    ] {
        let run = lanspread(&wrong);
        run.exits(2).complains_of(&[]);
        assert!(!run.stderr.trim().is_empty(), "nothing was said\n{run}");
    }
}

#[test]
fn publishing_leaves_the_source_as_it_was_and_tells_what_it_made() {
    let party = Party::new();
    let game = Game::small("chess").empty_folder("mods");
    let source = party.path().join("source");
    game.write_to(&source);
    let before = read_tree(&source);
    let published = party.publish_from(&game, &source);
    assert_eq!(read_tree(&source), before);
    assert_same_tree(&source, &published.payload);
    let sentinel = fs::read_to_string(published.payload.join("version.ini")).unwrap();
    assert_eq!(sentinel.lines().next(), Some("1.0"));

    let show =
        lanspread(["catalog".as_ref(), "show".as_ref(), party.catalog().as_os_str(), "--json".as_ref()]);
    show.ok();
    let shown: serde_json::Value = serde_json::from_str(&show.stdout).unwrap();
    assert_eq!(shown["games"][0]["manifest"], *published.manifest);
    assert_eq!(shown["games"][0]["version"], "1.0");
    lanspread(["catalog".as_ref(), "check".as_ref(), party.catalog().as_os_str()]).ok();

    party.publish(&Game::small("go"));
    let again =
        lanspread(["catalog".as_ref(), "show".as_ref(), party.catalog().as_os_str(), "--json".as_ref()]);
    let again: serde_json::Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!(again["serial"].as_u64().unwrap(), shown["serial"].as_u64().unwrap() + 1);
    assert_eq!(again["games"].as_array().unwrap().len(), 2);
}

#[test]
fn the_first_publish_makes_a_key() {
    let party = Party::new();
    let games = party.path().join("games");
    let source = party.path().join("source");
    let game = Game::small("chess");
    game.write_to(&source);
    let mut args = party.publish_args(&game, &games, &source);
    let key = args.iter().position(|arg| arg == "--key").unwrap();
    args.drain(key..key + 2);
    lanspread(args).ok();
    assert!(party.catalog().with_extension("ron.sig").exists(), "publishing always signs");
    lanspread(["catalog".as_ref(), "check".as_ref(), party.catalog().as_os_str()]).ok();
}

#[test]
#[cfg(unix)]
fn names_that_cannot_exist_on_windows_are_all_listed() {
    let party = Party::new();
    let game = Game::small("chess");
    let source = party.path().join("source");
    game.write_to(&source);
    let bad = ["con.txt", "maps/what?.map", "trailing dot.", "trailing blank ", "a:b", "NUL"];
    for name in bad {
        write_file(&source.join(name), "x");
    }
    let twins = ["Readme.TXT", "DATA/maps.pak"];
    for name in twins {
        write_file(&source.join(name), "x");
    }
    let games = party.path().join("games");
    fs::create_dir(&games).unwrap();
    let run = party.run_publish(&game, &games, &source);
    run.exits(1).complains_of(&bad).complains_of(&["readme.txt", "Readme.TXT", "DATA", "data"]);
    assert!(!games.join("chess").exists(), "nothing changed on disk");
    assert!(!party.catalog().exists(), "nothing changed in the catalog");
}

#[test]
#[cfg(unix)]
fn links_are_refused_copied_or_skipped() {
    use std::os::unix::fs::symlink;
    let party = Party::new();
    let game = Game::small("chess");
    let source = party.path().join("source");
    game.write_to(&source);
    let outside = party.path().join("outside.txt");
    write_file(&outside, "from outside");
    symlink("readme.txt", source.join("inside link.txt")).unwrap();
    symlink(&outside, source.join("link-1.txt")).unwrap();
    symlink("../../outside.txt", source.join("data/link-2.txt")).unwrap();

    let games = party.path().join("refused");
    fs::create_dir(&games).unwrap();
    party.run_publish(&game, &games, &source).exits(1).complains_of(&["link-1.txt", "data/link-2.txt"]);
    assert!(!games.join("chess").exists());

    let copied = party.publish_from(&game.clone().publish_arg("--links", "copy"), &source);
    assert_eq!(fs::read_to_string(copied.payload.join("link-1.txt")).unwrap(), "from outside");
    assert_eq!(fs::read_to_string(copied.payload.join("inside link.txt")).unwrap(), "A small game.\n");
    assert!(!fs::symlink_metadata(copied.payload.join("link-1.txt")).unwrap().is_symlink());

    let skipped = party.publish_from(&game.publish_arg("--links", "skip"), &source);
    assert!(fs::symlink_metadata(skipped.payload.join("link-1.txt")).is_err());
    assert_eq!(fs::read_to_string(skipped.payload.join("inside link.txt")).unwrap(), "A small game.\n");
}

#[test]
fn an_interrupted_publish_leaves_the_old_state_or_the_new_one() {
    let party = Party::new();
    let old = Game::big("arena", 24 * MIB).text("old.txt", "old");
    let new =
        Game::big("arena", 24 * MIB).in_version("2.0").other_noise("data/everything.pak", 24 * MIB, "2.0");
    let old_source = party.path().join("old");
    let new_source = party.path().join("new");
    old.write_to(&old_source);
    new.write_to(&new_source);
    let games = party.path().join("games");
    fs::create_dir(&games).unwrap();
    party.run_publish(&old, &games, &old_source).ok();

    // Killed as soon as a step's trace is seen: whether that step is the last one or not, what is left is one or the
    // other.
    let with_ending = |ending: &str| {
        let mut path = party.catalog().as_os_str().to_owned();
        path.push(ending);
        PathBuf::from(path)
    };
    let state = games.join("arena/.lanspread");
    let traces = [
        ("the folder of new files", state.join("new")),
        ("a new file", state.join("new/data/everything.pak")),
        ("the staged catalog", with_ending(".new")),
        ("the staged signature", with_ending(".sig.new")),
        ("the swap's intent", games.join("arena/.lanspread.json")),
    ];
    for (moment, trace) in traces {
        party.run_publish(&old, &games, &old_source).ok();
        assert!(!trace.exists(), "{moment} was left by a publish that ended");
        let mut command = std::process::Command::new(lanspread_tests::program());
        command.args(party.publish_args(&new, &games, &new_source));
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let mut publish = command.spawn().unwrap();
        while !trace.exists() && publish.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        publish.kill().unwrap();
        publish.wait().unwrap();

        let check = lanspread(["catalog".as_ref(), "check".as_ref(), party.catalog().as_os_str()]);
        check.ok();
        let peer = party.peer_on("after", &games).with_catalog(party.catalog()).start();
        peer.until("no operation", |peer| peer.game("arena")["operation"].is_null());
        let expected = peer.game("arena")["expected"].clone();
        assert_eq!(peer.state("arena"), "downloaded", "killed at {moment}, the catalog says {expected}");
        let source = if expected == "1.0" { &old_source } else { &new_source };
        assert_same_tree(source, &games.join("arena"));
    }
    party.run_publish(&new, &games, &new_source).ok();
    assert_same_tree(&new_source, &games.join("arena"));
}

#[test]
fn a_broken_catalog_is_named_with_line_and_game() {
    let party = Party::new();
    let broken = party.path().join("broken.ron");
    write_file(
        &broken,
        "(\n  party: \"LAN\",\n  games: [\n    (id: \"chess\", title: \"Chess\"),\n    (id: \"go\", title: \"Go\", year: soon),\n  ],\n)\n",
    );
    let check = lanspread(["catalog".as_ref(), "check".as_ref(), broken.as_os_str()]);
    check.exits(1).complains_of(&["broken.ron", "line 5", "go"]);

    let mut ben = party.peer("ben").with_catalog(&broken).spawn();
    assert_eq!(ben.wait_exit().code(), Some(1));
    let log = ben.log();
    assert!(log.contains("broken.ron") && log.contains("line 5") && log.contains("go"), "{log}");

    let cora = party.peer("cora").start();
    let refusal = cora.request(json!({ "cmd": "set", "catalog": broken })).unwrap_err();
    assert!(refusal.message.contains("line 5"), "{refusal:?}");
    lanspread(["catalog", "check", "no-such-file.ron"]).exits(1).complains_of(&["no-such-file.ron"]);
}

#[test]
fn a_catalog_is_signed_by_hand() {
    let party = Party::new();
    let catalog = party.path().join("by-hand.ron");
    write_file(&catalog, "(party: \"LAN\", serial: 3, games: [(id: \"chess\", title: \"Chess\")])");
    let sign = |key: &Path| {
        let args: [OsString; 5] =
            ["catalog".into(), "sign".into(), catalog.clone().into(), "--key".into(), key.to_owned().into()];
        lanspread(args)
    };
    sign(&party.path().join("no-such.key")).exits(1).complains_of(&["no-such.key"]);
    assert!(!catalog.with_extension("ron.sig").exists());
    sign(party.key()).ok();
    assert!(catalog.with_extension("ron.sig").exists());
    lanspread(["catalog".as_ref(), "check".as_ref(), catalog.as_os_str()]).ok();
    let guest = party.peer_on("guest", &party.path().join("guest-games")).with_catalog(&catalog);
    fs::create_dir_all(guest.games()).unwrap();
    assert_eq!(guest.pinned().start().game("chess")["title"], "Chess");
}

#[test]
fn every_key_is_another_one() {
    let (one, two) = (Party::new(), Party::new());
    assert_ne!(one.organiser(), two.organiser());
    assert_eq!(one.organiser().len(), 64, "{}", one.organiser());
    let secret = fs::read_to_string(one.key()).unwrap();
    lanspread(["keygen".as_ref(), "--out".as_ref(), one.key().as_os_str()]).exits(1);
    assert_eq!(fs::read_to_string(one.key()).unwrap(), secret, "a key is never overwritten");
}

#[test]
fn verify_and_scan_read_the_disk_as_it_is() {
    let party = Party::new();
    let (chess, go) = (party.publish(&Game::small("chess")), party.publish(&Game::small("go")));
    let peer = party.knowing_seed("peer", &[&chess, &go]);
    let (games, catalog) = (peer.games().to_owned(), peer.catalog().to_owned());
    rot(&games.join("go/data/maps.pak"), usize::MAX);
    write_file(&games.join("unknown/version.ini"), "1");
    let with = |command: &str| -> Vec<OsString> {
        vec![
            command.into(),
            "--games".into(),
            games.clone().into(),
            "--catalog".into(),
            catalog.clone().into(),
        ]
    };
    let verified = lanspread(with("verify"));
    let lines = verified.json_lines();
    let line = |id: &str| lines.iter().find(|line| line["game"] == id).cloned().unwrap_or_default();
    assert_eq!(line("chess")["damaged"], json!([]), "{verified}");
    assert_eq!(line("chess")["state"], "downloaded", "{verified}");
    assert_eq!(line("go")["damaged"], json!(["data/maps.pak"]), "{verified}");

    let mut one = with("verify");
    one.push("chess".into());
    assert_eq!(lanspread(one).ok().json()["game"], "chess");
    let scanned = lanspread(with("scan"));
    scanned.ok();
    let text = scanned.json().to_string();
    assert!(["chess", "go", "unknown"].iter().all(|id| text.contains(id)), "{scanned}");

    let running = peer.start();
    lanspread(with("scan")).ok();
    lanspread(with("verify"));
    assert_eq!(running.state("chess"), "downloaded");
    assert_eq!(running.state("unknown"), "not-in-catalog");
}

#[test]
fn commands_that_are_not_understood_get_an_answer_and_change_nothing() {
    let party = Party::new();
    party.publish(&Game::small("chess"));
    let ben = party.peer("ben").start();
    for line in [
        "no json",
        "[1,2]",
        "{}",
        r#"{"cmd":"fly"}"#,
        r#"{"cmd":"download"}"#,
        r#"{"cmd":"set","upload_limit":"much"}"#,
    ] {
        let mark = ben.mark();
        ben.send_line(line);
        let reply = ben.wait_after(mark, &format!("an answer to {line}"), |event| event.is("reply"));
        assert_eq!(reply["ok"], false, "{line}: {reply}");
        assert_eq!(reply["error"]["code"], "bad_command", "{line}: {reply}");
    }
    let mark = ben.mark();
    ben.send_line(r#"{"cmd":"list","id":{"any":["json",null]}}"#);
    let reply = ben.wait_after(mark, "its id", |event| event.is("reply"));
    assert_eq!(reply["id"], json!({ "any": ["json", null] }));

    ben.is_refused(json!({ "cmd": "download", "game": "unheard-of" }), "unknown_game");
    assert!(ben.request(json!({ "cmd": "download", "game": "../../etc" })).is_err(), "no game id at all");
    ben.is_refused(json!({ "cmd": "download", "game": "chess" }), "no_source");
    ben.is_refused(json!({ "cmd": "verify", "game": "chess" }), "not_downloaded");
    ben.is_refused(json!({ "cmd": "remove", "game": "chess" }), "not_downloaded");
    assert!(ben.request(json!({ "cmd": "connect", "address": "not an address" })).is_err());
    assert!(ben.request(json!({ "cmd": "trust", "key": "no key" })).is_err());
    assert_eq!(read_tree(ben.games()).len(), 0, "nothing was made on disk");
}

#[test]
fn a_line_without_end_is_refused_and_not_kept() {
    let party = Party::new();
    let ben = party.peer("ben").start();
    ben.send_line(&"x".repeat(20_000_000));
    ben.wait("an answer", |event| event.is("reply") && event["ok"] == false);
    ben.ask(json!({ "cmd": "status" }));
}

#[test]
#[cfg(unix)]
fn signals_stop_it_in_order_and_the_end_of_its_input_does_not() {
    let party = Party::new();
    let game = party.publish(&Game::small("chess"));
    for signal in ["TERM", "INT"] {
        let mut seed = party.seed(&format!("seed-{signal}"), &[&game]).start();
        seed.until_state("chess", "downloaded");
        seed.close_stdin();
        let ben = party.peer(&format!("ben-{signal}")).knows(&seed).start();
        ben.fetch("chess");
        seed.signal(signal);
        seed.wait_stopped();
    }
}

#[test]
fn a_port_that_is_taken_is_one_clear_line() {
    let party = Party::new();
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut ben = party.peer("ben").at("127.0.0.1").port(port).spawn();
    assert_eq!(ben.wait_exit().code(), Some(1));
    assert!(ben.log().contains(&port.to_string()), "which port? {}", ben.log());
    assert_eq!(ben.count("ready"), 0);
}

#[test]
fn the_folder_stays_as_it_is_when_a_peer_only_looks() {
    let party = Party::new();
    let game = party.publish(&Game::small("chess"));
    let mut peer = party.seed("peer", &[&game]).start();
    let before = read_tree(peer.games());
    peer.until_state("chess", "downloaded");
    peer.stop();
    assert_eq!(read_tree(peer.games()), before);
}
