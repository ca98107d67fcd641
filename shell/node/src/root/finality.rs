//! What makes key blocks final: witnesses, or where a genesis names none, depth.
//!
//! A vote is on disk before it is on the wire: one row holds all votes of this node that bind it, another run's node with
//! the same key finds them there. Rules: root 8, 9.

use std::num::NonZeroU64;

use banyan_crypto::SecretKey;
use banyan_gossip::{Input as Talk, To as Reach, Word};
use banyan_ledger::{RootEngine, WitnessSets, certificate::check_seal, key};
use banyan_root::{
    Header as Named, Input as Step, Machine, Tip, finality::DepthFinality, lock_hold_ms, target::Target,
};
use banyan_store::{Commit, Flush, Order as Direction, Place};
use banyan_types::{
    AccountId, Amount, Bytes, Era, Hash, Height, Peer, Points, PublicKey, Round, Signature,
    header::KeyHeader,
    rlp::{Field as _, Items},
    witness::{Justification, Seal, VOTE_BYTES, Vote as Ballot, VoteKind},
};
use banyan_witness::{
    Checks, Effect, Input as Vote, KeyRef, Me, Memory, Message, MicroRef, Params, Record, Saved, To, Want, Watermarks,
};

use super::{RootDriver, Todo, WitnessRole, anchors, gate::Gate, locks::Locks, resume};
use crate::{
    Chain, Header, Leaves as _, NodeError,
    genesis::RootEngineParams,
    node::{Core, News, Order},
};

/// Kind of the records that hold seals, by the height of the key block.
const SEAL_RECORD: u8 = 2;
/// Kind of the records that hold justifications, by era and round.
const JUSTIFICATION_RECORD: u8 = 3;
/// Kind of the records that hold the last key blocks of eras, for light clients.
const BOUNDARY_RECORD: u8 = 4;
/// Key intervals, and never more than an era has, within which a sealed key block is fresh: the network is in its era or in
/// the next one.
const FRESH_INTERVALS: u64 = 10;
/// Name of the row with the votes that bind this node; the witness key's digits follow.
const VOTES_ROW: &str = "root.votes";
/// Row of two seals that contradict each other; empty once operators have agreed.
const CONFLICT_ROW: &str = "root.conflict";

/// Who says what is final.
pub enum Finality {
    /// So many key blocks on top.
    Depth(DepthFinality),
    /// Witnesses.
    Stake(Box<Stake>),
}

/// The witness machine and what it needs of this node.
pub struct Stake {
    machine: banyan_witness::Machine,
    pub(super) params: Params,
    key: Option<SecretKey>,
    /// The votes that bind, as the row holds them.
    marks: Watermarks,
    /// When this node may vote.
    gate: Gate,
    /// Micro blocks that a quorum has locked.
    locks: Locks,
    /// The key block that over half of the weight prevoted last.
    witnessed: Option<Hash>,
    /// The newest key block that is final by an operators' anchor.
    pub(super) anchored: Option<(Height, Hash)>,
    /// Whether what others may look at has changed.
    pub(super) stirred: bool,
}

/// Finality as others may look at it.
#[allow(clippy::struct_excessive_bools)] // each is a line of a status page
#[derive(Debug, Clone, Default)]
pub struct FinalityView {
    /// Whether witnesses decide; else depth does.
    pub by_stake: bool,
    /// Era of the running set.
    pub era: Era,
    /// Round in that era.
    pub round: Round,
    /// Weight of the whole set.
    pub total: Amount,
    /// The set, with what each member said in the round.
    pub members: Vec<MemberView>,
    /// The newest seal.
    pub seal: Option<Seal>,
    /// The last micro block that a quorum has locked: generation's height, index, hash.
    pub locked: Option<(Height, u32, Hash)>,
    /// The key block that over half of the weight prevoted last.
    pub witnessed: Option<Hash>,
    /// Whether the tip is so far above the last final block that users must be told.
    pub is_degraded: bool,
    /// Whether conflicting seals stopped finality.
    pub is_halted: bool,
    /// Whether this node votes.
    pub is_voting: bool,
    /// Stakers that were seen to vote twice.
    pub accused: Vec<AccountId>,
    /// Whether this node still fetches what its peers have.
    pub is_syncing: bool,
    /// The newest key block that is final by an operators' anchor.
    pub anchored: Option<(Height, Hash)>,
}

