//! What was asked of a peer, until it answers or its time is over.

use banyan_types::{Hash, Round};

/// A question to a peer, by what its answer shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Want {
    /// Key headers.
    Headers,
    /// Blocks of the generation of this key block.
    Generation(Hash),
    /// This block.
    Block(Hash),
    /// Transactions, by the number of the question.
    Txs(u64),
    /// This justification.
    Justification(Round, Hash),
    /// Addresses.
    Addresses,
}

impl Want {
    /// What a peer names that has it not.
    pub const fn hash(&self) -> Option<Hash> {
        match self {
            Self::Generation(hash) | Self::Block(hash) | Self::Justification(_, hash) => Some(*hash),
            Self::Headers | Self::Txs(_) | Self::Addresses => None,
        }
    }
}
