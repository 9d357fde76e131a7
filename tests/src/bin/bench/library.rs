//! Start and rescan with many games.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use lanspread_tests::{Game, KIB, Party, Peer, write_file};

use crate::cost::Meter;

const GAMES: usize = 500;

fn millis_since(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1000.0
}

fn id(number: usize) -> String {
    format!("game-{number:03}")
}

/// All games as whole and idle as they will be.
fn wait_indexed(peer: &Peer) {
    peer.until("all games are indexed", |peer| {
        let games = peer.ask(serde_json::json!({ "cmd": "list" }));
        let games = games["games"].as_array().cloned().unwrap_or_default();
        games.len() == GAMES && games.iter().all(|game| game["local"]["state"] == "downloaded")
    });
}

pub(crate) fn library() {
    let party = Party::new();
    let mut catalog = String::from("(\n  party: \"Bench\",\n  games: [\n");
    let builder = party.peer("peer").patient();
    for number in 0..GAMES {
        let id = id(number);
        let game = Game::new(&id, "1").small_files(40, KIB, 32 * KIB).text("version.ini", "1");
        game.write_to(&builder.games().join(&id));
        writeln!(catalog, "    (id: \"{id}\", title: \"{id}\", version: \"1\"),").unwrap();
    }
    catalog.push_str("  ],\n)\n");
    write_file(builder.catalog(), catalog);
    let catalog = builder.catalog().to_owned();
    let builder = builder.with_catalog(&catalog);

    let start = Instant::now();
    let mut peer = builder.start();
    wait_indexed(&peer);
    println!("   first start, {GAMES} games to be hashed: {:.0} ms", millis_since(start));
    peer.stop();

    let start = Instant::now();
    peer.restart();
    let ready = millis_since(start);
    wait_indexed(&peer);
    println!("   next start: ready after {ready:.0} ms, library there after {:.0} ms", millis_since(start));
    Meter::start([&peer]).print();

    // Another file that is no part of the game changes nothing that others see, so a changed one it is.
    let mut times: Vec<f64> = (0..11)
        .map(|round| {
            // A change alone: what comes soon after another is told together with others.
            std::thread::sleep(Duration::from_millis(1_500));
            let mark = peer.mark();
            let game = id(round * 40);
            let start = Instant::now();
            write_file(&peer.folder(&game).join("version.ini"), "2");
            peer.wait_after(mark, "the change", |event| {
                event.is("local-library-changed") && event["games"].to_string().contains("wrong-version")
            });
            millis_since(start)
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!(
        "   one changed game, from the write to the event: {:.1} ms (median of {}), {:.1} to {:.1} ms",
        times[times.len() / 2],
        times.len(),
        times[0],
        times[times.len() - 1]
    );
}
