//! Calls of other contracts: plain, with a cap on their gas, protected.

use super::{expected, operands};
use crate::{
    Value,
    code::{FunctionId, Operand},
    engine::{Flow, Host, Reason, RemoteCall, Run, Step, Tracer, Trap},
};

fn name<F>(operand: &Operand) -> Result<FunctionId, Trap<F>> {
    let Operand::Immediate(Value::String(name)) = operand else { return Err(Trap::Failed(Reason::Malformed)) };
    name.as_slice().try_into().map_err(|_| Trap::Failed(Reason::Malformed))
}

/// Whether a call is protected.
pub(super) fn flag<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, operand: &Operand) -> Step<bool, H> {
    match run.read(operand)? {
        Value::Bool(protected) => Ok(protected),
        _ => Err(expected("a boolean")),
    }
}

fn read<H: Host, T: Tracer>(
    run: &mut Run<'_, H, T>,
    [contract, function, arguments, result, amount]: [&Operand; 5],
) -> Step<RemoteCall, H> {
    Ok(RemoteCall {
        contract: run.read(contract)?,
        function: name(function)?,
        arguments: run.read(arguments)?,
        result: run.read(result)?,
        amount: run.read(amount)?,
        cap: None,
        protected: false,
    })
}

pub fn call<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [contract, function, arguments, result, amount] = operands(args)?;
    let call = read(run, [contract, function, arguments, result, amount])?;
    run.call_remote(&call, None)
}

pub fn call_capped<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [contract, function, arguments, result, amount, cap] = operands(args)?;
    let call = read(run, [contract, function, arguments, result, amount])?;
    let cap = Some(run.read(cap)?);
    run.call_remote(&RemoteCall { cap, ..call }, None)
}

pub fn call_protected<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [contract, function, arguments, result, amount, cap, protected] = operands(args)?;
    let call = read(run, [contract, function, arguments, result, amount])?;
    let cap = Some(run.read(cap)?);
    let protected = flag(run, protected)?;
    run.call_remote(&RemoteCall { cap, protected, ..call }, None)
}
