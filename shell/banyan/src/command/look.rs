//! `status`, `tree`, `blocks`, `block`, `finality`: look at a ledger.

use banyan_wallet::client::{Block, Page, Rung, Status, TreeNode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    failure::{Exit, Failure},
    report::{Report, table},
    session::Session,
};

/// What the node answers, as it is, and as this program reads it.
pub fn ask<T: DeserializeOwned>(session: &Session, path: &str) -> Result<(Value, T), Failure> {
    let answer: Value = session.client()?.get(path)?;
    let read = serde_json::from_value(answer.clone()).map_err(|error| {
        let next = "check that --url names a banyan node of this version (banyan version)";
        Failure::new(Exit::Ours, "answer", "the node's answer does not read", next).because(error.to_string())
    })?;
    Ok((answer, read))
}

/// Height, levels, limits.
/// # Errors
/// The node's.
pub fn status(session: &Session) -> Result<Report, Failure> {
    let (json, status): (_, Status) = ask(session, "/banyan/v1/status")?;
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let regime = status.regime.as_ref().map_or_else(String::new, |regime| format!(" × {regime}"));
    let safety = status.safety.as_ref().map_or_else(String::new, |safety| format!(", {safety}"));
    let degraded = status.degraded.iter().map(|why| row("degraded", why.clone()));
    let rows = [
        row("ledger", format!("{} ({})", status.path(), status.network_id)),
        row("engine", format!("{}{regime}{safety}, profile {}", status.engine, status.profile)),
        row("genesis", status.genesis.clone()),
        row("top", format!("{} {}", status.top.height, status.top.hash)),
        row("levels", levels(&status.levels)),
        row("pending", format!("{} transactions", status.pending)),
        row("gas price", format!("{} units at least", status.limits.gas_price_min)),
        row("interval", format!("{} ms", status.limits.height_interval_ms)),
        row("node", format!("banyan {}", status.version)),
    ];
    Ok(Report::new(table(&rows.into_iter().chain(degraded).collect::<Vec<_>>()), json))
}

/// How far each level reaches, least sure first.
pub fn levels(levels: &[Rung]) -> String {
    let rung = |rung: &Rung| match rung.lag {
        0 => format!("{} {}", rung.level, rung.height),
        lag => format!("{} {} (-{lag})", rung.level, rung.height),
    };
    levels.iter().map(rung).collect::<Vec<_>>().join("  ")
}

/// What the witnesses say; or which seal covers a block.
/// # Errors
/// The node's.
pub fn finality(session: &Session, id: Option<&str>) -> Result<Report, Failure> {
    if let Some(id) = id {
        let (json, sealed): (_, Value) = ask(session, &format!("/banyan/v1/finality/{id}"))?;
        let seal = &sealed["sealed"];
        let signers = seal["signers"].as_array().map_or(0, Vec::len);
        let row = |name: &str, value: String| vec![name.to_owned(), value];
        let rows = [
            row("sealed", format!("{} {}", seal["height"], seal["hash"].as_str().unwrap_or_default())),
            row("era, round", format!("{}, {}", seal["era"], seal["round"])),
            row("signers", signers.to_string()),
        ];
        return Ok(Report::new(table(&rows), json));
    }
    let (json, standing): (_, Value) = ask(session, "/banyan/v1/finality")?;
    let row = |member: &Value| {
        let said = |kind: &str| if member[kind].is_null() { "-" } else { "yes" };
        let permille = member["permille"].as_u64().unwrap_or(0);
        vec![
            member["staker"].as_str().unwrap_or_default().to_owned(),
            format!("{}.{} %", permille / 10, permille % 10),
            said("prevote").to_owned(),
            said("precommit").to_owned(),
        ]
    };
    let head = ["staker", "weight", "prevote", "precommit"].map(str::to_owned).to_vec();
    let members = standing["members"].as_array().map(Vec::as_slice).unwrap_or_default();
    let rows: Vec<_> = std::iter::once(head).chain(members.iter().map(row)).collect();
    let state = if standing["degraded"] == true { "   degraded" } else { "" };
    let line = format!(
        "final {} (-{}) by {}   era {} round {}{state}",
        standing["final_height"],
        standing["lag"],
        standing["by"].as_str().unwrap_or_default(),
        standing["era"],
        standing["round"]
    );
    let text = if members.is_empty() { line } else { format!("{line}\n\n{}", table(&rows)) };
    Ok(Report::new(text, json))
}

/// The tree of ledgers with their escrows.
/// # Errors
/// The node's.
pub fn tree(session: &Session) -> Result<Report, Failure> {
    let (json, tops): (_, Vec<TreeNode>) = ask(session, "/banyan/v1/tree")?;
    Ok(Report::new(draw(&tops), json))
}

/// The tree as lines, children below their parents.
pub fn draw(tops: &[TreeNode]) -> String {
    let row = |node: &TreeNode| {
        let depth = node.path.len().saturating_sub(1);
        let branch = if depth == 0 { String::new() } else { format!("{}└─ ", "   ".repeat(depth - 1)) };
        let regime = node.regime.as_ref().map_or_else(String::new, |regime| format!(" × {regime}"));
        let escrow = node.escrow.as_ref().map_or_else(String::new, |escrow| {
            format!("escrow {} BNY = {} down - {} up", escrow.escrow, escrow.committed, escrow.remitted)
        });
        let engine = format!("{}{regime}", node.engine);
        let degraded = node.degraded.as_ref().map_or_else(String::new, |why| format!("   degraded: {why}"));
        vec![
            format!("{branch}{}", node.name),
            node.network_id.clone(),
            engine,
            format!("height {}{degraded}", node.top.height),
            escrow,
        ]
    };
    table(&tops.iter().flat_map(TreeNode::all).map(row).collect::<Vec<_>>())
}

/// The newest blocks.
/// # Errors
/// The node's.
pub fn blocks(session: &Session, limit: u16) -> Result<Report, Failure> {
    let (json, page): (_, Page<Block>) = ask(session, &format!("/banyan/v1/blocks?limit={limit}"))?;
    let row = |block: &Block| {
        let level = block.level.map_or("off the chain", |level| level.as_str());
        let name =
            if block.index == 0 { block.height.to_string() } else { format!("{}.{}", block.height, block.index) };
        vec![name, block.kind.clone(), format!("{} txs", block.tx_count), level.to_owned(), block.hash.clone()]
    };
    Ok(Report::new(table(&page.items.iter().map(row).collect::<Vec<_>>()), json))
}

/// One block.
/// # Errors
/// Exit 1 when there is no such block; else the node's.
pub fn block(session: &Session, id: &str) -> Result<Report, Failure> {
    if !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') || id.is_empty() {
        return Err(Failure::new(Exit::Usage, "block", format!("{id:?} names no block"), "a height, kh_… or mh_…"));
    }
    let (json, block): (_, Block) = ask(session, &format!("/banyan/v1/blocks/{id}"))?;
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let mut rows = vec![
        row("block", block.hash.clone()),
        row("kind", block.kind.clone()),
        row("height", format!("{}.{}", block.height, block.index)),
        row("time", format!("{} ms since 1970", block.time_ms)),
        row("level", block.level.map_or("off the chain", |level| level.as_str()).to_owned()),
    ];
    rows.extend(block.header.iter().filter(|(name, _)| *name != "pow").map(|(name, value)| row(name, plain(value))));
    rows.extend(block.txs.iter().map(|tx| {
        row("tx", [tx.get("hash"), tx.get("type")].map(|part| part.map_or_else(String::new, plain)).join("  "))
    }));
    Ok(Report::new(table(&rows), json))
}

/// A JSON value as a word.
pub fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
