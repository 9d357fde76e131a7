//! Downloads beside sources, guests and lines that are slow, silent or lying, each beside the same download without.

use std::time::{Duration, Instant};

use lanspread_tests::{
    Event, GIB, Game, Lan, Line, MIB, Mark, Party, Payload, Peer, Published, Relay, Reply, Stranger,
};
use serde_json::json;

use crate::bounds::mb_per_sec;

/// A transfer that takes longer has failed; the benchmark says so and goes on.
const LONGEST: Duration = Duration::from_mins(4);
/// Bytes of UDP's payload that a gigabit cable carries in a second.
const GIGABIT: u64 = 119_000_000;

/// Awaits the end of a download; seconds since `start`, infinite when it does not end.
fn until_finished(peer: &Peer, mark: Mark, start: Instant) -> f64 {
    let end = peer.wait_at_most(LONGEST, mark, |event| {
        event.about("operation-finished", "arena") || event.about("operation-failed", "arena")
    });
    match end {
        Some(end) if end.is("operation-finished") => start.elapsed().as_secs_f64(),
        Some(end) => panic!("{} failed: {end}", peer.name()),
        None => {
            println!("   {} is not finished after {LONGEST:?}: {}", peer.name(), peer.game("arena"));
            f64::INFINITY
        }
    }
}

/// Downloads the game from so many sources and prints the time.
fn fetch(what: &str, peer: &Peer, sources: u64) -> f64 {
    peer.until_sources("arena", sources);
    let start = Instant::now();
    let mark = peer.download("arena");
    let after = |is_it: &dyn Fn(&Event) -> bool| {
        let event = peer.wait_at_most(LONGEST, mark, |event| is_it(event) && event["game"] == "arena");
        event.map_or(f64::INFINITY, |_| start.elapsed().as_secs_f64())
    };
    let begun = after(&|event| event.is("download-started"));
    let first = after(&|event| event.is("download-progress") && event.number("bytes_done") > 0);
    let secs = until_finished(peer, mark, start);
    println!("   {what}: {secs:.2} s; the manifest came after {begun:.2} s, first bytes after {first:.2} s");
    secs
}

/// Downloads from the seed alone, for comparison. A machine that uses memory for the first time is faster than ever
/// after, so a comparison takes the mean of a download before and one after, and none of the very first.
fn fetch_alone(party: &Party, seed: &Peer, nth: u32) -> f64 {
    let guest = party.peer(&format!("guest-alone-{nth}")).patient().knows(seed).start();
    let secs = fetch(if nth == 0 { "to warm up" } else { "the seed alone" }, &guest, 1);
    let games = guest.games().to_owned();
    drop(guest);
    drop(std::fs::remove_dir_all(games));
    secs
}

fn ratio(what: &str, secs: f64, beside: f64) {
    println!("   {what}: {:.2} ×", secs / beside);
}

fn big(party: &Party, bytes: u64) -> Published {
    party.publish_in_place(&Game::big("arena", bytes))
}

pub(crate) fn resume() {
    const BYTES: u64 = 700_000_000;
    const KILLED_AT: u64 = 440_000_000;
    let party = Party::new();
    let game = big(&party, BYTES);
    let rest_party = Party::new();
    let rest = big(&rest_party, BYTES - KILLED_AT);
    let seed = rest_party.origin("seed-of-rest", &rest).patient().start();
    let guest = rest_party.peer("guest-of-rest").patient().knows(&seed).start();
    let at_once = fetch("as many bytes as will be missing, in one go", &guest, 1);
    drop((seed, guest));

    // Slow enough to be killed at the right moment.
    let seed = party.origin("seed", &game).upload_limit(100_000_000).patient().start();
    let mut guest = party.peer("guest").patient().knows(&seed).start();
    let mark = guest.download("arena");
    guest.wait_after(mark, "440 MB", |event| {
        event.about("download-progress", "arena") && event.number("bytes_done") >= KILLED_AT
    });
    guest.kill9();
    seed.ask(json!({ "cmd": "set", "upload_limit": 0 }));
    guest.restart();
    let start = Instant::now();
    while guest.status("rx_bytes") == 0 && start.elapsed() < LONGEST {
        guest.wait_at_most(Duration::from_millis(20), guest.mark(), |event| event.is("download-progress"));
    }
    println!(
        "   killed after 440 MB and started again: first new byte after {:.2} s",
        start.elapsed().as_secs_f64()
    );
    let secs = until_finished(&guest, Mark::default(), start);
    println!("   finished after {secs:.2} s, with what was here hashed again");
    ratio("beside the missing bytes in one go", secs, at_once);
}

