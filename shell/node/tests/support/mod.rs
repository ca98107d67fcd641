//! A root and one child over memory, driven by hand: virtual time, real proofs of work.

#![allow(dead_code, unreachable_pub)] // each test uses its part

pub mod council;
mod lies;
pub mod town;

use std::sync::Arc;

use banyan_crypto::SecretKey;
use banyan_ledger::Fault;
use banyan_node::{
    Chain, EngineParams, GenesisFile, Input, Leaves as _, LocalParent, Node, Operators, Order, PoolLimits, Role,
    RootRole, SoloRole,
};
use banyan_root::{
    pow::{Cycle, EdgeBits, Lean, Seed, Solver as _, verify},
    target::Target,
};
use banyan_store::Mem;
use banyan_types::{
    AccountId, Amount, Asset, AssociateId, Bytes, Hash, Height, Nonce, Payee, PublicKey, TimeMs, TxHash,
    associate::{Access, ChildParams, Regime},
    header::{KEY_WORKED_BYTES, KeyHeader},
    tx::{AssociateCommit, AssociateCreate, AssociateWithdraw, SignedTx, Spend, Transaction},
};

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

/// Seeds of the keys in every world: a user, a friend, the operators, the leader, the miner.
pub const USER: u8 = 1;
pub const FRIEND: u8 = 2;
pub const OPERATORS: [u8; 3] = [11, 12, 13];
pub const LEADER: u8 = 21;
pub const MINER: u8 = 31;

pub const START: TimeMs = TimeMs(1_700_000_000_000);

pub struct World {
    pub now: TimeMs,
    pub root: Node,
    pub child: Node,
    pub child_id: AssociateId,
    disks: [Mem; 2],
}

pub fn genesis() -> (GenesisFile, GenesisFile, AssociateId) {
    let rich = [USER, OPERATORS[0], OPERATORS[1], OPERATORS[2]];
    let accounts = rich.into_iter().map(|seed| (account(seed), coins(10_000))).collect();
    let mut root = GenesisFile::dev_root(START, None, accounts);
    let creator = account(OPERATORS[0]);
    let id = AssociateId::derive(&root.params.network_id, creator, Nonce(1));
    let child = GenesisFile::dev_solo("bank", id, START, 3_000, PublicKey(key(LEADER).public()));
    root.associates.push(registration(&child, Regime::Operators).into());
    (root, child, id)
}

