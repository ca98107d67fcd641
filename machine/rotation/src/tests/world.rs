//! Validators, their disks, a network and a parent, drawn from one number. Every order is checked as it is carried out.

use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet, VecDeque},
    format,
    vec::Vec,
};

use banyan_crypto::SecretKey;
use banyan_ledger::engine::{
    self, Rules as _, View,
    committee::{Epoch, check},
    rotation::{Rotation, Turns},
};
use banyan_types::{
    AssociateId, Hash, Height, Peer, PublicKey, Signature, TimeMs,
    committee::{Certificate, Member, SignedStatement, Slot, Statement, StatementKind, ValidatorSet},
    header::ChildHeader,
};

use crate::{
    Alarm, Block, Decided, Draft, Effect, Finality, Input, Machine, Mark, Message, ParentTip, Proposed, Range, Record,
    RotationParams, Saved, Sealed, Tip, To, Verdict, follow::mark,
};

pub const START: u64 = 1_000_000;
pub const PARENT_INTERVAL: u64 = 3_000;
/// Blocks in one answer.
const SERVED: usize = 20;

/// A sequence of numbers from one.
#[derive(Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }

    pub fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }
}

pub fn params() -> RotationParams {
    RotationParams::dev("relay.1234", AssociateId([6; 32]), 200)
}

pub fn keys(members: usize) -> Vec<SecretKey> {
    (0..members).map(|n| SecretKey::from_seed([u8::try_from(n).unwrap() + 1; 32])).collect()
}

pub fn public(key: &SecretKey) -> PublicKey {
    PublicKey(key.public())
}

pub fn turns(members: usize, threshold: u32) -> Turns {
    let member = |key: &SecretKey| Member { key: public(key), weight: 1 };
    let set = ValidatorSet::new(keys(members).iter().map(member).collect()).unwrap();
    Turns::new(&Epoch::drawn(0, Hash([9; 32]), set), threshold).unwrap()
}

pub fn sign(key: &SecretKey, statement: Statement) -> SignedStatement {
    let signature = Signature(key.sign(&statement.signing_message(&params().network_id)));
    SignedStatement { statement, by: public(key), signature }
}

/// The parent's final block at a height.
pub fn parent(height: u64) -> ParentTip {
    let hash = |salt| Hash(banyan_crypto::blake2b(&[&[salt], &height.to_be_bytes()]));
    let time = TimeMs(START + height * PARENT_INTERVAL);
    let inbox_next = height / 3;
    ParentTip { hash: hash(1), height: Height(height), time, root_height: Height(height), entropy: hash(2), inbox_next }
}

pub fn genesis(turns: &Turns) -> ChildHeader {
    let none = Hash::ZERO;
    ChildHeader {
        version: 6,
        height: Height(0),
        prev_hash: none,
        parent_hash: none,
        parent_height: Height(0),
        root_height: Height(0),
        time_ms: TimeMs(0),
        entropy: none,
        txs_root: none,
        receipts_root: none,
        inbox_to: 0,
        outbox_to: 0,
        state_root: Hash([1; 32]),
        set_hash: turns.set().hash(),
        leader: PublicKey([0; 32]),
        view: 0,
        prev_seal_hash: none,
    }
}

/// What executing a block gives.
pub fn executed(header: &ChildHeader) -> Hash {
    let outbox = header.outbox_to.to_be_bytes();
    Hash(banyan_crypto::blake2b(&[&header.prev_hash.0, &header.txs_root.0, &outbox]))
}

/// What survives a crash.
pub struct Disk {
    pub last: Tip,
    /// Every final block, from height 1.
    pub done: Vec<Decided>,
    pub chain: Vec<Decided>,
    pub records: Vec<Record>,
    pub summary: Option<Record>,
    pub accepted: (u64, Mark),
    /// All that was ever signed and written down.
    pub signed: BTreeMap<Slot, Statement>,
}

impl Disk {
    fn new(genesis: ChildHeader) -> Self {
        let base = Mark::default();
        Self {
            last: Tip { header: genesis, seal: None, parent: None },
            done: Vec::new(),
            chain: Vec::new(),
            records: Vec::new(),
            summary: None,
            accepted: (0, base),
            signed: BTreeMap::new(),
        }
    }

    pub fn tip(&self) -> &ChildHeader {
        self.chain.last().map_or(&self.last.header, |decided| &decided.block.header)
    }

