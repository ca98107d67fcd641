//! The pool: what it takes, in which order it gives, and why something leaves.

mod support;

use banyan_ledger::{Params, Rejected, Verified};
use banyan_node::{Dropped, InBlock, Pool, PoolLimits, Purse, SubmitError};
use banyan_types::{
    Amount, Bytes, Gas, Height, Nonce, Payee,
    tx::{SignedTx, Spend, Transaction},
};
use proptest::prelude::*;
use support::*;

fn params() -> Params {
    genesis().0.params
}

/// A spend of one unit with this fee, in units of 10^12.
fn bid(from: u8, nonce: u64, fee: u64) -> Verified<SignedTx> {
    with_ttl(from, nonce, fee, 0)
}

fn with_ttl(from: u8, nonce: u64, fee: u64, ttl: u64) -> Verified<SignedTx> {
    let tx = Spend {
        sender_id: account(from),
        recipient_id: Payee::Account(account(FRIEND)),
        amount: Amount::new(1).unwrap(),
        fee: Amount::new(u128::from(fee) * 1_000_000_000_000).unwrap(),
        ttl: Height(ttl),
        nonce: Nonce(nonce),
        payload: Bytes::default(),
    };
    let signed = Transaction::from(tx).sign("banyan_dev", &key(from));
    Verified::check(signed, "banyan_dev").unwrap()
}

const RICH: Purse = Purse { next: Nonce(1), balance: Amount::MAX };

fn admit(pool: &mut Pool, tx: &Verified<SignedTx>, seq: u64) -> Result<Vec<u64>, SubmitError> {
    pool.admit(tx.clone(), seq, RICH, &params(), Height(1))
}

fn small(transactions: usize, per_account: usize) -> Pool {
    Pool::new(PoolLimits { transactions, per_account, ..PoolLimits::default() })
}

#[test]
fn each_refusal_has_a_row() {
    let mut pool = small(4, 2);
    admit(&mut pool, &bid(1, 1, 100), 0).unwrap();
    admit(&mut pool, &bid(1, 2, 100), 1).unwrap();
    let rows = [
        (bid(1, 0, 100), SubmitError::Rejected(Rejected::NonceUsed { expected: Nonce(1), got: Nonce(0) })),
        (bid(1, 66, 100), SubmitError::TooFarAhead { next: Nonce(1), got: Nonce(66), ahead: 64 }),
        (
            bid(1, 2, 109),
            SubmitError::Underpriced {
                needed: Amount::new(110_000_000_000_000).unwrap(),
                got: Amount::new(109_000_000_000_000).unwrap(),
            },
        ),
        (bid(1, 3, 100), SubmitError::AccountFull { max: 2 }),
    ];
    for (tx, error) in rows {
        assert_eq!(admit(&mut pool, &tx, 9), Err(error));
    }
    let short = Purse { balance: Amount::new(150_000_000_000_000).unwrap(), ..RICH };
    let error = pool.admit(bid(1, 2, 120), 9, short, &params(), Height(1)).unwrap_err();
    assert_eq!(error.code(), "unfunded");
    assert_eq!(pool.len(), 2, "a refused transaction changes nothing");
}

#[test]
fn a_better_fee_replaces_and_says_so() {
    let mut pool = small(4, 2);
    let (old, new) = (bid(1, 1, 100), bid(1, 1, 110));
    admit(&mut pool, &old, 0).unwrap();
    assert_eq!(admit(&mut pool, &new, 1), Ok(vec![0]));
    assert_eq!(pool.dropped(&old.get().hash()), Some(&Dropped::Replaced { by: new.get().hash() }));
    assert!(pool.get(&new.get().hash()).is_some());
}

