//! The instructions, one file per group. What there is stands in [`table`] and nowhere else.
//!
//! An instruction reads its operands in order, pays, computes, writes. Where it pays after writing, the order is the
//! reference's: out of gas has to fall in the same place.

mod arithmetic;
mod bits;
mod bytes;
mod chain;
mod comparison;
mod control;
mod create;
mod crypto;
mod curves;
mod environment;
mod lists;
mod maps;
mod memory;
mod remote;
mod strings;
pub mod table;
mod tuples;
mod variants;

use crate::{
    Value,
    code::Operand,
    engine::{Host, Reason, Run, Step, Tracer, Trap},
    value::Kind,
};

/// The operands of an instruction. The loader has seen to their number.
fn operands<const N: usize, F>(args: &[Operand]) -> Result<&[Operand; N], Trap<F>> {
    args.try_into().map_err(|_| Trap::Failed(Reason::Malformed))
}

/// What an instruction says when a value is of another kind than it takes.
const fn expected<F>(what: &'static str) -> Trap<F> {
    Trap::Failed(Reason::Kind { expected: what })
}

/// An operand that has to be an object of a kind.
fn read_object<H: Host, T: Tracer>(
    run: &mut Run<'_, H, T>,
    operand: &Operand,
    kind: Kind,
    what: &'static str,
) -> Step<[u8; 32], H> {
    run.read(operand)?.as_object(kind).ok_or_else(|| expected(what))
}

/// A number that has to be small enough to count things in memory.
fn small<F>(value: &Value, what: &'static str) -> Result<usize, Trap<F>> {
    match value {
        Value::Int(n) => usize::try_from(*n).map_err(|_| expected(what)),
        _ => Err(expected(what)),
    }
}
