//! Tells when something in the games folder changes, as far as the system tells us.
//!
//! Watched are the games folder and each game's root, not what is below: a payload has more folders than systems
//! have watches. This program's own files are no events. What is missed (deep changes, network folders) the periodic
//! scan finds: a watch is a hint, and losing it is an event, never a failure.
//!
//! A change is told at once, a burst of them rarely: see `disk/pace.rs`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use lanspread_protocol::{GameId, SENTINEL};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};

use super::error::Tried as _;
use super::pace::Pacer;
use super::{DiskError, GamesFolder};

/// Raw events between the system and us; more than these are a reason to look at everything anyway.
const MAX_QUEUED: usize = 4_096;

/// Something to look at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WatchEvent {
    /// This game's folder changed.
    Game(GameId),
    /// Game folders came or went.
    Root,
    /// Events were lost, or something cannot be watched: only a full scan knows.
    Lost,
}

/// Watches until it is dropped.
#[derive(Debug)]
pub struct FolderWatcher {
    sender: SyncSender<Message>,
    thread: Option<JoinHandle<()>>,
}

enum Message {
    Raw(notify::Result<notify::Event>),
    Stop,
}

struct Work {
    root: PathBuf,
    watcher: RecommendedWatcher,
    pacer: Pacer<WatchEvent>,
    was_full: Arc<AtomicBool>,
}

impl FolderWatcher {
    /// Calls `on_event` from a thread of its own.
    pub fn start(
        games: &GamesFolder,
        on_event: impl FnMut(WatchEvent) + Send + 'static,
    ) -> Result<Self, DiskError> {
        // Systems name what changed by its real path.
        let root = fs::canonicalize(games.root()).tried("find", games.root())?;
        let (sender, receiver) = sync_channel(MAX_QUEUED);
        let was_full = Arc::new(AtomicBool::new(false));
        let (raw_sender, raw_full) = (sender.clone(), Arc::clone(&was_full));
        let on_raw = move |event: notify::Result<notify::Event>| {
            // Readers make events, too, one for each file that is opened: they must not take the place of changes.
            let is_access = event.as_ref().is_ok_and(|event| event.kind.is_access());
            if !is_access && raw_sender.try_send(Message::Raw(event)).is_err() {
                raw_full.store(true, Ordering::Relaxed);
            }
        };
        let failed = |error: notify::Error| DiskError::Io {
            action: "watch",
            path: games.root().to_owned(),
            cause: std::io::Error::other(error),
        };
        let mut watcher = notify::recommended_watcher(on_raw).map_err(failed)?;
        watcher.watch(&root, RecursiveMode::NonRecursive).map_err(failed)?;
        let mut work = Work { root, watcher, pacer: Pacer::default(), was_full };
        if !work.watch_games() {
            work.pacer.changed(WatchEvent::Lost, Instant::now());
        }
        let thread = thread::Builder::new().name("watch".to_owned());
        let thread =
            thread.spawn(move || work.run(&receiver, on_event)).tried("start a thread for", games.root())?;
        Ok(Self { sender, thread: Some(thread) })
    }
}

impl Drop for FolderWatcher {
    fn drop(&mut self) {
        // An error means that the thread is gone already.
        if self.sender.send(Message::Stop).is_ok()
            && let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that watches the games folder panicked");
        }
    }
}

impl Work {
    fn run(mut self, receiver: &Receiver<Message>, mut on_event: impl FnMut(WatchEvent)) {
        loop {
            let message = match self.pacer.due() {
                Some(due) => receiver.recv_timeout(due.saturating_duration_since(Instant::now())),
                None => receiver.recv().map_err(|_closed| RecvTimeoutError::Disconnected),
            };
            let now = Instant::now();
            match message {
                Ok(Message::Raw(event)) => self.take(event, now),
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
            }
            if self.was_full.swap(false, Ordering::Relaxed) {
                self.pacer.changed(WatchEvent::Lost, now);
            }
            let mut due = self.pacer.take_due(now);
            // New folders are watched before anybody looks at them: what changes after the look is seen.
            let is_root = due.iter().any(|event| matches!(event, WatchEvent::Root | WatchEvent::Lost));
            if is_root && !self.watch_games() && !due.contains(&WatchEvent::Lost) {
                due.push(WatchEvent::Lost);
            }
            due.into_iter().for_each(&mut on_event);
        }
    }

