//! A tree of real nodes over memory in one process, served over HTTP: the root mines with short intervals, every child is
//! ordered by one operator's node. `vault`, `slow` and `mortal` are registered; their nodes run only when a test starts them.
//!
//! ```text
//! root ─ bank  ─ relay
//!      ├ arena ─ shop, vault, slow
//!      └ mortal
//! ```

#![allow(dead_code, unreachable_pub)] // each test uses its part

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use banyan_api::{Served, Tree, router};
use banyan_crypto::SecretKey;
use banyan_node::{
    Chain, GenesisFile, LocalParent, Node, Operators, PoolLimits, Role, RootRole, Service, ServiceConfig, SoloRole,
};
use banyan_store::Mem;
use banyan_types::{
    AccountId, Amount, AssociateId, Gas, Hash, Height, Nonce, PublicKey, TimeMs,
    associate::{Access, ChildParams, Regime},
    tx::AssociateCreate,
};
use banyan_wallet::{
    client::Client,
    journey::{Action, Draft, Manner, Plan, Progress, Step, Stopped, Walk, path},
};
use tokio::runtime::Runtime;

/// Milliseconds between key blocks.
const INTERVAL_MS: u64 = 300;
/// Longest that a leg of a test may take.
pub const LIMIT: Duration = Duration::from_mins(2);
/// Between two looks at a ledger.
const PAUSE: Duration = Duration::from_millis(20);
/// Coins of each user on the root.
pub const COINS: u64 = 10_000;

/// Users have these seeds and those after; other roles have others.
const USERS: std::ops::Range<u8> = 100..250;

/// A child: its name, its parent, heights to credit a commit, entries that may be open.
struct Plot {
    name: &'static str,
    parent: &'static str,
    commit_timeout: u64,
    inbox_open_max: u64,
    /// Heights without a summary, after which it is dead.
    silence: u64,
    seed: u8,
}

const fn plot(name: &'static str, parent: &'static str, seed: u8) -> Plot {
    Plot { name, parent, commit_timeout: 2_000, inbox_open_max: 100_000, silence: 20_000, seed }
}

/// Parents first.
const PLOTS: [Plot; 7] = [
    plot("bank", "root", 10),
    plot("arena", "root", 20),
    plot("relay", "bank", 30),
    plot("shop", "arena", 40),
    Plot { inbox_open_max: 1, ..plot("vault", "arena", 50) },
    Plot { commit_timeout: 10, ..plot("slow", "arena", 60) },
    Plot { commit_timeout: 10, silence: 100, ..plot("mortal", "root", 70) },
];

/// Children whose nodes run from the start.
const AT_ONCE: [&str; 4] = ["bank", "arena", "relay", "shop"];

fn key_of(seed: u8) -> SecretKey {
    SecretKey::from_seed([seed; 32])
}

fn account_of(seed: u8) -> AccountId {
    AccountId(key_of(seed).public())
}

/// A key of a user.
pub fn key(user: u8) -> SecretKey {
    key_of(USERS.start + user)
}

/// Its account.
pub fn account(user: u8) -> AccountId {
    AccountId(key(user).public())
}

pub fn coins(coins: u64) -> Amount {
    Amount::coins(coins).unwrap()
}

/// A tree of nodes.
pub struct World {
    files: BTreeMap<&'static str, GenesisFile>,
    services: Vec<(&'static str, Service)>,
    runtime: Runtime,
}

impl World {
    /// Root, bank, relay, arena and shop, with operators that can pay for their remits.
    pub fn new() -> Self {
        let world = Self::of(INTERVAL_MS, &AT_ONCE);
        let client = world.serve();
        // Who answers for a grandchild pays on the child, and nobody has coins there yet.
        for plot in PLOTS.iter().filter(|plot| plot.parent != "root") {
            let payer = key_of(plot.seed + 1);
            let steps = path(&client.tree().unwrap(), "root", plot.parent).unwrap();
            let draft = Draft::new(&client, AccountId(payer.public()), coins(100), &steps, Manner::Routed).unwrap();
            walk(&client, &draft.sign(&payer).unwrap()).unwrap();
        }
        world
    }

