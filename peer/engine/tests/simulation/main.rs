//! Many engines in one process: a virtual clock, a seeded network, model disks, seeded faults.
//!
//! A [`world::World`] plays the shell of every peer: it carries out effects and feeds their results back, with delays
//! and faults drawn from one seed. After each step it checks what must always hold ([`check`]). One seed reproduces
//! one run exactly; a failure prints the seed and the last events of every peer.
//!
//! `LANSPREAD_SIM_SEED=n` reruns one seed of the soak test, `LANSPREAD_SIM_SEEDS=n` runs the first `n`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail at any line")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::unchecked_time_subtraction,
    reason = "numbers of a simulation are small, and its time runs forward"
)]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test looks at what concerns it")]

mod check;
mod content;
mod dice;
mod disk;
mod liveness;
mod net;
mod node;
mod shell;
mod world;

mod blobs;
mod catalogs;
mod downloads;
mod garbage;
mod hostile;
mod meeting;
mod operations;
mod playing;
mod shown;
mod sizes;
mod slow;
mod soak;
mod swarms;
mod updates;
