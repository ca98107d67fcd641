//! When a block is made, and how.

use alloc::{boxed::Box, vec, vec::Vec};

use banyan_types::{Hash, Height, Signature, TimeMs, header::ChildHeader};

use super::world::*;
use crate::{Draft, Effect, Input, Produced, Record, Seq};

#[test]
fn a_block_is_built_signed_persisted_and_only_then_committed() {
    let mut world = World::new();
    let tip = parent(3, 2);
    let header = ChildHeader {
        height: Height(1),
        prev_hash: genesis().hash(),
        parent_hash: tip.hash,
        parent_height: tip.height,
        root_height: tip.root_height,
        time_ms: tip.time,
        entropy: ChildHeader::derive_entropy(tip.entropy, params().associate),
        state_root: Hash::ZERO,
        inbox_to: 2,
        ..genesis()
    };
    assert_eq!(world.step(Input::ParentTip(tip)), [Effect::Build(Box::new(header.clone()))]);

    let (txs_root, receipts_root, state_root) = (Hash([1; 32]), Hash([2; 32]), Hash([3; 32]));
    let draft = Draft { height: Height(1), txs_root, receipts_root, outbox_to: 4, state_root, txs: 0, settled: 2 };
    let header = ChildHeader { txs_root, receipts_root, outbox_to: 4, state_root, ..header };
    assert_eq!(world.step(Input::Built(draft)), [Effect::Sign(Box::new(header.clone()))]);

    let seal = Signature([9; 64]);
    let produced = Box::new(Produced { header: header.clone(), seal, settled: 2, parent: tip });
    let persist = Effect::Persist(Seq(1), Record::Block(produced.clone()));
    assert_eq!(world.step(Input::Signed(seal)), [persist]);
    assert_eq!(world.step(Input::Persisted(Seq(7))), [], "another record");
    assert_eq!(world.step(Input::Persisted(Seq(1))), [Effect::Commit(produced)]);
    assert_eq!(world.machine.tip(), &genesis());
    world.step(Input::Committed(Height(1)));
    assert_eq!(world.machine.tip(), &header);
}

#[test]
fn an_idle_ledger_makes_one_empty_block_for_each_new_final_parent_block() {
    let mut world = World::new();
    world.tick(100_000);
    assert_eq!(world.height(), 0, "without a parent block there is nothing to name");
    for height in 1..=5 {
        world.tell(Input::ParentTip(parent(height, 0)));
        assert_eq!((world.height(), world.tip().parent_height.0), (height, height));
        world.tell(Input::ParentTip(parent(height, 0)));
        world.tell(Input::ParentTip(parent(1, 0)));
        world.tick(100_000);
        assert_eq!(world.height(), height, "nothing new");
    }
}

#[test]
fn parent_blocks_that_came_while_a_block_was_made_are_named_by_one_block() {
    let mut world = World::new();
    let effects = world.step(Input::ParentTip(parent(1, 0)));
    world.step(Input::ParentTip(parent(2, 0)));
    world.step(Input::ParentTip(parent(3, 0)));
    let answer = world.obey(&effects[0]).unwrap();
    world.tell(answer);
    assert_eq!((world.height(), world.tip().parent_height.0), (2, 3));
}

#[test]
fn blocks_of_transactions_keep_the_interval() {
    let mut world = World::new();
    world.tell(Input::ParentTip(parent(1, 0)));
    world.work.txs = 3;
    let interval = params().block_interval_ms;
    // The first one comes at once; the shell says at every turn that there is more.
    let mut heights = vec![];
    for _ in 0..5 {
        world.tell(Input::PoolReady);
        heights.push(world.height());
        world.tick(interval / 2);
    }
    assert_eq!(heights, [2, 2, 3, 3, 4]);
}

#[test]
fn a_wake_is_asked_for_when_the_interval_ends() {
    let mut world = World::new();
    world.tell(Input::ParentTip(parent(1, 0)));
    world.work.txs = 1;
    world.tell(Input::PoolReady);
    assert_eq!(world.log.last(), Some(&Effect::Wake(TimeMs(world.now + params().block_interval_ms))));
}

