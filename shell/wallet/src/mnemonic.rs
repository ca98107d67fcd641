//! Turn English words into keys: BIP-39 words, SLIP-10 Ed25519 keys on the path `m/44'/457'/i'/0'/0'`.
//!
//! The same words give the same accounts in every wallet of the public convention. Rules: protocol, node 3.1.

use core::fmt;
use std::sync::LazyLock;

use banyan_crypto::SecretKey;
use bip39::Language;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha512;
use zeroize::Zeroizing;

/// The mnemonic of every devnet. Everybody knows it: see [`is_dev_mnemonic`].
pub const DEV_MNEMONIC: &str =
    "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";

/// Bytes of a mnemonic's text that are read at most; 24 words of eight letters need 215.
pub const PHRASE_BYTES_MAX: usize = 1024;

/// The coin's number in the public registry of BIP-44 paths.
const COIN_TYPE: u32 = 457;
/// Added to an index whose step needs the secret key; Ed25519 has no other steps (SLIP-10).
const HARDENED: u32 = 1 << 31;

/// How many words a new mnemonic has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Words {
    /// 12 words: 16 bytes of entropy.
    Twelve,
    /// 24 words: 32 bytes of entropy.
    TwentyFour,
}

/// Why a text is not a mnemonic, in the order of the checks; always the writer's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadMnemonic {
    /// Longer than any mnemonic.
    #[error("text of {got} bytes is above the limit of {PHRASE_BYTES_MAX}")]
    TooLong {
        /// Bytes of the text.
        got: usize,
    },
    /// Another number of words.
    #[error("a mnemonic has 12 or 24 words, not {got}")]
    Count {
        /// Words in the text.
        got: usize,
    },
    /// A word that the English list does not have. The word itself is a secret and not repeated.
    #[error("word {position} is not in the English list")]
    UnknownWord {
        /// Which word, counted from 1.
        position: usize,
    },
    /// Mistyped, or in the wrong order.
    #[error("the words do not check: look for a mistyped or swapped word")]
    Checksum,
}

/// 12 or 24 English words with a valid checksum, wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Mnemonic(bip39::Mnemonic);

impl Mnemonic {
    /// A new mnemonic; 12 words use the first 16 bytes of `entropy`, see [`crate::random::random`].
    ///
    /// # Panics
    /// Never: both lengths are allowed.
    pub fn generate(words: Words, entropy: &[u8; 32]) -> Self {
        let used = match words {
            Words::Twelve => &entropy[..16],
            Words::TwentyFour => &entropy[..],
        };
        Self::from_entropy(used).expect("16 and 32 bytes are lengths of BIP-39")
    }

    /// The mnemonic of 16 or 32 bytes, `None` for any other length.
    pub fn from_entropy(entropy: &[u8]) -> Option<Self> {
        let words = matches!(entropy.len(), 16 | 32).then(|| bip39::Mnemonic::from_entropy(entropy))?;
        words.ok().map(Self)
    }

    /// Read 12 or 24 English words in any case, with any white space between them.
    /// # Errors
    /// The first [`BadMnemonic`] that applies.
    pub fn parse(text: &str) -> Result<Self, BadMnemonic> {
        if text.len() > PHRASE_BYTES_MAX {
            return Err(BadMnemonic::TooLong { got: text.len() });
        }
        let text = Zeroizing::new(text.to_lowercase());
        match text.split_whitespace().count() {
            12 | 24 => {}
            got => return Err(BadMnemonic::Count { got }),
        }
        bip39::Mnemonic::parse_in_normalized(Language::English, &text).map(Self).map_err(|error| match error {
            bip39::Error::UnknownWord(index) => BadMnemonic::UnknownWord { position: index.saturating_add(1) },
            _ => BadMnemonic::Checksum,
        })
    }

    /// The words with one space between them. Secret: `Display` is missing on purpose.
    pub fn phrase(&self) -> Zeroizing<String> {
        let mut phrase = Zeroizing::new(String::with_capacity(PHRASE_BYTES_MAX)); // never grows: no copy stays behind
        for word in self.0.words() {
            if !phrase.is_empty() {
                phrase.push(' ');
            }
            phrase.push_str(word);
        }
        phrase
    }

