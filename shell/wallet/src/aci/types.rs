//! Types of a source, with every name looked up.

use std::{fmt, sync::Arc};

use banyan_fate::Type as Fate;

use super::Function;

/// A type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// An integer of any size.
    Int,
    /// Yes or no.
    Bool,
    /// Text, which may be any bytes.
    String,
    /// One character; the machine knows it as its number.
    Char,
    /// A set of numbered bits.
    Bits,
    /// So many bytes, or any number.
    Bytes(Option<u32>),
    /// An account.
    Address,
    /// A contract.
    Contract,
    /// Items of one type.
    List(Box<Self>),
    /// Something or nothing.
    Option(Box<Self>),
    /// Values in order; the tuple of none is the unit.
    Tuple(Vec<Self>),
    /// Keys and their values.
    Map(Box<Self>, Box<Self>),
    /// Values by name. One field alone is no tuple to the machine: the value itself stands there.
    Record(Vec<(String, Self)>),
    /// One of several constructors.
    Variant(Vec<Constructor>),
    /// Something that cannot be written here; it is shown as the machine shows it.
    Opaque(String),
}

/// A constructor of a variant type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constructor {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub arguments: Vec<Type>,
}

/// Constructors of the option type, in the machine's order.
pub const OPTION: [&str; 2] = ["None", "Some"];

/// `init` where the source has none.
pub static BARE_INIT: Function = Function {
    name: None,
    id: banyan_fate::code::INIT,
    arguments: Vec::new(),
    result: Type::Tuple(Vec::new()),
    payable: false,
    stateful: None,
};

impl Type {
    /// A type as code has it. What code does not name stays without names.
    pub fn of_code(of: &Fate) -> Self {
        let all = |items: &[Fate]| items.iter().map(Self::of_code).collect();
        match of {
            Fate::Integer => Self::Int,
            Fate::Boolean => Self::Bool,
            Fate::String => Self::String,
            Fate::Bits => Self::Bits,
            Fate::Address => Self::Address,
            Fate::Contract => Self::Contract,
            Fate::Bytes(size) => Self::Bytes(*size),
            Fate::List(item) => Self::List(Box::new(Self::of_code(item))),
            Fate::Map(key, value) => Self::Map(Box::new(Self::of_code(key)), Box::new(Self::of_code(value))),
            Fate::Tuple(items) => Self::Tuple(all(items)),
            Fate::Variant(items) => match items.as_slice() {
                [Fate::Tuple(none), Fate::Tuple(some)] if none.is_empty() && some.len() == 1 => {
                    Self::Option(Box::new(some.first().map_or(Self::Tuple(Vec::new()), Self::of_code)))
                }
                _ => Self::Opaque(of.show()),
            },
            other => Self::Opaque(other.show()),
        }
    }

    /// Types that this one is made of, itself among them.
    pub fn parts(&self) -> usize {
        let all = |items: &[Self]| items.iter().map(Self::parts).sum::<usize>();
        1 + match self {
            Self::List(item) | Self::Option(item) => item.parts(),
            Self::Map(key, value) => key.parts() + value.parts(),
            Self::Tuple(items) => all(items),
            Self::Record(fields) => fields.iter().map(|(_, of)| of.parts()).sum(),
            Self::Variant(constructors) => constructors.iter().map(|one| 1 + all(&one.arguments)).sum(),
            _ => 0,
        }
    }

    /// The type as code has it; what cannot be said here agrees with anything.
    pub fn fate(&self) -> Fate {
        let all = |items: &[Self]| items.iter().map(Self::fate).collect();
        match self {
            Self::Int | Self::Char => Fate::Integer,
            Self::Bool => Fate::Boolean,
            Self::String => Fate::String,
            Self::Bits => Fate::Bits,
            Self::Bytes(size) => Fate::Bytes(*size),
            Self::Address => Fate::Address,
            Self::Contract => Fate::Contract,
            Self::List(item) => Fate::List(Arc::new(item.fate())),
            Self::Map(key, value) => Fate::Map(Arc::new(key.fate()), Arc::new(value.fate())),
            Self::Option(some) => Fate::Variant(vec![Fate::Tuple(vec![]), Fate::Tuple(vec![some.fate()])]),
            Self::Tuple(items) => Fate::Tuple(all(items)),
            Self::Record(fields) => match fields.as_slice() {
                [(_, only)] => only.fate(),
                fields => Fate::Tuple(fields.iter().map(|(_, of)| of.fate()).collect()),
            },
            Self::Variant(constructors) => {
                Fate::Variant(constructors.iter().map(|one| Fate::Tuple(all(&one.arguments))).collect())
            }
            Self::Opaque(_) => Fate::Any,
        }
    }
}

/// Whether a type of an interface may be that of the code.
pub fn agree(interface: &Fate, code: &Fate) -> bool {
    let all = |a: &[Fate], b: &[Fate]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| agree(a, b));
    match (interface, code) {
        (Fate::Any, _) => true,
        (Fate::List(a), Fate::List(b)) => agree(a, b),
        (Fate::Map(key, value), Fate::Map(own_key, own_value)) => agree(key, own_key) && agree(value, own_value),
        (Fate::Tuple(a), Fate::Tuple(b)) | (Fate::Variant(a), Fate::Variant(b)) => all(a, b),
        (a, b) => a == b,
    }
}

/// Types of a function as code has them.
pub fn signature(arguments: &[Fate], result: &Fate) -> String {
    let arguments: Vec<_> = arguments.iter().map(Fate::show).collect();
    format!("({}) -> {}", arguments.join(", "), result.show())
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int => f.write_str("int"),
            Self::Bool => f.write_str("bool"),
            Self::String => f.write_str("string"),
            Self::Char => f.write_str("char"),
            Self::Bits => f.write_str("bits"),
            Self::Bytes(Some(size)) => write!(f, "bytes({size})"),
            Self::Bytes(None) => f.write_str("bytes()"),
            Self::Address => f.write_str("address"),
            Self::Contract => f.write_str("contract"),
            Self::List(item) => write!(f, "list({item})"),
            Self::Option(some) => write!(f, "option({some})"),
            Self::Map(key, value) => write!(f, "map({key}, {value})"),
            Self::Tuple(items) if items.is_empty() => f.write_str("unit"),
            Self::Tuple(items) => {
                let items: Vec<_> = items.iter().map(Self::to_string).collect();
                write!(f, "({})", items.join(" * "))
            }
            Self::Record(fields) => {
                let fields: Vec<_> = fields.iter().map(|(name, of)| format!("{name} : {of}")).collect();
                write!(f, "{{{}}}", fields.join(", "))
            }
            Self::Variant(constructors) => {
                let all: Vec<_> = constructors.iter().map(Constructor::to_string).collect();
                write!(f, "({})", all.join(" | "))
            }
            Self::Opaque(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for Constructor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if self.arguments.is_empty() {
            return Ok(());
        }
        let arguments: Vec<_> = self.arguments.iter().map(Type::to_string).collect();
        write!(f, "({})", arguments.join(", "))
    }
}
