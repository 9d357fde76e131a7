//! The others at the demo party: three peers in this process, on loopback only, and what they do.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::Duration;

use lanspread_engine::{Command, Event};
use lanspread_peer::api::{PeerAddress, PeerCommand, PeerConfig, PeerEvent, PeerRuntimeHandle, Ready, Waker};
use lanspread_peer::disk::Cancel;
use lanspread_peer::runtime::start_peer;
use lanspread_protocol::{GameId, PeerId};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, sleep_until};

use super::samples::Sample;
use super::world::{DemoError, OTHERS, World};

const NAMES: [&str; OTHERS] = ["Marie", "Lea", "Jonas"];

/// How fast the demo goes.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Bytes a second from each of the others: one sees a download happen.
    pub upload_limit: u64,
    /// From the beginning to the new version.
    pub update_after: Duration,
    /// At least that long after the newcomer's first download.
    pub update_after_download: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            upload_limit: 2_500_000,
            update_after: Duration::from_mins(1),
            update_after_download: Duration::from_secs(15),
        }
    }
}

/// The running party. Dropping it stops the others and deletes everything.
#[derive(Debug)]
pub struct Party {
    newcomer: PeerConfig,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<World>>,
}

impl Party {
    /// Makes the games and starts the others. `program` is what shows a game's window.
    pub fn begin(
        samples: Vec<Sample>,
        program: &Path,
        pace: Pace,
        cancel: &Cancel,
    ) -> Result<Self, DemoError> {
        let world = World::make(samples, program, cancel)?;
        let mut others = Vec::new();
        let (mut addresses, mut ids) = (Vec::new(), Vec::new());
        for (index, name) in NAMES.iter().enumerate() {
            let mut config = config(&world, world.games(index), &addresses);
            config.name = Some((*name).to_owned());
            config.pc = Some(format!("{}-PC", name.to_uppercase()));
            config.upload_limit = pace.upload_limit;
            if index == 0 {
                config.catalog = Some(world.organisers_catalog());
            }
            let handle = start_peer(config, Waker::none())?;
            let ready = ready(&handle)?;
            let address = ready.addresses.first().ok_or(DemoError::NoAddress)?;
            addresses.push(address.to_string().parse().map_err(|_odd| DemoError::NoAddress)?);
            ids.push(ready.peer_id);
            others.push(handle);
        }
        let newcomer = config(&world, world.newcomers_games(), &addresses);
        let (stop, stopped) = oneshot::channel();
        let story = Story { world, others, ids, pace, program: program.to_owned() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let runtime = runtime.map_err(DemoError::Thread)?;
        let thread = std::thread::Builder::new().name("demo".to_owned());
        let thread =
            thread.spawn(move || runtime.block_on(story.play(stopped))).map_err(DemoError::Thread)?;
        Ok(Self { newcomer, stop: Some(stop), thread: Some(thread) })
    }

    /// What the window's own peer starts with.
    pub fn newcomer(&self) -> PeerConfig {
        self.newcomer.clone()
    }

    /// Lets the others go, without waiting for it.
    pub fn begin_stop(&mut self) {
        self.stop = None;
    }
}

impl Drop for Party {
    fn drop(&mut self) {
        self.begin_stop();
        if let Some(thread) = self.thread.take() {
            // The world is the thread's result: its folder goes when nobody runs on it any more.
            drop(thread.join());
        }
    }
}

fn config(world: &World, games: PathBuf, known: &[PeerAddress]) -> PeerConfig {
    PeerConfig {
        catalog: Some(world.given_catalog()),
        organiser: Some(world.organiser),
        bind: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
        port: Some(0),
        peers: known.to_vec(),
        mdns: false,
        ..PeerConfig::new(games)
    }
}

/// Waits for it; the snapshot may be a moment behind.
fn ready(peer: &PeerRuntimeHandle) -> Result<Ready, DemoError> {
    let mut events = peer.subscribe();
    loop {
        match events.blocking_recv() {
            Ok(PeerEvent::Ready(ready)) => return Ok(ready),
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return Err(DemoError::NoAddress),
        }
    }
}

/// What happens while the newcomer looks around.
struct Story {
    world: World,
    others: Vec<PeerRuntimeHandle>,
    /// Of the others: who else has a game is the newcomer.
    ids: Vec<PeerId>,
    pace: Pace,
    program: PathBuf,
}

impl Story {
    async fn play(self, stopped: oneshot::Receiver<()>) -> World {
        let news = async {
            self.tell().await;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            _ = stopped => {}
            () = news => {}
        }
        for peer in &self.others {
            peer.shutdown();
        }
        for peer in &self.others {
            if let Err(failure) = peer.wait_stopped().await {
                tracing::warn!(?failure, "a peer of the demo failed");
            }
        }
        self.world
    }

    /// A new version of the first game that the newcomer has; the others bring themselves up to date.
    async fn tell(&self) {
        let Some(organiser) = self.others.first() else { return };
        let begun = Instant::now();
        let Some(game) = self.first_download(organiser).await else { return };
        let due = begun + self.pace.update_after;
        sleep_until(due.max(Instant::now() + self.pace.update_after_download)).await;
        let Some(sample) = self.world.samples.iter().find(|sample| sample.game.id == game) else { return };
        let followers: Vec<_> = self
            .others
            .iter()
            .skip(1)
            .take(sample.sharers - 1)
            .map(|peer| (peer, peer.subscribe()))
            .collect();
        if let Err(error) = sample.write(&sample.next, &self.world.workshop()) {
            return tracing::warn!(%error, "the demo has no new version");
        }
        let request = self.world.request(sample, sample.next.clone(), self.world.workshop(), &self.program);
        send(organiser, PeerCommand::Publish(Box::new(request)));
        for (peer, events) in followers {
            if changed(events, &game).await {
                send(peer, PeerCommand::Engine(Command::Update { game: game.clone() }));
            }
        }
    }

    /// The game that the newcomer has first, as the organiser hears of it.
    async fn first_download(&self, organiser: &PeerRuntimeHandle) -> Option<GameId> {
        let mut events = organiser.client().subscribe();
        loop {
            match events.recv().await {
                Ok(PeerEvent::Engine(Event::PeerLibraryChanged { peer_id, games }))
                    if !self.ids.contains(&peer_id) =>
                {
                    if let Some(game) = games.into_iter().find(|game| game.complete) {
                        return Some(game.id);
                    }
                }
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

/// Waits until a peer's catalog has a new version of a game.
async fn changed(mut events: Receiver<PeerEvent>, game: &GameId) -> bool {
    loop {
        match events.recv().await {
            Ok(PeerEvent::Engine(Event::CatalogChanged { changed, .. })) if changed.contains(game) => {
                // A moment to read it, as people need.
                sleep(Duration::from_secs(1)).await;
                return true;
            }
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return false,
        }
    }
}

/// Nobody waits for the answer: what the others do shows in the window.
fn send(peer: &PeerRuntimeHandle, command: PeerCommand) {
    if let Err(error) = peer.send(command).map(drop) {
        tracing::warn!(%error, "a peer of the demo takes no command");
    }
}
