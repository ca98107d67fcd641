//! What has become of a word that somebody outside has handed in, for who asks.

use banyan_types::{Hash, committee::SignedStatement};

use crate::Machine;

/// What a validator's word has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// It is counted.
    Counts,
    /// It is kept, or was let go, because something else has to come first.
    Early,
    /// Its signer has said another thing that excludes it: this, too, is kept, as evidence.
    Contradicts,
    /// It is of no use, for ever.
    Refused,
}

impl Machine {
    /// What an accept or a commitment, whose signature is good and which was heard, has come to.
    pub fn weigh_statement(&self, signed: &SignedStatement) -> Weight {
        let said = &signed.statement;
        if self.accused.contains(&(said.height, signed.by)) {
            return Weight::Contradicts;
        }
        let is_here = self.tree.header(&said.block_hash).is_some() || said.block_hash == Hash::ZERO;
        match self.votes.holds(signed) {
            true if is_here => Weight::Counts,
            false if said.height <= self.clock.height && is_here => Weight::Refused,
            _ => Weight::Early,
        }
    }

    /// What a proposal of this block, which was heard with its body, has come to.
    pub fn weigh_block(&self, block: &Hash) -> Weight {
        if self.tree.header(block).is_some() {
            Weight::Counts
        } else if self.waiting.contains_key(block) {
            Weight::Early
        } else {
            Weight::Refused
        }
    }
}
