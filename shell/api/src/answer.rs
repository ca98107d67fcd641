//! What `/banyan/v1` answers, as types: a client reads with what the node writes. Sums are decimal strings of base units.

use banyan_node::Header;
use banyan_types::{Amount, Hash};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{Level, StateProof, show};

/// Which block an answer speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct At {
    /// Its height.
    pub height: u64,
    /// Its hash, `kh_` or `mh_`.
    pub hash: String,
}

impl At {
    pub(crate) fn of(header: &Header, hash: Hash) -> Self {
        Self { height: header.height().0, hash: show::block_name(header, hash) }
    }
}

/// A part of a list, consistent at one block.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Give this as `after` for the following part; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The block that the list was read at.
    pub at: At,
}

/// How far one level reaches.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Rung {
    /// The level.
    pub level: Level,
    /// The last height that has it.
    pub height: u64,
    /// How many heights that is behind the top.
    pub lag: u64,
}

/// A ledger and this node's view of it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// Its name in this process.
    pub ledger: String,
    /// Names from the top of the tree down to it.
    pub path: Vec<String>,
    /// What its transactions are signed for.
    pub network_id: String,
    /// Its id at its parent, `ac_`; absent on the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub associate: Option<String>,
    /// Who orders it.
    pub engine: String,
    /// What its parent demands before money leaves the escrow; absent on the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regime: Option<String>,
    /// What the threshold of a rotation promises: `order-only`, `crash` or `byzantine`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safety: Option<String>,
    /// Which profile its numbers come from.
    pub profile: String,
    /// Hash of its genesis.
    pub genesis: String,
    /// The top of the chosen chain.
    pub top: At,
    /// When the top was made, in milliseconds since 1970.
    pub top_time_ms: u64,
    /// Each level that the ledger has, least sure first.
    pub levels: Vec<Rung>,
    /// Why it does not do what it should, if so: `no quorum` of validators, or `nothing new is final`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub degraded: Option<String>,
    /// On a child: the parent height that its top names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_height: Option<u64>,
    /// Which states can be read.
    pub storage: Storage,
    /// Waiting transactions.
    pub pending: u64,
    /// Limits and prices.
    pub limits: Limits,
    /// Version of the node.
    pub version: String,
    /// Milliseconds since the node began to serve.
    pub uptime_ms: u64,
}

/// The file that the ledger began with. Whoever does not trust this node checks its hash.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct GenesisAnswer {
    /// Blake2b-256 of its one encoding, as 64 digits: the ledger's identity.
    pub hash: String,
    /// The file.
    pub toml: String,
}

/// Which states can be read.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Storage {
    /// `collect`: all blocks, and the states of a window.
    pub mode: String,
    /// Least height whose state is kept.
    pub states_from: u64,
    /// Greatest.
    pub states_to: u64,
}

/// Limits and prices of a ledger.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Limits {
    /// Base units for one gas, at least.
    pub gas_price_min: String,
    /// Gas of one transaction.
    pub gas_per_tx_max: u64,
    /// Gas of one block of transactions.
    pub gas_per_block_max: u64,
    /// Milliseconds expected between heights.
    pub height_interval_ms: u64,
    /// Transactions of one submit.
    pub txs_per_submit_max: u64,
    /// Bytes of one request's body.
    pub body_bytes_max: u64,
}

/// One ledger of the tree.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TreeNode {
    /// Its name in this process.
    pub name: String,
    /// Names from the top of the tree down to it.
    pub path: Vec<String>,
    /// Where it is mounted.
    pub url: String,
    /// What its transactions are signed for.
    pub network_id: String,
    /// Its id at its parent, `ac_`; absent on the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub associate: Option<String>,
    /// Who orders it.
    pub engine: String,
    /// What its parent demands before money leaves the escrow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regime: Option<String>,
    /// The top of the chosen chain.
    pub top: At,
    /// When the top was made, in milliseconds since 1970.
    pub top_time_ms: u64,
    /// Each level that the ledger has.
    pub levels: Vec<Rung>,
    /// Why it does not do what it should, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub degraded: Option<String>,
    /// What its parent holds for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escrow: Option<EscrowAnswer>,
    /// The ledgers below that this process serves.
    #[schema(no_recursion)]
    pub children: Vec<TreeNode>,
}

