//! Blocks in the public shape: key blocks, micro blocks, generations.

use axum::{Json, extract::State};
use banyan_node::{Header, StoredBlock};
use banyan_store::{Order, Place};
use banyan_types::{
    Hash,
    header::{ChildHeader, KeyHeader},
    text::{self, Prefix},
};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::{
    Failure,
    ask::{self, Part},
    ledger::Mount,
    proof, show,
    v1::blocks::{known, prev_name},
    v3::transactions,
};

/// The flag of a key block, as the public header's bytes have it.
const KEY_FLAGS: [u8; 4] = [0x80, 0, 0, 0];

#[derive(Serialize, ToSchema)]
pub struct KeyBlock {
    hash: String,
    height: u64,
    prev_hash: String,
    prev_key_hash: String,
    state_hash: String,
    miner: String,
    beneficiary: String,
    flags: String,
    target: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pow: Option<Vec<u32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<u64>,
    time: u64,
    version: u32,
    info: String,
}

#[derive(Serialize, ToSchema)]
pub struct MicroBlock {
    hash: String,
    height: u64,
    pof_hash: &'static str,
    prev_hash: String,
    prev_key_hash: String,
    state_hash: String,
    txs_hash: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
    time: u64,
    version: u32,
    flags: String,
}

#[derive(Serialize, ToSchema)]
pub struct Generation {
    key_block: KeyBlock,
    micro_blocks: Vec<String>,
}

/// The block that starts a height.
pub struct KeyAt {
    pub header: Header,
    pub hash: Hash,
}

/// The block that starts `height` on the chosen chain.
pub fn key_block_at(mount: &Mount, height: u64) -> Result<KeyAt, Failure> {
    let hash = proof::block_at(mount, height).map_err(|failure| failure.reason("Block not found"))?;
    Ok(KeyAt { header: known(mount, hash)?.header, hash })
}

fn current_key(mount: &Mount) -> Result<KeyAt, Failure> {
    key_block_at(mount, mount.head()?.header.height().0)
}

fn key_with_hash(mount: &Mount, text: &str) -> Result<KeyAt, Failure> {
    let hash = ask::block_hash(text, &[Prefix::KeyBlock])?;
    match known(mount, hash)?.header {
        Header::Micro(_) => Err(Failure::unknown("unknown_block", "Block not found").reason("Block not found")),
        header => Ok(KeyAt { header, hash }),
    }
}

impl KeyBlock {
    fn of(mount: &Mount, KeyAt { header, hash }: &KeyAt) -> Result<Self, Failure> {
        let hash = hash.text(Prefix::KeyBlock);
        match header {
            Header::Key(key) => Ok(Self::of_root(key, hash, prev_name(mount, header)?)),
            Header::Child(child) => Ok(Self::of_child(child, hash, prev_of_child(mount, child)?)),
            Header::Micro(_) => Err(Failure::ours("a micro block where a key block should stand")),
        }
    }

    /// A key block that is still to be mined.
    pub fn unproven(mount: &Mount, header: &KeyHeader) -> Result<Self, Failure> {
        let (hash, prev) = (header.hash().text(Prefix::KeyBlock), Header::Key(Box::new(header.clone())));
        let block = Self::of_root(header, hash, prev_name(mount, &prev)?);
        Ok(Self { pow: None, nonce: None, ..block })
    }

    /// Whether it is the one that is so described.
    pub fn is(&self, height: u64, prev_hash: &str, state_hash: &str, time: u64) -> bool {
        (self.height, self.prev_hash.as_str(), self.state_hash.as_str(), self.time)
            == (height, prev_hash, state_hash, time)
    }

    fn of_root(key: &KeyHeader, hash: String, prev_hash: String) -> Self {
        let info = key.info.map_or(vec![], |info| info.to_be_bytes().to_vec());
        Self {
            hash,
            height: key.height.0,
            prev_hash,
            prev_key_hash: key.prev_key_hash.text(Prefix::KeyBlock),
            state_hash: show::state_root(key.state_root),
            miner: key.miner.text(Prefix::Account),
            beneficiary: key.beneficiary.to_string(),
            flags: show::bytes(&KEY_FLAGS),
            target: key.target,
            pow: Some(key.pow.to_vec()),
            nonce: Some(key.nonce),
            time: key.time.0,
            version: key.version,
            info: text::encode(Prefix::ContractBytes, &info),
        }
    }

    fn of_child(child: &ChildHeader, hash: String, prev_hash: String) -> Self {
        Self {
            hash,
            height: child.height.0,
            prev_hash,
            prev_key_hash: child.prev_hash.text(Prefix::KeyBlock),
            state_hash: show::state_root(child.state_root),
            miner: child.leader.text(Prefix::Account),
            beneficiary: child.leader.text(Prefix::Account),
            flags: show::bytes(&KEY_FLAGS),
            target: 0,
            pow: None,
            nonce: None,
            time: child.time_ms.0,
            version: child.version,
            info: text::encode(Prefix::ContractBytes, &[]),
        }
    }
}

