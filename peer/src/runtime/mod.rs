//! The background thread that runs a peer: the engine, and the shell around it.
//!
//! - [`start_peer`] makes the thread and hands out a [`crate::api::PeerRuntimeHandle`];
//! - `event_loop` owns the engine: inputs in, effects out, one at a time, and never waits for anything but the next
//!   input;
//! - `effects` turns each effect into a call or a task, `library`, `manifests`, `transfers`, `catalogs` and `covers` are those tasks; every
//!   result comes back as an input;
//! - `games_folder`: whether a folder can be the games folder, and the one in use;
//! - `surroundings`: free space, and what keeps PCs from meeting;
//! - `fault` lets a service fail, for tests;
//! - `supervisor` keeps services running by their policies and bounds the stop.

mod catalogs;
pub mod control;
mod covers;
mod effects;
mod event_loop;
pub mod fault;
mod games_folder;
mod install;
mod library;
mod manifests;
mod playing;
mod races;
mod start;
mod state;
pub mod supervisor;
mod surroundings;
mod transfers;
mod works;

pub use games_folder::GamesFolderError;
pub use start::{StartError, start_peer};
