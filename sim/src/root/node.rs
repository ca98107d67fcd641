//! One node: the root machine, the witness machine, and a shell between them as the real one wires them.
//!
//! The disk is what survives [`Node::crash`]: it is written at once, and each thing that leaves was on it before.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt,
};

use banyan_root::{
    BlockRef, Draft, Effect, Header, Input as Step, Machine, NotApplied, Record, TemplateId, Tip, To as Reach,
    Watermark,
    validity::{Fault, KeyFault, MicroFault, Owner},
};
use banyan_types::{
    Era, Gas, Hash, Height, Peer, TimeMs,
    header::{KeyHeader, MicroHeader},
    witness::{Justification, Seal, Vote},
};
use banyan_witness::{
    Effect as Spoken, Input as Said, Me, Memory, Message, MicroRef, Record as Kept, Saved, To, Want, Watermarks,
};

use crate::root::{
    ledger::{Ledger, Tx, seal_hash, txs_root},
    rules::{Rules, account, key_of, miner},
};

/// Transactions of one micro block, at most.
const TXS_MAX: usize = 100;

/// Number of a node, which is also the number that its peers know it by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeId(pub usize);

impl NodeId {
    /// As peers name it.
    pub const fn peer(self) -> Peer {
        Peer(self.0 as u64)
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node {}", self.0)
    }
}

/// What a crash leaves.
#[derive(Debug, Clone)]
pub struct Disk {
    /// Votes that bind.
    pub marks: Watermarks,
    /// By height.
    pub seals: BTreeMap<Height, Seal>,
    /// By era and round.
    pub justifications: BTreeMap<(Era, u32), Justification>,
    /// The last micro header that was signed.
    pub signed: Option<MicroHeader>,
    /// Blocks that were executed here.
    pub executed: BTreeSet<Hash>,
    /// The last final key block, as the state says.
    pub last_final: Hash,
    /// The end of the state.
    pub head: Hash,
    /// Whether two seals contradicted each other.
    pub halted: bool,
}

/// What a node wants of the world, or tells it.
#[derive(Debug, Clone)]
pub enum Order {
    /// Send a block.
    Block(Hash, Reach),
    /// Ask for a block.
    Fetch(Peer, Hash),
    /// Say something about finality.
    Word(Message, To),
    /// Ask for a certificate.
    Want(Peer, Want),
    /// Search.
    Mine(TemplateId, Box<KeyHeader>, Option<Box<Seal>>),
    /// Search no longer.
    StopMining,
    /// The chain has a new end.
    Tip(Box<Tip>),
    /// A key block is final.
    Final(Box<Seal>),
    /// Over half of the weight prevoted a key block.
    Witnessed(Hash),
    /// A micro block is locked.
    Locked(MicroRef),
    /// A micro block was signed and is on disk.
    Signed(Hash),
    /// Two votes convict somebody.
    Accuse(Box<banyan_witness::Proof>),
    /// Two micro headers convict a leader.
    Fraud(Hash),
    /// The operator should look.
    Alarm(String),
}

enum Todo {
    Chain(Step),
    Votes(Said),
}

/// A node.
#[allow(clippy::struct_excessive_bools)] // what it is and how it stands, each on its own
pub struct Node {
    /// Its number.
    pub id: NodeId,
    /// Whose keys it has: another node's for a twin.
    pub who: NodeId,
    /// Chooses blocks.
    pub root: Machine,
    /// Makes them final.
    pub votes: banyan_witness::Machine,
    /// What a crash leaves.
    pub disk: Disk,
    /// What its clock is ahead, in milliseconds.
    pub skew: i64,
    /// Whether it runs.
    pub is_up: bool,
    /// Counts starts.
    pub run: u64,
    /// When it wants to be told the time, by its own clock.
    pub wakes: [Option<TimeMs>; 2],
    /// Steps until its power goes, if it will.
    pub fuse: Option<u64>,
    /// Whether its key blocks leave out seals.
    pub omits_seals: bool,
    /// Whether it leads without a micro block.
    pub is_idle: bool,
    /// Transactions that wait.
    pool: BTreeSet<Tx>,
    done: BTreeSet<Tx>,
    is_ready: bool,
    draft: Vec<Tx>,
    expected: BTreeSet<Hash>,
    bodies: BTreeMap<TemplateId, Option<Box<Seal>>>,
    todo: VecDeque<Todo>,
}

