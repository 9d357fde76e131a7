//! The shell without a window and without settings on disk: what it refuses.

use std::path::Path;

use lanspread_protocol::GameId;

use super::*;
use crate::action::{Action, RemoveWhat, Screen};
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

fn titles(shell: &Shell) -> Vec<&str> {
    shell.state.toasts.list().iter().map(|toast| toast.notice.title.as_str()).collect()
}

#[test]
fn nothing_is_done_with_games_while_they_move() {
    let games = tempfile::tempdir().unwrap();
    let mut shell = shell(games.path());
    let moving = SettingsText::of(&shell.ctx).folder_moving();
    let game: GameId = "chess".parse().unwrap();
    let first = RemoveWhat::Download;
    shell.state.settings.moving = Some(Moving::default());
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
    shell.state.settings.moving = None;
    shell.act(Action::Play(game));
    assert_eq!(titles(&shell), [moving, NoticeText::of(&shell.ctx).peer_stopped()]);
}

#[test]
fn a_move_that_nobody_takes_over_ends() {
    let games = tempfile::tempdir().unwrap();
    let mut shell = shell(games.path());
    shell.state.settings.moving = Some(Moving::default());
    shell.take_answer(Answer::Copied(Ok(Copied::default())));
    assert_eq!((&shell.state.settings.moving, &shell.copied), (&None, &None));
    assert_eq!(titles(&shell), [NoticeText::of(&shell.ctx).peer_stopped()]);
}
