//! Sentences that the simulator found to be untrue.

mod support;

use std::sync::Arc;

use banyan_node::{BlockBytes, Chain, EngineParams, GenesisFile, Input, Node, Order, PoolLimits, Role, RootRole};
use banyan_root::Peer;
use banyan_store::{Mem, Place};
use banyan_types::{Bytes, TimeMs, header::MicroBody, tx::SignedTx};
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

/// A node of a root that mines and is alone in the world.
struct Alone {
    node: Node,
    now: TimeMs,
    /// Whether it finds what it searches for.
    finds: bool,
}

impl Alone {
    fn new(file: GenesisFile, miner: u8) -> Self {
        let chain = Arc::new(Chain::open(Mem::new(), file).unwrap());
        let role = RootRole { miner: Some(key(miner)), ..RootRole::default() };
        let mut alone =
            Self { node: Node::open(chain, Role::Root(role), PoolLimits::default()).unwrap(), now: START, finds: true };
        alone.handle(Input::Tick(START));
        alone
    }

    fn run(&mut self, ms: u64) {
        let end = self.now.0 + ms;
        while self.now.0 < end {
            self.now.0 += 50;
            self.handle(Input::Tick(self.now));
        }
    }

    fn handle(&mut self, input: Input) {
        let orders = self.node.handle(input).unwrap();
        self.carry_out(orders);
    }

    fn submit(&mut self, txs: Vec<SignedTx>) {
        let (answers, orders) = self.node.submit(txs).unwrap();
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        self.carry_out(orders);
    }

    fn carry_out(&mut self, orders: Vec<Order>) {
        for order in orders {
            if let Order::Mine(template, header) = order
                && self.finds
            {
                let (nonce, pow) = solve(&self.node, &header);
                self.handle(Input::Solved { template, nonce, pow: Box::new(pow) });
            }
        }
    }
}

#[test]
fn a_leader_fills_its_blocks_up_to_their_size_and_goes_on() {
    let mut file = genesis().0;
    let EngineParams::Root(engine) = &mut file.engine else { unreachable!() };
    engine.micro_bytes_max = 2_000;
    let mut alone = Alone::new(file, MINER);
    alone.run(3_500);
    alone.submit((1..=40).map(|nonce| spend("banyan_dev", USER, FRIEND, coins(1), nonce)).collect());
    alone.run(2_900);
    assert_eq!(World::balance(&alone.node, FRIEND), coins(40));
    let chain = alone.node.chain();
    let body =
        |index| chain.block(chain.main_at(Place { height: 1, index }).unwrap()?).unwrap().map(|block| block.body);
    let sizes: Vec<_> = (1..).map_while(body).map(|body| body.len()).collect();
    assert!(sizes.len() > 2 && sizes.iter().all(|size| *size <= 2_000), "{sizes:?}");
    assert!(sizes[0] > 1_700, "{sizes:?}");
}

/// A payment that this node never heard of but in a block comes back when the block is lost, and leads the next one.
#[test]
fn returned_transactions_are_included_by_the_next_leader() {
    let (mut paid, mut other) = (World::new(), World::new());
    paid.run(3_500);
    paid.submit_root(spend("banyan_dev", USER, FRIEND, coins(7), 1)).unwrap();
    paid.run(1_000);
    let (key_1, micro) = generation(&paid);
    other.run(6_500);
    let chain = other.root.chain();
    let second = chain.block(chain.main_at(Place::at(2)).unwrap().unwrap()).unwrap().unwrap();
    let key_2 = BlockBytes { header: second.header.encode(), body: second.body };
    let first = chain.block(chain.main_at(Place::at(1)).unwrap().unwrap()).unwrap().unwrap();
    let other_1 = BlockBytes { header: first.header.encode(), body: first.body };

    let mut next = Alone::new(genesis().0, OPERATORS[2]);
    next.finds = false;
    next.run(6_500);
    let hear = |next: &mut Alone, block: &BlockBytes| {
        next.handle(Input::Block { from: Some(Peer(1)), block: block.clone() });
    };
    for block in [&key_1, &micro] {
        hear(&mut next, block);
    }
    assert_eq!(World::balance(&next.node, FRIEND), coins(7));
    for block in [&other_1, &key_2] {
        hear(&mut next, block);
    }
    assert_eq!(World::balance(&next.node, FRIEND), coins(0), "the block is lost");
    next.submit(vec![spend("banyan_dev", OPERATORS[0], FRIEND, coins(1), 2)]);
    next.finds = true;
    let tip = next.node.chain().head().unwrap().header.height();
    next.run(7_000);
    assert!(next.node.chain().head().unwrap().header.height() > tip);
    assert_eq!(World::balance(&next.node, FRIEND), coins(8));
    let chain = next.node.chain();
    let held = (2..20).find_map(|height| {
        let block = chain.block(chain.main_at(Place { height, index: 1 }).unwrap()?).unwrap()?;
        Some(block.txs.iter().map(|tx| tx.transaction().signer()).collect::<Vec<_>>())
    });
    assert_eq!(held, Some(vec![account(USER), account(OPERATORS[0])]), "what a lost block held comes first");
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
