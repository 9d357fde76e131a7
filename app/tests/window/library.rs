//! The library.

use egui::Key;
use egui::accesskit::Role;
use egui_kittest::kittest::Queryable as _;
use lanspread_app::action::{Action, Question, Screen};
use lanspread_app::model::Told;
use lanspread_app::sample::{self, GameSample};
use lanspread_engine::{AfterDownload, Command, ErrorCode, KeptFiles, OperationKind, Phase};
use lanspread_peer::api::{CheckReason, CheckResult};

use crate::harness::{Look, Shown, Window, open, settle};
use crate::scenes::network_stopped;

fn party() -> Shown {
    Shown::new(sample::party(), Told::default())
}

fn window() -> Window {
    open(Look::default(), party())
}

#[test]
fn who_is_alone_can_look_for_others() {
    let mut window = open(Look::default(), Shown::new(sample::snapshot(Vec::new()), Told::default()));
    for label in ["Add by address…", "Can’t see someone?"] {
        window.get_by_label(label).click();
        settle(&mut window);
        assert_eq!(window.state().state.screen, Screen::Party);
        window.get_by_label("Library").click();
        settle(&mut window);
        assert_eq!(window.state().state.screen, Screen::Library);
    }
}

#[test]
fn the_network_has_stopped() {
    let mut window = open(Look::default(), network_stopped());
    window.get_by_label("Restart").click();
    settle(&mut window);
    assert_eq!(window.state().asked, [Action::Restart]);
    window.get_by_label("No source left for Unvanquished. It goes on when someone is back.");
    assert!(window.query_by_label("Red Eclipse, Waiting for network").is_some());
}

#[test]
fn the_rail_says_what_its_badges_show() {
    let window = open(Look::default(), Shown::new(sample::party(), Told::default()));
    window.get_by_role_and_label(Role::Tab, "Downloads, 2 active");
    let mut party = sample::snapshot(vec![GameSample::new("a", "A").sources(1)]);
    sample::fail(&mut party, "a", OperationKind::Download, ErrorCode::NoSpace);
    party.network.checks.adapter = CheckResult::Problem(CheckReason::NoAdapter);
    let window = open(Look::default(), Shown::new(party, Told::default()));
    window.get_by_role_and_label(Role::Tab, "Downloads, needs attention");
    window.get_by_role_and_label(Role::Tab, "Party, a check failed");
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
    window.get_by_label("Verify files").click();
    settle(&mut window);
    let command = Command::Verify { game: "teeworlds".parse().unwrap() };
    assert_eq!(window.state().asked, [Action::Command(command)]);
}

#[test]
fn the_menu_offers_what_is_possible_now_and_says_why_the_rest_is_not() {
    let pause = Action::Command(Command::Pause { game: "redeclipse".parse().unwrap() });
    for (card, item, asked, why) in [
        ("Armagetron Advanced, Running", "Play", vec![], "It is running."),
        ("Armagetron Advanced, Running", "Uninstall…", vec![], "It is running. Quit it first."),
        ("Freedoom, Checking files", "Verify files", vec![], "Something else is being done with it."),
        ("Red Eclipse, 41%", "Remove download…", vec![], "It isn’t downloaded yet."),
        ("Red Eclipse, 41%", "Pause", vec![pause], ""),
        ("Neverball, Ready to install", "Uninstall…", vec![], "It isn’t installed."),
        ("BZFlag, Not on the LAN yet", "Open folder", vec![], "There is no folder yet."),
    ] {
        let mut window = open(Look { size: egui::vec2(1280.0, 1600.0), ..Look::default() }, party());
        window.get_by_label(card).click_secondary();
        settle(&mut window);
        if !why.is_empty() {
            window.get_by_role_and_label(Role::MenuItem, item).hover();
            window.run_steps(40);
            assert!(window.query_all_by_label(why).next().is_some(), "{item} of {card}");
        }
        window.get_by_role_and_label(Role::MenuItem, item).click();
        settle(&mut window);
        assert_eq!(window.state().asked, asked, "{item} of {card}");
    }
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
