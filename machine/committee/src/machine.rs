//! The machine: one height after the other, each agreed on, sealed and committed, and summaries beside them.
//!
//! A height is begun when there is something for a block, when others have begun it, or for a sign of life. Then the core
//! runs ([`crate::agreement`]); what it wants is carried out here. A block that others have sealed is committed without it.

use alloc::{boxed::Box, collections::BTreeMap, collections::BTreeSet, collections::VecDeque, sync::Arc, vec::Vec};

use banyan_child::{PIECES_MAX, Parents, Pool, Summaries};
use banyan_ledger::{
    ParentTip,
    engine::{self, committee::Epoch},
};
use banyan_types::{
    Hash, Height, Peer, PublicKey, TimeMs,
    committee::{Certificate, SignedStatement, ValidatorSet},
    header::ChildHeader,
};

use crate::{
    Alarm, CommitteeParams, Decided, Effect, Input, Record, Seq, Wait,
    agreement::{Agreement, Order},
    ahead::Ahead,
    candidates::Candidates,
    gate::Gate,
    handover::Handing,
    presence::Presence,
    resume::Saved,
    said::Said,
    sync::Sync,
};

/// The core, or what was kept, is at fault: this node's matter. It stops.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the core stopped: {0}")]
pub struct Stopped(pub alloc::string::String);

/// A validator of a child ledger, or a node that follows one.
pub struct Machine {
    pub(crate) params: Arc<CommitteeParams>,
    /// The epoch of the next block.
    pub(crate) epoch: Arc<Epoch>,
    /// Those who sealed the last block.
    pub(crate) sealers: Arc<ValidatorSet>,
    pub(crate) said: Said,
    pub(crate) now: TimeMs,
    /// The last committed block.
    pub(crate) tip: ChildHeader,
    /// Its seal here; none at the genesis. Other nodes may hold another.
    pub(crate) seal: Option<Certificate>,
    committed_at: TimeMs,
    pub(crate) parents: Parents,
    /// The height that [`Effect::AskParent`] went out for.
    asked: Option<Height>,
    summaries: Summaries,
    summary_seq: Option<Seq>,
    /// Number of the summary under way, and since when.
    turn: (u64, TimeMs),
    pub(crate) pool: Pool,
    pub(crate) run: Run,
    pub(crate) gate: Gate,
    pub(crate) ahead: Ahead,
    pub(crate) presence: Presence,
    pub(crate) sync: Sync,
    /// The parent's trust, on its way to another set.
    pub(crate) handing: Option<Box<Handing>>,
    /// When each peer was last given blocks, and from which height.
    pub(crate) served: BTreeMap<Peer, (TimeMs, Height)>,
    wake: Option<TimeMs>,
}

/// All that belongs to the height above the tip.
#[derive(Default)]
pub(crate) struct Run {
    pub agreement: Option<Agreement>,
    pub started: TimeMs,
    pub candidates: Candidates,
    /// Blocks that the shell builds, oldest first, each for a view.
    pub building: VecDeque<(u32, Box<ChildHeader>, ParentTip)>,
    /// Views whose leader this validator is, still without an answer to the core.
    pub turns: Vec<u32>,
    pub waits: BTreeMap<(Wait, u32), TimeMs>,
    /// Statements whose signatures were checked.
    pub checked: BTreeSet<SignedStatement>,
    pub stage: Stage,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Not begun, or being agreed on.
    #[default]
    Open,
    /// Sealed.
    Deciding(Box<Decided>),
    /// Sealed; the shell commits it.
    Committing(Box<Decided>),
    /// See [`Alarm::Diverged`].
    Halted,
}

impl Machine {
    pub(crate) fn at(params: Arc<CommitteeParams>, said: Said, saved: Saved) -> Self {
        let mut summaries = Summaries::new((saved.accepted, saved.accepted_to), saved.base, saved.summary);
        for mark in &saved.since {
            if saved.edges.contains(&mark.height) {
                summaries.cut();
            }
            summaries.push(&params.summaries, *mark);
        }
        Self {
            params,
            epoch: Arc::new(saved.epoch),
            sealers: Arc::new(saved.sealers),
            said,
            now: TimeMs(0),
            tip: saved.tip,
            seal: saved.seal,
            committed_at: TimeMs(0),
            parents: Parents::new(saved.parent),
            asked: None,
            summaries,
            summary_seq: None,
            turn: (0, TimeMs(0)),
            pool: Pool::default(),
            run: Run::default(),
            gate: Gate::default(),
            ahead: Ahead::default(),
            presence: Presence::default(),
            sync: Sync::default(),
            handing: None,
            served: BTreeMap::new(),
            wake: None,
        }
    }

    /// Header of the last committed block.
    pub const fn tip(&self) -> &ChildHeader {
        &self.tip
    }

