//! Load code: check all that can be checked before it runs, and decode it into flat arrays.

use alloc::{collections::BTreeMap, vec::Vec};

use banyan_types::rlp::DecodeError;

use super::{CodeObject, Function, FunctionId, Instruction, Loaded, Operand, Register, Target};
use crate::{
    Type, Value,
    limits::{BLOCKS_MAX, CODE_BYTES_MAX, FUNCTIONS_MAX, REGISTERS_MAX, STORE_REGISTER_MAX},
    ops::table::{Argument, Op, Row, row},
    value::{
        Map, Shared,
        decode::{self, BadValue, Door},
        rlp, types,
    },
};

/// Why code does not load.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCode {
    /// More bytes than code may have.
    #[error("code of {got} bytes, limit {CODE_BYTES_MAX}")]
    TooLarge {
        /// Bytes of the code.
        got: usize,
    },
    /// The object around the byte code is none.
    #[error("code object: {0}")]
    Object(#[source] DecodeError),
    /// A value or type in the code is none.
    #[error("value in code: {0}")]
    Value(#[from] BadValue),
    /// The code ends before it should.
    #[error("code cut short")]
    Short,
    /// There are bytes after the code.
    #[error("bytes after the code")]
    Trailing,
    /// Neither a function nor an instruction stands where one should.
    #[error("no instruction {byte:#04x}")]
    UnknownOp {
        /// What stands there.
        byte: u8,
    },
    /// An instruction of the reference that does not exist here.
    #[error("instruction {name} does not exist here")]
    IllegalOp {
        /// Its name in the reference.
        name: &'static str,
    },
    /// An argument that the instruction cannot take, or more than it takes.
    #[error("argument {argument} of {op:?} is not what it takes")]
    Argument {
        /// The instruction.
        op: Op,
        /// Which argument, from 0.
        argument: usize,
    },
    /// A function without instructions.
    #[error("a function without a block")]
    EmptyFunction,
    /// The last instruction of a function goes on to nowhere.
    #[error("a block that does not end")]
    OpenBlock,
    /// Functions that are not sorted by id, or two with one id.
    #[error("functions not in the order of their ids")]
    Unsorted,
    /// Unknown attributes of a function.
    #[error("attributes {0} of a function")]
    Attributes(i64),
    /// More functions, blocks or registers than allowed.
    #[error("more {0} than allowed")]
    TooMany(&'static str),
}

/// Load a code object.
pub fn load(code_object: &[u8]) -> Result<Loaded, BadCode> {
    if code_object.len() > CODE_BYTES_MAX {
        return Err(BadCode::TooLarge { got: code_object.len() });
    }
    let object = CodeObject::decode(code_object)?;
    let loaded = load_byte_code(&object.byte_code)?;
    Ok(Loaded { payable: object.payable, size: code_object.len(), ..loaded })
}

/// Load bare byte code.
pub fn load_byte_code(byte_code: &[u8]) -> Result<Loaded, BadCode> {
    if byte_code.len() > CODE_BYTES_MAX {
        return Err(BadCode::TooLarge { got: byte_code.len() });
    }
    let mut rest = byte_code;
    let code = rlp::take_bytes(&mut rest)?;
    let symbols = take_map(rlp::take_bytes(&mut rest)?)?;
    let annotations = take_map(rlp::take_bytes(&mut rest)?)?;
    if !rest.is_empty() {
        return Err(BadCode::Trailing);
    }
    let mut functions = take_functions(code)?;
    name_functions(&mut functions);
    let hash = banyan_crypto::blake2b(&[byte_code]);
    Ok(Loaded { functions, symbols, annotations, payable: false, hash, size: byte_code.len() })
}

fn take_map(bytes: &[u8]) -> Result<Map, BadCode> {
    match decode::decode(bytes, Door::Outside)? {
        Value::Map(map) => Ok(map),
        _ => Err(BadCode::Value(BadValue::Form("no map where one should stand"))),
    }
}

/// Where a function begins.
const FUNCTION: u8 = 0xfe;

fn take_functions(code: &[u8]) -> Result<Vec<Function>, BadCode> {
    let mut rest = code;
    let mut functions: Vec<Function> = Vec::new();
    while let Some((first, after)) = rest.split_first() {
        if *first != FUNCTION {
            return Err(BadCode::UnknownOp { byte: *first });
        }
        if functions.len() >= FUNCTIONS_MAX {
            return Err(BadCode::TooMany("functions"));
        }
        rest = after;
        let function = take_function(&mut rest)?;
        if functions.last().is_some_and(|last| last.id >= function.id) {
            return Err(BadCode::Unsorted);
        }
        functions.push(function);
    }
    Ok(functions)
}

fn take_function(from: &mut &[u8]) -> Result<Function, BadCode> {
    let (id, rest) = from.split_first_chunk::<4>().ok_or(BadCode::Short)?;
    *from = rest;
    let attributes = match decode::take(from, Door::Outside)? {
        Value::Int(attributes @ 0..=3) => attributes,
        Value::Int(other) => return Err(BadCode::Attributes(other)),
        _ => return Err(BadCode::Attributes(-1)),
    };
    let Type::Tuple(arguments) = types::take(from)? else {
        return Err(BadCode::Value(BadValue::Form("no tuple of argument types")));
    };
    let result = types::take(from)?;
    let mut body = Body::new(arguments.len());
    while from.first().is_some_and(|first| *first != FUNCTION) {
        body.take_instruction(from)?;
    }
    let (private, payable) = (attributes & 1 != 0, attributes & 2 != 0);
    body.finish(Function {
        id: *id,
        private,
        payable,
        arguments,
        result,
        code: Vec::new(),
        blocks: Vec::new(),
        registers: Vec::new(),
    })
}

/// A function's instructions while they are read.
struct Body {
    code: Vec<Instruction>,
    blocks: Vec<u32>,
    /// Whether the instruction before ended its block.
    ended: bool,
    registers: Vec<Register>,
    slots: BTreeMap<Register, u32>,
}

impl Body {
    /// The last argument gets slot 0: a call leaves the first one on top of the stack.
    fn new(arity: usize) -> Self {
        let registers: Vec<_> = (0..i64::try_from(arity).unwrap_or(i64::MAX)).rev().map(Register::Argument).collect();
        let slots = registers.iter().copied().zip(0..).collect();
        Self { code: Vec::new(), blocks: Vec::new(), ended: true, registers, slots }
    }

    fn take_instruction(&mut self, from: &mut &[u8]) -> Result<(), BadCode> {
        let (byte, rest) = from.split_first().ok_or(BadCode::Short)?;
        *from = rest;
        let op = match row(*byte) {
            Row::Legal(op) => op,
            Row::Illegal(name) => return Err(BadCode::IllegalOp { name }),
            Row::Unknown => return Err(BadCode::UnknownOp { byte: *byte }),
        };
        let info = op.info();
        let operands = self.take_operands(op, info.arguments, from)?;
        if self.ended {
            if self.blocks.len() >= BLOCKS_MAX {
                return Err(BadCode::TooMany("blocks"));
            }
            self.blocks.push(u32::try_from(self.code.len()).map_err(|_| BadCode::TooMany("instructions"))?);
        }
        self.ended = info.ends;
        self.code.push(Instruction { op, gas: info.gas, operands });
        Ok(())
    }

    fn take_operands(&mut self, op: Op, arguments: &[Argument], from: &mut &[u8]) -> Result<Vec<Operand>, BadCode> {
        let mode_bytes = arguments.len().div_ceil(4);
        let (modes, rest) = from.split_at_checked(mode_bytes).ok_or(BadCode::Short)?;
        *from = rest;
        // Two bytes stand the higher one first.
        let mut modes = modes.iter().fold(0_u16, |all, byte| (all << 8) | u16::from(*byte));
        let mut operands = Vec::with_capacity(arguments.len());
        for (place, argument) in arguments.iter().enumerate() {
            let operand = self.take_operand(modes & 3, *argument, from)?;
            operands.push(operand.ok_or(BadCode::Argument { op, argument: place })?);
            modes >>= 2;
        }
        if modes == 0 { Ok(operands) } else { Err(BadCode::Argument { op, argument: arguments.len() }) }
    }

    /// `None` if it is not what the instruction takes.
    fn take_operand(&mut self, mode: u16, argument: Argument, from: &mut &[u8]) -> Result<Option<Operand>, BadCode> {
        if mode == 0 {
            return Ok(matches!(argument, Argument::To | Argument::Any).then_some(Operand::Stack));
        }
        let value = decode::take(from, Door::Outside)?;
        Ok(match (mode, argument, value) {
            (1, Argument::To | Argument::Any, Value::Int(number)) => Some(self.slot(Register::Argument(number))?),
            (2, Argument::To | Argument::Any, Value::Int(number)) if number < 0 => {
                let register = u32::try_from(number.unsigned_abs()).ok().filter(|number| *number < STORE_REGISTER_MAX);
                register.map(Operand::Store)
            }
            (2, Argument::To | Argument::Any, Value::Int(number)) => Some(self.slot(Register::Variable(number))?),
            (3, Argument::Any, value) => Some(Operand::Immediate(value)),
            (3, Argument::Name, Value::String(name)) if name.len() == 4 => {
                Some(Operand::Immediate(Value::String(name)))
            }
            (3, Argument::Size, Value::Int(size)) if size >= 0 => Some(Operand::Immediate(Value::Int(size))),
            (3, Argument::Block, Value::Int(block)) => target(block).map(Operand::Block),
            (3, Argument::Blocks, Value::List(blocks)) => {
                let targets = blocks.iter().map(|block| match block {
                    Value::Int(block) => target(*block),
                    _ => None,
                });
                targets.collect::<Option<Vec<_>>>().map(|targets| Operand::Blocks(Shared::new(targets)))
            }
            _ => None,
        })
    }

    fn slot(&mut self, register: Register) -> Result<Operand, BadCode> {
        if let Some(slot) = self.slots.get(&register) {
            return Ok(Operand::Slot(*slot));
        }
        if self.registers.len() >= REGISTERS_MAX {
            return Err(BadCode::TooMany("registers"));
        }
        let slot = u32::try_from(self.registers.len()).map_err(|_| BadCode::TooMany("registers"))?;
        self.registers.push(register);
        self.slots.insert(register, slot);
        Ok(Operand::Slot(slot))
    }

    fn finish(mut self, function: Function) -> Result<Function, BadCode> {
        if self.code.is_empty() {
            return Err(BadCode::EmptyFunction);
        }
        if !self.ended {
            return Err(BadCode::OpenBlock);
        }
        let end = u32::try_from(self.code.len()).map_err(|_| BadCode::TooMany("instructions"))?;
        let find = |block: u32| {
            let place = usize::try_from(block).ok();
            place.and_then(|place| self.blocks.get(place)).copied().unwrap_or(end)
        };
        for operand in self.code.iter_mut().flat_map(|instruction| &mut instruction.operands) {
            match operand {
                Operand::Block(target) => target.at = find(target.block),
                Operand::Blocks(targets) => {
                    let found = targets.iter().map(|target| Target { block: target.block, at: find(target.block) });
                    *targets = Shared::new(found.collect());
                }
                _ => {}
            }
        }
        Ok(Function { code: self.code, blocks: self.blocks, registers: self.registers, ..function })
    }
}

/// A block by its number; its place follows when all blocks are known. A number that no block has stays an operand:
/// the reference loads it, and fails only where the jump is taken.
fn target(block: i64) -> Option<Target> {
    u32::try_from(block).ok().map(|block| Target { block, at: 0 })
}

/// Calls of functions that exist need not be looked up again.
fn name_functions(functions: &mut [Function]) {
    let places: BTreeMap<FunctionId, u32> = functions.iter().map(|function| function.id).zip(0..).collect();
    let instructions = functions.iter_mut().flat_map(|function| &mut function.code);
    for instruction in instructions.filter(|instruction| matches!(instruction.op, Op::CALL | Op::CALL_T)) {
        for operand in &mut instruction.operands {
            let Operand::Immediate(Value::String(name)) = operand else { continue };
            let id = FunctionId::try_from(name.as_slice()).ok();
            if let Some(place) = id.and_then(|id| places.get(&id)) {
                *operand = Operand::Function(*place);
            }
        }
    }
}
