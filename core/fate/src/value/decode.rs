//! Read values: one encoding for each, everything else refused.
//!
//! Values inside values wait on a stack of their own, not on the machine's. Read [`decode`] first.

use alloc::vec::Vec;

use num_bigint::BigInt;

use super::{Kind, List, Map, Shared, StoreMap, Value, Variant, rlp};
use crate::limits::{INT_BITS_MAX, VALUE_DEPTH_MAX};

/// Why bytes are not a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadValue {
    /// The bytes end before the value does.
    #[error("cut short")]
    Short,
    /// There are bytes after the value.
    #[error("bytes after the value")]
    Trailing,
    /// A second encoding of the same value.
    #[error("not canonical")]
    NotCanonical,
    /// A form that no value has, or not here.
    #[error("malformed: {0}")]
    Form(&'static str),
    /// More values inside values than allowed.
    #[error("deeper than {VALUE_DEPTH_MAX}")]
    TooDeep,
    /// A number larger than any that makes sense here.
    #[error("number too large")]
    TooLarge,
}

/// Where bytes come from, which decides what they may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Anywhere: whatever has an encoding.
    Any,
    /// A contract's store: maps of the store too.
    Store,
    /// Code or a caller: no maps of the store, objects of 32 bytes.
    Outside,
}

/// Read one value from exactly these bytes.
pub fn decode(bytes: &[u8], door: Door) -> Result<Value, BadValue> {
    let mut rest = bytes;
    let value = take(&mut rest, door)?;
    if rest.is_empty() { Ok(value) } else { Err(BadValue::Trailing) }
}

/// What a compound will be once all its values are there.
enum Shape {
    Tuple,
    List,
    Map,
    Variant { arities: Vec<u8>, tag: u8 },
}

struct Open {
    shape: Shape,
    missing: usize,
    items: Vec<Value>,
}

enum Taken {
    Leaf(Value),
    Open(Open),
}

/// Take one value.
pub fn take(from: &mut &[u8], door: Door) -> Result<Value, BadValue> {
    let mut open: Vec<Open> = Vec::new();
    loop {
        let mut value = match take_one(from, door)? {
            Taken::Leaf(value) => value,
            Taken::Open(compound) if compound.missing == 0 => close(compound)?,
            Taken::Open(compound) => {
                if super::count(open.len()) >= u64::from(VALUE_DEPTH_MAX) {
                    return Err(BadValue::TooDeep);
                }
                open.push(compound);
                continue;
            }
        };
        loop {
            let Some(mut compound) = open.pop() else { return Ok(value) };
            compound.items.push(value);
            compound.missing = compound.missing.saturating_sub(1);
            if compound.missing > 0 {
                open.push(compound);
                break;
            }
            value = close(compound)?;
        }
    }
}

fn close(compound: Open) -> Result<Value, BadValue> {
    let items = compound.items;
    Ok(match compound.shape {
        Shape::Tuple => Value::tuple(items),
        Shape::List => Value::List(List::from_items(items)),
        Shape::Map => Value::Map(pairs(items)?),
        Shape::Variant { arities, tag } => {
            let values = items.first().and_then(Value::as_tuple).ok_or(BadValue::Form("a variant without a tuple"))?;
            if arities.get(usize::from(tag)).map(|arity| usize::from(*arity)) != Some(values.len()) {
                return Err(BadValue::Form("a variant with other values than its constructor has"));
            }
            Value::Variant(Variant::new(Shared::new(arities), tag, values.to_vec()))
        }
    })
}

/// Keys stand in order, each once, and hold no maps.
fn pairs(items: Vec<Value>) -> Result<Map, BadValue> {
    let mut pairs: Vec<(Value, Value)> = Vec::with_capacity(items.len() / 2);
    let mut items = items.into_iter();
    while let (Some(key), Some(value)) = (items.next(), items.next()) {
        if key.measure().has_map() {
            return Err(BadValue::Form("a map inside a map's key"));
        }
        if pairs.last().is_some_and(|(last, _)| *last >= key) {
            return Err(BadValue::NotCanonical);
        }
        pairs.push((key, value));
    }
    Ok(Map::from_sorted(pairs))
}

fn take_one(from: &mut &[u8], door: Door) -> Result<Taken, BadValue> {
    let (first, rest) = from.split_first().ok_or(BadValue::Short)?;
    let before = *from;
    *from = rest;
    Ok(match *first {
        0x80 => return Err(BadValue::NotCanonical),
        small if small & 1 == 0 => Taken::Leaf(Value::Int(small_int(small))),
        0x01 => Taken::Leaf(Value::String(Shared::new(take_long_string(from)?))),
        short if short & 3 == 1 => {
            let length = usize::from(short >> 2);
            Taken::Leaf(Value::string(take_raw(from, length)?))
        }
        0x5f => Taken::Leaf(Value::string(Vec::new())),
        0x1f => open(Shape::List, take_count(from, 16)?, 1, from)?,
        0x0b => open(Shape::Tuple, take_count(from, 16)?, 1, from)?,
        0x2f => open(Shape::Map, take_count(from, 0)?, 2, from)?,
        short if short & 15 == 3 => open(Shape::List, usize::from(short >> 4), 1, from)?,
        short if short & 15 == 11 => open(Shape::Tuple, usize::from(short >> 4), 1, from)?,
        of_type if of_type & 15 == 7 => {
            *from = before;
            Taken::Leaf(Value::of_type(super::types::take(from)?))
        }
        0xaf => take_variant(from)?,
        other => Taken::Leaf(take_leaf(other, from, door)?),
    })
}

