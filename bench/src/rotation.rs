//! Four validators in turns, three of whom confirm: how soon data are in a block and final, how many a second, by HTTP and
//! without, and what a dead leader costs. The earlier system took 62 to 603 a second and 20 to 139 s until inclusion.

use std::time::{Duration, Instant};

use banyan_api::{Served, Tree};
use banyan_crypto::SecretKey;
use banyan_types::{
    AccountId, Amount, Bytes, Height, Nonce,
    text::{self, Prefix},
    tx::{BlobPost, SignedTx, Transaction},
};
use rayon::prelude::*;
use tokio::runtime::Builder;

use crate::{
    Fault, client,
    committee::{SINGLES, sustained},
    council::{Council, Engine, VALIDATORS, height, intervals, key, median, submit, wait},
    figure::{Figure, Unit},
    world::spend,
};

/// Commitments that confirm a block. Source: issue of the associates.
const THRESHOLD: u32 = 3;
/// Connections that schedule at once, and what is asked of that many: a second, and milliseconds at 99 %. Source: node 13.
const CONNECTIONS: [(usize, f64, f64); 2] = [(8, 6_000.0, 10.0), (64, 6_000.0, 25.0)];
/// Data of each sender that are scheduled by HTTP.
const SCHEDULED: u64 = 8;
/// The best and the quickest of the earlier system, on the same kind of machine.
const EARLIER_RATE: f64 = 603.0;
const EARLIER_INCLUSION_MS: f64 = 20_000.0;
/// How long one validator is away while payments go on.
const AWAY: Duration = Duration::from_secs(15);

/// Everything, one after the other, on one council.
pub(crate) fn rotation() -> Result<Vec<Figure>, Fault> {
    let (mut council, keys) = Council::start(Engine::Rotation(THRESHOLD))?;
    let mut figures = singles(&council, &keys[0])?;
    let spends = sustained(&council, "rotation", &keys[1..])?;
    let rate = spends.value;
    figures.push(spends.ratio(rate / EARLIER_RATE, "the earlier system's best").at_least(10.0 * EARLIER_RATE));
    for asked in CONNECTIONS {
        figures.extend(scheduled(&council, &keys[1..], asked)?);
    }
    figures.extend(dead_leader(&mut council, &keys[0])?);
    council.stop();
    Ok(figures)
}

fn name(what: &str) -> String {
    format!("rotation/{VALIDATORS},{what}")
}

