//! The library.

use egui::{Key, Theme, vec2};
use egui_kittest::kittest::Queryable as _;
use lanspread_app::action::{Action, Question, Screen};
use lanspread_app::model::Told;
use lanspread_app::notices::{Notice, NoticeButton};
use lanspread_app::sample::{self, GameSample};
use lanspread_app::text::Language;
use lanspread_engine::{AfterDownload, Command, ErrorCode, KeptFiles, OperationKind, Phase};

use crate::harness::{Look, Shown, Window, open, picture, settle};

fn party() -> Shown {
    Shown::new(sample::party(), Told::default())
}

fn window() -> Window {
    open(Look::default(), party())
}

#[test]
fn pictures_of_the_party() {
    for (name, theme, size) in [
        ("library-dark", Theme::Dark, vec2(1280.0, 800.0)),
        ("library-light", Theme::Light, vec2(1280.0, 800.0)),
        ("library-wide", Theme::Dark, vec2(1920.0, 1080.0)),
    ] {
        let mut window = open(Look { size, theme, ..Look::default() }, party());
        window.get_by_label("Teeworlds, Installed").hover();
        settle(&mut window);
        picture(&mut window, name);
    }
}

#[test]
fn a_small_window_at_150_percent_in_german() {
    let look = Look { size: vec2(960.0, 600.0), scale: 1.5, language: Language::German, ..Look::default() };
    let mut window = open(look, party());
    window.get_by_label("Bereit zum Installieren 2");
    picture(&mut window, "library-small-german");
}

#[test]
fn nobody_is_here() {
    for (name, theme) in [("library-empty-dark", Theme::Dark), ("library-empty-light", Theme::Light)] {
        let shown = Shown::new(sample::snapshot(Vec::new()), Told::default());
        let mut window = open(Look { theme, ..Look::default() }, shown);
        window.get_by_label("Add by address…").click();
        settle(&mut window);
        assert_eq!(window.state().state.screen, Screen::Party);
        window.get_by_label("Library").click();
        settle(&mut window);
        assert_eq!(window.state().state.screen, Screen::Library);
        window.get_by_label("Can’t see someone?").click();
        settle(&mut window);
        assert_eq!(window.state().state.screen, Screen::Party);
        window.get_by_label("Library").click();
        settle(&mut window);
        crate::harness::leave(&mut window);
        picture(&mut window, name);
    }
}

#[test]
fn the_network_has_stopped() {
    let mut snapshot = sample::party();
    snapshot.failure = Some(sample::failure());
    let mut shown = Shown::new(snapshot, Told::default());
    let button = |label: &str, action| NoticeButton { label: label.to_owned(), icon: None, action };
    let play = Action::Play("freedoom".parse().unwrap());
    let update = Action::Ask(Question::Update("0ad".parse().unwrap()));
    for notice in [
        Notice::good("Freedoom is ready", "Installed in 4 s.").with_button(button("Play", play)),
        Notice::good("Update for 0 A.D.", "0.27 is at the party, 212 MB.")
            .with_button(button("Update…", update)),
        Notice::warn("No source left for Unvanquished", "It goes on when someone is back."),
    ] {
        shown.state.toasts.add(notice);
    }
    let mut window = open(Look::default(), shown);
    picture(&mut window, "library-network-stopped");
    window.get_by_label("Restart").click();
    settle(&mut window);
    assert_eq!(window.state().asked, [Action::Restart]);
    window.get_by_label("No source left for Unvanquished. It goes on when someone is back.");
    assert!(window.query_by_label("Red Eclipse, Waiting for network").is_some());
}

#[test]
fn every_card_state_has_a_picture() {
    let game = |id: &str, title: &str| GameSample::new(id, title).about("Strategy", 1, 8);
    let games = vec![
        game("a", "A Installed").installed().playing(2).outbound(3),
        game("b", "B Update").installed().outdated().sources(3),
        game("c", "C Ready").downloaded(),
        game("d", "D Download").sources(6),
        game("e", "E Downloading").sources(6).downloading(41, 100, 78_000_000),
        game("f", "F Waiting").sources(3).waiting(),
        game("g", "G Paused").sources(2).paused(),
        game("h", "H No source").waiting(),
        game("i", "I Running").installed().running(),
        game("j", "J Failed").sources(1).failed(OperationKind::Download, ErrorCode::Io),
        game("k", "K Not here"),
        game("l", "L No cover").downloaded(),
    ];
    for (name, theme) in [("card-states-dark", Theme::Dark), ("card-states-light", Theme::Light)] {
        let mut shown = Shown::new(sample::snapshot(games.clone()), Told::default());
        shown.state.library.sort = lanspread_app::model::Sort::Name;
        let mut window = open(Look { theme, ..Look::default() }, shown);
        picture(&mut window, name);
    }
}

