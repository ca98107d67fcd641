//! Another set at an epoch's edge.

use alloc::vec::Vec;

use banyan_types::{
    Hash,
    committee::{Member, ValidatorSet},
};

use super::world::*;
use crate::*;

/// Validators 1 to 3, of unequal weight, from height 4 on.
fn world(seed: u64, faults: Faults) -> World {
    let member = |(n, weight)| Member { key: public(n), weight };
    let set = ValidatorSet::new([(1, 3), (2, 4), (3, 5)].map(member).into()).unwrap();
    let mut world = World::new(seed, faults);
    world.next = Some((4, Epoch { number: 1, seed: Hash([9; 32]), set }));
    world
}

#[test]
fn the_set_changes_at_an_epochs_edge_and_who_left_follows() {
    let mut world = world(21, Faults::default());
    world.run_until(10, 60_000);
    let chain = &world.nodes[0].disk.chain;
    let sets: Vec<_> = chain.iter().map(|decided| decided.block.header.set_hash).collect();
    assert!(sets[..3].iter().all(|hash| *hash == world.epoch.set.hash()));
    assert!(sets[3..].iter().all(|hash| *hash == world.epoch_at(4).set.hash()));
    assert!(chain[3..].iter().all(|decided| decided.block.header.leader != public(0)));
    // The first block of the epoch carries a seal of the set before.
    assert!(chain[3].block.prev_seal.as_ref().unwrap().signatures.iter().all(|by| by.index < 4));
}

#[test]
fn a_crash_at_the_edge_signs_nothing_twice() {
    for at in 30..90 {
        let node = usize::try_from(at % 4).unwrap();
        let mut world = world(at, Faults { crash: Some((node, at)), ..Faults::default() });
        world.run_until(6, 60_000);
        assert_eq!(world.signed_twice, 0, "crash at effect {at}");
    }
}

#[test]
fn who_was_away_at_the_edge_catches_up_across_it() {
    let mut world = world(22, Faults::default());
    world.kill(2);
    world.run(20_000);
    assert!(world.height(1) <= 3 || world.height(1) >= 4);
    world.boot(2);
    world.run_until(6, 60_000);
}
