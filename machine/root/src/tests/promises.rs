//! What witnesses say, and what a leader signed twice.

use alloc::{boxed::Box, vec::Vec};

use banyan_types::{Hash, TimeMs, header::KeyHeader};

use super::world::*;
use crate::{Effect, Fraud, Header, Input, KeyBodyFacts, Points, promises::PROMISES_MAX, validity::Fault};

fn locked(micro: &Header) -> Input {
    Input::Locked { micro: micro.hash() }
}

/// A node with a generation of three micro blocks, the second locked, and so much time gone since.
fn held_for(ms: u64) -> (Node, Vec<Header>) {
    let first = key(&root(), 1);
    let mut generation = Vec::from([first.clone()]);
    for salt in 1..4 {
        generation.push(micro(&generation[generation.len() - 1], salt));
    }
    let mut node = Node::late();
    node.feed(&generation);
    node.tell(locked(&generation[2]));
    node.tell(Input::Tick(TimeMs(LATE.0 + ms)));
    (node, generation)
}

#[test]
fn a_key_block_that_skips_an_old_lock_needs_a_lead_of_two() {
    let hold = params().lock_hold_ms;
    let (mut node, generation) = held_for(hold);
    let skipping = keys(&generation[1], 8, 4);
    node.feed(&skipping[..1]);
    assert_eq!(node.tip(), generation[3].hash(), "one key block does not do");
    let honest = key(&generation[3], 9);
    node.feed([&honest, &skipping[1]]);
    assert_eq!(node.tip(), honest.hash(), "a lead of one does not do");
    node.feed(&skipping[2..3]);
    assert_eq!(node.tip(), skipping[2].hash(), "a lead of two does");
    let tail = keys(&honest, 9, 2);
    node.feed(&tail);
    assert_eq!(node.tip(), skipping[2].hash(), "once chosen, its work counts like any other");
    node.feed([&key(&tail[1], 9)]);
    assert_ne!(node.tip(), skipping[2].hash());
    assert!(!node.log.iter().any(|effect| matches!(effect, Effect::Refuse(..) | Effect::Score(..))), "a choice only");
}

#[test]
fn a_lock_binds_only_what_leaves_it_out_once_it_is_old() {
    let hold = params().lock_hold_ms;
    // (age of the lock, block of the generation that the key block stands on, whether it is chosen at once)
    for (age, on, wins) in [(hold - 1, 0, true), (hold, 0, false), (hold, 1, false), (hold, 2, true), (hold, 3, true)] {
        let (mut node, generation) = held_for(age);
        let next = key(&generation[on], 7);
        node.feed([&next]);
        assert_eq!(node.tip() == next.hash(), wins, "{age} ms, on {on}");
    }
}

#[test]
fn a_branch_that_leaves_out_a_whole_locked_generation_pays_once() {
    let (mut node, generation) = held_for(params().lock_hold_ms);
    let beside = keys(&root(), 8, 3);
    node.feed(&beside[..2]);
    assert_eq!(node.tip(), generation[3].hash(), "two key blocks against one: a lead of one");
    node.feed(&beside[2..]);
    assert_eq!(node.tip(), beside[2].hash());
}

#[test]
fn a_micro_branch_without_the_lock_costs_the_key_block_on_it_its_work() {
    let (mut node, generation) = held_for(params().lock_hold_ms);
    let other = micro(&micro(&generation[1], 77), 78);
    let Header::Micro(fork) = &other else { unreachable!() };
    node.feed([&micro(&generation[1], 77), &other]);
    node.feed([&key(&other, 7)]);
    assert_eq!(node.tip(), generation[3].hash());
    assert_eq!(fork.index, 3);
}

#[test]
fn of_two_micro_branches_with_one_index_the_locked_one_is_preferred() {
    let first = key(&root(), 1);
    let (seen, other) = (micro(&first, 1), micro(&first, 2));
    let above = [micro(&seen, 3), micro(&other, 4)];
    for before in [true, false] {
        let mut node = Node::late();
        node.feed([&first, &seen]);
        if before {
            node.tell(locked(&other));
        }
        node.feed([&above[0]]);
        node.feed([&other]);
        assert_eq!(node.tip(), above[0].hash(), "a longer chain comes first");
        node.feed([&above[1]]);
        if !before {
            assert_eq!(node.tip(), above[0].hash(), "the first seen");
            node.tell(locked(&other));
        }
        assert_eq!(node.tip(), above[1].hash());
    }
}

