//! The beginning of a devnet: a root with funded accounts, and the ledgers that hang from it.

use std::collections::BTreeMap;

use banyan_crypto::SecretKey;
use banyan_ledger::{GenesisWitness, HOP_GAS};
use banyan_node::{EngineParams, GenesisFile};
use banyan_types::{
    AccountId, Amount, AssociateId, Gas, Hash, Height, Nonce, PublicKey, TimeMs,
    associate::{Access, ChildParams, Hop, Regime},
    limits::REMIT_LINES_MAX,
    tx::{AssociateCreate, SignedTx, Transaction},
};
use banyan_wallet::{
    journey::first_leg,
    tx::{self, Terms},
};

use crate::{
    cli::{Fund, Only},
    failure::Failure,
    session::{DEV_ACCOUNTS, dev_key},
};

/// Name of the root.
pub const ROOT: &str = "root";
/// Names of the ledgers below: one for each engine, and with `--deep` a fourth.
pub const BANK: &str = "bank";
const RELAY: &str = "relay";
const VAULT: &str = "vault";
const TILL: &str = "till";
/// Operators of each child, and how many of them sign a summary.
const OPERATORS: usize = 3;
const THRESHOLD: u8 = 2;
/// Nodes of the root, each of them a witness with this bond in coins. Source: node 5.
const WITNESSES: usize = 4;
const COINS_BOND: u64 = 10_000;
/// Nodes of a committee and of a rotation, each of them a validator. Source: node 5.
const COMMITTEE: usize = 4;
const ROTATION: usize = 3;
/// Commitments that confirm a rotation's block, where nothing else is said. Source: associates 10.
const COMMITMENTS: u32 = 1;
/// Length of a rotation's turn in milliseconds; blocks keep half of it between them. The JavaScript SDK, if its transaction is in
/// no block within two seconds, gives it up once five more were made between two looks.
const TURN_MS: u64 = 500;
/// Coins of each development account on the root, and on each ledger below.
pub const COINS_ROOT: u64 = 10_000;
pub const COINS_CHILD: u64 = 1_000;
/// Coins of the operator who pays for remits, and of whoever pays for data that nobody signed.
const COINS_PAYER: u64 = 10_000;
/// Coins of the account that tries a ledger out, on each of them.
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
    /// What hangs from the root.
    pub shape: Shape,
}

/// What hangs from a devnet's root.
#[derive(Debug, Clone, Copy, Default)]
pub struct Shape {
    /// One child of this engine instead of the whole tree.
    pub only: Option<Only>,
    /// Nodes of that child.
    pub nodes: Option<u8>,
    /// Commitments that confirm a block of a rotation.
    pub threshold: Option<u32>,
    /// Whether a fourth child hangs below the third: then two leaves are four hops apart.
    pub is_deep: bool,
}

impl Shape {
    /// The ledgers below the root, parents first: name, place of the parent among all, engine and its nodes.
    fn rows(self) -> Vec<(&'static str, usize, Only, usize)> {
        let nodes = |usual: usize| self.nodes.map_or(usual, usize::from);
        match self.only {
            Some(Only::Committee) => vec![(BANK, 0, Only::Committee, nodes(COMMITTEE))],
            Some(Only::Rotation) => vec![(RELAY, 0, Only::Rotation, nodes(ROTATION))],
            Some(Only::Solo) => vec![(VAULT, 0, Only::Solo, 1)],
            None => {
                let whole = [
                    (BANK, 0, Only::Committee, COMMITTEE),
                    (RELAY, 1, Only::Rotation, ROTATION),
                    (VAULT, 0, Only::Solo, 1),
                ];
                whole.into_iter().chain(self.is_deep.then_some((TILL, 3, Only::Solo, 1))).collect()
            }
        }
    }
}

/// A ledger of the tree.
#[derive(Debug, Clone)]
pub struct Ledger {
    /// Names from the root down to it.
    pub path: Vec<String>,
    /// Place of its parent among all; `None` of the root.
    pub parent: Option<usize>,
    /// Its genesis file.
    pub file: GenesisFile,
}

