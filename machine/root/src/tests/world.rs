//! Real blocks at the least work, and a shell in fifty lines that checks the orders it gets.

use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use banyan_crypto::SecretKey;
use banyan_types::{
    AccountId, Gas, Hash, Height, PublicKey, Signature, TimeMs,
    header::{KEY_WORKED_BYTES, KeyHeader, MicroHeader, POW_EDGES},
};

use crate::{
    Block, BodyFacts, Effect, Header, Input, KeyBodyFacts, Machine, Miner, NotApplied, ParentTip, Peer, Record,
    RootParams, Saved, Stopped, Watermark,
    pow::{Lean, Seed, Solver as _},
    target::Target,
};

pub const GENESIS_TIME: TimeMs = TimeMs(1_000_000);
pub const INTERVAL: u64 = 3_000;
pub const NETWORK: &str = "test_root";
/// Late enough for every block that a test makes without saying when.
pub const LATE: TimeMs = TimeMs(100_000_000);
pub const ALICE: Peer = Peer(1);
pub const BOB: Peer = Peer(2);
/// The key that leads where a test does not say who.
pub const LEADER: u8 = 7;

pub fn params() -> RootParams {
    RootParams::dev(NETWORK, GENESIS_TIME)
}

pub fn secret(seed: u8) -> SecretKey {
    SecretKey::from_seed([seed; 32])
}

pub fn miner(seed: u8) -> Miner {
    Miner { key: PublicKey(secret(seed).public()), beneficiary: AccountId([seed; 32]) }
}

pub fn genesis() -> KeyHeader {
    KeyHeader {
        version: 6,
        info: None,
        height: Height(0),
        prev_hash: Hash::ZERO,
        prev_key_hash: Hash::ZERO,
        state_root: Hash([1; 32]),
        miner: miner(LEADER).key,
        beneficiary: AccountId([0; 32]),
        witness_hash: Hash::ZERO,
        target: Target::HIGHEST.to_compact(),
        time: GENESIS_TIME,
        nonce: 0,
        pow: [0; POW_EDGES],
    }
}

/// A key block after `prev`, an interval later, not yet mined. `salt` tells siblings apart.
pub fn key_draft(prev: &Header, salt: u8) -> KeyHeader {
    let prev_key_hash = match prev {
        Header::Key(key) => key.hash(),
        Header::Micro(micro) => micro.prev_key_hash,
    };
    KeyHeader {
        height: Height(prev.height().0 + 1),
        prev_hash: prev.hash(),
        prev_key_hash,
        state_root: Hash([salt; 32]),
        time: TimeMs(GENESIS_TIME.0 + INTERVAL * (prev.height().0 + 1)),
        ..genesis()
    }
}

/// Find the proof of work.
pub fn mined(mut header: KeyHeader) -> KeyHeader {
    let bits = params().edge_bits;
    let target = Target::from_compact(header.target).unwrap_or(Target::HIGHEST);
    let prefix = *header.encode().first_chunk::<KEY_WORKED_BYTES>().unwrap();
    loop {
        let seed = Seed::of_header(&prefix, header.nonce);
        let cycles = Lean::default().solve(&seed, bits, &|| false);
        if let Some(pow) = cycles.into_iter().find(|pow| crate::pow::verify(&seed, bits, pow, &target).is_ok()) {
            header.pow = pow;
            return header;
        }
        header.nonce += 1;
    }
}

pub fn key(prev: &Header, salt: u8) -> Header {
    Header::Key(Box::new(mined(key_draft(prev, salt))))
}

/// A micro block after `prev`, an interval later, not yet signed.
pub fn micro_draft(prev: &Header, salt: u8) -> MicroHeader {
    let prev_key_hash = match prev {
        Header::Key(key) => key.hash(),
        Header::Micro(micro) => micro.prev_key_hash,
    };
    MicroHeader {
        version: 6,
        height: prev.height(),
        index: prev.index() + 1,
        prev_hash: prev.hash(),
        prev_key_hash,
        state_root: Hash([salt; 32]),
        txs_root: Hash([salt | 0x80; 32]),
        receipts_root: Hash::ZERO,
        time: TimeMs(prev.time().0 + params().micro_interval_ms),
        gas_used: Gas(1),
        signature: Signature([0; 64]),
    }
}

pub fn signed(mut header: MicroHeader, by: u8) -> MicroHeader {
    header.signature = Signature(secret(by).sign(&header.signing_message(NETWORK)));
    header
}

pub fn micro(prev: &Header, salt: u8) -> Header {
    Header::Micro(Box::new(signed(micro_draft(prev, salt), LEADER)))
}

pub fn block(header: &Header) -> Block {
    match header {
        Header::Key(header) => {
            let body = KeyBodyFacts { witness_hash: header.witness_hash, bytes: 0 };
            Block::Key(header.clone(), body)
        }
        Header::Micro(header) => {
            let body = BodyFacts { txs_root: header.txs_root, bytes: 100 };
            Block::Micro(header.clone(), body)
        }
    }
}

pub fn from(peer: Peer, header: &Header) -> Input {
    Input::Block { from: Some(peer), block: block(header) }
}

pub fn is_score(effect: &Effect) -> bool {
    matches!(effect, Effect::Score(..))
}

