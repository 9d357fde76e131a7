//! The peer behind the window: started on a thread, so that the window is there at once; started again when its network
//! service stopped.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::time::{Duration, Instant};

use egui::Context;
use lanspread_engine::CommandError;
use lanspread_peer::api::{
    PeerCommand, PeerConfig, PeerEvent, PeerRuntimeHandle, Pending, SendRefused, Snapshot, Waker,
};
use lanspread_peer::disk::{Cancel, DiskError};
use lanspread_peer::runtime::supervisor::RuntimeFailure;
use lanspread_peer::runtime::{GamesFolderError, StartError, start_peer};
use lanspread_protocol::GameId;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::TryRecvError as NoEvent;
use tokio::sync::oneshot::error::TryRecvError as NoReply;

use super::setup::Setup;
use crate::action::FolderTrouble;
use crate::demo::{Pace, Party, Sample};
use crate::model::Fault;

/// A window in which nobody does anything follows a transfer four times a second.
const FOLLOW: Duration = Duration::from_millis(250);
/// How long closing waits for goodbyes.
const GOODBYE: Duration = Duration::from_secs(2);
/// Events taken in a frame; the rest in the next.
const EVENTS_PER_FRAME: usize = 512;

type Started = Result<Begun, StartFailure>;

/// Between two tries to start on a folder that is gone: its drive may be plugged in again.
const RETRY: Duration = Duration::from_secs(2);

/// Why there is no peer.
#[derive(Clone, Debug)]
pub(super) struct StartFailure {
    /// In the peer's words, for who helps.
    error: String,
    pub(super) why: Box<Fault>,
    pub(super) trouble: StartTrouble,
}

/// What a person, or the shell itself, can do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum StartTrouble {
    Folder {
        games: PathBuf,
        trouble: FolderTrouble,
    },
    /// The catalog file that was given.
    Catalog,
    Other,
}

/// What a peer starts on.
#[derive(Clone, Debug)]
pub(super) enum Begin {
    /// A folder that is there.
    Folder(Setup),
    /// One that was named on the command line: made if only it is missing.
    Named(Setup),
    /// One that was chosen: made with all above it.
    NewFolder(Setup),
    /// The demo party, as a newcomer of this name.
    Demo { name: Option<String> },
}

#[derive(Debug)]
struct Begun {
    handle: PeerRuntimeHandle,
    party: Option<Party>,
}

/// The peer, as far as it runs.
#[derive(Debug)]
pub(super) struct Peer {
    ctx: Context,
    begin: Option<Begin>,
    starting: Option<Receiver<Started>>,
    /// Ends the making of a demo.
    cancel: Cancel,
    running: Option<Running>,
    /// The others of the demo, whose folder this peer is in: they go after it.
    party: Option<Party>,
    /// Somebody did something and waits for the answer: the next snapshot is shown at once.
    is_awaited: Arc<AtomicBool>,
    /// Why it did not start.
    failure: Option<StartFailure>,
    /// What is shown while none runs; one and the same, so that it is no news in every frame.
    without: Arc<Snapshot>,
    /// That was not told yet.
    is_news: bool,
    told: Option<StartTrouble>,
    retry_at: Option<Instant>,
}

#[derive(Debug)]
struct Running {
    handle: PeerRuntimeHandle,
    events: broadcast::Receiver<PeerEvent>,
    pending: Vec<(Pending, Asked)>,
}

/// A command that the peer does not carry out.
#[derive(Debug)]
pub(super) struct Refused {
    /// `None`: it stopped before it answered.
    pub(super) error: Option<CommandError>,
    /// The game that was to be published.
    pub(super) publish: Option<GameId>,
    /// It was another games folder.
    pub(super) is_folder: bool,
}

/// What a reply is awaited for.
#[derive(Debug)]
enum Asked {
    Publish(GameId),
    GamesFolder,
    Else,
}

impl Peer {
    pub(super) fn new(ctx: &Context) -> Self {
        Self {
            ctx: ctx.clone(),
            begin: None,
            starting: None,
            cancel: Cancel::new(),
            running: None,
            party: None,
            is_awaited: Arc::default(),
            failure: None,
            without: Arc::default(),
            is_news: false,
            told: None,
            retry_at: None,
        }
    }

    /// A start that has failed since the last call.
    pub(super) fn failed_start(&mut self) -> Option<StartFailure> {
        if std::mem::take(&mut self.is_news) { self.failure.clone() } else { None }
    }

    /// Starts without the catalog file that cannot be used.
    pub(super) fn start_without_catalog(&mut self) {
        if let Some(Begin::Folder(setup) | Begin::Named(setup) | Begin::NewFolder(setup)) = &mut self.begin {
            setup.config.catalog = None;
        }
        self.restart();
    }

