//! Which chain, and how the state gets there.

use alloc::{boxed::Box, vec, vec::Vec};

use banyan_types::{Hash, header::KeyHeader};

use super::world::*;
use crate::{Alarm, Block, BlockRef, Effect, Header, Input, NotApplied, Points, Stopped, Tip, To, validity::Fault};

fn place(header: &Header, key: &Header) -> BlockRef {
    BlockRef {
        hash: header.hash(),
        key_hash: key.hash(),
        height: header.height(),
        index: header.index(),
        prev_key_hash: key.prev_key_hash(),
    }
}

fn finalise(header: &Header) -> Input {
    Input::Final { hash: header.hash(), height: header.height() }
}

#[test]
fn switching_unwinds_to_the_common_block_and_applies_forward() {
    let left = key(&root(), 1);
    let left_micro = micro(&left, 1);
    let right = keys(&root(), 2, 2);
    let mut node = Node::late();
    let tip = |tip: Tip| [Effect::Tip(tip.clone()), Effect::Send { block: tip.block.hash, to: To::Except(ALICE) }];
    let (at_left, at_micro) = (place(&left, &left), place(&left_micro, &left));
    let redone = vec![place(&right[0], &right[0]), place(&right[1], &right[1])];
    let rows = [
        (
            &left,
            [&[Effect::Apply(left.hash())][..], &tip(Tip { block: at_left, undone: vec![], redone: vec![at_left] })],
        ),
        (
            &left_micro,
            [
                &[Effect::Apply(left_micro.hash())],
                &tip(Tip { block: at_micro, undone: vec![], redone: vec![at_micro] }),
            ],
        ),
        (&right[0], [&[], &[]]),
        (
            &right[1],
            [
                &[Effect::Unwind(root().hash()), Effect::Apply(right[0].hash()), Effect::Apply(right[1].hash())],
                &tip(Tip { block: redone[1], undone: vec![at_left, at_micro], redone }),
            ],
        ),
    ];
    for (header, effects) in rows {
        assert_eq!(node.feed([header]), effects.concat());
    }
}

#[test]
fn micro_blocks_weigh_nothing_and_the_longest_chain_of_the_last_generation_wins() {
    let mut node = Node::late();
    let first = key(&root(), 1);
    let short = micro(&first, 1);
    let long = [micro(&first, 2), micro(&micro(&first, 2), 2)];
    node.feed([&first, &short, &long[0]]);
    assert_eq!(node.tip(), short.hash(), "of two with one index the one seen first");
    node.feed([&long[1]]);
    assert_eq!(node.tip(), long[1].hash());
    let second = key(&first, 3);
    node.feed([&second]);
    assert_eq!(node.tip(), second.hash());
}

#[test]
fn of_two_chains_with_equal_work_the_one_seen_first_stays() {
    let (left, right) = (keys(&root(), 1, 2), keys(&root(), 2, 2));
    for (first, then) in [(&left, &right), (&right, &left)] {
        let mut node = Node::late();
        node.feed(first.iter().chain(then));
        assert_eq!(node.tip(), first[1].hash());
    }
}

#[test]
fn a_longer_micro_chain_does_not_make_up_for_a_key_block_seen_later() {
    let (first, later) = (key(&root(), 1), key(&root(), 2));
    let mut node = Node::late();
    node.feed([&first, &later, &micro(&later, 1)]);
    assert_eq!(node.tip(), first.hash());
}

#[test]
fn heaviest_chain_with_the_final_block_wins() {
    let (light, heavy) = (keys(&root(), 1, 2), keys(&root(), 2, 4));
    let mut node = Node::late();
    node.feed(light.iter().chain(&heavy));
    assert_eq!(node.tip(), heavy[3].hash());
    let effects = node.tell(finalise(&light[0]));
    assert_eq!(node.tip(), light[1].hash(), "work does not count against finality");
    assert_eq!(effects[0], Effect::Unwind(root().hash()));
    let gone: Vec<_> = effects.iter().filter(|effect| matches!(effect, Effect::Forget(_))).collect();
    assert_eq!(gone, [&Effect::Forget(heavy.iter().map(Header::hash).collect())]);
    let third = key(&light[1], 1);
    node.feed([&third]);
    assert_eq!(node.tip(), third.hash());
}

#[test]
fn a_heavier_chain_without_the_final_block_is_refused() {
    let ours = keys(&root(), 1, 2);
    let theirs = keys(&root(), 2, 3);
    let work = |count: u8| u128::from(count) << 24;
    let alarm = Effect::Alarm(Alarm::ForkBelowFinal { block: theirs[2].hash(), work: work(3), ours: work(2) });
    let forwards: Vec<_> = theirs.iter().collect();
    let backwards: Vec<_> = theirs.iter().rev().collect();
    for order in [forwards, backwards] {
        // The fork comes after finality, whole or piece by piece.
        let mut node = Node::late();
        node.feed(&ours);
        node.tell(finalise(&ours[0]));
        node.feed(order.clone());
        assert_eq!(node.tip(), ours[1].hash());
        let alarms: Vec<_> = node.log.iter().filter(|effect| matches!(effect, Effect::Alarm(_))).collect();
        assert_eq!(alarms, [&alarm]);
        assert!(!node.log.iter().any(is_score));

        // Finality comes between its first block and the rest.
        let mut node = Node::late();
        node.feed(ours.iter().chain([&theirs[0]]));
        node.tell(finalise(&ours[0]));
        node.feed(order.into_iter().filter(|header| **header != theirs[0]));
        assert_eq!(node.tip(), ours[1].hash());
        assert_eq!(node.log.last(), Some(&alarm));
    }
}

