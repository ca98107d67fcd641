//! Several nodes of one root over memory, their messages carried by hand: virtual time, real proofs of work, real votes.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use banyan_gossip::Message;
use banyan_ledger::GenesisWitness;
use banyan_node::{
    Chain, GenesisFile, Input, News, Node, NodeError, Order, PeersRole, PoolLimits, Role, RootRole, WitnessRole,
};
use banyan_store::Mem;
use banyan_types::{
    Hash, Peer, PublicKey, TimeMs,
    tx::SignedTx,
    witness::{Anchor, Slot, Statement, VOTE_BYTES, Vote, VoteKind},
};

use super::{START, account, coins, key, solve};

/// Between two steps: also how long a message takes.
const STEP_MS: u64 = 10;
/// Heights of an era.
pub const ERA: u64 = 4;
/// Bond of each witness, in coins.
pub const BOND: u64 = 1_000;

/// Whom a node of a town is.
#[derive(Clone, Copy)]
pub struct Resident {
    /// Seed of its key.
    pub seed: u8,
    pub mines: bool,
    /// Whether it says something else too whenever it votes.
    pub lies: bool,
}

struct House {
    who: Resident,
    disk: Mem,
    node: Option<Node>,
    is_new: bool,
    overrules: bool,
}

pub struct Town {
    pub now: TimeMs,
    file: GenesisFile,
    houses: Vec<House>,
    /// Number of the connection between two houses, the lower one first; absent where there is none.
    lines: BTreeMap<(usize, usize), u64>,
    lines_ever: u64,
    /// In flight: line, from, to, bytes.
    letters: VecDeque<(u64, usize, usize, Vec<u8>)>,
    /// What each honest key has said on the wire.
    said: BTreeMap<(PublicKey, Slot), Statement>,
    pub alarms: Vec<(usize, String)>,
}

impl Town {
    /// Every resident's key has bonded the same; equal seeds share one.
    pub fn new(residents: &[Resident]) -> Self {
        let mut seeds: Vec<_> = residents.iter().map(|who| who.seed).collect();
        seeds.sort_unstable();
        seeds.dedup();
        let accounts = seeds.iter().map(|seed| (account(*seed), coins(10_000))).collect();
        let mut file = GenesisFile::dev_root(START, None, accounts);
        if let Some(root) = &mut file.params.root {
            root.era = ERA;
        }
        let witness = |seed: &u8| GenesisWitness {
            staker: account(*seed),
            key: PublicKey(key(*seed).public()),
            bond: coins(BOND),
        };
        let file = file.with_witnesses(seeds.iter().map(witness).collect());
        let house = |who: &Resident| House { who: *who, disk: Mem::new(), node: None, is_new: false, overrules: false };
        let houses = residents.iter().map(house).collect();
        let (lines, letters, said) = (BTreeMap::new(), VecDeque::new(), BTreeMap::new());
        Self { now: START, file, houses, lines, lines_ever: 0, letters, said, alarms: vec![] }
    }

    /// A town whose nodes all run and know each other.
    pub fn running(residents: &[Resident]) -> Self {
        let mut town = Self::new(residents);
        let all: Vec<_> = (0..residents.len()).collect();
        for n in &all {
            town.start(*n).unwrap();
        }
        town.join(&all);
        town
    }

    pub fn node(&self, n: usize) -> &Node {
        self.houses[n].node.as_ref().unwrap()
    }

    pub fn disk(&self, n: usize) -> &Mem {
        &self.houses[n].disk
    }

    /// Say that a witness's memory is lost, at its next start.
    pub fn call_new(&mut self, n: usize) {
        self.houses[n].is_new = true;
    }

    /// Say that the chain of this node is the right one, at its next start.
    pub fn overrule(&mut self, n: usize) {
        self.houses[n].overrules = true;
    }

    /// Operators write an anchor into their genesis files: a node follows it from its next start on.
    pub fn anchor(&mut self, anchor: Anchor) {
        self.file.params.root.as_mut().unwrap().anchors.0.push(anchor);
    }

    /// Start a node; it knows nobody yet. What stops it in its first step is an error too.
    pub fn try_start(&mut self, n: usize) -> Result<(), NodeError> {
        let mut node = self.open(n)?;
        let orders = node.handle(Input::Tick(self.now))?;
        self.houses[n].node = Some(node);
        self.carry_out(n, orders);
        Ok(())
    }

