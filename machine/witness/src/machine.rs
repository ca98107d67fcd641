//! The machine: judge votes, gather certificates, finalise.
//!
//! Whatever comes in, the same few questions are asked again until none has an answer left: does a quorum precommit, does a
//! quorum prevote, is over a third of the weight in a later round, is there something for this node to vote for.

use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use banyan_types::{
    AccountId, Amount, Era, Hash, Height, Peer, PublicKey, Round, TimeMs,
    witness::{Justification, Seal, Source, Statement, Vote, VoteKind, WitnessSet},
};

use crate::{
    Checks, Effect, Input, KeyRef, Params, Proof, Record, Seq, Standing, Want, Watermarks, lock::Locks, mutant::Mutant,
    pool::Pool, round::Stage, tree::Tree,
};

/// Finality as one node sees it.
#[derive(Clone, Debug)]
pub struct Machine {
    pub(crate) params: Params,
    pub(crate) checks: Checks,
    pub(crate) me: Option<PublicKey>,
    pub(crate) now: TimeMs,
    pub(crate) tree: Tree,
    pub(crate) sets: BTreeMap<Era, WitnessSet>,
    /// Votes of the running era, and of the next: those wait until the boundary block is final.
    pub(crate) pool: Pool,
    pub(crate) next_pool: Pool,
    pub(crate) last_final: Hash,
    pub(crate) seal: Option<Box<Seal>>,
    /// Round of the last seal in this era; 0 before there is one.
    pub(crate) final_round: Round,
    /// Good seals whose header has not come, the highest.
    pub(crate) awaited: Option<Box<Seal>>,
    /// A seal of an era that has not begun here, or whose set has not come; not checked.
    pub(crate) later: Option<(Option<Peer>, Box<Seal>)>,
    /// Key blocks that operators have agreed on, ascending.
    pub(crate) anchors: Vec<(Height, Hash)>,
    pub(crate) justified: BTreeMap<Source, Height>,
    pub(crate) justification: Option<Box<Justification>>,
    /// Good justifications that name a block or a source not known here.
    pub(crate) early: Vec<(Option<Peer>, Box<Justification>)>,
    pub(crate) tip: Hash,
    pub(crate) round: Round,
    pub(crate) stage: Stage,
    pub(crate) locks: Locks,
    /// What was asked to be signed, or is: binds from that moment.
    pub(crate) pledged: Watermarks,
    /// What is on disk: may be known to others.
    pub(crate) durable: Watermarks,
    pub(crate) asked: Vec<Statement>,
    pub(crate) unsaved: BTreeMap<Seq, Vote>,
    seq: Seq,
    /// The first era that this node may vote in.
    pub(crate) votes_from: Era,
    /// Votes no more.
    pub(crate) silent: bool,
    /// Finalises no more.
    pub(crate) halted: bool,
    pub(crate) peers: BTreeSet<Peer>,
    pub(crate) fetched: BTreeMap<(Peer, Want), TimeMs>,
    pub(crate) told: BTreeMap<Peer, TimeMs>,
    /// Who was accused in this era, and whether of a lock.
    pub(crate) accused: BTreeSet<(AccountId, bool)>,
    /// What was found at the start, for the first step to say.
    pub(crate) found: Vec<Effect>,
    wake: Option<TimeMs>,
    #[cfg(test)]
    pub(crate) mutant: Option<Mutant>,
}

