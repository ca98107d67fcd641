//! Evidence against a child's authority: who says two things loses its bond.

use banyan_ledger::{Event, Rejected};
use banyan_types::{
    Amount, AssociateId, Bytes, Hash, Height, Signature,
    associate::{Change, Summary, SummaryStatement},
    tx::AssociateEvidence,
};

use crate::support::*;

const LIAR: u8 = OPERATORS[1];

fn bonded() -> Pair {
    let mut pair = Pair::funded();
    let tx = pair.root.update(LIAR, pair.id, Change::BondIn(coins(50)));
    pair.on_root(LIAR, tx);
    pair.step(&[]).unwrap();
    pair
}

fn statement(pair: &Pair, person: u8, summary: &Summary) -> Bytes {
    let message = summary.signing_message(&pair.root.params.network_id);
    let (operator, signature) = (account(person), Signature(secret(person).sign(&message)));
    Bytes(SummaryStatement { operator, summary: summary.clone(), signature }.encode())
}

fn report(pair: &Pair, a: Bytes, b: Bytes) -> AssociateEvidence {
    AssociateEvidence {
        associate_id: pair.id,
        from_id: account(CAROL),
        kind: 0,
        a,
        b,
        ttl: Height(0),
        fee: FEE,
        nonce: pair.root.nonce(CAROL),
    }
}

#[test]
fn evidence_against_a_child_rejects_in_the_written_order() {
    let pair = bonded();
    let (summary, _) = pair.child.summary(&pair.root);
    let other = Summary { block_hash: Hash([9; 32]), ..summary.clone() };
    let good = report(&pair, statement(&pair, LIAR, &summary), statement(&pair, LIAR, &other));
    let unbonded = statement(&pair, OPERATORS[0], &other);
    let wrong = AssociateEvidence { associate_id: AssociateId([1; 32]), b: Bytes::default(), ..good.clone() };
    let id = pair.id;
    Wrong::new(wrong, |tx| pair.asked(CAROL, tx.clone()))
        .says(Rejected::Unknown, |tx| tx.associate_id = id)
        .says(Rejected::NoFault, |tx| tx.b = tx.a.clone()) // no statement
        .says(Rejected::NoFault, |tx| tx.b = unbonded) // one thing twice
        .says(Rejected::NoFault, |tx| tx.a = statement(&pair, OPERATORS[0], &summary)) // two keys
        .says(Rejected::NoBond, |tx| (tx.a, tx.b) = (good.a.clone(), good.b.clone()))
        .accepted();
}

#[test]
fn what_an_honest_operator_may_sign_is_no_fault() {
    let pair = bonded();
    let (summary, _) = pair.child.summary(&pair.root);
    let rows = [
        // A longer span under the same number, when the first was not accepted.
        Summary { child_to: summary.child_to.next().unwrap(), block_hash: Hash([9; 32]), ..summary.clone() },
        Summary { parent_height: Height(0), ..summary.clone() },
        Summary { associate: AssociateId([1; 32]), block_hash: Hash([9; 32]), ..summary.clone() },
    ];
    for other in rows {
        let tx = report(&pair, statement(&pair, LIAR, &summary), statement(&pair, LIAR, &other));
        assert_eq!(pair.asked(CAROL, tx).unwrap_err(), Rejected::NoFault);
    }
    let forged = Summary { block_hash: Hash([9; 32]), ..summary.clone() };
    let mut statement_of = SummaryStatement::decode(&statement(&pair, LIAR, &forged).0).unwrap();
    statement_of.signature = Signature([3; 64]);
    let tx = report(&pair, statement(&pair, LIAR, &summary), Bytes(statement_of.encode()));
    assert_eq!(pair.asked(CAROL, tx).unwrap_err(), Rejected::NoFault);
}

#[test]
fn an_operator_that_says_two_things_pays_the_childs_users() {
    let mut pair = bonded();
    let (summary, _) = pair.child.summary(&pair.root);
    let other = Summary { root: Hash([9; 32]), ..summary.clone() };
    let (held, carol) = (pair.held(), pair.root.balance(CAROL));
    let waiting = pair.root.escrow(pair.id).waiting;
    let tx = report(&pair, statement(&pair, LIAR, &summary), statement(&pair, LIAR, &other));
    let outcome = pair.on_root(CAROL, tx.clone());
    let slashed = Event::OperatorSlashed {
        associate: pair.id,
        operator: account(LIAR),
        amount: coins(50),
        reporter: account(CAROL),
        reward: coins(5),
    };
    assert!(outcome.events.contains(&slashed));
    assert_eq!(pair.held(), held.plus(coins(45)).unwrap());
    assert_eq!(pair.root.escrow(pair.id).waiting, waiting, "it is the users' own at once");
    assert_eq!(pair.root.balance(CAROL), carol.plus(coins(5)).unwrap().minus(FEE).unwrap());
    assert_eq!(pair.root.supply().bonds, Amount::ZERO);
    let again = AssociateEvidence { nonce: pair.root.nonce(CAROL), ..tx };
    assert_eq!(pair.asked(CAROL, again).unwrap_err(), Rejected::NoBond);
}