/// A witness in the running round.
#[derive(Debug, Clone)]
pub struct MemberView {
    /// Its key.
    pub key: PublicKey,
    /// Whose stake answers for it.
    pub staker: AccountId,
    /// What its vote weighs.
    pub weight: Amount,
    /// The key block that it prevoted.
    pub prevote: Option<Hash>,
    /// The key block that it precommitted.
    pub precommit: Option<Hash>,
}

impl Finality {
    pub fn open(
        core: &Core,
        chain_machine: &Machine,
        engine: &RootEngineParams,
        role: Option<WitnessRole>,
        has_peers: bool,
    ) -> Result<Self, NodeError> {
        let chain = &core.chain;
        let Some(rules) = chain.params().root.as_ref().filter(|root| root.stake.is_some()) else {
            if role.is_some() {
                return Err(NodeError::Role);
            }
            let depth = u16::try_from(engine.final_depth).unwrap_or(u16::MAX);
            return Ok(Self::Depth(DepthFinality::new(depth, chain_machine.key_chain())));
        };
        let wrong = |what: &str| NodeError::GenesisFile(what.into());
        let params = Params {
            chain: chain.genesis_hash(),
            era_len: NonZeroU64::new(rules.era).ok_or_else(|| wrong("era is zero"))?,
            settle_ms: engine.settle_ms,
            delta_ms: engine.delta_ms,
            key_interval_ms: NonZeroU64::new(chain.params().height_interval_ms)
                .ok_or_else(|| wrong("height_interval_ms is zero"))?,
            micro_interval_ms: engine.micro_interval_ms,
        };
        let halted = chain.store().meta(CONFLICT_ROW)?.is_some_and(|row| !row.is_empty());
        let saved = Saved { halted, ..saved(chain, chain_machine, &params)? };
        let (me, marks, gate) = match &role {
            Some(role) => recall(chain, role, has_peers)?,
            None => (None, Watermarks::default(), Gate::Waiting),
        };
        let mut machine = banyan_witness::Machine::start(params, Checks::LEDGER, me, saved)
            .map_err(|refused| NodeError::Stopped(refused.to_string()))?;
        machine.vote_from(gate.to_era());
        let key = role.map(|role| role.key);
        let locks = Locks::new(lock_hold_ms(engine.delta_ms));
        let anchored = anchors::check_reached(chain)?;
        let stake = Stake { machine, params, key, marks, gate, locks, witnessed: None, anchored, stirred: true };
        Ok(Self::Stake(Box::new(stake)))
    }

    /// The witness key, if this node votes.
    pub fn key(&self) -> Option<&SecretKey> {
        match self {
            Self::Depth(_) => None,
            Self::Stake(stake) => stake.key.as_ref(),
        }
    }

    /// Whether contradicting seals have stopped it, in this run or an earlier one.
    pub fn is_halted(&self) -> bool {
        matches!(self, Self::Stake(stake) if stake.machine.is_halted())
    }

    /// What depth says of a new tip, where it has a say.
    pub fn depth_says(&mut self, tip: &Tip) -> Option<(Hash, Height)> {
        match self {
            Self::Depth(depth) => depth.tip(tip),
            Self::Stake(_) => None,
        }
    }

