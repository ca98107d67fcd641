//! Look at what is ordered, and prove that data stand there.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use banyan_ledger::blob_key;
use banyan_node::{Header, StoredBlock};
use banyan_store::{Order, Place};
use banyan_tree::{SeedNode, Shown, seed_key_of, verify_merkle_proof};
use banyan_types::{
    Hash, Height,
    committee::{Certificate, MemberSignature},
    header::ChildHeader,
    text::Prefix,
    tx::{SignedTx, Transaction},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Lane, lane, lock};
use crate::{
    Failure, StateProof,
    ask::{Ask, Body, Part},
    ledger::Mount,
    proof, show,
};

/// Transactions of one page of the pool, and their bytes beyond the first.
const POOL_PAGE: usize = 1_000;
const POOL_PAGE_BYTES: usize = 1 << 20;
/// Blocks whose commitments are listed.
const COMMITTED_BLOCKS_MAX: usize = 64;
/// What the clients of the routes know a missing block by.
const NO_BLOCK: &str = "[Warning] Requested Block that does not exist";

/// Data, or a transaction of another kind.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Entry {
    /// The data; of another kind of transaction its bytes.
    data: Vec<u8>,
    /// Seconds since 1970: of its block, or of the newest block while it waits.
    timestamp: u64,
    /// The transaction, `th_`.
    id: String,
    /// Its kind.
    kind: &'static str,
    /// Who signed it.
    sender: String,
}

impl Entry {
    fn of(tx: &SignedTx, timestamp: u64) -> Self {
        let data = match tx.transaction() {
            Transaction::BlobPost(post) => post.data.0.clone(),
            _ => tx.bytes().to_vec(),
        };
        let (kind, sender) = (tx.transaction().kind(), tx.transaction().signer().to_string());
        Self { data, timestamp, id: tx.hash().to_string(), kind, sender }
    }
}

/// One validator's commitment to a block.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Commitment {
    height: u64,
    view: u32,
    /// Hash of the block.
    block: Vec<u8>,
    /// Its key.
    validator: Vec<u8>,
    signature: Vec<u8>,
    /// Seconds since 1970: of the block.
    timestamp: u64,
}

fn commitments_of(lane: &Lane, seal: &Certificate, header: &ChildHeader) -> Vec<Commitment> {
    let one = |MemberSignature { index, signature }: &MemberSignature| {
        let member = lane.turns.set().member(*index)?;
        Some(Commitment {
            height: seal.height.0,
            view: seal.view,
            block: seal.block_hash.0.to_vec(),
            validator: member.key.0.to_vec(),
            signature: signature.0.to_vec(),
            timestamp: header.time_ms.0 / 1_000,
        })
    };
    seal.signatures.iter().filter_map(one).collect()
}

/// Which part of the pool.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PoolPart {
    /// Transactions at most, up to 1,000.
    limit: Option<usize>,
    /// How many to leave out, best price first.
    #[serde(default)]
    skip: usize,
}

/// The waiting transactions, best price first.
#[utoipa::path(get, path = "/get/pool", tag = "rotation", params(PoolPart), responses((status = 200, body = [Entry])))]
pub(crate) async fn pool(State(mount): State<Mount>, Ask(part): Ask<PoolPart>) -> Result<Json<Vec<Entry>>, Failure> {
    lane(&mount)?;
    let (limit, now) = (part.limit.unwrap_or(POOL_PAGE).min(POOL_PAGE), mount.head()?.header.time().0 / 1_000);
    let entries = mount.ledger().handle.pool(|pool| {
        let waiting = pool.iter().filter(|waiting| !waiting.included).skip(part.skip).take(limit);
        let mut bytes = 0;
        let fits = |waiting: &&banyan_node::Waiting| {
            let is_first = bytes == 0;
            bytes += waiting.tx.get().bytes().len();
            is_first || bytes <= POOL_PAGE_BYTES
        };
        waiting.take_while(fits).map(|waiting| Entry::of(waiting.tx.get(), now)).collect()
    });
    Ok(Json(entries))
}

/// The commitments to the newest blocks: to all that are not final, and to the last that is.
#[utoipa::path(get, path = "/get/commitments", tag = "rotation", responses((status = 200, body = [Commitment])))]
pub(crate) async fn commitments(State(mount): State<Mount>) -> Result<Json<Vec<Commitment>>, Failure> {
    let (lane, chain) = (lane(&mount)?, mount.chain());
    let from = chain.last_final()?.header.height().0.max(1);
    let mut all = Vec::new();
    for (place, hash) in chain.main_from(Place::at(from), Order::Ascending, COMMITTED_BLOCKS_MAX)? {
        let (seal, header) = (chain.certificate(Height(place.height))?, chain.header(hash)?);
        if let (Some(seal), Some(Header::Child(header))) = (seal, header) {
            all.extend(commitments_of(lane, &seal, &header));
        }
    }
    Ok(Json(all))
}

