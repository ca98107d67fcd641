//! Values and types as disassembled code shows them.

use alloc::{format, string::String, vec::Vec};
use core::fmt::Write as _;

use banyan_types::text::{self, Prefix};
use base64::{Engine as _, prelude::BASE64_STANDARD as BASE64};
use num_bigint::{BigInt, Sign};

use super::{Children, Kind, Type, Value};

/// What of a compound still has to be shown.
struct Open<'a> {
    children: Children<'a>,
    /// Of a map: between key and value, and between pairs.
    separators: [&'static str; 2],
    shown: usize,
    end: &'static str,
}

/// One value as text. By itself a string that cannot be printed is shown in hexadecimal: it is a function's name.
pub fn value(value: &Value) -> String {
    if let Value::String(bytes) = value {
        return show_string(bytes);
    }
    let mut out = String::new();
    let mut open: Vec<Open<'_>> = Vec::new();
    open.extend(head(value, &mut out));
    while let Some(top) = open.last_mut() {
        let Some(child) = top.children.next() else {
            out.push_str(top.end);
            open.pop();
            continue;
        };
        if top.shown > 0 {
            let separator = if top.shown % 2 == 1 { top.separators[0] } else { top.separators[1] };
            out.push_str(separator);
        }
        top.shown = top.shown.saturating_add(1);
        open.extend(head(child, &mut out));
    }
    out
}

const fn open<'a>(children: Children<'a>, separators: [&'static str; 2], end: &'static str) -> Open<'a> {
    Open { children, separators, shown: 0, end }
}

/// Show a leaf whole, or the beginning of a compound.
fn head<'a>(value: &'a Value, out: &mut String) -> Option<Open<'a>> {
    const ITEMS: [&str; 2] = [", ", ", "];
    const PAIRS: [&str; 2] = [" => ", ", "];
    let children = value.children();
    let (begin, separators, end) = match value {
        Value::List(list) if !list.is_empty() => ("[ ".into(), ITEMS, " ]"),
        Value::Tuple(_) => ("( ".into(), ITEMS, " )"),
        Value::Map(_) => ("{ ".into(), PAIRS, " }"),
        Value::StoreMap(map) => (format!("<map {}| ", map.id()), PAIRS, " >"),
        Value::Variant(variant) => {
            let arities: Vec<_> = variant.arities().iter().map(|arity| format!("{arity}")).collect();
            let inner = if variant.items().is_empty() { "(" } else { "( " };
            let begin = format!("(| [ {} ]| {}| {inner}", arities.join(", "), variant.tag());
            if variant.items().is_empty() { (begin, ITEMS, ") |)") } else { (begin, ITEMS, " ) |)") }
        }
        _ => {
            leaf(value, out);
            return None;
        }
    };
    out.push_str(&begin);
    children.map(|children| open(children, separators, end))
}

fn leaf(value: &Value, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = match value {
        Value::Int(n) => write!(out, "{n}"),
        Value::Big(n) => write!(out, "{n}"),
        Value::Bool(b) => write!(out, "{b}"),
        Value::Bits(bits) => write!(out, "{}", show_bits(bits)),
        Value::String(bytes) => write!(out, "\"{}\"", String::from_utf8_lossy(bytes)),
        Value::Bytes(bytes) => write!(out, "#{}", BASE64.encode(bytes.as_slice())),
        Value::Object(kind, bytes) => write!(out, "@{}", show_object(*kind, bytes)),
        Value::Unit => write!(out, "()"),
        Value::List(_) => write!(out, "[]"),
        Value::Code(bytes) => write!(out, "@{}", text::encode(Prefix::ContractBytes, bytes)),
        Value::Type(of) => write!(out, "'{}", of_type(of)),
        _ => write!(out, "gone"),
    };
}

/// Bits from the highest; of an infinite set those that are not set.
fn show_bits(bits: &BigInt) -> String {
    if bits.sign() == Sign::Minus {
        let missing = -bits - 1;
        let shown: String = digits(&missing).chars().map(|bit| if bit == '0' { '1' } else { '0' }).collect();
        format!("!< {shown} >")
    } else {
        format!("<{}>", digits(bits))
    }
}

fn digits(bits: &BigInt) -> String {
    if bits.bits() == 0 { String::new() } else { bits.to_str_radix(2) }
}

fn show_string(bytes: &[u8]) -> String {
    let printable = bytes.iter().all(|byte| (0x20..0x7f).contains(byte));
    match core::str::from_utf8(bytes) {
        Ok(text) if printable => format!("\"{text}\""),
        _ => {
            format!("0x{}", hex(bytes))
        }
    }
}

fn show_object(kind: Kind, bytes: &[u8]) -> String {
    let prefix = match kind {
        Kind::Contract => Prefix::Contract,
        Kind::Channel => Prefix::Channel,
        Kind::Address => Prefix::Account,
        // Oracles have no text here: this is for people who look at code that mentions one.
        Kind::Oracle | Kind::OracleQuery => Prefix::Bytes,
    };
    text::encode(prefix, bytes)
}

/// Bytes as digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut out = String::new();
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// One type as text.
pub fn of_type(of: &Type) -> String {
    let all = |items: &[Type]| items.iter().map(of_type).collect::<Vec<_>>().join(",");
    match of {
        Type::Integer => "integer".into(),
        Type::Boolean => "boolean".into(),
        Type::String => "string".into(),
        Type::Bits => "bits".into(),
        Type::Address => "address".into(),
        Type::Contract => "contract".into(),
        Type::Oracle => "oracle".into(),
        Type::OracleQuery => "oracle_query".into(),
        Type::Channel => "channel".into(),
        Type::Code => "contract_bytearray".into(),
        Type::Bytes(Some(size)) => format!("{{bytes,{size}}}"),
        Type::Bytes(None) => "{bytes,any}".into(),
        Type::List(item) => format!("{{list,{}}}", of_type(item)),
        Type::Map(key, value) => format!("{{map,{},{}}}", of_type(key), of_type(value)),
        Type::Tuple(items) => format!("{{tuple,[{}]}}", all(items)),
        Type::Variant(items) => format!("{{variant,[{}]}}", all(items)),
        Type::Variable(id) => format!("{{tvar,{id}}}"),
        Type::Any => "any".into(),
        Type::Arity(arity) => format!("{arity}"),
    }
}
