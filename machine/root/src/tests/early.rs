//! Blocks that came too soon: before their parent, or before their time.

use alloc::{boxed::Box, vec, vec::Vec};

use banyan_types::{Hash, TimeMs, header::KeyHeader};

use super::world::*;
use crate::{
    Block, Effect, Header, Input,
    validity::{Fault, KeyFault},
};

#[test]
fn an_early_block_is_never_scored() {
    let first = key(&root(), 1);
    let drift = params().drift_ms;
    let too_soon = TimeMs(first.time().0 + 1);
    let soon = Header::Key(Box::new(mined(KeyHeader { time: too_soon, ..key_draft(&first, 2) })));
    let least = TimeMs(first.time().0 + INTERVAL);
    let fault = Fault::Key(KeyFault::TooSoon { time: too_soon, least });
    let (orphan, micro_orphan) = (key(&micro(&first, 8), 3), micro(&key(&first, 9), 1));
    let (ahead, micro_ahead) = (key(&first, 4), micro(&first, 4));
    let fetch = |header: &Header| Effect::Fetch { from: ALICE, block: header.prev_hash() };
    let wake = |header: &Header| Effect::Wake(TimeMs(header.time().0 - drift));
    let rows = [
        (&orphan, vec![fetch(&orphan)]),
        (&micro_orphan, vec![fetch(&micro_orphan)]),
        (&soon, vec![Effect::Refuse(soon.hash(), fault)]),
        (&ahead, vec![wake(&ahead)]),
        (&micro_ahead, vec![wake(&micro_ahead)]),
    ];
    let mut node = Node::new();
    node.tell(Input::Tick(TimeMs(first.time().0 + 1 - drift)));
    node.feed([&first]);
    for (header, effects) in rows {
        assert_eq!(node.tell(from(ALICE, header)), effects);
        assert_ne!(node.tip(), header.hash());
    }
    assert!(!node.log.iter().any(is_score));
}

#[test]
fn a_block_ahead_of_the_clock_joins_when_its_time_comes() {
    let mut node = Node::new();
    let first = key(&root(), 1);
    let second = key(&first, 1);
    let due = |header: &Header| TimeMs(header.time().0 - params().drift_ms);
    node.tell(Input::Tick(due(&first)));
    node.feed([&first, &second]);
    assert_eq!(node.log.last(), Some(&Effect::Wake(due(&second))));
    node.tell(Input::Tick(TimeMs(due(&second).0 - 1)));
    assert_eq!(node.tip(), first.hash());
    node.tell(Input::Tick(due(&second)));
    assert_eq!(node.tip(), second.hash());
}

#[test]
fn an_unknown_parent_is_asked_for_once_from_each_peer() {
    let mut node = Node::late();
    let first = key(&root(), 1);
    let (left, right) = (micro(&first, 1), micro(&first, 2));
    let fetch = |from| vec![Effect::Fetch { from, block: first.hash() }];
    assert_eq!(node.tell(from(ALICE, &left)), fetch(ALICE));
    assert_eq!(node.tell(from(ALICE, &right)), []);
    assert_eq!(node.tell(from(BOB, &right)), fetch(BOB));
    assert_eq!(node.tell(Input::Block { from: None, block: block(&right) }), [], "nobody to ask");
    node.tell(from(BOB, &first));
    assert_eq!(node.tip(), left.hash(), "the one that arrived first");
}

#[test]
fn a_chain_that_arrives_backwards_ends_where_it_would_forwards() {
    let mut chain = keys(&root(), 1, 3);
    chain.push(micro(&chain[2], 1));
    chain.push(key(&chain[3], 1));
    let mut node = Node::late();
    node.feed(chain.iter().rev());
    assert_eq!(node.tip(), chain[4].hash());
    let orders: Vec<_> = node.log.iter().filter(|effect| matches!(effect, Effect::Apply(_))).collect();
    assert_eq!(orders.len(), chain.len(), "each was executed once");
}

#[test]
fn a_copy_with_a_wrong_body_does_not_keep_the_right_one_out() {
    let mut node = Node::late();
    let first = key(&root(), 1);
    let second = micro(&first, 1);
    let Block::Micro(header, mut body) = block(&second) else { unreachable!() };
    body.txs_root = Hash([5; 32]);
    node.tell(Input::Block { from: Some(ALICE), block: Block::Micro(header, body) });
    node.tell(from(BOB, &second));
    node.feed([&first]);
    assert_eq!(node.tip(), second.hash());
}

#[test]
fn what_a_peer_sent_early_goes_with_it_unless_another_sent_it_too() {
    let mut node = Node::late();
    let first = key(&root(), 1);
    let (left, right) = (micro(&first, 1), micro(&first, 2));
    node.feed([&left, &right]);
    node.tell(from(BOB, &right));
    assert_eq!(node.tell(Input::Gone(ALICE)), [Effect::Forget(vec![left.hash()])]);
    node.feed([&first]);
    assert_eq!(node.tip(), right.hash());
}
