//! Coins walk from the root into a child, are paid there, and come back.

mod support;

use banyan_ledger::Fault;
use banyan_node::Leaves as _;
use banyan_types::Amount;
use support::*;

fn child_network(world: &World) -> String {
    world.child.chain().params().network_id.clone()
}

#[test]
fn a_spend_is_included_and_final() {
    let mut world = World::new();
    world.run(3_500);
    let hash = world.submit_root(spend("banyan_dev", USER, FRIEND, coins(25), 1)).unwrap();
    world.run(1_000);
    assert_eq!(World::balance(&world.root, FRIEND), coins(25));
    assert!(world.root.chain().transaction(hash).unwrap().is_some());
    assert_eq!(world.root.pool().read().unwrap().len(), 1, "not final yet");
    world.run(10_000);
    assert!(world.root.pool().read().unwrap().is_empty(), "final");
    let again = spend("banyan_dev", USER, FRIEND, coins(25), 1);
    assert_eq!(world.submit_root(again), Ok(hash), "submitting what is final is harmless");
    assert!(world.root.pool().read().unwrap().is_empty(), "and takes no room");
    let (root, child) = world.heights();
    assert!(root.0 >= 3 && child.0 >= 1, "{root} {child}");
}

#[test]
fn coins_walk_down_are_paid_and_come_back() {
    let mut world = World::new();
    let child_id = world.child_id;
    world.run(1_000);
    world.submit_root(commit(child_id, USER, coins(100), 1)).unwrap();
    world.run(12_000);
    assert_eq!(World::balance(&world.child, USER), coins(100));
    let network = child_network(&world);
    world.submit_child(spend(&network, USER, FRIEND, coins(30), 1)).unwrap();
    world.run(500);
    assert_eq!(World::balance(&world.child, FRIEND), coins(30));
    world.submit_child(withdraw(&network, FRIEND, coins(10), 1)).unwrap();
    world.run(12_000);
    assert_eq!(World::balance(&world.root, FRIEND), coins(10));
    let head = world.root.chain().head().unwrap();
    let escrow = head.view.escrow(child_id).unwrap();
    assert_eq!((escrow.committed, escrow.remitted, escrow.waiting), (coins(100), coins(10), Amount::ZERO));
    for node in [&world.root, &world.child] {
        totals_hold(node);
    }
}

#[test]
fn a_restart_goes_on_where_it_stopped() {
    let mut world = World::new();
    let child_id = world.child_id;
    world.run(1_000);
    world.submit_root(commit(child_id, USER, coins(100), 1)).unwrap();
    let hash = world.submit_root(spend("banyan_dev", USER, FRIEND, coins(25), 2)).unwrap();
    world.run(4_000);
    let mut world = world.crash();
    let known = world.root.chain().transaction(hash).unwrap().is_some();
    let waiting = world.root.pool().read().unwrap().get(&hash).is_some();
    assert!(known || waiting, "an acknowledged transaction is lost");
    world.run(15_000);
    assert_eq!(World::balance(&world.root, FRIEND), coins(25));
    assert_eq!(World::balance(&world.child, USER), coins(100));
    let mut world = world.crash();
    world.run(5_000);
    assert_eq!(World::balance(&world.child, USER), coins(100));
    totals_hold(&world.root);
}

#[test]
fn each_refusal_names_its_owner() {
    let mut world = World::new();
    world.run(1_000);
    let other = spend("banyan_main", USER, FRIEND, coins(1), 1);
    assert_eq!(world.submit_root(other), Err((Fault::Invalid, "bad_signature")));
    assert_eq!(world.submit_root(spend("banyan_dev", FRIEND, USER, coins(1), 1)), Err((Fault::Early, "no_account")));
    assert_eq!(world.submit_root(spend("banyan_dev", USER, FRIEND, coins(20_000), 1)), Err((Fault::Early, "unfunded")));
    assert_eq!(world.submit_root(spend("banyan_dev", USER, FRIEND, coins(1), 0)), Err((Fault::Invalid, "nonce_used")));
    assert_eq!(
        world.submit_root(spend("banyan_dev", USER, FRIEND, coins(1), 100)),
        Err((Fault::Early, "nonce_too_far_ahead"))
    );
    let good = spend("banyan_dev", USER, FRIEND, coins(1), 1);
    let hash = world.submit_root(good.clone()).unwrap();
    assert_eq!(world.submit_root(good), Ok(hash), "submitting again is harmless");
    assert_eq!(
        world.submit_root(spend("banyan_dev", USER, FRIEND, coins(2), 1)),
        Err((Fault::Early, "replacement_underpriced"))
    );
}
