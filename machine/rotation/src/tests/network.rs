//! Whole sets of validators in a seeded world: first safety under every fault, then progress once it is mended.

use alloc::{collections::BTreeSet, vec, vec::Vec};

use banyan_types::Height;

use super::world::*;

/// Every number of validators with every threshold.
fn sets() -> Vec<(usize, u32)> {
    (1..=5usize).flat_map(|members| (1..=u32::try_from(members).unwrap()).map(move |t| (members, t))).collect()
}

fn tip_hashes(world: &World) -> BTreeSet<[u8; 32]> {
    world.honest().into_iter().map(|at| world.nodes[at].disk.last.header.hash().0).collect()
}

#[test]
fn blocks_become_final_with_every_threshold() {
    for (members, threshold) in sets() {
        let mut world = World::new(1, members, threshold);
        world.work_every(500, 20);
        world.run(12_000);
        assert!(world.all_final() >= 15, "{members}/{threshold}: {}", world.all_final());
        assert_eq!(world.unwound, 0, "{members}/{threshold}");
        assert!(world.views.values().all(|view| *view == 0), "{members}/{threshold}: {:?}", world.views);
        assert!(world.nodes.iter().all(|node| node.has_quorum));
    }
}

#[test]
fn an_idle_ledger_makes_one_block_for_each_new_final_parent_block_and_is_final_soon_after() {
    for (members, threshold) in sets() {
        let mut world = World::new(2, members, threshold);
        world.run(10 * PARENT_INTERVAL - 100);
        let two_steps = world.turns.has_two_steps();
        // Where one step confirms, an empty block more shows the quorum of each.
        let per_parent = if two_steps { 1 } else { 2 };
        assert_eq!(world.height(0), 10 * per_parent, "{members}/{threshold}");
        let named = world.nodes[0].disk.last.header.parent_height;
        assert_eq!(named, Height(10), "{members}/{threshold}");
        assert_eq!(tip_hashes(&world).len(), 1);
    }
}

#[test]
fn a_dead_leader_costs_one_turn() {
    for (members, threshold) in [(3, 1), (3, 2), (4, 1), (4, 2), (4, 3)] {
        let mut world = World::new(3, members, threshold);
        world.kill(0);
        world.work_every(100, 100);
        world.run(20_000);
        let dead = public(&world.nodes[0].key);
        let mut missed = 0;
        for (height, view) in &world.views {
            let expected = u32::from(world.turns.leader(*height, 0) == Some(dead));
            assert_eq!(*view, expected, "{members}/{threshold} at {height}");
            missed += expected;
        }
        assert!(missed > 5, "{members}/{threshold}: {missed}");
        // Half a turn between blocks, one more where the leader is missing.
        let made = u32::try_from(world.views.len()).unwrap();
        assert!(world.views.len() > 30, "{members}/{threshold}: {made}");
        if members == 4 {
            assert!(world.all_final() > 25, "{members}/{threshold}: {}", world.all_final());
        }
    }
}

#[test]
fn without_two_thirds_nothing_is_final_and_the_operator_is_told() {
    for threshold in [1, 2, 3] {
        let mut world = World::new(4, 4, threshold);
        world.kill(0);
        world.kill(1);
        world.work_every(100, 100);
        world.run(20_000);
        assert_eq!(world.all_final(), 0, "{threshold}");
        assert!(world.honest().iter().all(|at| !world.nodes[*at].has_quorum));
        let goes_on = world.height(2) > 20;
        assert_eq!(goes_on, threshold <= 2, "where two confirm, two go on: {threshold}");
        assert!(world.summaries.is_empty());
        world.heal();
        // Nobody commits below his last height again: the branch has to grow past it first.
        world.run(25_000);
        assert!(world.all_final() > 0, "{threshold}");
        assert!(world.nodes.iter().all(|node| node.has_quorum));
    }
}

#[test]
fn a_partition_forks_only_where_less_than_a_majority_confirms_and_heals_to_one_ledger() {
    for (threshold, forks) in [(1, true), (2, true), (3, false), (4, false)] {
        for seed in 0..6 {
            let mut world = World::new(seed, 4, threshold);
            world.run(2_000);
            world.faults.groups = Some(vec![0, 0, 1, 1]);
            world.work_every(100, 60);
            world.run(8_000);
            let hash = |at: usize| world.nodes[at].disk.tip().hash();
            assert_eq!(hash(0) != hash(2), forks, "{threshold}");
            let unwound = world.unwound;
            world.heal();
            world.work_every(300, 20);
            world.run(40_000);
            assert_eq!(world.unwound > unwound, forks, "{threshold}, seed {seed}");
            assert!(world.all_final() > 20, "{threshold}, seed {seed}: {}", world.all_final());
            assert_eq!(tip_hashes(&world).len(), 1, "{threshold}, seed {seed}");
        }
    }
}

