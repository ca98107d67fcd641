//! What the ledger is, where it stands in the tree, whether the node works.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use banyan_node::{Header, Leaves as _, NodeError};
use banyan_types::Hash;

use super::Answer;
use crate::{
    At, Check, EscrowAnswer, GenesisAnswer, Health, Level, Limits, Rung, Status, Storage, TreeNode,
    ask::BODY_BYTES_MAX, ladder::Rungs, ledger::Mount, v1::transactions::TXS_MAX,
};

/// Key intervals after which a root without a new key block is not ready.
const STALE_INTERVALS: u64 = 20;

pub(crate) fn status(mount: &Mount) -> Result<Status, NodeError> {
    let (ledger, head) = (mount.ledger(), mount.head()?);
    let params = ledger.params();
    Ok(Status {
        ledger: ledger.name().into(),
        path: ledger.path.clone(),
        network_id: params.network_id.clone(),
        associate: ledger.associate_id().map(|id| id.to_string()),
        engine: ledger.engine().into(),
        regime: regime(mount)?,
        safety: ledger.lane.as_ref().map(|lane| lane.turns.safety().as_str().into()),
        profile: ledger.chain().file().profile.clone(),
        genesis: ledger.chain().genesis_hash().to_string(),
        top: At::of(&head.header, head.hash),
        top_time_ms: head.header.time().0,
        levels: rungs(mount)?,
        degraded: degraded(mount),
        parent_height: parent_height(&head.header),
        storage: storage(mount)?,
        pending: pending(mount),
        limits: limits(mount),
        version: env!("CARGO_PKG_VERSION").into(),
        uptime_ms: mount.tree().uptime_ms(),
    })
}

/// The genesis file.
#[utoipa::path(get, path = "/genesis", tag = "look", responses((status = 200, body = GenesisAnswer)))]
pub(crate) async fn genesis_route(State(mount): State<Mount>) -> Answer<GenesisAnswer> {
    let chain = mount.chain();
    Ok(Json(GenesisAnswer { hash: chain.genesis_hash().to_string(), toml: chain.file().to_toml() }))
}

fn limits(mount: &Mount) -> Limits {
    let params = mount.ledger().params();
    Limits {
        gas_price_min: params.gas_price_min.to_string(),
        gas_per_tx_max: params.gas_per_tx_max.0,
        gas_per_block_max: params.gas_per_block_max.0,
        height_interval_ms: params.height_interval_ms,
        txs_per_submit_max: TXS_MAX as u64,
        body_bytes_max: BODY_BYTES_MAX as u64,
    }
}

const fn parent_height(header: &Header) -> Option<u64> {
    match header {
        Header::Child(header) => Some(header.parent_height.0),
        Header::Key(_) | Header::Micro(_) => None,
    }
}

/// Transactions that wait for a block.
pub(crate) fn pending(mount: &Mount) -> u64 {
    let waiting = mount.ledger().handle.pool(|pool| pool.iter().filter(|waiting| !waiting.included).count());
    waiting as u64
}

/// What the parent demands before money leaves the escrow, if the parent is served here.
fn regime(mount: &Mount) -> Result<Option<String>, NodeError> {
    let (Some(id), Some(parent)) = (mount.ledger().associate_id(), mount.parent()) else { return Ok(None) };
    let point = parent.head()?.view.associate(id)?;
    Ok(point.map(|point| point.regime.word().into()))
}

/// Each level with its height and its lag behind the top.
pub(crate) fn rungs(mount: &Mount) -> Result<Vec<Rung>, NodeError> {
    let rungs = Rungs::of(mount)?;
    let rung = |(level, place): (Level, banyan_store::Place)| {
        let lag = rungs.ordered.height.saturating_sub(place.height);
        Rung { level, height: place.height, lag }
    };
    Ok(rungs.list().into_iter().map(rung).collect())
}

/// What users must be told, if anything: blocks do not go on, nothing new is final, or the parent is not followed.
fn degraded(mount: &Mount) -> Option<String> {
    lacks_quorum(mount).or_else(|| parent_lost(mount))
}

fn lacks_quorum(mount: &Mount) -> Option<String> {
    let is_degraded = mount.ledger().handle.finality().is_degraded;
    let why = if mount.ledger().params().is_root() { "nothing new is final" } else { "no quorum" };
    is_degraded.then(|| why.to_owned())
}

fn parent_lost(mount: &Mount) -> Option<String> {
    mount.ledger().handle.parent_lost().map(|why| format!("the parent is not followed: {why}"))
}

