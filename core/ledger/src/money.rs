//! The only ways by which coin moves.
//!
//! Coin taken from one place is a value of type [`Coins`] until it is put into another; each taking and putting keeps
//! the running totals, so a rule cannot make or lose any. Money leaves an escrow by [`Scene::escrow_out`] alone.

use banyan_types::{AccountId, Amount, Asset};

use crate::{Missing, Rejected, State, cargo::Cargo, leaf::Account, scene::Scene};

/// Coin on its way from one place to another. Not copied, not cloned: what is dropped would be lost.
#[must_use = "coins that are dropped are lost"]
#[derive(Debug)]
pub struct Coins(Amount);

impl Coins {
    pub const fn amount(&self) -> Amount {
        self.0
    }

    /// The amount, for a place that takes it in.
    const fn put(self) -> Amount {
        self.0
    }

    /// Together with `other`. `None` above the supply.
    pub fn join(self, other: Self) -> Option<Self> {
        Some(Self(self.0.plus(other.put())?))
    }

    /// Split off `part`. `None` if there is not so much.
    pub fn split(self, part: Amount) -> Option<(Self, Self)> {
        Some((Self(part), Self(self.0.minus(part)?)))
    }
}

fn add(total: &mut Amount, amount: Amount) -> Result<(), Rejected> {
    *total = total.plus(amount).ok_or(Rejected::Overflow)?;
    Ok(())
}

/// Totals fall only by what was counted into them; below zero means that the state is not ours.
fn sub(total: &mut Amount, amount: Amount) -> Result<(), Rejected> {
    *total = total.minus(amount).ok_or(Missing("a running total is below the sum of its parts"))?;
    Ok(())
}

