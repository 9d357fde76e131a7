//! What can be seen in the window: every screen in each of its states.

use std::sync::Arc;
use std::time::{Duration, Instant};

use egui_kittest::kittest::Queryable as _;
use lanspread_app::action::{Action, FolderTrouble, Question, RemoveWhat, Screen, Start};
use lanspread_app::model::{Fault, FileFault, Finished, FolderReport, KnownParty, Sort, Told};
use lanspread_app::notices::{Notice, NoticeButton};
use lanspread_app::sample::{self, GameSample};
use lanspread_app::screens::first_run;
use lanspread_engine::{ErrorCode, MapCell, OperationKind, PartsView, PeerGame, PeerView};
use lanspread_engine::{Phase, ProgressView};
use lanspread_peer::api::{CheckReason, CheckResult, Snapshot, Status};
use lanspread_protocol::{GameId, OrganiserKey, PeerId};

use crate::harness::{Shown, Window, leave, settle};
use crate::publish;

/// A state, and what is done in it before one looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scene {
    pub(crate) name: &'static str,
    pub(crate) shown: fn() -> Shown,
    pub(crate) then: fn(&mut Window),
}

const fn scene(name: &'static str, shown: fn() -> Shown) -> Scene {
    Scene { name, shown, then: |_| {} }
}

const fn scene_then(name: &'static str, shown: fn() -> Shown, then: fn(&mut Window)) -> Scene {
    Scene { name, shown, then }
}

