//! The devnet's nodes: those of the root, and of each ledger that hangs below it, each with a store of its own.

use std::{
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use banyan_api::Served;
use banyan_network::PeerAddr;
use banyan_node::{EngineParams, Handle, Leaves as _, Operators, WitnessRole};
use banyan_types::{AccountId, Nonce, TimeMs, tx::SignedTx};
use banyan_wallet::{client::Client, tx};
use serde_json::Value;

use super::{
    folder::Folder,
    genesis::{self, Files, Ledger, ROOT, Seeds, Shape},
};
use crate::{
    child_node::{ChildNode, Seat},
    cli::Fund,
    failure::{Exit, Failure},
    host::Host,
    peers,
    root_node::{Duty, RootNode, check},
};

/// Where the root's nodes hear each other: the system picks the port.
const ANY_PORT: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0));
/// Longest that the nodes may take until they are ready.
const READY_LIMIT: Duration = Duration::from_mins(1);
/// How often they are asked.
const PAUSE: Duration = Duration::from_millis(20);

/// What a tree is grown from, where nothing is there yet.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Milliseconds between key blocks.
    pub key_interval_ms: u64,
    /// More funded accounts.
    pub funds: Vec<Fund>,
    /// What hangs from the root.
    pub shape: Shape,
}

/// A running tree.
pub struct Tree {
    /// Nodes of the root; the first mines, and is the one that is asked. The others may rest.
    roots: Vec<Option<RootNode>>,
    /// Nodes of the ledgers below, in their order; the first of each is the one that is asked.
    children: Vec<Vec<ChildNode>>,
    files: Files,
    folder: PathBuf,
    /// Whether it was grown anew by this start.
    pub fresh: bool,
}

impl Tree {
    /// Grow the tree in `folder`, or let the one that is there go on.
    /// # Errors
    /// The disk's, and a genesis that another program wrote.
    pub fn grow(folder: &Folder, plan: &Plan) -> Result<Self, Failure> {
        let (files, fresh) = files(folder, plan)?;
        let roots = start_roots(folder.path(), &files)?;
        let mut children: Vec<Vec<ChildNode>> = Vec::new();
        for ledger in files.all() {
            let Some(parent) = ledger.parent else { continue };
            let above = if parent == 0 { first(&roots) } else { asked(&children[parent - 1]) };
            let nodes = start_child(folder, ledger, above)?;
            children.push(nodes);
        }
        Ok(Self { roots, children, files, folder: folder.path().to_owned(), fresh })
    }

    /// Start a node of the root that rests; it calls the others.
    /// # Errors
    /// The disk's, the network's.
    pub fn wake(&mut self, n: usize) -> Result<(), Failure> {
        let node = start_root(&self.folder, &self.files, n, &self.roots)?;
        if let Some(place) = self.roots.get_mut(n) {
            *place = Some(node);
        }
        Ok(())
    }

    /// Stop a node of the root, but not the first.
    pub fn rest(&mut self, n: usize) {
        if let Some(node) = self.roots.iter_mut().skip(1).nth(n.saturating_sub(1)).and_then(Option::take) {
            node.stop();
        }
    }

    /// The node of the root that is asked.
    fn root(&self) -> &Handle {
        first(&self.roots)
    }

    /// The ledgers to serve, the root first.
    pub fn served(&self) -> Vec<Served> {
        let nodes = std::iter::once(self.root()).chain(self.children.iter().map(|nodes| asked(nodes)));
        let served = |(ledger, handle): (&Ledger, &Handle)| Served {
            scribe: matches!(ledger.file.engine, EngineParams::Rotation(_)).then(|| genesis::scribe(ledger.name())),
            ..Served::new(ledger.path.clone(), handle.clone())
        };
        self.files.all().iter().zip(nodes).map(served).collect()
    }

    /// The ledgers' genesis files.
    pub const fn files(&self) -> &Files {
        &self.files
    }

    /// Send every funded account's commits that were not sent yet: the first transactions of each.
    /// # Errors
    /// The root refuses, which it does for no reason that a user can have caused.
    pub fn fund(&self) -> Result<(), Failure> {
        let commits = genesis::commits(&self.files)?;
        let is_new = |tx: &SignedTx| self.next_nonce(tx.transaction().signer()) <= tx.transaction().nonce();
        let fresh: Vec<_> = commits.into_iter().filter(is_new).collect();
        submit(self.root(), fresh)
    }

