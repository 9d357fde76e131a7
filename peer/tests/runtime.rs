//! The running peer as a program has it: its handle, its settings, its stop.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::{Duration, Instant};

use lanspread_engine::{CommandError, Event};
use lanspread_peer::api::{
    PeerCommand, PeerConfig, PeerEvent, PeerReply, PeerRuntimeHandle, SettingsChange, Waker,
};
use lanspread_peer::disk::{FolderLock, GamesFolder};
use lanspread_peer::runtime::start_peer;
use tempfile::TempDir;
use tokio::sync::broadcast::Receiver;

fn start(games: &Path) -> PeerRuntimeHandle {
    let mut config = PeerConfig::new(games);
    (config.mdns, config.port, config.bind) = (false, Some(0), vec![Ipv4Addr::LOCALHOST.into()]);
    start_peer(config, Waker::none()).unwrap()
}

fn folder_with(game: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join(game)).unwrap();
    fs::write(folder.path().join(game).join("version.ini"), "1").unwrap();
    folder
}

async fn set(peer: &PeerRuntimeHandle, change: SettingsChange) -> Result<PeerReply, CommandError> {
    peer.send(PeerCommand::Set(change)).unwrap().await.unwrap()
}

fn move_to(games: &Path) -> SettingsChange {
    SettingsChange { games: Some(games.to_owned()), ..SettingsChange::default() }
}

/// The games of the next event that tells of the library.
async fn library(events: &mut Receiver<PeerEvent>) -> Vec<String> {
    loop {
        if let PeerEvent::Engine(Event::LocalLibraryChanged { games, .. }) = events.recv().await.unwrap() {
            return games.iter().map(|game| game.id.to_string()).collect();
        }
    }
}

fn lock(folder: &TempDir) -> bool {
    FolderLock::acquire(&GamesFolder::new(folder.path())).is_ok()
}

#[tokio::test]
async fn a_games_folder_that_is_left_is_free_again() {
    let (one, other) = (folder_with("one"), folder_with("other"));
    let peer = start(one.path());
    let mut events = peer.subscribe();
    assert_eq!(library(&mut events).await, ["one"]);
    for (to, from, game) in [(&other, &one, "other"), (&one, &other, "one")] {
        set(&peer, move_to(to.path())).await.unwrap();
        assert_eq!(library(&mut events).await, [game]);
        assert!(!lock(to));
        assert!(to.path().join(".lanspread/state.ron").is_file() && from.path().is_dir());
    }
    peer.shutdown();
    peer.wait_stopped().await.unwrap();
    assert!(lock(&one) && lock(&other));
}

#[tokio::test]
async fn a_refused_set_changes_nothing() {
    let (home, taken) = (folder_with("one"), folder_with("two"));
    let _other = FolderLock::acquire(&GamesFolder::new(taken.path())).unwrap();
    let peer = start(home.path());
    let mut events = peer.subscribe();
    let PeerEvent::Ready(ready) = events.recv().await.unwrap() else { panic!("another first event") };
    for change in [
        SettingsChange { catalog: Some(home.path().join("none.ron")), ..SettingsChange::default() },
        move_to(&home.path().join("none")),
        move_to(&home.path().join("one/version.ini")),
        move_to(taken.path()),
    ] {
        let error = set(&peer, SettingsChange { name: Some("Anna".into()), ..change }).await.unwrap_err();
        assert!(error.message.contains('“'), "it names what cannot be used: {error}");
    }
    let snapshot = peer.snapshot();
    let now = snapshot.ready.as_ref().unwrap();
    assert_eq!((&now.name, &now.games_dir), (&ready.name, &ready.games_dir));
}

#[tokio::test]
async fn a_dropped_handle_stops_the_peer_in_time() {
    let home = folder_with("one");
    let peer = start(home.path());
    let mut events = peer.subscribe();
    let since = Instant::now();
    drop(peer);
    while events.recv().await.unwrap() != PeerEvent::Stopped {}
    assert!(since.elapsed() < Duration::from_secs(10), "bounded, also on a busy machine");
    assert!(lock(&home));
}
