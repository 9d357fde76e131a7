//! Party: who is here, adding one by address, the checks, nobody here.

use std::path::Path;
use std::sync::Arc;

use egui_kittest::kittest::Queryable as _;
use lanspread_app::action::{Action, Screen};
use lanspread_app::model::Told;
use lanspread_app::sample;
use lanspread_app::text::Language;
use lanspread_engine::PeerGame;
use lanspread_peer::api::{CheckReason, CheckResult};
use lanspread_peer::firewall::AllowCommand;

use crate::harness::{Look, Shown, Window, click, open, settle};
use crate::scenes::party;

#[test]
fn everybody_is_listed_with_what_they_play() {
    let window = open(Look::default(), party());
    for name in [
        "Lea, OpenArena, 0 games shared, 28 MB/s from you, Great",
        "Jonas, In the lobby, 0 games shared, 112 MB/s to you, Great",
        "Aylin, In the lobby, 0 games shared, Fair",
        "(you)",
    ] {
        assert!(window.query_by_label(name).is_some(), "“{name}” is missing");
    }
}

#[test]
fn a_row_says_all_that_is_seen_in_it() {
    let mut shown = party();
    let view = shown.snapshot.view.as_mut().and_then(Arc::get_mut).unwrap();
    let nils = view.peers.iter_mut().find(|peer| peer.presence.name == "Nils").unwrap();
    nils.connected = false;
    let lea = &mut view.peers[1];
    lea.games = vec![whole("openarena"), whole("teeworlds")];
    lea.rx_rate = 3_400_000;
    let german = Look { language: Language::German, ..Look::default() };
    for (look, names) in [
        (
            Look::default(),
            [
                "Lea, OpenArena, 2 games shared, 3.4 MB/s to you, 28 MB/s from you, Great",
                "Nils, In the lobby, 0 games shared, Connecting…",
            ],
        ),
        (
            german,
            [
                "Lea, OpenArena, 2 Spiele geteilt, 3,4 MB/s zu dir, 28 MB/s von dir, Bestens",
                "Nils, In der Lobby, 0 Spiele geteilt, Verbindet…",
            ],
        ),
    ] {
        let window = open(look, Shown::on(Screen::Party, shown.snapshot.clone(), Told::default()));
        for name in names {
            assert!(window.query_by_label(name).is_some(), "“{name}” is missing");
        }
    }
}

/// A game that is shared.
fn whole(id: &str) -> PeerGame {
    PeerGame {
        id: id.parse().unwrap(),
        version: "2".parse().ok(),
        complete: true,
        local_only: false,
        chunks: 1,
        chunks_total: 1,
    }
}

#[test]
fn an_address_is_checked_while_it_is_typed() {
    let mut window = open(Look::default(), party());
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
    let mut window =
        open(Look::default(), Shown::on(Screen::Party, sample::snapshot(Vec::new()), Told::default()));
    assert_eq!(click(&mut window, "Can’t see someone?"), [Action::RunChecks]);
    assert!(window.query_by_label("Direct reach: Not known yet").is_some());
}

#[test]
fn a_row_opens_what_that_pc_shares() {
    let mut shown = party();
    let view = shown.snapshot.view.as_mut().and_then(Arc::get_mut).unwrap();
    view.peers[1].games.push(whole("openarena"));
    let mut window = open(Look::default(), shown);
    window.get_by_label_contains("Lea, OpenArena").click();
    settle(&mut window);
    assert!(window.query_by_label("Games of Lea").is_some());
    assert_eq!(click(&mut window, "OpenArena"), []);
    assert_eq!(window.state().state.details_of, "openarena".parse().ok());
}

#[test]
fn of_many_games_those_in_sight_are_drawn_and_the_tabulator_gets_to_all() {
    let mut shown = party();
    let view = shown.snapshot.view.as_mut().and_then(Arc::get_mut).unwrap();
    view.peers[1].games = (0..500).map(|number| whole(&format!("game-{number:03}"))).collect();
    let mut window = open(Look::default(), shown);
    window.get_by_label_contains("Lea, OpenArena").click();
    settle(&mut window);
    let drawn = |window: &Window| window.query_all_by_label_contains("game-").count();
    assert!((10..40).contains(&drawn(&window)), "{} are drawn", drawn(&window));
    window.get_by_label("game-000").focus();
    settle(&mut window);
    for number in 1..60 {
        window.key_press(egui::Key::Tab);
        settle(&mut window);
        assert!(window.get_by_label(&format!("game-{number:03}")).is_focused(), "{number}");
    }
    assert!((10..40).contains(&drawn(&window)), "{} are drawn", drawn(&window));
}

