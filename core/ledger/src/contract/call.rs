//! Call a contract. Rules: ledger 3.2.

use alloc::vec::Vec;

use banyan_fate::{Message, engine::Entry};
use banyan_types::{
    AccountId, Amount, Bytes, ContractBytes, ContractId, CtVersion, FATE, Gas, GasPrice, Height, Log, Status,
    tx::{ContractCall, SignedTx},
};

use super::run::Terms;
use crate::{
    Clock, Event, Missing, Params, Rejected, State, Tombstone,
    leaf::{Contract, key},
    rules::{Done, Under},
    scene::{Scene, load},
};

impl<S: State> Scene<'_, S> {
    pub(crate) fn call_contract(
        &mut self,
        signed: &SignedTx,
        tx: &ContractCall,
        under: &Under,
    ) -> Result<Done, Rejected> {
        let (id, caller) = (tx.contract_id, tx.caller_id);
        self.must_be_callable(id)?;
        if tx.abi_version != FATE.abi() {
            return Err(Rejected::BadVersion { got: CtVersion(tx.abi_version) });
        }
        let payer = under.payer_of(caller);
        let held = self.hold_gas(payer, tx.gas, tx.gas_price)?;
        let moment = self.remember();
        let coins = self.take(caller, tx.amount)?;
        self.pay(Contract::account(id), coins)?;
        let message = message(id, caller, tx.amount, tx.gas, &tx.call_data);
        let ran = self.execute(&message, Terms { fee: tx.fee, gas_price: tx.gas_price, auth: None })?;
        if ran.status != Status::Ok {
            self.forget_since(moment);
        }
        let amount = if ran.status == Status::Ok { tx.amount } else { Amount::ZERO };
        self.events.push(Event::Called { caller, contract: id, amount, status: ran.status });
        self.settle_gas(payer, held, ran.gas_used, tx.gas_price, signed.hash())?;
        Ok(ran.done(tx.gas_price))
    }

    /// A contract that has expired is called, and its call reverts; one whose grace is over is none any more.
    fn must_be_callable(&mut self, id: ContractId) -> Result<(), Rejected> {
        let last = match self.contract(id)? {
            Some(contract) if !self.is_gone(contract.expiry) => return Ok(()),
            Some(contract) => contract.expiry,
            None => {
                let gone: Option<Tombstone> = self.get(&key::tombstone(id.into()))?;
                gone.ok_or(Rejected::NoContract { contract: id })?.height
            }
        };
        Err(Rejected::Expired { id: id.into(), height: last })
    }
}

fn message(id: ContractId, caller: AccountId, amount: Amount, gas: Gas, call_data: &ContractBytes) -> Message {
    Message {
        contract: id.0,
        caller: caller.0,
        origin: caller.0,
        amount: amount.base(),
        gas: gas.0,
        call_data: call_data.0.clone(),
        entry: Entry::Call,
        view: false,
    }
}

/// A call that nobody signs and that leaves no trace.
#[derive(Debug, Clone)]
pub struct DryCall {
    /// Who would call; it needs the coins that go with the call and nothing else.
    pub caller: AccountId,
    /// Which contract.
    pub contract: ContractId,
    /// What would go with the call.
    pub amount: Amount,
    /// Gas that it may use.
    pub gas: Gas,
    /// Function and arguments.
    pub call_data: ContractBytes,
}

/// What a dry call did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DryOutcome {
    /// How it ended.
    pub status: Status,
    /// Gas that it used.
    pub gas_used: Gas,
    /// What it returned, or its text.
    pub returned: Bytes,
    /// Its events.
    pub logs: Vec<Log>,
}

/// Call a contract in a state as it is and forget what that did.
/// # Errors
/// `NoContract`, `Expired` or `Funds`; `Ours` when the state could not answer.
pub fn dry_call(state: &mut impl State, params: &Params, call: &DryCall) -> Result<DryOutcome, Rejected> {
    let clock: Option<Clock> = load(state, &key::clock())?;
    let height = clock.map_or(Height(0), |clock| clock.height);
    let mark = state.mark();
    let outcome = dry_call_at(state, params, height, call);
    state.rewind(mark);
    outcome
}

fn dry_call_at(
    state: &mut impl State,
    params: &Params,
    height: Height,
    call: &DryCall,
) -> Result<DryOutcome, Rejected> {
    let mut scene = Scene::open(state, params, height)?;
    scene.must_be_callable(call.contract)?;
    let coins = scene.take(call.caller, call.amount)?;
    scene.pay(Contract::account(call.contract), coins)?;
    let message = message(call.contract, call.caller, call.amount, call.gas, &call.call_data);
    let terms = Terms { fee: Amount::ZERO, gas_price: GasPrice(params.gas_price_min.0), auth: None };
    let ran = scene.execute(&message, terms).map_err(|missing: Missing| Rejected::Ours(missing))?;
    Ok(DryOutcome { status: ran.status, gas_used: ran.gas_used, returned: ran.returned, logs: ran.logs })
}
