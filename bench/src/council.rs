//! Four real validators of a child over loopback, below a root of one node.

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
    group::{Bridge, network},
    machine,
    world::senders,
};

/// How the validators order.
#[derive(Clone, Copy)]
pub(crate) enum Engine {
    Committee,
    /// By turns, with this threshold.
    Rotation(u32),
}

/// Validators. Source: issue of the associates.
pub(crate) const VALIDATORS: usize = 4;
/// Milliseconds between the root's key blocks.
const INTERVAL_MS: u64 = 1_000;
/// Accounts that send in the child.
const SENDERS: usize = 2_000;
/// Transactions of one submit.
pub(crate) const BATCH: usize = 250;
/// A bound for what hangs.
const PATIENCE: Duration = Duration::from_mins(2);
const GLANCE: Duration = Duration::from_millis(1);

/// A key of this bench alone.
pub(crate) fn key(role: &str) -> SecretKey {
    SecretKey::from_seed(banyan_crypto::sha256(&[b"bench council", role.as_bytes()]))
}

pub(crate) struct Seat {
    pub service: Service,
    network: Arc<banyan_network::Network>,
}

/// The root and the validators; their folders end with it.
pub(crate) struct Council {
    root: Service,
    pub file: GenesisFile,
    seats: Vec<Option<Seat>>,
    folder: tempfile::TempDir,
}

impl Council {
    /// With so many accounts that hold coins of the child; their keys.
    pub fn start(engine: Engine) -> Result<(Self, Vec<SecretKey>), Fault> {
        let keys = senders(SENDERS);
        let rich: Vec<_> = keys.iter().map(|key| AccountId(key.public())).collect();
        let council = Self::grow(engine, &rich)?;
        eprintln!("  {SENDERS} accounts commit to the child");
        let (child, root) = (council.file.params.ledger, council.root.handle().clone());
        let network_id = &root.chain().params().network_id;
        let commits: Vec<_> = keys.par_iter().map(|key| commit(child, network_id, key)).collect();
        commits.chunks(BATCH).try_for_each(|part| submit(&root, part.to_vec()))?;
        let last = rich.last().copied().ok_or("nobody sends")?;
        wait("credits", || Ok(held(council.handle(0)?, last)? > 0))?;
        Ok((council, keys))
    }

    fn grow(engine: Engine, rich: &[AccountId]) -> Result<Self, Fault> {
        let folder = machine::folder()?;
        let coins = |coins| Amount::coins(coins).unwrap_or(Amount::ZERO);
        let payer = AccountId(key("operator").public());
        let accounts: BTreeMap<_, _> = rich.iter().chain([&payer]).map(|account| (*account, coins(1_000))).collect();
        let mut root = GenesisFile::dev_root(machine::now(), Some(INTERVAL_MS), accounts);
        let id = AssociateId::derive(&root.params.network_id, payer, Nonce(1));
        let keys: Vec<_> = (0..VALIDATORS).map(|n| PublicKey(validator(n).public())).collect();
        let file = match engine {
            Engine::Committee => GenesisFile::dev_committee("bank", id, machine::now(), INTERVAL_MS, &keys)?,
            Engine::Rotation(threshold) => {
                GenesisFile::dev_rotation("relay", id, machine::now(), INTERVAL_MS, (&keys, threshold))?
            }
        };
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
    pub fn seat(&mut self, n: usize) -> Result<(), Fault> {
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

    pub fn running(&self) -> impl Iterator<Item = &Seat> {
        self.seats.iter().flatten()
    }

    pub fn handle(&self, n: usize) -> Result<&Handle, Fault> {
        self.seats[n].as_ref().map(|seat| seat.service.handle()).ok_or_else(|| "that validator is away".into())
    }

    pub fn kill(&mut self, n: usize) {
        if let Some(seat) = self.seats[n].take() {
            seat.service.stop();
        }
    }

    pub fn stop(self) {
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
pub(crate) fn wait(what: &str, mut is_so: impl FnMut() -> Result<bool, Fault>) -> Result<Duration, Fault> {
    let begun = Instant::now();
    while !is_so()? {
        if begun.elapsed() > PATIENCE {
            return Err(format!("{what}: not within {} s", PATIENCE.as_secs()).into());
        }
        thread::sleep(GLANCE);
    }
    Ok(begun.elapsed())
}

pub(crate) fn submit(node: &Handle, txs: Vec<SignedTx>) -> Result<(), Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let answers = runtime.block_on(node.submit(txs))?;
    let refused = answers.into_iter().find_map(Result::err);
    refused.map_or(Ok(()), |why| Err(why.into()))
}

/// Base units that an account holds by the last final block of a node.
pub(crate) fn held(node: &Handle, account: AccountId) -> Result<u64, Fault> {
    let held = node.chain().last_final()?.view.account(account)?;
    Ok(held.map_or(0, |held| u64::try_from(held.balance.base()).unwrap_or(u64::MAX)))
}

/// And by its last block.
pub(crate) fn held_now(node: &Handle, account: AccountId) -> Result<u64, Fault> {
    let held = node.chain().head()?.view.account(account)?;
    Ok(held.map_or(0, |held| u64::try_from(held.balance.base()).unwrap_or(u64::MAX)))
}

/// The number of an account's next transaction.
pub(crate) fn next_nonce(node: &Handle, of: &SecretKey) -> Result<u64, Fault> {
    let account = node.chain().head()?.view.account(AccountId(of.public()))?;
    Ok(account.map_or(1, |account| account.nonce.0 + 1))
}

pub(crate) fn height(node: &Handle) -> Result<u64, Fault> {
    Ok(node.chain().head()?.header.height().0)
}

pub(crate) fn median(mut millis: Vec<f64>, percent: usize) -> f64 {
    millis.sort_by(f64::total_cmp);
    millis.get((millis.len().saturating_sub(1) * percent + 50) / 100).copied().unwrap_or(f64::INFINITY)
}

/// Milliseconds between blocks above a height.
pub(crate) fn intervals(node: &Handle, above: u64) -> Result<Vec<f64>, Fault> {
    let rows = node.chain().main_from(Place::at(above), Order::Ascending, usize::MAX)?;
    let times = rows.into_iter().map(|(_, hash)| Ok(node.chain().header(hash)?.ok_or("a block is gone")?.time().0));
    let times = times.collect::<Result<Vec<u64>, Fault>>()?;
    Ok(times.windows(2).map(|pair| (pair[1] - pair[0]) as f64).collect())
}