pub(crate) fn slow_source() {
    let party = Party::new();
    let game = big(&party, GIB);
    let seed = party.origin("seed", &game).patient().start();
    fetch_alone(&party, &seed, 0);
    let before = fetch_alone(&party, &seed, 1);
    let slow = party.linked_seed("slow", &game).upload_limit(30_000).patient().start();
    slow.until_state("arena", "downloaded");
    let guest = party.peer("guest-2").patient().knows(&seed).knows(&slow).start();
    let both = fetch("with a source of 30 kB/s", &guest, 2);
    drop(slow);
    let after = fetch_alone(&party, &seed, 2);
    ratio("beside the seed alone", both, f64::midpoint(before, after));
}

/// Downloads from the seed alone, and then with so many strangers that offer the game, each from a PC of its own, and
/// answer nothing.
fn beside_silent(bytes: u64, strangers: u8, offer: fn(&Payload) -> lanspread_protocol::message::Offer) {
    let party = Party::new();
    let game = big(&party, bytes);
    let payload = Payload::of(&game);
    let seed = party.origin("seed", &game).patient().start();
    fetch_alone(&party, &seed, 0);
    let before = fetch_alone(&party, &seed, 1);
    let guest = party.peer("guest").patient().knows(&seed).start();
    let silent: Vec<_> = (1..=strangers)
        .map(|nth| {
            let offers = vec![offer(&payload)];
            let stranger =
                Stranger::offering_from(&format!("127.0.0.{}", 200 + nth), &guest.address(), offers);
            stranger.replies(|_| Reply::Stall(Vec::new()));
            stranger
        })
        .collect();
    let sources = 1 + silent.len() as u64;
    let secs = fetch(&format!("with {strangers} silent ones"), &guest, sources);
    drop((silent, guest));
    let after = fetch_alone(&party, &seed, 2);
    ratio("beside the seed alone", secs, f64::midpoint(before, after));
}

pub(crate) fn silent_sources() {
    beside_silent(2 * GIB, 4, Payload::complete);
}

pub(crate) fn announcers() {
    beside_silent(512 * MIB, 2, |payload| payload.every_unit(7));
}

pub(crate) fn slow_uploaders() {
    const RATE: u64 = 100_000_000;
    let party = Party::new();
    let game = big(&party, 400 * MIB);
    let seed = party.origin("seed", &game).upload_limit(RATE).patient().start();
    let all = |slow: usize| {
        let guests: Vec<_> = (0..4)
            .map(|nth| {
                let guest = party.peer(&format!("guest-{slow}-{nth}")).patient().knows(&seed);
                if nth < slow { guest.upload_limit(50_000).start() } else { guest.start() }
            })
            .collect();
        for guest in &guests {
            guest.until("all are here", |guest| guest.connected().len() == guests.len());
            guest.until_sources("arena", 1);
        }
        let start = Instant::now();
        let marks: Vec<_> = guests.iter().map(|guest| guest.download("arena")).collect();
        let ends = guests.iter().zip(marks).map(|(guest, mark)| until_finished(guest, mark, start));
        let secs = ends.fold(0.0, f64::max);
        println!("   {slow} of 4 guests upload 50 kB/s: the last ended after {secs:.1} s");
        secs
    };
    let (fast, slow) = (all(0), all(3));
    let alone = (4 * game.bytes) as f64 / RATE as f64;
    println!("   the seed alone would need {alone:.1} s for four copies");
    ratio("beside all fast", slow, fast);
}