/// A machine, and a shell that obeys it at once: its disk is `applied`, `signed` and `told`.
pub struct Node {
    pub machine: Machine,
    pub params: RootParams,
    pub miner: Option<Miner>,
    /// Every effect, in order.
    pub log: Vec<Effect>,
    /// Blocks that this node finds invalid when it executes them.
    pub poison: BTreeSet<Hash>,
    /// Where the state stands.
    pub head: Hash,
    /// Executed headers, in order.
    pub applied: Vec<Header>,
    pub signed: Option<MicroHeader>,
    pub told: Vec<ParentTip>,
    keys: BTreeMap<Hash, KeyHeader>,
}

impl Node {
    pub fn new() -> Self {
        Self::with(params(), None)
    }

    pub fn with(params: RootParams, miner: Option<Miner>) -> Self {
        let mut node = Self {
            machine: Machine::new(params.clone(), miner, genesis()),
            params,
            miner,
            log: Vec::new(),
            poison: BTreeSet::new(),
            head: genesis().hash(),
            applied: Vec::new(),
            signed: None,
            told: Vec::new(),
            keys: BTreeMap::from([(genesis().hash(), genesis())]),
        };
        node.tell(Input::Tick(GENESIS_TIME));
        node
    }

    /// A follower at a time when no block is ahead of the clock.
    pub fn late() -> Self {
        let mut node = Self::new();
        node.tell(Input::Tick(LATE));
        node
    }

    /// One step, unanswered.
    pub fn step(&mut self, input: Input) -> Result<Vec<Effect>, Stopped> {
        let mut effects = Vec::new();
        let result = self.machine.step(input, &mut effects);
        self.log.extend(effects.clone());
        for effect in &effects {
            self.obey(effect);
        }
        result.map(|()| effects)
    }

    /// One step, and all that follows when executions are answered at once.
    pub fn tell(&mut self, input: Input) -> Vec<Effect> {
        let mut effects = self.step(input).unwrap();
        let mut read = 0;
        while let Some(effect) = effects.get(read).cloned() {
            read += 1;
            if let Effect::Apply(hash) = effect {
                let answer = if self.poison.contains(&hash) { Err(NotApplied::Invalid) } else { Ok(()) };
                effects.extend(self.answer(hash, answer));
            }
        }
        effects
    }

    /// Answer an execution.
    pub fn answer(&mut self, hash: Hash, answer: Result<(), NotApplied>) -> Vec<Effect> {
        if answer.is_ok() {
            let header = self.machine.header(&hash).unwrap().clone();
            assert_eq!(header.prev_hash(), self.head, "a block is applied on its parent");
            self.head = hash;
            if !self.applied.contains(&header) {
                self.applied.push(header);
            }
        }
        self.step(Input::Applied(hash, answer)).unwrap()
    }

    pub fn feed<'a>(&mut self, headers: impl IntoIterator<Item = &'a Header>) -> Vec<Effect> {
        headers.into_iter().flat_map(|header| self.tell(from(ALICE, header))).collect()
    }

    fn obey(&mut self, effect: &Effect) {
        match effect {
            Effect::Unwind(hash) => {
                let line: Vec<_> = self.machine.tree.line(&self.head).map(|(hash, _)| hash).collect();
                assert!(line.contains(hash) && *hash != self.head, "unwinding goes to an ancestor");
                self.head = *hash;
            }
            Effect::Propagate(tip) => {
                assert!(self.told.last().is_none_or(|last| last.height < tip.height && last.time <= tip.time));
                self.told.push(*tip);
            }
            Effect::Persist(_, Record::Signed(header)) => self.signed = Some((**header).clone()),
            _ => {}
        }
    }

    /// What is on this node's disk.
    pub fn saved(&mut self) -> Saved {
        self.keys.extend(self.applied.iter().filter_map(|header| match header {
            Header::Key(key) => Some((key.hash(), (**key).clone())),
            Header::Micro(_) => None,
        }));
        let last = self.told.last().map_or(genesis().hash(), |tip| tip.hash);
        let mut past: Vec<_> =
            core::iter::successors(self.keys.get(&last), |key| self.keys.get(&key.prev_key_hash)).cloned().collect();
        past.reverse();
        let root = self.machine.tree.root();
        let held = |header: &&Header| header.hash() != root && self.machine.header(&header.hash()).is_some();
        Saved {
            past,
            work: self.machine.work(&root).unwrap(),
            clock: self.told.last().map_or(GENESIS_TIME, |tip| tip.time),
            above: self.applied.iter().filter(held).cloned().collect(),
            tip: self.head,
            watermark: self.signed.as_ref().map(Watermark::of),
        }
    }

    /// Lose everything that is not on disk, and start again.
    pub fn crash(&mut self) {
        let (saved, now) = (self.saved(), self.machine.now);
        self.machine = Machine::resume(self.params.clone(), self.miner, saved).unwrap();
        self.tell(Input::Tick(now));
    }

    pub fn tip(&self) -> Hash {
        self.machine.tip().hash
    }
}

/// A chain of so many key blocks on `prev`.
pub fn keys(prev: &Header, salt: u8, count: usize) -> Vec<Header> {
    let mut chain = Vec::new();
    for _ in 0..count {
        chain.push(key(chain.last().unwrap_or(prev), salt));
    }
    chain
}

pub fn root() -> Header {
    Header::Key(Box::new(genesis()))
}
