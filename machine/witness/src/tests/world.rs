//! Witnesses with made-up signatures, a disk that may forget what was not flushed, a network that may do anything.

use alloc::{boxed::Box, collections::BTreeMap, vec, vec::Vec};
use core::num::NonZeroU64;

use banyan_ledger::certificate::BadCertificate;
use banyan_types::{
    AccountId, Amount, Era, Hash, Height, PublicKey, Round, Signature, TimeMs,
    witness::{Justification, Seal, Source, Statement, Vote, VoteKind, Witness, WitnessSet, places_in},
};

use crate::{
    Checks, Effect, Input, KeyRef, Machine, Me, Memory, Message, Params, Peer, Record, Saved, Seq, Watermarks,
    mutant::Mutant,
};

pub const CHAIN: Hash = Hash([0xcc; 32]);
pub const DELTA: u64 = 200;
pub const SETTLE: u64 = 50;
pub const ALICE: Peer = Peer(100);

pub fn params(era_len: u64) -> Params {
    Params {
        chain: CHAIN,
        era_len: NonZeroU64::new(era_len).unwrap(),
        settle_ms: SETTLE,
        delta_ms: DELTA,
        key_interval_ms: NonZeroU64::new(3_000).unwrap(),
        micro_interval_ms: 300,
    }
}

/// The signature of a member is its place, over and over: as good as any in a world without forgers.
pub fn forged(by: u16) -> Signature {
    Signature([u8::try_from(by).unwrap() + 1; 64])
}

fn check_vote(vote: &Vote, set: &WitnessSet) -> Result<(), BadCertificate> {
    let members = set.members.len();
    set.member(vote.by).ok_or(BadCertificate::Stranger { by: vote.by, members })?;
    if vote.signature == forged(vote.by) { Ok(()) } else { Err(BadCertificate::Signature { index: 0 }) }
}

fn check_seal(seal: &Seal, set: &WitnessSet, _: Hash) -> Result<(), BadCertificate> {
    check_weight(places_in(&seal.bitmap), &seal.signatures, set)
}

fn check_justification(just: &Justification, set: &WitnessSet, _: Hash) -> Result<(), BadCertificate> {
    check_weight(places_in(&just.bitmap), &just.signatures, set)
}

fn check_weight(
    places: impl Iterator<Item = u16>,
    signatures: &[Signature],
    set: &WitnessSet,
) -> Result<(), BadCertificate> {
    let places: Vec<_> = places.collect();
    let bad = places.iter().zip(signatures).position(|(place, signature)| *signature != forged(*place));
    let (weight, total) = (set.weight_at(places), set.total());
    match bad {
        Some(index) => Err(BadCertificate::Signature { index }),
        None if set.is_quorum(weight) => Ok(()),
        None => Err(BadCertificate::Quorum { weight, total }),
    }
}

/// The double of [`Checks::LEDGER`].
pub const CHECKS: Checks = Checks { vote: check_vote, seal: check_seal, justification: check_justification };

pub fn key_of(place: u16) -> PublicKey {
    PublicKey([u8::try_from(place).unwrap() + 1; 32])
}

pub fn set(era: u32, members: u16) -> WitnessSet {
    let member = |place| Witness {
        key: key_of(place),
        weight: Amount::new(10).unwrap(),
        staker: AccountId([u8::try_from(place).unwrap() + 1; 32]),
    };
    WitnessSet { era: Era(era), members: (0..members).map(member).collect() }
}

pub fn sets(members: u16) -> Vec<WitnessSet> {
    (0..3).map(|era| set(era, members)).collect()
}

pub fn hash(n: u8) -> Hash {
    Hash([n; 32])
}

/// Block `n` at a height after block `prev`; work is the height.
pub fn key(n: u8, height: u64, prev: u8) -> KeyRef {
    KeyRef { hash: hash(n), height: Height(height), prev_key: hash(prev), work: u128::from(height) }
}

pub fn genesis() -> KeyRef {
    key(0, 0, 255)
}

/// A straight chain from the genesis: block `n` has height `n`.
pub fn chain(length: u8) -> Vec<KeyRef> {
    (1..=length).map(|n| key(n, u64::from(n), n - 1)).collect()
}

