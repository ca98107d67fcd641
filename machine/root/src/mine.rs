//! Mine: one template at a time, always on the tip.

use alloc::{boxed::Box, vec::Vec};

use banyan_types::{
    Hash, TimeMs,
    header::{KeyHeader, POW_EDGES},
};

use crate::{Block, Effect, KeyBodyFacts, Machine, Miner, TemplateId, ancestry::Ancestry, pow::Cycle};

/// What this node is mining.
#[derive(Clone, Debug, Default)]
pub struct Mining {
    last: TemplateId,
    /// The header whose state's root the shell looks for.
    asked: Option<Template>,
    /// The header that a proof of work is searched for. It may be older than `asked`, never on another block.
    searched: Option<Template>,
    /// A better seal is there than those templates know.
    reseal: bool,
}

/// A header in the making.
#[derive(Clone, Debug)]
struct Template {
    id: TemplateId,
    header: Box<KeyHeader>,
}

impl Mining {
    /// The block that is worked on.
    fn on(&self) -> Option<Hash> {
        self.asked.as_ref().or(self.searched.as_ref()).map(|template| template.header.prev_hash)
    }
}

impl Machine {
    /// Work on the tip: stop what is on another block, and begin once a key block there can be in time.
    pub(crate) fn mine(&mut self, effects: &mut Vec<Effect>) {
        let on = Some(self.head());
        if self.mining.on() == on && !self.mining.reseal {
            return;
        }
        self.mining.asked = None;
        if self.mining.on() != on && self.mining.searched.take().is_some() {
            effects.push(Effect::StopMining);
        }
        let Some(miner) = self.miner.filter(|_| self.now >= self.next_key_due()) else { return };
        let header = Box::new(self.template(miner));
        self.mining.last.0 += 1;
        let id = self.mining.last;
        self.mining.reseal = false;
        self.mining.asked = Some(Template { id, header: header.clone() });
        effects.push(Effect::Template(id, header));
    }

    /// Begin again on the same block, for the sake of its body. What is searched meanwhile is still a block if found.
    pub(crate) const fn reseal(&mut self) {
        self.mining.reseal = self.mining.asked.is_some() || self.mining.searched.is_some();
    }

    pub(crate) fn templated(
        &mut self,
        id: TemplateId,
        state_root: Hash,
        witness_hash: Hash,
        effects: &mut Vec<Effect>,
    ) {
        let Some(mut template) = self.mining.asked.take_if(|asked| asked.id == id) else { return };
        template.header.state_root = state_root;
        template.header.witness_hash = witness_hash;
        effects.push(Effect::Mine(id, template.header.clone()));
        self.mining.searched = Some(template);
    }

    /// A solution goes through the same door as a peer's block. One for an older template is dropped: it would leave
    /// out micro blocks that have come since.
    pub(crate) fn solved(&mut self, id: TemplateId, nonce: u64, pow: Cycle, effects: &mut Vec<Effect>) {
        let Some(template) = self.mining.searched.clone().filter(|searched| searched.id == id) else { return };
        let header = Box::new(KeyHeader { nonce, pow, ..*template.header.clone() });
        let hash = header.hash();
        // The shell chose the body; a seal that it holds is never too large.
        let body = KeyBodyFacts { witness_hash: header.witness_hash, bytes: 0 };
        self.receive(None, Block::Key(header, body), effects);
        if self.tree.get(&hash).is_some() {
            (self.mining.asked, self.mining.searched) = (None, None);
        } else {
            effects.push(Effect::Mine(id, template.header));
        }
    }

    /// When mining can begin, if it waits for that.
    pub(crate) fn mining_due(&self) -> Option<TimeMs> {
        let waits = self.miner.is_some() && self.is_settled() && self.mining.on().is_none();
        waits.then(|| self.next_key_due())
    }

    /// When a key block on the tip is in time here and at others: it neither comes too soon after the one before nor
    /// is it ahead of the clock.
    fn next_key_due(&self) -> TimeMs {
        let ahead = self.next_key_time().0.saturating_sub(self.params.drift_ms);
        TimeMs(ahead).max(self.ancestry().paced_time(&self.params))
    }

    /// The least time of a key block on the tip.
    fn next_key_time(&self) -> TimeMs {
        let ancestry = self.ancestry();
        TimeMs(ancestry.past_time(&self.params).0.saturating_add(1)).max(ancestry.paced_time(&self.params))
    }

    fn ancestry(&self) -> Ancestry {
        self.view().ancestry(&self.tip().key_hash)
    }

    fn template(&self, miner: Miner) -> KeyHeader {
        let (tip, ancestry) = (self.tip(), self.ancestry());
        KeyHeader {
            version: self.params.versions.at(ancestry.next_height()),
            info: None,
            height: ancestry.next_height(),
            prev_hash: tip.hash,
            prev_key_hash: tip.key_hash,
            state_root: Hash::ZERO,
            miner: miner.key,
            beneficiary: miner.beneficiary,
            witness_hash: Hash::ZERO,
            target: ancestry.target(&self.params).to_compact(),
            time: self.next_key_time().max(self.now),
            nonce: 0,
            pow: [0; POW_EDGES],
        }
    }
}
