//! The background thread that runs a peer.

pub mod supervisor;
