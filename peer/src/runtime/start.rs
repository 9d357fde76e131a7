//! Starting a peer: its folder, its key, its catalog, its sockets; then the thread that runs it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwap;
use lanspread_engine::{Candidate, Engine, EngineConfig, GivenCatalog, Input, Level, NoticeKind};
use lanspread_protocol::{ALPN, DEFAULT_PORT, InstanceId, PeerId, SignedCatalog};
use thiserror::Error;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::catalogs::{self, Catalogs};
use super::control::ControlListener;
use super::effects::{Limits, Shell};
use super::event_loop::{EventLoop, Exit, INPUT_QUEUE, NET_QUEUE};
use super::games_folder::{self, Disk, GamesFolderError};
use super::library::{Library, OpenedFolder};
use super::races::Races;
use super::state::{Loaded, PeerState};
use super::supervisor::{Policy, RESTART_PAUSE, RuntimeFailure, STOP_DEADLINE, Supervisor};
use super::surroundings::Surroundings;
use super::transfers::Transfers;
use super::works::Works;
use crate::api::{
    PeerClient, PeerConfig, PeerEvent, PeerRuntimeHandle, Ready, RuntimeSide, Waker, connect_runtime,
};
use crate::catalog_file::CatalogFileError;
use crate::discovery::adapters::Adapters;
use crate::discovery::mdns::{self, Announcement, Discovery};
use crate::disk::catalog_file;
use crate::identity::{Identity, IdentityError};
use crate::net::{BanList, Net, NetConfig, NetError, NetEvent, Port};

/// Events of tasks that wait for the loop.
const TASK_EVENTS: usize = 64;
/// Between two looks at the adapters.
const ADAPTERS_INTERVAL: Duration = Duration::from_secs(10);
/// Of a stop's time, what is kept for aborting what is late and for ending the thread.
const LAST_STEPS: Duration = Duration::from_millis(200);
/// Downloads that run at once.
const PARALLEL_DOWNLOADS: usize = 2;