#[test]
fn ties_by_work_go_to_the_tip_with_a_witnessed_majority() {
    let (left, right) = (key(&root(), 1), key(&root(), 2));
    for before in [true, false] {
        let mut node = Node::late();
        if before {
            node.tell(Input::Witnessed(right.hash()));
        }
        node.feed([&left, &micro(&left, 1), &right]);
        if !before {
            node.tell(Input::Witnessed(right.hash()));
        }
        assert_eq!(node.tip(), right.hash());
        node.tell(Input::Witnessed(left.hash()));
        assert_eq!(node.tip(), micro(&left, 1).hash(), "the last told counts");
        let heavier = key(&right, 3);
        node.feed([&heavier]);
        assert_eq!(node.tip(), heavier.hash(), "work comes first");
    }
}

#[test]
fn only_the_newest_promises_are_remembered() {
    let mut node = Node::late();
    let first = key(&root(), 1);
    let (seen, other) = (micro(&first, 1), micro(&first, 2));
    node.tell(locked(&other));
    for number in 0..PROMISES_MAX {
        node.tell(Input::Locked { micro: Hash([u8::try_from(number).unwrap(); 32]) });
    }
    node.feed([&first, &seen, &other]);
    assert_eq!(node.tip(), seen.hash());
}

fn accusations(effects: &[Effect]) -> Vec<&Fraud> {
    effects.iter().filter_map(|effect| if let Effect::Accuse(fraud) = effect { Some(&**fraud) } else { None }).collect()
}

#[test]
fn two_siblings_accuse_once_and_stay_blocks() {
    let first = key(&root(), 1);
    let mut chain = Vec::from([micro(&first, 1)]);
    for salt in 2..6 {
        chain.push(micro(&chain[chain.len() - 1], salt));
    }
    let second = key(&chain[4], 6);
    for (depth, prev) in [(0, &first), (3, &chain[2])] {
        let mut node = Node::late();
        node.feed([&first].into_iter().chain(&chain).chain([&second]));
        let forked = micro(prev, 50);
        let effects = node.feed([&forked]);
        let [fraud] = accusations(&effects)[..] else { panic!("{effects:?}") };
        assert_eq!(Header::Key(Box::new(fraud.key.clone())), first);
        assert_eq!(Header::Micro(Box::new(fraud.a.clone())), chain[depth]);
        assert_eq!(Header::Micro(Box::new(fraud.b.clone())), forked);
        assert!(node.machine.header(&forked.hash()).is_some());
        let more = node.feed([&micro(&first, 51), &micro(&forked, 52)]);
        assert_eq!(accusations(&more).len(), 0, "once for each generation");
        // Both are blocks still: work decides.
        let longer = keys(&forked, 53, 2);
        node.feed(&longer);
        assert_eq!(node.tip(), longer[1].hash());
        // What was on disk is told again: the evidence may not have got out.
        node.log.clear();
        node.crash();
        assert_eq!(accusations(&node.log).len(), 1);
    }
}

#[test]
fn a_key_block_beside_a_micro_block_accuses_nobody() {
    let first = key(&root(), 1);
    let mut node = Node::late();
    node.feed([&first, &micro(&first, 1), &key(&first, 2), &key(&first, 3)]);
    assert_eq!(accusations(&node.log).len(), 0);
}

#[test]
fn a_key_block_with_another_body_is_the_senders_fault_alone() {
    let mut node = Node::late();
    let draft = KeyHeader { witness_hash: Hash([4; 32]), ..key_draft(&root(), 1) };
    let sealed = Header::Key(Box::new(mined(draft)));
    let Header::Key(header) = &sealed else { unreachable!() };
    for body in [KeyBodyFacts::EMPTY, KeyBodyFacts { witness_hash: Hash([5; 32]), bytes: u32::MAX }] {
        let block = crate::Block::Key(header.clone(), body);
        let effects = node.tell(Input::Block { from: Some(ALICE), block });
        assert_eq!(effects[0], Effect::Score(ALICE, Points::WRONG_BYTES));
        assert!(matches!(effects[1], Effect::Refuse(_, Fault::Key(_))));
    }
    node.tell(from(BOB, &sealed));
    assert_eq!(node.tip(), sealed.hash());
}
