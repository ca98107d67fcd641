//! Coin moves, and is neither made nor lost.

use banyan_ledger::{Event, Execution, Invalid, Overlay, Rejected, Verified};
use banyan_types::{
    Amount, Gas, Height, Nonce,
    limits::TXS_PER_BLOCK_MAX,
    tx::{AssociateWithdraw, SignedTx, Spend},
};
use proptest::prelude::*;

use crate::support::*;

#[test]
fn a_transfer_to_oneself_changes_only_the_nonce() {
    let mut root = Ledger::root();
    let (before, fees) = (root.account(ALICE), root.supply().fees);
    let everything = before.balance.minus(FEE).unwrap();
    root.micro(&[root.sign(ALICE, root.spend(ALICE, account(ALICE), everything))]).unwrap();
    assert_eq!(root.account(ALICE).nonce, before.nonce.next().unwrap());
    assert_eq!(root.account(ALICE).balance, before.balance.minus(FEE).unwrap());
    assert_eq!(root.supply().fees, fees.plus(FEE).unwrap());
}

#[test]
fn a_transfer_to_nobody_makes_an_account() {
    let mut root = Ledger::root();
    let outcome = root.micro(&[root.sign(ALICE, root.spend(ALICE, account(STRANGER), units(1)))]).unwrap();
    assert_eq!(root.balance(STRANGER), units(1));
    assert_eq!(root.account(STRANGER).nonce, Nonce(0));
    let [charged, spent] = &outcome.events[..] else { panic!("{:?}", outcome.events) };
    assert_eq!(charged, &Event::Charged { account: account(ALICE), amount: FEE, tx: outcome.receipts[0].tx_hash });
    assert_eq!(spent, &Event::Spent { from: account(ALICE), to: account(STRANGER), amount: units(1) });
}

#[test]
fn nothing_sent_to_somebody_is_a_transaction() {
    let mut root = Ledger::root();
    let before = root.balance(BOB);
    root.micro(&[root.sign(ALICE, root.spend(ALICE, account(BOB), Amount::ZERO))]).unwrap();
    assert_eq!(root.balance(BOB), before);
    assert_eq!(root.nonce(ALICE), Nonce(2));
}

#[test]
fn the_fee_of_the_example_is_what_the_page_says() {
    // 15,000 and 20 for each of 95 bytes. Source: ledger 2.3.
    let root = Ledger::root();
    let spend = Spend {
        fee: units(16_900_000_000_000),
        payload: banyan_types::Bytes(b"four".to_vec()),
        ..root.spend(ALICE, account(BOB), coins(1))
    };
    let tx = root.sign(ALICE, spend);
    assert_eq!(tx.unsigned_len(), 95);
    assert_eq!(root.admit(&tx).unwrap().gas_used, Gas(16_900));
}

#[test]
fn a_refused_transaction_leaves_the_block_as_it_was() {
    let root = Ledger::root();
    let good = root.sign(ALICE, root.spend(ALICE, account(BOB), coins(1)));
    let bad = root.sign(BOB, Spend { nonce: Nonce(7), ..root.spend(BOB, account(BOB), coins(1)) });
    let with = root.clone().micro(&[good.clone(), bad.clone()]).unwrap_err();
    let why = Rejected::NonceEarly { expected: Nonce(1), got: Nonce(7) };
    assert_eq!(with, Invalid::Transaction { index: 1, why });

    let params = root.params.clone();
    let verify = |tx| banyan_ledger::Verified::check(tx, &params.network_id).unwrap();
    let outcome_of = |txs: Vec<_>| {
        let mut overlay = banyan_ledger::Overlay::new(root.state.clone());
        let mut execution = banyan_ledger::Execution::micro(&mut overlay, &params).unwrap();
        for tx in txs {
            let _ = execution.push(&verify(tx));
        }
        execution.finish().unwrap()
    };
    assert_eq!(outcome_of(vec![bad.clone(), good.clone(), good.clone(), bad]), outcome_of(vec![good]));
}