    /// What the witness machine must hear at the start: key blocks above the final one, the newest seal.
    pub fn first_words(&self, core: &Core, chain_machine: &Machine) -> Result<Vec<Vote>, NodeError> {
        let Self::Stake(_) = self else { return Ok(Vec::new()) };
        let mut words = Vec::new();
        for (height, row) in core.chain.store().records(SEAL_RECORD, u64::MAX, Direction::Descending, 1)? {
            if height > core.chain.last_final()?.header.height().0 {
                words.push(Vote::Seal { from: None, seal: Box::new(Seal::decode(&row)?) });
            }
        }
        let line = chain_machine.key_chain();
        words.extend(line.iter().map(|block| Vote::Applied(block.hash)));
        words.extend(line.last().map(|block| Vote::Tip(block.hash)));
        Ok(words)
    }

    /// Seals that a key block on the head may carry, the best first.
    pub fn seals_for(&self, core: &Core) -> Result<Vec<Seal>, NodeError> {
        let Self::Stake(stake) = self else { return Ok(Vec::new()) };
        let head = core.chain.head()?;
        let recorded = head.view.leaf(&key::engine(), RootEngine::decode)?.map_or(Height(0), |leaf| leaf.sealed_height);
        let Some(newest) = stake.machine.seal() else { return Ok(Vec::new()) };
        let mut seals = vec![newest.clone()];
        // What seals the last block of the era before may have to come first.
        let before = newest.era.0.checked_sub(1).map(|era| stake.params.last_of(Era(era)));
        if let Some(boundary) = before
            && let Some(row) = core.chain.store().record(SEAL_RECORD, boundary.0)?
        {
            seals.push(Seal::decode(&row)?);
        }
        let mut fit = Vec::new();
        for seal in seals {
            if seal.height > recorded && core.chain.main_at(Place::at(seal.height.0))? == Some(seal.hash) {
                fit.push(seal);
            }
        }
        Ok(fit)
    }

    /// Let others see what has changed.
    pub fn publish(&mut self, core: &Core, is_syncing: bool) {
        let Self::Stake(stake) = self else {
            core.publish(|view| view.is_syncing = is_syncing);
            return;
        };
        if std::mem::take(&mut stake.stirred) {
            let view = stake.view(is_syncing);
            core.publish(|held| *held = view);
        }
    }
}

impl Stake {
    fn view(&self, is_syncing: bool) -> FinalityView {
        let machine = &self.machine;
        let round = machine.round_shown();
        let said = |kind: VoteKind, place: u16| {
            let vote = machine.votes(kind, round).find(|(vote, _)| vote.by == place);
            vote.map(|(vote, _)| vote.statement.hash)
        };
        let members = machine.set().into_iter().flat_map(|set| (0u16..).zip(&set.members));
        let member = |(place, member): (u16, &banyan_types::witness::Witness)| MemberView {
            key: member.key,
            staker: member.staker,
            weight: member.weight,
            prevote: said(VoteKind::Prevote, place),
            precommit: said(VoteKind::Precommit, place),
        };
        FinalityView {
            by_stake: true,
            era: machine.era(),
            round,
            total: machine.set().map_or(Amount::ZERO, banyan_types::witness::WitnessSet::total),
            members: members.map(member).collect(),
            seal: machine.seal().cloned(),
            locked: self.locks.ripe().map(|micro| (micro.height, micro.index, micro.hash)),
            witnessed: self.witnessed,
            is_degraded: machine.is_degraded(),
            is_halted: machine.is_halted(),
            is_voting: machine.is_voting(),
            accused: machine.accused().collect(),
            is_syncing,
            anchored: self.anchored,
        }
    }

    /// The row of what binds this node: from which era it may vote, and its votes.
    fn remember(&self, commit: &mut Commit) {
        if let Some(key) = &self.key {
            commit.meta(&votes_row(key), votes_bytes(self.gate, &self.marks));
        }
    }

    /// How old a sealed key block may be to be fresh, in milliseconds.
    fn fresh_ms(&self) -> u64 {
        FRESH_INTERVALS.min(self.params.era_len.get()).saturating_mul(self.params.key_interval_ms.get())
    }

    /// The gate has moved: write that down before the machine hears of it.
    fn pass_gate(&mut self, core: &Core) -> Result<(), NodeError> {
        let mut commit = Commit::new();
        self.remember(&mut commit);
        core.chain.store().commit(commit, Flush::Now)?;
        self.machine.vote_from(self.gate.to_era());
        self.stirred = true;
        Ok(())
    }

