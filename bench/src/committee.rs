//! Four real validators of a child over loopback, below a root of one node: how soon a payment is final, how many a second
//! become final, and what happens when validators die.

use std::{
    collections::BTreeMap,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use banyan_crypto::SecretKey;
use banyan_node::{
    Chain, GenesisFile, Handle, Leaves as _, LocalParent, Node, Operators, PoolLimits, Role, RootRole, Service,
    ServiceConfig, ValidatorRole,
};
use banyan_store::{Fjall, Order, Place};
use banyan_types::{
    AccountId, Amount, Asset, AssociateId, Gas, Hash, Height, Nonce, PublicKey,
    associate::{Access, ChildParams, Regime},
    tx::{AssociateCommit, AssociateCreate, SignedTx, Transaction},
};
use rayon::prelude::*;

use crate::{
    Fault,
    figure::{Figure, Unit},
    group::{Bridge, network},
    limit, machine,
    world::{senders, spend},
};

/// Validators. Source: issue of the associates.
const VALIDATORS: usize = 4;
/// Milliseconds between the root's key blocks.
const INTERVAL_MS: u64 = 1_000;
/// Accounts that send in the child.
const SENDERS: usize = 2_000;
/// Spends of each that are sent as fast as they are taken.
const ROUNDS: u64 = 20;
/// Payments that are sent one after the other, each when the one before is final.
const SINGLES: u64 = 60;
/// Transactions of one submit.
const BATCH: usize = 250;
/// Transactions that were sent and are not final, at most.
const WAITING_MAX: u64 = 8_000;
/// How long one validator is away while payments go on, and how long two are.
const AWAY: Duration = Duration::from_secs(15);
/// A bound for what hangs.
const PATIENCE: Duration = Duration::from_mins(2);
const GLANCE: Duration = Duration::from_millis(1);

/// A key of this bench alone.
fn key(role: &str) -> SecretKey {
    SecretKey::from_seed(banyan_crypto::sha256(&[b"bench committee", role.as_bytes()]))
}

struct Seat {
    service: Service,
    network: Arc<banyan_network::Network>,
}

/// The root and the validators; their folders end with it.
struct Council {
    root: Service,
    file: GenesisFile,
    seats: Vec<Option<Seat>>,
    folder: tempfile::TempDir,
}

impl Council {
    fn start(rich: &[AccountId]) -> Result<Self, Fault> {
        let folder = machine::folder()?;
        let coins = |coins| Amount::coins(coins).unwrap_or(Amount::ZERO);
        let payer = AccountId(key("operator").public());
        let accounts: BTreeMap<_, _> = rich.iter().chain([&payer]).map(|account| (*account, coins(1_000))).collect();
        let mut root = GenesisFile::dev_root(machine::now(), Some(INTERVAL_MS), accounts);
        let id = AssociateId::derive(&root.params.network_id, payer, Nonce(1));
        let keys: Vec<_> = (0..VALIDATORS).map(|n| PublicKey(validator(n).public())).collect();
        let file = GenesisFile::dev_committee("bank", id, machine::now(), INTERVAL_MS, &keys)?;
        root.associates.push(registration(&file, payer)?.into());
        let chain = Arc::new(Chain::open(Fjall::open(&folder.path().join("root"))?, root)?);
        let role = RootRole { miner: Some(key("miner")), ..RootRole::default() };
        let node = Node::open(chain, Role::Root(role), PoolLimits::default())?;
        let root = Service::start(node, ServiceConfig::default())?;
        let mut council = Self { root, file, seats: (0..VALIDATORS).map(|_| None).collect(), folder };
        (0..VALIDATORS).try_for_each(|n| council.seat(n))?;
        Ok(council)
    }

    /// Start a validator on what its folder holds; it calls those that run.
    fn seat(&mut self, n: usize) -> Result<(), Fault> {
        let chain = Arc::new(Chain::open(Fjall::open(&self.folder.path().join(n.to_string()))?, self.file.clone())?);
        let boot: Vec<_> = self.running().filter_map(|seat| seat.network.listening().first().copied()).collect();
        let (network, heard) = network(n, chain.genesis_hash(), &boot)?;
        let parent = Box::new(LocalParent::new(Arc::clone(self.root.handle().chain()), self.file.params.ledger));
        let operators = Operators { signers: vec![key("operator")], payer: key("operator") };
        let role = ValidatorRole { key: Some(validator(n)), operators: Some(operators), parent };
        let node = Node::open(chain, Role::Validator(role), PoolLimits::default())?;
        let config = ServiceConfig {
            parent: Some(self.root.handle().clone()),
            network: Some(Box::new(Bridge(Arc::clone(&network)))),
            ..ServiceConfig::default()
        };
        let service = Service::start(node, config)?;
        let _ = heard.set(service.handle().clone());
        self.seats[n] = Some(Seat { service, network });
        Ok(())
    }

    fn running(&self) -> impl Iterator<Item = &Seat> {
        self.seats.iter().flatten()
    }

    fn handle(&self, n: usize) -> Result<&Handle, Fault> {
        self.seats[n].as_ref().map(|seat| seat.service.handle()).ok_or_else(|| "that validator is away".into())
    }

    fn kill(&mut self, n: usize) {
        if let Some(seat) = self.seats[n].take() {
            seat.service.stop();
        }
    }

    fn stop(self) {
        self.seats.into_iter().flatten().for_each(|seat| seat.service.stop());
        self.root.stop();
    }
}

fn validator(n: usize) -> SecretKey {
    key(&format!("validator {n}"))
}

fn registration(child: &GenesisFile, creator_id: AccountId) -> Result<AssociateCreate, Fault> {
    Ok(AssociateCreate {
        creator_id,
        network_id: child.params.network_id.clone(),
        genesis_hash: child.genesis()?.hash(),
        genesis_root: Hash::ZERO,
        regime: Regime::Operators,
        operators: vec![creator_id],
        threshold: 1,
        recovery: vec![],
        recovery_threshold: 0,
        access: Access::Open,
        params: ChildParams {
            commit_timeout: 600,
            silence: 20_000,
            claim_window: 20_000,
            change_delay: 600,
            commit_min: Amount::new(1).unwrap_or(Amount::ZERO),
            commit_gas: Gas(0),
            remit_lines_max: 1_000,
            inbox_open_max: 100_000,
            remit_limit: Amount::ZERO,
            remit_limit_heights: 0,
            operator_bond: Amount::ZERO,
        },
        heir: None,
        expiry: Height(200_000),
        ttl: Height(0),
        fee: Amount::ZERO,
        nonce: Nonce(1),
    })
}

fn commit(child: AssociateId, network_id: &str, from: &SecretKey) -> SignedTx {
    let account = AccountId(from.public());
    let tx = AssociateCommit {
        from_id: account,
        associate_id: child,
        to_id: account,
        asset: Asset::Coin,
        amount: Amount::coins(10).unwrap_or(Amount::ZERO),
        route: vec![],
        leg: Hash::ZERO,
        deadline: Height(0),
        ttl: Height(0),
        fee: Amount::new(100_000_000_000_000).unwrap_or(Amount::ZERO),
        nonce: Nonce(1),
    };
    Transaction::from(tx).sign(network_id, from)
}

/// Wait until it is so.
fn wait(what: &str, mut is_so: impl FnMut() -> Result<bool, Fault>) -> Result<Duration, Fault> {
    let begun = Instant::now();
    while !is_so()? {
        if begun.elapsed() > PATIENCE {
            return Err(format!("{what}: not within {} s", PATIENCE.as_secs()).into());
        }
        thread::sleep(GLANCE);
    }
    Ok(begun.elapsed())
}

fn submit(node: &Handle, txs: Vec<SignedTx>) -> Result<(), Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let answers = runtime.block_on(node.submit(txs))?;
    let refused = answers.into_iter().find_map(Result::err);
    refused.map_or(Ok(()), |why| Err(why.into()))
}

