//! Write byte code from what was loaded: the same bytes again.

use alloc::vec::Vec;

use super::{Function, Instruction, Loaded, Operand, Register};
use crate::{
    Type, Value,
    value::{encode, rlp, types},
};

/// Where a function begins.
const FUNCTION: u8 = 0xfe;

pub(super) fn byte_code(loaded: &Loaded) -> Vec<u8> {
    let mut code = Vec::new();
    for function in &loaded.functions {
        put_function(function, loaded, &mut code);
    }
    let mut out = Vec::new();
    rlp::put_bytes(&code, &mut out);
    rlp::put_bytes(&Value::Map(loaded.symbols.clone()).encode(), &mut out);
    rlp::put_bytes(&Value::Map(loaded.annotations.clone()).encode(), &mut out);
    out
}

fn put_function(function: &Function, loaded: &Loaded, out: &mut Vec<u8>) {
    out.push(FUNCTION);
    out.extend_from_slice(&function.id);
    let attributes = i64::from(function.private) | (i64::from(function.payable) << 1);
    encode::put(&Value::Int(attributes), out);
    types::put(&Type::Tuple(function.arguments.clone()), out);
    types::put(&function.result, out);
    for instruction in &function.code {
        put_instruction(instruction, function, loaded, out);
    }
}

fn put_instruction(instruction: &Instruction, function: &Function, loaded: &Loaded, out: &mut Vec<u8>) {
    out.push(instruction.op as u8);
    let modes =
        instruction.operands.iter().rev().fold(0_u16, |all, operand| (all << 2) | u16::from(mode(operand, function)));
    let [high, low] = modes.to_be_bytes();
    match instruction.operands.len() {
        0 => {}
        1..=4 => out.push(low),
        _ => out.extend_from_slice(&[high, low]),
    }
    for operand in &instruction.operands {
        if let Some(value) = value(operand, function, loaded) {
            encode::put(&value, out);
        }
    }
}

fn register(slot: u32, function: &Function) -> Option<Register> {
    function.registers.get(usize::try_from(slot).ok()?).copied()
}

fn mode(operand: &Operand, function: &Function) -> u8 {
    match operand {
        Operand::Stack => 0,
        Operand::Slot(slot) if matches!(register(*slot, function), Some(Register::Argument(_))) => 1,
        Operand::Slot(_) | Operand::Store(_) => 2,
        Operand::Immediate(_) | Operand::Function(_) | Operand::Block(_) | Operand::Blocks(_) => 3,
    }
}

/// The value that stands for an operand in byte code.
pub(super) fn value(operand: &Operand, function: &Function, loaded: &Loaded) -> Option<Value> {
    Some(match operand {
        Operand::Stack => return None,
        Operand::Slot(slot) => match register(*slot, function)? {
            Register::Argument(number) | Register::Variable(number) => Value::Int(number),
        },
        Operand::Store(number) => Value::Int(i64::from(*number).wrapping_neg()),
        Operand::Immediate(value) => value.clone(),
        Operand::Function(place) => Value::string(loaded.functions.get(usize::try_from(*place).ok()?)?.id),
        Operand::Block(target) => Value::Int(i64::from(target.block)),
        Operand::Blocks(targets) => {
            Value::list(targets.iter().map(|target| Value::Int(i64::from(target.block))).collect())
        }
    })
}
