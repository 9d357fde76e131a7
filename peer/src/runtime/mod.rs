//! The background thread that runs a peer.

pub mod control;
pub mod supervisor;
