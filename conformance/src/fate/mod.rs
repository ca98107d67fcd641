//! The machine against the reference: its values, and whole scenarios with the trace of every run.

mod encoding;
mod scenario;

use serde_json::{Error, Value};

use crate::replay::Row;

/// A file of values, or a scenario.
pub fn read(text: &str) -> Result<Vec<Row>, Error> {
    let file: Value = serde_json::from_str(text)?;
    if file.get("encode").is_some() {
        return Ok(encoding::rows(serde_json::from_value(file)?));
    }
    Ok(scenario::rows(&serde_json::from_value(file)?))
}

/// The bytes of a column in hexadecimal.
fn bytes(text: &str) -> Result<Vec<u8>, String> {
    hex::decode(text).map_err(|error| format!("{error} in {text}"))
}
