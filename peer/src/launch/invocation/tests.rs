use std::collections::BTreeMap;

use super::*;
use crate::disk::GameFolder;
use crate::launch::Choice;

const PLAYER: &str = "a\" & calc {lang} é";

struct Game {
    folder: tempfile::TempDir,
}

impl Game {
    fn new(files: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("local")).unwrap();
        for file in files {
            let file = folder.path().join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
        }
        Self { folder }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn invoke(&self, what: What, by: Runner, server: Option<&str>) -> Result<Invocation, LaunchError> {
        let program = Program { what, by };
        let request = LaunchRequest {
            game: "ut".parse().unwrap(),
            folder: GameFolder::new(self.folder.path()),
            choice: Choice { program: program.clone(), setup: None },
            player: PLAYER.into(),
            lang: "de".into(),
            server: server.map(str::to_owned),
        };
        invocation(&program, &request)
    }
}

fn entry(program: &str, args: &[&str]) -> LaunchEntry {
    LaunchEntry {
        name: "play".into(),
        os: Os::CURRENT,
        program: program.parse().unwrap(),
        args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        folder: None,
        env: BTreeMap::new(),
    }
}

fn for_windows(program: &str, args: &[&str]) -> LaunchEntry {
    LaunchEntry { os: Os::Windows, ..entry(program, args) }
}

fn wine() -> Runner {
    Runner::Wine("/opt/wine".into())
}

#[test]
fn values_stay_within_their_arguments() {
    let game = Game::new(&["local/bin/game"]);
    let args =
        ["{player}", "a b", "--at={local_dir}/x", "{lang}{lang}", "{", "{unknown}", "+connect {server}"];
    let mut entry = entry("bin/game", &args);
    entry.env.insert("HOME".into(), "{game_dir}".into());
    let done = game.invoke(What::Entry(entry), Runner::System, Some("[fe80::1%3]:8303")).unwrap();
    assert_eq!(done.program, game.path("local").join("bin").join("game"));
    let mut at = OsString::from("--at=");
    at.push(game.path("local"));
    at.push("/x");
    let expected = ["a\" & calc {lang} é", "a b", at.to_str().unwrap(), "dede", "{", "{unknown}"];
    assert_eq!(done.args[..6], expected);
    assert_eq!(done.args[6], "+connect [fe80::1%3]:8303");
    assert_eq!(done.env, [("HOME".into(), game.path("").components().as_path().into())]);
}

#[test]
fn a_program_runs_in_its_own_folder_unless_the_entry_says_where() {
    let game = Game::new(&["local/bin/game", "local/data/x"]);
    let folder = |folder| {
        let entry = LaunchEntry { folder, ..entry("bin/game", &[]) };
        game.invoke(What::Entry(entry), Runner::System, None).unwrap().folder
    };
    assert_eq!(folder(None), game.path("local").join("bin"));
    assert_eq!(folder(Some(WorkingFolder::Local)), game.path("local"));
    assert_eq!(folder(Some(WorkingFolder::Below("data".parse().unwrap()))), game.path("local").join("data"));
}

#[test]
fn what_is_not_there_is_named() {
    let game = Game::new(&["local/data/x"]);
    let error = |program| game.invoke(What::Entry(entry(program, &[])), Runner::System, None).unwrap_err();
    assert!(error("bin/game").to_string().contains("game” is not there"), "{}", error("bin/game"));
    assert!(matches!(error("data"), LaunchError::Missing { .. }));
    let script = game.invoke(What::Script(Script::Start), wine(), None).unwrap_err();
    assert!(script.to_string().contains("game_start.cmd” is not there"), "{script}");
}

#[test]
fn a_server_is_an_address_or_nothing_starts() {
    let game = Game::new(&["local/game"]);
    let with = |server| game.invoke(What::Entry(entry("game", &["{server}"])), Runner::System, server);
    assert!(matches!(with(None), Err(LaunchError::NoServer { .. })));
    for server in ["--exec=calc", "a b", "x;quit", "", "\"", "a\n"] {
        assert!(matches!(with(Some(server)), Err(LaunchError::BadServer { .. })), "{server}");
    }
    assert_eq!(with(Some("10.0.0.1:27960")).unwrap().args, ["10.0.0.1:27960"]);
}