    fn next_nonce(&self, account: AccountId) -> Nonce {
        let on_chain = self.root().chain().head().and_then(|head| head.view.account(account));
        let used = on_chain.ok().flatten().map_or(Nonce(0), |account| account.nonce);
        let waiting = self.root().pool(|pool| pool.of_account(account).count());
        Nonce(used.0.saturating_add(waiting as u64).saturating_add(1))
    }

    /// Wait until all ledgers are ready and the root has ordered a transaction that tries it out.
    /// # Errors
    /// One of them is not, in time.
    pub fn wait(&self, host: &Host) -> Result<(), Failure> {
        let client = Client::new(&host.url())?;
        let until = Instant::now() + READY_LIMIT;
        let probe = probe(&client)?;
        let probed = probe.hash();
        submit(self.root(), vec![probe])?;
        let ordered = || client.transaction(probed).is_ok_and(|tx| tx.is_some_and(|tx| tx.block.is_some()));
        let answers = |ledger: &str| client.on(ledger).get::<Value>("/banyan/v1/readyz").is_ok();
        let ledgers = self.served().into_iter().filter_map(|served| served.path.into_iter().next_back());
        let ledgers: Vec<_> = ledgers.collect();
        let linked = |ledger: &str| client.on(ledger).status().is_ok_and(|status| status.top.height > 0);
        let stand = || ledgers.iter().all(|ledger| answers(ledger) && (ledger == ROOT || linked(ledger)));
        while !(ordered() && stand()) {
            self.check()?;
            if Instant::now() >= until {
                let what = format!("the ledgers are not ready after {} s", READY_LIMIT.as_secs());
                return Err(Failure::new(Exit::Ours, "not_ready", what, "banyan doctor, or banyan devnet --reset"));
            }
            thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// A node that has stopped by its own fault says so.
    /// # Errors
    /// That fault.
    pub fn check(&self) -> Result<(), Failure> {
        for (n, node) in self.roots.iter().enumerate().filter_map(|(n, node)| Some((n, node.as_ref()?))) {
            check(&format!("{ROOT}.{n}"), node.handle())?;
        }
        for (ledger, nodes) in self.files.all().iter().skip(1).zip(&self.children) {
            let mut nodes = nodes.iter().enumerate();
            nodes.try_for_each(|(n, node)| check(&format!("{}.{n}", ledger.name()), node.handle()))?;
        }
        Ok(())
    }

    /// Stop all: what was promised is on disk when this returns.
    pub fn stop(self) {
        self.children.into_iter().rev().flatten().for_each(ChildNode::stop);
        self.roots.into_iter().flatten().for_each(RootNode::stop);
    }
}

/// The node that mines.
fn first(roots: &[Option<RootNode>]) -> &Handle {
    roots.first().and_then(Option::as_ref).map(RootNode::handle).expect("the first node never rests")
}

/// Start all nodes of the root. The one that mines comes last: a witness that met final blocks at its very first start would
/// have to take itself for one that has lost its memory, and wait. A tree of an earlier version has no witnesses: its root is
/// final by depth, and one node is all of it.
fn start_roots(folder: &Path, files: &Files) -> Result<Vec<Option<RootNode>>, Failure> {
    let mut roots: Vec<_> = (0..files.root().witnesses.len().max(1)).map(|_| None).collect();
    for n in (0..roots.len()).rev() {
        roots[n] = Some(start_root(folder, files, n, &roots)?);
    }
    Ok(roots)
}

/// Start node `n` of the root; where there are witnesses it is one of them, and calls the others.
fn start_root(folder: &Path, files: &Files, n: usize, roots: &[Option<RootNode>]) -> Result<RootNode, Failure> {
    let name = if n == 0 { ROOT.to_owned() } else { format!("{ROOT}.{n}") };
    let witness = genesis::witnesses().into_iter().nth(n).filter(|_| !files.root().witnesses.is_empty());
    let others = roots.iter().flatten().flat_map(RootNode::addresses);
    let boot: Vec<PeerAddr> = others.filter_map(|address| address.parse().ok()).collect();
    let duty = Duty {
        miner: (n == 0).then(genesis::miner),
        miner_threads: 1,
        beneficiary: None,
        overrules: false,
        network: witness.is_some().then(|| peers::Plan { listen: vec![ANY_PORT], boot, allow: None }),
        witness: witness.map(|key| WitnessRole { key, is_new: false }),
    };
    RootNode::start(&folder.join(name), files.root().clone(), duty)
}

/// The node that is asked.
fn asked(nodes: &[ChildNode]) -> &Handle {
    nodes.first().map(ChildNode::handle).expect("a ledger has a node")
}

/// Start all nodes of a child, below one node of its parent. A ledger of one operator has one node.
fn start_child(folder: &Folder, ledger: &Ledger, above: &Handle) -> Result<Vec<ChildNode>, Failure> {
    let (name, keys) = (ledger.name(), genesis::order_keys(&ledger.file));
    let is_alone = matches!(ledger.file.engine, EngineParams::Solo(_));
    let mut nodes: Vec<ChildNode> = Vec::new();
    for (n, key) in keys.into_iter().enumerate() {
        let place = if n == 0 { name.to_owned() } else { format!("{name}.{n}") };
        let boot = nodes.iter().flat_map(ChildNode::addresses).filter_map(|address| address.parse().ok()).collect();
        let seat = Seat {
            key,
            operators: operators(name),
            parent: above.clone().into(),
            network: (!is_alone).then(|| peers::Plan { listen: vec![ANY_PORT], boot, allow: None }),
        };
        nodes.push(ChildNode::start(&folder.store(&place), ledger.file.clone(), seat)?);
    }
    Ok(nodes)
}

fn operators(child: &str) -> Operators {
    let signers = genesis::operators(child);
    let payer = signers.first().cloned().expect("a child has operators");
    Operators { payer, signers }
}

/// A payment of the prober to itself.
fn probe(client: &Client) -> Result<SignedTx, Failure> {
    let (key, account) = (genesis::prober(), AccountId(genesis::prober().public()));
    let status = client.status()?;
    let terms = tx::Terms {
        params: status.params(),
        height: status.height(),
        nonce: client.account(account)?.next(),
        ttl: None,
        fee: None,
    };
    let tx = tx::spend(account, banyan_types::Payee::Account(account), banyan_types::Amount::ZERO, &terms)?;
    Ok(tx.sign(&status.network_id, &key))
}

/// Give a node transactions of the devnet itself. When this returns they are on disk.
fn submit(node: &Handle, txs: Vec<SignedTx>) -> Result<(), Failure> {
    let refused = |why: String| {
        let what = "a transaction of the devnet itself is refused";
        Failure::new(Exit::Ours, "own_tx", what, "banyan devnet --reset").because(why)
    };
    if txs.is_empty() {
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(|error| refused(error.to_string()))?;
    let answers = runtime.block_on(node.submit(txs))?;
    answers.into_iter().try_for_each(|answer| answer.map(drop).map_err(|error| refused(error.to_string())))
}

/// The genesis files: those that are there, or new ones. The root's is written last: without it nothing has begun.
fn files(folder: &Folder, plan: &Plan) -> Result<(Files, bool), Failure> {
    let root = folder.genesis(ROOT);
    if root.exists() {
        let read = |path: &Path| crate::command::genesis::read(path);
        return Ok((Files::of(read(&root)?, |name| read(&folder.genesis(name)))?, false));
    }
    // What an interrupted reset has left belongs to a root that nobody knows any more.
    folder.clear(&root)?;
    // One interval ago, so that the first key block may come at once.
    let time = TimeMs(crate::command::genesis::now().saturating_sub(plan.key_interval_ms));
    let seeds = Seeds { time, key_interval_ms: plan.key_interval_ms, funds: plan.funds.clone(), shape: plan.shape };
    let files = genesis::make(&seeds)?;
    for ledger in files.all().iter().rev() {
        folder.write(&folder.genesis(ledger.name()), ledger.file.to_toml().as_bytes())?;
    }
    Ok((files, true))
}
