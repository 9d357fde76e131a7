//! Games on their way.

use std::time::Instant;

use lanspread_tests::{GIB, Game, KIB, Lan, MIB, Party, Peer};

use crate::bounds::{bare_quinn, disk_write, mb_per_sec, small_writes};
use crate::cost::{Meter, figure};

/// A link's rate in MB/s, and what packet headers leave of it for a file's bytes.
fn link(mbit: u32) -> [(&'static str, f64); 1] {
    [("the link", f64::from(mbit) / 8.0)]
}

/// Seconds from the command to the end of the operation: verified, on disk and flushed.
fn fetch(peer: &Peer, game: &str) -> f64 {
    peer.until_sources(game, 1);
    let start = Instant::now();
    peer.fetch(game);
    start.elapsed().as_secs_f64()
}

fn fetch_on_loopback(party: &Party, game: &Game, bounds: &[(&str, f64)]) -> f64 {
    let published = party.publish_in_place(game);
    let seed = party.origin(&format!("seed-{}", game.id), &published).patient().start();
    let guest = party.peer(&format!("guest-{}", game.id)).patient().knows(&seed).start();
    guest.until_sources(&game.id, 1);
    let meter = Meter::start([&seed, &guest]);
    let rate = mb_per_sec(published.bytes, fetch(&guest, &game.id));
    figure(&format!("{} MB fetched at", published.bytes / 1_000_000), rate, "MB/s", bounds);
    meter.print();
    rate
}

/// Rounds of what other programs on the machine disturb most; the ratios of each round are of things measured one after
/// the other.
const ROUNDS: usize = 3;

pub(crate) fn loopback() {
    for _ in 0..ROUNDS {
        let party = Party::new();
        let bounds =
            [("a bare quinn stream", bare_quinn()), ("writing to the disk", disk_write(party.path()))];
        fetch_on_loopback(&party, &Game::big("arena", GIB), &bounds);
    }
}

pub(crate) fn small_files() {
    const BYTES: std::ops::Range<u64> = 4 * KIB..32 * KIB;
    for _ in 0..ROUNDS {
        let party = Party::new();
        let many = Game::new("many", "1").small_files(20_000, BYTES.start, BYTES.end);
        let sizes: Vec<u64> =
            (0..20_000).map(|nth| BYTES.start + nth * 7919 % (BYTES.end - BYTES.start)).collect();
        let writing = small_writes(party.path(), &sizes);
        let big = fetch_on_loopback(&party, &Game::big("one", 360 * MIB), &[]);
        fetch_on_loopback(&party, &many, &[("one big file", big), ("writing as many files", writing)]);
    }
}

fn over_link(mbit: u32, bytes: u64) {
    let Some(lan) = Lan::new("a limited link") else { return };
    let party = Party::new();
    let published = party.publish_in_place(&Game::big("arena", bytes));
    let seed = party.origin("seed", &published).on(&lan.host().limited_to(mbit)).patient().start();
    let guest = party.peer("guest").on(&lan.host().limited_to(mbit)).patient().knows(&seed).start();
    guest.until_sources("arena", 1);
    let meter = Meter::start([&seed, &guest]);
    let rate = mb_per_sec(published.bytes, fetch(&guest, "arena"));
    figure("file bytes at", rate, "MB/s", &link(mbit));
    meter.print();
}

pub(crate) fn link_1000() {
    over_link(1000, GIB);
}

pub(crate) fn link_100() {
    over_link(100, 256 * MIB);
}

pub(crate) fn swarm() {
    const MBIT: u32 = 100;
    let Some(lan) = Lan::new("a swarm") else { return };
    let party = Party::new();
    let published = party.publish_in_place(&Game::big("arena", 200 * MIB));
    let host = || lan.host().limited_to(MBIT);
    let seed = party.origin("seed", &published).on(&host()).patient().start();
    let guests: Vec<_> = (1..=8)
        .map(|n| party.peer(&format!("guest-{n}")).on(&host()).patient().knows(&seed).start())
        .collect();
    for guest in &guests {
        guest.until("all are here", |guest| guest.connected().len() == 8);
        guest.until_sources("arena", 1);
    }
    let meter = Meter::start([&seed, &guests[0], &guests[7]]);
    let start = Instant::now();
    let marks: Vec<_> = guests.iter().map(|guest| guest.download("arena")).collect();
    for (guest, mark) in guests.iter().zip(marks) {
        guest.wait_downloaded(mark, "arena");
    }
    let secs = start.elapsed().as_secs_f64();
    let bound = published.bytes as f64 * 8.0 / (f64::from(MBIT) * 1e6);
    println!("   the last of 8 ended after {secs:.1} s: {:.2} × the bound of {bound:.1} s", secs / bound);
    let sent = seed.status("tx_bytes") as f64 / published.bytes as f64;
    println!("   the seed sent the game {sent:.2} times");
    meter.print();
}

pub(crate) fn memory() {
    let party = Party::new();
    let published = party.publish(&Game::big("arena", 256 * MIB));
    let seeds: Vec<_> = (1..=8)
        .map(|n| party.seed(&format!("seed-{n}"), &[&published]).upload_limit(4 * MIB).patient().start())
        .collect();
    let mut middle = party.peer("middle").patient();
    for seed in &seeds {
        middle = middle.knows(seed);
    }
    let middle = middle.start();
    middle.until_sources("arena", 8);
    let guests: Vec<_> =
        (1..=30).map(|n| party.peer(&format!("guest-{n}")).patient().knows(&middle).start()).collect();
    let meter = Meter::start([&middle]);
    let mark = middle.download("arena");
    for guest in &guests {
        guest.download("arena");
    }
    middle.wait_downloaded(mark, "arena");
    println!("   it served {} chunks meanwhile", middle.status("served_chunks"));
    meter.print();
}
