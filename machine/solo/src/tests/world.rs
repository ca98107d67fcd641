//! A shell, a disk and a parent in a hundred lines, which check the orders they get.

use alloc::{boxed::Box, collections::BTreeMap, vec::Vec};

use banyan_crypto::SecretKey;
use banyan_types::{AssociateId, Hash, Height, PublicKey, Signature, TimeMs, header::ChildHeader};

use crate::{
    Draft, Effect, Input, Machine, Mark, ParentTip, Produced, Range, Record, Saved, SoloParams,
    rules::{self, View},
};

pub const START: TimeMs = TimeMs(1_000_000);
pub const PARENT_INTERVAL: u64 = 3_000;
pub const SILENCE: u64 = 200;
/// Parent heights between two heartbeats.
pub const HEARTBEAT: u64 = SILENCE / 20;

pub fn operator() -> SecretKey {
    SecretKey::from_seed([5; 32])
}

pub fn params() -> SoloParams {
    SoloParams::dev("bank.1234", AssociateId([6; 32]), PublicKey(operator().public()), SILENCE)
}

/// The parent's final block at a height, with so many inbox entries.
pub fn parent(height: u64, inbox_next: u64) -> ParentTip {
    let hash = |salt| Hash(banyan_crypto::blake2b(&[&[salt], &height.to_be_bytes()]));
    ParentTip {
        hash: hash(1),
        height: Height(height),
        time: TimeMs(START.0 + height * PARENT_INTERVAL),
        root_height: Height(height),
        entropy: hash(2),
        inbox_next,
    }
}

pub fn genesis() -> ChildHeader {
    ChildHeader {
        version: 6,
        height: Height(0),
        prev_hash: Hash::ZERO,
        parent_hash: Hash::ZERO,
        parent_height: Height(0),
        root_height: Height(0),
        time_ms: TimeMs(0),
        entropy: Hash::ZERO,
        txs_root: Hash::ZERO,
        receipts_root: Hash::ZERO,
        inbox_to: 0,
        outbox_to: 0,
        state_root: Hash([1; 32]),
        set_hash: Hash::ZERO,
        leader: params().operator,
        view: 0,
        prev_seal_hash: Hash::ZERO,
    }
}

/// What the next block is built of.
#[derive(Clone, Copy, Debug, Default)]
pub struct Work {
    pub txs: u32,
    pub withdrawals: u64,
    /// Inbox entries without money, among those that are settled.
    pub news: u32,
}

/// A machine, a shell that obeys, and what is on its disk.
pub struct World {
    pub machine: Machine,
    pub params: SoloParams,
    /// Every effect, in order.
    pub log: Vec<Effect>,
    pub work: Work,
    /// The parent's inbox: from each height on, so many entries.
    pub inbox: BTreeMap<u64, u64>,
    pub now: u64,
    pub chain: Vec<Produced>,
    pub signed: Option<Box<Produced>>,
    /// Every block that was signed and written down.
    pub durable: BTreeMap<Height, Hash>,
    /// Every summary that ever went out, by its number.
    pub summaries: BTreeMap<u64, Range>,
    pub summary: Option<Range>,
    pub accepted: (u64, Mark),
    told: BTreeMap<Hash, ParentTip>,
    salt: u8,
}

impl World {
    pub fn new() -> Self {
        Self::with(params())
    }

    pub fn with(params: SoloParams) -> Self {
        let mut world = Self {
            machine: Machine::resume(params.clone(), Saved::genesis(genesis())).unwrap(),
            params,
            log: Vec::new(),
            work: Work::default(),
            inbox: BTreeMap::new(),
            now: START.0,
            chain: Vec::new(),
            signed: None,
            durable: BTreeMap::new(),
            summaries: BTreeMap::new(),
            summary: None,
            accepted: (0, Mark::default()),
            told: BTreeMap::new(),
            salt: 0,
        };
        world.tell(Input::Tick(START));
        world
    }

    /// One step, unanswered.
    pub fn step(&mut self, input: Input) -> Vec<Effect> {
        if let Input::ParentTip(tip) = input {
            self.told.insert(tip.hash, tip);
        }
        let mut effects = Vec::new();
        self.machine.step(input, &mut effects);
        self.log.extend(effects.clone());
        effects
    }

    /// One step, and all that follows when the shell does what it is told.
    pub fn tell(&mut self, input: Input) -> Vec<Effect> {
        let mut effects = self.step(input);
        let mut read = 0;
        while let Some(effect) = effects.get(read).cloned() {
            read += 1;
            if let Some(answer) = self.obey(&effect) {
                effects.extend(self.step(answer));
            }
        }
        effects
    }

