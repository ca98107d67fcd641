//! The machine: what it knows, and how one input goes through it.

use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet, VecDeque},
    vec::Vec,
};

use banyan_child::{Parents, Pool, Summaries};
use banyan_crypto::SecretKey;
use banyan_ledger::{
    ParentTip,
    engine::rotation::{Rotation, Safety, Turns, proposal_of},
};
use banyan_types::{
    Hash, Height, Peer, Points, PublicKey, TimeMs,
    committee::{Certificate, SignedStatement, Statement},
    header::ChildHeader,
};

use crate::{
    Alarm, Effect, Finality, Input, Message, Record, RotationParams, Saved, Seq, To,
    said::Said,
    tree::{Bound, Choice, Root, Tree},
    votes::{News, Votes, statements},
};

/// Parent blocks that are remembered; others are asked for again when a block names them.
const PARENTS_MAX: usize = 256;

/// A validator of a child ledger.
#[derive(Clone, Debug)]
pub struct Machine {
    pub(crate) params: RotationParams,
    pub(crate) turns: Turns,
    pub(crate) said: Said,
    pub(crate) votes: Votes,
    pub(crate) tree: Tree,
    pub(crate) now: TimeMs,
    /// The ledger's last block, as far as the shell has answered.
    pub(crate) adopted: Hash,
    /// The block that is on its way to being that.
    pub(crate) committing: Option<Hash>,
    pub(crate) clock: Clock,
    /// What the clock and `proven` were reckoned from: changes of votes and tree, height, view.
    pub(crate) reckoned: Option<(u64, u64, Height, u32)>,
    /// The highest block that is final, as far as is known here, above the last one that was said to be.
    pub(crate) proven: Option<(Hash, Finality)>,
    /// Where one step confirms: the highest quorum that this validator has committed on the ground of.
    pub(crate) bound: Bound,
    /// Where two steps do: the block of the running height that it committed to, and in which view.
    pub(crate) lock: Option<Lock>,
    /// Blocks that are not judged yet.
    pub(crate) waiting: BTreeMap<Hash, Waiting>,
    /// Who sent the blocks that are being judged, and the highest of them: asked for more after it.
    pub(crate) source: Option<(Peer, Height)>,
    /// When each peer may be asked for blocks again, unless it has just sent some.
    pub(crate) ask_due: BTreeMap<Peer, TimeMs>,
    pub(crate) parents: Parents,
    pub(crate) tips: BTreeMap<Height, ParentTip>,
    /// The height that [`Effect::AskParent`] went out for.
    pub(crate) asked: Option<Height>,
    pub(crate) pool: Pool,
    pub(crate) building: Option<Building>,
    /// The height at which a block could not be built: whoever is ahead has it.
    pub(crate) far_behind: Option<Height>,
    pub(crate) summaries: Summaries,
    /// How often the summary under way was due: whose turn it is to send it.
    pub(crate) sends: u32,
    pub(crate) outbox: Outbox,
    pub(crate) accused: BTreeSet<(Height, PublicKey)>,
    pub(crate) heard: BTreeMap<PublicKey, TimeMs>,
    pub(crate) has_quorum: bool,
    /// The last final block, or the start.
    pub(crate) progress: TimeMs,
    /// Whether something has waited to become final since then.
    pub(crate) waited: bool,
    pub(crate) repeat_due: TimeMs,
    pub(crate) stopped: bool,
    pub(crate) told: Told,
    pub(crate) wake: Option<TimeMs>,
}

/// The running height and view.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// The block that the next one is built on.
    pub tip: Hash,
    pub height: Height,
    pub tip_since: TimeMs,
    pub view: u32,
    /// When the leader of this view began to be waited for; `None` while nobody wants a block.
    pub since: Option<TimeMs>,
}

/// A block that this validator may not contradict at its height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lock {
    pub height: Height,
    pub view: u32,
    pub hash: Hash,
}

/// A block that is not known to be good yet.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub header: ChildHeader,
    pub prev_seal: Option<Certificate>,
    pub from: Peer,
    pub is_proposed: bool,
    /// Over two thirds committed to it.
    pub has_quorum: bool,
    pub stage: Stage,
}

#[derive(Clone, Copy, Debug)]
pub enum Stage {
    /// Not before this time.
    Idle(TimeMs),
    /// The shell executes it; it names this parent block.
    Judging(ParentTip),
}

/// A block that the shell builds.
#[derive(Clone, Debug)]
pub struct Building {
    pub header: Box<ChildHeader>,
    pub prev_seal: Option<Certificate>,
    pub parent: ParentTip,
    /// Whether it is of use without transactions.
    pub may_be_empty: bool,
}

