//! The headless contract: commands as JSON lines in, replies and events as JSON lines out.
//!
//! The same conversation runs over a program's stdin and stdout and over the control connection of a running peer.
//! A line that is not understood is answered with what is wrong with it and changes nothing. No line grows the peer
//! without bound: one that is too long is read to its end and not kept.

pub mod command;
pub mod lines;
pub mod publish;
pub mod session;
