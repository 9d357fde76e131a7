//! The two ends between a program and the runtime's thread.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use lanspread_engine::CommandError;
use thiserror::Error;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::{PeerCommand, PeerEvent, PeerReply, RuntimeFailure, Snapshot, Waker};

/// Commands that wait for the event loop. It takes them faster than anybody types; more is a runaway script.
pub const COMMAND_QUEUE: usize = 256;
/// Events that a subscriber may be behind before it loses the oldest. Bursts come from libraries of many peers.
pub const EVENT_QUEUE: usize = 4 * 1024;

/// Where a command's one reply arrives. It errs when the runtime ended without one.
pub type Pending = oneshot::Receiver<Result<PeerReply, CommandError>>;

/// A command on its way, with where its reply goes.
#[derive(Debug)]
pub struct SentCommand {
    pub command: PeerCommand,
    pub reply: oneshot::Sender<Result<PeerReply, CommandError>>,
}

/// Why a command was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SendRefused {
    #[error("the peer is busy with earlier commands; try again")]
    Full,
    #[error("the peer has stopped")]
    Stopped,
}

/// Sends commands and listens. Clones talk to one peer; none of them keeps it running.
#[derive(Clone, Debug)]
pub struct PeerClient {
    commands: mpsc::Sender<SentCommand>,
    events: broadcast::WeakSender<PeerEvent>,
    stop: CancellationToken,
    started: Instant,
}

impl PeerClient {
    /// Sends a command without waiting.
    pub fn send(&self, command: PeerCommand) -> Result<Pending, SendRefused> {
        let (reply, pending) = oneshot::channel();
        match self.commands.try_send(SentCommand { command, reply }) {
            Ok(()) => Ok(pending),
            Err(TrySendError::Full(_)) => Err(SendRefused::Full),
            Err(TrySendError::Closed(_)) => Err(SendRefused::Stopped),
        }
    }

    /// All events from now on, the last of which is [`PeerEvent::Stopped`]; of a peer that has stopped there are none.
    pub fn subscribe(&self) -> broadcast::Receiver<PeerEvent> {
        self.events.upgrade().map_or_else(|| broadcast::channel(1).1, |events| events.subscribe())
    }

    /// Begins an orderly stop.
    pub fn shutdown(&self) {
        self.stop.cancel();
    }

    /// Since the peer was started.
    pub fn uptime(&self) -> Duration {
        self.started.elapsed()
    }
}

/// A running peer. Dropping it begins an orderly stop.
#[derive(Debug)]
pub struct PeerRuntimeHandle {
    client: PeerClient,
    snapshot: Arc<ArcSwap<Snapshot>>,
    outcome: watch::Receiver<Outcome>,
    /// Subscribed before the runtime's thread began, so that nothing is missed.
    first_events: Mutex<Option<broadcast::Receiver<PeerEvent>>>,
}

/// How the runtime ended.
#[derive(Clone, Debug, Default)]
struct Outcome {
    stopped: bool,
    failure: Option<RuntimeFailure>,
}

impl PeerRuntimeHandle {
    /// Sends a command without waiting: a full queue refuses at once.
    pub fn send(&self, command: PeerCommand) -> Result<Pending, SendRefused> {
        self.client.send(command)
    }

    /// The state as it was last published. Takes no lock.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// All events from now on. The first subscriber gets those since the start as well.
    pub fn subscribe(&self) -> broadcast::Receiver<PeerEvent> {
        let first = self.first_events.lock().unwrap_or_else(PoisonError::into_inner).take();
        first.unwrap_or_else(|| self.client.subscribe())
    }

    /// What sends commands and listens, for other tasks.
    pub fn client(&self) -> PeerClient {
        self.client.clone()
    }

    /// Begins an orderly stop.
    pub fn shutdown(&self) {
        self.client.shutdown();
    }

    /// Waits until nothing of the peer runs any more. The failure is why it stopped by itself.
    pub async fn wait_stopped(&self) -> Result<(), RuntimeFailure> {
        let mut outcome = self.outcome.clone();
        // An error says that the other end is gone, which has said that it stopped.
        drop(outcome.wait_for(|outcome| outcome.stopped).await.map(drop));
        match outcome.borrow().failure.clone() {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }
}

impl Drop for PeerRuntimeHandle {
    fn drop(&mut self) {
        self.shutdown();
    }
}

/// The runtime's ends. Dropping it is the end of the peer: the last thing its thread does, also in a panic.
#[derive(Debug)]
pub struct RuntimeSide {
    pub commands: mpsc::Receiver<SentCommand>,
    /// The runtime's token: cancelled when the program wants the peer to stop.
    pub stop: CancellationToken,
    client: PeerClient,
    events: broadcast::Sender<PeerEvent>,
    snapshot: Arc<ArcSwap<Snapshot>>,
    waker: Waker,
    outcome: watch::Sender<Outcome>,
}

impl RuntimeSide {
    /// Tells all subscribers.
    pub fn emit(&self, event: PeerEvent) {
        // Nobody listens: nothing is missed.
        drop(self.events.send(event));
    }

    /// Stores a snapshot, then wakes the window.
    pub fn publish(&self, snapshot: Snapshot) {
        self.snapshot.store(Arc::new(snapshot));
        self.waker.wake();
    }

