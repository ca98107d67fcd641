//! One contract: whose it is, how long it lives, what it lets others call, its source where the ledger keeps it.

use axum::extract::State;
use banyan_fate::{
    abi::decode_call,
    value::decode::{Door, decode},
};
use banyan_ledger::{Contract, key};
use banyan_node::Leaves as _;
use banyan_types::{ContractBytes, ContractId, Receipt, Status, tx::SignedTx};
use maud::{Markup, html};

use super::{Answer, layout, ledger, part};
use crate::{
    Failure,
    ask::Part,
    ledger::Mount,
    v1::{
        Paging, calls,
        contracts::{self, ContractAnswer, FunctionAnswer},
    },
};

/// Calls that are shown.
const CALLS_MAX: usize = 20;
/// Letters of a value that are shown.
const VALUE_LETTERS_MAX: usize = 400;

pub async fn one(State(mount): State<Mount>, Part(id): Part<String>) -> Answer {
    let contract = contracts::one(&mount, &id)?;
    let interface = contracts::interface(&mount, &id)?;
    let source = if contract.visible { Some(contracts::source(&mount, &id)?) } else { None };
    let body = html! {
        section.title {
            p.eyebrow { a href=(ledger::home(&mount)) { (mount.ledger().name()) } " / contract" }
            h1 { "Contract" }
            p { (part::full(&contract.id)) }
        }
        section.card { h2 { "On the ledger" } div #contract data-live { (held(&mount, &contract)?) } }
        section.card { h2 { "Calls" } div #calls data-live { (calls(&mount, &contract.id)?) } }
        section.card { h2 { "What it lets others call" } (functions(&interface.functions)) }
        section.card {
            h2 { "Source" }
            @match &source {
                Some(source) => {
                    p.muted { "The ledger has proven that this text has the hash in the code, and not that it compiles to the code." }
                    pre { (source.source) }
                }
                None => p.muted.empty { "Incognito: the ledger does not keep the source." },
            }
        }
    };
    Ok(layout::page(&mount, &layout::Frame::titled("Contract").live([&mount]), &body))
}

fn held(mount: &Mount, contract: &ContractAnswer) -> Result<Markup, Failure> {
    let home = ledger::home(mount);
    let height = mount.head()?.header.height().0;
    let held = contract.balance.parse().ok().and_then(banyan_types::Amount::new).unwrap_or(banyan_types::Amount::ZERO);
    let owner = if contract.owner.starts_with("ct_") { "contract" } else { "account" };
    Ok(html! {
        dl {
            div { dt { "Balance" } dd { (part::amount(held)) } }
            div { dt { "Owner" } dd { (part::link(&format!("{home}/{owner}/{}", contract.owner), &contract.owner)) } }
            div { dt { "Life" } dd {
                @if contract.expired { b { "expired" } " at height " (part::grouped(contract.expiry.into())) ": calls revert until somebody extends it" }
                @else if contract.expiry == u64::MAX { "for ever" }
                @else { "up to height " (part::grouped(contract.expiry.into())) ", " (part::grouped(contract.expiry.saturating_sub(height).into())) " from now" }
            } }
            div { dt { "Store" } dd { (part::grouped(contract.store_entries.into())) " entries, " (part::grouped(contract.store_bytes.into())) " bytes" } }
            div { dt { "Takes coins without a call" } dd { @if contract.payable { "yes" } @else { "no" } } }
            @if let Some(template) = &contract.template {
                div { dt { "Cloned from" } dd { (part::link(&format!("{home}/contract/{template}"), template)) } }
            }
            div { dt { "Code" } dd { (part::full(&contract.code_hash)) } }
        }
    })
}

/// The newest calls, each with what it gave.
fn calls(mount: &Mount, id: &str) -> Result<Markup, Failure> {
    let home = ledger::home(mount);
    let calls = calls::calls(mount, id, &Paging::first(CALLS_MAX))?.items;
    Ok(html! {
        @if calls.is_empty() { p.muted.empty { "None in the newest blocks." } }
        ul.feed {
            @for call in &calls {
                li data-key=(call.tx) {
                    p {
                        a href={ (home) "/tx/" (call.tx) } { code { (shortened(&format!("{}({})", call.function, call.arguments.join(", ")))) } }
                        @if call.result == "ok" { @if let Some(value) = &call.returned { " = " code { (shortened(value)) } } }
                        @else { " " b.failed { (call.result) } @if let Some(text) = &call.returned { " " code { (shortened(text)) } } }
                    }
                    p.muted { "by " (part::link(&format!("{home}/account/{}", call.caller), &call.caller)) ", " (part::grouped(call.gas_used.into())) " gas, height " (part::grouped(call.block.height.into())) }
                }
            }
        }
    })
}

fn functions(functions: &[FunctionAnswer]) -> Markup {
    html! {
        ul.feed {
            @for function in functions.iter().filter(|function| !function.private) {
                li {
                    p { code {
                        b { @match &function.name { Some(name) => (name), None => { "0x" (function.id) } } }
                        "(" (function.arguments.join(", ")) ") : " (function.result)
                    } }
                    @if function.payable { p.muted { "Coins may go along." } }
                }
            }
        }
    }
}

/// A call as a person reads it: the function's name where the code says it, and its arguments.
pub fn call(mount: &Mount, id: ContractId, call_data: &ContractBytes) -> String {
    let Ok((function, arguments)) = decode_call(&call_data.0) else { return "what it does not know".into() };
    let name = name(mount, id, function).unwrap_or_else(|| {
        let [a, b, c, d] = function;
        format!("0x{a:02x}{b:02x}{c:02x}{d:02x}")
    });
    let arguments: Vec<_> = arguments.iter().map(banyan_fate::Value::show).collect();
    shortened(&format!("{name}({})", arguments.join(", ")))
}

fn name(mount: &Mount, id: ContractId, function: [u8; 4]) -> Option<String> {
    let held = mount.head().ok()?.view.leaf(&key::contract(id), Contract::decode).ok()??;
    contracts::loaded(mount, &held).ok()?.name(function).map(str::to_owned)
}

/// What the run of a transaction has returned and said.
pub fn run(mount: &Mount, tx: &SignedTx, receipt: &Receipt) -> Markup {
    let home = ledger::home(mount);
    let returned = decode(&receipt.returned.0, Door::Outside).map(|value| shortened(&value.show()));
    html! {
        section.card {
            h2 { "What came of it" }
            dl {
                div { dt { "End" } dd { @match receipt.status {
                    Status::Ok => "done",
                    Status::Revert => b.failed { "the contract refused" },
                    Status::Error => b.failed { "the machine stopped it" },
                } } }
                @if let Ok(value) = returned { div { dt { @if receipt.status == Status::Revert { "Reason" } @else { "Result" } } dd { code { (value) } } } }
                div { dt { "Gas" } dd { (part::grouped(receipt.gas_used.0.into())) } }
                @for id in &receipt.created {
                    @let text = id.to_string();
                    div { dt { "Made" } dd { (part::link(&format!("{home}/contract/{text}"), &text)) } }
                }
                @for log in &receipt.logs {
                    div { dt { "Event" } dd {
                        (part::link(&format!("{home}/contract/{}", log.contract), &log.contract.to_string())) " "
                        (String::from_utf8_lossy(&log.data.0))
                        @for topic in log.topics.iter().skip(1) { " " code { (topic_text(&topic.0)) } }
                    } }
                }
            }
            @if tx.transaction().inside().is_some() { p.muted { "With what stood inside." } }
        }
    }
}

/// A word of an event: a number where it is a small one, else its digits.
fn topic_text(bytes: &[u8]) -> String {
    let small = bytes.split_last_chunk::<8>().filter(|(high, _)| high.iter().all(|byte| *byte == 0));
    let whole = || bytes.try_into().map(|word: [u8; 32]| banyan_types::Hash(word).to_string()).unwrap_or_default();
    small.map_or_else(whole, |(_, low)| u64::from_be_bytes(*low).to_string())
}

fn shortened(text: &str) -> String {
    let mut shown: String = text.chars().take(VALUE_LETTERS_MAX).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}