/// Why a peer does not start. The message is one clear line.
#[derive(Debug, Error)]
pub enum StartError {
    #[error(transparent)]
    Folder(#[from] GamesFolderError),
    #[error(transparent)]
    Disk(#[from] crate::disk::DiskError),
    #[error(transparent)]
    Catalog(#[from] CatalogFileError),
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error(transparent)]
    Net(#[from] NetError),
    #[error("the peer's thread does not start: {0}")]
    Thread(std::io::Error),
}

/// Starts a peer on a thread of its own. Returns when it listens, or with the reason why it cannot.
pub fn start_peer(mut config: PeerConfig, waker: Waker) -> Result<PeerRuntimeHandle, StartError> {
    // Commands name files absolutely, and are compared with these.
    for path in [Some(&mut config.games), config.catalog.as_mut()].into_iter().flatten() {
        *path = std::path::absolute(&*path).unwrap_or_else(|_empty| std::mem::take(path));
    }
    let prepared = Prepared::new(&config)?;
    let (handle, side) = connect_runtime(waker);
    let (tell_start, started) = sync_channel(1);
    let run = move || {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().thread_name("lanspread-io").enable_all().build();
        match runtime {
            Ok(runtime) => {
                runtime.block_on(run(config, prepared, side, tell_start));
                // A blocking call that does not return is given up: recovery answers for it.
                runtime.shutdown_timeout(Duration::from_millis(100));
            }
            Err(error) => drop(tell_start.send(Err(StartError::Thread(error)))),
        }
    };
    std::thread::Builder::new().name("lanspread-peer".to_owned()).spawn(run).map_err(StartError::Thread)?;
    match started.recv() {
        Ok(Ok(())) => Ok(handle),
        Ok(Err(error)) => Err(error),
        Err(_ended) => Err(StartError::Thread(std::io::Error::other("it ended at once"))),
    }
}

/// What is opened before the thread begins.
struct Prepared {
    disk: Disk,
    identity: Identity,
    given: Option<GivenCatalog>,
    state: PeerState,
    notice: Option<NoticeKind>,
}

impl Prepared {
    fn new(config: &PeerConfig) -> Result<Self, StartError> {
        games_folder::check(&config.games)?;
        let read = || config.catalog.as_deref().map(crate::catalog_file::read).transpose();
        // A broken file is refused before anything is touched.
        read()?;
        let disk = Disk::open(config.games.clone())?;
        // Recovering an interrupted publish may have put a newer catalog in force.
        let given = read()?;
        let (identity, origin) = Identity::load_or_create(&disk.games.state())?;
        tracing::info!(peer = %identity.peer_id(), ?origin, "this peer's identity");
        let Loaded { mut state, notice } = PeerState::load(&disk.games);
        if config.organiser.is_some() {
            state.pinned = config.organiser;
        }
        Ok(Self { disk, identity, given, state, notice })
    }
}

/// Runs until the peer stops; again with a new identity when another PC has this one.
async fn run(
    mut config: PeerConfig,
    prepared: Prepared,
    mut side: RuntimeSide,
    tell_start: std::sync::mpsc::SyncSender<Result<(), StartError>>,
) {
    let Prepared { disk, mut identity, mut given, mut state, mut notice } = prepared;
    let mut disk = Arc::new(disk);
    let mut tell_start = Some(tell_start);
    let mut port = port(config.port);
    loop {
        let (given_now, notice) = (given.clone(), notice.take());
        let session =
            Session { config: &config, port, disk, identity: &identity, given: given_now, state, notice };
        let ended = session.run(&mut side, tell_start.take()).await;
        let Some(ended) = ended else { return };
        (disk, state) = (ended.disk, ended.state);
        // What was set meanwhile stays.
        (config.name, config.catalog) = (Some(ended.name), ended.catalog);
        config.upload_limit = ended.limits.upload;
        config.playing_limit = ended.limits.playing;
        config.fetch_ahead = ended.limits.fetch_ahead;
        // Others know this peer by its address, too.
        port = ended.port.map_or(port, Port::Exactly);
        match ended.exit {
            Exit::Stop => return,
            Exit::RenewIdentity => match Identity::renew(&disk.games.state()) {
                Ok(renewed) => {
                    identity = renewed;
                    // Stored as soon as the next session begins.
                    state.note_renewal(SystemTime::now());
                }
                Err(error) => {
                    side.fail(RuntimeFailure { component: "identity".to_owned(), error: error.to_string() });
                    return;
                }
            },
        }
        if let Some(path) = &config.catalog
            && let Ok(read) = catalogs::read_given(path)
        {
            given = Some(read);
        }
    }
}

/// One life of a peer under one identity.
struct Session<'a> {
    config: &'a PeerConfig,
    port: Port,
    /// Handed on, not kept: a folder that is left must not stay locked.
    disk: Arc<Disk>,
    identity: &'a Identity,
    given: Option<GivenCatalog>,
    state: PeerState,
    /// What people are to be told first.
    notice: Option<NoticeKind>,
}

/// How a session ended, and what the next one goes on with.
struct Ended {
    exit: Exit,
    disk: Arc<Disk>,
    state: PeerState,
    port: Option<u16>,
    name: String,
    catalog: Option<PathBuf>,
    limits: Limits,
}

impl Ended {
    fn new(exit: Exit, port: Option<u16>, shell: &Shell) -> Self {
        Self {
            exit,
            disk: Arc::clone(&shell.disk),
            state: shell.state.clone(),
            port,
            name: shell.ready.name.clone(),
            catalog: shell.catalogs.given(),
            limits: shell.limits,
        }
    }
}

impl Session<'_> {
    async fn run(
        self,
        side: &mut RuntimeSide,
        tell_start: Option<std::sync::mpsc::SyncSender<Result<(), StartError>>>,
    ) -> Option<Ended> {
        // Not the program's token: when that is cancelled, goodbyes are said before anything stops. Whatever ends this
        // session, and be it a panic, leaves nothing running.
        let token = CancellationToken::new();
        let _stops_all = token.clone().drop_guard();
        let (mut supervisor, failure) = Supervisor::new(token.clone());
        supervisor.set_fault(self.config.fault.clone());
        let (net_sender, net_events) = mpsc::channel(NET_QUEUE);
        let bans = BanList::default();
        let net = match Net::start(self.identity, self.net_config(&bans), net_sender, &token) {
            Ok(net) => net,
            Err(error) => {
                tell_failed_start(error, side, tell_start);
                return None;
            }
        };
        let me = self.identity.peer_id();
        let (name, pc) = names(self.config);
        let ready = Ready {
            peer_id: me,
            name: name.clone(),
            addresses: net.addresses(),
            games_dir: self.disk.games.root().display().to_string(),
            protocol: String::from_utf8_lossy(ALPN).into_owned(),
        };
        let port = ready.addresses.first().map(SocketAddr::port);
        let (inputs_sender, inputs) = mpsc::channel(INPUT_QUEUE);
        let (events_sender, events) = mpsc::channel(TASK_EVENTS);
        let catalogs = Catalogs::default();
        let signed = catalog_file::load_newest(&self.disk.games).map(Arc::new);
        let signed = signed.filter(|signed| Some(signed.head.key) == self.state.pinned);
        let engine = self.engine(me, name.clone(), pc, &catalogs, signed.as_deref());
        let adapters = Arc::new(ArcSwap::from_pointee(Adapters::now().unwrap_or_default()));
        let surroundings = Surroundings::default();
        let (announcement, announced) = watch::channel(Announcement {
            peer: me,
            name: name.clone(),
            port: port.unwrap_or(0),
            addresses: self.config.bind.clone(),
        });
        let (state_folder, folder_changes) = watch::channel(self.disk.games.state());
        let shell = Shell {
            net: net.clone(),
            bans,
            supervisor: supervisor.clone(),
            inputs: inputs_sender.clone(),
            disk: self.disk,
            library: Library::new(events_sender),
            transfers: Transfers::default(),
            catalogs: catalogs.clone(),
            state: self.state,
            ready: ready.clone(),
            next_games_folder: None,
            opened_folder: OpenedFolder::default(),
            newest_catalog: signed,
            limits: Limits::of(self.config),
            works: Works::default(),
            races: Races::default(),
            events,
            token: token.clone(),
            adapters: Arc::clone(&adapters),
            surroundings: surroundings.clone(),
            announcement,
            state_folder,
        };
        let announced = self.config.mdns.then_some(announced);
        let (supervisor, inputs_sender, adapters) = (&supervisor, &inputs_sender, &adapters);
        let services = Services { supervisor, inputs: inputs_sender, adapters, surroundings, port };
        services.begin(&catalogs, announced, folder_changes, side);
        let mut event_loop = EventLoop::new(engine, shell, side, inputs, net_events, failure);
        begin(&mut event_loop, ready, self.notice);
        if let Some(tell_start) = tell_start {
            drop(tell_start.send(Ok(())));
        }
        let exit = event_loop.run().await;
        let port = net.addresses().first().map(SocketAddr::port);
        let EventLoop { shell, inputs, net_events, .. } = event_loop;
        let ended = Ended::new(exit, port, &shell);
        stop(shell, inputs, net_events, &token).await;
        Some(ended)
    }

    fn net_config(&self, bans: &BanList) -> NetConfig {
        NetConfig {
            bind: self.config.bind.clone(),
            port: self.port,
            bans: bans.clone(),
            fault: self.config.fault.clone(),
        }
    }

    fn engine(
        &self,
        me: PeerId,
        name: String,
        pc: String,
        catalogs: &Catalogs,
        signed: Option<&SignedCatalog>,
    ) -> Engine {
        if let Some(signed) = signed {
            catalogs.remember(&Arc::new(signed.clone()));
        }
        if let Some(given) = &self.given {
            catalogs.remember_given(given);
        }
        if let Some(path) = &self.config.catalog {
            catalogs.watch(path.clone());
        }
        let config = EngineConfig {
            me,
            instance: InstanceId(rand::random()),
            program: env!("CARGO_PKG_VERSION").to_owned(),
            name,
            pc,
            seed: rand::random(),
            addresses: self.config.peers.iter().map(crate::api::PeerAddress::socket_addrs).collect(),
            given: self.given.clone(),
            pinned: self.state.pinned,
            signed: signed.cloned(),
            accepted: self.state.accepted.clone(),
            queue: self.state.queue.clone(),
            parallel_downloads: PARALLEL_DOWNLOADS,
            upload_limit: self.config.upload_limit,
            playing_limit: self.config.playing_limit,
            fetch_ahead: self.config.fetch_ahead,
            identity_rests_until: self
                .state
                .identity_rest(SystemTime::now())
                .map(|rest| Instant::now() + rest),
        };
        Engine::new(config, Instant::now())
    }
}

/// The first work on the folder, and the first events.
fn begin(event_loop: &mut EventLoop<'_>, ready: Ready, notice: Option<NoticeKind>) {
    event_loop.shell.watch_games();
    event_loop.shell.save_state();
    event_loop.shell.tidy_manifests();
    event_loop.shell.keep_reserve();
    event_loop.side.emit(PeerEvent::Ready(ready));
    if let Some(message) = notice {
        event_loop.input(Input::Notice { level: Level::Warning, message });
    }
}

/// Whoever starts the peer is told; later, everybody.
fn tell_failed_start(
    error: NetError,
    side: &RuntimeSide,
    tell_start: Option<std::sync::mpsc::SyncSender<Result<(), StartError>>>,
) {
    if let Some(tell_start) = tell_start {
        drop(tell_start.send(Err(error.into())));
    } else {
        side.fail(RuntimeFailure { component: "network".to_owned(), error: error.to_string() });
    }
}

/// Says goodbye, then ends everything, within [`STOP_DEADLINE`].
async fn stop(
    shell: Shell,
    mut inputs: mpsc::Receiver<Input>,
    mut net_events: mpsc::Receiver<NetEvent>,
    token: &CancellationToken,
) {
    let begun = Instant::now();
    shell.disk.cancel();
    shell.transfers.cancel_stores();
    // Goodbyes go first: a cancelled transfer must not look like an error on the other side.
    let drained = async {
        // Whoever waits for room in a queue of a loop that has ended gets it.
        loop {
            tokio::select! {
                Some(_) = inputs.recv() => {}
                Some(_) = net_events.recv() => {}
                else => return,
            }
        }
    };
    let ended = async {
        shell.net.shutdown().await;
        token.cancel();
        let late = shell.supervisor.stop(STOP_DEADLINE.saturating_sub(begun.elapsed() + LAST_STEPS)).await;
        if !late.is_empty() {
            tracing::warn!(?late, "tasks were given up at the stop");
        }
    };
    tokio::select! {
        () = ended => {}
        () = drained => {}
    }
}

/// What services act on.
struct Services<'a> {
    supervisor: &'a Supervisor,
    inputs: &'a mpsc::Sender<Input>,
    adapters: &'a Arc<ArcSwap<Adapters>>,
    surroundings: Surroundings,
    /// Where this peer listens.
    port: Option<u16>,
}

