//! Whoever does not see the window, or has no mouse: everything has a name and can be reached.

use std::collections::BTreeSet;

use egui::accesskit::{self, Role};
use egui::{Key, Modifiers};
use egui_kittest::kittest::{AccessKitNode, By, NodeT as _, Queryable as _};
use lanspread_app::action::{Action, Question, RemoveWhat, Screen};
use lanspread_app::text::Language;
use lanspread_engine::Command;

use crate::harness::{Look, Window, open, settle};
use crate::scenes::{SCENES, library};

/// What a person can do something with.
fn is_interactive(node: &AccessKitNode<'_>) -> bool {
    matches!(
        node.role(),
        Role::Button
            | Role::CheckBox
            | Role::ComboBox
            | Role::Link
            | Role::ListItem
            | Role::MenuItem
            | Role::RadioButton
            | Role::Slider
            | Role::SpinButton
            | Role::Switch
            | Role::Tab
            | Role::TextInput
    )
}

fn is_focused(node: &AccessKitNode<'_>) -> bool {
    node.is_focused()
}

fn name(node: &AccessKitNode<'_>) -> String {
    node.label().or_else(|| node.labelled_by().find_map(|by| by.value())).unwrap_or_default()
}

#[test]
fn everything_that_can_be_used_has_a_name() {
    for language in [Language::English, Language::German] {
        for scene in SCENES {
            let mut window = open(Look { language, ..Look::default() }, (scene.shown)());
            if language == Language::English {
                (scene.then)(&mut window);
            }
            let nodes: Vec<_> = window.query_all(By::new().predicate(is_interactive)).collect();
            assert!(
                !nodes.is_empty() || scene.name == "library-loading",
                "{}: nothing can be used",
                scene.name
            );
            for node in nodes {
                let what = node.accesskit_node();
                let (role, place) = (what.role(), what.bounding_box());
                assert!(!name(&what).trim().is_empty(), "{}: {role:?} at {place:?} has no name", scene.name);
            }
        }
    }
}

/// Walks with the tabulator until it comes back to where it began.
fn walk(window: &mut Window) -> Vec<String> {
    let mut names = Vec::new();
    for _ in 0..200 {
        window.key_press(Key::Tab);
        settle(window);
        let nodes = By::new().predicate(is_focused);
        let focused =
            window.query_all(nodes).map(|node| name(&node.accesskit_node())).next().unwrap_or_default();
        if names.first() == Some(&focused) {
            break;
        }
        names.push(focused);
    }
    names
}

#[test]
fn the_tabulator_goes_from_the_rail_to_the_status_bar() {
    let mut window = open(Look::default(), library());
    let names = walk(&mut window);
    let at = |wanted: &str| {
        names
            .iter()
            .position(|name| name.starts_with(wanted))
            .unwrap_or_else(|| panic!("no {wanted} in {names:#?}"))
    };
    let order = ["Library", "Search games", "All 18", "Sort: ", "Teeworlds, Installed", "Sharing"].map(at);
    assert!(order.is_sorted(), "{names:#?}");
    let unique: BTreeSet<_> = names.iter().collect();
    assert!(unique.len() > 20, "{names:#?}");
}

/// What lies under a dialog or a panel is out of reach on purpose, and so are the actions of the library's cards: Enter on
/// the card does the same.
fn plain_scenes() -> impl Iterator<Item = (&'static str, Window)> {
    let is_covered = |name: &str| name.starts_with("dialog") || name.starts_with("details");
    let scenes = SCENES.iter().filter(move |scene| !is_covered(scene.name));
    let opened = scenes.map(|scene| (scene.name, open(Look::default(), (scene.shown)())));
    opened.filter(|(_, window)| window.state().state.screen != Screen::Library)
}

#[test]
fn the_tabulator_comes_to_everything() {
    for (scene, mut window) in plain_scenes() {
        let takes_clicks = |node: &AccessKitNode<'_>| node.data().supports_action(accesskit::Action::Click);
        let can_be_used =
            |node: &AccessKitNode<'_>| is_interactive(node) && takes_clicks(node) && !node.is_disabled();
        let nodes = window.query_all(By::new().predicate(can_be_used));
        let wanted: BTreeSet<String> = nodes.map(|node| name(&node.accesskit_node())).collect();
        let reached: BTreeSet<String> = walk(&mut window).into_iter().collect();
        let missed: Vec<_> = wanted.difference(&reached).collect();
        assert!(missed.is_empty(), "{scene}: {missed:#?} are not among {reached:#?}");
    }
}

