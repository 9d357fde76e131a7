//! Transactions on a model of a disk: a crash at every change, with every prefix of what was not flushed lost, and
//! again in every recovery; every error at every step; recovery from whatever intent and disk.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail at any line")]

mod arbitrary;
mod disk;
mod failures;
mod matrix;
mod perform;
mod scenario;
