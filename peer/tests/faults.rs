//! What a running peer makes of a service that fails: by panic, and by an end before its time.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

use std::net::Ipv4Addr;

use lanspread_peer::api::{
    Fault, FaultKind, PeerCommand, PeerConfig, PeerEvent, PeerReply, PeerRuntimeHandle, Waker,
};
use lanspread_peer::disk::{FolderLock, GamesFolder};
use lanspread_peer::runtime::start_peer;
use tempfile::TempDir;
use tokio::sync::broadcast::Receiver;

const KINDS: [FaultKind; 2] = [FaultKind::Panic, FaultKind::EarlyEnd];

struct Scene {
    folder: TempDir,
    peer: PeerRuntimeHandle,
    events: Receiver<PeerEvent>,
    fault: Fault,
}

/// A peer on loopback, one of whose services fails when it is first started.
fn scene(service: &'static str, kind: FaultKind) -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let fault = Fault::new(service, kind);
    let mut config = PeerConfig::new(folder.path());
    // Where discovery fails before it begins, nobody is spoken to.
    (config.mdns, config.port, config.bind) =
        (service == "discovery", Some(0), vec![Ipv4Addr::LOCALHOST.into()]);
    config.fault = Some(fault.clone());
    let peer = start_peer(config, Waker::none()).unwrap();
    let events = peer.subscribe();
    Scene { folder, peer, events, fault }
}

impl Scene {
    async fn is_answered(&self) {
        let reply = self.peer.send(PeerCommand::Status).unwrap().await.unwrap();
        assert!(matches!(reply, Ok(PeerReply::Status(_))), "{reply:?}");
    }

    /// Nothing of it is left: another program could take the folder. Whether it stopped in order.
    async fn has_stopped(self) -> bool {
        let stopped = self.peer.wait_stopped().await;
        assert!(FolderLock::acquire(&GamesFolder::new(self.folder.path())).is_ok());
        stopped.is_ok()
    }
}

#[tokio::test]
async fn a_failed_network_is_told_and_stops_the_peer() {
    for kind in KINDS {
        let mut scene = scene("network", kind);
        let told = loop {
            let event = scene.events.recv().await.unwrap();
            assert!(event != PeerEvent::Stopped, "it stopped without a word");
            if let PeerEvent::RuntimeFailed { component, error } = event {
                break (component, error);
            }
        };
        assert_eq!(told.0, "network", "{told:?}");
        while !matches!(scene.events.recv().await.unwrap(), PeerEvent::Stopped) {}
        assert!(scene.peer.snapshot().failure.is_some(), "a window can still say why");
        assert!(!scene.has_stopped().await);
    }
}

#[tokio::test]
async fn a_failed_service_is_started_again_and_the_peer_goes_on() {
    // The pause between two runs is that of the product, so all wait side by side.
    let services = ["adapters", "catalog file"];
    let scenes: Vec<Scene> =
        services.iter().flat_map(|service| KINDS.map(|kind| scene(service, kind))).collect();
    for mut scene in scenes {
        let mut runs = scene.fault.runs.subscribe();
        assert!(runs.wait_for(|runs| *runs >= 2).await.is_ok(), "{}", scene.fault.service);
        scene.is_answered().await;
        while let Ok(event) = scene.events.try_recv() {
            assert!(!matches!(event, PeerEvent::RuntimeFailed { .. }), "{event:?}");
        }
        scene.peer.shutdown();
        assert!(scene.has_stopped().await);
    }
}

#[tokio::test]
async fn a_peer_goes_on_without_a_service_that_failed() {
    // Discovery would be started again after its pause; this peer stops before it speaks to anybody.
    for (service, kind) in [("control", KINDS[0]), ("control", KINDS[1]), ("discovery", KINDS[0])] {
        let scene = scene(service, kind);
        let mut runs = scene.fault.runs.subscribe();
        assert!(runs.wait_for(|runs| *runs == 1).await.is_ok());
        scene.is_answered().await;
        scene.peer.shutdown();
        assert!(scene.has_stopped().await);
    }
}

#[tokio::test]
async fn a_dropped_handle_stops_the_peer() {
    let scene = scene("none", FaultKind::Panic);
    let (folder, mut events) = (scene.folder, scene.events);
    drop(scene.peer);
    while !matches!(events.recv().await, Ok(PeerEvent::Stopped) | Err(_)) {}
    drop(folder);
}