#[test]
fn a_transaction_that_does_not_fit_leaves_the_block_as_it_was() {
    let pair = Pair::funded();
    let first = pair.child.withdraw(ALICE, banyan_types::Payee::Account(account(ALICE)), coins(1));
    let nth = |n| AssociateWithdraw { nonce: Nonce(n), ..first.clone() };
    let [first, second] = [1, 2].map(|n| pair.child.sign(ALICE, nth(n)));
    let gas = pair.child.admit(&first).unwrap().gas_used;
    let outcome_of = |txs: &[&SignedTx]| {
        let mut params = pair.child.params.clone();
        (params.gas_per_tx_max, params.gas_per_block_max) = (gas, gas);
        let mut overlay = Overlay::new(pair.child.state.clone());
        let start = pair.child.child_start(pair.root.tip(pair.id));
        let inbox = [pair.root.inbox(pair.id, 2).unwrap()];
        let mut execution = Execution::child(&mut overlay, &params, &start, &inbox).unwrap();
        for tx in txs {
            let _ = execution.push(&Verified::check((*tx).clone(), &params.network_id).unwrap());
        }
        execution.finish().unwrap()
    };
    let one = outcome_of(&[&first]);
    assert_eq!(one.effects.outbox.len(), 1);
    assert_eq!(outcome_of(&[&first, &second]), one);
}

#[test]
fn a_block_holds_no_more_than_its_limits() {
    let mut root = Ledger::root();
    root.params.gas_per_block_max = Gas(2 * 16_920 + 100);
    let nth = |n| Spend { nonce: Nonce(n), ..root.spend(ALICE, account(BOB), coins(1)) };
    let txs: Vec<_> = (1..=3).map(|n| root.sign(ALICE, nth(n))).collect();
    let gas = root.admit(&txs[0]).unwrap().gas_used.0;
    root.params.gas_per_block_max = Gas(3 * gas - 1);
    let full = root.clone().micro(&txs).unwrap_err();
    assert_eq!(full, Invalid::Limit { what: "gas", max: 3 * gas - 1, got: 3 * gas });
    root.micro(&txs[..2]).unwrap();
    const { assert!(TXS_PER_BLOCK_MAX as u64 * 16_900 > 60_000_000, "gas is the tighter limit of plain spends") };
}

#[test]
fn a_full_block_of_bytes_takes_no_more() {
    let mut root = Ledger::root();
    root.params.gas_per_block_max = Gas(u64::MAX);
    let payload = banyan_types::Bytes(vec![7; 32 * 1024]);
    let nth = |n| Spend {
        nonce: Nonce(n),
        payload: payload.clone(),
        fee: coins(1),
        ..root.spend(ALICE, account(BOB), coins(1))
    };
    let txs: Vec<_> = (1..=64).map(|n| root.sign(ALICE, nth(n))).collect();
    let bytes: usize = txs.iter().map(|tx| tx.bytes().len()).sum();
    let full = root.micro(&txs).unwrap_err();
    assert_eq!(full, Invalid::Limit { what: "bytes", max: 2 * 1024 * 1024, got: bytes as u64 });
}

#[test]
fn a_height_is_the_last_one_at_which_its_ttl_holds() {
    let mut root = Ledger::root();
    let tx = Spend { ttl: Height(3), ..root.spend(ALICE, account(BOB), coins(1)) };
    root.key_blocks(2);
    root.admit(&root.sign(ALICE, tx.clone())).unwrap();
    root.key_block(LEADER);
    let why = root.admit(&root.sign(ALICE, tx)).unwrap_err();
    assert_eq!(why, Rejected::TtlExpired { ttl: Height(3), height: Height(4) });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn transfers_conserve_supply(
        spends in proptest::collection::vec((1u8..5, 1u8..6, 0u128..2_000_000_000_000_000_000_000_000), 1..20)
    ) {
        // Ledger::check, after every block, is the law; here stands who has what.
        let mut root = Ledger::root();
        let mut model: [u128; 6] = core::array::from_fn(|person| root.balance(u8::try_from(person).unwrap()).base());
        for (from, to, amount) in spends {
            let tx = root.sign(from, root.spend(from, account(to), units(amount)));
            let (payer, payee) = (usize::from(from), usize::from(to));
            let exists = model[payee] > 0 || root.nonce(to) > Nonce(1);
            let goes = amount + FEE.base() <= model[payer] && (amount > 0 || exists);
            prop_assert_eq!(root.micro(&[tx]).is_ok(), goes);
            if goes {
                model[payer] -= amount + FEE.base();
                model[payee] += amount;
            }
            for person in 1..6u8 {
                prop_assert_eq!(root.balance(person).base(), model[usize::from(person)]);
            }
        }
    }
}
