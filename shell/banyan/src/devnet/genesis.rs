//! The beginning of a devnet: a root with funded accounts, its child `bank`, and below that `relay`.

use std::collections::BTreeMap;

use banyan_crypto::SecretKey;
use banyan_ledger::{GenesisWitness, HOP_GAS};
use banyan_node::{EngineParams, GenesisFile};
use banyan_types::{
    AccountId, Amount, AssociateId, Gas, Hash, Height, Nonce, PublicKey, TimeMs,
    associate::{Access, ChildParams, ENGINE_COMMITTEE, Hop, Regime, Validators},
    limits::REMIT_LINES_MAX,
    tx::{AssociateCreate, SignedTx},
};
use banyan_wallet::{
    journey::first_leg,
    tx::{self, Terms},
};

use crate::{
    cli::Fund,
    failure::Failure,
    session::{DEV_ACCOUNTS, dev_key},
};

/// Name of the root, and of its child.
pub const ROOT: &str = "root";
/// The child.
pub const BANK: &str = "bank";
/// The child's child.
pub const RELAY: &str = "relay";
/// Operators of each child, and how many of them sign a summary.
const OPERATORS: usize = 3;
const THRESHOLD: u8 = 2;
/// Nodes of the root, each of them a witness with this bond in coins. Source: node 5.
const WITNESSES: usize = 4;
const COINS_BOND: u64 = 10_000;
/// Nodes of the child, each of them a validator. Source: node 5.
const VALIDATORS: usize = 4;
/// Coins of each development account on the root, and on the child.
pub const COINS_ROOT: u64 = 10_000;
pub const COINS_BANK: u64 = 1_000;
/// Coins of each development account on the child's child.
pub const COINS_RELAY: u64 = 1_000;
/// Coins of the operator who pays for remits.
const COINS_PAYER: u64 = 10_000;
/// Coins of the account that tries a ledger out, of which as many go to the child.
const COINS_PROBER: u64 = 100;

/// What a fresh tree is grown from.
#[derive(Debug, Clone)]
pub struct Seeds {
    /// When the root begins.
    pub time: TimeMs,
    /// Milliseconds between its key blocks.
    pub key_interval_ms: u64,
    /// More funded accounts.
    pub funds: Vec<Fund>,
}

/// Genesis files of the tree.
#[derive(Debug, Clone)]
pub struct Files {
    /// Of the root.
    pub root: GenesisFile,
    /// Of its child.
    pub bank: GenesisFile,
    /// Of that one's child; a devnet of an earlier version has none.
    pub relay: Option<GenesisFile>,
}

/// Roles that run the tree. Their keys are drawn from these words and so are everybody's: a devnet that made its own
/// could not be rebuilt from its genesis, and holds nothing of value.
pub fn role_key(role: &str) -> SecretKey {
    SecretKey::from_seed(banyan_crypto::blake2b(&[b"banyan devnet", role.as_bytes()]))
}

/// The account of a role.
pub fn role(role: &str) -> AccountId {
    AccountId(role_key(role).public())
}

/// Mines and leads the root.
pub fn miner() -> SecretKey {
    role_key("root miner")
}

/// Keys that make the root final, one for each of its nodes; the first of these mines as well.
pub fn witnesses() -> [SecretKey; WITNESSES] {
    [0, 1, 2, 3].map(|n| role_key(&format!("root witness {n}")))
}

/// Keys that order the child, one for each of its nodes.
pub fn validators() -> [SecretKey; VALIDATORS] {
    [0, 1, 2, 3].map(|n| role_key(&format!("bank validator {n}")))
}

/// Ordered the child of a devnet of an earlier version.
pub fn leader() -> SecretKey {
    role_key("bank leader")
}

/// Orders the child's child.
pub fn relay_leader() -> SecretKey {
    role_key("relay leader")
}

/// Sign a child's summaries; the first pays for them.
pub fn operators(child: &str) -> Vec<SecretKey> {
    (0..OPERATORS).map(|n| role_key(&format!("{child} operator {n}"))).collect()
}

/// Tries every ledger out at the start.
pub fn prober() -> SecretKey {
    role_key("prober")
}

/// A child is registered by the first transaction of its creator.
const CREATOR_NONCE: Nonce = Nonce(1);

fn creator(child: &str) -> AccountId {
    role(&format!("{child} creator"))
}

/// A child's id on a parent with this network id.
pub fn child_id(parent_network: &str, child: &str) -> AssociateId {
    AssociateId::derive(parent_network, creator(child), CREATOR_NONCE)
}

