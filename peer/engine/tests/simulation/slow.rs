//! Sources that are slow, silent or lie, and guests on slow links, beside good ones: the download takes hardly longer than
//! from the good ones alone.

use std::net::SocketAddr;
use std::time::Duration;

use lanspread_engine::{Command, Event, GivenUp, Input, Settings};
use lanspread_protocol::UnitSet;
use lanspread_protocol::message::{Control, Offer, OfferState};

use crate::content::{Release, UNIT, plain, release};
use crate::downloads::{all_gone, failed};
use crate::node::{NodeId, Setup};
use crate::world::World;

/// A slow uplink of a PC that is honest.
const SLOW: u64 = 30_000;
/// 2 Mbit/s.
const DSL: u64 = 250_000;

/// A party of one guest and these other peers, who are all known to it.
fn party(seed: u64, payload: &Release, others: Vec<Setup>, guest: Setup) -> (World, Vec<NodeId>, NodeId) {
    let mut world = World::new(seed);
    let given = plain(vec![payload.pinned()]);
    let others: Vec<NodeId> =
        others.into_iter().map(|setup| world.add(setup.catalog(&given).has(payload))).collect();
    let guest = world.add(guest.catalog(&given));
    let count = others.len();
    world.until("all are known", 10, |world| world.sources(guest, payload) == count);
    (world, others, guest)
}

/// Downloads, and returns the seconds that it took.
fn fetch(world: &mut World, guest: NodeId, payload: &Release) -> f64 {
    let start = world.now;
    world.download(guest, payload);
    world.until("it is here", 600, |world| world.has(guest, payload));
    assert_eq!((world.count(guest, all_gone), world.count(guest, failed)), (0, 0));
    (world.now - start).as_secs_f64()
}

fn received(world: &World, guest: NodeId) -> u64 {
    world.nodes[guest.0].received.values().sum()
}

fn given_up(world: &World, guest: NodeId, by: NodeId) -> Vec<GivenUp> {
    let peer = world.nodes[by.0].peer;
    let reason = |(_, event): &(Duration, Event)| match event {
        Event::SourceGivenUp { peer_id, reason, .. } if *peer_id == peer => Some(*reason),
        _ => None,
    };
    world.nodes[guest.0].events.iter().filter_map(reason).collect()
}

/// A peer announces all units of a payload that it does not have.
fn announce_all(world: &mut World, from: NodeId, to: NodeId, payload: &Release) {
    let units = UnitSet::full(payload.manifest.units().len());
    let (version, manifest) = (payload.version.clone(), payload.manifest.id());
    let state = OfferState::Partial { version, manifest, units, weight: 7 };
    let changed = vec![Offer { game: payload.game.clone(), state }];
    let conns: Vec<_> = world.nodes[from.0].run().conns.iter().map(|(conn, about)| (*conn, *about)).collect();
    let (conn, _) = conns
        .into_iter()
        .find(|(_, (link, side))| world.links[*link].ends[1 - side].node == to)
        .expect("they are connected");
    world.send(from, conn, Control::LibraryDelta { revision: 1_000, changed, withdrawn: Vec::new() });
}

#[test]
fn a_slow_source_costs_nothing() {
    let payload = release("ut", "1", 4_000);
    for seed in 0..3 {
        let (mut world, _, guest) = party(seed, &payload, vec![Setup::new()], Setup::new());
        let alone = fetch(&mut world, guest, &payload);
        let slow = vec![Setup::new(), Setup::new().uplink(SLOW)];
        let (mut world, _, guest) = party(seed, &payload, slow, Setup::new());
        let beside = fetch(&mut world, guest, &payload);
        assert!(beside <= 1.1 * alone, "seed {seed}: {beside:.2} s, {alone:.2} s without the slow source");
        let bytes = received(&world, guest) as f64 / payload.manifest.total_bytes() as f64;
        assert!(bytes <= 1.03, "seed {seed}: {bytes:.3} of the bytes came");
    }
}

