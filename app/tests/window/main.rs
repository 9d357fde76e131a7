//! The window, by what people see of it: hand-made snapshots, found by accessible names, and pictures of them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a harness fails its test by panicking")]

mod downloads;
mod harness;
mod library;
mod names;
mod party;
mod pictures;
mod publish;
mod scenes;
mod settings;
mod setup;
mod widgets;
