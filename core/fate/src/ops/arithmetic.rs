//! Integers. Small ones stay small as long as they fit; what does not fit goes on without a width.

use num_bigint::BigInt;

use super::{expected, operands};
use crate::{
    Value,
    code::Operand,
    engine::{Flow, Host, Reason, Run, Step, Tracer, Trap},
    limits::INT_BITS_MAX,
    value::int,
};

/// Words of 64 bits; zero has one.
fn words(value: &Value) -> i64 {
    match value {
        Value::Int(_) => 1,
        other => i64::try_from(int::bits(other).div_ceil(64).max(1)).unwrap_or(i64::MAX),
    }
}

/// What would have more bits is out of gas before it is computed.
fn bound<F>(bits: u64) -> Result<(), Trap<F>> {
    if bits > INT_BITS_MAX { Err(Trap::Failed(Reason::OutOfGas)) } else { Ok(()) }
}

fn big<F>(value: &Value) -> Result<BigInt, Trap<F>> {
    value.as_int().ok_or_else(|| expected("an integer"))
}

/// Read two integers, compute, pay for the words of the result, write it.
#[inline]
fn binary<H: Host, T: Tracer>(
    run: &mut Run<'_, H, T>,
    args: &[Operand],
    small: impl Fn(i64, i64) -> Option<i64>,
    large: impl Fn(&Value, &Value) -> Result<Value, Trap<H::Fault>>,
) -> Step<Flow, H> {
    let [to, left, right] = operands(args)?;
    let a = run.read(left)?;
    let b = run.read(right)?;
    if let (Value::Int(a), Value::Int(b)) = (&a, &b)
        && let Some(n) = small(*a, *b)
    {
        run.meter.add_cells(1)?;
        return run.give(to, Value::Int(n));
    }
    let result = large(&a, &b)?;
    bound(int::bits(&result))?;
    run.meter.add_cells(words(&result))?;
    run.give(to, result)
}

#[inline]
pub fn add<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    binary(run, args, i64::checked_add, |a, b| Ok(Value::int(big(a)? + big(b)?)))
}

#[inline]
pub fn sub<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    binary(run, args, i64::checked_sub, |a, b| Ok(Value::int(big(a)? - big(b)?)))
}

#[inline]
pub fn mul<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    binary(run, args, i64::checked_mul, product)
}

fn product<F>(a: &Value, b: &Value) -> Result<Value, Trap<F>> {
    if let (Value::Int(a), Value::Int(b)) = (a, b)
        && let Some(n) = a.checked_mul(*b)
    {
        return Ok(Value::Int(n));
    }
    bound(int::bits(a).saturating_add(int::bits(b)))?;
    Ok(Value::int(big(a)? * big(b)?))
}

/// Rounds towards zero.
#[inline]
pub fn div<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    binary(run, args, i64::checked_div, |a, b| {
        let (a, b) = (big(a)?, big(b)?);
        a.checked_div(&b).map(Value::int).ok_or(Trap::Failed(Reason::Arithmetic("division by zero")))
    })
}

/// Has the sign of the dividend.
#[inline]
pub fn modulo<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    binary(run, args, i64::checked_rem, |a, b| remainder(&big(a)?, &big(b)?))
}

fn remainder<F>(a: &BigInt, b: &BigInt) -> Result<Value, Trap<F>> {
    if b.bits() == 0 { Err(Trap::Failed(Reason::Arithmetic("mod by zero"))) } else { Ok(Value::int(a % b)) }
}

/// Squares step by step and pays for each before it is made. 0^0 is 1.
pub fn pow<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, left, right] = operands(args)?;
    let mut base = run.read(left)?;
    let exponent = run.read(right)?;
    let exponent = big(&exponent)?;
    big(&base)?;
    if exponent < BigInt::ZERO {
        return Err(Reason::Arithmetic("negative exponent").into());
    }
    let mut result = Value::Int(1);
    let bits = exponent.bits();
    for bit in 0..bits {
        if exponent.bit(bit) {
            run.meter.add_cells(words(&result).saturating_add(words(&base).saturating_mul(3)))?;
            result = product(&result, &base)?;
        } else {
            run.meter.add_cells(words(&base).saturating_mul(2))?;
        }
        // The last square is never used.
        if bit.saturating_add(1) < bits {
            base = product(&base, &base)?;
        }
    }
    run.give(to, result)
}

