//! New versions: fetched beside the old one, swapped in when nobody reads it, spread by those who update.

use std::time::Duration;

use lanspread_engine::{Command, Event, Input, LocalState, MapCell, OperationKind};

use crate::content::{organiser, plain, release, signed_file, update};
use crate::node::{NodeId, Setup};
use crate::world::World;

fn updated(event: &Event) -> bool {
    matches!(event, Event::OperationFinished { operation: OperationKind::Update, .. })
}

#[test]
fn an_update_fetches_what_is_new_and_swaps_it_in() {
    for seed in 0..5 {
        let (old, new) = (update("ut", "1", 100, 3), update("ut", "2", 100, 3));
        let mut world = World::new(seed);
        let given = plain(vec![new.pinned()]);
        world.add(Setup::new().catalog(&given).has(&new));
        let guest = world.add(Setup::new().catalog(&given).has(&old));
        world.until("the source is known", 5, |world| world.sources(guest, &new) == 1);
        assert_eq!(
            world.game(guest, &new.game).unwrap().local.map(|local| local.state),
            Some(LocalState::WrongVersion)
        );
        world.command(guest, Command::Update { game: new.game.clone() }).unwrap();
        world.until("it is here", 10, |world| world.shares(guest, &new));
        assert_eq!(world.count(guest, updated), 1);
        let received: u64 = world.nodes[guest.0].received.values().sum();
        let absent = new.manifest.total_bytes() * 3 / 10;
        assert!(received <= absent * 12 / 10, "{received} of {absent} absent");
    }
}

#[test]
fn an_update_that_is_being_paused_lets_the_old_version_be_verified_and_goes_on() {
    let (old, new) = (update("ut", "1", 100, 3), update("ut", "2", 100, 3));
    let mut world = World::new(1);
    let given = plain(vec![new.pinned()]);
    world.add(Setup::new().catalog(&given).has(&new).link(5_000_000));
    let guest = world.add(Setup::new().catalog(&plain(vec![old.pinned()])).has(&old));
    let game = || new.game.clone();
    world.until("the old version is hashed", 5, |world| world.shares(guest, &old));
    world.feed(guest, Input::CatalogGiven(given));
    world.until("the source is known", 5, |world| world.sources(guest, &new) == 1);
    world.command(guest, Command::Update { game: game() }).unwrap();
    world.until("some is here", 10, |world| world.nodes[guest.0].units_here(&new.game) > 5);
    world.command(guest, Command::Pause { game: game() }).unwrap();
    world.command(guest, Command::Verify { game: game() }).unwrap();
    let verified = |event: &Event| matches!(event, Event::VerifyFinished { .. });
    world.until("it is verified", 5, |world| world.count(guest, verified) == 1);
    assert_eq!(world.count(guest, updated), 0, "the update waits");
    world.command(guest, Command::Resume { game: game() }).unwrap();
    world.until("it is here", 20, |world| world.shares(guest, &new));
}

#[test]
fn what_an_update_would_fetch_is_known_before_it_begins() {
    let (old, new) = (update("ut", "1", 100, 3), update("ut", "2", 100, 3));
    let mut world = World::new(1);
    let given = plain(vec![new.pinned()]);
    world.add(Setup::new().catalog(&given).has(&new));
    let guest = world.add(Setup::new().catalog(&plain(vec![old.pinned()])).has(&old));
    world.until("the old version is hashed", 5, |world| world.shares(guest, &old));
    world.feed(guest, Input::CatalogGiven(given));
    world.until("the source is known", 5, |world| world.sources(guest, &new) == 1);
    let fetch_bytes = |world: &World| world.game(guest, &new.game).unwrap().fetch_bytes;
    let absent = new.manifest.bytes_absent_from(&old.manifest);
    world.until("it is known", 5, |world| fetch_bytes(world) == Some(absent));
    let received: u64 = world.nodes[guest.0].received.values().sum();
    assert_eq!(received, 0, "only the manifest came");
    // The sentinel is new, too.
    assert_eq!(absent, new.manifest.total_bytes() * 3 / 10 + 1);
    let parts = world.game(guest, &new.game).unwrap().parts.unwrap();
    assert_eq!((parts.here, parts.total), (70, 101));
    assert!(parts.cells.contains(&MapCell::Here) && parts.cells.contains(&MapCell::Missing));
    world.command(guest, Command::Update { game: new.game.clone() }).unwrap();
    world.until("it is here", 10, |world| world.shares(guest, &new));
    assert_eq!(fetch_bytes(&world), Some(0));
}

