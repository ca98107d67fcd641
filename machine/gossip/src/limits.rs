//! The limits of everything that a peer can make grow, with their sources.

/// Bytes of one message. Source: root 3.
pub const MESSAGE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Key headers in one answer. Source: root 10.
pub const HEADERS_MAX: usize = 2_000;
/// Hashes in a locator: steps double, so these reach below any height, with room for the final block.
pub const LOCATOR_MAX: usize = 72;
/// Bytes of blocks in one page of a generation, unless its first block alone is larger. 64 such pages in flight are 32 MiB.
pub const PAGE_BYTES_MAX: usize = 512 * 1024;
/// Blocks in one page of a generation: as many of the least size as its bytes hold.
pub const PAGE_BLOCKS_MAX: usize = 1_024;
/// Transaction hashes of one light block. Source: the ledger's limit for a block.
pub const LIGHT_TXS_MAX: usize = banyan_types::limits::TXS_PER_BLOCK_MAX;
/// Transactions asked for at once. Source: root 10.
pub const TXS_MAX: usize = 1_000;
/// Bytes of transactions in one answer: what does not fit is asked for again.
pub const TXS_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Hashes in one announcement of new transactions.
pub const NEW_TXS_MAX: usize = 1_000;
/// Sums or lists in one message of reconciliation: 64 KiB hold fewer.
pub const RANGES_MAX: usize = 2_048;
/// Hashes in one listed range. Source: root 10.
pub const LISTED_MAX: usize = 32;
/// Bytes of reconciliation sent to one peer between two rounds. Source: root 10.
pub const POOL_BYTES_MAX: usize = 64 * 1024;
/// Between two rounds of reconciliation, each with one peer, in milliseconds. Source: root 10.
pub const POOL_EVERY_MS: u64 = 5_000;
/// Seals of eras' last key blocks for one question: 256 signers make 17 kB of each.
pub const SEALS_MAX: usize = 64;
/// Addresses of peers in one message.
pub const ADDRESSES_MAX: usize = 32;
/// Bytes of one address.
pub const ADDRESS_BYTES_MAX: usize = 256;
/// Bytes of a network's id or of a mode's name.
pub const NAME_BYTES_MAX: usize = 64;

/// Connected peers. Source: root 10: 10 out, 100 in.
pub const PEERS_MAX: usize = 110;
/// No answer in this time costs points, and somebody else is asked. Source: root 10.
pub const ANSWER_MS: u64 = 10_000;
/// How long a peer stays away after its score fell to the least. Source: root 10.
pub const BAN_MS: u64 = 24 * 3_600_000;
/// Scores decay by half in this time. Source: root 10.
pub const HALVE_MS: u64 = 3_600_000;
/// Messages that nobody asked for, each second and in one burst.
pub const MESSAGES_PER_S: u64 = 2_000;
/// See [`MESSAGES_PER_S`].
pub const MESSAGES_BURST: u64 = 8_000;
/// Bytes of messages that nobody asked for, each second and in one burst: a light block of 20,000 hashes every second.
pub const BYTES_PER_S: u64 = 1024 * 1024;
/// See [`BYTES_PER_S`].
pub const BYTES_BURST: u64 = 16 * 1024 * 1024;
/// Questions put to one peer each second and in one burst: half of what a peer may send, the rest is for the news.
pub const QUESTIONS_PER_S: u64 = 1_000;
/// See [`QUESTIONS_PER_S`].
pub const QUESTIONS_BURST: u64 = 4_000;
/// Questions open at one peer.
pub const QUESTIONS_OPEN_MAX: usize = 128;
/// Questions of one peer that the shell looks up.
pub const LOOKS_OPEN_MAX: usize = 128;
/// Answered or late questions of one peer that are remembered, so that a second or late answer is not an unasked one.
pub const RECENT_MAX: usize = 256;
/// Things that a peer is remembered to have.
pub const KNOWN_MAX: usize = 8_192;
/// Blocks remembered as handed to the root machine.
pub const DELIVERED_MAX: usize = 4_096;
/// Transactions remembered as handed to the pool.
pub const SEEN_TXS_MAX: usize = 65_536;
/// Blocks remembered as refused.
pub const REFUSED_MAX: usize = 1_024;
/// Light blocks that wait for transactions.
pub const LIGHTS_MAX: usize = 64;
/// Of these, from one peer.
pub const LIGHTS_PER_PEER_MAX: usize = 8;
/// Peers asked for what a light block lacks. Source: root 10: the sender, then two others.
pub const LIGHT_ASKED_MAX: usize = 3;

/// Generations in flight. Source: root 10.
pub const IN_FLIGHT_MAX: usize = 64;
/// Of these, at least this many at one peer, however many peers there are.
pub const SHARE_MIN: usize = 8;
/// Key blocks of one plan, 64 bytes each: what is beyond is planned when these are done.
pub const PLAN_MAX: usize = 50_000;
/// A chain that claims less than this part of a plan beside it is looked at when the plan is done: the network's chain grows
/// while its headers come, and would be looked at for ever.
pub const PLAN_MARGIN_PART: u128 = 16;
/// Times that every peer may fail to give a generation before its plan is given up.
pub const ROUNDS_MAX: u32 = 3;
/// Heights that blocks may be fetched by hash across, with no headers first.
pub const NEAR: u64 = 2;
/// Steps back by hash from one peer before headers are asked for instead.
pub const STEPS_BACK_MAX: u32 = 64;
/// After this time a plan that was handed over and did not become the chain may be tried again, in milliseconds.
pub const RETRY_MS: u64 = 60_000;
