//! The operation table: one operation per game, explicit transitions, and the queue of downloads that wait.
//!
//! An operation that changes files which are served goes: entered in the table (the offer is hidden at once), its
//! outbound transfers cancelled, and only when their count is zero the first effect on disk
//! (`changes`). Its end is: table cleared, one rescan, events. A download that is to be installed hands its entry over
//! to the installation in one step: nothing comes between them.
//!
//! - `commands`: verifying, and what concerns any operation: cancel, pause, resume, the table's event;
//! - `changes`: what writes: install, uninstall, remove, publish, and the wait of a writer for its readers;
//! - `folder`: the change of the games folder, for which nothing may run;
//! - `queue`: the order of downloads that wait, and why the last operation on a game failed.

mod changes;
mod commands;
mod folder;
mod queue;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Instant;

use lanspread_protocol::{GameId, ManifestId, UnitSet};
use serde::{Deserialize, Serialize};

use crate::command::{CommandError, ErrorCode, Extras, KeptFiles, Saves};
use crate::config::QueuedDownload;
use crate::download::{Download, Held, Purpose};
use crate::event::OperationStatus;
use crate::ids::OpId;
use crate::notices::FailureView;
use folder::FolderChange;

/// What runs on a game.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OperationKind {
    Download,
    Update,
    Install,
    Uninstall,
    Remove,
    Verify,
    Publish,
}

/// How far an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    Waiting,
    Hashing,
    Downloading,
    Finishing,
    Swapping,
    Installing,
    Uninstalling,
    Removing,
    Verifying,
    Paused,
}

#[derive(Debug)]
pub(crate) struct Operations {
    active: BTreeMap<GameId, Operation>,
    /// Downloads that do not run, in the order in which they will.
    queue: Vec<Waiting>,
    /// Why the last operation on a game failed.
    failures: BTreeMap<GameId, FailureView>,
    told: Vec<OperationStatus>,
    stored: Vec<QueuedDownload>,
    /// When a peer's complaint last led to a verification, and whose it was.
    damage_checks: BTreeMap<GameId, (Instant, IpAddr)>,
    /// Something changed that may let a waiting download start.
    look_again: bool,
    /// When a download that waits after a setback may try again.
    retry: Option<Instant>,
    /// Downloads that took a turn when they were last counted.
    turns_taken: usize,
    /// Meanwhile nothing begins.
    folder_change: FolderChange,
}

#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) id: OpId,
    pub(crate) work: Work,
}

#[derive(Debug)]
pub(crate) enum Work {
    Download(Box<Download>),
    Verify,
    Change(Change),
}

/// Work that changes a game's files.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) what: What,
    pub(crate) writer: Writer,
}

/// What a change does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Install(KeptFiles),
    Uninstall(Saves),
    Remove { local: Option<Saves>, extras: Extras },
    Publish,
}

/// How far work that changes files is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writer {
    /// Outbound transfers end first.
    Draining,
    Writing,
}

/// A download that does not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) game: GameId,
    pub(crate) why: Why,
    pub(crate) purpose: Purpose,
    /// What is here of it, if it ran before.
    pub(crate) held: Option<Held>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// For its turn.
    Turn,
    Paused,
    /// For a source of what it lacks.
    NoSource(Box<Lack>),
    /// It failed; a person may try again.
    Failed,
}

/// What a download waits for that nobody could give it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lack {
    /// The payload and the units of it that are missing here; `None`: anything will do.
    pub(crate) missing: Option<(ManifestId, UnitSet)>,
    /// Not tried before, because those who offered it did not give it.
    pub(crate) retry_at: Option<Instant>,
    /// Stops since the last unit came: the pause grows, and only the first is told.
    pub(crate) setbacks: u32,
}

impl Operations {
    pub(crate) fn new(queue: &[QueuedDownload]) -> Self {
        let waiting = |queued: &QueuedDownload| Waiting {
            game: queued.game.clone(),
            why: match queued {
                QueuedDownload { failure: Some(_), .. } => Why::Failed,
                QueuedDownload { paused: true, .. } => Why::Paused,
                QueuedDownload { .. } => Why::Turn,
            },
            purpose: queued.purpose,
            held: queued.held.clone(),
        };
        Self {
            active: BTreeMap::new(),
            queue: queue.iter().map(waiting).collect(),
            failures: queue.iter().filter_map(|it| Some((it.game.clone(), it.failure.clone()?))).collect(),
            told: Vec::new(),
            stored: queue.to_vec(),
            damage_checks: BTreeMap::new(),
            look_again: true,
            retry: None,
            turns_taken: 0,
            folder_change: FolderChange::Nothing,
        }
    }