/// Everything.
pub(crate) const SCENES: &[Scene] = &[
    scene_then("library", library, |window| {
        window.get_by_label("Teeworlds, Installed").hover();
        settle(window);
    }),
    scene("library-empty", || Shown::new(sample::snapshot(Vec::new()), Told::default())),
    scene("library-nobody-shares", || {
        let peers = vec![sample::peer(1, "Anna", 0, 0), sample::peer(2, "Jonas", 0, 0)];
        Shown::new(sample::snapshot_with(Vec::new(), peers), Told::default())
    }),
    scene("library-loading", || Shown::new(Snapshot::default(), Told::default())),
    scene("library-no-hit", || {
        let mut shown = library();
        "tee".clone_into(&mut shown.state.library.search);
        shown.state.library.filter = lanspread_app::model::Filter::Updates;
        shown
    }),
    scene("library-network-stopped", network_stopped),
    scene_then("library-menu", library, |window| {
        window.get_by_label("Teeworlds, Installed").click_secondary();
        settle(window);
    }),
    scene_then("library-sort", library, |window| {
        window.get_by_label("Sort: Popular now").click();
        settle(window);
        leave(window);
    }),
    scene("card-states", card_states),
    scene("details-downloading", || details(downloading())),
    scene("details-update", || details(updating())),
    scene("details-installed", || details(red_eclipse().installed().playing(2).outbound(1))),
    scene("details-no-sources", || details(red_eclipse())),
    scene("dialog-update", || asked(Question::Update(id("0ad")))),
    scene("dialog-update-measured", || {
        let mut shown = library();
        let kept = |entry: &mut lanspread_protocol::Game| {
            entry.keep = vec!["saves/**".to_owned(), "config.ini".to_owned()];
        };
        let game = GameSample::new("0ad", "0 A.D.").about("Strategy", 1, 8).installed().outdated().sources(9);
        replace(&mut shown.snapshot, game.outbound(2).size(3_200_000_000).fetches(212_000_000).entry(kept));
        shown.state.question = Some(Question::Update(id("0ad")));
        shown
    }),
    scene("dialog-remove", || asked(Question::Remove { game: id("teeworlds"), first: RemoveWhat::Download })),
    scene("dialog-error", || {
        let mut shown = asked(Question::Error(id("veloren")));
        let veloren = GameSample::new("veloren", "Veloren")
            .about("Role-playing", 1, 40)
            .sources(1)
            .fetches(610_000_000);
        replace(&mut shown.snapshot, veloren.failed(OperationKind::Download, ErrorCode::NoSpace));
        if let Some(disk) = &mut shown.snapshot.disk {
            disk.free_bytes = 40_000_000;
        }
        shown
    }),
    scene("dialog-folder-gone", || {
        let mut shown = Shown::new(Snapshot::default(), Told::default());
        shown.snapshot.failure = Some(sample::failure());
        let games = std::path::PathBuf::from(r"D:\LAN\Games");
        shown.told.not_started = Some(Fault::File { path: games.clone(), why: FileFault::NotThere });
        shown.state.question = Some(Question::Folder { games, trouble: FolderTrouble::Gone });
        shown
    }),
    scene("dialog-trust", || {
        let mut shown = offered();
        shown.state.question = Some(Question::Trust(ORGANISER));
        shown
    }),
    scene("dialog-move", || asked(Question::MoveGames("/elsewhere".into()))),
    scene("dialog-first-start", || asked(Question::FirstStart(Start::play(id("teeworlds"))))),
    scene("dialog-quit", || asked(Question::Quit)),
    scene("catalog-offered", offered),
    scene("drive-full", || {
        let mut shown = library();
        sample::fail(&mut shown.snapshot, "veloren", OperationKind::Download, ErrorCode::NoSpace);
        shown
    }),
    scene("folder-gone", || {
        let mut shown = library();
        shown.snapshot.folder_is_gone = true;
        shown
    }),
    scene("party-checks", || {
        let mut shown = party();
        shown.snapshot.network = sample::network();
        shown.state.party.open_checks();
        shown
    }),
    scene_then(
        "party-firewall",
        || {
            let mut shown = party();
            shown.snapshot.network = sample::network();
            let program = std::path::Path::new(r"E:\Lanspread\lanspread.exe");
            shown.snapshot.network.checks.firewall = CheckResult::Problem(CheckReason::NoRule);
            shown.snapshot.network.allow_command = lanspread_peer::firewall::AllowCommand::of(program);
            shown.state.party.open_checks();
            shown
        },
        |window| {
            window.get_by_label("Show how to allow it").click();
            settle(window);
        },
    ),
    scene("dialog-organise", || asked(Question::Organise)),
    scene("downloads", downloads),
    scene("downloads-empty", || {
        let snapshot = sample::snapshot(vec![GameSample::new("a", "A").installed()]);
        Shown::on(Screen::Downloads, snapshot, Told::default())
    }),
    scene("party", party),
    scene("party-alone", || Shown::on(Screen::Party, sample::snapshot(Vec::new()), Told::default())),
    scene_then("party-games", party, |window| {
        window.get_by_label_contains("Jonas, ").click();
        settle(window);
        leave(window);
    }),
    scene_then("library-focused", library, |window| {
        window.get_by_label("OpenArena, Installed").focus();
        settle(window);
    }),
    scene_then("settings-catalog", settings, |window| {
        window.get_by_role_and_label(egui::accesskit::Role::Tab, "Catalog").click();
        settle(window);
        leave(window);
    }),
    scene("settings", settings),
    scene("first-run", || first_run(412_000_000_000)),
    scene("first-run-little-space", || first_run(8_000_000_000)),
    scene("first-run-catalog", || {
        let mut shown = first_run(412_000_000_000);
        let name = "LAN Nord 2026".to_owned();
        let party = KnownParty { name, games: 24, bytes: Some(31_000_000_000) };
        shown.state.first_run.party_known(party);
        shown
    }),
    scene("publish", || publish::filled(publish::shown())),
    scene("publish-empty", publish::shown),
];

/// The scene of this name.
pub(crate) fn named(name: &str) -> Scene {
    *SCENES.iter().find(|scene| scene.name == name).unwrap_or_else(|| panic!("there is no scene {name}"))
}

const ORGANISER: OrganiserKey = OrganiserKey([7; 32]);

/// Others follow an organiser's catalog; here none counts yet.
fn offered() -> Shown {
    let peers =
        [(1, "Anna"), (2, "Jonas"), (3, "Tim")].map(|(number, name)| sample::peer(number, name, 0, 0));
    let mut snapshot = sample::snapshot_with(Vec::new(), peers.into());
    let view = Arc::get_mut(snapshot.view.as_mut().unwrap()).unwrap();
    view.offered = vec![sample::offered("LAN Nord 2026", ORGANISER)];
    Shown::new(snapshot, Told::default())
}

