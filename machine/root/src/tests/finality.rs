//! Finality comes in, and what follows from it.

use alloc::{boxed::Box, vec, vec::Vec};

use banyan_types::{Hash, Height, TimeMs, header::KeyHeader};

use super::world::*;
use crate::{Alarm, Effect, Header, Input, NotApplied, ParentTip, RootParams, Stopped, finality::DepthFinality};

fn finalise(header: &Header) -> Input {
    Input::Final { hash: header.hash(), height: header.height() }
}

#[test]
fn children_see_only_final_heights() {
    let params = RootParams { paced: false, ..params() };
    let mut node = Node::with(params, None);
    node.tell(Input::Tick(LATE));
    // The second key block says an earlier time than the first.
    let first = key(&root(), 1);
    let second = mined(KeyHeader { time: TimeMs(GENESIS_TIME.0 + 1), ..key_draft(&first, 1) });
    let (entropy, state_root) = (second.entropy(), second.state_root);
    let second = Header::Key(Box::new(second));
    let third = key(&second, 1);
    node.feed([&first, &second, &third]);
    assert_eq!(node.told, []);
    node.tell(finalise(&second));
    let (hash, height) = (second.hash(), Height(2));
    let told = ParentTip { hash, height, time: first.time(), entropy, state_root };
    assert_eq!(node.told, [told]);
    assert_eq!(node.machine.parent_tip(), Some(told));
    assert_eq!(node.machine.last_final().height, height);
    assert_eq!(node.tell(finalise(&second)), [], "told once");
    assert_eq!(node.tell(finalise(&first)), [], "its ancestors are final too");
}

#[test]
fn a_final_block_is_told_to_children_once_it_is_applied() {
    let mut node = Node::late();
    let first = key(&root(), 1);
    assert_eq!(node.step(from(ALICE, &first)), Ok(vec![Effect::Apply(first.hash())]));
    assert_eq!(node.step(finalise(&first)), Ok(vec![]));
    let effects = node.answer(first.hash(), Ok(()));
    assert!(matches!(&effects[..], [Effect::Tip(_), Effect::Send { .. }, Effect::Propagate(_)]));
}

#[test]
fn a_block_that_is_final_before_it_is_known_rules_once_it_comes() {
    let (heavy, light) = (keys(&root(), 1, 3), keys(&root(), 2, 2));
    let mut node = Node::late();
    node.feed(&heavy);
    assert_eq!(node.tell(finalise(&light[1])), []);
    node.feed(&light);
    assert_eq!(node.tip(), light[1].hash());
    assert_eq!(node.told.len(), 1);
}

#[test]
fn two_conflicting_final_blocks_raise_an_alarm_and_the_first_stays() {
    let (left, right) = (keys(&root(), 1, 2), keys(&root(), 2, 2));
    let conflict = |got: &Header| [Effect::Alarm(Alarm::ConflictingFinal { held: left[0].hash(), got: got.hash() })];
    let mut node = Node::late();
    node.feed(left.iter().chain(&right));
    node.tell(finalise(&left[0]));
    assert_eq!(node.tell(finalise(&right[0])), conflict(&right[0]), "at its height");
    node.tell(finalise(&right[1]));
    assert_eq!(node.tip(), left[1].hash());
    assert_eq!(node.machine.last_final().hash, left[0].hash());

    // While the state is still on its way to the final block, the other branch is known.
    let mut node = Node::late();
    node.feed(&right);
    node.feed([&left[0]]);
    node.step(finalise(&left[0])).unwrap();
    assert_eq!(node.step(finalise(&right[1])), Ok(conflict(&right[1]).to_vec()));
}

#[test]
fn a_final_block_that_is_invalid_here_stops_the_machine() {
    let chain = keys(&root(), 1, 2);
    let mut node = Node::late();
    node.step(from(ALICE, &chain[0])).unwrap();
    node.step(from(ALICE, &chain[1])).unwrap();
    node.step(finalise(&chain[1])).unwrap();
    let mut effects = Vec::new();
    let answer = Input::Applied(chain[0].hash(), Err(NotApplied::Invalid));
    assert_eq!(node.machine.step(answer, &mut effects), Err(Stopped));
    assert_eq!(effects, [Effect::Alarm(Alarm::FinalInvalid(chain[0].hash()))]);
}

