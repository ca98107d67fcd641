//! Calls of other contracts, and the way back.

use alloc::{sync::Arc, vec::Vec};
use core::mem;

use super::{
    Address, Flow, Host, Reason, Step, Tracer, Transfer, Trap,
    enter::{bad_code, check_alive, check_entry},
    run::Run,
};
use crate::{
    Type, Value,
    code::{FunctionId, INIT, Loaded},
    gas::{self, Meter, Model},
    limits::{REMOTE_FRAMES_MAX, STACK_MAX},
    store,
    value::{
        Kind, Measure, Shared,
        types::{self, Bindings},
    },
};

/// What a contract asks of another.
pub(crate) struct RemoteCall {
    pub contract: Value,
    pub function: FunctionId,
    pub arguments: Value,
    pub result: Value,
    pub amount: Value,
    pub cap: Option<Value>,
    pub protected: bool,
}

/// A contract that was created for this call of its `init`.
pub(crate) struct Created<H: Host> {
    pub contract: Address,
    /// Before it was there.
    pub mark: H::Mark,
}

/// What a protected call goes back to if it fails.
pub(super) struct Protection<H: Host> {
    mark: H::Mark,
    journal: usize,
    logs: usize,
    /// How many contracts had been created.
    created: usize,
}

/// A remote call that has not returned: the caller as it was, and what is due on return.
pub(super) struct Remote<H: Host> {
    contract: Address,
    caller: Address,
    value: u128,
    store: usize,
    loaded: Arc<Loaded>,
    function: u32,
    pc: usize,
    base: usize,
    floor: usize,
    /// Where the callee's part of the stack begins.
    bottom: usize,
    /// Local frames below the callee's.
    pub(super) frames: usize,
    /// Gas that the caller's cap holds back.
    reserved: u64,
    result: Shared<Type>,
    bindings: Bindings,
    protection: Option<Protection<H>>,
    created: Option<Address>,
}

impl<H: Host> Remote<H> {
    pub(super) const fn is_protected(&self) -> bool {
        self.protection.is_some()
    }
}

