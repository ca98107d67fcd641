//! Catching up: headers first, bodies of the best chain alone.

use alloc::{vec, vec::Vec};

use proptest::prelude::*;

use banyan_types::{Hash, Height};

use super::world::*;
use crate::{Input, Why};

#[test]
fn a_late_node_gets_the_whole_chain() {
    let blocks = chain(&root(), 1, 40, 2);
    let mut world = World::new(vec![Node::with(1, &blocks), Node::new(2)]);
    world.connect(0, 1);
    world.run(5);
    assert_eq!(world.nodes[1].tip, blocks.last().unwrap().hash());
    assert!(world.nodes.iter().all(|node| node.closed.is_empty()));
}

#[test]
fn headers_first_sync_fetches_no_body_of_a_losing_chain() {
    let (winning, losing) = (chain(&root(), 1, 30, 1), chain(&root(), 2, 20, 1));
    let mut world = World::new(vec![Node::with(1, &winning), Node::with(2, &losing), Node::new(3)]);
    world.connect(2, 1);
    world.connect(2, 0);
    world.run(10);
    assert_eq!(world.nodes[2].tip, winning.last().unwrap().hash());
    assert!(world.nodes[2].got.iter().all(|hash| winning.iter().any(|made| made.hash() == *hash)));
}

#[test]
fn a_lighter_chain_is_fetched_if_it_is_sealed() {
    let (heavier, lighter) = (chain(&root(), 1, 90, 0), chain(&root(), 2, 80, 0));
    let sealed = &lighter[74];
    let mut keeper = Node::new(2);
    keeper.sealed = sealed.header.height();
    for made in &lighter {
        keeper.take(None, made.clone());
    }
    let mut world = World::new(vec![Node::with(1, &heavier), keeper, Node::with(3, &heavier)]);
    world.connect(0, 1);
    world.connect(0, 2);
    world.run(5);
    assert!(!world.nodes[0].got.contains(&sealed.hash()), "by work alone there is no reason to");
    world.nodes[0].tell(Input::Sealed(Some((sealed.hash(), sealed.header.height()))));
    world.run(10);
    assert!(world.nodes[0].got.contains(&sealed.hash()));
    world.nodes[0].tell(Input::Sealed(None));
    world.run(10);
    assert!(world.nodes.iter().all(|node| node.closed.is_empty()));
}

/// A peer that says it has what is sealed, and has not, is asked in vain now and then; nobody waits for it.
#[test]
fn a_claim_to_have_what_is_sealed_holds_up_nothing() {
    let (mine, theirs) = (chain(&root(), 1, 20, 0), chain(&root(), 2, 30, 0));
    let mut liar = Node::with(2, &mine);
    liar.sealed = Height(1_000);
    liar.take(None, key(&mine.last().unwrap().header, 1));
    let mut world = World::new(vec![Node::with(1, &mine), liar, Node::with(3, &theirs)]);
    world.nodes[0].tell(Input::Sealed(Some((Hash([5; 32]), Height(15)))));
    world.connect(0, 1);
    world.connect(0, 2);
    world.run(20);
    assert_eq!(world.nodes[0].tip, theirs.last().unwrap().hash());
}

#[test]
fn a_generation_larger_than_a_page_comes_in_pages() {
    let first = key(&root(), 1);
    let numbers: Vec<u32> = (0..9_000).collect();
    let mut blocks = vec![first];
    for part in numbers.chunks(3_000) {
        blocks.push(micro(&blocks.last().unwrap().header, part));
    }
    blocks.extend(chain(&blocks.last().unwrap().header.clone(), 2, 5, 0));
    let mut world = World::new(vec![Node::with(1, &blocks), Node::new(2)]);
    world.connect(0, 1);
    world.run(5);
    assert_eq!(world.nodes[1].tip, blocks.last().unwrap().hash());
}

