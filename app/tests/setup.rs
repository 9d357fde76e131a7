//! First run and settings, used as a person with a screen reader uses them.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Instant;

use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use lanspread_app::action::{Action, Screen, Setting};
use lanspread_app::cover::Covers;
use lanspread_app::model::{FolderReport, Source, Told};
use lanspread_app::screens::first_run;
use lanspread_app::window::{self, WindowState};
use lanspread_app::{sample, theme};
use lanspread_peer::api::SettingsChange;

struct Desk {
    state: WindowState,
    covers: Option<Covers>,
    actions: Vec<Action>,
}

fn harness(state: WindowState) -> Harness<'static, Desk> {
    let (snapshot, told) = (sample::party(), Told::default());
    let desk = Desk { state, covers: None, actions: Vec::new() };
    let mut harness = Harness::builder().with_size(egui::vec2(1280.0, 800.0)).build_ui_state(
        move |ui, desk: &mut Desk| {
            let covers = desk.covers.get_or_insert_with(|| {
                theme::set_up(ui.ctx());
                ui.ctx().set_theme(egui::ThemePreference::Dark);
                Covers::new(ui.ctx())
            });
            if ui.input(|input| input.time) < 0.1 {
                return;
            }
            let source = Source { snapshot: &snapshot, told: &told };
            desk.actions.extend(window::show(ui, source, &mut desk.state, covers, Instant::now()));
        },
        desk,
    );
    harness.run_steps(4);
    harness
}

fn picture(harness: &mut Harness<'static, Desk>, name: &str) {
    if let Some(folder) = std::env::var_os("LANSPREAD_PICTURES") {
        harness.render().unwrap().save(std::path::Path::new(&folder).join(name)).unwrap();
    }
}

#[test]
fn start_begins_once_the_folder_is_known_to_be_writable() {
    let path = std::env::temp_dir();
    let first_run = first_run::State::suggested(first_run::Suggestion {
        name: "Mika".to_owned(),
        folder: Some(path.clone()),
        party: Some("LAN Nord 2026".to_owned()),
        is_portable: true,
    });
    let mut harness = harness(WindowState { is_first_run: true, first_run, ..WindowState::default() });
    assert_eq!(harness.state().actions, [Action::CheckFolder(path.clone())]);
    harness.get_by_label("Start").click();
    harness.run_steps(2);
    assert_eq!(harness.state().actions.len(), 1);
    let report = FolderReport {
        path: path.clone(),
        is_there: true,
        is_writable: true,
        free_bytes: 412_000_000_000,
        total_bytes: 931_000_000_000,
    };
    harness.state_mut().state.first_run.folder_checked(report);
    harness.run_steps(2);
    picture(&mut harness, "first-run.png");
    harness.get_by_label("Start").click();
    harness.run_steps(2);
    let begin = Action::Begin { name: "Mika".to_owned(), games: path };
    assert_eq!(harness.state().actions.last(), Some(&begin));
}

#[test]
fn a_setting_is_changed_by_one_click() {
    let mut harness = harness(WindowState { screen: Screen::Settings, ..WindowState::default() });
    picture(&mut harness, "settings.png");
    harness.get_by_label("Light").click();
    harness.run_steps(2);
    harness.get_by_role_and_label(egui::accesskit::Role::Switch, "Fetch updates ahead").click();
    harness.run_steps(2);
    let change = SettingsChange { fetch_ahead: Some(false), ..SettingsChange::default() };
    let expected =
        [Action::Set(Setting::Theme(egui::ThemePreference::Light)), Action::Set(Setting::Peer(change))];
    assert_eq!(harness.state().actions, expected);
}
