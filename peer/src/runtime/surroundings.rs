//! What surrounds a peer: the space on its disk, and the facts that the party checks tell.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use lanspread_engine::LinkKind;
use lanspread_protocol::DEFAULT_PORT;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::api::{AdapterView, CheckReason, CheckResult, Checks, DiskSpace};
use crate::disk::{DiskError, GamesFolder, space};
use crate::firewall::{self, Finding};

/// Between two looks at the free space.
const DISK_INTERVAL: Duration = Duration::from_secs(5);
/// Before a games folder that was not there is called gone: a drive over the network may miss one look.
const SECOND_LOOK: Duration = Duration::from_secs(1);
/// Between two looks at the firewall: people open it while they look at what is said of it.
const FIREWALL_INTERVAL: Duration = Duration::from_secs(15);

/// Shared by the services that find out and the loop that shows.
#[derive(Clone, Debug, Default)]
pub(super) struct Surroundings(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    disk: ArcSwapOption<DiskSpace>,
    folder_is_gone: AtomicBool,
    /// Another peer was heard by multicast.
    heard: AtomicBool,
    /// Another PC has dialled this one.
    dialled: AtomicBool,
    firewall: ArcSwap<Finding>,
    /// Somebody wants to know how it is now.
    asked: Notify,
    changed: Notify,
}

impl Surroundings {
    /// Something is to be shown.
    pub(super) async fn changed(&self) {
        self.0.changed.notified().await;
    }

    pub(super) fn disk(&self) -> Option<DiskSpace> {
        self.0.disk.load().as_deref().copied()
    }

    pub(super) fn folder_is_gone(&self) -> bool {
        self.0.folder_is_gone.load(Ordering::Relaxed)
    }

    /// Another games folder is in use: what was seen of the old one does not count.
    pub(super) fn folder_is_another(&self) {
        self.0.folder_is_gone.store(false, Ordering::Relaxed);
    }

    /// Looks again at what may have changed.
    pub(super) fn look_again(&self) {
        self.0.asked.notify_one();
    }

    pub(super) fn note_heard(&self) {
        self.0.heard.store(true, Ordering::Relaxed);
    }

    pub(super) fn note_dialled(&self) {
        self.0.dialled.store(true, Ordering::Relaxed);
    }

    /// As far as it is known without disturbing anybody.
    pub(super) fn checks(&self, adapters: &[AdapterView], port: Option<u16>, has_peers: bool) -> Checks {
        let is_proven = |proof: &AtomicBool, reason| match (proof.load(Ordering::Relaxed), has_peers) {
            (true, _) => CheckResult::Ok,
            (false, true) => CheckResult::Limited(reason),
            (false, false) => CheckResult::Unknown,
        };
        Checks {
            adapter: check_adapters(adapters),
            multicast: is_proven(&self.0.heard, CheckReason::NothingHeard),
            port: match port {
                None => CheckResult::Unknown,
                Some(DEFAULT_PORT) => CheckResult::Ok,
                Some(_) => CheckResult::Limited(CheckReason::OtherPort),
            },
            reach: is_proven(&self.0.dialled, CheckReason::NothingInbound),
            firewall: self.0.firewall.load().result,
        }
    }

    /// What the firewall does with this program, when it was last asked.
    pub(super) fn firewall(&self) -> Arc<Finding> {
        self.0.firewall.load_full()
    }

    /// Looks at the firewall again and again, whether it lets others reach a UDP port.
    pub(super) async fn watch_firewall(self, port: u16, token: CancellationToken) -> Result<(), String> {
        loop {
            let look = tokio::task::spawn_blocking(move || firewall::look(port));
            let now = look.await.map_err(|error| error.to_string())?;
            if now != **self.0.firewall.load() {
                tracing::info!(firewall = ?now, "the firewall was asked");
                self.0.firewall.store(Arc::new(now));
                self.0.changed.notify_one();
            }
            tokio::select! {
                () = token.cancelled() => return Ok(()),
                () = tokio::time::sleep(FIREWALL_INTERVAL) => {}
                () = self.0.asked.notified() => {}
            }
        }
    }

    /// Looks at the games folder and its disk again and again.
    pub(super) async fn watch_disk(
        self,
        mut folder: watch::Receiver<PathBuf>,
        token: CancellationToken,
    ) -> Result<(), String> {
        let mut misses = 0_u8;
        loop {
            let looked_at = folder.borrow_and_update().clone();
            let look = tokio::task::spawn_blocking(move || look_at(&looked_at));
            let (now, is_missing) = look.await.map_err(|error| error.to_string())?;
            if folder.has_changed().unwrap_or(false) {
                misses = 0;
                continue;
            }
            misses = if is_missing { misses.saturating_add(1) } else { 0 };
            let is_gone = misses > 1;
            let was_gone = self.0.folder_is_gone.swap(is_gone, Ordering::Relaxed);
            if is_news(self.disk(), now) || is_gone != was_gone {
                self.0.disk.store(now.map(Arc::new));
                self.0.changed.notify_one();
            }
            let pause = if misses == 1 { SECOND_LOOK } else { DISK_INTERVAL };
            tokio::select! {
                () = token.cancelled() => return Ok(()),
                () = tokio::time::sleep(pause) => {}
                Ok(()) = folder.changed() => misses = 0,
            }
        }
    }
}

