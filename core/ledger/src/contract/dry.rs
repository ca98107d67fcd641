//! Try transactions and leave no trace: what a call would return, what gas it would take, whether a rule refuses it.

use alloc::vec::Vec;

use banyan_fate::engine::{Failure, Reason};
use banyan_types::{
    AccountId, Amount, Hash, Height, Nonce, Receipt,
    tx::{SignedTx, Transaction},
};

use crate::{
    Clock, Event, Missing, Params, Rejected, State, Verified,
    leaf::{Account, key},
    rules::{Agreement, Under, precheck},
    scene::{Runs, Scene, load},
};

/// What became of a transaction that was only tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// As a block would hold it.
    pub receipt: Receipt,
    /// Why its run failed, if it did: for people.
    pub failure: Option<Failure>,
    /// What it did.
    pub events: Vec<Event>,
}

/// Apply transactions one after another to a state as it is, and forget what they did. Each account of `credits` is lent so
/// much, a transaction's nonce counts as its sender's next one, and whoever speaks for an account as having agreed.
/// # Errors
/// `Missing` when the state could not answer; what a rule says stands in the transaction's own place.
pub fn dry_run(
    state: &mut impl State,
    params: &Params,
    credits: &[(AccountId, Amount)],
    txs: &[Transaction],
) -> Result<Vec<Result<Tried, Rejected>>, Missing> {
    let height = height_of(state)?;
    let mark = state.mark();
    let mut scene = Scene::open(state, params, height)?;
    credits.iter().try_for_each(|(account, amount)| scene.lend(*account, *amount))?;
    let tried = txs.iter().map(|tx| scene.try_one(tx)).collect();
    state.rewind(mark);
    tried
}

/// The same for one transaction on its own, with nothing lent. The state is left as if it had been applied: throw it away.
/// # Errors
/// `Missing` when the state could not answer.
pub fn try_alone(
    state: &mut impl State,
    params: &Params,
    tx: &Transaction,
) -> Result<Result<Tried, Rejected>, Missing> {
    let height = height_of(state)?;
    Scene::open(state, params, height)?.try_one(tx)
}

/// Whether a transaction fits behind others of its account: all rules but what contracts say, other than those that are asked
/// whether they agree. The state is left as if all had been applied: throw it away.
/// # Errors
/// The rule that refuses it.
pub fn try_behind(
    state: &mut impl State,
    params: &Params,
    before: &[Verified<SignedTx>],
    tx: &Verified<SignedTx>,
) -> Result<(), Rejected> {
    let height = height_of(state)?;
    let mut scene = Scene::open(state, params, height)?;
    scene.runs = Runs::Authentications;
    for earlier in before {
        // Of what else becomes of them whoever puts them into a block will see.
        if let Err(Rejected::Ours(missing)) = scene.apply(earlier) {
            return Err(missing.into());
        }
    }
    scene.apply(tx).map(drop)
}

fn height_of(state: &mut impl State) -> Result<Height, Missing> {
    let clock: Option<Clock> = load(state, &key::clock())?;
    Ok(clock.map_or(Height(0), |clock| clock.height))
}

impl<S: State> Scene<'_, S> {
    /// A quarter of the supply at most, so that all sums keep their room.
    fn lend(&mut self, id: AccountId, amount: Amount) -> Result<(), Missing> {
        let account = self.account(id)?.unwrap_or(Account::EMPTY);
        let lent = amount.min(Amount::MAX.share(1, 4).unwrap_or(Amount::ZERO));
        let balance = account.balance.plus(lent).unwrap_or(account.balance);
        self.set_account(id, &Account { balance, ..account });
        let supply = &mut self.ledger.supply;
        supply.accounts = supply.accounts.plus(lent).unwrap_or(supply.accounts);
        Ok(())
    }

    /// A refused one leaves everything as it was.
    fn try_one(&mut self, tx: &Transaction) -> Result<Result<Tried, Rejected>, Missing> {
        let (moment, events) = (self.remember(), self.events.len());
        self.failure = None;
        match self.as_next(tx) {
            Err(Rejected::Ours(missing)) => Err(missing),
            Err(why) => {
                self.forget_since(moment);
                Ok(Err(why))
            }
            Ok(receipt) => {
                let events = self.events.get(events..).unwrap_or_default().to_vec();
                Ok(Ok(Tried { receipt, failure: self.failure.take(), events }))
            }
        }
    }

    fn as_next(&mut self, tx: &Transaction) -> Result<Receipt, Rejected> {
        let (sender, mut under) = (tx.signer(), Under::default());
        let account = self.account(sender)?.unwrap_or(Account::EMPTY);
        let is_spoken_for = account.generalized.is_some() && !matches!(tx, Transaction::GaMeta(_));
        let tx = if is_spoken_for { tx.clone().with_nonce(Nonce(0)) } else { tx.clone() };
        if is_spoken_for {
            under.agreed.push(Agreement { account: sender, id: Hash::ZERO, fee: Amount::ZERO });
        } else {
            self.set_account(sender, &Account { nonce: Nonce(tx.nonce().0.saturating_sub(1)), ..account });
        }
        let tx = SignedTx::unsigned_inside(tx);
        precheck(self.params, self.height, &tx)?;
        self.run(&tx, &under)
    }
}

/// Why a run failed, in the public node's words where clients compare them.
pub fn public_text(failure: &Failure) -> alloc::string::String {
    let name = |[a, b, c, d]: [u8; 4]| alloc::format!("<<{a},{b},{c},{d}>>");
    match &failure.reason {
        Reason::OutOfGas => "Out of gas".into(),
        Reason::NoFunction(function) => alloc::format!("Trying to call undefined function: {}", name(*function)),
        Reason::NotPayable(function) => alloc::format!("Function with hash {} is not payable", name(*function)),
        Reason::ArgumentCount { expected, got } => alloc::format!("Expected {expected} arguments, got {got}"),
        Reason::Arithmetic(what) => alloc::format!("Arithmetic error: {what}"),
        other => alloc::format!("{other}"),
    }
}
