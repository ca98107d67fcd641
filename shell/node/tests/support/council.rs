//! A root and a child that four validators order, driven by hand: virtual time, links of 20 ms.

use std::{collections::VecDeque, sync::Arc};

use banyan_ledger::{CommitteeEngine, ConnectionPoint, Fault, key as leaf};
use banyan_node::{
    Chain, GenesisFile, Header, Input, Leaves as _, LocalParent, Node, Operators, Order, PoolLimits, Role, RootRole,
    ValidatorRole,
};
use banyan_store::Mem;
use banyan_types::{
    Amount, AssociateId, Hash, Height, Nonce, Peer, PublicKey, TimeMs, TxHash,
    associate::{Regime, Validators},
    header::ChildHeader,
    tx::SignedTx,
};

use super::{MINER, OPERATORS, START, USER, account, coins, key, lies::lie, registration, solve};

/// Seeds of the validators' keys.
pub const VALIDATORS: [u8; 4] = [41, 42, 43, 44];
const LINK_MS: u64 = 20;
const STEP_MS: u64 = 10;

pub struct Council {
    pub now: TimeMs,
    pub root: Node,
    pub validators: Vec<Option<Node>>,
    pub child_id: AssociateId,
    pub network: String,
    /// What nodes have said to their operators.
    pub alarms: Vec<(usize, String)>,
    /// Seeds of the nodes' keys: not all need be validators'.
    keys: Vec<u8>,
    child_file: GenesisFile,
    /// Which side of a partition each is on.
    pub sides: Vec<u8>,
    /// Whether what is sent to the parent is lost.
    pub is_mute: bool,
    /// Who gives others bodies and inbox entries that are not those of the blocks.
    pub liar: Option<usize>,
    disks: Vec<Mem>,
    root_chain: Arc<Chain>,
    /// Frames under way: when they arrive, from whom, to whom.
    wires: VecDeque<(TimeMs, usize, usize, Vec<u8>)>,
    /// Which connection a number names: numbers are never used again.
    links: Vec<Vec<Option<u64>>>,
    next_peer: u64,
}

/// How the four order the child.
#[derive(Debug, Clone, Copy)]
pub enum Engine {
    Committee,
    /// By turns, with this threshold; operators answer for it.
    Rotation(u32),
    /// By turns, with this threshold; the parent takes the validators' own word.
    CertifiedRotation(u32),
}

fn files(
    engine: Engine,
    validators: &[u8],
    change: impl FnOnce(GenesisFile) -> GenesisFile,
) -> (GenesisFile, GenesisFile, AssociateId) {
    let rich = [USER, OPERATORS[0], OPERATORS[1], OPERATORS[2]];
    let accounts = rich.into_iter().map(|seed| (account(seed), coins(10_000))).collect();
    let mut root = GenesisFile::dev_root(START, None, accounts);
    let id = AssociateId::derive(&root.params.network_id, account(OPERATORS[0]), Nonce(1));
    let keys: Vec<_> = validators.iter().map(|seed| PublicKey(key(*seed).public())).collect();
    let child = match engine {
        Engine::Committee => GenesisFile::dev_committee("bank", id, START, 3_000, &keys),
        Engine::Rotation(threshold) | Engine::CertifiedRotation(threshold) => {
            GenesisFile::dev_rotation("relay", id, START, 3_000, (&keys, threshold))
        }
    };
    let child = change(child.unwrap());
    let regime = match engine {
        Engine::Rotation(_) => Regime::Operators,
        Engine::Committee | Engine::CertifiedRotation(_) => Regime::Certificate(child.engine.certifiers().unwrap()),
    };
    root.associates.push(registration(&child, regime).into());
    (root, child, id)
}

impl Council {
    pub fn new(engine: Engine) -> Self {
        Self::with(engine, &VALIDATORS, |child| child)
    }

    /// Nodes with these keys, on a child whose genesis is changed.
    pub fn with(engine: Engine, keys: &[u8], change: impl FnOnce(GenesisFile) -> GenesisFile) -> Self {
        Self::of(engine, &VALIDATORS, keys, change)
    }

