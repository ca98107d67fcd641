//! Blocks of the chosen chain, and any other that is still known.

use axum::{Json, extract::State};
use banyan_node::{Header, StoredBlock};
use banyan_store::{Order, Place};
use banyan_types::{
    Hash,
    text::{self, Prefix},
    tx::SignedTx,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};

use super::{Answer, Paging};
use crate::{
    At, Block, Failure, Page, Tx,
    ask::{self, Ask, Part},
    event::Cursor,
    ladder::Rungs,
    ledger::Mount,
    proof::{self, HeaderBytes},
    show::{self, Sums},
};

/// The newest blocks, or those before `after`.
pub(crate) fn list(mount: &Mount, paging: &Paging) -> Result<Page<Block>, Failure> {
    let (chain, head, rungs) = (mount.chain(), mount.head()?, Rungs::of(mount)?);
    let top = head.header.place();
    let (from, skip) = match &paging.after {
        Some(after) => (after.parse::<Cursor>()?.place, 1),
        None => (top, 0),
    };
    let rows = chain.main_from(from, Order::Descending, paging.limit() + skip)?;
    let (mut items, mut last) = (Vec::new(), None);
    for (place, hash) in rows.into_iter().skip(skip) {
        let block = known(mount, hash)?;
        last = Some(Cursor::new(place, hash));
        items.push(decoded(mount, &rungs, &block, hash, false)?);
    }
    let more = items.len() == paging.limit();
    let next = last.filter(|last| more && last.place > Place::at(0)).map(|last| last.to_string());
    Ok(Page { items, next, at: At::of(&head.header, head.hash) })
}

/// Headers of one answer.
const HEADERS_MAX: u64 = 200;

/// Headers of the chosen chain.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Headers {
    /// Ascending by height, without a gap; fewer than asked for where the chain ends.
    pub items: Vec<HeaderBytes>,
}

/// Blocks that one request looks through.
const SCAN_BLOCKS_MAX: usize = 2_000;

/// What the blocks hold of something, newest first. A part may be short or empty and still have a `next`: the chain is looked
/// through, a bounded number of blocks at a time.
pub(crate) fn scan<T>(
    mount: &Mount,
    paging: &Paging,
    look: impl Fn(&StoredBlock, Hash) -> Result<Vec<T>, Failure>,
) -> Result<Page<T>, Failure> {
    let (chain, head) = (mount.chain(), mount.head()?);
    let (from, skip) = match &paging.after {
        Some(after) => (after.parse::<Cursor>()?.place, 1),
        None => (head.header.place(), 0),
    };
    let (mut items, mut next) = (Vec::new(), None);
    for (place, hash) in chain.main_from(from, Order::Descending, SCAN_BLOCKS_MAX)?.into_iter().skip(skip) {
        next = (place > Place::at(0)).then(|| Cursor::new(place, hash).to_string());
        items.extend(look(&known(mount, hash)?, hash)?);
        if items.len() >= paging.limit() {
            break;
        }
    }
    Ok(Page { items, next, at: At::of(&head.header, head.hash) })
}

/// The hash of the block that `id` names: a height, `kh_` or `mh_`.
pub(crate) fn find(mount: &Mount, id: &str) -> Result<Hash, Failure> {
    match id.parse::<u64>() {
        Ok(height) => proof::block_at(mount, height),
        Err(_) => ask::block_hash(id, &[Prefix::KeyBlock, Prefix::MicroBlock]),
    }
}

/// The block, which must be known.
pub(crate) fn known(mount: &Mount, hash: Hash) -> Result<StoredBlock, Failure> {
    let block = mount.chain().block(hash)?;
    block.ok_or_else(|| Failure::unknown("unknown_block", "no such block").reason("Block not found"))
}

/// One block with its transactions.
pub(crate) fn one(mount: &Mount, id: &str) -> Result<Block, Failure> {
    let hash = find(mount, id)?;
    decoded(mount, &Rungs::of(mount)?, &known(mount, hash)?, hash, true)
}

fn decoded(mount: &Mount, rungs: &Rungs, block: &StoredBlock, hash: Hash, whole: bool) -> Result<Block, Failure> {
    let header = &block.header;
    let main = mount.chain().is_main(hash, header)?;
    Ok(Block {
        height: header.height().0,
        index: header.place().index,
        hash: show::block_name(header, hash),
        kind: kind(header).into(),
        prev_hash: prev_name(mount, header)?,
        time_ms: header.time().0,
        state_root: show::state_root(header.state_root()),
        level: main.then(|| rungs.level(header.place())),
        tx_count: block.txs.len() as u64,
        header: if whole { header_fields(header) } else { Map::new() },
        txs: whole.then(|| block.txs.iter().map(tx).collect()),
    })
}

