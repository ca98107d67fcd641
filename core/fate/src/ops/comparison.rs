//! Comparison of any two values in the total order, and truth.

use core::cmp::Ordering;

use super::{expected, operands};
use crate::{
    Value,
    code::Operand,
    engine::{Flow, Host, Run, Step, Tracer, Trap},
    gas::{Meter, Model},
    limits::COMPARED_BYTES_FREE,
    value::Measure,
};

/// Either side is walked before the other one is read.
#[inline]
fn compare<H: Host, T: Tracer>(
    run: &mut Run<'_, H, T>,
    args: &[Operand],
    holds: impl FnOnce(Ordering) -> bool,
) -> Step<Flow, H> {
    let [to, left, right] = operands(args)?;
    let a = read(run, left)?;
    let b = read(run, right)?;
    if !matches!((&a, &b), (Value::Int(_), _) | (_, Value::Int(_))) {
        pay_for_bytes(&mut run.meter, &a, &b)?;
    }
    let result = holds(a.cmp(&b));
    run.give(to, Value::Bool(result))
}

/// What both sides hold, and no more, may have to be compared.
fn pay_for_bytes<F>(meter: &mut Meter, a: &Value, b: &Value) -> Result<(), Trap<F>> {
    let bytes = a.measure().bytes.min(b.measure().bytes).saturating_sub(COMPARED_BYTES_FREE);
    if bytes > 0 {
        meter.walk(Model::UnfoldCompare, Measure::bytes(bytes))?;
    }
    Ok(())
}

#[inline]
fn read<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, operand: &Operand) -> Step<Value, H> {
    let value = run.read(operand)?;
    if let Value::Int(n) = value {
        // A leaf: 800 of a thousandth, rounded up.
        run.meter.spend(1)?;
        return Ok(Value::Int(n));
    }
    let value = run.unfold(value, Model::UnfoldCompare)?;
    Run::<H, T>::check_depth(&value)?;
    Ok(value)
}

#[inline]
pub fn less<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    compare(run, args, Ordering::is_lt)
}

#[inline]
pub fn greater<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    compare(run, args, Ordering::is_gt)
}

#[inline]
pub fn equal<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    compare(run, args, Ordering::is_eq)
}

#[inline]
pub fn at_most<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    compare(run, args, Ordering::is_le)
}

#[inline]
pub fn at_least<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    compare(run, args, Ordering::is_ge)
}

#[inline]
pub fn different<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    compare(run, args, Ordering::is_ne)
}

fn both<H: Host, T: Tracer>(
    run: &mut Run<'_, H, T>,
    args: &[Operand],
    holds: impl FnOnce(bool, bool) -> bool,
) -> Step<Flow, H> {
    let [to, left, right] = operands(args)?;
    match (run.read(left)?, run.read(right)?) {
        (Value::Bool(a), Value::Bool(b)) => run.give(to, Value::Bool(holds(a, b))),
        _ => Err(expected("two booleans")),
    }
}

pub fn and<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    both(run, args, |a, b| a && b)
}

pub fn or<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    both(run, args, |a, b| a || b)
}

pub fn not<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, operand] = operands(args)?;
    match run.read(operand)? {
        Value::Bool(b) => run.give(to, Value::Bool(!b)),
        _ => Err(expected("a boolean")),
    }
}
