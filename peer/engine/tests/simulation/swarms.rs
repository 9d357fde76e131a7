//! Many who want one game: how long it takes beside the bound, and that they help each other.

use std::time::Duration;

use crate::content::{Release, plain, release};
use crate::node::{GIGABIT, NodeId, Setup};
use crate::world::World;

/// What came out of a swarm.
#[derive(Debug)]
struct Outcome {
    /// The time until all were finished, by the time one link takes for the payload.
    ratio: f64,
    seed_copies: f64,
    wasted_units: u64,
    world: World,
}

/// One seed and so many who download at once, all with equal links.
fn swarm(seed: u64, downloaders: usize, payload: &Release, rate: u64, stagger: Duration) -> Outcome {
    let mut world = World::new(seed);
    world.checks = downloaders < 32;
    if downloaders > 100 {
        world.look_every = Duration::from_millis(100);
    }
    let given = plain(vec![payload.pinned()]);
    let source = world.add(Setup::new().catalog(&given).has(payload).link(rate));
    let guests: Vec<NodeId> =
        (0..downloaders).map(|_| world.add(Setup::new().catalog(&given).link(rate))).collect();
    world.until("all meet", 30, World::all_meet);
    world.until("the source is known", 5, |world| {
        guests.iter().all(|guest| world.sources(*guest, payload) == 1)
    });
    world.look_every = Duration::from_millis(if downloaders > 100 { 5 } else { 0 });
    let start = world.now;
    let inputs: u64 = world.nodes.iter().map(|node| node.stats.inputs).sum();
    world.engine_time = Duration::ZERO;
    for guest in &guests {
        world.download(*guest, payload);
        world.run_for(stagger);
    }
    let mut left = guests.clone();
    world.until("all have it", 600, |world| {
        left.retain(|guest| !world.has(*guest, payload));
        left.is_empty()
    });
    let bound = payload.manifest.total_bytes() as f64 / rate as f64;
    let ratio = (world.now - start).as_secs_f64() / bound;
    let units = payload.manifest.units().len() as f64;
    let seed_copies = world.nodes[source.0].stats.units_served as f64 / units;
    let wasted_units = world.nodes.iter().map(|node| node.wasted_units).sum();
    let inputs = world.nodes.iter().map(|node| node.stats.inputs).sum::<u64>() - inputs;
    let micros = world.engine_time.as_secs_f64() * 1e6 / inputs as f64;
    let requests: u64 = world.nodes.iter().map(|node| node.stats.requests).sum();
    let messages: u64 = world.nodes.iter().map(|node| node.stats.control_messages).sum();
    #[expect(clippy::print_stderr, reason = "figures are what this is for")]
    {
        eprintln!(
            "{downloaders:3} downloaders, seed {seed}: finished at {ratio:.3} of the bound of {bound:.2} s; \
             the source sent {seed_copies:.2} copies; {wasted_units} units came twice; {requests} requests, \
             {messages} messages; {micros:.2} µs per input of {inputs}"
        );
    }
    Outcome { ratio, seed_copies, wasted_units, world }
}

#[test]
fn eight_finish_almost_as_fast_as_one() {
    let payload = release("ut", "1", 800);
    let mut worst: f64 = 0.0;
    for seed in 0..3 {
        let outcome = swarm(seed, 8, &payload, GIGABIT, Duration::ZERO);
        worst = worst.max(outcome.ratio);
        assert!(outcome.seed_copies < 2.5, "{outcome:?}");
        assert!(outcome.wasted_units < 400, "{outcome:?}");
        assert!(outcome.world.checks);
    }
    // Packet headers are not simulated; the goal of 1.15 has 1.05 for them.
    assert!(worst <= 1.15, "{worst:.3}");
}

#[test]
fn one_alone_fills_its_link() {
    let payload = release("ut", "1", 800);
    let outcome = swarm(1, 1, &payload, GIGABIT, Duration::ZERO);
    assert!(outcome.ratio < 1.06, "{outcome:?}");
}

#[test]
#[ignore = "prints figures: cargo test --release -p lanspread-engine --test simulation -- --ignored --nocapture"]
fn figures() {
    let payload = release("ut", "1", 800);
    for seed in 0..3 {
        swarm(seed, 8, &payload, GIGABIT, Duration::ZERO);
    }
    swarm(0, 8, &payload, 12_500_000, Duration::ZERO);
    swarm(0, 8, &payload, GIGABIT, Duration::from_millis(100));
    swarm(0, 30, &payload, GIGABIT, Duration::ZERO);
    swarm(0, 30, &payload, 12_500_000, Duration::from_millis(100));
    swarm(0, 64, &payload, GIGABIT, Duration::ZERO);
}

#[test]
#[ignore = "prints figures of the largest party: several minutes in release"]
fn figures_of_256() {
    let payload = release("ut", "1", 1024);
    swarm(0, 256, &payload, GIGABIT, Duration::ZERO);
}