#[test]
fn a_final_block_that_was_refused_before_or_is_refused_when_it_comes_stops_the_machine_too() {
    let bad = Header::Key(Box::new(mined(KeyHeader { version: 5, ..key_draft(&root(), 1) })));
    let alarm = Effect::Alarm(Alarm::FinalInvalid(bad.hash()));
    for order in [[from(ALICE, &bad), finalise(&bad)], [finalise(&bad), from(ALICE, &bad)]] {
        let mut node = Node::late();
        let [first, second] = order;
        node.tell(first);
        assert_eq!(node.step(second), Err(Stopped));
        assert_eq!(node.log.last(), Some(&alarm));
    }
}

#[test]
fn a_final_block_on_a_branch_that_is_gone_raises_an_alarm() {
    let (left, right) = (keys(&root(), 1, 2), keys(&root(), 2, 2));
    let mut node = Node::late();
    node.feed(left.iter().chain(&right));
    node.tell(finalise(&left[0]));
    let alarm = Alarm::ConflictingFinal { held: left[0].hash(), got: right[1].hash() };
    assert_eq!(node.tell(finalise(&right[1])), [Effect::Alarm(alarm)]);
}

/// Tips of `node` since the last call.
fn depth_says(node: &mut Node, finality: &mut DepthFinality) -> Vec<Option<Hash>> {
    let log = core::mem::take(&mut node.log);
    let tips = log.iter().filter_map(|effect| match effect {
        Effect::Tip(tip) => Some(finality.tip(tip).map(|(hash, _)| hash)),
        _ => None,
    });
    tips.collect()
}

#[test]
fn by_depth_a_key_block_is_final_with_so_many_above_it() {
    let chain = keys(&root(), 1, 3);
    for (depth, expected) in [(0, [0, 1, 2].map(Some)), (1, [None, Some(0), Some(1)]), (2, [None, None, Some(0)])] {
        let mut node = Node::late();
        // The genesis stands below, so it is what is final until the chain is deep enough.
        let mut finality = DepthFinality::new(depth, node.machine.key_chain());
        node.feed(&chain);
        let said = depth_says(&mut node, &mut finality);
        let before = |first: usize| if first < usize::from(depth) - 1 { None } else { Some(root().hash()) };
        let expected: Vec<_> = (0..3)
            .map(|tip| expected[tip].map_or_else(|| before(tip), |place: usize| Some(chain[place].hash())))
            .collect();
        assert_eq!(said, expected);
    }
}

#[test]
fn by_depth_a_switch_counts_along_the_new_chain() {
    let (left, right) = (keys(&root(), 1, 2), keys(&root(), 2, 3));
    for (depth, last) in [(2, right[0].hash()), (3, root().hash())] {
        let mut node = Node::late();
        let mut finality = DepthFinality::new(depth, node.machine.key_chain());
        node.feed(left.iter().chain(&right));
        assert_eq!(depth_says(&mut node, &mut finality).last(), Some(&Some(last)));
    }
    let mut node = Node::late();
    let mut finality = DepthFinality::new(2, node.machine.key_chain());
    node.feed(&right);
    assert_eq!(depth_says(&mut node, &mut finality), [None, Some(root().hash()), Some(right[0].hash())]);
    node.feed([&micro(&right[2], 1)]);
    assert_eq!(depth_says(&mut node, &mut finality), [Some(right[0].hash())], "micro blocks add no depth");
}

#[test]
fn by_depth_finality_goes_on_after_a_restart() {
    let chain = keys(&root(), 1, 4);
    let mut node = Node::late();
    node.feed(&chain[..3]);
    node.tell(finalise(&chain[1]));
    node.crash();
    let mut finality = DepthFinality::new(1, node.machine.key_chain());
    node.log.clear();
    node.feed(&chain[3..]);
    assert_eq!(depth_says(&mut node, &mut finality), [Some(chain[2].hash())]);
}
