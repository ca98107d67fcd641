//! The house limits of every ledger; a child may lower them. Source: protocol, ledger 7.

/// Bytes of one signed transaction, unless it is a remit or brings the source of a contract.
pub const TX_BYTES_MAX: usize = 256 * 1024;
/// Bytes of those: a remit's, and of a contract's code with its source.
pub const LARGE_TX_BYTES_MAX: usize = REMIT_BYTES_MAX;
/// Transactions that one may stand inside of, at parse; the rules allow fewer.
pub const WRAPS_MAX: u8 = 8;
/// Bytes of a contract's code.
pub const CODE_BYTES_MAX: usize = 128 * 1024;
/// Bytes of a contract's source.
pub const SOURCE_BYTES_MAX: usize = 256 * 1024;
/// Bytes of a data entry.
pub const ENTRY_BYTES_MAX: usize = 64 * 1024;
/// Bytes of a token's symbol.
pub const SYMBOL_BYTES_MAX: usize = 16;
/// Digits of a token behind the point.
pub const DECIMALS_MAX: u8 = 30;
/// Due items that one block walks.
pub const PRUNE_MAX: u32 = 1_024;
/// Store leaves that one block sweeps.
pub const SWEEP_MAX: u32 = 8_192;
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
/// Bytes of a notice in a child's inbox.
pub const NOTICE_BYTES_MAX: usize = 1024;
/// Lines of one change of an access list.
pub const ACCESS_LINES_MAX: usize = 1_000;
/// Changes of one connection point that wait.
pub const PENDING_MAX: usize = 8;
/// Bytes that a child's authority may say to the contract that judges it. Source: associates 6.
pub const CONTRACT_WORD_BYTES_MAX: usize = 64 * 1024;
/// Tokens of one child's escrow; with the coin, 64 assets. Source: ledger 7.
pub const TOKENS_PER_ASSOCIATE_MAX: usize = 63;
