//! Names of the objects on a ledger: one tag byte for the kind, 32 bytes for the object.

use alloc::string::String;
use core::{fmt, str::FromStr};

use crate::{
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
