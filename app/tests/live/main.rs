//! The demo party against live peers: a newcomer discovers, downloads, installs, plays, updates and removes a game, all in
//! the window, by what it says.
//!
//! Without the test harness, because games are kept by the program that starts them: its `main` begins with that.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod window;

use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use egui::Key;
use egui::accesskit::Role;
use lanspread_app::demo::{Pace, Party, Sample};
use lanspread_engine::Event;
use lanspread_peer::api::{PeerEvent, Waker};
use lanspread_peer::disk::Cancel;
use lanspread_peer::runtime::start_peer;
use tokio::sync::broadcast::Receiver;

use window::Window;

fn main() -> ExitCode {
    if let Some(kept) = lanspread_peer::launch::keep_if_asked() {
        return kept;
    }
    if std::env::args().any(|arg| arg == "--demo-game") {
        // The game: it ends at once.
        return ExitCode::SUCCESS;
    }
    let mut samples = Sample::all().unwrap();
    samples.truncate(2);
    for sample in &mut samples {
        sample.megabytes = 8;
    }
    let sample = samples[0].clone();
    let pace = Pace { upload_limit: 0, update_after: Duration::ZERO, update_after_download: Duration::ZERO };
    let game_program = std::env::current_exe().unwrap();
    let party = Party::begin(samples, &game_program, pace, &Cancel::new()).unwrap();
    let mut config = party.newcomer();
    // Else it would all be here before anybody looks at it.
    config.fetch_ahead = false;
    let games = config.games.clone();
    assert!(config.bind.iter().all(std::net::IpAddr::is_loopback) && !config.mdns);
    let (wake, woken) = sync_channel(1);
    let waker = Waker::new(move || {
        // One is enough.
        wake.try_send(()).ok();
    });
    let peer = start_peer(config, waker).unwrap();
    let events = peer.subscribe();
    plays_through(Window::open(peer, woken), events, &games, &sample);
    drop(party);
    assert!(!games.parent().unwrap().exists(), "the demo leaves nothing behind");
    ExitCode::SUCCESS
}

fn plays_through(mut window: Window, mut events: Receiver<PeerEvent>, games: &Path, sample: &Sample) {
    let (game, title) = (&sample.game.id, &sample.game.title);
    let card = |state: &str| format!("{title}, {state}");
    let local = games.join(game.as_str()).join("local");
    let script = || {
        std::fs::read_to_string(local.join(if cfg!(windows) { "play.cmd" } else { "play.sh" }))
            .unwrap_or_default()
    };

    // Enter on a card is its button.
    window.press_on(&card("On the LAN"), Key::Enter);
    window.until("it is installed", |window| window.sees(&card("Installed")) || window.sees(&card("Update")));
    assert!(
        script().contains(&format!("--demo-version \"{}\"", sample.game.version.as_ref().unwrap())),
        "{}",
        script()
    );

    // The new version comes at once, so that the card has only its update to offer: it is played from the details.
    window.press_on(&card("Update"), Key::Space);
    window.click_first(Role::Button, "Play");
    until(&mut events, |event| matches!(event, Event::GameExited { code: Some(0), .. }));
    window.press_on("Close", Key::Escape);

    window.press_on(&card("Update"), Key::Enter);
    window.until_seen(&format!("Update {title}?"));
    // Half of it is new: counted before it begins.
    window.until("what it will fetch", |window| window.sees("the rest is already here"));
    window.click(Role::Button, "Update now");
    window.until_seen(&card("Installed"));
    assert!(script().contains(&format!("--demo-version \"{}\"", sample.next)), "{}", script());

    window.press_on(&card("Installed"), Key::Delete);
    window.until_seen(&format!("Remove {title}?"));
    window.click_first(Role::CheckBox, "Installed game");
    window.click_first(Role::CheckBox, "Saves and settings");
    window.click(Role::Button, "Remove");
    window.until_seen(&card("On the LAN"));
    assert!(!local.exists(), "{} is still here", local.display());

    window.peer().shutdown();
    while !matches!(next(&mut events), PeerEvent::Stopped) {}
}

/// What no screen shows for long.
fn until(events: &mut Receiver<PeerEvent>, is_it: impl Fn(&Event) -> bool) {
    loop {
        let event = next(events);
        assert_ne!(event, PeerEvent::Stopped);
        if let PeerEvent::Engine(event) = event
            && is_it(&event)
        {
            return;
        }
    }
}

fn next(events: &mut Receiver<PeerEvent>) -> PeerEvent {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let event = runtime.block_on(async { tokio::time::timeout(Duration::from_mins(1), events.recv()).await });
    event.unwrap().unwrap()
}