    /// The 16 or 32 bytes that the words stand for.
    pub fn entropy(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.0.to_entropy())
    }

    /// The seed under `passphrase`, which is empty unless the owner chose one. Another passphrase is another wallet.
    pub fn seed(&self, passphrase: &str) -> Seed {
        Seed(Zeroizing::new(self.0.to_seed(passphrase)))
    }

    /// The secret key of account `index` under the empty passphrase.
    pub fn account(&self, index: u16) -> SecretKey {
        self.seed("").account(index)
    }
}

impl fmt::Debug for Mnemonic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mnemonic(hidden)")
    }
}

/// Is this the public mnemonic of the devnets? Whoever holds a genesis of another profile refuses it: its coins are
/// anybody's.
pub fn is_dev_mnemonic(mnemonic: &Mnemonic) -> bool {
    static DEV: LazyLock<Mnemonic> = LazyLock::new(|| Mnemonic::parse(DEV_MNEMONIC).expect("the constant is valid"));
    *mnemonic == *DEV
}

/// The 64 bytes from which all accounts of a mnemonic and passphrase follow, wiped when dropped.
pub struct Seed(Zeroizing<[u8; 64]>);

impl Seed {
    /// The secret key at `m/44'/457'/index'/0'/0'`.
    ///
    /// The index is 16 bits wide, narrower than the convention's 31, so that every value is an account.
    pub fn account(&self, index: u16) -> SecretKey {
        let path = [44, COIN_TYPE, u32::from(index), 0, 0];
        let node = path.into_iter().fold(Node::master(&*self.0), |node, step| node.child(step));
        SecretKey::from_seed(*node.key)
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(hidden)")
    }
}

/// A place in the tree of keys (SLIP-10).
struct Node {
    key: Zeroizing<[u8; 32]>,
    chain_code: Zeroizing<[u8; 32]>,
}

impl Node {
    fn master(seed: &[u8]) -> Self {
        Self::hash(b"ed25519 seed", &[seed])
    }

    /// The hardened child `step`, which is below 2^31.
    fn child(&self, step: u32) -> Self {
        Self::hash(&*self.chain_code, &[&[0], &*self.key, &(step | HARDENED).to_be_bytes()])
    }