impl Node {
    /// A node at the genesis.
    pub fn new(id: NodeId, who: NodeId, rules: &Rules, is_miner: bool, skew: i64) -> Self {
        let genesis = rules.genesis();
        let hash = genesis.hash();
        let disk = Disk {
            marks: Watermarks::default(),
            seals: BTreeMap::new(),
            justifications: BTreeMap::new(),
            signed: None,
            executed: BTreeSet::from([hash]),
            last_final: hash,
            head: hash,
            halted: false,
        };
        let me = (who.0 < rules.witnesses).then(|| Me { key: key_of(who), memory: Memory::None });
        let saved = Saved::genesis(rules.genesis_ref(), rules.sets_at(Height(0)));
        let votes = banyan_witness::Machine::start(rules.votes, rules.checks(), me, saved);
        Self {
            id,
            who,
            root: Machine::new(rules.root.clone(), is_miner.then(|| miner(who)), genesis),
            votes: votes.expect("a genesis is no broken store"),
            disk,
            skew,
            is_up: true,
            run: 0,
            wakes: [None; 2],
            fuse: None,
            omits_seals: false,
            is_idle: false,
            pool: BTreeSet::new(),
            done: BTreeSet::new(),
            is_ready: false,
            draft: Vec::new(),
            expected: BTreeSet::new(),
            bodies: BTreeMap::new(),
            todo: VecDeque::new(),
        }
    }

    /// The time by its own clock.
    pub const fn local(&self, now: TimeMs) -> TimeMs {
        TimeMs(now.0.saturating_add_signed(self.skew))
    }

    /// World time of one of its own.
    pub const fn world(&self, local: TimeMs) -> TimeMs {
        TimeMs(local.0.saturating_add_signed(-self.skew))
    }

    /// Tell it the time, before whatever has come at that time.
    pub fn tick(&mut self, now: TimeMs) {
        let now = self.local(now);
        for wake in &mut self.wakes {
            *wake = wake.filter(|at| *at > now);
        }
        for step in [Todo::Votes(Said::Tick(now)), Todo::Chain(Step::Tick(now))] {
            self.todo.push_front(step);
        }
    }

    /// A block came, from a peer or from this node's own search.
    pub fn block(&mut self, ledger: &Ledger, from: Option<Peer>, hash: Hash) {
        let Some(block) = ledger.seen(&hash) else { return };
        if !self.disk.executed.contains(&hash) && ledger.key_ref(&hash).is_some() && self.root.header(&hash).is_none() {
            self.expected.insert(hash);
        }
        self.todo.push_back(Todo::Chain(Step::Block { from, block }));
    }

    /// A proof of work was found.
    pub fn solved(&mut self, template: TemplateId, header: &KeyHeader) {
        let pow = Box::new(header.pow);
        self.todo.push_back(Todo::Chain(Step::Solved { template, nonce: header.nonce, pow }));
    }

    /// A word came.
    pub fn word(&mut self, from: Peer, message: Message) {
        let from = Some(from);
        self.todo.push_back(Todo::Votes(match message {
            Message::Vote(vote) => Said::Vote { from, vote: *vote },
            Message::Seal(seal) => Said::Seal { from, seal },
            Message::Justification(justification) => Said::Justification { from, justification },
        }));
    }

    /// A connection stands.
    pub fn connected(&mut self, peer: Peer) {
        self.todo.push_back(Todo::Votes(Said::Connected(peer)));
    }

