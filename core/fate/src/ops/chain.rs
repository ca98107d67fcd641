//! Questions to the chain, payments, events.

use alloc::vec::Vec;

use num_bigint::{BigInt, Sign};

use super::{expected, operands, read_object};
use crate::{
    Value,
    code::Operand,
    engine::{AccountKind, Flow, Host, Log, Reason, Run, Step, Tracer, Transfer, Trap},
    gas,
    limits::LOGS_PER_RUN_MAX,
    value::{Kind, count},
};

/// Heights whose hash is known, the current one aside.
const BLOCK_HASHES: u64 = 256;

pub fn balance<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to] = operands(args)?;
    let balance = run.host.balance(&run.contract).map_err(Trap::Fault)?;
    run.give(to, Value::int(balance))
}

pub fn balance_of<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, of] = operands(args)?;
    let of = read_object(run, of, Kind::Address, "an address")?;
    let balance = run.host.balance(&of).map_err(Trap::Fault)?;
    run.give(to, Value::int(balance))
}

/// Of the current height too, as in the reference, and of 255 below it.
pub fn block_hash<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, height] = operands(args)?;
    let height = run.read(height)?.as_int().ok_or_else(|| expected("a height"))?;
    let now = run.host.env().height;
    let known =
        u64::try_from(height).ok().filter(|height| *height <= now && now.saturating_sub(*height) < BLOCK_HASHES);
    let hash = match known {
        Some(height) => run.host.block_hash(height).map_err(Trap::Fault)?,
        None => None,
    };
    run.give(to, hash.map_or_else(Value::none, |hash| Value::some(Value::bytes(hash))))
}

pub fn creator<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to] = operands(args)?;
    let creator = run.host.creator(&run.contract).map_err(Trap::Fault)?.ok_or(Trap::Failed(Reason::NoContract))?;
    run.give(to, Value::address(&creator))
}

fn question<H: Host, T: Tracer>(
    run: &mut Run<'_, H, T>,
    args: &[Operand],
    answer: impl FnOnce(AccountKind) -> bool,
) -> Step<Flow, H> {
    let [to, address] = operands(args)?;
    let address = read_object(run, address, Kind::Address, "an address")?;
    let kind = run.host.kind(&address).map_err(Trap::Fault)?;
    run.give(to, Value::Bool(answer(kind)))
}

/// There are no oracles.
pub fn is_oracle<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    question(run, args, |_| false)
}

pub fn is_contract<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    question(run, args, |kind| matches!(kind, AccountKind::Contract { .. }))
}

/// Who is not there yet can be paid.
pub fn is_payable<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    question(run, args, |kind| match kind {
        AccountKind::Absent => true,
        AccountKind::Plain { payable } | AccountKind::Contract { payable, .. } => payable,
    })
}

pub fn spend<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [receiver, amount] = operands(args)?;
    let receiver = read_object(run, receiver, Kind::Address, "an address")?;
    let amount = crate::engine::amount(&run.read(amount)?)?;
    let kind = run.host.kind(&receiver).map_err(Trap::Fault)?;
    if kind == AccountKind::Absent && amount == 0 {
        // It would make an account for free.
        return Err(Reason::EmptySpend.into());
    }
    let moved = run.host.transfer(&run.contract, &receiver, amount, Transfer::Spend).map_err(Trap::Fault)?;
    moved.map_err(Reason::Refused)?;
    Ok(Flow::Next)
}

/// Payload first, then up to four topics.
pub fn log<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let values = args.iter().map(|operand| run.read(operand)).collect::<Result<Vec<_>, _>>()?;
    let (payload, topics) = values.split_first().ok_or(Trap::Failed(Reason::Malformed))?;
    let data = match payload {
        Value::String(bytes) | Value::Bytes(bytes) => bytes.to_vec(),
        _ => return Err(Reason::Log.into()),
    };
    let topics = topics.iter().map(word).collect::<Option<Vec<_>>>().ok_or(Trap::Failed(Reason::Log))?;
    let bytes = count(topics.len()).saturating_mul(gas::LOG_TOPIC_BYTES).saturating_add(count(data.len()));
    run.meter.spend(bytes.saturating_mul(gas::LOG_BYTE))?;
    if run.logs >= LOGS_PER_RUN_MAX {
        return Err(Reason::Limit("events").into());
    }
    run.logs = run.logs.saturating_add(1);
    let contract = run.contract;
    run.host.log(Log { contract, topics, data });
    Ok(Flow::Next)
}

/// A topic's 32 bytes.
fn word(value: &Value) -> Option<[u8; 32]> {
    match value {
        Value::Int(n) => number(&BigInt::from(*n)),
        Value::Big(n) | Value::Bits(n) => number(n),
        Value::Bool(b) => number(&BigInt::from(u8::from(*b))),
        Value::Object(Kind::Channel, _) => None,
        Value::Object(_, bytes) => <[u8; 32]>::try_from(bytes.as_slice()).ok(),
        Value::Bytes(bytes) => padded(bytes),
        _ => None,
    }
}

fn number(n: &BigInt) -> Option<[u8; 32]> {
    if n.sign() == Sign::Minus { None } else { padded(&n.magnitude().to_bytes_be()) }
}

fn padded(bytes: &[u8]) -> Option<[u8; 32]> {
    let mut word = [0; 32];
    let from = word.len().checked_sub(bytes.len())?;
    word.get_mut(from..)?.copy_from_slice(bytes);
    Some(word)
}

pub fn bytecode_hash<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, contract] = operands(args)?;
    let contract = read_object(run, contract, Kind::Contract, "a contract")?;
    let Some(loaded) = run.foreign_code(&contract)? else { return run.give(to, Value::none()) };
    let bytes = loaded.serialize();
    run.meter.spend(count(bytes.len()).saturating_mul(gas::HASHED_BYTE))?;
    run.give(to, Value::some(Value::bytes(banyan_crypto::blake2b(&[&bytes]))))
}
