//! The end of a child: it is closed and goes when it is empty, or it dies and what it has not settled goes back.

use banyan_ledger::{Escrow, Event, Rejected, Status, key};
use banyan_types::{
    Amount, AssociateId, Bytes, Height, Id,
    tx::{AssociateClose, AssociateRefund, AssociateRemit},
};

use crate::support::*;

const NOBODY: AssociateId = AssociateId([1; 32]);

#[test]
fn close_rejects_in_the_written_order() {
    let mut pair = Pair::funded();
    let (root, id) = (pair.root.clone(), pair.id);
    let good = root.close(ALICE, id);
    let wrong = AssociateClose { associate_id: NOBODY, authorization: Bytes::default(), ..good.clone() };
    // The serial is another one: signatures over an update, or over an earlier act, close nothing.
    let other = root.update(ALICE, id, banyan_types::associate::Change::Thaw).authorization;
    Wrong::new(wrong, |tx| root.admit(&root.sign(ALICE, tx.clone())))
        .says(Rejected::Unknown, |tx| tx.associate_id = id)
        .says(Rejected::Authorization { valid: 0, needed: 2 }, |tx| tx.authorization = other)
        .says(Rejected::Authorization { valid: 0, needed: 2 }, |tx| tx.authorization = good.authorization.clone())
        .accepted();

    pair.on_root(ALICE, good);
    assert_eq!(pair.root.point(id).status, Status::Closing);
    let again = pair.root.close(ALICE, id);
    assert_eq!(pair.asked(ALICE, again).unwrap_err(), Rejected::Ended { status: "closing" });
    pair.fall_silent();
    let late = pair.root.close(ALICE, id);
    assert_eq!(pair.asked(ALICE, late).unwrap_err(), Rejected::Status { status: "dead" });
}

#[test]
fn a_closing_child_pays_out_and_is_gone_when_it_is_empty() {
    let mut pair = Pair::funded();
    let id = pair.id;
    let operator = pair.root.create(BOB, "bank"); // any other child shows that only this one goes
    pair.on_root(BOB, operator);
    let close = pair.root.close(ALICE, id);
    assert!(pair.on_root(ALICE, close).events.contains(&Event::Closing { associate: id }));
    let commit = pair.root.commit(ALICE, id, ALICE, coins(1));
    assert_eq!(pair.asked(ALICE, commit).unwrap_err(), Rejected::Status { status: "closing" });

    let all = |pair: &Pair, person| pair.child.balance(person).minus(FEE).unwrap();
    let txs = [pair.withdraw(ALICE, all(&pair, ALICE)), pair.withdraw(BOB, all(&pair, BOB))];
    pair.step(&txs).unwrap();
    pair.remit().unwrap();
    // The fees that were paid on the child are its leader's.
    pair.step(&[]).unwrap();
    assert_eq!(pair.held(), FEE.plus(FEE).unwrap());
    let rest = pair.child.balance(LEADER);
    assert_eq!(rest, pair.held());
    let tx = pair.child.sign(LEADER, pair.child.withdraw(LEADER, banyan_types::Payee::Account(account(BOB)), units(1)));
    pair.step(&[tx]).unwrap();
    pair.remit().unwrap();
    assert!(pair.root.at(&key::point(id), |_| ()).is_some(), "money is there");
}

#[test]
fn an_empty_child_is_gone_when_it_is_closed() {
    let mut pair = Pair::new();
    let close = pair.root.close(ALICE, pair.id);
    let gone = Event::Removed { id: pair.id.into(), to: None, amount: Amount::ZERO };
    assert!(pair.on_root(ALICE, close.clone()).events.contains(&gone));
    assert_eq!(pair.root.at(&key::point(pair.id), |_| ()), None);
    assert_eq!(pair.root.at(&key::escrow(pair.id, banyan_types::Asset::Coin), |_| ()), None);
    assert!(pair.root.at(&key::tombstone(Id::from(pair.id)), |_| ()).is_some());
    let again = AssociateClose { nonce: pair.root.nonce(ALICE), ..close };
    assert_eq!(pair.asked(ALICE, again).unwrap_err(), Rejected::Unknown);
}

#[test]
fn refund_rejects_in_the_written_order() {
    let mut pair = Pair::funded();
    pair.commit(CAROL, ALICE, coins(7));
    let (id, alive) = (pair.id, pair.root.clone());
    let open = pair.root.point(id).inbox_next - 1;
    pair.fall_silent();
    let dead = pair.root.clone();
    let wrong = AssociateRefund { associate_id: NOBODY, n: 0, ..alive.refund(BOB, id, open) };
    Wrong::new((wrong, alive.clone()), |(tx, root)| root.admit(&root.sign(BOB, tx.clone())))
        .says(Rejected::Unknown, |(tx, _)| tx.associate_id = id)
        .says(Rejected::NotDead { status: "open" }, |(_, root)| *root = dead)
        .says(Rejected::Entry { n: 0 }, |(tx, _)| tx.n = open - 1) // settled
        .says(Rejected::Entry { n: open - 1 }, |(tx, _)| tx.n = open + 1) // a notice
        .says(Rejected::Entry { n: open + 1 }, |(tx, _)| tx.n = open)
        .accepted();
}