    /// A connection is gone.
    pub fn gone(&mut self, peer: Peer) {
        self.todo.extend([Todo::Chain(Step::Gone(peer)), Todo::Votes(Said::Gone(peer))]);
    }

    /// A transaction came.
    pub fn pooled(&mut self, tx: Tx) {
        if !self.done.contains(&tx) && self.pool.insert(tx) && !self.is_idle {
            self.is_ready = true;
            self.todo.push_back(Todo::Chain(Step::PoolReady));
        }
    }

    /// Carry what the machines say to each other until both are silent. False if its power went.
    pub fn run(&mut self, rules: &Rules, ledger: &mut Ledger, now: TimeMs, orders: &mut Vec<Order>) -> bool {
        while let Some(todo) = self.todo.pop_front() {
            if let Some(fuse) = &mut self.fuse {
                if *fuse == 0 {
                    return false;
                }
                *fuse -= 1;
            }
            match todo {
                Todo::Chain(step) => self.step_chain(rules, ledger, now, step, orders),
                Todo::Votes(said) => self.step_votes(rules, said, orders),
            }
            let is_ready = !self.is_idle && !self.pool.is_empty();
            if self.todo.is_empty() && self.is_ready != is_ready {
                self.is_ready = is_ready;
                self.todo.push_back(Todo::Chain(if is_ready { Step::PoolReady } else { Step::PoolEmpty }));
            }
        }
        true
    }

    fn step_chain(&mut self, rules: &Rules, ledger: &mut Ledger, now: TimeMs, step: Step, orders: &mut Vec<Order>) {
        let mut effects = Vec::new();
        if self.root.step(step, &mut effects).is_err() {
            orders.push(Order::Alarm("the root machine has stopped".into()));
        }
        let mut joined: Vec<_> =
            self.expected.iter().filter(|hash| self.root.header(hash).is_some()).copied().collect();
        joined.sort_by_key(|hash| ledger.get(hash).map(|stored| stored.header.height()));
        for hash in joined {
            self.expected.remove(&hash);
            self.todo.extend(ledger.key_ref(&hash).map(|key| Todo::Votes(Said::Header(key))));
        }
        for effect in effects {
            self.perform(rules, ledger, now, effect, orders);
        }
    }

    fn perform(&mut self, rules: &Rules, ledger: &mut Ledger, now: TimeMs, effect: Effect, orders: &mut Vec<Order>) {
        match effect {
            Effect::Apply(hash) => self.apply(ledger, hash),
            Effect::Unwind(to) => self.disk.head = to,
            Effect::Tip(tip) => self.tip(ledger, tip, orders),
            Effect::Forget(blocks) => self.expected.retain(|hash| !blocks.contains(hash)),
            Effect::Propagate(tip) => {
                self.disk.last_final = tip.hash;
                self.todo.extend(rules.sets_at(tip.height).into_iter().map(|set| Todo::Votes(Said::Set(set))));
            }
            Effect::Send { block, to } => orders.push(Order::Block(block, to)),
            Effect::Fetch { from, block } => orders.push(Order::Fetch(from, block)),
            Effect::Template(id, header) => self.template(ledger, id, &header),
            Effect::Mine(id, header) => {
                let seal = self.bodies.get(&id).cloned().flatten();
                orders.push(Order::Mine(id, header, seal));
            }
            Effect::StopMining => orders.push(Order::StopMining),
            Effect::Build { on, .. } => {
                let draft = self.build(ledger, on);
                self.todo.push_back(Todo::Chain(Step::Built(on, draft)));
            }
            Effect::SignMicro(header) => {
                let signature = rules.sign_micro(self.who, &header);
                self.todo.push_back(Todo::Chain(Step::Signed(Some(signature))));
            }
            Effect::Persist(seq, Record::Signed(header)) => {
                let hash = header.hash();
                ledger.add(Header::Micro(header.clone()), std::mem::take(&mut self.draft), None, now);
                self.disk.signed = Some(*header);
                orders.push(Order::Signed(hash));
                self.todo.push_back(Todo::Chain(Step::Persisted(seq)));
            }
            Effect::Refuse(hash, fault) => self.refuse(hash, &fault, orders),
            Effect::Accuse(fraud) => {
                let key = fraud.key.hash();
                self.pooled(Tx::Fork(key));
                orders.push(Order::Fraud(key));
            }
            Effect::Wake(at) => self.wakes[0] = Some(at),
            Effect::Alarm(alarm) => orders.push(Order::Alarm(format!("{alarm:?}"))),
            Effect::Score(..) => {}
        }
    }

