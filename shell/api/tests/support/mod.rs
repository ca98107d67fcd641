//! A root and one child over memory, running in real time with short intervals, and the router that serves both.

#![allow(dead_code, unreachable_pub)] // each test uses its part

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode},
};
use banyan_api::{Pass, Served, Tree, router};
use banyan_crypto::SecretKey;
use banyan_node::{
    Chain, GenesisFile, Handle, LocalParent, Node, Operators, PoolLimits, Role, RootRole, Service, ServiceConfig,
    SoloRole, ValidatorRole,
};
use banyan_store::Mem;
use banyan_types::{
    AccountId, Amount, Asset, AssociateId, Bytes, Gas, Hash, Height, Nonce, Payee, PublicKey, TimeMs,
    associate::{Access, ChildParams, Regime},
    text::{self, Prefix},
    tx::{AssociateCommit, AssociateCreate, AssociateWithdraw, SignedTx, Spend, Transaction},
};
use serde_json::Value;
use tower::ServiceExt as _;

/// Seeds of the keys in every world: a user, a friend, the operators, the leader, the miner.
pub const USER: u8 = 1;
pub const FRIEND: u8 = 2;
pub const OPERATORS: [u8; 3] = [11, 12, 13];
pub const LEADER: u8 = 21;
pub const MINER: u8 = 31;
/// Signs for clients who have no account.
pub const SCRIBE: u8 = 51;
/// A key that no account has.
pub const STRANGER: u8 = 99;

/// The first accounts of the public development mnemonic, which the browser and the SDK checks use.
pub const DEV: [&str; 3] = [
    "ak_21SBPc3yHP7bpQDvD1KMKzZZEgLtSXpDsK97LTjVwjiskra6Ka",
    "ak_iV7sCUsuKZytEEBEsX9N2K37m26X132LegogrgJEWzzPVjmmS",
    "ak_2D8fAoXC3dweJkpstEp89uXQby7i4RU6HeXyPNmyCjXLGH6pPz",
];

/// What the root's transactions are signed for.
pub const ROOT_NETWORK: &str = "banyan_dev";

/// A key from a fixed seed: for tests only.
pub fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed([seed; 32])
}

pub fn account(seed: u8) -> AccountId {
    AccountId(key(seed).public())
}

pub fn coins(coins: u64) -> Amount {
    Amount::coins(coins).unwrap()
}

pub struct World {
    pub router: Router,
    pub child_id: AssociateId,
    pub child_network: String,
    services: Vec<Service>,
}

/// An answer, read to its end.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

impl World {
    /// Both ledgers, key blocks every so many milliseconds.
    pub fn new(key_interval_ms: u64) -> Self {
        Self::mined_by(1, key_interval_ms)
    }

    /// The same, with so many threads that mine.
    pub fn mined_by(threads: usize, key_interval_ms: u64) -> Self {
        Self::grown(threads, key_interval_ms, vec![], vec![])
    }

    /// A world whose child is for those who hold one of these.
    pub fn private(passes: Vec<Pass>) -> Self {
        Self::grown(1, 500, vec![], passes)
    }

    /// A world whose root is for those who hold one of these, and whose child is everybody's.
    pub fn under_private(passes: Vec<Pass>) -> Self {
        Self::grown(1, 500, passes, vec![])
    }

