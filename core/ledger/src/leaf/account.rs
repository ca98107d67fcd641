//! Accounts in their three public layouts. Rules: ledger 4.

use alloc::vec::Vec;

use banyan_types::{
    Amount, ContractId, Hash, Nonce,
    rlp::{DecodeError, Field as _, Items, put_list, take_tag},
    show::Fields,
};

/// An account of a person, a generalized one, or the coins of a contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Transactions it has sent, or contracts it has made.
    pub nonce: Nonce,
    /// Coins it holds.
    pub balance: Amount,
    /// Whether it takes coins: all do but the accounts of contracts that say no.
    pub payable: bool,
    /// The contract that speaks for it.
    pub generalized: Option<Generalized>,
}

/// What speaks for an account in place of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generalized {
    /// The contract.
    pub contract: ContractId,
    /// Hash of the name of the function that is asked.
    pub auth_fun: Hash,
}

impl Account {
    /// The number of accounts in the registry.
    pub const TAG: u64 = 10;
    /// An account that does not exist yet.
    pub const EMPTY: Self = Self { nonce: Nonce(0), balance: Amount::ZERO, payable: true, generalized: None };

    /// Whether it needs no leaf.
    pub const fn is_empty(&self) -> bool {
        self.nonce.0 == 0 && self.balance.is_zero() && self.payable && self.generalized.is_none()
    }

    /// The fields by name, decoded for people.
    pub fn fields(&self) -> Fields {
        let plain = [("nonce", self.nonce.show()), ("balance", self.balance.show()), ("payable", self.payable.show())];
        let generalized = self.generalized.iter().flat_map(|Generalized { contract, auth_fun }| {
            [("ga_contract", contract.show()), ("ga_auth_fun", auth_fun.show())]
        });
        plain.into_iter().chain(generalized).collect()
    }

    /// Flag bit 0 says that it is not payable.
    const fn flags(&self) -> u64 {
        if self.payable { 0 } else { 1 }
    }

    const fn version(&self) -> u64 {
        match (&self.generalized, self.payable) {
            (Some(_), _) => 2,
            (None, false) => 3,
            (None, true) => 1,
        }
    }

    /// The bytes, in the oldest layout that holds all of it.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_list(&mut out, |out| {
            Self::TAG.put(out);
            self.version().put(out);
            if self.version() > 1 {
                self.flags().put(out);
            }
            self.nonce.put(out);
            self.balance.put(out);
            if let Some(Generalized { contract, auth_fun }) = &self.generalized {
                contract.put(out);
                auth_fun.put(out);
            }
        });
        out
    }

    /// Read exactly these bytes.
    /// # Errors
    /// The first [`DecodeError`] that applies.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut items = Items::of(bytes)?;
        let version = match take_tag(&mut items)? {
            (Self::TAG, version @ 1..=3) => version,
            (tag, version) => return Err(DecodeError::UnknownTag { tag, version }),
        };
        let flags = if version > 1 { u64::take(&mut items)? } else { 0 };
        if flags > 1 {
            return Err(DecodeError::Malformed("unknown flags"));
        }
        let (nonce, balance) = (Nonce::take(&mut items)?, Amount::take(&mut items)?);
        let generalized = match version {
            2 => Some(Generalized { contract: ContractId::take(&mut items)?, auth_fun: Hash::take(&mut items)? }),
            _ => None,
        };
        items.finish()?;
        let account = Self { nonce, balance, payable: flags == 0, generalized };
        if account.version() == version {
            Ok(account)
        } else {
            Err(DecodeError::NotCanonical("an older layout holds it"))
        }
    }
}

impl super::Leaf for Account {
    fn encode(&self) -> Vec<u8> {
        Self::encode(self)
    }
    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        Self::decode(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_the_oldest_layout_that_holds_it() {
        let plain = Account { nonce: Nonce(1), balance: Amount::coins(2).unwrap(), ..Account::EMPTY };
        let generalized = Some(Generalized { contract: ContractId([3; 32]), auth_fun: Hash([4; 32]) });
        let rows = [
            (plain.clone(), 1),
            (Account { generalized: generalized.clone(), ..plain.clone() }, 2),
            (Account { generalized, payable: false, ..plain.clone() }, 2),
            (Account { payable: false, ..plain }, 3),
        ];
        for (account, version) in rows {
            let bytes = account.encode();
            assert_eq!(take_tag(&mut Items::of(&bytes).unwrap()), Ok((10, version)));
            assert_eq!(Account::decode(&bytes), Ok(account));
        }
        // Layout 3 without a flag says what layout 1 says.
        let mut second = Vec::new();
        put_list(&mut second, |out| [10u64, 3, 0, 1, 2].iter().for_each(|field| field.put(out)));
        assert_eq!(Account::decode(&second), Err(DecodeError::NotCanonical("an older layout holds it")));
    }
}