    /// Start a node; it knows nobody yet.
    pub fn start(&mut self, n: usize) -> Result<(), NodeError> {
        self.houses[n].node = Some(self.open(n)?);
        self.handle(n, Input::Tick(self.now));
        Ok(())
    }

    fn open(&mut self, n: usize) -> Result<Node, NodeError> {
        let House { who, disk, is_new, overrules, .. } = &mut self.houses[n];
        let chain = Arc::new(Chain::open(disk.clone(), self.file.clone())?);
        let role = RootRole {
            miner: who.mines.then(|| key(who.seed)),
            beneficiary: None,
            witness: Some(WitnessRole { key: key(who.seed), is_new: std::mem::take(is_new) }),
            peers: Some(PeersRole { peers_max: 16, seed: [who.seed; 32] }),
            overrules: std::mem::take(overrules),
        };
        Node::open(chain, Role::Root(role), PoolLimits::default())
    }

    /// End a node at once. Of what its disk was not told to keep, so many writes stay.
    pub fn kill(&mut self, n: usize, kept: usize) {
        let house = &mut self.houses[n];
        house.node = None;
        house.disk = house.disk.crash(kept);
        for line in self.lines.keys().copied().filter(|(a, b)| *a == n || *b == n).collect::<Vec<_>>() {
            self.cut(line);
        }
    }

    /// A new disk.
    pub fn wipe(&mut self, n: usize) {
        self.houses[n].disk = Mem::new();
    }

    /// Connect all of these with each other.
    pub fn join(&mut self, all: &[usize]) {
        for (at, a) in all.iter().enumerate() {
            for b in &all[at + 1..] {
                self.connect(*a.min(b), *a.max(b));
            }
        }
    }

    fn connect(&mut self, a: usize, b: usize) {
        if self.lines.contains_key(&(a, b)) || self.houses[a].node.is_none() || self.houses[b].node.is_none() {
            return;
        }
        self.lines_ever += 1;
        let peer = Peer(self.lines_ever);
        self.lines.insert((a, b), self.lines_ever);
        let who = |n: usize| PublicKey([u8::try_from(n).unwrap(); 32]);
        self.handle(a, Input::Connected { peer, who: who(b), outbound: true });
        self.handle(b, Input::Connected { peer, who: who(a), outbound: false });
    }

    fn cut(&mut self, (a, b): (usize, usize)) {
        let Some(line) = self.lines.remove(&(a, b)) else { return };
        for n in [a, b] {
            self.handle(n, Input::Gone(Peer(line)));
        }
    }

    /// Let time pass until `is_so`, at most so long. True if it came to be.
    pub fn until(&mut self, most_ms: u64, is_so: impl Fn(&Self) -> bool) -> bool {
        let end = self.now.0 + most_ms;
        while self.now.0 < end && !is_so(self) {
            self.step();
        }
        is_so(self)
    }

    pub fn run(&mut self, ms: u64) {
        self.until(ms, |_| false);
    }

    fn step(&mut self) {
        self.now.0 += STEP_MS;
        for n in 0..self.houses.len() {
            self.handle(n, Input::Tick(self.now));
        }
        for (line, from, to, bytes) in std::mem::take(&mut self.letters) {
            if self.lines.get(&(from.min(to), from.max(to))) == Some(&line) {
                self.handle(to, Input::Frame { peer: Peer(line), bytes });
            }
        }
    }

    /// Give a node a transaction.
    pub fn submit(&mut self, n: usize, tx: SignedTx) {
        let (answers, orders) = self.houses[n].node.as_mut().unwrap().submit(vec![tx]).unwrap();
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        self.carry_out(n, orders);
    }

    /// Whether a node's disk has failed. It stands still until it is killed.
    pub fn has_failed(&self, n: usize) -> bool {
        self.houses[n].node.is_none()
    }

    pub fn handle(&mut self, n: usize, input: Input) {
        let Some(node) = &mut self.houses[n].node else { return };
        match node.handle(input) {
            Ok(orders) => self.carry_out(n, orders),
            Err(NodeError::Store(_)) => self.houses[n].node = None,
            Err(error) => panic!("node {n}: {error}"),
        }
    }

