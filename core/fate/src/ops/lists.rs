//! Lists.

use super::{expected, operands};
use crate::{
    Value,
    code::Operand,
    engine::{Flow, Host, Reason, Run, Step, Tracer},
    value::{List, count},
};

fn read_list<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, operand: &Operand) -> Step<List, H> {
    match run.read(operand)? {
        Value::List(list) => Ok(list),
        _ => Err(expected("a list")),
    }
}

pub fn nil<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to] = operands(args)?;
    run.give(to, Value::List(List::EMPTY))
}

pub fn is_nil<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, list] = operands(args)?;
    let list = read_list(run, list)?;
    run.give(to, Value::Bool(list.is_empty()))
}

pub fn cons<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, head, tail] = operands(args)?;
    let head = run.read(head)?;
    let tail = read_list(run, tail)?;
    run.write(to, Value::List(tail.prepend(head)))?;
    run.meter.add_cells(2)?;
    Ok(Flow::Next)
}

pub fn head<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, list] = operands(args)?;
    let list = read_list(run, list)?;
    let head = list.split().ok_or(Reason::OutOfBounds)?.0.clone();
    run.give(to, head)
}

pub fn tail<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, list] = operands(args)?;
    let list = read_list(run, list)?;
    let tail = list.split().ok_or(Reason::OutOfBounds)?.1.clone();
    run.give(to, Value::List(tail))
}

/// Pays for a copy of the first list, before it is made: nobody shall copy what he cannot pay.
pub fn append<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, first, second] = operands(args)?;
    let (first, second) = (read_list(run, first)?, read_list(run, second)?);
    if matches!(to, Operand::Stack) {
        run.meter.add_cells(1)?;
    }
    run.meter.add_length(count(first.len()).saturating_mul(2))?;
    let items: alloc::vec::Vec<_> = first.iter().cloned().collect();
    let all = items.into_iter().rev().fold(second, List::prepend);
    run.write_paid(to, Value::List(all))
}