impl<H: Host, T: Tracer> Run<'_, H, T> {
    /// Call another contract, or `init` of one that was just created.
    pub(crate) fn call_remote(&mut self, call: &RemoteCall, created: Option<Created<H>>) -> Step<Flow, H> {
        let (Value::Type(arguments), Value::Type(result)) = (&call.arguments, &call.result) else {
            return Err(Reason::Kind { expected: "a type" }.into());
        };
        let (Type::Tuple(types), result) = (&**arguments, Shared::clone(result)) else {
            return Err(Reason::Kind { expected: "a tuple of types" }.into());
        };
        let bottom = self.unfold_arguments(types.len())?;
        let meter = self.meter;
        let protection = self.protection(created.as_ref());
        let created = created.map(|created| created.contract);
        self.created.extend(created);
        let (mark, journal, known) = (protection.mark, protection.journal, protection.created);
        match self.enter_remote(call, types, result, bottom, created, protection) {
            Ok(()) => Ok(Flow::Code),
            Err(Trap::Failed(_) | Trap::Reverted(_)) if call.protected => {
                // Nothing of the attempt is left but what its arguments cost.
                self.meter = meter;
                self.host.rewind(mark);
                self.stores.rewind(journal);
                self.forget_created(known);
                self.stack.truncate(bottom);
                self.push(Value::none())?;
                Ok(Flow::Next)
            }
            Err(trap) => Err(trap),
        }
    }

    fn protection(&mut self, created: Option<&Created<H>>) -> Protection<H> {
        let mark = created.map_or_else(|| self.host.mark(), |created| created.mark);
        Protection { mark, journal: self.stores.mark(), logs: self.logs, created: self.created.len() }
    }

    /// Bring in what of the arguments lies in the caller's store. They stay on the stack; gives where they begin.
    fn unfold_arguments(&mut self, count: usize) -> Step<usize, H> {
        let own = self.stack.len().saturating_sub(self.floor);
        let bottom = self.stack.len().saturating_sub(count);
        if own < count {
            return Err(Reason::StackEmpty.into());
        }
        self.meter.cells = self.meter.cells.saturating_sub(i64::try_from(count).unwrap_or(i64::MAX));
        let arguments = self.stack.get(bottom..).unwrap_or_default();
        // The reference walks them as one list.
        let list = Measure::nodes(crate::value::count(count).saturating_add(1));
        let measure = arguments.iter().flatten().fold(list, |sum, value| sum.and(value.measure()));
        self.meter.walk(Model::Simple, measure)?;
        if measure.has_store_map() {
            let taken: Vec<_> = self.stack.drain(bottom..).flatten().rev().collect();
            let (host, stores, at, meter) = self.store_parts();
            let unfolded = store::unfold(host, stores, at, meter, Model::Unfold, Value::list(taken))?;
            let Value::List(unfolded) = unfolded else { return Err(Reason::Malformed.into()) };
            let values: Vec<_> = unfolded.iter().cloned().map(Some).collect();
            self.stack.extend(values.into_iter().rev());
        }
        Ok(bottom)
    }

    fn enter_remote(
        &mut self,
        call: &RemoteCall,
        types: &[Type],
        result: Shared<Type>,
        bottom: usize,
        created: Option<Address>,
        protection: Protection<H>,
    ) -> Step<(), H> {
        let reserved = self.reserve(call.cap.as_ref())?;
        let kind = Reason::Kind { expected: "a contract" };
        let contract = call.contract.as_object(Kind::Contract).ok_or(Trap::Failed(kind))?;
        self.check_path(&contract)?;
        let amount = amount(&call.amount)?;
        if (call.function == INIT) != created.is_some() {
            return Err(Reason::Init.into());
        }
        check_alive(self.host, &contract, call.function)?;
        let loaded = self.foreign_code(&contract)?.ok_or(Trap::Failed(Reason::NoContract))?;
        let arguments: Vec<_> = self.stack.get(bottom..).unwrap_or_default().iter().flatten().rev().cloned().collect();
        let (place, bindings) = check_entry(&loaded, call.function, amount > 0, &arguments)?;
        let bindings = agree(&loaded, place, types, &result, &bindings)?;
        check_room(&loaded, place, bottom)?;
        if amount > 0 {
            let moved = self.host.transfer(&self.contract, &contract, amount, Transfer::CallValue);
            moved.map_err(Trap::Fault)?.map_err(Reason::Refused)?;
        }
        let frames = self.frame_count();
        let protection = call.protected.then_some(protection);
        self.stores.guard(protection.is_some());
        let remote = Remote {
            contract: mem::replace(&mut self.contract, contract),
            caller: self.caller,
            value: mem::replace(&mut self.value, amount),
            store: self.store,
            loaded: mem::replace(&mut self.loaded, loaded),
            function: self.function,
            pc: self.pc,
            base: self.base,
            floor: self.floor,
            bottom,
            frames,
            reserved,
            result,
            bindings,
            protection,
            created,
        };
        self.caller = remote.contract;
        self.store = self.stores.open(&contract);
        self.remotes.push(remote);
        self.begin(place)
    }

    /// Hold gas back that a cap does not let the callee have.
    fn reserve(&mut self, cap: Option<&Value>) -> Step<u64, H> {
        let Some(cap) = cap else { return Ok(0) };
        if !cap.is_int() {
            return Err(Reason::Kind { expected: "a gas cap" }.into());
        }
        if cap.is_negative() || *cap == Value::Int(0) {
            return Err(Reason::GasCap.into());
        }
        let cap = cap.as_int().and_then(|cap| u64::try_from(cap).ok()).unwrap_or(u64::MAX);
        let reserved = self.meter.gas.saturating_sub(cap);
        self.meter.gas = self.meter.gas.min(cap);
        Ok(reserved)
    }

    /// A contract that runs already cannot be called.
    fn check_path(&self, contract: &Address) -> Step<(), H> {
        if self.contract == *contract || self.remotes.iter().any(|remote| remote.contract == *contract) {
            return Err(Reason::Reentrant.into());
        }
        if self.remotes.len() >= REMOTE_FRAMES_MAX {
            return Err(Reason::Limit("remote calls in remote calls").into());
        }
        Ok(())
    }

    /// The code of a contract, paid for at its first use in the run.
    pub(crate) fn foreign_code(&mut self, contract: &Address) -> Step<Option<Arc<Loaded>>, H> {
        if let Some(loaded) = self.codes.get(contract) {
            return Ok(Some(Arc::clone(loaded)));
        }
        let before = self.meter;
        self.meter.spend(gas::FOREIGN_CODE)?;
        let Some(code) = self.host.code(contract).map_err(Trap::Fault)? else {
            self.meter = before;
            return Ok(None);
        };
        let loaded = self.cache.get(&code).map_err(bad_code)?;
        self.codes.insert(*contract, Arc::clone(&loaded));
        Ok(Some(loaded))
    }

    /// Return from a remote call, or from the outermost one.
    pub(super) fn return_remote(&mut self, value: Value) -> Step<Flow, H> {
        let Some(remote) = self.remotes.last() else { return Ok(Flow::Done(value)) };
        let before = self.meter;
        let checked = check_result(&mut self.meter, remote, &value);
        let value = match (&remote.protection, checked) {
            (None, checked) => checked.map(|()| value)?,
            (Some(_), Ok(())) => Value::some(value),
            (Some(_), Err(_)) => {
                self.meter = before;
                self.undo_callee();
                Value::none()
            }
        };
        self.leave(value)?;
        Ok(Flow::Code)
    }

    /// Undo all that the innermost remote call did, if it is protected.
    fn undo_callee(&mut self) {
        let Some(protection) = self.remotes.last().and_then(|remote| remote.protection.as_ref()) else { return };
        self.host.rewind(protection.mark);
        self.stores.rewind(protection.journal);
        self.logs = protection.logs;
        let known = protection.created;
        self.forget_created(known);
    }

    /// Contracts that are gone again take their code with them.
    fn forget_created(&mut self, known: usize) {
        for contract in self.created.drain(known.min(self.created.len())..) {
            self.codes.remove(&contract);
        }
    }

    /// Leave the innermost remote call with this result.
    fn leave(&mut self, value: Value) -> Step<(), H> {
        let Some(remote) = self.remotes.pop() else { return Err(Reason::Malformed.into()) };
        self.stores.unguard(remote.is_protected());
        // Whoever catches a failure from here on has this call behind it.
        self.before.gas = self.before.gas.saturating_add(remote.reserved);
        let value = match remote.created {
            Some(contract) => self.created_value(contract, &value)?,
            None => value,
        };
        self.meter.gas = self.meter.gas.saturating_add(remote.reserved);
        let value = self.unfold(value, Model::Unfold)?;
        self.drop_frames(remote.frames);
        self.stack.truncate(remote.bottom);
        self.stack.push(Some(value));
        (self.contract, self.caller, self.value) = (remote.contract, remote.caller, remote.value);
        (self.store, self.loaded) = (remote.store, remote.loaded);
        (self.function, self.pc) = (remote.function, remote.pc);
        (self.base, self.floor) = (remote.base, remote.floor);
        Ok(())
    }

    /// What creation gives in place of what `init` returned.
    fn created_value(&mut self, contract: Address, value: &Value) -> Step<Value, H> {
        let contract = Value::contract(&contract);
        let value = match value {
            Value::Variant(option) if option.tag() == 0 => Value::none(),
            Value::Variant(_) => Value::some(contract),
            _ => contract,
        };
        self.meter.pop();
        self.meter.add_cells(1)?;
        Ok(value)
    }

    /// Gas that caps of all calls hold back.
    pub(super) fn reserved(&self) -> u64 {
        self.remotes.iter().fold(0, |sum: u64, remote| sum.saturating_add(remote.reserved))
    }

    /// Fail back to the innermost protected call, which gives `None`.
    pub(super) fn fail_to_protected(&mut self, protected: usize) -> Step<(), H> {
        let above = self.remotes.get(protected.saturating_add(1)..).unwrap_or_default();
        let freed = above.iter().fold(0, |sum: u64, remote| sum.saturating_add(remote.reserved));
        self.meter = Meter { gas: self.before.gas.saturating_add(freed), cells: self.before.cells };
        self.before = self.meter;
        let frames = self.remotes.get(protected).map_or(0, |remote| remote.frames);
        for remote in self.remotes.drain(protected.saturating_add(1)..) {
            self.stores.unguard(remote.protection.is_some());
        }
        self.drop_frames(frames);
        self.undo_callee();
        self.leave(Value::none())
    }
}

