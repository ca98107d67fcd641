//! An escape kit: kept while a child lives, used when nobody answers there any more.

mod support;

use std::time::Instant;

use banyan_ledger::key as keys;
use banyan_types::{Amount, tx::Transaction};
use banyan_wallet::{
    client::{Client, Level, When},
    kit::{Kit, Unusable},
    tx::Terms,
};
use support::*;

/// Milliseconds between key blocks: a hundred of them without a summary and the child is dead.
const QUICK_MS: u64 = 100;

fn terms(client: &Client, user: u8) -> Terms {
    let (status, nonce) = (client.status().unwrap(), client.account(account(user)).unwrap().next());
    Terms { params: status.params(), height: status.height(), nonce, ttl: None, fee: None }
}

fn send(client: &Client, tx: Transaction, user: u8) {
    let signed = tx.sign(&client.status().unwrap().network_id, &key(user));
    let status = client.submit_and_wait(&signed, Level::Ordered, LIMIT).unwrap();
    assert!(status.block.is_some(), "{status:?}");
}

/// A kit of the state that holds what has just arrived.
fn kit(root: &Client, world: &World, user: u8, least: Amount) -> Kit {
    let path = [world.id("mortal")];
    let begun = Instant::now();
    loop {
        match Kit::fetch(root, (&path, &[root.on("mortal")]), account(user)) {
            Ok(kit) if kit.amount >= least => return kit,
            Ok(_) => {}
            Err(why) => assert!(why.is_early(), "{why}"),
        }
        assert!(begun.elapsed() < LIMIT, "no summary is final");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn an_escape_kit_needs_no_child_node() {
    let mut world = World::of(QUICK_MS, &["mortal"]);
    let (root, world_id) = (world.serve(), world.id("mortal"));
    let arrived = moved(&root, 0, coins(100), ("root", "mortal"));
    let early = kit(&root, &world, 0, arrived);
    assert_eq!((early.amount, early.path.len(), early.steps.len()), (arrived, 0, 1));
    assert_eq!(Kit::decode(&early.encode()), Ok(early.clone()), "as it is kept in a file");
    let held = |client: &Client| {
        let proven = client.prove(&[keys::point(world_id)], When::Top).unwrap();
        (proven.point(world_id).unwrap().unwrap(), proven.header().height())
    };
    let (point, height) = held(&root);
    assert!(matches!(early.check(&point, height), Err(Unusable::Alive { .. })), "while it lives nobody may claim");

    // What was kept is good until the next summary.
    let more = moved(&root, 0, coins(5), ("root", "mortal"));
    let late = kit(&root, &world, 0, arrived.plus(more).unwrap());
    let (point, height) = held(&root);
    assert!(matches!(early.check(&point, height), Err(Unusable::Summary { .. })));
    assert!(matches!(late.check(&point, height), Err(Unusable::Alive { .. })));

    // The operators are gone, and their nodes with them.
    world.stop("mortal");
    let alone = world.serve();
    assert!(alone.on("mortal").status().is_err(), "nobody answers there");
    let claimed = Instant::now();
    let dies = |(point, height): (_, _)| late.check(&point, height);
    while let Err(why) = dies(held(&alone)) {
        assert!(matches!(why, Unusable::Alive { .. }) && claimed.elapsed() < LIMIT, "{why}");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let before = alone.account(account(0)).unwrap();
    send(&alone, late.claim(&terms(&alone, 0)).unwrap(), 0);
    assert_eq!(alone.account(account(0)).unwrap().nonce, before.nonce + 1, "the claim is in a block");
    // And paid when the window is over.
    let whole = before.balance.plus(late.amount).unwrap();
    while alone.account(account(0)).unwrap().balance.plus(coins(1)).unwrap() < whole {
        assert!(claimed.elapsed() < LIMIT, "the claim is not paid");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}