    fn hash(key: &[u8], parts: &[&[u8]]) -> Self {
        let mut mac = Hmac::<Sha512>::new_from_slice(key).expect("a key of any length will do");
        for part in parts {
            mac.update(part);
        }
        let digest = Zeroizing::new(<[u8; 64]>::from(mac.finalize().into_bytes()));
        let mut node = Self { key: Zeroizing::default(), chain_code: Zeroizing::default() };
        node.key.copy_from_slice(&digest[..32]);
        node.chain_code.copy_from_slice(&digest[32..]);
        node
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use banyan_types::AccountId;
    use proptest::prelude::*;

    fn account(mnemonic: &Mnemonic, index: u16) -> String {
        AccountId(mnemonic.account(index).public()).to_string()
    }

    #[test]
    fn the_dev_mnemonic_gives_the_accounts_that_every_wallet_shows() {
        let mnemonic = Mnemonic::parse(DEV_MNEMONIC).unwrap();
        let rows = [
            "ak_21SBPc3yHP7bpQDvD1KMKzZZEgLtSXpDsK97LTjVwjiskra6Ka",
            "ak_iV7sCUsuKZytEEBEsX9N2K37m26X132LegogrgJEWzzPVjmmS",
            "ak_2D8fAoXC3dweJkpstEp89uXQby7i4RU6HeXyPNmyCjXLGH6pPz",
        ];
        for (index, expected) in (0..).zip(rows) {
            assert_eq!(account(&mnemonic, index), expected);
        }
    }

    #[test]
    fn twenty_four_words_give_the_accounts_of_the_public_tool() {
        // Made with the public JavaScript SDK 14.1.1.
        let words = "letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd \
                     amount doctor acoustic avoid letter advice cage absurd amount doctor acoustic bless";
        let mnemonic = Mnemonic::parse(words).unwrap();
        assert_eq!(account(&mnemonic, 0), "ak_zY2eGdhzf7bjZr8GubdQe4cYXKrmY2JE8HWCqp5VQUvYbNkWw");
        assert_eq!(account(&mnemonic, 1), "ak_3pBnzYnD63sgThvxRx7pLroKgymCi8zrrbx2Bn5KoxKjXyQhB");
    }

    #[test]
    fn a_passphrase_is_another_wallet() {
        let mnemonic = Mnemonic::parse(DEV_MNEMONIC).unwrap();
        // The first vector of BIP-39.
        let seed = "c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f2cf141630c7a3c4ab7c81b2f001698e7463b04";
        assert_eq!(hex::encode(*mnemonic.seed("TREZOR").0), seed);
        assert_ne!(mnemonic.seed("TREZOR").account(0).public(), mnemonic.account(0).public());
    }

    #[test]
    fn keys_follow_slip_10() {
        // Test vector 1 for ed25519 of SLIP-10: m, m/0', m/0'/1'.
        let rows = [
            (
                "90046a93de5380a72b5e45010748567d5ea02bbf6522f979e05c0d8d8ca9fffb",
                "2b4be7f19ee27bbf30c667b642d5f4aa69fd169872f8fc3059c08ebae2eb19e7",
            ),
            (
                "8b59aa11380b624e81507a27fedda59fea6d0b779a778918a2fd3590e16e9c69",
                "68e0fe46dfb67e368c75379acec591dad19df3cde26e63b93a8e704f1dade7a3",
            ),
            (
                "a320425f77d1b5c2505a6b1b27382b37368ee640e3557c315416801243552f14",
                "b1d0bad404bf35da785a64ca1ac54b2617211d2777696fbffaf208f746ae84f2",
            ),
        ];
        let master = Node::master(&hex::decode("000102030405060708090a0b0c0d0e0f").unwrap());
        let child = master.child(0);
        let grandchild = child.child(1);
        for (node, (chain_code, key)) in [master, child, grandchild].iter().zip(rows) {
            assert_eq!((hex::encode(*node.chain_code), hex::encode(*node.key)), (chain_code.into(), key.into()));
        }
    }

    #[test]
    fn bad_words_are_named_without_being_repeated() {
        let many = |count| vec!["abandon"; count].join(" ");
        let rows = [
            (String::new(), BadMnemonic::Count { got: 0 }),
            (many(11), BadMnemonic::Count { got: 11 }),
            (many(15), BadMnemonic::Count { got: 15 }), // BIP-39 has it, the wallet does not
            (many(12), BadMnemonic::Checksum),
            (DEV_MNEMONIC.replace("about", "abouts"), BadMnemonic::UnknownWord { position: 12 }),
            ("a".repeat(PHRASE_BYTES_MAX + 1), BadMnemonic::TooLong { got: PHRASE_BYTES_MAX + 1 }),
        ];
        for (text, error) in rows {
            assert_eq!(Mnemonic::parse(&text), Err(error));
        }
    }

    #[test]
    fn only_the_dev_mnemonic_is_the_dev_mnemonic() {
        let shouted = Mnemonic::parse(&DEV_MNEMONIC.to_uppercase().replace(' ', "\n  ")).unwrap();
        assert!(is_dev_mnemonic(&shouted));
        assert!(!is_dev_mnemonic(&Mnemonic::generate(Words::Twelve, &[7; 32])));
        assert!(!is_dev_mnemonic(&Mnemonic::generate(Words::TwentyFour, &[0; 32])));
    }

    #[test]
    fn debug_output_shows_no_secret() {
        let mnemonic = Mnemonic::parse(DEV_MNEMONIC).unwrap();
        assert_eq!(format!("{mnemonic:?} {:?}", mnemonic.seed("")), "Mnemonic(hidden) Seed(hidden)");
    }

    proptest! {
        #[test]
        fn words_and_entropy_round_trip(entropy: [u8; 32], long: bool) {
            let words = if long { Words::TwentyFour } else { Words::Twelve };
            let mnemonic = Mnemonic::generate(words, &entropy);
            prop_assert_eq!(Mnemonic::parse(&mnemonic.phrase()), Ok(mnemonic.clone()));
            prop_assert_eq!(Mnemonic::from_entropy(&mnemonic.entropy()), Some(mnemonic));
        }

        #[test]
        fn any_text_is_parsed_or_refused(text in ".{0,200}", words in "([a-z]{1,8} ){12}") {
            prop_assert!(Mnemonic::parse(&text).is_err());
            let _ = Mnemonic::parse(&words).map(|mnemonic| mnemonic.phrase());
        }
    }
}
