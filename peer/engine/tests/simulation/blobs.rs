//! Manifests, catalogs and covers from peers of which some never bring them.

use std::time::Duration;

use lanspread_engine::{Event, GivenCatalog, Phase};
use lanspread_protocol::{Blake3Hash, Game};

use crate::content::{Release, game, organiser, plain, release, signed_file};
use crate::downloads::{all_gone, failed};
use crate::net::races::BlobFault;
use crate::node::{NodeId, Setup};
use crate::world::World;

const IDENTITIES: u16 = 5;

fn fault_of(seed: u64) -> BlobFault {
    if seed.is_multiple_of(2) { BlobFault::Trickles } else { BlobFault::Silent }
}

/// Five identities of one address that offer what `setup` has and never bring a blob.
fn crowd(world: &mut World, fault: BlobFault, setup: impl Fn() -> Setup) -> Vec<NodeId> {
    let identity = |nth: u16| {
        let mut setup = setup();
        setup.address = Some(format!("10.0.9.7:{}", 40420 + nth).parse().unwrap());
        let id = world.add(setup);
        world.nodes[id.0].blob_fault = Some(fault);
        id
    };
    (0..IDENTITIES).map(identity).collect()
}

fn is_waiting(world: &World, id: NodeId, payload: &Release) -> bool {
    let operation = world.game(id, &payload.game).and_then(|game| game.operation);
    operation.is_none_or(|operation| operation.phase == Phase::Waiting)
}

fn serial(world: &World, id: NodeId) -> u64 {
    world.engine(id).map_or(0, |engine| engine.view().serial)
}

#[test]
fn a_download_starts_beside_five_that_never_send_its_manifest() {
    for seed in 0..20 {
        let payload = release("ut", "1", 32);
        let mut world = World::new(seed);
        let given = plain(vec![payload.pinned()]);
        let setup = || Setup::new().catalog(&given).has(&payload);
        crowd(&mut world, fault_of(seed), setup);
        world.add(setup());
        let guest = world.add(Setup::new().catalog(&given));
        world.until("all are sources", 5, |world| world.sources(guest, &payload) == 6);
        world.download(guest, &payload);
        world.until("it starts", 3, |world| !is_waiting(world, guest, &payload));
        world.until("it is here", 20, |world| world.shares(guest, &payload));
        assert_eq!((world.count(guest, all_gone), world.count(guest, failed)), (0, 0));
    }
}

#[test]
fn who_was_late_is_asked_last_the_next_time() {
    let payloads: Vec<Release> = (0..6).map(|nth| release(&format!("game{nth}"), "1", 4)).collect();
    for seed in 0..5 {
        let mut world = World::new(seed);
        let given = plain(payloads.iter().map(Release::pinned).collect());
        let setup = || payloads.iter().fold(Setup::new().catalog(&given), Setup::has);
        let mut late = setup();
        late.address = Some("10.0.9.7:40420".parse().unwrap());
        let late = world.add(late);
        world.nodes[late.0].blob_fault = Some(BlobFault::Trickles);
        world.add(setup());
        let guest = world.add(Setup::new().catalog(&given));
        let mut slow_starts = 0;
        for payload in &payloads {
            world.until("both are sources", 5, |world| world.sources(guest, payload) == 2);
            let start = world.now;
            world.download(guest, payload);
            world.until("it starts", 3, |world| !is_waiting(world, guest, payload));
            slow_starts += usize::from(world.now - start > Duration::from_millis(900));
            world.until("it is here", 20, |world| world.shares(guest, payload));
        }
        assert!(slow_starts <= 1, "seed {seed}: {slow_starts} starts waited for the one that is late");
    }
}

#[test]
fn a_catalog_comes_beside_five_that_never_send_it() {
    for seed in 0..20 {
        let mut world = World::new(seed);
        let key = organiser(1);
        let catalog = signed_file(&key, 3, vec![]);
        let holder = |catalog: &GivenCatalog| Setup::new().pin(key.public()).catalog(catalog);
        crowd(&mut world, fault_of(seed), || holder(&catalog));
        world.add(holder(&catalog));
        let guest = world.add(Setup::new().pin(key.public()));
        // It meets the six in any order within half a second.
        world.until("it is in force", 3, |world| serial(world, guest) == 3);
    }
}

