//! Settings that ask before they change something.

use std::path::PathBuf;

use egui_kittest::kittest::Queryable as _;
use lanspread_app::action::{Action, FolderFor, Question, Screen};
use lanspread_app::model::Told;
use lanspread_app::sample::{self, GameSample};
use lanspread_engine::Command;
use lanspread_protocol::OrganiserKey;

use crate::harness::{Look, Shown, click, open, settle};

const KEY: OrganiserKey = OrganiserKey([7; 32]);

fn shown() -> Shown {
    let games = vec![GameSample::new("teeworlds", "Teeworlds").size(76_000_000_000).installed()];
    let mut snapshot = sample::snapshot(games);
    let view = snapshot.view.as_mut().and_then(std::sync::Arc::get_mut).unwrap();
    view.offered = vec![sample::offered("Nord test", KEY)];
    Shown::on(Screen::Settings, snapshot, Told::default())
}

#[test]
fn another_folder_asks_what_becomes_of_the_games() {
    let mut window = open(Look::default(), shown());
    assert_eq!(click(&mut window, "Change folder…"), [Action::ChooseFolder(FolderFor::Games)]);
    let to = PathBuf::from("/elsewhere");
    window.state_mut().state.folder_chosen(FolderFor::Games, Some(to.clone()));
    settle(&mut window);
    assert_eq!(window.state().state.question, Some(Question::MoveGames(to.clone())));
    assert_eq!(click(&mut window, "Move"), [Action::MoveGames(to)]);
    assert_eq!(window.state().state.question, None);
}

#[test]
fn an_organiser_is_trusted_after_a_look_at_the_key() {
    let mut shown = shown();
    shown.state.question = Some(Question::Trust(KEY));
    let mut window = open(Look::default(), shown);
    assert!(window.query_by_label(&KEY.words()).is_some());
    assert_eq!(click(&mut window, "Trust it"), [Action::Command(Command::Trust { key: KEY })]);
}

#[test]
fn the_list_leads_to_a_section() {
    let mut window = open(Look::default(), shown());
    window.get_by_role_and_label(egui::accesskit::Role::Tab, "Catalog").click();
    settle(&mut window);
    assert_eq!(click(&mut window, "Review… Nord test"), []);
    assert_eq!(window.state().state.question, Some(Question::Trust(KEY)));
}
