//! Start: from the genesis, or from what the last run left on disk.

use alloc::{boxed::Box, vec::Vec};

use banyan_types::{
    Era, Hash, Height, PublicKey, Round,
    witness::{Justification, Seal, WitnessSet},
};

use crate::{
    Checks, KeyRef, Machine, Params, Watermarks,
    certify::{precommits, prevotes},
};

/// Who this node votes as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Me {
    /// The witness key.
    pub key: PublicKey,
    /// What it remembers of its votes.
    pub memory: Memory,
}

/// What a witness remembers of its votes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Memory {
    /// The watermarks that were on disk.
    Kept(Box<Watermarks>),
    /// There are none. Only at the genesis is that right.
    None,
    /// They are lost, and the operator says so: it votes from this era on, the one after that of the network.
    Lost {
        /// The era.
        from: Era,
    },
}

/// What the store has kept of finality.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// The last key block of the era before the one that follows `last_final`; the genesis in the first era.
    pub anchor: KeyRef,
    /// Key blocks that descend from it, parents first; the last final one among them unless that is the anchor.
    pub above: Vec<KeyRef>,
    /// The last final key block.
    pub last_final: Hash,
    /// Its seal; none at the genesis or an operators' anchor.
    pub seal: Option<Box<Seal>>,
    /// Justifications of the running era.
    pub justifications: Vec<Justification>,
    /// Sets of the running era and of those after it.
    pub sets: Vec<WitnessSet>,
    /// Whether two seals contradicted each other, and operators have not said since that this chain is the right one.
    pub halted: bool,
    /// Key blocks that operators have agreed on, ascending: the last ones of their eras.
    pub anchors: Vec<(Height, Hash)>,
}

impl Saved {
    /// Nothing but the genesis with its first sets.
    pub const fn genesis(anchor: KeyRef, sets: Vec<WitnessSet>) -> Self {
        let last_final = anchor.hash;
        Self {
            anchor,
            above: Vec::new(),
            last_final,
            seal: None,
            justifications: Vec::new(),
            sets,
            halted: false,
            anchors: Vec::new(),
        }
    }
}

/// Why the machine does not start: this node's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A key block's parent did not come before it.
    #[error("key block {0:?} has no parent before it")]
    Unlinked(Hash),
    /// The last final block is none of those given.
    #[error("final key block {0:?} is none of the headers")]
    NoFinal(Hash),
    /// A witness has lost its memory, and might vote twice.
    #[error("witness has no watermarks: it may have voted already; start it with --new to wait an era")]
    NoWatermarks,
}

impl Machine {
    /// A machine where the last run stopped, or at the genesis. Tell it the time first.
    /// # Errors
    /// The first [`Refused`] that applies.
    pub fn start(params: Params, checks: Checks, me: Option<Me>, saved: Saved) -> Result<Self, Refused> {
        let Saved { anchor, above, last_final, seal, justifications, sets, halted, anchors } = saved;
        let after = anchor.height.next().unwrap_or(anchor.height);
        let mut machine = Self::at(params, checks, me.as_ref().map(|me| me.key), anchor, params.era_of(after));
        for key in above {
            if !machine.tree.insert(key) {
                return Err(Refused::Unlinked(key.hash));
            }
        }
        let Some(height) = machine.tree.key(&last_final).map(|key| key.height) else {
            return Err(Refused::NoFinal(last_final));
        };
        machine.tree.apply(&last_final);
        (machine.last_final, machine.tip, machine.halted) = (last_final, last_final, halted);
        machine.anchors = anchors;
        machine.sets.extend(sets.into_iter().map(|set| (set.era, set)));
        machine.recall(seal, justifications);
        match me.map(|me| me.memory) {
            Some(Memory::Kept(marks)) => machine.remember(*marks),
            Some(Memory::None) if height.0 > 0 => return Err(Refused::NoWatermarks),
            Some(Memory::Lost { from }) => machine.votes_from = from,
            Some(Memory::None) | None => {}
        }
        Ok(machine)
    }

    /// Vote from this era on. The shell says so once it knows what this node's key may have signed before.
    pub const fn vote_from(&mut self, era: Era) {
        self.votes_from = era;
    }

    /// Take back certificates of the running era. They were checked before they were written.
    fn recall(&mut self, seal: Option<Box<Seal>>, justifications: Vec<Justification>) {
        let era = self.pool.era;
        let mut found = Vec::new();
        for justification in justifications.into_iter().filter(|justification| justification.era == era) {
            self.justified.insert(justification.source(), justification.height);
            self.observe(&prevotes(&justification, self.params.chain), &mut found);
            self.round = self.round.max(justification.round);
            if self.justification.as_ref().is_none_or(|newest| newest.round < justification.round) {
                self.justification = Some(Box::new(justification));
            }
        }
        if let Some(seal) = seal.as_ref().filter(|seal| seal.era == era) {
            self.observe(&precommits(seal, self.params.chain), &mut found);
            self.final_round = seal.round;
            self.round = self.round.max(seal.round.next().unwrap_or(seal.round));
        }
        self.seal = seal;
        self.found = found;
    }

    fn remember(&mut self, marks: Watermarks) {
        let era = self.pool.era;
        for vote in marks.votes().into_iter().filter(|vote| vote.statement.era == era) {
            self.round = self.round.max(vote.statement.round).max(Round(1));
            let standing = self.judge(&vote);
            let _ = self.pool.put(vote, standing);
        }
        self.pledged = marks.clone();
        self.durable = marks;
    }
}