/// The first operator's first transaction: it registers the child on the root.
pub fn registration(child: &GenesisFile, regime: Regime) -> AssociateCreate {
    AssociateCreate {
        creator_id: account(OPERATORS[0]),
        network_id: child.params.network_id.clone(),
        genesis_hash: child.genesis().unwrap().hash(),
        genesis_root: Hash::ZERO,
        regime,
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
            commit_gas: banyan_types::Gas(0),
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

impl World {
    pub fn new() -> Self {
        let (_, _, child_id) = genesis();
        Self::over(START, child_id, [Mem::new(), Mem::new()])
    }

    fn over(now: TimeMs, child_id: AssociateId, disks: [Mem; 2]) -> Self {
        let (root_file, child_file, _) = genesis();
        let root_chain = Arc::new(Chain::open(disks[0].clone(), root_file).unwrap());
        let role = RootRole { miner: Some(key(MINER)), ..RootRole::default() };
        let root = Node::open(Arc::clone(&root_chain), Role::Root(role), PoolLimits::default()).unwrap();
        let parent = Box::new(LocalParent::new(root_chain, child_id));
        let signers = OPERATORS.map(key).to_vec();
        let operators = Operators { signers, payer: key(OPERATORS[0]) };
        let child_chain = Arc::new(Chain::open(disks[1].clone(), child_file).unwrap());
        let role = SoloRole { leader: key(LEADER), operators, parent };
        let child = Node::open(child_chain, Role::Solo(role), PoolLimits::default()).unwrap();
        Self { now, root, child, child_id, disks }
    }

    /// Stop both nodes; what was not flushed is lost; start them again.
    pub fn crash(self) -> Self {
        let Self { now, root, child, child_id, disks } = self;
        drop((root, child));
        Self::over(now, child_id, disks.map(|disk| disk.crash(0)))
    }

    /// Let so many milliseconds pass, in steps.
    pub fn run(&mut self, ms: u64) {
        let end = self.now.0 + ms;
        while self.now.0 < end {
            self.now.0 += 50;
            let orders = self.root.handle(Input::Tick(self.now)).unwrap();
            self.carry_out(orders);
            let orders = self.child.handle(Input::Tick(self.now)).unwrap();
            self.carry_out(orders);
            let orders = self.child.handle(Input::ParentMoved).unwrap();
            self.carry_out(orders);
        }
    }

    fn carry_out(&mut self, orders: Vec<Order>) {
        for order in orders {
            let more = match order {
                Order::Mine(template, header) => {
                    let (nonce, pow) = solve(&self.root, &header);
                    self.root.handle(Input::Solved { template, nonce, pow: Box::new(pow) }).unwrap()
                }
                Order::ToParent(tx) => {
                    let (answers, orders) = self.root.submit(vec![*tx]).unwrap();
                    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
                    orders
                }
                _ => vec![],
            };
            self.carry_out(more);
        }
    }

    pub fn submit_root(&mut self, tx: SignedTx) -> Result<TxHash, (Fault, &'static str)> {
        let (answers, orders) = self.root.submit(vec![tx]).unwrap();
        self.carry_out(orders);
        answers.into_iter().next().unwrap().map_err(|error| (error.fault(), error.code()))
    }

    pub fn submit_child(&mut self, tx: SignedTx) -> Result<TxHash, (Fault, &'static str)> {
        let (answers, orders) = self.child.submit(vec![tx]).unwrap();
        self.carry_out(orders);
        answers.into_iter().next().unwrap().map_err(|error| (error.fault(), error.code()))
    }

    pub fn balance(node: &Node, seed: u8) -> Amount {
        let head = node.chain().head().unwrap();
        head.view.account(account(seed)).unwrap().map_or(Amount::ZERO, |account| account.balance)
    }

    pub fn heights(&self) -> (Height, Height) {
        let height = |node: &Node| node.chain().head().unwrap().header.height();
        (height(&self.root), height(&self.child))
    }
}

/// A proof of work for a header, whatever it takes.
pub fn solve(node: &Node, header: &KeyHeader) -> (u64, Cycle) {
    let EngineParams::Root(engine) = &node.chain().file().engine else { unreachable!() };
    let bits = EdgeBits::new(engine.edge_bits).unwrap();
    let target = Target::from_compact(header.target).unwrap();
    let worked: [u8; KEY_WORKED_BYTES] = *header.encode().first_chunk().unwrap();
    let solver = Lean::default();
    let found = (0..).find_map(|nonce| {
        let seed = Seed::of_header(&worked, nonce);
        let cycles = solver.solve(&seed, bits, &|| false);
        let good = cycles.into_iter().find(|cycle| verify(&seed, bits, cycle, &target).is_ok());
        good.map(|cycle| (nonce, cycle))
    });
    found.unwrap()
}

/// A fee that is always enough.
pub fn fee() -> Amount {
    Amount::new(2_000_000_000_000_000).unwrap()
}

pub fn spend(network: &str, from: u8, to: u8, amount: Amount, nonce: u64) -> SignedTx {
    let tx = Spend {
        sender_id: account(from),
        recipient_id: Payee::Account(account(to)),
        amount,
        fee: fee(),
        ttl: Height(0),
        nonce: Nonce(nonce),
        payload: Bytes::default(),
    };
    Transaction::from(tx).sign(network, &key(from))
}

pub fn commit(child: AssociateId, from: u8, amount: Amount, nonce: u64) -> SignedTx {
    commit_to(child, from, from, amount, nonce)
}

pub fn commit_to(child: AssociateId, from: u8, to: u8, amount: Amount, nonce: u64) -> SignedTx {
    let tx = AssociateCommit {
        from_id: account(from),
        associate_id: child,
        to_id: account(to),
        asset: Asset::Coin,
        amount,
        route: vec![],
        leg: Hash::ZERO,
        deadline: Height(0),
        ttl: Height(0),
        fee: fee(),
        nonce: Nonce(nonce),
    };
    Transaction::from(tx).sign("banyan_dev", &key(from))
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
    Transaction::from(tx).sign(network, &key(from))
}

pub fn totals_hold(node: &Node) {
    let mut values = vec![];
    let head = node.chain().head().unwrap();
    head.view
        .for_each(|_, value| {
            values.push(value);
            Ok(())
        })
        .unwrap();
    banyan_ledger::check_totals(values.iter().map(Vec::as_slice)).unwrap();
}
