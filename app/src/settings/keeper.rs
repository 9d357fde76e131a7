//! The thread that writes settings.

use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::{Settings, Store};
use crate::model::Fault;

/// Failures that nobody has seen yet; more of the same say no more.
const MAX_FAILURES: usize = 4;

/// Saves in the background; of several changes in a row the last is written.
#[derive(Debug)]
pub struct Keeper {
    own_catalog: Option<PathBuf>,
    latest: Arc<Mutex<Option<Settings>>>,
    wake: Option<SyncSender<()>>,
    failures: Receiver<Fault>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// `failed` is called after a file could not be written.
    pub fn new(store: Store, failed: impl Fn() + Send + 'static) -> io::Result<Self> {
        let latest = Arc::<Mutex<Option<Settings>>>::default();
        let own_catalog = store.own_catalog();
        let (wake, woken) = sync_channel::<()>(1);
        let (fail, failures) = sync_channel(MAX_FAILURES);
        let to_save = Arc::clone(&latest);
        let work = move || {
            while woken.recv().is_ok() {
                let settings = to_save.lock().unwrap_or_else(PoisonError::into_inner).take();
                let Some(Err(error)) = settings.map(|settings| store.save(&settings)) else { continue };
                // Full: those before it say the same.
                drop(fail.try_send(Fault::of_file(store.path(), &error)));
                failed();
            }
        };
        let thread = std::thread::Builder::new().name("settings".to_owned()).spawn(work)?;
        Ok(Self { own_catalog, latest, wake: Some(wake), failures, thread: Some(thread) })
    }

    pub fn save(&self, settings: &Settings) {
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(settings.clone());
        if let Some(wake) = &self.wake {
            // Full: the thread is about to take the latest anyway.
            wake.try_send(()).ok();
        }
    }

    /// The catalog of a party that is organised here, unless another is chosen. `None`: it lies with the games.
    pub fn own_catalog(&self) -> Option<PathBuf> {
        self.own_catalog.clone()
    }

    /// Why settings could not be saved.
    pub fn failure(&self) -> Option<Fault> {
        self.failures.try_recv().ok()
    }
}

impl Drop for Keeper {
    /// What was changed last is on disk when this ends.
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(folder: &tempfile::TempDir) -> Store {
        Store::at(folder.path().join("lanspread").join("settings.ron"))
    }

    #[test]
    fn the_last_of_many_changes_is_on_disk_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        let keeper = Keeper::new(store.clone(), || {}).unwrap();
        let mut settings = Settings::default();
        for limit in 0..100 {
            settings.upload_limit = Some(limit);
            keeper.save(&settings);
        }
        drop(keeper);
        assert_eq!(store.load().settings.upload_limit, Some(99));
    }

    #[test]
    fn a_failure_to_save_is_told() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("lanspread"), "a file where the folder goes").unwrap();
        let (told, failed) = sync_channel(1);
        let keeper = Keeper::new(store(&folder), move || {
            told.try_send(()).ok();
        })
        .unwrap();
        keeper.save(&Settings::default());
        failed.recv().unwrap();
        assert!(keeper.failure().is_some());
    }
}
