//! Nothing that a peer can send grows without end.

use alloc::{boxed::Box, vec::Vec};

use banyan_types::{Hash, Signature};

use super::world::*;
use crate::{
    Effect, Header,
    refused::{REFUSED_MAX, Refusal, Refused},
    tree::{HEADERS_MAX, Tree},
    waiting::WAITING_PER_PEER_MAX,
};

fn numbered(number: u32) -> Hash {
    let mut hash = [0xee; 32];
    hash[..4].copy_from_slice(&number.to_be_bytes());
    Hash(hash)
}

#[test]
fn a_peer_fills_its_own_share_of_early_blocks_only() {
    let mut node = Node::late();
    let first = key(&root(), 1);
    let honest = micro(&first, 1);
    node.tell(from(BOB, &honest));
    let orphan = |number| {
        let mut header = micro_draft(&first, 2);
        header.prev_hash = numbered(number);
        Header::Micro(Box::new(header))
    };
    let max = u32::try_from(WAITING_PER_PEER_MAX).unwrap();
    for number in 0..2 * max {
        node.tell(from(ALICE, &orphan(number)));
        assert!(node.machine.waiting().len() <= 1 + WAITING_PER_PEER_MAX);
    }
    let forgotten: Vec<_> = node.log.iter().filter(|effect| matches!(effect, Effect::Forget(_))).collect();
    assert_eq!(forgotten.len(), WAITING_PER_PEER_MAX, "the oldest make room");
    assert_eq!(*forgotten[0], Effect::Forget(alloc::vec![orphan(0).hash()]));
    node.feed([&first]);
    assert_eq!(node.tip(), honest.hash());
}

#[test]
fn only_the_newest_refusals_are_remembered() {
    let mut refused = Refused::default();
    let max = u32::try_from(REFUSED_MAX).unwrap();
    for number in 0..=max {
        refused.remember(numbered(number), Refusal::Invalid);
        refused.remember(numbered(number), Refusal::Invalid);
    }
    assert_eq!(refused.len(), REFUSED_MAX);
    assert_eq!(refused.get(&numbered(0)), None);
    assert_eq!(refused.get(&numbered(max)), Some(Refusal::Invalid));
}

/// Insert `count` micro blocks that all follow `prev`, unsigned: the tree does not judge.
fn flood(tree: &mut Tree, prev: &Header, count: usize) {
    for number in 0..count {
        let mut header = micro_draft(prev, 9);
        header.txs_root = numbered(u32::try_from(number).unwrap());
        let header = Header::Micro(Box::new(header));
        tree.insert(header.hash(), header, None);
    }
}

#[test]
fn past_20_000_headers_the_worst_branch_is_forgotten_and_the_chain_goes_on() {
    let mut node = Node::late();
    let chain = keys(&root(), 1, 3);
    let lighter = key(&root(), 2);
    node.feed(chain[..2].iter().chain([&lighter]));
    let room = HEADERS_MAX - node.machine.tree.len();
    flood(&mut node.machine.tree, &lighter, room - 1);
    node.feed([&chain[2]]);
    assert_eq!(node.machine.tree.len(), HEADERS_MAX);
    let next = key(&chain[2], 1);
    let effects = node.feed([&next]);
    assert!(matches!(&effects[0], Effect::Forget(gone) if gone.len() == 1 && node.machine.header(&gone[0]).is_none()));
    assert_eq!(node.machine.tree.len(), HEADERS_MAX);
    assert_eq!(node.tip(), next.hash());
    assert!(node.machine.header(&lighter.hash()).is_some(), "its end goes before what others stand on");
}

#[test]
fn a_chain_without_finality_grows_past_any_limit() {
    let mut node = Node::late();
    let first = key(&root(), 1);
    node.feed([&first]);
    let mut tip = first.clone();
    while node.machine.tree.len() < HEADERS_MAX {
        let mut header = micro_draft(&tip, 1);
        header.signature = Signature([1; 64]);
        tip = Header::Micro(Box::new(header));
        node.machine.tree.insert(tip.hash(), tip.clone(), None);
    }
    node.feed([&micro(&first, 3)]);
    assert_eq!(node.tip(), tip.hash(), "a worse end is forgotten without ado");
    assert!(!node.log.iter().any(|effect| matches!(effect, Effect::Alarm(_))));
    let best = key(&tip, 1);
    node.feed([&best]);
    assert_eq!(node.tip(), best.hash());
    assert_eq!(node.machine.tree.len(), HEADERS_MAX + 1);
}