impl Services<'_> {
    fn begin(
        &self,
        catalogs: &Catalogs,
        announced: Option<watch::Receiver<Announcement>>,
        folder_changes: watch::Receiver<PathBuf>,
        side: &RuntimeSide,
    ) {
        self.adapters();
        self.disk_space(&folder_changes);
        if cfg!(windows) {
            self.firewall();
        }
        if let Some(announced) = announced {
            self.discovery(announced);
        }
        self.catalog_file(catalogs);
        self.control(folder_changes, side);
    }

    fn discovery(&self, announcement: watch::Receiver<Announcement>) {
        let (adapters, inputs) = (Arc::clone(self.adapters), self.inputs.clone());
        let surroundings = self.surroundings.clone();
        self.supervisor.service("discovery", Policy::Restart(RESTART_PAUSE), move |token| {
            let (adapters, surroundings) = (Arc::clone(&adapters), surroundings.clone());
            discover(announcement.clone(), adapters, surroundings, inputs.clone(), token)
        });
    }

    fn adapters(&self) {
        let adapters = Arc::clone(self.adapters);
        self.supervisor.service("adapters", Policy::Restart(RESTART_PAUSE), move |token| {
            watch_adapters(Arc::clone(&adapters), token)
        });
    }

    fn disk_space(&self, folder: &watch::Receiver<PathBuf>) {
        let (surroundings, folder) = (self.surroundings.clone(), folder.clone());
        self.supervisor.service("disk space", Policy::Restart(RESTART_PAUSE), move |token| {
            surroundings.clone().watch_disk(folder.clone(), token)
        });
    }

    fn firewall(&self) {
        let (surroundings, port) = (self.surroundings.clone(), self.port.unwrap_or(DEFAULT_PORT));
        self.supervisor.service("firewall", Policy::Restart(RESTART_PAUSE), move |token| {
            surroundings.clone().watch_firewall(port, token)
        });
    }

    fn catalog_file(&self, catalogs: &Catalogs) {
        let (catalogs, inputs) = (catalogs.clone(), self.inputs.clone());
        self.supervisor.service("catalog file", Policy::Restart(RESTART_PAUSE), move |token| {
            let (catalogs, inputs) = (catalogs.clone(), inputs.clone());
            async move { catalogs.watch_given(inputs, token).await }
        });
    }

    fn control(&self, folder: watch::Receiver<PathBuf>, side: &RuntimeSide) {
        let client = side.client();
        self.supervisor.service("control", Policy::BestEffort, move |token| {
            control(client.clone(), folder.clone(), token)
        });
    }
}