    fn apply(&mut self, ledger: &Ledger, hash: Hash) {
        let is_new = self.disk.executed.insert(hash);
        let stored = ledger.get(&hash);
        let is_valid = stored.is_some_and(|stored| stored.state.is_some());
        if !is_valid {
            self.disk.executed.remove(&hash);
            return self.todo.push_back(Todo::Chain(Step::Applied(hash, Err(NotApplied::Invalid))));
        }
        self.disk.head = hash;
        if let Some(seal) = stored.and_then(|stored| stored.seal.clone()).filter(|_| is_new) {
            self.todo.push_back(Todo::Votes(Said::Seal { from: None, seal }));
        }
        if let Some(key) = ledger.key_ref(&hash) {
            self.expected.remove(&hash);
            self.todo.extend([Todo::Votes(Said::Header(key)), Todo::Votes(Said::Applied(hash))]);
        }
        self.todo.push_back(Todo::Chain(Step::Applied(hash, Ok(()))));
    }

    fn tip(&mut self, ledger: &Ledger, tip: Tip, orders: &mut Vec<Order>) {
        let txs = |blocks: &[BlockRef]| -> Vec<Tx> {
            blocks.iter().filter_map(|block| ledger.get(&block.hash)).flat_map(|stored| stored.txs.clone()).collect()
        };
        for tx in txs(&tip.undone) {
            self.done.remove(&tx);
            self.pool.insert(tx);
        }
        for tx in txs(&tip.redone) {
            self.pool.remove(&tx);
            self.done.insert(tx);
        }
        self.is_ready = false;
        self.todo.push_back(Todo::Votes(Said::Tip(tip.block.key_hash)));
        for block in tip.redone.iter().filter(|block| !block.is_key() && block.key_hash == tip.block.key_hash) {
            let Some(prev_hash) = self.root.header(&block.hash).map(Header::prev_hash) else { continue };
            let BlockRef { hash, key_hash, height, index, .. } = *block;
            self.todo.push_back(Todo::Votes(Said::Micro(MicroRef { hash, key_hash, height, index, prev_hash })));
        }
        orders.push(Order::Tip(Box::new(tip)));
    }

    fn refuse(&mut self, hash: Hash, fault: &Fault, orders: &mut Vec<Order>) {
        if matches!(fault, Fault::Key(KeyFault::Body { .. }) | Fault::Micro(MicroFault::Body { .. })) {
            return;
        }
        self.expected.remove(&hash);
        if fault.owner() == Owner::Invalid {
            self.todo.push_back(Todo::Votes(Said::Invalid(vec![hash])));
            orders.push(Order::Alarm(format!("refused {hash}: {fault:?}")));
        }
    }

    /// The best seal that the chain lacks, and where that leads.
    fn template(&mut self, ledger: &Ledger, id: TemplateId, header: &KeyHeader) {
        let newest = self.votes.seal().filter(|_| !self.omits_seals).cloned();
        let height = header.height;
        let with = newest.and_then(|seal| Some((ledger.after(&header.prev_hash, height, &[], Some(&seal))?, seal)));
        let (root, seal) = match with {
            Some((state, seal)) => (state.root, Some(Box::new(seal))),
            None => (ledger.after(&header.prev_hash, height, &[], None).map_or(Hash::ZERO, |state| state.root), None),
        };
        let body = seal_hash(seal.as_deref());
        self.bodies.clear();
        self.bodies.insert(id, seal);
        self.todo.push_back(Todo::Chain(Step::Templated(id, root, body)));
    }

