//! Peers find each other, and keep one connection per pair.

use std::time::Duration;

use crate::node::Setup;
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
    }
}
