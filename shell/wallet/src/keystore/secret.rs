//! What a keystore keeps: a secret key or a mnemonic, and the password that locks it.

use core::fmt;
use std::{fs::File, io::Read as _, path::Path};

use banyan_crypto::SecretKey;
use banyan_types::{
    AccountId,
    text::{self, Prefix, TextError},
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::mnemonic::{BadMnemonic, Mnemonic};

/// Bytes of a password at most.
pub const PASSWORD_BYTES_MAX: usize = 1024;

/// Which of the two secrets: the `secret_type` of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretKind {
    /// One Ed25519 key, as the public tools write it.
    Ed25519,
    /// A mnemonic under the empty passphrase. Only this wallet knows the kind.
    Bip39,
}

impl fmt::Display for SecretKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ed25519 => "ed25519",
            Self::Bip39 => "bip39",
        })
    }
}

/// What must not be lost nor shown, wiped when dropped.
#[derive(Debug, Clone)]
pub enum Secret {
    /// One account.
    Key(SecretKey),
    /// As many accounts as one wants, under the empty passphrase.
    Mnemonic(Mnemonic),
}

/// Why a text is not a secret; the writer's fault. No variant repeats the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSecret {
    /// Several words, but not a mnemonic.
    #[error(transparent)]
    Mnemonic(BadMnemonic),
    /// 128 hexadecimal digits whose second half is not the public key of the first.
    #[error("the second 64 digits are not the public key of the first 64: look for a mistyped digit")]
    Halves,
    /// Neither of the forms of a key.
    #[error("not a secret key: sk_ text, 128 hexadecimal digits or a mnemonic is needed ({0})")]
    Key(TextError),
}

impl Secret {
    /// Read a secret key (`sk_` with the 32-byte seed, or 128 hexadecimal digits: the seed and the public key) or
    /// the words of a mnemonic.
    /// # Errors
    /// The first [`BadSecret`] that applies to the form that the text looks like.
    pub fn parse(text: &str) -> Result<Self, BadSecret> {
        let text = text.trim();
        if text.contains(char::is_whitespace) {
            return Mnemonic::parse(text).map(Self::Mnemonic).map_err(BadSecret::Mnemonic);
        }
        let mut pair = Zeroizing::new([0; 64]);
        if hex::decode_to_slice(text, &mut *pair).is_ok() {
            return Self::from_pair(&*pair).ok_or(BadSecret::Halves);
        }
        let seed = Zeroizing::new(text::decode_as(Prefix::SecretSeed, text).map_err(BadSecret::Key)?);
        let seed = seed_of(&seed).ok_or(BadSecret::Key(TextError::Checksum))?;
        Ok(Self::Key(SecretKey::from_seed(*seed)))
    }

    /// The secret as text that [`Secret::parse`] reads: `sk_…` or the words. For the owner's eyes only.
    pub fn reveal(&self) -> Zeroizing<String> {
        match self {
            Self::Key(key) => Zeroizing::new(text::encode(Prefix::SecretSeed, &*Zeroizing::new(key.seed()))),
            Self::Mnemonic(mnemonic) => mnemonic.phrase(),
        }
    }

    /// Which kind it is.
    pub const fn kind(&self) -> SecretKind {
        match self {
            Self::Key(_) => SecretKind::Ed25519,
            Self::Mnemonic(_) => SecretKind::Bip39,
        }
    }

    /// The key of account `index`, `None` for any but the first account of a single key.
    pub fn key(&self, index: u16) -> Option<SecretKey> {
        match self {
            Self::Key(key) => (index == 0).then(|| key.clone()),
            Self::Mnemonic(mnemonic) => Some(mnemonic.account(index)),
        }
    }

    /// The first account.
    pub fn account(&self) -> AccountId {
        AccountId(match self {
            Self::Key(key) => key.public(),
            Self::Mnemonic(mnemonic) => mnemonic.account(0).public(),
        })
    }

    /// What is locked: seed and public key (64 bytes), or the entropy of the words (16 or 32 bytes).
    pub(super) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        match self {
            Self::Key(key) => {
                let mut pair = Zeroizing::new(Vec::with_capacity(64));
                pair.extend_from_slice(&*Zeroizing::new(key.seed()));
                pair.extend_from_slice(&key.public());
                pair
            }
            Self::Mnemonic(mnemonic) => mnemonic.entropy(),
        }
    }

    /// The inverse of [`Self::to_bytes`], `None` if no secret of this kind has these bytes.
    pub(super) fn from_bytes(kind: SecretKind, bytes: &[u8]) -> Option<Self> {
        match kind {
            SecretKind::Ed25519 => Self::from_pair(bytes),
            SecretKind::Bip39 => Mnemonic::from_entropy(bytes).map(Self::Mnemonic),
        }
    }

    /// The key of a seed and its public key.
    fn from_pair(pair: &[u8]) -> Option<Self> {
        let (seed, public) = pair.split_at_checked(32)?;
        let key = SecretKey::from_seed(*seed_of(seed)?);
        (key.public() == *public).then_some(Self::Key(key))
    }
}

fn seed_of(bytes: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    bytes.try_into().ok().map(Zeroizing::new)
}

/// What locks a secret, wiped when dropped. It comes from a prompt or a file, never from a command line, which every
/// process on the machine can read.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