    /// Write a record down, votes and what they rest on flushed.
    fn persist(&mut self, core: &Core, record: &Record) -> Result<(), NodeError> {
        let mut commit = Commit::new();
        let flush = match record {
            Record::Vote(vote) => {
                self.marks.note(vote);
                self.remember(&mut commit);
                Flush::Now
            }
            Record::Seal(seal) => {
                commit.record(SEAL_RECORD, seal.height.0, seal.encode());
                Flush::Later
            }
            Record::Justification(just) => {
                commit.record(JUSTIFICATION_RECORD, justification_seq(just.era, just.round), just.encode());
                Flush::Later
            }
            Record::Conflict { held, got } => {
                let held = held.as_ref().map(|held| held.encode()).unwrap_or_default();
                let mut row = Vec::new();
                ConflictRow { held: Bytes(held), got: Bytes(got.encode()) }.put(&mut row);
                commit.meta(CONFLICT_ROW, row);
                Flush::Now
            }
        };
        Ok(core.chain.store().commit(commit, flush)?)
    }
}

impl RootDriver {
    pub(super) fn step_votes(&mut self, core: &mut Core, step: Vote) -> Result<(), NodeError> {
        let Finality::Stake(stake) = &mut self.finality else { return Ok(()) };
        let is_tick = matches!(step, Vote::Tick(_));
        let mut effects = Vec::new();
        if is_tick && let Some(MicroRef { hash, height, index, .. }) = stake.locks.ripen(core.now) {
            stake.stirred = true;
            core.order(Order::News(News::Locked { hash, height, index }));
        }
        let awaited = stake.machine.awaited();
        stake.machine.step(step, &mut effects);
        stake.stirred |= !is_tick || !effects.is_empty();
        let now_awaited = stake.machine.awaited();
        if now_awaited != awaited {
            self.todo.push_back(Todo::Talk(Talk::Sealed(now_awaited)));
        }
        for effect in effects {
            self.perform_votes(core, effect)?;
        }
        Ok(())
    }

    fn perform_votes(&mut self, core: &mut Core, effect: Effect) -> Result<(), NodeError> {
        let Finality::Stake(stake) = &mut self.finality else { return Ok(()) };
        match effect {
            Effect::Sign(statement) => {
                let signature = stake.key.as_ref().map(|key| Signature(key.sign(&statement.encode())));
                self.todo.push_back(Todo::Votes(Vote::Signed(statement, signature)));
            }
            Effect::Persist(seq, record) => {
                stake.persist(core, &record)?;
                self.todo.push_back(Todo::Votes(Vote::Persisted(seq)));
            }
            Effect::Send { message, to } => self.say(message, to),
            Effect::Fetch(peer, Want::Justification(_, source)) => {
                self.todo.push_back(Todo::Talk(Talk::FetchJustification(peer, source.round, source.hash)));
            }
            Effect::Fetch(peer, Want::Boundary(_)) => {
                // From what is final here on: a peer of another branch shows by its first answer that it is.
                let height = core.chain.last_final()?.header.height();
                self.todo.push_back(Todo::Talk(Talk::FetchSeals(peer, height)));
            }
            Effect::Witnessed { hash, .. } => {
                stake.witnessed = Some(hash);
                self.todo.extend([Todo::Chain(Step::Witnessed(hash)), Todo::Chain(Step::Reseal)]);
                core.order(Order::News(News::Witnessed(hash)));
            }
            Effect::Locked(micro) => {
                stake.locks.take(core.now, micro);
                self.todo.push_back(Todo::Chain(Step::Locked { micro: micro.hash }));
            }
            Effect::Final(seal) => {
                let (hash, height) = (seal.hash, seal.height);
                let made = self.machine.header(&hash).map(Named::time);
                let is_fresh = made.is_some_and(|made| made.0.saturating_add(stake.fresh_ms()) >= core.now.0);
                if stake.gate.sealed(seal.era, is_fresh) {
                    stake.pass_gate(core)?;
                }
                self.todo.extend([Todo::Chain(Step::Final { hash, height }), Todo::Chain(Step::Reseal)]);
                core.order(Order::News(News::Sealed(seal)));
            }
            Effect::Anchored { hash, height } => self.anchored(core, hash, height)?,
            Effect::Accuse(proof) => self.report_votes(core, &proof)?,
            Effect::Score(peer, points) => self.todo.push_back(Todo::Talk(Talk::Score(peer, points))),
            Effect::Wake(at) => self.wakes.votes = Some(at),
            Effect::Alarm(alarm) => self.alarm(core, format!("{alarm:?}")),
        }
        Ok(())
    }

