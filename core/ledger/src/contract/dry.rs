//! Try transactions that nobody has signed, and leave no trace: what a call would return, and what gas it would take.

use alloc::vec::Vec;

use banyan_types::{
    Amount, Hash, Height, Nonce, Receipt,
    tx::{SignedTx, Transaction},
};

use crate::{
    Clock, Missing, Params, Rejected, State,
    fees::charged_before,
    leaf::{Account, key},
    rules::{Agreement, Under},
    scene::{Scene, load},
};

/// Apply transactions one after another to a state as it is, and forget what they did. Each sender is lent what the
/// transaction takes, its nonce counts as the next one, and a contract that speaks for it as having agreed.
/// # Errors
/// `Missing` when the state could not answer; what a rule says stands in the transaction's own place.
pub fn dry_run(
    state: &mut impl State,
    params: &Params,
    txs: &[Transaction],
) -> Result<Vec<Result<Receipt, Rejected>>, Missing> {
    let clock: Option<Clock> = load(state, &key::clock())?;
    let height = clock.map_or(Height(0), |clock| clock.height);
    let mark = state.mark();
    let mut scene = Scene::open(state, params, height)?;
    let receipts = txs.iter().map(|tx| scene.try_one(tx)).collect();
    state.rewind(mark);
    receipts
}

impl<S: State> Scene<'_, S> {
    /// A refused one leaves everything as it was; one without a fault of its own is the caller's fault alone.
    fn try_one(&mut self, tx: &Transaction) -> Result<Result<Receipt, Rejected>, Missing> {
        let moment = self.remember();
        match self.lend_and_run(tx) {
            Err(Rejected::Ours(missing)) => Err(missing),
            Err(why) => {
                self.forget_since(moment);
                Ok(Err(why))
            }
            Ok(receipt) => Ok(Ok(receipt)),
        }
    }

    fn lend_and_run(&mut self, tx: &Transaction) -> Result<Receipt, Rejected> {
        let (sender, mut under) = (tx.signer(), Under::default());
        let account = self.account(sender)?.unwrap_or(Account::EMPTY);
        let lent = charged_before(tx).ok_or(Rejected::Overflow)?;
        let balance = account.balance.plus(lent).ok_or(Rejected::Overflow)?;
        self.ledger.supply.accounts = self.ledger.supply.accounts.plus(lent).ok_or(Rejected::Overflow)?;
        let tx = if account.generalized.is_some() && !matches!(tx, Transaction::GaMeta(_)) {
            under.agreed.push(Agreement { account: sender, id: Hash::ZERO, fee: Amount::ZERO });
            tx.clone().with_nonce(Nonce(0))
        } else {
            tx.clone()
        };
        let nonce = if under.agreed.is_empty() { Nonce(tx.nonce().0.saturating_sub(1)) } else { account.nonce };
        self.set_account(sender, &Account { nonce, balance, ..account });
        self.run(&SignedTx::unsigned_inside(tx), &under)
    }
}