/// A block of the ledger.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TurnBlock {
    height: u64,
    transactions: Vec<Entry>,
    /// The leader's commitment to it; empty where he made none.
    signature: Vec<u8>,
    commitments: Vec<Commitment>,
    /// Seconds since 1970.
    timestamp: u64,
    /// `kh_`.
    hash: String,
    /// `kh_`.
    prev_hash: String,
    /// The parent's block that it names, `kh_`.
    parent_hash: String,
    /// `bs_`.
    state_root: String,
    /// The leader, `pp_`.
    proposer: String,
    /// How many leaders before him were missing.
    view: u32,
    time_ms: u64,
    /// Whether it can be taken back no more.
    is_final: bool,
    /// All commitments as one, kind 1230, `ba_`; absent at the genesis.
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<String>,
}

/// One block by its height.
#[utoipa::path(get, path = "/get/block/{height}", tag = "rotation", params(("height" = u64, Path)),
    responses((status = 200, body = TurnBlock)))]
pub(crate) async fn block(
    State(mount): State<Mount>,
    headers: HeaderMap,
    Part(height): Part<u64>,
) -> Result<Response, Failure> {
    let (lane, chain) = (lane(&mount)?, mount.chain());
    let Some(hash) = chain.main_at(Place::at(height))? else { return no_block(&mount, &headers, height) };
    let stored = chain.block(hash)?.ok_or_else(|| Failure::ours("a block of the chain is not there"))?;
    let StoredBlock { header: Header::Child(header), txs, .. } = stored else {
        return Err(Failure::ours("a rotation without a child's header"));
    };
    let seal = chain.certificate(header.height)?;
    let seconds = header.time_ms.0 / 1_000;
    let place = lane.turns.set().place(&header.leader);
    let leaders =
        |seal: &Certificate| seal.signatures.iter().find(|one| Some(one.index) == place).map(|one| one.signature);
    let block = TurnBlock {
        height,
        transactions: txs.iter().map(|tx| Entry::of(tx, seconds)).collect(),
        signature: seal.as_ref().and_then(leaders).map_or_else(Vec::new, |signature| signature.0.to_vec()),
        commitments: seal.as_ref().map_or_else(Vec::new, |seal| commitments_of(lane, seal, &header)),
        timestamp: seconds,
        hash: hash.text(Prefix::KeyBlock),
        prev_hash: header.prev_hash.text(Prefix::KeyBlock),
        parent_hash: header.parent_hash.text(Prefix::KeyBlock),
        state_root: show::state_root(header.state_root),
        proposer: header.leader.text(Prefix::Peer),
        view: header.view,
        time_ms: header.time_ms.0,
        is_final: height <= chain.last_final()?.header.height().0,
        certificate: seal.map(|seal| show::bytes(&seal.encode())),
    };
    Ok(Json(block).into_response())
}

/// The words that clients of the routes know, unless typed JSON is asked for.
fn no_block(mount: &Mount, headers: &HeaderMap, height: u64) -> Result<Response, Failure> {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    if accept.is_some_and(|accept| accept.contains("application/json")) {
        return Err(proof::block_at(mount, height)
            .err()
            .unwrap_or_else(|| Failure::unknown("unknown_block", NO_BLOCK)));
    }
    Ok((StatusCode::NOT_FOUND, NO_BLOCK).into_response())
}

/// How many blocks there are, the genesis among them.
#[utoipa::path(get, path = "/get/height", tag = "rotation", responses((status = 200, body = u64)))]
pub(crate) async fn height(State(mount): State<Mount>) -> Result<Json<u64>, Failure> {
    lane(&mount)?;
    Ok(Json(mount.head()?.header.height().0 + 1))
}

/// The root of the trie of the open routes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TrieRoot {
    hash: Vec<u8>,
    left: Option<Vec<u8>>,
    right: Option<Vec<u8>>,
    /// The last block whose data are in it: the last final one.
    height: u64,
    /// That block, `kh_`.
    header_hash: String,
    /// Root of the state after it, `bs_`: what certificates are about.
    state_root: String,
}