    /// A peer has said up to where its chain is final.
    pub(super) fn witness_met(&mut self, core: &mut Core, last_final: Height) -> Result<(), NodeError> {
        let Finality::Stake(stake) = &mut self.finality else { return Ok(()) };
        if stake.key.is_none() || !stake.gate.met(last_final) {
            return Ok(());
        }
        stake.pass_gate(core)?;
        if stake.gate == Gate::Waiting {
            let text = "this witness has no memory of votes and others have final blocks: it waits for up to two eras";
            core.order(Order::News(News::Alarm(text.into())));
        }
        Ok(())
    }

    fn say(&mut self, message: Message, to: To) {
        let word = match message {
            Message::Vote(vote) => Word::Vote(vote),
            Message::Seal(seal) => Word::Seal(seal),
            Message::Justification(just) => Word::Justification(just),
        };
        let to = match to {
            To::All => Reach::All,
            To::Except(peer) => Reach::Except(peer),
            To::One(peer) => Reach::One(peer),
        };
        self.todo.push_back(Todo::Talk(Talk::Say { word, to }));
    }

    /// The seal of a height, and those of the last key blocks of eras from there on, as far as this node has kept them.
    pub(super) fn seals_from(&self, core: &Core, from: Height, most: usize) -> Result<Vec<Seal>, NodeError> {
        let Finality::Stake(stake) = &self.finality else { return Ok(Vec::new()) };
        let mut era = stake.params.era_of(from);
        let mut seals: Vec<_> = seal_at(&core.chain, from)?.into_iter().collect();
        if stake.params.last_of(era) == from {
            era = era.next().unwrap_or(era);
        }
        while seals.len() < most {
            let last = stake.params.last_of(era);
            match core.chain.store().record(SEAL_RECORD, last.0)? {
                Some(row) => seals.push(Seal::decode(&row)?),
                // Whoever asks has the anchors in its own file.
                None if anchors::has_from(&core.chain, last) => {}
                None => break,
            }
            era = era.next().unwrap_or(era);
        }
        Ok(seals)
    }

    /// A seal came. One of an era that is over here is of this chain, or two contradict each other: the machine cannot tell any
    /// more, the store can.
    pub(super) fn hear_seal(&mut self, core: &mut Core, from: Peer, seal: Box<Seal>) -> Result<(), NodeError> {
        let Finality::Stake(stake) = &self.finality else { return Ok(()) };
        let is_past = seal.era < stake.machine.era() && !stake.machine.is_halted();
        if !is_past || core.chain.main_at(Place::at(seal.height.0))? == Some(seal.hash) {
            self.todo.push_back(Todo::Votes(Vote::Seal { from: Some(from), seal }));
            return Ok(());
        }
        let Some(row) = core.chain.store().record(BOUNDARY_RECORD, seal.era.0.into())? else { return Ok(()) };
        let leaf = WitnessSets::decode(&BoundaryRow::take_fields(&mut Items::of(&row)?)?.leaf.0)?;
        let rules = core.chain.params().root.as_ref();
        let Some(set) = rules.and_then(|rules| rules.signers(&leaf, seal.era)) else { return Ok(()) };
        if stake.params.era_of(seal.height) != seal.era || check_seal(&seal, &set, stake.params.chain).is_err() {
            // To check it took as much work as to check a good one.
            self.score(core, from, Points::INVALID);
            return Ok(());
        }
        let held = seal_at(&core.chain, seal.height)?.map(Box::new);
        self.todo.push_back(Todo::Votes(Vote::Conflict { set, held, got: seal }));
        Ok(())
    }

