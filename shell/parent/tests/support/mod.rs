//! A root of one node over memory, served over HTTP, with one child registered on it; final by depth, so that its node has to be
//! believed.

#![allow(dead_code, unreachable_pub, reason = "each test file uses a part")]

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use banyan_api::{Served, Tree, router};
use banyan_crypto::SecretKey;
use banyan_node::{Chain, GenesisFile, Handle, Node, Operators, PoolLimits, Role, RootRole, Service, ServiceConfig};
use banyan_parent::{Config, Trust};
use banyan_store::Mem;
use banyan_types::{
    AccountId, Amount, AssociateId, Gas, Hash, Height, Nonce, PublicKey, TimeMs,
    associate::{Access, ChildParams, Regime},
    tx::AssociateCreate,
};
use banyan_wallet::{
    client::Client,
    tx::{self, Terms},
};
use tokio::runtime::Runtime;

/// Milliseconds between key blocks.
const INTERVAL_MS: u64 = 100;
/// Longest that a test waits for anything.
const LIMIT: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(20);

pub fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed([seed; 32])
}

pub fn account(seed: u8) -> AccountId {
    AccountId(key(seed).public())
}

/// Who answers for the child.
pub fn operators() -> Operators {
    Operators { signers: vec![key(OPERATOR)], payer: key(OPERATOR) }
}

pub fn coins(coins: u64) -> Amount {
    Amount::coins(coins).unwrap()
}

/// Keys: who mines, who created the child, who answers for it and pays, who has coins.
const MINER: u8 = 1;
const CREATOR: u8 = 2;
pub const OPERATOR: u8 = 3;
pub const USER: u8 = 4;

pub struct Root {
    service: Option<Service>,
    servers: Vec<(String, Runtime)>,
    pub file: GenesisFile,
    /// Genesis of the child, which one operator orders.
    pub child: GenesisFile,
}

impl Root {
    pub fn new() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let time = TimeMs(u64::try_from(now.as_millis()).unwrap());
        let accounts = BTreeMap::from([CREATOR, OPERATOR, USER].map(|seed| (account(seed), coins(1_000))));
        let mut file = GenesisFile::dev_root(time, Some(INTERVAL_MS), accounts);
        let id = AssociateId::derive(&file.params.network_id, account(CREATOR), Nonce(1));
        let child = GenesisFile::dev_solo("shop", id, time, INTERVAL_MS, PublicKey(key(OPERATOR).public()));
        file.associates.push(registration(&child).into());
        let chain = Arc::new(Chain::open(Mem::new(), file.clone()).unwrap());
        let role = RootRole { miner: Some(key(MINER)), ..RootRole::default() };
        let node = Node::open(chain, Role::Root(role), PoolLimits::default()).unwrap();
        let service = Service::start(node, ServiceConfig::default()).unwrap();
        Self { service: Some(service), servers: vec![], file, child }
    }

    pub fn handle(&self) -> &Handle {
        self.service.as_ref().unwrap().handle()
    }

    /// Serve it at one more address.
    pub fn serve(&mut self) -> String {
        let served = Served::new(vec!["root".into()], self.handle().clone());
        let router = router(Tree::new(vec![served]).unwrap());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind(("127.0.0.1", 0))).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        runtime.spawn(banyan_api::serve(listener, router, std::future::pending()));
        self.servers.push((url.clone(), runtime));
        url
    }

    /// Answer there no longer, not even on connections that stand.
    pub fn hush(&mut self, url: &str) {
        let at = self.servers.iter().position(|(held, _)| held == url).unwrap();
        self.servers.remove(at).1.shutdown_background();
    }

    pub fn id(&self) -> AssociateId {
        self.child.params.ledger
    }

    pub fn config(&self, urls: &[&str]) -> Config {
        Config {
            urls: urls.iter().map(|url| (*url).to_owned()).collect(),
            token: None,
            genesis: self.file.clone(),
            trust: Trust::Node,
            child: self.id(),
            payer: account(OPERATOR),
        }
    }

    /// Coins of the user, for an account of the child.
    pub fn commit(&self, client: &Client, to: AccountId, amount: Amount) {
        let status = client.status().unwrap();
        let nonce = client.account(account(USER)).unwrap().next();
        let terms = Terms { params: status.params(), height: status.height(), nonce, ttl: None, fee: None };
        let commit = tx::commit(account(USER), self.id(), to, amount, vec![], &terms).unwrap();
        client.submit(&commit.sign(&status.network_id, &key(USER))).unwrap();
    }

    pub fn final_height(&self) -> Height {
        self.handle().chain().last_final().unwrap().header.height()
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        self.service.take().unwrap().stop();
    }
}

/// Wait until something is so.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < LIMIT, "{what}: it never came");
        std::thread::park_timeout(PAUSE);
    }
}

fn registration(child: &GenesisFile) -> AssociateCreate {
    AssociateCreate {
        creator_id: account(CREATOR),
        network_id: child.params.network_id.clone(),
        genesis_hash: child.genesis().unwrap().hash(),
        genesis_root: Hash::ZERO,
        regime: Regime::Operators,
        operators: vec![account(OPERATOR)],
        threshold: 1,
        recovery: vec![],
        recovery_threshold: 0,
        access: Access::Open,
        params: ChildParams {
            commit_timeout: 2_000,
            silence: 20_000,
            claim_window: 20_000,
            change_delay: 2_000,
            commit_min: Amount::new(1).unwrap(),
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
    }
}