pub(crate) fn slow_guest() {
    const MBIT: u32 = 2;
    let Some(lan) = Lan::new("a guest on a slow link") else { return };
    let party = Party::new();
    let game = big(&party, 12 * MIB);
    let ideal = game.bytes as f64 * 8.0 / (f64::from(MBIT) * 1e6);
    println!("   {:.1} s is the least for {} bytes", ideal, game.bytes);
    let sources: Vec<_> = (1..=15)
        .map(|nth| party.linked_seed(&format!("source-{nth}"), &game).on(&lan.host()).patient().start())
        .collect();
    for count in [1, 5, 10, 15] {
        let host = lan.host().limited_to(MBIT);
        let known = &sources[..count];
        // The counts grow: sources that earlier guests made known to one another are among these.
        let guest = party.peer(&format!("guest-of-{count}")).on(&host).patient();
        let guest = known.iter().fold(guest, lanspread_tests::PeerBuilder::knows).start();
        guest.until_sources("arena", count as u64);
        let before = host.received_bytes();
        let secs = fetch(&format!("{count} sources"), &guest, count as u64);
        ratio("beside the ideal", secs, ideal);
        let wire = (host.received_bytes() - before) as f64 / game.bytes as f64;
        println!("   {wire:.2} × the game's bytes on the wire");
    }
}

pub(crate) fn reordering() {
    let over = |what: &str, line: Line| {
        let party = Party::new();
        let game = big(&party, 96 * MIB);
        let seed = party.origin("seed", &game).patient().start();
        let relay = Relay::to(&seed.address(), line, 1);
        let guest = party.peer("guest").patient().arg("--peer").arg(&relay.address()).start();
        let secs = fetch(what, &guest, 1);
        let relayed = relay.relayed();
        println!("   {:.1} MB/s; {relayed:?}", mb_per_sec(game.bytes, secs));
        if relay.overflowed() > 0 {
            println!("   the relay itself lost {} packets: the figure says little", relay.overflowed());
        }
        secs
    };
    let micros = Duration::from_micros;
    let in_order = over("1.5 ms for each packet", Line::constant(micros(1_500)));
    let jittering = Line::random(micros(1_000), micros(2_000)).in_order();
    over("1.0 to 2.0 ms by chance, in order", jittering);
    let reordered = over("1.0 to 2.0 ms by chance", Line::random(micros(1_000), micros(2_000)));
    ratio("the rate beside the one in order", in_order, reordered);
    // Loopback hands a burst over at once; a cable needs 12 µs for each packet.
    let in_order = over("1.5 ms behind a gigabit cable", Line::constant(micros(1_500)).limited_to(GIGABIT));
    let jittering = Line::random(micros(1_000), micros(2_000)).limited_to(GIGABIT);
    let reordered = over("1.0 to 2.0 ms by chance behind a gigabit cable", jittering);
    ratio("the rate beside the one in order", in_order, reordered);
}

pub(crate) fn trickle_manifest() {
    let party = Party::new();
    let game = big(&party, 8 * MIB);
    let payload = std::sync::Arc::new(Payload::of(&game));
    let seed = party.origin("seed", &game).patient().start();
    let guest = party.peer("guest").patient().knows(&seed).start();
    guest.until_sources("arena", 1);
    let strangers: Vec<_> = (0..5)
        .map(|_| {
            let stranger = Stranger::offering_from("127.0.0.201", &guest.address(), vec![payload.complete()]);
            let payload = std::sync::Arc::clone(&payload);
            stranger.replies(move |request| {
                let mut first = payload.answer(request);
                let rest = first.split_off(8.min(first.len()));
                Reply::Trickle { first, rest, bytes_per_sec: 4 }
            });
            stranger
        })
        .collect();
    guest.until_sources("arena", 1 + strangers.len() as u64);
    let start = Instant::now();
    let mark = guest.download("arena");
    match guest.wait_at_most(LONGEST, mark, |event| event.about("download-started", "arena")) {
        Some(_) => println!("   the download started after {:.2} s", start.elapsed().as_secs_f64()),
        None => println!("   the download has not started after {LONGEST:?}"),
    }
}