    /// Starts a peer in the background, in the place of the one that runs.
    pub(super) fn start(&mut self, begin: Begin) {
        self.begin = Some(begin.clone());
        self.failure = None;
        self.without = Arc::default();
        let old = self.running.take();
        let (sender, started) = sync_channel(1);
        let (ctx, waker, cancel) = (self.ctx.clone(), self.waker(), self.cancel.clone());
        let party = self.party.take();
        let start = move || {
            if let Some(old) = old {
                old.stop(Instant::now() + GOODBYE);
            }
            let result = begin.carry_out(party, waker, &cancel);
            // The window is gone: dropping what was started stops it.
            drop(sender.send(result));
            ctx.request_repaint();
        };
        match std::thread::Builder::new().name("peer-start".to_owned()).spawn(start) {
            Ok(_thread) => self.starting = Some(started),
            Err(error) => self.fail(StartFailure::other(&error)),
        }
    }

    fn fail(&mut self, failure: StartFailure) {
        let is_gone = matches!(failure.trouble, StartTrouble::Folder { trouble: FolderTrouble::Gone, .. });
        self.retry_at = is_gone.then(|| Instant::now() + RETRY);
        if is_gone {
            self.ctx.request_repaint_after(RETRY);
        }
        // A drive that is still not there is no news.
        let is_same = self.told.as_ref() == Some(&failure.trouble);
        self.is_news = !(is_gone && is_same);
        self.told = Some(failure.trouble.clone());
        let shown = RuntimeFailure { component: "start".to_owned(), error: failure.error.clone() };
        self.without = Arc::new(Snapshot { failure: Some(shown), ..Snapshot::default() });
        self.failure = Some(failure);
    }

    /// Lets the next start use what was chosen since the last one.
    pub(super) fn configure(&mut self, chosen: Setup) {
        match &mut self.begin {
            Some(Begin::Folder(setup) | Begin::Named(setup) | Begin::NewFolder(setup)) => *setup = chosen,
            Some(Begin::Demo { .. }) | None => {}
        }
    }

    /// Starts it again, on what it was started on.
    pub(super) fn restart(&mut self) {
        if let Some(begin) = self.begin.clone() {
            self.start(begin);
        }
    }

    fn waker(&self) -> Waker {
        let (ctx, is_awaited) = (self.ctx.clone(), Arc::clone(&self.is_awaited));
        Waker::new(move || {
            if is_awaited.swap(false, Ordering::Relaxed) {
                ctx.request_repaint();
            } else {
                ctx.request_repaint_after(FOLLOW);
            }
        })
    }

    pub(super) fn send(&mut self, command: PeerCommand) -> Result<(), SendRefused> {
        let running = self.running.as_mut().ok_or(SendRefused::Stopped)?;
        self.is_awaited.store(true, Ordering::Relaxed);
        let asked = match &command {
            PeerCommand::Publish(request) => Asked::Publish(request.game.id.clone()),
            PeerCommand::Set(change) if change.games.is_some() => Asked::GamesFolder,
            PeerCommand::Engine(_)
            | PeerCommand::Set(_)
            | PeerCommand::List
            | PeerCommand::Peers
            | PeerCommand::Status
            | PeerCommand::LookAgain
            | PeerCommand::Shutdown => Asked::Else,
        };
        running.pending.push((running.handle.send(command)?, asked));
        Ok(())
    }

    /// Takes a started peer and replies; answers what was refused.
    pub(super) fn receive(&mut self) -> Vec<Refused> {
        match self.starting.as_ref().map(Receiver::try_recv) {
            Some(Ok(Ok(Begun { handle, party }))) => {
                let events = handle.subscribe();
                self.running = Some(Running { handle, events, pending: Vec::new() });
                self.party = party;
                self.starting = None;
                self.told = None;
            }
            Some(Ok(Err(failure))) => {
                self.fail(failure);
                self.starting = None;
            }
            Some(Err(TryRecvError::Disconnected)) => self.starting = None,
            Some(Err(TryRecvError::Empty)) | None => {}
        }
        if self.retry_at.is_some_and(|at| Instant::now() >= at) {
            self.retry_at = None;
            self.restart();
        }
        let mut refused = Vec::new();
        if let Some(running) = &mut self.running {
            running.pending.retain_mut(|(pending, asked)| match pending.try_recv() {
                Ok(Ok(_)) => false,
                Err(NoReply::Closed) => {
                    // It stopped without an answer. Who waits for the folder must not wait for ever.
                    if matches!(asked, Asked::GamesFolder) {
                        refused.push(Refused { error: None, publish: None, is_folder: true });
                    }
                    false
                }
                Ok(Err(error)) => {
                    let is_folder = matches!(asked, Asked::GamesFolder);
                    let publish = if let Asked::Publish(game) = asked { Some(game.clone()) } else { None };
                    refused.push(Refused { error: Some(error), publish, is_folder });
                    false
                }
                Err(NoReply::Empty) => true,
            });
        }
        refused
    }