    pub fn saved(&self) -> Saved {
        let (accepted, base) = self.accepted;
        let since = self.done.iter().map(|decided| mark(&decided.block)).filter(|mark| mark.height > base.height);
        let records = self.records.iter().cloned().chain(self.summary.clone());
        Saved {
            last: self.last.clone(),
            chain: self.chain.clone(),
            records: records.collect(),
            accepted,
            accepted_to: base.height,
            base,
            since: since.collect(),
        }
    }

    fn holds(&self, wanted: &Block) -> bool {
        self.records.iter().any(|record| match record {
            Record::Built(block) | Record::Verified(block) => **block == *wanted,
            _ => false,
        })
    }
}

pub struct Node {
    pub key: SecretKey,
    pub machine: Option<Machine>,
    pub disk: Disk,
    pub has_quorum: bool,
    /// Times that it was started.
    lives: u64,
    orders: VecDeque<Effect>,
    is_obeying: bool,
    /// Blocks that contradict this liar's own, by the own one.
    twins: BTreeMap<Hash, ChildHeader>,
}

enum Event {
    Tell(usize, u64, Box<Input>),
    Obey(usize, u64),
    Revive(usize),
    Parent,
    Work,
}

/// What goes wrong.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    pub delay_max: u64,
    /// One message in so many is lost; none at 0.
    pub drop: u64,
    pub groups: Option<Vec<u8>>,
    /// Hear nobody, and are heard by nobody.
    pub dead: BTreeSet<usize>,
    pub liars: BTreeSet<usize>,
    /// The node crashes after so many orders, once, and comes back after a while.
    pub crash: Option<(usize, u64)>,
    pub is_random: bool,
}

pub struct World {
    pub turns: Turns,
    pub params: RotationParams,
    pub nodes: Vec<Node>,
    pub now: u64,
    pub faults: Faults,
    pub finals: BTreeMap<Height, Hash>,
    pub accused: BTreeSet<PublicKey>,
    pub summaries: BTreeMap<u64, Vec<Range>>,
    pub unwound: usize,
    pub views: BTreeMap<Height, u32>,
    pub trace: [u8; 32],
    pub orders: u64,
    /// Whether final blocks may contradict each other: more lie than the rules bear.
    pub is_lawless: bool,
    pub parent_height: u64,
    /// Transactions that were ever sent.
    pub work: u64,
    /// How many of them are in a block and those before it.
    included: BTreeMap<Hash, u64>,
    headers: BTreeMap<Hash, ChildHeader>,
    events: BTreeMap<(u64, u64), Event>,
    next: u64,
    dice: Dice,
}

impl World {
    pub fn new(seed: u64, members: usize, threshold: u32) -> Self {
        let turns = turns(members, threshold);
        let first = genesis(&turns);
        let node = |key: SecretKey| Node {
            key,
            machine: None,
            disk: Disk::new(first.clone()),
            has_quorum: true,
            lives: 0,
            orders: VecDeque::new(),
            is_obeying: false,
            twins: BTreeMap::new(),
        };
        let mut world = Self {
            params: params(),
            nodes: keys(members).into_iter().map(node).collect(),
            now: START,
            faults: Faults { delay_max: 20, ..Faults::default() },
            finals: BTreeMap::new(),
            accused: BTreeSet::new(),
            summaries: BTreeMap::new(),
            unwound: 0,
            views: BTreeMap::new(),
            trace: [0; 32],
            orders: 0,
            is_lawless: false,
            parent_height: 0,
            work: 0,
            included: BTreeMap::from([(first.hash(), 0)]),
            headers: BTreeMap::from([(first.hash(), first.clone())]),
            events: BTreeMap::new(),
            next: 0,
            dice: Dice::new(seed),
            turns,
        };
        (0..members).for_each(|at| world.revive(at));
        world.at(0, Event::Parent);
        world
    }

    fn at(&mut self, after: u64, event: Event) {
        self.next += 1;
        self.events.insert((self.now + after, self.next), event);
    }

    fn revive(&mut self, at: usize) {
        let node = &mut self.nodes[at];
        let saved = node.disk.saved();
        let machine = Machine::resume(self.params.clone(), self.turns.clone(), node.key.clone(), saved).unwrap();
        (node.machine, node.has_quorum, node.is_obeying) = (Some(machine), true, false);
        node.lives += 1;
        node.orders.clear();
        if node.disk.tip().height > Height(0) || self.parent_height > 0 {
            self.tell(at, Input::ParentTip(parent(self.parent_height.max(1))));
        }
        self.tell_pool(at);
    }

