//! What must hold in every state, checked by full sums. Rules: ledger 8, associates 4.

use banyan_types::{
    Amount, Asset,
    associate::InboxEntry,
    rlp::{DecodeError, Items, take_tag},
};

use crate::{
    Account, CommitteeEngine, Escrow, EscrowV2, Fees, Inherited, PendingReward, RootEngine, Supply,
    leaf::{Clock, Code, ConnectionPoint, Contract, Source, Stake, Token, TokenBalance},
};

/// Which law a state breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A leaf does not decode.
    #[error("a leaf does not decode: {0}")]
    Leaf(#[from] DecodeError),
    /// The totals' leaf is absent.
    #[error("no supply leaf")]
    NoSupply,
    /// A running total is not the sum of its parts.
    #[error("{what}: the total says {total}, the parts sum up to {parts}")]
    Total {
        /// Which total.
        what: &'static str,
        /// What the leaf says.
        total: Amount,
        /// What its parts sum up to.
        parts: Amount,
    },
    /// More came back from a child than went down.
    #[error("an escrow holds less than nothing, or less than what waits in it")]
    Escrow,
    /// Tokens were made or lost.
    #[error("the tokens' supplies sum up to {supply}, their balances to {balances}")]
    Tokens {
        /// What the tokens say.
        supply: u128,
        /// What accounts hold.
        balances: u128,
    },
    /// Code or a source counts others than the contracts that name it.
    #[error("contracts name code and sources {named} times, which count {counted}")]
    References {
        /// By contracts.
        named: u64,
        /// By code and sources.
        counted: u64,
    },
    /// A sum above the supply.
    #[error("a sum is above the whole supply")]
    Overflow,
}

/// Whether the places of coin sum up to what was minted.
pub(crate) fn totals_add_up(supply: &Supply) -> bool {
    let places =
        [supply.accounts, supply.escrows, supply.channels, supply.deposits, supply.bonds, supply.rewards, supply.fees];
    places.into_iter().try_fold(Amount::ZERO, Amount::plus) == Some(supply.minted)
}

/// Check the running totals against full sums over all leaves, and every escrow against its law.
/// # Errors
/// The first law that does not hold.
pub fn check_totals<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Result<Supply, Broken> {
    let mut sums = Sums::default();
    for value in values {
        sums.add(value)?;
    }
    let supply = sums.supply.clone().ok_or(Broken::NoSupply)?;
    let rows = [
        ("accounts", supply.accounts, sums.accounts),
        ("escrows", supply.escrows, sums.escrows),
        ("rewards", supply.rewards, sums.rewards),
        ("fees", supply.fees, sums.fees),
        ("bonds", supply.bonds, sums.bonds),
        ("deposits", supply.deposits, sums.deposits),
        // No rule puts coin there yet.
        ("channels", supply.channels, Amount::ZERO),
        ("waiting", sums.waiting, sums.open),
    ];
    for (what, total, parts) in rows {
        if total != parts {
            return Err(Broken::Total { what, total, parts });
        }
    }
    if !totals_add_up(&supply) {
        let parts = [sums.accounts, sums.escrows, sums.deposits, sums.rewards, sums.fees, sums.bonds];
        let parts = parts.into_iter().try_fold(Amount::ZERO, Amount::plus).ok_or(Broken::Overflow)?;
        return Err(Broken::Total { what: "minted", total: supply.minted, parts });
    }
    if sums.tokens != sums.token_balances {
        return Err(Broken::Tokens { supply: sums.tokens, balances: sums.token_balances });
    }
    if sums.token_waiting != sums.token_open {
        return Err(Broken::Escrow);
    }
    if sums.named != sums.refs {
        return Err(Broken::References { named: sums.named, counted: sums.refs });
    }
    Ok(supply)
}

#[derive(Default)]
struct Sums {
    supply: Option<Supply>,
    accounts: Amount,
    escrows: Amount,
    rewards: Amount,
    fees: Amount,
    bonds: Amount,
    deposits: Amount,
    /// What tokens say that there is, and what came down of others, of all tokens together.
    tokens: u128,
    /// What accounts and escrows hold of them.
    token_balances: u128,
    /// What escrows say waits for children, and what the open inbox entries carry.
    token_waiting: u128,
    token_open: u128,
    /// How often contracts name code or a source.
    named: u64,
    /// How often those say that they are named.
    refs: u64,
    /// What escrows say waits for children.
    waiting: Amount,
    /// What the open inbox entries carry.
    open: Amount,
}

