//! Money on its way through the tree: a hop at a time, and where it cannot go on it rests under its owner's key.

use banyan_ledger::Event;
use banyan_types::{
    Amount, AssociateId, Payee,
    associate::Hop,
    tx::{AssociateCommit, AssociateWithdraw},
};

use crate::support::*;

/// What one hop costs: 30,000 gas at the least price. Source: associates 5.
const HOP: Amount = Amount::new(30_000_000_000_000).unwrap();

/// root ─ 1 ─ 2, and root ─ 3 ─ 4: two branches of two ledgers.
fn two_branches() -> Tree {
    Tree::funded(&[0, 1, 0, 3])
}

fn less(amount: Amount, hops: u32) -> Amount {
    (0..hops).fold(amount, |amount, _| amount.minus(HOP).unwrap())
}

fn commit(tree: &mut Tree, at: usize, into: AssociateId, amount: Amount, route: Vec<Hop>) {
    let tx = AssociateCommit { route, ..tree.ledgers[at].commit(ALICE, into, ALICE, amount) };
    tree.run(at, &[tree.ledgers[at].sign(ALICE, tx)]).unwrap();
}

fn withdraw(tree: &mut Tree, at: usize, amount: Amount, route: Vec<Hop>) {
    let tx = tree.ledgers[at].withdraw(ALICE, Payee::Account(account(ALICE)), amount);
    let tx = AssociateWithdraw { route, ..tx };
    tree.run(at, &[tree.ledgers[at].sign(ALICE, tx)]).unwrap();
}

fn stopped(events: &[Event]) -> Option<(Amount, &'static str)> {
    events.iter().find_map(|event| match event {
        Event::Stopped { account: who, amount, reason, .. } if *who == account(ALICE) => Some((*amount, *reason)),
        _ => None,
    })
}

#[test]
fn a_commit_goes_on_down() {
    let mut tree = two_branches();
    let (middle, low) = (tree.ledgers[1].balance(ALICE), tree.ledgers[2].balance(ALICE));
    let (first, route) = (tree.id(1), vec![Hop::Down(tree.id(2))]);
    commit(&mut tree, 0, first, coins(10), route);
    let outcome = tree.run(1, &[]).unwrap();
    assert!(
        outcome
            .events
            .iter()
            .any(|event| matches!(event, Event::Committed { amount, .. } if *amount == less(coins(10), 1)))
    );
    tree.run(2, &[]).unwrap();
    assert_eq!(tree.ledgers[1].balance(ALICE), middle);
    assert_eq!(tree.ledgers[2].balance(ALICE), low.plus(less(coins(10), 1)).unwrap());
    // The hop's fee is this block's: whoever orders the block has it with the next one.
    assert_eq!(tree.ledgers[1].supply().fees, HOP);
}

#[test]
fn a_withdrawal_goes_on_up() {
    let mut tree = two_branches();
    let before = tree.ledgers[0].balance(ALICE);
    withdraw(&mut tree, 2, coins(10), vec![Hop::Up]);
    tree.remit(2);
    tree.remit(1);
    assert_eq!(tree.ledgers[0].balance(ALICE), before.plus(less(coins(10), 1)).unwrap());
}

#[test]
fn a_journey_crosses_five_ledgers_with_one_signature() {
    let mut tree = two_branches();
    let before = tree.ledgers[4].balance(ALICE);
    let route = vec![Hop::Up, Hop::Down(tree.id(3)), Hop::Down(tree.id(4))];
    withdraw(&mut tree, 2, coins(10), route);
    tree.remit(2);
    tree.remit(1);
    tree.advance();
    assert_eq!(tree.ledgers[4].balance(ALICE), before.plus(less(coins(10), 3)).unwrap());
}

#[test]
fn a_line_may_lead_back_into_the_child_that_it_comes_from() {
    let mut tree = two_branches();
    let (before, held) = (tree.ledgers[1].balance(ALICE), tree.ledgers[0].escrow(tree.id(1)).held());
    let route = vec![Hop::Down(tree.id(1))];
    withdraw(&mut tree, 1, coins(10), route);
    tree.remit(1);
    assert_eq!(tree.ledgers[0].escrow(tree.id(1)).held(), held.minus(HOP).unwrap());
    assert_eq!(tree.ledgers[0].escrow(tree.id(1)).waiting, less(coins(10), 1));
    tree.advance();
    let lost = HOP.plus(FEE).unwrap();
    assert_eq!(tree.ledgers[1].balance(ALICE), before.minus(lost).unwrap());
}

#[test]
fn a_stopped_journey_leaves_the_money_with_its_owner() {
    let nowhere = AssociateId([9; 32]);
    let rows: [(fn(&Tree) -> Vec<Hop>, Amount, &str); 5] = [
        (|_| vec![Hop::Down(AssociateId([9; 32]))], coins(1), "unknown_associate"),
        (|tree| vec![Hop::Down(tree.id(3))], units(29_999_999_999_999), "funds"),
        (|tree| vec![Hop::Down(tree.id(3))], units(30_000_000_000_000), "amount"),
        (|_| vec![Hop::Up], coins(1), "not_here"),
        (|tree| vec![Hop::Down(tree.id(2))], coins(1), "unknown_associate"), // no child of the root
    ];
    for (route, amount, reason) in rows {
        let mut tree = two_branches();
        let (before, fees) = (tree.ledgers[0].balance(ALICE), tree.ledgers[0].supply().fees);
        let route = route(&tree);
        withdraw(&mut tree, 1, amount, route);
        let outcome = tree.remit(1);
        assert_eq!(stopped(&outcome.events), Some((amount, reason)));
        assert_eq!(tree.ledgers[0].balance(ALICE), before.plus(amount).unwrap());
        assert_eq!(tree.ledgers[0].supply().fees, fees, "a hop that is not made costs nothing");
    }
    let mut tree = two_branches();
    let before = tree.ledgers[1].balance(ALICE);
    let first = tree.id(1);
    commit(&mut tree, 0, first, coins(1), vec![Hop::Down(nowhere), Hop::Up]);
    let outcome = tree.run(1, &[]).unwrap();
    assert_eq!(stopped(&outcome.events), Some((coins(1), "unknown_associate")));
    assert_eq!(tree.ledgers[1].balance(ALICE), before.plus(coins(1)).unwrap());
}

#[test]
fn a_route_into_a_dead_child_stops_above_it() {
    let mut tree = two_branches();
    withdraw(&mut tree, 1, coins(1), vec![]);
    let third = tree.id(3);
    for _ in 0..=SILENCE {
        tree.ledgers[0].key_block(LEADER);
    }
    tree.remit(1);
    tree.run(1, &[]).unwrap();
    withdraw(&mut tree, 1, coins(1), vec![Hop::Down(third)]);
    let outcome = tree.remit(1);
    assert_eq!(stopped(&outcome.events), Some((coins(1), "status")));
}

#[test]
fn the_root_height_reaches_the_deepest_ledger() {
    let mut tree = Tree::new(&[0, 1, 2, 3]);
    for _ in 0..3 {
        tree.advance();
        let height = tree.ledgers[0].height();
        assert!(tree.ledgers[1..].iter().all(|ledger| ledger.parent_leaf().root_height == height));
    }
    let mut entropies: Vec<_> = tree.ledgers[1..].iter().map(|ledger| ledger.parent_leaf().entropy).collect();
    entropies.dedup();
    assert_eq!(entropies.len(), 4, "each ledger draws its own");
}
