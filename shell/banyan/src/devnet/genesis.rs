//! The beginning of a devnet: a root with funded accounts, and the child `bank` registered in it.

use std::collections::BTreeMap;

use banyan_crypto::SecretKey;
use banyan_ledger::GenesisWitness;
use banyan_node::GenesisFile;
use banyan_types::{
    AccountId, Amount, AssociateId, Gas, Hash, Height, Nonce, PublicKey, TimeMs,
    associate::{Access, ChildParams, Regime},
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
/// Operators of the child, and how many of them sign a summary.
const OPERATORS: [&str; 3] = ["bank operator 0", "bank operator 1", "bank operator 2"];
const THRESHOLD: u8 = 2;
/// Nodes of the root, each of them a witness with this bond in coins. Source: node 5.
const WITNESSES: usize = 4;
const COINS_BOND: u64 = 10_000;
/// Nodes of the child, each of them a validator. Source: node 5.
const VALIDATORS: usize = 4;
/// Coins of each development account on the root, and on the child.
pub const COINS_ROOT: u64 = 10_000;
pub const COINS_BANK: u64 = 1_000;
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

/// Sign the child's summaries.
pub fn operators() -> Vec<SecretKey> {
    OPERATORS.map(role_key).to_vec()
}

/// Tries every ledger out at the start.
pub fn prober() -> SecretKey {
    role_key("prober")
}

/// Registered the child, by its first transaction.
const CREATOR: &str = "bank creator";
const CREATOR_NONCE: Nonce = Nonce(1);

/// The child's id on a root with this network id.
pub fn bank_id(root_network: &str) -> AssociateId {
    AssociateId::derive(root_network, role(CREATOR), CREATOR_NONCE)
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
    let id = bank_id(&root.params.network_id);
    let keys = validators().map(|key| PublicKey(key.public()));
    let bank = GenesisFile::dev_committee(BANK, id, seeds.time, seeds.key_interval_ms, &keys)?;
    root.associates.push(registration(&root, &bank)?.into());
    root.accounts = accounts(&root, seeds)?;
    root.genesis()?;
    Ok(Files { root, bank })
}

fn coins(coins: u64) -> Amount {
    Amount::coins(coins).unwrap_or(Amount::MAX)
}

/// First balances. What goes down to the child by a real commit, and its fee, comes on top: afterwards the measure is
/// exact on both ledgers.
fn accounts(root: &GenesisFile, seeds: &Seeds) -> Result<BTreeMap<AccountId, Amount>, Failure> {
    let mut accounts = BTreeMap::from([(role(OPERATORS[0]), coins(COINS_PAYER))]);
    for (key, kept) in funded() {
        let commit = commit(root, &key)?;
        let spent = tx::amount_of(commit.transaction()).and_then(|amount| amount.plus(commit.transaction().fee()));
        let all = spent.and_then(|spent| spent.plus(kept)).unwrap_or(Amount::MAX);
        accounts.insert(AccountId(key.public()), all);
    }
    for Fund { account, amount } in &seeds.funds {
        let more = amount.unwrap_or_else(|| coins(COINS_ROOT));
        let held = accounts.entry(*account).or_default();
        *held = held.plus(more).unwrap_or(Amount::MAX);
    }
    Ok(accounts)
}

/// Accounts that go down to the child at the first start, with what they keep on the root.
fn funded() -> Vec<(SecretKey, Amount)> {
    let dev = (0..DEV_ACCOUNTS).map(|index| (dev_key(index), coins(COINS_ROOT)));
    dev.chain([(prober(), coins(COINS_PROBER))]).collect()
}

/// The first transactions of the funded accounts: each commits to itself on the child. The same bytes at every start.
/// # Errors
/// The genesis is no devnet's.
pub fn commits(root: &GenesisFile) -> Result<Vec<SignedTx>, Failure> {
    funded().iter().map(|(key, _)| commit(root, key)).collect()
}

fn commit(root: &GenesisFile, key: &SecretKey) -> Result<SignedTx, Failure> {
    let account = AccountId(key.public());
    let network = &root.params.network_id;
    let amount = if key.public() == prober().public() { coins(COINS_PROBER) } else { coins(COINS_BANK) };
    let terms = Terms { params: root.params.clone(), height: Height(0), nonce: Nonce(1), ttl: None, fee: None };
    let tx = tx::commit(account, bank_id(network), account, amount, vec![], &terms)?;
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

fn registration(root: &GenesisFile, bank: &GenesisFile) -> Result<AssociateCreate, Failure> {
    let interval = root.params.height_interval_ms.max(1);
    let heights = |ms: u64| (ms / interval).clamp(COMMIT_TIMEOUT_MIN, SPAN_MAX);
    let commit_timeout = heights(2 * HOUR_MS).min(SPAN_MAX / 10);
    Ok(AssociateCreate {
        creator_id: role(CREATOR),
        network_id: bank.params.network_id.clone(),
        genesis_hash: bank.genesis()?.hash(),
        genesis_root: Hash::ZERO,
        regime: Regime::Operators,
        operators: OPERATORS.map(role).to_vec(),
        threshold: THRESHOLD,
        recovery: vec![],
        recovery_threshold: 0,
        access: Access::Open,
        params: ChildParams {
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
        },
        heir: None,
        expiry: Height(root.params.lifetime_max),
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
            let Files { root, bank } = make(&seeds(interval)).unwrap();
            for file in [&root, &bank] {
                assert!(genesis_state(&file.genesis().unwrap()).is_ok(), "{interval}");
                let again = GenesisFile::from_toml(&file.to_toml()).unwrap();
                assert_eq!(again.genesis().unwrap().hash(), file.genesis().unwrap().hash());
            }
            assert_eq!(bank.params.ledger, bank_id(&root.params.network_id));
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
        let root = make(&seeds(3_000)).unwrap().root;
        let commits = commits(&root).unwrap();
        assert_eq!(commits, self::commits(&root).unwrap(), "the same bytes at every start");
        let first = commits[0].transaction();
        let left = root.accounts[&first.signer()].minus(first.fee()).unwrap();
        assert_eq!(left, coins(COINS_ROOT + COINS_BANK));
    }
}