/// The space of its disk, and whether the games folder of this state is gone: without this peer's lock it is another one,
/// or none.
fn look_at(folder: &Path) -> (Option<DiskSpace>, bool) {
    let is_gone = !folder.parent().is_some_and(|games| GamesFolder::new(games).lock().is_file());
    let space = || {
        let free_bytes = space::free_bytes(folder)?;
        let total_bytes = space::total_bytes(folder)?;
        Ok::<_, DiskError>(DiskSpace { free_bytes, total_bytes })
    };
    let space = space().inspect_err(|error| tracing::debug!(%error, "free space is not known"));
    (space.ok(), is_gone)
}

/// Nobody sees a difference of less than a part in 256; other programs make such all the time, and an idle window sleeps.
fn is_news(before: Option<DiskSpace>, now: Option<DiskSpace>) -> bool {
    match (before, now) {
        (Some(before), Some(now)) => {
            before.total_bytes != now.total_bytes
                || before.free_bytes.abs_diff(now.free_bytes) > now.free_bytes / 256
        }
        (before, now) => before != now,
    }
}

fn check_adapters(adapters: &[AdapterView]) -> CheckResult {
    let has = |kind| adapters.iter().any(|adapter| adapter.kind == kind);
    if has(LinkKind::Cable) {
        CheckResult::Ok
    } else if has(LinkKind::WiFi) {
        CheckResult::Limited(CheckReason::OnlyWiFi)
    } else if has(LinkKind::Virtual) {
        CheckResult::Limited(CheckReason::OnlyVirtual)
    } else {
        CheckResult::Problem(CheckReason::NoAdapter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_changes_of_the_free_space_are_no_news() {
        let disk = |free_bytes| Some(DiskSpace { free_bytes, total_bytes: 1_000_000 });
        assert!(is_news(None, disk(1)) && is_news(disk(1), None));
        assert!(!is_news(disk(500_000), disk(499_000)) && is_news(disk(500_000), disk(490_000)));
        assert!(is_news(disk(1_000), disk(0)), "a full disk is seen");
    }

    #[tokio::test(start_paused = true)]
    async fn a_folder_that_goes_and_comes_back_is_seen() {
        let drive = tempfile::tempdir().unwrap();
        let games = drive.path().join("games");
        let come = || {
            std::fs::create_dir_all(GamesFolder::new(&games).state()).unwrap();
            std::fs::write(GamesFolder::new(&games).lock(), "").unwrap();
        };
        come();
        let state = GamesFolder::new(&games).state();
        let (folder, watched) = watch::channel(state.clone());
        let (surroundings, token) = (Surroundings::default(), CancellationToken::new());
        let watching = tokio::spawn(surroundings.clone().watch_disk(watched, token.clone()));
        surroundings.changed().await;
        assert!(surroundings.disk().is_some() && !surroundings.folder_is_gone());
        std::fs::remove_dir_all(&games).unwrap();
        folder.send_replace(state.clone());
        surroundings.changed().await;
        assert!(surroundings.disk().is_none() && !surroundings.folder_is_gone(), "one look is no proof");
        surroundings.changed().await;
        assert!(surroundings.disk().is_none() && surroundings.folder_is_gone());
        come();
        folder.send_replace(state);
        surroundings.changed().await;
        assert!(surroundings.disk().is_some() && !surroundings.folder_is_gone());
        token.cancel();
        watching.await.unwrap().unwrap();
    }

    #[test]
    fn what_is_not_proven_is_not_called_a_fault() {
        let surroundings = Surroundings::default();
        let adapter = |kind| AdapterView { name: "a".to_owned(), kind, addresses: Vec::new() };
        let alone = surroundings.checks(&[adapter(LinkKind::WiFi)], Some(DEFAULT_PORT), false);
        assert_eq!(alone.adapter, CheckResult::Limited(CheckReason::OnlyWiFi));
        assert_eq!((alone.multicast, alone.reach), (CheckResult::Unknown, CheckResult::Unknown));
        assert_eq!(alone.port, CheckResult::Ok);
        let met = surroundings.checks(&[], Some(1), true);
        assert_eq!(met.adapter, CheckResult::Problem(CheckReason::NoAdapter));
        assert_eq!(met.port, CheckResult::Limited(CheckReason::OtherPort));
        assert_eq!(met.multicast, CheckResult::Limited(CheckReason::NothingHeard));
        assert_eq!(met.reach, CheckResult::Limited(CheckReason::NothingInbound));
        surroundings.note_heard();
        surroundings.note_dialled();
        let proven = surroundings.checks(&[adapter(LinkKind::Cable)], None, true);
        assert_eq!(
            (proven.adapter, proven.multicast, proven.reach),
            (CheckResult::Ok, CheckResult::Ok, CheckResult::Ok)
        );
    }
}
