//! Money that arrives: to an account here, or one hop further through the tree. Rules: associates 5, Delivery.

use banyan_types::{AccountId, Amount, Asset, Hash, Payee, associate::Hop};

use super::create::Passage;
use crate::{Event, Rejected, State, cargo::Cargo, leaf::HOP_GAS, scene::Scene};

impl<S: State> Scene<'_, S> {
    /// Deliver `cargo` to `to`, or send them on along `route`. What cannot go on rests here under its owner's key. Coins pay
    /// a hop out of what they are; that of tokens is paid by `payer`, who is `to` where it is sure that nobody else has sent
    /// them: who only receives is charged nothing.
    pub(super) fn deliver(
        &mut self,
        to: AccountId,
        payer: Option<AccountId>,
        (route, leg): (&[Hop], Hash),
        cargo: Cargo,
    ) -> Result<(), Rejected> {
        let (asset, amount) = (cargo.asset(), cargo.amount());
        self.pay_cargo(to, cargo)?;
        let Some((hop, rest)) = route.split_first() else { return Ok(()) };
        let moment = self.remember();
        match self.hop((to, payer), *hop, (rest, leg), (asset, amount)) {
            Err(Rejected::Ours(missing)) => Err(missing.into()),
            Err(why) => {
                self.forget_since(moment);
                self.events.push(Event::Stopped { account: to, asset, amount, reason: why.code() });
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    /// Send `amount` out of `from`'s account and on: coins less the hop's fee, tokens whole.
    fn hop(
        &mut self,
        (from, payer): (AccountId, Option<AccountId>),
        hop: Hop,
        (rest, leg): (&[Hop], Hash),
        (asset, amount): (Asset, Amount),
    ) -> Result<(), Rejected> {
        let extra = match hop {
            Hop::Up => 0,
            Hop::Down(id) => self.point(id)?.params.commit_gas.0,
        };
        let fee = HOP_GAS.plus(extra).and_then(|gas| self.params.price(gas)).ok_or(Rejected::Overflow)?;
        let short = |balance| Rejected::Funds { balance, needed: fee };
        let onward = match asset {
            Asset::Coin => amount.minus(fee).ok_or_else(|| short(amount))?,
            Asset::Token(_) => payer.map(|_| amount).ok_or_else(|| short(Amount::ZERO))?,
        };
        let fee = self.take(from, fee)?;
        self.pay_fees(fee)?;
        match hop {
            Hop::Up => self.withdraw(from, Payee::Account(from), (asset, onward), rest.to_vec(), leg),
            Hop::Down(id) => {
                let passage = Passage { to: from, route: rest.to_vec(), leg, deadline: None };
                self.check_commit(id, &passage, asset, onward)?;
                let cargo = self.take_cargo(from, asset, onward)?;
                self.commit_cargo(id, from, passage, cargo)
            }
        }
    }
}
