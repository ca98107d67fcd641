//! `contract events`: what a contract has said in the newest blocks.

use banyan_types::{ContractId, TxHash};
use banyan_wallet::{
    aci,
    client::{Block, Page},
};
use serde_json::{Value, json};

use super::{
    find,
    known::interface,
    run::{Events, topics},
};
use crate::{
    failure::Failure,
    report::{Report, table},
    session::Session,
};

/// Kinds of transactions in which contracts may run.
const RUNS: [&str; 4] = ["ContractCreateTx", "ContractCallTx", "GAMetaTx", "PayingForTx"];

/// Show its events, the oldest first.
/// # Errors
/// There is no such contract; the node's.
pub fn run(session: &Session, id: ContractId, last: u16) -> Result<Report, Failure> {
    let client = session.client()?;
    let kept = find(&client, id)?;
    let (interface, _) = interface(session, &kept.code, None)?;
    let events = Events::of(session, &interface, id);
    let page: Page<Block> = client.get(&format!("/banyan/v1/blocks?limit={last}"))?;
    let (mut rows, mut json) = (Vec::new(), Vec::new());
    let mut progress = session.progress();
    for listed in page.items.iter().rev().filter(|block| block.tx_count > 0) {
        progress.say(&format!("block {}", listed.height));
        for hash in runs(&client.block(&listed.hash)?) {
            let receipt = client.receipt(hash)?;
            let emitted = receipt.and_then(|receipt| receipt.events()).unwrap_or_default();
            for event in emitted.iter().filter(|event| event.contract == id) {
                rows.push(vec![listed.height.to_string(), hash.to_string(), events.show(event)]);
                json.push(json!({
                    "height": listed.height, "hash": hash.to_string(),
                    "event": interface.show_event(&event.topics, &event.payload),
                    "topics": topics(event), "payload": aci::quoted(&event.payload),
                }));
            }
        }
    }
    let text = if rows.is_empty() { format!("no event of {id} in the last {last} blocks") } else { table(&rows) };
    Ok(Report::new(text, json!({ "contract": id.to_string(), "blocks": last, "events": json })))
}

/// Transactions of a block in which a contract may have run.
fn runs(block: &Block) -> Vec<TxHash> {
    let runs = |tx: &&serde_json::Map<String, Value>| {
        tx.get("type").and_then(Value::as_str).is_some_and(|kind| RUNS.contains(&kind))
    };
    let hash = |tx: &serde_json::Map<String, Value>| tx.get("hash")?.as_str()?.parse().ok();
    block.txs.iter().filter(runs).filter_map(hash).collect()
}
