//! Tuples.

use super::{expected, operands, small};
use crate::{
    Value,
    code::Operand,
    engine::{Flow, Host, Reason, Run, Step, Tracer, Trap},
};

/// Cells of a tuple of so many.
pub(super) fn cells(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX).saturating_add(2)
}

/// The value that was pushed last stands last.
pub fn tuple<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, Operand::Immediate(size)] = args else { return Err(Trap::Failed(Reason::Malformed)) };
    let size = small(size, "a size")?;
    let items = run.pop_many(size)?;
    run.meter.add_cells(cells(size))?;
    run.give(to, Value::tuple(items))
}

pub fn element<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, index, tuple] = operands(args)?;
    let (index, tuple) = (run.read(index)?, run.read(tuple)?);
    let index = small(&index, "an index")?;
    let items = tuple.as_tuple().ok_or_else(|| expected("a tuple"))?;
    let item = items.get(index).cloned().ok_or(Reason::OutOfBounds)?;
    run.give(to, item)
}

pub fn set_element<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, index, tuple, item] = operands(args)?;
    let (index, tuple, item) = (run.read(index)?, run.read(tuple)?, run.read(item)?);
    let index = small(&index, "an index")?;
    let mut items = tuple.as_tuple().ok_or_else(|| expected("a tuple"))?.to_vec();
    *items.get_mut(index).ok_or(Reason::OutOfBounds)? = item;
    run.meter.add_cells(cells(items.len()))?;
    run.give(to, Value::tuple(items))
}
