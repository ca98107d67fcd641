//! Build transactions: what an owner asks for, with the least fee that the ledger's own rule asks for.
//!
//! The fee is part of the bytes that it pays for, so it is found by going round until it no longer changes. Nothing
//! here signs: that is [`crate::review::Review::sign`], after the owner has read what is signed.

pub mod contract;

pub use banyan_ledger::as_leg as set_leg;
use banyan_ledger::{Params, rules};
use banyan_types::{
    AccountId, Amount, Asset, AssociateId, Bytes, Gas, Hash, Height, Nonce, Payee, PublicKey, Signature,
    associate::{Change, Hop},
    tx::{AssociateCommit, AssociateUpdate, AssociateWithdraw, Bond, Renew, Spend, Transaction, Unbond},
};

/// Rounds that a fee may take to settle; each adds at most one byte to the integer, which has at most 16.
const ROUNDS_MAX: usize = 16;

/// What the ledger and the account say about a new transaction.
#[derive(Debug, Clone)]
pub struct Terms {
    /// Parameters of the ledger.
    pub params: Params,
    /// Its height now.
    pub height: Height,
    /// The number of the transaction in its account.
    pub nonce: Nonce,
    /// Last height at which it may be included; `None` for ever.
    pub ttl: Option<Height>,
    /// The fee, if the owner names one; else the least.
    pub fee: Option<Amount>,
}

/// Why a transaction cannot be built; the asker's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CannotBuild {
    /// The fee named is below what the ledger takes.
    #[error("fee {got} BNY, needed {needed} BNY")]
    FeeTooLow {
        /// The least.
        needed: Amount,
        /// The one named.
        got: Amount,
    },
    /// The fee does not fit into the supply.
    #[error("the fee is above the whole supply")]
    Overflow,
}

/// A payment on one ledger.
/// # Errors
/// Any [`CannotBuild`].
pub fn spend(from: AccountId, to: Payee, amount: Amount, terms: &Terms) -> Result<Transaction, CannotBuild> {
    let spend = Spend {
        sender_id: from,
        recipient_id: to,
        amount,
        fee: Amount::ZERO,
        ttl: terms.ttl.unwrap_or(Height(0)),
        nonce: terms.nonce,
        payload: Bytes::default(),
    };
    with_fee(spend.into(), terms)
}

/// Money down into the child `into`, for `to` there; `route` leads on from there.
/// # Errors
/// Any [`CannotBuild`].
pub fn commit(
    from: AccountId,
    into: AssociateId,
    to: AccountId,
    amount: Amount,
    route: Vec<Hop>,
    terms: &Terms,
) -> Result<Transaction, CannotBuild> {
    let commit = AssociateCommit {
        from_id: from,
        associate_id: into,
        to_id: to,
        asset: Asset::Coin,
        amount,
        route,
        leg: Hash::ZERO,
        // The default: as late as the child's parameters allow, counted from inclusion.
        deadline: Height(0),
        ttl: terms.ttl.unwrap_or(Height(0)),
        fee: Amount::ZERO,
        nonce: terms.nonce,
    };
    with_fee(commit.into(), terms)
}

/// Money up out of a child, for `to` on its parent; `route` leads on from there.
/// # Errors
/// Any [`CannotBuild`].
pub fn withdraw(
    from: AccountId,
    to: Payee,
    amount: Amount,
    route: Vec<Hop>,
    terms: &Terms,
) -> Result<Transaction, CannotBuild> {
    let withdraw = AssociateWithdraw {
        from_id: from,
        to_id: to,
        asset: Asset::Coin,
        amount,
        route,
        leg: Hash::ZERO,
        ttl: terms.ttl.unwrap_or(Height(0)),
        fee: Amount::ZERO,
        nonce: terms.nonce,
    };
    with_fee(withdraw.into(), terms)
}

