//! The running Lanspread peer: network, disk and discovery around the engine.

pub mod discovery;
pub mod identity;
pub mod net;
