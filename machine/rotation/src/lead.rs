//! Turns: when a block is wanted, when a leader is waited for no longer, and what this validator does in its own turn.

use alloc::{boxed::Box, vec::Vec};

use banyan_child::{Draft, Pool};
use banyan_ledger::{
    ParentTip,
    engine::{
        self, Turn, View,
        rotation::{Strength, Turns, leaders_word},
    },
};
use banyan_types::{
    Hash, Height, TimeMs,
    committee::{Certificate, SignedStatement, Statement, StatementKind},
    header::ChildHeader,
};

use crate::{
    Block, Effect, Machine, Message, Proposed, Record, To,
    machine::{Building, Clock},
    tree::Node,
    votes::certificate,
};

/// Blocks that are not final, up to which empty ones are made as fast as turns go, to make them so, even if no quorum is
/// heard.
const HASTE: u64 = 4;
/// A leader is waited for so many turns at most.
const TURNS_MAX: u64 = 60;

impl Machine {
    /// When a block is wanted: at the earliest, half a turn after the last one, by when its commitments have come.
    fn wanted(&self) -> Option<TimeMs> {
        if self.is_full() {
            return None;
        }
        let paced = |millis: u64| TimeMs(self.clock.tip_since.0.saturating_add(millis));
        let has_work = self.pool == Pool::Ready || self.brings_news();
        let work = has_work.then(|| paced(self.params.turn_ms / 2));
        let is_near = self.unfinal() <= HASTE || self.hears_quorum();
        let millis = if is_near { self.params.turn_ms } else { self.params.heartbeat_ms };
        work.or_else(|| self.has_unfinal_content().then(|| paced(millis)))
    }

    /// Whether an empty block on the best branch is of use.
    fn brings_news(&self) -> bool {
        let tip = self.tree.header(&self.clock.tip);
        let news = |tip: &ChildHeader| {
            let parent = self.parents.next(tip)?;
            Some(parent.hash != tip.parent_hash || engine::inbox_to(tip.inbox_to, &parent) > tip.inbox_to)
        };
        tip.and_then(news).unwrap_or(false)
    }

    /// Whether somebody waits for a block to become final: empty ones would make each other wait for ever.
    pub(crate) fn has_unfinal_content(&self) -> bool {
        let has_content = |node: &Node| {
            let header = &node.block.header;
            let before = self.tree.header(&header.prev_hash);
            let moved = before
                .is_none_or(|before| (before.parent_hash, before.inbox_to) != (header.parent_hash, header.inbox_to));
            moved || header.txs_root != Hash::ZERO
        };
        self.tree.up(self.clock.tip).filter_map(|hash| self.tree.get(&hash)).any(has_content)
    }

    /// Begin to wait for the leader when a block is wanted, and pass to the next one when it has had its turn.
    pub(crate) fn turn(&mut self) {
        self.retime();
        if self.clock.since.is_none() {
            let is_wanted = self.wanted().is_some_and(|due| due <= self.now);
            let others = self.votes.has_any(self.clock.height) && !self.is_full();
            if is_wanted || others {
                self.clock.since = Some(self.now);
                self.repeat_due = TimeMs(self.now.0.saturating_add(self.params.repeat_ms));
            }
        }
        if self.turn_due().is_some_and(|due| due <= self.now) {
            self.leave();
        }
    }

    /// When the running view is over; later views last longer, once everybody has had a turn.
    pub(crate) fn turn_due(&self) -> Option<TimeMs> {
        let since = self.clock.since?;
        let circles = u64::from(self.clock.view.checked_div(self.turns.members()).unwrap_or(0));
        let turns = circles.saturating_add(1).min(TURNS_MAX);
        Some(TimeMs(since.0.saturating_add(self.params.turn_ms.saturating_mul(turns))))
    }

    fn leave(&mut self) {
        let Clock { height, view, .. } = self.clock;
        let kind = StatementKind::Prevote;
        // Where a block was accepted in this view, the slot is used and nothing is said.
        self.vote(&Statement { kind, height, view, block_hash: Hash::ZERO, valid_view: None });
        (self.clock.view, self.clock.since) = (view.saturating_add(1), Some(self.now));
        self.show_lock();
    }

