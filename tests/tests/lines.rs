//! Downloads over bad lines: packets out of order, and packets that are lost.

use std::time::Duration;

use lanspread_tests::{Game, Line, MIB, Party, Relay, assert_same_tree};

/// Downloads a game over this line, which must carry all of it.
fn arrives_whole_over(line: Line) -> lanspread_tests::Relayed {
    let party = Party::new();
    let game = party.publish(&Game::big("arena", 4 * MIB).small_files(30, 1_000, 20_000));
    let seed = party.seed("seed", &[&game]).start();
    let relay = Relay::to(&seed.address(), line, 1);
    let ben = party.peer("ben").arg("--peer").arg(&relay.address()).start();
    ben.fetch("arena");
    assert_same_tree(&game.payload, &ben.folder("arena"));
    assert_eq!(ben.count("chunk-rejected"), 0);
    let relayed = relay.relayed();
    assert!(relayed.bytes > game.bytes, "the peers found a way around the relay: {relayed:?}");
    relayed
}

#[test]
fn a_download_over_a_line_that_reorders_arrives_whole() {
    let line = Line::random(Duration::from_millis(1), Duration::from_millis(2));
    let relayed = arrives_whole_over(line);
    assert!(relayed.overtaken > relayed.packets / 10, "the line kept the order: {relayed:?}");
    assert_eq!(relayed.dropped, 0);
}

#[test]
fn a_download_over_a_line_that_loses_packets_arrives_whole() {
    let line = Line::constant(Duration::from_millis(1)).losing_once_in(100);
    let relayed = arrives_whole_over(line);
    assert!(relayed.dropped > 0, "the line lost nothing: {relayed:?}");
}

#[test]
fn a_download_over_a_slow_line_arrives_whole() {
    let relayed = arrives_whole_over(Line::constant(Duration::ZERO).limited_to(4_000_000));
    assert!(relayed.packets > 0);
}