/// Stake for a key that may witness or lead. `proof` is that key's signature over
/// [`bond_message`](banyan_types::witness::bond_message).
/// # Errors
/// Any [`CannotBuild`].
pub fn bond(
    from: AccountId,
    amount: Amount,
    key: PublicKey,
    proof: Signature,
    terms: &Terms,
) -> Result<Transaction, CannotBuild> {
    let ttl = terms.ttl.unwrap_or(Height(0));
    with_fee(Bond { from_id: from, amount, key, proof, ttl, fee: Amount::ZERO, nonce: terms.nonce }.into(), terms)
}

/// Stake back, once it has answered long enough.
/// # Errors
/// Any [`CannotBuild`].
pub fn unbond(from: AccountId, amount: Amount, terms: &Terms) -> Result<Transaction, CannotBuild> {
    let ttl = terms.ttl.unwrap_or(Height(0));
    with_fee(Unbond { from_id: from, amount, ttl, fee: Amount::ZERO, nonce: terms.nonce }.into(), terms)
}

/// A stake that stays among the witnesses for longer.
/// # Errors
/// Any [`CannotBuild`].
pub fn renew(from: AccountId, terms: &Terms) -> Result<Transaction, CannotBuild> {
    let ttl = terms.ttl.unwrap_or(Height(0));
    with_fee(Renew { from_id: from, ttl, fee: Amount::ZERO, nonce: terms.nonce }.into(), terms)
}

/// `tx` with the fee that the owner named, or the least.
/// # Errors
/// Any [`CannotBuild`].
pub fn with_fee(tx: Transaction, terms: &Terms) -> Result<Transaction, CannotBuild> {
    with_fee_and_rent(tx, Gas(0), terms)
}

/// The same for a transaction that pays `rent` besides, which its bytes do not tell.
fn with_fee_and_rent(tx: Transaction, rent: Gas, terms: &Terms) -> Result<Transaction, CannotBuild> {
    let Some(got) = terms.fee else { return least_fee(tx, rent, terms) };
    let tx = set_fee(tx, got);
    let needed = needed(&tx, rent, terms)?;
    if got < needed { Err(CannotBuild::FeeTooLow { needed, got }) } else { Ok(tx) }
}

fn least_fee(tx: Transaction, rent: Gas, terms: &Terms) -> Result<Transaction, CannotBuild> {
    let mut tx = set_fee(tx, Amount::ZERO);
    for _ in 0..ROUNDS_MAX {
        let needed = needed(&tx, rent, terms)?;
        if needed <= tx.fee() {
            return Ok(tx);
        }
        tx = set_fee(tx, needed);
    }
    Err(CannotBuild::Overflow)
}

fn needed(tx: &Transaction, rent: Gas, terms: &Terms) -> Result<Amount, CannotBuild> {
    let least = rules::minimum_fee(&terms.params, tx, tx.encode().len(), terms.height);
    let sum = least.and_then(|least| least.plus(terms.params.price(rent)?));
    sum.ok_or(CannotBuild::Overflow)
}

/// The same transaction with another fee.
pub const fn set_fee(tx: Transaction, fee: Amount) -> Transaction {
    tx.with_fee(fee)
}

