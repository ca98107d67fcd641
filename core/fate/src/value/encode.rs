//! Write values: the one encoding of each.

use alloc::vec::Vec;

use num_bigint::{BigInt, Sign};

use super::{Kind, Value, count, rlp, types};

impl Value {
    /// The encoding. Its size is at most a few times what [`Value::measure`] says; a caller that pays by the measure
    /// has paid for it.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put(self, &mut out);
        out
    }
}

/// Append the encoding of a value.
pub fn put(value: &Value, out: &mut Vec<u8>) {
    let mut open = Vec::new();
    put_head(value, out);
    open.extend(inside(value));
    while let Some(children) = open.last_mut() {
        match children.next() {
            Some(child) => {
                put_head(child, out);
                open.extend(inside(child));
            }
            None => drop(open.pop()),
        }
    }
}

/// A map of the store is written as its id alone: its changes are written back on their own.
fn inside(value: &Value) -> Option<super::Children<'_>> {
    if matches!(value, Value::StoreMap(_)) { None } else { value.children() }
}

/// Everything before the values inside.
fn put_head(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Int(n) => put_int(*n, out),
        Value::Big(n) => put_big(n, out),
        Value::Bool(b) => out.push(if *b { 0xff } else { 0x7f }),
        Value::Bits(bits) => {
            out.push(if bits.sign() == Sign::Minus { 0xcf } else { 0x4f });
            rlp::put_magnitude(bits, out);
        }
        Value::String(bytes) => put_string(bytes, out),
        Value::Bytes(bytes) => {
            out.extend_from_slice(&[0x9f, 1]);
            put_string(bytes, out);
        }
        Value::Object(kind, bytes) => {
            out.extend_from_slice(&[0x9f, object_kind(*kind)]);
            rlp::put_bytes(bytes, out);
        }
        Value::Unit => out.push(0x3f),
        Value::Tuple(tuple) => put_tuple_head(tuple.items().len(), out),
        Value::Variant(variant) => {
            out.push(0xaf);
            rlp::put_bytes(variant.arities(), out);
            out.push(variant.tag());
            put_tuple_head(variant.items().len(), out);
        }
        Value::List(list) => put_compound(list.len(), 0x03, 0x1f, out),
        Value::Map(map) => {
            out.push(0x2f);
            rlp::put_uint(count(map.len()), out);
        }
        Value::StoreMap(map) => {
            out.push(0xbf);
            rlp::put_uint(u64::from(map.id()), out);
        }
        Value::Code(bytes) => {
            out.push(0x8f);
            put_length(bytes.len(), out);
            out.extend_from_slice(bytes);
        }
        Value::Type(of) => types::put(of, out),
        // Changes of a map in the store are never encoded, so this is never written; if it were, nobody would read it.
        Value::Gone => out.push(0xdf),
    }
}

const fn object_kind(kind: Kind) -> u8 {
    match kind {
        Kind::Address => 0,
        Kind::Contract => 2,
        Kind::Oracle => 3,
        Kind::OracleQuery => 4,
        Kind::Channel => 5,
    }
}

fn put_tuple_head(size: usize, out: &mut Vec<u8>) {
    if size == 0 {
        out.push(0x3f);
    } else {
        put_compound(size, 0x0b, 0x0b, out);
    }
}

/// The number of items: in the first byte if it fits, after it otherwise.
fn put_compound(size: usize, short: u8, long: u8, out: &mut Vec<u8>) {
    match u8::try_from(size) {
        Ok(size) if size < 16 => out.push((size << 4) | short),
        _ => {
            out.push(long);
            rlp::put_uint(count(size.saturating_sub(16)), out);
        }
    }
}

pub(super) fn put_int(n: i64, out: &mut Vec<u8>) {
    let magnitude = n.unsigned_abs();
    match u8::try_from(magnitude) {
        Ok(small) if small < 64 => out.push((small << 1) | if n < 0 { 0x80 } else { 0 }),
        _ => {
            out.push(if n < 0 { 0xef } else { 0x6f });
            rlp::put_uint(magnitude.saturating_sub(64), out);
        }
    }
}

fn put_big(n: &BigInt, out: &mut Vec<u8>) {
    let negative = n.sign() == Sign::Minus;
    out.push(if negative { 0xef } else { 0x6f });
    rlp::put_magnitude(&if negative { n + 64 } else { n - 64 }, out);
}

fn put_length(length: usize, out: &mut Vec<u8>) {
    put_int(i64::try_from(length).unwrap_or(i64::MAX), out);
}

fn put_string(bytes: &[u8], out: &mut Vec<u8>) {
    match u8::try_from(bytes.len()) {
        Ok(0) => out.push(0x5f),
        Ok(short) if short < 64 => out.push((short << 2) | 1),
        _ => {
            out.push(0x01);
            put_length(bytes.len().saturating_sub(64), out);
        }
    }
    out.extend_from_slice(bytes);
}
