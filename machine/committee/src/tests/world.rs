//! Validators with their shells, disks and links, and a parent, under virtual time. One number draws everything.

use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet},
    format,
    vec::Vec,
};

use banyan_crypto::SecretKey;
use banyan_ledger::engine::{self, Rules as _, View, committee::Committee};
use banyan_types::{
    AssociateId, Hash, Height, Peer, PublicKey, Signature, TimeMs,
    committee::{Certificate, Member, SignedStatement, Slot, Statement, ValidatorSet},
    header::ChildHeader,
};

use crate::*;

pub const START: u64 = 1_000_000;
pub const PARENT_INTERVAL: u64 = 3_000;
pub const NETWORK: &str = "bank.2Qx7Lm4d";
const SILENCE: u64 = 200;
/// A state root that no execution gives.
const BAD_ROOT: Hash = Hash([0xbd; 32]);

pub fn key(n: usize) -> SecretKey {
    SecretKey::from_seed([u8::try_from(n).unwrap(); 32])
}

pub fn public(n: usize) -> PublicKey {
    PublicKey(key(n).public())
}

pub fn params() -> CommitteeParams {
    CommitteeParams::dev(NETWORK, AssociateId([6; 32]), SILENCE)
}

pub fn epoch(members: usize, seed: u64) -> Epoch {
    let member = |n| Member { key: public(n), weight: 1 };
    let seed = Hash(banyan_crypto::blake2b(&[&seed.to_be_bytes()]));
    Epoch::drawn(0, seed, ValidatorSet::new((0..members).map(member).collect()).unwrap())
}

/// The parent's final block at a height.
pub fn parent(height: u64) -> ParentTip {
    let hash = |salt: u8| Hash(banyan_crypto::blake2b(&[&[salt], &height.to_be_bytes()]));
    let time = TimeMs(START + height * PARENT_INTERVAL);
    let root_height = Height(height);
    ParentTip { hash: hash(1), height: Height(height), time, root_height, entropy: hash(2), inbox_next: height / 3 }
}

pub fn genesis(epoch: &Epoch) -> ChildHeader {
    let (none, zero) = (Hash::ZERO, Height(0));
    ChildHeader {
        version: 6,
        height: zero,
        prev_hash: none,
        parent_hash: none,
        parent_height: zero,
        root_height: zero,
        time_ms: TimeMs(0),
        entropy: none,
        txs_root: none,
        receipts_root: none,
        inbox_to: 0,
        outbox_to: 0,
        state_root: Hash([1; 32]),
        set_hash: epoch.set.hash(),
        leader: PublicKey([0; 32]),
        view: 0,
        prev_seal_hash: none,
    }
}

/// What one validator does wrong, and what the links do.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// This node crashes in the middle of its effects, at this one.
    pub crash: Option<(usize, u64)>,
    /// A crash loses the log.
    pub forgets: bool,
    /// This node proposes two blocks.
    pub equivocator: Option<usize>,
    /// This node's blocks have a wrong state root.
    pub liar: Option<usize>,
    /// So many of a hundred messages are lost.
    pub lost: u64,
}

/// What survives a crash.
#[derive(Clone, Default)]
pub struct Disk {
    pub chain: Vec<Decided>,
    log: Vec<Record>,
    summary: Option<Range>,
    handover: Option<SignedStatement>,
    accepted: (u64, Height),
}

pub struct Node {
    pub machine: Option<Machine>,
    life: u32,
    pub disk: Disk,
    wake: Option<TimeMs>,
    pub effects: u64,
    /// Whether the shell was told of a quorum, last.
    pub quorum: Vec<bool>,
    pub accused: Vec<[SignedStatement; 2]>,
    pub summarised: Vec<Range>,
    pub alarms: Vec<Alarm>,
    /// Certificates of handovers that it was to send.
    pub handed: Vec<(Handover, Certificate)>,
    /// Bodies that were built or fetched in this life.
    ready: bool,
}

enum Event {
    Feed(usize, u32, Input),
    /// A write is on disk.
    Written(usize, u32, Seq, Vec<Record>),
    Committing(usize, u32, Box<Decided>),
    Wake(usize, u32, TimeMs),
    Boot(usize),
    Parent(u64),
}

