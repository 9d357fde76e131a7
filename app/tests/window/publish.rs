//! An organiser publishes: a folder is dropped, the form fills itself, one click, and one sees who has it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use egui::accesskit::Role;
use egui_kittest::kittest::Queryable as _;
use lanspread_app::action::{Action, Question, Screen};
use lanspread_app::model::{Fault, Organiser, PublishStep, Publishing, SourceReport, Told};
use lanspread_app::sample;
use lanspread_app::text::Language;
use lanspread_engine::{CommandError, ErrorCode, PeerGame};
use lanspread_peer::api::PublishRequest;
use lanspread_peer::publish::{SourceContents, SourceFile};
use lanspread_protocol::{OrganiserKey, Os};

use crate::harness::{Look, Shown, Window, click, open, settle};

fn organiser() -> Organiser {
    let catalog = PathBuf::from("/party/catalog.ron");
    let key = PathBuf::from("/party/catalog.ron.key");
    Organiser { catalog, key, public: OrganiserKey([7; 32]), party: Some("LAN Nord 2026".to_owned()) }
}

pub(crate) fn shown() -> Shown {
    let mut shown = Shown::on(Screen::Publish, sample::party(), Told::default());
    shown.state.publish.organiser = Some(organiser());
    shown
}

fn folder() -> Vec<PathBuf> {
    vec![std::env::temp_dir().join("SuperTuxKart")]
}

fn report() -> SourceReport {
    let file = |name: &str, bytes, runs_on| SourceFile { name: name.to_owned(), bytes, runs_on };
    let mut files: Vec<SourceFile> =
        (0..1280).map(|number| file(&format!("data/{number}.dat"), 2_100_000, None)).collect();
    files.push(file("bin/supertuxkart", 31_000_000, Some(Os::Linux)));
    files.push(file("supertuxkart.exe", 32_000_000, Some(Os::Windows)));
    files.extend([file("run.log", 900, None), file("debug.log", 9_000, None)]);
    let version = "2.3.1".parse().ok();
    SourceReport { from: folder(), found: Ok(SourceContents { files, version, ..SourceContents::default() }) }
}

/// With a folder that was dropped and looked at.
pub(crate) fn filled(mut shown: Shown) -> Shown {
    shown.state.publish.take_source(folder());
    shown.state.publish.source_looked_at(report());
    shown
}

/// What was asked for to fill it is done.
fn open_filled(shown: Shown) -> Window {
    let mut window = open(Look::default(), filled(shown));
    window.state_mut().asked.clear();
    window
}

fn request(window: &mut Window) -> PublishRequest {
    let asked = click(window, "Publish 2.3.1");
    let [Action::Publish(request)] = &asked[..] else { panic!("{asked:?}") };
    (**request).clone()
}

#[test]
fn a_dropped_folder_is_published_by_one_click() {
    let mut window = open(Look::default(), shown());
    assert!(window.query_by_label("Choose a folder or an archive").is_some());
    assert_eq!(window.state_mut().state.apply(Action::Drop(folder())), None);
    window.run_steps(1);
    assert_eq!(std::mem::take(&mut window.state_mut().asked), [Action::LookAtSource(folder())]);
    assert!(window.query_by_label("Looking at the files…").is_some());
    window.state_mut().state.publish.source_looked_at(report());
    settle(&mut window);
    assert!(window.query_by_label("Version is another than 2").is_some(), "the title names a known game");
    let request = request(&mut window);
    assert_eq!(request.game.id.as_str(), "supertuxkart");
    assert_eq!(request.game.genre.as_deref(), Some("Racing"), "of the catalog");
    assert_eq!(request.key, Some(organiser().key));
    assert_eq!(request.leave_out, []);
}

#[test]
fn stray_logs_are_left_out_by_a_click() {
    let mut window = open_filled(shown());
    assert_eq!(click(&mut window, "Leave them out"), []);
    assert!(window.query_by_label("2 log files are left out").is_some());
    assert_eq!(request(&mut window).leave_out.len(), 2);
}