/// What is in a child's escrow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EscrowAnswer {
    /// What of: `BNY`.
    pub asset: String,
    /// All that ever went down.
    pub committed: String,
    /// All that ever came back.
    pub remitted: String,
    /// The difference, which the law keeps from falling below zero.
    pub escrow: String,
    /// Of that, money that no accepted summary has settled.
    pub waiting: String,
    /// `holds`, as long as not more came back than went down.
    pub law: String,
}

impl EscrowAnswer {
    pub(crate) fn of(escrow: &banyan_ledger::Escrow) -> Self {
        let held = escrow.committed.minus(escrow.remitted);
        let holds = held.is_some_and(|held| escrow.waiting <= held);
        Self {
            asset: "BNY".into(),
            committed: units(escrow.committed),
            remitted: units(escrow.remitted),
            escrow: units(escrow.held()),
            waiting: units(escrow.waiting),
            law: if holds { "holds" } else { "broken" }.into(),
        }
    }
}

/// Base units in digits.
pub(crate) fn units(amount: Amount) -> String {
    amount.base().to_string()
}

/// A connection point.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Associate {
    /// Its id, `ac_`.
    pub id: String,
    /// Its name, where this process serves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the parent holds for it.
    pub escrow: EscrowAnswer,
    /// The object's fields.
    #[schema(value_type = Object)]
    pub point: Map<String, Value>,
    /// The block that this was read at.
    pub at: At,
    /// Proof of the object and its escrow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<StateProof>,
}

/// An open entry of a child's inbox.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct InboxItem {
    /// Its number.
    pub n: u64,
    /// The entry's fields.
    #[schema(value_type = Object)]
    pub entry: Map<String, Value>,
}

/// Whether a child can pay what it owes, every number with a proof.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Solvency {
    /// Which child.
    pub associate: String,
    /// What the parent holds for it.
    pub escrow: EscrowAnswer,
    /// What the child has in circulation, where this process serves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub child: Option<ChildCoins>,
    /// Proof of the escrow in the parent's state.
    pub proof: StateProof,
}

/// The inherited coin inside a child.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ChildCoins {
    /// All that exists there.
    pub minted: String,
    /// Of that, in accounts.
    pub accounts: String,
    /// In escrows of its own children.
    pub escrows: String,
    /// Everywhere else: fees, rewards, deposits, channels, bonds.
    pub elsewhere: String,
    /// Proof of these sums in the child's state.
    pub proof: StateProof,
}

/// A block.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Block {
    /// Its height.
    pub height: u64,
    /// Its number within the height; 0 for the block that starts it.
    pub index: u32,
    /// Its hash, `kh_` or `mh_`.
    pub hash: String,
    /// `key`, `micro` or `child`.
    pub kind: String,
    /// The block before.
    pub prev_hash: String,
    /// When it was made, in milliseconds since 1970.
    pub time_ms: u64,
    /// Root of the state after it, `bs_`.
    pub state_root: String,
    /// How sure it is; absent for a block that is not on the chosen chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// How many transactions it holds.
    pub tx_count: u64,
    /// The header's own fields.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object)]
    pub header: Map<String, Value>,
    /// Its transactions, where one block is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub txs: Option<Vec<Tx>>,
}

/// A transaction, decoded.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Tx {
    /// Its hash, `th_`.
    pub hash: String,
    /// Its kind's public name.
    #[serde(rename = "type")]
    pub kind: String,
    /// Version of the kind's layout.
    pub version: u64,
    /// Who signs and pays.
    pub signer: String,
    /// What inclusion costs.
    pub fee: String,
    /// Its number in the signer's account.
    pub nonce: u64,
    /// All fields by name.
    #[schema(value_type = Object)]
    pub fields: Map<String, Value>,
    /// Signatures, `sg_`.
    pub signatures: Vec<String>,
    /// The signed bytes, `tx_`.
    pub encoded: String,
}

