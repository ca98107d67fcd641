//! Why a run failed. For people, logs and dry runs: consensus only knows that it did.

use alloc::{boxed::Box, string::String};

use super::{Address, Refused};
use crate::{
    code::{BadCode, FunctionId},
    gas::OutOfGas,
    value::decode::BadValue,
};

/// Why a run failed, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Why.
    pub reason: Reason,
    /// Where; `None` if it had not begun.
    pub place: Option<Place>,
}

/// An instruction of a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The contract.
    pub contract: Address,
    /// The function.
    pub function: FunctionId,
    /// The block in the function.
    pub block: u32,
    /// The instruction's name.
    pub op: &'static str,
}

impl core::fmt::Display for Failure {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.reason.fmt(f)?;
        let Some(place) = &self.place else { return Ok(()) };
        write!(f, " (at {} in block {} of {})", place.op, place.block, crate::value::hex(&place.function))
    }
}

/// Why a run failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The gas did not last.
    #[error("out of gas")]
    OutOfGas,
    /// The call data is not a function's name with arguments.
    #[error("call data: {0}")]
    CallData(BadValue),
    /// There is no contract.
    #[error("no contract here")]
    NoContract,
    /// The code does not load.
    #[error("{0}")]
    Code(Box<BadCode>),
    /// The contract has no such function.
    #[error("no function {0:02x?}")]
    NoFunction(FunctionId),
    /// Only the contract itself may call the function.
    #[error("function {0:02x?} is private")]
    Private(FunctionId),
    /// The function accepts no coins.
    #[error("function {0:02x?} is not payable")]
    NotPayable(FunctionId),
    /// `init` runs at creation alone.
    #[error("init is not allowed here")]
    Init,
    /// Another number of arguments.
    #[error("{expected} arguments expected, {got} given")]
    ArgumentCount {
        /// As the function says.
        expected: usize,
        /// As the caller gave.
        got: usize,
    },
    /// Arguments of other types.
    #[error("arguments of other types than the function takes")]
    ArgumentTypes,
    /// The callee's result is not what the caller expects.
    #[error("a result of another type than expected")]
    ResultType,
    /// The callee's signature is not what the caller expects.
    #[error("type of remote function does not match expected type")]
    RemoteType,
    /// A value of another kind than the instruction takes.
    #[error("{expected} expected")]
    Kind {
        /// What it takes.
        expected: &'static str,
    },
    /// A jump to a block that is not there.
    #[error("no such block")]
    NoBlock,
    /// Nothing is on the stack.
    #[error("the stack is empty")]
    StackEmpty,
    /// A register that was never written.
    #[error("a register that was never written")]
    UnsetRegister,
    /// A store register that was never written.
    #[error("store register {0} was never written")]
    UnsetStore(u32),
    /// A number that cannot be computed.
    #[error("arithmetic: {0}")]
    Arithmetic(&'static str),
    /// An index outside of what it indexes.
    #[error("index out of bounds")]
    OutOfBounds,
    /// A variant of another shape.
    #[error("a variant of another shape")]
    VariantShape,
    /// A map without the key.
    #[error("no such key")]
    MissingKey,
    /// A key that holds a map, or too much.
    #[error("a value that cannot be a key")]
    BadKey,
    /// A contract that is already running.
    #[error("reentrant call")]
    Reentrant,
    /// A gas cap of nothing, or less.
    #[error("a gas cap that is not positive")]
    GasCap,
    /// An amount below zero or above what there is.
    #[error("an amount below zero or above what there is")]
    Amount,
    /// Coins did not move.
    #[error("{0}")]
    Refused(Refused),
    /// An account that does not exist would come to be by receiving nothing.
    #[error("nothing spent to nobody")]
    EmptySpend,
    /// A topic that is no word, or a payload that is no string.
    #[error("an event of other values than words and a string")]
    Log,
    /// An element that is not below its modulus, or a point off its curve.
    #[error("no element or point of the curve")]
    Curve,
    /// A limit of the machine.
    #[error("more {0} than allowed")]
    Limit(&'static str),
    /// An auth run may not do that.
    #[error("not allowed while a signature is checked")]
    AuthRun,
    /// An instruction that is retired.
    #[error("a retired instruction")]
    Retired,
    /// The contract said so.
    #[error("exit: {0}")]
    Exit(Box<String>),
    /// Loaded code that is not what the loader makes: ours. An error all the same, so that no input can stop a node.
    #[error("malformed instruction")]
    Malformed,
}

impl From<OutOfGas> for Reason {
    fn from(OutOfGas: OutOfGas) -> Self {
        Self::OutOfGas
    }
}
