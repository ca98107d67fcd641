//! Tokens: coins that a child ledger defines for itself. Rules: ledger 3.1.

use banyan_types::{
    AccountId, Payee, TokenAmount, TokenId,
    tx::{TokenBurn, TokenCreate, TokenFinalize, TokenMint, TokenTransfer},
};

use crate::{
    Event, Missing, Rejected, State, Token, TokenBalance,
    leaf::key,
    rules::Under,
    scene::{Scene, load},
};

/// A token, if this ledger defines it.
/// # Errors
/// `Missing` when the state could not answer.
pub fn token(state: &mut impl State, id: TokenId) -> Result<Option<Token>, Missing> {
    load(state, &key::token(id))
}

/// What an account holds of a token.
/// # Errors
/// `Missing` when the state could not answer.
pub fn token_balance(state: &mut impl State, id: TokenId, account: AccountId) -> Result<TokenAmount, Missing> {
    let held: Option<TokenBalance> = load(state, &key::token_balance(id, account))?;
    Ok(held.map_or(TokenAmount::ZERO, |held| held.amount))
}

impl<S: State> Scene<'_, S> {
    pub(crate) fn create_token(&mut self, tx: &TokenCreate, under: &Under) -> Result<TokenId, Rejected> {
        let owner = tx.owner_id;
        let id = TokenId::derive(&self.params.network_id, owner, under.serial(owner, tx.nonce));
        if token(self.state, id)?.is_some() {
            return Err(Rejected::Taken { id: id.into() });
        }
        let (symbol, decimals, supply, mintable) = (tx.symbol.clone(), tx.decimals, tx.amount, tx.mintable);
        self.set(key::token(id), &Token { owner, symbol, decimals, supply, mintable });
        self.give_token(id, owner, tx.amount)?;
        self.events.push(Event::Created { id: id.into(), owner, expiry: banyan_types::Lifetime::NEVER });
        self.events.push(Event::TokenMoved { token: id, from: None, to: Some(owner), amount: tx.amount });
        Ok(id)
    }

    pub(crate) fn mint_token(&mut self, tx: &TokenMint) -> Result<(), Rejected> {
        let mut held = self.own_token(tx.token_id, tx.owner_id)?;
        if !held.mintable {
            return Err(Rejected::Finalized { token: tx.token_id });
        }
        let to = receiver(tx.to_id)?;
        held.supply = held.supply.plus(tx.amount).ok_or(Rejected::SupplyOverflow)?;
        self.set(key::token(tx.token_id), &held);
        self.give_token(tx.token_id, to, tx.amount)?;
        self.events.push(Event::TokenMoved { token: tx.token_id, from: None, to: Some(to), amount: tx.amount });
        Ok(())
    }

    pub(crate) fn finalize_token(&mut self, tx: &TokenFinalize) -> Result<(), Rejected> {
        let mut held = self.own_token(tx.token_id, tx.owner_id)?;
        if !held.mintable {
            return Err(Rejected::Finalized { token: tx.token_id });
        }
        held.mintable = false;
        self.set(key::token(tx.token_id), &held);
        Ok(())
    }

    pub(crate) fn burn_token(&mut self, tx: &TokenBurn) -> Result<(), Rejected> {
        let mut held = token(self.state, tx.token_id)?.ok_or(Rejected::NoToken { token: tx.token_id })?;
        self.take_token(tx.token_id, tx.sender_id, tx.amount)?;
        held.supply = held.supply.minus(tx.amount).ok_or(Missing("a token's supply is below its balances"))?;
        self.set(key::token(tx.token_id), &held);
        self.events.push(Event::TokenMoved {
            token: tx.token_id,
            from: Some(tx.sender_id),
            to: None,
            amount: tx.amount,
        });
        Ok(())
    }

    pub(crate) fn transfer_token(&mut self, tx: &TokenTransfer) -> Result<(), Rejected> {
        let (id, from) = (tx.token_id, tx.sender_id);
        // On a ledger that the token was committed to, balances are all there is of it.
        if token_balance(self.state, id, from)?.is_zero() && token(self.state, id)?.is_none() {
            return Err(Rejected::NoToken { token: id });
        }
        let to = receiver(tx.to_id)?;
        self.take_token(id, from, tx.amount)?;
        self.give_token(id, to, tx.amount)?;
        self.events.push(Event::TokenMoved { token: id, from: Some(from), to: Some(to), amount: tx.amount });
        Ok(())
    }

    fn own_token(&mut self, id: TokenId, owner: AccountId) -> Result<Token, Rejected> {
        let held = token(self.state, id)?.ok_or(Rejected::NoToken { token: id })?;
        if held.owner == owner { Ok(held) } else { Err(Rejected::NotOwner { owner: held.owner }) }
    }

    pub(crate) fn take_token(&mut self, id: TokenId, from: AccountId, amount: TokenAmount) -> Result<(), Rejected> {
        let balance = token_balance(self.state, id, from)?;
        let left = balance.minus(amount).ok_or(Rejected::TokenFunds { balance, needed: amount })?;
        self.set_token_balance(id, from, left);
        Ok(())
    }

    pub(crate) fn give_token(&mut self, id: TokenId, to: AccountId, amount: TokenAmount) -> Result<(), Rejected> {
        let balance = token_balance(self.state, id, to)?.plus(amount).ok_or(Rejected::SupplyOverflow)?;
        self.set_token_balance(id, to, balance);
        Ok(())
    }

    /// Nothing needs no leaf.
    fn set_token_balance(&mut self, id: TokenId, account: AccountId, amount: TokenAmount) {
        let leaf = (!amount.is_zero()).then(|| TokenBalance { amount }.encode());
        self.state.put(key::token_balance(id, account), leaf);
    }
}

/// No instruction of a contract moves a token, so what one were given would be lost.
const fn receiver(to: Payee) -> Result<AccountId, Rejected> {
    match to {
        Payee::Account(id) => Ok(id),
        Payee::Contract(_) => Err(Rejected::NotPayable),
    }
}