    /// The epoch of the next block.
    pub fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    /// Advance by one input and append what follows from it to `effects`.
    /// # Errors
    /// `Stopped`: this node's fault, never a peer's.
    pub fn step(&mut self, input: Input, effects: &mut Vec<Effect>) -> Result<(), Stopped> {
        match input {
            Input::Tick(now) => self.now = self.now.max(now),
            Input::ParentTip(tip) => self.parent_tip(tip, effects),
            Input::PoolReady => self.pool = Pool::Ready,
            Input::PoolEmpty => self.pool = Pool::Empty,
            Input::Heard(from, message) => self.heard(from, message, effects)?,
            Input::Blocks(from, blocks) => self.sync.queue(from, blocks, self.height()),
            Input::Built(draft) => self.built(&draft)?,
            Input::Unbuilt => drop(self.run.building.pop_front()),
            Input::Verified(hash, verdict) => self.verified(hash, verdict),
            Input::Persisted(seq) => self.persisted(seq),
            Input::Committed { height, next } => self.committed(height, next, effects),
            Input::SummaryAccepted { seq, child_to } => self.summaries.accept(seq, child_to),
            Input::Handover(handover) => self.wanted(handover, effects),
        }
        self.advance(effects)
    }

    /// The height that is agreed on now: one above the tip.
    pub(crate) fn height(&self) -> Height {
        Height(self.tip.height.0.saturating_add(1))
    }

    pub(crate) fn own(&self) -> PublicKey {
        self.said.own()
    }

    pub(crate) fn is_open(&self) -> bool {
        self.run.stage == Stage::Open
    }

    fn parent_tip(&mut self, tip: ParentTip, effects: &mut Vec<Effect>) {
        self.asked = None;
        match self.parents.told(tip) {
            Ok(()) => self.run.candidates.parent_told(tip),
            Err(contradiction) => effects.push(Effect::Alarm(Alarm::Parent(contradiction))),
        }
    }

    fn persisted(&mut self, seq: Seq) {
        self.gate.persisted(seq);
        if self.summary_seq.take_if(|wanted| *wanted <= seq).is_some() {
            self.summaries.persisted();
        }
    }

    pub(crate) fn advance(&mut self, effects: &mut Vec<Effect>) -> Result<(), Stopped> {
        if self.start_due().is_some_and(|due| due <= self.now) {
            self.start()?;
        }
        self.end_waits()?;
        self.take_sealed(effects);
        self.judge_all(effects);
        self.answer_all(effects)?;
        self.take_turns(effects)?;
        self.ask_parent(effects);
        self.ask_blocks(effects);
        self.summarise(effects);
        self.hand_over(effects);
        self.tell_quorum(effects);
        self.gate.flush(effects);
        self.commit(effects);
        self.wake(effects);
        Ok(())
    }

    /// When the next height is begun, if it is not.
    fn start_due(&self) -> Option<TimeMs> {
        if self.run.agreement.is_some() || !self.is_open() {
            return None;
        }
        let after = |millis| TimeMs(self.committed_at.0.saturating_add(millis));
        let interval = self.epoch.interval_ms().unwrap_or(self.params.block_interval_ms);
        let soon = after(interval);
        if self.ahead.is_called(self.height(), &self.epoch) {
            return Some(soon);
        }
        let parent = self.parents.next(&self.tip).filter(|_| !self.summaries.is_full())?;
        let has_work = self.pool == Pool::Ready || self.brings_news(&parent);
        Some(if has_work { soon } else { after(self.params.heartbeat_ms.max(interval)) })
    }

    /// Whether an empty block that names `parent` is of use.
    fn brings_news(&self, parent: &ParentTip) -> bool {
        parent.hash != self.tip.parent_hash || engine::inbox_to(self.tip.inbox_to, parent) > self.tip.inbox_to
    }

    fn start(&mut self) -> Result<(), Stopped> {
        let mut agreement = self.agreement();
        let mut orders = Vec::new();
        agreement.start(&mut self.said, &mut orders)?;
        self.run.agreement = Some(agreement);
        self.run.started = self.now;
        self.carry_out(orders);
        for checked in self.ahead.take(self.height()) {
            self.feed(checked)?;
        }
        Ok(())
    }

    pub(crate) fn agreement(&self) -> Agreement {
        Agreement::new(self.params.clone(), self.epoch.clone(), self.own(), self.height())
    }

    /// Let the core do something, if it runs, and carry out what it orders.
    pub(crate) fn with_core(
        &mut self,
        act: impl FnOnce(&mut Agreement, &mut Said, &mut Vec<Order>) -> Result<(), Stopped>,
    ) -> Result<(), Stopped> {
        let Some(agreement) = self.run.agreement.as_mut().filter(|_| self.run.stage == Stage::Open) else {
            return Ok(());
        };
        let mut orders = Vec::new();
        act(agreement, &mut self.said, &mut orders)?;
        self.carry_out(orders);
        Ok(())
    }

