//! Money of any asset on its way: coins, or some of a token. Rules: associates 2, Asset.
//!
//! A token goes down into children and back up to the ledger that defines it, never above: a ledger counts what came down to
//! it, and lets no more of it go up.

use banyan_types::{AccountId, Amount, Asset, AssociateId, TokenAmount, TokenId};

use crate::{
    Escrow, Event, Inherited, Missing, Rejected, State,
    leaf::{EscrowV2, key},
    money::Coins,
    scene::{Scene, load},
    token::token,
};

/// Some of one asset between two places. Not copied, not cloned: what is dropped would be lost.
#[must_use = "money that is dropped is lost"]
#[derive(Debug)]
pub enum Cargo {
    /// Coin.
    Coins(Coins),
    /// A token.
    Tokens(TokenId, Amount),
}

impl Cargo {
    pub const fn asset(&self) -> Asset {
        match self {
            Self::Coins(_) => Asset::Coin,
            Self::Tokens(token, _) => Asset::Token(*token),
        }
    }

    pub const fn amount(&self) -> Amount {
        match self {
            Self::Coins(coins) => coins.amount(),
            Self::Tokens(_, amount) => *amount,
        }
    }
}

impl<S: State> Scene<'_, S> {
    /// Out of an account.
    pub fn take_cargo(&mut self, from: AccountId, asset: Asset, amount: Amount) -> Result<Cargo, Rejected> {
        match asset {
            Asset::Coin => self.take(from, amount).map(Cargo::Coins),
            Asset::Token(token) => {
                self.take_token(token, from, TokenAmount(amount))?;
                self.token_moved(token, Some(from), None, amount);
                Ok(Cargo::Tokens(token, amount))
            }
        }
    }

    /// Into an account.
    pub fn pay_cargo(&mut self, to: AccountId, cargo: Cargo) -> Result<(), Rejected> {
        match cargo {
            Cargo::Coins(coins) => self.pay(to, coins),
            Cargo::Tokens(token, amount) => {
                self.give_token(token, to, TokenAmount(amount))?;
                self.token_moved(token, None, Some(to), amount);
                Ok(())
            }
        }
    }

    fn token_moved(&mut self, token: TokenId, from: Option<AccountId>, to: Option<AccountId>, amount: Amount) {
        self.events.push(Event::TokenMoved { token, from, to, amount: TokenAmount(amount) });
    }

    /// Down from the parent.
    pub fn arrive(&mut self, asset: Asset, amount: Amount) -> Result<Cargo, Rejected> {
        match asset {
            Asset::Coin => self.arrive_from_parent(amount).map(Cargo::Coins),
            Asset::Token(token) => {
                let held = self.inherited(token)?.plus(amount).ok_or(Rejected::Overflow)?;
                self.set_inherited(token, held);
                Ok(Cargo::Tokens(token, amount))
            }
        }
    }

    /// Up to the parent.
    /// # Errors
    /// `Asset` for more of a token than ever came down: it is another ledger's, or this one's own.
    pub fn leave(&mut self, cargo: Cargo) -> Result<(), Rejected> {
        match cargo {
            Cargo::Coins(coins) => self.leave_to_parent(coins),
            Cargo::Tokens(token, amount) => {
                let asset = Asset::Token(token);
                let left = self.inherited(token)?.minus(amount).ok_or(Rejected::Asset { asset })?;
                self.set_inherited(token, left);
                Ok(())
            }
        }
    }

    /// Out of being: what nobody of a dead child has claimed.
    pub fn forfeit(&mut self, cargo: Cargo) -> Result<(), Rejected> {
        match cargo {
            Cargo::Coins(coins) => self.unmint(coins),
            Cargo::Tokens(id, amount) => match token(self.state, id)? {
                Some(mut held) => {
                    let lost = Missing("a token's supply is below its escrows");
                    held.supply = held.supply.minus(TokenAmount(amount)).ok_or(lost)?;
                    self.set(key::token(id), &held);
                    Ok(())
                }
                None => self.leave(Cargo::Tokens(id, amount)),
            },
        }
    }

    /// What of a token came down and has not gone up again.
    pub fn inherited(&mut self, token: TokenId) -> Result<Amount, Missing> {
        Ok(self.get::<Inherited>(&key::inherited(token))?.map_or(Amount::ZERO, |held| held.amount))
    }

    fn set_inherited(&mut self, token: TokenId, amount: Amount) {
        let leaf = (!amount.is_zero()).then(|| Inherited { amount }.encode());
        self.state.put(key::inherited(token), leaf);
    }

    /// Into a child's escrow, waiting for the child to settle it.
    pub fn escrow_in(&mut self, child: AssociateId, cargo: Cargo) -> Result<(), Rejected> {
        let (asset, amount) = (cargo.asset(), cargo.amount());
        self.enter_escrow(cargo)?;
        let mut escrow = self.escrow(child, asset)?;
        escrow.committed = escrow.committed.plus(amount).ok_or(Rejected::Overflow)?;
        escrow.waiting = escrow.waiting.plus(amount).ok_or(Rejected::Overflow)?;
        self.set_escrow(child, asset, &escrow);
        Ok(())
    }

    /// Into a child's escrow, as its users' own: what was taken from whoever has cheated them.
    pub fn escrow_gain(&mut self, child: AssociateId, coins: Coins) -> Result<(), Rejected> {
        let amount = coins.amount();
        self.enter_escrow(Cargo::Coins(coins))?;
        let mut escrow = self.escrow(child, Asset::Coin)?;
        escrow.committed = escrow.committed.plus(amount).ok_or(Rejected::Overflow)?;
        self.set_escrow(child, Asset::Coin, &escrow);
        Ok(())
    }

    /// Out of a child's escrow: the one function by which money leaves it, and the law above all regimes.
    /// # Errors
    /// `Escrow` when more is asked for than `committed - remitted`.
    pub fn escrow_out(&mut self, child: AssociateId, asset: Asset, amount: Amount) -> Result<Cargo, Rejected> {
        let mut escrow = self.escrow(child, asset)?;
        if amount > escrow.held() {
            return Err(Rejected::Escrow { escrow: escrow.held(), total: amount });
        }
        escrow.remitted = escrow.remitted.plus(amount).ok_or(Rejected::Overflow)?;
        self.set_escrow(child, asset, &escrow);
        self.leave_escrow(asset, amount)
    }

    /// What a child's escrow holds of an asset.
    pub fn escrow(&mut self, child: AssociateId, asset: Asset) -> Result<Escrow, Missing> {
        escrow_of(self.state, child, asset)
    }

    /// Write what a child's escrow holds.
    pub fn set_escrow(&mut self, child: AssociateId, asset: Asset, escrow: &Escrow) {
        let at = key::escrow(child, asset);
        match asset {
            Asset::Coin => self.set(at, escrow),
            Asset::Token(token) => {
                let Escrow { committed, remitted, waiting } = *escrow;
                self.set(at, &EscrowV2 { committed, remitted, waiting, token });
            }
        }
    }
}

/// What a child's escrow holds of an asset, read from its parent's state.
/// # Errors
/// `Missing` when the state could not answer.
pub fn escrow_of(state: &mut impl State, child: AssociateId, asset: Asset) -> Result<Escrow, Missing> {
    let at = key::escrow(child, asset);
    let held = match asset {
        Asset::Coin => load(state, &at)?,
        Asset::Token(_) => load::<EscrowV2>(state, &at)?.map(Into::into),
    };
    Ok(held.unwrap_or(Escrow::EMPTY))
}
