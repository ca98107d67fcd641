//! Sentences that the simulator found to be untrue.

mod support;

use support::*;

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