pub struct World {
    pub epoch: Epoch,
    /// The first height of another epoch, and that epoch.
    pub next: Option<(u64, Epoch)>,
    pub nodes: Vec<Node>,
    queue: BTreeMap<(u64, u64), Event>,
    pub now: u64,
    order: u64,
    dice: u64,
    pub faults: Faults,
    trace: Hash,
    signed: BTreeMap<(PublicKey, Slot), Statement>,
    pub signed_twice: u64,
    pub parent_height: u64,
    /// Nodes that hear only each other.
    pub parts: Option<BTreeSet<usize>>,
    pub messages: u64,
}

impl World {
    pub fn new(seed: u64, faults: Faults) -> Self {
        let node = || Node {
            machine: None,
            life: 0,
            disk: Disk::default(),
            wake: None,
            effects: 0,
            quorum: Vec::new(),
            accused: Vec::new(),
            summarised: Vec::new(),
            alarms: Vec::new(),
            handed: Vec::new(),
            ready: false,
        };
        let mut world = Self {
            epoch: epoch(4, seed),
            next: None,
            nodes: (0..4).map(|_| node()).collect(),
            queue: BTreeMap::new(),
            now: START,
            order: 0,
            dice: seed,
            faults,
            trace: Hash::ZERO,
            signed: BTreeMap::new(),
            signed_twice: 0,
            parent_height: 0,
            parts: None,
            messages: 0,
        };
        (0..4).for_each(|i| world.boot(i));
        world.later(0, Event::Parent(1));
        world
    }

    fn later(&mut self, after: u64, event: Event) {
        self.order += 1;
        self.queue.insert((self.now + after, self.order), event);
    }

    pub fn roll(&mut self, below: u64) -> u64 {
        let hash = banyan_crypto::blake2b(&[&self.dice.to_be_bytes()]);
        self.dice = u64::from_be_bytes(hash[..8].try_into().unwrap());
        self.dice % below
    }

    pub fn trace(&self) -> Hash {
        self.trace
    }

    pub fn height(&self, i: usize) -> u64 {
        self.nodes[i].disk.chain.len() as u64
    }

    pub fn heights(&self) -> Vec<u64> {
        (0..self.nodes.len()).map(|i| self.height(i)).collect()
    }

    pub fn epoch_at(&self, height: u64) -> &Epoch {
        self.next.as_ref().filter(|(from, _)| *from <= height).map_or(&self.epoch, |(_, epoch)| epoch)
    }

    fn saved(&self, i: usize) -> Saved {
        let disk = &self.nodes[i].disk;
        let Some(last) = disk.chain.last() else {
            return Saved { log: disk.log.clone(), ..Saved::genesis(genesis(&self.epoch), self.epoch.clone()) };
        };
        let mark = |decided: &Decided| {
            let ChildHeader { height, parent_height, outbox_to, inbox_to, .. } = decided.block.header;
            Mark { height, parent_height, outbox_to, inbox_to, settled: decided.block.settled }
        };
        let (accepted, base) = disk.accepted;
        let at = usize::try_from(base.0).unwrap().min(disk.chain.len());
        let (before, since) = disk.chain.split_at(at);
        Saved {
            tip: last.block.header.clone(),
            seal: Some(last.certificate.clone()),
            parent: Some(last.block.parent),
            epoch: self.epoch_at(last.block.header.height.0 + 1).clone(),
            sealers: self.epoch_at(last.block.header.height.0).set.clone(),
            log: disk.log.clone(),
            accepted,
            accepted_to: base,
            base: before.last().map(mark).unwrap_or_default(),
            since: since.iter().map(mark).collect(),
            edges: self.next.iter().map(|(from, _)| Height(*from)).collect(),
            summary: disk.summary,
            handover: disk.handover,
        }
    }

    pub fn boot(&mut self, i: usize) {
        let (saved, mut effects) = (self.saved(i), Vec::new());
        let mut machine = Machine::resume(params(), key(i), saved, &mut effects).expect("a log that replays");
        machine.step(Input::Tick(TimeMs(self.now)), &mut effects).unwrap();
        let node = &mut self.nodes[i];
        node.life += 1;
        (node.machine, node.ready, node.wake) = (Some(machine), false, None);
        self.carry_out(i, effects);
        if self.parent_height > 0 {
            self.feed(i, Input::ParentTip(parent(self.parent_height)));
        }
    }

