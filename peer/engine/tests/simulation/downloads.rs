//! Downloads from several sources, and what can happen to them.

use std::time::Duration;

use lanspread_engine::{AfterDownload, Command, Event, Input, OperationKind};

use crate::content::{Release, UNIT, plain, release, repetitive};
use crate::node::{NodeId, Setup};
use crate::world::World;

/// So many sources of a game, and one peer that wants it.
pub(crate) fn party(seed: u64, sources: usize, payload: &Release, rate: u64) -> (World, Vec<NodeId>, NodeId) {
    let mut world = World::new(seed);
    let given = plain(vec![payload.pinned()]);
    let sources: Vec<NodeId> =
        (0..sources).map(|_| world.add(Setup::new().catalog(&given).has(payload).link(rate))).collect();
    let guest = world.add(Setup::new().catalog(&given));
    let count = sources.len();
    world.until("the sources are known", 5, |world| world.sources(guest, payload) == count);
    (world, sources, guest)
}

pub(crate) fn all_gone(event: &Event) -> bool {
    matches!(event, Event::DownloadAllPeersGone { .. })
}

pub(crate) fn failed(event: &Event) -> bool {
    matches!(event, Event::OperationFailed { .. })
}

fn finished(event: &Event) -> bool {
    matches!(event, Event::OperationFinished { operation: OperationKind::Download, .. })
}

#[test]
fn three_sources_all_contribute() {
    for seed in 0..5 {
        let payload = release("ut", "1", 200);
        let (mut world, sources, guest) = party(seed, 3, &payload, 20_000_000);
        world.download(guest, &payload);
        world.until("it is here", 10, |world| world.shares(guest, &payload));
        for source in sources {
            let bytes = world.nodes[guest.0].received[&(payload.game.clone(), source)];
            let share = bytes as f64 / payload.manifest.total_bytes() as f64;
            assert!(share > 0.2, "seed {seed}: {source:?} brought {share}");
        }
        assert!(world.nodes[guest.0].wasted_units <= 12, "{}", world.nodes[guest.0].wasted_units);
        world.run_for(Duration::from_secs(2));
        assert_eq!((world.count(guest, all_gone), world.count(guest, failed)), (0, 0));
        assert_eq!(world.count(guest, finished), 1);
        let now_a_source = |event: &Event| matches!(event, Event::PeerLibraryChanged { games, .. } if games.iter().any(|game| game.complete));
        assert!(world.count(guest, now_a_source) >= 3);
    }
}

#[test]
fn a_slow_source_does_not_hold_the_end_up() {
    let payload = release("ut", "1", 400);
    let (mut world, sources, guest) = party(1, 2, &payload, 50_000_000);
    world.nodes[sources[0].0].up = 500_000;
    let start = world.now;
    world.download(guest, &payload);
    world.until("it is here", 20, |world| world.shares(guest, &payload));
    let took = (world.now - start).as_secs_f64();
    let bound = payload.manifest.total_bytes() as f64 / 50_500_000.0;
    assert!(took < 1.6 * bound + 0.5, "{took:.2} s, {bound:.2} s would do");
}

#[test]
fn a_very_slow_link_still_gets_there() {
    // A unit takes longer than any fixed patience.
    let payload = release("ut", "1", 6);
    let (mut world, _, guest) = party(1, 1, &payload, 30_000);
    world.download(guest, &payload);
    world.until("it is here", 150, |world| world.shares(guest, &payload));
    assert_eq!(world.count(guest, all_gone), 0);
}

#[test]
fn chunks_that_come_again_are_fetched_once() {
    for seed in 0..5 {
        let payload = repetitive("ut", "1", 90);
        let (mut world, _, guest) = party(seed, 2, &payload, 50_000_000);
        world.download(guest, &payload);
        world.until("it is here", 10, |world| world.shares(guest, &payload));
        let received: u64 = world.nodes[guest.0].received.values().sum();
        let own: u64 = payload.manifest.units().iter().map(|unit| u64::from(unit.own_bytes)).sum();
        assert!(received <= own + 6 * u64::from(UNIT), "{received} for {own}");
    }
}

#[test]
fn a_source_that_dies_half_way_is_replaced() {
    for seed in 0..10 {
        let payload = release("ut", "1", 200);
        let (mut world, sources, guest) = party(seed, 3, &payload, 20_000_000);
        world.download(guest, &payload);
        world.until("half is here", 10, |world| world.nodes[guest.0].units_here(&payload.game) > 100);
        if seed % 2 == 0 {
            world.kill(sources[0]);
        } else {
            world.quit(sources[0]);
        }
        world.until("it is here", 20, |world| world.shares(guest, &payload));
        assert_eq!((world.count(guest, all_gone), world.count(guest, failed)), (0, 0));
    }
}

#[test]
fn all_sources_gone_is_told_once_and_one_back_ends_it() {
    for seed in 0..10 {
        let payload = release("ut", "1", 200);
        let (mut world, sources, guest) = party(seed, 2, &payload, 20_000_000);
        world.download(guest, &payload);
        world.until("some is here", 10, |world| world.nodes[guest.0].units_here(&payload.game) > 50);
        for source in &sources {
            if seed % 2 == 0 { world.kill(*source) } else { world.quit(*source) }
        }
        world.until("it is told", 12, |world| world.count(guest, all_gone) == 1);
        world.run_for(Duration::from_secs(30));
        assert_eq!((world.count(guest, all_gone), world.count(guest, failed)), (1, 0), "{}", world.story());
        let received: u64 = world.nodes[guest.0].received.values().sum();
        world.start(sources[1]);
        world.until("it is here", 40, |world| world.shares(guest, &payload));
        assert_eq!((world.count(guest, all_gone), world.count(guest, failed)), (1, 0));
        let again: u64 = world.nodes[guest.0].received.values().sum::<u64>() - received;
        let missing = payload.manifest.total_bytes() - 50 * u64::from(UNIT);
        assert!(again <= missing, "seed {seed}: what was here is not fetched again");
    }
}

