//! A run in progress: stack, frames, meter, and the loop.
//!
//! One stack holds everything. A frame's slots begin at `base`, arguments first, as the caller pushed them; its own
//! values lie from `floor` on. Read [`Run::go`] first.

use alloc::{collections::BTreeMap, sync::Arc, vec::Vec};

use super::{Address, Failure, Host, Instant, Message, Place, Reason, Tracer, cache::Cache, remote::Remote};
use crate::{
    Value,
    code::{Function, Loaded, Operand},
    gas::{Meter, Model, OutOfGas},
    limits::{LOCAL_FRAMES_MAX, STACK_MAX, VALUE_BYTES_MAX, VALUE_DEPTH_MAX},
    ops::table,
    store::Stores,
    value::Blob,
};

/// What an instruction or a part of it gives.
pub type Step<T, H> = Result<T, Trap<<H as Host>::Fault>>;

/// Why a run cannot go on.
#[derive(Debug)]
pub enum Trap<F> {
    /// The contract failed.
    Failed(Reason),
    /// The contract gave up with a text.
    Reverted(Blob),
    /// The host could not answer.
    Fault(F),
}

impl<F> From<Reason> for Trap<F> {
    fn from(reason: Reason) -> Self {
        Self::Failed(reason)
    }
}

impl<F> From<OutOfGas> for Trap<F> {
    fn from(OutOfGas: OutOfGas) -> Self {
        Self::Failed(Reason::OutOfGas)
    }
}

/// What comes after an instruction.
#[derive(Debug)]
pub enum Flow {
    /// The next one.
    Next,
    /// Another function of the same code.
    Function,
    /// Other code.
    Code,
    /// Nothing: the outermost call has returned this.
    Done(Value),
}

/// Where a local call came from.
struct Frame {
    function: u32,
    pc: u32,
    base: u32,
}

/// A run in progress.
pub struct Run<'a, H: Host, T> {
    pub(crate) host: &'a mut H,
    pub(super) tracer: &'a mut T,
    pub(super) cache: &'a mut Cache,
    pub(super) message: &'a Message,
    pub(crate) meter: Meter,
    /// The meter before the instruction that runs. A protected call that fails goes back to it.
    pub(super) before: Meter,
    pub(super) stack: Vec<Option<Value>>,
    pub(super) base: usize,
    pub(super) floor: usize,
    pub(super) loaded: Arc<Loaded>,
    pub(super) function: u32,
    pub(crate) pc: usize,
    frames: Vec<Frame>,
    pub(super) remotes: Vec<Remote<H>>,
    pub(crate) contract: Address,
    pub(crate) caller: Address,
    /// Coins that came with the call.
    pub(crate) value: u128,
    pub(crate) stores: Stores,
    /// Which of the stores is the running contract's.
    pub(super) store: usize,
    /// Code that was used in this run.
    pub(super) codes: BTreeMap<Address, Arc<Loaded>>,
    /// Contracts that were created in this run. One whose creation is undone leaves its id to the next.
    pub(super) created: Vec<Address>,
    pub(crate) auth: bool,
    pub(crate) logs: usize,
}

// Reading and writing an operand is most of what an instruction does: inside the instruction the compiler sees which kinds it
// has there, and a loop of arithmetic runs 1.4 times as fast.
#[allow(clippy::inline_always)]
impl<'a, H: Host, T: Tracer> Run<'a, H, T> {
    pub(super) fn new(
        host: &'a mut H,
        tracer: &'a mut T,
        cache: &'a mut Cache,
        message: &'a Message,
        loaded: Arc<Loaded>,
    ) -> Self {
        let mut stores = Stores::default();
        let store = stores.open(&message.contract);
        Self {
            host,
            tracer,
            cache,
            message,
            meter: Meter::new(message.gas),
            before: Meter::new(message.gas),
            stack: Vec::new(),
            base: 0,
            floor: 0,
            codes: BTreeMap::from([(message.contract, Arc::clone(&loaded))]),
            created: Vec::new(),
            loaded,
            function: 0,
            pc: 0,
            frames: Vec::new(),
            remotes: Vec::new(),
            contract: message.contract,
            caller: message.caller,
            // What comes with a creation is there before `init`, which is not told.
            value: if message.entry == super::Entry::Init { 0 } else { message.amount },
            stores,
            store,
            auth: message.entry == super::Entry::Auth,
            logs: 0,
        }
    }