/// One payment after the other: from the submit until another validator has it in a block, and holds it for final.
fn singles(council: &Council, from: &SecretKey) -> Result<Vec<Figure>, Fault> {
    let payee = AccountId(key("single payee").public());
    let (near, far) = (council.handle(0)?, council.handle(2)?);
    let first = height(near)?;
    let (mut ordered, mut last) = (Vec::new(), Vec::new());
    for nonce in 1..=SINGLES {
        let begun = Instant::now();
        submit(near, vec![spend(&council.file.params.network_id, from, payee, nonce)])?;
        wait("inclusion", || Ok(crate::council::held_now(far, payee)? >= nonce))?;
        ordered.push(begun.elapsed().as_secs_f64() * 1e3);
        wait("finality", || Ok(crate::council::held(far, payee)? >= nonce))?;
        last.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    let interval = median(intervals(near, first)?, 50);
    let earlier = |ms: f64| EARLIER_INCLUSION_MS / ms;
    let (p50, p99) = (median(ordered.clone(), 50), median(ordered, 99));
    Ok(vec![
        Figure::new(name("block interval,p50"), interval, Unit::Millis),
        Figure::new(name("inclusion,p50"), p50, Unit::Millis).ratio(earlier(p50), "sooner than the earlier system"),
        Figure::new(name("inclusion,p99"), p99, Unit::Millis)
            .ratio(earlier(p99), "sooner than the earlier system")
            .at_most(EARLIER_INCLUSION_MS / 20.0),
        Figure::new(name("final,p50"), median(last.clone(), 50), Unit::Millis),
        Figure::new(name("final,p99"), median(last, 99), Unit::Millis),
    ])
}

fn blob(network_id: &str, from: &SecretKey, data: Vec<u8>, nonce: u64) -> SignedTx {
    let post = BlobPost {
        sender_id: AccountId(from.public()),
        data: Bytes(data),
        ttl: Height(0),
        fee: Amount::new(200_000_000_000_000).unwrap_or(Amount::ZERO),
        nonce: Nonce(nonce),
    };
    Transaction::from(post).sign(network_id, from)
}

/// Data of 32 bytes, signed by their senders, one for each request to one validator.
fn scheduled(
    council: &Council,
    keys: &[SecretKey],
    (connections, least, most_ms): (usize, f64, f64),
) -> Result<Vec<Figure>, Fault> {
    let network_id = &council.file.params.network_id;
    // Their spends were numbered before.
    let first = crate::council::next_nonce(council.handle(0)?, &keys[0])?;
    let sign = |nonce: u64| {
        let data = move |key: &SecretKey| [key.public().as_slice(), &nonce.to_be_bytes()].concat();
        keys.par_iter().map(move |key| blob(network_id, key, data(key)[8..].to_vec(), nonce)).collect::<Vec<_>>()
    };
    let all: Vec<_> = (first..first + SCHEDULED).flat_map(sign).collect();
    let ask = |tx: &SignedTx| {
        let text = text::encode(Prefix::TransactionBytes, tx.bytes());
        client::request("POST", "/schedule", &format!("\"{text}\""))
    };
    let requests: Vec<_> = all.iter().map(ask).collect();
    let server = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let handle = council.handle(0)?.clone();
    let tree = Tree::new(vec![Served::new(vec!["relay".into()], handle)])?;
    let listener = server.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    server.spawn(banyan_api::serve(listener, banyan_api::router(tree), std::future::pending()));
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let hands = requests.chunks(requests.len().div_ceil(connections)).map(<[_]>::to_vec).collect();
    let (begun, from) = (Instant::now(), height(council.handle(0)?)?);
    let seen = runtime.block_on(client::send(address, hands))?;
    let newest = all.last().map(SignedTx::hash).ok_or("nothing was scheduled")?;
    let far = council.handle(2)?;
    wait("all data", || Ok(far.chain().transaction(newest)?.is_some()))?;
    wait("an empty pool", || Ok(!far.pool(banyan_node::Pool::has_waiting)))?;
    let ordered = all.len() as f64 / begun.elapsed().as_secs_f64();
    let blocks = height(council.handle(0)?)? - from;
    server.shutdown_background();
    let taken = all.len() as f64 / seen.took.as_secs_f64();
    let ms = |percent| seen.latency.at(percent) * 1e3;
    let at = |what: &str| name(&format!("schedule,connections={connections}{what}"));
    Ok(vec![
        Figure::new(at(""), taken, Unit::PerSecond)
            .ratio(taken / EARLIER_RATE, "the earlier system's best")
            .at_least(least),
        Figure::new(at(",p50"), ms(50), Unit::Millis),
        Figure::new(at(",p99"), ms(99), Unit::Millis).at_most(most_ms),
        Figure::new(at(",in blocks"), ordered, Unit::PerSecond)
            .ratio(ordered / EARLIER_RATE, "the earlier system's best"),
        Figure::new(at(",blocks"), blocks as f64, Unit::Blocks),
    ])
}

/// One validator dies: its turns are passed over.
fn dead_leader(council: &mut Council, from: &SecretKey) -> Result<Vec<Figure>, Fault> {
    let payee = AccountId(key("single payee").public());
    let network_id = council.file.params.network_id.clone();
    let (mut nonce, mut worst) = (SINGLES, 0.0_f64);
    council.kill(3);
    let begun = Instant::now();
    while begun.elapsed() < AWAY {
        nonce += 1;
        let sent = Instant::now();
        submit(council.handle(0)?, vec![spend(&network_id, from, payee, nonce)])?;
        wait("a payment without one validator", || Ok(crate::council::held_now(council.handle(1)?, payee)? >= nonce))?;
        worst = worst.max(sent.elapsed().as_secs_f64() * 1e3);
    }
    Ok(vec![Figure::new(name("one dead,longest inclusion"), worst, Unit::Millis).at_most(EARLIER_INCLUSION_MS / 20.0)])
}