/// The root that proofs of the open routes are checked against.
#[utoipa::path(get, path = "/get/state_root_hash", tag = "rotation", responses((status = 200, body = TrieRoot)))]
pub(crate) async fn state_root_hash(State(mount): State<Mount>) -> Result<Json<TrieRoot>, Failure> {
    let (root, height) = in_index(&mount, |index| (index.trie.root(), index.height)).await?;
    let block = proof::block_at(&mount, height)?;
    let Some(Header::Child(header)) = mount.chain().header(block)? else {
        return Err(Failure::ours("a rotation without a child's header"));
    };
    let hash = root.hash().to_vec();
    let SeedNode::Root { left, right } = root else { return Err(Failure::ours("the trie has no root")) };
    let bytes = |side: Option<[u8; 32]>| side.map(|side| side.to_vec());
    Ok(Json(TrieRoot {
        hash,
        left: bytes(left),
        right: bytes(right),
        height,
        header_hash: block.text(Prefix::KeyBlock),
        state_root: show::state_root(header.state_root),
    }))
}

/// Look into the trie, after it has taken in what is final.
async fn in_index<T: Send + 'static>(
    mount: &Mount,
    look: impl FnOnce(&super::index::Index) -> T + Send + 'static,
) -> Result<T, Failure> {
    lane(mount)?;
    let mount = mount.clone();
    let looked = tokio::task::spawn_blocking(move || {
        let mut index = lock(&lane(&mount)?.index);
        index.follow(mount.chain())?;
        Ok(look(&index))
    });
    looked.await.map_err(|error| Failure::ours(error.to_string()))?
}

/// Which form of proof.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Form {
    /// `tree` for a proof of presence or absence in the ledger's own state; else one in the trie of these routes.
    form: Option<String>,
}

/// Prove that the datum with this key is there. The key is 256 bits, a number each.
#[utoipa::path(post, path = "/merkle_proof", tag = "rotation", params(Form), request_body = Vec<u8>,
    responses((status = 200, description = "`{\"nodes\":[[bool,Node],…]}`")))]
pub(crate) async fn merkle_proof(
    State(mount): State<Mount>,
    Ask(form): Ask<Form>,
    Body(bits): Body<Vec<u8>>,
) -> Result<Response, Failure> {
    let key = seed_key_of(&bits).ok_or_else(|| {
        let message = format!("a key is 256 bits of 0 and 1, here are {} numbers", bits.len());
        Failure::invalid("key", message).with(serde_json::json!({ "expected": 256, "got": bits.len() }))
    })?;
    let found = in_index(&mount, move |index| {
        let (proof, root) = (index.trie.prove(&key), index.trie.root().hash());
        match verify_merkle_proof(&proof, &key, &root) {
            Ok(Shown::Present(data)) => Some((proof.to_json(), data.to_vec())),
            _ => None,
        }
    });
    let (json, data) = found.await?.ok_or_else(|| {
        Failure::unknown("absent", "no final block holds data with this key")
            .hint("wait until they are final; absence is proved by /banyan/v1/blob/{sha256}/proof")
    })?;
    if form.form.as_deref() == Some("tree") {
        return Ok(Json(blob_proof_of(&mount, banyan_ledger::blob_hash(&data))?).into_response());
    }
    Ok(([(header::CONTENT_TYPE, "application/json")], json).into_response())
}

/// Whether data stand in the ledger's state, proved with all that it rests on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BlobProof {
    /// SHA-256 of the data, hexadecimal.
    sha256: String,
    /// Whether they are there.
    present: bool,
    /// The state of the last final block.
    proof: StateProof,
    /// The commitments to that block, kind 1230, `ba_`; absent at the genesis.
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<String>,
}

/// Prove that data are, or are not, in the state of the last final block.
#[utoipa::path(get, path = "/banyan/v1/blob/{sha256}/proof", tag = "rotation", params(("sha256" = String, Path)),
    responses((status = 200, body = BlobProof)))]
pub(crate) async fn blob_proof(
    State(mount): State<Mount>,
    Part(sha256): Part<String>,
) -> Result<Json<BlobProof>, Failure> {
    let hash = show::unhex(&sha256).ok_or_else(|| Failure::invalid("sha256", "a hash is 64 hexadecimal digits"))?;
    blob_proof_of(&mount, Hash(hash)).map(Json)
}

fn blob_proof_of(mount: &Mount, hash: Hash) -> Result<BlobProof, Failure> {
    let last = mount.chain().last_final()?;
    let proof = proof::prove(mount, &last.view, vec![blob_key(hash)])?;
    let certificate = mount.chain().certificate(last.header.height())?.map(|seal| show::bytes(&seal.encode()));
    let present = proof.items.iter().any(|item| item.value.is_some());
    Ok(BlobProof { sha256: show::hex(hash.0), present, proof, certificate })
}