    /// When this validator, as leader of the running view, may propose.
    pub(crate) fn lead_due(&self) -> Option<TimeMs> {
        let Clock { height, view, tip, since, .. } = self.clock;
        let is_turn = self.turns.leader(height, view) == Some(self.said.own());
        let is_free = self.building.is_none() && !self.said.has_said((StatementKind::Proposal, height, view));
        if !is_turn || !is_free || self.is_full() || self.far_behind == Some(height) {
            return None;
        }
        // The first leader of a height waits for the commitments to the block before. Later ones do without, since these may
        // be spread over many blocks for ever; but not where too few are heard to confirm anything.
        let is_confirmed = tip == self.tree.root.hash || self.tree.confirmed(&self.choice(), tip) == tip;
        let threshold = u64::from(self.turns.threshold());
        match view {
            0 => self.wanted().filter(|_| is_confirmed),
            _ => since.filter(|_| is_confirmed || self.hears() >= threshold),
        }
    }

    pub(crate) fn lead(&mut self, effects: &mut Vec<Effect>) {
        if self.lead_due().is_none_or(|due| due > self.now) {
            return;
        }
        match self.accepted() {
            Some((view, hash)) => self.propose_again(view, hash),
            None => self.build(effects),
        }
    }

    /// The block that a threshold accepted in an earlier view: it must be proposed again.
    fn accepted(&self) -> Option<(u32, Hash)> {
        let (view, hash, _) = self.votes.polka(&self.turns, self.clock.height)?;
        (self.turns.has_two_steps() && view < self.clock.view).then_some((view, hash))
    }

    fn propose_again(&mut self, valid: u32, block_hash: Hash) {
        let Clock { height, view, .. } = self.clock;
        if self.tree.get(&block_hash).is_none() {
            return; // its body will come, or the next leader has it
        }
        let kind = StatementKind::Proposal;
        let accepts = self.votes.polka(&self.turns, height).map(|(_, _, accepts)| accepts);
        let statement = Statement { kind, height, view, block_hash, valid_view: Some(valid) };
        let Some(signed) = self.say(&statement) else { return };
        if let Some(accepts) = accepts {
            self.outbox.put(Effect::Send(To::All, Message::Polka(accepts)));
        }
        self.send_proposal(&signed);
        while self.agree() {}
    }

    pub(crate) fn send_proposal(&mut self, signed: &SignedStatement) {
        let Some(node) = self.tree.get(&signed.statement.block_hash) else { return };
        let (header, prev_seal) = (node.block.header.clone(), node.block.prev_seal.clone());
        let proposed = Proposed { signed: *signed, header, prev_seal };
        self.outbox.put(Effect::Send(To::All, Message::Proposal(Box::new(proposed))));
    }

    fn build(&mut self, effects: &mut Vec<Effect>) {
        let Clock { tip, view, .. } = self.clock;
        let Some(prev) = self.tree.header(&tip) else { return };
        let Some(parent) = self.parents.next(prev) else { return };
        let prev_seal = self.seal_of(tip);
        if prev.height > Height(0) && prev_seal.is_none() {
            return; // nobody follows it
        }
        let rules = self.rules();
        let seen = View {
            version: self.params.version,
            associate: self.params.associate,
            prev,
            prev_seal_hash: Turns::seal_hash(prev_seal.as_ref()),
            parent: Some(parent),
        };
        let turn = Turn { leader: self.said.own(), view, now: self.now };
        let header = Box::new(engine::next_header(&rules, &seen, &parent, turn));
        let may_be_empty = view > 0 || self.brings_news() || self.has_unfinal_content();
        self.pool.ask();
        effects.push(Effect::Build(header.clone(), prev_seal.clone().map(Box::new)));
        self.building = Some(Building { header, prev_seal, parent, may_be_empty });
    }

