//! The program's tools on files, as a person uses them: results on stdout, one clear line on stderr.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

const CATALOG: &str = r#"(
    party: "LAN Nord",
    serial: 7,
    games: [
        (id: "chess", title: "Chess", version: "1.0"),
        (id: "go", title: "Go"),
    ],
)
"#;

struct Run {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn lanspread<S: AsRef<OsStr>>(folder: &TempDir, args: impl IntoIterator<Item = S>) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lanspread-peer"));
    let output = command.current_dir(folder).args(args).env_remove("RUST_LOG").output().unwrap();
    Run {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Run {
    #[track_caller]
    fn prints(&self) -> &str {
        assert_eq!((self.code, self.stderr.as_str()), (Some(0), ""), "{}", self.stdout);
        self.stdout.trim_end()
    }

    /// One line that begins so.
    #[track_caller]
    fn complains(&self, code: i32, message: &str) {
        let line = self.stderr.strip_suffix('\n').unwrap_or_default();
        assert!(!line.contains('\n'), "not one line: {}", self.stderr);
        let said = line.strip_prefix("lanspread-peer: ").unwrap_or_default();
        assert!(said.starts_with(message), "said: {line}");
        assert_eq!((self.code, self.stdout.as_str()), (Some(code), ""));
    }
}

fn folder_with_catalog() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("catalog.ron"), CATALOG).unwrap();
    folder
}

fn put(folder: &TempDir, path: &str, contents: &str) {
    let path = folder.path().join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, contents).unwrap();
}

/// Every path below, with what the files hold.
fn tree(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter().map(Result::unwrap);
    let read = |entry: walkdir::DirEntry| {
        let contents = if entry.file_type().is_file() { fs::read(entry.path()).unwrap() } else { Vec::new() };
        (entry.path().display().to_string(), contents)
    };
    entries.map(read).collect()
}

#[test]
fn help_and_version_are_results() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(lanspread(&folder, ["--version"]).prints(), "lanspread-peer 0.1.0");
    for command in ["run", "publish", "catalog", "keygen", "verify", "scan"] {
        assert!(lanspread(&folder, ["--help"]).prints().contains(command));
        assert!(lanspread(&folder, [command, "--help"]).prints().contains("Usage: lanspread-peer"));
    }
}

#[test]
fn wrong_use_is_one_line_and_exit_2() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = |args: &[&str], message: &str| lanspread(&folder, args).complains(2, message);
    wrong(&[], "'lanspread-peer' requires a subcommand");
    wrong(&["run"], "the following required arguments were not provided: --games <DIR>");
    wrong(&["run", "--games", "x", "--port", "70000"], "invalid value '70000' for '--port <N>'");
    wrong(&["publish", "--games", "x"], "the following required arguments were not provided: --catalog");
    wrong(&["catalog", "check"], "the following required arguments were not provided: <FILE>");
    assert_eq!(tree(folder.path()).len(), 1, "nothing was made");
}

#[test]
fn a_key_is_made_once() {
    let folder = tempfile::tempdir().unwrap();
    let run = lanspread(&folder, ["keygen", "--out", "key"]);
    let public: lanspread_protocol::OrganiserKey = run.prints().parse().unwrap();
    let secret = fs::read_to_string(folder.path().join("key")).unwrap();
    assert_eq!(lanspread_protocol::OrganiserSecret::from_file(&secret).unwrap().public(), public);
    lanspread(&folder, ["keygen", "--out", "key"]).complains(1, "cannot make the key “key”: ");
    assert_eq!(fs::read_to_string(folder.path().join("key")).unwrap(), secret);
    lanspread(&folder, ["keygen", "--out", "no/key"]).complains(1, "cannot make the key “no/key”: ");
}

