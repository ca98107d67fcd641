//! `doctor`: what may be wrong with this machine or the node, each with what to do.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use banyan_wallet::client::{Client, ClientError, Status, TreeNode};
use serde_json::{Value, json};

use crate::{
    failure::Failure,
    report::{Report, table},
    session::Session,
};

/// Seconds that the node's last block may be ahead of this machine's clock.
const SKEW_SECONDS: u64 = 5;
/// Key intervals after which a node without a new block is slow.
const STALE_INTERVALS: u64 = 20;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Ok,
    Warn,
    Fail,
}

impl Verdict {
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One thing that was looked at.
struct Finding {
    verdict: Verdict,
    name: String,
    found: String,
    next: String,
}

fn finding(verdict: Verdict, name: impl Into<String>, found: impl Into<String>, next: &str) -> Finding {
    Finding { verdict, name: name.into(), found: found.into(), next: next.into() }
}

/// Look at everything; exit 1 if anything fails.
/// # Errors
/// No folder or address to look at.
pub fn run(session: &Session) -> Result<Report, Failure> {
    let mut findings = vec![folder(&session.data()?)];
    findings.extend(keys(&session.data()?.join("keys")));
    findings.extend(node(&session.client()?));
    let row = |finding: &Finding| {
        let next = if finding.verdict == Verdict::Ok { String::new() } else { format!("try: {}", finding.next) };
        vec![finding.verdict.word().to_owned(), finding.name.clone(), finding.found.clone(), next]
    };
    let json = |finding: &Finding| -> Value {
        json!({ "verdict": finding.verdict.word(), "name": finding.name, "found": finding.found, "try": finding.next })
    };
    let failed = findings.iter().any(|finding| finding.verdict == Verdict::Fail);
    let document = json!({ "ok": !failed, "checks": findings.iter().map(json).collect::<Vec<_>>() });
    Ok(Report::new(table(&findings.iter().map(row).collect::<Vec<_>>()), document).or_no(failed))
}

fn folder(data: &Path) -> Finding {
    let name = "data folder";
    match fs::metadata(data) {
        Ok(meta) if meta.is_dir() && meta.permissions().readonly() => finding(
            Verdict::Fail,
            name,
            format!("{} is read-only", data.display()),
            "--data DIR with one that can be written",
        ),
        Ok(meta) if meta.is_dir() => finding(Verdict::Ok, name, data.display().to_string(), ""),
        Ok(_) => finding(Verdict::Fail, name, format!("{} is no folder", data.display()), "--data DIR"),
        Err(_) => finding(Verdict::Ok, name, format!("{} will be made when it is needed", data.display()), ""),
    }
}

/// Nobody else may read keys.
fn keys(folder: &Path) -> Vec<Finding> {
    let Ok(entries) = fs::read_dir(folder) else { return vec![] };
    let open = |path: &Path| fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0);
    let paths = std::iter::once(folder.to_owned()).chain(entries.flatten().map(|entry| entry.path()));
    let bad: Vec<_> = paths.filter(|path| open(path)).collect();
    if bad.is_empty() {
        return vec![finding(Verdict::Ok, "keys", "only their owner can read them", "")];
    }
    let found = |path: &std::path::PathBuf| format!("others may read {}", path.display());
    bad.iter().map(|path| finding(Verdict::Fail, "keys", found(path), "chmod go= on it")).collect()
}

fn node(client: &Client) -> Vec<Finding> {
    let status = match client.status() {
        Ok(status) => status,
        Err(error) => {
            let next = "banyan devnet, or --url of a node that runs";
            return vec![finding(Verdict::Fail, "node", error.to_string(), next)];
        }
    };
    let mut findings = vec![finding(Verdict::Ok, "node", format!("{} answers", client.url()), ""), version(&status)];
    match client.tree() {
        Ok(tops) => findings.extend(tops.iter().flat_map(TreeNode::all).flat_map(|node| ledger(client, node))),
        Err(error) => findings.push(finding(Verdict::Fail, "tree", error.to_string(), "the node's log")),
    }
    findings
}

fn version(status: &Status) -> Finding {
    let (ours, theirs) = (env!("CARGO_PKG_VERSION"), status.version.as_str());
    if ours == theirs {
        return finding(Verdict::Ok, "version", ours, "");
    }
    finding(
        Verdict::Warn,
        "version",
        format!("this program {ours}, the node {theirs}"),
        "use the same version for both",
    )
}

fn ledger(client: &Client, node: &TreeNode) -> Vec<Finding> {
    let own = client.on(&node.name);
    let ready = match own.get::<Value>("/banyan/v1/readyz") {
        Ok(_) => finding(Verdict::Ok, &node.name, "ready", ""),
        Err(ClientError::Answer { why, .. }) => {
            finding(Verdict::Fail, &node.name, format!("not ready: {why}"), "the node's log")
        }
        Err(error) => finding(Verdict::Fail, &node.name, error.to_string(), "the node's log"),
    };
    let clock = match own.status() {
        Ok(status) => clock(&node.name, &status),
        Err(error) => finding(Verdict::Fail, &node.name, error.to_string(), "the node's log"),
    };
    let mut findings = vec![ready, clock];
    findings.extend(finality(&own, &node.name));
    findings
}

/// Whether the last final block is far behind.
fn finality(client: &Client, name: &str) -> Option<Finding> {
    let standing: Value = client.get("/banyan/v1/finality").ok()?;
    let (lag, next) = (standing["lag"].as_u64()?, "banyan finality shows which witnesses are silent");
    if standing["halted"] == true {
        return Some(finding(Verdict::Fail, name, "seals contradict each other: nothing is final any more", next));
    }
    let degraded = standing["degraded"] == true;
    degraded.then(|| finding(Verdict::Fail, name, format!("nothing was made final for {lag} key blocks"), next))
}

/// The last block's time against this machine's clock.
fn clock(name: &str, status: &Status) -> Finding {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let (now, top) = (u64::try_from(since.as_millis()).unwrap_or(u64::MAX), status.top_time_ms);
    let (ahead, behind) = (top.saturating_sub(now), now.saturating_sub(top));
    let stale = status.limits.height_interval_ms.saturating_mul(STALE_INTERVALS);
    if ahead > SKEW_SECONDS * 1_000 {
        return finding(
            Verdict::Fail,
            name,
            format!("its last block is {ahead} ms ahead of this clock"),
            "set this machine's clock",
        );
    }
    if behind > stale {
        return finding(Verdict::Warn, name, format!("its last block is {behind} ms old"), "wait, then the node's log");
    }
    finding(Verdict::Ok, name, format!("last block {behind} ms ago"), "")
}