impl Sums {
    fn add(&mut self, value: &[u8]) -> Result<(), Broken> {
        let plus = |total: &mut Amount, amount: Amount| {
            *total = total.plus(amount).ok_or(Broken::Overflow)?;
            Ok(())
        };
        // A contract's store holds bytes that mean nothing here.
        let tag = Items::of(value).and_then(|mut items| take_tag(&mut items));
        match tag.map_or(0, |(tag, _)| tag) {
            Contract::TAG => {
                let contract = Contract::decode(value)?;
                self.named = self.named.saturating_add(1).saturating_add(u64::from(contract.visible));
                plus(&mut self.deposits, contract.deposit)
            }
            Code::TAG => {
                self.refs = self.refs.saturating_add(Code::decode(value)?.refs);
                Ok(())
            }
            Source::TAG => {
                self.refs = self.refs.saturating_add(Source::decode(value)?.refs);
                Ok(())
            }
            Token::TAG => {
                self.tokens = self.tokens.saturating_add(Token::decode(value)?.supply.0.base());
                Ok(())
            }
            TokenBalance::TAG => {
                self.token_balances = self.token_balances.saturating_add(TokenBalance::decode(value)?.amount.0.base());
                Ok(())
            }
            Account::TAG => plus(&mut self.accounts, Account::decode(value)?.balance),
            Inherited::TAG => {
                self.tokens = self.tokens.saturating_add(Inherited::decode(value)?.amount.base());
                Ok(())
            }
            EscrowV2::TAG if tag.is_ok_and(|(_, version)| version == EscrowV2::VERSION) => {
                let escrow = Escrow::from(EscrowV2::decode(value)?);
                let held = escrow.committed.minus(escrow.remitted).ok_or(Broken::Escrow)?;
                held.minus(escrow.waiting).ok_or(Broken::Escrow)?;
                self.token_balances = self.token_balances.saturating_add(held.base());
                self.token_waiting = self.token_waiting.saturating_add(escrow.waiting.base());
                Ok(())
            }
            Escrow::TAG => {
                let escrow = Escrow::decode(value)?;
                let held = escrow.committed.minus(escrow.remitted).ok_or(Broken::Escrow)?;
                held.minus(escrow.waiting).ok_or(Broken::Escrow)?;
                plus(&mut self.waiting, escrow.waiting)?;
                plus(&mut self.escrows, held)
            }
            PendingReward::TAG => {
                let pending = PendingReward::decode(value)?;
                plus(&mut self.rewards, pending.shares.before.amount)?;
                plus(&mut self.rewards, pending.shares.after.amount)
            }
            RootEngine::TAG => match CommitteeEngine::decode(value) {
                Ok(committee) => {
                    let owed = committee.kept.0.and_then(|kept| kept.owed).unwrap_or_default();
                    owed.iter().try_for_each(|owed| plus(&mut self.rewards, owed.amount))
                }
                Err(_) => plus(&mut self.rewards, RootEngine::decode(value)?.pot),
            },
            Stake::TAG => plus(&mut self.bonds, Stake::decode(value)?.at_stake().ok_or(Broken::Overflow)?),
            Fees::TAG => plus(&mut self.fees, Fees::decode(value)?.amount),
            Supply::TAG => {
                self.supply = Some(Supply::decode(value)?);
                Ok(())
            }
            Clock::TAG => Clock::decode(value).map(|_| ()).map_err(Broken::Leaf),
            ConnectionPoint::TAG => {
                ConnectionPoint::decode(value)?.bonds.iter().try_for_each(|bond| plus(&mut self.bonds, bond.amount))
            }
            InboxEntry::TAG => {
                let entry = InboxEntry::decode(value)?;
                if entry.asset == Asset::Coin {
                    return plus(&mut self.open, entry.amount);
                }
                self.token_open = self.token_open.saturating_add(entry.amount.base());
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