#[test]
fn a_catalog_is_checked_signed_and_shown() {
    let folder = folder_with_catalog();
    let check = || lanspread(&folder, ["catalog", "check", "catalog.ron"]);
    assert_eq!(check().prints(), "“LAN Nord”, serial 7, 2 games, not signed: no mistakes");
    let public = lanspread(&folder, ["keygen", "--out", "key"]).prints().to_owned();
    let signed = lanspread(&folder, ["catalog", "sign", "catalog.ron", "--key", "key"]);
    assert_eq!(signed.prints(), public);
    assert!(check().prints().contains(&format!("signed by {public} (")));
    let shown = lanspread(&folder, ["catalog", "show", "catalog.ron"]);
    assert!(shown.prints().contains("\n  chess  Chess  (1.0, not pinned)\n  go  Go  (no version"));
    let shown = lanspread(&folder, ["catalog", "show", "catalog.ron", "--json"]);
    let shown: serde_json::Value = serde_json::from_str(shown.prints()).unwrap();
    assert_eq!((&shown["serial"], &shown["games"][0]["id"]), (&7.into(), &"chess".into()));
    assert_eq!(shown["signed_by"], public);

    fs::write(folder.path().join("catalog.ron"), CATALOG.replace("Chess", "Checkers")).unwrap();
    check().complains(1, "“catalog.ron”: the signature does not fit");
    fs::write(folder.path().join("catalog.ron.sig"), "nothing").unwrap();
    check().complains(1, "“catalog.ron.sig”: this is no signature file");
}

#[test]
fn a_broken_catalog_is_one_line_with_its_place() {
    let folder = folder_with_catalog();
    let broken = CATALOG.replace("title: \"Go\"", "title: \"Go\", year: soon");
    fs::write(folder.path().join("broken.ron"), broken).unwrap();
    lanspread(&folder, ["keygen", "--out", "key"]).prints();
    let before = tree(folder.path());
    let said = "“broken.ron”: line 6 (game “go”): ";
    lanspread(&folder, ["catalog", "check", "broken.ron"]).complains(1, said);
    lanspread(&folder, ["catalog", "show", "broken.ron", "--json"]).complains(1, said);
    lanspread(&folder, ["catalog", "sign", "broken.ron", "--key", "key"]).complains(1, said);
    lanspread(&folder, ["scan", "--games", ".", "--catalog", "broken.ron"]).complains(1, said);
    lanspread(&folder, ["catalog", "check", "none.ron"])
        .complains(1, "cannot read “none.ron”: there is no such file");
    let sign = |key: &str| lanspread(&folder, ["catalog", "sign", "catalog.ron", "--key", key]);
    sign("none").complains(1, "cannot read “none”: ");
    sign("catalog.ron").complains(1, "“catalog.ron”: this is no organiser's key file");
    assert_eq!(tree(folder.path()), before);
}

#[test]
fn a_scan_tells_what_is_there_and_changes_nothing() {
    let folder = folder_with_catalog();
    put(&folder, "games/chess/version.ini", "1.0");
    put(&folder, "games/chess/board", "8 x 8");
    put(&folder, "games/go/local/go", "19 x 19");
    put(&folder, "games/ut/version.ini", "436");
    put(&folder, "games/No Game/file", "");
    let before = tree(folder.path());
    let scan = |args: &[&str]| {
        let args: Vec<&str> = ["scan", "--games", "games"].into_iter().chain(args.iter().copied()).collect();
        serde_json::from_str::<serde_json::Value>(lanspread(&folder, args).prints()).unwrap()
    };
    let library = scan(&["--catalog", "catalog.ron"]);
    let state = |library: &serde_json::Value, id: &str| {
        let games = library["games"].as_array().unwrap();
        games.iter().find(|game| game["id"] == id).map(|game| game["state"].clone()).unwrap()
    };
    assert_eq!(state(&library, "chess"), "downloaded");
    assert_eq!(state(&library, "go"), "local-only");
    assert_eq!(state(&library, "ut"), "not-in-catalog");
    assert_eq!(library["skipped"], serde_json::json!(["No Game"]));
    assert_eq!(state(&scan(&[]), "ut"), "downloaded");
    put(&folder, "games/chess/version.ini", "1.1");
    assert_eq!(state(&scan(&["--catalog", "catalog.ron"]), "chess"), "wrong-version");
    put(&folder, "games/chess/version.ini", "1.0");
    assert_eq!(tree(folder.path()), before);
}

