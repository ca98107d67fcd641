//! Schedule data: signed by whoever sends them, or by the node's own key.

use axum::{Json, extract::State, http::StatusCode};
use banyan_ledger::{Fault, blob_hash};
use banyan_node::{Leaves as _, NodeError, SubmitError};
use banyan_tree::seed_key;
use banyan_types::{
    AccountId, Amount, Bytes, Height, Nonce, Signature,
    limits::ENTRY_BYTES_MAX,
    tx::{BlobPost, SignedTx, Transaction},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{Lane, index::posted, lane, octets::Octets};
use crate::{Failure, ask, ask::Body, ledger::Mount, show, submit};

/// A transaction, `tx_…`, or data with what belongs to them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Scheduled {
    /// A signed transaction of any kind.
    Tx(String),
    /// Data.
    Data(Box<DataRequest>),
}

/// Data to be ordered. Without a signature the node signs and pays for them, if it does so for anybody.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct DataRequest {
    /// The data, up to 64 KiB.
    data: Octets,
    /// Seconds, as the sender has them. Blocks have times of their own.
    #[serde(default)]
    #[allow(dead_code)] // part of the form; nothing rests on it
    timestamp: Option<u64>,
    /// Who signs, `ak_`.
    sender: Option<String>,
    /// Number in the sender's account.
    nonce: Option<u64>,
    /// What inclusion costs, in base units; the least if it is absent.
    fee: Option<String>,
    /// Last height, 0 for none.
    #[serde(default)]
    ttl: u64,
    /// The sender's signature over the transaction of kind 144 that these fields are.
    signature: Option<Octets>,
}

/// What became of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScheduleAnswer {
    /// The transaction, `th_`.
    id: String,
    /// The key of the data in the trie of the open routes, hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// `received`: in this node's durable pool. `known`: these data are there already, under this id.
    status: &'static str,
}

/// Take a transaction, or data that are to become one. When this answers, it is on disk.
#[utoipa::path(post, path = "/schedule", tag = "rotation", request_body = Scheduled,
    responses((status = 200, body = ScheduleAnswer)))]
pub(crate) async fn post(
    State(mount): State<Mount>,
    Body(request): Body<Scheduled>,
) -> Result<Json<ScheduleAnswer>, Failure> {
    let lane = lane(&mount)?;
    let tx = match request {
        Scheduled::Tx(text) => submit::parse(&text)?,
        Scheduled::Data(data) => {
            check_size(&data.data.0)?;
            if let Some(known) = known(&mount, lane, &data.data.0)? {
                return Ok(Json(known));
            }
            if data.signature.is_none() {
                return write(&mount, lane, data.data.0).await.map(Json);
            }
            signed(&mount, *data)?
        }
    };
    give(&mount, lane, tx).await.map(Json)
}

fn check_size(data: &[u8]) -> Result<(), Failure> {
    let (max, got) = (ENTRY_BYTES_MAX, data.len());
    if got <= max {
        return Ok(());
    }
    let failure =
        Failure::new(Fault::Invalid, StatusCode::PAYLOAD_TOO_LARGE, "entry_too_large", format!("{got} bytes"));
    Err(failure.with(json!({ "max": max, "got": got })).hint("post less at once"))
}

fn key_of(data: &[u8]) -> String {
    show::hex(seed_key(data))
}

/// The answer for data that are there already.
fn known(mount: &Mount, lane: &Lane, data: &[u8]) -> Result<Option<ScheduleAnswer>, Failure> {
    let waiting = lane.carrier(blob_hash(data)).filter(|tx| mount.ledger().handle.pool(|pool| pool.get(tx).is_some()));
    let carrier = match waiting {
        Some(tx) => Some(tx),
        None => posted(mount.chain(), data)?,
    };
    Ok(carrier.map(|tx| ScheduleAnswer { id: tx.to_string(), key: Some(key_of(data)), status: "known" }))
}

/// The transaction that its sender has signed.
fn signed(mount: &Mount, request: DataRequest) -> Result<SignedTx, Failure> {
    let missing = |what: &str| Failure::invalid("unsigned", format!("a signature goes with {what}"));
    let sender = ask::account(&request.sender.ok_or_else(|| missing("a sender"))?)?;
    let nonce = Nonce(request.nonce.ok_or_else(|| missing("a nonce"))?);
    let fee = match request.fee {
        Some(fee) => Some(fee.parse().ok().and_then(Amount::new).ok_or_else(|| missing("a fee in base units"))?),
        None => None,
    };
    let signature = request.signature.map(|octets| octets.0).unwrap_or_default();
    let signature = signature.as_slice().try_into().map_err(|_| missing("64 bytes"))?;
    let post = BlobPost {
        sender_id: sender,
        data: Bytes(request.data.0),
        ttl: Height(request.ttl),
        fee: fee.unwrap_or(Amount::ZERO),
        nonce,
    };
    let tx =
        if fee.is_some() { post.into() } else { banyan_node::with_least_fee(mount.ledger().params(), post.into()) };
    Ok(SignedTx::assemble(tx, vec![Signature(signature)]))
}

/// Sign and pay for data of somebody who has no account here.
async fn write(mount: &Mount, lane: &Lane, data: Vec<u8>) -> Result<ScheduleAnswer, Failure> {
    let Some(scribe) = &lane.scribe else {
        let failure = Failure::invalid("unsigned", "this node signs for nobody").status(StatusCode::FORBIDDEN);
        return Err(failure.hint("add sender, nonce and signature, or send a tx_… that you have signed"));
    };
    let _turn = lane.turn.lock().await;
    let sender = AccountId(scribe.public());
    let (ttl, fee, nonce) = (Height(0), Amount::ZERO, next_nonce(mount, sender)?);
    let post = BlobPost { sender_id: sender, data: Bytes(data), ttl, fee, nonce };
    let params = mount.ledger().params();
    let tx = banyan_node::with_least_fee(params, post.into()).sign(&params.network_id, scribe);
    give(mount, lane, tx).await
}

fn next_nonce(mount: &Mount, account: AccountId) -> Result<Nonce, NodeError> {
    let used = mount.head()?.view.account(account)?.map_or(0, |account| account.nonce.0);
    let waiting = mount.ledger().handle.pool(|pool| pool.of_account(account).map(|waiting| waiting.slot.0).max());
    Ok(Nonce(used.max(waiting.unwrap_or(0)).saturating_add(1)))
}

/// Give a transaction to the node.
async fn give(mount: &Mount, lane: &Lane, tx: SignedTx) -> Result<ScheduleAnswer, Failure> {
    let data = match tx.transaction() {
        Transaction::BlobPost(post) => Some(post.data.0.clone()),
        _ => None,
    };
    let answer = mount.ledger().handle.submit(vec![tx.clone()]).await?.pop();
    let answer = answer.ok_or_else(|| Failure::ours("the node left a transaction without an answer"))?;
    let (id, status) = match (answer, &data) {
        (Ok(id), _) => (id, "received"),
        (Err(SubmitError::Rejected(banyan_ledger::Rejected::Known { .. })), Some(data)) => {
            return known(mount, lane, data)?.ok_or_else(|| Failure::ours("known data are not there"));
        }
        (Err(error), _) => return Err(submit::refused(mount, &tx, &error)),
    };
    if let Some(data) = &data {
        lane.remember(blob_hash(data), id);
    }
    Ok(ScheduleAnswer { id: id.to_string(), key: data.as_deref().map(key_of), status })
}