    /// Events since the last frame. What was lost when too many came is in the snapshot.
    pub(super) fn events(&mut self) -> Vec<PeerEvent> {
        let Some(running) = &mut self.running else { return Vec::new() };
        let mut events = Vec::new();
        while events.len() < EVENTS_PER_FRAME {
            match running.events.try_recv() {
                Ok(event) => events.push(event),
                Err(NoEvent::Lagged(_)) => {}
                Err(NoEvent::Empty | NoEvent::Closed) => return events,
            }
        }
        self.ctx.request_repaint();
        events
    }

    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        match &self.running {
            Some(running) => running.handle.snapshot(),
            None => Arc::clone(&self.without),
        }
    }

    /// An orderly stop of at most two seconds; of a demo, nothing is left then.
    pub(super) fn stop(&mut self) {
        let deadline = Instant::now() + GOODBYE;
        self.cancel.cancel();
        if let Some(started) = self.starting.take()
            && let Ok(Ok(begun)) = started.recv_timeout(GOODBYE)
        {
            self.party = begun.party;
        }
        if let Some(party) = &mut self.party {
            party.begin_stop();
        }
        if let Some(running) = self.running.take() {
            running.stop(deadline);
        }
        self.party = None;
    }
}

impl Running {
    fn stop(mut self, deadline: Instant) {
        self.handle.shutdown();
        while Instant::now() < deadline {
            match self.events.try_recv() {
                Ok(PeerEvent::Stopped) | Err(NoEvent::Closed) => return,
                Ok(_) | Err(NoEvent::Lagged(_)) => {}
                Err(NoEvent::Empty) => std::thread::sleep(Duration::from_millis(10)),
            }
        }
    }
}

impl Begin {
    /// Takes its time: makes folders and games, asks for adapters, reads keys, opens sockets.
    fn carry_out(self, party: Option<Party>, waker: Waker, cancel: &Cancel) -> Started {
        let (config, party) = match self {
            Self::Folder(setup) => (setup.look_up(), None),
            Self::Named(setup) => {
                // What is in the way is said by the start.
                std::fs::create_dir(&setup.config.games).ok();
                (setup.look_up(), None)
            }
            Self::NewFolder(setup) => {
                std::fs::create_dir_all(&setup.config.games).ok();
                (setup.look_up(), None)
            }
            Self::Demo { name } => {
                let party = party.map_or_else(|| begin_demo(cancel), Ok)?;
                (PeerConfig { name, ..party.newcomer() }, Some(party))
            }
        };
        let games = config.games.clone();
        match start_peer(config, waker) {
            Ok(handle) => Ok(Begun { handle, party }),
            Err(error) => Err(StartFailure::of(error, games)),
        }
    }
}

fn begin_demo(cancel: &Cancel) -> Result<Party, StartFailure> {
    let samples = Sample::all().map_err(|error| StartFailure::other(&error))?;
    let program = std::env::current_exe().map_err(|error| StartFailure::other(&error))?;
    Party::begin(samples, &program, Pace::default(), cancel).map_err(|error| StartFailure {
        error: error.to_string(),
        why: Box::new(error.into()),
        trouble: StartTrouble::Other,
    })
}

impl StartFailure {
    fn other(error: &impl ToString) -> Self {
        let error = error.to_string();
        Self { why: Box::new(Fault::Words(error.clone())), error, trouble: StartTrouble::Other }
    }

    fn of(error: StartError, games: PathBuf) -> Self {
        let folder = |trouble| StartTrouble::Folder { games, trouble };
        let trouble = match &error {
            StartError::Folder(GamesFolderError::Gone(_)) => folder(FolderTrouble::Gone),
            StartError::Folder(GamesFolderError::NoFolder(_)) => folder(FolderTrouble::NoFolder),
            StartError::Folder(GamesFolderError::NotWritable { .. }) => folder(FolderTrouble::NotWritable),
            StartError::Disk(DiskError::Locked { .. }) => folder(FolderTrouble::InUse),
            StartError::Catalog(_) => StartTrouble::Catalog,
            StartError::Disk(_) | StartError::Identity(_) | StartError::Net(_) | StartError::Thread(_) => {
                StartTrouble::Other
            }
        };
        Self { error: error.to_string(), why: Box::new(error.into()), trouble }
    }
}
