//! Ed25519 as contracts check it: op `VERIFY_SIG`. The one check of this program that is not by ZIP-215.
//!
//! The reference calls libsodium's `crypto_sign_verify_detached`, whose rule (1.0.16 to 1.0.18, `ed25519/ref10/open.c`) is:
//! s below the order; a key that is canonical, decodes and is not of small order; an R that is not of small order; the
//! equation without the cofactor, by comparing R's bytes with those computed, so that R is canonical too. Since 1.0.19
//! libsodium multiplies by the cofactor. The two differ only on signatures made on purpose with a torsion component by
//! whoever holds the key; we keep the older rule, the one that distributions ship to the reference's nodes.

use ed25519_dalek::{Signature, VerifyingKey};

use crate::{BadSignature, Claim};

/// Little-endian bytes of the field's prime 2^255 − 19: a canonical y is below it.
const PRIME: [u8; 32] = {
    let mut bytes = [0xff; 32];
    bytes[0] = 0xed;
    bytes[31] = 0x7f;
    bytes
};

/// Check one signature by libsodium's rule.
/// # Errors
/// [`BadSignature`], which a contract sees as `false`.
pub fn verify_strict(claim: Claim<'_>) -> Result<(), BadSignature> {
    if !is_canonical(claim.key) {
        return Err(BadSignature);
    }
    let key = VerifyingKey::from_bytes(claim.key).map_err(|_| BadSignature)?;
    key.verify_strict(claim.message, &Signature::from_bytes(claim.signature)).map_err(|_| BadSignature)
}

/// Whether the encoded y, without the sign bit, is below the prime.
fn is_canonical(point: &[u8; 32]) -> bool {
    let mut y = *point;
    if let Some(high) = y.last_mut() {
        *high &= 0x7f;
    }
    y.iter().rev().lt(PRIME.iter().rev())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SecretKey, verify};
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn bytes<const N: usize>(text: &str) -> [u8; N] {
        hex::decode(text).expect("hex in a test").try_into().expect("length in a test")
    }

    /// The sum of two little-endian numbers; nothing is carried out of the last byte here.
    fn sum(left: &[u8], right: &[u8]) -> Vec<u8> {
        let mut carry = 0;
        let add = |(l, r): (&u8, &u8)| {
            carry = u16::from(*l) + u16::from(*r) + (carry >> 8);
            carry.to_le_bytes()[0]
        };
        left.iter().zip(right).map(add).collect()
    }

    #[test]
    fn the_fate_vectors_are_met() {
        // `check` in crypto.json: one signature, by w over the message 1.
        let signature = bytes(concat!(
            "bb90500317b80353ea1e70826774fe38f19a5d7fcaf736d30922bc68a9c23a53",
            "ab0ec03a06fe3e5f8a9e1d2e56159fd4bcaf97202924baa6c371ba66327bf50d"
        ));
        let w = bytes("6bc78c8e63ccbbac171ed7ef82f761fdcebc1febf7e2a6414666654b7a2a07e4");
        let u = bytes("924407b9277c2c16e98796bf47e2addcea541ca2f3c530cf4be5a6da9c0c147a");
        let mut message = [0; 32];
        for (key, last, accepted) in [(&w, 1, true), (&w, 2, false), (&u, 1, false)] {
            message[31] = last;
            let claim = Claim { key, message: &message, signature: &signature };
            assert_eq!(verify_strict(claim).is_ok(), accepted, "message {last}");
        }
    }

    #[test]
    fn the_rfc_s_signature_is_accepted() {
        // RFC 8032, 7.1, test 2.
        let key = bytes("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
        let signature = bytes(concat!(
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da",
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ));
        assert_eq!(verify_strict(Claim { key: &key, message: &[0x72], signature: &signature }), Ok(()));
    }

    #[test]
    fn an_s_above_the_order_is_refused() {
        // The order is 2^252 + 27742317777372353535851937790883648493 (RFC 8032, 5.1); s + order satisfies the equation.
        let order: [u8; 32] = bytes("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
        let key = SecretKey::from_seed([7; 32]);
        let mut signature = key.sign(b"m");
        let larger = sum(&signature[32..], &order);
        signature[32..].copy_from_slice(&larger);
        let claim = Claim { key: &key.public(), message: b"m", signature: &signature };
        assert_eq!((verify_strict(claim), verify(claim)), (Err(BadSignature), Err(BadSignature)));
    }

    #[test]
    fn small_orders_and_loose_encodings_are_refused_though_zip_215_takes_them() {
        // y = 1 is the identity; y = p + 1 is it again, not canonical; y = 0 is a point of order 4, y = p it again.
        let one = |first: u8| {
            let mut point = [0; 32];
            point[0] = first;
            point
        };
        let above_prime = |first: u8| {
            let mut point = [0xff; 32];
            point[0] = first;
            point[31] = 0x7f;
            point
        };
        for point in [one(1), above_prime(0xee), one(0), above_prime(0xed)] {
            // Times the cofactor, all of these are zero: with s = 0 every message verifies.
            let mut signature = [0; 64];
            signature[..32].copy_from_slice(&point);
            let claim = Claim { key: &point, message: b"any", signature: &signature };
            assert_eq!((verify_strict(claim), verify(claim)), (Err(BadSignature), Ok(())), "{point:?}");
        }
        assert!(is_canonical(&above_prime(0xec)) && !is_canonical(&above_prime(0xed)));
        assert!(is_canonical(&[0xff; 32].map(|byte: u8| byte & 0x7f)) && !is_canonical(&[0xff; 32]));
    }

    proptest! {
        #[test]
        fn what_our_keys_sign_is_accepted_and_any_flipped_bit_refused(
            seed: [u8; 32], message in proptest::collection::vec(any::<u8>(), 0..80), byte in 0usize..64, bit in 0u8..8
        ) {
            let key = SecretKey::from_seed(seed);
            let mut signature = key.sign(&message);
            let public = key.public();
            let strict = |signature: &[u8; 64]| verify_strict(Claim { key: &public, message: &message, signature });
            prop_assert_eq!(strict(&signature), Ok(()));
            signature[byte] ^= 1 << bit;
            prop_assert_eq!(strict(&signature), Err(BadSignature));
        }
    }
}