/// Base units that an account holds by the last final block of a node.
fn held(node: &Handle, account: AccountId) -> Result<u64, Fault> {
    let held = node.chain().last_final()?.view.account(account)?;
    Ok(held.map_or(0, |held| u64::try_from(held.balance.base()).unwrap_or(u64::MAX)))
}

fn height(node: &Handle) -> Result<u64, Fault> {
    Ok(node.chain().head()?.header.height().0)
}

fn median(mut millis: Vec<f64>, percent: usize) -> f64 {
    millis.sort_by(f64::total_cmp);
    millis.get((millis.len().saturating_sub(1) * percent + 50) / 100).copied().unwrap_or(f64::INFINITY)
}

/// Everything, one after the other, on one council.
pub(crate) fn committee() -> Result<Vec<Figure>, Fault> {
    let keys = senders(SENDERS);
    let rich: Vec<_> = keys.iter().map(|key| AccountId(key.public())).collect();
    let mut council = Council::start(&rich)?;
    eprintln!("  {SENDERS} accounts commit to the child");
    let (child, root) = (council.file.params.ledger, council.root.handle().clone());
    let commits: Vec<_> = keys.par_iter().map(|key| commit(child, &root.chain().params().network_id, key)).collect();
    commits.chunks(BATCH).try_for_each(|part| submit(&root, part.to_vec()))?;
    let last = rich.last().copied().ok_or("nobody sends")?;
    wait("credits", || Ok(held(council.handle(0)?, last)? > 0))?;
    let mut figures = singles(&council, &keys[0])?;
    figures.extend(sustained(&council, &keys[1..])?);
    figures.extend(deaths(&mut council, &keys[0])?);
    council.stop();
    Ok(figures)
}

