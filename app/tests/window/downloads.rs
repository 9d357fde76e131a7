//! Downloads: groups, what each row offers, the empty list.

use egui_kittest::kittest::{NodeT as _, Queryable as _};
use lanspread_app::action::{Action, Question, Screen};
use lanspread_app::model::Told;
use lanspread_app::sample;
use lanspread_engine::{AfterDownload, Command};
use lanspread_protocol::GameId;

use crate::harness::{Look, Shown, click, open};
use crate::scenes;

fn id(game: &str) -> GameId {
    game.parse().unwrap()
}

#[test]
fn each_game_is_listed_with_what_it_does() {
    let window = open(Look::default(), scenes::downloads());
    for name in [
        "Downloading, 2",
        "Red Eclipse, 41% · 779 MB of 1.9 GB, 78 MB/s, 15 s left, 6 sources, 2, 1.3 GB",
        "Warzone 2100, 21% · 202 MB of 920 MB, 34 MB/s, 22 s left, 4 sources, 2, 1.3 GB",
        "Up next, 3",
        "Extreme Tux Racer, Waiting for a free slot, Next, 3 sources, 2, 1.3 GB",
        "Unvanquished, Paused by you at 63%, 2 sources, 2, 1.3 GB",
        "Needs attention, 1",
        "Finished today, 2",
        "Rates of the last two minutes. Down 112 MB/s, 1.8 GB left, about 17 s. Up 84 MB/s to 3 players.",
    ] {
        assert!(window.query_by_label(name).is_some(), "“{name}” is missing");
    }
    for (name, about) in [
        ("Veloren, A file can’t be written, ", "Another program"),
        ("OpenArena, Installed, ", "2 min ago"),
        ("Hedgewars, Downloaded, ", "1.3 GB"),
    ] {
        let row = window.get_by_label_contains(name);
        let said = row.accesskit_node().label().unwrap_or_default();
        assert!(said.contains(about), "“{about}” is missing in “{said}”");
    }
}

#[test]
fn each_row_offers_what_its_state_allows() {
    let mut window = open(Look::default(), scenes::downloads());
    for (name, action) in [
        ("Pause Red Eclipse", Action::Command(Command::Pause { game: id("redeclipse") })),
        ("Cancel Warzone 2100", Action::Command(Command::Cancel { game: id("warzone2100") })),
        ("Cancel Extreme Tux Racer", Action::Command(Command::Cancel { game: id("etr") })),
        ("Resume Unvanquished", Action::Command(Command::Resume { game: id("unvanquished") })),
        (
            "Retry Veloren",
            Action::Command(Command::Download { game: id("veloren"), then: AfterDownload::Install }),
        ),
        ("Dismiss Veloren", Action::Command(Command::Forget { game: id("veloren") })),
        ("Clear list", Action::ClearFinished),
    ] {
        assert_eq!(click(&mut window, name), [action], "{name}");
    }
    assert!(window.query_by_label("Pause Extreme Tux Racer").is_none(), "what waits does not run");
    assert_eq!(click(&mut window, "Show how…"), []);
    assert_eq!(window.state().state.question, Some(Question::Error(id("veloren"))));
}

#[test]
fn all_can_be_paused_and_resumed_at_once() {
    let mut window = open(Look::default(), scenes::downloads());
    let pause = |game| Action::Command(Command::Pause { game: id(game) });
    assert_eq!(click(&mut window, "Pause all"), [pause("redeclipse"), pause("warzone2100")]);
    let games = vec![sample::GameSample::new("a", "A").sources(1).paused()];
    let mut window =
        open(Look::default(), Shown::on(Screen::Downloads, sample::snapshot(games), Told::default()));
    let resume = Action::Command(Command::Resume { game: id("a") });
    assert_eq!(click(&mut window, "Resume all"), [resume]);
}

#[test]
fn without_downloads_the_library_is_a_click_away() {
    let snapshot = sample::snapshot(vec![sample::GameSample::new("a", "A").installed()]);
    let mut window = open(Look::default(), Shown::on(Screen::Downloads, snapshot, Told::default()));
    assert!(window.query_by_label("Pause all").is_none());
    click(&mut window, "Pick a game in the library.");
    assert_eq!(window.state().state.screen, Screen::Library);
}