/// Whether the caller's and the callee's idea of the function agree; binds the caller's type variables.
fn agree(loaded: &Loaded, place: u32, types: &[Type], result: &Type, bindings: &Bindings) -> Result<Bindings, Reason> {
    let function = usize::try_from(place).ok().and_then(|place| loaded.functions.get(place));
    let function = function.ok_or(Reason::Malformed)?;
    let theirs = [&function.result].into_iter().chain(&function.arguments);
    let theirs: Vec<_> = theirs.map(|of| types::instantiate(of, bindings)).collect();
    let ours: Vec<_> = [result].into_iter().chain(types).cloned().collect();
    types::agree(&ours, &theirs).ok_or(Reason::RemoteType)
}

/// Whether the callee's registers fit. Asked before anything changes, so that a protected call can still go back.
fn check_room(loaded: &Loaded, place: u32, bottom: usize) -> Result<(), Reason> {
    let function = usize::try_from(place).ok().and_then(|place| loaded.functions.get(place));
    let registers = function.map_or(usize::MAX, |function| function.registers.len());
    if bottom.saturating_add(registers) > STACK_MAX { Err(Reason::Limit("values on the stack")) } else { Ok(()) }
}

fn check_result<H: Host>(meter: &mut Meter, remote: &Remote<H>, value: &Value) -> Result<(), Reason> {
    meter.walk(Model::Simple, value.measure())?;
    let bindings = types::check(&remote.result, value).ok_or(Reason::ResultType)?;
    types::merge(&remote.bindings, bindings).map(drop).ok_or(Reason::ResultType)
}

/// Coins as the host counts them.
pub(crate) fn amount(value: &Value) -> Result<u128, Reason> {
    let amount = value.as_int().ok_or(Reason::Kind { expected: "an amount" })?;
    u128::try_from(amount).map_err(|_| Reason::Amount)
}
