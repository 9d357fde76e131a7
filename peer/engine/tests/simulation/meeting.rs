//! Peers find each other, and keep one connection per pair.

use std::time::{Duration, Instant};

use lanspread_engine::{ConnId, Effect, Engine, Event, Input, LeaveReason};
use lanspread_protocol::InstanceId;
use lanspread_protocol::message::{Control, Hello, Presence};

use crate::node::{Node, NodeId, Setup, peer_id};
use crate::world::World;

#[test]
fn two_peers_find_each_other() {
    for seed in 0..20 {
        let mut world = World::new(seed);
        let (a, b) = (world.add(Setup::new()), world.add(Setup::new()));
        world.until("they meet", 2, World::all_meet);
        world.run_for(Duration::from_secs(5));
        assert!(world.all_meet());
        assert_eq!(world.links_between(a, b), 1, "seed {seed}: both dialled, one connection stays");
        let joined = |event: &Event| matches!(event, Event::PeerJoined { .. });
        assert_eq!((world.count(a, joined), world.count(b, joined)), (1, 1), "seed {seed}");
    }
}

#[test]
fn dials_at_one_moment_leave_one_connection() {
    for seed in 0..50 {
        let mut world = World::without_multicast(seed);
        world.delay = Duration::from_millis(40);
        let (a, b) = (world.add(Setup::new()), world.add(Setup::new()));
        world.sight(a, b);
        world.sight(b, a);
        world.run_for(Duration::from_secs(6));
        assert!(world.all_meet(), "seed {seed}");
        assert_eq!(world.links_between(a, b), 1, "seed {seed}");
    }
}

#[test]
fn the_better_path_stays() {
    for seed in 0..30 {
        let mut world = World::new(seed);
        world.delay = Duration::from_millis(200);
        let (a, b) = (world.add(Setup::new().with_wifi()), world.add(Setup::new().with_wifi()));
        world.run_for(Duration::from_secs(8));
        assert!(world.all_meet(), "seed {seed}");
        assert_eq!(world.links_between(a, b), 1, "seed {seed}");
        let left = |event: &Event| matches!(event, Event::PeerLeft { .. });
        assert_eq!((world.count(a, left), world.count(b, left)), (0, 0), "seed {seed}: nobody left");
    }
}

#[test]
fn a_restarted_peer_replaces_its_old_connection_at_once() {
    for seed in 0..20 {
        let mut world = World::new(seed);
        let (a, b) = (world.add(Setup::new()), world.add(Setup::new()));
        world.until("they meet", 2, World::all_meet);
        world.kill(b);
        world.run_for(Duration::from_millis(500));
        world.start(b);
        world.until("they meet again, before the old connection timed out", 3, |world| {
            world.sees(b, a)
                && world.sees(a, b)
                && world.count(a, |event| matches!(event, Event::PeerJoined { .. })) == 2
        });
        world.run_for(Duration::from_secs(12));
        assert!(world.all_meet(), "seed {seed}");
        assert_eq!(world.links_between(a, b), 1, "seed {seed}");
        assert_eq!(world.nodes[a.0].stats.renewals + world.nodes[b.0].stats.renewals, 0, "seed {seed}");
    }
}

#[test]
fn a_cloned_identity_is_renewed_on_both() {
    for seed in 0..20 {
        let mut world = World::new(seed);
        let (a, b, clone) = (world.add(Setup::new()), world.add(Setup::new()), world.add(Setup::new()));
        for id in [a, b, clone] {
            world.quit(id);
        }
        world.nodes[clone.0].peer = world.nodes[b.0].peer;
        for id in [a, b, clone] {
            world.start(id);
        }
        world.until("both have new keys", 15, |world| {
            [b, clone].iter().all(|id| world.nodes[id.0].stats.renewals >= 1)
        });
        world.until("all meet under their own names", 20, World::all_meet);
        assert_eq!(world.nodes[a.0].stats.renewals, 0);
        world.run_for(Duration::from_secs(20));
        assert!(
            [b, clone].iter().all(|id| world.nodes[id.0].stats.renewals == 1),
            "seed {seed}: once is enough"
        );
        assert!(world.all_meet());
    }
}

