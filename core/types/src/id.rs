//! Names of the objects on a ledger: one tag byte for the kind, 32 bytes for the object.

use alloc::{string::String, vec::Vec};
use core::{fmt, str::FromStr};

use crate::{
    Hash, Nonce,
    bytes::{fixed_bytes, hex},
    text::{self, Prefix, TextError},
};

macro_rules! ids {
    ($($(#[$doc:meta])+ $kind:ident $name:ident = $tag:literal, $prefix:ident;)+) => {
        fixed_bytes! { $($(#[$doc])+ $name(32);)+ }

        /// Any object that the wire can name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Id { $($(#[$doc])+ $kind($name),)+ }

        impl Id {
            /// The tag byte of the kind and the 32 bytes of the object.
            pub const fn parts(&self) -> (u8, &[u8; 32]) {
                match self { $(Self::$kind(id) => ($tag, &id.0),)+ }
            }

            /// The id with this tag byte. `None` for tags that no kind has: 2, 3 and 4 (name, commitment, oracle) are left out.
            pub const fn from_parts(tag: u8, bytes: [u8; 32]) -> Option<Self> {
                match tag { $($tag => Some(Self::$kind($name(bytes))),)+ _ => None }
            }
        }

        impl fmt::Display for Id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self { $(Self::$kind(id) => id.fmt(f),)+ }
            }
        }

        impl FromStr for Id {
            type Err = TextError;

            fn from_str(text: &str) -> Result<Self, TextError> {
                match text::split(text)?.0 {
                    $(Prefix::$prefix => text.parse().map(Self::$kind),)+
                    got => Err(TextError::Unexpected { got }),
                }
            }
        }

        $(
            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.pad(&self.text(Prefix::$prefix))
                }
            }

            impl FromStr for $name {
                type Err = TextError;

                fn from_str(text: &str) -> Result<Self, TextError> {
                    Self::from_text(Prefix::$prefix, text)
                }
            }

            impl From<$name> for Id {
                fn from(id: $name) -> Self {
                    Self::$kind(id)
                }
            }
        )+
    };
}

ids! {
    /// An account: for a plain one the bytes of its public key; text `ak_`.
    Account AccountId = 1, Account;
    /// A contract; text `ct_`.
    Contract ContractId = 5, Contract;
    /// A channel; text `ch_`.
    Channel ChannelId = 6, Channel;
    /// A child ledger, by its connection point; text `ac_`.
    Associate AssociateId = 7, Associate;
    /// A token that a child ledger defines; text `nt_`.
    Token TokenId = 8, Token;
    /// A data entry; text `en_`.
    Entry EntryId = 9, Entry;
}

/// Who can be paid: an account or a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Payee {
    /// A plain or generalized account, made if absent.
    Account(AccountId),
    /// A contract, if it takes coins.
    Contract(ContractId),
}

impl Payee {
    /// The account that holds the payee's coins; a contract's has the contract's bytes.
    pub const fn account(self) -> AccountId {
        match self {
            Self::Account(id) => id,
            Self::Contract(id) => AccountId(id.0),
        }
    }

    /// As any id.
    pub const fn id(self) -> Id {
        match self {
            Self::Account(id) => Id::Account(id),
            Self::Contract(id) => Id::Contract(id),
        }
    }
}

impl TryFrom<Id> for Payee {
    type Error = Id;

    fn try_from(id: Id) -> Result<Self, Id> {
        match id {
            Id::Account(id) => Ok(Self::Account(id)),
            Id::Contract(id) => Ok(Self::Contract(id)),
            other => Err(other),
        }
    }
}

impl fmt::Display for Payee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id().fmt(f)
    }
}

/// What may be made to live longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// A contract.
    Contract(ContractId),
    /// A channel.
    Channel(ChannelId),
    /// A child ledger's connection point.
    Associate(AssociateId),
    /// A data entry.
    Entry(EntryId),
}

impl Target {
    /// As any id.
    pub const fn id(self) -> Id {
        match self {
            Self::Contract(id) => Id::Contract(id),
            Self::Channel(id) => Id::Channel(id),
            Self::Associate(id) => Id::Associate(id),
            Self::Entry(id) => Id::Entry(id),
        }
    }
}

impl TryFrom<Id> for Target {
    type Error = Id;

    fn try_from(id: Id) -> Result<Self, Id> {
        match id {
            Id::Contract(id) => Ok(Self::Contract(id)),
            Id::Channel(id) => Ok(Self::Channel(id)),
            Id::Associate(id) => Ok(Self::Associate(id)),
            Id::Entry(id) => Ok(Self::Entry(id)),
            other => Err(other),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id().fmt(f)
    }
}

/// What a commit or a remit moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Asset {
    /// The inherited coin, BNY on every ledger; on the wire the byte 00.
    Coin,
    /// A token of a child ledger.
    Token(TokenId),
}