    /// Run until the outermost call returns.
    pub(super) fn go(&mut self) -> Step<Value, H> {
        loop {
            match self.go_in_code() {
                Ok(Some(value)) => return Ok(value),
                Ok(None) => {}
                Err(trap) => self.unwind(trap)?,
            }
        }
    }

    /// Run until other code begins or the outermost call returns.
    fn go_in_code(&mut self) -> Step<Option<Value>, H> {
        let loaded = Arc::clone(&self.loaded);
        loop {
            let function = usize::try_from(self.function).ok().and_then(|place| loaded.functions.get(place));
            let Some(function) = function else { return Err(Reason::Malformed.into()) };
            match self.go_in_function(&loaded, function)? {
                Flow::Done(value) => return Ok(Some(value)),
                Flow::Code => return Ok(None),
                Flow::Function | Flow::Next => {}
            }
        }
    }

    /// Run until a call or a return.
    fn go_in_function(&mut self, loaded: &Loaded, function: &Function) -> Step<Flow, H> {
        loop {
            self.before = self.meter;
            let Some(instruction) = function.code.get(self.pc) else { return Err(Reason::NoBlock.into()) };
            if T::LOOKS {
                let (gas, cells) = (self.meter.gas, self.meter.cells);
                let contract = &self.contract;
                self.tracer.look(Instant { gas, cells, contract, loaded, function, instruction, at: self.pc });
            }
            self.pc = self.pc.wrapping_add(1);
            self.meter.spend(u64::from(instruction.gas))?;
            if self.auth && instruction.op.info().outside {
                return Err(Reason::AuthRun.into());
            }
            match table::dispatch(self, instruction.op, &instruction.operands)? {
                Flow::Next => {}
                other => return Ok(other),
            }
        }
    }

    /// Where the run is, for people.
    pub(super) fn failure(&self, reason: Reason) -> Failure {
        let function = usize::try_from(self.function).ok().and_then(|place| self.loaded.functions.get(place));
        let place = function.and_then(|function| {
            let at = self.pc.saturating_sub(1);
            let op = function.code.get(at)?.op.info().name;
            Some(Place { contract: self.contract, function: function.id, block: function.block_of(at), op })
        });
        Failure { reason, place }
    }

    /// The value of an operand. What is on the stack leaves it.
    #[inline(always)]
    pub(crate) fn read(&mut self, operand: &Operand) -> Step<Value, H> {
        match operand {
            Operand::Stack => self.pop(),
            Operand::Slot(slot) => match self.slot(*slot) {
                Some(Value::Int(n)) => Ok(Value::Int(*n)),
                Some(value) => Ok(value.clone()),
                None => Err(Reason::UnsetRegister.into()),
            },
            Operand::Immediate(Value::Int(n)) => Ok(Value::Int(*n)),
            Operand::Immediate(value) => Ok(value.clone()),
            Operand::Store(register) => self.read_store(*register),
            _ => Err(Reason::Malformed.into()),
        }
    }

    /// Empty a register that the running instruction writes anyway. If it fails, its frame is gone; a register of the
    /// store is kept if a protected call could go back to it.
    pub(crate) fn forget(&mut self, operand: &Operand) {
        match operand {
            Operand::Slot(slot) => {
                let at = self.base.wrapping_add(usize::try_from(*slot).unwrap_or(usize::MAX));
                if let Some(place) = self.stack.get_mut(at) {
                    *place = None;
                }
            }
            Operand::Store(register) => self.stores.forget(self.store, *register),
            _ => {}
        }
    }

    #[inline(always)]
    fn slot(&self, slot: u32) -> Option<&Value> {
        let at = self.base.wrapping_add(usize::try_from(slot).ok()?);
        self.stack.get(at)?.as_ref()
    }

    /// Take the top of the stack.
    #[inline(always)]
    pub(crate) fn pop(&mut self) -> Step<Value, H> {
        if self.stack.len() <= self.floor {
            return Err(Reason::StackEmpty.into());
        }
        self.meter.pop();
        self.stack.pop().flatten().ok_or(Trap::Failed(Reason::StackEmpty))
    }

