//! Questions to the store and the pool, and their answers.

use alloc::{boxed::Box, string::String, vec::Vec};

use banyan_types::{
    Bytes, Hash, Height, Round, TxHash,
    header::KeyHeader,
    witness::{Justification, Seal},
};

use crate::message::BlockBytes;

/// Names one question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct LookId(pub u64);

/// A question to the shell: [`crate::Input::Found`] answers it, soon, once, with the answer of the same name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// Key blocks of this node's chain at the tip, 1, 2, 4, … below, down to the last final one, which is the last given.
    Locator,
    /// Key headers of this node's chain after the newest key block in `locator` that is on it, oldest first, at most
    /// `max`; none if none is.
    Locate {
        /// Newest first.
        locator: Vec<Hash>,
        /// At most so many.
        max: usize,
    },
    /// What a [`banyan_root::HeaderChain`] begins with: the newest key headers up to this one of this node's chain, 32 of
    /// them or all, oldest first, and the work of its chain.
    Past(Hash),
    /// Blocks of a generation from index `from` on: micro blocks up to `last`, or to the end of this node's chain in that
    /// generation. As many as fit into a page ([`crate::limits::PAGE_BYTES_MAX`], `PAGE_BLOCKS_MAX`), at least one.
    Generation {
        /// Its key block.
        key_hash: Hash,
        /// Where it ends.
        last: Option<Hash>,
        /// The first index.
        from: u32,
    },
    /// A block by its hash, applied or not yet.
    Block(Hash),
    /// Transactions in the pool (or in recent blocks), in the order of the hashes.
    Txs(Vec<TxHash>),
    /// A justification.
    Justification {
        /// Its round.
        round: Round,
        /// Its key block.
        hash: Hash,
    },
    /// Seals of the last key blocks of eras, from a height on, oldest first: at most [`crate::limits::SEALS_MAX`].
    Seals(Height),
    /// Addresses of peers that this node has reached.
    Addresses,
}

/// The answer to a [`Look`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// To [`Look::Locator`].
    Locator(Vec<Hash>),
    /// To [`Look::Locate`].
    Headers(Vec<KeyHeader>),
    /// To [`Look::Past`].
    Past {
        /// Key headers, oldest first.
        past: Vec<KeyHeader>,
        /// Work of the chain up to the last of them.
        work: u128,
    },
    /// To [`Look::Generation`].
    Generation {
        /// Blocks in order.
        blocks: Vec<BlockBytes>,
        /// Whether more follow.
        more: bool,
    },
    /// To [`Look::Block`].
    Block(Box<BlockBytes>),
    /// To [`Look::Txs`]: signed bytes, where it is here.
    Txs(Vec<Option<Bytes>>),
    /// To [`Look::Justification`].
    Justification(Box<Justification>),
    /// To [`Look::Seals`].
    Seals(Vec<Seal>),
    /// To [`Look::Addresses`].
    Addresses(Vec<String>),
    /// To any: it is not here.
    Nothing,
}
