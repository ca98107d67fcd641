//! One account as a file: the public keystore format, version 1.
//!
//! `ciphertext` is the authenticator, then the locked secret (see [`Secret`]). Rules: protocol, node 3.1.

use banyan_types::AccountId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{
    error::{BadFile, KeystoreError},
    lock::{BadCost, Cost, NONCE_BYTES, SALT_BYTES, SALT_BYTES_READ, TAG_BYTES},
    name::Name,
    secret::{Password, Secret, SecretKind},
};
use crate::random::{NoRandomness, random};

/// Bytes of a file at most; ours have about 600.
pub const FILE_BYTES_MAX: usize = 16 * 1024;

/// The only version there is.
const VERSION: u32 = 1;

/// The file, field by field, in the order that we write. Unknown fields are ignored, as the public tools do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct File {
    pub name: String,
    version: u32,
    #[serde(with = "account_text")]
    pub public_key: AccountId,
    pub id: Uuid,
    crypto: Crypto,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Crypto {
    secret_type: SecretKind,
    symmetric_alg: SymmetricAlgorithm,
    #[serde(with = "hex::serde")]
    ciphertext: Vec<u8>,
    cipher_params: CipherParams,
    kdf: KeyDerivation,
    kdf_params: KeyDerivationParams,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum SymmetricAlgorithm {
    #[serde(rename = "xsalsa20-poly1305")]
    XSalsa20Poly1305,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum KeyDerivation {
    #[serde(rename = "argon2id")]
    Argon2id,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct CipherParams {
    #[serde(with = "hex::serde")]
    nonce: [u8; NONCE_BYTES],
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct KeyDerivationParams {
    memlimit_kib: u32,
    opslimit: u32,
    parallelism: u32,
    #[serde(with = "hex::serde")]
    salt: Vec<u8>,
}

/// What is drawn anew whenever a secret is locked: a nonce or salt that comes twice would weaken both files.
pub(super) struct Chance {
    salt: Zeroizing<[u8; SALT_BYTES]>,
    nonce: Zeroizing<[u8; NONCE_BYTES]>,
}

impl Chance {
    pub fn draw() -> Result<Self, NoRandomness> {
        Ok(Self { salt: random()?, nonce: random()? })
    }
}

impl File {
    /// Lock `secret` under `password`.
    pub fn lock(
        (name, id): (&str, Uuid),
        secret: &Secret,
        password: &Password,
        cost: Cost,
        chance: &Chance,
    ) -> Result<Self, KeystoreError> {
        let key = cost.key(password, &*chance.salt)?;
        let crypto = Crypto {
            secret_type: secret.kind(),
            symmetric_alg: SymmetricAlgorithm::XSalsa20Poly1305,
            ciphertext: key.lock(&chance.nonce, &secret.to_bytes()),
            cipher_params: CipherParams { nonce: *chance.nonce },
            kdf: KeyDerivation::Argon2id,
            kdf_params: KeyDerivationParams {
                memlimit_kib: cost.memlimit_kib(),
                opslimit: cost.opslimit(),
                parallelism: cost.parallelism(),
                salt: chance.salt.to_vec(),
            },
        };
        Ok(Self { name: name.into(), version: VERSION, public_key: secret.account(), id, crypto })
    }

    /// The secret, if `password` is right and the file tells the truth about it.
    pub fn unlock(&self, password: &Password) -> Result<Secret, KeystoreError> {
        let bad = |why| KeystoreError::File { name: self.name.clone(), why };
        let cost = self.cost().map_err(|error| bad(BadFile::Cost(error)))?;
        let key = cost.key(password, &self.crypto.kdf_params.salt)?;
        let plain = key
            .unlock(&self.crypto.cipher_params.nonce, &self.crypto.ciphertext)
            .ok_or_else(|| KeystoreError::WrongPassword { name: self.name.clone() })?;
        let secret = Secret::from_bytes(self.kind(), &plain).ok_or_else(|| bad(BadFile::Secret))?;
        match secret.account() {
            account if account == self.public_key => Ok(secret),
            got => Err(bad(BadFile::Account { stated: self.public_key, got })),
        }
    }

    /// Read and check everything that needs no password.
    pub fn parse(json: &[u8]) -> Result<Self, BadFile> {
        if json.len() > FILE_BYTES_MAX {
            return Err(BadFile::TooLong);
        }
        let file: Self = serde_json::from_slice(json)?;
        if file.version != VERSION {
            return Err(BadFile::Version { got: file.version });
        }
        file.cost()?;
        if !SALT_BYTES_READ.contains(&file.crypto.kdf_params.salt.len()) {
            return Err(BadFile::Salt { got: file.crypto.kdf_params.salt.len() });
        }
        let plain = file.crypto.ciphertext.len().checked_sub(TAG_BYTES);
        match (file.kind(), plain) {
            (SecretKind::Ed25519, Some(64)) | (SecretKind::Bip39, Some(16 | 32)) => Ok(file),
            _ => Err(BadFile::Ciphertext { got: file.crypto.ciphertext.len() }),
        }
    }

    /// The same secret, still locked, under another name.
    pub fn named(self, name: &Name) -> Self {
        Self { name: name.to_string(), ..self }
    }

    /// The file's text: one line.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("fields and strings are always JSON")
    }

    pub fn kind(&self) -> SecretKind {
        self.crypto.secret_type
    }

    fn cost(&self) -> Result<Cost, BadCost> {
        let params = &self.crypto.kdf_params;
        Cost::new(params.memlimit_kib, params.opslimit, params.parallelism)
    }
}

/// An account as `ak_` text.
mod account_text {
    use super::AccountId;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub fn serialize<S: Serializer>(account: &AccountId, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(account)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<AccountId, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    /// Made with the public command line tool 7.0.0: `account create`.
    const PUBLIC_TOOL: &str = include_str!("../../tests/vectors/aecli.json");
    const PUBLIC_TOOL_SECRET: &str = "sk_3CXjJ442EpPiSGrEhyRM6GH27PbdWzEPW3SVFD3vThXocDM2x";

    fn public_tool_password() -> Password {
        Password::new("correct horse bätterie 🌳".into()).unwrap()
    }

    fn with(pointer: &str, value: Value) -> String {
        let mut json: Value = serde_json::from_str(PUBLIC_TOOL).unwrap();
        *json.pointer_mut(pointer).unwrap() = value;
        json.to_string()
    }

    #[test]
    fn a_keystore_opens_with_the_public_tool() {
        // Theirs opens here.
        let theirs = File::parse(PUBLIC_TOOL.as_bytes()).unwrap();
        let secret = theirs.unlock(&public_tool_password()).unwrap();
        assert_eq!(*secret.reveal(), PUBLIC_TOOL_SECRET);

        // Ours opens there: with their salt, nonce and cost we write their file, value for value.
        let chance = Chance {
            salt: Zeroizing::new(theirs.crypto.kdf_params.salt.as_slice().try_into().unwrap()),
            nonce: Zeroizing::new(theirs.crypto.cipher_params.nonce),
        };
        let (name, cost) = ((theirs.name.as_str(), theirs.id), theirs.cost().unwrap());
        let ours = File::lock(name, &secret, &public_tool_password(), cost, &chance).unwrap();
        let (ours, theirs): (Value, Value) =
            (serde_json::from_str(&ours.to_json()).unwrap(), serde_json::from_str(PUBLIC_TOOL).unwrap());
        assert_eq!(ours, theirs);
    }

    #[test]
    fn a_file_that_lies_about_its_account_is_refused() {
        let other = AccountId([7; 32]);
        let file = File::parse(with("/public_key", json!(other.to_string())).as_bytes()).unwrap();
        let error = file.unlock(&public_tool_password()).unwrap_err();
        assert!(
            matches!(&error, KeystoreError::File { why: BadFile::Account { stated, .. }, .. } if *stated == other),
            "{error}"
        );
    }

    #[test]
    fn each_bad_file_has_its_own_message() {
        let long = json!("x".repeat(FILE_BYTES_MAX));
        let rows = [
            ("/name", long, "file is above the limit of 16384 bytes"),
            ("/version", json!(2), "version is 2, but only 1 is known"),
            ("/version", json!("1"), "not a keystore file: invalid type"),
            ("/public_key", json!("ak_1"), "not a keystore file: the checksum is wrong"),
            ("/id", json!("1"), "not a keystore file: UUID parsing failed"),
            ("/crypto/secret_type", json!("rsa"), "not a keystore file: unknown variant `rsa`"),
            ("/crypto/symmetric_alg", json!("rot13"), "not a keystore file: unknown variant `rot13`"),
            ("/crypto/kdf", json!("md5"), "not a keystore file: unknown variant `md5`"),
            ("/crypto/kdf_params/memlimit_kib", json!(1024), "memlimit_kib is 1024, but only 65536 to 2097152"),
            ("/crypto/kdf_params/memlimit_kib", json!(1u64 << 32), "not a keystore file: invalid value"),
            ("/crypto/kdf_params/opslimit", json!(1000), "opslimit is 1000, but only 2 to 16"),
            ("/crypto/kdf_params/parallelism", json!(0), "parallelism is 0, but only 1 to 16"),
            ("/crypto/kdf_params/salt", json!("00"), "salt of 1 bytes, but only 8 to 64"),
            ("/crypto/kdf_params/salt", json!("0"), "not a keystore file: Odd number of digits"),
            ("/crypto/cipher_params/nonce", json!("00"), "not a keystore file: Invalid string length"),
            ("/crypto/ciphertext", json!("00"), "ciphertext of 1 bytes does not fit its secret_type"),
            ("/crypto/secret_type", json!("bip39"), "ciphertext of 80 bytes does not fit its secret_type"),
            ("/crypto", json!({}), "not a keystore file: missing field"),
        ];
        for (pointer, value, message) in rows {
            let error = File::parse(with(pointer, value).as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with(message), "{pointer}: {error}");
        }
    }

    proptest! {
        #[test]
        fn malformed_files_never_panic(noise in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(File::parse(&noise).is_err());
        }

        #[test]
        fn a_damaged_file_is_refused_or_written_as_it_was_read(
            at in 0..PUBLIC_TOOL.len(), cut in 0..20usize, insert in proptest::collection::vec(any::<u8>(), 0..20)
        ) {
            let mut damaged = PUBLIC_TOOL.as_bytes().to_vec();
            let end = (at + cut).min(damaged.len());
            damaged.splice(at..end, insert);
            if let Ok(file) = File::parse(&damaged) {
                prop_assert_eq!(File::parse(file.to_json().as_bytes()).unwrap(), file);
            }
        }

        #[test]
        fn only_costs_within_the_limits_are_read(memory: u32, passes in 0..40u32, lanes in 0..40u32) {
            let mut json: Value = serde_json::from_str(PUBLIC_TOOL).unwrap();
            json["crypto"]["kdf_params"]["memlimit_kib"] = json!(memory);
            json["crypto"]["kdf_params"]["opslimit"] = json!(passes);
            json["crypto"]["kdf_params"]["parallelism"] = json!(lanes);
            let parsed = File::parse(json.to_string().as_bytes());
            prop_assert_eq!(parsed.is_ok(), Cost::new(memory, passes, lanes).is_ok());
        }
    }
}