#[test]
fn a_dead_child_gives_back_what_it_has_not_settled_once() {
    let mut pair = Pair::funded();
    pair.commit(CAROL, ALICE, coins(7));
    let (id, n) = (pair.id, pair.root.point(pair.id).inbox_next - 1);
    // The child has credited it below, and its remit comes too late.
    pair.step(&[]).unwrap();
    pair.fall_silent();
    let (before, held) = (pair.root.balance(CAROL), pair.held());
    let refund = pair.root.refund(BOB, id, n);
    let outcome = pair.on_root(BOB, refund);
    let back =
        Event::PaidBack { associate: id, n, to: account(CAROL), asset: banyan_types::Asset::Coin, amount: coins(7) };
    assert!(outcome.events.contains(&back));
    assert_eq!(pair.root.balance(CAROL), before.plus(coins(7)).unwrap());
    assert_eq!((pair.held(), pair.root.escrow(id).waiting), (held.minus(coins(7)).unwrap(), Amount::ZERO));
    let again = pair.root.refund(BOB, id, n);
    assert_eq!(pair.asked(BOB, again).unwrap_err(), Rejected::Entry { n });
    // The refund rests on the child's death: it cannot come back and say that it has credited that money.
    let late = pair.honest_remit();
    assert_eq!(pair.asked(OPERATORS[0], late).unwrap_err(), Rejected::Ended { status: "dead" });
}

#[test]
fn an_undelivered_line_of_a_dead_child_goes_to_who_withdrew_it() {
    let mut pair = Pair::funded();
    let nowhere = banyan_types::Payee::Contract(banyan_types::ContractId([8; 32]));
    let tx = pair.child.sign(ALICE, pair.child.withdraw(ALICE, nowhere, coins(10)));
    pair.step(&[tx]).unwrap();
    pair.remit().unwrap();
    let n = pair.root.point(pair.id).inbox_next - 1;
    pair.fall_silent();
    let before = pair.root.balance(ALICE);
    let refund = pair.root.refund(BOB, pair.id, n);
    pair.on_root(BOB, refund);
    assert_eq!(pair.root.balance(ALICE), before.plus(coins(10)).unwrap());
}

#[test]
fn a_dead_child_whose_last_money_went_back_is_removed() {
    let mut pair = Pair::new();
    pair.commit(ALICE, ALICE, coins(7));
    pair.fall_silent();
    let refund = pair.root.refund(BOB, pair.id, 0);
    let outcome = pair.on_root(BOB, refund);
    let gone = Event::Removed { id: pair.id.into(), to: None, amount: Amount::ZERO };
    assert_eq!(outcome.events.last(), Some(&gone));
}

#[test]
fn a_child_emptied_after_its_expiry_is_removed() {
    let mut pair = Pair::with(|create| create.expiry = Height(1 + SILENCE));
    pair.commit(ALICE, ALICE, coins(10));
    while pair.root.height() <= Height(1 + SILENCE) {
        pair.root.key_block(LEADER);
    }
    assert_eq!(pair.held(), coins(10));
    let tx = pair.withdraw(ALICE, coins(10));
    // Nobody on the child holds a fee: what came too late is skipped, and that empties the escrow.
    assert!(pair.child.child_block(&pair.root, &[tx]).is_err());
    pair.child.child_block(&pair.root, &[]).unwrap();
    let outcome = pair.remit().unwrap();
    assert!(outcome.events.contains(&Event::Removed { id: pair.id.into(), to: None, amount: Amount::ZERO }));
    assert_eq!(pair.root.escrow(pair.id), Escrow::EMPTY);
}

#[test]
fn recovery_accounts_speak_for_a_dead_child_without_a_state() {
    let mut pair = Pair::with(|create| {
        create.recovery = vec![account(ALICE), account(BOB)];
        create.recovery_threshold = 2;
    });
    pair.commit(ALICE, ALICE, coins(100));
    pair.step(&[]).unwrap();
    pair.step(&[pair.withdraw(ALICE, coins(60))]).unwrap();
    // The child says where it stands and commits to no state; then it says no more.
    let (summary, lines) = pair.child.summary(&pair.root);
    let first = banyan_types::associate::Summary {
        root: banyan_types::Hash::ZERO,
        outbox_acked: 0,
        outbox_hash: banyan_types::Hash::ZERO,
        ..summary
    };
    let tx = pair.root.remit(OPERATORS[0], first.clone(), vec![]);
    pair.on_root(OPERATORS[0], tx);
    let point = pair.root.point(pair.id).point;
    let next = banyan_types::associate::Summary {
        seq: first.seq + 1,
        child_from: point.child_to,
        outbox_acked: 1,
        outbox_hash: lines[0].chain(point.outbox_hash),
        ..first
    };
    let recover = |root: &Ledger, signers: &[(u64, u8)]| AssociateRemit {
        authorization: authorise(&root.params.network_id, &next, signers),
        ..root.remit(BOB, next.clone(), lines.clone())
    };
    // While it lives they say nothing, and never without their threshold.
    let early = recover(&pair.root, &[(0, ALICE), (1, BOB)]);
    assert_eq!(pair.asked(BOB, early).unwrap_err(), Rejected::Authorization { valid: 0, needed: 2 });
    pair.fall_silent();
    let alone = recover(&pair.root, &[(0, ALICE)]);
    assert_eq!(pair.asked(BOB, alone).unwrap_err(), Rejected::Authorization { valid: 1, needed: 2 });
    let before = pair.root.balance(ALICE);
    let both = recover(&pair.root, &[(0, ALICE), (1, BOB)]);
    pair.on_root(BOB, both);
    assert_eq!(pair.root.balance(ALICE), before.plus(coins(60)).unwrap());
    assert!(matches!(pair.root.point(pair.id).status, Status::Dead { .. }), "their word does not revive it");
}