#[test]
fn nothing_is_signed_twice_whatever_order_a_crash_comes_after() {
    for (members, threshold) in [(3, 1), (3, 2), (4, 3)] {
        for after in (1..=100).step_by(2) {
            let mut world = World::new(5, members, threshold);
            world.faults.crash = Some((1, after));
            world.work_every(200, 10);
            world.run(9_000);
            assert!(world.faults.crash.is_none(), "{members}/{threshold}, after {after}");
            assert!(world.all_final() >= 5, "{members}/{threshold}, after {after}: {}", world.all_final());
            assert_eq!(tip_hashes(&world).len(), 1, "{members}/{threshold}, after {after}");
        }
    }
}

#[test]
fn an_equivocator_is_accused_and_divides_nobody() {
    for (members, threshold) in [(4, 1), (4, 2), (4, 3), (4, 4), (5, 4)] {
        for seed in 0..5 {
            let mut world = World::new(seed, members, threshold);
            world.faults.liars.insert(2);
            world.work_every(200, 40);
            world.run(30_000);
            let liar = public(&world.nodes[2].key);
            assert_eq!(world.accused, BTreeSet::from([liar]), "{members}/{threshold}, seed {seed}");
            let enough = if threshold == 4 && members == 4 { 0 } else { 15 };
            assert!(world.all_final() >= enough, "{members}/{threshold}, seed {seed}: {}", world.all_final());
        }
    }
}

/// Faults drawn from a seed, then mended.
pub fn swarm(seed: u64, members: usize, threshold: u32) -> World {
    let mut dice = Dice::new(seed);
    let mut world = World::new(seed, members, threshold);
    world.work_every(150, 400);
    for _ in 0..10 {
        let groups = (0..members).map(|_| u8::try_from(dice.below(2)).unwrap()).collect();
        world.faults.delay_max = [5, 20, 100, 400][usize::try_from(dice.below(4)).unwrap()];
        world.faults.drop = [0, 0, 10, 4][usize::try_from(dice.below(4)).unwrap()];
        world.faults.groups = dice.one_in(2).then_some(groups);
        world.faults.is_random = dice.one_in(2);
        world.faults.dead.clear();
        if dice.one_in(3) {
            world.faults.dead.insert(usize::try_from(dice.below(members as u64)).unwrap());
        }
        world.run(1_000 + dice.below(5_000));
        world.accept();
    }
    world.heal();
    world
}

#[test]
fn whatever_the_network_does_one_ledger_becomes_final() {
    for (members, threshold) in [(3, 1), (3, 2), (3, 3), (4, 1), (4, 2), (4, 3), (4, 4), (5, 3)] {
        for seed in 0..4 {
            let mut world = swarm(seed, members, threshold);
            let before = world.all_final();
            world.run(60_000);
            let name = alloc::format!("{members}/{threshold}, seed {seed}");
            assert!(world.all_final() > before + 5, "{name}: {before}, {}", world.all_final());
            world.run(PARENT_INTERVAL);
            assert!(tip_hashes(&world).len() <= 2, "{name}: they are at most a block apart");
            world.accept();
        }
    }
}

#[test]
fn one_seed_is_one_trace() {
    for (members, threshold) in [(3, 1), (4, 2), (4, 3)] {
        let trace = |seed| swarm(seed, members, threshold).trace;
        assert_eq!(trace(7), trace(7));
        assert_ne!(trace(7), trace(8));
    }
}

#[test]
fn a_newcomer_catches_up() {
    for threshold in [1, 3] {
        let mut world = World::new(6, 4, threshold);
        world.kill(3);
        world.work_every(100, 100);
        world.run(25_000);
        assert_eq!(world.height(3), 0);
        let reached = world.final_height(0);
        assert!(reached > 40);
        world.heal();
        world.run(8_000);
        assert!(world.final_height(3) > reached, "{threshold}: {} of {reached}", world.final_height(3));
    }
}

#[test]
fn only_final_blocks_are_summarised_by_one_validator_at_a_time() {
    let mut world = World::new(7, 4, 1);
    world.work_every(400, 10);
    world.run(9_000);
    assert_eq!(world.summaries.values().map(Vec::len).collect::<Vec<_>>(), [1], "by whose turn it is");
    world.run(world.params.summaries.resend_ms + 1_000);
    assert_eq!(world.summaries.values().map(Vec::len).collect::<Vec<_>>(), [2], "the next sends it when nobody's came");
    let mut from = Height(0);
    for _ in 0..5 {
        world.accept();
        world.run(PARENT_INTERVAL);
        world.work_every(100, 5);
    }
    assert!(world.summaries.len() > 3);
    for ranges in world.summaries.values() {
        assert_eq!(ranges[0].from, from, "one line without gaps");
        from = ranges[0].to;
    }
}