#[test]
fn verifying_says_which_game_is_not_what_it_should_be() {
    let folder = folder_with_catalog();
    put(&folder, "games/chess/version.ini", "1.0");
    put(&folder, "games/chess/board", "8 x 8");
    let manifest = lanspread_peer::disk::hash_payload(
        &folder.path().join("games/chess"),
        lanspread_peer::disk::hash::Selection::All,
        &lanspread_peer::disk::Cancel::new(),
        &lanspread_peer::disk::Progress::new(),
    );
    let manifest = manifest.unwrap().manifest;
    let pinned = format!("version: \"1.0\", manifest: \"{}\"", manifest.id());
    fs::write(folder.path().join("catalog.ron"), CATALOG.replace("version: \"1.0\"", &pinned)).unwrap();
    let verify = || lanspread(&folder, ["verify", "--games", "games", "--catalog", "catalog.ron"]);
    let line = |run: &Run| serde_json::from_str::<serde_json::Value>(&run.stdout).unwrap();
    assert_eq!(line(&verify())["damaged"], serde_json::json!([]));
    verify().prints();

    put(&folder, "games/chess/board", "9 x 9");
    let run = verify();
    assert_eq!(run.code, Some(1));
    assert_eq!(line(&run)["state"], "modified", "{}", run.stdout);
    assert!(run.stderr.contains("1 of 1 games in “games” are not as expected: chess"), "{}", run.stderr);
    put(&folder, "games/chess/.lanspread/x", "");
    fs::write(folder.path().join("games/chess/.lanspread/manifest"), manifest.encode()).unwrap();
    assert_eq!(line(&verify())["damaged"], serde_json::json!(["board"]));

    let none = lanspread(&folder, ["verify", "--games", "games", "go"]);
    assert_eq!((none.code, none.stdout.as_str()), (Some(1), ""));
    assert!(none.stderr.contains("go: it is not here (“games/go”)"), "{}", none.stderr);
}

#[test]
fn a_games_folder_that_is_none_is_named() {
    let folder = folder_with_catalog();
    put(&folder, "file", "");
    for command in ["scan", "verify"] {
        lanspread(&folder, [command, "--games", "none"])
            .complains(1, "cannot open the games folder “none”: ");
        lanspread(&folder, [command, "--games", "file"]).complains(1, "the games folder “file” is no folder");
    }
    let publish = |games: &str| {
        let args = ["publish", "--games", games, "--catalog", "new.ron", "--id", "ut", "--version", "1"];
        lanspread(&folder, args.into_iter().chain(["--title", "UT", "--from", "src"]))
    };
    publish("no/folder").complains(1, "cannot open the games folder “no/folder”: ");
    publish("file").complains(1, "the games folder “file” is no folder");
    assert!(!folder.path().join("new.ron").exists());
}

#[test]
fn a_run_that_cannot_start_is_one_line() {
    let folder = folder_with_catalog();
    put(&folder, "games/readme", "");
    put(&folder, "file", "");
    put(&folder, "broken.ron", "(party: 7)");
    let run = |args: &[&str]| lanspread(&folder, ["run", "--no-mdns"].iter().chain(args));
    for (args, said) in [
        (["--games", "none", "--port", "0"].as_slice(), "none” does not exist"),
        (&["--games", "file", "--port", "0"], "file” is no folder"),
        (&["--games", "games", "--catalog", "broken.ron", "--port", "0"], "broken.ron”: line 1: "),
        (&["--games", "games", "--catalog", "none.ron", "--port", "0"], "none.ron”: "),
    ] {
        let run = run(args);
        assert!(run.stderr.contains(said), "{}", run.stderr);
        run.complains(1, "");
    }
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let run = run(&["--games", "games", "--bind", "127.0.0.1", "--port", &port]);
    assert!(run.stderr.contains(&port) && run.stderr.lines().count() == 1, "{}", run.stderr);
    let lines: Vec<serde_json::Value> =
        run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(run.code, Some(1));
    assert_eq!(lines.iter().map(|line| &line["event"]).collect::<Vec<_>>(), ["runtime-failed", "stopped"]);
}
