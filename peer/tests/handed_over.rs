//! `publish` on a folder where a peer runs: the work is that peer's, the result the program's.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use lanspread_engine::{CommandError, ErrorCode, Event, OperationKind};
use lanspread_peer::api::{
    PeerCommand, PeerEvent, PeerReply, Published, RuntimeSide, SentCommand, Waker, connect_runtime,
};
use lanspread_peer::disk::{FolderLock, GamesFolder};
use lanspread_peer::runtime::control::ControlListener;
use lanspread_protocol::ManifestId;
use tokio_util::sync::CancellationToken;

fn publish(home: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lanspread-peer"));
    let args =
        ["publish", "--games", "games", "--catalog", "catalog.ron", "--id", "chess", "--version", "1.0"];
    command.current_dir(home).args(args).args(["--title", "Chess", "--from", "source", "--players", "2"]);
    command.env_remove("RUST_LOG").output().unwrap()
}

/// Runs `publish` against a peer that does with its command what `answer` says.
async fn hand_over(answer: impl AsyncFnOnce(SentCommand, &RuntimeSide)) -> (Output, tempfile::TempDir) {
    let home = tempfile::tempdir().unwrap();
    let games = GamesFolder::new(home.path().join("games"));
    fs::create_dir(games.root()).unwrap();
    let lock = FolderLock::acquire(&games).unwrap();
    let (handle, mut side) = connect_runtime(Waker::none());
    let control = ControlListener::bind(&games.state()).await.unwrap();
    let stop = CancellationToken::new();
    let service = tokio::spawn(control.serve(handle.client(), stop.clone()));
    let root = home.path().to_owned();
    let program = tokio::task::spawn_blocking(move || publish(&root));
    answer(side.commands.recv().await.unwrap(), &side).await;
    let output = program.await.unwrap();
    stop.cancel();
    service.await.unwrap().unwrap();
    drop(lock);
    (output, home)
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

#[tokio::test]
async fn the_running_peer_does_the_work() {
    let published = Published {
        game: "chess".parse().unwrap(),
        version: "1.0".parse().unwrap(),
        manifest: ManifestId([7; 32]),
        files: 3,
        bytes: 1000,
        chunks: 4,
        skipped: Vec::new(),
        new_key: None,
    };
    let expected = serde_json::to_string(&published).unwrap() + "\n";
    let (output, home) = hand_over(async |sent, side| {
        let PeerCommand::Publish(request) = sent.command else { panic!("{:?}", sent.command) };
        assert_eq!((request.game.id.as_str(), request.game.title.as_str()), ("chess", "Chess"));
        assert!(request.from[0].is_absolute() && request.from[0].ends_with("source"));
        // So fast that the work is done before its beginning is told.
        let game = published.game.clone();
        side.emit(PeerEvent::Published(published));
        side.emit(PeerEvent::Engine(Event::OperationFinished { game, operation: OperationKind::Publish }));
        tokio::task::yield_now().await;
        sent.reply.send(Ok(PeerReply::Done {})).unwrap();
    })
    .await;
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), ""));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    assert!(!home.path().join("games/.lanspread/control").exists());
}

#[tokio::test]
async fn its_refusal_and_its_failure_are_the_program_s() {
    let error = || CommandError::new(ErrorCode::Busy, "chess: an update runs on it");
    let (refused, _home) = hand_over(async |sent, _| sent.reply.send(Err(error())).unwrap()).await;
    let (failed, _home) = hand_over(async |sent, side| {
        sent.reply.send(Ok(PeerReply::Done {})).unwrap();
        let game = "chess".parse().unwrap();
        let operation = OperationKind::Publish;
        side.emit(PeerEvent::Engine(Event::OperationFailed { game, operation, error: error() }));
    })
    .await;
    for output in [refused, failed] {
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(stderr(&output), "lanspread-peer: chess: an update runs on it\n");
        assert!(output.stdout.is_empty());
    }
}

#[tokio::test]
async fn a_folder_that_is_taken_by_a_program_without_control_is_named() {
    let home = tempfile::tempdir().unwrap();
    let games = GamesFolder::new(home.path().join("games"));
    fs::create_dir(games.root()).unwrap();
    let _lock = FolderLock::acquire(&games).unwrap();
    let output = publish(home.path());
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(
        said.starts_with("lanspread-peer: another Lanspread runs on this folder, but cannot be reached: ")
    );
    assert!(said.contains("games/.lanspread/control") && said.lines().count() == 1, "{said}");
}
