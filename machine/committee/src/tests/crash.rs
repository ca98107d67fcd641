//! Crashes at every point: nothing is signed twice, nothing is lost.

use super::world::*;

/// Four heights with a crash at effect `at` of one node.
fn crashed(at: u64, forgets: bool, lost: u64) -> World {
    let node = usize::try_from(at % 4).unwrap();
    let mut world = World::new(at, Faults { crash: Some((node, at)), forgets, lost, ..Faults::default() });
    world.run_until(4, 60_000);
    world
}

#[test]
fn a_restarted_validator_never_signs_twice() {
    for at in 1..160 {
        let world = crashed(at, false, 0);
        assert_eq!(world.signed_twice, 0, "crash at effect {at}");
        assert!(world.nodes.iter().all(|node| node.alarms.is_empty()), "crash at effect {at}");
    }
}

#[test]
fn a_restarted_validator_never_signs_twice_while_messages_are_lost() {
    for at in 1..100 {
        assert_eq!(crashed(at, false, 25).signed_twice, 0, "crash at effect {at}");
    }
}

/// The control of the tests above: without the log they would fail.
#[test]
fn a_log_that_is_thrown_away_is_caught() {
    assert!((1..160).map(|at| crashed(at, true, 0).signed_twice).sum::<u64>() > 0);
}

#[test]
fn all_four_may_crash_at_once_and_go_on() {
    for seed in 0..10 {
        let mut world = World::new(seed, Faults::default());
        world.run(3_000 + 37 * seed);
        (0..4).for_each(|i| world.kill(i));
        world.run(500);
        (0..4).for_each(|i| world.boot(i));
        let height = world.heights().into_iter().max().unwrap();
        world.run_until(height + 3, 30_000);
        assert_eq!(world.signed_twice, 0);
    }
}
