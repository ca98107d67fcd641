//! Submit transactions and follow them up the ladder.

use std::time::Duration;

use axum::{Json, extract::State, http::StatusCode};
use banyan_types::TxHash;
use serde::Deserialize;
use tokio::time::{Instant, timeout_at};
use utoipa::IntoParams;

use super::{Answer, blocks};
use crate::{
    At, Failure, Level, LevelReached, Submit, SubmitAnswer, SubmitItem, TxStatus,
    ask::{self, Ask, Body, Part},
    event::Cursor,
    ladder::{self, Rungs, Standing},
    ledger::Mount,
    show::{self, Sums},
    submit,
};

/// Transactions of one submit. Source: node 8.2.
pub(crate) const TXS_MAX: usize = 256;
/// Longest wait. Source: node 8.2.
const WAIT_MS_MAX: u64 = 60_000;
/// The wait when nothing is said.
const WAIT_MS_DEFAULT: u64 = 30_000;

/// How long to wait for what.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wait {
    /// Answer only when every transaction has this level or has ended.
    wait: Option<Level>,
    /// Milliseconds to wait at most, up to 60000.
    timeout_ms: Option<u64>,
}

/// What became of a transaction.
pub(crate) fn status(mount: &Mount, hash: TxHash) -> Result<TxStatus, Failure> {
    match Standing::of(mount, hash)? {
        Standing::Unknown => {
            let message = format!("{hash} is neither on the chain nor in the pool of this node");
            Err(Failure::unknown("unknown_transaction", message).reason("Transaction not found"))
        }
        standing => described(mount, hash, &standing),
    }
}

fn described(mount: &Mount, hash: TxHash, standing: &Standing) -> Result<TxStatus, Failure> {
    let rungs = Rungs::of(mount)?;
    let level = standing.level(&rungs);
    let mut status = TxStatus {
        hash: hash.to_string(),
        status: standing.status().into(),
        level,
        levels: vec![],
        detail: standing.detail(mount.chain(), &rungs),
        block: None,
        position: None,
        receipt: None,
        expected_next_ms: ladder::expected_next_ms(mount.chain(), standing, &rungs),
        parent_lag: parent_lag(mount)?,
        tx: None,
    };
    match standing {
        Standing::Block(found) => {
            status.block = Some(At::of(&found.header, found.block));
            status.position = Some(found.position);
            status.receipt = Some(show::object(found.receipt.fields(), Sums::Texts));
            status.tx = Some(blocks::tx(&found.tx));
        }
        Standing::Pool(waiting) => status.tx = Some(blocks::tx(waiting.tx.get())),
        Standing::Dropped(_) | Standing::Unknown => {}
    }
    status.levels = reached(mount, standing, level)?;
    Ok(status)
}

fn reached(mount: &Mount, standing: &Standing, level: Option<Level>) -> Result<Vec<LevelReached>, Failure> {
    let Some(level) = level else { return Ok(vec![]) };
    let has = |rung: &Level| *rung <= level;
    let all = [Level::Received, Level::Ordered, Level::Hard, Level::Anchored, Level::RootFinal];
    let root = mount.ledger().params().is_root();
    let passed = all.into_iter().filter(has).filter(|rung| !(root && *rung == Level::Anchored));
    let one = |level| {
        let Standing::Block(found) = standing else { return Ok(LevelReached { level, at_ms: None, height: None }) };
        let at = ladder::reached_at(mount.chain(), &found.header, level)?;
        Ok(LevelReached { level, at_ms: at.map(|at| at.0), height: Some(found.header.height().0) })
    };
    passed.map(one).collect()
}

fn parent_lag(mount: &Mount) -> Result<Option<u64>, Failure> {
    let Some(parent) = mount.parent() else { return Ok(None) };
    let named = banyan_node::Leaves::parent_leaf(&mount.head()?.view)?;
    let top = parent.head()?.header.height();
    Ok(named.map(|named| top.0.saturating_sub(named.height.0)))
}

/// Wait until every one of `hashes` has `level` or has ended. Whether that came to be before `end`.
async fn wait_for(
    mount: &Mount,
    hashes: &[TxHash],
    level: Level,
    mut news: tokio::sync::broadcast::Receiver<banyan_node::News>,
    end: Instant,
) -> Result<bool, Failure> {
    loop {
        let rungs = Rungs::of(mount)?;
        let mut open = 0_usize;
        for hash in hashes {
            let reached = Standing::of(mount, *hash)?.level(&rungs);
            open += usize::from(reached.is_some_and(|reached| reached < level));
        }
        if open == 0 {
            return Ok(true);
        }
        match timeout_at(end.min(Instant::now() + RECHECK), news.recv()).await {
            Err(_) if Instant::now() >= end => return Ok(false),
            Ok(Err(tokio::sync::broadcast::error::RecvError::Closed)) => {
                return Err(Failure::ours("the node has stopped"));
            }
            _ => {}
        }
    }
}

/// Levels above `hard` move with an ancestor, of which this ledger's news say nothing.
const RECHECK: Duration = Duration::from_millis(500);

/// Submit up to 256 signed transactions; those answered with a hash are on disk. With `wait`, answer when each has the
/// level or has ended: 200, or 202 when the time is over.
#[utoipa::path(post, path = "/transactions", tag = "transactions", params(Wait), request_body = Submit,
    responses((status = 200, body = SubmitAnswer), (status = 202, body = SubmitAnswer)))]
pub(crate) async fn post(
    State(mount): State<Mount>,
    Ask(wait): Ask<Wait>,
    Body(submit): Body<Submit>,
) -> Result<(StatusCode, Json<SubmitAnswer>), Failure> {
    if submit.txs.len() > TXS_MAX {
        let message = format!("{} transactions, at most {TXS_MAX} at once", submit.txs.len());
        return Err(Failure::invalid("too_many", message).hint("send them in parts"));
    }
    let end = Instant::now() + Duration::from_millis(wait.timeout_ms.unwrap_or(WAIT_MS_DEFAULT).min(WAIT_MS_MAX));
    let head = mount.head()?;
    // Before the submit, so that no block falls between the two.
    let news = mount.ledger().handle.news();
    let taken = submit::submit(&mount, &submit.txs).await?;
    let hashes: Vec<_> = taken.iter().flatten().copied().collect();
    let done = match wait.wait {
        Some(level) => wait_for(&mount, &hashes, level, news, end).await?,
        None => true,
    };
    let item = |taken: Result<TxHash, Failure>| match taken {
        Ok(hash) => {
            let status = wait.wait.map(|_| status(&mount, hash)).transpose()?;
            Ok(SubmitItem { hash: Some(hash.to_string()), error: None, status })
        }
        Err(failure) => Ok(SubmitItem { hash: None, error: Some(failure.object("")), status: None }),
    };
    let items = taken.into_iter().map(item).collect::<Result<_, Failure>>()?;
    let cursor = Cursor::new(head.header.place(), head.hash).to_string();
    let answer = SubmitAnswer { items, cursor, at: At::of(&head.header, head.hash) };
    Ok((if done { StatusCode::OK } else { StatusCode::ACCEPTED }, Json(answer)))
}

/// What became of a transaction: decoded, with every level that it reached.
#[utoipa::path(get, path = "/transactions/{hash}", tag = "transactions",
    params(("hash" = String, Path, description = "th_…")), responses((status = 200, body = TxStatus)))]
pub(crate) async fn get(State(mount): State<Mount>, Part(hash): Part<String>) -> Answer<TxStatus> {
    Ok(Json(status(&mount, ask::tx_hash(&hash)?)?))
}
