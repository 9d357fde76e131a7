//! What the black-box tests and the benchmark stand on.
//!
//! A story starts real `lanspread-peer` processes ([`Party`], [`Peer`]), gives them generated games
//! ([`Game`]), awaits their events, and compares trees ([`assert_same_tree`]). Nothing here looks inside a
//! peer: what a story knows it knows from the JSON lines, the files on disk and the exit code.
//!
//! Invariants: each test has its own temporary folder and free ports, so all tests run side by side; what
//! a test started is ended when its handle is dropped; a wait that expires prints all that a person needs
//! to see why. What cannot be tried on this machine says so with [`skip`] and is never counted as tried.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a harness fails its test by panicking, and prints what a person needs to see"
)]

mod dice;
mod disk;
mod frozen;
mod game;
mod lan;
mod party;
mod payload;
mod peer;
mod previous;
mod program;
mod record;
mod relay;
mod screen;
mod stranger;
mod tree;
mod wine;

pub use dice::Dice;
pub use disk::SmallDisk;
pub use frozen::{Asked, FrozenPeer, Said};
pub use game::{GIB, Game, KIB, MIB};
pub use lan::{Host, Lan};
pub use party::{Party, PeerBuilder, Published};
pub use payload::{Payload, ok_of, refusal};
pub use peer::{Peer, Refusal};
pub use previous::previous_program;
pub use program::{Run, lanspread, program, window_program};
pub use record::{Event, Mark};
pub use relay::{Line, Relay, Relayed};
pub use screen::{SCREEN_PROGRAMS, Screen, has_program, pictures, until};
pub use stranger::{Answer, Closed, Reply, Stranger};
pub use tree::{Node, assert_same_tree, copy_tree, link_tree, list_tree, read_tree, rot, write_file};
pub use wine::{Wine, windows_path};

use std::io::Write as _;

/// Says on the real stderr that a story was not tried, and why. The test harness captures only the print
/// macros, so this line reaches the terminal and the CI's summary, which counts lines that begin like this.
pub fn skip(story: &str, why: &str) {
    drop(writeln!(std::io::stderr(), "SKIPPED: {story}: {why}"));
}

/// Says a figure on the real stderr, as [`skip`] does: what a story tried that its result does not tell.
pub fn note(what: &str) {
    drop(writeln!(std::io::stderr(), "NOTE: {what}"));
}

/// True for root: network namespaces and mounts need it.
pub fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            own.uid() == 0
        }
        #[cfg(not(unix))]
        {
            drop(own);
            false
        }
    })
}
