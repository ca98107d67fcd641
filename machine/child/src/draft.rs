//! What execution adds to a header.

use banyan_types::{Hash, Height, header::ChildHeader};

/// What the shell built and executed in answer to an order to build a block: the rest of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Height of the block built.
    pub height: Height,
    /// List root of its transactions' hashes.
    pub txs_root: Hash,
    /// List root of its receipts' hashes.
    pub receipts_root: Hash,
    /// Outbox entries below this number exist after it.
    pub outbox_to: u64,
    /// Root of the state after it.
    pub state_root: Hash,
    /// Transactions in it.
    pub txs: u32,
    /// Inbox entries that carry money and were settled by it, credited or skipped. News such as a remit's acceptance do
    /// not count: a summary for each would bring the next.
    pub settled: u32,
}

impl Draft {
    /// The header with what execution gave.
    #[must_use]
    pub fn complete(&self, header: &ChildHeader) -> ChildHeader {
        let Self { txs_root, receipts_root, outbox_to, state_root, .. } = *self;
        ChildHeader { txs_root, receipts_root, outbox_to, state_root, ..header.clone() }
    }
}