#[test]
fn a_wrong_version_is_no_source() {
    let (new, old) = (release("ut", "2", 8), release("ut", "1", 8));
    let mut world = World::new(1);
    let given = plain(vec![new.pinned()]);
    let guest = world.add(Setup::new().catalog(&given));
    let stale = world.add(Setup::new().catalog(&given).has(&old));
    world.run_for(Duration::from_secs(4));
    assert!(world.all_meet());
    assert_eq!(world.sources(guest, &new), 0);
    let refused = world
        .command(guest, Command::Download { game: new.game.clone(), then: AfterDownload::Nothing })
        .unwrap_err();
    assert_eq!(refused.code, lanspread_engine::ErrorCode::NoSource);
    let view = world.game(stale, &new.game).unwrap();
    assert!(view.update_available);
}

#[test]
fn a_peer_that_changes_its_files_while_it_serves_is_left() {
    let payload = release("ut", "1", 200);
    let (mut world, sources, guest) = party(1, 2, &payload, 20_000_000);
    world.download(guest, &payload);
    world.until("some is here", 10, |world| world.nodes[guest.0].units_here(&payload.game) > 20);
    let node = &mut world.nodes[sources[0].0];
    node.changed_by_hand = true;
    node.disk.folder(&payload.game).remove();
    world.until("it is here", 20, |world| world.shares(guest, &payload));
    world.feed(sources[0], Input::GameTouched(payload.game.clone()));
    world.until("it is no source any more", 5, |world| world.sources(guest, &payload) == 1);
}

#[test]
fn no_space_fails_once_and_can_be_resumed() {
    let payload = release("ut", "1", 20);
    let (mut world, _, guest) = party(1, 1, &payload, 20_000_000);
    world.nodes[guest.0].full_disks.insert(payload.game.clone());
    world.download(guest, &payload);
    world.until("it fails", 3, |world| world.count(guest, failed) == 1);
    world.run_for(Duration::from_secs(20));
    assert_eq!((world.count(guest, all_gone), world.count(guest, failed)), (0, 1));
    world.nodes[guest.0].full_disks.clear();
    world.command(guest, Command::Resume { game: payload.game.clone() }).unwrap();
    world.until("it is here", 10, |world| world.shares(guest, &payload));
}

#[test]
fn a_stalled_source_is_passed_over() {
    let payload = release("ut", "1", 200);
    let (mut world, sources, guest) = party(1, 2, &payload, 20_000_000);
    world.download(guest, &payload);
    world.until("some is here", 10, |world| world.nodes[guest.0].units_here(&payload.game) > 20);
    let until = world.now + Duration::from_mins(1);
    world.nodes[sources[0].0].stalled_until = until;
    let start = world.now;
    world.until("it is here", 20, |world| world.shares(guest, &payload));
    assert!(world.now - start < Duration::from_secs(8), "took {:?}", world.now - start);
}

#[test]
fn a_manifest_that_nobody_gives_is_asked_for_with_patience() {
    let payload = release("ut", "1", 20);
    let (mut world, sources, guest) = party(1, 1, &payload, 20_000_000);
    world.nodes[sources[0].0].disk.manifests.clear();
    world.download(guest, &payload);
    world.run_for(Duration::from_secs(30));
    assert_eq!(world.count(guest, all_gone), 1, "told once\n{}", world.story());
    assert!(world.nodes[guest.0].stats.requests < 40, "{} requests", world.nodes[guest.0].stats.requests);
    world.nodes[sources[0].0].disk.put(&payload);
    world.until("it is here", 40, |world| world.shares(guest, &payload));
}

#[test]
fn a_crash_keeps_what_was_verified() {
    for seed in 0..10 {
        let payload = release("ut", "1", 200);
        let (mut world, _, guest) = party(seed, 2, &payload, 20_000_000);
        world.download(guest, &payload);
        world.until("half is here", 10, |world| world.nodes[guest.0].units_here(&payload.game) > 100);
        let before: u64 = world.nodes[guest.0].received.values().sum();
        // `kill -9` loses nothing; a power loss what was not durable.
        if seed % 2 == 0 {
            world.kill(guest);
        } else {
            world.crash(guest);
        }
        let kept = world.nodes[guest.0].disk.games[&payload.game].parts.len();
        world.run_for(Duration::from_secs(1));
        world.start(guest);
        world.until("it is here, without another click", 30, |world| world.shares(guest, &payload));
        let again: u64 = world.nodes[guest.0].received.values().sum::<u64>() - before;
        let missing = payload.manifest.total_bytes() - kept as u64 * u64::from(UNIT);
        assert!(again <= missing + 8 * u64::from(UNIT), "seed {seed}: {again} again, {missing} were missing");
    }
}

#[test]
fn a_download_survives_lost_packets_and_short_cuts() {
    for seed in 0..10 {
        let payload = release("ut", "1", 100);
        let (mut world, sources, guest) = party(seed, 2, &payload, 20_000_000);
        world.loss_percent = 10;
        world.download(guest, &payload);
        world.until("some is here", 10, |world| world.nodes[guest.0].units_here(&payload.game) > 20);
        for source in sources {
            world.partition(guest, source, Duration::from_secs(5));
        }
        world.until("it is here", 60, |world| world.shares(guest, &payload));
        assert_eq!(world.count(guest, all_gone), 0);
    }
}
