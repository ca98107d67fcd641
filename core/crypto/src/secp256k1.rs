//! ECDSA over secp256k1, as FATE's three instructions check it.
//!
//! Digests come from the caller: nothing is hashed here but the recovered key. Both halves of the order are accepted for
//! `s`, since the reference checks by OpenSSL and recovers by libsecp256k1, neither of which asks for the lower one; so a
//! signature is no identity. Rules: FATE, ops 75, 7e and 7f; the layout of 65 bytes is `v ‖ r ‖ s`, `v` first.
//! No reference vector exists: the tests hold to SEC 2, to Ethereum's precompile `ecrecover`, and to own cases.

use k256::ecdsa::signature::hazmat::PrehashVerifier as _;
use k256::ecdsa::{RecoveryId, Signature, VerifyingKey};

use crate::keccak256;

/// What Ethereum adds to the parity of R's y coordinate to make `v`; older than any chain id.
const V_BASE: u8 = 27;

/// Check `signature` (r ‖ s, big-endian) over the 32-byte `digest` under `key` (x ‖ y, big-endian).
///
/// False as well if the key is no point of the curve, or r or s is 0 or not below the order. Op `VERIFY_SIG_SECP256K1`.
pub fn verify(digest: &[u8; 32], key: &[u8; 64], signature: &[u8; 64]) -> bool {
    let Ok(key) = VerifyingKey::from_sec1_bytes(&uncompressed(key)) else { return false };
    let Ok(signature) = Signature::from_slice(signature) else { return false };
    // The crate refuses the upper half; s and order − s are one signature to everybody else.
    key.verify_prehash(digest, &signature.normalize_s()).is_ok()
}

/// Check that the owner of the Ethereum address `owner` made `signature` (v ‖ r ‖ s) over `digest`.
///
/// The same as comparing with [`recover`]. Op `ECVERIFY_SECP256K1`.
pub fn verify_address(digest: &[u8; 32], owner: &[u8; 20], signature: &[u8; 65]) -> bool {
    recover(digest, signature).is_some_and(|signer| signer == *owner)
}

/// The Ethereum address whose key made `signature` (v ‖ r ‖ s, v = 27 or 28) over `digest`: the last 20 bytes of the
/// Keccak-256 of the key.
///
/// `None` for another v, r or s out of range, and where no point has x = r. Op `ECRECOVER_SECP256K1`.
pub fn recover(digest: &[u8; 32], signature: &[u8; 65]) -> Option<[u8; 20]> {
    let (v, rest) = signature.split_first()?;
    let id = match v.checked_sub(V_BASE)? {
        parity @ 0..=1 => RecoveryId::from_byte(parity)?,
        _ => return None,
    };
    let signature = Signature::from_slice(rest).ok()?;
    let key = VerifyingKey::recover_from_prehash(digest, &signature, id).ok()?;
    address(key.to_sec1_point(false).as_bytes())
}

/// SEC 1's uncompressed form: 04 ‖ x ‖ y.
fn uncompressed(key: &[u8; 64]) -> [u8; 65] {
    let mut bytes = [4; 65];
    let (_, coordinates) = bytes.split_at_mut(1);
    coordinates.copy_from_slice(key);
    bytes
}