    /// A justification that a peer asks for.
    pub(super) fn justification(
        &self,
        core: &Core,
        round: Round,
        hash: Hash,
    ) -> Result<Option<Justification>, NodeError> {
        let Finality::Stake(stake) = &self.finality else { return Ok(None) };
        let era = stake.machine.era();
        // As long as bonds answer for it.
        let back = core.chain.params().stake().map_or(0, |rules| rules.unbond_eras);
        for era in (era.0.saturating_sub(back)..=era.0).rev().map(Era) {
            let row = core.chain.store().record(JUSTIFICATION_RECORD, justification_seq(era, round))?;
            let held = row.map(|row| Justification::decode(&row)).transpose()?;
            if let Some(held) = held.filter(|held| held.hash == hash) {
                return Ok(Some(held));
            }
        }
        Ok(None)
    }
}

/// Justifications in the order of their eras and rounds.
fn justification_seq(era: Era, round: Round) -> u64 {
    u64::from(era.0) << 32 | u64::from(round.0)
}

fn votes_row(key: &SecretKey) -> String {
    format!("{VOTES_ROW}.{}", Hash(key.public()))
}

/// The row's bytes: from which era this node may vote, then its votes.
fn votes_bytes(gate: Gate, marks: &Watermarks) -> Vec<u8> {
    let votes = marks.votes().iter().flat_map(Ballot::encode).collect::<Vec<_>>();
    [&gate.to_era().0.to_be_bytes()[..], &votes].concat()
}

/// What this node remembers of its votes. The row is begun with the store, so that its absence later says that it was lost.
fn recall(chain: &Chain, role: &WitnessRole, has_peers: bool) -> Result<(Option<Me>, Watermarks, Gate), NodeError> {
    let key = PublicKey(role.key.public());
    if let Some(row) = chain.store().meta(&votes_row(&role.key))? {
        let (gate, votes) = row.split_first_chunk().ok_or(NodeError::Header)?;
        let votes: Vec<_> = votes.chunks(VOTE_BYTES).map(Ballot::decode).collect::<Result<_, _>>()?;
        let marks = Watermarks::of(votes);
        let memory = Memory::Kept(Box::new(marks.clone()));
        return Ok((Some(Me { key, memory }), marks, Gate::of_era(Era(u32::from_be_bytes(*gate)))));
    }
    let at_genesis = chain.head()?.header.height() == Height(0);
    let (memory, gate) = match (role.is_new, at_genesis, has_peers) {
        (true, ..) => (Memory::Lost { from: Gate::Waiting.to_era() }, Gate::Waiting),
        // Alone, nobody else can have final blocks.
        (false, true, false) => (Memory::None, Gate::Open(Era(0))),
        (false, true, true) => (Memory::None, Gate::Untried),
        // The machine refuses to start.
        (false, false, _) => return Ok((Some(Me { key, memory: Memory::None }), Watermarks::default(), Gate::Waiting)),
    };
    let marks = Watermarks::default();
    let mut commit = Commit::new();
    commit.meta(&votes_row(&role.key), votes_bytes(gate, &marks));
    chain.store().commit(commit, Flush::Now)?;
    Ok((Some(Me { key, memory }), marks, gate))
}

