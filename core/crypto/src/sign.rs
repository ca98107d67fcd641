//! Ed25519 by ZIP-215: canonical `s`, any encoding of key and R that decodes, cofactored equation.

use ed25519_dalek::{Signer as _, SigningKey};

/// The signature does not verify under the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("signature does not verify")]
pub struct BadSignature;

/// One statement to check: `signature` by `key` over `message`.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// Public key, 32 bytes.
    pub key: &'a [u8; 32],
    /// The signed bytes.
    pub message: &'a [u8],
    /// R and s, 64 bytes.
    pub signature: &'a [u8; 64],
}

/// Check one signature.
/// # Errors
/// [`BadSignature`], which is the sender's fault for ever.
pub fn verify(claim: Claim<'_>) -> Result<(), BadSignature> {
    let key = ed25519_zebra::VerificationKey::try_from(*claim.key).map_err(|_| BadSignature)?;
    let signature = ed25519_zebra::Signature::from(*claim.signature);
    key.verify(&signature, claim.message).map_err(|_| BadSignature)
}

/// Check all `claims`; the same verdict as [`verify`] on each, several times faster with the feature `batch`.
/// # Errors
/// The position of the first claim that fails.
pub fn verify_all(claims: &[Claim<'_>]) -> Result<(), usize> {
    if batch_verifies(claims) {
        return Ok(());
    }
    claims.iter().position(|claim| verify(*claim).is_err()).map_or(Ok(()), Err)
}

#[cfg(feature = "batch")]
fn batch_verifies(claims: &[Claim<'_>]) -> bool {
    use rand_chacha::rand_core::SeedableRng as _;

    // The coefficients must be unpredictable to whoever made the signatures. Core knows no random source, so they are
    // drawn from a hash over the whole batch: changing any byte of it changes all of them.
    let mut transcript = alloc::vec::Vec::with_capacity(claims.len().saturating_mul(160));
    let mut batch = ed25519_zebra::batch::Verifier::new();
    for claim in claims {
        transcript.extend_from_slice(claim.key);
        transcript.extend_from_slice(claim.signature);
        transcript.extend_from_slice(&crate::sha256(&[claim.message]));
        let key = ed25519_zebra::VerificationKeyBytes::from(*claim.key);
        batch.queue((key, ed25519_zebra::Signature::from(*claim.signature), claim.message));
    }
    let seed = crate::sha256(&[b"banyan batch verification", &transcript]);
    batch.verify(rand_chacha::ChaCha20Rng::from_seed(seed)).is_ok()
}

#[cfg(not(feature = "batch"))]
const fn batch_verifies(_claims: &[Claim<'_>]) -> bool {
    false
}

/// An Ed25519 secret, zeroised when dropped.
#[derive(Clone)]
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// The key of a 32-byte seed.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(SigningKey::from_bytes(&seed))
    }

    /// The 32-byte seed. Secret: for keystores only.
    pub fn seed(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// The public key, 32 bytes.
    pub fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// Sign `message`; the same bytes always give the same signature.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl core::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SecretKey(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    /// A key from a fixed seed: for tests only.
    fn key(seed: u8) -> SecretKey {
        SecretKey::from_seed([seed; 32])
    }

    #[test]
    fn a_signature_verifies_under_its_own_key_and_message_only() {
        let (signature, public) = (key(1).sign(b"hello"), key(1).public());
        let claim = Claim { key: &public, message: b"hello", signature: &signature };
        assert_eq!(verify(claim), Ok(()));
        assert_eq!(verify(Claim { message: b"hellp", ..claim }), Err(BadSignature));
        assert_eq!(verify(Claim { key: &key(2).public(), ..claim }), Err(BadSignature));
    }

    #[test]
    fn small_order_points_are_accepted_as_zip_215_demands() {
        // Key and R are the identity in a non-canonical encoding (y = p + 1) and s is zero: every message verifies.
        let mut identity = [0xff; 32];
        identity[0] = 0xee;
        identity[31] = 0x7f;
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&identity);
        let claim = Claim { key: &identity, message: b"any", signature: &signature };
        assert_eq!(verify(claim), Ok(()));
        assert_eq!(verify_all(&[claim, claim]), Ok(()));
    }

    /// The encodings of the points of small order, canonical or not, of which rules differ about what they accept.
    fn odd_points() -> Vec<[u8; 32]> {
        let of = |low: u8, rest: u8, high: u8| {
            let mut point = [rest; 32];
            (point[0], point[31]) = (low, high);
            point
        };
        let zeros = [of(0, 0, 0), of(0, 0, 0x80), of(1, 0, 0), of(1, 0, 0x80)];
        let high = [0xec, 0xed, 0xee].into_iter().flat_map(|low| [of(low, 0xff, 0x7f), of(low, 0xff, 0xff)]);
        zeros.into_iter().chain(high).collect()
    }

    /// Adds the order of the group to a signature's `s`.
    fn add_order(signature: &mut [u8; 64]) {
        let order = hex::decode("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010").unwrap();
        let mut carry = 0_u16;
        for (byte, more) in signature[32..].iter_mut().zip(order) {
            let sum = u16::from(*byte) + u16::from(more) + carry;
            (*byte, carry) = (sum.to_le_bytes()[0], sum >> 8);
        }
    }

    /// What the other implementation of the rule says.
    fn other(claim: Claim<'_>) -> bool {
        let key = ed25519_consensus::VerificationKey::try_from(&claim.key[..]);
        key.is_ok_and(|key| key.verify(&ed25519_consensus::Signature::from(*claim.signature), claim.message).is_ok())
    }

    #[test]
    fn two_implementations_agree_about_points_of_small_order() {
        let mut accepted = 0;
        for key in odd_points() {
            for r in odd_points() {
                for s in [[0; 32], {
                    let mut one = [0; 32];
                    one[0] = 1;
                    one
                }] {
                    let mut signature = [0; 64];
                    signature[..32].copy_from_slice(&r);
                    signature[32..].copy_from_slice(&s);
                    for message in [&b"any"[..], b"other"] {
                        let claim = Claim { key: &key, message, signature: &signature };
                        let good = verify(claim).is_ok();
                        assert_eq!((good, verify_all(&[claim, claim]).is_ok()), (other(claim), good), "{key:?} {r:?}");
                        accepted += u32::from(good);
                    }
                }
            }
        }
        assert!(accepted > 50, "the rule accepts them: {accepted}");
    }

    proptest! {
        #[test]
        fn two_implementations_agree_about_what_is_broken(
            seed: u8, message: [u8; 8], key_flip in proptest::option::of((0usize..32, 0u8..8)),
            flip in proptest::option::of((0usize..64, 0u8..8)), above in any::<bool>()
        ) {
            let (mut public, mut signature) = (key(seed).public(), key(seed).sign(&message));
            if let Some((byte, bit)) = key_flip { public[byte] ^= 1 << bit; }
            if let Some((byte, bit)) = flip { signature[byte] ^= 1 << bit; }
            // The same s, written larger by the order of the group: not canonical.
            if above { add_order(&mut signature); }
            let claim = Claim { key: &public, message: &message, signature: &signature };
            prop_assert_eq!(verify(claim).is_ok(), other(claim));
        }

        #[test]
        fn single_and_batch_verification_accept_the_same_set(
            flips in proptest::collection::vec((any::<u8>(), proptest::option::of((0usize..64, 0u8..8))), 1..20)
        ) {
            let signed: Vec<_> = flips.iter().map(|(seed, flip)| {
                let mut signature = key(*seed).sign(&[*seed]);
                if let Some((byte, bit)) = flip { signature[*byte] ^= 1 << bit; }
                (key(*seed).public(), [*seed], signature)
            }).collect();
            let claims: Vec<_> = signed.iter()
                .map(|(key, message, signature)| Claim { key, message, signature }).collect();
            let single = claims.iter().position(|claim| verify(*claim).is_err());
            prop_assert_eq!(verify_all(&claims).err(), single);
        }
    }
}
