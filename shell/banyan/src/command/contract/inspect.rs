//! `contract inspect`: whose a contract is, of what code, until when, what it can be asked.

use banyan_fate::code::CodeObject;
use banyan_types::{ContractId, Lifetime};
use banyan_wallet::{
    aci::{Function, tame},
    client::{Status, contract::Kept},
    time::span,
};
use serde_json::{Value, json};

use super::{Known, find, known::bad_code, run::row};
use crate::{
    failure::Failure,
    report::{Report, table},
    session::Session,
};

/// Show a contract, proven after the newest block.
/// # Errors
/// There is none; the node's.
pub fn run(session: &Session, id: ContractId) -> Result<Report, Failure> {
    let client = session.client()?;
    let (kept, status) = (find(&client, id)?, client.status()?);
    let (contract, loaded) = (&kept.contract, kept.load().map_err(|error| bad_code(&error))?);
    let object = CodeObject::decode(&kept.code).map_err(|error| bad_code(&error))?;
    let compiler = tame(&object.compiler);
    let (interface, origin) = Known::offline(session)
        .describe(&kept.code)
        .expect("the code loads, as it just did, and says at least what it is");
    let source = match &kept.source {
        Some(source) => format!("visible, {} bytes, hash {}", source.len(), contract.source_hash),
        None => format!("incognito, hash {}", contract.source_hash),
    };
    let template = contract.template.0.map(|template| template.to_string());
    let mut rows = vec![
        row("contract", id.to_string()),
        row("name", interface.name.clone().unwrap_or_else(|| "not known here".into())),
        row("owner", contract.owner.to_string()),
        row("code", format!("{} bytes, compiler {compiler}, hash {}", kept.code.len(), contract.code_hash)),
        row("source", source),
    ];
    rows.extend(template.iter().map(|template| row("clone of", template.clone())));
    rows.extend([
        row("lives", lives(&kept, &status)),
        row("balance", format!("{} BNY{}", kept.balance, if loaded.payable { "" } else { ", takes no payments" })),
        row("deposit", format!("{} BNY", contract.deposit)),
        row("store", format!("{} entries, {} bytes", contract.store_entries, contract.store_bytes)),
        row("interface", origin.text()),
    ]);
    let functions = interface.functions.iter().filter(|function| !function.is_init());
    rows.extend(functions.map(|function| row("", format!("{}{}", signs(function), function.signature()))));
    rows.extend(interface.events.iter().map(|event| row("", format!("event {event}"))));
    rows.push(row("proven", format!("at height {}", kept.height)));
    let json = json!({
        "contract": id.to_string(), "height": kept.height.0, "owner": contract.owner.to_string(),
        "code_hash": contract.code_hash.to_string(), "code_bytes": kept.code.len(), "compiler": compiler,
        "source_hash": contract.source_hash.to_string(), "visible": contract.visible,
        "source_bytes": kept.source.as_ref().map(Vec::len), "template": template,
        "expiry": (contract.expiry != Lifetime::NEVER).then_some(contract.expiry.0), "expired": kept.is_expired(),
        "expires_in_ms": expires_in_ms(&kept, &status), "balance": kept.balance.base().to_string(),
        "deposit": contract.deposit.base().to_string(), "payable": loaded.payable,
        "store_entries": contract.store_entries, "store_bytes": contract.store_bytes,
        "interface": {
            "origin": origin.word(), "name": interface.name,
            "functions": interface.functions.iter().map(function_json).collect::<Vec<_>>(),
            "events": interface.events.iter().map(ToString::to_string).collect::<Vec<_>>(),
        },
    });
    Ok(Report::new(table(&rows), json))
}

/// Milliseconds until it expires; `None` if it never does, or has.
fn expires_in_ms(kept: &Kept, status: &Status) -> Option<u64> {
    let expiry = kept.contract.expiry;
    let left = expiry.since(kept.height).filter(|_| expiry != Lifetime::NEVER && !kept.is_expired())?;
    Some(left.saturating_mul(status.limits.height_interval_ms))
}

fn lives(kept: &Kept, status: &Status) -> String {
    let expiry = kept.contract.expiry;
    match expires_in_ms(kept, status) {
        Some(ms) => format!("up to height {expiry}, for about {}", span(ms / 1_000)),
        None if expiry == Lifetime::NEVER => "for ever".into(),
        None => {
            format!("no more: expired at height {expiry}; banyan contract extend brings it back while its grace lasts")
        }
    }
}

/// What a caller should know of a function before anything else.
fn signs(function: &Function) -> &'static str {
    match (function.payable, function.stateful) {
        (true, Some(true)) => "payable stateful ",
        (true, _) => "payable ",
        (false, Some(true)) => "stateful ",
        (false, _) => "",
    }
}

fn function_json(function: &Function) -> Value {
    let arguments: Vec<_> = function
        .arguments
        .iter()
        .map(|argument| json!({ "name": argument.name, "type": argument.of.to_string() }))
        .collect();
    json!({
        "name": function.name, "id": hex::encode(function.id), "arguments": arguments,
        "result": function.result.to_string(), "payable": function.payable, "stateful": function.stateful,
    })
}
