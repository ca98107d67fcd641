//! Validators that are away, cut off, or lie.

use banyan_ledger::engine::committee::fault;
use banyan_types::{Height, committee::StatementKind};

use super::world::*;
use crate::*;

/// The node that leads view 0 of a height.
fn leader(world: &World, height: u64) -> usize {
    let leader = world.epoch.leader(Height(height), 0);
    (0..4).find(|i| public(*i) == leader).unwrap()
}

#[test]
fn a_missing_leader_costs_one_view() {
    let mut world = World::new(11, Faults::default());
    world.run_until(3, 20_000);
    let next = world.heights().into_iter().max().unwrap() + 1;
    let gone = leader(&world, next);
    world.kill(gone);
    world.run_until(next, 10_000);
    let watcher = (0..4).find(|i| *i != gone).unwrap();
    let header = &world.nodes[watcher].disk.chain[usize::try_from(next - 1).unwrap()].block.header;
    assert_eq!(header.view, 1);
    assert_eq!(header.leader, world.epoch.leader(Height(next), 1));
}

#[test]
fn one_of_four_away_stops_nothing() {
    let mut world = World::new(12, Faults::default());
    world.run_until(2, 20_000);
    world.kill(0);
    let height = world.heights().into_iter().max().unwrap();
    world.run_until(height + 10, 60_000);
    // It comes back, and fetches what it missed.
    world.boot(0);
    world.run_until(height + 10, 10_000);
    assert!(world.nodes.iter().all(|node| node.alarms.is_empty()));
}

#[test]
fn two_of_four_away_stop_the_ledger_until_they_return() {
    let mut world = World::new(13, Faults::default());
    world.run_until(2, 20_000);
    world.kill(0);
    world.kill(1);
    world.run(1_000);
    let heights = world.heights();
    world.run(30_000);
    assert_eq!(world.heights(), heights, "a block without a quorum");
    for i in [2, 3] {
        assert_eq!(world.nodes[i].quorum, [false], "the shell is told once that there is no quorum");
    }
    world.boot(0);
    let height = heights.into_iter().max().unwrap();
    world.run_until(height + 3, 30_000);
    for i in [2, 3] {
        assert_eq!(world.nodes[i].quorum, [false, true]);
    }
    assert_eq!(world.signed_twice, 0);
}

#[test]
fn an_equivocator_is_convicted_and_the_others_agree() {
    let mut world = World::new(14, Faults { equivocator: Some(0), ..Faults::default() });
    world.run(120_000);
    let honest = [1, 2, 3];
    assert!(honest.iter().all(|i| world.height(*i) >= 20), "{:?}", world.heights());
    let pairs: alloc::vec::Vec<_> = honest.iter().flat_map(|i| world.nodes[*i].accused.clone()).collect();
    assert!(!pairs.is_empty(), "nobody handed over evidence");
    for [a, b] in pairs {
        let proven = fault(&a, &b, NETWORK).expect("evidence that convicts");
        assert_eq!((proven.kind, proven.keys), (StatementKind::Proposal, [public(0)].into()));
    }
}

#[test]
fn a_block_that_executes_otherwise_is_refused() {
    let mut world = World::new(15, Faults { liar: Some(2), ..Faults::default() });
    world.run(120_000);
    assert!((0..4).all(|i| world.height(i) >= 20), "{:?}", world.heights());
    let theirs = |decided: &Decided| decided.block.header.leader == public(2);
    assert!(!world.nodes[0].disk.chain.iter().any(theirs));
}

#[test]
fn a_partition_makes_no_fork_and_heals() {
    for seed in 0..10 {
        let mut world = World::new(seed, Faults { lost: 5, ..Faults::default() });
        world.run_until(2, 20_000);
        let part = [world.roll(4), world.roll(4)].map(|i| usize::try_from(i).unwrap());
        world.parts = Some(part.into());
        world.run(20_000);
        world.parts = None;
        let height = world.heights().into_iter().max().unwrap();
        world.run_until(height + 3, 30_000);
        assert_eq!(world.signed_twice, 0);
    }
}

#[test]
fn blocks_are_made_while_every_fourth_message_is_lost() {
    for seed in 0..5 {
        let mut world = World::new(seed, Faults { lost: 25, ..Faults::default() });
        world.run_until(10, 120_000);
    }
}

#[test]
fn who_was_away_for_long_catches_up() {
    let mut world = World::new(16, Faults::default());
    world.kill(3);
    world.run(200_000);
    let height = world.height(0);
    assert!(height > 60, "{height} blocks");
    world.boot(3);
    // One ask after a moment of silence; each batch of 20 blocks brings the next.
    world.run(7_000);
    assert!(world.height(3) >= height, "{:?}", world.heights());
}