    fn grown(threads: usize, key_interval_ms: u64, above: Vec<Pass>, passes: Vec<Pass>) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let time = TimeMs(u64::try_from(now.as_millis()).unwrap());
        let (root_file, child_file, child_id) = genesis(time, key_interval_ms);
        let child_network = child_file.params.network_id.clone();
        let root = root(root_file, threads);
        let child = child(root.handle(), child_file, child_id);
        let served = |path: &[&str], handle: &Handle| {
            Served::new(path.iter().map(ToString::to_string).collect(), handle.clone())
        };
        let bank = Served { passes, ..served(&["root", "bank"], child.handle()) };
        let tree = Tree::new(vec![Served { passes: above, ..served(&["root"], root.handle()) }, bank]);
        Self { router: router(tree.unwrap()), child_id, child_network, services: vec![child, root] }
    }

    /// A root and a child that validators order by turns, of whom one is all; the scribe's key is [`SCRIBE`].
    pub fn in_turns() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let time = TimeMs(u64::try_from(now.as_millis()).unwrap());
        let creator = account(OPERATORS[0]);
        let child_id = AssociateId::derive(ROOT_NETWORK, creator, Nonce(1));
        let key = PublicKey(key(LEADER).public());
        let file = GenesisFile::dev_rotation("relay", child_id, time, 500, (&[key], 1)).unwrap();
        let (mut root_file, ..) = genesis(time, 500);
        root_file.associates = vec![registration(&file, creator).into()];
        let child_network = file.params.network_id.clone();
        let root = root(root_file, 1);
        let child = validator(root.handle(), file, child_id);
        let served = |path: &[&str], handle: &Handle, scribe| Served {
            path: path.iter().map(ToString::to_string).collect(),
            handle: handle.clone(),
            scribe,
            passes: vec![],
        };
        let relay = served(&["root", "relay"], child.handle(), Some(self::key(SCRIBE)));
        let tree = Tree::new(vec![served(&["root"], root.handle(), None), relay]).unwrap();
        Self { router: router(tree), child_id, child_network, services: vec![child, root] }
    }

    /// The usual one: a key block each half second.
    pub fn quick() -> Self {
        Self::new(500)
    }

    pub async fn request(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.request(Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// A page, as a browser asks for it.
    pub async fn page(&self, path: &str) -> Answer {
        self.request(Request::get(path).header("accept", "text/html").body(Body::empty()).unwrap()).await
    }

    pub async fn post(&self, path: &str, body: impl Into<Body>) -> Answer {
        self.request(Request::post(path).body(body.into()).unwrap()).await
    }

    /// Post one transaction as a client of the public protocol does.
    pub async fn post_tx(&self, base: &str, tx: &SignedTx) -> Answer {
        let body = serde_json::json!({ "tx": encoded(tx) });
        self.post(&format!("{base}/v3/transactions"), body.to_string()).await
    }

    /// Submit by our own surface and wait for a level.
    pub async fn submit(&self, base: &str, txs: &[SignedTx], level: &str) -> Answer {
        let body = serde_json::json!({ "txs": txs.iter().map(encoded).collect::<Vec<_>>() });
        self.post(&format!("{base}/banyan/v1/transactions?wait={level}&timeout_ms=30000"), body.to_string()).await
    }

    /// Submit and wait; every transaction must have the level then.
    pub async fn settle(&self, base: &str, txs: &[SignedTx], level: &str) -> Value {
        let answer = self.submit(base, txs, level).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        assert!(!answer.text.contains("\"error\""), "{}", answer.text);
        answer.json()
    }

    pub fn stop(self) {
        self.services.into_iter().for_each(Service::stop);
    }
}

fn genesis(time: TimeMs, key_interval_ms: u64) -> (GenesisFile, GenesisFile, AssociateId) {
    let rich = [USER, OPERATORS[0], OPERATORS[1], OPERATORS[2]];
    let rich = rich.map(account).into_iter().chain(DEV.map(|id| id.parse().unwrap()));
    let accounts = rich.map(|id| (id, coins(10_000))).collect();
    let mut root = GenesisFile::dev_root(time, Some(key_interval_ms), accounts);
    let creator = account(OPERATORS[0]);
    let id = AssociateId::derive(&root.params.network_id, creator, Nonce(1));
    let child = GenesisFile::dev_solo("bank", id, time, key_interval_ms, PublicKey(key(LEADER).public()));
    root.associates.push(registration(&child, creator).into());
    (root, child, id)
}

fn registration(child: &GenesisFile, creator_id: AccountId) -> AssociateCreate {
    AssociateCreate {
        creator_id,
        network_id: child.params.network_id.clone(),
        genesis_hash: child.genesis().unwrap().hash(),
        genesis_root: Hash::ZERO,
        regime: Regime::Operators,
        operators: OPERATORS.map(account).to_vec(),
        threshold: 2,
        recovery: vec![],
        recovery_threshold: 0,
        access: Access::Open,
        params: ChildParams {
            commit_timeout: 200,
            silence: 20_000,
            claim_window: 20_000,
            change_delay: 200,
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

fn root(file: GenesisFile, miner_threads: usize) -> Service {
    let chain = Arc::new(Chain::open(Mem::new(), file).unwrap());
    let role = RootRole { miner: Some(key(MINER)), ..RootRole::default() };
    let node = Node::open(chain, Role::Root(role), PoolLimits::default()).unwrap();
    Service::start(node, ServiceConfig { miner_threads, ..ServiceConfig::default() }).unwrap()
}

fn child(parent: &Handle, file: GenesisFile, id: AssociateId) -> Service {
    let signers = OPERATORS.map(key).to_vec();
    let role = SoloRole {
        leader: key(LEADER),
        operators: Operators { signers, payer: key(OPERATORS[0]) },
        parent: Box::new(LocalParent::new(Arc::clone(parent.chain()), id)),
    };
    let chain = Arc::new(Chain::open(Mem::new(), file).unwrap());
    let node = Node::open(chain, Role::Solo(role), PoolLimits::default()).unwrap();
    Service::start(node, ServiceConfig { parent: Some(parent.clone()), ..ServiceConfig::default() }).unwrap()
}

fn validator(parent: &Handle, file: GenesisFile, id: AssociateId) -> Service {
    let signers = OPERATORS.map(key).to_vec();
    let role = ValidatorRole {
        key: Some(key(LEADER)),
        operators: Some(Operators { signers, payer: key(OPERATORS[0]) }),
        parent: Box::new(LocalParent::new(Arc::clone(parent.chain()), id)),
    };
    let chain = Arc::new(Chain::open(Mem::new(), file).unwrap());
    let node = Node::open(chain, Role::Validator(role), PoolLimits::default()).unwrap();
    Service::start(node, ServiceConfig { parent: Some(parent.clone()), ..ServiceConfig::default() }).unwrap()
}

/// A fee that is always enough.
pub fn fee() -> Amount {
    Amount::new(2_000_000_000_000_000).unwrap()
}

/// A payment, unsigned, to be changed before it is signed.
pub fn payment(from: u8, to: u8, amount: Amount, nonce: u64) -> Spend {
    Spend {
        sender_id: account(from),
        recipient_id: Payee::Account(account(to)),
        amount,
        fee: fee(),
        ttl: Height(0),
        nonce: Nonce(nonce),
        payload: Bytes::default(),
    }
}

pub fn signed(tx: impl Into<Transaction>, network: &str, by: u8) -> SignedTx {
    tx.into().sign(network, &key(by))
}

pub fn spend(network: &str, from: u8, to: u8, amount: Amount, nonce: u64) -> SignedTx {
    signed(payment(from, to, amount, nonce), network, from)
}

pub fn commit(child: AssociateId, from: u8, amount: Amount, nonce: u64) -> SignedTx {
    commit_to(child, from, account(from), amount, nonce)
}

pub fn commit_to(child: AssociateId, from: u8, to_id: AccountId, amount: Amount, nonce: u64) -> SignedTx {
    let tx = AssociateCommit {
        from_id: account(from),
        associate_id: child,
        to_id,
        asset: Asset::Coin,
        amount,
        route: vec![],
        leg: Hash::ZERO,
        deadline: Height(0),
        ttl: Height(0),
        fee: fee(),
        nonce: Nonce(nonce),
    };
    signed(tx, ROOT_NETWORK, from)
}

pub fn withdraw(network: &str, from: u8, amount: Amount, nonce: u64) -> SignedTx {
    let tx = AssociateWithdraw {
        from_id: account(from),
        to_id: Payee::Account(account(from)),
        asset: Asset::Coin,
        amount,
        route: vec![],
        leg: Hash::ZERO,
        ttl: Height(0),
        fee: fee(),
        nonce: Nonce(nonce),
    };
    signed(tx, network, from)
}

pub fn encoded(tx: &SignedTx) -> String {
    text::encode(Prefix::TransactionBytes, tx.bytes())
}