    fn build(&mut self, ledger: &Ledger, on: Hash) -> Option<Draft> {
        let txs: Vec<_> = self.pool.iter().copied().take(TXS_MAX).collect();
        let height = ledger.get(&on)?.header.height();
        if txs.is_empty() {
            return None;
        }
        let state = ledger.after(&on, height, &txs, None)?;
        let root = txs_root(&txs);
        self.draft = txs;
        Some(Draft { state_root: state.root, txs_root: root, receipts_root: root, gas_used: Gas(0), bytes: 200 })
    }

    fn step_votes(&mut self, rules: &Rules, said: Said, orders: &mut Vec<Order>) {
        let mut effects = Vec::new();
        self.votes.step(said, &mut effects);
        for effect in effects {
            match effect {
                Spoken::Sign(statement) => {
                    let signature = Some(rules.sign_vote(self.who, &statement));
                    self.todo.push_back(Todo::Votes(Said::Signed(statement, signature)));
                }
                Spoken::Persist(seq, record) => {
                    self.keep(record);
                    self.todo.push_back(Todo::Votes(Said::Persisted(seq)));
                }
                Spoken::Send { message, to } => orders.push(Order::Word(message, to)),
                Spoken::Fetch(peer, want) => orders.push(Order::Want(peer, want)),
                Spoken::Score(..) => {}
                Spoken::Witnessed { hash, .. } => {
                    self.todo.extend([Todo::Chain(Step::Witnessed(hash)), Todo::Chain(Step::Reseal)]);
                    orders.push(Order::Witnessed(hash));
                }
                Spoken::Locked(micro) => {
                    self.todo.push_back(Todo::Chain(Step::Locked { micro: micro.hash }));
                    orders.push(Order::Locked(micro));
                }
                Spoken::Final(seal) => {
                    let (hash, height) = (seal.hash, seal.height);
                    self.todo.extend([Todo::Chain(Step::Final { hash, height }), Todo::Chain(Step::Reseal)]);
                    orders.push(Order::Final(seal));
                }
                Spoken::Anchored { hash, height } => {
                    self.disk.halted = false;
                    self.todo.push_back(Todo::Chain(Step::Final { hash, height }));
                }
                Spoken::Accuse(proof) => {
                    self.pooled(Tx::Votes(proof.staker));
                    orders.push(Order::Accuse(proof));
                }
                Spoken::Wake(at) => self.wakes[1] = Some(at),
                Spoken::Alarm(alarm) => orders.push(Order::Alarm(format!("{alarm:?}"))),
            }
        }
    }

    fn keep(&mut self, record: Kept) {
        match record {
            Kept::Vote(vote) => self.disk.marks.note(&vote),
            Kept::Seal(seal) => drop(self.disk.seals.insert(seal.height, *seal)),
            Kept::Justification(just) => drop(self.disk.justifications.insert((just.era, just.round.0), *just)),
            Kept::Conflict { .. } => self.disk.halted = true,
        }
    }

    /// A certificate that a peer asks for, if it is on disk.
    pub fn certificate(&self, rules: &Rules, want: Want) -> Option<Message> {
        match want {
            Want::Justification(era, source) => {
                let held = self.disk.justifications.get(&(era, source.round.0));
                let held = held.filter(|held| held.hash == source.hash);
                held.map(|held| Message::Justification(Box::new(held.clone())))
            }
            Want::Boundary(era) => {
                let held = self.disk.seals.get(&rules.votes.last_of(era));
                held.map(|held| Message::Seal(Box::new(held.clone())))
            }
        }
    }

    /// Whether a vote is this node's own.
    pub fn is_own(&self, rules: &Rules, vote: &Vote) -> bool {
        let set = rules.set(vote.statement.era);
        set.member(vote.by).is_some_and(|member| member.staker == account(self.who))
    }

