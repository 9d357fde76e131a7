//! Every change and flush refused, alone or with all that follow, and a crash after that.

use lanspread_engine::transaction::Outcome;

use super::disk::{Disk, Refusal, Stop};
use super::scenario::{Scenario, Settled, all_scenarios};

fn run_with(scenario: &Scenario, refusal: Refusal) {
    let mut disk = scenario.disk();
    disk.refusal = refusal;
    let outcome = scenario.run(&mut disk).unwrap();
    let at = format!("{}, {refusal:?}, {outcome:?}: {:#?}", scenario.name, disk.tree().files());
    match outcome {
        Outcome::Committed => assert_eq!(scenario.check(disk.tree()), Ok(Settled::New), "{at}"),
        // Without any recovery.
        Outcome::RolledBack => assert_eq!(scenario.check(disk.tree()), Ok(Settled::Old), "{at}"),
        Outcome::Unfinished => drop(scenario.settle(disk.tree().clone())),
    }
    for tree in disk.after_crash() {
        scenario.settle(tree);
    }
    for crash in 0..disk.steps {
        let mut disk = scenario.disk();
        (disk.refusal, disk.crash_at) = (refusal, Some(crash));
        assert_eq!(scenario.run(&mut disk), Err(Stop::Crash));
        for tree in disk.after_crash() {
            scenario.settle(tree);
        }
    }
}

#[test]
fn whatever_is_refused_leaves_the_old_or_the_new_state() {
    for scenario in all_scenarios() {
        let mut whole = scenario.disk();
        scenario.run(&mut whole).unwrap();
        for at in 0..whole.steps {
            for refusal in [Refusal::At(at), Refusal::FullFrom(at), Refusal::From(at)] {
                run_with(&scenario, refusal);
            }
        }
    }
}

#[test]
fn a_recovery_that_is_refused_is_done_later() {
    for scenario in all_scenarios() {
        let mut whole = scenario.disk();
        scenario.run(&mut whole).unwrap();
        for crash in 0..whole.steps {
            let mut disk = scenario.disk();
            disk.crash_at = Some(crash);
            assert_eq!(scenario.run(&mut disk), Err(Stop::Crash));
            let tree = disk.tree().clone();
            let mut recovery = Disk::new(tree.clone());
            scenario.recover(&mut recovery).unwrap();
            for at in 0..recovery.steps {
                let mut disk = Disk::new(tree.clone());
                disk.refusal = Refusal::At(at);
                scenario.recover(&mut disk).unwrap();
                scenario.settle(disk.tree().clone());
            }
        }
    }
}
