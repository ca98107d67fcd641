//! Who signed, over what, and for which ledger.

use banyan_ledger::{Rejected, Verified};
use banyan_types::{
    Signature,
    tx::{SignedTx, Transaction},
};
use proptest::prelude::*;

use crate::support::*;

const HERE: &str = "banyan_test";

fn transaction(signer: u8, amount: u128) -> Transaction {
    let mut spend = Ledger::root().spend(ALICE, account(BOB), units(amount));
    spend.sender_id = account(signer);
    spend.into()
}

/// The transaction with a signature over the whole of it instead of its hash.
fn signed_plainly(signer: u8, tx: Transaction) -> SignedTx {
    let message = [HERE.as_bytes(), &tx.encode()].concat();
    SignedTx::assemble(tx, vec![Signature(secret(signer).sign(&message))])
}

#[test]
fn both_signature_messages_verify() {
    let hashed = transaction(ALICE, 1).sign(HERE, &secret(ALICE));
    let plain = signed_plainly(ALICE, transaction(ALICE, 1));
    assert_ne!(hashed.signatures(), plain.signatures());
    for tx in [hashed, plain] {
        assert!(Verified::check(tx.clone(), HERE).is_ok());
        assert!(Verified::check_all(vec![tx.clone()], HERE).is_ok());
        assert_eq!(Verified::check(tx.clone(), "banyan_tesu"), Err(Rejected::BadSignature));
        assert_eq!(Verified::check_all(vec![tx], "banyan_tesu"), Err(0));
    }
}

#[test]
fn signatures_are_one_per_signer() {
    let tx = transaction(ALICE, 1);
    let message = tx.signing_message(HERE);
    let by = |person: u8| Signature(secret(person).sign(&message));
    let rows = [
        (vec![by(ALICE)], true),
        (vec![by(ALICE), by(ALICE)], true), // the same one twice is one
        (vec![], false),
        (vec![by(BOB)], false),
        (vec![by(ALICE), by(BOB)], false),
        (vec![by(ALICE), Signature([0; 64])], false),
    ];
    for (signatures, ok) in rows {
        let tx = SignedTx::assemble(tx.clone(), signatures);
        assert_eq!(Verified::check(tx.clone(), HERE).is_ok(), ok);
        assert_eq!(Verified::check_all(vec![tx], HERE).is_ok(), ok);
    }
}

/// What is wrong with a transaction of the batch below.
#[derive(Clone, Copy, Debug)]
enum Flaw {
    None,
    Plain,
    OtherSigner,
    OtherLedger,
    Bit(usize, u8),
    Superfluous,
}

fn flawed(person: u8, flaw: Flaw) -> SignedTx {
    let tx = transaction(person, u128::from(person));
    let good = tx.clone().sign(HERE, &secret(person));
    let [mut signature] = *good.signatures() else { panic!("one signature") };
    match flaw {
        Flaw::None => good,
        Flaw::Plain => signed_plainly(person, tx),
        Flaw::OtherSigner => tx.sign(HERE, &secret(STRANGER)),
        Flaw::OtherLedger => tx.sign("banyan_other", &secret(person)),
        Flaw::Bit(at, bit) => {
            signature.0[at] ^= 1 << bit;
            SignedTx::assemble(tx, vec![signature])
        }
        Flaw::Superfluous => SignedTx::assemble(tx, vec![signature, Signature([7; 64])]),
    }
}

fn flaw() -> impl Strategy<Value = Flaw> {
    prop_oneof![
        8 => Just(Flaw::None),
        2 => Just(Flaw::Plain),
        1 => Just(Flaw::OtherSigner),
        1 => Just(Flaw::OtherLedger),
        1 => (0usize..64, 0u8..8).prop_map(|(at, bit)| Flaw::Bit(at, bit)),
        1 => Just(Flaw::Superfluous),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn one_by_one_and_all_at_once_give_one_verdict(batch in proptest::collection::vec((1u8..6, flaw()), 0..12)) {
        let txs: Vec<_> = batch.iter().map(|(person, flaw)| flawed(*person, *flaw)).collect();
        let single = txs.iter().position(|tx| Verified::check(tx.clone(), HERE).is_err());
        let all = Verified::check_all(txs.clone(), HERE);
        match (single, all) {
            (None, Ok(all)) => {
                prop_assert_eq!(all.into_iter().map(Verified::into_inner).collect::<Vec<_>>(), txs);
            }
            (single, all) => prop_assert_eq!(single, all.err()),
        }
    }
}
