//! What a contract can know without asking the chain.

use alloc::{vec, vec::Vec};

use super::{operands, read_object};
use crate::{
    Value,
    code::Operand,
    engine::{Address, AuthBody, AuthTx, Flow, Host, Run, Step, Tracer},
    gas,
    value::{Kind, Shared, Variant, count},
};

macro_rules! constants {
    ($($name:ident = |$run:ident| $value:expr;)+) => {$(
        pub fn $name<H: Host, T: Tracer>($run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
            let [to] = operands(args)?;
            let value = $value;
            $run.give(to, value)
        }
    )+};
}
constants! {
    call_value = |run| Value::int(run.value);
    origin = |run| Value::address(run.origin());
    caller = |run| Value::address(&run.caller);
    beneficiary = |run| Value::address(&run.host.env().beneficiary);
    timestamp = |run| Value::int(run.host.env().time_ms);
    generation = |run| Value::int(run.host.env().height);
    difficulty = |run| Value::int(run.host.env().difficulty);
    gas_limit = |run| Value::int(run.host.env().gas_per_tx_max);
    gas = |run| Value::int(run.meter.gas);
    address = |run| Value::address(&run.contract);
    gas_price = |run| Value::int(run.host.env().gas_price);
    fee = |run| Value::int(run.host.env().fee);
    network_id = |run| Value::string(run.host.env().network_id.as_bytes());
}

pub fn contract_to_address<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, contract] = operands(args)?;
    let id = read_object(run, contract, Kind::Contract, "a contract")?;
    run.give(to, Value::address(&id))
}

pub fn address_to_contract<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to, address] = operands(args)?;
    let id = read_object(run, address, Kind::Address, "an address")?;
    run.give(to, Value::contract(&id))
}

/// Priced as a tuple of one or two.
pub fn auth_tx_hash<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to] = operands(args)?;
    let hash = run.host.env().auth.as_ref().filter(|_| run.auth).map(|auth| auth.tx_hash);
    run.meter.add_cells(if hash.is_some() { 4 } else { 3 })?;
    run.give(to, hash.map_or_else(Value::none, |hash| Value::some(Value::bytes(hash))))
}

/// Without a vector of the reference; the sum over what is built is its own.
pub fn auth_tx<H: Host, T: Tracer>(run: &mut Run<'_, H, T>, args: &[Operand]) -> Step<Flow, H> {
    let [to] = operands(args)?;
    let built = run.host.env().auth.as_ref().filter(|_| run.auth).and_then(|auth| auth.tx.as_ref()).map(transaction);
    let (cells, value) =
        built.map_or_else(|| (CELLS_NONE, Value::none()), |(cells, value)| (cells, Value::some(value)));
    run.meter.add_length(cells)?;
    run.give(to, value)
}

/// Values of each kind of transaction that `Auth.tx` knows.
const ARITIES: [u8; 22] = [3, 0, 0, 0, 0, 0, 1, 1, 1, 2, 1, 2, 2, 1, 1, 1, 1, 1, 1, 1, 2, 0];
/// A variant of so many constructors.
const CELLS_VARIANT: u64 = 2 * 22 + 4;
const CELLS_NONE: u64 = 8;
const CELLS_SOME: u64 = 9;
const CELLS_ADDRESS: u64 = 4;
const CELLS_AMOUNT: u64 = 2;
/// Who wraps it, and the fee.
const CELLS_WRAPPER: u64 = 8 + CELLS_ADDRESS + CELLS_AMOUNT;
/// The tuple of six with an address and two integers, inside Some.
const CELLS_OUTER: u64 = 6 + 2 + CELLS_ADDRESS + CELLS_AMOUNT + 1 + CELLS_SOME;

fn transaction(tx: &AuthTx) -> (u64, Value) {
    let (body_cells, body) = body(&tx.body);
    let (payer_cells, payer) = match &tx.paying_for {
        None => (CELLS_NONE, Value::none()),
        Some(payer) => (CELLS_SOME.saturating_add(CELLS_WRAPPER), Value::some(wrapper(payer))),
    };
    let wrappers = count(tx.wrappers.len()).saturating_mul(CELLS_WRAPPER);
    let cells = [body_cells, payer_cells, wrappers, CELLS_OUTER].into_iter().fold(0, u64::saturating_add);
    let value = Value::tuple(vec![
        payer,
        Value::list(tx.wrappers.iter().map(wrapper).collect()),
        Value::address(&tx.actor),
        Value::int(tx.fee),
        Value::int(tx.ttl),
        body,
    ]);
    (cells, value)
}

fn wrapper((actor, fee): &(Address, u128)) -> Value {
    let items = vec![Value::address(actor), Value::int(*fee)];
    Value::Variant(Variant::new(Shared::new(vec![2]), 0, items))
}

fn body(body: &AuthBody) -> (u64, Value) {
    let one = |tag: u8, address: &Address| (tag, CELLS_ADDRESS, vec![Value::address(address)]);
    let two = |tag: u8, address: &Address, amount: u128| {
        (tag, CELLS_ADDRESS.saturating_add(CELLS_AMOUNT), vec![Value::address(address), Value::int(amount)])
    };
    let (tag, cells, items): (u8, u64, Vec<Value>) = match body {
        AuthBody::Spend { to, amount, payload } => {
            let own = CELLS_ADDRESS.saturating_add(CELLS_AMOUNT).saturating_add(gas::words(payload.len()));
            (0, own, vec![Value::address(to), Value::int(*amount), Value::string(payload.as_slice())])
        }
        AuthBody::ChannelCreate(other) => one(10, other),
        AuthBody::ChannelDeposit(channel, amount) => two(11, channel, *amount),
        AuthBody::ChannelWithdraw(channel, amount) => two(12, channel, *amount),
        AuthBody::ChannelForceProgress(channel) => one(13, channel),
        AuthBody::ChannelCloseMutual(channel) => one(14, channel),
        AuthBody::ChannelCloseSolo(channel) => one(15, channel),
        AuthBody::ChannelSlash(channel) => one(16, channel),
        AuthBody::ChannelSettle(channel) => one(17, channel),
        AuthBody::ChannelSnapshotSolo(channel) => one(18, channel),
        AuthBody::ContractCreate(amount) => (19, CELLS_AMOUNT, vec![Value::int(*amount)]),
        AuthBody::ContractCall(contract, amount) => two(20, contract, *amount),
        AuthBody::GaAttach => (21, 0, Vec::new()),
    };
    let cells = CELLS_VARIANT.saturating_add(count(items.len())).saturating_add(cells);
    (cells, Value::Variant(Variant::new(Shared::new(ARITIES.to_vec()), tag, items)))
}