    /// Come back after so many milliseconds.
    pub fn boot_after(&mut self, i: usize, millis: u64) {
        self.later(millis, Event::Boot(i));
    }

    pub fn kill(&mut self, i: usize) {
        self.nodes[i].machine = None;
        if self.faults.forgets {
            self.nodes[i].disk.log.clear();
        }
    }

    pub fn feed(&mut self, i: usize, input: Input) {
        let mut effects = Vec::new();
        let Some(machine) = &mut self.nodes[i].machine else { return };
        machine.step(Input::Tick(TimeMs(self.now)), &mut effects).expect("no fault of ours");
        machine.step(input, &mut effects).expect("no fault of ours");
        self.carry_out(i, effects);
    }

    fn carry_out(&mut self, i: usize, effects: Vec<Effect>) {
        for effect in effects {
            self.nodes[i].effects += 1;
            if self.faults.crash == Some((i, self.nodes[i].effects)) {
                self.kill(i); // the rest of the list is lost with the memory
                self.later(300, Event::Boot(i));
                return;
            }
            let line = format!("{} {i} {effect:?}", self.now);
            self.trace = Hash(banyan_crypto::blake2b(&[&self.trace.0, line.as_bytes()]));
            self.perform(i, effect);
        }
    }

    fn perform(&mut self, i: usize, effect: Effect) {
        let life = self.nodes[i].life;
        match effect {
            Effect::Build(header, prev_seal) => {
                assert_eq!(prev_seal.map_or(Hash::ZERO, |seal| seal.hash()), header.prev_seal_hash);
                let text = format!("{i} {life} {} {}", header.height, self.now);
                let lies = self.faults.liar == Some(i);
                let state_root = if lies { BAD_ROOT } else { Hash(banyan_crypto::blake2b(&[text.as_bytes()])) };
                let txs = u32::from(core::mem::take(&mut self.nodes[i].ready));
                let (height, root, outbox_to) = (header.height, Hash([2; 32]), header.outbox_to + u64::from(txs));
                let draft =
                    Draft { height, txs_root: root, receipts_root: root, outbox_to, state_root, txs, settled: 0 };
                self.later(3, Event::Feed(i, life, Input::Built(draft)));
            }
            Effect::Verify(header, _) => {
                let good = Verdict::Good { settled: 0 };
                let verdict = if header.state_root == BAD_ROOT { Verdict::Bad } else { good };
                self.later(3, Event::Feed(i, life, Input::Verified(header.hash(), verdict)));
            }
            Effect::Persist(seq, records) => {
                for record in &records {
                    assert_eq!(Record::decode(&record.encode()).as_ref(), Ok(record));
                }
                self.later(2, Event::Written(i, life, seq, records));
            }
            Effect::Send(to, message) => self.send(i, to, &message),
            Effect::Serve(peer, from) => {
                let to = usize::try_from(peer.0).unwrap();
                let chain = &self.nodes[i].disk.chain;
                let skip = usize::try_from(from.0 - 1).unwrap();
                let blocks: Vec<_> = chain.iter().skip(skip).take(20).map(sealed).collect();
                self.post(i, to, Input::Blocks(Peer(i as u64), blocks));
            }
            Effect::Commit(decided) => self.later(2, Event::Committing(i, life, decided)),
            Effect::Accuse(pair) => self.nodes[i].accused.push(*pair),
            Effect::Sealed(_) => {}
            Effect::AskParent(height) => {
                if height.0 <= self.parent_height {
                    self.later(1, Event::Feed(i, life, Input::ParentTip(parent(height.0))));
                }
            }
            Effect::Summarise(range) => {
                self.nodes[i].summarised.push(range);
                for to in 0..self.nodes.len() {
                    let accepted = Input::SummaryAccepted { seq: range.seq, child_to: range.to };
                    self.later(500, Event::Feed(to, self.nodes[to].life, accepted));
                }
            }
            Effect::HandOver(handover, certificate) => self.nodes[i].handed.push((*handover, *certificate)),
            Effect::Quorum(is_there) => self.nodes[i].quorum.push(is_there),
            Effect::Score(peer, _) => {
                assert!(self.is_bad(usize::try_from(peer.0).unwrap()), "an honest peer is blamed");
            }
            Effect::Wake(at) => {
                self.nodes[i].wake = Some(at);
                self.later(at.0.saturating_sub(self.now), Event::Wake(i, life, at));
            }
            Effect::Alarm(alarm) => self.nodes[i].alarms.push(alarm),
        }
    }