impl Machine {
    /// A machine at the start of an era.
    pub(crate) fn at(params: Params, checks: Checks, me: Option<PublicKey>, anchor: KeyRef, era: Era) -> Self {
        Self {
            params,
            checks,
            me,
            now: TimeMs(0),
            tree: Tree::new(anchor),
            sets: BTreeMap::new(),
            pool: Pool::new(era),
            next_pool: Pool::new(era.next().unwrap_or(era)),
            last_final: anchor.hash,
            seal: None,
            final_round: Round(0),
            awaited: None,
            later: None,
            anchors: Vec::new(),
            justified: BTreeMap::from([(Source { round: Round(0), hash: anchor.hash }, anchor.height)]),
            justification: None,
            early: Vec::new(),
            tip: anchor.hash,
            round: Round(1),
            stage: Stage::Resting,
            locks: Locks::default(),
            pledged: Watermarks::default(),
            durable: Watermarks::default(),
            asked: Vec::new(),
            unsaved: BTreeMap::new(),
            seq: Seq(0),
            votes_from: Era(0),
            silent: false,
            halted: false,
            peers: BTreeSet::new(),
            fetched: BTreeMap::new(),
            told: BTreeMap::new(),
            accused: BTreeSet::new(),
            found: Vec::new(),
            wake: None,
            #[cfg(test)]
            mutant: None,
        }
    }

    /// Advance by one input and append what follows from it to `effects`.
    pub fn step(&mut self, input: Input, effects: &mut Vec<Effect>) {
        effects.append(&mut self.found);
        self.take(input, effects);
        while self.reach_anchor(effects) || !self.halted && self.advance(effects) {}
        self.wake(effects);
    }

    fn take(&mut self, input: Input, effects: &mut Vec<Effect>) {
        match input {
            Input::Tick(now) => self.now = self.now.max(now),
            Input::Header(key) => self.header(key, effects),
            Input::Invalid(blocks) => blocks.iter().for_each(|block| self.tree.invalidate(block)),
            Input::Tip(hash) => {
                self.tree.apply(&hash);
                self.tip = hash;
                self.locks.changed();
            }
            Input::Applied(hash) => self.tree.apply(&hash),
            Input::Set(set) => self.learn_set(set, effects),
            Input::Micro(micro) => self.locks.take(micro),
            Input::Vote { from, vote } => self.receive_vote(from, vote, effects),
            Input::Seal { from, seal } => self.receive_seal(from, seal, effects),
            Input::Conflict { set, held, got } if !self.halted => {
                self.sets.entry(set.era).or_insert(set);
                self.conflict(held, got, effects);
            }
            Input::Conflict { .. } => {}
            Input::Justification { from, justification } => self.receive_justification(from, justification, effects),
            Input::Signed(statement, signature) => self.signed(&statement, signature, effects),
            Input::Persisted(seq) => self.persisted(seq, effects),
            Input::Connected(peer) => self.connected(peer, effects),
            Input::Gone(peer) => self.gone(peer),
        }
    }

    fn header(&mut self, key: KeyRef, effects: &mut Vec<Effect>) {
        if !self.tree.insert(key) {
            return;
        }
        self.tree.make_room(&[self.tip, self.last_final]);
        if let Some(seal) = self.awaited.take_if(|seal| seal.hash == key.hash) {
            self.accept_seal(None, seal, effects);
        }
    }

    fn learn_set(&mut self, set: WitnessSet, effects: &mut Vec<Effect>) {
        // The state has the running set and the two after it.
        let newest = self.pool.era.plus(2).unwrap_or(self.pool.era);
        if set.era >= self.pool.era && set.era <= newest {
            let is_awaited = set.era == self.pool.era && self.set().is_none();
            self.sets.entry(set.era).or_insert(set);
            if is_awaited {
                self.take_up(effects);
            }
        }
    }

    /// Do the first thing that can be done. False if there is none.
    fn advance(&mut self, effects: &mut Vec<Effect>) -> bool {
        self.rejudge();
        self.retry(effects)
            || self.gather_seal(effects)
            || self.gather_justification(effects)
            || self.say_witnessed(effects)
            || self.skip()
            || self.precommit(effects)
            || self.conduct(effects)
            || self.lock(effects)
            || self.say_locked(effects)
    }

    fn rejudge(&mut self) {
        let era = self.pool.era;
        let mut pool = core::mem::replace(&mut self.pool, Pool::new(era));
        pool.rejudge(|vote| self.judge(vote));
        self.pool = pool;
    }