    fn carry_out(&mut self, n: usize, orders: Vec<Order>) {
        for order in orders {
            match order {
                Order::Mine(template, header) => {
                    let Some(node) = &self.houses[n].node else { return };
                    let (nonce, pow) = solve(node, &header);
                    self.handle(n, Input::Solved { template, nonce, pow: Box::new(pow) });
                }
                Order::Frame { peer, bytes, .. } => self.post(n, peer, bytes),
                Order::Disconnect { peer, .. } => {
                    let line = self.lines.iter().find(|(_, line)| **line == peer.0).map(|(ends, _)| *ends);
                    if let Some(line) = line {
                        self.cut(line);
                    }
                }
                Order::News(News::Alarm(text)) => self.alarms.push((n, text)),
                _ => {}
            }
        }
    }

    fn post(&mut self, from: usize, peer: Peer, bytes: Vec<u8>) {
        let ends = self.lines.iter().find(|(_, line)| **line == peer.0).map(|(ends, _)| *ends);
        let Some((a, b)) = ends else { return };
        let to = if a == from { b } else { a };
        let vote = match Message::decode(&bytes) {
            Ok(Message::Vote(vote)) => self.own_vote(from, *vote),
            _ => None,
        };
        self.letters.push_back((peer.0, from, to, bytes));
        let Some(vote) = vote else { return };
        if self.houses[from].who.lies {
            let lie = Message::Vote(Box::new(lie(&vote, self.houses[from].who.seed)));
            self.letters.push_back((peer.0, from, to, lie.encode()));
        } else if self.is_alone(from) {
            let (key, statement) = (PublicKey(key(self.houses[from].who.seed).public()), vote.statement);
            if !self.said.contains_key(&(key, statement.slot())) {
                assert!(self.survives(from, &vote), "node {from} sends a vote that a crash would make it forget");
            }
            let first = *self.said.entry((key, statement.slot())).or_insert(statement);
            assert_eq!(first, statement, "node {from} votes twice");
        }
    }

    /// Whether the vote is on disk, whatever happens now.
    fn survives(&self, n: usize, vote: &Vote) -> bool {
        let chain = Chain::open(self.houses[n].disk.crash(0), self.file.clone()).unwrap();
        let row = format!("root.votes.{}", Hash(key(self.houses[n].who.seed).public()));
        let row = chain.store().meta(&row).unwrap().unwrap_or_default();
        row.windows(VOTE_BYTES).any(|held| held == &vote.encode()[..])
    }

    /// The vote, if the node that sends it has signed it itself.
    fn own_vote(&self, from: usize, vote: Vote) -> Option<Vote> {
        let public = key(self.houses[from].who.seed).public();
        let own =
            banyan_crypto::Claim { key: &public, message: &vote.statement.encode(), signature: &vote.signature.0 };
        banyan_crypto::verify(own).is_ok().then_some(vote)
    }

    /// Whether no other node has this one's key.
    fn is_alone(&self, n: usize) -> bool {
        let seed = self.houses[n].who.seed;
        self.houses.iter().filter(|house| house.who.seed == seed).count() == 1
    }

    /// How many prevotes and precommits of an era a node's key has said.
    pub fn votes_in(&self, n: usize, era: u64) -> usize {
        let public = PublicKey(key(self.houses[n].who.seed).public());
        let is_one = |statement: &Statement| statement.kind != VoteKind::Lock && u64::from(statement.era.0) == era;
        self.said.iter().filter(|((key, _), statement)| *key == public && is_one(statement)).count()
    }

    /// Height of a node's last final block.
    pub fn last_final(&self, n: usize) -> u64 {
        self.houses[n].node.as_ref().map_or(0, |node| node.chain().last_final().unwrap().header.height().0)
    }

    /// Height of a node's chain.
    pub fn top(&self, n: usize) -> u64 {
        self.houses[n].node.as_ref().map_or(0, |node| node.chain().head().unwrap().header.height().0)
    }
}

/// The same vote for a block that is not there.
fn lie(vote: &Vote, seed: u8) -> Vote {
    let statement = Statement { hash: Hash([0xbb; 32]), ..vote.statement };
    let signature = banyan_types::Signature(key(seed).sign(&statement.encode()));
    Vote { statement, signature, ..*vote }
}
