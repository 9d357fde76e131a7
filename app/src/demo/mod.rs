//! `--demo`: a whole party on this PC, with nothing to prepare.
//!
//! Three more peers run in this process. Everybody listens on the loopback address alone, announces nothing, and knows
//! the others by their addresses: a real party on the same network neither sees the demo nor is seen. Everything lies in
//! a temporary folder that is deleted at the end; nothing is kept in a person's settings.
//!
//! The window's own peer is a newcomer with an empty folder and the demo organiser's signed catalog. What it downloads
//! is rate-limited by the others, so that one sees it happen, and a while after its first download the organiser
//! publishes a new version of that game. Starting a game opens a small window of this program ([`game`]).

pub mod game;
mod party;
mod samples;
mod world;

pub use party::{Pace, Party};
pub use samples::Sample;
pub use world::DemoError;