impl Ledger {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.file.name
    }
}

/// The ledgers of the tree: the root first, parents before their children.
#[derive(Debug, Clone)]
pub struct Files(Vec<Ledger>);

impl Files {
    /// The tree whose root this is; `read` finds the genesis file of a child by its name.
    /// # Errors
    /// Those of `read`.
    pub fn of(root: GenesisFile, read: impl Fn(&str) -> Result<GenesisFile, Failure>) -> Result<Self, Failure> {
        let mut ledgers = vec![Ledger { path: vec![ROOT.to_owned()], parent: None, file: root }];
        let mut at = 0;
        while let Some(above) = ledgers.get(at).cloned() {
            for network in above.file.associates.iter().filter_map(network_of) {
                let name = network.split('.').next().unwrap_or_default();
                let path = above.path.iter().cloned().chain([name.to_owned()]).collect();
                ledgers.push(Ledger { path, parent: Some(at), file: read(name)? });
            }
            at += 1;
        }
        Ok(Self(ledgers))
    }

    /// All of them.
    pub fn all(&self) -> &[Ledger] {
        &self.0
    }

    /// The root.
    pub fn root(&self) -> &GenesisFile {
        &self.0[0].file
    }

    /// The first that validators order by turns.
    pub fn rotation(&self) -> Option<&Ledger> {
        self.0.iter().find(|ledger| matches!(ledger.file.engine, EngineParams::Rotation(_)))
    }

    /// The ledgers on the way from the root to one of them, both among them.
    fn way(&self, to: usize) -> Vec<&Ledger> {
        let up = std::iter::successors(Some(to), |at| self.0[*at].parent);
        let mut way: Vec<_> = up.map(|at| &self.0[at]).collect();
        way.reverse();
        way
    }
}

