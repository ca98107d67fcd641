//! Byte arrays.

use alloc::vec::Vec;

use num_bigint::{BigInt, BigUint, Sign};

use super::{expected, operands, read_object, small};
use crate::{
    Value,
    code::Operand,
    engine::{Flow, Host, Reason, Run, Step, Tracer},
    gas,
    limits::VALUE_BYTES_MAX,
    value::{Blob, Kind},
};

fn read_bytes<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, operand: &Operand) -> Step<Blob, H> {
    match run.read(operand)? {
        Value::Bytes(bytes) => Ok(bytes),
        _ => Err(expected("bytes")),
    }
}

pub fn to_int<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, bytes] = operands(args)?;
    let bytes = read_bytes(run, bytes)?;
    // What is longer than the largest integer would be out of gas, had it been computed.
    if bytes.len() > usize::try_from(crate::limits::INT_BITS_MAX / 8).unwrap_or(usize::MAX) {
        return Err(Reason::OutOfGas.into());
    }
    run.give(to, Value::int(BigInt::from_biguint(Sign::Plus, BigUint::from_bytes_be(&bytes))))
}

/// Hexadecimal digits, the higher ones as capitals.
pub fn to_string<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let [to, bytes] = operands(args)?;
    let bytes = read_bytes(run, bytes)?;
    run.meter.add_length(gas::words(bytes.len().saturating_mul(2)).saturating_add(1))?;
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or_default();
    let text: Vec<u8> = bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect();
    run.give(to, Value::string(text))
}

pub fn concat<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, left, right] = operands(args)?;
    let (left, right) = (read_bytes(run, left)?, read_bytes(run, right)?);
    run.meter.add_length(gas::words(left.len().saturating_add(right.len())))?;
    run.give(to, Value::bytes([left.as_slice(), right.as_slice()].concat()))
}

/// The first so many bytes, and the rest.
pub fn split<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, bytes, at] = operands(args)?;
    let (bytes, at) = (read_bytes(run, bytes)?, run.read(at)?);
    let at = small(&at, "the length of the first part")?;
    let (first, rest) = bytes.split_at_checked(at).ok_or(Reason::OutOfBounds)?;
    run.write(to, Value::tuple(Vec::from([Value::bytes(first), Value::bytes(rest)])))?;
    run.meter.add_cells(4)?;
    Ok(Flow::Next)
}

/// As [`split`]; a negative length is that of the second part. `None` if there are not so many bytes.
pub fn split_any<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, bytes, at] = operands(args)?;
    let (bytes, at) = (read_bytes(run, bytes)?, run.read(at)?);
    if !at.is_int() {
        return Err(expected("an integer"));
    }
    let place = match &at {
        Value::Int(at) => {
            let distance = usize::try_from(at.unsigned_abs()).unwrap_or(usize::MAX);
            if *at < 0 { bytes.len().checked_sub(distance) } else { Some(distance) }
        }
        _ => None,
    };
    let Some((first, rest)) = place.and_then(|place| bytes.split_at_checked(place)) else {
        return run.give(to, Value::none());
    };
    // The words of both parts, and a pair.
    run.meter.add_length(gas::words(first.len()).saturating_add(gas::words(rest.len())).saturating_add(4))?;
    run.give(to, Value::some(Value::tuple(Vec::from([Value::bytes(first), Value::bytes(rest)]))))
}

pub fn size<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, bytes] = operands(args)?;
    let bytes = read_bytes(run, bytes)?;
    run.meter.add_cells(1)?;
    run.give(to, Value::Int(i64::try_from(bytes.len()).unwrap_or(i64::MAX)))
}

pub fn to_fixed_size<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, bytes, size] = operands(args)?;
    let (bytes, size) = (read_bytes(run, bytes)?, run.read(size)?);
    if !size.is_int() {
        return Err(expected("an integer"));
    }
    let fits = i64::try_from(bytes.len()).is_ok_and(|length| size == Value::Int(length));
    run.give(to, if fits { Value::some(Value::Bytes(bytes)) } else { Value::none() })
}

/// So many of the lowest bytes; a negative number begins with ones.
pub fn from_int<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, number, size] = operands(args)?;
    let (number, size) = (run.read(number)?, run.read(size)?);
    let number = number.as_int().ok_or_else(|| expected("an integer"))?;
    let size = small(&size, "a size in bytes")?;
    run.meter.add_length(gas::words(size).saturating_add(1))?;
    if size > VALUE_BYTES_MAX {
        return Err(Reason::Limit("bytes of a value").into());
    }
    let fill = if number.sign() == Sign::Minus { 0xff } else { 0 };
    let mut bytes = number.to_signed_bytes_le();
    bytes.resize(size, fill);
    bytes.reverse();
    run.give(to, Value::bytes(bytes))
}

pub fn from_string<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, string] = operands(args)?;
    let Value::String(bytes) = run.read(string)? else { return Err(expected("a string")) };
    run.meter.add_length(gas::words(bytes.len()).saturating_add(1))?;
    run.give(to, Value::Bytes(bytes))
}

pub fn from_address<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, address] = operands(args)?;
    let address = read_object(run, address, Kind::Address, "an address")?;
    run.meter.add_length(gas::words(address.len()).saturating_add(1))?;
    run.give(to, Value::bytes(address))
}