fn small_int(byte: u8) -> i64 {
    let magnitude = i64::from((byte >> 1) & 0x3f);
    if byte & 0x80 == 0 { magnitude } else { magnitude.wrapping_neg() }
}

fn take_leaf(tag: u8, from: &mut &[u8], door: Door) -> Result<Value, BadValue> {
    Ok(match tag {
        0x3f => Value::Unit,
        0x4f => Value::bits(bounded(rlp::take_big(from)?)?),
        0xcf => match bounded(rlp::take_big(from)?)? {
            zero if zero.bits() == 0 => return Err(BadValue::NotCanonical),
            bits => Value::bits(-bits),
        },
        0x6f => Value::int(bounded(rlp::take_big(from)?)? + BigInt::from(64)),
        0xef => Value::int(-bounded(rlp::take_big(from)?)? - BigInt::from(64)),
        0x7f => Value::Bool(false),
        0xff => Value::Bool(true),
        0x8f => {
            let length = take_length(from)?;
            Value::Code(Shared::new(take_raw(from, length)?.to_vec()))
        }
        0x9f => take_object(from, door)?,
        0xbf => {
            let id = u32::try_from(rlp::take_uint(from)?).map_err(|_| BadValue::TooLarge)?;
            if door == Door::Outside {
                return Err(BadValue::Form("a map of the store outside a store"));
            }
            Value::StoreMap(StoreMap::new(id, Map::EMPTY))
        }
        _ => return Err(BadValue::Form("a reserved tag")),
    })
}

fn bounded(n: BigInt) -> Result<BigInt, BadValue> {
    if n.bits() > INT_BITS_MAX { Err(BadValue::TooLarge) } else { Ok(n) }
}

fn take_object(from: &mut &[u8], door: Door) -> Result<Value, BadValue> {
    let (kind, rest) = from.split_first().ok_or(BadValue::Short)?;
    *from = rest;
    let kind = match kind {
        0 => Kind::Address,
        1 => return take_byte_array(from),
        2 => Kind::Contract,
        3 => Kind::Oracle,
        4 => Kind::OracleQuery,
        5 => Kind::Channel,
        _ => return Err(BadValue::Form("an unknown kind of object")),
    };
    let bytes = rlp::take_bytes(from)?;
    if door == Door::Outside && bytes.len() != 32 {
        return Err(BadValue::Form("an object whose name is not 32 bytes long"));
    }
    Ok(Value::Object(kind, Shared::new(bytes.to_vec())))
}

fn take_byte_array(from: &mut &[u8]) -> Result<Value, BadValue> {
    match take_one(from, Door::Any)? {
        Taken::Leaf(Value::String(bytes)) => Ok(Value::Bytes(bytes)),
        _ => Err(BadValue::Form("a byte array that is not written as a string")),
    }
}

fn take_raw<'a>(from: &mut &'a [u8], length: usize) -> Result<&'a [u8], BadValue> {
    let (bytes, rest) = from.split_at_checked(length).ok_or(BadValue::Short)?;
    *from = rest;
    Ok(bytes)
}

/// A FATE integer that counts bytes.
fn take_length(from: &mut &[u8]) -> Result<usize, BadValue> {
    match take_one(from, Door::Any)? {
        Taken::Leaf(Value::Int(length)) => usize::try_from(length).map_err(|_| BadValue::TooLarge),
        _ => Err(BadValue::Form("a length that is no integer")),
    }
}

fn take_long_string(from: &mut &[u8]) -> Result<Vec<u8>, BadValue> {
    let length = take_length(from)?.checked_add(64).ok_or(BadValue::TooLarge)?;
    take_raw(from, length).map(<[u8]>::to_vec)
}

/// How many items a long compound has.
fn take_count(from: &mut &[u8], offset: usize) -> Result<usize, BadValue> {
    let count = usize::try_from(rlp::take_uint(from)?).map_err(|_| BadValue::TooLarge)?;
    count.checked_add(offset).ok_or(BadValue::TooLarge)
}

/// Every value takes a byte at least, so that bytes bound what is set aside.
fn open(shape: Shape, count: usize, each: usize, from: &[u8]) -> Result<Taken, BadValue> {
    let missing = count.checked_mul(each).ok_or(BadValue::TooLarge)?;
    if missing > from.len() {
        return Err(BadValue::Short);
    }
    Ok(Taken::Open(Open { shape, missing, items: Vec::with_capacity(missing) }))
}

fn take_variant(from: &mut &[u8]) -> Result<Taken, BadValue> {
    let arities = rlp::take_bytes(from)?.to_vec();
    let (tag, rest) = from.split_first().ok_or(BadValue::Short)?;
    *from = rest;
    if usize::from(*tag) >= arities.len() {
        return Err(BadValue::Form("a constructor that its type does not have"));
    }
    open(Shape::Variant { arities, tag: *tag }, 1, 1, from)
}