fn id(game: &str) -> GameId {
    game.parse().unwrap()
}

pub(crate) fn library() -> Shown {
    Shown::new(sample::party(), Told::default())
}

fn asked(question: Question) -> Shown {
    let mut shown = library();
    shown.state.question = Some(question);
    shown
}

pub(crate) fn network_stopped() -> Shown {
    let mut shown = library();
    shown.snapshot.failure = Some(sample::failure());
    let button = |label: &str, action| NoticeButton { label: label.to_owned(), icon: None, action };
    for notice in [
        Notice::good("Freedoom is ready", "Installed in 4 s.")
            .with_button(button("Play", Action::Play(id("freedoom")))),
        Notice::good("Update for 0 A.D.", "0.27 is at the party, 212 MB.")
            .with_button(button("Update…", Action::Ask(Question::Update(id("0ad"))))),
        Notice::warn("No source left for Unvanquished", "It goes on when someone is back."),
    ] {
        shown.state.toasts.add(notice);
    }
    shown
}

fn card_states() -> Shown {
    let game = |id: &str, title: &str| GameSample::new(id, title).about("Strategy", 1, 8);
    let half = ProgressView { bytes_done: 54, bytes_total: 100, rate: 0, sources: 0 };
    let games = vec![
        game("a", "A Installed").installed().playing(2).outbound(3),
        game("b", "B Update").installed().outdated().sources(3).fetches(212_000_000),
        game("c", "C Ready").downloaded(),
        game("d", "D Download").sources(6),
        game("e", "E Downloading").sources(6).downloading(41, 100, 78_000_000),
        game("f", "F Waiting").sources(3).waiting().place(0),
        game("g", "G Paused").sources(2).paused().progress(half.clone()),
        game("h", "H No source").waiting(),
        game("i", "I Running").installed().running(),
        game("j", "J Failed").sources(1).failed(OperationKind::Download, ErrorCode::Io),
        game("k", "K Not here"),
        game("l", "L Installing").working(OperationKind::Install, Phase::Installing).progress(half),
    ];
    let mut shown = Shown::new(sample::snapshot(games), Told::default());
    shown.state.library.sort = Sort::Name;
    shown
}

fn red_eclipse() -> GameSample {
    GameSample::new("redeclipse", "Red Eclipse").about("Arena shooter", 1, 16).size(1_900_000_000).entry(|entry| {
        entry.publisher = Some("Red Eclipse Team".to_owned());
        entry.year = Some(2022);
        let english = "Fast arena shooter with parkour, wall runs and low gravity. Good for quick rounds — bots \
                       fill the empty seats.";
        let german = "Schneller Arena-Shooter mit Parkour, Wandläufen und wenig Schwerkraft. Gut für kurze Runden \
                      — Bots füllen die freien Plätze.";
        entry.description =
            [("en".to_owned(), english.to_owned()), ("de".to_owned(), german.to_owned())].into();
    })
}

fn downloading() -> GameSample {
    let mut game = red_eclipse().sources(5).downloading(779_000_000, 1_900_000_000, 78_000_000);
    let cells: Vec<_> = (0..140)
        .map(|cell| match cell {
            0..60 => MapCell::Here,
            60..64 | 71 | 80 => MapCell::OnTheWay,
            66..=69 => MapCell::Here,
            _ => MapCell::Missing,
        })
        .collect();
    let rates = [(1, 31_000_000), (2, 22_000_000), (3, 17_000_000), (4, 8_000_000), (5, 0)];
    game.0.parts = Some(PartsView {
        here: 1246,
        total: 3040,
        cells: cells.into(),
        sources: rates.map(|(peer, rate)| (PeerId([peer; 32]), rate)).into(),
    });
    game
}

/// An update that was measured, of a game that two PCs receive.
fn updating() -> GameSample {
    let mut game = red_eclipse().installed().outdated().sources(3).outbound(2).fetches(212_000_000);
    let cell = |cell| {
        let is_new = matches!(cell, 5..=9 | 30 | 62..=64 | 88..=90 | 121..=123);
        if is_new { MapCell::Missing } else { MapCell::Here }
    };
    let cells: Vec<_> = (0..140).map(cell).collect();
    // They receive nothing else, so that their rates are this game's.
    game.0.receivers = [3, 4].map(|peer| PeerId([peer; 32])).into();
    game.0.parts = Some(PartsView { here: 2713, total: 3040, cells: cells.into(), sources: Vec::new() });
    game
}

