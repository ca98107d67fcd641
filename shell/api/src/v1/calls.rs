//! What a contract was asked, and what it has said: its calls and its events, newest first.

use axum::{Json, extract::State};
use banyan_fate::{abi::decode_call, value::decode};
use banyan_node::StoredBlock;
use banyan_types::{
    Hash, Log, Receipt, Status,
    text::{self, Prefix},
    tx::{ContractCall, SignedTx, Transaction},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Answer, Paging, blocks::scan, contracts};
use crate::{
    At, Failure, Page,
    answer::units,
    ask::{Ask, Part},
    ladder::Rungs,
    ledger::Mount,
    show,
    v3::{contracts::held, info},
};

/// A call of a contract by a transaction, also by one inside another.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CallItem {
    /// The transaction that a block holds, `th_`.
    pub tx: String,
    /// Who called, `ak_`.
    pub caller: String,
    /// The function's name; hexadecimal digits of its id where the code says no name.
    pub function: String,
    /// The arguments, as the machine writes them.
    pub arguments: Vec<String>,
    /// What went with it, in units.
    pub amount: String,
    /// `ok`, `revert` or `error`.
    pub result: String,
    /// What came back, or the text of a revert, as the machine writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned: Option<String>,
    /// Gas of the run.
    pub gas_used: u64,
    /// Its block.
    pub block: At,
    /// When that was made, in milliseconds since 1970.
    pub time_ms: u64,
    /// How sure it is.
    pub level: crate::Level,
}

/// An event that a contract has emitted.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct EventItem {
    /// The transaction that a block holds, `th_`.
    pub tx: String,
    /// Its place among the events of that transaction, from 0.
    pub index: u64,
    /// The hash of its name, then its words, hexadecimal.
    pub topics: Vec<String>,
    /// Its text, `cb_`.
    pub data: String,
    /// Its block.
    pub block: At,
    /// When that was made, in milliseconds since 1970.
    pub time_ms: u64,
    /// How sure it is.
    pub level: crate::Level,
}

/// A transaction with its receipt, and all that stood inside and was done.
fn layers<'a>(tx: &'a SignedTx, receipt: &Receipt) -> Vec<(&'a SignedTx, Receipt)> {
    let mut layers = vec![(tx, receipt.clone())];
    while let Some((tx, receipt)) = layers.last()
        && let Some(inside) = tx.transaction().inside()
        && let Some(nested) = info::nested(receipt)
    {
        layers.push((inside, nested));
    }
    layers
}

/// Where and when a transaction stands.
struct Standing {
    block: At,
    time_ms: u64,
    level: crate::Level,
}

impl Standing {
    fn of(block: &StoredBlock, hash: Hash, rungs: &Rungs) -> Self {
        let header = &block.header;
        Self { block: At::of(header, hash), time_ms: header.time().0, level: rungs.level(header.place()) }
    }
}

/// Each transaction of a block with its receipt.
fn done(mount: &Mount, block: &StoredBlock, hash: Hash) -> Result<Vec<(SignedTx, Receipt)>, Failure> {
    if block.txs.is_empty() {
        return Ok(vec![]);
    }
    Ok(block.txs.iter().cloned().zip(mount.chain().receipts(hash)?).collect())
}

/// Calls of a contract, newest first.
pub(crate) fn calls(mount: &Mount, text: &str, paging: &Paging) -> Result<Page<CallItem>, Failure> {
    let (id, contract) = held(mount, text)?;
    let (loaded, rungs) = (contracts::loaded(mount, &contract)?, Rungs::of(mount)?);
    scan(mount, paging, |block, hash| {
        let mut items = Vec::new();
        for (tx, receipt) in done(mount, block, hash)? {
            for (layer, receipt) in layers(&tx, &receipt) {
                if let Transaction::ContractCall(call) = layer.transaction()
                    && call.contract_id == id
                {
                    let name = |function| loaded.name(function).map(str::to_owned);
                    let gas_used = info::run_gas(layer, &receipt).0;
                    let standing = Standing::of(block, hash, &rungs);
                    items.push(CallItem { gas_used, ..call_item(&tx, call, &receipt, name, standing) });
                }
            }
        }
        items.reverse();
        Ok(items)
    })
}

fn call_item(
    tx: &SignedTx,
    call: &ContractCall,
    receipt: &Receipt,
    name: impl Fn([u8; 4]) -> Option<String>,
    Standing { block, time_ms, level }: Standing,
) -> CallItem {
    let (function, arguments) = decode_call(&call.call_data.0).unwrap_or_default();
    let [a, b, c, d] = function;
    CallItem {
        tx: tx.hash().to_string(),
        caller: call.caller_id.to_string(),
        function: name(function).unwrap_or_else(|| format!("0x{a:02x}{b:02x}{c:02x}{d:02x}")),
        arguments: arguments.iter().map(banyan_fate::Value::show).collect(),
        amount: units(call.amount),
        result: info::word(receipt.status).into(),
        returned: returned(receipt),
        gas_used: 0,
        block,
        time_ms,
        level,
    }
}

fn returned(receipt: &Receipt) -> Option<String> {
    if receipt.status == Status::Error {
        return None;
    }
    decode::decode(&receipt.returned.0, decode::Door::Outside).ok().map(|value| value.show())
}

/// Events that a contract has emitted, whoever called it, newest first.
pub(crate) fn events(mount: &Mount, text: &str, paging: &Paging) -> Result<Page<EventItem>, Failure> {
    let (id, _) = held(mount, text)?;
    let rungs = Rungs::of(mount)?;
    scan(mount, paging, |block, hash| {
        let mut items = Vec::new();
        for (tx, receipt) in done(mount, block, hash)? {
            let logs = layers(&tx, &receipt).into_iter().flat_map(|(_, receipt)| receipt.logs);
            let mine = logs.zip(0..).filter(|(log, _)| log.contract == id);
            items.extend(mine.map(|(log, index)| event_item(&tx, &log, index, Standing::of(block, hash, &rungs))));
        }
        items.reverse();
        Ok(items)
    })
}

fn event_item(tx: &SignedTx, log: &Log, index: u64, Standing { block, time_ms, level }: Standing) -> EventItem {
    EventItem {
        tx: tx.hash().to_string(),
        index,
        topics: log.topics.iter().map(|topic| show::hex_of(&topic.0)).collect(),
        data: text::encode(Prefix::ContractBytes, &log.data.0),
        block,
        time_ms,
        level,
    }
}

/// Calls of a contract by transactions, newest first. Go on while there is a `next`, even after an empty part.
#[utoipa::path(get, path = "/contracts/{id}/calls", tag = "contracts", params(("id" = String, Path,), Paging),
    responses((status = 200, body = Page<CallItem>), (status = 404)))]
pub(crate) async fn calls_route(
    State(mount): State<Mount>,
    Part(id): Part<String>,
    Ask(paging): Ask<Paging>,
) -> Answer<Page<CallItem>> {
    Ok(Json(calls(&mount, &id, &paging)?))
}

/// Events that a contract has emitted, newest first. Go on while there is a `next`, even after an empty part.
#[utoipa::path(get, path = "/contracts/{id}/events", tag = "contracts", params(("id" = String, Path,), Paging),
    responses((status = 200, body = Page<EventItem>), (status = 404)))]
pub(crate) async fn events_route(
    State(mount): State<Mount>,
    Part(id): Part<String>,
    Ask(paging): Ask<Paging>,
) -> Answer<Page<EventItem>> {
    Ok(Json(events(&mount, &id, &paging)?))
}