#[test]
fn a_forged_announcement_that_nobody_sends_delays_the_true_catalog_once() {
    for seed in 0..5 {
        let mut world = World::new(seed);
        let key = organiser(1);
        let forgers = crowd(&mut world, fault_of(seed), Setup::new);
        let guest = world.add(Setup::new().pin(key.public()));
        let host = world.add(Setup::new().pin(key.public()).catalog(&signed_file(&key, 1, vec![])));
        world.until("they meet", 3, World::all_meet);
        world.until("the first is in force", 3, |world| serial(world, guest) == 1);
        let head = crate::content::signed(&key, 9, vec![]).head;
        for forger in forgers {
            world.nodes[forger.0].stored.forged = Some(head.clone());
            let conns: Vec<_> = world.nodes[forger.0].run().conns.keys().copied().collect();
            for conn in conns {
                world.send(forger, conn, lanspread_protocol::message::Control::Catalog(head.clone()));
            }
        }
        world.run_for(Duration::from_secs(1));
        let mut publish = |serial: u64, secs| {
            let next = signed_file(&key, serial, vec![]);
            world.nodes[host.0].stored.given = Some(next.clone());
            world.feed(host, lanspread_engine::Input::CatalogGiven(next));
            world.until("it is in force", secs, |world| self::serial(world, guest) == serial);
        };
        publish(2, 20);
        publish(3, 20);
    }
}

#[test]
fn a_cover_comes_beside_five_that_never_send_it() {
    for seed in 0..20 {
        let mut world = World::new(seed);
        let cover = Blake3Hash::of(b"cover");
        let given = plain(vec![Game { cover: Some(cover), ..Game::new(game("ut"), "UT") }]);
        let crowd = crowd(&mut world, fault_of(seed), || Setup::new().catalog(&given));
        let seed_node = world.add(Setup::new().catalog(&given));
        for id in crowd.into_iter().chain([seed_node]) {
            world.nodes[id.0].stored.covers.insert(cover);
        }
        let guest = world.add(Setup::new().catalog(&given));
        world.until("it is here", 3, |world| world.nodes[guest.0].stored.covers.contains(&cover));
    }
}

#[test]
fn a_cover_that_is_not_wanted_any_more_is_not_waited_for() {
    let mut world = World::new(1);
    let with_cover = |cover| plain(vec![Game { cover, ..Game::new(game("ut"), "UT") }]);
    let given = with_cover(Some(Blake3Hash::of(b"cover")));
    let late = world.add(Setup::new());
    world.nodes[late.0].blob_fault = Some(BlobFault::Silent);
    let guest = world.add(Setup::new().catalog(&given));
    world.until("it is asked for", 5, |world| world.nodes[guest.0].stats.requests == 1);
    world.feed(guest, lanspread_engine::Input::CatalogGiven(with_cover(None)));
    assert!(world.nodes[guest.0].run().races.is_empty(), "{}", world.story());
}

#[test]
fn when_nobody_sends_the_manifest_that_is_told_once_and_tried_again_with_pauses() {
    for seed in 0..4 {
        let payload = release("ut", "1", 32);
        let mut world = World::new(seed);
        let given = plain(vec![payload.pinned()]);
        let setup = || Setup::new().catalog(&given).has(&payload);
        crowd(&mut world, fault_of(seed), setup);
        let guest = world.add(Setup::new().catalog(&given));
        world.until("all are sources", 5, |world| world.sources(guest, &payload) == 5);
        world.download(guest, &payload);
        world.run_for(Duration::from_secs(14));
        assert_eq!(world.count(guest, all_gone), 0, "a race lasts longer");
        world.run_for(Duration::from_secs(106));
        assert_eq!((world.count(guest, all_gone), world.count(guest, failed)), (1, 0));
        let asked = world.nodes[guest.0].stats.requests;
        assert!((20..=35).contains(&asked), "{asked} requests: races of 15 s, pauses of 1, 2, 4 ... s");
        // A sound one that comes takes part in the race that runs, or in the next one after a pause of at most 32 s.
        let sound = world.add(setup());
        world.until("it is a source", 5, |world| world.sources(guest, &payload) == 6);
        world.until("it starts", 35, |world| !is_waiting(world, guest, &payload));
        world.until("it is here", 20, |world| world.shares(guest, &payload));
        assert!(world.is_running(sound));
    }
}

#[test]
fn a_closed_download_cancels_its_race() {
    let payload = release("ut", "1", 32);
    let mut world = World::new(1);
    let given = plain(vec![payload.pinned()]);
    let late = world.add(Setup::new().catalog(&given).has(&payload));
    world.nodes[late.0].blob_fault = Some(BlobFault::Trickles);
    let guest = world.add(Setup::new().catalog(&given));
    world.until("it is a source", 5, |world| world.sources(guest, &payload) == 1);
    world.download(guest, &payload);
    world.until("the manifest is asked for", 1, |world| world.nodes[guest.0].stats.requests == 1);
    world.command(guest, lanspread_engine::Command::Cancel { game: payload.game.clone() }).unwrap();
    assert!(world.nodes[guest.0].run().races.is_empty());
    let idle = |event: &Event| matches!(event, Event::OperationFailed { .. });
    world.until("nothing runs", 1, |world| world.game(guest, &payload.game).unwrap().operation.is_none());
    assert_eq!(world.count(guest, idle), 0);
    world.run_for(Duration::from_secs(1));
    assert!(world.nodes[late.0].run().serves.is_empty(), "its peer is told to stop");
}
