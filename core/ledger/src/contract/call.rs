//! Call a contract. Rules: ledger 3.2.

use banyan_fate::{Message, engine::Entry};
use banyan_types::{
    AccountId, Amount, ContractBytes, ContractId, CtVersion, FATE, Gas, Status,
    tx::{ContractCall, SignedTx},
};

use super::run::Terms;
use crate::{
    Event, Rejected, State, Tombstone,
    leaf::{Contract, key},
    rules::{Done, Under},
    scene::Scene,
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
    pub(crate) fn must_be_callable(&mut self, id: ContractId) -> Result<(), Rejected> {
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
