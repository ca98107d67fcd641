//! What the node and its ledger are.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use banyan_node::{EngineParams, Header, VersionRow};
use banyan_store::{Order, Place};
use banyan_types::{ContractId, PublicKey, header::PROTOCOL_VERSION, text::Prefix};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::{
    Failure, Rung, Storage,
    ledger::Mount,
    v1::{
        finality::{AnchoredAnswer, FinalityAnswer},
        look,
    },
};

/// What the SDK checks the node's version against, and our own version behind it. Source: node 7.1, rule 1.
const NODE_VERSION: &str = concat!("7.4.0-banyan.", env!("CARGO_PKG_VERSION"));
/// Key intervals below this make clients poll every second. Source: node 7.1, rule 3.
const SLOW_INTERVAL_MS: u64 = 60_000;
/// The price that clients pay when nobody says otherwise, in base units per gas. Source: node 7.1, rule 10.
const CLIENT_PRICE: u128 = 1_000_000_000;
/// Blocks looked through for what the ledger is used.
const USE_BLOCKS_MAX: usize = 256;
/// The greatest integer that JavaScript counts exactly, and one more.
const SAFE_INTEGER: u64 = 1 << 53;

#[derive(Serialize, ToSchema)]
pub struct Status {
    genesis_key_block_hash: String,
    solutions: u64,
    difficulty: u64,
    hashrate: u64,
    syncing: bool,
    sync_progress: f64,
    uptime: u64,
    listening: bool,
    protocols: Vec<Protocol>,
    node_version: &'static str,
    node_revision: &'static str,
    peer_count: u64,
    peer_connections: Connections,
    pending_transactions_count: u64,
    network_id: String,
    peer_pubkey: String,
    top_key_block_hash: String,
    top_block_height: u64,
    storage: Storage,
    finality: Finality,
}

/// How sure the ledger is of itself. Source: root 9.
#[derive(Serialize, ToSchema)]
struct Finality {
    /// `final`; `degraded` where the last final block is far behind; `halted` where seals contradict each other.
    level: &'static str,
    /// Height of the last final key block, or child block.
    r#final: u64,
    /// Heights from there to the top.
    lag: u64,
    /// Weight that prevoted in the running round, in units; `0` where nobody witnesses.
    weight_seen: String,
    /// Keys of witnesses that did not, `pp_`.
    missing: Vec<String>,
    /// The last height of each public level.
    levels: Vec<Rung>,
    /// The newest key block that is final by operators' word alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    anchored: Option<AnchoredAnswer>,
}

#[derive(Serialize, ToSchema)]
struct Protocol {
    version: u32,
    effective_at_height: u64,
}

#[derive(Serialize, ToSchema)]
struct Connections {
    inbound: u64,
    outbound: u64,
}

/// The node, its ledger and its versions.
#[utoipa::path(get, path = "/status", tag = "status", responses((status = 200, body = Status)))]
pub async fn status(State(mount): State<Mount>) -> Result<Json<Status>, Failure> {
    let ours = look::status(&mount)?;
    let genesis = mount.chain().main_at(Place::at(0))?.unwrap_or(banyan_types::Hash::ZERO);
    let top = super::blocks::key_block_at(&mount, ours.top.height)?;
    Ok(Json(Status {
        genesis_key_block_hash: genesis.text(Prefix::KeyBlock),
        solutions: 0,
        difficulty: difficulty(&top.header),
        hashrate: 0,
        syncing: false,
        sync_progress: 100.0,
        uptime: ours.uptime_ms,
        listening: false,
        protocols: protocols(&mount),
        node_version: NODE_VERSION,
        node_revision: env!("CARGO_PKG_VERSION"),
        peer_count: 0,
        peer_connections: Connections { inbound: 0, outbound: 0 },
        pending_transactions_count: ours.pending,
        network_id: ours.network_id,
        peer_pubkey: orderer(&top.header).text(Prefix::Peer),
        top_key_block_hash: top.hash.text(Prefix::KeyBlock),
        top_block_height: ours.top.height,
        storage: ours.storage,
        finality: finality(&mount, ours.levels)?,
    }))
}

