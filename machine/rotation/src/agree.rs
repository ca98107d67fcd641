//! What this validator commits to.
//!
//! Where one step confirms, it commits to the last block of the branch that it follows, once for each height, at rising
//! heights, and only if that branch holds the block that it is bound to or carries a higher quorum. So two blocks that
//! contradict each other cannot both have a child that shows their quorum and has one itself, while less than a third lies: of
//! the lowest later block with a quorum on another branch, some honest validator has committed to the child before, and
//! to that block without the right to.
//!
//! Where two steps do, it accepts what the leader of the running view proposes, unless it has committed to another block and
//! is not shown a later threshold of accepts; and it commits to what a threshold accepted, unless it accepted a block in a
//! later view. So the accepts of every later view are for a block that a threshold has committed to.

use banyan_types::{
    Hash, Height,
    committee::{SignedStatement, Statement, StatementKind},
};

use crate::{
    Effect, Machine, Message, Record, To,
    machine::{Clock, Lock},
    tree::Bound,
};

impl Machine {
    /// Follow the best branch, and say at most one thing about it; whether something was said.
    pub(crate) fn agree(&mut self) -> bool {
        self.retime();
        if self.turns.has_two_steps() { self.accept() || self.commit_accepted() } else { self.commit_followed() }
    }

    /// The running height is the one after the best branch.
    pub(crate) fn retime(&mut self) {
        let now = |machine: &Self| {
            let Clock { height, view, .. } = machine.clock;
            Some((machine.votes.changes(), machine.tree.changes(), height, view))
        };
        if self.reckoned == now(self) {
            return;
        }
        self.reckon();
        self.reckoned = now(self);
    }

    fn reckon(&mut self) {
        let height = self.clock.height;
        let reached = self.votes.reached(&self.turns, height);
        if reached > self.clock.view {
            (self.clock.view, self.clock.since) = (reached, Some(self.now));
        }
        self.proven = self.tree.finality(&self.choice());
        let tip = self.tree.best(&self.choice());
        if tip == self.clock.tip {
            return;
        }
        let Some(header) = self.tree.header(&tip) else { return };
        let height = Height(header.height.0.saturating_add(1));
        self.clock = Clock { tip, height, tip_since: self.now, view: 0, since: None };
        self.repeat_due = self.now.plus(self.params.repeat_ms).unwrap_or(self.now);
        if let Some(parent) = self.tree.parent(&tip) {
            self.parents.name(parent);
        }
    }

    fn commit_followed(&mut self) -> bool {
        let tip = self.clock.tip;
        let Some(node) = self.tree.get(&tip) else { return false };
        let (header, bound) = (&node.block.header, node.bound);
        let rises = self.said.last_commitment().is_none_or(|last| last.statement.height < header.height);
        let may = bound.height > self.bound.height || self.tree.is_on(tip, self.bound.hash);
        let statement = Statement::precommit(header.height, header.view, tip);
        if !rises || !may || !self.vote(&statement) {
            return false;
        }
        self.bind(bound);
        true
    }

    /// Bound to the highest quorum that a block it committed to has shown.
    pub(crate) fn bind(&mut self, bound: Bound) {
        if bound.height > self.bound.height {
            self.bound = bound;
        }
    }

    /// The lock of the running height.
    pub(crate) fn lock(&self) -> Option<Lock> {
        self.lock.filter(|lock| lock.height == self.clock.height)
    }

    fn accept(&mut self) -> bool {
        let Clock { height, view, tip, .. } = self.clock;
        if self.said.has_said((StatementKind::Prevote, height, view)) {
            return false;
        }
        let leader = self.turns.leader(height, view);
        let slot = (StatementKind::Proposal, height, view);
        let Some(leader) = leader else { return false };
        let fits = |proposal: &Statement| {
            let known = self.tree.get(&proposal.block_hash).map(|node| &node.block.header);
            known.is_some_and(|header| header.prev_hash == tip && header.view <= view) && self.may_accept(proposal)
        };
        let proposal = self.votes.of(slot, &leader).map(|signed| signed.statement).find(fits);
        let accept = |proposal| Statement { kind: StatementKind::Prevote, valid_view: None, ..proposal };
        proposal.is_some_and(|proposal| self.vote(&accept(proposal)))
    }

    fn may_accept(&self, proposal: &Statement) -> bool {
        let locked = self.lock();
        let Some(valid) = proposal.valid_view else {
            return locked.is_none_or(|lock| lock.hash == proposal.block_hash);
        };
        let accepts = self.accepts(proposal.height, valid, proposal.block_hash);
        let is_shown = self.reaches(accepts.len());
        is_shown && locked.is_none_or(|lock| lock.hash == proposal.block_hash || valid > lock.view)
    }

    fn accepts(&self, height: Height, view: u32, block_hash: Hash) -> alloc::vec::Vec<SignedStatement> {
        let kind = StatementKind::Prevote;
        self.votes.who(&Statement { kind, height, view, block_hash, valid_view: None })
    }

    fn reaches(&self, statements: usize) -> bool {
        u64::try_from(statements).is_ok_and(|count| count >= u64::from(self.turns.threshold()))
    }

    fn commit_accepted(&mut self) -> bool {
        let Clock { height, tip, .. } = self.clock;
        let Some((view, hash, accepts)) = self.votes.polka(&self.turns, height) else { return false };
        let is_good = self.tree.get(&hash).is_some_and(|node| node.block.header.prev_hash == tip);
        let is_late = self.said.accepted_view(height).is_some_and(|accepted| accepted > view)
            || self.lock().is_some_and(|lock| lock.view > view);
        let statement = Statement::precommit(height, view, hash);
        if !is_good || is_late || self.said.has_said(statement.slot()) {
            return false;
        }
        self.outbox.persist(Record::Polka(accepts));
        self.lock = Some(Lock { height, view, hash });
        if view > self.clock.view {
            (self.clock.view, self.clock.since) = (view, Some(self.now));
        }
        self.vote(&statement)
    }

    /// What binds this validator at the running height, for others to see.
    pub(crate) fn show_lock(&mut self) {
        if let Some(Lock { height, view, hash }) = self.lock() {
            let accepts = self.accepts(height, view, hash);
            if !accepts.is_empty() {
                self.outbox.put(Effect::Send(To::All, Message::Polka(accepts)));
            }
        }
    }
}
