//! The machine: one block after the other, each durable before it is seen, and summaries beside them.
//!
//! A block is made when a final parent block is new, when inbox entries wait, or when the mempool has something and the
//! interval is over. It is built, signed, persisted, committed; nothing else is signed at its height, for what was
//! persisted is what the next start commits.

use alloc::{boxed::Box, vec::Vec};

use banyan_child::{PIECES_MAX, Parents, Pool, Summaries};
use banyan_ledger::engine::{self, Turn, View};
use banyan_types::{Hash, Height, Signature, TimeMs, header::ChildHeader};

use crate::{Alarm, Draft, Effect, Input, Mark, ParentTip, Produced, Record, Saved, Seq, SoloParams};

/// The operator of a child ledger.
#[derive(Clone, Debug)]
pub struct Machine {
    params: SoloParams,
    now: TimeMs,
    /// The last committed block.
    tip: ChildHeader,
    seal_hash: Hash,
    parents: Parents,
    /// The height that [`Effect::AskParent`] went out for.
    asked: Option<Height>,
    summaries: Summaries,
    pool: Pool,
    /// When a block with transactions may be built again.
    pool_due: TimeMs,
    stage: Stage,
    seqs: Seqs,
    wake: Option<TimeMs>,
}

/// How far the next block is.
#[derive(Clone, Debug)]
enum Stage {
    Idle,
    Building {
        header: Box<ChildHeader>,
        parent: ParentTip,
        since: TimeMs,
    },
    Signing {
        header: Box<ChildHeader>,
        parent: ParentTip,
        settled: u32,
    },
    Persisting(Box<Produced>),
    /// Durable: it goes out now, in this run or the next.
    Durable(Box<Produced>),
    Committing(Box<Produced>),
}

/// Records under way.
#[derive(Clone, Copy, Debug, Default)]
struct Seqs {
    last: Seq,
    block: Option<Seq>,
    summary: Option<Seq>,
}

impl Seqs {
    fn next(&mut self) -> Seq {
        self.last.0 += 1;
        self.last
    }
}

impl Machine {
    pub(crate) fn at(params: SoloParams, saved: Saved) -> Self {
        let stage = saved.unfinished().map_or(Stage::Idle, |signed| Stage::Durable(Box::new(signed.clone())));
        let mut summaries = Summaries::new((saved.accepted, saved.base.height), saved.base, saved.summary);
        saved.since.iter().for_each(|mark| summaries.push(&params.summaries, *mark));
        Self {
            params,
            now: TimeMs(0),
            tip: saved.tip,
            seal_hash: saved.seal_hash,
            parents: Parents::new(saved.parent),
            asked: None,
            summaries,
            pool: Pool::default(),
            pool_due: TimeMs(0),
            stage,
            seqs: Seqs::default(),
            wake: None,
        }
    }

    /// Advance by one input and append what follows from it to `effects`.
    pub fn step(&mut self, input: Input, effects: &mut Vec<Effect>) {
        match input {
            Input::Tick(now) => self.now = self.now.max(now),
            Input::ParentTip(tip) => self.parent_tip(tip, effects),
            Input::PoolReady => self.pool = Pool::Ready,
            Input::PoolEmpty => self.pool = Pool::Empty,
            Input::Built(draft) => self.built(&draft, effects),
            Input::Signed(seal) => self.signed(seal, effects),
            Input::Persisted(seq) => self.persisted(seq),
            Input::Committed(height) => self.committed(height, effects),
            Input::SummaryAccepted { seq, child_to } => self.summaries.accept(seq, child_to),
        }
        self.advance(effects);
        self.wake(effects);
    }

    /// Header of the last committed block.
    pub const fn tip(&self) -> &ChildHeader {
        &self.tip
    }

    fn parent_tip(&mut self, tip: ParentTip, effects: &mut Vec<Effect>) {
        self.asked = None;
        if let Err(alarm) = self.parents.told(tip) {
            effects.push(Effect::Alarm(Alarm::Parent(alarm)));
        }
    }

    fn advance(&mut self, effects: &mut Vec<Effect>) {
        if self.build_due().is_some_and(|due| due <= self.now) {
            self.build(effects);
        }
        if let Stage::Durable(produced) = &self.stage {
            effects.push(Effect::Commit(produced.clone()));
            self.stage = Stage::Committing(produced.clone());
        }
        self.ask_parent(effects);
        self.summarise(effects);
    }

    /// When the next block may be built, if one is wanted.
    fn build_due(&self) -> Option<TimeMs> {
        let parent = self.parents.next(&self.tip)?;
        if !matches!(self.stage, Stage::Idle) || self.summaries.is_full() {
            return None;
        }
        match self.pool {
            Pool::Ready => Some(self.pool_due),
            Pool::Empty | Pool::Asked => self.brings_news(&parent).then_some(TimeMs(0)),
        }
    }