    /// Tells why the peer cannot go on. Only the first failure is told.
    pub fn fail(&self, failure: RuntimeFailure) {
        let is_first = self.outcome.send_if_modified(|outcome| {
            let is_first = outcome.failure.is_none();
            outcome.failure.get_or_insert_with(|| failure.clone());
            is_first
        });
        if is_first {
            let RuntimeFailure { component, error } = failure.clone();
            self.emit(PeerEvent::RuntimeFailed { component, error });
            self.publish(Snapshot { failure: Some(failure), ..Snapshot::clone(&self.snapshot.load()) });
        }
    }

    /// What sends commands and listens, for services inside the runtime.
    pub fn client(&self) -> PeerClient {
        self.client.clone()
    }
}

impl Drop for RuntimeSide {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let error = "its thread panicked; the log says where".to_owned();
            self.fail(RuntimeFailure { component: "runtime".to_owned(), error });
        }
        self.stop.cancel();
        self.commands.close();
        self.emit(PeerEvent::Stopped);
        self.outcome.send_modify(|outcome| outcome.stopped = true);
        self.waker.wake();
    }
}

/// Makes both ends.
pub fn connect_runtime(waker: Waker) -> (PeerRuntimeHandle, RuntimeSide) {
    let (command_sender, commands) = mpsc::channel(COMMAND_QUEUE);
    let (events, first_events) = broadcast::channel(EVENT_QUEUE);
    let (outcome, told) = watch::channel(Outcome::default());
    let snapshot = Arc::new(ArcSwap::from_pointee(Snapshot::default()));
    let stop = CancellationToken::new();
    let client = PeerClient {
        commands: command_sender,
        events: events.downgrade(),
        stop: stop.clone(),
        started: Instant::now(),
    };
    let handle = PeerRuntimeHandle {
        client: client.clone(),
        snapshot: Arc::clone(&snapshot),
        outcome: told,
        first_events: Mutex::new(Some(first_events)),
    };
    (handle, RuntimeSide { commands, stop, client, events, snapshot, waker, outcome })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_command_is_answered_once() {
        let (handle, mut side) = connect_runtime(Waker::none());
        let pending = handle.send(PeerCommand::List).unwrap();
        let sent = side.commands.recv().await.unwrap();
        assert_eq!(sent.command, PeerCommand::List);
        sent.reply.send(Ok(PeerReply::Done {})).unwrap();
        assert_eq!(pending.await.unwrap(), Ok(PeerReply::Done {}));
    }

    #[tokio::test]
    async fn a_full_queue_and_a_stopped_peer_refuse_at_once() {
        let (handle, side) = connect_runtime(Waker::none());
        let pending: Vec<_> = (0..COMMAND_QUEUE).map(|_| handle.send(PeerCommand::Status).unwrap()).collect();
        assert_eq!(handle.send(PeerCommand::Status).unwrap_err(), SendRefused::Full);
        drop(side);
        assert_eq!(handle.send(PeerCommand::Status).unwrap_err(), SendRefused::Stopped);
        for pending in pending {
            assert!(pending.await.is_err(), "what was not answered says so");
        }
    }

    #[tokio::test]
    async fn a_stop_is_the_last_event_and_an_orderly_end() {
        let (handle, side) = connect_runtime(Waker::none());
        let mut events = handle.subscribe();
        handle.shutdown();
        side.stop.cancelled().await;
        drop(side);
        assert_eq!(handle.wait_stopped().await, Ok(()));
        assert_eq!(events.recv().await.unwrap(), PeerEvent::Stopped);
        assert!(events.recv().await.is_err());
        assert!(handle.subscribe().recv().await.is_err(), "a stopped peer has no more events");
    }

    #[tokio::test]
    async fn a_failure_is_told_once_and_stays_in_the_snapshot() {
        let wakes = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&wakes);
        let waker = Waker::new(move || {
            counted.fetch_add(1, Ordering::SeqCst);
        });
        let (handle, side) = connect_runtime(waker);
        let failure = |error: &str| RuntimeFailure { component: "network".into(), error: error.into() };
        side.fail(failure("first"));
        side.fail(failure("second"));
        assert_eq!(handle.snapshot().failure, Some(failure("first")));
        assert_eq!(wakes.load(Ordering::SeqCst), 1);
        drop(side);
        assert_eq!(handle.wait_stopped().await, Err(failure("first")));
        let mut events = handle.subscribe();
        let told = PeerEvent::RuntimeFailed { component: "network".into(), error: "first".into() };
        assert_eq!(events.recv().await.unwrap(), told);
        assert_eq!(events.recv().await.unwrap(), PeerEvent::Stopped);
    }

    #[tokio::test]
    async fn a_panic_of_the_runtime_s_thread_is_a_failure() {
        let (handle, side) = connect_runtime(Waker::none());
        let thread = std::thread::Builder::new();
        let thread = thread.spawn(move || {
            let _side = side;
            panic!("boom");
        });
        assert!(thread.unwrap().join().is_err());
        assert_eq!(handle.wait_stopped().await.unwrap_err().component, "runtime");
    }

    #[tokio::test]
    async fn a_dropped_handle_stops_the_peer() {
        let (handle, side) = connect_runtime(Waker::none());
        drop(handle);
        assert!(side.stop.is_cancelled());
    }
}