/// One payment after the other: from the submit until another validator holds it for final.
fn singles(council: &Council, from: &SecretKey) -> Result<Vec<Figure>, Fault> {
    let payee = AccountId(key("single payee").public());
    let (near, far) = (council.handle(0)?, council.handle(2)?);
    let first = height(near)?;
    let mut waits = Vec::new();
    for nonce in 1..=SINGLES {
        let begun = Instant::now();
        submit(near, vec![spend(&council.file.params.network_id, from, payee, nonce)])?;
        wait("a payment", || Ok(held(far, payee)? >= nonce))?;
        waits.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    let name = format!("committee/{VALIDATORS}");
    let intervals = intervals(near, first)?;
    let (interval, p50, p99) = (median(intervals, 50), median(waits.clone(), 50), median(waits, 99));
    Ok(vec![
        Figure::new(format!("{name},block interval,p50"), interval, Unit::Millis).at_most(250.0),
        Figure::new(format!("{name},final,p50"), p50, Unit::Millis)
            .ratio(p50 / interval, "block interval")
            .at_most(250.0),
        Figure::new(format!("{name},final,p99"), p99, Unit::Millis).ratio(p99 / interval, "block interval"),
    ])
}

/// Milliseconds between blocks above a height.
fn intervals(node: &Handle, above: u64) -> Result<Vec<f64>, Fault> {
    let rows = node.chain().main_from(Place::at(above), Order::Ascending, usize::MAX)?;
    let times = rows.into_iter().map(|(_, hash)| Ok(node.chain().header(hash)?.ok_or("a block is gone")?.time().0));
    let times = times.collect::<Result<Vec<u64>, Fault>>()?;
    Ok(times.windows(2).map(|pair| (pair[1] - pair[0]) as f64).collect())
}

/// As many as they take, spread over the validators: how many a second are final everywhere.
fn sustained(council: &Council, keys: &[SecretKey]) -> Result<Vec<Figure>, Fault> {
    let payee = AccountId(key("payee").public());
    eprintln!("  signing {} spends", keys.len() as u64 * ROUNDS);
    let network_id = &council.file.params.network_id;
    let round = |nonce: u64| keys.par_iter().map(move |key| spend(network_id, key, payee, nonce)).collect::<Vec<_>>();
    let all: Vec<_> = (1..=ROUNDS).flat_map(round).collect();
    let count = all.len() as u64;
    let paid = || -> Result<u64, Fault> {
        let held = council.running().map(|seat| held(seat.service.handle(), payee)).collect::<Result<Vec<_>, _>>()?;
        Ok(held.into_iter().min().unwrap_or(0))
    };
    let begun = Instant::now();
    let mut sent = 0;
    for (at, part) in all.chunks(BATCH).enumerate() {
        wait("room", || Ok(sent - paid()?.min(sent) < WAITING_MAX))?;
        submit(council.handle(at % VALIDATORS)?, part.to_vec())?;
        sent += part.len() as u64;
    }
    wait("all payments", || Ok(paid()? >= count))?;
    let rate = count as f64 / begun.elapsed().as_secs_f64();
    let figure = Figure::new(format!("committee/{VALIDATORS},spends"), rate, Unit::PerSecond);
    // Every validator checks every signature.
    let limit = limit::batch_rate(2)? / VALIDATORS as f64;
    Ok(vec![figure.ratio(limit / rate, "what signatures alone allow").at_least(3_000.0)])
}

/// One dies: the next block comes soon. Two are dead: none comes, and that is said. One is back: it goes on.
fn deaths(council: &mut Council, from: &SecretKey) -> Result<Vec<Figure>, Fault> {
    let payee = AccountId(key("single payee").public());
    let network_id = council.file.params.network_id.clone();
    let mut nonce = SINGLES;
    let name = format!("committee/{VALIDATORS}");
    let first = height(council.handle(0)?)?;
    council.kill(3);
    let begun = Instant::now();
    let mut worst: f64 = 0.0;
    while begun.elapsed() < AWAY {
        nonce += 1;
        let sent = Instant::now();
        submit(council.handle(0)?, vec![spend(&network_id, from, payee, nonce)])?;
        wait("a payment without one validator", || Ok(held(council.handle(1)?, payee)? >= nonce))?;
        worst = worst.max(sent.elapsed().as_secs_f64() * 1e3);
    }
    let gap = median(intervals(council.handle(0)?, first)?, 100);
    council.kill(2);
    let stopped = height(council.handle(0)?)?;
    nonce += 1;
    submit(council.handle(0)?, vec![spend(&network_id, from, payee, nonce)])?;
    let told = wait("no quorum", || Ok(council.handle(0)?.finality().is_degraded))?;
    let went_on = height(council.handle(0)?)? - stopped;
    council.seat(2)?;
    let back = wait("a payment after the return", || Ok(held(council.handle(0)?, payee)? >= nonce))?;
    Ok(vec![
        Figure::new(format!("{name},one dead,longest gap"), gap, Unit::Millis).at_most(2_000.0),
        Figure::new(format!("{name},one dead,longest payment"), worst, Unit::Millis),
        Figure::new(format!("{name},two dead,blocks"), went_on as f64, Unit::Blocks).at_most(1.0),
        Figure::new(format!("{name},two dead,said after"), told.as_secs_f64() * 1e3, Unit::Millis),
        Figure::new(format!("{name},one back,goes on after"), back.as_secs_f64() * 1e3, Unit::Millis),
    ])
}
