//! The two hashes of the protocol, Blake2b-256 for public ids and SHA-256 for the state tree and text checksums, and the
//! third one that contracts know: Keccak-256.

use blake2::{Blake2b, Digest as _, digest::consts::U32};
use sha2::Sha256;
use sha3::Keccak256;

/// Blake2b-256 of the concatenation of `parts`: 32 bytes.
pub fn blake2b(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Blake2b::<U32>::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// SHA-256 of the concatenation of `parts`: 32 bytes.
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// Keccak-256 of the concatenation of `parts`: 32 bytes. The padding is the one of Ethereum, older than FIPS 202: this is
/// FATE's `SHA3` and not the standard's SHA3-256.
pub fn keccak256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Keccak256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// SHA-256 of the SHA-256 of `bytes`, whose first four bytes are the checksum of the text encodings.
pub fn sha256_twice(bytes: &[u8]) -> [u8; 32] {
    sha256(&[&sha256(&[bytes])])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_equal_their_published_vectors() {
        // RFC 7693 gives Blake2b-512 only; this is the 32-byte digest of the empty message from the BLAKE2 reference.
        assert_eq!(hex::encode(blake2b(&[])), "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
        // FIPS 180-4, "abc".
        assert_eq!(hex::encode(sha256(&[b"abc"])), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        // The empty message by Ethereum's yellow paper, and "abc" by the FATE vectors (`sha3_str` in crypto.json).
        assert_eq!(hex::encode(keccak256(&[])), "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
        assert_eq!(
            hex::encode(keccak256(&[b"abc"])),
            "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"
        );
    }

    #[test]
    fn parts_are_concatenated() {
        assert_eq!(blake2b(&[b"ab", b"c"]), blake2b(&[b"abc"]));
        assert_eq!(sha256(&[b"ab", b"c"]), sha256(&[b"abc"]));
        assert_eq!(keccak256(&[b"ab", b"c"]), keccak256(&[b"abc"]));
    }
}