/// Puts a game of a snapshot into another state.
fn replace(snapshot: &mut Snapshot, game: GameSample) {
    let view = Arc::get_mut(snapshot.view.as_mut().unwrap()).unwrap();
    let place = view.games.iter().position(|view| view.id == game.0.id).unwrap();
    view.games[place] = game.0;
}

/// The details of a game at the party; whoever has it there is a source.
fn details(game: GameSample) -> Shown {
    let mut snapshot = sample::party();
    let view = Arc::get_mut(snapshot.view.as_mut().unwrap()).unwrap();
    let has = |peer: &mut PeerView, chunks| {
        peer.games.push(PeerGame {
            id: game.0.id.clone(),
            version: game.0.expected.clone(),
            complete: chunks == 100,
            local_only: false,
            chunks,
            chunks_total: 100,
        });
    };
    for (peer, chunks) in view.peers.iter_mut().zip([100, 100, 72, 64, 100]).take(game.0.sources) {
        has(peer, chunks);
    }
    let id = game.0.id.clone();
    replace(&mut snapshot, game);
    let mut shown = Shown::new(snapshot, Told::default());
    shown.state.details_of = Some(id);
    shown
}

/// The design's: two downloads, some that wait, one that failed, one that is done.
pub(crate) fn downloads() -> Shown {
    let mut party = sample::party();
    let wesnoth = GameSample::new("wesnoth", "The Battle for Wesnoth").size(520_000_000).sources(9);
    replace(&mut party, wesnoth.waiting().place(1));
    sample::fail(&mut party, "veloren", OperationKind::Download, ErrorCode::Io);
    let now = Instant::now();
    let finished = vec![
        Finished { game: id("hedgewars"), what: OperationKind::Download, at: now },
        Finished { game: id("openarena"), what: OperationKind::Install, at: now },
    ];
    let mut shown = Shown::on(Screen::Downloads, party, Told { finished, ..Told::default() });
    let (mut rx_bytes, mut tx_bytes) = (0, 0);
    for second in 0..=120_u64 {
        let wave = (second * 7919) % 17;
        rx_bytes += if second > 24 { (90 + 2 * wave) * 1_000_000 } else { 0 };
        tx_bytes += (70 + wave) * 1_000_000;
        let status = Status { rx_bytes, tx_bytes, ..Status::default() };
        shown.now = now + Duration::from_secs(second);
        shown.state.downloads.history.take(&status, shown.now);
    }
    // Nothing more comes: the plot ends where the history does.
    shown.snapshot.status = Status { rx_bytes, tx_bytes, ..Status::default() };
    shown
}

fn settings() -> Shown {
    let mut shown = Shown::on(Screen::Settings, sample::party(), Told::default());
    shown.state.settings.is_portable = true;
    shown
}

pub(crate) fn party() -> Shown {
    let mut snapshot = sample::party();
    let view = Arc::get_mut(snapshot.view.as_mut().unwrap()).unwrap();
    view.peers[1].presence.playing = "openarena".parse().ok();
    Shown::on(Screen::Party, snapshot, Told::default())
}

fn first_run(free_bytes: u64) -> Shown {
    let path: std::path::PathBuf = if cfg!(windows) { "D:\\LAN\\Games" } else { "/home/mika/Games" }.into();
    let mut shown = Shown::new(Snapshot::default(), Told::default());
    shown.state.is_first_run = true;
    shown.state.first_run = first_run::State::suggested(first_run::Suggestion {
        name: "Mika".to_owned(),
        folder: Some(path.clone()),
        party: Some("LAN Nord 2026".to_owned()),
        is_portable: true,
    });
    let total_bytes = 931_000_000_000;
    let report = FolderReport { path, is_there: false, is_writable: true, free_bytes, total_bytes };
    shown.state.first_run.folder_checked(report);
    shown
}