/// Why a password cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum BadPassword {
    /// The file cannot be read.
    #[error("the password file cannot be read: {0}")]
    Disk(#[from] std::io::Error),
    /// More than [`PASSWORD_BYTES_MAX`] bytes.
    #[error("the password is longer than {PASSWORD_BYTES_MAX} bytes")]
    TooLong,
    /// Nothing to lock with.
    #[error("the password is empty")]
    Empty,
}

impl Password {
    /// The password `text`.
    /// # Errors
    /// [`BadPassword::TooLong`] or [`BadPassword::Empty`].
    pub fn new(text: String) -> Result<Self, BadPassword> {
        let text = Zeroizing::new(text);
        match text.len() {
            0 => Err(BadPassword::Empty),
            1..=PASSWORD_BYTES_MAX => Ok(Self(text)),
            _ => Err(BadPassword::TooLong),
        }
    }

    /// The first line of the file at `path`, which holds nothing else.
    /// # Errors
    /// Any [`BadPassword`].
    pub fn from_file(path: &Path) -> Result<Self, BadPassword> {
        let limit = PASSWORD_BYTES_MAX + "\r\n".len();
        let mut text = Zeroizing::new(String::with_capacity(limit + 1));
        File::open(path)?.take(limit as u64 + 1).read_to_string(&mut text)?;
        let line = text.strip_suffix('\n').unwrap_or(&text);
        Self::new(line.strip_suffix('\r').unwrap_or(line).to_owned())
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mnemonic::DEV_MNEMONIC;
    use proptest::prelude::*;

    // The first account of the dev mnemonic, as the public tool prints it.
    const SK: &str = "sk_3CXjJ442EpPiSGrEhyRM6GH27PbdWzEPW3SVFD3vThXocDM2x";
    const HEX: &str = "04fe1c705457b4607474d1d8f5354536c00d2a924542daf63653d0f15e141d0d84ae8c0fb5fc9df3af67a9348e254cd602b84ccc670faa247600abaec01b5294";

    #[test]
    fn all_forms_of_a_secret_name_the_same_account() {
        for text in [SK, HEX, &HEX.to_uppercase(), &format!(" {SK}\n"), DEV_MNEMONIC] {
            let account = Secret::parse(text).unwrap().account();
            assert_eq!(account.to_string(), "ak_21SBPc3yHP7bpQDvD1KMKzZZEgLtSXpDsK97LTjVwjiskra6Ka");
        }
        assert_eq!(*Secret::parse(HEX).unwrap().reveal(), SK);
        assert_eq!(*Secret::parse(DEV_MNEMONIC).unwrap().reveal(), DEV_MNEMONIC);
    }

    #[test]
    fn a_bad_secret_says_what_is_wrong_with_it() {
        let rows = [
            (HEX.replace("04fe", "04ff"), BadSecret::Halves),
            (SK.replace("3CX", "3CY"), BadSecret::Key(TextError::Checksum)),
            (HEX[..64].to_owned(), BadSecret::Key(TextError::NoPrefix)),
            (AccountId([1; 32]).to_string(), BadSecret::Key(TextError::Unexpected { got: Prefix::Account })),
            ("abandon about".to_owned(), BadSecret::Mnemonic(BadMnemonic::Count { got: 2 })),
        ];
        for (text, error) in rows {
            assert_eq!(Secret::parse(&text).err(), Some(error));
        }
    }

    #[test]
    fn only_a_mnemonic_has_a_second_account() {
        assert!(Secret::parse(SK).unwrap().key(1).is_none());
        assert!(Secret::parse(DEV_MNEMONIC).unwrap().key(1).is_some());
    }

    #[test]
    fn a_password_file_holds_one_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("password");
        let read = |content: &str| {
            std::fs::write(&path, content).unwrap();
            Password::from_file(&path).map(|password| password.as_bytes().to_vec())
        };
        for content in ["two words", "two words\n", "two words\r\n"] {
            assert_eq!(read(content).unwrap(), b"two words");
        }
        let longest = "x".repeat(PASSWORD_BYTES_MAX);
        assert_eq!(read(&format!("{longest}\r\n")).unwrap(), longest.as_bytes());
        assert!(matches!(read(&format!("{longest}x")), Err(BadPassword::TooLong)));
        assert!(matches!(read("\n"), Err(BadPassword::Empty)));
    }

    #[test]
    fn debug_output_shows_no_secret() {
        let password = Password::new("hunter2".into()).unwrap();
        let shown = format!("{password:?} {:?} {:?}", Secret::parse(SK), Secret::parse(DEV_MNEMONIC));
        assert_eq!(shown, "Password(hidden) Ok(Key(SecretKey(hidden))) Ok(Mnemonic(Mnemonic(hidden)))");
    }

    proptest! {
        #[test]
        fn secret_keys_round_trip(seed: [u8; 32]) {
            let secret = Secret::Key(SecretKey::from_seed(seed));
            prop_assert_eq!(Secret::parse(&secret.reveal()).unwrap().account(), secret.account());
            prop_assert_eq!(Secret::parse(&hex::encode(&*secret.to_bytes())).unwrap().account(), secret.account());
        }

        #[test]
        fn any_text_is_a_secret_or_refused(text in ".{0,200}", digits in "[0-9a-f]{128}") {
            prop_assert!(Secret::parse(&text).is_err());
            prop_assert_eq!(Secret::parse(&digits).err(), Some(BadSecret::Halves));
        }
    }
}