#[test]
fn an_update_that_the_catalog_does_not_pin_is_measured_against_what_a_click_would_choose() {
    let (old, new) = (update("ut", "1", 100, 3), update("ut", "2", 100, 3));
    let mut world = World::new(1);
    let given = plain(vec![new.open()]);
    let source = world.add(Setup::new().catalog(&given).has(&new));
    let guest = world.add(Setup::new().catalog(&plain(vec![old.open()])).has(&old));
    world.until("the old version is hashed", 5, |world| world.shares(guest, &old));
    world.quit(source);
    world.feed(guest, Input::CatalogGiven(given));
    world.run_for(Duration::from_secs(2));
    let fetch_bytes = |world: &World| world.game(guest, &new.game).unwrap().fetch_bytes;
    world.command(guest, Command::MeasureUpdate { game: new.game.clone() }).unwrap();
    world.run_for(Duration::from_secs(2));
    assert_eq!(fetch_bytes(&world), None, "nobody has it");
    world.start(source);
    let absent = new.manifest.bytes_absent_from(&old.manifest);
    world.until("it is known", 5, |world| fetch_bytes(world) == Some(absent));
}

/// Two peers hold the old version; one reads it from the other, the other updates meanwhile.
fn update_while_it_is_read(seed: u64) -> (World, NodeId, crate::content::Release) {
    let (old, new) = (release("ut", "1", 400), release("ut", "2", 40));
    let mut world = World::new(seed);
    let (first, second) = (plain(vec![old.pinned()]), plain(vec![new.pinned()]));
    let reader = world.add(Setup::new().catalog(&first).link(2_000_000));
    let updater = world.add(Setup::new().catalog(&first).has(&old));
    let source = world.add(Setup::new().catalog(&second).has(&new));
    world.until("the old one is known", 5, |world| world.sources(reader, &old) == 1);
    world.download(reader, &old);
    world.until("the reader reads", 5, |world| world.nodes[reader.0].units_here(&old.game) > 3);
    // The updater's catalog moves on; the reader's does not.
    world.nodes[updater.0].stored.given = Some(second.clone());
    world.feed(updater, Input::CatalogGiven(second));
    world.until("the new one is known", 5, |world| world.sources(updater, &new) == 1);
    assert!(world.is_running(source));
    (world, updater, new)
}

#[test]
fn readers_end_before_the_swap() {
    for seed in 0..10 {
        let (mut world, updater, new) = update_while_it_is_read(seed);
        world.command(updater, Command::Update { game: new.game.clone() }).unwrap();
        // The world checks at each writer's effect that nobody reads.
        world.until("it is updated", 20, |world| world.shares(updater, &new));
    }
}

#[test]
fn a_stalled_receiver_does_not_hold_an_update_up() {
    let (mut world, updater, new) = update_while_it_is_read(1);
    let reader = NodeId(0);
    world.nodes[reader.0].down = 1000;
    world.nodes[reader.0].down_free = world.now + Duration::from_mins(10);
    world.command(updater, Command::Update { game: new.game.clone() }).unwrap();
    world.until("it is updated", 20, |world| world.shares(updater, &new));
}

