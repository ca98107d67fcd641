//! Transactions, light blocks, pools.

use alloc::{vec, vec::Vec};

use banyan_types::Peer;

use super::world::*;
use crate::{
    Input, Message,
    limits::{LISTED_MAX, POOL_BYTES_MAX},
    pool::PoolSet,
};

#[test]
fn a_new_transaction_reaches_everybody_and_nobody_twice() {
    let mut world = World::new((0..4).map(Node::new).collect());
    world.connect_all();
    world.run(1);
    let (hash, bytes) = tx(1);
    world.nodes[0].pool_in(vec![bytes]);
    world.settle();
    assert!(world.nodes.iter().all(|node| node.pool.contains_key(&hash)));
    world.nodes[1].tell(Input::Pooled(vec![hash]));
    assert!(world.nodes[1].out.is_empty());
}

#[test]
fn a_light_block_is_rebuilt_from_the_pool_and_what_lacks_is_asked_for() {
    let first = key(&root(), 1);
    let mut world =
        World::new(vec![Node::with(1, core::slice::from_ref(&first)), Node::with(2, core::slice::from_ref(&first))]);
    world.connect(0, 1);
    world.run(1);
    for number in 1..4 {
        let (hash, bytes) = tx(number);
        world.nodes[0].pool.insert(hash, bytes.clone());
        if number != 2 {
            world.nodes[1].pool.insert(hash, bytes);
        }
    }
    let made = micro(&first.header, &[1, 2, 3]);
    world.nodes[0].take(None, made.clone());
    world.settle();
    assert_eq!(world.nodes[1].tip, made.hash());
    assert_eq!(world.nodes[1].looked.len(), 0);
}

#[test]
fn a_light_block_whose_sender_has_not_the_rest_is_completed_by_another() {
    let first = key(&root(), 1);
    let mut world = World::new((0..3).map(|seed| Node::with(seed, core::slice::from_ref(&first))).collect());
    world.connect(0, 1);
    world.connect(0, 2);
    world.run(1);
    let (hash, bytes) = tx(1);
    world.nodes[2].pool.insert(hash, bytes);
    let made = micro(&first.header, &[1]);
    world.nodes[1].take(None, made.clone());
    world.settle();
    assert_eq!(world.nodes[0].tip, made.hash());
    assert!(!world.nodes[1].looked.contains(&made.hash()));
}

#[test]
fn pool_reconciliation_converges_within_its_budget() {
    for (common, left, right) in [(0, 500, 0), (5_000, 0, 100), (5_000, 60, 60), (3, 0, 1), (0, 0, 0)] {
        let (mut one, mut two) = (PoolSet::default(), PoolSet::default());
        (0..common + left).for_each(|number| drop_bool(one.add(tx(number).0)));
        let other = (0..common).chain(common + left..common + left + right);
        other.for_each(|number| drop_bool(two.add(tx(number).0)));
        let mut rounds = 0;
        while one != two {
            rounds += 1;
            assert!(rounds <= 4, "{common} {left} {right} after {rounds}");
            round(&mut one, &mut two);
        }
    }
}

fn drop_bool(_: bool) {}

/// One round: messages go to and fro until nothing is left to say, each side within its budget.
fn round(one: &mut PoolSet, two: &mut PoolSet) {
    let mut message = Some(one.open());
    let mut left = [POOL_BYTES_MAX; 2];
    let mut turn = 0;
    while let Some(theirs) = message.take() {
        let (here, there) = if turn == 0 { (&mut *two, &mut *one) } else { (&mut *one, &mut *two) };
        let compared = here.compare(&theirs, left[turn]);
        compared.lacking.iter().for_each(|hash| drop_bool(here.add(*hash)));
        let surplus = compared.surplus.len().min(left[turn] / 33);
        compared.surplus[..surplus].iter().for_each(|hash| drop_bool(there.add(*hash)));
        if let Some(answer) = &compared.answer {
            let bytes = Message::Pool(answer.clone()).encode().len();
            assert!(bytes <= left[turn], "{bytes} bytes, {} left", left[turn]);
            assert!(answer.lists.iter().all(|list| list.hashes.len() <= LISTED_MAX));
            left[turn] -= bytes;
        }
        message = compared.answer;
        turn = 1 - turn;
    }
}

#[test]
fn pools_that_differ_are_equal_after_some_rounds() {
    let mut world = World::new((0..3).map(Node::new).collect());
    for at in 0..3u32 {
        let txs: Vec<_> = (at * 400..at * 400 + 400).map(|number| tx(number).1).collect();
        world.nodes[usize::try_from(at).unwrap()].pool_in(txs);
    }
    world.connect_all();
    world.run(60);
    assert!(world.nodes.iter().all(|node| node.pool.len() == 1_200));
    assert!(world.nodes.iter().all(|node| node.closed.is_empty()));
    assert_eq!(world.nodes[0].gossip.status_of(Peer(1)).map(|status| status.height.0), Some(0));
}
