//! Catching up: headers first, bodies of the best chain alone.

use alloc::vec;

use super::world::*;

#[test]
fn a_late_node_gets_the_whole_chain() {
    let blocks = chain(&root(), 1, 40, 2);
    let mut world = World::new(vec![Node::with(1, &blocks), Node::new(2)]);
    world.connect(0, 1);
    world.run(5);
    assert_eq!(world.nodes[1].tip, blocks.last().unwrap().hash());
    assert!(world.nodes.iter().all(|node| node.closed.is_empty()));
}

#[test]
fn headers_first_sync_fetches_no_body_of_a_losing_chain() {
    let (winning, losing) = (chain(&root(), 1, 30, 1), chain(&root(), 2, 20, 1));
    let mut world = World::new(vec![Node::with(1, &winning), Node::with(2, &losing), Node::new(3)]);
    world.connect(2, 1);
    world.connect(2, 0);
    world.run(10);
    assert_eq!(world.nodes[2].tip, winning.last().unwrap().hash());
    assert!(world.nodes[2].got.iter().all(|hash| winning.iter().any(|made| made.hash() == *hash)));
}
