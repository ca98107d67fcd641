//! Crashes at every point: nothing is signed twice, nothing is lost.

use super::world::*;

/// Effects of a node in four heights.
const EFFECTS: u64 = 48;

/// Each node crashes once at each effect, in a world of its own.
fn sweep(forgets: bool, lost: u64) -> impl Iterator<Item = World> {
    let points = (1..=EFFECTS).flat_map(|at| (0..4).map(move |node| (node, at)));
    points.map(move |(node, at)| {
        let seed = at * 4 + node as u64;
        let mut world = World::new(seed, Faults { crash: Some((node, at)), forgets, lost, ..Faults::default() });
        world.run_until(5, 60_000);
        world
    })
}

#[test]
fn a_restarted_validator_never_signs_twice() {
    for world in sweep(false, 0) {
        assert_eq!(world.signed_twice, 0, "crash at {:?}", world.faults.crash);
        assert!(world.nodes.iter().all(|node| node.alarms.is_empty()), "crash at {:?}", world.faults.crash);
    }
}

#[test]
fn a_restarted_validator_never_signs_twice_while_messages_are_lost() {
    for world in sweep(false, 25) {
        assert_eq!(world.signed_twice, 0, "crash at {:?}", world.faults.crash);
    }
}

/// The control of the tests above: without the log they would fail.
#[test]
fn a_log_that_is_thrown_away_is_caught() {
    assert!(sweep(true, 0).map(|world| world.signed_twice).sum::<u64>() > 0);
}

#[test]
fn the_sweep_reaches_the_fourth_height() {
    let mut world = World::new(1, Faults::default());
    world.run_until(3, 60_000);
    assert!(world.nodes.iter().all(|node| node.effects < EFFECTS));
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
