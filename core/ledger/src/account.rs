//! Plain accounts: spend. Rules: ledger 3.1.

use banyan_types::{Payee, tx::Spend};

use crate::{Event, Rejected, State, scene::Scene};

impl<S: State> Scene<'_, S> {
    pub(crate) fn spend(&mut self, tx: &Spend) -> Result<(), Rejected> {
        let Payee::Account(to) = tx.recipient_id else {
            return Err(Rejected::NotPayable); // no contract exists on this ledger
        };
        if tx.amount.is_zero() && self.account(to)?.is_none() {
            return Err(Rejected::Dust);
        }
        let coins = self.take(tx.sender_id, tx.amount)?;
        self.pay(to, coins)?;
        self.events.push(Event::Spent { from: tx.sender_id, to, amount: tx.amount });
        Ok(())
    }
}