pub fn statement(kind: VoteKind, era: u32, round: u32, block: KeyRef, source: Source) -> Statement {
    let (era, round, height, hash) = (Era(era), Round(round), block.height, block.hash);
    Statement { chain: CHAIN, kind, era, round, height, hash, source, index: 0 }
}

pub fn source(round: u32, block: KeyRef) -> Source {
    Source { round: Round(round), hash: block.hash }
}

pub fn prevote(by: u16, round: u32, block: KeyRef, from: Source) -> Vote {
    Vote { statement: statement(VoteKind::Prevote, 0, round, block, from), by, signature: forged(by) }
}

pub fn precommit(by: u16, round: u32, block: KeyRef) -> Vote {
    Vote { statement: statement(VoteKind::Precommit, 0, round, block, Source::NONE), by, signature: forged(by) }
}

pub fn justification(round: u32, block: KeyRef, by: &[u16], from: Source, members: usize) -> Justification {
    let by: BTreeMap<_, _> = by.iter().map(|place| (*place, (forged(*place), from))).collect();
    Justification::gather(&statement(VoteKind::Prevote, 0, round, block, from), &by, members)
}

pub fn seal(round: u32, block: KeyRef, by: &[u16], members: usize) -> Seal {
    let by: BTreeMap<_, _> = by.iter().map(|place| (*place, forged(*place))).collect();
    Seal::gather(&statement(VoteKind::Precommit, 0, round, block, Source::NONE), &by, members)
}

/// What a crash leaves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Disk {
    pub marks: Watermarks,
    pub seal: Option<Box<Seal>>,
    pub justifications: Vec<Justification>,
    /// The last final block and the anchor of its era.
    pub finals: Vec<Seal>,
    pub halted: bool,
}

impl Disk {
    fn write(&mut self, record: Record) {
        match record {
            Record::Vote(vote) => self.marks.note(&vote),
            Record::Seal(seal) => {
                self.finals.push((*seal).clone());
                self.seal = Some(seal);
            }
            Record::Justification(justification) => self.justifications.push(*justification),
            Record::Conflict { .. } => self.halted = true,
        }
    }
}

/// A machine with its shell. Signatures come at once; the disk is flushed at [`Node::flush`] or at once.
#[derive(Clone, Debug)]
pub struct Node {
    pub place: u16,
    pub machine: Machine,
    pub disk: Disk,
    pub unflushed: Vec<(Seq, Record)>,
    pub flushes: bool,
    pub finals: Vec<Seal>,
    pub accused: Vec<crate::Proof>,
    pub alarms: usize,
    pub outbox: Vec<(crate::To, Message)>,
    pub fetches: Vec<(Peer, crate::Want)>,
    pub wake: Option<TimeMs>,
    /// All that was ever signed and left.
    pub sent: Vec<Vote>,
    era_len: u64,
    members: u16,
    mutant: Option<Mutant>,
}

impl Node {
    pub fn new(place: u16, members: u16, era_len: u64, mutant: Option<Mutant>) -> Self {
        let me = (place < members).then(|| Me { key: key_of(place), memory: Memory::None });
        let saved = Saved::genesis(genesis(), sets(members));
        let mut machine = Machine::start(params(era_len), CHECKS, me, saved).unwrap();
        machine.mutant = mutant;
        Self {
            place,
            machine,
            disk: Disk::default(),
            unflushed: vec![],
            flushes: true,
            finals: vec![],
            accused: vec![],
            alarms: 0,
            outbox: vec![],
            fetches: vec![],
            wake: None,
            sent: vec![],
            era_len,
            members,
            mutant,
        }
    }

    pub fn peer(&self) -> Peer {
        Peer(u64::from(self.place))
    }

