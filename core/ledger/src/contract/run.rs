//! Run a message: set the scene for the machine, read its outcome, settle its gas.

use alloc::{sync::Arc, vec::Vec};

use banyan_fate::{
    Engine, Loaded, Message, Outcome, Value,
    engine::{Auth, Entry, Env},
};
use banyan_types::{AccountId, Amount, Bytes, ContractId, Gas, GasPrice, Log, Status, TxHash};

use super::host::Chain;
use crate::{
    Clock, Event, Missing, Rejected, State,
    fees::cost,
    leaf::key,
    money::Coins,
    rules::Done,
    scene::{Runs, Scene},
};

/// What a run is told of the transaction that it is part of.
pub struct Terms {
    pub fee: Amount,
    pub gas_price: GasPrice,
    /// In a run that asks whether an account's contract agrees: to what.
    pub auth: Option<Auth>,
}

/// What came of a run.
pub struct Ran {
    pub status: Status,
    pub gas_used: Gas,
    /// The encoded result, or the encoded text of a revert.
    pub returned: Bytes,
    pub logs: Vec<Log>,
    /// Contracts that it has made.
    pub created: Vec<ContractId>,
}

impl Ran {
    /// As a transaction's outcome; without what a failed run only seemed to do.
    pub fn done(self, gas_price: GasPrice) -> Done {
        let Self { status, gas_used, returned, logs, created } = self;
        let created = created.into_iter().map(Into::into).collect();
        Done { status, gas_used, gas_price, returned, logs, created, calls: Vec::new() }
    }
}

impl<S: State> Scene<'_, S> {
    /// Run a message. What a run that does not end well has done is undone; the coins that went with it are the caller's
    /// affair.
    pub(crate) fn execute(&mut self, message: &Message, terms: Terms) -> Result<Ran, Missing> {
        if self.runs == Runs::Authentications && message.entry != Entry::Auth {
            let (gas_used, returned) = (Gas(0), Bytes::default());
            return Ok(Ran { status: Status::Ok, gas_used, returned, logs: Vec::new(), created: Vec::new() });
        }
        let env = self.env(terms)?;
        let mut engine: Engine = core::mem::take(&mut self.engine);
        let mut chain = Chain::over(self, env);
        let outcome = engine.call(&mut chain, message);
        let (logs, created) = chain.into_parts();
        self.engine = engine;
        let outcome = outcome?;
        let gas_used = Gas(outcome.gas_used());
        let (status, returned) = match outcome {
            Outcome::Done { value, .. } => (Status::Ok, value),
            Outcome::Reverted { text, .. } => (Status::Revert, Value::string(text).encode()),
            Outcome::Failed { why, .. } => {
                self.failure = Some(why);
                (Status::Error, Vec::new())
            }
        };
        Ok(Ran { status, gas_used, returned: Bytes(returned), logs, created })
    }

    /// The code of a contract that stands, as the machine runs it.
    pub(crate) fn loaded(&mut self, contract: ContractId, terms: Terms) -> Result<Option<Arc<Loaded>>, Missing> {
        let env = self.env(terms)?;
        let mut engine: Engine = core::mem::take(&mut self.engine);
        let code = engine.code(&mut Chain::over(self, env), &contract.0);
        self.engine = engine;
        code
    }

    fn env(&mut self, terms: Terms) -> Result<Env, Missing> {
        let clock: Clock = self.get(&key::clock())?.ok_or(Missing("no clock leaf: the state has no genesis"))?;
        Ok(Env {
            height: self.height.0,
            time_ms: clock.time.0,
            beneficiary: clock.beneficiary.0,
            network_id: self.params.network_id.clone(),
            gas_price: terms.gas_price.0,
            fee: terms.fee.base(),
            // The state does not hold the target of the key block.
            difficulty: 0,
            gas_per_tx_max: self.params.gas_per_tx_max.0,
            auth: terms.auth,
        })
    }

    /// Take what a run may cost at most.
    pub(crate) fn hold_gas(&mut self, payer: AccountId, gas: Gas, price: GasPrice) -> Result<Coins, Rejected> {
        let most = cost(gas, price).ok_or(Rejected::Overflow)?;
        self.take(payer, most)
    }

    /// What was used goes to the fees, the rest back to whoever paid.
    pub(crate) fn settle_gas(
        &mut self,
        payer: AccountId,
        held: Coins,
        used: Gas,
        price: GasPrice,
        tx: TxHash,
    ) -> Result<(), Rejected> {
        let used = cost(used, price).ok_or(Rejected::Overflow)?;
        let (used, rest) = held.split(used).ok_or(Missing("a run has used more gas than it had"))?;
        self.events.push(Event::Charged { account: payer, amount: used.amount(), tx });
        self.pay_fees(used)?;
        if !rest.amount().is_zero() {
            self.events.push(Event::Refunded { account: payer, amount: rest.amount(), tx });
        }
        self.pay(payer, rest)
    }
}