/// The Ethereum address of a key in SEC 1's uncompressed form.
fn address(key: &[u8]) -> Option<[u8; 20]> {
    let (_, coordinates) = key.split_first()?;
    keccak256(&[coordinates]).last_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use k256::ecdsa::SigningKey;
    use k256::ecdsa::signature::hazmat::PrehashSigner as _;
    use proptest::prelude::*;

    fn bytes<const N: usize>(text: &str) -> [u8; N] {
        hex::decode(text).expect("hex in a test").try_into().expect("length in a test")
    }

    /// SEC 2, 2.4.1: the order.
    const ORDER: &str = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
    /// SEC 2, 2.4.1: the generator, hence the public key of the secret 1.
    const GENERATOR: &str = concat!(
        "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
        "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"
    );

    /// Ethereum's tests of the precompile (`ecRecover.json`, "ValidKey"): digest, v ‖ r ‖ s, address.
    fn ethereum() -> ([u8; 32], [u8; 65], [u8; 20]) {
        (
            bytes("18c547e4f7b0f325ad1e56f57e26c745b09a3e503d86e00e5255ff7f715d3d1c"),
            bytes(concat!(
                "1c",
                "73b1693892219d736caba55bdb67216e485557ea6b6af75f37096c9aa6a5a75f",
                "eeb940b1d03b21e36b0e47e79769f095fe2ab855bd91e3a38756b7d75a9c4549"
            )),
            bytes("a94f5374fce5edbc8e2a8697c15331677e6ebf0b"),
        )
    }

    /// A secret, its public key x ‖ y and a signature r ‖ s over `digest`, with s in the lower half.
    fn signed(secret: &[u8; 32], digest: &[u8; 32]) -> ([u8; 64], [u8; 64]) {
        let secret = SigningKey::from_slice(secret).expect("a secret between 0 and the order");
        let signature: Signature = secret.sign_prehash(digest).expect("a digest is long enough");
        let point = secret.verifying_key().to_sec1_point(false);
        (point.as_bytes()[1..].try_into().expect("two coordinates"), signature.to_bytes().into())
    }

    /// The same signature with order − s.
    fn other_half(signature: &[u8; 64]) -> [u8; 64] {
        let (r, s) = Signature::from_slice(signature).expect("a signature").split_scalars();
        Signature::from_scalars(r.to_bytes(), (-*s).to_bytes()).expect("neither is zero").to_bytes().into()
    }

    fn with_v(v: u8, signature: &[u8; 64]) -> [u8; 65] {
        let mut all = [v; 65];
        all[1..].copy_from_slice(signature);
        all
    }

    #[test]
    fn the_precompile_s_vectors_are_met() {
        let (digest, signature, address) = ethereum();
        assert_eq!(recover(&digest, &signature), Some(address));
        assert!(verify_address(&digest, &address, &signature));
        // A second one, from aeternity's own tests of its NIF.
        let digest = bytes("47173285a8d7341e5e972fc677286384f802f8ef42a5ec5f03bbfa254cb01fad");
        let signature = bytes(concat!(
            "1b",
            "650acf9d3f5f0a2c799776a1254355d5f4061762a237396a99a0e0e3fc2bcd67",
            "29514a0dacb2e623ac4abd157cb18163ff942280db4d5caad66ddf941ba12e03"
        ));
        assert_eq!(recover(&digest, &signature), Some(bytes("c08b5542d177ac6686946920409741463a15dddb")));
    }

    #[test]
    fn only_27_and_28_are_recovery_values_and_each_gives_another_signer() {
        let (digest, mut signature, address) = ethereum();
        for v in 0..=u8::MAX {
            signature[0] = v;
            let signer = recover(&digest, &signature);
            assert_eq!(signer.is_some(), matches!(v, 27 | 28), "v {v}");
            assert_eq!(signer == Some(address), v == 28, "v {v}");
        }
    }

    #[test]
    fn r_and_s_lie_between_zero_and_the_order() {
        let (digest, good, _) = ethereum();
        let (key, signature) = signed(&[1; 32], &digest);
        for at in [0, 32] {
            for bad in [[0; 32], bytes(ORDER), [0xff; 32]] {
                let mut all = good;
                all[1 + at..33 + at].copy_from_slice(&bad);
                assert_eq!(recover(&digest, &all), None, "recover at {at}: {bad:?}");
                let mut both = signature;
                both[at..32 + at].copy_from_slice(&bad);
                assert!(!verify(&digest, &key, &both), "verify at {at}: {bad:?}");
            }
        }
    }

    #[test]
    fn an_r_that_is_no_x_coordinate_recovers_nobody() {
        // 5 is the smallest x without a point: x³ + 7 = 132 is not a square.
        let (digest, mut signature, _) = ethereum();
        signature[1..33].copy_from_slice(&[0; 32]);
        signature[32] = 5;
        assert_eq!(recover(&digest, &signature), None);
    }

    #[test]
    fn the_generator_is_the_key_of_one_and_what_is_no_point_is_no_key() {
        let mut one = [0; 32];
        one[31] = 1;
        let digest = crate::sha256(&[b"abc"]);
        let (key, signature) = signed(&one, &digest);
        assert_eq!(hex::encode(key), GENERATOR);
        assert!(verify(&digest, &key, &signature));
        // The address of the secret 1, as every Ethereum wallet shows it.
        assert_eq!(address(&uncompressed(&key)), Some(bytes("7e5f4552091a69125d5dfcb7b8c2659029395bdf")));
        let mut off = key;
        off[63] ^= 1;
        for bad in [off, [0; 64], [0xff; 64]] {
            assert!(!verify(&digest, &bad, &signature));
        }
    }

    proptest! {
        #[test]
        fn both_halves_of_s_verify_and_recover_the_signer(secret in any::<[u8; 32]>(), digest: [u8; 32]) {
            prop_assume!(SigningKey::from_slice(&secret).is_ok());
            let (key, low) = signed(&secret, &digest);
            let signer = address(&uncompressed(&key)).expect("a key has an address");
            for signature in [low, other_half(&low)] {
                prop_assert!(verify(&digest, &key, &signature));
                let owners = [27, 28].map(|v| verify_address(&digest, &signer, &with_v(v, &signature)));
                prop_assert!(owners[0] != owners[1]);
            }
        }

        #[test]
        fn no_bytes_make_it_panic(digest: [u8; 32], key in any::<[u8; 64]>(), v in 26u8..30, signature in any::<[u8; 64]>()) {
            let all = with_v(v, &signature);
            prop_assert!(!verify(&digest, &key, &signature));
            let _ = recover(&digest, &all);
            prop_assert!(!verify_address(&digest, &[7; 20], &all));
        }
    }
}
