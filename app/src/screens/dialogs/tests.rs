//! What dialogs say and do.

use egui::accesskit::Role;
use egui_kittest::kittest::Queryable as _;
use egui_kittest::{Harness, HarnessBuilder};
use lanspread_engine::{Command, Extras, Saves};

use crate::action::{Action, Question, RemoveWhat, Start};
use crate::cover::Covers;
use crate::model::{Source, Told};
use crate::sample::{GameSample, peer, snapshot_with};
use crate::theme;
use crate::window::{self, WindowState};

struct Stage {
    state: WindowState,
    covers: Covers,
    asked: Vec<Action>,
}

fn dialog<'a>(game: GameSample, question: Question) -> Harness<'a, Stage> {
    let here = (1..).zip(["Jonas", "Lea"]).map(|(number, name)| peer(number, name, 0, 0));
    let snapshot = snapshot_with(vec![game], here.collect());
    let state = WindowState { question: Some(question), ..WindowState::default() };
    let stage = Stage { state, covers: Covers::immediate(), asked: Vec::new() };
    let mut harness = HarnessBuilder::<Stage>::default()
        .with_size(egui::vec2(1280.0, 800.0))
        .with_theme(egui::Theme::Dark)
        .with_context_setup(theme::set_up)
        .build_ui_state(
            move |ui, stage: &mut Stage| {
                let told = Told::default();
                let source = Source { snapshot: &snapshot, told: &told };
                let now = std::time::Instant::now();
                let asked = window::show(ui, source, &mut stage.state, &mut stage.covers, now);
                stage.asked.extend(asked);
            },
            stage,
        );
    harness.run_steps(4);
    harness
}

fn click(harness: &mut Harness<'_, Stage>, role: Role, label: &str) -> Vec<Action> {
    harness.get_by_role_and_label(role, label).click();
    harness.run_steps(3);
    std::mem::take(&mut harness.state_mut().asked)
}

fn game() -> GameSample {
    GameSample::new("game", "Game").installed()
}

fn remove(first: RemoveWhat) -> Question {
    Question::Remove { game: "game".parse().unwrap(), first }
}

#[test]
fn an_update_is_done_by_its_button() {
    let mut harness =
        dialog(game().outdated().sources(1).outbound(2), Question::Update("game".parse().unwrap()));
    harness.get_by_label("Sending to 2 players (Jonas, Lea) pauses until it is done.");
    let update = Action::Command(Command::Update { game: "game".parse().unwrap() });
    assert_eq!(click(&mut harness, Role::Button, "Update now"), [update, Action::CloseDialog]);
}

#[test]
fn a_running_game_is_not_updated() {
    let mut harness = dialog(game().outdated().running(), Question::Update("game".parse().unwrap()));
    harness.get_by_label("Game is running. Quit it first.");
    assert_eq!(click(&mut harness, Role::Button, "Update now"), []);
    assert_eq!(click(&mut harness, Role::Button, "Not now"), [Action::CloseDialog]);
}

#[test]
fn removing_a_download_keeps_what_is_installed() {
    let mut harness = dialog(game(), remove(RemoveWhat::Download));
    harness.get_by_label("You are the only one here who has it.");
    let wanted = Action::remove_now("game".parse().unwrap(), None);
    assert_eq!(click(&mut harness, Role::Button, "Remove 1.3 GB"), [wanted, Action::CloseDialog]);
}

#[test]
fn files_of_nobody_s_go_only_when_they_are_ticked() {
    let mut harness = dialog(game(), remove(RemoveWhat::Download));
    let label = "Other files in its folder, Lanspread did not put them there. They stay, —";
    assert_eq!(click(&mut harness, Role::CheckBox, label), []);
    let command = Command::Remove { game: "game".parse().unwrap(), local: None, extras: Extras::Delete };
    let wanted = [Action::Command(command), Action::CloseDialog];
    assert_eq!(click(&mut harness, Role::Button, "Remove 1.3 GB"), wanted);
}

#[test]
fn saves_go_only_when_they_are_ticked() {
    let mut harness = dialog(game(), remove(RemoveWhat::Installed));
    assert_eq!(click(&mut harness, Role::CheckBox, "Saves and settings, Kept for next time, —"), []);
    let command = Command::Uninstall { game: "game".parse().unwrap(), saves: Saves::Delete };
    let wanted = [Action::Command(command), Action::CloseDialog];
    assert_eq!(click(&mut harness, Role::Button, "Remove"), wanted);
}

#[test]
fn what_was_asked_for_starts_after_the_question() {
    let server = Some([192, 168, 10, 2].into());
    let joins = Start { game: "game".parse().unwrap(), entry: Some("join"), server };
    let mut harness = dialog(game(), Question::FirstStart(joins.clone()));
    let wanted = [Action::StartUnverified(joins), Action::CloseDialog];
    assert_eq!(click(&mut harness, Role::Button, "Start it"), wanted);
}
