//! Stack and registers.

use super::{operands, small};
use crate::{
    Value,
    code::Operand,
    engine::{Flow, Host, Reason, Run, Step, Tracer},
};

#[inline]
pub fn push<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [operand] = operands(args)?;
    let value = run.read(operand)?;
    run.give(&Operand::Stack, value)
}

#[inline]
pub fn pop<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to] = operands(args)?;
    let value = run.pop()?;
    run.give(to, value)
}

#[inline]
pub fn store<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, operand] = operands(args)?;
    let value = run.read(operand)?;
    run.give(to, value)
}

pub fn duplicate_top<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, _: &[Operand]) -> Step<Flow, H> {
    copy(run, 0)
}

pub fn duplicate<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [depth] = operands(args)?;
    let depth: Value = run.read(depth)?;
    let depth = small(&depth, "a place on the stack")?;
    copy(run, depth)
}

fn copy<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, depth: usize) -> Step<Flow, H> {
    let value = run.peek(depth).cloned().ok_or(Reason::StackEmpty)?;
    run.give(&Operand::Stack, value)
}
