//! Long work on disk that runs for an operation: how far it is, and how it is ended.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use lanspread_engine::{GameView, Input, OpId, OperationView, ProgressView};
use tokio_util::sync::CancellationToken;

use crate::api::PeerEvent;
use crate::disk::{Cancel, Progress};

/// Progress is told at most this often.
pub(super) const PROGRESS_INTERVAL: Duration = Duration::from_millis(250);

/// Work under way, by its operation.
#[derive(Debug, Default)]
pub(super) struct Works {
    running: BTreeMap<OpId, Work>,
    told: Option<Instant>,
}

/// What work and whoever watches it share.
#[derive(Clone, Debug)]
pub(super) struct Work {
    pub(super) cancel: Cancel,
    /// Cancelled with `cancel`, for what the work awaits.
    pub(super) token: CancellationToken,
    pub(super) progress: Progress,
}

impl Works {
    /// Work that also ends with `parent`.
    pub(super) fn begin(&mut self, op: OpId, parent: &Cancel) -> Work {
        let work =
            Work { cancel: parent.child(), token: CancellationToken::new(), progress: Progress::new() };
        self.running.insert(op, work.clone());
        work
    }

    pub(super) fn cancel(&self, op: OpId) {
        if let Some(work) = self.running.get(&op) {
            work.cancel.cancel();
            work.token.cancel();
        }
    }

    /// Forgets work whose end is on its way to the engine.
    pub(super) fn note_end(&mut self, input: &Input) {
        if let Input::Installed { op, .. }
        | Input::Uninstalled { op, .. }
        | Input::Removed { op, .. }
        | Input::Published { op, .. }
        | Input::Verified { op, .. }
        | Input::StoreOpened { op, .. }
        | Input::StoreClosed { op, .. }
        | Input::Finished { op, .. } = input
        {
            self.running.remove(op);
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.running.is_empty()
    }

    /// Says of each game's operation how far its work on disk is.
    pub(super) fn fill(&self, games: &mut [GameView]) {
        for operation in games.iter_mut().filter_map(|game| game.operation.as_mut()) {
            if operation.progress.is_none() {
                operation.progress = self.progress_of(operation);
            }
        }
    }

    /// What is to be told of them now.
    pub(super) fn news(&mut self, games: &[GameView], now: Instant) -> Vec<PeerEvent> {
        if self.is_idle() || self.told.is_some_and(|told| now < told + PROGRESS_INTERVAL) {
            return Vec::new();
        }
        self.told = Some(now);
        let news = games.iter().filter_map(|game| {
            let operation = game.operation.as_ref()?;
            let ProgressView { bytes_done, bytes_total, .. } = self.progress_of(operation)?;
            Some(PeerEvent::OperationProgress {
                game: game.id.clone(),
                operation: operation.operation,
                phase: operation.phase,
                bytes_done,
                bytes_total,
            })
        });
        news.collect()
    }

    /// `None` for work that does not know yet how much there is.
    fn progress_of(&self, operation: &OperationView) -> Option<ProgressView> {
        let progress = &self.running.get(&operation.id?)?.progress;
        let bytes_total = progress.bytes_total();
        let bytes_done = progress.bytes_done().min(bytes_total);
        (bytes_total > 0).then_some(ProgressView { bytes_done, bytes_total, rate: 0, sources: 0 })
    }
}
