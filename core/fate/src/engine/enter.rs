//! Begin a run: find the code and the function, check what the caller gave.

use alloc::{sync::Arc, vec::Vec};

use super::{
    AccountKind, Address, Entry, Failure, Host, Message, Outcome, Reason, Step, Tracer, Trap, cache::Cache, run::Run,
};
use crate::{
    Value, abi,
    code::{BadCode, FunctionId, INIT, Loaded},
    limits::VALUE_BYTES_MAX,
    store,
    value::{Blob, decode::BadValue, types},
};

/// Run a message from its call data to its outcome. Rewinds nothing.
pub(super) fn run<H: Host, T: Tracer>(
    host: &mut H,
    tracer: &mut T,
    cache: &mut Cache,
    message: &Message,
) -> Result<Outcome, H::Fault> {
    let (loaded, place, arguments) = match entry(host, cache, message) {
        Ok(entry) => entry,
        Err(Trap::Fault(fault)) => return Err(fault),
        Err(Trap::Reverted(text)) => return Ok(Outcome::Reverted { text: text.to_vec(), gas_used: 0 }),
        Err(Trap::Failed(reason)) => {
            return Ok(Outcome::Failed { why: Failure { reason, place: None }, gas_used: message.gas });
        }
    };
    if message.entry == Entry::Init {
        store::begin(host, &message.contract)?;
    }
    let mut run = Run::new(host, tracer, cache, message, loaded);
    let ended = run.enter(place, arguments).and_then(|()| run.go()).and_then(|value| run.finish(value));
    match ended {
        Ok(value) => Ok(Outcome::Done { value, gas_used: message.gas.saturating_sub(run.meter.gas) }),
        Err(Trap::Fault(fault)) => Err(fault),
        Err(Trap::Reverted(text)) => {
            let left = run.reserved().saturating_add(run.meter.gas);
            Ok(Outcome::Reverted { text: text.to_vec(), gas_used: message.gas.saturating_sub(left) })
        }
        Err(Trap::Failed(reason)) => {
            let gas_used = message.gas.saturating_sub(run.reserved());
            Ok(Outcome::Failed { why: run.failure(reason), gas_used })
        }
    }
}

type Found = (Arc<Loaded>, u32, Vec<Value>);

fn entry<H: Host>(host: &mut H, cache: &mut Cache, message: &Message) -> Step<Found, H> {
    let (id, arguments) = call_data(&message.call_data).map_err(Reason::CallData)?;
    check_alive(host, &message.contract, id)?;
    let code = host.code(&message.contract).map_err(Trap::Fault)?.ok_or(Trap::Failed(Reason::NoContract))?;
    let loaded = cache.get(&code).map_err(bad_code)?;
    if (id == INIT) != (message.entry == Entry::Init) {
        return Err(Reason::Init.into());
    }
    let place = check_entry(&loaded, id, message.amount > 0 && message.entry != Entry::Init, &arguments)?.0;
    Ok((loaded, place, arguments))
}

pub(super) fn bad_code(why: BadCode) -> Reason {
    Reason::Code(alloc::boxed::Box::new(why))
}

fn call_data(bytes: &[u8]) -> Result<(FunctionId, Vec<Value>), BadValue> {
    if bytes.len() > VALUE_BYTES_MAX {
        return Err(BadValue::TooLarge);
    }
    abi::decode_call(bytes)
}

/// A call of code that is gone gives up with a text that names it.
pub(super) fn check_alive<H: Host>(host: &mut H, contract: &Address, id: FunctionId) -> Step<(), H> {
    match host.kind(contract).map_err(Trap::Fault)? {
        AccountKind::Contract { expired_at: Some(height), .. } => {
            Err(Trap::Reverted(Blob::new(abi::expired_text(id, contract, height).into_bytes())))
        }
        _ => Ok(()),
    }
}

/// Find a function that may be called from outside with these arguments, and bind its type variables.
pub(super) fn check_entry(
    loaded: &Loaded,
    id: FunctionId,
    paid: bool,
    arguments: &[Value],
) -> Result<(u32, types::Bindings), Reason> {
    let (place, function) = loaded.function(id).ok_or(Reason::NoFunction(id))?;
    if paid && !function.payable {
        return Err(Reason::NotPayable(id));
    }
    if function.private {
        return Err(Reason::Private(id));
    }
    if function.arguments.len() != arguments.len() {
        return Err(Reason::ArgumentCount { expected: function.arguments.len(), got: arguments.len() });
    }
    let bindings = types::check_all(&function.arguments, arguments).ok_or(Reason::ArgumentTypes)?;
    Ok((place, bindings))
}

impl<H: Host, T: Tracer> Run<'_, H, T> {
    /// Lay out the outermost frame.
    fn enter(&mut self, place: u32, arguments: Vec<Value>) -> Step<(), H> {
        self.stack.extend(arguments.into_iter().rev().map(Some));
        self.begin(place)
    }
}