#[test]
fn no_two_buttons_of_a_scene_say_the_same() {
    for (scene, window) in plain_scenes() {
        let mut seen = BTreeSet::new();
        for node in window.query_all(By::new().predicate(is_interactive)) {
            let node = node.accesskit_node();
            let said = (format!("{:?}", node.role()), name(&node));
            assert!(seen.insert(said.clone()), "{scene}: two of {said:?}");
        }
    }
}

#[test]
fn the_keys_of_the_window() {
    let game = |id: &str| id.parse().unwrap();
    for (focus, modifiers, key, expected) in [
        (None, Modifiers::NONE, Key::F5, Some(Action::LookAgain)),
        (None, Modifiers::NONE, Key::F1, Some(Action::RunChecks)),
        (
            Some("Teeworlds, Installed"),
            Modifiers::COMMAND,
            Key::O,
            Some(Action::OpenFolder(game("teeworlds"))),
        ),
        (
            None,
            Modifiers::COMMAND,
            Key::P,
            Some(Action::Command(Command::Pause { game: game("redeclipse") })),
        ),
    ] {
        let mut window = open(Look::default(), library());
        if let Some(label) = focus {
            window.get_by_label(label).focus();
            settle(&mut window);
        }
        window.key_press_modifiers(modifiers, key);
        settle(&mut window);
        assert_eq!(window.state().asked.first(), expected.as_ref(), "{key:?}");
    }
}

#[test]
fn keys_change_the_screen_and_ask() {
    let mut window = open(Look::default(), library());
    for (key, screen) in [
        (Key::Num2, Screen::Downloads),
        (Key::Num3, Screen::Party),
        (Key::Num4, Screen::Settings),
        (Key::Num1, Screen::Library),
    ] {
        window.key_press_modifiers(Modifiers::COMMAND, key);
        settle(&mut window);
        assert_eq!(window.state().state.screen, screen);
    }
    let game = |id: &str| id.parse().unwrap();
    let remove = Question::Remove { game: game("teeworlds"), first: RemoveWhat::Download };
    for (label, modifiers, key, question) in [
        ("0 A.D., Update", Modifiers::COMMAND, Key::U, Question::Update(game("0ad"))),
        ("Teeworlds, Installed", Modifiers::NONE, Key::Delete, remove),
    ] {
        window.get_by_label(label).focus();
        settle(&mut window);
        window.key_press_modifiers(modifiers, key);
        settle(&mut window);
        assert_eq!(window.state().state.question, Some(question));
        window.key_press(Key::Escape);
        settle(&mut window);
        assert_eq!(window.state().state.question, None, "Esc closes the dialog");
    }
    window.get_by_label("Teeworlds, Installed").focus();
    settle(&mut window);
    window.key_press(Key::Space);
    settle(&mut window);
    assert_eq!(window.state().state.details_of, Some(game("teeworlds")));
    window.key_press(Key::Escape);
    settle(&mut window);
    assert_eq!(window.state().state.details_of, None, "Esc closes the panel");
}

#[test]
fn keys_search_and_zoom() {
    let mut window = open(Look::default(), library());
    let search = |window: &Window| {
        let field = window.get_by_role_and_label(Role::TextInput, "Search games");
        (field.is_focused(), field.accesskit_node().value().unwrap_or_default())
    };
    for (modifiers, key) in [(Modifiers::COMMAND, Key::F), (Modifiers::NONE, Key::Slash)] {
        assert!(!search(&window).0);
        window.key_press_modifiers(modifiers, key);
        settle(&mut window);
        assert_eq!(search(&window), (true, String::new()), "{key:?} goes there and writes nothing");
        window.key_press(Key::Escape);
        settle(&mut window);
    }
    let zoom = |window: &mut Window, key| {
        window.key_press_modifiers(Modifiers::COMMAND, key);
        settle(window);
        window.ctx.zoom_factor()
    };
    assert!(zoom(&mut window, Key::Plus) > 1.0);
    assert!((zoom(&mut window, Key::Num0) - 1.0).abs() < f32::EPSILON);
    assert!(zoom(&mut window, Key::Minus) < 1.0);
}