#[test]
fn a_long_fork_is_left_for_the_heavier_chain() {
    let (left, right) = (chain(&root(), 1, 70, 1), chain(&root(), 2, 71, 1));
    let mut world = World::new(vec![Node::with(1, &left), Node::with(2, &right)]);
    world.connect(0, 1);
    world.run(40);
    assert_eq!(world.nodes[0].tip, right.last().unwrap().hash());
    assert!(world.nodes.iter().all(|node| node.closed.is_empty()));
}

#[test]
fn generations_come_from_several_peers() {
    let blocks = chain(&root(), 1, 60, 1);
    let mut world = World::new(vec![Node::with(1, &blocks), Node::with(2, &blocks), Node::new(3)]);
    world.connect(2, 0);
    world.connect(2, 1);
    world.run(10);
    assert_eq!(world.nodes[2].tip, blocks.last().unwrap().hash());
    assert!(world.nodes[..2].iter().all(|node| node.looked.len() > 10));
}

#[test]
fn a_chain_that_grows_while_it_is_fetched_is_followed_to_its_end() {
    let blocks = chain(&root(), 1, 60, 1);
    let mut world = World::new(vec![Node::with(1, &blocks[..100]), Node::new(2)]);
    world.connect(0, 1);
    for made in &blocks[100..] {
        world.nodes[0].take(None, made.clone());
        world.settle();
    }
    world.run(20);
    assert_eq!(world.nodes[1].tip, blocks.last().unwrap().hash());
}

#[test]
fn three_pages_of_headers_come_in_a_stream_slow() {
    let blocks = chain(&root(), 1, 4_100, 0);
    let mut world = World::new(vec![Node::with(1, &blocks), Node::new(2)]);
    world.connect(0, 1);
    world.run(30);
    assert_eq!(world.nodes[1].tip, blocks.last().unwrap().hash());
    assert!(world.nodes[1].got.len() == blocks.len(), "each block is fetched once");
}

#[test]
fn a_refused_block_ends_the_plan_that_has_it() {
    let blocks = chain(&root(), 1, 200, 0);
    let mut world = World::new(vec![Node::with(1, &blocks), Node::new(2)]);
    world.connect(0, 1);
    world.nodes[1].tell(Input::Refused(blocks[150].hash()));
    world.run(10);
    assert!(world.nodes[1].closed.iter().any(|(_, why, _)| matches!(why, Why::Score { score: -100 })));
    assert!(world.nodes[1].got.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn all_converge_after_quiet_whatever_was_lost(
        count in 2usize..8, loss in 0u32..60, forks in proptest::collection::vec((0usize..8, 1u32..6), 1..6)
    ) {
        let mut world = World::new((0..count).map(|seed| Node::new(u8::try_from(seed).unwrap())).collect());
        world.connect_all();
        world.settle();
        world.loss = loss;
        for (salt, (at, keys)) in forks.into_iter().enumerate() {
            let node = at % count;
            let tip = world.nodes[node].tip;
            let tip = world.nodes[node].blocks[&tip].0.header.clone();
            for made in chain(&tip, u8::try_from(salt).unwrap() + 3, keys, 2) {
                world.nodes[node].take(None, made);
                world.settle();
            }
            let (_, bytes) = tx(7_000_000 + u32::try_from(salt).unwrap());
            world.nodes[node].pool_in(vec![bytes]);
            world.run(2);
        }
        // Whoever ends equal stays where it is: more blocks than all forks together decide.
        let tip = world.nodes[0].tip;
        let tip = world.nodes[0].blocks[&tip].0.header.clone();
        for made in chain(&tip, 99, 30, 1) {
            world.nodes[0].take(None, made);
        }
        world.loss = 0;
        world.run(200);
        prop_assert!(world.agree());
        let pool: Vec<_> = world.nodes[0].pool.keys().collect();
        prop_assert!(world.nodes.iter().all(|node| node.pool.keys().collect::<Vec<_>>() == pool));
        // Only silence costs points here, so nobody is sent away.
        prop_assert!(world.nodes.iter().all(|node| node.closed.is_empty()));
    }
}