#[expect(clippy::disallowed_methods, reason = "virtual time counts from some instant")]
#[test]
fn an_identity_is_not_renewed_again_soon() {
    let start = Instant::now();
    let rests_until = start + Duration::from_hours(1);
    let mut config = Node::new(0, Setup::new(), Vec::new()).config(0, 7);
    config.identity_rests_until = Some(rests_until);
    let mut engine = Engine::new(config, start);
    let (conn, peer) = (ConnId(1), peer_id(1, 0));
    let remote = "10.0.0.2:40420".parse().unwrap();
    engine.handle(Input::Connected { conn, peer, remote, rank: 0, gossiped: true, dial: None }, start);
    let hello =
        Hello { instance: InstanceId(1), program: "another".to_owned(), presence: Presence::default() };
    engine.handle(Input::Control { conn, message: Control::Hello(hello) }, start);
    let mut renewals_at = |now: Instant| {
        engine.handle(Input::Control { conn, message: Control::IdentityTaken }, now);
        engine.handle(Input::Control { conn, message: Control::IdentityTaken }, now);
        let effects: Vec<_> = std::iter::from_fn(|| engine.poll_effect()).collect();
        let notices = effects.iter().filter(|effect| matches!(effect, Effect::Emit(Event::Notice { .. })));
        (effects.iter().filter(|effect| matches!(effect, Effect::RenewIdentity)).count(), notices.count())
    };
    assert_eq!(renewals_at(start), (0, 1), "it keeps its identity and says so once");
    assert_eq!(renewals_at(rests_until - Duration::from_secs(1)), (0, 0));
    assert_eq!(renewals_at(rests_until), (1, 1));
}

#[test]
fn one_typed_address_and_gossip_connect_everybody() {
    for (seed, count) in [(1, 5), (2, 12), (3, 30), (4, 60)] {
        let mut world = World::without_multicast(seed);
        let hub = world.add(Setup::new());
        for _ in 1..count {
            world.add(Setup::new().knows(hub));
        }
        world.until("everybody meets everybody", 20, World::all_meet);
        let messages: u64 = world.nodes.iter().map(|node| node.stats.control_messages).sum();
        let pairs = count * (count - 1);
        assert!(messages < 20 * pairs, "{count} peers needed {messages} messages");
        world.run_for(Duration::from_secs(5));
        let before: u64 = world.nodes.iter().map(|node| node.stats.control_messages).sum();
        world.run_for(Duration::from_mins(1));
        let after: u64 = world.nodes.iter().map(|node| node.stats.control_messages).sum();
        assert_eq!(after - before, 0, "an idle party of {count} is silent");
    }
}

#[test]
fn two_closed_firewalls_with_a_common_peer_meet() {
    for seed in 0..20 {
        let mut world = World::without_multicast(seed);
        let hub = world.add(Setup::new());
        let (a, b) =
            (world.add(Setup::new().closed().knows(hub)), world.add(Setup::new().closed().knows(hub)));
        world.until("both ends dial at once and meet", 12, |world| world.sees(a, b) && world.sees(b, a));
        world.run_for(Duration::from_secs(5));
        assert_eq!(world.links_between(a, b), 1, "seed {seed}");
    }
}

#[test]
fn a_big_party_behind_closed_firewalls_meets_through_one() {
    let mut world = World::without_multicast(7);
    let hub = world.add(Setup::new());
    for _ in 0..24 {
        world.add(Setup::new().closed().knows(hub));
    }
    world.until("everybody meets everybody", 60, World::all_meet);
}

#[test]
fn a_goodbye_is_told_as_one_and_not_dialled_after() {
    let mut world = World::new(3);
    let (a, b) = (world.add(Setup::new()), world.add(Setup::new()));
    world.until("they meet", 2, World::all_meet);
    world.quit(b);
    let goodbye = |event: &Event| matches!(event, Event::PeerLeft { reason: LeaveReason::Goodbye, .. });
    world.until("the goodbye is told", 1, |world| world.count(a, goodbye) == 1);
    world.start(b);
    world.until("they meet again", 2, World::all_meet);
    world.kill(b);
    let timeout = |event: &Event| matches!(event, Event::PeerLeft { reason: LeaveReason::Timeout, .. });
    world.until("the silence is told", 10, |world| world.count(a, timeout) == 1);
}

#[test]
fn a_cut_network_heals() {
    for seed in 0..10 {
        let mut world = World::new(seed);
        let ids: Vec<NodeId> = (0..4).map(|_| world.add(Setup::new())).collect();
        world.until("they meet", 3, World::all_meet);
        for a in &ids[..2] {
            for b in &ids[2..] {
                world.partition(*a, *b, Duration::from_secs(40));
            }
        }
        world.run_for(Duration::from_secs(20));
        assert!(!world.all_meet());
        world.until("they meet again", 45, World::all_meet);
        world.run_for(Duration::from_secs(10));
        assert!(world.all_meet());
    }
}