/// Genesis files of a fresh tree.
/// # Errors
/// The numbers do not fit: a bug, or far too much funded.
pub fn make(seeds: &Seeds) -> Result<Files, Failure> {
    let witness = |key: SecretKey| GenesisWitness {
        staker: AccountId(key.public()),
        key: PublicKey(key.public()),
        bond: coins(COINS_BOND),
    };
    let mut root = GenesisFile::dev_root(seeds.time, Some(seeds.key_interval_ms), BTreeMap::new())
        .with_witnesses(witnesses().map(witness).to_vec());
    let id = child_id(&root.params.network_id, BANK);
    let keys = validators().map(|key| PublicKey(key.public()));
    let mut bank = GenesisFile::dev_committee(BANK, id, seeds.time, seeds.key_interval_ms, &keys)?;
    let id = child_id(&bank.params.network_id, RELAY);
    let leader = PublicKey(relay_leader().public());
    let relay = GenesisFile::dev_solo(RELAY, id, seeds.time, seeds.key_interval_ms, leader);
    // Blocks of the bank follow each other faster than the root's while there is something to put into them.
    let (by_operators, by_certificate) = (Regime::Operators, by_certificate(&bank));
    bank.associates
        .push(registration(&relay, by_operators, bank.engine.block_interval_ms(), bank.params.lifetime_max)?.into());
    root.associates
        .push(registration(&bank, by_certificate, root.params.height_interval_ms, root.params.lifetime_max)?.into());
    let mut files = Files { root, bank, relay: Some(relay) };
    files.root.accounts = accounts(&files, seeds)?;
    files.root.genesis()?;
    Ok(files)
}

fn coins(coins: u64) -> Amount {
    Amount::coins(coins).unwrap_or(Amount::MAX)
}

/// First balances. What goes down by real commits, and their fees, come on top: afterwards the measure is exact on all
/// ledgers.
fn accounts(files: &Files, seeds: &Seeds) -> Result<BTreeMap<AccountId, Amount>, Failure> {
    let mut accounts = BTreeMap::from([(role(&format!("{BANK} operator 0")), coins(COINS_PAYER))]);
    for funded in funded() {
        let mut all = funded.kept;
        for commit in funded.commits(files)? {
            let spent = tx::amount_of(commit.transaction()).and_then(|amount| amount.plus(commit.transaction().fee()));
            all = spent.and_then(|spent| spent.plus(all)).unwrap_or(Amount::MAX);
        }
        accounts.insert(AccountId(funded.key.public()), all);
    }
    for Fund { account, amount } in &seeds.funds {
        let more = amount.unwrap_or_else(|| coins(COINS_ROOT));
        let held = accounts.entry(*account).or_default();
        *held = held.plus(more).unwrap_or(Amount::MAX);
    }
    Ok(accounts)
}

/// An account whose coins go down at the first start.
struct Funded {
    key: SecretKey,
    /// What it keeps on the root.
    kept: Amount,
    bank: Amount,
    relay: Amount,
}

/// Everybody who has coins below the root.
fn funded() -> Vec<Funded> {
    let funded = |key, kept, bank, relay| Funded { key, kept: coins(kept), bank: coins(bank), relay: coins(relay) };
    let dev = (0..DEV_ACCOUNTS).map(|index| funded(dev_key(index), COINS_ROOT, COINS_BANK, COINS_RELAY));
    // Who pays for the relay's summaries pays on the bank.
    let payer = operators(RELAY).swap_remove(0);
    dev.chain([funded(prober(), COINS_PROBER, COINS_PROBER, COINS_PROBER), funded(payer, 0, COINS_PAYER, 0)]).collect()
}

/// The first transactions of the funded accounts: each commits to itself, on the child and through it to the child's child.
/// The same bytes at every start.
/// # Errors
/// The genesis is no devnet's.
pub fn commits(files: &Files) -> Result<Vec<SignedTx>, Failure> {
    let commits = funded().iter().map(|funded| funded.commits(files)).collect::<Result<Vec<_>, _>>()?;
    Ok(commits.into_iter().flatten().collect())
}

impl Funded {
    fn commits(&self, files: &Files) -> Result<Vec<SignedTx>, Failure> {
        let mut commits = vec![commit(&files.root, &self.key, self.bank, vec![], Nonce(1))?];
        if let Some(relay) = files.relay.as_ref().filter(|_| !self.relay.is_zero()) {
            // The hop on the bank is paid out of what passes there.
            let hop = files.bank.params.price(HOP_GAS).unwrap_or(Amount::MAX);
            let amount = self.relay.plus(hop).unwrap_or(Amount::MAX);
            commits.push(commit(&files.root, &self.key, amount, vec![Hop::Down(relay.params.ledger)], Nonce(2))?);
        }
        Ok(commits)
    }
}

fn commit(
    root: &GenesisFile,
    key: &SecretKey,
    amount: Amount,
    route: Vec<Hop>,
    nonce: Nonce,
) -> Result<SignedTx, Failure> {
    let account = AccountId(key.public());
    let network = &root.params.network_id;
    let terms = Terms { params: root.params.clone(), height: Height(0), nonce, ttl: None, fee: None };
    let tx = tx::commit(account, child_id(network, BANK), account, amount, route, &terms)?;
    let leg = first_leg(network, &tx);
    Ok(tx::set_leg(tx, leg).sign(network, key))
}

