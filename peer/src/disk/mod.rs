//! The games folder on disk: where everything is, scans, hashes, what is served, and durable steps.
//!
//! All of it is blocking code for a pool of threads; nothing here knows the runtime, the network or the engine.
//! Long work takes a [`Cancel`], looked at between steps of at most a few megabytes, and counts the bytes it has
//! behind it in a [`Progress`]. Every failure is a [`DiskError`] that says what was tried, where, and why it failed.
//!
//! Nothing here decides: who may be served and which operation runs on which game is the engine's business. Changes of
//! a game's folder that must not be left half done are [`crate::transaction`]'s.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

pub mod atomic;
pub mod catalog_file;
pub mod error;
pub mod hash;
pub mod index;
pub mod installed;
pub mod layout;
pub mod lock;
pub mod manifests;
mod pace;
pub(crate) mod parallel;
pub(crate) mod place;
pub mod reader;
pub(crate) mod reserve;
pub mod scan;
pub mod space;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod tree;
pub mod verify;
pub mod watch;

pub use error::{DiskError, DiskErrorKind};
pub use hash::hash_payload;
pub use index::{Index, IndexEntry};
pub use installed::{Record, read_record};
pub use layout::{GameFolder, GamesFolder};
pub use lock::FolderLock;
pub use manifests::ManifestStore;
pub use reader::PayloadReader;
pub use scan::{ScannedGame, ScannedLibrary, list_games, scan_game, scan_games};
pub use tree::{Fingerprint, Links};
pub use verify::{Damage, verify};
pub use watch::{FolderWatcher, WatchEvent};

/// A flag that ends long work at its next bounded step. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<Flag>);

#[derive(Debug, Default)]
struct Flag {
    is_set: AtomicBool,
    /// Set with this one, too.
    parent: Option<Cancel>,
    /// Work rests while it is closed.
    gate: Option<Arc<Gate>>,
    /// Looks until the flag sets itself, for tests that end work at every possible step; 0 is never.
    #[cfg(test)]
    looks_left: AtomicU64,
}

impl Cancel {
    pub fn new() -> Self {
        Self::default()
    }

    /// A flag of its own that is set with this one, too.
    #[must_use]
    pub fn child(&self) -> Self {
        Self(Arc::new(Flag { parent: Some(self.clone()), ..Flag::default() }))
    }

    /// As [`Self::child`], for work that rests at its next step while `gate` is closed.
    pub(crate) fn child_behind(&self, gate: &Arc<Gate>) -> Self {
        let gate = Some(Arc::clone(gate));
        Self(Arc::new(Flag { parent: Some(self.clone()), gate, ..Flag::default() }))
    }

    pub fn cancel(&self) {
        self.0.is_set.store(true, Ordering::Release);
    }

    pub fn is_cancelled(&self) -> bool {
        #[cfg(test)]
        if self.0.looks_left.load(Ordering::Relaxed) > 0
            && self.0.looks_left.fetch_sub(1, Ordering::Relaxed) == 1
        {
            self.cancel();
        }
        if let Some(gate) = &self.0.gate {
            gate.wait_while_closed(|| self.is_set());
        }
        self.is_set()
    }

    fn is_set(&self) -> bool {
        let parent = self.0.parent.as_ref();
        self.0.is_set.load(Ordering::Acquire) || parent.is_some_and(Self::is_set)
    }

    /// Sets itself at the nth look, counted from 1.
    #[cfg(test)]
    pub(crate) fn at_look(looks: u64) -> Self {
        let cancel = Self::new();
        cancel.0.looks_left.store(looks, Ordering::Relaxed);
        cancel
    }

    /// [`DiskError::Cancelled`] once the flag is set.
    pub fn check(&self) -> Result<(), DiskError> {
        if self.is_cancelled() { Err(DiskError::Cancelled) } else { Ok(()) }
    }
}

/// What work in the background waits at while a game runs.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    is_closed: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    /// A cancelled worker looks up at least this often.
    const LOOK: Duration = Duration::from_millis(100);

    pub(crate) fn close(&self) {
        *self.is_closed.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }

    pub(crate) fn open(&self) {
        *self.is_closed.lock().unwrap_or_else(PoisonError::into_inner) = false;
        self.opened.notify_all();
    }

    fn wait_while_closed(&self, is_over: impl Fn() -> bool) {
        let mut is_closed = self.is_closed.lock().unwrap_or_else(PoisonError::into_inner);
        while *is_closed && !is_over() {
            let waited = self.opened.wait_timeout(is_closed, Self::LOOK);
            is_closed = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// How far long work is, in bytes. Clones share it; whoever shows it reads it whenever that suits.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    done: AtomicU64,
    total: AtomicU64,
}

impl Progress {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn bytes_done(&self) -> u64 {
        self.0.done.load(Ordering::Relaxed)
    }

    /// 0 until the work knows how much there is.
    pub fn bytes_total(&self) -> u64 {
        self.0.total.load(Ordering::Relaxed)
    }

    pub(crate) fn add(&self, bytes: u64) {
        self.0.done.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn expect_more(&self, bytes: u64) {
        self.0.total.fetch_add(bytes, Ordering::Relaxed);
    }
}