fn finality(mount: &Mount, levels: Vec<Rung>) -> Result<Finality, Failure> {
    let standing = crate::v1::finality::standing(mount)?;
    let level = match (standing.halted, standing.degraded) {
        (true, _) => "halted",
        (false, true) => "degraded",
        (false, false) => "final",
    };
    let (r#final, lag) = (standing.final_height, standing.lag);
    let FinalityAnswer { prevoted: weight_seen, missing, anchored, .. } = standing;
    Ok(Finality { level, r#final, lag, weight_seen, missing, levels, anchored })
}

/// The protocol versions of the ledger, the newest first.
fn protocols(mount: &Mount) -> Vec<Protocol> {
    match &mount.chain().file().engine {
        EngineParams::Root(engine) => {
            let row = |row: &VersionRow| Protocol { version: row.version, effective_at_height: row.from.0 };
            engine.versions.iter().rev().map(row).collect()
        }
        EngineParams::Solo(_) | EngineParams::Committee(_) | EngineParams::Rotation(_) => {
            vec![Protocol { version: PROTOCOL_VERSION, effective_at_height: 0 }]
        }
    }
}

/// How many graphs a key block takes on average, from its compact target; 0 where there is no work.
fn difficulty(header: &Header) -> u64 {
    let Header::Key(header) = header else { return 0 };
    let (exponent, mantissa) = (header.target >> 24, u64::from(header.target & 0x007f_ffff).max(1));
    // The easiest target that the form can say has the exponent 0x21 and stands for a hash of 256 bits.
    let shift = 8 * 0x21_u32.saturating_sub(exponent);
    let easiest = 0xffff_u64.checked_shl(shift).filter(|value| value.leading_zeros() > 0 && shift < 48);
    (easiest.unwrap_or(SAFE_INTEGER) / mantissa).clamp(1, SAFE_INTEGER - 1)
}

/// Who orders now. A process without peers has no identity of its own yet.
fn orderer(header: &Header) -> PublicKey {
    match header {
        Header::Key(header) => header.miner,
        Header::Child(header) => header.leader,
        Header::Micro(_) => PublicKey::ZERO,
    }
}

/// The ends of the branches that are known: the chosen one.
#[utoipa::path(get, path = "/status/chain-ends", tag = "status", responses((status = 200, body = Vec<String>)))]
pub async fn chain_ends(State(mount): State<Mount>) -> Result<Json<Vec<String>>, Failure> {
    let top = super::blocks::key_block_at(&mount, mount.head()?.header.height().0)?;
    Ok(Json(vec![top.hash.text(Prefix::KeyBlock)]))
}

/// How far the node is behind: 404 when it is not.
#[utoipa::path(get, path = "/sync-status", tag = "status", responses((status = 404)))]
pub async fn sync_status() -> Failure {
    Failure::unknown("in_sync", "Node is in sync").reason("Node is in sync")
}

/// The node's key.
#[utoipa::path(get, path = "/peers/pubkey", tag = "status", responses((status = 200)))]
pub async fn pubkey(State(mount): State<Mount>) -> Result<Json<Value>, Failure> {
    let top = super::blocks::key_block_at(&mount, mount.head()?.header.height().0)?;
    Ok(Json(json!({ "pubkey": orderer(&top.header).text(Prefix::Peer) })))
}

/// The coin.
#[utoipa::path(get, path = "/currency", tag = "status", responses((status = 200)))]
pub async fn currency(State(mount): State<Mount>) -> Json<Value> {
    Json(json!({
        "name": "Banyan",
        "symbol": "BNY",
        "subunit": "unit",
        "subunits_per_unit": 1_000_000_000_000_000_000_u64,
        "primary_colour": "#2f7d4f",
        "secondary_colour": "#d9a441",
        "network_name": mount.ledger().params().network_id,
    }))
}

#[derive(Serialize, ToSchema)]
pub struct RecentPrice {
    min_gas_price: u128,
    utilization: u64,
    minutes: u64,
}

/// What inclusion cost lately, and how full the blocks were: over 1, 5, 15 and 60 minutes.
#[utoipa::path(get, path = "/recent-gas-prices", tag = "status", responses((status = 200, body = Vec<RecentPrice>)))]
pub async fn gas_prices(State(mount): State<Mount>) -> Result<Json<Vec<RecentPrice>>, Failure> {
    let min_gas_price = mount.ledger().params().gas_price_min.0;
    let used = gas_used_by_age(&mount)?;
    let price = |minutes: u64| {
        let window = minutes * 60_000;
        let gas: u64 = used.iter().take_while(|(age, _)| *age <= window).map(|(_, gas)| *gas).sum();
        // A price above what clients pay by themselves is only read from a ledger that says it is full.
        let full = min_gas_price > CLIENT_PRICE;
        let utilization = if full { 100 } else { utilization(&mount, gas, window) };
        RecentPrice { min_gas_price, utilization, minutes }
    };
    Ok(Json([1, 5, 15, 60].map(price).into()))
}

/// Gas of the newest blocks, with their ages in milliseconds, newest first.
fn gas_used_by_age(mount: &Mount) -> Result<Vec<(u64, u64)>, Failure> {
    let (chain, head) = (mount.chain(), mount.head()?);
    let now = crate::ledger::now_ms().max(head.header.time().0);
    let mut used = Vec::new();
    for (_, hash) in chain.main_from(head.header.place(), Order::Descending, USE_BLOCKS_MAX)? {
        let Some(header) = chain.header(hash)? else { continue };
        let gas = match &header {
            Header::Key(_) => continue,
            Header::Micro(header) => header.gas_used.0,
            Header::Child(_) => chain.receipts(hash)?.iter().map(|receipt| receipt.gas_used.0).sum(),
        };
        used.push((now.saturating_sub(header.time().0), gas));
    }
    Ok(used)
}

/// Per cent of the gas that blocks could have held in `window_ms`.
fn utilization(mount: &Mount, gas: u64, window_ms: u64) -> u64 {
    let interval = mount.chain().file().engine.block_interval_ms();
    let blocks = window_ms.checked_div(interval).unwrap_or(1).max(1);
    let room = blocks.saturating_mul(mount.ledger().params().gas_per_block_max.0).max(1);
    gas.saturating_mul(100).checked_div(room).unwrap_or(0).min(100)
}

/// Which contract names the validators; clients ask this to know how often to poll. Source: node 7.1, rule 3.
#[utoipa::path(get, path = "/hyperchain/contracts", tag = "status", responses((status = 200), (status = 404)))]
pub async fn hyperchain(State(mount): State<Mount>) -> Response {
    let fast = mount.ledger().params().height_interval_ms < SLOW_INTERVAL_MS;
    if fast || !mount.base.is_empty() {
        return Json(json!({ "staking": ContractId::ZERO.to_string() })).into_response();
    }
    // An empty body is what clients take for "no"; any text makes them fail.
    StatusCode::NOT_FOUND.into_response()
}
