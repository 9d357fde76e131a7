//! Games that are shell scripts, started for real, with `lanspread-peer` as their keeper.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::fs;
use std::future::Future;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use lanspread_peer::disk::GameFolder;
use lanspread_peer::launch::{Exit, LaunchError, LaunchRequest, Launcher, RunningGame, is_held_open};
use lanspread_protocol::{GameId, LaunchEntry, Os, WorkingFolder};
use tempfile::TempDir;

/// Nothing here takes longer unless it hangs.
const PATIENCE: Duration = Duration::from_mins(1);

struct Game {
    folder: TempDir,
    launch: Vec<LaunchEntry>,
    /// Where wine is looked for.
    path: PathBuf,
}

impl Game {
    fn new() -> Self {
        let folder = TempDir::with_prefix("lanspread launch ").unwrap();
        fs::create_dir(folder.path().join("local")).unwrap();
        let path = folder.path().join("bin");
        fs::create_dir(&path).unwrap();
        Self { folder, launch: Vec::new(), path }
    }

    /// A game whose `play` is this script.
    fn of(script: &str) -> Self {
        Self::new().with("play", script, &[])
    }

    fn with(mut self, name: &str, script: &str, args: &[&str]) -> Self {
        // Without the executable bit, as from a disk that has none.
        fs::write(self.local(name), format!("#!/bin/sh\n{script}\n")).unwrap();
        self.launch.push(LaunchEntry {
            name: name.into(),
            os: Os::Linux,
            program: name.parse().unwrap(),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            folder: None,
            env: BTreeMap::new(),
        });
        self
    }

    fn local(&self, name: &str) -> PathBuf {
        self.folder.path().join("local").join(name)
    }

    fn folder(&self) -> GameFolder {
        GameFolder::new(self.folder.path())
    }

    async fn try_start(&self, name: &str) -> Result<RunningGame, LaunchError> {
        let launcher =
            Launcher::new(env!("CARGO_BIN_EXE_lanspread-peer").into(), Some(self.path.clone().into()));
        let game: GameId = "ut".parse().unwrap();
        let choice = launcher.choose(&game, &self.folder(), &self.launch, name)?;
        let player = "a\" & calc; $(x) é".into();
        let request = LaunchRequest {
            game,
            folder: self.folder(),
            choice,
            player,
            lang: "de".into(),
            server: Some("10.0.0.1:80".into()),
        };
        in_time(launcher.start(request)).await
    }

    async fn start(&self) -> RunningGame {
        self.try_start("play").await.unwrap()
    }

    /// Starts it and waits for its end.
    async fn play(&self) -> Exit {
        in_time(self.start().await.exited()).await
    }

    /// A pipe with a name: who opens it waits for the other side, so that a test and a game wait for one another.
    fn gate(self, name: &str) -> Self {
        let done = Command::new("mkfifo").arg(self.local(name)).status().unwrap();
        assert!(done.success());
        self
    }

    /// Waits until the game opens the gate's other side.
    async fn open_gate(&self, name: &str) {
        let gate = self.local(name);
        let opening = tokio::task::spawn_blocking(move || fs::write(gate, "go\n"));
        in_time(opening).await.unwrap().unwrap();
    }
}

async fn in_time<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.expect("it does not hang")
}

async fn until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn lines(exit: &Exit) -> Vec<&str> {
    exit.output.iter().map(String::as_str).collect()
}

/// Whether the game still runs after everything that could end it has had its turn. What has to keep it running must
/// not hold its output open, because that is waited for as well, for a moment.
async fn runs(exited: &mut (impl Future<Output = Exit> + Unpin)) -> bool {
    tokio::time::timeout(Duration::from_millis(400), exited).await.is_err()
}

#[tokio::test]
async fn what_a_game_printed_and_its_code_are_known_at_its_end() {
    let game =
        Game::of("i=0; while [ $i -lt 300 ]; do echo line $i; i=$((i+1)); done; echo last >&2; exit 7");
    let exit = game.play().await;
    assert_eq!(exit.code, Some(7));
    assert_eq!((exit.output.len(), exit.output[0].as_str()), (200, "line 101"));
    assert_eq!(exit.output[198..], ["line 299", "last"]);
}

