//! Decoded values for people: what an object says, field by field, for a page, a terminal or JSON.

use alloc::{string::String, vec::Vec};

use crate::Amount;

/// One decoded value. Names of fields are those of the public schema where it has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A number.
    Int(u128),
    /// A sum of coins.
    Coins(Amount),
    /// Yes or no.
    Flag(bool),
    /// An id, a hash, bytes or a word, as text.
    Text(String),
    /// Values of one kind.
    List(Vec<Self>),
    /// Named values.
    Record(Fields),
}

/// Named values in the order of the encoding.
pub type Fields = Vec<(&'static str, Value)>;
