//! Text for people: `prefix_body`, where the body ends in a checksum.
//!
//! The body is base58 or base64 of `payload ‖ first 4 bytes of SHA-256(SHA-256(payload))`. Rules: protocol, ledger 1.

use alloc::{string::String, vec::Vec};
use core::fmt;

use base64::{Engine as _, prelude::BASE64_STANDARD as BASE64};

use crate::limits::TEXT_BYTES_MAX;

/// Bytes of the checksum.
const CHECK_BYTES: usize = 4;
/// Characters of the longest base58 body: 68 bytes need 93. Base58 takes quadratic time, so this is checked first.
const BASE58_CHARS_MAX: usize = 93;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Alphabet {
    Base58,
    Base64,
}

macro_rules! prefixes {
    ($($(#[$doc:meta])+ $name:ident = $text:literal, $alphabet:ident, $len:expr;)+) => {
        /// What stands before the underscore and says what the payload is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Prefix { $($(#[$doc])+ $name,)+ }

        impl Prefix {
            /// Every known prefix.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The letters before the underscore.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            const fn alphabet(self) -> Alphabet {
                match self { $(Self::$name => Alphabet::$alphabet,)+ }
            }

            /// Bytes of the payload, `None` for any number.
            pub const fn payload_bytes(self) -> Option<usize> {
                match self { $(Self::$name => $len,)+ }
            }
        }
    };
}

prefixes! {
    /// An account.
    Account = "ak", Base58, Some(32);
    /// A contract.
    Contract = "ct", Base58, Some(32);
    /// A channel.
    Channel = "ch", Base58, Some(32);
    /// A child ledger.
    Associate = "ac", Base58, Some(32);
    /// A token.
    Token = "nt", Base58, Some(32);
    /// A data entry.
    Entry = "en", Base58, Some(32);
    /// The hash of a key block or a child's header.
    KeyBlock = "kh", Base58, Some(32);
    /// The hash of a micro block or a child's list of transactions.
    MicroBlock = "mh", Base58, Some(32);
    /// The hash of a transaction.
    Transaction = "th", Base58, Some(32);
    /// The root of a state.
    StateRoot = "bs", Base58, Some(32);
    /// The root of a list of transactions.
    TxsRoot = "bx", Base58, Some(32);
    /// A witness set.
    WitnessSet = "ws", Base58, Some(32);
    /// The seed of a secret key.
    SecretSeed = "sk", Base58, Some(32);
    /// A peer's key.
    Peer = "pp", Base58, Some(32);
    /// A signature.
    Signature = "sg", Base58, Some(64);
    /// A transaction's bytes.
    TransactionBytes = "tx", Base64, None;
    /// Any bytes.
    Bytes = "ba", Base64, None;
    /// Contract byte code or call data.
    ContractBytes = "cb", Base64, None;
    /// A contract's store key.
    StoreKey = "ck", Base64, None;
    /// A contract's store value.
    StoreValue = "cv", Base64, None;
    /// A state's hash.
    State = "st", Base64, Some(32);
    /// A channel's off-chain trees.
    StateTrees = "ss", Base64, None;
    /// A proof of inclusion in a channel's trees.
    Inclusion = "pi", Base64, None;
    /// A proof against a state root.
    Proof = "pf", Base64, None;
}

/// Prefixes of the public convention whose objects this tree leaves out.
const UNSUPPORTED: [&str; 8] = ["nm", "ok", "oq", "ov", "or", "cm", "bf", "cs"];

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a text is refused, in the order of the checks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Longer than any object may be.
    #[error("text of {got} bytes is above the limit of {TEXT_BYTES_MAX}")]
    TooLong {
        /// Bytes of the text.
        got: usize,
    },
    /// No underscore, or more than one.
    #[error("a text is a prefix, one underscore and a body, as in ak_…")]
    NoPrefix,
    /// Names and oracles of the public convention do not exist here.
    #[error("{0}_ names a kind of object that this tree does not have")]
    Unsupported(&'static str),
    /// Nobody's prefix.
    #[error("unknown prefix {0}_")]
    Unknown(String),
    /// A known prefix in the wrong place.
    #[error("{got}_ is not what is asked for here")]
    Unexpected {
        /// The prefix that was found.
        got: Prefix,
    },
    /// A character outside the alphabet.
    #[error("a character does not belong to the encoding of {prefix}_")]
    Alphabet {
        /// Whose alphabet.
        prefix: Prefix,
    },
    /// Mistyped or cut.
    #[error("the checksum is wrong: look for a mistyped or missing character")]
    Checksum,
    /// The payload has another length than its kind.
    #[error("{prefix}_ with {got} bytes of payload")]
    Length {
        /// Whose payload.
        prefix: Prefix,
        /// Its bytes.
        got: usize,
    },
}

/// `payload` as text under `prefix`.
pub fn encode(prefix: Prefix, payload: &[u8]) -> String {
    let check = banyan_crypto::sha256_twice(payload);
    let checked: Vec<u8> = payload.iter().chain(check.iter().take(CHECK_BYTES)).copied().collect();
    let body = match prefix.alphabet() {
        Alphabet::Base58 => bs58::encode(checked).into_string(),
        Alphabet::Base64 => BASE64.encode(checked),
    };
    alloc::format!("{prefix}_{body}")
}

/// The prefix and payload of `text`.
/// # Errors
/// The first [`TextError`] that applies.
pub fn decode(text: &str) -> Result<(Prefix, Vec<u8>), TextError> {
    let (prefix, body) = split(text)?;
    let mut payload = match prefix.alphabet() {
        Alphabet::Base58 if body.len() > BASE58_CHARS_MAX => {
            return Err(TextError::Length { prefix, got: body.len() });
        }
        Alphabet::Base58 => bs58::decode(body).into_vec().map_err(|_| TextError::Alphabet { prefix })?,
        Alphabet::Base64 => BASE64.decode(body).map_err(|_| TextError::Alphabet { prefix })?,
    };
    let length = payload.len().checked_sub(CHECK_BYTES).ok_or(TextError::Checksum)?;
    let check = payload.split_off(length);
    if !banyan_crypto::sha256_twice(&payload).starts_with(&check) {
        return Err(TextError::Checksum);
    }
    match prefix.payload_bytes() {
        Some(bytes) if bytes != payload.len() => Err(TextError::Length { prefix, got: payload.len() }),
        _ => Ok((prefix, payload)),
    }
}

/// The payload of `text`, which must stand under `prefix`.
/// # Errors
/// The first [`TextError`] that applies.
pub fn decode_as(prefix: Prefix, text: &str) -> Result<Vec<u8>, TextError> {
    match decode(text)? {
        (got, payload) if got == prefix => Ok(payload),
        (got, _) => Err(TextError::Unexpected { got }),
    }
}

/// The prefix and the undecoded body of `text`.
/// # Errors
/// `TooLong`, `NoPrefix`, `Unsupported` or `Unknown`.
pub fn split(text: &str) -> Result<(Prefix, &str), TextError> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(TextError::TooLong { got: text.len() });
    }
    let (prefix, body) = text.split_once('_').ok_or(TextError::NoPrefix)?;
    if body.contains('_') {
        return Err(TextError::NoPrefix);
    }
    if let Some(known) = UNSUPPORTED.iter().find(|known| **known == prefix) {
        return Err(TextError::Unsupported(known));
    }
    let known = Prefix::ALL.iter().find(|known| known.as_str() == prefix);
    known.map(|known| (*known, body)).ok_or_else(|| TextError::Unknown(prefix.chars().take(16).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn accounts_read_as_the_public_convention_writes_them() {
        // The all-zero account, which dry runs of the public node start from, and the first account of the mnemonic
        // `abandon … about` with its hexadecimal key, both public.
        let zero = "ak_11111111111111111111111111111111273Yts";
        assert_eq!(encode(Prefix::Account, &[0; 32]), zero);
        assert_eq!(decode(zero), Ok((Prefix::Account, alloc::vec![0; 32])));
    }

    #[test]
    fn text_encodings_reject_a_wrong_checksum_prefix_and_length() {
        let good = encode(Prefix::Account, &[7; 32]);
        let mut mistyped = good.clone();
        mistyped.replace_range(10..11, if &good[10..11] == "x" { "y" } else { "x" });
        let rows = [
            (String::from("ak"), TextError::NoPrefix),
            (String::from("ak_1_1"), TextError::NoPrefix),
            (String::from("nm_abc"), TextError::Unsupported("nm")),
            (String::from("zz_abc"), TextError::Unknown("zz".into())),
            (String::from("ak_0OIl"), TextError::Alphabet { prefix: Prefix::Account }),
            (String::from("tx_***"), TextError::Alphabet { prefix: Prefix::TransactionBytes }),
            (mistyped, TextError::Checksum),
            (String::from("ak_1"), TextError::Checksum),
            (encode(Prefix::Account, &[7; 31]), TextError::Length { prefix: Prefix::Account, got: 31 }),
            (alloc::format!("ak_{}", "1".repeat(100)), TextError::Length { prefix: Prefix::Account, got: 100 }),
            ("x".repeat(TEXT_BYTES_MAX + 1), TextError::TooLong { got: TEXT_BYTES_MAX + 1 }),
        ];
        for (text, error) in rows {
            assert_eq!(decode(&text), Err(error));
        }
        assert_eq!(decode_as(Prefix::Contract, &good), Err(TextError::Unexpected { got: Prefix::Account }));
    }

    proptest! {
        #[test]
        fn every_prefix_round_trips(index in 0..Prefix::ALL.len(), bytes in proptest::collection::vec(any::<u8>(), 64)) {
            let prefix = Prefix::ALL[index];
            let payload = &bytes[..prefix.payload_bytes().unwrap_or(50)];
            prop_assert_eq!(decode(&encode(prefix, payload)), Ok((prefix, payload.to_vec())));
        }

        #[test]
        fn no_text_makes_the_decoder_panic(text in "\\PC{0,80}", index in 0..Prefix::ALL.len()) {
            let _ = decode(&text);
            let _ = decode(&alloc::format!("{}_{text}", Prefix::ALL[index]));
        }
    }
}
