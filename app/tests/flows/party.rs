//! Party: who is here, adding one by address, the checks, nobody here.

use egui_kittest::kittest::Queryable as _;
use lanspread_app::action::{Action, Screen};
use lanspread_app::sample;
use lanspread_app::text::Language;

use crate::harness::{Shown, click, open, open_as, picture, settle};

fn party() -> Shown {
    let mut snapshot = sample::party();
    if let Some(view) = snapshot.view.as_mut().and_then(std::sync::Arc::get_mut) {
        view.peers[1].presence.playing = "openarena".parse().ok();
    }
    Shown::new(Screen::Party, snapshot, sample::party_told())
}

#[test]
fn everybody_is_listed_with_what_they_play() {
    let mut window = open(party());
    for name in ["Lea, OpenArena", "Aylin, In the lobby", "Mika (you)", "Network adapter: OK"] {
        assert!(window.query_by_label(name).is_some(), "“{name}” is missing");
    }
    picture(&mut window, "party");
    picture(&mut open_as(party(), 960.0, Language::German, egui::Theme::Light), "party-small-german");
}

#[test]
fn an_address_is_checked_while_it_is_typed() {
    let mut window = open(party());
    let mut type_text = |text: &str| {
        window.get_by_role_and_label(egui::accesskit::Role::TextInput, "Address").focus();
        settle(&mut window);
        window.get_by_role_and_label(egui::accesskit::Role::TextInput, "Address").type_text(text);
        settle(&mut window);
        click(&mut window, "Add")
    };
    assert_eq!(type_text("192.168.10."), [], "that is no address yet");
    assert_eq!(type_text("77"), [Action::AddPeer("192.168.10.77".to_owned())]);
    assert!(window.query_by_label("Looking for 192.168.10.77…").is_some());
}

#[test]
fn alone_others_are_awaited() {
    let mut window = open(Shown::new(Screen::Party, sample::snapshot(Vec::new()), sample::party_told()));
    assert!(window.query_by_label("Direct reach: Not known yet").is_some());
    picture(&mut window, "party-empty");
}
