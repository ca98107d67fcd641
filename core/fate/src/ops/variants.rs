//! Variants: one constructor of several, with its values.

use alloc::vec::Vec;

use super::{expected, operands, small};
use crate::{
    Value,
    code::Operand,
    engine::{Flow, Host, Reason, Run, Step, Tracer, Trap},
    value::{Shared, Variant},
};

pub fn variant<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, arities, tag, size] = operands(args)?;
    let (arities, tag, size) = (run.read(arities)?, run.read(tag)?, run.read(size)?);
    let arities = arities_of(&arities)?;
    let (tag, size) = (small(&tag, "a constructor")?, small(&size, "a number of values")?);
    if arities.get(tag).map(|arity| usize::from(*arity)) != Some(size) {
        return Err(Reason::VariantShape.into());
    }
    let items = run.pop_many(size)?;
    let constructors = i64::try_from(arities.len()).unwrap_or(i64::MAX).saturating_mul(2);
    run.meter.add_cells(constructors.saturating_add(super::tuples::cells(size)).saturating_add(2))?;
    let tag = u8::try_from(tag).map_err(|_| Reason::VariantShape)?;
    run.give(to, Value::Variant(Variant::new(Shared::new(arities), tag, items)))
}

fn arities_of<F>(value: &Value) -> Result<Vec<u8>, Trap<F>> {
    let Value::List(list) = value else { return Err(expected("a list of arities")) };
    let arity = |value: &Value| match value {
        Value::Int(arity) => u8::try_from(*arity).ok(),
        _ => None,
    };
    // More constructors than a tag can tell apart have no encoding.
    let arities = list.iter().map(arity).take(257).collect::<Option<Vec<_>>>();
    arities.filter(|arities| arities.len() <= 256).ok_or(Trap::Failed(Reason::VariantShape))
}

pub fn test<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, operand, tag] = operands(args)?;
    let (value, tag) = (run.read(operand)?, run.read(tag)?);
    let Value::Variant(variant) = value else { return Err(expected("a variant")) };
    if !tag.is_int() || tag.is_negative() {
        return Err(expected("a constructor"));
    }
    run.give(to, Value::Bool(tag == Value::Int(i64::from(variant.tag()))))
}

pub fn element<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, operand, index] = operands(args)?;
    let (value, index) = (run.read(operand)?, run.read(index)?);
    let Value::Variant(variant) = value else { return Err(expected("a variant")) };
    let index = small(&index, "an index")?;
    let item = variant.items().get(index).cloned().ok_or(Reason::OutOfBounds)?;
    run.give(to, item)
}