    /// A root with key blocks every so many milliseconds, and the nodes of these children.
    pub fn of(interval_ms: u64, children: &[&str]) -> Self {
        let files = genesis(interval_ms);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let root = start(files["root"].clone(), Role::Root(root_role()), ServiceConfig::default());
        let mut world = Self { files, services: vec![("root", root)], runtime };
        for name in children {
            world.start(name);
        }
        world
    }

    /// Start the node of a child whose parent's runs.
    pub fn start(&mut self, name: &str) {
        let plot = PLOTS.iter().find(|plot| plot.name == name).unwrap();
        let (_, parent) = self.services.iter().find(|(name, _)| *name == plot.parent).unwrap();
        let parent = parent.handle().clone();
        let signers = (1..=3).map(|n| key_of(plot.seed + n)).collect();
        let role = SoloRole {
            leader: key_of(plot.seed),
            operators: Operators { signers, payer: key_of(plot.seed + 1) },
            parent: Box::new(LocalParent::new(Arc::clone(parent.chain()), self.id(name))),
        };
        let config = ServiceConfig { parent: Some(parent), ..ServiceConfig::default() };
        self.services.push((plot.name, start(self.files[name].clone(), Role::Solo(role), config)));
    }

    /// Stop the node of a child for good.
    pub fn stop(&mut self, name: &str) {
        let at = self.services.iter().position(|(other, _)| *other == name).unwrap();
        self.services.remove(at).1.stop();
    }

    /// Serve the nodes that run, at an address of their own.
    pub fn serve(&self) -> Client {
        let served = |(name, service): &(&str, Service)| Served::new(way(name), service.handle().clone());
        let router = router(Tree::new(self.services.iter().map(served).collect()).unwrap());
        let listener = self.runtime.block_on(tokio::net::TcpListener::bind(("127.0.0.1", 0))).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        self.runtime.spawn(banyan_api::serve(listener, router, std::future::pending()));
        Client::new(&url).unwrap()
    }

    /// A child's id.
    pub fn id(&self, name: &str) -> AssociateId {
        self.files[name].params.ledger
    }

    /// The leg into a child whose node may not run.
    pub fn step_into(&self, name: &str) -> Step {
        let plot = PLOTS.iter().find(|plot| plot.name == name).unwrap();
        let (on, into) = (plot.parent.into(), name.into());
        Step { action: Action::Commit, on, into, associate: self.id(name), regime: Some("operators".into()) }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        while let Some((_, service)) = self.services.pop() {
            service.stop();
        }
    }
}

fn start(file: GenesisFile, role: Role, config: ServiceConfig) -> Service {
    let chain = Arc::new(Chain::open(Mem::new(), file).unwrap());
    Service::start(Node::open(chain, role, PoolLimits::default()).unwrap(), config).unwrap()
}

fn root_role() -> RootRole {
    RootRole { miner: Some(key_of(1)), ..RootRole::default() }
}

/// Names from the root down.
fn way(name: &str) -> Vec<String> {
    let above = PLOTS.iter().find(|plot| plot.name == name).map(|plot| way(plot.parent));
    above.unwrap_or_default().into_iter().chain([name.to_owned()]).collect()
}

/// Genesis files by name: a parent's holds the registrations of its children, so the deepest are finished first.
fn genesis(interval_ms: u64) -> BTreeMap<&'static str, GenesisFile> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let time = TimeMs(u64::try_from(now.as_millis()).unwrap());
    let payers = PLOTS.iter().map(|plot| account_of(plot.seed + 1));
    let users = USERS.map(account_of);
    let accounts = payers.chain(users).map(|id| (id, coins(COINS))).collect();
    let mut files = BTreeMap::from([("root", GenesisFile::dev_root(time, Some(interval_ms), accounts))]);
    for plot in &PLOTS {
        let parent = &files[plot.parent].params.network_id;
        let id = AssociateId::derive(parent, account_of(plot.seed + 1), Nonce(1));
        let leader = PublicKey(key_of(plot.seed).public());
        files.insert(plot.name, GenesisFile::dev_solo(plot.name, id, time, interval_ms, leader));
    }
    for plot in PLOTS.iter().rev() {
        let registration = registration(plot, &files[plot.name]);
        files.get_mut(plot.parent).unwrap().associates.push(registration.into());
    }
    files
}