    /// The same of other validators.
    pub fn of(engine: Engine, validators: &[u8], keys: &[u8], change: impl FnOnce(GenesisFile) -> GenesisFile) -> Self {
        let (root_file, child_file, child_id) = files(engine, validators, change);
        let root_chain = Arc::new(Chain::open(Mem::new(), root_file).unwrap());
        let role = RootRole { miner: Some(key(MINER)), ..RootRole::default() };
        let root = Node::open(Arc::clone(&root_chain), Role::Root(role), PoolLimits::default()).unwrap();
        let mut council = Self {
            now: START,
            root,
            validators: keys.iter().map(|_| None).collect(),
            child_id,
            network: child_file.params.network_id.clone(),
            alarms: vec![],
            keys: keys.to_vec(),
            child_file,
            sides: vec![0; keys.len()],
            is_mute: false,
            liar: None,
            disks: keys.iter().map(|_| Mem::new()).collect(),
            root_chain,
            wires: VecDeque::new(),
            links: vec![vec![None; keys.len()]; keys.len()],
            next_peer: 0,
        };
        (0..keys.len()).for_each(|n| council.start(n));
        council
    }

    /// Start a validator on what its disk holds, and connect it with those that run.
    pub fn start(&mut self, n: usize) {
        let chain = Arc::new(Chain::open(self.disks[n].clone(), self.child_file.clone()).unwrap());
        let parent = Box::new(LocalParent::new(Arc::clone(&self.root_chain), self.child_id));
        let operators = Operators { signers: OPERATORS.map(key).to_vec(), payer: key(OPERATORS[0]) };
        let role = ValidatorRole { key: Some(key(self.keys[n])), operators: Some(operators), parent };
        self.validators[n] = Some(Node::open(chain, Role::Validator(role), PoolLimits::default()).unwrap());
        self.input(n, Input::Tick(self.now));
        for other in (0..self.keys.len()).filter(|other| *other != n) {
            if self.validators[other].is_some() {
                self.connect(n, other);
                self.connect(other, n);
            }
        }
    }

    fn connect(&mut self, at: usize, to: usize) {
        self.next_peer += 1;
        self.links[at][to] = Some(self.next_peer);
        let (peer, who) = (Peer(self.next_peer), PublicKey(key(self.keys[to]).public()));
        self.input(at, Input::Connected { peer, who, outbound: true });
    }

    /// Stop a validator; what it did not flush is lost.
    pub fn kill(&mut self, n: usize) {
        self.validators[n] = None;
        self.disks[n] = self.disks[n].crash(0);
        self.wires.retain(|(_, from, to, _)| *from != n && *to != n);
        for other in (0..self.keys.len()).filter(|other| *other != n) {
            self.links[n][other] = None;
            if let Some(peer) = self.links[other][n].take().filter(|_| self.validators[other].is_some()) {
                self.input(other, Input::Gone(Peer(peer)));
            }
        }
    }

    /// Take a stopped validator's disk away.
    pub fn wipe(&mut self, n: usize) {
        self.disks[n] = Mem::new();
    }

    fn input(&mut self, n: usize, input: Input) {
        let Some(node) = &mut self.validators[n] else { return };
        let orders = node.handle(input).unwrap();
        self.carry_out(n, orders);
    }

    fn carry_out(&mut self, n: usize, orders: Vec<Order>) {
        for order in orders {
            match order {
                Order::Frame { peer, bytes, .. } => {
                    let to = self.links[n].iter().position(|link| *link == Some(peer.0));
                    let at = TimeMs(self.now.0 + LINK_MS);
                    let bytes = if self.liar == Some(n) { lie(bytes) } else { bytes };
                    self.wires.extend(to.map(|to| (at, n, to, bytes)));
                }
                Order::ToParent(_) if self.is_mute => {}
                Order::ToParent(tx) => {
                    // Another validator may have been quicker.
                    let (_, orders) = self.root.submit(vec![*tx]).unwrap();
                    self.root_orders(orders);
                }
                Order::Disconnect { peer, why, .. } => {
                    let to = self.links[n].iter_mut().position(|link| link.take_if(|link| *link == peer.0).is_some());
                    assert!(to.is_some() && to == self.liar, "{n} throws {peer:?} out: {why}");
                }
                Order::News(banyan_node::News::Alarm(alarm)) => self.alarms.push((n, alarm)),
                _ => {}
            }
        }
    }