pub fn mul_mod<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, left, right, modulus] = operands(args)?;
    let (a, b, q) = (run.read(left)?, run.read(right)?, run.read(modulus)?);
    bound(int::bits(&a).saturating_add(int::bits(&b)))?;
    let result = remainder(&(big(&a)? * big(&b)?), &big(&q)?)?;
    run.meter.add_cells(words(&result))?;
    run.give(to, result)
}

#[inline]
fn step<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, operand: &Operand, by: i64) -> Step<Flow, H> {
    let value = run.read(operand)?;
    let result = match &value {
        Value::Int(n) => n.checked_add(by).map(Value::Int),
        _ => None,
    };
    let result = match result {
        Some(result) => result,
        None => Value::int(big(&value)? + BigInt::from(by)),
    };
    bound(int::bits(&result))?;
    run.give(operand, result)
}

#[inline]
pub fn increment<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [operand] = operands(args)?;
    step(run, operand, 1)
}

#[inline]
pub fn decrement<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [operand] = operands(args)?;
    step(run, operand, -1)
}

pub fn increment_top<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, _: &[Operand]) -> Step<Flow, H> {
    step(run, &Operand::Stack, 1)
}

pub fn decrement_top<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, _: &[Operand]) -> Step<Flow, H> {
    step(run, &Operand::Stack, -1)
}

pub fn bit_and<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    binary(run, args, |a, b| Some(a & b), |a, b| Ok(Value::int(big(a)? & big(b)?)))
}

pub fn bit_or<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    binary(run, args, |a, b| Some(a | b), |a, b| Ok(Value::int(big(a)? | big(b)?)))
}

pub fn bit_xor<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    binary(run, args, |a, b| Some(a ^ b), |a, b| Ok(Value::int(big(a)? ^ big(b)?)))
}

pub fn bit_not<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, operand] = operands(args)?;
    let value = run.read(operand)?;
    let result = Value::int(-big(&value)? - BigInt::from(1));
    run.meter.add_cells(words(&result))?;
    run.give(to, result)
}

/// Shifts the other way by a negative number. Pays by the distance, before computing.
pub fn shift_left<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, left, right] = operands(args)?;
    let (value, by) = (run.read(left)?, run.read(right)?);
    run.meter.add_cells(shift_cells(&by)?)?;
    let result = shifted(&big(&value)?, &big(&by)?)?;
    run.give(to, result)
}

/// Rounds down. Shifts the other way by a negative number.
pub fn shift_right<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, left, right] = operands(args)?;
    let (value, by) = (run.read(left)?, run.read(right)?);
    let result = shifted(&big(&value)?, &-big(&by)?)?;
    run.meter.add_cells(words(&result))?;
    run.give(to, result)
}

/// Cells for something that has a bit at this place. The division rounds towards zero.
pub(super) fn shift_cells<F>(place: &Value) -> Result<i64, Trap<F>> {
    match place {
        Value::Int(n) => Ok((n / 64).saturating_add(1)),
        // No gas lasts for so many.
        Value::Big(_) => Err(Trap::Failed(Reason::OutOfGas)),
        _ => Err(expected("an integer")),
    }
}

fn shifted<F>(value: &BigInt, by: &BigInt) -> Result<Value, Trap<F>> {
    let distance = u64::try_from(by.magnitude()).unwrap_or(u64::MAX);
    if by.sign() == num_bigint::Sign::Minus {
        // All bits are gone from here on, but for the sign.
        let distance = distance.min(INT_BITS_MAX.saturating_add(1));
        return Ok(Value::int(value >> distance));
    }
    if value.bits() == 0 {
        return Ok(Value::Int(0));
    }
    bound(value.bits().saturating_add(distance))?;
    Ok(Value::int(value << distance))
}