    /// Another games folder is in use, where these wait.
    pub(crate) fn replace_queue(&mut self, queue: &[QueuedDownload]) {
        let fresh = Self::new(queue);
        (self.queue, self.stored, self.look_again) = (fresh.queue, fresh.stored, true);
        self.failures = fresh.failures;
    }

    pub(crate) fn get(&self, game: &GameId) -> Option<&Operation> {
        self.active.get(game)
    }

    pub(crate) fn active(&self) -> &BTreeMap<GameId, Operation> {
        &self.active
    }

    pub(crate) fn queue(&self) -> &[Waiting] {
        &self.queue
    }

    pub(crate) fn games(&self) -> Vec<GameId> {
        self.active.keys().cloned().collect()
    }

    /// The game that an operation runs on, unless the operation is over.
    pub(crate) fn game_of(&self, op: OpId) -> Option<GameId> {
        self.active.iter().find(|(_, operation)| operation.id == op).map(|(game, _)| game.clone())
    }

    pub(crate) fn download(&self, game: &GameId) -> Option<&Download> {
        match &self.active.get(game)?.work {
            Work::Download(download) => Some(download),
            Work::Verify | Work::Change(_) => None,
        }
    }

    pub(crate) fn download_mut(&mut self, game: &GameId) -> Option<&mut Download> {
        match &mut self.active.get_mut(game)?.work {
            Work::Download(download) => Some(download),
            Work::Verify | Work::Change(_) => None,
        }
    }

    /// All running downloads, in order of their games.
    pub(crate) fn downloads_mut(&mut self) -> impl Iterator<Item = (&GameId, OpId, &mut Download)> {
        self.active.iter_mut().filter_map(|(game, operation)| match &mut operation.work {
            Work::Download(download) => Some((game, operation.id, &mut **download)),
            Work::Verify | Work::Change(_) => None,
        })
    }

    /// Downloads that take a turn: neither those that only wait to be swapped in, nor those whose sources give nothing.
    pub(crate) fn running_downloads(&self, now: Instant) -> usize {
        let takes_turn = |operation: &&Operation| match &operation.work {
            Work::Download(download) => !download.is_ready() && !download.is_starved(now),
            Work::Verify | Work::Change(_) => false,
        };
        self.active.values().filter(takes_turn).count()
    }

    /// Lets waiting downloads be looked at when another number of them takes turns.
    pub(crate) fn yield_turns(&mut self, now: Instant) {
        let running = self.running_downloads(now);
        let before = std::mem::replace(&mut self.turns_taken, running);
        self.look_again |= running < before;
    }

    pub(crate) fn purpose_of_waiting(&self, game: &GameId) -> Option<Purpose> {
        self.queue.iter().find(|waiting| waiting.game == *game).map(|waiting| waiting.purpose)
    }

    /// The game's complete payload is not offered.
    pub(crate) fn hides(&self, game: &GameId) -> bool {
        self.active.contains_key(game)
    }

    /// Scans would see a payload in the making.
    pub(crate) fn changes_disk(&self, game: &GameId) -> bool {
        self.active.contains_key(game)
    }

    /// Waiting downloads are looked at after this input.
    pub(crate) fn look_again(&mut self) {
        self.look_again = true;
    }

    /// As [`Self::look_again`], for what only helps those without a source.
    pub(crate) fn look_again_if_waiting(&mut self) {
        self.look_again |= self.queue.iter().any(|waiting| matches!(waiting.why, Why::NoSource(_)));
    }

    /// Whether waiting downloads are to be looked at now.
    pub(crate) fn take_look(&mut self, now: Instant) -> bool {
        if self.retry.is_some_and(|retry| retry <= now) {
            self.retry = None;
            self.look_again = true;
        }
        std::mem::take(&mut self.look_again) && !self.folder_is_changing()
    }

    /// Waiting downloads are looked at with the next input, whatever it is.
    #[cfg(debug_assertions)]
    pub(crate) fn is_about_to_look(&self) -> bool {
        self.look_again
    }

    pub(crate) fn retry_at(&mut self, at: Instant) {
        self.retry = Some(self.retry.map_or(at, |retry| retry.min(at)));
    }

    pub(crate) fn insert(&mut self, game: GameId, operation: Operation) {
        // A verification only reads: a download that waits goes on waiting at its place.
        if !matches!(operation.work, Work::Verify) {
            self.queue.retain(|waiting| waiting.game != game);
        }
        self.failures.remove(&game);
        self.active.insert(game, operation);
    }

    pub(crate) fn take(&mut self, game: &GameId) -> Option<Operation> {
        self.look_again = true;
        self.active.remove(game)
    }

