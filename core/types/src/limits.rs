//! The house limits of every ledger; a child may lower them. Source: protocol, ledger 7.

/// Bytes of one signed transaction, unless it is a remit.
pub const TX_BYTES_MAX: usize = 256 * 1024;
/// Bytes of one signed remit: [`REMIT_LINES_MAX`] lines with the longest routes (412 bytes each),
/// [`INBOX_ACKED_PER_REMIT_MAX`] skipped numbers (9 each) and [`OPERATORS_MAX`] signatures must fit, or what a child has
/// ordered could never leave it.
pub const REMIT_BYTES_MAX: usize = 512 * 1024;
/// Bytes of the free payload of a spend.
pub const PAYLOAD_BYTES_MAX: usize = 32 * 1024;
/// Bytes of one block's transactions.
pub const BLOCK_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Transactions in one block.
pub const TXS_PER_BLOCK_MAX: usize = 20_000;
/// Signatures on one transaction.
pub const SIGNATURES_MAX: usize = 4;
/// Bytes of any text encoding.
pub const TEXT_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Bytes of one leaf of the state.
pub const LEAF_BYTES_MAX: usize = 512 * 1024;
/// Heights in the ring of block hashes.
pub const BLOCK_RING: u64 = 256;
/// Operators, or recovery accounts, of one associate.
pub const OPERATORS_MAX: usize = 64;
/// Hops of one route through the tree.
pub const ROUTE_HOPS_MAX: usize = 8;
/// Lines of one remit, and outbox entries of one child block.
pub const REMIT_LINES_MAX: usize = 1_000;
/// Inbox entries that one child block may credit.
pub const INBOX_PER_BLOCK_MAX: u64 = 1_000;
/// Inbox entries that one summary may acknowledge.
pub const INBOX_ACKED_PER_REMIT_MAX: u64 = 10_000;
