//! Another set at an epoch's edge.

use alloc::{boxed::Box, vec::Vec};

use banyan_ledger::engine::committee::{Decree, check_handover};
use banyan_types::{
    AssociateId, Hash, Height,
    committee::{Member, ValidatorSet, handover_hash},
};

use super::world::*;
use crate::*;

/// Validators 1 to 3, of unequal weight, from height 4 on.
fn world(seed: u64, faults: Faults) -> World {
    let member = |(n, weight)| Member { key: public(n), weight };
    let set = ValidatorSet::new([(1, 3), (2, 4), (3, 5)].map(member).into()).unwrap();
    let mut world = World::new(seed, faults);
    world.next = Some((4, Epoch::drawn(1, Hash([9; 32]), set)));
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

/// The four go on after height 3, as a contract has decreed: led by 2, 0, 3, 1 and again, so many milliseconds apart.
fn decreed(seed: u64, interval_ms: u64) -> World {
    let mut world = World::new(seed, Faults::default());
    let places = [2, 0, 3, 1].map(|n| world.epoch.set.place(&public(n)).unwrap());
    let decree = Decree { from: Height(4), leaders: places.into(), interval_ms: Some(interval_ms) };
    let epoch = Epoch { decree: Some(decree), ..Epoch::drawn(1, Hash([9; 32]), world.epoch.set.clone()) };
    world.next = Some((4, epoch));
    world
}

#[test]
fn a_committee_follows_the_leaders_and_the_interval_that_are_decreed() {
    let mut world = decreed(31, 900);
    world.run_until(4, 60_000);
    let before = world.height(0);
    for _ in 0..200 {
        world.fill_pools();
        world.run(100);
    }
    let made = world.height(0) - before;
    assert!((15..=22).contains(&made), "{made} blocks in 20 s at 900 ms each");
    let headers: Vec<_> = world.nodes[0].disk.chain.iter().map(|decided| &decided.block.header).collect();
    for header in headers.into_iter().filter(|header| header.height >= Height(4)) {
        let turn = usize::try_from((header.height.0 - 4) % 4).unwrap();
        assert_eq!((header.view, header.leader), (0, public([2, 0, 3, 1][turn])), "{}", header.height);
    }
}

#[test]
fn an_elected_leader_who_is_away_costs_one_view() {
    let mut world = decreed(32, 200);
    world.run_until(4, 60_000);
    world.kill(3);
    let before = world.height(0);
    for _ in 0..200 {
        world.fill_pools();
        world.run(100);
    }
    let headers = world.nodes[0].disk.chain.iter().map(|decided| decided.block.header.clone());
    let later: Vec<_> = headers.filter(|header| header.height.0 > before + 1).collect();
    assert!(later.len() > 12, "{} blocks", later.len());
    for header in later {
        let is_away = (header.height.0 - 4) % 4 == 2;
        assert_eq!(header.view, u32::from(is_away), "height {}", header.height);
    }
}

/// From the four to the three, as the parent would count.
fn handover(world: &World, epoch: u64) -> Handover {
    let (from, to) = (world.epoch.set.clone(), world.epoch_at(4).set.clone());
    let hash = handover_hash(AssociateId([6; 32]), epoch, &to);
    Handover { epoch, hash, from, to }
}

fn ask(world: &mut World, nodes: &[usize], handover: Option<&Handover>) {
    for n in nodes {
        world.feed(*n, Input::Handover(handover.map(|handover| Box::new(handover.clone()))));
    }
}

#[test]
fn a_quorum_of_the_set_that_the_parent_knows_hands_over_and_one_sends_it() {
    let mut world = world(23, Faults::default());
    let wanted = handover(&world, 1);
    ask(&mut world, &[0, 1], Some(&wanted));
    world.run(9_000);
    assert!(world.nodes.iter().all(|node| node.handed.is_empty()), "two of four are no quorum");
    // One looks at the parent later than the others have spoken: they say it again.
    ask(&mut world, &[3], Some(&wanted));
    world.run(15_000);
    let handed: Vec<_> = world.nodes.iter().flat_map(|node| &node.handed).collect();
    assert!(!handed.is_empty() && handed.len() <= 2, "{} were sent", handed.len());
    for (said, certificate) in handed {
        assert_eq!(*said, wanted);
        assert_eq!(certificate.block_hash, wanted.hash);
        assert_eq!(check_handover(certificate, &wanted.from, NETWORK), Ok(()));
    }
    // The parent has it: nobody speaks of it any more.
    ask(&mut world, &[0, 1, 3], None);
    let before: usize = world.nodes.iter().map(|node| node.handed.len()).sum();
    world.run(60_000);
    assert_eq!(world.nodes.iter().map(|node| node.handed.len()).sum::<usize>(), before);
}

#[test]
fn who_has_left_the_set_still_hands_over() {
    let mut world = world(24, Faults::default());
    world.run_until(6, 60_000);
    let wanted = handover(&world, 1);
    ask(&mut world, &[0, 1, 2], Some(&wanted));
    world.run(45_000);
    let handed = world.nodes.iter().flat_map(|node| &node.handed).next().expect("three of the old four have spoken");
    let left = wanted.from.place(&public(0)).unwrap();
    assert!(handed.1.signatures.iter().any(|by| by.index == left));
}

#[test]
fn two_sets_for_one_epoch_are_not_signed_even_across_a_crash() {
    let mut world = world(25, Faults::default());
    let wanted = handover(&world, 1);
    ask(&mut world, &[0], Some(&wanted));
    world.run(1_000);
    world.kill(0);
    world.boot(0);
    let other = Handover { hash: Hash([7; 32]), ..wanted.clone() };
    ask(&mut world, &[0], Some(&other));
    world.run(1_000);
    assert!(world.nodes[0].alarms.iter().any(|alarm| matches!(alarm, Alarm::Silent { .. })));
    assert_eq!(world.signed_twice, 0);
    // The first word is said again, and the next epoch is another matter.
    ask(&mut world, &[0], Some(&wanted));
    let next = handover(&world, 2);
    ask(&mut world, &[0], Some(&next));
    world.run(1_000);
    assert_eq!(world.signed_twice, 0);
    assert_eq!(world.nodes[0].alarms.len(), 1);
}

#[test]
fn no_summary_crosses_the_edge_between_two_sets() {
    let mut world = world(26, Faults::default());
    world.run_until(12, 120_000);
    world.run(30_000);
    let ranges: Vec<_> = world.nodes.iter().flat_map(|node| &node.summarised).collect();
    assert!(ranges.iter().any(|range| range.to.0 == 3), "one ends with the old set: {ranges:?}");
    assert!(ranges.iter().all(|range| range.to.0 <= 3 || range.from.0 >= 3));
}