#[tokio::test]
async fn arguments_folder_and_environment_arrive_as_the_catalog_says() {
    let args = ["{player}", "a 'b' \"c\"", "", "$HOME *", "{server}"];
    let script =
        "for arg; do printf '<%s>\\n' \"$arg\"; done; pwd; echo \"$WHERE\"; cat; echo \"$LANSPREAD_TEST\"";
    let mut game = Game::new().with("play", script, &args);
    fs::create_dir(game.local("data é")).unwrap();
    game.launch[0].folder = Some(WorkingFolder::Below("data é".parse().unwrap()));
    game.launch[0].env.insert("WHERE".into(), "{local_dir}/x".into());
    let exit = game.play().await;
    let (data, inside) = (game.local("data é"), game.local("x"));
    let expected = [
        "<a\" & calc; $(x) é>",
        "<a 'b' \"c\">",
        "<>",
        "<$HOME *>",
        "<10.0.0.1:80>",
        data.to_str().unwrap(),
        inside.to_str().unwrap(),
        "",
    ];
    assert_eq!(lines(&exit), expected);
    assert_eq!(exit.code, Some(0));
}

#[tokio::test]
async fn a_game_runs_on_when_its_launcher_has_ended() {
    let game = Game::of("(cat gate; echo child) > log 2>&1 & echo launcher; exit 3").gate("gate");
    let running = game.start().await;
    let launcher = PathBuf::from(format!("/proc/{}", running.pid()));
    let mut exited = Box::pin(running.exited());
    in_time(until(|| !launcher.exists())).await;
    assert!(runs(&mut exited).await);
    game.open_gate("gate").await;
    let exit = in_time(exited).await;
    assert_eq!((exit.code, lines(&exit)), (Some(3), vec!["launcher"]));
    assert_eq!(fs::read_to_string(game.local("log")).unwrap(), "go\nchild\n");
}

#[tokio::test]
async fn a_daemon_of_its_own_session_and_environment_still_is_the_game() {
    let script =
        "setsid env -i /bin/sh -c '(setsid /bin/sh -c \"cat gate; sleep 0; echo daemon\" > log 2>&1 &) '";
    let game = Game::of(script).gate("gate");
    let mut exited = Box::pin(game.start().await.exited());
    assert!(runs(&mut exited).await);
    game.open_gate("gate").await;
    let exit = in_time(exited).await;
    assert_eq!((exit.code, exit.output.len()), (Some(0), 0));
    assert_eq!(fs::read_to_string(game.local("log")).unwrap(), "go\ndaemon\n");
}

#[tokio::test]
async fn a_service_that_a_game_left_behind_does_not_keep_it_running() {
    let game = Game::of("cp /bin/cat wineserver; ./wineserver gate & echo played").gate("gate");
    let exit = game.play().await;
    assert_eq!((exit.code, lines(&exit)), (Some(0), vec!["played"]));
    game.open_gate("gate").await;
}

#[tokio::test]
async fn what_is_printed_after_the_launchers_end_is_kept() {
    let game = Game::of("(cat gate; echo child >&2) & echo launcher").gate("gate");
    let running = game.start().await;
    game.open_gate("gate").await;
    assert_eq!(lines(&in_time(running.exited()).await), ["launcher", "go", "child"]);
}

#[tokio::test]
async fn two_games_end_each_by_itself() {
    let one = Game::of("cat gate > log 2>&1 & exit 1").gate("gate");
    let other = Game::of("cat gate > log 2>&1 & exit 2").gate("gate");
    let mut first = Box::pin(one.start().await.exited());
    let mut second = Box::pin(other.start().await.exited());
    other.open_gate("gate").await;
    assert_eq!(in_time(&mut second).await.code, Some(2));
    assert!(runs(&mut first).await);
    one.open_gate("gate").await;
    assert_eq!(in_time(first).await.code, Some(1));
}

#[tokio::test]
async fn a_game_that_is_killed_has_no_code() {
    let exit = Game::of("echo before; kill -9 $$").play().await;
    assert_eq!((exit.code, lines(&exit)), (None, vec!["before"]));
}

