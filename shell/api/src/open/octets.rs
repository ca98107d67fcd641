//! Bytes as the open routes take and give them.

use serde::{Deserialize, Deserializer, de::Error as _};
use utoipa::ToSchema;

/// Bytes: an array of numbers, or hexadecimal text.
#[derive(Debug, Clone, PartialEq, Eq, ToSchema)]
#[schema(value_type = Vec<u8>)]
pub struct Octets(pub Vec<u8>);

impl<'de> Deserialize<'de> for Octets {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Numbers(Vec<u8>),
            Text(String),
        }
        let form = Form::deserialize(from).map_err(|_| D::Error::custom("bytes are numbers from 0 to 255, or hex"))?;
        match form {
            Form::Numbers(bytes) => Ok(Self(bytes)),
            Form::Text(text) => unhex(&text).map(Self).ok_or_else(|| D::Error::custom("text is not hexadecimal")),
        }
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let text = text.strip_prefix("0x").unwrap_or(text);
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_hex_are_the_same_bytes() {
        let read = |text: &str| serde_json::from_str::<Octets>(text).map(|octets| octets.0).ok();
        assert_eq!(read("[1,255]"), Some(vec![1, 255]));
        assert_eq!(read(r#""01ff""#), Some(vec![1, 255]));
        assert_eq!(read(r#""0x01FF""#), Some(vec![1, 255]));
        for wrong in ["[256]", "[-1]", r#""0""#, r#""zz""#, "{}", r#""\u00e9a""#] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
