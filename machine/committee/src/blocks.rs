//! Blocks: build one's own, judge others', decide.

use alloc::{boxed::Box, vec::Vec};

use banyan_child::Draft;
use banyan_ledger::{
    ParentTip,
    engine::{self, BadHeader, Rules as _, Turn, View, committee::Committee},
};
use banyan_types::{Hash, TimeMs, committee::Certificate};

use crate::{
    Alarm, Block, Decided, Effect, Machine, Message, Proposed, Record, Stopped, To, Verdict,
    agreement::{Logged, Order, Sent},
    candidates::{Candidate, Stage as Judgement, Wanted},
    machine::Stage,
};

/// How far a block may be ahead of this node's clock. Source: associates 5, rule 4.
const AHEAD_OF_CLOCK_MS: u64 = 10_000;

/// Why a block has no verdict yet, or a bad one.
enum Doubt {
    /// Not before this time.
    Later(TimeMs),
    /// Not before the block of the parent that it names is known to be final.
    Parent,
    /// Never.
    Bad,
}

impl Machine {
    /// Carry out what the core ordered, in its order.
    pub(crate) fn carry_out(&mut self, orders: Vec<Order>) {
        for order in orders {
            match order {
                Order::Log(logged) => self.log(logged),
                Order::Send(Sent::Other(message)) => self.gate.after(Effect::Send(To::All, message)),
                Order::Send(Sent::Proposal(signed)) => self.send_proposal(&signed),
                Order::Wait(wait, view, millis) => {
                    self.run.waits.insert((wait, view), TimeMs(self.now.0.saturating_add(millis)));
                }
                Order::Cancel(wait, view) => {
                    self.run.waits.remove(&(wait, view));
                }
                Order::CancelAll => self.run.waits.clear(),
                Order::Build(view) => self.run.turns.push(view),
                Order::Judge { view, by, block_hash } => self.run.candidates.want(Wanted { view, by, block_hash }),
                Order::Decide(certificate) => self.decide(certificate),
                Order::Accuse(pair) => self.gate.after(Effect::Accuse(Box::new(pair))),
                Order::Silent(view) => {
                    self.gate.after(Effect::Alarm(Alarm::Silent { height: self.height(), view }));
                }
            }
        }
    }

    fn log(&mut self, logged: Logged) {
        let height = self.height();
        let record = match logged {
            Logged::Proposal(signed) => {
                let Some(proposed) = self.proposed(&signed) else { return };
                if signed.by != self.own() {
                    // Who proposes two blocks is found out only where both are seen.
                    self.gate.after(Effect::Send(To::All, Message::Proposal(proposed.clone())));
                }
                Record::Proposal(proposed)
            }
            Logged::Vote(signed) => Record::Vote(signed),
            Logged::Polka(votes) => Record::Polka(votes),
            Logged::Judged { view, by, block_hash, is_valid } => {
                Record::Judged { height, view, by, block_hash, is_valid }
            }
            Logged::Elapsed(wait, view) => Record::Elapsed { height, view, wait },
        };
        self.gate.log(record);
    }

    fn send_proposal(&mut self, signed: &banyan_types::committee::SignedStatement) {
        if let Some(proposed) = self.proposed(signed) {
            self.gate.after(Effect::Send(To::All, Message::Proposal(proposed)));
        }
    }

    /// A proposal with the header that it is of: every one that the core is given has one.
    fn proposed(&self, signed: &banyan_types::committee::SignedStatement) -> Option<Box<Proposed>> {
        let candidate = self.run.candidates.get(signed.statement.block_hash)?;
        let (header, prev_seal) = ((*candidate.header).clone(), candidate.prev_seal.as_deref().cloned());
        Some(Box::new(Proposed { signed: *signed, header, prev_seal }))
    }

    /// Answer the core where it is this validator's turn: with the block built before, or with a new one.
    pub(crate) fn take_turns(&mut self, effects: &mut Vec<Effect>) -> Result<(), Stopped> {
        for view in core::mem::take(&mut self.run.turns) {
            match self.run.candidates.of_leader(self.own(), view) {
                Some(hash) => self.with_core(|core, said, out| core.propose(view, hash, said, out))?,
                None => self.build(view, effects),
            }
        }
        Ok(())
    }