#[test]
fn silent_sources_cost_little_and_are_given_up() {
    let payload = release("ut", "1", 8_000);
    for seed in 0..3 {
        let fast = || Setup::new().link(450_000_000);
        let (mut world, _, guest) = party(seed, &payload, vec![fast()], fast());
        let alone = fetch(&mut world, guest, &payload);
        let others = (0..5).map(|_| fast()).collect();
        let (mut world, others, guest) = party(seed, &payload, others, fast());
        for other in &others[1..] {
            world.nodes[other.0].is_mute = true;
        }
        let beside = fetch(&mut world, guest, &payload);
        assert!(beside <= 1.2 * alone, "seed {seed}: {beside:.2} s, {alone:.2} s without the silent ones");
        for other in &others[1..] {
            assert_eq!(given_up(&world, guest, *other), [GivenUp::Silent]);
        }
        assert!(given_up(&world, guest, others[0]).is_empty());
    }
}

#[test]
fn who_only_announces_costs_little() {
    let payload = release("ut", "1", 2_000);
    for seed in 0..3 {
        let fast = || Setup::new().link(450_000_000);
        let (mut world, _, guest) = party(seed, &payload, vec![fast()], fast());
        let alone = fetch(&mut world, guest, &payload);
        let mut world = World::new(seed);
        let given = plain(vec![payload.pinned()]);
        world.add(fast().catalog(&given).has(&payload));
        let liars = [(); 2].map(|()| world.add(fast().catalog(&given)));
        let guest = world.add(fast().catalog(&given));
        world.until("all meet", 10, World::all_meet);
        for liar in liars {
            world.nodes[liar.0].is_mute = true;
            announce_all(&mut world, liar, guest, &payload);
        }
        world.until("all are known", 10, |world| world.sources(guest, &payload) == 3);
        let beside = fetch(&mut world, guest, &payload);
        assert!(beside <= 1.8 * alone, "seed {seed}: {beside:.2} s, {alone:.2} s without those who announce");
    }
}

#[test]
fn fellows_with_slow_uplinks_do_not_hold_each_other_up() {
    const SEED_RATE: u64 = 100_000_000;
    const LOOPBACK: u64 = 1_000_000_000;
    let payload = release("ut", "1", 1_600);
    let given = plain(vec![payload.pinned()]);
    let all_finish = |seed: u64, uplinks: [u64; 4]| {
        let mut world = World::new(seed);
        world.add(Setup::new().catalog(&given).has(&payload).uplink(SEED_RATE));
        let guests = uplinks.map(|up| world.add(Setup::new().catalog(&given).link(LOOPBACK).uplink(up)));
        for (guest, up) in guests.iter().zip(uplinks) {
            // It is their own limit, so that their weights tell of it.
            let settings = Settings { upload_limit: (up < LOOPBACK).then_some(up), ..Settings::default() };
            world.command(*guest, Command::Set(settings)).unwrap();
        }
        world.until("all meet", 10, World::all_meet);
        world.until("the seed is known", 5, |world| {
            guests.iter().all(|guest| world.sources(*guest, &payload) == 1)
        });
        let start = world.now;
        for guest in guests {
            world.download(guest, &payload);
        }
        world.until("all have it", 600, |world| guests.iter().all(|guest| world.has(*guest, &payload)));
        (world.now - start).as_secs_f64()
    };
    for seed in 0..3 {
        let fast = all_finish(seed, [LOOPBACK; 4]);
        let slow = all_finish(seed, [LOOPBACK, 50_000, 50_000, 50_000]);
        assert!(slow <= 2.0 * fast, "seed {seed}: {slow:.2} s, {fast:.2} s when all are fast");
    }
}

#[test]
fn a_guest_on_a_slow_link_takes_no_longer_with_more_sources() {
    let payload = release("ut", "1", 48);
    let ideal = payload.manifest.total_bytes() as f64 / DSL as f64;
    for count in [1, 5, 10, 15] {
        let others = (0..count).map(|_| Setup::new()).collect();
        let (mut world, _, guest) = party(count, &payload, others, Setup::new().link(DSL));
        let took = fetch(&mut world, guest, &payload);
        let bytes = received(&world, guest) as f64 / payload.manifest.total_bytes() as f64;
        let sources = world.nodes[guest.0].received.len();
        let told =
            format!("{count} sources, {sources} used: {took:.1} s of {ideal:.1} s, {bytes:.2} of the bytes");
        assert!(took <= 1.1 * ideal, "{told}");
        assert!(bytes <= 1.1, "{told}");
    }
}

