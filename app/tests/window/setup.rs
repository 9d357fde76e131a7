//! First run and settings, used as a person with a screen reader uses them.

use egui::accesskit::Role;
use egui::{Key, vec2};
use egui_kittest::kittest::Queryable as _;
use lanspread_app::action::{Action, Screen, Setting};
use lanspread_app::model::{FolderReport, Told};
use lanspread_app::sample;
use lanspread_app::screens::first_run;
use lanspread_peer::api::{SettingsChange, Snapshot};

use crate::harness::{Look, Shown, Window, open, settle};
use crate::scenes;

const LIMIT: &str = "While I’m playing, limit to";

#[test]
fn start_begins_once_the_folder_is_known_to_be_writable() {
    let path = std::env::temp_dir();
    let first_run = first_run::State::suggested(first_run::Suggestion {
        name: "Mika".to_owned(),
        folder: Some(path.clone()),
        party: Some("LAN Nord 2026".to_owned()),
        is_portable: true,
    });
    let mut shown = Shown::new(Snapshot::default(), Told::default());
    (shown.state.is_first_run, shown.state.first_run) = (true, first_run);
    let mut harness = open(Look::default(), shown);
    assert_eq!(harness.state().asked, [Action::CheckFolder(path.clone())]);
    harness.get_by_label("Start").click();
    settle(&mut harness);
    assert_eq!(harness.state().asked.len(), 1);
    let report = FolderReport {
        path: path.clone(),
        is_there: true,
        is_writable: true,
        free_bytes: 412_000_000_000,
        total_bytes: 931_000_000_000,
    };
    harness.state_mut().state.first_run.folder_checked(report);
    settle(&mut harness);
    harness.get_by_label("Start").click();
    settle(&mut harness);
    let begin = Action::Begin { name: "Mika".to_owned(), games: path };
    assert_eq!(harness.state().asked.last(), Some(&begin));
}

/// 960 x 600 points at a zoom of 150 %.
#[test]
fn the_form_scrolls_where_it_does_not_fit() {
    let small = Look { size: vec2(640.0, 400.0), scale: 1.5, ..Look::default() };
    let mut harness = open(small, (scenes::named("first-run").shown)());
    harness.state_mut().asked.clear();
    harness.get_by_label("Start").scroll_to_me();
    settle(&mut harness);
    let start = harness.get_by_label("Start");
    assert!(start.rect().bottom() <= 400.0, "{:?}", start.rect());
    start.click();
    settle(&mut harness);
    assert!(matches!(harness.state().asked[..], [Action::Begin { .. }]), "{:?}", harness.state().asked);
}

#[test]
fn arrow_keys_move_a_slider_and_stay_on_it() {
    let mut harness = open(Look::default(), Shown::on(Screen::Settings, sample::party(), Told::default()));
    let slider = |harness: &Window| harness.get_by_role_and_label(Role::Slider, LIMIT).is_focused();
    harness.get_by_role_and_label(Role::Slider, LIMIT).focus();
    settle(&mut harness);
    for (key, limit) in [(Key::ArrowRight, 5_000_000), (Key::ArrowLeft, 3_000_000)] {
        harness.key_press(key);
        settle(&mut harness);
        let change = SettingsChange { playing_limit: Some(limit), ..SettingsChange::default() };
        assert_eq!(std::mem::take(&mut harness.state_mut().asked), [Action::Set(Setting::Peer(change))]);
        assert!(slider(&harness), "the focus is still on the slider after {key:?}");
    }
}

#[test]
fn a_setting_is_changed_by_one_click() {
    let mut harness = open(Look::default(), Shown::on(Screen::Settings, sample::party(), Told::default()));
    harness.get_by_label("Light").click();
    settle(&mut harness);
    harness.get_by_role_and_label(Role::Switch, "Fetch updates ahead").click();
    settle(&mut harness);
    let change = SettingsChange { fetch_ahead: Some(false), ..SettingsChange::default() };
    let expected =
        [Action::Set(Setting::Theme(egui::ThemePreference::Light)), Action::Set(Setting::Peer(change))];
    assert_eq!(harness.state().asked, expected);
}
