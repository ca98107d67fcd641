//! Sentences that the simulator found to be untrue.

mod support;

use std::sync::Arc;

use banyan_node::{BlockBytes, Chain, Input, Node, PoolLimits, Role, RootRole};
use banyan_root::Peer;
use banyan_store::{Mem, Place};
use banyan_types::{Bytes, header::MicroBody};
use support::*;

/// A node of the root that neither mines nor leads.
fn follower(world: &World) -> Node {
    let chain = Arc::new(Chain::open(Mem::new(), genesis().0).unwrap());
    let role = RootRole::default();
    let mut node = Node::open(chain, Role::Root(role), PoolLimits::default()).unwrap();
    node.handle(Input::Tick(world.now)).unwrap();
    node
}

/// The first micro block of a world and the key block before it, as they travel.
fn generation(world: &World) -> (BlockBytes, BlockBytes) {
    let chain = world.root.chain();
    let height = chain.head().unwrap().header.height().0;
    let block = |place| {
        let block = chain.block(chain.main_at(place).unwrap()?).unwrap()?;
        Some(BlockBytes { header: block.header.encode(), body: block.body })
    };
    let found = (1..=height).find_map(|height| Some((block(Place::at(height))?, block(Place { height, index: 1 })?)));
    found.unwrap()
}

fn tell(node: &mut Node, peer: u64, block: &BlockBytes) {
    node.handle(Input::Block { from: Some(Peer(peer)), block: block.clone() }).unwrap();
}

#[test]
fn a_transaction_that_does_not_fit_holds_up_nobody_else() {
    let mut world = World::new();
    world.run(3_500);
    let (early, good) = (spend("banyan_dev", USER, FRIEND, coins(1), 3), spend("banyan_dev", 11, FRIEND, coins(2), 2));
    world.submit_root(early).unwrap();
    world.run(1_000);
    world.submit_root(good).unwrap();
    world.run(1_000);
    assert_eq!(World::balance(&world.root, FRIEND), coins(2));
}

#[test]
fn a_transaction_that_does_not_fit_a_child_holds_up_nobody_else() {
    let mut world = World::new();
    let child = world.child_id;
    world.submit_root(commit(child, USER, coins(100), 1)).unwrap();
    world.submit_root(commit(child, 12, coins(100), 1)).unwrap();
    world.run(15_000);
    let network = world.child.chain().params().network_id.clone();
    world.submit_child(spend(&network, USER, FRIEND, coins(1), 3)).unwrap();
    world.run(1_000);
    world.submit_child(spend(&network, 12, FRIEND, coins(2), 1)).unwrap();
    world.run(400);
    assert_eq!(World::balance(&world.child, FRIEND), coins(2));
}

/// The same header with other bodies: one transaction less, an attachment more, an attachment that no block has room for.
fn forged(micro: &BlockBytes) -> [BlockBytes; 3] {
    let with = |change: fn(&mut MicroBody)| {
        let mut body = MicroBody::decode(&micro.body).unwrap();
        change(&mut body);
        BlockBytes { header: micro.header.clone(), body: body.encode() }
    };
    [
        with(|body| drop(body.txs.pop())),
        with(|body| body.attachments.push(Bytes(vec![1]))),
        with(|body| body.attachments.push(Bytes(vec![1; 3 << 20]))),
    ]
}

#[test]
fn another_body_never_takes_the_place_of_the_leaders() {
    let mut world = World::new();
    world.run(3_500);
    let two = [1, 2].map(|nonce| spend("banyan_dev", USER, FRIEND, coins(25), nonce));
    world.root.submit(two.to_vec()).unwrap();
    world.run(500);
    let (key, micro) = generation(&world);
    for other in forged(&micro) {
        for order in [[1, 2], [2, 1]] {
            let mut node = follower(&world);
            for peer in order {
                tell(&mut node, peer, if peer == 1 { &micro } else { &other });
            }
            tell(&mut node, 1, &key);
            tell(&mut node, 1, &micro);
            assert_eq!(World::balance(&node, FRIEND), coins(50));
        }
    }
}

#[test]
fn what_is_final_survives_every_crash() {
    let mut world = World::new();
    for _ in 0..5 {
        world.run(4_000);
        let finals = |world: &World| [&world.root, &world.child].map(|node| node.chain().last_final().unwrap().hash);
        let before = finals(&world);
        world = world.crash();
        assert_eq!(finals(&world), before);
    }
}

#[test]
fn a_genesis_that_was_cut_off_is_begun_or_finished_by_the_next_start() {
    for operation in 0..8 {
        let disk = Mem::new();
        disk.fail_at(operation);
        let whole = Chain::open(disk.clone(), genesis().0).is_ok();
        for kept in 0..=disk.unsynced() {
            let chain = Chain::open(disk.crash(kept), genesis().0).unwrap();
            let head = chain.head().unwrap();
            assert_eq!(chain.last_final().unwrap().hash, head.hash, "operation {operation}, whole: {whole}");
        }
    }
}