/// One source that fills the link is asked alone; when it becomes slow, the others are asked.
#[test]
fn on_a_slow_link_a_source_that_becomes_slow_is_replaced() {
    let payload = release("ut", "1", 48);
    let ideal = payload.manifest.total_bytes() as f64 / DSL as f64;
    for seed in 0..3 {
        let others = vec![Setup::new(), Setup::new(), Setup::new()];
        let (mut world, others, guest) = party(seed, &payload, others, Setup::new().link(DSL));
        let start = world.now;
        world.download(guest, &payload);
        world.run_for(Duration::from_secs_f64(ideal / 3.0));
        let before = world.nodes[guest.0].received.clone();
        world.run_for(Duration::from_secs(2));
        // Whoever brings the most now has other things to do from here on.
        let key = |node: &NodeId| (payload.game.clone(), *node);
        let news = |node: &NodeId| {
            let now = world.nodes[guest.0].received.get(&key(node)).copied().unwrap_or(0);
            now - before.get(&key(node)).copied().unwrap_or(0)
        };
        let busiest = *others.iter().max_by_key(|node| news(node)).unwrap();
        world.nodes[busiest.0].up = 10_000;
        world.until("it is here", 600, |world| world.has(guest, &payload));
        let took = (world.now - start).as_secs_f64();
        assert!(took <= 1.2 * ideal, "seed {seed}: {took:.1} s of {ideal:.1} s");
    }
}

#[test]
fn many_slow_sources_are_all_used() {
    let payload = release("ut", "1", 400);
    let others = (0..20).map(|_| Setup::new().uplink(200_000)).collect();
    let (mut world, _, guest) = party(1, &payload, others, Setup::new());
    let took = fetch(&mut world, guest, &payload);
    let ideal = payload.manifest.total_bytes() as f64 / 4_000_000.0;
    assert!(took <= 1.6 * ideal, "{took:.1} s of {ideal:.1} s");
}

#[test]
fn a_source_that_trickles_is_given_up() {
    let payload = release("ut", "1", 100);
    let others = vec![Setup::new().link(20_000_000), Setup::new().uplink(100)];
    let (mut world, others, guest) = party(1, &payload, others, Setup::new());
    let took = fetch(&mut world, guest, &payload);
    assert!(took < 4.0, "{took:.1} s");
    // Alone it is given up, and another one ends it.
    let (mut world, sources, other) = party(2, &payload, vec![Setup::new().uplink(100)], Setup::new());
    world.download(other, &payload);
    world.run_for(Duration::from_secs(20));
    assert_eq!(given_up(&world, other, sources[0]), [GivenUp::Slow]);
    world.add(Setup::new().catalog(&plain(vec![payload.pinned()])).has(&payload));
    world.until("another one brings it", 40, |world| world.has(other, &payload));
    drop((guest, others));
}

#[test]
fn new_identities_of_one_address_buy_no_patience() {
    let payload = release("ut", "1", 400);
    let given = plain(vec![payload.pinned()]);
    let mut world = World::new(3);
    world.add(Setup::new().catalog(&given).has(&payload).link(20_000_000));
    let address = |port| SocketAddr::new([10, 0, 9, 9].into(), port);
    let liars: Vec<NodeId> = (0..8)
        .map(|nth| {
            let liar = world.add(Setup::new().catalog(&given).has(&payload).at(address(40_420 + nth)));
            world.nodes[liar.0].is_mute = true;
            liar
        })
        .collect();
    let guest = world.add(Setup::new().catalog(&given));
    world.until("all are known", 20, |world| world.sources(guest, &payload) == 9);
    let took = fetch(&mut world, guest, &payload);
    let ideal = payload.manifest.total_bytes() as f64 / 20_000_000.0;
    assert!(took <= 1.1 * ideal + 0.5, "{took:.2} s of {ideal:.2} s");
    let asked = liars.iter().filter(|liar| !given_up(&world, guest, **liar).is_empty()).count();
    assert!(asked <= 5, "{asked} identities of one address were tried");
}

