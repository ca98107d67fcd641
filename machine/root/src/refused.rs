//! Names of blocks that will never be part of the chain, so that they and what descends from them need no second look.

use alloc::{
    collections::{BTreeMap, VecDeque},
    vec::Vec,
};

use banyan_types::Hash;

/// Names remembered, the newest; one forgotten is judged again. 4,096 blocks are half a day of a dev chain.
pub const REFUSED_MAX: usize = 4_096;

/// Why a block is refused for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It, or a block below it, breaks a rule.
    Invalid,
    /// It is below the last final block, or on another branch.
    Dead {
        /// Its chain's work, as far as it is known here: a heavier chain is worth an alarm.
        work: u128,
    },
}

/// The newest refusals.
#[derive(Clone, Debug, Default)]
pub struct Refused {
    by_hash: BTreeMap<Hash, Refusal>,
    in_order: VecDeque<Hash>,
}

impl Refused {
    pub fn get(&self, hash: &Hash) -> Option<Refusal> {
        self.by_hash.get(hash).copied()
    }

    pub fn remember(&mut self, hash: Hash, refusal: Refusal) {
        if self.by_hash.insert(hash, refusal).is_none() {
            self.in_order.push_back(hash);
        }
        if self.in_order.len() > REFUSED_MAX {
            self.in_order.pop_front().map(|oldest| self.by_hash.remove(&oldest));
        }
    }

    pub fn remember_all(&mut self, hashes: &[Hash], refusal: Refusal) {
        for hash in hashes {
            self.remember(*hash, refusal);
        }
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.by_hash.len()
    }
}

/// The names alone.
pub fn names(blocks: &[(Hash, u128)]) -> Vec<Hash> {
    blocks.iter().map(|(hash, _)| *hash).collect()
}
