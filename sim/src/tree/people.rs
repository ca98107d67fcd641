//! Keys that a seed fixes, and who holds them.

use banyan_crypto::{SecretKey, blake2b};
use banyan_types::{AccountId, PublicKey};

/// Somebody with a key, and so with an account on every ledger.
#[derive(Clone, Debug)]
pub struct Person {
    /// The key.
    pub secret: SecretKey,
    /// The account.
    pub id: AccountId,
}

impl Person {
    /// The person of this role and number in the world of `seed`.
    pub fn new(seed: u64, role: &str, number: usize) -> Self {
        let number = number as u64;
        let secret =
            SecretKey::from_seed(blake2b(&[b"tree", &seed.to_be_bytes(), role.as_bytes(), &number.to_be_bytes()]));
        let id = AccountId(secret.public());
        Self { secret, id }
    }

    /// The public key.
    pub const fn key(&self) -> PublicKey {
        PublicKey(self.id.0)
    }
}