#[test]
fn strikes_survive_a_reconnection() {
    let payload = release("ut", "1", 2_000);
    let others = vec![Setup::new().link(20_000_000), Setup::new()];
    let (mut world, others, guest) = party(4, &payload, others, Setup::new());
    world.nodes[others[1].0].is_mute = true;
    world.download(guest, &payload);
    for _ in 0..6 {
        world.run_for(Duration::from_secs(1));
        world.quit(others[1]);
        world.run_for(Duration::from_secs(1));
        world.start(others[1]);
    }
    world.until("it is here", 40, |world| world.has(guest, &payload));
    assert_eq!(given_up(&world, guest, others[1]).len(), 1, "told once, not at each return");
}

#[test]
fn a_source_that_withdraws_and_keeps_a_request_open_holds_nothing_up() {
    let payload = release("ut", "1", 40);
    let others = vec![Setup::new().link(20_000_000), Setup::new()];
    let (mut world, others, guest) = party(5, &payload, others, Setup::new());
    world.nodes[others[1].0].is_mute = true;
    world.download(guest, &payload);
    world.until("it is asked", 5, |world| world.nodes[guest.0].stats.requests > 3);
    let node = &mut world.nodes[others[1].0];
    node.changed_by_hand = true;
    node.disk.folder(&payload.game).remove();
    world.feed(others[1], Input::GameTouched(payload.game.clone()));
    world.until("it is here", 10, |world| world.has(guest, &payload));
}

#[test]
fn what_nobody_has_does_not_hold_up_what_others_have() {
    // Two guests have other parts of a payload, both beyond each other's window; nobody has its first unit.
    let payload = release("ut", "1", 6_000);
    let given = plain(vec![payload.pinned()]);
    let mut world = World::new(6);
    let part = |from: u32, to: u32| {
        let mut setup = Setup::new().catalog(&given);
        let units = (0..).zip(payload.manifest.chunks()).filter(|(nth, _)| (from..to).contains(nth));
        setup.disk.folder(&payload.game).parts = units.map(|(_, chunk)| (chunk.hash, true)).collect();
        setup
    };
    let seed = world.add(Setup::new().catalog(&given).has(&payload).link(1_000));
    let (one, two) = (world.add(part(1, 3_000)), world.add(part(3_000, 6_001)));
    world.until("the seed is known", 10, |world| {
        [one, two].iter().all(|guest| world.sources(*guest, &payload) == 1)
    });
    world.download(one, &payload);
    world.download(two, &payload);
    world.until("they know each other", 10, |world| {
        [one, two].iter().all(|guest| world.sources(*guest, &payload) == 2)
    });
    world.quit(seed);
    world.until("they have all that the other one had", 120, |world| {
        [one, two].iter().all(|guest| world.nodes[guest.0].units_here(&payload.game) >= 6_000)
    });
    let units = u64::from(UNIT) * 6_100;
    assert!(received(&world, one) + received(&world, two) <= units);
}

#[test]
fn a_download_that_gets_nothing_gives_its_turn_to_others() {
    let payloads = ["one", "two", "three"].map(|name| release(name, "1", 20));
    let given = plain(payloads.iter().map(Release::pinned).collect());
    let mut world = World::new(7);
    let mute = world.add(Setup::new().catalog(&given).has(&payloads[0]).has(&payloads[1]));
    world.nodes[mute.0].is_mute = true;
    world.add(Setup::new().catalog(&given).has(&payloads[2]));
    let guest = world.add(Setup::new().catalog(&given));
    world.until("all are known", 10, |world| payloads.iter().all(|it| world.sources(guest, it) == 1));
    for payload in &payloads {
        world.download(guest, payload);
    }
    world.until("the third one is here", 30, |world| world.has(guest, &payloads[2]));
}
