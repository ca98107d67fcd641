//! Money that arrives: to an account here, or one hop further through the tree. Rules: associates 5, Delivery.

use banyan_types::{AccountId, Amount, Hash, Payee, associate::Hop};

use super::create::Passage;
use crate::{Event, Rejected, State, leaf::HOP_GAS, money::Coins, scene::Scene};

impl<S: State> Scene<'_, S> {
    /// Deliver `coins` to `to`, or send them on along `route`. What cannot go on rests here under its owner's key.
    pub(super) fn deliver(&mut self, to: AccountId, route: &[Hop], leg: Hash, coins: Coins) -> Result<(), Rejected> {
        let amount = coins.amount();
        self.pay(to, coins)?;
        let Some((hop, rest)) = route.split_first() else { return Ok(()) };
        let moment = self.remember();
        match self.hop(to, *hop, rest, leg, amount) {
            Err(Rejected::Ours(missing)) => Err(missing.into()),
            Err(why) => {
                self.forget_since(moment);
                self.events.push(Event::Stopped { account: to, amount, reason: why.code() });
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    /// Send `amount`, less the hop's fee, out of `from`'s account and on.
    fn hop(&mut self, from: AccountId, hop: Hop, rest: &[Hop], leg: Hash, amount: Amount) -> Result<(), Rejected> {
        let extra = match hop {
            Hop::Up => 0,
            Hop::Down(id) => self.point(id)?.params.commit_gas.0,
        };
        let fee = HOP_GAS.plus(extra).and_then(|gas| self.params.price(gas)).ok_or(Rejected::Overflow)?;
        let onward = amount.minus(fee).ok_or(Rejected::Funds { balance: amount, needed: fee })?;
        let fee = self.take(from, fee)?;
        self.pay_fees(fee)?;
        match hop {
            Hop::Up => self.withdraw(from, Payee::Account(from), onward, rest.to_vec(), leg),
            Hop::Down(id) => {
                let passage = Passage { to: from, route: rest.to_vec(), leg, deadline: None };
                self.check_commit(id, &passage, onward)?;
                let coins = self.take(from, onward)?;
                self.commit_coins(id, from, passage, coins)
            }
        }
    }
}