#[test]
fn help_is_one_key_away_and_says_what_to_do() {
    let mut snapshot = sample::party();
    snapshot.network = sample::network();
    let mut window = open(Look::default(), Shown::on(Screen::Library, snapshot, Told::default()));
    window.key_press(egui::Key::F1);
    settle(&mut window);
    for check in ["Network adapter: OK", "Firewall: Limited", "Multicast: Limited", "Direct reach: OK"] {
        assert!(window.query_by_label(check).is_some(), "{check}");
    }
    assert!(window.query_by_label_contains("Somebody has connected to you all the same").is_some());
    assert_eq!(std::mem::take(&mut window.state_mut().asked), [Action::RunChecks]);
    assert_eq!(click(&mut window, "Show how to allow it"), []);
    assert!(window.query_by_label_contains("40420/udp").is_some() || cfg!(windows));
    assert_eq!(click(&mut window, "Check again"), [Action::RunChecks]);
}

#[test]
fn the_command_for_the_firewall_is_shown_before_it_runs() {
    let mut snapshot = sample::party();
    snapshot.network = sample::network();
    let command = AllowCommand::of(Path::new(r"E:\LAN party\lanspread.exe")).unwrap();
    snapshot.network.allow_command = Some(command.clone());
    let mut window = open(Look::default(), Shown::on(Screen::Party, snapshot, Told::default()));
    assert_eq!(click(&mut window, "Can’t see someone?"), [Action::RunChecks]);
    assert_eq!(click(&mut window, "Show how to allow it"), []);
    assert!(window.query_by_label(&format!("cmd {}", command.parameters)).is_some());
    assert_eq!(click(&mut window, "Copy"), [Action::Copy(command.lines)]);
    let asked = click(&mut window, "Run it as administrator…");
    assert_eq!(asked, [Action::AllowInFirewall(command.parameters)]);
}

#[test]
fn no_command_is_offered_where_only_others_can_help() {
    for (reason, rule, words) in [
        (CheckReason::OtherRuleBlocks, Some("No games"), ["The rule “No games”", "(wf.msc)"]),
        (CheckReason::OtherRuleBlocks, None, ["A rule for more than Lanspread", "(wf.msc)"]),
        (CheckReason::PolicyBlocks, Some("No games"), ["“No games” of group policy", "ask them"]),
        (CheckReason::PolicyBlocks, None, ["A rule of group policy", "ask them"]),
        (CheckReason::OnlyPolicyRules, None, ["Only rules of group policy", "ask them"]),
        (CheckReason::AllBlocked, None, ["It blocks all", "Untick that"]),
    ] {
        let mut snapshot = sample::snapshot(Vec::new());
        snapshot.network = sample::network();
        snapshot.network.checks.firewall = CheckResult::Problem(reason);
        snapshot.network.checks.reach = CheckResult::Unknown;
        snapshot.network.blocking_rule = rule.map(str::to_owned);
        let mut window = open(Look::default(), Shown::on(Screen::Party, snapshot, Told::default()));
        assert_eq!(click(&mut window, "Can’t see someone?"), [Action::RunChecks]);
        assert!(window.query_by_label("Firewall: Problem").is_some(), "{reason:?}");
        for words in words {
            assert!(window.query_by_label_contains(words).is_some(), "{reason:?}: {words}");
        }
        assert!(window.query_by_label("Show how to allow it").is_none(), "{reason:?}");
    }
}

#[test]
fn nobody_at_an_address_is_said_after_a_while() {
    let mut window =
        open(Look::default(), Shown::on(Screen::Party, sample::snapshot(Vec::new()), Told::default()));
    window.get_by_role_and_label(egui::accesskit::Role::TextInput, "Address").focus();
    settle(&mut window);
    window.get_by_role_and_label(egui::accesskit::Role::TextInput, "Address").type_text("192.168.10.77");
    settle(&mut window);
    click(&mut window, "Add");
    window.state_mut().now += std::time::Duration::from_secs(10);
    settle(&mut window);
    assert!(window.query_by_label("No answer from 192.168.10.77. Is Lanspread running there?").is_some());
}