fn storage(mount: &Mount) -> Result<Storage, NodeError> {
    let chain = mount.chain();
    let heights =
        chain.store().kept().into_iter().map(|(_, block)| Ok(chain.header(Hash(block))?.map(|h| h.height().0)));
    let heights: Vec<u64> = heights.collect::<Result<Vec<_>, NodeError>>()?.into_iter().flatten().collect();
    let (from, to) = (heights.iter().min().copied(), heights.iter().max().copied());
    Ok(Storage { mode: "collect".into(), states_from: from.unwrap_or(0), states_to: to.unwrap_or(0) })
}

/// The ledger and all that is served below it.
pub(crate) fn tree(mount: &Mount) -> Result<TreeNode, NodeError> {
    let (ledger, head) = (mount.ledger(), mount.head()?);
    let children = mount.children().map(|child| tree(&child)).collect::<Result<_, _>>()?;
    Ok(TreeNode {
        name: ledger.name().into(),
        path: ledger.path.clone(),
        url: format!("/l/{}", ledger.name()),
        network_id: ledger.params().network_id.clone(),
        associate: ledger.associate_id().map(|id| id.to_string()),
        engine: ledger.engine().into(),
        regime: regime(mount)?,
        top: At::of(&head.header, head.hash),
        top_time_ms: head.header.time().0,
        levels: rungs(mount)?,
        degraded: degraded(mount),
        escrow: escrow(mount)?,
        children,
    })
}

fn escrow(mount: &Mount) -> Result<Option<EscrowAnswer>, NodeError> {
    let (Some(id), Some(parent)) = (mount.ledger().associate_id(), mount.parent()) else { return Ok(None) };
    Ok(Some(EscrowAnswer::of(&parent.head()?.view.escrow(id)?)))
}

/// The ledgers of the process whose parents it does not serve: one, where it serves the root.
pub(crate) fn tops(mount: &Mount) -> Result<Vec<TreeNode>, NodeError> {
    mount.all().filter(|mount| mount.parent().is_none()).map(|top| tree(&top)).collect()
}

/// Whether the node can do its work.
pub(crate) fn health(mount: &Mount) -> Health {
    let failure = mount.ledger().handle.failure();
    let head = mount.head();
    let mut checks = vec![
        Check { name: "node".into(), ok: failure.is_none(), note: failure.map(Into::into) },
        Check { name: "store".into(), ok: head.is_ok(), note: head.as_ref().err().map(ToString::to_string) },
    ];
    if let Ok(head) = head
        && mount.ledger().params().is_root()
    {
        checks.push(fresh(mount, head.header.time().0));
    }
    let lacks = lacks_quorum(mount).filter(|_| !mount.ledger().params().is_root());
    for (name, note) in [("quorum", lacks), ("parent", parent_lost(mount))] {
        checks.extend(note.map(|note| Check { name: name.into(), ok: false, note: Some(note) }));
    }
    Health { ok: checks.iter().all(|check| check.ok), checks }
}

fn fresh(mount: &Mount, top_ms: u64) -> Check {
    let age = crate::ledger::now_ms().saturating_sub(top_ms);
    let most = mount.ledger().params().height_interval_ms.saturating_mul(STALE_INTERVALS);
    Check { name: "blocks".into(), ok: age <= most, note: Some(format!("last block {age} ms ago")) }
}

/// The ledger, its levels, limits and storage.
#[utoipa::path(get, path = "/status", tag = "look", responses((status = 200, body = Status)))]
pub(crate) async fn status_route(State(mount): State<Mount>) -> Answer<Status> {
    Ok(Json(status(&mount)?))
}

/// The ledgers of this process as a tree, from the top; several where their common parent is elsewhere.
#[utoipa::path(get, path = "/tree", tag = "look", responses((status = 200, body = Vec<TreeNode>)))]
pub(crate) async fn tree_route(State(mount): State<Mount>) -> Answer<Vec<TreeNode>> {
    Ok(Json(tops(&mount)?))
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "look", responses((status = 200, description = "OpenAPI")))]
pub(crate) async fn openapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], crate::serve::document_json())
}

/// The node's loop turns.
#[utoipa::path(get, path = "/healthz", tag = "look", responses((status = 200, body = Health), (status = 503, body = Health)))]
pub(crate) async fn healthz(State(mount): State<Mount>) -> impl IntoResponse {
    let health = health(&mount);
    let alive = health.checks.iter().take(2).all(|check| check.ok);
    (if alive { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(health))
}

/// The node is ready for work: each check with what was found.
#[utoipa::path(get, path = "/readyz", tag = "look", responses((status = 200, body = Health), (status = 503, body = Health)))]
pub(crate) async fn readyz(State(mount): State<Mount>) -> impl IntoResponse {
    let health = health(&mount);
    (if health.ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(health))
}