/// Alarms that are said once.
#[derive(Clone, Copy, Debug, Default)]
pub struct Told {
    pub unfinal: bool,
    pub backlog: bool,
}

/// Effects that wait for the disk.
#[derive(Clone, Debug, Default)]
pub struct Outbox {
    records: Vec<Record>,
    effects: Vec<Effect>,
    queue: VecDeque<(Seq, Vec<Effect>)>,
    last: Seq,
}

impl Outbox {
    /// To disk, before any effect that is put after it in this step or later.
    pub fn persist(&mut self, record: Record) {
        self.records.push(record);
    }

    /// Once all that was said to be written is.
    pub fn put(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    fn flush(&mut self, effects: &mut Vec<Effect>) {
        let (records, put) = (core::mem::take(&mut self.records), core::mem::take(&mut self.effects));
        if !records.is_empty() {
            self.last = Seq(self.last.0.saturating_add(1));
            effects.push(Effect::Persist(self.last, records));
            self.queue.push_back((self.last, put));
        } else if let Some((_, queued)) = self.queue.back_mut() {
            queued.extend(put);
        } else {
            effects.extend(put);
        }
    }

    fn persisted(&mut self, seq: Seq, effects: &mut Vec<Effect>) {
        while let Some((_, queued)) = self.queue.pop_front_if(|(first, _)| *first <= seq) {
            effects.extend(queued);
        }
    }
}

/// Where a validator stands, for its operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// The last block.
    pub height: Height,
    /// The last final one.
    pub final_height: Height,
    /// The running view.
    pub view: u32,
    /// What the threshold promises.
    pub safety: Safety,
    /// Whether enough validators are heard of.
    pub has_quorum: bool,
    /// Whether it has stopped after an [`Alarm::Diverged`].
    pub has_stopped: bool,
}

impl Machine {
    pub(crate) fn at(params: RotationParams, turns: Turns, key: SecretKey, saved: Saved) -> Self {
        let mut summaries = Summaries::new((saved.accepted, saved.accepted_to), saved.base, saved.summary());
        saved.since.iter().for_each(|mark| summaries.push(&params.summaries, *mark));
        let header = saved.last.header;
        let (hash, height) = (header.hash(), header.height);
        let said = Said::new(key, params.network_id.clone());
        let next = Height(height.0.saturating_add(1));
        let mut machine = Self {
            params,
            turns,
            said,
            votes: Votes::default(),
            tree: Tree::new(Root { hash, header, seal: saved.last.seal }),
            now: TimeMs(0),
            adopted: hash,
            committing: None,
            clock: Clock { tip: hash, height: next, tip_since: TimeMs(0), view: 0, since: None },
            reckoned: None,
            proven: None,
            bound: Bound { height, hash },
            lock: None,
            waiting: BTreeMap::new(),
            source: None,
            ask_due: BTreeMap::new(),
            parents: Parents::new(saved.last.parent),
            tips: saved.last.parent.into_iter().map(|tip| (tip.height, tip)).collect(),
            asked: None,
            pool: Pool::default(),
            building: None,
            far_behind: None,
            summaries,
            sends: 0,
            outbox: Outbox::default(),
            accused: BTreeSet::new(),
            heard: BTreeMap::new(),
            has_quorum: true,
            progress: TimeMs(0),
            waited: false,
            repeat_due: TimeMs(0),
            stopped: false,
            told: Told::default(),
            wake: None,
        };
        let seal = machine.tree.root.seal.clone();
        if let Some(seal) = &seal {
            machine.count_all(seal);
        }
        machine.replay(saved.chain, &saved.records);
        machine
    }

    /// Advance by one input and append what follows from it to `effects`.
    pub fn step(&mut self, input: Input, effects: &mut Vec<Effect>) {
        if self.stopped {
            return;
        }
        match input {
            Input::Tick(now) => self.now = self.now.max(now),
            Input::ParentTip(tip) => self.parent_tip(tip, effects),
            Input::PoolReady => self.pool = Pool::Ready,
            Input::PoolEmpty => self.pool = Pool::Empty,
            Input::Heard(peer, message) => self.heard(peer, message, effects),
            Input::Blocks(peer, blocks) => self.blocks(peer, blocks, effects),
            Input::Built(draft) => self.built(&draft),
            Input::Unbuilt => {
                self.far_behind = self.building.take().map(|building| building.header.height);
            }
            Input::Verified(hash, verdict) => self.verified(hash, verdict, effects),
            Input::Persisted(seq) => self.outbox.persisted(seq, effects),
            Input::Committed { height } => self.committed(height),
            Input::SummaryAccepted { seq, child_to } => self.summary_accepted(seq, child_to),
        }
        self.advance(effects);
        self.outbox.flush(effects);
        self.wake(effects);
    }

