//! One line for each encoding: a changed format is a changed line.

use banyan_crypto::blake2b;

use crate::samples;

/// An encoding of fixed values, and how it is read back.
pub struct Sample {
    /// What is encoded.
    pub name: &'static str,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Absent where nothing is ever decoded: hashes, keys.
    pub again: Option<Again>,
}

/// Decode, then encode; `None` where the bytes are refused.
pub type Again = fn(&[u8]) -> Option<Vec<u8>>;

/// Every encoding that is frozen, in the order of the file.
pub fn samples() -> Vec<Sample> {
    samples::all()
}

/// The frozen file: Blake2b-256, length in bytes, name.
pub fn lines() -> String {
    let line = |sample: &Sample| {
        let Sample { name, bytes, .. } = sample;
        format!("{} {:>5} {name}\n", hex::encode(blake2b(&[bytes])), bytes.len())
    };
    samples().iter().map(line).collect()
}