    pub fn tell(&mut self, input: Input) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            let mut effects = vec![];
            self.machine.step(input, &mut effects);
            let mut answers = vec![];
            for effect in effects {
                self.carry_out(effect, &mut answers);
            }
            // The first answer is given first.
            answers.reverse();
            inputs.extend(answers);
        }
    }

    fn carry_out(&mut self, effect: Effect, answers: &mut Vec<Input>) {
        match effect {
            Effect::Sign(statement) => answers.push(Input::Signed(statement, Some(forged(self.place)))),
            Effect::Persist(seq, record) if self.flushes => {
                self.disk.write(record);
                answers.push(Input::Persisted(seq));
            }
            Effect::Persist(seq, record) => self.unflushed.push((seq, record)),
            Effect::Send { message, to } => {
                if let Message::Vote(vote) = &message
                    && vote.by == self.place
                    && !self.sent.contains(vote)
                {
                    self.sent.push(**vote);
                }
                self.outbox.push((to, message));
            }
            Effect::Fetch(peer, want) => self.fetches.push((peer, want)),
            Effect::Final(seal) => self.finals.push(*seal),
            Effect::Accuse(proof) => self.accused.push(*proof),
            Effect::Wake(at) => self.wake = Some(at),
            Effect::Alarm(_) => self.alarms += 1,
            Effect::Witnessed { .. } | Effect::Anchored { .. } | Effect::Locked(_) | Effect::Score(..) => {}
        }
    }

    /// The oldest record reaches the disk.
    pub fn flush(&mut self) {
        if !self.unflushed.is_empty() {
            let (seq, record) = self.unflushed.remove(0);
            self.disk.write(record);
            self.tell(Input::Persisted(seq));
        }
    }

    /// Power goes and comes back: what is not on disk never was. `blocks` are all that the store has, parents first.
    pub fn crash(&mut self, blocks: &[KeyRef], tip: Hash, now: TimeMs) {
        let last = self.disk.seal.as_ref().map_or(genesis(), |seal| find(blocks, seal.hash));
        let next_era = (last.height.0 + 1) / self.era_len;
        let mut anchor = last;
        while anchor.height.0 > 0 && !(anchor.height.0 + 1).is_multiple_of(self.era_len) {
            anchor = find(blocks, anchor.prev_key);
        }
        if next_era == 0 {
            anchor = genesis();
        }
        let first = u32::try_from(next_era).unwrap();
        let saved = Saved {
            anchor,
            above: descendants(blocks, anchor),
            last_final: last.hash,
            seal: self.disk.seal.clone(),
            justifications: self.disk.justifications.clone(),
            sets: (first..first + 3).map(|era| set(era, self.members)).collect(),
            halted: self.disk.halted,
            anchors: vec![],
        };
        let memory = Memory::Kept(Box::new(self.disk.marks.clone()));
        let me = (self.place < self.members).then(|| Me { key: key_of(self.place), memory });
        self.machine = Machine::start(params(self.era_len), CHECKS, me, saved).unwrap();
        self.machine.mutant = self.mutant;
        self.unflushed.clear();
        self.outbox.clear();
        self.wake = None;
        self.tell(Input::Tick(now));
        self.tell(Input::Tip(tip));
    }
}

pub fn find(blocks: &[KeyRef], hash: Hash) -> KeyRef {
    blocks.iter().copied().find(|block| block.hash == hash).unwrap_or_else(genesis)
}

fn descendants(blocks: &[KeyRef], anchor: KeyRef) -> Vec<KeyRef> {
    let mut known = vec![anchor.hash];
    let mut found = vec![];
    for block in blocks {
        if known.contains(&block.prev_key) && block.hash != anchor.hash {
            known.push(block.hash);
            found.push(*block);
        }
    }
    found
}

/// Whether `hash` is `ancestor` or descends from it.
pub fn descends(blocks: &[KeyRef], mut hash: Hash, ancestor: Hash) -> bool {
    while hash != ancestor && hash != genesis().hash {
        hash = find(blocks, hash).prev_key;
    }
    hash == ancestor
}

pub fn input(from: Peer, message: Message) -> Input {
    let from = Some(from);
    match message {
        Message::Vote(vote) => Input::Vote { from, vote: *vote },
        Message::Seal(seal) => Input::Seal { from, seal },
        Message::Justification(justification) => Input::Justification { from, justification },
    }
}