    /// Whether an empty block that names `parent` is of use.
    fn brings_news(&self, parent: &ParentTip) -> bool {
        parent.hash != self.tip.parent_hash || engine::inbox_to(self.tip.inbox_to, parent) > self.tip.inbox_to
    }

    fn build(&mut self, effects: &mut Vec<Effect>) {
        let Some(parent) = self.parents.next(&self.tip) else { return };
        let header = Box::new(self.header(&parent));
        self.pool.ask();
        effects.push(Effect::Build(header.clone()));
        self.stage = Stage::Building { header, parent, since: self.now };
    }

    /// The next header, all that the rules fix of it: roots and outbox follow from execution.
    fn header(&self, parent: &ParentTip) -> ChildHeader {
        let view = View {
            version: self.params.version,
            associate: self.params.associate,
            prev: &self.tip,
            prev_seal_hash: self.seal_hash,
            parent: Some(*parent),
        };
        let turn = Turn { leader: self.params.operator, view: 0, now: self.now };
        engine::next_header(&self.params.rules(), &view, parent, turn)
    }

    fn built(&mut self, draft: &Draft, effects: &mut Vec<Effect>) {
        let fits = matches!(&self.stage, Stage::Building { header, .. } if header.height == draft.height);
        if !fits {
            return;
        }
        let Stage::Building { mut header, parent, since } = core::mem::replace(&mut self.stage, Stage::Idle) else {
            return;
        };
        self.pool.answered(draft.txs);
        if draft.txs > 0 {
            self.pool_due = TimeMs(since.0.saturating_add(self.params.block_interval_ms));
        } else if !self.brings_news(&parent) {
            return; // the mempool had nothing that fits: no block
        }
        *header = draft.complete(&header);
        effects.push(Effect::Sign(header.clone()));
        self.stage = Stage::Signing { header, parent, settled: draft.settled };
    }

    fn signed(&mut self, seal: Signature, effects: &mut Vec<Effect>) {
        match core::mem::replace(&mut self.stage, Stage::Idle) {
            Stage::Signing { header, parent, settled } => {
                let produced = Box::new(Produced { header: *header, seal, settled, parent });
                let seq = self.seqs.next();
                self.seqs.block = Some(seq);
                effects.push(Effect::Persist(seq, Record::Block(produced.clone())));
                self.stage = Stage::Persisting(produced);
            }
            other => self.stage = other,
        }
    }

    fn persisted(&mut self, seq: Seq) {
        if self.seqs.summary.take_if(|wanted| *wanted == seq).is_some() {
            self.summaries.persisted();
        }
        if self.seqs.block.take_if(|wanted| *wanted == seq).is_none() {
            return;
        }
        if let Stage::Persisting(produced) = &self.stage {
            self.stage = Stage::Durable(produced.clone());
        }
    }

    fn committed(&mut self, height: Height, effects: &mut Vec<Effect>) {
        let Stage::Committing(produced) = &self.stage else { return };
        if produced.header.height != height {
            return;
        }
        let Produced { header, settled, parent, .. } = &**produced;
        let (outbox_to, inbox_to) = (header.outbox_to, header.inbox_to);
        let mark = Mark { height, parent_height: parent.height, outbox_to, inbox_to, settled: *settled };
        self.parents.name(*parent);
        self.seal_hash = produced.seal_hash();
        self.tip = header.clone();
        self.summaries.push(&self.params.summaries, mark);
        self.stage = Stage::Idle;
        if self.summaries.is_full() {
            effects.push(Effect::Alarm(Alarm::Backlog { summaries_max: PIECES_MAX }));
        }
    }

    fn ask_parent(&mut self, effects: &mut Vec<Effect>) {
        let wanted = self.parents.wanted(&self.tip).filter(|height| self.asked != Some(*height));
        if let Some(height) = wanted {
            self.asked = Some(height);
            effects.push(Effect::AskParent(height));
        }
    }

    fn summarise(&mut self, effects: &mut Vec<Effect>) {
        if let Some(range) = self.summaries.begin(&self.params.summaries) {
            let seq = self.seqs.next();
            self.seqs.summary = Some(seq);
            effects.push(Effect::Persist(seq, Record::Summary(range)));
        }
        effects.extend(self.summaries.send(&self.params.summaries, self.now).map(Effect::Summarise));
    }

    /// Ask for a tick when the next thing is due, if that has changed.
    fn wake(&mut self, effects: &mut Vec<Effect>) {
        let due = [self.build_due(), self.summaries.resend_due(&self.params.summaries)].into_iter().flatten().min();
        if due != self.wake {
            self.wake = due;
            effects.extend(due.map(Effect::Wake));
        }
    }
}
