//! The shell without a window and without settings on disk: what it starts the peer with, and what it refuses.

use std::path::Path;
use std::time::Duration;

use lanspread_peer::api::{Ready, SettingsChange};
use lanspread_protocol::{GameId, PeerId};

use super::*;
use crate::action::{Action, RemoveWhat, Screen, Setting};
use crate::model::Moving;
use crate::text::SettingsText;
use work::Answer;

/// On a games folder, at a free port of loopback, with nobody else.
fn shell(games: &Path) -> Shell {
    let ctx = Context::default();
    let args = Args {
        games: Some(games.to_owned()),
        bind: vec![std::net::Ipv4Addr::LOCALHOST.into()],
        port: Some(0),
        no_mdns: true,
        ..Args::default()
    };
    Shell {
        args,
        peer: Peer::new(&ctx),
        errands: Errands::new(&ctx),
        settings: Settings::default(),
        keeper: None,
        snapshot: Arc::default(),
        told: Told::default(),
        state: WindowState::default(),
        covers: Covers::new(&ctx),
        desk: Desk::default(),
        is_leaving: false,
        front: None,
        copied: None,
        ctx,
    }
}

/// The name of the peer that runs.
fn name(shell: &Shell) -> Option<&str> {
    Some(shell.snapshot.ready.as_ref()?.name.as_str())
}

/// Lets frames pass until the peer has this name.
fn until_called(shell: &mut Shell, expected: &str) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while name(shell) != Some(expected) {
        assert!(Instant::now() < deadline, "never called {expected}: {:?}", shell.snapshot);
        std::thread::sleep(Duration::from_millis(10));
        shell.take_news();
    }
}

fn titles(shell: &Shell) -> Vec<&str> {
    shell.state.toasts.list().iter().map(|toast| toast.notice.title.as_str()).collect()
}

#[test]
fn a_restart_uses_what_was_chosen_since_the_start() {
    let games = tempfile::tempdir().unwrap();
    let mut shell = shell(games.path());
    shell.settings.name = Some("Mika".to_owned());
    let setup = shell.setup().unwrap();
    shell.peer.start(Begin::Folder(setup));
    until_called(&mut shell, "Mika");
    // Chosen while nobody runs who could be told.
    shell.peer.stop();
    let name = Some("Lea".to_owned());
    shell.act(Action::Set(Setting::Peer(SettingsChange { name, ..SettingsChange::default() })));
    assert_eq!(titles(&shell), [NoticeText::of(&shell.ctx).peer_stopped()]);
    shell.act(Action::Restart);
    until_called(&mut shell, "Lea");
    shell.peer.stop();
}

#[test]
fn nothing_is_done_with_games_while_they_move() {
    let games = tempfile::tempdir().unwrap();
    let mut shell = shell(games.path());
    let moving = SettingsText::of(&shell.ctx).folder_moving();
    let game: GameId = "chess".parse().unwrap();
    let first = RemoveWhat::Download;
    shell.told.moving = Some(Moving::default());
    for action in [
        Action::Play(game.clone()),
        Action::Command(lanspread_engine::Command::Update { game: game.clone() }),
        Action::remove_now(game.clone(), None),
        Action::Ask(Question::Remove { game: game.clone(), first }),
    ] {
        shell.act(action.clone());
        assert_eq!(titles(&shell), [moving], "{action:?}");
        assert_eq!(shell.state.question, None);
    }
    shell.act(Action::Navigate(Screen::Downloads));
    assert_eq!(shell.state.screen, Screen::Downloads, "looking is free");
    shell.told.moving = None;
    shell.act(Action::Play(game));
    assert_eq!(titles(&shell), [moving, NoticeText::of(&shell.ctx).peer_stopped()]);
}

#[test]
fn a_move_that_nobody_takes_over_ends() {
    let games = tempfile::tempdir().unwrap();
    let mut shell = shell(games.path());
    shell.told.moving = Some(Moving::default());
    shell.take_answer(Answer::Copied(Ok(Copied::default())));
    assert_eq!(shell.copied, None);
    let deadline = Instant::now() + Duration::from_secs(30);
    while shell.told.moving.is_some() {
        assert!(Instant::now() < deadline, "the copies are never cleaned up");
        std::thread::sleep(Duration::from_millis(10));
        shell.take_news();
    }
    assert_eq!(titles(&shell), [NoticeText::of(&shell.ctx).peer_stopped()]);
}

#[test]
fn only_the_same_folder_comes_back() {
    let snapshot = |games_dir: &str, folder_is_gone| {
        let (peer_id, games_dir) = (PeerId([1; 32]), games_dir.to_owned());
        let (name, addresses, protocol) = (String::new(), Vec::new(), String::new());
        let ready = Some(Ready { peer_id, name, addresses, games_dir, protocol });
        Snapshot { ready, folder_is_gone, ..Snapshot::default() }
    };
    let failed = Snapshot { failure: Some(crate::sample::failure()), ..snapshot("a", false) };
    for (before, now, is_back) in [
        (snapshot("a", true), snapshot("a", false), true),
        (snapshot("a", true), snapshot("a", true), false),
        (snapshot("a", false), snapshot("a", false), false),
        (snapshot("a", true), snapshot("b", false), false),
        (snapshot("a", true), Snapshot::default(), false),
        (Snapshot::default(), snapshot("a", false), false),
        (snapshot("a", true), failed, false),
    ] {
        assert_eq!(folder_is_back(&before, &now), is_back);
    }
}
