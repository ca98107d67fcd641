//! Strings. They are bytes; where characters matter they are Unicode scalars in normal form C.
//!
//! Case and normal forms come from crates whose tables are pinned by the lock file, not from the compiler's own, which
//! change with it.

use alloc::{format, string::String, vec::Vec};

use banyan_types::text::{self, Prefix};
use unicode_normalization::UnicodeNormalization as _;

use super::{expected, operands, read_object};
use crate::{
    Value,
    code::Operand,
    engine::{Flow, Host, Reason, Run, Step, Tracer, Trap},
    gas::{self, Model},
    value::{Blob, Kind, count, int},
};

fn read_string<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, operand: &Operand) -> Step<Blob, H> {
    match run.read(operand)? {
        Value::String(bytes) => Ok(bytes),
        _ => Err(expected("a string")),
    }
}

fn text_of<F>(bytes: &[u8]) -> Result<&str, Trap<F>> {
    core::str::from_utf8(bytes).map_err(|_| expected("a string of Unicode characters"))
}

/// Pay for the words of a string that is made, and give it.
fn give_string<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, to: &Operand, bytes: Vec<u8>) -> Step<Flow, H> {
    run.meter.add_length(gas::words(bytes.len()).saturating_add(1))?;
    run.give(to, Value::string(bytes))
}

pub fn join<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, left, right] = operands(args)?;
    let (left, right) = (read_string(run, left)?, read_string(run, right)?);
    run.meter.add_length(gas::words(left.len().saturating_add(right.len())).saturating_add(1))?;
    run.give(to, Value::string([left.as_slice(), right.as_slice()].concat()))
}

/// Decimal digits.
pub fn from_int<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, number] = operands(args)?;
    let number = run.read(number)?;
    // Digits take time that grows faster than their price, so that who cannot pay for the fewest possible gets none.
    let digits_min = int::bits(&number).saturating_mul(3) / 10;
    if digits_min / 8 > run.meter.gas {
        return Err(Reason::OutOfGas.into());
    }
    let text = match &number {
        Value::Int(n) => format!("{n}"),
        Value::Big(n) => format!("{n}"),
        _ => return Err(expected("an integer")),
    };
    give_string(run, to, text.into_bytes())
}

pub fn from_address<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, address] = operands(args)?;
    let address = read_object(run, address, Kind::Address, "an address")?;
    give_string(run, to, text::encode(Prefix::Account, &address).into_bytes())
}

/// Characters from the last to the first.
pub fn reverse<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, string] = operands(args)?;
    let string = read_string(run, string)?;
    let characters: Vec<char> = text_of(&string)?.nfc().collect();
    let reversed: String = characters.into_iter().rev().nfc().collect();
    give_string(run, to, reversed.into_bytes())
}

/// Characters, not bytes.
pub fn length<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, string] = operands(args)?;
    let string = read_string(run, string)?;
    let length = count(text_of(&string)?.nfc().count());
    run.meter.add_length(length)?;
    run.give(to, Value::int(length))
}

pub fn to_list<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, string] = operands(args)?;
    let string = read_string(run, string)?;
    let characters: Vec<_> =
        text_of(&string)?.nfc().map(|character| Value::Int(i64::from(u32::from(character)))).collect();
    run.meter.add_length(count(characters.len()).saturating_mul(2).saturating_add(1))?;
    run.give(to, Value::list(characters))
}

pub fn from_list<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, list] = operands(args)?;
    let list = run.read(list)?;
    run.meter.walk(Model::Simple, list.measure())?;
    let Value::List(list) = list else { return Err(expected("a list")) };
    let characters = list.iter().map(character).collect::<Option<Vec<_>>>();
    let characters = characters.ok_or_else(|| expected("a list of characters"))?;
    let string: String = characters.into_iter().nfc().collect();
    give_string(run, to, string.into_bytes())
}

fn character(value: &Value) -> Option<char> {
    match value {
        Value::Int(n) => u32::try_from(*n).ok().and_then(char::from_u32),
        _ => None,
    }
}

/// Every character by itself, without regard to its neighbours.
fn change_case<H: Host, T: Tracer>(
    run: &mut Run<'_, H, T>,
    args: &[Operand],
    change: fn(char, &mut String),
) -> Step<Flow, H> {
    let [to, string] = operands(args)?;
    let string = read_string(run, string)?;
    let mut changed = String::with_capacity(string.len());
    for character in text_of(&string)?.chars() {
        change(character, &mut changed);
    }
    run.meter.add_length(count(changed.len()))?;
    run.give(to, Value::string(changed.into_bytes()))
}

/// What a character becomes; nothing in the table means that it stays.
fn extend(out: &mut String, from: char, mapped: &[u32]) {
    let before = out.len();
    out.extend(mapped.iter().filter(|code| **code != 0).filter_map(|code| char::from_u32(*code)));
    if out.len() == before {
        out.push(from);
    }
}

pub fn to_upper<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    change_case(run, args, |character, out| {
        extend(out, character, &unicode_case_mapping::to_uppercase(character));
    })
}

pub fn to_lower<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    change_case(run, args, |character, out| {
        extend(out, character, &unicode_case_mapping::to_lowercase(character));
    })
}

pub fn char_to_int<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, number] = operands(args)?;
    let number = run.read(number)?;
    if number.is_int() { run.give(to, number) } else { Err(expected("a character")) }
}

/// Outside of what numbers characters it is an error; among them, what is no character by itself gives `None`.
pub fn char_from_int<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    const CHARACTER_MAX: i64 = 0x10_ffff;
    let [to, number] = operands(args)?;
    let Value::Int(number @ 0..=CHARACTER_MAX) = run.read(number)? else {
        return Err(expected("the number of a character"));
    };
    let mut normal = character(&Value::Int(number)).into_iter().nfc();
    let (Some(character), None) = (normal.next(), normal.next()) else {
        run.meter.add_cells(8)?;
        return run.give(to, Value::none());
    };
    run.meter.add_cells(9)?;
    run.give(to, Value::some(Value::Int(i64::from(u32::from(character)))))
}