#[test]
fn eight_with_the_old_version_fetch_the_new_one_from_one_seed_and_each_other() {
    let key = organiser(1);
    let (old, new) = (update("ut", "1", 200, 5), update("ut", "2", 200, 5));
    let mut world = World::new(3);
    let first = signed_file(&key, 1, vec![old.pinned()]);
    let host = world.add(Setup::new().pin(key.public()).catalog(&first).has(&old).link(25_000_000));
    let guests: Vec<NodeId> = (0..8)
        .map(|_| world.add(Setup::new().pin(key.public()).catalog(&first).has(&old).link(25_000_000)))
        .collect();
    world.until("all meet", 5, World::all_meet);
    world.nodes[host.0]
        .publishing
        .insert(new.game.clone(), (new.clone(), Some(signed_file(&key, 2, vec![new.pinned()]))));
    world.command(host, Command::Publish { game: new.game.clone() }).unwrap();
    world
        .until("all know the source", 5, |world| guests.iter().all(|guest| world.sources(*guest, &new) >= 1));
    world.run_for(Duration::from_secs(1));
    for guest in &guests {
        assert_eq!(world.sources(*guest, &new), 1, "old copies are no sources");
        assert!(world.game(*guest, &new.game).unwrap().update_available);
        world.command(*guest, Command::Update { game: new.game.clone() }).unwrap();
    }
    world.until("all have it", 30, |world| guests.iter().all(|guest| world.shares(*guest, &new)));
    let copies = world.nodes[host.0].stats.units_served as f64 / 100.0;
    assert!(copies < 3.0, "the seed sent {copies} copies of what is new");
    for guest in &guests {
        let senders = world.nodes[guest.0].received.keys().count();
        assert!(senders > 3, "from one another: {senders}");
    }
}

#[test]
fn a_catalog_that_changes_during_a_download_starts_it_over_with_the_new_version() {
    for seed in 0..10 {
        let (old, new) = (update("ut", "1", 100, 3), update("ut", "2", 100, 3));
        let mut world = World::new(seed);
        let (first, second) = (plain(vec![old.pinned()]), plain(vec![new.pinned()]));
        world.add(Setup::new().catalog(&first).has(&old).link(10_000_000));
        world.add(Setup::new().catalog(&second).has(&new).link(10_000_000));
        let guest = world.add(Setup::new().catalog(&first));
        world.until("the old one is known", 5, |world| world.sources(guest, &old) == 1);
        world.download(guest, &old);
        let some = 5 + (seed as usize) * 10;
        world.until("some is here", 20, |world| world.nodes[guest.0].units_here(&old.game) > some);
        world.nodes[guest.0].stored.given = Some(second.clone());
        world.feed(guest, Input::CatalogGiven(second));
        world.until("the new one is here", 20, |world| world.shares(guest, &new));
        assert_eq!(world.count(guest, crate::downloads::failed), 0);
    }
}

#[test]
fn a_game_that_leaves_the_catalog_is_neither_served_nor_fetched() {
    let payload = release("ut", "1", 100);
    let mut world = World::new(1);
    let given = plain(vec![payload.pinned()]);
    let source = world.add(Setup::new().catalog(&given).has(&payload).link(5_000_000));
    let guest = world.add(Setup::new().catalog(&given));
    world.until("the source is known", 5, |world| world.sources(guest, &payload) == 1);
    world.download(guest, &payload);
    world.until("some is here", 20, |world| world.nodes[guest.0].units_here(&payload.game) > 10);
    world.feed(guest, Input::CatalogGiven(plain(vec![])));
    world.feed(source, Input::CatalogGiven(plain(vec![])));
    world.run_for(Duration::from_secs(5));
    let served = world.nodes[source.0].stats.units_served;
    world.run_for(Duration::from_secs(5));
    assert_eq!(world.nodes[source.0].stats.units_served, served);
    assert_eq!(
        world.game(source, &payload.game).unwrap().local.map(|local| local.state),
        Some(LocalState::NotInCatalog)
    );
    assert!(world.game(guest, &payload.game).is_none_or(|game| game.operation.is_none()));
}
