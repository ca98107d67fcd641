//! A running root over HTTP on loopback: it mines, leads and makes blocks while it is asked.

use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};

use banyan_crypto::SecretKey;
use banyan_ledger::Verified;
use banyan_node::{Handle, Pool};
use banyan_types::{
    AccountId,
    text::{self, Prefix},
    tx::SignedTx,
};
use rayon::prelude::*;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::{
    Fault, client,
    client::Seen,
    figure::{Figure, Unit},
    limit, machine,
    running::Running,
    sample::Sample,
    world::{senders, spend},
};

/// Connections that ask at the same time.
const CONNECTIONS: usize = 64;
/// Requests of each in a round.
const REQUESTS: usize = 150;
/// Connections that read.
const READERS: usize = 16;
/// Transactions of one batch.
const BATCH: usize = 256;
/// Connections that send batches: they are few, or each would wait for all others.
const BATCHERS: usize = 4;
/// Rounds after one that warms up.
const ROUNDS: usize = 3;
/// The longest wait for blocks.
const WAIT: Duration = Duration::from_mins(1);

/// A root, and what asks it: each in a runtime of its own, as if in two processes.
struct Asked {
    root: Running,
    client: Runtime,
    keys: Vec<SecretKey>,
    _folder: TempDir,
}

fn asked() -> Result<&'static Asked, Fault> {
    static ASKED: OnceLock<Asked> = OnceLock::new();
    if let Some(asked) = ASKED.get() {
        return Ok(asked);
    }
    let keys = senders(CONNECTIONS * REQUESTS);
    let rich: Vec<_> = keys.iter().map(|key| AccountId(key.public())).collect();
    let folder = machine::folder()?;
    let root = Running::start(folder.path(), &rich)?;
    eprintln!("  waiting for the first key block");
    wait(|| Ok(root.handle().chain().head()?.header.height().0 > 0))?;
    let client = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    Ok(ASKED.get_or_init(|| Asked { root, client, keys, _folder: folder }))
}

