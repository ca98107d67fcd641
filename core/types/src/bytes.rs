//! Strings of bytes with a meaning.

use alloc::{string::String, vec::Vec};
use core::fmt;

use crate::text::{self, Prefix, TextError};

/// Bytes of any length and meaning: a payload, a code, a nested encoding.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub Vec<u8>);

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

/// Code, call data or a result of a contract; text `cb_`.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContractBytes(pub Vec<u8>);

impl fmt::Debug for ContractBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

macro_rules! fixed_bytes {
    ($($(#[$doc:meta])+ $name:ident($len:literal);)+) => {$(
        $(#[$doc])+
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// All zero bytes.
            pub const ZERO: Self = Self([0; $len]);

            /// The value of exactly this many bytes, `None` for any other length.
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }

            /// As text under `prefix`, with a checksum.
            pub fn text(&self, prefix: Prefix) -> String {
                text::encode(prefix, &self.0)
            }

            /// Read text that must stand under `prefix`.
            /// # Errors
            /// The first [`TextError`] that applies.
            pub fn from_text(prefix: Prefix, text: &str) -> Result<Self, TextError> {
                let bytes = text::decode_as(prefix, text)?;
                Self::from_slice(&bytes).ok_or(TextError::Length { prefix, got: bytes.len() })
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex(&self.0))
            }
        }
    )+};
}
pub(crate) use fixed_bytes;

fixed_bytes! {
    /// A digest of 32 bytes: Blake2b-256 of a block or a file, SHA-256 for roots of trees.
    Hash(32);
    /// An Ed25519 public key.
    PublicKey(32);
    /// Blake2b-256 of a signed transaction's bytes; text `th_`.
    TxHash(32);
    /// An Ed25519 signature.
    Signature(64);
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Display for TxHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(Prefix::Transaction))
    }
}

impl core::str::FromStr for TxHash {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        Self::from_text(Prefix::Transaction, text)
    }
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |four: u8| char::from_digit(u32::from(four), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]).collect()
}
