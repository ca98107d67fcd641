//! Code: what a contract is made of, decoded once into flat arrays.
//!
//! Read [`Loaded`] first, then [`load`](load::load). Rules: protocol, fate 3.

mod load;
mod object;
mod serialize;
mod show;

use alloc::{string::String, vec::Vec};

pub use load::{BadCode, load, load_byte_code};
pub use object::CodeObject;
pub use show::instruction as show_instruction;

use crate::{
    Type, Value,
    ops::table::Op,
    value::{Map, Shared},
};

/// The name of a function: the first four bytes of the hash of its name in the source.
pub type FunctionId = [u8; 4];

/// `init`, which only creation runs.
pub const INIT: FunctionId = [0x44, 0xd6, 0x44, 0x1f];

/// A contract's code, checked and decoded.
#[derive(Debug)]
pub struct Loaded {
    /// Sorted by id.
    pub functions: Vec<Function>,
    /// Names by id.
    pub symbols: Map,
    /// What the compiler noted.
    pub annotations: Map,
    /// Whether the contract may be paid.
    pub payable: bool,
    /// Blake2b-256 of the byte code.
    pub hash: [u8; 32],
    /// Bytes of the code object. What the cache counts.
    pub size: usize,
}

impl Loaded {
    /// The function with this id.
    pub fn function(&self, id: FunctionId) -> Option<(u32, &Function)> {
        let at = self.functions.binary_search_by_key(&id, |function| function.id).ok()?;
        Some((u32::try_from(at).ok()?, self.functions.get(at)?))
    }

    /// What the compiler called the function, if the code says so.
    pub fn name(&self, id: FunctionId) -> Option<&str> {
        let name = self.symbols.get(&Value::string(id.to_vec()))?;
        core::str::from_utf8(name.as_string()?).ok()
    }

    /// The byte code, written from what was loaded.
    pub fn serialize(&self) -> Vec<u8> {
        serialize::byte_code(self)
    }

    /// All functions for people.
    pub fn show(&self) -> String {
        show::code(self)
    }
}

/// One function.
#[derive(Debug)]
pub struct Function {
    /// Its name.
    pub id: FunctionId,
    /// Whether only its own contract may call it.
    pub private: bool,
    /// Whether it may be sent coins.
    pub payable: bool,
    /// Types of its arguments.
    pub arguments: Vec<Type>,
    /// Type of its result.
    pub result: Type,
    /// Instructions of all blocks, one after another.
    pub code: Vec<Instruction>,
    /// Where each block begins in `code`.
    pub blocks: Vec<u32>,
    /// What each slot is called in the byte code. The arguments come first, the last one at slot 0, as a call leaves
    /// them on the stack.
    pub registers: Vec<Register>,
}

impl Function {
    /// The block that an instruction belongs to.
    pub fn block_of(&self, at: usize) -> u32 {
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        let after = self.blocks.partition_point(|begin| *begin <= at);
        u32::try_from(after.saturating_sub(1)).unwrap_or(u32::MAX)
    }
}

/// A register by its name in the byte code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Register {
    /// An argument of the call, or one that the function made up.
    Argument(i64),
    /// A variable of the function.
    Variable(i64),
}

/// One instruction.
#[derive(Debug)]
pub struct Instruction {
    /// Which.
    pub op: Op,
    /// Gas before anything else.
    pub gas: u32,
    /// Its arguments.
    pub operands: Vec<Operand>,
}

/// One argument of an instruction.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// The top of the stack.
    Stack,
    /// A register, by its slot in the frame.
    Slot(u32),
    /// A register of the contract's store.
    Store(u32),
    /// A value.
    Immediate(Value),
    /// A function of this code, by its place.
    Function(u32),
    /// A block.
    Block(Target),
    /// One block for each constructor.
    Blocks(Shared<Vec<Target>>),
}

/// Where a jump leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// The block's number.
    pub block: u32,
    /// Its first instruction. The end of the code if there is no such block: running off the end is an error.
    pub at: u32,
}
