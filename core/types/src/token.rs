//! What a token is made of.

use alloc::{string::String, vec::Vec};

use crate::{
    Amount,
    limits::{DECIMALS_MAX, SYMBOL_BYTES_MAX},
    rlp::{DecodeError, Field, Items, put_bytes},
    show::Value,
};

/// What a token is called: 1 to 16 visible characters of ASCII, so that no two look alike and none disturbs a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol(String);

impl Symbol {
    /// The only door from outside.
    pub fn new(text: &str) -> Option<Self> {
        let fits = (1..=SYMBOL_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| Self(text.into()))
    }

    /// The characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Field for Symbol {
    fn put(&self, out: &mut Vec<u8>) {
        put_bytes(self.0.as_bytes(), out);
    }
    fn take(items: &mut Items<'_>) -> Result<Self, DecodeError> {
        let text = core::str::from_utf8(items.bytes()?).ok().and_then(Self::new);
        text.ok_or(DecodeError::Malformed("a symbol is 1 to 16 visible ASCII characters"))
    }
    fn show(&self) -> Value {
        Value::Text(self.0.clone())
    }
}

/// How many digits of a token stand behind the point; at most 30.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimals(u8);

impl Decimals {
    /// The only door from outside.
    pub const fn new(digits: u8) -> Option<Self> {
        if digits <= DECIMALS_MAX { Some(Self(digits)) } else { None }
    }

    /// The number.
    pub const fn digits(self) -> u8 {
        self.0
    }
}

impl Field for Decimals {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
    }
    fn take(items: &mut Items<'_>) -> Result<Self, DecodeError> {
        Self::new(u8::take(items)?).ok_or(DecodeError::Malformed("more than 30 decimals"))
    }
    fn show(&self) -> Value {
        self.0.show()
    }
}

/// Parts of a token, the smallest there are; never above 10^30. Not coins, and shown as a bare number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenAmount(pub Amount);

impl TokenAmount {
    /// Nothing.
    pub const ZERO: Self = Self(Amount::ZERO);

    /// The sum. `None` above 10^30.
    pub fn plus(self, other: Self) -> Option<Self> {
        self.0.plus(other.0).map(Self)
    }

    /// The difference. `None` below zero.
    pub fn minus(self, other: Self) -> Option<Self> {
        self.0.minus(other.0).map(Self)
    }

    /// Whether this is nothing.
    pub const fn is_zero(self) -> bool {
        self.0.is_zero()
    }
}

impl core::fmt::Display for TokenAmount {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.base().fmt(f)
    }
}

impl Field for TokenAmount {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
    }
    fn take(items: &mut Items<'_>) -> Result<Self, DecodeError> {
        Amount::take(items).map(Self)
    }
    fn show(&self) -> Value {
        Value::Int(self.0.base())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_are_short_and_visible() {
        for (text, ok) in
            [("CAP", true), ("a", true), ("~!sixteen_chars!", true), ("", false), ("a b", false), ("Kröte", false)]
        {
            assert_eq!(Symbol::new(text).is_some(), ok, "{text:?}");
        }
        assert!(Symbol::new("seventeen_chars_!").is_none());
    }

    #[test]
    fn decimals_end_at_thirty() {
        assert_eq!(Decimals::new(30).map(Decimals::digits), Some(30));
        assert_eq!(Decimals::new(31), None);
    }
}
