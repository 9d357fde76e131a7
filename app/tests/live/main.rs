//! The demo party against live peers: a newcomer downloads, installs, starts, updates and removes a game.
//!
//! Without the test harness, because games are kept by the program that starts them: its `main` begins with that.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::process::ExitCode;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use lanspread_app::demo::{Pace, Party, Sample};
use lanspread_engine::{AfterDownload, Command, Event, OperationKind, Saves};
use lanspread_peer::api::{PeerCommand, PeerEvent, PeerRuntimeHandle, Waker};
use lanspread_peer::disk::Cancel;
use lanspread_peer::runtime::start_peer;
use lanspread_protocol::{GameId, Version};
use tokio::sync::broadcast;

/// Longer than any step takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

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
    let (game, next) = (samples[0].game.id.clone(), samples[0].next.clone());
    let pace = Pace { upload_limit: 0, update_after: Duration::ZERO, update_after_download: Duration::ZERO };
    let game_program = std::env::current_exe().unwrap();
    let party = Party::begin(samples, &game_program, pace, &Cancel::new()).unwrap();
    let mut config = party.newcomer();
    // Else it would all be here before anybody looks at it.
    config.fetch_ahead = false;
    let folder = config.games.parent().unwrap().to_owned();
    assert!(config.bind.iter().all(std::net::IpAddr::is_loopback) && !config.mdns);
    let (wake, woken) = sync_channel(1);
    let waker = Waker::new(move || {
        // One is enough.
        wake.try_send(()).ok();
    });
    let newcomer = Newcomer::join(start_peer(config, waker).unwrap(), woken);
    newcomer.plays_through(&game, &next);
    drop(party);
    assert!(!folder.exists(), "the demo leaves nothing behind");
    ExitCode::SUCCESS
}

/// The window's own peer.
struct Newcomer {
    peer: PeerRuntimeHandle,
    events: broadcast::Receiver<PeerEvent>,
    /// The snapshot is another one.
    woken: Receiver<()>,
    /// All events, for who looks for a fault.
    heard: Vec<String>,
}

impl Newcomer {
    fn join(peer: PeerRuntimeHandle, woken: Receiver<()>) -> Self {
        let events = peer.subscribe();
        Self { peer, events, woken, heard: Vec::new() }
    }

    fn plays_through(mut self, game: &GameId, next: &Version) {
        self.until("somebody has the game", |event| {
            matches!(event, Event::PeerLibraryChanged { games, .. }
                if games.iter().any(|offered| offered.id == *game && offered.complete))
        });
        self.send(&Command::Download { game: game.clone(), then: AfterDownload::Install });
        self.until_finished(game, OperationKind::Install);
        self.send(&Command::Start { game: game.clone(), entry: "play".to_owned(), server: None });
        self.until("the game was played", |event| matches!(event, Event::GameExited { code: Some(0), .. }));
        // Its card has an update that somebody can give.
        while !self.can_update(game) {
            self.until("somebody has the new version", |_| true);
        }
        self.send(&Command::MeasureUpdate { game: game.clone() });
        let (bytes, size) = self.until_measured(game);
        assert!(0 < bytes && bytes < size, "{bytes} of {size} bytes are new");
        self.send(&Command::Update { game: game.clone() });
        self.until_finished(game, OperationKind::Install);
        let script = self.games().join(game.as_str()).join("local").join(if cfg!(windows) {
            "play.cmd"
        } else {
            "play.sh"
        });
        let script = std::fs::read_to_string(script).unwrap();
        assert!(script.contains(&format!("--demo-version \"{next}\"")), "{script}");
        self.send(&Command::Remove { game: game.clone(), local: Some(Saves::Delete) });
        self.until_finished(game, OperationKind::Remove);
        self.peer.shutdown();
        while self.next_event().unwrap() != PeerEvent::Stopped {}
    }

    fn can_update(&self, game: &GameId) -> bool {
        let snapshot = self.peer.snapshot();
        let mut games = snapshot.view.iter().flat_map(|view| &view.games);
        games.any(|view| view.id == *game && (view.update_ready || view.update_available && view.sources > 0))
    }

    /// What the update would fetch, and how large it is.
    fn until_measured(&self, game: &GameId) -> (u64, u64) {
        loop {
            let snapshot = self.peer.snapshot();
            let games = snapshot.view.iter().flat_map(|view| &view.games);
            let measured = games
                .filter(|view| view.id == *game)
                .find_map(|view| view.fetch_bytes.zip(view.entry.as_ref().and_then(|entry| entry.size)));
            if let Some(measured) = measured {
                return measured;
            }
            self.woken.recv_timeout(PATIENCE).unwrap();
        }
    }

    fn games(&self) -> std::path::PathBuf {
        self.peer.snapshot().ready.as_ref().unwrap().games_dir.clone().into()
    }

    fn send(&self, command: &Command) {
        let reply = self.peer.send(PeerCommand::Engine(command.clone())).unwrap().blocking_recv().unwrap();
        reply.unwrap_or_else(|error| panic!("{command:?}: {error:?}"));
    }

    /// `None` after a time that only what hangs takes.
    fn next_event(&mut self) -> Option<PeerEvent> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let event = runtime.block_on(async { tokio::time::timeout(PATIENCE, self.events.recv()).await });
        event.ok().map(Result::unwrap)
    }

    fn until(&mut self, what: &str, is_it: impl Fn(&Event) -> bool) {
        loop {
            let event = match self.next_event() {
                Some(PeerEvent::Engine(event)) => event,
                Some(PeerEvent::Stopped) => panic!("the peer ended, waiting until {what}"),
                Some(_) => continue,
                None => panic!("waited too long until {what}; heard {:#?}", self.heard),
            };
            self.heard.push(format!("{what}: {event:?}"));
            if let Event::OperationFailed { game, error, .. } = &event {
                panic!("waiting until {what}: {game}: {error:?}");
            }
            if is_it(&event) {
                return;
            }
        }
    }

    fn until_finished(&mut self, game: &GameId, operation: OperationKind) {
        self.until(&format!("{operation:?} is done"), |event| {
            matches!(event, Event::OperationFinished { game: done, operation: which }
                if done == game && *which == operation)
        });
    }
}