    /// Do what one effect says.
    pub fn obey(&mut self, effect: &Effect) -> Option<Input> {
        match effect {
            Effect::Build(header) => Some(Input::Built(self.build(header))),
            Effect::Sign(header) => {
                let message = rules::seal_message(&self.params.network_id, header);
                Some(Input::Signed(Signature(operator().sign(&message))))
            }
            Effect::Persist(seq, Record::Block(produced)) => {
                let before = self.durable.insert(produced.header.height, produced.header.hash());
                assert_eq!(before, None, "one signature for each height");
                self.signed = Some(produced.clone());
                Some(Input::Persisted(*seq))
            }
            Effect::Persist(seq, Record::Summary(range)) => {
                self.summary = Some(*range);
                Some(Input::Persisted(*seq))
            }
            Effect::Commit(produced) => {
                self.commit(produced);
                Some(Input::Committed(produced.header.height))
            }
            Effect::Summarise(range) => {
                assert_eq!(self.summary, Some(*range), "a range is durable before it goes out");
                let before = self.summaries.insert(range.seq, *range);
                assert!(before.is_none_or(|before| before == *range), "one range for each number");
                None
            }
            Effect::AskParent(height) => Some(Input::ParentTip(self.parent_at(height.0))),
            Effect::Wake(_) | Effect::Alarm(_) => None,
        }
    }

    pub fn parent_at(&self, height: u64) -> ParentTip {
        parent(height, self.inbox.range(..=height).next_back().map_or(0, |(_, entries)| *entries))
    }

    fn build(&mut self, header: &ChildHeader) -> Draft {
        let from = self.tip().inbox_to;
        self.salt = self.salt.wrapping_add(1);
        Draft {
            height: header.height,
            txs_root: Hash([self.work.txs.to_be_bytes()[3]; 32]),
            receipts_root: Hash::ZERO,
            outbox_to: header.outbox_to + self.work.withdrawals,
            state_root: Hash([self.salt; 32]),
            txs: self.work.txs,
            settled: u32::try_from(header.inbox_to - from).unwrap().saturating_sub(self.work.news),
        }
    }

    /// What a follower would check, and that the disk held it before.
    fn commit(&mut self, produced: &Produced) {
        assert_eq!(self.signed.as_deref(), Some(produced), "a block is durable before it is seen");
        let prev = self.tip().clone();
        let prev_seal_hash = self.chain.last().map_or(Hash::ZERO, Produced::seal_hash);
        let parent = self.told.get(&produced.header.parent_hash).copied();
        let SoloParams { version, associate, .. } = self.params;
        let view = View { version, associate, prev: &prev, prev_seal_hash, parent };
        assert_eq!(rules::check(&self.params, &view, &produced.header, &produced.seal), Ok(()));
        self.chain.push(produced.clone());
    }

    pub fn tip(&self) -> ChildHeader {
        self.chain.last().map_or_else(genesis, |produced| produced.header.clone())
    }

    pub fn tick(&mut self, more: u64) -> Vec<Effect> {
        self.now += more;
        self.tell(Input::Tick(TimeMs(self.now)))
    }

    /// The parent has accepted the newest summary.
    pub fn accept(&mut self) -> Vec<Effect> {
        let range = *self.summaries.values().next_back().unwrap();
        self.accepted = (range.seq, self.mark(range.to));
        self.tell(Input::SummaryAccepted { seq: range.seq, child_to: range.to })
    }

    fn mark(&self, height: Height) -> Mark {
        let Some(place) = height.0.checked_sub(1) else { return Mark::default() };
        let Produced { header, settled, .. } = &self.chain[usize::try_from(place).unwrap()];
        let (parent_height, outbox_to, inbox_to) = (header.parent_height, header.outbox_to, header.inbox_to);
        Mark { height, parent_height, outbox_to, inbox_to, settled: *settled }
    }

    pub fn saved(&self) -> Saved {
        let (accepted, base) = self.accepted;
        let tip = self.tip();
        Saved {
            seal_hash: self.chain.last().map_or(Hash::ZERO, Produced::seal_hash),
            parent: self.chain.last().map(|produced| produced.parent),
            signed: self.signed.clone(),
            accepted,
            base,
            since: (base.height.0 + 1..=tip.height.0).map(|height| self.mark(Height(height))).collect(),
            summary: self.summary,
            tip,
        }
    }

    /// Lose everything that is not on disk, and start again.
    pub fn crash(&mut self) -> Vec<Effect> {
        self.machine = Machine::resume(self.params.clone(), self.saved()).unwrap();
        self.tell(Input::Tick(TimeMs(self.now)))
    }

    pub fn height(&self) -> u64 {
        self.tip().height.0
    }
}

pub fn summarised(effects: &[Effect]) -> Vec<Range> {
    let ranges = effects.iter().filter_map(|effect| match effect {
        Effect::Summarise(range) => Some(*range),
        _ => None,
    });
    ranges.collect()
}

pub fn alarms(effects: &[Effect]) -> usize {
    effects.iter().filter(|effect| matches!(effect, Effect::Alarm(_))).count()
}