    /// Take so many values off the stack; the one that was pushed last stands last.
    pub(crate) fn pop_many(&mut self, count: usize) -> Step<Vec<Value>, H> {
        let own = self.stack.len().saturating_sub(self.floor);
        if own < count {
            return Err(Reason::StackEmpty.into());
        }
        let from = self.stack.len().saturating_sub(count);
        let cells = i64::try_from(count).unwrap_or(i64::MAX);
        self.meter.cells = self.meter.cells.saturating_sub(cells);
        self.stack.drain(from..).map(|value| value.ok_or(Trap::Failed(Reason::StackEmpty))).collect()
    }

    /// A value so deep in the stack, from the top.
    pub(crate) fn peek(&self, depth: usize) -> Option<&Value> {
        let at = self.stack.len().checked_sub(depth)?.checked_sub(1)?;
        if at < self.floor { None } else { self.stack.get(at)?.as_ref() }
    }

    /// Put a value on the stack, for one cell.
    #[inline(always)]
    pub(crate) fn push(&mut self, value: Value) -> Step<(), H> {
        self.meter.add_cells(1)?;
        self.place(value)
    }

    #[inline(always)]
    fn place(&mut self, value: Value) -> Step<(), H> {
        if self.stack.len() >= STACK_MAX {
            return Err(Reason::Limit("values on the stack").into());
        }
        self.stack.push(Some(value));
        Ok(())
    }

    /// Put a value where an operand says.
    #[inline(always)]
    pub(crate) fn write(&mut self, to: &Operand, value: Value) -> Step<(), H> {
        match to {
            Operand::Stack => self.push(value),
            Operand::Slot(slot) => {
                let at = self.base.wrapping_add(usize::try_from(*slot).unwrap_or(usize::MAX));
                match self.stack.get_mut(at) {
                    Some(place) => *place = Some(value),
                    None => return Err(Reason::Malformed.into()),
                }
                Ok(())
            }
            Operand::Store(register) => {
                self.stores.set(self.store, *register, value);
                Ok(())
            }
            _ => Err(Reason::Malformed.into()),
        }
    }

    /// The same, as the last thing that an instruction does.
    #[inline(always)]
    pub(crate) fn give(&mut self, to: &Operand, value: Value) -> Step<Flow, H> {
        self.write(to, value)?;
        Ok(Flow::Next)
    }

    /// The same, where the cell of the stack is paid for already.
    pub(crate) fn write_paid(&mut self, to: &Operand, value: Value) -> Step<Flow, H> {
        match to {
            Operand::Stack => self.place(value)?,
            to => self.write(to, value)?,
        }
        Ok(Flow::Next)
    }

    fn read_store(&mut self, register: u32) -> Step<Value, H> {
        if let Some(value) = self.stores.cached(self.store, register) {
            return Ok(value.clone());
        }
        let found = self.stores.fetch(self.host, self.store, register).map_err(Trap::Fault)?;
        let value = found.ok_or(Trap::Failed(Reason::UnsetStore(register)))?;
        self.meter.spend(crate::gas::STORE_READ)?;
        self.stores.remember(self.store, register, value.clone());
        Ok(value)
    }

    /// Pay for a walk over a value, and bring in what of it lies in the store.
    #[inline]
    pub(crate) fn unfold(&mut self, value: Value, model: Model) -> Step<Value, H> {
        let measure = value.measure();
        self.meter.walk(Model::Simple, measure)?;
        if measure.has_store_map() { self.unfold_stored(value, model) } else { Ok(value) }
    }

    fn unfold_stored(&mut self, value: Value, model: Model) -> Step<Value, H> {
        crate::store::unfold(self.host, &mut self.stores, self.store, &mut self.meter, model, value)
    }

    /// The running contract's store.
    pub(crate) fn store_parts(&mut self) -> (&mut H, &mut Stores, usize, &mut Meter) {
        (self.host, &mut self.stores, self.store, &mut self.meter)
    }

    /// Refuse what is too deep to be compared, hashed or checked.
    pub(crate) fn check_depth(value: &Value) -> Step<(), H> {
        if value.measure().depth > VALUE_DEPTH_MAX {
            return Err(Reason::Limit("values inside values").into());
        }
        Ok(())
    }

    /// Refuse what has more bytes than a value that enters, leaves or is stored, before it is written.
    pub(crate) fn check_bytes(value: &Value) -> Step<(), H> {
        Self::check_depth(value)?;
        if value.measure().bytes > crate::value::count(VALUE_BYTES_MAX) {
            return Err(Reason::Limit("bytes of a value").into());
        }
        Ok(())
    }