impl fmt::Display for Asset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Coin => f.write_str("BNY"),
            Self::Token(id) => id.fmt(f),
        }
    }
}

/// What tells the transactions of one account apart in the ids that they make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Serial {
    /// The transaction's nonce.
    Nonce(Nonce),
    /// Of a generalized account, whose transactions have none: what [`auth_id`] gives.
    Auth(Hash),
}

/// The name of one authentication: Blake2b-256 of the generalized account and the data that its contract was asked.
pub fn auth_id(ga: AccountId, auth_data: &[u8]) -> Hash {
    Hash(banyan_crypto::blake2b(&[&ga.0, auth_data]))
}

impl Serial {
    /// The nonce as a minimal big-endian integer, zero being one zero byte; or the authentication.
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Nonce(nonce) => {
                let bytes = nonce.0.to_be_bytes();
                let zeros = bytes.iter().take_while(|byte| **byte == 0).count().min(7);
                bytes.get(zeros..).unwrap_or_default().to_vec()
            }
            Self::Auth(id) => id.0.to_vec(),
        }
    }
}

impl ContractId {
    /// The id of the contract that `owner` makes. Source: protocol, ledger 1.
    pub fn derive(owner: AccountId, serial: Serial) -> Self {
        Self(banyan_crypto::blake2b(&[&owner.0, &serial.bytes()]))
    }

    /// The id of a call of this contract. Source: protocol, ledger 1.
    pub fn call_id(self, caller: AccountId, serial: Serial) -> Hash {
        Hash(match serial {
            Serial::Nonce(nonce) => {
                let word: [&[u8]; 4] = [&caller.0, &[0; 24], &nonce.0.to_be_bytes(), &self.0];
                banyan_crypto::blake2b(&word)
            }
            Serial::Auth(id) => banyan_crypto::blake2b(&[&id.0, &self.0]),
        })
    }
}

/// Ids that no two ledgers of a tree give: the kind's tag, the network id, the owner and its serial.
fn derive_over_the_tree(tag: u8, network_id: &str, owner: AccountId, serial: Serial) -> [u8; 32] {
    banyan_crypto::blake2b(&[&[tag], network_id.as_bytes(), &owner.0, &serial.bytes()])
}

impl TokenId {
    /// The id of the token that `owner` defines on a ledger. Source: protocol, ledger 1.
    pub fn derive(network_id: &str, owner: AccountId, serial: Serial) -> Self {
        Self(derive_over_the_tree(8, network_id, owner, serial))
    }
}

impl EntryId {
    /// The id of the data entry that `owner` makes on a ledger. Source: protocol, ledger 1.
    pub fn derive(network_id: &str, owner: AccountId, serial: Serial) -> Self {
        Self(derive_over_the_tree(9, network_id, owner, serial))
    }
}

impl AssociateId {
    /// The id of the child that `creator` registers with its transaction `nonce`; unique over the tree because the
    /// parent's network id is. Source: protocol, associates 1.
    pub fn derive(parent_network: &str, creator: AccountId, nonce: crate::Nonce) -> Self {
        let parts: [&[u8]; 4] = [b"associate", parent_network.as_bytes(), &creator.0, &nonce.0.to_be_bytes()];
        Self(banyan_crypto::blake2b(&parts))
    }

    /// The first eight characters of the text body, which a child's network id ends with.
    pub fn short(&self) -> String {
        let text = self.text(Prefix::Associate);
        text.chars().skip(3).take(8).collect()
    }
}

impl fmt::LowerHex for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_ids_are_what_the_page_says() {
        let (owner, hash) = (AccountId([1; 32]), banyan_crypto::blake2b);
        for (nonce, minimal) in [(0, &[0u8][..]), (1, &[1]), (255, &[255]), (256, &[1, 0]), (u64::MAX, &[255; 8])] {
            let serial = Serial::Nonce(Nonce(nonce));
            assert_eq!(ContractId::derive(owner, serial).0, hash(&[&owner.0, minimal]));
            assert_eq!(TokenId::derive("net", owner, serial).0, hash(&[&[8], b"net", &owner.0, minimal]));
            assert_eq!(EntryId::derive("net", owner, serial).0, hash(&[&[9], b"net", &owner.0, minimal]));
        }
        let contract = ContractId([2; 32]);
        let word: [u8; 32] = core::array::from_fn(|at| u8::from(at == 31) * 7);
        assert_eq!(contract.call_id(owner, Serial::Nonce(Nonce(7))).0, hash(&[&owner.0, &word, &contract.0]));
        let auth = auth_id(owner, b"data");
        assert_eq!(auth.0, hash(&[&owner.0, b"data"]));
        assert_eq!(contract.call_id(owner, Serial::Auth(auth)).0, hash(&[&auth.0, &contract.0]));
        assert_eq!(ContractId::derive(owner, Serial::Auth(auth)).0, hash(&[&owner.0, &auth.0]));
    }
}