    pub fn crash(&mut self, at: usize) {
        self.nodes[at].machine = None;
        self.nodes[at].lives += 1;
        self.nodes[at].orders.clear();
    }

    /// Stop it until the world heals.
    pub fn kill(&mut self, at: usize) {
        self.crash(at);
        self.faults.dead.insert(at);
    }

    pub fn tell(&mut self, at: usize, input: Input) {
        let Node { machine: Some(machine), orders, .. } = &mut self.nodes[at] else { return };
        let mut effects = Vec::new();
        machine.step(Input::Tick(TimeMs(self.now)), &mut effects);
        machine.step(input, &mut effects);
        let _ = machine.status();
        orders.extend(effects);
        self.begin_to_obey(at);
    }

    fn begin_to_obey(&mut self, at: usize) {
        let node = &mut self.nodes[at];
        if !node.is_obeying && !node.orders.is_empty() {
            node.is_obeying = true;
            let life = node.lives;
            let after = self.dice.below(3);
            self.at(after, Event::Obey(at, life));
        }
    }

    pub fn run(&mut self, millis: u64) {
        let end = self.now + millis;
        while let Some(entry) = self.events.first_entry().filter(|entry| entry.key().0 <= end) {
            let ((now, _), event) = entry.remove_entry();
            self.now = now;
            self.happen(event);
        }
        self.now = end;
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Tell(at, life, input) if self.nodes[at].lives == life => self.tell(at, *input),
            Event::Obey(at, life) if self.nodes[at].lives == life => self.obey_one(at),
            Event::Tell(..) | Event::Obey(..) => {}
            Event::Revive(at) => self.revive(at),
            Event::Parent => {
                self.parent_height += 1;
                let tip = parent(self.parent_height);
                for at in 0..self.nodes.len() {
                    let (after, life) = (self.dice.below(50), self.nodes[at].lives);
                    self.at(after, Event::Tell(at, life, Box::new(Input::ParentTip(tip))));
                }
                self.at(PARENT_INTERVAL, Event::Parent);
            }
            Event::Work => self.work(),
        }
    }

    /// Something for every mempool.
    pub fn work(&mut self) {
        self.work += 1;
        for at in 0..self.nodes.len() {
            self.tell_pool(at);
        }
    }

    /// Whether the mempool has what the branch that this node follows has not.
    fn tell_pool(&mut self, at: usize) {
        let has_more = self.included[&self.nodes[at].disk.tip().hash()] < self.work;
        self.tell(at, if has_more { Input::PoolReady } else { Input::PoolEmpty });
    }

    pub fn work_every(&mut self, millis: u64, times: u64) {
        (0..times).for_each(|n| self.at(n * millis, Event::Work));
    }

    fn obey_one(&mut self, at: usize) {
        self.nodes[at].is_obeying = false;
        let Some(effect) = self.nodes[at].orders.pop_front() else { return };
        self.orders += 1;
        if self.faults.crash.is_some_and(|(which, after)| which == at && self.orders >= after) {
            self.faults.crash = None;
            self.crash(at);
            let after = 50 + self.dice.below(3_000);
            return self.at(after, Event::Revive(at));
        }
        if self.faults.is_random && self.dice.one_in(1_500) {
            self.crash(at);
            let after = 50 + self.dice.below(3_000);
            return self.at(after, Event::Revive(at));
        }
        let bytes = match &effect {
            Effect::Send(to, message) => [format!("{to:?}").as_bytes(), &message.encode()].concat(),
            Effect::Persist(_, records) => records.iter().flat_map(Record::encode).collect(),
            other => format!("{other:?}").into_bytes(),
        };
        let place = [self.now, at as u64].map(u64::to_be_bytes).concat();
        self.trace = banyan_crypto::blake2b(&[&self.trace, &place, &bytes]);
        if let Some(answer) = self.obey(at, effect) {
            let (life, after) = (self.nodes[at].lives, self.dice.below(4));
            self.at(after, Event::Tell(at, life, Box::new(answer)));
        }
        self.begin_to_obey(at);
    }

    /// Do what an order says, and check that it may be given.
    fn obey(&mut self, at: usize, effect: Effect) -> Option<Input> {
        match effect {
            Effect::Build(header, seal) => Some(Input::Built(self.build(&header, seal.as_deref()))),
            Effect::Verify(header, seal) => Some(self.verify(&header, seal.as_deref())),
            Effect::Persist(seq, records) => {
                for record in records {
                    self.persist(at, record);
                }
                Some(Input::Persisted(seq))
            }
            Effect::Send(to, message) => {
                self.send(at, to, &message);
                None
            }
            Effect::Serve(peer, from) => {
                let disk = &self.nodes[at].disk;
                let blocks = disk.done.iter().chain(&disk.chain).filter(|decided| decided.block.header.height >= from);
                let blocks: Vec<_> = blocks.take(SERVED).map(sealed).collect();
                let to = usize::try_from(peer.0).unwrap();
                self.post(at, to, Input::Blocks(Peer(at as u64), blocks));
                None
            }
            Effect::Commit(decided) => {
                let height = decided.block.header.height;
                self.commit(at, *decided);
                self.tell_pool(at);
                Some(Input::Committed { height })
            }
            Effect::Seal(seal) => {
                let mut chain = self.nodes[at].disk.chain.iter_mut();
                let decided = chain.find(|decided| decided.block.header.hash() == seal.block_hash);
                decided.expect("a committed block").certificate = *seal;
                None
            }
            Effect::Final(finality) => {
                self.holds_for_strangers(&finality);
                self.finalise(at, &finality.seal);
                None
            }
            Effect::Accuse(both) => {
                let rules = Rotation { network_id: &self.params.network_id, turns: &self.turns };
                let fault = rules.fault(&both[0], &both[1]).expect("an accusation that everybody can check");
                self.accused.extend(fault.keys);
                None
            }
            Effect::Sealed(_) => None,
            Effect::AskParent(height) => Some(Input::ParentTip(parent(height.0))),
            Effect::Summarise(range) => {
                let disk = &self.nodes[at].disk;
                assert!(range.to <= disk.last.header.height, "only final blocks are summarised");
                assert_eq!(disk.summary, Some(Record::Summary(range)), "a range is durable before it goes out");
                self.summaries.entry(range.seq).or_default().push(range);
                None
            }
            Effect::Quorum(has_quorum) => {
                self.nodes[at].has_quorum = has_quorum;
                None
            }
            Effect::Score(peer, points) => {
                let liar = self.faults.liars.contains(&usize::try_from(peer.0).unwrap());
                assert!(liar || !self.faults.liars.is_empty(), "{peer:?} is honest, {points:?}");
                None
            }
            Effect::Wake(due) => {
                let (life, after) = (self.nodes[at].lives, due.0.saturating_sub(self.now));
                self.at(after, Event::Tell(at, life, Box::new(Input::Tick(due))));
                None
            }
            Effect::Alarm(alarm) => {
                assert!(self.is_lawless || matches!(alarm, Alarm::Unfinal { .. }), "{alarm:?}");
                None
            }
        }
    }

    fn build(&mut self, header: &ChildHeader, seal: Option<&Certificate>) -> Draft {
        assert_eq!(Turns::seal_hash(seal), header.prev_seal_hash);
        let prev = &self.headers[&header.prev_hash];
        let (included, work) = (self.included[&header.prev_hash], self.work);
        let txs = u32::try_from(work.saturating_sub(included).min(3)).unwrap();
        let salt = self.dice.below(u64::MAX).to_be_bytes();
        let txs_root = if txs == 0 { Hash::ZERO } else { Hash(banyan_crypto::blake2b(&[&salt])) };
        let outbox_to = header.outbox_to + u64::from(txs > 2);
        let settled = u32::try_from(header.inbox_to - prev.inbox_to).unwrap();
        let receipts_root = Hash::ZERO;
        let filled = ChildHeader { txs_root, receipts_root, outbox_to, ..header.clone() };
        let state_root = executed(&filled);
        let done = ChildHeader { state_root, ..filled };
        self.included.insert(done.hash(), included + u64::from(txs));
        self.headers.insert(done.hash(), done);
        Draft { height: header.height, txs_root, receipts_root, outbox_to, state_root, txs, settled }
    }

    fn verify(&mut self, header: &ChildHeader, seal: Option<&Certificate>) -> Input {
        assert_eq!(Turns::seal_hash(seal), header.prev_seal_hash);
        let hash = header.hash();
        let prev = &self.headers[&header.prev_hash];
        let settled = u32::try_from(header.inbox_to - prev.inbox_to).unwrap();
        let is_good = header.state_root == executed(header);
        self.headers.insert(hash, header.clone());
        let before = self.included[&header.prev_hash];
        self.included.entry(hash).or_insert(before);
        let missing = self.faults.is_random && self.dice.one_in(20);
        let verdict = match is_good {
            _ if missing => Verdict::Missing,
            true => Verdict::Good { settled },
            false => Verdict::Bad,
        };
        Input::Verified(hash, verdict)
    }

    fn persist(&mut self, at: usize, record: Record) {
        assert_eq!(Record::decode(&record.encode()), Ok(record.clone()));
        let two_steps = self.turns.has_two_steps();
        let disk = &mut self.nodes[at].disk;
        if let Record::Vote(signed) = &record {
            let said = signed.statement;
            let before = disk.signed.insert(said.slot(), said);
            assert_eq!(before, None, "a slot is signed once");
            let of_height = |slot: &Slot| slot.0 == StatementKind::Precommit && slot.1 == said.height;
            let commitments = disk.signed.keys().filter(|slot| of_height(slot)).count();
            assert!(two_steps || commitments <= 1, "one commitment for each height");
        }
        match record {
            Record::Summary(_) => disk.summary = Some(record),
            record => disk.records.push(record),
        }
    }

    fn commit(&mut self, at: usize, decided: Decided) {
        let header = &decided.block.header;
        let disk = &self.nodes[at].disk;
        assert!(disk.holds(&decided.block), "a block is durable before it is seen");
        let (prev_hash, last) = (header.prev_hash, disk.last.header.hash());
        let keep = disk.chain.iter().position(|before| before.block.header.hash() == prev_hash).map(|place| place + 1);
        let keep = keep.or_else(|| (prev_hash == last).then_some(0)).expect("never below what is final");
        let prev = self.headers[&prev_hash].clone();
        let rules = Rotation { network_id: &self.params.network_id, turns: &self.turns };
        let prev_seal_hash = Turns::seal_hash(decided.block.prev_seal.as_ref());
        let (version, associate) = (self.params.version, self.params.associate);
        let parent = Some(decided.block.parent);
        let view = View { version, associate, prev: &prev, prev_seal_hash, parent };
        assert_eq!(engine::check_sealed(&rules, &view, header, &decided.certificate), Ok(()));
        self.views.insert(header.height, header.view);
        let disk = &mut self.nodes[at].disk;
        self.unwound += disk.chain.len() - keep;
        disk.chain.truncate(keep);
        disk.chain.push(decided);
    }

    /// Whoever knows nothing but the validators can check why a block is final.
    fn holds_for_strangers(&self, finality: &Finality) {
        let (seal, set, network) = (&finality.seal, self.turns.set(), &self.params.network_id);
        assert_eq!(check(seal, set, network), Ok(()), "over two thirds committed to it");
        assert_eq!(finality.child.is_some(), !self.turns.has_two_steps());
        if let Some((child, own)) = &finality.child {
            assert_eq!((child.prev_hash, child.prev_seal_hash), (seal.block_hash, seal.hash()), "its child shows that");
            assert_eq!((own.height, own.block_hash), (child.height, child.hash()));
            assert_eq!(check(own, set, network), Ok(()), "and as many committed to the child");
        }
    }

    fn finalise(&mut self, at: usize, seal: &Certificate) {
        let rules = Rotation { network_id: &self.params.network_id, turns: &self.turns };
        assert_eq!(engine::committee::check(seal, self.turns.set(), rules.network_id), Ok(()), "over two thirds");
        let disk = &mut self.nodes[at].disk;
        let place = disk.chain.iter().position(|decided| decided.block.header.hash() == seal.block_hash);
        let done: Vec<_> = disk.chain.drain(..=place.expect("a committed block")).collect();
        for decided in &done {
            let Block { header, .. } = &decided.block;
            let known = *self.finals.entry(header.height).or_insert_with(|| header.hash());
            assert!(self.is_lawless || known == header.hash(), "one final block at height {}", header.height);
        }
        let block = done.last().unwrap().block.clone();
        disk.last = Tip { header: block.header, seal: Some(seal.clone()), parent: Some(block.parent) };
        disk.done.extend(done);
        let height = disk.last.header.height;
        disk.records.retain(|record| record.height().is_some_and(|at| at > height));
        assert_eq!(rules.check_seal(&disk.last.header, seal), Ok(()));
    }

    /// The parent accepts the newest summary and tells everybody.
    pub fn accept(&mut self) {
        let Some((seq, ranges)) = self.summaries.iter().next_back() else { return };
        let (seq, range) = (*seq, ranges[0]);
        for at in 0..self.nodes.len() {
            let done = self.nodes[at].disk.done.iter().find(|decided| decided.block.header.height == range.to);
            let base = done.map_or(Mark::default(), |decided| mark(&decided.block));
            if base.height == range.to {
                self.nodes[at].disk.accepted = (seq, base);
                self.tell(at, Input::SummaryAccepted { seq, child_to: range.to });
            }
        }
    }

    fn send(&mut self, at: usize, to: To, message: &Message) {
        self.check_durable(at, message);
        for peer in 0..self.nodes.len() {
            let is_meant = match to {
                To::All => true,
                To::Except(Peer(other)) => other != peer as u64,
                To::One(Peer(one)) => one == peer as u64,
            };
            if peer != at && is_meant {
                let message = self.lie(at, peer, message);
                let read = Message::decode(&message.encode()).expect("what is sent can be read");
                self.post(at, peer, Input::Heard(Peer(at as u64), read));
            }
        }
    }

    /// Nothing is sent that a crash could make this validator forget.
    fn check_durable(&self, at: usize, message: &Message) {
        let node = &self.nodes[at];
        let own = public(&node.key);
        if self.faults.liars.contains(&at) {
            return; // it gets its own lies back
        }
        let signed: Vec<_> = match message {
            Message::Proposal(proposed) => [proposed.signed].into(),
            Message::Vote(signed) => [*signed].into(),
            Message::Polka(accepts) => accepts.clone(),
            Message::AskBlocks(_) => Vec::new(),
        };
        for signed in signed.into_iter().filter(|signed| signed.by == own) {
            assert_eq!(node.disk.signed.get(&signed.statement.slot()), Some(&signed.statement), "persisted, then sent");
        }
    }

    fn post(&mut self, from: usize, to: usize, input: Input) {
        let Faults { delay_max, drop, .. } = self.faults;
        let apart = self.faults.groups.as_ref().is_some_and(|groups| groups[from] != groups[to]);
        let dead = self.faults.dead.contains(&from) || self.faults.dead.contains(&to);
        let after = 1 + self.dice.below(delay_max);
        let is_lost = apart || dead || drop > 0 && self.dice.one_in(drop);
        if !is_lost {
            let life = self.nodes[to].lives;
            self.at(after, Event::Tell(to, life, Box::new(input)));
        }
    }

    /// A liar tells every other peer of another block, and votes for both.
    fn lie(&mut self, at: usize, to: usize, message: &Message) -> Message {
        if !self.faults.liars.contains(&at) || to.is_multiple_of(2) {
            return message.clone();
        }
        let Node { key, twins, .. } = &mut self.nodes[at];
        match message {
            Message::Proposal(proposed) if proposed.signed.by == public(key) => {
                let Proposed { signed, header, prev_seal } = (**proposed).clone();
                let block = ChildHeader { txs_root: Hash([7; 32]), ..header.clone() };
                let block = ChildHeader { state_root: executed(&block), ..block };
                let said = Statement { block_hash: block.hash(), ..signed.statement };
                twins.insert(header.hash(), block.clone());
                Message::Proposal(Box::new(Proposed { signed: sign(key, said), header: block, prev_seal }))
            }
            Message::Vote(signed) if signed.by == public(key) => {
                let twin = twins.get(&signed.statement.block_hash).map(ChildHeader::hash);
                let said = |block_hash| sign(key, Statement { block_hash, ..signed.statement });
                Message::Vote(twin.map_or(*signed, said))
            }
            other => other.clone(),
        }
    }

    pub fn heal(&mut self) {
        let liars = core::mem::take(&mut self.faults.liars);
        self.faults = Faults { delay_max: 20, liars, ..Faults::default() };
        for at in 0..self.nodes.len() {
            if self.nodes[at].machine.is_none()
                && !self.events.values().any(|event| matches!(event, Event::Revive(which) if *which == at))
            {
                self.revive(at);
            }
        }
    }

    pub fn final_height(&self, at: usize) -> u64 {
        self.nodes[at].disk.last.header.height.0
    }

    pub fn height(&self, at: usize) -> u64 {
        self.nodes[at].disk.tip().height.0
    }

    pub fn honest(&self) -> Vec<usize> {
        let odd = |at: &usize| self.faults.liars.contains(at) || self.faults.dead.contains(at);
        (0..self.nodes.len()).filter(|at| !odd(at)).collect()
    }

    /// The lowest final height among the honest.
    pub fn all_final(&self) -> u64 {
        self.honest().into_iter().map(|at| self.final_height(at)).min().unwrap()
    }
}

fn sealed(decided: &Decided) -> Sealed {
    let Decided { block: Block { header, prev_seal, .. }, certificate } = decided.clone();
    Sealed { header, prev_seal, certificate }
}
