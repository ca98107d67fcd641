//! Peers that lie, stall, flood or withhold.

use alloc::{boxed::Box, vec, vec::Vec};

use banyan_types::{Bytes, Hash, Height, Peer, Points, TxHash};

use super::{rules::step, world::*};
use crate::{
    Effect, Input, Message, Why,
    limits::{LIGHTS_PER_PEER_MAX, LOOKS_OPEN_MAX, MESSAGES_BURST},
    message::{Hello, Limited, Status},
};

const LIAR: Peer = Peer(9);

/// The liar shakes hands with a node and claims this.
fn greet(node: &mut Node, work: u128, height: u64) {
    let status =
        Status { work, tip: Hash([0xee; 32]), height: Height(height), final_hash: Hash::ZERO, final_height: Height(0) };
    let hello = Hello {
        chain: params().chain,
        epoch: 0,
        version: 6,
        network_id: "test_gossip".into(),
        mode: "full".into(),
        status,
    };
    node.tell(Input::Connected { peer: LIAR, outbound: false, score: Points(0) });
    lie(node, Message::Hello(Box::new(hello)));
}

fn lie(node: &mut Node, message: Message) {
    let bytes = message.encode().len();
    node.tell(Input::Message { from: LIAR, message: Box::new(message), bytes });
}

#[test]
fn a_claim_without_headers_costs_points_and_delays_nobody() {
    let blocks = chain(&root(), 1, 20, 1);
    let mut world = World::new(vec![Node::with(1, &blocks), Node::new(2)]);
    greet(&mut world.nodes[1], u128::MAX, 1_000);
    world.connect(0, 1);
    world.settle();
    lie(&mut world.nodes[1], Message::Headers(vec![]));
    world.run(3);
    assert_eq!(world.nodes[1].tip, blocks.last().unwrap().hash());
    assert_eq!(world.nodes[1].gossip.score_of(LIAR), Some(Points(-20)));
}

#[test]
fn a_peer_that_stalls_is_left_for_another() {
    let blocks = chain(&root(), 1, 20, 1);
    let mut world = World::new(vec![Node::with(1, &blocks), Node::new(2)]);
    greet(&mut world.nodes[1], u128::MAX, 1_000);
    world.connect(0, 1);
    world.run(15);
    assert_eq!(world.nodes[1].tip, blocks.last().unwrap().hash());
    assert_eq!(world.nodes[1].gossip.score_of(LIAR), Some(Points(-5)));
}

#[test]
fn headers_without_bodies_do_not_hold_a_node_for_ever() {
    let (heavy, light) = (chain(&root(), 1, 30, 1), chain(&root(), 2, 20, 1));
    let mut world = World::new(vec![Node::with(1, &heavy), Node::with(2, &light), Node::new(3)]);
    world.nodes[0].hides = true;
    world.connect(2, 0);
    world.connect(2, 1);
    world.run(30);
    assert_eq!(world.nodes[2].tip, light.last().unwrap().hash());
}

#[test]
fn headers_without_work_end_the_connection() {
    let mut node = Node::new(1);
    greet(&mut node, u128::MAX, 1_000);
    let forged = banyan_types::header::KeyHeader {
        height: Height(1),
        prev_hash: genesis().hash(),
        prev_key_hash: genesis().hash(),
        ..genesis()
    };
    lie(&mut node, Message::Headers(vec![forged]));
    assert_eq!(node.closed[0].1, Why::Score { score: -100 });
}

#[test]
fn messages_beyond_the_pace_are_dropped_and_scored() {
    let mut node = Node::new(1);
    greet(&mut node, 0, 0);
    for _ in 0..MESSAGES_BURST + 500 {
        lie(&mut node, Message::NewTxs(Limited::first_of([])));
    }
    assert_eq!(node.gossip.score_of(LIAR), Some(Points(-5)));
    node.out.clear();
    lie(&mut node, Message::GetPeers);
    assert!(node.out.is_empty());
}

#[test]
fn what_a_peer_can_make_grow_is_bounded() {
    let mut node = Node::new(1);
    greet(&mut node, 0, 0);
    let mut looks = 0;
    for number in 0..2_000u32 {
        let hash = Hash(tx(number).0.0);
        // The shell is slow: it answers nothing.
        for message in [Message::GetBlock(hash), light_of(number), Message::NewTxs(Limited::first_of([TxHash(hash.0)]))]
        {
            let bytes = message.encode().len();
            let effects = step(&mut node.gossip, Input::Message { from: LIAR, message: Box::new(message), bytes });
            looks += effects.iter().filter(|effect| matches!(effect, Effect::Look(..))).count();
        }
    }
    assert!(looks <= LOOKS_OPEN_MAX + LIGHTS_PER_PEER_MAX, "{looks}");
    assert!(node.gossip.lights.len() <= LIGHTS_PER_PEER_MAX);
    assert!(node.gossip.looks.len() <= LOOKS_OPEN_MAX + LIGHTS_PER_PEER_MAX);
    assert!(node.gossip.asked_txs.len() <= crate::limits::QUESTIONS_OPEN_MAX * crate::limits::TXS_MAX);
    let _ = step(&mut node.gossip, Input::Gone(LIAR));
    assert!(node.gossip.asked_txs.is_empty() && node.gossip.fetching.is_empty());
}

fn light_of(number: u32) -> Message {
    let made = micro(&root(), &[number]);
    match made.header {
        banyan_root::Header::Micro(header) => Message::Light(header, Limited::first_of(made.txs)),
        banyan_root::Header::Key(_) => unreachable!("a micro block was made"),
    }
}

#[test]
fn a_body_that_is_not_the_headers_is_asked_of_somebody_else() {
    let first = key(&root(), 1);
    let made = micro(&first.header, &[1]);
    let mut world = World::new(vec![Node::with(1, &[first.clone(), made.clone()]), Node::with(2, &[first])]);
    world.connect(0, 1);
    world.run(0);
    world.nodes[1].gossip.delivered.remove(&made.hash());
    greet(&mut world.nodes[1], 0, 1);
    let unknown = Hash([5; 32]);
    world.nodes[1].tell(Input::FetchBlock(LIAR, unknown));
    lie(&mut world.nodes[1], Message::Missing(unknown));
    let asked: Vec<_> =
        world.nodes[1].out.iter().filter(|(_, message)| *message == Message::GetBlock(unknown)).collect();
    assert_eq!(asked.iter().map(|(peer, _)| *peer).collect::<Vec<_>>(), [LIAR, Peer(0)]);
    let other = crate::message::BlockBytes { body: Bytes(vec![0xc0]), ..made.bytes() };
    lie(&mut world.nodes[1], Message::Block(other));
    assert_eq!(world.nodes[1].gossip.score_of(LIAR), Some(Points(-20)));
}
