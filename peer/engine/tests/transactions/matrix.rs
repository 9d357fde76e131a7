//! A crash at every change and flush, with everything that may be left then, and again in every recovery.

use std::collections::BTreeSet;

use lanspread_engine::transaction::Outcome;

use super::disk::{Disk, Stop, Tree};
use super::scenario::{Scenario, Settled, all_scenarios};

/// Trees that a crash left, each explored once, whatever led to it.
#[derive(Default)]
struct Crashes {
    seen: BTreeSet<Tree>,
    open: Vec<Tree>,
    points: usize,
}

impl Crashes {
    fn add(&mut self, disk: &Disk) {
        for tree in disk.after_crash() {
            self.points += 1;
            if self.seen.insert(tree.clone()) {
                self.open.push(tree);
            }
        }
    }
}

fn explore(scenario: &Scenario) -> Crashes {
    let mut crashes = Crashes::default();
    let mut whole = scenario.disk();
    assert_eq!(scenario.run(&mut whole), Ok(Outcome::Committed), "{}", scenario.name);
    assert_eq!(
        scenario.check(whole.tree()),
        Ok(Settled::New),
        "{}: {:#?}",
        scenario.name,
        whole.tree().files()
    );
    for tree in whole.after_crash() {
        assert_eq!(scenario.settle(tree), Settled::New, "{}: what was done is undone", scenario.name);
    }
    for at in 0..whole.steps {
        let mut disk = scenario.disk();
        disk.crash_at = Some(at);
        assert_eq!(scenario.run(&mut disk), Err(Stop::Crash));
        crashes.add(&disk);
    }
    let mut settled = BTreeSet::new();
    while let Some(tree) = crashes.open.pop() {
        settled.insert(scenario.settle(tree.clone()) == Settled::New);
        let mut recovery = Disk::new(tree.clone());
        scenario.recover(&mut recovery).unwrap();
        for at in 0..recovery.steps {
            let mut disk = Disk::new(tree.clone());
            disk.crash_at = Some(at);
            assert_eq!(scenario.recover(&mut disk), Err(Stop::Crash));
            crashes.add(&disk);
        }
    }
    assert_eq!(
        settled.len(),
        2,
        "{}: some crashes must leave the old state and some the new one",
        scenario.name
    );
    crashes
}

#[test]
#[expect(clippy::print_stdout, reason = "how much was tried is what this test is to tell")]
fn a_crash_anywhere_leaves_the_old_or_the_new_state() {
    let (mut points, mut trees) = (0, 0);
    for scenario in all_scenarios() {
        let crashes = explore(&scenario);
        println!(
            "{}: {} crash points, {} different trees",
            scenario.name,
            crashes.points,
            crashes.seen.len()
        );
        points += crashes.points;
        trees += crashes.seen.len();
    }
    println!("{points} crash points survived, {trees} different trees recovered");
}