/// What the store has kept of finality, from the last block of the era before on.
fn saved(chain: &Chain, machine: &Machine, params: &Params) -> Result<Saved, NodeError> {
    let last = chain.last_final()?;
    let (top, hash) = (last.header.height(), last.hash);
    let era = params.era_of(top.next().unwrap_or(top));
    let anchor = era.0.checked_sub(1).map_or(Height(0), |before| params.last_of(Era(before)));
    let mut line = line(chain, machine, anchor, top)?;
    let above = machine.key_chain().into_iter().filter_map(|block| key_ref(machine, &block.hash));
    line.extend(above.filter(|key| key.height > top));
    let row = chain.store().record(SEAL_RECORD, top.0)?;
    let seal = row.map(|row| Seal::decode(&row)).transpose()?.filter(|seal| seal.hash == hash).map(Box::new);
    let rows = chain.store().records(
        JUSTIFICATION_RECORD,
        justification_seq(era, Round(u32::MAX)),
        Direction::Descending,
        JUSTIFICATIONS_MAX,
    )?;
    let justifications = rows.iter().map(|(_, row)| Justification::decode(row)).collect::<Result<Vec<_>, _>>()?;
    Ok(Saved {
        anchor: line.remove(0),
        above: line,
        last_final: hash,
        seal,
        justifications: justifications.into_iter().filter(|just| just.era == era).rev().collect(),
        sets: anchors::signers(chain, &last.view)?,
        halted: false,
        anchors: anchors::listed(chain).iter().map(|anchor| (anchor.height, anchor.hash)).collect(),
    })
}

/// Justifications that a start reads back; an era has one for each of its rounds.
const JUSTIFICATIONS_MAX: usize = 1_024;

/// The chain's key blocks at these heights, which are final, with the work of each.
fn line(chain: &Chain, machine: &Machine, from: Height, to: Height) -> Result<Vec<KeyRef>, NodeError> {
    let mut headers = resume::key_headers(chain, from.0, to.0)?;
    let mut work = headers.last().and_then(|header| machine.work(&header.hash())).unwrap_or(0);
    let mut line = Vec::with_capacity(headers.len());
    while let Some(header) = headers.pop() {
        line.push(KeyRef { hash: header.hash(), height: header.height, prev_key: header.prev_key_hash, work });
        work = work.saturating_sub(work_of(&header));
    }
    line.reverse();
    Ok(line)
}

/// The work of one key block.
pub fn work_of(header: &KeyHeader) -> u128 {
    Target::from_compact(header.target).map_or(0, Target::work)
}

/// A key block of the chain machine's tree, as the witness machine knows it.
pub fn key_ref(machine: &Machine, hash: &Hash) -> Option<KeyRef> {
    let Named::Key(header) = machine.header(hash)? else { return None };
    let work = machine.work(hash)?;
    Some(KeyRef { hash: *hash, height: header.height, prev_key: header.prev_key_hash, work })
}

/// The seal of exactly this height, if it is kept.
pub fn seal_at(chain: &Chain, height: Height) -> Result<Option<Seal>, NodeError> {
    let row = chain.store().record(SEAL_RECORD, height.0)?;
    Ok(row.map(|row| Seal::decode(&row)).transpose()?)
}

/// Forget that two seals contradict each other: the operators have agreed that this node's chain is the right one.
pub fn forget_conflict(chain: &Chain) -> Result<(), NodeError> {
    let mut commit = Commit::new();
    commit.meta(CONFLICT_ROW, Vec::new());
    Ok(chain.store().commit(commit, Flush::Now)?)
}

/// Who signs in the eras that the state of a final key block knows the sets of.
pub fn sets(chain: &Chain, block: Hash) -> Result<Vec<Vote>, NodeError> {
    let Some(view) = chain.state_at(block)? else { return Ok(Vec::new()) };
    Ok(anchors::signers(chain, &view)?.into_iter().map(Vote::Set).collect())
}

/// The last key block of an era with what its state says of the sets, as it was when it became final: a light client needs no
/// more, and the state itself is not kept for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boundary {
    /// Its header.
    pub header: KeyHeader,
    /// The encoded proof of the sets' leaf under the header's state root.
    pub proof: Vec<u8>,
    /// The leaf.
    pub leaf: Vec<u8>,
}

