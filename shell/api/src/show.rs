//! Values as text and JSON: `/v3` writes sums as numbers of base units, `/banyan/v1` as strings of them.

use std::fmt::Write as _;

use banyan_ledger::Event;
use banyan_node::Header;
use banyan_types::{
    Hash,
    show::{Fields, Value as Shown},
    text::{self, Prefix},
};
use serde_json::{Map, Value};

/// How sums of coins are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sums {
    /// As JSON numbers.
    Numbers,
    /// As strings of digits.
    Texts,
}

/// Decoded fields as one JSON object.
pub(crate) fn object(fields: Fields, sums: Sums) -> Map<String, Value> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), json(value, sums))).collect()
}

fn json(value: Shown, sums: Sums) -> Value {
    match value {
        Shown::Int(int) => number(int),
        Shown::Coins(amount) if sums == Sums::Numbers => number(amount.base()),
        Shown::Coins(amount) => Value::String(amount.base().to_string()),
        Shown::Flag(flag) => Value::Bool(flag),
        Shown::Text(text) => Value::String(text),
        Shown::List(items) => items.into_iter().map(|item| json(item, sums)).collect(),
        Shown::Record(fields) => Value::Object(object(fields, sums)),
    }
}

/// What happened, as an object: its kind as `event`, then its fields.
pub(crate) fn event(event: &Event) -> Map<String, Value> {
    let mut shown = Map::from_iter([("event".to_owned(), Value::String(snake(event.name())))]);
    shown.extend(object(event.fields(), Sums::Texts));
    shown
}

/// `SpendTx` as `spend_tx`, `GAMetaTx` as `ga_meta_tx`.
pub(crate) fn snake(kind: &str) -> String {
    let letters: Vec<char> = kind.chars().collect();
    let mut name = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let is_next_small = letters.get(at + 1).is_some_and(|next| next.is_lowercase());
        let is_after_small = at > 0 && letters[at - 1].is_lowercase();
        if letter.is_uppercase() && at > 0 && (is_after_small || is_next_small) {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

/// A JSON number of any size.
pub(crate) fn number(int: u128) -> Value {
    serde_json::Number::from_u128(int).map_or(Value::Null, Value::Number)
}

/// The text name of a block: `mh_` for a micro block, `kh_` for every other.
pub(crate) fn block_name(header: &Header, hash: Hash) -> String {
    match header {
        Header::Micro(_) => hash.text(Prefix::MicroBlock),
        Header::Key(_) | Header::Child(_) => hash.text(Prefix::KeyBlock),
    }
}

/// The text name of a state root.
pub(crate) fn state_root(root: Hash) -> String {
    root.text(Prefix::StateRoot)
}

/// Bytes as text.
pub(crate) fn bytes(bytes: &[u8]) -> String {
    text::encode(Prefix::Bytes, bytes)
}

/// Bytes as lower-case hexadecimal.
pub(crate) fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: [u8; 32]) -> String {
    Hash(bytes).to_string()
}

/// 32 bytes of hexadecimal.
pub(crate) fn unhex(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    let mut bytes = [0; 32];
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}
