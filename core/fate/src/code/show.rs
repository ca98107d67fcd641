//! Code for people.

use alloc::{format, string::String, vec::Vec};
use core::fmt::Write as _;

use super::{Function, Instruction, Loaded, Operand, Register, serialize};

/// One instruction as text.
pub fn instruction(instruction: &Instruction, function: &Function, loaded: &Loaded) -> String {
    let mut out = String::from(instruction.op.info().name);
    for operand in &instruction.operands {
        out.push(' ');
        out.push_str(&show_operand(operand, function, loaded));
    }
    out
}

fn show_operand(operand: &Operand, function: &Function, loaded: &Loaded) -> String {
    match operand {
        Operand::Stack => "a".into(),
        Operand::Slot(slot) => {
            let register = usize::try_from(*slot).ok().and_then(|slot| function.registers.get(slot));
            match register {
                Some(Register::Argument(number)) => format!("arg{number}"),
                Some(Register::Variable(number)) => format!("var{number}"),
                None => "?".into(),
            }
        }
        Operand::Store(number) => format!("store{number}"),
        other => serialize::value(other, function, loaded).map_or_else(String::new, |value| value.show()),
    }
}

pub(super) fn code(loaded: &Loaded) -> String {
    let mut out = String::new();
    for function in &loaded.functions {
        let arguments: Vec<_> = function.arguments.iter().map(crate::Type::show).collect();
        let id = crate::value::hex(&function.id);
        let attributes = match (function.private, function.payable) {
            (true, true) => " private payable",
            (true, false) => " private",
            (false, true) => " payable",
            (false, false) => "",
        };
        // Writing to a string cannot fail.
        let _ = writeln!(out, "FUNCTION {id}{attributes} [{}] -> {}", arguments.join(","), function.result.show());
        for (at, one) in function.code.iter().enumerate() {
            let begins = u32::try_from(at).is_ok_and(|at| function.blocks.binary_search(&at).is_ok());
            let label = if begins { format!("{:>4}: ", function.block_of(at)) } else { "      ".into() };
            let _ = writeln!(out, "{label}{}", instruction(one, function, loaded));
        }
    }
    out
}
