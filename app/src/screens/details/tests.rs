//! What the panel says and does in the main states of a game.

use egui::accesskit::Role;
use egui_kittest::kittest::Queryable as _;
use egui_kittest::{Harness, HarnessBuilder};
use lanspread_engine::{Command, MapCell, PartsView, PeerGame, PeerView};
use lanspread_protocol::PeerId;

use crate::action::{Action, Question, Start};
use crate::cover::Covers;
use crate::model::{Source, Told};
use crate::sample::{GameSample, host, peer, snapshot_with};
use crate::text::Language;
use crate::theme;
use crate::window::{self, WindowState};

struct Stage {
    state: WindowState,
    covers: Covers,
    asked: Vec<Action>,
}

fn panel<'a>(game: GameSample, peers: Vec<PeerView>, language: Language) -> Harness<'a, Stage> {
    let id = game.0.id.clone();
    let snapshot = snapshot_with(vec![game], peers);
    let stage = Stage {
        state: WindowState { details_of: Some(id), ..WindowState::default() },
        covers: Covers::immediate(),
        asked: Vec::new(),
    };
    let harness = HarnessBuilder::<Stage>::default()
        .with_size(egui::vec2(1280.0, 800.0))
        .with_theme(egui::Theme::Dark)
        .with_context_setup(move |ctx| {
            theme::set_up(ctx);
            language.set(ctx);
        })
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
    let mut harness = harness;
    harness.run_steps(3);
    harness
}

fn click(harness: &mut Harness<'_, Stage>, label: &str) -> Vec<Action> {
    // The card behind the panel may have a button of this name, too.
    harness.query_all_by_role_and_label(Role::Button, label).last().expect(label).click();
    harness.run_steps(3);
    std::mem::take(&mut harness.state_mut().asked)
}

fn has(mut peer: PeerView, chunks: usize) -> PeerView {
    peer.games = vec![PeerGame {
        id: "redeclipse".parse().unwrap(),
        version: "2".parse().ok(),
        complete: chunks == 100,
        local_only: false,
        chunks,
        chunks_total: 100,
    }];
    peer
}

fn downloading() -> (GameSample, Vec<PeerView>) {
    let mut game = GameSample::new("redeclipse", "Red Eclipse")
        .about("Arena shooter", 1, 16)
        .size(1_900_000_000)
        .entry(|entry| {
            entry.publisher = Some("Red Eclipse Team".to_owned());
            entry.year = Some(2022);
            let text = "Fast arena shooter with parkour, wall runs and low gravity. Good for quick rounds — \
                        bots fill the empty seats.";
            entry.description = [("en".to_owned(), text.to_owned())].into();
        })
        .sources(3)
        .downloading(779_000_000, 1_900_000_000, 78_000_000);
    let cells: Vec<_> = (0..140)
        .map(|cell| match cell {
            0..60 => MapCell::Here,
            60..64 => MapCell::OnTheWay,
            _ => MapCell::Missing,
        })
        .collect();
    let rates = [(1, 31_000_000), (2, 22_000_000), (3, 0)];
    game.0.parts = Some(PartsView {
        here: 1246,
        total: 3040,
        cells: cells.into(),
        sources: rates.map(|(peer, rate)| (PeerId([peer; 32]), rate)).into(),
    });
    let peers = vec![
        has(peer(1, "Jonas", 0, 0), 100),
        has(peer(2, "Lea", 0, 0), 72),
        has(peer(3, "Sami", 0, 0), 100),
    ];
    (game, peers)
}

#[test]
fn a_download_shows_its_parts_and_sources_and_can_be_paused() {
    let (game, peers) = downloading();
    let mut harness = panel(game, peers, Language::English);
    for label in ["Red Eclipse", "41%", "779 MB of 1.9 GB", "15 s left", "1\u{a0}246 of 3\u{a0}040 checked"] {
        assert!(harness.query_all_by_label(label).next().is_some(), "{label}");
    }
    for label in ["Jonas, All parts, 31 MB/s", "Lea, 72% of it, 22 MB/s", "Sami, All parts, Standby"] {
        harness.get_by_label(label);
    }
    let game = || "redeclipse".parse().unwrap();
    assert_eq!(click(&mut harness, "Pause"), [Action::Command(Command::Pause { game: game() })]);
    assert_eq!(click(&mut harness, "Cancel download"), [Action::Command(Command::Cancel { game: game() })]);
    assert_eq!(click(&mut harness, "Uninstall"), [], "nothing is installed");
}

#[test]
fn an_update_is_asked_about_and_the_old_version_can_be_played() {
    let game = GameSample::new("game", "Game").installed().outdated().sources(2);
    let mut harness = panel(game, Vec::new(), Language::English);
    let id = || "game".parse().unwrap();
    harness.get_by_label("Players with 2 can’t join 1 games.");
    assert_eq!(click(&mut harness, "Play 1"), [Action::Play(id())]);
    assert_eq!(click(&mut harness, "Update to 2"), [Action::Ask(Question::Update(id()))]);
}

#[test]
fn a_game_on_the_lan_can_be_downloaded_and_nothing_removed() {
    let game = GameSample::new("game", "Game").sources(2);
    let mut harness = panel(game, Vec::new(), Language::German);
    assert_eq!(click(&mut harness, "Download löschen"), []);
    assert!(matches!(
        click(&mut harness, "Herunterladen 1,3 GB").as_slice(),
        [Action::Command(Command::Download { .. })]
    ));
}

#[test]
fn escape_closes_the_panel() {
    let mut harness = panel(GameSample::new("game", "Game"), Vec::new(), Language::English);
    harness.key_press(egui::Key::Escape);
    harness.run_steps(2);
    assert_eq!(harness.state().asked, [Action::CloseDetails]);
}

#[test]
fn no_server_is_out_of_reach_where_there_is_no_room_for_its_button() {
    let game = GameSample::new("game", "Game").programs(&["play", "join", "server"]).installed();
    let names = ["Annegret", "Bo", "Cy", "Di"];
    let hosts = || (1..).zip(names).map(|(number, name)| host(peer(number, name, 0, 0), "game")).collect();
    let start =
        |entry, server| Action::Start(Start { game: "game".parse().unwrap(), entry: Some(entry), server });
    let mut harness = panel(game.clone(), hosts(), Language::German);
    let first = start("join", Some([192, 168, 10, 1].into()));
    assert_eq!(click(&mut harness, "Bei Annegret mitspielen"), [first]);
    assert!(harness.query_by_label("Server starten").is_none());
    for (label, wanted) in [
        ("Server starten", start("server", None)),
        ("Bei Di mitspielen", start("join", Some([192, 168, 10, 4].into()))),
    ] {
        assert_eq!(click(&mut harness, "Mehr"), []);
        harness.get_by_role_and_label(Role::MenuItem, label).click();
        harness.run_steps(3);
        assert_eq!(std::mem::take(&mut harness.state_mut().asked), [wanted]);
    }
    click(&mut harness, "Mehr");
    harness.key_press(egui::Key::Escape);
    harness.run_steps(2);
    assert_eq!(harness.state().asked, [], "the key closes the menu, not the panel");
    let mut outdated = panel(game.outdated().sources(1), hosts(), Language::English);
    click(&mut outdated, "More");
    outdated.get_by_role_and_label(Role::MenuItem, "Start a server");
}