impl<S: State> Scene<'_, S> {
    /// Out of an account.
    pub fn take(&mut self, id: AccountId, amount: Amount) -> Result<Coins, Rejected> {
        let account = self.account(id)?.unwrap_or(Account::EMPTY);
        let left = account.balance.minus(amount);
        let balance = left.ok_or(Rejected::Funds { balance: account.balance, needed: amount })?;
        sub(&mut self.ledger.supply.accounts, amount)?;
        self.set_account(id, &Account { balance, ..account });
        Ok(Coins(amount))
    }

    /// Into an account, which is made if absent.
    pub fn pay(&mut self, id: AccountId, coins: Coins) -> Result<(), Rejected> {
        let amount = coins.put();
        if amount.is_zero() {
            return Ok(());
        }
        let account = self.account(id)?.unwrap_or(Account::EMPTY);
        let balance = account.balance.plus(amount).ok_or(Rejected::Overflow)?;
        add(&mut self.ledger.supply.accounts, amount)?;
        self.set_account(id, &Account { balance, ..account });
        Ok(())
    }

    /// Into the fees of the running generation.
    pub fn pay_fees(&mut self, coins: Coins) -> Result<(), Rejected> {
        let amount = coins.put();
        add(&mut self.ledger.fees.amount, amount)?;
        add(&mut self.ledger.supply.fees, amount)
    }

    /// All fees of the generation that ends.
    pub fn take_fees(&mut self) -> Result<Coins, Rejected> {
        let amount = core::mem::take(&mut self.ledger.fees.amount);
        sub(&mut self.ledger.supply.fees, amount)?;
        Ok(Coins(amount))
    }

    /// Out of what is unmined: this is how coin comes to be on the root.
    pub fn mint(&mut self, amount: Amount) -> Result<Coins, Rejected> {
        sub(&mut self.ledger.supply.pool, amount)?;
        add(&mut self.ledger.supply.minted, amount)?;
        Ok(Coins(amount))
    }

    /// Back into what is unmined.
    pub fn unmint(&mut self, coins: Coins) -> Result<(), Rejected> {
        let amount = coins.put();
        sub(&mut self.ledger.supply.minted, amount)?;
        add(&mut self.ledger.supply.pool, amount)
    }

    /// Down from the parent: this is how coin comes to be on a child.
    pub fn arrive_from_parent(&mut self, amount: Amount) -> Result<Coins, Rejected> {
        add(&mut self.ledger.supply.minted, amount)?;
        Ok(Coins(amount))
    }

    /// Up to the parent.
    pub fn leave_to_parent(&mut self, coins: Coins) -> Result<(), Rejected> {
        let amount = coins.put();
        sub(&mut self.ledger.supply.minted, amount)
    }

    /// Into what waits to be paid as reward, or the witness pot.
    pub fn pay_rewards(&mut self, coins: Coins) -> Result<Amount, Rejected> {
        let amount = coins.put();
        add(&mut self.ledger.supply.rewards, amount)?;
        Ok(amount)
    }

    /// Out of what waits to be paid as reward, or the witness pot.
    pub fn take_rewards(&mut self, amount: Amount) -> Result<Coins, Rejected> {
        sub(&mut self.ledger.supply.rewards, amount)?;
        Ok(Coins(amount))
    }

    /// Into the bonds; the caller writes whose.
    pub fn pay_bonds(&mut self, coins: Coins) -> Result<Amount, Rejected> {
        let amount = coins.put();
        add(&mut self.ledger.supply.bonds, amount)?;
        Ok(amount)
    }

    /// Out of the bonds; the caller writes whose.
    pub fn take_bonds(&mut self, amount: Amount) -> Result<Coins, Rejected> {
        sub(&mut self.ledger.supply.bonds, amount)?;
        Ok(Coins(amount))
    }

    /// Into the deposits; the caller writes whose.
    pub fn pay_deposits(&mut self, coins: Coins) -> Result<Amount, Rejected> {
        let amount = coins.put();
        add(&mut self.ledger.supply.deposits, amount)?;
        Ok(amount)
    }

    /// Out of the deposits; the caller writes whose.
    pub fn take_deposits(&mut self, amount: Amount) -> Result<Coins, Rejected> {
        sub(&mut self.ledger.supply.deposits, amount)?;
        Ok(Coins(amount))
    }

    /// The running total of what is in escrows, with money that enters one.
    pub(crate) fn enter_escrow(&mut self, cargo: Cargo) -> Result<(), Rejected> {
        match cargo {
            Cargo::Coins(coins) => add(&mut self.ledger.supply.escrows, coins.put()),
            Cargo::Tokens(..) => Ok(()),
        }
    }

    /// The same, with money that [`Scene::escrow_out`] lets go: nothing else calls this.
    pub(crate) fn leave_escrow(&mut self, asset: Asset, amount: Amount) -> Result<Cargo, Rejected> {
        match asset {
            Asset::Coin => {
                sub(&mut self.ledger.supply.escrows, amount)?;
                Ok(Cargo::Coins(Coins(amount)))
            }
            Asset::Token(token) => Ok(Cargo::Tokens(token, amount)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Escrow, MapState, Overlay, Params, Supply, key};
    use banyan_types::{AssociateId, Gas, GasPrice, Height};

    const CHILD: AssociateId = AssociateId([1; 32]);

    fn coins(coins: u64) -> Amount {
        Amount::coins(coins).unwrap()
    }

    /// The guard behind every rule: no rule can reach it, since each asks first.
    #[test]
    fn an_escrow_never_gives_more_than_it_holds() {
        let none = Amount::ZERO;
        let supply = Supply {
            minted: coins(100),
            pool: none,
            accounts: none,
            escrows: coins(100),
            channels: none,
            deposits: none,
            bonds: none,
            rewards: none,
            fees: none,
        };
        let params = Params {
            network_id: "banyan_test".into(),
            ledger: AssociateId::ZERO,
            height_interval_ms: 1,
            gas_price_min: GasPrice(1),
            gas_per_tx_max: Gas(1),
            gas_per_block_max: Gas(1),
            auth_gas_max: Gas(1),
            rent_gas_per_byte_year: 0,
            lifetime_default: 1,
            lifetime_max: 1,
            grace: 1,
            root: None,
            committee: banyan_types::rlp::Tail(None),
        };
        let mut state = Overlay::new(MapState::default());
        state.put(key::supply(), Some(supply.encode()));
        let mut scene = Scene::open(&mut state, &params, Height(1)).unwrap();
        let escrow = Escrow { committed: coins(9), remitted: coins(2), waiting: none };
        scene.set(key::escrow(CHILD, Asset::Coin), &escrow);
        let refused = scene.escrow_out(CHILD, Asset::Coin, coins(8)).map(|coins| coins.amount());
        assert_eq!(refused, Err(Rejected::Escrow { escrow: coins(7), total: coins(8) }));
        assert_eq!(scene.escrow_out(CHILD, Asset::Coin, coins(7)).map(|coins| coins.amount()), Ok(coins(7)));
        assert_eq!(scene.escrow(CHILD, Asset::Coin).map(|escrow| escrow.held()), Ok(none));
        assert!(
            scene.escrow_out(AssociateId([2; 32]), Asset::Coin, Amount::new(1).unwrap()).is_err(),
            "a stranger's is empty"
        );
    }
}