#[test]
fn a_full_pool_drops_the_cheapest_and_never_opens_a_gap() {
    let mut pool = small(3, 3);
    let cheap = [bid(1, 1, 50), bid(1, 2, 60)];
    for (seq, tx) in (0..).zip(&cheap) {
        admit(&mut pool, tx, seq).unwrap();
    }
    admit(&mut pool, &bid(2, 1, 100), 2).unwrap();
    assert_eq!(admit(&mut pool, &bid(3, 1, 40), 3), Err(SubmitError::PoolFull));
    assert_eq!(admit(&mut pool, &bid(3, 1, 90), 3), Ok(vec![1]), "the last nonce of the cheapest account goes");
    assert_eq!(pool.dropped(&cheap[1].get().hash()), Some(&Dropped::Evicted));
}

#[test]
fn what_is_too_late_leaves_with_a_reason_and_what_is_included_stays() {
    let mut pool = small(4, 4);
    let (late, included) = (with_ttl(1, 1, 100, 5), with_ttl(2, 1, 100, 5));
    admit(&mut pool, &late, 0).unwrap();
    admit(&mut pool, &included, 1).unwrap();
    pool.include(&InBlock::of(included.get()));
    assert_eq!(pool.expire(Height(5)), Vec::<u64>::new());
    assert_eq!(pool.expire(Height(6)), vec![0]);
    assert_eq!(pool.dropped(&late.get().hash()), Some(&Dropped::Expired));
    assert!(pool.get(&included.get().hash()).is_some());
}

#[test]
fn a_lost_block_puts_its_transactions_back() {
    let mut pool = small(4, 4);
    let txs = [bid(1, 1, 100), bid(1, 2, 100)];
    for (seq, tx) in (0..).zip(&txs) {
        admit(&mut pool, tx, seq).unwrap();
        pool.include(&InBlock::of(tx.get()));
    }
    assert!(!pool.has_waiting());
    for tx in txs.iter().rev() {
        pool.exclude(&InBlock::of(tx.get()));
    }
    assert_eq!(pool.select(Gas(60_000_000)).len(), 2);
}

#[test]
fn a_final_transaction_takes_its_rivals_along() {
    let mut pool = small(4, 4);
    let (ours, theirs) = (bid(1, 1, 100), bid(1, 1, 105));
    admit(&mut pool, &ours, 7).unwrap();
    assert_eq!(pool.settle(&InBlock::of(theirs.get())), vec![7], "the nonce is used by another one");
    assert_eq!(pool.dropped(&ours.get().hash()), Some(&Dropped::Invalid { code: "nonce_used" }));
    assert!(pool.is_empty());
}

#[test]
fn one_account_cannot_fill_a_block_while_others_wait() {
    let mut pool = Pool::new(PoolLimits::default());
    for nonce in 1..=60 {
        admit(&mut pool, &bid(1, nonce, 1_000), nonce).unwrap();
    }
    admit(&mut pool, &bid(2, 1, 100), 100).unwrap();
    let gas = Gas(16_900 * 32);
    let chosen = pool.select(gas);
    let place = chosen.iter().position(|tx| tx.get().transaction().signer() == account(2)).unwrap();
    assert!(place <= 4, "the other's turn comes after an eighth, not at {place}");
    assert!(chosen.len() >= 30, "and then the rest is filled: {}", chosen.len());
}

proptest! {
    #[test]
    fn what_is_selected_fits_and_stands_in_nonce_order(
        bids in proptest::collection::vec((1u8..6, 1u64..8, 20u64..500), 1..60),
        gas in 20_000u64..2_000_000,
    ) {
        let mut pool = Pool::new(PoolLimits::default());
        for (seq, (from, nonce, fee)) in (0u64..).zip(bids) {
            let _ = admit(&mut pool, &bid(from, nonce, fee), seq);
        }
        let chosen = pool.select(Gas(gas));
        let used: u64 = chosen.iter().map(|tx| pool.get(&tx.get().hash()).unwrap().gas.0).sum();
        prop_assert!(used <= gas);
        for from in 1u8..6 {
            let nonces: Vec<_> = chosen.iter().map(|tx| tx.get().transaction())
                .filter(|tx| tx.signer() == account(from)).map(|tx| tx.nonce().0).collect();
            prop_assert_eq!(&nonces, &(1..=nonces.len() as u64).collect::<Vec<_>>());
        }
    }
}