    /// The function that runs.
    pub(super) fn function(&self, place: u32) -> Step<&Function, H> {
        let function = usize::try_from(place).ok().and_then(|place| self.loaded.functions.get(place));
        function.ok_or(Trap::Failed(Reason::Malformed))
    }

    /// Begin a function whose arguments are on top of the stack, the first one topmost.
    #[inline]
    pub(super) fn begin(&mut self, place: u32) -> Step<(), H> {
        let function = self.function(place)?;
        let (arity, registers) = (function.arguments.len(), function.registers.len());
        let base = self.stack.len().checked_sub(arity).ok_or(Trap::Failed(Reason::StackEmpty))?;
        let floor = base.saturating_add(registers);
        if floor > STACK_MAX {
            return Err(Reason::Limit("values on the stack").into());
        }
        self.stack.resize_with(floor, || None);
        (self.base, self.floor, self.function, self.pc) = (base, floor, place, 0);
        Ok(())
    }

    /// How many arguments a local call takes off the stack. The reference refuses `init` and missing functions.
    fn arity_of_call(&mut self, place: u32) -> Step<usize, H> {
        let function = self.function(place)?;
        if function.id == crate::code::INIT {
            return Err(Reason::Init.into());
        }
        let arity = function.arguments.len();
        if self.stack.len().saturating_sub(self.floor) < arity {
            return Err(Reason::StackEmpty.into());
        }
        self.meter.cells = self.meter.cells.wrapping_sub(i64::try_from(arity).unwrap_or(i64::MAX));
        Ok(arity)
    }

    /// Call a function of this code.
    #[inline]
    pub(crate) fn call_local(&mut self, place: u32) -> Step<Flow, H> {
        self.arity_of_call(place)?;
        if self.frames.len() >= LOCAL_FRAMES_MAX {
            return Err(Reason::Limit("calls in calls").into());
        }
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        self.frames.push(Frame { function: self.function, pc: number(self.pc), base: number(self.base) });
        self.begin(place)?;
        Ok(Flow::Function)
    }

    /// Go on in another function instead of this one. What this one leaves on the stack stays, below.
    pub(crate) fn call_instead(&mut self, place: u32) -> Step<Flow, H> {
        let arity = self.arity_of_call(place)?;
        let arguments = self.stack.len().saturating_sub(arity);
        let left = self.stack.get_mut(self.floor..arguments).unwrap_or_default();
        let left: Vec<_> = left.iter_mut().map(Option::take).collect();
        self.stack.drain(self.base..arguments);
        self.begin(place)?;
        self.stack.extend(left);
        Ok(Flow::Function)
    }

    /// Return a value from the running function.
    #[inline]
    pub(crate) fn return_value(&mut self, value: Value) -> Step<Flow, H> {
        let local = self.frames.len() > self.remotes.last().map_or(0, |remote| remote.frames);
        if !local {
            return self.return_remote(value);
        }
        let Some(frame) = self.frames.pop() else { return Err(Reason::Malformed.into()) };
        self.stack.truncate(self.base);
        self.base = usize::try_from(frame.base).unwrap_or(usize::MAX);
        self.pc = usize::try_from(frame.pc).unwrap_or(usize::MAX);
        self.function = frame.function;
        self.floor = self.base.saturating_add(self.function(frame.function)?.registers.len());
        self.place(value)?;
        Ok(Flow::Function)
    }

    pub(super) fn frame_count(&self) -> usize {
        self.frames.len()
    }

    pub(super) fn drop_frames(&mut self, to: usize) {
        self.frames.truncate(to);
    }

    /// A function of this code by the name that a value holds.
    pub(crate) fn find(&self, name: &Value) -> Step<u32, H> {
        let id = name.as_string().and_then(|name| <[u8; 4]>::try_from(name).ok());
        let id = id.ok_or(Trap::Failed(Reason::Kind { expected: "a function's name" }))?;
        self.loaded.function(id).map(|(place, _)| place).ok_or(Trap::Failed(Reason::NoFunction(id)))
    }

    /// Who signed the transaction.
    pub(crate) fn origin(&self) -> &Address {
        &self.message.origin
    }
}