#[cfg(unix)]
#[test]
fn links_that_lead_out_are_refused() {
    use std::os::unix::fs::symlink;
    let outside = Game::new(&["local/game"]);
    let game = Game::new(&["local/real"]);
    symlink(outside.path("local/game"), game.path("local/game")).unwrap();
    symlink(outside.path("local"), game.path("local/bin")).unwrap();
    symlink("real", game.path("local/inside")).unwrap();
    let invoke = |entry| game.invoke(What::Entry(entry), Runner::System, None);
    for program in ["game", "bin/game"] {
        let error = invoke(entry(program, &[])).unwrap_err();
        assert!(matches!(error, LaunchError::LeadsOut { .. }), "{error}");
    }
    let folder = Some(WorkingFolder::Below("bin".parse().unwrap()));
    let error = invoke(LaunchEntry { folder, ..entry("real", &[]) }).unwrap_err();
    assert!(matches!(error, LaunchError::LeadsOut { .. }), "{error}");
    invoke(entry("inside", &[])).unwrap();
    symlink("nothing", game.path("local/dangling")).unwrap();
    assert!(matches!(invoke(entry("dangling", &[])), Err(LaunchError::Missing { .. })));
}

#[cfg(unix)]
#[test]
fn a_program_gets_its_executable_bit() {
    use std::os::unix::fs::PermissionsExt as _;
    let game = Game::new(&["local/game"]);
    fs::set_permissions(game.path("local/game"), fs::Permissions::from_mode(0o640)).unwrap();
    game.invoke(What::Entry(entry("game", &[])), Runner::System, None).unwrap();
    let mode = fs::metadata(game.path("local/game")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o750);
}

#[test]
fn a_script_of_the_payload_is_one_line_for_cmd() {
    let game = Game::new(&["Game_Start.CMD"]);
    let root = game.folder.path();
    let call = |path: &dyn Fn(&Path) -> String| {
        let script = find(root, [Script::Start.file_name()]).unwrap();
        format!("\"{}\" \"{}\" ut de \"a_ _ calc {{lang}} é\"", path(&script), path(root))
    };
    let done = game.invoke(What::Script(Script::Start), Runner::System, None).unwrap();
    assert!(done.program.to_str().unwrap().ends_with("cmd.exe"));
    let plain = |path: &Path| path.to_str().unwrap().to_owned();
    assert_eq!(done.raw_args, Some(format!("/S /C \"{}\"", call(&plain))));
    assert_eq!((done.args.len(), done.folder), (0, root.into()));
    let done = game.invoke(What::Script(Script::Start), wine(), None).unwrap();
    assert_eq!((done.program, done.raw_args), ("/opt/wine".into(), None));
    assert_eq!(done.args, ["cmd.exe", "/S", "/C", "%LANSPREAD_START%"]);
    assert_eq!(done.env, [("LANSPREAD_START".into(), call(&cmd::wine_path).into())]);
}

#[cfg(unix)]
#[test]
fn wine_gets_windows_paths_and_finds_names_in_any_case() {
    let game = Game::new(&["local/System/UT.exe", "local/run.bat"]);
    let windows = |path: &str| cmd::wine_path(&game.path(path));
    let invoke = |program, args| game.invoke(What::Entry(for_windows(program, args)), wine(), None).unwrap();
    let done = invoke("system/ut.EXE", &["{local_dir}", "{player}"]);
    assert_eq!(done.program, "/opt/wine");
    let program = game.path("local/System/UT.exe");
    assert_eq!(done.args, [program.as_os_str(), windows("local").as_ref(), PLAYER.as_ref()]);
    assert_eq!(done.folder, game.path("local/System"));
    let done = invoke("run.bat", &["{player}"]);
    let line = format!("\"{}\" \"a_ _ calc {{lang}} é\"", windows("local/run.bat"));
    assert_eq!(done.env, [("LANSPREAD_START".into(), line.into())]);
}