/// Milliseconds of an hour and a day; times of a child are said in them and kept in heights of its parent.
const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;
/// Least heights that a child has to credit a commit. Source: associates 2.
const COMMIT_TIMEOUT_MIN: u64 = 10;
/// Most heights of a span here: far below the connection point's lifetime, however short the interval.
const SPAN_MAX: u64 = 600_000;

/// The parent takes the word of the child's own validators, where it has some.
fn by_certificate(child: &GenesisFile) -> Regime {
    match &child.engine {
        EngineParams::Committee(engine) => {
            Regime::Certificate(Validators::new(ENGINE_COMMITTEE, engine.validators.clone()))
        }
        _ => Regime::Operators,
    }
}

/// Parameters of a child's connection point for everyday use. `interval` is the least time between two heights of the parent,
/// in milliseconds.
pub fn child_params(interval: u64) -> ChildParams {
    let heights = |ms: u64| (ms / interval.max(1)).clamp(COMMIT_TIMEOUT_MIN, SPAN_MAX);
    let commit_timeout = heights(2 * HOUR_MS).min(SPAN_MAX / 10);
    ChildParams {
        commit_timeout,
        silence: heights(7 * DAY_MS).max(commit_timeout * 10),
        claim_window: heights(14 * DAY_MS).max(heights(7 * DAY_MS)).max(commit_timeout * 10),
        change_delay: heights(3 * DAY_MS).max(commit_timeout),
        commit_min: Amount::new(1).unwrap_or_default(),
        commit_gas: Gas(0),
        remit_lines_max: REMIT_LINES_MAX as u64,
        inbox_open_max: 100_000,
        remit_limit: Amount::ZERO,
        remit_limit_heights: 0,
        operator_bond: Amount::ZERO,
    }
}

fn registration(child: &GenesisFile, regime: Regime, interval: u64, lifetime: u64) -> Result<AssociateCreate, Failure> {
    let name = child.name.as_str();
    Ok(AssociateCreate {
        creator_id: creator(name),
        network_id: child.params.network_id.clone(),
        genesis_hash: child.genesis()?.hash(),
        genesis_root: Hash::ZERO,
        regime,
        operators: operators(name).iter().map(|key| AccountId(key.public())).collect(),
        threshold: THRESHOLD,
        recovery: vec![],
        recovery_threshold: 0,
        access: Access::Open,
        params: child_params(interval),
        heir: None,
        expiry: Height(lifetime),
        ttl: Height(0),
        fee: Amount::ZERO,
        nonce: CREATOR_NONCE,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use banyan_ledger::genesis_state;

    fn seeds(key_interval_ms: u64) -> Seeds {
        Seeds { time: TimeMs(1_700_000_000_000), key_interval_ms, funds: vec![] }
    }

    #[test]
    fn every_allowed_interval_gives_a_tree_that_can_begin() {
        for interval in [100, 1_000, 3_000, 600_000] {
            let Files { root, bank, relay } = make(&seeds(interval)).unwrap();
            let relay = relay.unwrap();
            for file in [&root, &bank, &relay] {
                assert!(genesis_state(&file.genesis().unwrap()).is_ok(), "{interval}");
                let again = GenesisFile::from_toml(&file.to_toml()).unwrap();
                assert_eq!(again.genesis().unwrap().hash(), file.genesis().unwrap().hash());
            }
            assert_eq!(bank.params.ledger, child_id(&root.params.network_id, BANK));
            assert_eq!(relay.params.ledger, child_id(&bank.params.network_id, RELAY));
        }
    }

    #[test]
    fn funded_accounts_come_on_top() {
        let account = AccountId([9; 32]);
        let funds = vec![Fund { account, amount: None }, Fund { account, amount: Amount::coins(5) }];
        let root = make(&Seeds { funds, ..seeds(3_000) }).unwrap().root;
        assert_eq!(root.accounts[&account], coins(COINS_ROOT + 5));
    }

    #[test]
    fn after_its_commit_each_account_has_the_exact_measure() {
        let files = make(&seeds(3_000)).unwrap();
        let commits = commits(&files).unwrap();
        assert_eq!(commits, self::commits(&files).unwrap(), "the same bytes at every start");
        let payer = commits[0].transaction().signer();
        let mine = commits.iter().map(SignedTx::transaction).filter(|tx| tx.signer() == payer);
        let spent = mine.map(|tx| tx::amount_of(tx).unwrap().plus(tx.fee()).unwrap());
        let left = spent.fold(files.root.accounts[&payer], |left, spent| left.minus(spent).unwrap());
        assert_eq!(left, coins(COINS_ROOT));
    }
}