    /// Lets a download wait; at its old place if it has one.
    pub(crate) fn enqueue(&mut self, game: &GameId, why: Why, purpose: Purpose) {
        self.look_again = true;
        if why == Why::Turn {
            self.failures.remove(game);
        }
        match self.queue.iter_mut().find(|waiting| waiting.game == *game) {
            Some(waiting) => (waiting.why, waiting.purpose) = (why, purpose),
            None => self.queue.push(Waiting { game: game.clone(), why, purpose, held: None }),
        }
    }

    /// What is here of a download that waits.
    pub(crate) fn hold(&mut self, game: &GameId, held: Option<Held>) {
        if let Some(waiting) = self.queue.iter_mut().find(|waiting| waiting.game == *game) {
            waiting.held = held;
        }
    }

    /// What is here of a download that waits, or that has not yet seen what is here.
    pub(crate) fn held(&self, game: &GameId) -> Option<&Held> {
        match self.download(game) {
            Some(download) => download.held.as_ref(),
            None => self.queue.iter().find(|waiting| waiting.game == *game)?.held.as_ref(),
        }
    }

    pub(crate) fn dequeue(&mut self, game: &GameId) -> Option<Waiting> {
        let at = self.queue.iter().position(|waiting| waiting.game == *game)?;
        Some(self.queue.remove(at))
    }

    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        let downloads = self.active.values().filter_map(|operation| match &operation.work {
            Work::Download(download) => download.next_timeout(),
            Work::Verify | Work::Change(_) => None,
        });
        downloads.chain(self.retry).min()
    }

    /// Everything that runs or waits to, as subscribers see it.
    pub(crate) fn statuses(&self) -> Vec<OperationStatus> {
        let active = self.active.iter().map(|(game, operation)| OperationStatus {
            game: game.clone(),
            operation: operation.kind(),
            phase: operation.phase(),
        });
        let idle = self.queue.iter().filter(|waiting| !self.active.contains_key(&waiting.game));
        let waiting = idle.filter_map(|waiting| {
            let phase = match waiting.why {
                Why::Turn => Phase::Waiting,
                Why::Paused => Phase::Paused,
                Why::NoSource(_) | Why::Failed => return None,
            };
            let operation = waiting.purpose.kind_of_waiting();
            Some(OperationStatus { game: waiting.game.clone(), operation, phase })
        });
        active.chain(waiting).collect()
    }
}

impl Operation {
    pub(crate) fn kind(&self) -> OperationKind {
        match &self.work {
            Work::Download(download) => download.kind(),
            Work::Verify => OperationKind::Verify,
            Work::Change(change) => change.what.kind(),
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        match &self.work {
            Work::Download(download) => download.phase(),
            Work::Verify => Phase::Verifying,
            Work::Change(change) => change.what.phase(),
        }
    }

    /// It changes what a started game needs.
    pub(crate) fn changes_installed(&self) -> bool {
        match &self.work {
            Work::Download(download) => download.is_swapping(),
            Work::Verify => false,
            Work::Change(_) => true,
        }
    }
}

impl What {
    fn kind(self) -> OperationKind {
        match self {
            Self::Install(_) => OperationKind::Install,
            Self::Uninstall(_) => OperationKind::Uninstall,
            Self::Remove { .. } => OperationKind::Remove,
            Self::Publish => OperationKind::Publish,
        }
    }

    fn phase(self) -> Phase {
        match self {
            Self::Install(_) => Phase::Installing,
            Self::Uninstall(_) => Phase::Uninstalling,
            Self::Remove { .. } => Phase::Removing,
            Self::Publish => Phase::Hashing,
        }
    }

    /// It can be ended before its work is done, and everything is as it was.
    pub(crate) fn can_be_cancelled(self) -> bool {
        matches!(self, Self::Install(_) | Self::Publish)
    }
}

impl OperationKind {
    pub(crate) fn sentence(self) -> &'static str {
        match self {
            Self::Download => "it is being downloaded",
            Self::Update => "it is being updated",
            Self::Install => "it is being installed",
            Self::Uninstall => "it is being uninstalled",
            Self::Remove => "it is being removed",
            Self::Verify => "its files are being checked",
            Self::Publish => "it is being published",
        }
    }
}

pub(crate) fn unknown(game: &GameId) -> CommandError {
    CommandError::new(ErrorCode::UnknownGame, format!("no game “{game}” in the catalog or on this PC"))
}

pub(crate) fn not_downloaded(game: &GameId) -> CommandError {
    CommandError::new(ErrorCode::NotDownloaded, format!("{game} is not downloaded"))
}

pub(crate) fn not_installed(game: &GameId) -> CommandError {
    CommandError::new(ErrorCode::NotInstalled, format!("{game} is not installed"))
}