    fn build(&mut self, view: u32, effects: &mut Vec<Effect>) {
        let Some(parent) = self.parents.next(&self.tip).filter(|_| self.is_open()) else {
            return; // nothing of the parent is known: this turn passes
        };
        let (prev_seal, prev_seal_hash) = self.prev_seal();
        let rules = Committee { network_id: &self.params.network_id, epoch: &self.epoch };
        let turn = Turn { leader: self.own(), view, now: self.now };
        let header = engine::next_header(&rules, &self.view(prev_seal_hash, Some(parent)), &parent, turn);
        self.pool.ask();
        let header = Box::new(header);
        effects.push(Effect::Build(header.clone(), prev_seal.map(Box::new)));
        self.run.building.push_back((view, header, parent));
    }

    fn view(&self, prev_seal_hash: Hash, parent: Option<ParentTip>) -> View<'_> {
        let (version, associate) = (self.params.version, self.params.associate);
        View { version, associate, prev: &self.tip, prev_seal_hash, parent }
    }

    pub(crate) fn built(&mut self, draft: &Draft) -> Result<(), Stopped> {
        self.pool.answered(draft.txs);
        if draft.height != self.height() || !self.is_open() {
            return Ok(());
        }
        let Some((view, header, parent)) = self.run.building.pop_front() else { return Ok(()) };
        let header = draft.complete(&header);
        let hash = header.hash();
        let block = Block { header, prev_seal: self.seal.clone(), parent, settled: draft.settled };
        self.gate.log(Record::Built(Box::new(block.clone())));
        self.run.candidates.good(block);
        self.with_core(|core, said, out| core.propose(view, hash, said, out))
    }

    /// Look at the blocks that somebody waits for.
    pub(crate) fn judge_all(&mut self, effects: &mut Vec<Effect>) {
        if !self.is_open() {
            return;
        }
        for hash in self.run.candidates.due(self.now, self.sync.sealed()) {
            let Some(candidate) = self.run.candidates.get(hash) else { continue };
            let stage = match self.judge(candidate) {
                Ok(parent) => {
                    effects.push(Effect::Verify(candidate.header.clone(), candidate.prev_seal.clone()));
                    Judgement::Asked(parent)
                }
                Err(Doubt::Later(at)) => Judgement::New(at),
                Err(Doubt::Parent) => {
                    self.ask_parent_of(hash, effects);
                    continue;
                }
                Err(Doubt::Bad) => Judgement::Bad,
            };
            self.run.candidates.stage(hash, stage);
        }
    }

    /// Ask for the parent block that a candidate names, once the parent has come so far.
    fn ask_parent_of(&mut self, hash: Hash, effects: &mut Vec<Effect>) {
        let height = self.run.candidates.get(hash).map(|candidate| candidate.header.parent_height);
        if height.is_some_and(|height| self.parents.reaches(height)) {
            effects.extend(self.run.candidates.ask_parent(hash).map(Effect::AskParent));
        }
    }

    /// The rules of a header; whether its roots are right is for whoever executes the body.
    fn judge(&self, candidate: &Candidate) -> Result<ParentTip, Doubt> {
        let Candidate { header, prev_seal, .. } = candidate;
        let rules = Committee { network_id: &self.params.network_id, epoch: &self.epoch };
        let parent = candidate.parent.or_else(|| self.parents.find(header.parent_hash));
        let prev_seal_hash = prev_seal.as_ref().map_or(Hash::ZERO, |seal| seal.hash());
        match engine::check(&rules, &self.view(prev_seal_hash, parent), header) {
            Err(BadHeader::ParentUnknown { .. }) => return Err(Doubt::Parent),
            Err(_) => return Err(Doubt::Bad),
            Ok(()) => {}
        }
        let ahead = header.time_ms.0.saturating_sub(AHEAD_OF_CLOCK_MS);
        if ahead > self.now.0 {
            return Err(Doubt::Later(TimeMs(ahead)));
        }
        self.check_prev_seal(prev_seal.as_deref())?;
        parent.ok_or(Doubt::Bad)
    }

    /// The seal of the tip that a block carries need not be the one that is held here.
    fn check_prev_seal(&self, seal: Option<&Certificate>) -> Result<(), Doubt> {
        let (seal, held) = match (seal, &self.seal) {
            (None, None) => return Ok(()),
            (Some(seal), Some(held)) => (seal, held),
            _ => return Err(Doubt::Bad),
        };
        let of_tip = (seal.height, seal.block_hash) == (held.height, held.block_hash) && seal.view >= self.tip.view;
        let check = || engine::committee::check(seal, &self.sealers, &self.params.network_id);
        if of_tip && (seal == held || check().is_ok()) { Ok(()) } else { Err(Doubt::Bad) }
    }

    pub(crate) fn verified(&mut self, hash: Hash, verdict: Verdict) {
        let Some(Candidate { header, prev_seal, stage: Judgement::Asked(parent), .. }) = self.run.candidates.get(hash)
        else {
            return;
        };
        match verdict {
            Verdict::Good { settled } => {
                let (header, prev_seal) = ((**header).clone(), prev_seal.as_deref().cloned());
                let block = Block { header, prev_seal, parent: *parent, settled };
                self.gate.log(Record::Verified(Box::new(block.clone())));
                self.run.candidates.good(block);
            }
            Verdict::Bad => self.run.candidates.stage(hash, Judgement::Bad),
            Verdict::Missing => {
                let again = TimeMs(self.now.0.saturating_add(self.params.repeat_ms));
                self.run.candidates.stage(hash, Judgement::New(again));
            }
        }
    }

    /// Tell the core, and whoever waits for a sealed block, what is known now.
    pub(crate) fn answer_all(&mut self, effects: &mut Vec<Effect>) -> Result<(), Stopped> {
        for (Wanted { view, by, block_hash }, is_valid) in self.run.candidates.answers() {
            self.with_core(|core, said, out| core.judged(view, by, (block_hash, is_valid), said, out))?;
        }
        let sealed = self.sync.sealed().filter(|_| self.is_open());
        match sealed.and_then(|hash| self.run.candidates.get(hash)).map(|candidate| &candidate.stage) {
            Some(Judgement::Good(_)) => {
                if let Some(certificate) = self.sync.take_certificate() {
                    self.decide(certificate);
                }
            }
            Some(Judgement::Bad) => {
                self.run.stage = Stage::Halted;
                effects.push(Effect::Alarm(Alarm::Diverged { height: self.height() }));
            }
            _ => {}
        }
        Ok(())
    }

    /// A quorum precommitted a block that is good here: commit it.
    fn decide(&mut self, certificate: Certificate) {
        let good = self.run.candidates.get(certificate.block_hash).map(|candidate| &candidate.stage);
        let Some(Judgement::Good(block)) = good else {
            return; // a quorum agrees, but this node has to execute the block first: it asks others for it
        };
        let decided = Box::new(Decided { block: (**block).clone(), certificate });
        self.run.stage = Stage::Deciding(decided);
        self.run.waits.clear();
    }

    /// The block and its seal say all: nothing has to be on disk before them. A vote of this validator that made the quorum
    /// still goes out behind its own record.
    pub(crate) fn commit(&mut self, effects: &mut Vec<Effect>) {
        if let Stage::Deciding(decided) = &self.run.stage {
            effects.push(Effect::Commit(decided.clone()));
            self.run.stage = Stage::Committing(decided.clone());
        }
    }

    /// A block that others sealed: check its seal, and look at it if it is new.
    pub(crate) fn take_sealed(&mut self, effects: &mut Vec<Effect>) {
        if !self.is_open() || self.sync.sealed().is_some() {
            return;
        }
        let Some((from, sealed)) = self.sync.next(self.height()) else { return };
        let rules = Committee { network_id: &self.params.network_id, epoch: &self.epoch };
        if rules.check_seal(&sealed.header, &sealed.certificate).is_err() {
            effects.push(Effect::Score(from, banyan_types::Points::INVALID));
            return;
        }
        let holds = |sealed: &&crate::Sealed| rules.check_seal(&sealed.header, &sealed.certificate).is_ok();
        let further = self.sync.further(&sealed.header).filter(holds).map(|further| further.header.clone());
        effects.extend(
            [Some(sealed.header.clone()), further].into_iter().flatten().map(|header| Effect::Sealed(Box::new(header))),
        );
        self.run.candidates.insert(sealed.header, sealed.prev_seal);
        self.sync.seal(from, sealed.certificate);
    }
}