#[tokio::test]
async fn a_game_and_its_keeper_outlive_the_program_that_started_them() {
    let game =
        Game::of("cat gate; for i in 1 2 3; do echo $i || exit 1; done; echo done > proof").gate("gate");
    let text = |text: &str| serde_json::json!({ "Unix": text.as_bytes() });
    let invocation = serde_json::json!({
        "program": text("/bin/sh"),
        "args": [text("play")],
        "raw_args": null,
        "folder": text(game.local("").to_str().unwrap()),
        "env": [],
    });
    let mut keeper = Command::new(env!("CARGO_BIN_EXE_lanspread-peer"));
    let mut keeper =
        keeper.args(["--keep-game", "ut"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    serde_json::to_writer(keeper.stdin.take().unwrap(), &invocation).unwrap();
    let mut told = String::new();
    BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut told).unwrap();
    assert!(told.starts_with(r#"{"Started":"#), "{told}");
    // Now nobody is at the other end of the pipe, as after the end of the program that was there.
    game.open_gate("gate").await;
    in_time(until(|| fs::read_to_string(game.local("proof")).unwrap_or_default() == "done\n")).await;
    assert!(keeper.wait().unwrap().success());
}

#[tokio::test]
async fn the_setup_runs_once_before_the_first_start() {
    let game = Game::of("cat log; echo play >> log").with("setup", "echo setup | tee -a log", &[]);
    let first = game.start().await;
    assert_eq!(first.setup(), Some(&Exit { code: Some(0), output: vec!["setup".into()] }));
    assert_eq!(lines(&in_time(first.exited()).await), ["setup"]);
    let second = game.start().await;
    assert_eq!(second.setup(), None);
    assert_eq!(lines(&in_time(second.exited()).await), ["setup", "play"]);
    // As uninstalling does.
    fs::remove_file(game.folder().setup_done()).unwrap();
    assert_eq!(lines(&game.play().await), ["setup", "play", "play", "setup"]);
}

#[tokio::test]
async fn nothing_starts_when_the_setup_fails() {
    let game = Game::of("echo played > proof").with("setup", "echo no such disc; exit 5", &[]);
    for _ in 0..2 {
        let error = game.try_start("play").await.unwrap_err();
        assert_eq!(error.to_string(), "the setup of “ut” failed with code 5:\n  no such disc");
    }
    assert!(!game.local("proof").exists() && !game.folder().setup_done().exists());
}

#[tokio::test]
async fn what_cannot_be_started_is_said() {
    let game = Game::of("exit");
    fs::write(game.local("play"), "#!/no/such/shell\n").unwrap();
    let error = game.try_start("play").await.unwrap_err();
    assert!(matches!(&error, LaunchError::Spawn { .. }), "{error:?}");
    assert!(error.to_string().contains("local/play”: "), "{error}");
    fs::remove_file(game.local("play")).unwrap();
    assert!(matches!(game.try_start("play").await.unwrap_err(), LaunchError::Missing { .. }));
    assert!(matches!(game.try_start("server").await.unwrap_err(), LaunchError::NoEntry { .. }));
}

#[tokio::test]
async fn wine_carries_a_script_of_the_payload_out() {
    let game = Game::new();
    fs::write(game.folder.path().join("game_start.cmd"), "").unwrap();
    assert!(matches!(game.try_start("play").await.unwrap_err(), LaunchError::NeedsWine { .. }));
    let wine = game.path.join("wine");
    fs::write(&wine, "#!/bin/sh\nprintf '%s\\n' \"$@\" \"$LANSPREAD_START\" \"$(pwd)\"\n").unwrap();
    fs::set_permissions(&wine, fs::Permissions::from_mode(0o755)).unwrap();
    let exit = game.play().await;
    let root = game.folder.path().to_str().unwrap();
    let windows = format!("Z:{}", root.replace('/', "\\"));
    let line = format!("\"{windows}\\game_start.cmd\" \"{windows}\" ut de \"a_ _ calc; $(x) é\"");
    assert_eq!(lines(&exit), ["cmd.exe", "/S", "/C", "%LANSPREAD_START%", &line, root]);
}

#[tokio::test]
async fn a_program_in_the_games_folder_is_found_whoever_started_it() {
    let game = Game::new().gate("gate");
    let local = game.local("");
    let held = || is_held_open(&local).unwrap();
    assert_eq!(held(), None);
    assert_eq!(is_held_open(&game.local("nothing")).unwrap(), None);
    fs::copy("/bin/cat", game.local("own program")).unwrap();
    fs::write(game.local("save"), "").unwrap();
    let shell = |script: String| {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &script]).current_dir("/").stdout(Stdio::null()).spawn().unwrap()
    };
    // The gate lies elsewhere, so that holding it shows nothing.
    let outside = Game::new().gate("gate");
    let (gate, own) = (outside.local("gate"), game.local(""));
    let (gate, own) = (gate.to_str().unwrap(), own.to_str().unwrap());
    for (script, name) in [
        (format!("cd '{own}'; exec cat '{gate}'"), "cat"),
        (format!("exec cat '{gate}' 3< '{own}/save'"), "cat"),
        (format!("exec '{own}/own program' '{gate}'"), "own program"),
    ] {
        let mut process = shell(script);
        in_time(until(|| held().as_deref() == Some(name))).await;
        outside.open_gate("gate").await;
        process.wait().unwrap();
        assert_eq!(held(), None);
    }
}