    /// Whether a vote of the running era counts.
    pub(crate) fn judge(&self, vote: &Vote) -> Standing {
        let Statement { kind, round, height, hash, source, .. } = vote.statement;
        if kind != VoteKind::Prevote {
            return Standing::Counted;
        }
        let Some(target) = self.tree.key(&hash) else { return Standing::Early };
        if target.height != height || source.round >= round {
            return Standing::Void;
        }
        if !self.justified.contains_key(&source) || self.tree.get(&source.hash).is_none() {
            return Standing::Early;
        }
        // Whoever says that it builds on a source and does not is bound by nothing: such votes must not count, or two
        // blocks could become final without any proof of guilt.
        if self.tree.descends(&hash, &source.hash) { Standing::Counted } else { Standing::Void }
    }

    /// The members of the running era.
    pub fn set(&self) -> Option<&WitnessSet> {
        self.sets.get(&self.pool.era)
    }

    pub(crate) fn has_quorum(&self, places: &[u16]) -> bool {
        self.set().is_some_and(|set| {
            let weight = set.weight_at(places.iter().copied());
            set.is_quorum(weight) || self.has(Mutant::TwoThirds) && is_two_thirds(weight, set.total())
        })
    }

    /// This node's place in the running era's set, if it may vote.
    pub(crate) fn place(&self) -> Option<u16> {
        let may = !self.silent && !self.halted && self.pool.era >= self.votes_from;
        self.me.filter(|_| may).and_then(|key| self.set()?.place(&key))
    }

    pub(crate) fn accuse(&mut self, first: Vote, second: Vote, effects: &mut Vec<Effect>) {
        let staker = self.sets.get(&first.statement.era).and_then(|set| set.member(first.by)).map(|who| who.staker);
        let Some(staker) = staker else { return };
        if self.accused.insert((staker, first.statement.kind == VoteKind::Lock)) {
            let unlock_reversed =
                first.statement.kind == VoteKind::Prevote && second.statement.kind != VoteKind::Prevote;
            let (first, second) = if unlock_reversed { (second, first) } else { (first, second) };
            effects.push(Effect::Accuse(Box::new(Proof { staker, first, second })));
        }
    }

    pub(crate) fn persist(&mut self, record: Record, effects: &mut Vec<Effect>) -> Seq {
        self.seq = Seq(self.seq.0.saturating_add(1));
        effects.push(Effect::Persist(self.seq, record));
        self.seq
    }

    /// The last block of the era is final: the next era begins.
    pub(crate) fn enter_next_era(&mut self, effects: &mut Vec<Effect>) {
        let Some(era) = self.pool.era.next() else { return };
        let anchor = Source { round: Round(0), hash: self.last_final };
        self.tree.reroot(&anchor.hash);
        let next = Pool::new(era.next().unwrap_or(era));
        self.pool = core::mem::replace(&mut self.next_pool, next);
        self.justified = BTreeMap::from([(anchor, self.tree.root().height)]);
        self.justification = None;
        self.early.clear();
        self.accused.clear();
        self.locks.changed();
        (self.round, self.final_round, self.stage) = (Round(1), Round(0), Stage::Resting);
        self.sets.retain(|of, _| *of >= era);
        self.take_up(effects);
    }

    /// Ask for a tick when the next thing is due, if that has changed.
    fn wake(&mut self, effects: &mut Vec<Effect>) {
        let due = [self.stage.due(self.now), self.lock_due()].into_iter().flatten().min();
        if due != self.wake {
            self.wake = due;
            effects.extend(due.map(Effect::Wake));
        }
    }

    #[cfg(test)]
    pub(crate) fn has(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "tests look at it")]
    pub(crate) const fn has(&self, _: Mutant) -> bool {
        false
    }
}

/// What a sloppy quorum would be.
const fn is_two_thirds(weight: Amount, total: Amount) -> bool {
    weight.base().saturating_mul(3) >= total.base().saturating_mul(2)
}