    /// The best seal that is known of a block.
    pub(crate) fn seal_of(&self, hash: Hash) -> Option<Certificate> {
        let height = self.tree.header(&hash)?.height;
        let known = certificate(&self.turns, &self.votes.commitments(height, hash));
        let held = self.tree.root.seal.clone().filter(|_| hash == self.tree.root.hash);
        let best = known.into_iter().chain(held).max_by_key(|seal| seal.signatures.len());
        let least = self.turns.least();
        let enough = best.filter(|seal| u64::try_from(seal.signatures.len()).is_ok_and(|count| count >= least));
        enough.or_else(|| self.word_of(hash))
    }

    /// Where one step confirms, and nobody can commit: what the leader signed.
    fn word_of(&self, hash: Hash) -> Option<Certificate> {
        let header = self.tree.header(&hash).filter(|_| !self.turns.has_two_steps())?;
        let slot = (StatementKind::Proposal, header.height, header.view);
        self.votes.of(slot, &header.leader).find(|signed| signed.statement.block_hash == hash).map(leaders_word)
    }

    pub(crate) fn built(&mut self, draft: &Draft) {
        let Some(Building { header, prev_seal, parent, may_be_empty }) =
            self.building.take_if(|building| building.header.height == draft.height)
        else {
            return;
        };
        self.pool.answered(draft.txs);
        self.retime();
        let Clock { height, view, tip, .. } = self.clock;
        let is_current = (header.height, header.view, header.prev_hash) == (height, view, tip);
        if !is_current || (draft.txs == 0 && !may_be_empty) {
            return self.rest();
        }
        let header = draft.complete(&header);
        let block_hash = header.hash();
        let kind = StatementKind::Proposal;
        let statement = Statement { kind, height, view, block_hash, valid_view: None };
        let block = Block { header, prev_seal, parent, settled: draft.settled };
        self.outbox.persist(Record::Built(Box::new(block.clone())));
        self.tree.insert(&self.turns, block, true);
        if let Some(signed) = self.say(&statement) {
            self.send_proposal(&signed);
        }
    }

    /// The mempool had nothing after all: nobody is waited for, unless others wait.
    fn rest(&mut self) {
        let is_wanted = self.wanted().is_some() || self.votes.has_any(self.clock.height);
        if self.clock.view == 0 && !is_wanted {
            self.clock.since = None;
        }
    }

    /// Say again what was said of the running height and the last commitment, and ask for what others have.
    pub(crate) fn repeat(&mut self) {
        if self.repeat_at().is_none_or(|due| due > self.now) {
            return;
        }
        self.repeat_due = TimeMs(self.now.0.saturating_add(self.params.repeat_ms));
        let last = self.said.last_commitment().filter(|last| last.statement.height < self.clock.height).copied();
        let said: Vec<_> = last.into_iter().chain(self.said.at(self.clock.height).copied()).collect();
        for signed in said {
            if signed.statement.kind == StatementKind::Proposal {
                self.send_proposal(&signed);
            } else {
                self.outbox.put(Effect::Send(To::All, Message::Vote(signed)));
            }
        }
        self.show_lock();
        self.outbox.put(Effect::Send(To::All, Message::AskBlocks(self.clock.height)));
    }

    pub(crate) fn repeat_at(&self) -> Option<TimeMs> {
        (self.clock.since.is_some() || self.has_unfinal_content()).then_some(self.repeat_due)
    }

    /// Whether a certificate that came with a block shows over two thirds.
    pub(crate) fn is_quorum(&self, seal: &Certificate) -> bool {
        self.turns.strength(seal) == Strength::Quorum
    }

    /// The parent block that a header names, if it is known.
    pub(crate) fn named(&self, header: &ChildHeader) -> Option<ParentTip> {
        let same = self.tree.parent(&header.prev_hash);
        let tips = [same, self.tips.get(&header.parent_height).copied(), self.parents.find(header.parent_hash)];
        tips.into_iter().flatten().find(|tip| tip.hash == header.parent_hash)
    }
}