/// What became of a transaction.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TxStatus {
    /// Its hash, `th_`.
    pub hash: String,
    /// `pending`, `included`, `included_failed`, or why it was dropped.
    pub status: String,
    /// The highest level reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// Every level reached, least sure first.
    pub levels: Vec<LevelReached>,
    /// The engine's own word and number.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    #[schema(value_type = Object)]
    pub detail: Value,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<At>,
    /// Its place in the block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u32>,
    /// What it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub receipt: Option<Map<String, Value>>,
    /// About how long until the next level, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_next_ms: Option<u64>,
    /// Blocks of the parent that the ledger's top does not name yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_lag: Option<u64>,
    /// The transaction, where this node still has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tx: Option<Tx>,
}

/// A level and when it was reached.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LevelReached {
    /// The level.
    pub level: Level,
    /// The time of the block that brought it there, in milliseconds since 1970; absent where no block says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_ms: Option<u64>,
    /// Height of the transaction's block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u64>,
}

/// Transactions to submit.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Submit {
    /// Signed transactions, `tx_`, at most 256.
    pub txs: Vec<String>,
}

/// What became of a submit.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SubmitAnswer {
    /// One for each transaction, in order.
    pub items: Vec<SubmitItem>,
    /// Where to follow on from: give it to `/events` as `from`.
    pub cursor: String,
    /// The block that the cursor names.
    pub at: At,
}

/// What became of one transaction of a submit.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SubmitItem {
    /// Its hash, if it was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// Why it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<crate::ErrorObject>,
    /// What became of it, when `wait` was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<TxStatus>,
}

/// An account.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AccountAnswer {
    /// Its id, `ak_`.
    pub id: String,
    /// Whether it has a leaf in the state.
    pub exists: bool,
    /// What it holds.
    pub balance: String,
    /// Transactions that it has sent.
    pub nonce: u64,
    /// The first nonce that neither the chain nor the pool has used.
    pub next_nonce: u64,
    /// Its transactions that wait or are not final.
    pub pending: Vec<String>,
    /// The block that this was read at.
    pub at: At,
    /// How sure that block is.
    pub level: Level,
}

/// A transaction in an account's history.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct HistoryItem {
    /// The transaction.
    pub tx: Tx,
    /// Its block.
    pub block: At,
    /// When that was made, in milliseconds since 1970.
    pub time_ms: u64,
    /// How sure it is.
    pub level: Level,
}

/// A waiting transaction.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PoolItem {
    /// Its hash, `th_`.
    pub hash: String,
    /// Its kind's public name.
    #[serde(rename = "type")]
    pub kind: String,
    /// Who signs and pays.
    pub signer: String,
    /// Its number in the signer's account.
    pub nonce: u64,
    /// What inclusion costs.
    pub fee: String,
    /// Base units per gas, what it bids.
    pub price: String,
    /// Last height at which it is kept.
    pub until: u64,
    /// Whether it is in a block that is not final.
    pub included: bool,
}

/// Keys to prove.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProofRequest {
    /// At most 256: 64 hexadecimal digits each, or `account:ak_…`, `associate:ac_…`, `escrow:ac_…`, `inbox:ac_…:n`,
    /// `parent`, `supply`, `clock`.
    pub keys: Vec<String>,
    /// `top`, `final`, a height, a block `kh_` or `mh_`, or a root `bs_`.
    #[serde(default = "top")]
    pub at: String,
}

fn top() -> String {
    "top".into()
}

/// Whether the node works.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// All checks together.
    pub ok: bool,
    /// Each check.
    pub checks: Vec<Check>,
}

/// One check of a node's health.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Check {
    /// What was looked at.
    pub name: String,
    /// Whether it is so.
    pub ok: bool,
    /// What was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}