#[test]
fn what_lacks_is_said_and_nothing_is_published() {
    let mut window = open_filled(shown());
    window.state_mut().state.publish.form.version = "2".to_owned();
    settle(&mut window);
    assert!(window.query_by_label("2 is published already: guests see no update").is_some());
    window.state_mut().state.publish.form.version.clear();
    settle(&mut window);
    assert_eq!(click(&mut window, "Publish"), []);
    let names = vec![("aux".to_owned(), "a device".to_owned())];
    let mut report = report();
    report.found = report.found.map(|found| SourceContents { offenders: names, ..found });
    window.state_mut().state.publish.source_looked_at(report);
    settle(&mut window);
    assert!(window.query_by_label("1 name can’t exist on every PC: aux").is_some());
}

#[test]
fn what_is_in_the_way_is_said_in_german_too() {
    let mut shown = filled(shown());
    let found = Err(Fault::Empty("/setups/leer".into()));
    shown.state.publish.source_looked_at(SourceReport { from: folder(), found });
    shown.snapshot.failure = Some(sample::failure());
    shown.snapshot.ready = None;
    shown.told.not_started = Some(Fault::PortTaken(40420));
    let window = open(Look { language: Language::German, ..Look::default() }, shown);
    window
        .get_by_label("Das lässt sich nicht freigeben: In „/setups/leer“ ist nichts, das sich teilen lässt.");
    window.get_by_label(
        "Lanspread konnte nicht starten: Ein anderes Programm benutzt UDP-Port 40420. Downloads warten.",
    );
}

#[test]
fn one_sees_how_far_it_is_and_who_has_it() {
    let mut shown = filled(shown());
    let template = shown.state.publish.form.request(&organiser(), None).unwrap();
    let publishing = |id: &str, title: &str, step| {
        let mut request = Box::new(template.clone());
        request.game.id = id.parse().unwrap();
        request.game.title = title.to_owned();
        Publishing { request, at: Instant::now(), step }
    };
    let view = Arc::get_mut(shown.snapshot.view.as_mut().unwrap()).unwrap();
    for peer in view.peers.iter_mut().take(13) {
        let (id, version) = ("armagetron".parse().unwrap(), "2.3.1".parse().ok());
        peer.games.push(PeerGame {
            id,
            version,
            complete: true,
            local_only: false,
            chunks: 1,
            chunks_total: 1,
        });
    }
    let full = CommandError::new(ErrorCode::NoSpace, "the disk is full");
    shown.told.publishing = vec![
        publishing("mindustry", "Mindustry", PublishStep::Failed(full)),
        publishing("veloren", "Veloren", PublishStep::Preparing { bytes_done: 620, bytes_total: 1000 }),
        publishing("armagetron", "Armagetron Advanced", PublishStep::Published),
    ];
    let mut window = open_filled(shown);
    assert!(window.query_by_label("Armagetron Advanced, Published — 14 of 18 PCs have it").is_some());
    assert!(window.query_by_label_contains("Veloren, Preparing — 62%").is_some());
    let again = Action::PublishAgain("mindustry".parse().unwrap());
    assert_eq!(click(&mut window, "Retry Mindustry"), [again]);
}

#[test]
fn who_is_no_organiser_is_asked_first() {
    let mut shown = Shown::on(Screen::Library, sample::party(), Told::default());
    assert_eq!(shown.state.apply(Action::Drop(folder())), None);
    assert_eq!(shown.state.question, Some(Question::Organise));
    let mut window = open(Look::default(), shown);
    assert_eq!(click(&mut window, "Make a key"), [], "it needs a name");
    window.get_by_role_and_label(Role::TextInput, "Name of the party").focus();
    settle(&mut window);
    window.get_by_role_and_label(Role::TextInput, "Name of the party").type_text("LAN Nord");
    settle(&mut window);
    assert_eq!(click(&mut window, "Make a key"), [Action::Organise("LAN Nord".to_owned())]);
}

#[test]
fn ctrl_5_is_for_organisers() {
    for (is_organiser, screen) in [(true, Screen::Publish), (false, Screen::Library)] {
        let mut shown = Shown::on(Screen::Library, sample::party(), Told::default());
        shown.state.publish.organiser = is_organiser.then(organiser);
        let mut window = open(Look::default(), shown);
        window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Num5);
        settle(&mut window);
        assert_eq!(window.state().state.screen, screen);
    }
}