#[test]
fn work_on_this_pc_is_named() {
    let games = vec![
        GameSample::new("a", "A").working(OperationKind::Install, Phase::Installing),
        GameSample::new("b", "B").installed().working(OperationKind::Verify, Phase::Verifying),
    ];
    let window = open(Look::default(), Shown::new(sample::snapshot(games), Told::default()));
    window.get_by_label("A, Installing");
    window.get_by_label("B, Checking files");
}

#[test]
fn each_button_does_what_it_says() {
    let game = |id: &str| id.parse().unwrap();
    let then = AfterDownload::Install;
    for (label, action) in [
        ("Install", Action::Command(Command::Install { game: game("hedgewars"), kept: KeptFiles::Restore })),
        ("Download 520 MB", Action::Command(Command::Download { game: game("wesnoth"), then })),
    ] {
        let mut window = window();
        window.get_all_by_label(label).next().unwrap().click();
        settle(&mut window);
        assert_eq!(window.state().asked, [action]);
        assert_eq!(window.state().state.details_of, None, "the click is the button's, not the card's");
    }
    let mut window = window();
    window.get_all_by_label("Play").next().unwrap().click();
    window.get_by_label("Update").click();
    settle(&mut window);
    assert_eq!(window.state().asked, [Action::Play(game("teeworlds"))]);
    assert_eq!(window.state().state.question, Some(Question::Update(game("0ad"))));
}

#[test]
fn search_and_chips_choose_and_say_when_nothing_is_left() {
    let mut window = window();
    window.key_press_modifiers(egui::Modifiers::COMMAND, Key::F);
    settle(&mut window);
    window.get_by_label("Search games").type_text("wes");
    settle(&mut window);
    window.get_by_label("The Battle for Wesnoth, On the LAN");
    assert!(window.query_by_label("Teeworlds, Installed").is_none());
    window.get_by_label("Search games").type_text("!");
    settle(&mut window);
    window.get_by_label("Clear search").click();
    settle(&mut window);
    window.get_by_label("Installed 8").click();
    settle(&mut window);
    assert!(window.query_by_label("The Battle for Wesnoth, On the LAN").is_none());
    window.get_by_label("Teeworlds, Installed");
}

#[test]
fn the_keyboard_reaches_every_card() {
    let mut window = window();
    window.get_by_label("Teeworlds, Installed").focus();
    settle(&mut window);
    for (key, label) in [
        (Key::ArrowRight, "OpenArena, Installed"),
        (Key::ArrowLeft, "Teeworlds, Installed"),
        (Key::End, "OpenTTD, Installed"),
        (Key::ArrowLeft, "Neverball, Ready to install"),
        (Key::Home, "Teeworlds, Installed"),
    ] {
        window.key_press(key);
        settle(&mut window);
        assert!(window.get_by_label(label).is_focused(), "{key:?} to {label}");
    }
    window.key_press(Key::Enter);
    settle(&mut window);
    assert_eq!(window.state().asked, [Action::Play("teeworlds".parse().unwrap())]);
    assert_eq!(window.state().state.details_of, None);
    window.key_press(Key::Space);
    settle(&mut window);
    assert_eq!(window.state().state.details_of, Some("teeworlds".parse().unwrap()));
}

#[test]
fn the_right_button_opens_the_menu() {
    let mut window = window();
    window.get_by_label("Teeworlds, Installed").click_secondary();
    settle(&mut window);
    picture(&mut window, "library-menu");
    window.get_by_label("Verify files").click();
    settle(&mut window);
    let command = Command::Verify { game: "teeworlds".parse().unwrap() };
    assert_eq!(window.state().asked, [Action::Command(command)]);
}

#[test]
fn the_order_is_chosen_from_a_menu() {
    let mut window = window();
    window.get_by_label("Sort: Popular now").click();
    settle(&mut window);
    window.get_by_label("Size").click();
    settle(&mut window);
    assert_eq!(window.state().state.library.sort, lanspread_app::model::Sort::Size);
    window.get_by_label("Sort: Size");
}
