//! Work for miners from outside: what is to be proven, and the proof. Rules: root 5, node 7.

use axum::{Json, extract::State};
use banyan_node::NoWork;
use banyan_types::header::{KEY_WORKED_BYTES, KeyHeader, POW_EDGES};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::blocks::KeyBlock;
use crate::{Failure, ask::Body, ledger::Mount, show};

/// A key block to be mined.
#[derive(Serialize, ToSchema)]
pub struct Pending {
    #[serde(flatten)]
    block: KeyBlock,
    /// The 224 bytes of the header that the proof is for, `ba_`: its Blake2b-256 with a nonce makes the graph.
    header: String,
    /// Size of the graph, in bits.
    edge_bits: u8,
}

/// A key block with its proof of work, as it was pending.
#[derive(Deserialize, ToSchema)]
pub struct Mined {
    height: u64,
    prev_hash: String,
    state_hash: String,
    time: u64,
    nonce: u64,
    pow: Vec<u32>,
}

fn nothing() -> Failure {
    Failure::unknown("no_pending", "no block is offered to miners").reason("Block not found")
}

fn pending_header(mount: &Mount) -> Result<KeyHeader, Failure> {
    mount.ledger().handle.work().ok_or_else(nothing)
}

/// The key block that is to be mined now. It changes with every block and seal: ask again often.
#[utoipa::path(get, path = "/key-blocks/pending", tag = "blocks", responses((status = 200, body = Pending), (status = 404)))]
pub async fn pending(State(mount): State<Mount>) -> Result<Json<Pending>, Failure> {
    let header = pending_header(&mount)?;
    let banyan_node::EngineParams::Root(engine) = &mount.chain().file().engine else { return Err(nothing()) };
    let bytes = header.encode();
    let worked = bytes.get(..KEY_WORKED_BYTES).unwrap_or_default();
    Ok(Json(Pending {
        block: KeyBlock::unproven(&mount, &header)?,
        header: show::bytes(worked),
        edge_bits: engine.edge_bits,
    }))
}

/// Give the pending key block with its proof. It passes the same door as one that came from a peer.
#[utoipa::path(post, path = "/key-blocks", tag = "blocks", request_body = Mined,
    responses((status = 200), (status = 400), (status = 404)))]
pub async fn post_key_block(State(mount): State<Mount>, Body(mined): Body<Mined>) -> Result<Json<Value>, Failure> {
    let header = pending_header(&mount)?;
    let wanted = KeyBlock::unproven(&mount, &header)?;
    if !wanted.is(mined.height, &mined.prev_hash, &mined.state_hash, mined.time) {
        return Err(stale());
    }
    let pow: [u32; POW_EDGES] = mined.pow.try_into().map_err(|edges: Vec<u32>| {
        Failure::invalid("pow", format!("a proof has {POW_EDGES} edges, not {}", edges.len()))
    })?;
    let solved = KeyHeader { nonce: mined.nonce, pow, ..header };
    mount.ledger().handle.solve(&solved).map_err(|why| match why {
        NoWork::None => nothing(),
        NoWork::Stale => stale(),
        NoWork::Proof(_) => Failure::invalid("pow", why.to_string()),
        NoWork::Ended => Failure::ours(why.to_string()),
    })?;
    Ok(Json(json!({ "hash": solved.hash().text(banyan_types::text::Prefix::KeyBlock) })))
}

fn stale() -> Failure {
    Failure::invalid("stale", NoWork::Stale.to_string()).hint("ask GET /v3/key-blocks/pending again")
}
