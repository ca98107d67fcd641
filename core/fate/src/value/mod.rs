//! Values: small integers inline, everything larger shared, nothing copied.
//!
//! A compound knows its [`Measure`], so that walks cost no walking. Read [`Value`] first. Rules: protocol, fate 2.

mod children;
pub mod decode;
pub mod encode;
pub(crate) mod int;
mod list;
mod map;
mod measure;
mod node;
mod order;
mod release;
pub(crate) mod rlp;
mod show;
pub mod types;

use alloc::{string::String, sync::Arc, vec::Vec};

use num_bigint::BigInt;

pub use children::Children;
pub use list::List;
pub use map::Map;
pub use measure::Measure;
pub use node::{StoreMap, Tuple, Variant};
pub use types::Type;

/// How values share what they hold. Atomic, so that loaded code, and with it an engine, may move between threads.
pub type Shared<T> = Arc<T>;
/// Bytes that values share.
pub type Blob = Shared<Vec<u8>>;

/// What 32 bytes name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An account, or a contract as an account.
    Address,
    /// A contract.
    Contract,
    /// An oracle. No ledger here has any; the kind exists so that text round-trips.
    Oracle,
    /// A question to an oracle. As above.
    OracleQuery,
    /// A channel.
    Channel,
}

/// What a program computes with.
#[derive(Clone)]
pub enum Value {
    /// An integer that fits.
    Int(i64),
    /// An integer that does not fit in an `i64`. Made by [`Value::int`] alone, which keeps the two apart.
    Big(Shared<BigInt>),
    /// Yes or no.
    Bool(bool),
    /// A set of bits. Negative: infinitely many are set.
    Bits(Shared<BigInt>),
    /// A string: any bytes.
    String(Blob),
    /// A byte array.
    Bytes(Blob),
    /// An account, contract or the like.
    Object(Kind, Blob),
    /// The tuple of nothing.
    Unit,
    /// A tuple of at least one value.
    Tuple(Tuple),
    /// One constructor of a variant type with its values.
    Variant(Variant),
    /// A list.
    List(List),
    /// A map.
    Map(Map),
    /// A map that lies in the contract's store, with what was changed since.
    StoreMap(StoreMap),
    /// Byte code.
    Code(Blob),
    /// A type.
    Type(Shared<Type>),
    /// A key that was deleted. Stands only in the changes of a [`StoreMap`].
    Gone,
}

impl Value {
    /// A string of these bytes.
    pub fn string(bytes: impl Into<Vec<u8>>) -> Self {
        Self::String(Shared::new(bytes.into()))
    }

    /// A byte array.
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self::Bytes(Shared::new(bytes.into()))
    }

    /// An account or contract, as an address.
    pub fn address(id: &[u8; 32]) -> Self {
        Self::Object(Kind::Address, Shared::new(id.to_vec()))
    }

    /// A contract.
    pub fn contract(id: &[u8; 32]) -> Self {
        Self::Object(Kind::Contract, Shared::new(id.to_vec()))
    }

    /// A set of bits.
    pub fn bits(bits: BigInt) -> Self {
        Self::Bits(Shared::new(bits))
    }

    /// A tuple, unit if there are no items.
    pub fn tuple(items: Vec<Self>) -> Self {
        if items.is_empty() { Self::Unit } else { Self::Tuple(Tuple::new(items)) }
    }

    /// `None` of the option type.
    pub fn none() -> Self {
        Self::Variant(Variant::new(Shared::new(alloc::vec![0, 1]), 0, Vec::new()))
    }

    /// `Some(value)` of the option type.
    pub fn some(value: Self) -> Self {
        Self::Variant(Variant::new(Shared::new(alloc::vec![0, 1]), 1, alloc::vec![value]))
    }

    /// A constructor of a variant type whose constructors have so many values each. `None` if there is no such
    /// constructor, or it has another number of values.
    pub fn variant(arities: Vec<u8>, tag: u8, items: Vec<Self>) -> Option<Self> {
        let arity = arities.get(usize::from(tag)).copied();
        let fits = arity.map(usize::from) == Some(items.len());
        fits.then(|| Self::Variant(Variant::new(Shared::new(arities), tag, items)))
    }

    /// A list of these items.
    pub fn list(items: Vec<Self>) -> Self {
        Self::List(List::from_items(items))
    }

    /// A type as a value.
    pub fn of_type(of: Type) -> Self {
        Self::Type(Shared::new(of))
    }

    /// The items of a tuple or unit.
    pub fn as_tuple(&self) -> Option<&[Self]> {
        match self {
            Self::Unit => Some(&[]),
            Self::Tuple(tuple) => Some(tuple.items()),
            _ => None,
        }
    }

    /// The 32 bytes of an object of this kind.
    pub fn as_object(&self, kind: Kind) -> Option<[u8; 32]> {
        match self {
            Self::Object(got, bytes) if *got == kind => <[u8; 32]>::try_from(bytes.as_slice()).ok(),
            _ => None,
        }
    }

    /// The bytes of a string.
    pub fn as_string(&self) -> Option<&[u8]> {
        if let Self::String(bytes) = self { Some(bytes) } else { None }
    }

    /// The bytes of a byte array.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        if let Self::Bytes(bytes) = self { Some(bytes) } else { None }
    }

    /// Whether anything is inside that must be released without recursion.
    pub(crate) const fn is_compound(&self) -> bool {
        match self {
            Self::List(list) => !list.is_empty(),
            _ => matches!(self, Self::Tuple(_) | Self::Variant(_) | Self::Map(_) | Self::StoreMap(_)),
        }
    }

    /// For people: as disassembled code shows it.
    pub fn show(&self) -> String {
        show::value(self)
    }
}

impl core::fmt::Debug for Value {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.show())
    }
}

impl From<i64> for Value {
    fn from(n: i64) -> Self {
        Self::Int(n)
    }
}

impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Self::Bool(b)
    }
}

pub(crate) use show::hex;

/// A length as the meter counts it.
pub(crate) fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