/// Wait until it is so.
fn wait(mut is_so: impl FnMut() -> Result<bool, Fault>) -> Result<(), Fault> {
    let begun = Instant::now();
    while !is_so()? {
        if begun.elapsed() > WAIT {
            return Err("the node makes no blocks".into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

impl Asked {
    /// The next transaction of every sender: `nonce` counts the rounds.
    fn txs(&self, nonce: u64) -> Vec<SignedTx> {
        let to = AccountId(self.keys[0].public());
        let network_id = &self.root.handle().chain().params().network_id;
        self.keys.par_iter().map(|key| spend(network_id, key, to, nonce)).collect()
    }

    fn send(&self, connections: Vec<Vec<Vec<u8>>>) -> Result<Seen, Fault> {
        self.client.block_on(client::send(self.root.address(), connections))
    }
}

/// `things` dealt to `hands`.
fn dealt<T: Clone>(things: &[T], hands: usize) -> Vec<Vec<T>> {
    things.chunks(things.len().div_ceil(hands)).map(<[T]>::to_vec).collect()
}

fn name(tx: &SignedTx) -> String {
    text::encode(Prefix::TransactionBytes, tx.bytes())
}

/// Signed transfers taken into the durable pool: one a request, many a request, and without HTTP.
pub(crate) fn submit() -> Result<Vec<Figure>, Fault> {
    let asked = asked()?;
    let mut nonces = 1..;
    let mut next = || asked.txs(nonces.next().unwrap_or_default());
    let alone = |tx: &SignedTx| client::request("POST", "/v3/transactions", &format!("{{\"tx\":\"{}\"}}", name(tx)));
    let batch = |txs: &[SignedTx]| {
        let names: Vec<_> = txs.iter().map(|tx| format!("\"{}\"", name(tx))).collect();
        client::request("POST", "/banyan/v1/transactions", &format!("{{\"txs\":[{}]}}", names.join(",")))
    };
    let mut seen = Vec::new();
    for _ in 0..=ROUNDS {
        let requests: Vec<_> = next().iter().map(alone).collect();
        seen.push(asked.send(dealt(&requests, CONNECTIONS))?);
    }
    let mut batched = Vec::new();
    for _ in 0..=ROUNDS {
        let requests: Vec<_> = next().chunks(BATCH).map(batch).collect();
        batched.push(asked.send(dealt(&requests, BATCHERS))?);
    }
    let mut direct = Vec::new();
    for _ in 0..=ROUNDS {
        direct.push(asked.client.block_on(direct_round(asked.root.handle(), next()))?);
    }
    let txs = next();
    let verify = verify_seconds(&txs);
    let fsync = limit::fsync()?.median();
    let one = rate(&seen, &format!("http::submit/connections={CONNECTIONS}"), txs.len());
    let many = rate(&batched, &format!("http::submit/batch={BATCH},connections={BATCHERS}"), txs.len());
    let bare = rate(&direct, &format!("node::submit/callers={CONNECTIONS}"), txs.len());
    let limits = |figure: Figure, at_once: usize| {
        let (value, sync) = (figure.value, at_once as f64 / fsync);
        figure
            .ratio(value * verify, "single verification on 1")
            .ratio(value / sync, format!("{at_once} to a sync of the disk"))
    };
    let mut figures = vec![limits(one, CONNECTIONS).at_least(6_000.0)];
    figures.extend(latency(&seen, &format!("http::submit/connections={CONNECTIONS}"), [5.0, 25.0]));
    figures.push(limits(many, BATCH * BATCHERS).at_least(10_000.0));
    figures.push(limits(bare, CONNECTIONS));
    Ok(figures)
}

/// As many callers as there would be connections, in the node's own process.
async fn direct_round(handle: &Handle, txs: Vec<SignedTx>) -> Result<Seen, Fault> {
    let begun = Instant::now();
    let mut callers = tokio::task::JoinSet::new();
    for txs in dealt(&txs, CONNECTIONS) {
        let handle = handle.clone();
        callers.spawn(async move {
            let mut times = Vec::new();
            for tx in txs {
                let begun = Instant::now();
                let answers = handle.submit(vec![tx]).await?;
                times.push(begun.elapsed());
                answers.into_iter().collect::<Result<Vec<_>, _>>()?;
            }
            Ok::<_, Fault>(times)
        });
    }
    let mut times = Vec::new();
    while let Some(done) = callers.join_next().await {
        times.extend(done??);
    }
    Ok(Seen { took: begun.elapsed(), latency: Sample::from_times(times) })
}

/// Seconds that checking one signature alone takes.
fn verify_seconds(txs: &[SignedTx]) -> f64 {
    let txs = &txs[..txs.len().min(1_000)];
    let verifies = |tx: &SignedTx| Verified::check(tx.clone(), "banyan_dev").is_ok();
    Sample::timed(3, || txs.iter().all(verifies)).median() / txs.len() as f64
}

/// Requests a second over the rounds that count.
fn rate(seen: &[Seen], name: &str, things: usize) -> Figure {
    Figure::rate(name, &Sample::from_times(seen.iter().skip(1).map(|seen| seen.took)), things)
}

/// What half of the requests stay below, and what nearly all do: the median over the rounds.
fn latency(seen: &[Seen], name: &str, limits_ms: [f64; 2]) -> Vec<Figure> {
    let percents = [50, 99].into_iter().zip(limits_ms);
    let figure = |(percent, limit)| {
        let times = seen.iter().skip(1).map(|seen| Duration::from_secs_f64(seen.latency.at(percent)));
        Figure::time(format!("{name},p{percent}"), &Sample::from_times(times), 1, Unit::Millis).at_most(limit)
    };
    percents.map(figure).collect()
}

/// Reads of accounts, when nothing waits for a block.
pub(crate) fn get() -> Result<Vec<Figure>, Fault> {
    let asked = asked()?;
    wait(|| Ok(!asked.root.handle().pool(Pool::has_waiting)))?;
    let ask = |key: &SecretKey| client::request("GET", &format!("/v3/accounts/{}", AccountId(key.public())), "");
    let requests: Vec<_> = asked.keys.iter().map(ask).collect();
    let mut seen = Vec::new();
    for _ in 0..=ROUNDS {
        seen.push(asked.send(dealt(&requests, READERS))?);
    }
    let name = format!("http::get/account,connections={READERS}");
    let mut figures = vec![rate(&seen, &name, requests.len()).at_least(10_000.0)];
    figures.extend(latency(&seen, &name, [5.0, 5.0]));
    Ok(figures)
}
