//! What the shell must do, in this order. Plain data: a test can print, compare and replay it.

use alloc::boxed::Box;

use banyan_child::{Contradiction, Range};
use banyan_ledger::ParentTip;
use banyan_types::{Hash, Height, Signature, TimeMs, header::ChildHeader};

/// An order to the shell. Effects are carried out in the order given.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Build and execute a block on the last one, with this header but its roots and outbox: settle the inbox entries
    /// up to `inbox_to`, then take transactions. [`crate::Input::Built`] follows even if there were none.
    Build(Box<ChildHeader>),
    /// Sign [`crate::rules::seal_message`] of this header with the operator's key: [`crate::Input::Signed`].
    Sign(Box<ChildHeader>),
    /// Write the record to disk, flushed, a block with the body that was built; then [`crate::Input::Persisted`].
    Persist(Seq, Record),
    /// Make the block, with the body that was persisted, the ledger's last, and show it: [`crate::Input::Committed`].
    Commit(Box<Produced>),
    /// Tell the final block of the parent at this height: the newest is too far to be named at once.
    AskParent(Height),
    /// Make the summary of these blocks and remit it. Sent again while there is no answer: the same range is the same
    /// summary.
    Summarise(Range),
    /// Tick at this time at the latest; replaces what was asked before.
    Wake(TimeMs),
    /// Tell the operator.
    Alarm(Alarm),
}

/// Number of a record to persist; they only grow within one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seq(pub u64);

/// What must be on disk before it may be seen: the newest of each is part of [`crate::Saved`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A signed block: the only one that this operator ever signs at its height.
    Block(Box<Produced>),
    /// Blocks that a summary will be made of: no other range may go out under its number.
    Summary(Range),
}

/// A signed block, its body apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Produced {
    /// The header.
    pub header: ChildHeader,
    /// The operator's signature.
    pub seal: Signature,
    /// Inbox entries that carry money and were settled by it.
    pub settled: u32,
    /// The parent block that it names.
    pub parent: ParentTip,
}

impl Produced {
    /// What the next header carries as `prev_seal_hash`.
    pub fn seal_hash(&self) -> Hash {
        Hash(banyan_crypto::blake2b(&[&self.seal.0]))
    }
}

/// Something that an operator must know of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alarm {
    /// The parent contradicts what it called final.
    Parent(Contradiction),
    /// So many summaries are waiting to be accepted that no more blocks are made.
    Backlog {
        /// That number.
        summaries_max: usize,
    },
}
