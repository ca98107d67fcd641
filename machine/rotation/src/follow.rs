//! Carry the best branch to the shell: commit its blocks, call them final, summarise.

use alloc::{boxed::Box, vec::Vec};

use banyan_child::PIECES_MAX;
use banyan_types::{Hash, Height, TimeMs};

use crate::{
    Alarm, Block, Decided, Effect, Machine, Mark, Record,
    tree::{HEIGHTS_MAX, HEIGHTS_SPARE},
};

impl Machine {
    pub(crate) fn follow(&mut self, effects: &mut Vec<Effect>) {
        self.commit_next();
        self.finalise(effects);
        self.alarms(effects);
    }

    /// One block after the other: the next on the way to the last confirmed one, from where both branches part.
    fn commit_next(&mut self) {
        let target = self.tree.confirmed(&self.choice(), self.clock.tip);
        if self.committing.is_some() || self.tree.is_on(self.adopted, target) {
            return;
        }
        let next = self.tree.path(target).into_iter().find(|hash| !self.tree.is_on(self.adopted, *hash));
        let Some((hash, node)) = next.and_then(|hash| Some((hash, self.tree.get(&hash)?))) else { return };
        let block = node.block.clone();
        // Even a block that only a later one confirms has a seal: the later one carries it.
        let Some(certificate) = self.seal_of(hash) else { return };
        self.committing = Some(hash);
        self.tree.tell_seal(&hash, certificate.signatures.len());
        self.outbox.put(Effect::Commit(Box::new(Decided { block, certificate })));
    }

    /// Let the shell have the commitments that came after their blocks were committed: others choose their branch by them.
    pub(crate) fn tell_seals(&mut self) {
        if self.committing.is_some() {
            return; // the next time
        }
        for hash in self.tree.path(self.adopted) {
            let told = self.tree.get(&hash).map_or(0, |node| node.told);
            let Some(seal) = self.seal_of(hash).filter(|seal| seal.signatures.len() > told) else { continue };
            self.tree.tell_seal(&hash, seal.signatures.len());
            self.outbox.put(Effect::Seal(Box::new(seal)));
        }
    }

    pub(crate) fn committed(&mut self, height: Height) {
        let is_it = |hash: &mut Hash| self.tree.header(hash).is_some_and(|header| header.height == height);
        if let Some(hash) = self.committing.take_if(is_it) {
            self.adopted = hash;
        }
    }

    fn finalise(&mut self, effects: &mut Vec<Effect>) {
        let Some((hash, height)) = self.proven.as_ref().map(|(hash, finality)| (*hash, finality.seal.height)) else {
            return;
        };
        if !self.tree.is_on(self.clock.tip, hash) {
            return self.diverge(height, effects);
        }
        if self.committing.is_some() || !self.tree.is_on(self.adopted, hash) {
            return; // once the shell has it
        }
        let Some((_, finality)) = self.proven.take() else { return };
        let seal = finality.seal.clone();
        self.outbox.put(Effect::Final(Box::new(finality)));
        let before = self.tree.root.header.height;
        for block in self.tree.finalise(hash, seal) {
            self.summaries.push(&self.params.summaries, mark(&block));
        }
        let height = self.tree.root.header.height;
        debug_assert!(height > before, "finality goes on");
        self.forget(height);
        self.bind(self.tree.root_bound());
        self.progress = self.now;
        self.told.unfinal = false;
    }

    fn forget(&mut self, height: Height) {
        self.votes.forget_below(height);
        self.said.forget_to(height);
        self.waiting.retain(|_, block| block.header.height > height);
        self.accused.retain(|(at, _)| *at > height);
    }

    /// Blocks above the last final one.
    pub(crate) fn unfinal(&self) -> u64 {
        let above = self.clock.height.0.saturating_sub(self.tree.root.header.height.0);
        above.saturating_sub(1)
    }

    /// Whether no more blocks may be started.
    pub(crate) fn is_full(&self) -> bool {
        let max = if self.hears_quorum() { HEIGHTS_MAX.saturating_add(HEIGHTS_SPARE) } else { HEIGHTS_MAX };
        self.unfinal() >= max || self.summaries.is_full() || self.summaries.is_ahead_of(self.clock_tip_height())
    }

    fn clock_tip_height(&self) -> Height {
        Height(self.clock.height.0.saturating_sub(1))
    }

    fn alarms(&mut self, effects: &mut Vec<Effect>) {
        let (unfinal, backlog) = (self.unfinal() >= HEIGHTS_MAX, self.summaries.is_full());
        if unfinal && !self.told.unfinal {
            effects.push(Effect::Alarm(Alarm::Unfinal { blocks_max: HEIGHTS_MAX }));
        }
        if backlog && !self.told.backlog {
            effects.push(Effect::Alarm(Alarm::Backlog { summaries_max: PIECES_MAX }));
        }
        (self.told.unfinal, self.told.backlog) = (unfinal, backlog);
    }

    pub(crate) fn summary_accepted(&mut self, seq: u64, child_to: Height) {
        self.sends = 0;
        self.summaries.accept(seq, child_to);
    }

    /// All validators make the same summary, by turns: whoever is next sends it when nobody's was accepted.
    pub(crate) fn summarise(&mut self) {
        if let Some(range) = self.summaries.begin(&self.params.summaries) {
            self.outbox.persist(Record::Summary(range));
            self.sends = 0;
            self.summaries.persisted(); // what follows goes through the outbox, after the record
        }
        if let Some(range) = self.summaries.send(&self.params.summaries, self.now) {
            if self.turns.leader(Height(range.seq), self.sends) == Some(self.said.own()) {
                self.outbox.put(Effect::Summarise(range));
            }
            self.sends = self.sends.saturating_add(1);
        }
    }

    /// Whether enough validators are heard of, while something waits to become final.
    pub(crate) fn watch(&mut self, effects: &mut Vec<Effect>) {
        let waits = self.waits();
        if !waits || !self.waited {
            self.progress = self.now;
        }
        self.waited = waits;
        let has_quorum = self.quorum_due() > self.now || self.hears_quorum();
        if has_quorum != self.has_quorum {
            self.has_quorum = has_quorum;
            effects.push(Effect::Quorum(has_quorum));
        }
    }

    fn waits(&self) -> bool {
        self.clock.since.is_some() || self.has_unfinal_content()
    }

    /// Whether over two thirds of the validators, with this one, have said something lately.
    pub(crate) fn hears_quorum(&self) -> bool {
        self.turns.set().is_quorum(self.hears())
    }

    /// How many validators, with this one, have said something lately.
    pub(crate) fn hears(&self) -> u64 {
        let (own, window) = (self.said.own(), self.now.0.saturating_sub(self.params.quorum_ms));
        let heard = self.heard.iter().filter(|(key, at)| at.0 >= window && **key != own).count();
        let count = heard.saturating_add(usize::from(self.turns.set().place(&own).is_some()));
        u64::try_from(count).unwrap_or(u64::MAX)
    }

    fn quorum_due(&self) -> TimeMs {
        TimeMs(self.progress.0.saturating_add(self.params.quorum_ms))
    }

    pub(crate) fn watch_due(&self) -> Option<TimeMs> {
        (self.waits() && self.has_quorum).then(|| self.quorum_due())
    }
}

/// What summaries need to know of a block.
pub fn mark(block: &Block) -> Mark {
    let header = &block.header;
    let (parent_height, outbox_to, inbox_to) = (header.parent_height, header.outbox_to, header.inbox_to);
    Mark { height: header.height, parent_height, outbox_to, inbox_to, settled: block.settled }
}