    fn advance(&mut self, effects: &mut Vec<Effect>) {
        self.judge(effects);
        self.turn();
        while self.agree() {}
        self.follow(effects);
        self.lead(effects);
        self.repeat();
        self.ask_parent(effects);
        self.summarise();
        self.watch(effects);
    }

    /// Where it stands.
    pub fn status(&self) -> Status {
        Status {
            height: self.adopted_height(),
            final_height: self.tree.root.header.height,
            view: self.clock.view,
            safety: self.turns.safety(),
            has_quorum: self.has_quorum,
            has_stopped: self.stopped,
        }
    }

    pub(crate) fn rules(&self) -> Rotation<'_> {
        Rotation { network_id: &self.params.network_id, turns: &self.turns }
    }

    pub(crate) fn choice(&self) -> Choice<'_> {
        Choice { turns: &self.turns, votes: &self.votes, at: (self.clock.height, self.clock.view) }
    }

    pub(crate) fn adopted_height(&self) -> Height {
        self.tree.header(&self.adopted).map_or(self.tree.root.header.height, |header| header.height)
    }

    /// Sign a statement, unless its slot is used up: written down first, then sent if it is a vote. Who is no validator says
    /// nothing.
    pub(crate) fn say(&mut self, statement: &Statement) -> Option<SignedStatement> {
        self.turns.set().place(&self.said.own())?;
        let signed = self.said.say(statement)?;
        self.outbox.persist(Record::Vote(signed));
        self.votes.add(&self.turns, &signed);
        Some(signed)
    }

    pub(crate) fn vote(&mut self, statement: &Statement) -> bool {
        let signed = self.say(statement);
        let sent = signed.map(|signed| self.outbox.put(Effect::Send(To::All, Message::Vote(signed))));
        sent.is_some()
    }

    /// Count a checked statement. Whether it was good for anything.
    pub(crate) fn count(&mut self, signed: &SignedStatement) -> News {
        self.heard.insert(signed.by, self.now);
        let news = self.votes.add(&self.turns, signed);
        if let News::Fault(before) = news
            && self.accused.insert((signed.statement.height, signed.by))
        {
            self.outbox.put(Effect::Accuse(Box::new([before, *signed])));
        }
        news
    }

    /// Count the commitments of a checked certificate.
    pub(crate) fn count_all(&mut self, certificate: &Certificate) {
        for signed in statements(&self.turns, certificate).iter().chain(&proposal_of(&self.turns, certificate)) {
            self.count(signed);
        }
    }

    pub(crate) fn score(peer: Peer, effects: &mut Vec<Effect>) {
        effects.push(Effect::Score(peer, Points::INVALID));
    }

    pub(crate) fn diverge(&mut self, height: Height, effects: &mut Vec<Effect>) {
        self.stopped = true;
        effects.push(Effect::Alarm(Alarm::Diverged { height }));
    }

    fn parent_tip(&mut self, tip: ParentTip, effects: &mut Vec<Effect>) {
        self.asked = None;
        match self.parents.told(tip) {
            Ok(()) => {
                self.tips.insert(tip.height, tip);
                while self.tips.len() > PARENTS_MAX {
                    self.tips.pop_first();
                }
            }
            Err(alarm) => effects.push(Effect::Alarm(Alarm::Parent(alarm))),
        }
    }

    fn ask_parent(&mut self, effects: &mut Vec<Effect>) {
        let tip = self.tree.header(&self.clock.tip).and_then(|header| self.parents.wanted(header));
        let named =
            || self.waiting.values().filter(|block| self.is_next(block)).map(|block| block.header.parent_height);
        let unknown = |height: &Height| !self.tips.contains_key(height);
        let wanted = tip.or_else(|| named().find(unknown)).filter(|height| self.asked != Some(*height));
        if let Some(height) = wanted {
            self.asked = Some(height);
            effects.push(Effect::AskParent(height));
        }
    }

    /// Ask for a tick when the next thing is due, if that has changed.
    fn wake(&mut self, effects: &mut Vec<Effect>) {
        let due = [self.turn_due(), self.lead_due(), self.repeat_at(), self.retry_due(), self.watch_due()];
        let due = due.into_iter().chain([self.summaries.resend_due(&self.params.summaries)]).flatten();
        let due = due.filter(|due| *due > self.now).min();
        if due != self.wake {
            self.wake = due;
            effects.extend(due.map(Effect::Wake));
        }
    }
}
