//! The background thread that runs a peer.

pub mod control;
pub mod supervisor;

use crate::api::{PeerConfig, PeerRuntimeHandle, Waker, connect_runtime};

/// Why a peer cannot start.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StartError(String);

/// A stand-in until there is an event loop: it fails as soon as it is started.
#[allow(clippy::needless_pass_by_value, reason = "the real one keeps it")]
pub fn start_peer(config: PeerConfig, waker: Waker) -> Result<PeerRuntimeHandle, StartError> {
    if !config.games.is_dir() {
        return Err(StartError(format!("“{}” is no folder", config.games.display())));
    }
    let (handle, side) = connect_runtime(waker);
    let error = "there is no event loop yet".to_owned();
    side.fail(supervisor::RuntimeFailure { component: "runtime".to_owned(), error });
    Ok(handle)
}