    fn is_bad(&self, i: usize) -> bool {
        self.faults.equivocator == Some(i) || self.faults.liar == Some(i)
    }

    fn send(&mut self, i: usize, to: To, message: &Message) {
        assert_eq!(Message::decode(&message.encode()).as_ref(), Ok(message));
        self.check_said(i, message);
        let to: Vec<_> = match to {
            To::One(peer) => [usize::try_from(peer.0).unwrap()].into(),
            To::All => (0..self.nodes.len()).filter(|to| *to != i).collect(),
            To::Except(peer) => (0..self.nodes.len()).filter(|to| *to != i && *to as u64 != peer.0).collect(),
        };
        for to in to {
            self.post(i, to, Input::Heard(Peer(i as u64), message.clone()));
            if let (true, Message::Proposal(proposed)) = (self.faults.equivocator == Some(i) && to % 2 == 1, message) {
                let other = Message::Proposal(twin(proposed, i).into());
                self.post(i, to, Input::Heard(Peer(i as u64), other));
            }
        }
    }

    /// What leaves is on disk, and nothing else of its slot has ever left.
    fn check_said(&mut self, i: usize, message: &Message) {
        let (signed, record) = match message {
            Message::Vote(vote) => (*vote, Record::Vote(*vote)),
            Message::Proposal(proposed) => (proposed.signed, Record::Proposal(proposed.clone())),
            Message::Handover(signed) => {
                assert_eq!(self.nodes[i].disk.handover, Some(*signed), "sent before it was on disk");
                (*signed, Record::Handover(*signed))
            }
            _ => return,
        };
        if signed.by != public(i) {
            return;
        }
        let statement = signed.statement;
        let is_final = statement.height.0 <= self.height(i) || matches!(record, Record::Handover(_));
        assert!(is_final || self.nodes[i].disk.log.contains(&record), "sent before it was on disk: {message:?}");
        let first = *self.signed.entry((signed.by, statement.slot())).or_insert(statement);
        self.signed_twice += u64::from(first != statement);
    }

    fn post(&mut self, from: usize, to: usize, input: Input) {
        let (lost, after) = (self.roll(100) < self.faults.lost, 5 + self.roll(40));
        let cut = self.parts.as_ref().is_some_and(|part| part.contains(&from) != part.contains(&to));
        self.messages += 1;
        if !lost && !cut {
            let life = self.nodes[to].life;
            self.later(after, Event::Feed(to, life, input));
        }
    }

    /// Run for so many milliseconds.
    pub fn run(&mut self, millis: u64) {
        let end = self.now + millis;
        while let Some(first) = self.queue.first_entry().filter(|first| first.key().0 <= end) {
            let ((now, _), event) = first.remove_entry();
            self.now = now;
            self.happen(event);
        }
        self.now = end;
    }