/// A child's block with transactions shows as a key block and a micro block: the micro block is what stands before the
/// following key block.
fn prev_of_child(mount: &Mount, child: &ChildHeader) -> Result<String, Failure> {
    let held = match mount.chain().header(child.prev_hash)? {
        Some(Header::Child(prev)) => prev.txs_root != Hash::ZERO,
        _ => false,
    };
    Ok(child.prev_hash.text(if held { Prefix::MicroBlock } else { Prefix::KeyBlock }))
}

impl MicroBlock {
    fn of(mount: &Mount, header: &Header, hash: Hash) -> Result<Self, Failure> {
        let hash = hash.text(Prefix::MicroBlock);
        let (pof_hash, flags) = ("no_fraud", show::bytes(&[0; 4]));
        match header {
            Header::Micro(micro) => Ok(Self {
                hash,
                height: micro.height.0,
                pof_hash,
                prev_hash: prev_name(mount, header)?,
                prev_key_hash: micro.prev_key_hash.text(Prefix::KeyBlock),
                state_hash: show::state_root(micro.state_root),
                txs_hash: micro.txs_root.text(Prefix::TxsRoot),
                signature: Some(micro.signature.text(Prefix::Signature)),
                time: micro.time.0,
                version: micro.version,
                flags,
            }),
            Header::Child(child) => Ok(Self {
                height: child.height.0,
                pof_hash,
                prev_hash: header.hash().text(Prefix::KeyBlock),
                prev_key_hash: header.hash().text(Prefix::KeyBlock),
                state_hash: show::state_root(child.state_root),
                txs_hash: child.txs_root.text(Prefix::TxsRoot),
                signature: None,
                time: child.time_ms.0,
                version: child.version,
                flags,
                hash,
            }),
            Header::Key(_) => Err(Failure::unknown("unknown_block", "Block not found").reason("Block not found")),
        }
    }
}

fn micro(mount: &Mount, text: &str) -> Result<(StoredBlock, Hash), Failure> {
    let hash = ask::block_hash(text, &[Prefix::MicroBlock])?;
    let block = known(mount, hash)?;
    match &block.header {
        Header::Key(_) => Err(Failure::unknown("unknown_block", "Block not found").reason("Block not found")),
        Header::Child(child) if child.txs_root == Hash::ZERO => {
            Err(Failure::unknown("unknown_block", "Block not found").reason("Block not found"))
        }
        _ => Ok((block, hash)),
    }
}

fn generation_of(mount: &Mount, key: &KeyAt) -> Result<Json<Generation>, Failure> {
    let micro_blocks = match &key.header {
        Header::Child(child) if child.txs_root == Hash::ZERO => vec![],
        Header::Child(_) => vec![key.hash.text(Prefix::MicroBlock)],
        _ => micros_of(mount, key)?,
    };
    Ok(Json(Generation { key_block: KeyBlock::of(mount, key)?, micro_blocks }))
}

/// The micro blocks of a generation of the chosen chain.
fn micros_of(mount: &Mount, key: &KeyAt) -> Result<Vec<String>, Failure> {
    let height = key.header.height().0;
    if !mount.chain().is_main(key.hash, &key.header)? {
        return Ok(vec![]);
    }
    let rows = mount.chain().main_from(Place { height, index: 1 }, Order::Ascending, MICRO_MAX)?;
    let own = rows.into_iter().take_while(|(place, _)| place.height == height);
    Ok(own.map(|(_, hash)| hash.text(Prefix::MicroBlock)).collect())
}

/// Micro blocks of a generation. Source: root 1.
const MICRO_MAX: usize = 4_096;

/// The newest key block.
#[utoipa::path(get, path = "/key-blocks/current", tag = "blocks", responses((status = 200, body = KeyBlock)))]
pub async fn current(State(mount): State<Mount>) -> Result<Json<KeyBlock>, Failure> {
    Ok(Json(KeyBlock::of(&mount, &current_key(&mount)?)?))
}

/// The newest key block's hash.
#[utoipa::path(get, path = "/key-blocks/current/hash", tag = "blocks", responses((status = 200)))]
pub async fn current_hash(State(mount): State<Mount>) -> Result<Json<Value>, Failure> {
    Ok(Json(json!({ "hash": current_key(&mount)?.hash.text(Prefix::KeyBlock) })))
}

/// The newest key block's height.
#[utoipa::path(get, path = "/key-blocks/current/height", tag = "blocks", responses((status = 200)))]
pub async fn current_height(State(mount): State<Mount>) -> Result<Json<Value>, Failure> {
    Ok(Json(json!({ "height": mount.head()?.header.height().0 })))
}

/// A key block.
#[utoipa::path(get, path = "/key-blocks/hash/{hash}", tag = "blocks", params(("hash" = String, Path)),
    responses((status = 200, body = KeyBlock)))]