pub(crate) const fn kind(header: &Header) -> &'static str {
    match header {
        Header::Key(_) => "key",
        Header::Micro(_) => "micro",
        Header::Child(_) => "child",
    }
}

/// The name of the block before.
pub(crate) fn prev_name(mount: &Mount, header: &Header) -> Result<String, Failure> {
    let prev = header.prev_hash();
    let known = mount.chain().header(prev)?;
    Ok(known.map_or_else(|| prev.text(Prefix::KeyBlock), |header| show::block_name(&header, prev)))
}

fn header_fields(header: &Header) -> Map<String, Value> {
    let fields = match header {
        Header::Key(key) => json!({
            "version": key.version,
            "prev_key_hash": key.prev_key_hash.text(Prefix::KeyBlock),
            "miner": key.miner.text(Prefix::Account),
            "beneficiary": key.beneficiary.to_string(),
            "target": key.target,
            "nonce": key.nonce.to_string(),
            "pow": key.pow.to_vec(),
        }),
        Header::Micro(micro) => json!({
            "version": micro.version,
            "prev_key_hash": micro.prev_key_hash.text(Prefix::KeyBlock),
            "txs_root": micro.txs_root.text(Prefix::TxsRoot),
            "receipts_root": micro.receipts_root.to_string(),
            "gas_used": micro.gas_used.0,
            "signature": micro.signature.text(Prefix::Signature),
        }),
        Header::Child(child) => return show::object(child.fields(), Sums::Texts),
    };
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// A transaction, decoded.
pub(crate) fn tx(signed: &SignedTx) -> Tx {
    let tx = signed.transaction();
    Tx {
        hash: signed.hash().to_string(),
        kind: tx.kind().into(),
        version: tx.version(),
        signer: tx.signer().to_string(),
        fee: crate::answer::units(tx.fee()),
        nonce: tx.nonce().0,
        fields: show::object(tx.fields(), Sums::Texts),
        signatures: signed.signatures().iter().map(|signature| signature.text(Prefix::Signature)).collect(),
        encoded: text::encode(Prefix::TransactionBytes, signed.bytes()),
    }
}

/// Which headers.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Heights {
    /// The first height. Default 0.
    from: Option<u64>,
    /// Headers at most, up to 200.
    limit: Option<u64>,
}

/// The headers that start the heights from one on: of key blocks, or of a child's blocks. Each names the one before.
fn headers(mount: &Mount, heights: &Heights) -> Result<Headers, Failure> {
    let from = heights.from.unwrap_or(0);
    let limit = heights.limit.unwrap_or(HEADERS_MAX).clamp(1, HEADERS_MAX);
    let mut items = Vec::new();
    for height in from..from.saturating_add(limit) {
        let Some(hash) = mount.chain().main_at(Place::at(height))? else { break };
        let header = mount.chain().header(hash)?.ok_or_else(|| Failure::ours("a block without its header"))?;
        items.push(HeaderBytes::of(&header));
    }
    Ok(Headers { items })
}

/// Headers of the chosen chain as they are hashed, by height: for whoever walks from a block that it knows to an older one.
#[utoipa::path(get, path = "/headers", tag = "blocks", params(Heights), responses((status = 200, body = Headers)))]
pub(crate) async fn headers_route(State(mount): State<Mount>, Ask(heights): Ask<Heights>) -> Answer<Headers> {
    Ok(Json(headers(&mount, &heights)?))
}

/// Blocks of the chosen chain, newest first.
#[utoipa::path(get, path = "/blocks", tag = "blocks", params(Paging), responses((status = 200, body = Page<Block>)))]
pub(crate) async fn list_route(State(mount): State<Mount>, Ask(paging): Ask<Paging>) -> Answer<Page<Block>> {
    Ok(Json(list(&mount, &paging)?))
}

/// One block with its header and transactions.
#[utoipa::path(get, path = "/blocks/{id}", tag = "blocks",
    params(("id" = String, Path, description = "a height, kh_… or mh_…")), responses((status = 200, body = Block)))]
pub(crate) async fn one_route(State(mount): State<Mount>, Part(id): Part<String>) -> Answer<Block> {
    Ok(Json(one(&mount, &id)?))
}
