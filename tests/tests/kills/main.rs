//! `kill -9` at any time: while a game is downloaded, updated, installed, uninstalled, verified, removed or published,
//! and while the peer puts right what the last kill left.
//!
//! After each recovery a game is in its old state or in its new one, a person's files are there, and nothing of ours
//! lies around. `LANSPREAD_KILLS` is how many times in all, `LANSPREAD_KILLS_SEED` repeats a run's throws; when
//! exactly a kill hits is the machine's affair.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests fail the test")]
mod check;
mod versions;
mod world;

use lanspread_tests::note;

use versions::Packed;
use world::World;

const KILLS: u64 = 600;

fn survive(what: &str, packed: Packed) {
    let kills =
        std::env::var("LANSPREAD_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(KILLS) / 2;
    let mut world = World::new(packed);
    while world.kills < kills {
        world.round();
    }
    let (ben, expected) = world.recovered();
    world.check(&ben, expected);
    let mid_work: u64 = world.mid_work.values().sum();
    note(&format!(
        "{what}: {} kills survived, {mid_work} of them in the middle of work {:?} (seed {})",
        world.kills, world.mid_work, world.seed
    ));
    assert!(mid_work * 4 > world.kills, "most kills came too late: {:?}", world.durations);
}

#[test]
fn a_game_of_files_survives_every_kill() {
    survive("a game of files", Packed::AsFiles);
}

#[test]
fn a_game_in_an_archive_survives_every_kill() {
    survive("a game in an archive", Packed::InArchive);
}