/// Listens to other programs on this PC, wherever the games folder is just now.
async fn control(
    client: PeerClient,
    mut folder: watch::Receiver<PathBuf>,
    token: CancellationToken,
) -> std::io::Result<()> {
    loop {
        let state = folder.borrow_and_update().clone();
        let here = token.child_token();
        let serve = ControlListener::bind(&state).await?.serve(client.clone(), here.clone());
        tokio::pin!(serve);
        tokio::select! {
            ended = &mut serve => return ended,
            changed = folder.changed() => {
                here.cancel();
                serve.await?;
                if changed.is_err() {
                    return Ok(());
                }
            }
        }
    }
}

/// Announces this peer and tells the engine of others.
async fn discover(
    announcement: watch::Receiver<Announcement>,
    adapters: Arc<ArcSwap<Adapters>>,
    surroundings: Surroundings,
    inputs: mpsc::Sender<Input>,
    token: CancellationToken,
) -> Result<(), mdns::MdnsError> {
    let (heard_sender, mut heard) = mpsc::channel(64);
    let forward = async {
        while let Some(discovery) = heard.recv().await {
            let Discovery::Found { peer, version, addresses, .. } = discovery else { continue };
            surroundings.note_heard();
            if version != mdns::WIRE_VERSION {
                tracing::info!(%peer, version, "a peer runs another version");
                continue;
            }
            let known = adapters.load();
            let candidates =
                addresses.into_iter().map(|address| Candidate { rank: known.rank(address) as u8, address });
            let candidates = candidates.collect();
            super::effects::tell(&inputs, Input::Discovered { peer, candidates }).await;
        }
    };
    let run = async {
        let heard_sender = heard_sender;
        mdns::run(announcement, heard_sender, token).await
    };
    let (result, ()) = tokio::join!(run, forward);
    result
}

/// Looks at the adapters again and again: cables are plugged in and out.
async fn watch_adapters(adapters: Arc<ArcSwap<Adapters>>, token: CancellationToken) -> Result<(), String> {
    loop {
        let now = tokio::task::spawn_blocking(Adapters::now).await.map_err(|error| error.to_string())?;
        match now {
            Ok(now) => adapters.store(Arc::new(now)),
            Err(error) => tracing::warn!(%error, "this PC's network adapters cannot be listed"),
        }
        tokio::select! {
            () = token.cancelled() => return Ok(()),
            () = tokio::time::sleep(ADAPTERS_INTERVAL) => {}
        }
    }
}

fn port(port: Option<u16>) -> Port {
    match port {
        None => Port::default(),
        Some(0) => Port::Any,
        Some(port) => Port::Exactly(port),
    }
}

/// The player's name and the PC's.
fn names(config: &PeerConfig) -> (String, String) {
    let pc = config.pc.clone().unwrap_or_else(crate::identity::host_name);
    (config.name.clone().unwrap_or_else(|| pc.clone()), pc)
}
