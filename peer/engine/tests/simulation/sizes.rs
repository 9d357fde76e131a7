//! Payloads of a real size: 50 GB in 200,000 units, resumed, updated and repaired at any point.

use std::ops::Range;
use std::time::Duration;

use lanspread_engine::Command;

use crate::content::{Release, UNIT, edited, plain, release};
use crate::downloads::{all_gone, failed};
use crate::node::{NodeId, Setup};
use crate::world::World;

/// 50 GB.
const UNITS: u32 = 200_000;
/// The units of the window in which the engine picks.
const WINDOW: u32 = 1024;

/// The place of the first missing unit, before, at and beyond the window's end, and the units missing from there on.
fn gaps() -> Vec<Vec<Range<u32>>> {
    let gap = |start: u32, length: u32| start..start + length;
    vec![
        vec![gap(0, 1)],
        vec![gap(WINDOW - 1, 1)],
        vec![gap(WINDOW, 3)],
        vec![gap(WINDOW + 1, 2 * WINDOW)],
        vec![gap(UNITS / 2, 20)],
        vec![gap(UNITS - 1, 1)],
        vec![gap(5, 5), gap(UNITS - 5, 5)],
    ]
}

/// One source and one guest that knows it.
fn pair(payload: &Release, source: Setup, guest: Setup) -> (World, NodeId) {
    let mut world = World::new(1);
    world.look_every = Duration::from_millis(100);
    world.add(source.has(payload));
    let guest = world.add(guest);
    world.until("the source is hashed and known", 120, |world| world.sources(guest, payload) == 1);
    (world, guest)
}

/// Parts of a download: all but these units.
fn leave_parts(setup: &mut Setup, payload: &Release, missing: &[Range<u32>]) {
    let folder = setup.disk.folder(&payload.game);
    let units = (0..).zip(payload.manifest.chunks()).filter(|(nth, _)| *nth < UNITS);
    let here = units.filter(|(nth, _)| !missing.iter().any(|gap| gap.contains(nth)));
    folder.parts = here.map(|(_, chunk)| (chunk.hash, true)).collect();
}

fn assert_fetched_once(world: &World, guest: NodeId, missing: &[Range<u32>]) {
    let received: u64 = world.nodes[guest.0].received.values().sum();
    // And `version.ini`.
    let units: u64 = missing.iter().map(|gap| gap.len() as u64).sum::<u64>() + 1;
    assert!(received <= units * u64::from(UNIT), "{received} bytes came for {missing:?}");
    assert_eq!((world.count(guest, all_gone), world.count(guest, failed)), (0, 0));
}

#[test]
fn a_download_goes_on_from_any_point() {
    let payload = release("ut", "1", UNITS);
    let given = plain(vec![payload.pinned()]);
    for missing in gaps() {
        let mut setup = Setup::new().catalog(&given);
        leave_parts(&mut setup, &payload, &missing);
        let (mut world, guest) = pair(&payload, Setup::new().catalog(&given), setup);
        world.download(guest, &payload);
        world.until(&format!("all is here but for {missing:?}"), 30, |world| world.has(guest, &payload));
        assert_fetched_once(&world, guest, &missing);
    }
}

#[test]
fn an_update_and_a_repair_lack_only_something_anywhere() {
    for missing in gaps() {
        let (old, new) = (edited("ut", "1", UNITS, &missing), edited("ut", "2", UNITS, &missing));
        let given = plain(vec![new.pinned()]);
        let setup = Setup::new().catalog(&given).has(&old);
        let (mut world, guest) = pair(&new, Setup::new().catalog(&given), setup);
        world.command(guest, Command::Update { game: new.game.clone() }).unwrap();
        world.until(&format!("it is updated: {missing:?}"), 30, |world| world.has(guest, &new));
        assert_fetched_once(&world, guest, &missing);

        // A damaged payload counts for nothing in the model; what is sound in it lies among the parts.
        let mut setup = Setup::new().catalog(&given).has(&new);
        leave_parts(&mut setup, &new, &missing);
        setup.disk.folder(&new.game).complete.as_mut().unwrap().is_rotten = true;
        let (mut world, guest) = pair(&new, Setup::new().catalog(&given), setup);
        world.command(guest, Command::Verify { game: new.game.clone() }).unwrap();
        world.until(&format!("it is repaired: {missing:?}"), 300, |world| {
            world.nodes[guest.0].disk.games[&new.game].complete.as_ref().is_some_and(|it| !it.is_rotten)
        });
        assert_fetched_once(&world, guest, &missing);
    }
}