fn registration(plot: &Plot, child: &GenesisFile) -> AssociateCreate {
    AssociateCreate {
        creator_id: account_of(plot.seed + 1),
        network_id: child.params.network_id.clone(),
        genesis_hash: child.genesis().unwrap().hash(),
        genesis_root: Hash::ZERO,
        regime: Regime::Operators,
        operators: (1..=3).map(|n| account_of(plot.seed + n)).collect(),
        threshold: 2,
        recovery: vec![],
        recovery_threshold: 0,
        access: Access::Open,
        params: ChildParams {
            commit_timeout: plot.commit_timeout,
            silence: plot.silence,
            claim_window: plot.silence,
            change_delay: plot.commit_timeout.max(10),
            commit_min: Amount::new(1).unwrap(),
            commit_gas: Gas(0),
            remit_lines_max: 1_000,
            inbox_open_max: plot.inbox_open_max,
            remit_limit: Amount::ZERO,
            remit_limit_heights: 0,
            operator_bond: Amount::ZERO,
        },
        heir: None,
        expiry: Height(200_000),
        ttl: Height(0),
        fee: Amount::ZERO,
        nonce: Nonce(1),
    }
}

/// The way between two ledgers that are served.
pub fn steps(client: &Client, from: &str, to: &str) -> Vec<Step> {
    path(&client.tree().unwrap(), from, to).unwrap()
}

/// A journey of a user, before it is signed.
pub fn draft(client: &Client, user: u8, amount: Amount, steps: &[Step], manner: Manner) -> Draft {
    Draft::new(client, account(user), amount, steps, manner).unwrap()
}

/// Walk a plan to its end.
pub fn walk(client: &Client, plan: &Plan) -> Result<Vec<Progress>, Stopped> {
    let mut reached = Vec::new();
    Walk::new(client, plan, LIMIT, &mut |step| reached.push(step.clone())).run()?;
    Ok(reached)
}

/// Move coins of a user; what arrives.
pub fn moved(client: &Client, user: u8, amount: Amount, way: (&str, &str)) -> Amount {
    let draft = draft(client, user, amount, &steps(client, way.0, way.1), Manner::Routed);
    let arrives = draft.arrives();
    walk(client, &draft.sign(&key(user)).unwrap()).unwrap();
    arrives
}

/// What a user has on a ledger.
pub fn balance(client: &Client, user: u8, ledger: &str) -> Amount {
    client.on(ledger).account(account(user)).unwrap().balance
}

/// What a user has on each of the ledgers that are served.
pub fn balances(client: &Client, user: u8) -> BTreeMap<String, Amount> {
    let tops = client.tree().unwrap();
    let nodes = tops.iter().flat_map(|top| top.all()).map(|node| node.name.clone());
    nodes.map(|name| (balance(client, user, &name), name)).map(|(held, name)| (name, held)).collect()
}

/// Wait until a ledger has this height.
pub fn until_height(client: &Client, ledger: &str, height: Height) {
    let begun = Instant::now();
    while client.on(ledger).status().unwrap().height() < height {
        assert!(begun.elapsed() < LIMIT, "{ledger} does not come to height {height}");
        std::thread::park_timeout(PAUSE);
    }
}

/// Wait until something is so.
pub fn until(holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < LIMIT, "it never came");
        std::thread::park_timeout(PAUSE);
    }
}
