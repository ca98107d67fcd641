//! Transactions in the public shape.

use std::time::Duration;

use axum::{Json, extract::State};
use banyan_node::Header;
use banyan_types::{
    Hash, TxHash,
    text::{self, Prefix},
    tx::SignedTx,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::{
    sync::broadcast::error::RecvError,
    time::{Instant, timeout_at},
};
use utoipa::ToSchema;

use crate::{
    Failure,
    ask::{self, Body, Part},
    ladder::Standing,
    ledger::Mount,
    show::{self, Sums},
    submit,
};

/// How long the answer about a waiting transaction is held back for the block that takes it. The JavaScript SDK asks once, then
/// sleeps for a second, and before it asks again gives up if five blocks were made since: on a ledger of quick blocks it would
/// miss what is long there.
const HOLD: Duration = Duration::from_secs(2);

/// A transaction to submit.
#[derive(Deserialize, ToSchema)]
pub struct Post {
    /// `tx_`
    tx: String,
}

/// A submitted transaction.
#[derive(Serialize, ToSchema)]
pub struct Posted {
    tx_hash: String,
}

/// A signed transaction in the block with this header and hash, or waiting: then at height -1.
pub fn shape(signed: &SignedTx, block: Option<(&Header, Hash)>) -> Value {
    let transaction = signed.transaction();
    let mut tx = show::object(transaction.fields(), Sums::Numbers);
    // The public form names machine and calling convention apart.
    if let Some(Value::Object(versions)) = tx.remove("ct_version") {
        tx.extend(versions);
    }
    // Clients wait for ever for what has a ttl of its own.
    tx.entry("ttl").or_insert(json!(0));
    if let Some(inside) = transaction.inside() {
        tx.insert("tx".into(), shape(inside, None));
    }
    tx.insert("type".into(), json!(transaction.kind()));
    tx.insert("version".into(), json!(transaction.version()));
    let signatures: Vec<_> = signed.signatures().iter().map(|signature| signature.text(Prefix::Signature)).collect();
    json!({
        "tx": tx,
        "block_height": block.map_or(json!(-1), |(header, _)| json!(header.height().0)),
        "block_hash": block.map_or("none".into(), |(_, hash)| hash.text(Prefix::MicroBlock)),
        "hash": signed.hash().to_string(),
        "signatures": signatures,
        "encoded_tx": text::encode(Prefix::TransactionBytes, signed.bytes()),
    })
}

fn not_found() -> Failure {
    Failure::unknown("unknown_transaction", "Transaction not found").reason("Transaction not found")
}

/// Submit a transaction. Once it is answered with its hash it is on disk; submitting it again changes nothing.
#[utoipa::path(post, path = "/transactions", tag = "transactions", request_body = Post,
    responses((status = 200, body = Posted), (status = 400)))]
pub async fn post(State(mount): State<Mount>, Body(post): Body<Post>) -> Result<Json<Posted>, Failure> {
    let mut taken = submit::submit(&mount, &[post.tx]).await?;
    let taken = taken.pop().ok_or_else(|| Failure::ours("the node left a transaction without an answer"))?;
    // The public node answers 400 whatever a rule said, and clients repeat on any other status.
    let refused = |failure: Failure| {
        if failure.status.is_client_error() { failure.status(axum::http::StatusCode::BAD_REQUEST) } else { failure }
    };
    Ok(Json(Posted { tx_hash: taken.map_err(refused)?.to_string() }))
}

/// Where a transaction is, once a block has taken it or [`HOLD`] is over.
async fn settled(mount: &Mount, hash: TxHash) -> Result<Standing, Failure> {
    // Before the first look, so that no block falls between the two.
    let (mut news, end) = (mount.ledger().handle.news(), Instant::now() + HOLD);
    loop {
        let standing = Standing::of(mount, hash)?;
        if !matches!(standing, Standing::Pool(_)) {
            return Ok(standing);
        }
        if let Err(_) | Ok(Err(RecvError::Closed)) = timeout_at(end, news.recv()).await {
            return Ok(standing);
        }
    }
}

/// A transaction, in a block or waiting. Of one that waits the answer comes when a block has taken it, or two seconds later.
#[utoipa::path(get, path = "/transactions/{hash}", tag = "transactions", params(("hash" = String, Path)),
    responses((status = 200), (status = 404)))]
pub async fn get(State(mount): State<Mount>, Part(hash): Part<String>) -> Result<Json<Value>, Failure> {
    match settled(&mount, ask::tx_hash(&hash)?).await? {
        Standing::Block(found) => Ok(Json(shape(&found.tx, Some((&found.header, found.block))))),
        Standing::Pool(waiting) => Ok(Json(shape(waiting.tx.get(), None))),
        Standing::Dropped(_) | Standing::Unknown => Err(not_found()),
    }
}

/// What a call returned. Of a kind that calls nothing it is a 404 that says so.
#[utoipa::path(get, path = "/transactions/{hash}/info", tag = "transactions", params(("hash" = String, Path)),
    responses((status = 200), (status = 404)))]
pub async fn info(State(mount): State<Mount>, Part(hash): Part<String>) -> Result<Json<Value>, Failure> {
    match Standing::of(&mount, ask::tx_hash(&hash)?)? {
        Standing::Block(found) => {
            if let Some(info) = super::info::of(&found.tx, &found.receipt, found.header.height()) {
                return Ok(Json(info));
            }
            let kind = found.tx.transaction().kind();
            Err(Failure::invalid("no_info", format!("a {kind} calls no contract")).reason("Tx has no info"))
        }
        Standing::Pool(_) => Err(Failure::unknown("pending", "the transaction waits").reason("Tx not mined")),
        Standing::Dropped(_) | Standing::Unknown => Err(not_found()),
    }
}
