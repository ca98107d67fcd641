//! Accounts: spend. Rules: ledger 3.1.

use banyan_types::{AccountId, ContractId, Payee, tx::Spend};

use crate::{
    Contract, Event, Missing, Rejected, State, Tombstone,
    leaf::{Account, key},
    scene::{Scene, load},
};

/// An account, read from a state.
/// # Errors
/// `Missing` when the state could not answer.
pub fn account(state: &mut impl State, id: AccountId) -> Result<Option<Account>, Missing> {
    load(state, &key::account(id))
}

impl<S: State> Scene<'_, S> {
    pub(crate) fn spend(&mut self, tx: &Spend) -> Result<(), Rejected> {
        let to = match tx.recipient_id {
            Payee::Account(to) => to,
            Payee::Contract(contract) => self.payable(contract)?,
        };
        let held = self.account(to)?;
        if held.as_ref().is_some_and(|account| !account.payable) {
            return Err(Rejected::NotPayable);
        }
        let is_contract = matches!(tx.recipient_id, Payee::Contract(_));
        if tx.amount.is_zero() && held.is_none() && !is_contract {
            return Err(Rejected::Dust);
        }
        let coins = self.take(tx.sender_id, tx.amount)?;
        self.pay(to, coins)?;
        self.events.push(Event::Spent { from: tx.sender_id, to, amount: tx.amount });
        Ok(())
    }

    /// The account of a contract that may be paid: it is there, and has not expired.
    pub(crate) fn payable(&mut self, id: ContractId) -> Result<AccountId, Rejected> {
        let Some(contract) = self.get::<Contract>(&key::contract(id))? else {
            let gone: Option<Tombstone> = self.get(&key::tombstone(id.into()))?;
            return Err(
                gone.map_or(Rejected::NotPayable, |gone| Rejected::Expired { id: id.into(), height: gone.height })
            );
        };
        if !self.account(Contract::account(id))?.unwrap_or(Account::EMPTY).payable {
            return Err(Rejected::NotPayable);
        }
        if contract.expiry < self.height {
            return Err(Rejected::Expired { id: id.into(), height: contract.expiry });
        }
        Ok(Contract::account(id))
    }
}
