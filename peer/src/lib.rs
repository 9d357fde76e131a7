//! The running Lanspread peer: network, disk and discovery around the engine.

pub mod disk;
pub mod identity;
pub mod net;