    /// The power goes.
    pub fn crash(&mut self) {
        (self.is_up, self.fuse) = (false, None);
        self.run += 1;
        self.todo.clear();
        self.wakes = [None; 2];
        self.expected.clear();
        self.bodies.clear();
    }

    /// Start from the disk.
    pub fn start(&mut self, rules: &Rules, ledger: &Ledger, is_miner: bool) {
        let last_final = self.disk.last_final;
        let mut past: Vec<_> = ledger.keys(&last_final).filter_map(|stored| key_header(&stored.header)).collect();
        past.reverse();
        let work = ledger.get(&last_final).map_or(0, |stored| stored.work);
        let clock = past.iter().map(|header| header.time).max().unwrap_or(TimeMs(0));
        let mut above: Vec<_> = ledger.line(&self.disk.head).take_while(|(hash, _)| *hash != last_final).collect();
        above.reverse();
        let keys = above.iter().filter_map(|(hash, _)| ledger.key_ref(hash)).collect::<Vec<_>>();
        let top = ledger.get(&last_final).map_or(Height(0), |stored| stored.header.height());
        let saved = banyan_root::Saved {
            past,
            work,
            clock,
            above: above.iter().map(|(_, stored)| stored.header.clone()).collect(),
            tip: self.disk.head,
            watermark: self.disk.signed.as_ref().map(Watermark::of),
        };
        let who = is_miner.then(|| miner(self.who));
        self.root = Machine::resume(rules.root.clone(), who, saved).expect("what was written is a chain");
        self.start_votes(rules, ledger, top, &keys);
        (self.is_up, self.is_ready) = (true, false);
    }

    fn start_votes(&mut self, rules: &Rules, ledger: &Ledger, top: Height, keys: &[banyan_witness::KeyRef]) {
        let era = rules.votes.era_of(Height(top.0 + 1));
        let floor = era.0.checked_sub(1).map_or(Height(0), |before| rules.votes.last_of(Era(before)));
        let mut line: Vec<_> = ledger.keys(&self.disk.last_final).map(|stored| stored.key).collect();
        line.reverse();
        let line = line.iter().filter_map(|hash| ledger.key_ref(hash)).filter(|key| key.height >= floor);
        let mut above: Vec<_> = line.chain(keys.iter().copied()).collect();
        let anchor = above.remove(0);
        let memory = Memory::Kept(Box::new(self.disk.marks.clone()));
        let me = (self.who.0 < rules.witnesses).then(|| Me { key: key_of(self.who), memory });
        let seal = self.disk.seals.get(&top).filter(|seal| seal.hash == self.disk.last_final).cloned().map(Box::new);
        let of_era = self.disk.justifications.range((era, 0)..=(era, u32::MAX));
        let justifications = of_era.map(|(_, just)| just.clone()).collect();
        let sets = rules.sets_at(top);
        let halted = self.disk.halted;
        let (last_final, anchors) = (self.disk.last_final, rules.anchors.clone());
        let saved = Saved { anchor, above, last_final, seal, justifications, sets, halted, anchors };
        self.votes =
            banyan_witness::Machine::start(rules.votes, rules.checks(), me, saved).expect("what was written holds");
        let newest = self.disk.seals.last_key_value().filter(|(height, _)| **height > top);
        if let Some((_, seal)) = newest {
            self.todo.push_back(Todo::Votes(Said::Seal { from: None, seal: Box::new(seal.clone()) }));
        }
        self.todo.extend(keys.iter().map(|key| Todo::Votes(Said::Applied(key.hash))));
        self.todo.extend(keys.last().map(|key| Todo::Votes(Said::Tip(key.hash))));
    }
}

fn key_header(header: &Header) -> Option<KeyHeader> {
    match header {
        Header::Key(header) => Some((**header).clone()),
        Header::Micro(_) => None,
    }
}