/// What a transaction moves, apart from its fee; `None` where it moves nothing.
pub const fn amount_of(tx: &Transaction) -> Option<Amount> {
    match tx {
        Transaction::Spend(tx) => Some(tx.amount),
        Transaction::AssociateCommit(AssociateCommit { asset: Asset::Coin, amount, .. })
        | Transaction::AssociateWithdraw(AssociateWithdraw { asset: Asset::Coin, amount, .. })
        | Transaction::AssociateUpdate(AssociateUpdate { change: Change::BondIn(amount), .. }) => Some(*amount),
        Transaction::Bond(tx) => Some(tx.amount),
        Transaction::Unbond(tx) => Some(tx.amount),
        Transaction::ContractCreate(tx) => tx.amount.plus(tx.deposit),
        Transaction::ContractCreateV2(tx) => tx.amount.plus(tx.deposit),
        Transaction::ContractCall(tx) => Some(tx.amount),
        // A token's parts are no coins.
        Transaction::AssociateCommit(_)
        | Transaction::AssociateWithdraw(_)
        | Transaction::AssociateCreate(_)
        | Transaction::AssociateRemit(_)
        | Transaction::AssociateUpdate(_)
        | Transaction::AssociateRefund(_)
        | Transaction::AssociateEvidence(_)
        | Transaction::AssociateClose(_)
        | Transaction::AssociateEscape(_)
        | Transaction::Evidence(_)
        | Transaction::Renew(_)
        | Transaction::GaAttach(_)
        | Transaction::GaMeta(_)
        | Transaction::PayingFor(_)
        | Transaction::Extend(_)
        | Transaction::TokenCreate(_)
        | Transaction::TokenMint(_)
        | Transaction::TokenFinalize(_)
        | Transaction::TokenBurn(_)
        | Transaction::TokenTransfer(_)
        | Transaction::EntryCreate(_)
        | Transaction::EntryTransfer(_)
        | Transaction::EntryDestroy(_)
        | Transaction::BlobPost(_)
        | Transaction::EngineAct(_) => None,
    }
}

/// What its sender's balance pays, apart from the fee.
pub const fn paid_by(tx: &Transaction) -> Amount {
    match (tx, amount_of(tx)) {
        // What is taken back is paid by the stake.
        (Transaction::Unbond(_), _) | (_, None) => Amount::ZERO,
        (_, Some(amount)) => amount,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{account, coins, terms};
    use proptest::prelude::*;

    #[test]
    fn a_payment_costs_what_the_protocol_says() {
        let tx = spend(account(1), Payee::Account(account(2)), coins(25), &terms(7)).unwrap();
        let size = tx.encode().len() as u128;
        assert_eq!(tx.fee().base(), (15_000 + 20 * size) * 1_000_000_000);
    }

    #[test]
    fn a_fee_below_the_least_is_refused_before_anything_is_signed() {
        let terms = Terms { fee: Amount::new(1), ..terms(7) };
        let built = spend(account(1), Payee::Account(account(2)), coins(25), &terms);
        assert!(matches!(built, Err(CannotBuild::FeeTooLow { got, .. }) if got == Amount::new(1).unwrap()));
    }

    proptest! {
        #[test]
        fn the_fee_is_enough_and_one_unit_less_is_not(
            amount in 1..banyan_types::SUPPLY_MAX, nonce in 1..u64::MAX, price in 1u128..1_000_000_000_000_000,
        ) {
            let mut terms = terms(nonce);
            terms.params.gas_price_min = banyan_types::GasPrice(price);
            let amount = Amount::new(amount).unwrap();
            for tx in [
                spend(account(1), Payee::Account(account(2)), amount, &terms).unwrap(),
                commit(account(1), AssociateId([3; 32]), account(2), amount, vec![Hop::Up], &terms).unwrap(),
                withdraw(account(1), Payee::Account(account(2)), amount, vec![], &terms).unwrap(),
                bond(account(1), amount, PublicKey([7; 32]), Signature([9; 64]), &terms).unwrap(),
                unbond(account(1), amount, &terms).unwrap(),
                renew(account(1), &terms).unwrap(),
            ] {
                let needed = |tx: &Transaction| rules::minimum_fee(&terms.params, tx, tx.encode().len(), terms.height);
                prop_assert!(needed(&tx).unwrap() <= tx.fee());
                // The fixpoint may overshoot only where one byte less of fee would ask for one byte more.
                let less = set_fee(tx.clone(), tx.fee().minus(Amount::new(1).unwrap()).unwrap());
                let shrinks = less.encode().len() < tx.encode().len();
                prop_assert!(shrinks || needed(&less).unwrap() > less.fee());
            }
        }
    }
}
