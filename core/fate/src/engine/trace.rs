//! See each instruction before it runs. Compiled away where nobody looks.

use alloc::string::String;

use super::Address;
use crate::code::{Function, FunctionId, Instruction, Loaded, show_instruction};

/// The machine just before an instruction.
#[derive(Debug, Clone, Copy)]
pub struct Instant<'a> {
    /// Gas that is left.
    pub gas: u64,
    /// Cells so far.
    pub cells: i64,
    /// Whose code runs.
    pub contract: &'a Address,
    pub(super) loaded: &'a Loaded,
    pub(super) function: &'a Function,
    pub(super) instruction: &'a Instruction,
    pub(super) at: usize,
}

impl Instant<'_> {
    /// The function that runs.
    pub const fn function(&self) -> FunctionId {
        self.function.id
    }

    /// The block of the instruction.
    pub fn block(&self) -> u32 {
        self.function.block_of(self.at)
    }

    /// The instruction, disassembled.
    pub fn text(&self) -> String {
        show_instruction(self.instruction, self.function, self.loaded)
    }
}

/// Looks at each instruction.
pub trait Tracer {
    /// Whether it looks at all.
    const LOOKS: bool = true;
    /// Look.
    fn look(&mut self, instant: Instant<'_>);
}

impl Tracer for () {
    const LOOKS: bool = false;
    fn look(&mut self, _: Instant<'_>) {}
}
