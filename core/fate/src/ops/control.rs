//! Jumps, local calls, returns, and the ways to give up.

use alloc::{boxed::Box, string::String};

use super::{expected, operands};
use crate::{
    Value,
    code::{Operand, Target},
    engine::{Flow, Host, Reason, Run, Step, Tracer, Trap},
};

#[inline]
pub fn finish<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, _: &[Operand]) -> Step<Flow, H> {
    let cells = run.meter.cells;
    let value = run.pop()?;
    // The value goes on to the caller's stack: it was not taken off.
    run.meter.cells = cells;
    run.return_value(value)
}

/// As a push and a return.
#[inline]
pub fn finish_with<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [operand] = operands(args)?;
    let value = run.read(operand)?;
    run.meter.add_cells(1)?;
    run.return_value(value)
}

fn callee<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<u32, H> {
    let [operand] = operands(args)?;
    if let Operand::Function(place) = operand {
        return Ok(*place);
    }
    let name = run.read(operand)?;
    run.find(&name)
}

#[inline]
pub fn call<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let place = callee(run, args)?;
    run.call_local(place)
}

pub fn tail_call<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let place = callee(run, args)?;
    run.call_instead(place)
}

#[inline]
fn go<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, target: Target) -> Flow {
    run.pc = usize::try_from(target.at).unwrap_or(usize::MAX);
    Flow::Next
}

#[inline]
pub fn jump<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    match args {
        [Operand::Block(target)] => Ok(go(run, *target)),
        _ => Err(Reason::Malformed.into()),
    }
}

#[inline]
pub fn jump_if<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [condition, Operand::Block(target)] = args else { return Err(Reason::Malformed.into()) };
    match run.read(condition)? {
        Value::Bool(true) => Ok(go(run, *target)),
        Value::Bool(false) => Ok(Flow::Next),
        _ => Err(expected("a boolean")),
    }
}

/// One block for each constructor.
pub fn switch<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let (operand, targets) = args.split_first().ok_or(Trap::Failed(Reason::Malformed))?;
    let Value::Variant(variant) = run.read(operand)? else { return Err(expected("a variant")) };
    if variant.arities().len() != targets.len() {
        return Err(Reason::VariantShape.into());
    }
    match targets.get(usize::from(variant.tag())) {
        Some(Operand::Block(target)) => Ok(go(run, *target)),
        _ => Err(Reason::Malformed.into()),
    }
}

pub fn switch_many<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [operand, Operand::Blocks(targets)] = args else { return Err(Reason::Malformed.into()) };
    let Value::Variant(variant) = run.read(operand)? else { return Err(expected("a variant")) };
    if variant.arities().len() != targets.len() {
        return Err(Reason::VariantShape.into());
    }
    let target = targets.get(usize::from(variant.tag())).ok_or(Trap::Failed(Reason::VariantShape))?;
    Ok(go(run, *target))
}

pub fn abort<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [text] = operands(args)?;
    match run.read(text)? {
        Value::String(text) => Err(Trap::Reverted(text)),
        _ => Err(expected("a string")),
    }
}

pub fn exit<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [text] = operands(args)?;
    match run.read(text)? {
        Value::String(text) => Err(Reason::Exit(Box::new(String::from_utf8_lossy(&text).into_owned())).into()),
        _ => Err(expected("a string")),
    }
}

/// What the reference no longer carries out.
pub fn retired<H: Host, T: Tracer>(_: &mut Run<'_, H, T>, _: &[Operand]) -> Step<Flow, H> {
    Err(Reason::Retired.into())
}

/// What does nothing. Not even its operands are read.
#[allow(clippy::unnecessary_wraps)] // all instructions have one form
pub fn ignore<H: Host, T: Tracer>(_: &mut Run<'_, H, T>, _: &[Operand]) -> Step<Flow, H> {
    Ok(Flow::Next)
}