banyan_types::record! {
    /// Two seals that contradict each other, as their row holds them.
    ConflictRow {
        /// Of what was final here; empty if the node began there.
        held: Bytes,
        /// The other one.
        got: Bytes,
    }

    /// A boundary as its record holds it.
    BoundaryRow {
        /// The key header.
        header: Bytes,
        /// The encoded proof.
        proof: Bytes,
        /// The leaf.
        leaf: Bytes,
    }
}

/// Write down what light clients will ask of the key blocks that are final now and end an era. `above` is the height that was
/// final before.
pub fn keep_boundaries(chain: &Chain, above: Height, to: Height, commit: &mut Commit) -> Result<(), NodeError> {
    let Some(rules) = chain.params().root.as_ref().filter(|root| root.stake.is_some()) else { return Ok(()) };
    let mut era = rules.era_of(above);
    loop {
        let last = rules.last_height(era);
        if last > to {
            return Ok(());
        }
        if last > above
            && let (Some(header), Some(hash)) = (chain.key_header(last)?, chain.main_at(Place::at(last.0))?)
            && let Some(view) = chain.state_at(hash)?
            && let Some(leaf) = view.read(&key::witness_sets())?
        {
            let proof = view.prove_many(&[key::witness_sets()]).encode();
            let row = BoundaryRow { header: Bytes(header.encode()), proof: Bytes(proof), leaf: Bytes(leaf) };
            let mut bytes = Vec::new();
            row.put(&mut bytes);
            commit.record(BOUNDARY_RECORD, era.0.into(), bytes);
        }
        let Some(next) = era.next() else { return Ok(()) };
        era = next;
    }
}

impl Chain {
    /// The seal that makes the key block at `height` final, as this node keeps it: its own, or the next one above.
    /// # Errors
    /// `Store` when it cannot be read.
    pub fn seal_over(&self, height: Height) -> Result<Option<Seal>, NodeError> {
        let rows = self.store().records(SEAL_RECORD, height.0, Direction::Ascending, 1)?;
        rows.first().map(|(_, row)| Ok(Seal::decode(row)?)).transpose()
    }

    /// Boundaries from an era on, each with the seal of exactly that block; they end where this node lacks one. One that is
    /// final by an anchor has none, and those that it passes are left out.
    /// # Errors
    /// `Store` when it cannot be read.
    pub fn boundaries(&self, from: Era, most: usize) -> Result<Vec<(Era, Option<Seal>, Boundary)>, NodeError> {
        let (mut found, mut next) = (Vec::new(), from);
        for (era, row) in self.store().records(BOUNDARY_RECORD, from.0.into(), Direction::Ascending, most)? {
            // Whoever follows the sets needs each era: what comes after a gap is of no use.
            if era != u64::from(next.0) {
                break;
            }
            next = next.next().unwrap_or(next);
            let row = BoundaryRow::take_fields(&mut Items::of(&row)?)?;
            let header = KeyHeader::decode(&row.header.0)?;
            let seal = self.store().record(SEAL_RECORD, header.height.0)?;
            let seal = seal.map(|row| Seal::decode(&row)).transpose()?.filter(|seal| seal.hash == header.hash());
            let rules = self.params().root.as_ref();
            if seal.is_none() && rules.and_then(|rules| rules.anchor_at(header.height)).is_none() {
                if anchors::has_from(self, header.height) {
                    continue;
                }
                break;
            }
            let ended = Era(u32::try_from(era).map_err(|_| NodeError::Header)?);
            found.push((ended, seal, Boundary { header, proof: row.proof.0, leaf: row.leaf.0 }));
        }
        Ok(found)
    }

    /// A key header of the chosen chain.
    /// # Errors
    /// `Store` when it cannot be read.
    pub fn key_header(&self, height: Height) -> Result<Option<KeyHeader>, NodeError> {
        let Some(hash) = self.main_at(Place::at(height.0))? else { return Ok(None) };
        Ok(match self.header(hash)? {
            Some(Header::Key(header)) => Some(*header),
            _ => None,
        })
    }
}