pub async fn key_by_hash(State(mount): State<Mount>, Part(hash): Part<String>) -> Result<Json<KeyBlock>, Failure> {
    Ok(Json(KeyBlock::of(&mount, &key_with_hash(&mount, &hash)?)?))
}

/// A key block of the chosen chain.
#[utoipa::path(get, path = "/key-blocks/height/{height}", tag = "blocks", params(("height" = u64, Path)),
    responses((status = 200, body = KeyBlock)))]
pub async fn key_by_height(State(mount): State<Mount>, Part(height): Part<u64>) -> Result<Json<KeyBlock>, Failure> {
    Ok(Json(KeyBlock::of(&mount, &key_block_at(&mount, height)?)?))
}

/// The newest generation.
#[utoipa::path(get, path = "/generations/current", tag = "blocks", responses((status = 200, body = Generation)))]
pub async fn generation(State(mount): State<Mount>) -> Result<Json<Generation>, Failure> {
    generation_of(&mount, &current_key(&mount)?)
}

/// The generation of a key block.
#[utoipa::path(get, path = "/generations/hash/{hash}", tag = "blocks", params(("hash" = String, Path)),
    responses((status = 200, body = Generation)))]
pub async fn generation_by_hash(
    State(mount): State<Mount>,
    Part(hash): Part<String>,
) -> Result<Json<Generation>, Failure> {
    generation_of(&mount, &key_with_hash(&mount, &hash)?)
}

/// The generation at a height.
#[utoipa::path(get, path = "/generations/height/{height}", tag = "blocks", params(("height" = u64, Path)),
    responses((status = 200, body = Generation)))]
pub async fn generation_by_height(
    State(mount): State<Mount>,
    Part(height): Part<u64>,
) -> Result<Json<Generation>, Failure> {
    generation_of(&mount, &key_block_at(&mount, height)?)
}

/// The newest header, of a key or of a micro block.
#[utoipa::path(get, path = "/headers/top", tag = "blocks", responses((status = 200)))]
pub async fn top(State(mount): State<Mount>) -> Result<Json<Value>, Failure> {
    let head = mount.head()?;
    let full = matches!(&head.header, Header::Child(child) if child.txs_root != Hash::ZERO);
    let shown = if full || matches!(head.header, Header::Micro(_)) {
        json!(MicroBlock::of(&mount, &head.header, head.hash)?)
    } else {
        json!(KeyBlock::of(&mount, &KeyAt { header: head.header, hash: head.hash })?)
    };
    Ok(Json(shown))
}

/// The header of a micro block.
#[utoipa::path(get, path = "/micro-blocks/hash/{hash}/header", tag = "blocks", params(("hash" = String, Path)),
    responses((status = 200, body = MicroBlock)))]
pub async fn micro_header(State(mount): State<Mount>, Part(hash): Part<String>) -> Result<Json<MicroBlock>, Failure> {
    let (block, hash) = micro(&mount, &hash)?;
    Ok(Json(MicroBlock::of(&mount, &block.header, hash)?))
}

/// The transactions of a micro block.
#[utoipa::path(get, path = "/micro-blocks/hash/{hash}/transactions", tag = "blocks", params(("hash" = String, Path)),
    responses((status = 200)))]
pub async fn micro_transactions(State(mount): State<Mount>, Part(hash): Part<String>) -> Result<Json<Value>, Failure> {
    let (block, hash) = micro(&mount, &hash)?;
    let shape = |tx| transactions::shape(tx, Some((&block.header, hash)));
    Ok(Json(json!({ "transactions": block.txs.iter().map(shape).collect::<Vec<_>>() })))
}

/// How many transactions a micro block holds.
#[utoipa::path(get, path = "/micro-blocks/hash/{hash}/transactions/count", tag = "blocks", params(("hash" = String, Path)),
    responses((status = 200)))]
pub async fn micro_count(State(mount): State<Mount>, Part(hash): Part<String>) -> Result<Json<Value>, Failure> {
    Ok(Json(json!({ "count": micro(&mount, &hash)?.0.txs.len() })))
}

/// One transaction of a micro block, counted from 1.
#[utoipa::path(get, path = "/micro-blocks/hash/{hash}/transactions/index/{index}", tag = "blocks",
    params(("hash" = String, Path), ("index" = usize, Path)), responses((status = 200)))]
pub async fn micro_transaction(
    State(mount): State<Mount>,
    Part((hash, index)): Part<(String, usize)>,
) -> Result<Json<Value>, Failure> {
    let (block, hash) = micro(&mount, &hash)?;
    let tx = index.checked_sub(1).and_then(|at| block.txs.get(at));
    let tx = tx.ok_or_else(|| {
        Failure::unknown("unknown_transaction", "no transaction there").reason("Transaction not found")
    })?;
    Ok(Json(transactions::shape(tx, Some((&block.header, hash)))))
}
