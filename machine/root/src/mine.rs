//! Mine: one template at a time, always on the tip.

use alloc::{boxed::Box, vec::Vec};

use banyan_types::{
    Hash, Height, TimeMs,
    header::{KeyHeader, POW_EDGES},
};

use crate::{Block, Effect, Machine, Miner, TemplateId, pow::Cycle};

/// What this node is mining.
#[derive(Clone, Debug, Default)]
pub struct Mining {
    last: TemplateId,
    template: Option<Template>,
}

/// The header that is worked on; without its state's root until the shell has found that.
#[derive(Clone, Debug)]
struct Template {
    header: Box<KeyHeader>,
    searching: bool,
}

impl Machine {
    /// Work on the tip: stop what is on another block, and begin once a key block there can be in time.
    pub(crate) fn mine(&mut self, effects: &mut Vec<Effect>) {
        let on = self.head();
        if self.mining.template.as_ref().is_some_and(|template| template.header.prev_hash == on) {
            return;
        }
        if self.mining.template.take().is_some_and(|template| template.searching) {
            effects.push(Effect::StopMining);
        }
        let Some(miner) = self.miner.filter(|_| self.now >= self.next_key_due()) else { return };
        let header = Box::new(self.template(miner));
        self.mining.last.0 += 1;
        effects.push(Effect::Template(self.mining.last, header.clone()));
        self.mining.template = Some(Template { header, searching: false });
    }

    pub(crate) fn templated(&mut self, id: TemplateId, state_root: Hash, effects: &mut Vec<Effect>) {
        let Some(template) = self.mining.template.as_mut().filter(|_| id == self.mining.last) else { return };
        template.header.state_root = state_root;
        template.searching = true;
        effects.push(Effect::Mine(id, template.header.clone()));
    }

    /// A solution goes through the same door as a peer's block. One for an older template is dropped: it would leave
    /// out micro blocks that have come since.
    pub(crate) fn solved(&mut self, id: TemplateId, nonce: u64, pow: Cycle, effects: &mut Vec<Effect>) {
        let current = self.mining.template.as_ref().filter(|template| template.searching && id == self.mining.last);
        let Some(template) = current.cloned() else { return };
        let header = Box::new(KeyHeader { nonce, pow, ..*template.header.clone() });
        let hash = header.hash();
        self.receive(None, Block::Key(header), effects);
        if self.tree.get(&hash).is_some() {
            self.mining.template = None;
        } else {
            effects.push(Effect::Mine(id, template.header));
        }
    }

    /// When mining can begin, if it waits for that.
    pub(crate) fn mining_due(&self) -> Option<TimeMs> {
        let waits = self.miner.is_some() && self.is_settled() && self.mining.template.is_none();
        waits.then(|| self.next_key_due())
    }

    /// When a key block on the tip is in time here and at others: it neither comes too soon after the one before nor
    /// is it ahead of the clock.
    fn next_key_due(&self) -> TimeMs {
        let ahead = self.next_key_time().0.saturating_sub(self.params.drift_ms);
        TimeMs(ahead).max(self.view().paced_time_after(&self.tip().key_hash))
    }

    /// The least time of a key block on the tip.
    fn next_key_time(&self) -> TimeMs {
        let (view, tip) = (self.view(), self.tip());
        let past = view.past_time_before(next(tip.height), &tip.key_hash);
        TimeMs(past.0.saturating_add(1)).max(view.paced_time_after(&tip.key_hash))
    }

    fn template(&self, miner: Miner) -> KeyHeader {
        let tip = self.tip();
        KeyHeader {
            version: self.params.version,
            info: None,
            height: next(tip.height),
            prev_hash: tip.hash,
            prev_key_hash: tip.key_hash,
            state_root: Hash::ZERO,
            miner: miner.key,
            beneficiary: miner.beneficiary,
            witness_hash: Hash::ZERO,
            target: self.view().target_after(&tip.key_hash).to_compact(),
            time: self.next_key_time().max(self.now),
            nonce: 0,
            pow: [0; POW_EDGES],
        }
    }
}

const fn next(height: Height) -> Height {
    Height(height.0.saturating_add(1))
}
