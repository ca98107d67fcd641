//! Blocks in a quiet world: when they are made, by whom, and what each carries.

use alloc::{collections::BTreeSet, vec::Vec};

use banyan_types::committee::Certificate;

use super::world::*;
use crate::*;

#[test]
fn every_final_parent_block_is_named_and_all_validators_agree() {
    let mut world = World::new(1, Faults::default());
    world.run(30_000);
    let chain = &world.nodes[0].disk.chain;
    assert!(chain.len() >= 9, "{} blocks", chain.len());
    let named: Vec<_> = chain.iter().map(|decided| decided.block.header.parent_height.0).collect();
    assert!(named.is_sorted() && *named.last().unwrap() >= world.parent_height - 1, "{named:?}");
    assert!(chain.iter().all(|decided| decided.block.header.view == 0), "somebody missed a turn");
    assert!(world.nodes.iter().all(|node| node.alarms.is_empty() && node.quorum.is_empty()));
}

#[test]
fn transactions_are_taken_at_the_target_interval() {
    let mut world = World::new(2, Faults::default());
    world.run(4_000);
    let before = world.height(0);
    for _ in 0..100 {
        world.fill_pools();
        world.run(100);
    }
    let made = world.height(0) - before;
    assert!((20..=50).contains(&made), "{made} blocks in 10 s at 200 ms each");
}

#[test]
fn an_idle_ledger_gives_a_sign_of_life_every_ten_seconds() {
    let mut world = World::new(3, Faults::default());
    world.run(10_000);
    // The parent stands still from here.
    let height = world.height(0);
    world.stop_parent();
    world.run(41_000);
    let made = world.height(0) - height;
    assert!((4..=5).contains(&made), "{made} blocks");
}

#[test]
fn each_block_carries_a_seal_of_the_one_before() {
    let mut world = World::new(4, Faults::default());
    world.run(20_000);
    for node in &world.nodes {
        let mut before: Option<&Decided> = None;
        for decided in &node.disk.chain {
            let carried = decided.block.prev_seal.as_ref().map(|seal| seal.block_hash);
            assert_eq!(carried, before.map(|before| before.block.header.hash()));
            let ascend = |seal: &Certificate| seal.signatures.is_sorted_by(|a, b| a.index < b.index);
            assert!(ascend(&decided.certificate));
            before = Some(decided);
        }
    }
}

#[test]
fn everybody_leads_in_turn() {
    let mut world = World::new(5, Faults::default());
    world.run(120_000);
    let leaders: BTreeSet<_> = world.nodes[0].disk.chain.iter().map(|decided| decided.block.header.leader).collect();
    assert_eq!(leaders.len(), 4);
}

#[test]
fn one_validator_at_a_time_sends_a_summary() {
    let mut world = World::new(6, Faults::default());
    for _ in 0..60 {
        world.fill_pools();
        world.run(1_000);
    }
    let mut seqs: Vec<_> = world.nodes.iter().flat_map(|node| node.summarised.iter().map(|range| range.seq)).collect();
    seqs.sort_unstable();
    assert!(seqs.len() > 20, "{seqs:?}");
    assert!(seqs.is_sorted_by(|a, b| a < b), "two sent one summary: {seqs:?}");
    assert!(world.nodes.iter().all(|node| node.summarised.len() > 3), "the role goes around");
}

#[test]
fn one_number_draws_the_whole_world() {
    let run = |seed| {
        let mut world = World::new(seed, Faults { lost: 10, ..Faults::default() });
        world.run(20_000);
        world.trace()
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}