/// The network of a child that a genesis registers.
fn network_of(tx: &Transaction) -> Option<&str> {
    match tx {
        Transaction::AssociateCreate(create) => Some(&create.network_id),
        _ => None,
    }
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

/// Keys that order a child, one for each of its nodes.
pub fn order_keys(file: &GenesisFile) -> Vec<SecretKey> {
    let all = |validators: usize| (0..validators).map(|n| role_key(&format!("{} validator {n}", file.name))).collect();
    match &file.engine {
        EngineParams::Committee(engine) => all(engine.validators.members().len()),
        EngineParams::Rotation(engine) => all(engine.validators.members().len()),
        EngineParams::Root(_) | EngineParams::Solo(_) => vec![leader(&file.name)],
    }
}

fn public(name: &str, validators: usize) -> Vec<PublicKey> {
    (0..validators).map(|n| PublicKey(role_key(&format!("{name} validator {n}")).public())).collect()
}

/// Keys of the validators of the committee `bank`.
pub fn validators() -> [SecretKey; COMMITTEE] {
    [0, 1, 2, 3].map(|n| role_key(&format!("{BANK} validator {n}")))
}

/// Orders a child that one operator orders.
fn leader(child: &str) -> SecretKey {
    role_key(&format!("{child} leader"))
}

/// Signs and pays for data that a rotation's clients did not sign.
pub fn scribe(child: &str) -> SecretKey {
    role_key(&format!("{child} scribe"))
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
    let root = GenesisFile::dev_root(seeds.time, Some(seeds.key_interval_ms), BTreeMap::new())
        .with_witnesses(witnesses().map(witness).to_vec());
    let mut files = vec![root];
    let rows = seeds.shape.rows();
    for (name, parent, engine, nodes) in &rows {
        let id = child_id(&files[*parent].params.network_id, name);
        let (time, interval) = (seeds.time, seeds.key_interval_ms);
        let keys = public(name, *nodes);
        files.push(match engine {
            Only::Committee => GenesisFile::dev_committee(name, id, time, interval, &keys)?,
            Only::Rotation => {
                let threshold = seeds.shape.threshold.unwrap_or(COMMITMENTS);
                let mut file = GenesisFile::dev_rotation(name, id, time, interval, (&keys, threshold))?;
                if let EngineParams::Rotation(engine) = &mut file.engine {
                    engine.turn_ms = TURN_MS;
                }
                file
            }
            Only::Solo => GenesisFile::dev_solo(name, id, time, interval, PublicKey(leader(name).public())),
        });
    }
    // Last ones first: a parent's genesis holds its children's hashes.
    for (at, (_, parent, ..)) in rows.iter().enumerate().rev() {
        let child = files[at + 1].clone();
        let above = &mut files[*parent];
        // Blocks of a child follow each other faster than the root's while there is something to put into them.
        let interval = if *parent == 0 { above.params.height_interval_ms } else { above.engine.block_interval_ms() };
        let registration = registration(&child, by_certificate(&child), interval, above.params.lifetime_max)?;
        above.associates.insert(0, registration.into());
    }
    let root = files.swap_remove(0);
    let find = |name: &str| files.iter().find(|file| file.name == name).cloned();
    let mut files = Files::of(root, |name| Ok(find(name).expect("it was made above")))?;
    files.0[0].file.accounts = accounts(&files, seeds)?;
    files.root().genesis()?;
    Ok(files)
}

fn coins(coins: u64) -> Amount {
    Amount::coins(coins).unwrap_or(Amount::MAX)
}

/// First balances. What goes down by real commits, and their fees, come on top: afterwards the measure is exact on all
/// ledgers.
fn accounts(files: &Files, seeds: &Seeds) -> Result<BTreeMap<AccountId, Amount>, Failure> {
    let mut accounts = BTreeMap::new();
    for funded in funded(files) {
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
    /// What it has on other ledgers, by their places.
    below: Vec<(usize, Amount)>,
}

/// Everybody who has coins.
fn funded(files: &Files) -> Vec<Funded> {
    let everywhere = |key, kept, each| {
        let below = (1..files.0.len()).map(|at| (at, coins(each))).collect();
        Funded { key, kept: coins(kept), below }
    };
    let dev = (0..DEV_ACCOUNTS).map(|index| everywhere(dev_key(index), COINS_ROOT, COINS_CHILD));
    // Who pays for a child's summaries pays on its parent.
    let children = files.0.iter().enumerate().filter_map(|(at, ledger)| Some((at, ledger, ledger.parent?)));
    let payers = children.map(|(_, ledger, parent)| {
        let key = operators(ledger.name()).swap_remove(0);
        let all = coins(COINS_PAYER);
        let (kept, below) = if parent == 0 { (all, vec![]) } else { (Amount::ZERO, vec![(parent, all)]) };
        Funded { key, kept, below }
    });
    let turns =
        files.0.iter().enumerate().filter(|(_, ledger)| matches!(ledger.file.engine, EngineParams::Rotation(_)));
    let scribes = turns.map(|(at, ledger)| Funded {
        key: scribe(ledger.name()),
        kept: Amount::ZERO,
        below: vec![(at, coins(COINS_PAYER))],
    });
    let prober = everywhere(prober(), COINS_PROBER, COINS_PROBER);
    dev.chain([prober]).chain(payers).chain(scribes).collect()
}

/// The first transactions of the funded accounts: each commits to itself, on every ledger where it is to have coins. The same
/// bytes at every start.
/// # Errors
/// The genesis is no devnet's.
pub fn commits(files: &Files) -> Result<Vec<SignedTx>, Failure> {
    let commits = funded(files).iter().map(|funded| funded.commits(files)).collect::<Result<Vec<_>, _>>()?;
    Ok(commits.into_iter().flatten().collect())
}

impl Funded {
    fn commits(&self, files: &Files) -> Result<Vec<SignedTx>, Failure> {
        let numbered = self.below.iter().zip(1..);
        numbered.map(|((to, amount), nonce)| commit(&files.way(*to), &self.key, *amount, Nonce(nonce))).collect()
    }
}

/// Commit on the first ledger of the way, to be passed on to the last. Each hop is paid out of what passes there.
fn commit(way: &[&Ledger], key: &SecretKey, amount: Amount, nonce: Nonce) -> Result<SignedTx, Failure> {
    let (account, root) = (AccountId(key.public()), &way[0].file);
    let hops = way.len().saturating_sub(2);
    let between = way.iter().skip(1).take(hops).filter_map(|ledger| ledger.file.params.price(HOP_GAS));
    let amount = between.fold(amount, |sum, hop| sum.plus(hop).unwrap_or(Amount::MAX));
    let route = way.iter().skip(2).map(|ledger| Hop::Down(ledger.file.params.ledger)).collect();
    let network = &root.params.network_id;
    let terms = Terms { params: root.params.clone(), height: Height(0), nonce, ttl: None, fee: None };
    let tx = tx::commit(account, way[1].file.params.ledger, account, amount, route, &terms)?;
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

/// The parent takes the word of a committee; operators answer for the others, so that a devnet has both regimes.
fn by_certificate(child: &GenesisFile) -> Regime {
    let certifiers = child.engine.certifiers().filter(|_| matches!(child.engine, EngineParams::Committee(_)));
    certifiers.map_or(Regime::Operators, Regime::Certificate)
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
        Seeds { time: TimeMs(1_700_000_000_000), key_interval_ms, funds: vec![], shape: Shape::default() }
    }

    fn paths(shape: Shape) -> Vec<String> {
        let files = make(&Seeds { shape, ..seeds(3_000) }).unwrap();
        files.all().iter().map(|ledger| ledger.path.join("/")).collect()
    }

    #[test]
    fn a_shape_says_what_hangs_where() {
        assert_eq!(paths(Shape::default()), ["root", "root/bank", "root/vault", "root/bank/relay"]);
        let deep = Shape { is_deep: true, ..Shape::default() };
        assert_eq!(paths(deep), ["root", "root/bank", "root/vault", "root/bank/relay", "root/vault/till"]);
        let only = Shape { only: Some(Only::Rotation), nodes: Some(2), ..Shape::default() };
        assert_eq!(paths(only), ["root", "root/relay"]);
        let files = make(&Seeds { shape: only, ..seeds(3_000) }).unwrap();
        assert_eq!(order_keys(&files.all()[1].file).len(), 2);
        let none = Shape { threshold: Some(3), ..only };
        assert!(make(&Seeds { shape: none, ..seeds(3_000) }).is_err(), "three of two");
    }

    #[test]
    fn every_allowed_interval_gives_a_tree_that_can_begin() {
        for interval in [100, 1_000, 3_000, 600_000] {
            let files = make(&seeds(interval)).unwrap();
            for Ledger { file, parent, .. } in files.all() {
                assert!(genesis_state(&file.genesis().unwrap()).is_ok(), "{interval}");
                let again = GenesisFile::from_toml(&file.to_toml()).unwrap();
                assert_eq!(again.genesis().unwrap().hash(), file.genesis().unwrap().hash());
                if let Some(parent) = parent {
                    let network = &files.all()[*parent].file.params.network_id;
                    assert_eq!(file.params.ledger, child_id(network, &file.name));
                }
            }
        }
    }

    #[test]
    fn funded_accounts_come_on_top() {
        let account = AccountId([9; 32]);
        let funds = vec![Fund { account, amount: None }, Fund { account, amount: Amount::coins(5) }];
        let files = make(&Seeds { funds, ..seeds(3_000) }).unwrap();
        assert_eq!(files.root().accounts[&account], coins(COINS_ROOT + 5));
    }

    #[test]
    fn after_its_commit_each_account_has_the_exact_measure() {
        let files = make(&seeds(3_000)).unwrap();
        let commits = commits(&files).unwrap();
        assert_eq!(commits, self::commits(&files).unwrap(), "the same bytes at every start");
        let payer = commits[0].transaction().signer();
        let mine = commits.iter().map(SignedTx::transaction).filter(|tx| tx.signer() == payer);
        let spent = mine.map(|tx| tx::amount_of(tx).unwrap().plus(tx.fee()).unwrap());
        let left = spent.fold(files.root().accounts[&payer], |left, spent| left.minus(spent).unwrap());
        assert_eq!(left, coins(COINS_ROOT));
    }
}
