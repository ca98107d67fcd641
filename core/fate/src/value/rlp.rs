//! The strings and integers of RLP inside FATE's own encoding. Its lists do not occur.

use alloc::vec::Vec;

use num_bigint::{BigInt, BigUint, Sign};

use super::decode::BadValue;

/// Append bytes as one RLP string.
pub fn put_bytes(payload: &[u8], out: &mut Vec<u8>) {
    banyan_types::rlp::put_bytes(payload, out);
}

/// Append a non-negative integer; zero is the single byte 00.
pub fn put_uint(n: u64, out: &mut Vec<u8>) {
    let bytes = n.to_be_bytes();
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count().min(7);
    put_bytes(bytes.get(zeros..).unwrap_or_default(), out);
}

/// Append the absolute value of an integer.
pub fn put_magnitude(n: &BigInt, out: &mut Vec<u8>) {
    put_bytes(&n.magnitude().to_bytes_be(), out);
}

/// Take one RLP string.
pub fn take_bytes<'a>(from: &mut &'a [u8]) -> Result<&'a [u8], BadValue> {
    let (first, rest) = from.split_first().ok_or(BadValue::Short)?;
    let (length, rest) = match *first {
        0..0x80 => {
            let (byte, rest) = from.split_at_checked(1).ok_or(BadValue::Short)?;
            *from = rest;
            return Ok(byte);
        }
        0x80..0xb8 => (usize::from(first.wrapping_sub(0x80)), rest),
        0xb8..0xc0 => take_length(usize::from(first.wrapping_sub(0xb7)), rest)?,
        _ => return Err(BadValue::Form("an RLP list")),
    };
    let (payload, rest) = rest.split_at_checked(length).ok_or(BadValue::Short)?;
    if let [0..0x80] = payload {
        return Err(BadValue::NotCanonical);
    }
    *from = rest;
    Ok(payload)
}

/// The length of a string of at least 56 bytes.
fn take_length(bytes: usize, rest: &[u8]) -> Result<(usize, &[u8]), BadValue> {
    let (length, rest) = rest.split_at_checked(bytes).ok_or(BadValue::Short)?;
    if length.first() == Some(&0) {
        return Err(BadValue::NotCanonical);
    }
    let length = length.iter().fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
    if length < 56 {
        return Err(BadValue::NotCanonical);
    }
    Ok((usize::try_from(length).map_err(|_| BadValue::Short)?, rest))
}

/// The bytes of a canonical non-negative integer.
fn take_int_bytes<'a>(from: &mut &'a [u8]) -> Result<&'a [u8], BadValue> {
    match take_bytes(from)? {
        [] | [0, _, ..] => Err(BadValue::NotCanonical),
        bytes => Ok(bytes),
    }
}

/// Take a non-negative integer that fits.
pub fn take_uint(from: &mut &[u8]) -> Result<u64, BadValue> {
    let bytes = take_int_bytes(from)?;
    if bytes.len() > 8 {
        return Err(BadValue::TooLarge);
    }
    Ok(bytes.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte)))
}

/// Take a non-negative integer of any size.
pub fn take_big(from: &mut &[u8]) -> Result<BigInt, BadValue> {
    Ok(BigInt::from_biguint(Sign::Plus, BigUint::from_bytes_be(take_int_bytes(from)?)))
}