    fn end_waits(&mut self) -> Result<(), Stopped> {
        while let Some((wait, view)) = self.first_wait().filter(|(due, _)| *due <= self.now).map(|(_, wait)| wait) {
            self.run.waits.remove(&(wait, view));
            self.with_core(|core, said, out| core.elapsed(wait, view, said, out))?;
        }
        Ok(())
    }

    fn first_wait(&self) -> Option<(TimeMs, (Wait, u32))> {
        self.run.waits.iter().map(|(wait, due)| (*due, *wait)).min()
    }

    fn committed(&mut self, height: Height, next: Option<Box<Epoch>>, effects: &mut Vec<Effect>) {
        let Stage::Committing(decided) = &self.run.stage else { return };
        if decided.block.header.height != height {
            return;
        }
        let Decided { block, certificate } = *decided.clone();
        self.parents.name(block.parent);
        let mark = banyan_child::Mark {
            height,
            parent_height: block.parent.height,
            outbox_to: block.header.outbox_to,
            inbox_to: block.header.inbox_to,
            settled: block.settled,
        };
        self.summaries.push(&self.params.summaries, mark);
        if self.summaries.is_full() {
            effects.push(Effect::Alarm(Alarm::Backlog { summaries_max: PIECES_MAX }));
        }
        (self.tip, self.seal) = (block.header, Some(certificate));
        self.sealers = Arc::new(self.epoch.set.clone());
        self.run = Run::default();
        self.committed_at = self.now;
        if let Some(next) = next {
            self.presence.keep(&next.set);
            if next.set != self.epoch.set {
                // The parent must hear of a block of the old set before it follows the new one.
                self.summaries.cut();
            }
            self.epoch = Arc::from(next);
        }
        self.said.forget_below(self.height());
        self.gate.forget_height();
        self.sync.forget_below(self.height());
        effects.extend(self.presence.sealed().then_some(Effect::Quorum(true)));
    }

    /// Ask for the parent block that is on the way to the newest, if that is too far for one step.
    fn ask_parent(&mut self, effects: &mut Vec<Effect>) {
        let wanted = self.parents.wanted(&self.tip).filter(|height| self.asked != Some(*height));
        if let Some(height) = wanted {
            self.asked = Some(height);
            effects.push(Effect::AskParent(height));
        }
    }

    /// The validators take turns at a summary: who is at the place of its number first, the next after each wait.
    fn summarise(&mut self, effects: &mut Vec<Effect>) {
        if let Some(range) = self.summaries.begin(&self.params.summaries) {
            self.turn = (range.seq, self.now);
            self.gate.log(Record::Summary(range));
            self.summary_seq = Some(self.gate.write());
        }
        let Some(range) = self.summaries.send(&self.params.summaries, self.now) else { return };
        if self.turn.0 != range.seq {
            self.turn = (range.seq, self.now); // under way since before the start
        }
        let waited = self.now.since(self.turn.1).unwrap_or(0);
        let attempts = waited.checked_div(self.params.summaries.resend_ms).unwrap_or(0);
        let members = u64::try_from(self.epoch.set.members().len()).unwrap_or(u64::MAX);
        let turn = range.seq.saturating_add(attempts).checked_rem(members).unwrap_or(0);
        if self.epoch.set.place(&self.own()).is_some_and(|place| u64::from(place) == turn) {
            effects.push(Effect::Summarise(range));
        }
    }

    fn tell_quorum(&mut self, effects: &mut Vec<Effect>) {
        let patient = self.quorum_due().is_none_or(|due| due > self.now);
        let span = (self.now, self.params.quorum_ms);
        let own = self.own();
        effects.extend(self.presence.change(&self.epoch.set, own, span, patient).map(Effect::Quorum));
    }

    /// When it is time to miss a quorum: a height runs for long.
    fn quorum_due(&self) -> Option<TimeMs> {
        let runs = self.run.agreement.is_some() && self.is_open();
        runs.then(|| TimeMs(self.run.started.0.saturating_add(self.params.quorum_ms)))
    }

    /// Ask for a tick when the next thing is due, if that has changed.
    fn wake(&mut self, effects: &mut Vec<Effect>) {
        let due = [
            self.start_due(),
            self.first_wait().map(|(due, _)| due),
            self.run.candidates.retry().filter(|due| *due > self.now),
            self.summaries.resend_due(&self.params.summaries),
            self.quorum_due().filter(|due| *due > self.now),
            self.blocks_due(),
            self.handover_due().filter(|due| *due > self.now),
        ];
        let due = due.into_iter().flatten().min();
        if due != self.wake {
            self.wake = due;
            effects.extend(due.map(Effect::Wake));
        }
    }

    /// The seal of the block before that a new block carries, and its hash.
    pub(crate) fn prev_seal(&self) -> (Option<Certificate>, Hash) {
        (self.seal.clone(), self.seal.as_ref().map_or(Hash::ZERO, Certificate::hash))
    }
}
