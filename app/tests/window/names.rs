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

fn scenes() -> impl Iterator<Item = (&'static str, Window)> {
    SCENES.iter().map(|scene| (scene.name, open(Look::default(), (scene.shown)())))
}

/// Where all that is seen can be reached: what lies under a dialog or a panel is out of reach on purpose, and so are the
/// actions of the library's cards: Enter on the card does the same.
fn plain_scenes() -> impl Iterator<Item = (&'static str, Window)> {
    let is_covered = |window: &Window| {
        let state = &window.state().state;
        state.question.is_some() || state.details_of.is_some() || state.screen == Screen::Library
    };
    scenes().filter(move |(_, window)| !is_covered(window))
}

/// The names of a part of the window's controls.
fn controls(window: &Window, is_in: impl Fn(&AccessKitNode<'_>) -> bool) -> BTreeSet<String> {
    let nodes = window.query_all(By::new().predicate(is_interactive)).map(|node| node.accesskit_node());
    nodes.filter(is_in).map(|node| name(&node)).collect()
}

#[test]
fn the_tabulator_comes_to_everything() {
    for (scene, mut window) in plain_scenes() {
        let takes_clicks = |node: &AccessKitNode<'_>| node.data().supports_action(accesskit::Action::Click);
        let wanted = controls(&window, |node| takes_clicks(node) && !node.is_disabled());
        let reached: BTreeSet<String> = walk(&mut window).into_iter().collect();
        let missed: Vec<_> = wanted.difference(&reached).collect();
        assert!(missed.is_empty(), "{scene}: {missed:#?} are not among {reached:#?}");
    }
}

/// Right of the panel's edge, at the default size.
fn is_in_panel(node: &AccessKitNode<'_>) -> bool {
    node.bounding_box().is_some_and(|place| place.x0 >= 496.0)
}

#[test]
fn the_tabulator_stays_in_the_details_and_comes_to_everything_there() {
    for (scene, mut window) in scenes().filter(|(name, _)| name.starts_with("details")) {
        // With what lies below the panel at its place, which is not reached.
        let there = controls(&window, is_in_panel);
        let reached: BTreeSet<String> = walk(&mut window).into_iter().collect();
        for name in ["Close", "Next game", "Verify files", "Remove download"] {
            assert!(reached.contains(name), "{scene}: {name} is not among {reached:#?}");
        }
        let strangers: Vec<_> = reached.difference(&there).collect();
        assert!(strangers.is_empty(), "{scene}: {strangers:#?} are outside of the panel");
    }
}

#[test]
fn a_dialog_keeps_the_tabulator() {
    for (scene, mut window) in scenes().filter(|(name, _)| name.starts_with("dialog")) {
        let reached: BTreeSet<String> = walk(&mut window).into_iter().collect();
        assert!((1..=12).contains(&reached.len()), "{scene}: {reached:#?}");
        for outside in ["Library", "Search games", "Settings"] {
            assert!(!reached.contains(outside), "{scene}: {outside} lies below");
        }
    }
}

#[test]
fn the_focus_goes_into_the_panel_and_back_to_the_card() {
    let mut window = open(Look::default(), library());
    let card = "Teeworlds, Installed";
    window.get_by_label(card).focus();
    settle(&mut window);
    window.key_press(Key::Space);
    settle(&mut window);
    assert!(!window.get_by_label(card).is_focused(), "it lies below the panel");
    window.key_press(Key::ArrowRight);
    window.key_press_modifiers(Modifiers::COMMAND, Key::F);
    settle(&mut window);
    let search = window.get_by_role_and_label(Role::TextInput, "Search games");
    assert!(!search.is_focused(), "what lies below takes no keys");
    window.key_press(Key::Tab);
    settle(&mut window);
    window.key_press(Key::Escape);
    settle(&mut window);
    assert_eq!(window.state().state.details_of, None);
    assert!(window.get_by_label(card).is_focused());

    window.key_press(Key::Space);
    settle(&mut window);
    window.key_press(Key::Enter);
    settle(&mut window);
    assert_eq!(
        window.state().asked,
        [Action::Play("teeworlds".parse().unwrap())],
        "Enter is the game's button"
    );
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
