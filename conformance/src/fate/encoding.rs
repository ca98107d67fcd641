//! `encoding.json`: values and their bytes, bytes that are no values, the order of values, names of functions.

use std::cmp::Ordering;

use banyan_fate::{
    Value,
    value::decode::{Door, decode},
};
use serde::Deserialize;

use super::bytes;
use crate::replay::{Row, same};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    #[serde(rename = "note")]
    _note: String,
    encode: Vec<Encoded>,
    decode: Vec<Decoded>,
    order: Vec<Ordered>,
    symbols: Vec<Symbol>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Encoded {
    kind: String,
    value: String,
    hex: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decoded {
    hex: String,
    accept: bool,
    #[serde(rename = "value")]
    _value: Option<String>,
    canonical: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ordered {
    value: String,
    hex: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Symbol {
    name: String,
    id: String,
}

pub fn rows(file: File) -> Vec<Row> {
    let encoded = file
        .encode
        .into_iter()
        .map(|row| Row { held: round_trips(&row.hex), note: format!("encode {} {:.40}", row.kind, row.value) });
    let decoded = file.decode.into_iter().map(|row| Row { held: decodes(&row), note: format!("decode {}", row.hex) });
    let order = Row { note: "order".into(), held: stands_in_order(&file.order) };
    let symbols = file.symbols.into_iter().map(|row| Row {
        held: same("id", &hex::encode(banyan_fate::abi::function_id(&row.name)), &row.id),
        note: format!("symbol {}", row.name),
    });
    encoded.chain(decoded).chain([order]).chain(symbols).collect()
}

fn value(text: &str) -> Result<Value, String> {
    decode(&bytes(text)?, Door::Any).map_err(|error| format!("{text}: {error}"))
}

fn round_trips(text: &str) -> Result<(), String> {
    same("bytes", &hex::encode(value(text)?.encode()), &text.to_owned())
}

fn decodes(row: &Decoded) -> Result<(), String> {
    same("accepted", &value(&row.hex).is_ok(), &row.accept)?;
    if row.canonical == Some(true) { round_trips(&row.hex) } else { Ok(()) }
}

fn stands_in_order(rows: &[Ordered]) -> Result<(), String> {
    let values = rows.iter().map(|row| value(&row.hex)).collect::<Result<Vec<_>, _>>()?;
    for (x, a) in values.iter().enumerate() {
        for (y, b) in values.iter().enumerate() {
            let theirs: Ordering = x.cmp(&y);
            same(&format!("{} with {}", rows[x].value, rows[y].value), &a.cmp(b), &theirs)?;
        }
    }
    Ok(())
}
