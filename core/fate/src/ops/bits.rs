//! Sets of bits. A negative number stands for a set with all but finitely many bits.

use num_bigint::{BigInt, Sign};

use super::{arithmetic::shift_cells, expected, operands};
use crate::{
    Value,
    code::Operand,
    engine::{Flow, Host, Reason, Run, Step, Tracer, Trap},
    limits::INT_BITS_MAX,
};

fn constant<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, to: &Operand, bits: i64) -> Step<Flow, H> {
    run.meter.add_cells(1)?;
    run.give(to, Value::bits(BigInt::from(bits)))
}

pub fn none_top<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, _: &[Operand]) -> Step<Flow, H> {
    constant(run, &Operand::Stack, 0)
}

pub fn none<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to] = operands(args)?;
    constant(run, to, 0)
}

pub fn all_top<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, _: &[Operand]) -> Step<Flow, H> {
    constant(run, &Operand::Stack, -1)
}

pub fn all<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to] = operands(args)?;
    constant(run, to, -1)
}

/// Shifting one to the right leaves nothing, so that a negative number gives all bits.
pub fn all_below<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, count] = operands(args)?;
    let count = run.read(count)?;
    run.meter.add_cells(shift_cells(&count)?)?;
    let bits = if count.is_negative() { BigInt::ZERO } else { one_at(&count)? };
    run.give(to, Value::bits(bits - BigInt::from(1)))
}

/// The set of one bit.
fn one_at<F>(place: &Value) -> Result<BigInt, Trap<F>> {
    let Value::Int(place) = place else { return Err(expected("an integer")) };
    let place = u64::try_from(*place).map_err(|_| Trap::Failed(Reason::Arithmetic("negative bit position")))?;
    if place >= INT_BITS_MAX { Err(Trap::Failed(Reason::OutOfGas)) } else { Ok(BigInt::from(1) << place) }
}

/// Read a set and a place, pay for the place.
fn at_place<H: Host, T: Tracer>(
    run: &mut Run<'_, H, T>,
    args: &[Operand],
    compute: impl FnOnce(&BigInt, BigInt) -> Value,
) -> Step<Flow, H> {
    let [to, set, place] = operands(args)?;
    let (set, place) = (run.read(set)?, run.read(place)?);
    run.meter.add_cells(shift_cells(&place)?)?;
    let Value::Bits(set) = set else { return Err(expected("bits")) };
    let result = compute(&set, one_at(&place)?);
    run.give(to, result)
}

pub fn set<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    at_place(run, args, |set, one| Value::bits(set | one))
}

pub fn clear<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    at_place(run, args, |set, one| Value::bits(set & (-one - BigInt::from(1))))
}

pub fn test<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    at_place(run, args, |set, one| Value::Bool((set & one).bits() > 0))
}

pub fn sum<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, set] = operands(args)?;
    let Value::Bits(set) = run.read(set)? else { return Err(expected("bits")) };
    if set.sign() == Sign::Minus {
        return Err(Reason::Arithmetic("the sum of an infinite set").into());
    }
    run.give(to, Value::int(set.magnitude().count_ones()))
}

fn binary<H: Host, T: Tracer>(
    run: &mut Run<'_, H, T>,
    args: &[Operand],
    compute: impl FnOnce(&BigInt, &BigInt) -> BigInt,
) -> Step<Flow, H> {
    let [to, left, right] = operands(args)?;
    let (Value::Bits(a), Value::Bits(b)) = (run.read(left)?, run.read(right)?) else { return Err(expected("bits")) };
    run.give(to, Value::bits(compute(&a, &b)))
}

pub fn or<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    binary(run, args, |a, b| a | b)
}

pub fn and<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    binary(run, args, |a, b| a & b)
}

pub fn difference<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    binary(run, args, |a, b| (a & b) ^ a)
}
