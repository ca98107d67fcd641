//! Contracts, tokens, entries, and what is left of them. Rules: ledger 4, 5.

use alloc::vec::Vec;

use banyan_types::{
    AccountId, Amount, Bytes, ContractBytes, ContractId, CtVersion, Decimals, Hash, Height, Payee, Symbol, TokenAmount,
    rlp::{DecodeError, Field, Items, put_bytes},
    show::Value,
};

banyan_types::object! {
    /// What an account holds of a token; nothing is no leaf.
    1002 v 1 TokenBalance {
        /// How much.
        amount: TokenAmount,
    }

    /// A contract; its coins are in an account, its store in leaves of its own.
    1003 v 1 Contract {
        /// Who made it, and is paid when it is gone.
        owner: Payee,
        /// Machine and calling convention.
        ct_version: CtVersion,
        /// Names its code.
        code_hash: Hash,
        /// Blake2b-256 of its source, as the code says.
        source_hash: Hash,
        /// Whether the source is kept here and hashes to that.
        visible: bool,
        /// The contract that it is a clone of.
        template: Template,
        /// Held until it is gone.
        deposit: Amount,
        /// Last height.
        expiry: Height,
        /// Leaves of its store.
        store_entries: u64,
        /// Their keys and values together, in bytes.
        store_bytes: u64,
    }

    /// Code that contracts name.
    1005 v 1 Code {
        /// How many do.
        refs: u64,
        /// The code object.
        code: ContractBytes,
    }

    /// A source that contracts name.
    1006 v 1 Source {
        /// How many do.
        refs: u64,
        /// The text.
        source: Bytes,
    }

    /// Data that an account keeps here.
    140 v 1 Entry {
        /// Whose.
        owner: AccountId,
        /// What.
        data: Bytes,
        /// Last height.
        expiry: Height,
    }

    /// Where a blob was posted.
    1048 v 1 BlobPlace {
        /// Height of the block.
        height: Height,
        /// Place of the transaction in it, from 0.
        index: u32,
    }

    /// A coin that this ledger defines.
    120 v 1 Token {
        /// Who may make more.
        owner: AccountId,
        /// What it is called.
        symbol: Symbol,
        /// Digits behind the point.
        decimals: Decimals,
        /// How much there is.
        supply: TokenAmount,
        /// Whether there may be more.
        mintable: bool,
    }

    /// What is left of an object that is gone, until the epoch ends.
    1017 v 1 Tombstone {
        /// Its last height: the object's own, however late it was taken away.
        height: Height,
        /// Blake2b-256 of its last bytes.
        object_hash: Hash,
    }

    /// An authentication that cannot be used again while this is here.
    1031 v 1 UsedAuth {
        /// Height at which it was used.
        height: Height,
    }

    /// What gone objects have left behind, the oldest first.
    1028 v 1 SweepQueue {
        /// The list.
        items: Vec<SweepItem>,
    }
}

banyan_types::record! {
    /// Leaves to take away.
    SweepItem {
        /// Which.
        kind: SweepKind,
        /// Whose.
        id: Hash,
        /// The first number, of an inbox; 0 of a store.
        from: u64,
        /// Of an inbox the number after the last; of a store how many there are.
        to: u64,
    }
}

/// What an item of the sweep queue is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SweepKind {
    /// The store of a contract.
    Store,
    /// The inbox of an associate.
    Inbox,
    /// The claims on an associate, with their buckets.
    Claims,
}

impl Field for SweepKind {
    fn put(&self, out: &mut Vec<u8>) {
        (*self as u64).put(out);
    }
    fn take(items: &mut Items<'_>) -> Result<Self, DecodeError> {
        match u64::take(items)? {
            0 => Ok(Self::Store),
            1 => Ok(Self::Inbox),
            2 => Ok(Self::Claims),
            _ => Err(DecodeError::Malformed("unknown kind of leaves")),
        }
    }
    fn show(&self) -> Value {
        Value::Text(match self {
            Self::Store => "store".into(),
            Self::Inbox => "inbox".into(),
            Self::Claims => "claims".into(),
        })
    }
}

/// The contract that another is a clone of; on the wire its id, or no bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Template(pub Option<ContractId>);

impl Field for Template {
    fn put(&self, out: &mut Vec<u8>) {
        match self.0 {
            Some(id) => id.put(out),
            None => put_bytes(&[], out),
        }
    }
    fn take(items: &mut Items<'_>) -> Result<Self, DecodeError> {
        if items.clone().bytes()?.is_empty() {
            return items.bytes().map(|_| Self(None));
        }
        ContractId::take(items).map(|id| Self(Some(id)))
    }
    fn show(&self) -> Value {
        Value::List(self.0.iter().map(Field::show).collect())
    }
}

impl Tombstone {
    /// Of an object with these last bytes.
    pub fn of(expiry: Height, bytes: &[u8]) -> Self {
        Self { height: expiry, object_hash: Hash(banyan_crypto::blake2b(&[bytes])) }
    }
}

impl Contract {
    /// As whose account its coins are kept.
    pub const fn account(id: ContractId) -> AccountId {
        AccountId(id.0)
    }
}