#[test]
fn an_empty_block_for_the_parent_does_not_delay_transactions() {
    let mut world = World::new();
    world.tell(Input::ParentTip(parent(1, 0)));
    world.work.txs = 1;
    world.tell(Input::PoolReady);
    assert_eq!(world.height(), 2);
}

#[test]
fn a_parent_block_that_comes_between_two_blocks_of_transactions_is_named_by_the_next() {
    let mut world = World::new();
    world.tell(Input::ParentTip(parent(1, 0)));
    world.work.txs = 1;
    world.tell(Input::PoolReady);
    world.tell(Input::ParentTip(parent(2, 0)));
    assert_eq!(world.height(), 2, "one block will do");
    world.tick(params().block_interval_ms);
    assert_eq!((world.height(), world.tip().parent_height.0), (3, 2));
}

#[test]
fn a_mempool_with_nothing_that_fits_makes_no_block() {
    let mut world = World::new();
    world.tell(Input::ParentTip(parent(1, 0)));
    let effects = world.tell(Input::PoolReady);
    assert!(matches!(&effects[..], [Effect::Build(_)]));
    assert_eq!(world.tick(10_000), [], "and is not asked again");
    world.tell(Input::ParentTip(parent(2, 0)));
    assert_eq!(world.height(), 2, "the parent's news are worth an empty block all the same");
    world.work.txs = 1;
    world.tell(Input::PoolReady);
    assert_eq!(world.height(), 3);
    world.tell(Input::PoolReady);
    world.tell(Input::PoolEmpty);
    world.tick(10_000);
    assert_eq!(world.height(), 3);
}

#[test]
fn a_pool_that_fills_while_nothing_is_built_is_not_forgotten() {
    let mut world = World::new();
    world.tell(Input::ParentTip(parent(1, 0)));
    let effects = world.step(Input::PoolReady);
    assert!(matches!(&effects[..], [Effect::Build(_)]));
    world.step(Input::PoolReady);
    let empty = world.obey(&effects[0]).unwrap();
    world.work.txs = 1;
    world.tell(empty);
    assert_eq!(world.height(), 2);

    // The same while a block for the parent is built.
    let effects = world.step(Input::ParentTip(parent(2, 0)));
    assert_eq!(effects, [], "the pool is ready, so it waits for the interval");
    world.tick(params().block_interval_ms);
    assert_eq!((world.height(), world.tip().parent_height.0), (3, 2));
}

#[test]
fn inbox_entries_are_settled_as_far_as_allowed_and_the_rest_by_blocks_that_follow_at_once() {
    let mut world = World::new();
    world.tell(Input::ParentTip(parent(1, 2_500)));
    let inbox: Vec<_> = world.chain.iter().map(|produced| produced.header.inbox_to).collect();
    assert_eq!(inbox, [1_000, 2_000, 2_500]);
    assert!(world.chain.iter().all(|produced| produced.header.parent_height == Height(1)));
}

#[test]
fn time_is_the_clocks_but_above_the_block_before_and_not_before_the_parents() {
    let mut world = World::new();
    world.tell(Input::ParentTip(parent(4, 0)));
    assert_eq!(world.tip().time_ms, parent(4, 0).time, "the parent's clock is ahead of this one");
    world.work.txs = 1;
    world.tell(Input::PoolReady);
    assert_eq!(world.tip().time_ms, TimeMs(parent(4, 0).time.0 + 1), "and the local one still behind");
    world.tick(1_000_000);
    world.tell(Input::PoolReady);
    assert_eq!(world.tip().time_ms, TimeMs(world.now));
    world.tell(Input::Tick(TimeMs(0)));
    world.tell(Input::ParentTip(parent(5, 0)));
    world.tick(params().block_interval_ms);
    assert_eq!(world.tip().time_ms, TimeMs(world.now), "an earlier tick is ignored");
}