    fn root_orders(&mut self, orders: Vec<Order>) {
        for order in orders {
            if let Order::Mine(template, header) = order {
                let (nonce, pow) = solve(&self.root, &header);
                let more = self.root.handle(Input::Solved { template, nonce, pow: Box::new(pow) }).unwrap();
                self.root_orders(more);
            }
        }
    }

    /// Let so many milliseconds pass.
    pub fn run(&mut self, ms: u64) {
        let end = self.now.0 + ms;
        while self.now.0 < end {
            self.now.0 += STEP_MS;
            let orders = self.root.handle(Input::Tick(self.now)).unwrap();
            self.root_orders(orders);
            for n in 0..self.keys.len() {
                self.input(n, Input::Tick(self.now));
                self.input(n, Input::ParentMoved);
            }
            while self.wires.front().is_some_and(|(at, ..)| *at <= self.now) {
                let Some((_, from, to, bytes)) = self.wires.pop_front() else { break };
                if let Some(peer) = self.links[to][from].filter(|_| self.sides[to] == self.sides[from]) {
                    self.input(to, Input::Frame { peer: Peer(peer), bytes });
                }
            }
        }
    }

    pub fn submit_root(&mut self, tx: SignedTx) {
        let (answers, orders) = self.root.submit(vec![tx]).unwrap();
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        self.root_orders(orders);
    }

    pub fn submit(&mut self, n: usize, tx: SignedTx) -> Result<TxHash, (Fault, &'static str)> {
        let (answers, orders) = self.validators[n].as_mut().unwrap().submit(vec![tx]).unwrap();
        self.carry_out(n, orders);
        answers.into_iter().next().unwrap().map_err(|error| (error.fault(), error.code()))
    }

    /// What a node's state says of the epochs.
    pub fn committee(&self, n: usize) -> CommitteeEngine {
        let head = self.node(n).chain().head().unwrap();
        head.view.leaf(&leaf::engine(), CommitteeEngine::decode).unwrap().unwrap()
    }

    /// Whom the parent takes the word of.
    pub fn known(&self) -> Validators {
        match self.point().regime {
            Regime::Certificate(validators) => validators,
            other => panic!("{other:?}"),
        }
    }

    /// The child's connection point.
    pub fn point(&self) -> ConnectionPoint {
        self.root.chain().head().unwrap().view.associate(self.child_id).unwrap().unwrap()
    }

    /// The header of a child's block.
    pub fn header(&self, n: usize, height: u64) -> ChildHeader {
        let hash = self.node(n).chain().main_at(banyan_store::Place::at(height)).unwrap().unwrap();
        match self.node(n).chain().header(hash).unwrap().unwrap() {
            Header::Child(header) => *header,
            _ => panic!("no child"),
        }
    }

    pub fn node(&self, n: usize) -> &Node {
        self.validators[n].as_ref().unwrap()
    }

    pub fn height(&self, n: usize) -> Height {
        self.node(n).chain().head().unwrap().header.height()
    }

    pub fn head(&self, n: usize) -> Hash {
        self.node(n).chain().head().unwrap().hash
    }

    pub fn last_final(&self, n: usize) -> Height {
        self.node(n).chain().last_final().unwrap().header.height()
    }

    pub fn balance(&self, n: usize, seed: u8) -> Amount {
        let head = self.node(n).chain().head().unwrap();
        head.view.account(account(seed)).unwrap().map_or(Amount::ZERO, |account| account.balance)
    }

    /// Whether all that run hold one chain, as far as the shortest goes.
    pub fn agree(&self) -> bool {
        let running: Vec<_> = (0..self.keys.len()).filter(|n| self.validators[*n].is_some()).collect();
        let least = running.iter().map(|n| self.height(*n)).min().unwrap();
        let at = |n: &usize| self.node(*n).chain().main_at(banyan_store::Place::at(least.0)).unwrap();
        running.iter().all(|n| at(n) == at(&running[0]))
    }
}