#[test]
fn a_block_that_proves_invalid_on_the_way_goes_with_its_descendants_and_the_former_tip_returns() {
    let (ours, theirs) = (keys(&root(), 1, 2), keys(&root(), 2, 3));
    let mut node = Node::late();
    node.poison.insert(theirs[1].hash());
    node.feed(&ours);
    node.feed(&theirs[..2]);
    let effects = node.feed([&theirs[2]]);
    assert_eq!(
        effects,
        [
            Effect::Unwind(root().hash()),
            Effect::Apply(theirs[0].hash()),
            Effect::Apply(theirs[1].hash()),
            Effect::Score(ALICE, Points::INVALID),
            Effect::Refuse(theirs[1].hash(), Fault::Execution),
            Effect::Forget(vec![theirs[1].hash(), theirs[2].hash()]),
            Effect::Unwind(root().hash()),
            Effect::Apply(ours[0].hash()),
            Effect::Apply(ours[1].hash()),
        ]
    );
    assert_eq!(node.feed([&theirs[2]])[1], Effect::Refuse(theirs[2].hash(), Fault::Known));
}

#[test]
fn a_store_error_never_marks_a_block_invalid() {
    let first = key(&root(), 1);
    let mut node = Node::late();
    node.step(from(ALICE, &first)).unwrap();
    let mut effects = Vec::new();
    let answer = Input::Applied(first.hash(), Err(NotApplied::Ours));
    assert_eq!(node.machine.step(answer, &mut effects), Err(Stopped));
    assert_eq!(effects, [Effect::Alarm(Alarm::Store(first.hash()))]);
    assert_eq!(node.machine.step(Input::Tick(LATE), &mut effects), Err(Stopped));
    assert_eq!(effects.len(), 1, "a stopped machine does nothing");
    node.crash();
    node.feed([&first]);
    assert_eq!(node.tip(), first.hash());
}

#[test]
fn a_better_chain_that_comes_while_a_block_is_executed_waits_for_the_answer() {
    let (left, right) = (keys(&root(), 1, 1), keys(&root(), 2, 2));
    let mut node = Node::late();
    assert_eq!(node.step(from(ALICE, &left[0])), Ok(vec![Effect::Apply(left[0].hash())]));
    assert_eq!(node.step(from(ALICE, &right[0])), Ok(vec![]));
    assert_eq!(node.step(from(ALICE, &right[1])), Ok(vec![]));
    let effects = node.answer(left[0].hash(), Ok(()));
    assert_eq!(effects, [Effect::Unwind(root().hash()), Effect::Apply(right[0].hash())]);
    assert_eq!(node.machine.step(Input::Applied(left[0].hash(), Ok(())), &mut Vec::new()), Ok(()), "an old answer");
}

#[test]
fn a_switch_tells_every_block_undone_though_it_came_about_in_two() {
    let (left, right) = (keys(&root(), 1, 2), keys(&root(), 2, 3));
    let last = keys(&right[0], 3, 3);
    let mut node = Node::late();
    node.feed(left.iter().chain(&right[..2]));
    // Half-way to the right branch a third one turns out better.
    let effects = node.step(from(ALICE, &right[2])).unwrap();
    assert_eq!(effects, [Effect::Unwind(root().hash()), Effect::Apply(right[0].hash())]);
    for header in &last {
        assert_eq!(node.step(from(ALICE, header)), Ok(vec![]));
    }
    let mut effects = node.answer(right[0].hash(), Ok(()));
    while let Some(Effect::Apply(hash)) = effects.last().cloned() {
        effects = node.answer(hash, Ok(()));
    }
    let Effect::Tip(tip) = &effects[0] else { panic!("{effects:?}") };
    let hashes = |blocks: &[BlockRef]| -> Vec<Hash> { blocks.iter().map(|block| block.hash).collect() };
    assert_eq!(hashes(&tip.undone), [left[0].hash(), left[1].hash()]);
    assert_eq!(hashes(&tip.redone), [right[0].hash(), last[0].hash(), last[1].hash(), last[2].hash()]);
}

#[test]
fn a_block_by_an_external_miner_passes_the_same_door_and_goes_to_everybody() {
    let mut node = Node::late();
    let good = key(&root(), 1);
    let bad = Header::Key(Box::new(mined(KeyHeader { version: 5, ..key_draft(&root(), 2) })));
    let give = |header: &Header| Input::Block { from: None, block: block(header) };
    assert!(matches!(&node.tell(give(&bad))[..], [Effect::Refuse(..)]));
    assert!(node.tell(give(&good)).contains(&Effect::Send { block: good.hash(), to: To::All }));
    let Block::Key(header, _) = block(&good) else { unreachable!() };
    assert_eq!(node.machine.header(&good.hash()), Some(&Header::Key(header)));
}