    fn is_alive(&self, i: usize, life: u32) -> bool {
        self.nodes[i].life == life && self.nodes[i].machine.is_some()
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Boot(i) if self.nodes[i].machine.is_none() => self.boot(i),
            Event::Feed(i, life, input) if self.is_alive(i, life) => {
                if let Input::SummaryAccepted { seq, child_to } = input {
                    self.nodes[i].disk.accepted = self.nodes[i].disk.accepted.max((seq, child_to));
                }
                self.feed(i, input);
            }
            Event::Written(i, life, seq, records) if self.is_alive(i, life) => {
                self.write(i, records);
                self.feed(i, Input::Persisted(seq));
            }
            Event::Committing(i, life, decided) if self.is_alive(i, life) => {
                let height = decided.block.header.height;
                self.commit(i, *decided);
                let begins = self.next.as_ref().filter(|(from, _)| *from == height.0 + 1);
                let next = begins.map(|(_, epoch)| Box::new(epoch.clone()));
                self.feed(i, Input::Committed { height, next });
                let ready = self.nodes[i].ready;
                self.feed(i, if ready { Input::PoolReady } else { Input::PoolEmpty });
            }
            Event::Wake(i, life, at) if self.is_alive(i, life) && self.nodes[i].wake == Some(at) => {
                self.feed(i, Input::Tick(TimeMs(self.now)));
            }
            Event::Parent(height) => {
                self.parent_height = height;
                for i in 0..self.nodes.len() {
                    let (life, after) = (self.nodes[i].life, self.roll(200));
                    self.later(after, Event::Feed(i, life, Input::ParentTip(parent(height))));
                }
                self.later(PARENT_INTERVAL, Event::Parent(height + 1));
            }
            _ => {} // of a life that is over
        }
    }

    fn write(&mut self, i: usize, records: Vec<Record>) {
        let disk = &mut self.nodes[i].disk;
        for record in records {
            match record {
                Record::Summary(range) => disk.summary = Some(range),
                Record::Handover(signed) => disk.handover = Some(signed),
                record if record.height() > disk.chain.last().map(|last| last.block.header.height) => {
                    disk.log.push(record);
                }
                _ => {}
            }
        }
    }

    fn commit(&mut self, i: usize, decided: Decided) {
        let genesis = genesis(&self.epoch);
        let disk = &self.nodes[i].disk;
        let prev = disk.chain.last().map_or(&genesis, |last| &last.block.header);
        let rules = Committee { network_id: NETWORK, epoch: self.epoch_at(decided.block.header.height.0) };
        let Block { header, prev_seal, parent, .. } = &decided.block;
        let prev_seal_hash = prev_seal.as_ref().map_or(Hash::ZERO, Certificate::hash);
        let (version, associate) = (params().version, params().associate);
        let view = View { version, associate, prev, prev_seal_hash, parent: Some(*parent) };
        assert_eq!(engine::check_sealed(&rules, &view, header, &decided.certificate), Ok(()));
        if let Some(seal) = prev_seal {
            let before = Committee { network_id: NETWORK, epoch: self.epoch_at(prev.height.0) };
            assert_eq!(before.check_seal(prev, seal), Ok(()));
        }
        assert_ne!(header.state_root, BAD_ROOT, "a lie was committed");
        let at = disk.chain.len();
        for other in &self.nodes {
            let theirs = other.disk.chain.get(at).map(|decided| decided.block.header.hash());
            assert!(theirs.is_none_or(|theirs| theirs == header.hash()), "a fork at {}", header.height);
        }
        let disk = &mut self.nodes[i].disk;
        disk.log.clear();
        disk.chain.push(decided);
    }

    /// The parent makes no more blocks.
    pub fn stop_parent(&mut self) {
        self.queue.retain(|_, event| !matches!(event, Event::Parent(_)));
    }

    /// Something waits in every pool.
    pub fn fill_pools(&mut self) {
        for i in 0..self.nodes.len() {
            self.nodes[i].ready = true;
            self.feed(i, Input::PoolReady);
        }
    }

    /// Run until every living node has so many blocks, or fail.
    pub fn run_until(&mut self, height: u64, millis: u64) {
        let end = self.now + millis;
        while (0..self.nodes.len()).any(|i| self.nodes[i].machine.is_some() && self.height(i) < height) {
            assert!(self.now < end, "heights {:?}, {height} expected", self.heights());
            self.run(100);
        }
    }
}

pub fn sealed(decided: &Decided) -> Sealed {
    let Decided { block, certificate } = decided.clone();
    Sealed { header: block.header, prev_seal: block.prev_seal, certificate }
}

/// Another block by the same leader for the same view.
pub fn twin(proposed: &Proposed, leader: usize) -> Proposed {
    let mut header = proposed.header.clone();
    header.state_root.0[0] ^= 1;
    let statement = Statement { block_hash: header.hash(), ..proposed.signed.statement };
    let signature = Signature(key(leader).sign(&statement.signing_message(NETWORK)));
    let signed = SignedStatement { statement, by: public(leader), signature };
    Proposed { signed, header, prev_seal: proposed.prev_seal.clone() }
}