    fn take(&mut self, event: notify::Result<notify::Event>, now: Instant) {
        let mut change = |event| self.pacer.changed(event, now);
        match event {
            Ok(event) if event.need_rescan() => change(WatchEvent::Lost),
            Ok(event) => event.paths.iter().for_each(|path| classify(&self.root, path, &mut change)),
            Err(error) => {
                tracing::warn!(%error, "changes in the games folder may have been missed");
                change(WatchEvent::Lost);
            }
        }
    }

    /// Watches the games that are there; whether all could be. A folder that was replaced is another one, which the old
    /// watch does not see.
    fn watch_games(&mut self) -> bool {
        let mut are_all = true;
        for entry in fs::read_dir(&self.root).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let is_game = name.to_str().is_some_and(|name| name.parse::<GameId>().is_ok());
            if !is_game || !entry.path().is_dir() {
                continue;
            }
            if let Err(error) = self.watcher.watch(&entry.path(), RecursiveMode::NonRecursive) {
                tracing::warn!(path = %entry.path().display(), %error, "cannot watch a game's folder");
                are_all = false;
            }
        }
        are_all
    }
}

/// What a change of `path` means.
fn classify(root: &Path, path: &Path, change: &mut impl FnMut(WatchEvent)) {
    let Ok(inside) = path.strip_prefix(root) else { return };
    let mut names = inside.components().map(|name| name.as_os_str().to_string_lossy());
    let Some(game) = names.next() else {
        change(WatchEvent::Root);
        return;
    };
    let Ok(game) = game.parse::<GameId>() else { return };
    match names.next() {
        None => {
            change(WatchEvent::Root);
            change(WatchEvent::Game(game));
        }
        Some(name) if is_ours(&name) => {}
        Some(_) => change(WatchEvent::Game(game)),
    }
}

/// Lanspread's own names, apart from those whose change changes what a game is.
fn is_ours(name: &str) -> bool {
    name != SENTINEL && name.starts_with('.') && lanspread_protocol::path::is_reserved_root_name(name)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::disk::testing::Tree;

    #[test]
    fn changes_of_games_are_told_and_our_own_are_not() {
        let tree = Tree::new(&[("ut/version.ini", b"1")]);
        let (sender, receiver) = sync_channel(100);
        let on_event = move |event| sender.send(event).unwrap();
        let watcher = FolderWatcher::start(&GamesFolder::new(tree.path()), on_event).unwrap();
        let wait_for = |wanted: WatchEvent| {
            let deadline = Instant::now() + Duration::from_secs(20);
            loop {
                let left = deadline.saturating_duration_since(Instant::now());
                let event = receiver.recv_timeout(left).unwrap_or_else(|_| panic!("{wanted:?} never came"));
                assert_ne!(event, WatchEvent::Game("ours".parse().unwrap()));
                if event == wanted {
                    return;
                }
            }
        };
        let game = |id: &str| WatchEvent::Game(id.parse().unwrap());
        tree.put("ut/version.ini", b"2");
        wait_for(game("ut"));
        tree.put("new-game/data", b"x");
        wait_for(game("new-game"));
        // The new folder is watched by now: it was passed on after that.
        tree.put("new-game/data", b"y");
        wait_for(game("new-game"));
        fs::remove_dir_all(tree.path().join("new-game")).unwrap();
        wait_for(WatchEvent::Root);
        drop(watcher);
        assert!(receiver.iter().all(|event| event != WatchEvent::Lost));
    }

    #[test]
    fn paths_mean_what_they_should() {
        let meaning = |path: &str| {
            let mut told = Vec::new();
            classify(Path::new("games"), Path::new(path), &mut |event| told.push(event));
            told
        };
        let ut = || WatchEvent::Game("ut".parse().unwrap());
        assert_eq!(meaning("games"), [WatchEvent::Root]);
        assert_eq!(meaning("games/ut"), [WatchEvent::Root, ut()]);
        assert_eq!(meaning("games/ut/version.ini"), [ut()]);
        assert_eq!(meaning("games/ut/local"), [ut()]);
        for ours in [".lanspread", ".lanspread.json", ".version.ini.tmp", ".local.installing"] {
            assert_eq!(meaning(&format!("games/ut/{ours}")), []);
        }
        for nothing in ["games/.lanspread/index", "games/No Game", "elsewhere"] {
            assert_eq!(meaning(nothing), []);
        }
    }
}
