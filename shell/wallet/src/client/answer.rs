//! What the wallet reads of a node's answers: no more than it needs, so that a node may say more.

use core::fmt;

use banyan_ledger::{Key, Params};
use banyan_types::{
    AccountId, Amount, AssociateId, Gas, GasPrice, Hash, Height, Nonce, TxHash,
    rlp::Tail,
    text::{self, Prefix},
};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::{Map, Value};

use super::error::ErrorObject;
use crate::light::{self, Kind};

/// How sure something is, from least to most. Source: node 8.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// In the durable pool of one node.
    Received,
    /// In a block of the chosen chain.
    Ordered,
    /// Promised by the engine.
    Soft,
    /// Final by the engine's own rule.
    Hard,
    /// A summary that covers it is final on the parent.
    Anchored,
    /// A validity proof of it is final on the parent.
    Proven,
    /// Covered by a final block of the root, through every ancestor.
    RootFinal,
}

impl Level {
    /// Every level, least sure first.
    pub const ALL: [Self; 7] =
        [Self::Received, Self::Ordered, Self::Soft, Self::Hard, Self::Anchored, Self::Proven, Self::RootFinal];

    /// The level's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Ordered => "ordered",
            Self::Soft => "soft",
            Self::Hard => "hard",
            Self::Anchored => "anchored",
            Self::Proven => "proven",
            Self::RootFinal => "root_final",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl std::str::FromStr for Level {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = || Self::ALL.map(Self::as_str).join(", ");
        Self::ALL.into_iter().find(|level| level.as_str() == text).ok_or_else(|| format!("levels are {}", names()))
    }
}

/// A block that an answer speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct At {
    /// Its height.
    pub height: u64,
    /// Its hash, `kh_` or `mh_`.
    pub hash: String,
}

impl At {
    /// The hash.
    pub fn block(&self) -> Option<Hash> {
        let read = |prefix| Hash::from_text(prefix, &self.hash).ok();
        read(Prefix::KeyBlock).or_else(|| read(Prefix::MicroBlock))
    }
}

/// How far one level reaches.
#[derive(Debug, Clone, Deserialize)]
pub struct Rung {
    /// The level.
    pub level: Level,
    /// The last height that has it.
    pub height: u64,
    /// How many heights that is behind the top.
    pub lag: u64,
}

/// A ledger, as its node sees it.
#[derive(Debug, Clone, Deserialize)]
pub struct Status {
    /// Its name.
    pub ledger: String,
    /// Names from the top of the tree down to it.
    pub path: Vec<String>,
    /// What its transactions are signed for.
    pub network_id: String,
    /// Its id at its parent; `None` on the root.
    #[serde(default, deserialize_with = "parsed_or_none")]
    pub associate: Option<AssociateId>,
    /// Who orders it.
    pub engine: String,
    /// What its parent demands before money leaves the escrow.
    #[serde(default)]
    pub regime: Option<String>,
    /// What the threshold of a rotation promises.
    #[serde(default)]
    pub safety: Option<String>,
    /// Which profile its numbers come from.
    pub profile: String,
    /// Hash of its genesis.
    pub genesis: String,
    /// The top of the chosen chain.
    pub top: At,
    /// When the top was made, in milliseconds since 1970.
    #[serde(default)]
    pub top_time_ms: u64,
    /// Each level that the ledger has, least sure first.
    pub levels: Vec<Rung>,
    /// Why it does not do what it should, if so.
    #[serde(default)]
    pub degraded: Option<String>,
    /// Waiting transactions.
    pub pending: u64,
    /// Limits and prices.
    pub limits: Limits,
    /// Version of the node.
    pub version: String,
}

/// Limits and prices of a ledger.
#[derive(Debug, Clone, Deserialize)]
pub struct Limits {
    /// Base units for one gas, at least.
    #[serde(deserialize_with = "parsed")]
    pub gas_price_min: u128,
    /// Gas of one transaction.
    pub gas_per_tx_max: u64,
    /// Gas of one block of transactions.
    pub gas_per_block_max: u64,
    /// Milliseconds expected between heights.
    pub height_interval_ms: u64,
}

impl Status {
    /// As much of the ledger's parameters as the fee of a payment, a commit or a withdrawal depends on. Rent, which the
    /// node does not tell, is no part of those.
    pub fn params(&self) -> Params {
        Params {
            network_id: self.network_id.clone(),
            ledger: self.associate.unwrap_or(AssociateId::ZERO),
            height_interval_ms: self.limits.height_interval_ms,
            gas_price_min: GasPrice(self.limits.gas_price_min),
            gas_per_tx_max: Gas(self.limits.gas_per_tx_max),
            gas_per_block_max: Gas(self.limits.gas_per_block_max),
            auth_gas_max: Gas(0),
            rent_gas_per_byte_year: 0,
            lifetime_default: 0,
            lifetime_max: 0,
            grace: 0,
            root: None,
            committee: Tail(None),
        }
    }

    /// Height of the top.
    pub const fn height(&self) -> Height {
        Height(self.top.height)
    }

    /// Names from the top of the tree, with `/` between them.
    pub fn path(&self) -> String {
        self.path.join("/")
    }
}

/// One ledger of the tree.
#[derive(Debug, Clone, Deserialize)]
pub struct TreeNode {
    /// Its name.
    pub name: String,
    /// Names from the top of the tree down to it.
    pub path: Vec<String>,
    /// What its transactions are signed for.
    pub network_id: String,
    /// Its id at its parent; `None` on the root.
    #[serde(default, deserialize_with = "parsed_or_none")]
    pub associate: Option<AssociateId>,
    /// Who orders it.
    pub engine: String,
    /// What its parent demands before money leaves the escrow.
    #[serde(default)]
    pub regime: Option<String>,
    /// The top of the chosen chain.
    pub top: At,
    /// Each level that the ledger has, least sure first.
    pub levels: Vec<Rung>,
    /// Why it does not do what it should, if so.
    #[serde(default)]
    pub degraded: Option<String>,
    /// What its parent holds for it.
    #[serde(default)]
    pub escrow: Option<EscrowAnswer>,
    /// The ledgers below that the same process serves.
    #[serde(default)]
    pub children: Vec<Self>,
}

impl TreeNode {
    /// This ledger and all below, parents first.
    pub fn all(&self) -> Vec<&Self> {
        let below = self.children.iter().flat_map(Self::all);
        std::iter::once(self).chain(below).collect()
    }
}

/// What is in a child's escrow.
#[derive(Debug, Clone, Deserialize)]
pub struct EscrowAnswer {
    /// All that ever went down.
    #[serde(deserialize_with = "units")]
    pub committed: Amount,
    /// All that ever came back.
    #[serde(deserialize_with = "units")]
    pub remitted: Amount,
    /// The difference.
    #[serde(deserialize_with = "units")]
    pub escrow: Amount,
    /// Of that, money that no accepted summary has settled.
    #[serde(deserialize_with = "units")]
    pub waiting: Amount,
}

/// An account.
#[derive(Debug, Clone, Deserialize)]
pub struct Account {
    /// Which.
    #[serde(deserialize_with = "parsed")]
    pub id: AccountId,
    /// What it holds.
    #[serde(deserialize_with = "units")]
    pub balance: Amount,
    /// Transactions that it has sent.
    pub nonce: u64,
    /// The first nonce that neither the chain nor the pool has used.
    pub next_nonce: u64,
}

impl Account {
    /// The number of its next transaction.
    pub const fn next(&self) -> Nonce {
        Nonce(self.next_nonce)
    }
}

/// What became of a transaction.
#[derive(Debug, Clone, Deserialize)]
pub struct TxStatus {
    /// Which.
    #[serde(deserialize_with = "parsed")]
    pub hash: TxHash,
    /// `pending`, `included`, `included_failed`, or why it was dropped.
    pub status: String,
    /// The highest level reached; `None` once it was dropped.
    #[serde(default)]
    pub level: Option<Level>,
    /// Every level reached, least sure first.
    #[serde(default)]
    pub levels: Vec<LevelReached>,
    /// The engine's own word and number.
    #[serde(default)]
    pub detail: Value,
    /// Where it stands.
    #[serde(default)]
    pub block: Option<At>,
    /// About how long until the next level, in milliseconds.
    #[serde(default)]
    pub expected_next_ms: Option<u64>,
    /// The transaction, decoded.
    #[serde(default)]
    pub tx: Option<Map<String, Value>>,
    /// What it did, once it is on a block.
    #[serde(default)]
    pub receipt: Option<Value>,
}

/// A level that a transaction has reached.
#[derive(Debug, Clone, Deserialize)]
pub struct LevelReached {
    /// The level.
    pub level: Level,
    /// The time of the block that brought it there, in milliseconds since 1970.
    #[serde(default)]
    pub at_ms: Option<u64>,
}

/// What became of a submit.
#[derive(Deserialize)]
pub struct SubmitAnswer {
    pub items: Vec<SubmitItem>,
}

/// What became of one transaction of a submit.
#[derive(Deserialize)]
pub struct SubmitItem {
    #[serde(default, deserialize_with = "parsed_or_none")]
    pub hash: Option<TxHash>,
    #[serde(default)]
    pub error: Option<ErrorObject>,
    #[serde(default)]
    pub status: Option<TxStatus>,
}

/// A block, as far as lists and searches read it.
#[derive(Debug, Clone, Deserialize)]
pub struct Block {
    /// Its height.
    pub height: u64,
    /// Its number within the height.
    pub index: u32,
    /// Its hash, `kh_` or `mh_`.
    pub hash: String,
    /// `key`, `micro` or `child`.
    pub kind: String,
    /// When it was made, in milliseconds since 1970.
    pub time_ms: u64,
    /// How sure it is.
    #[serde(default)]
    pub level: Option<Level>,
    /// How many transactions it holds.
    pub tx_count: u64,
    /// The header's own fields.
    #[serde(default)]
    pub header: Map<String, Value>,
    /// Its transactions, where one block is asked for.
    #[serde(default)]
    pub txs: Vec<Map<String, Value>>,
}

/// A part of a list.
#[derive(Debug, Clone, Deserialize)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
}

/// Values of a state, and all that proves them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StateProof {
    /// The block whose state is meant.
    at: Value,
    header: HeaderBytes,
    items: Vec<ProofItem>,
    proof: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HeaderBytes {
    kind: String,
    bytes: String,
}

impl HeaderBytes {
    fn kind(&self) -> Option<Kind> {
        match self.kind.as_str() {
            "key" => Some(Kind::Key),
            "micro" => Some(Kind::Micro),
            "child" => Some(Kind::Child),
            _ => None,
        }
    }

    /// The header. `None` if it is none.
    pub fn read(&self) -> Option<light::Header> {
        let bytes = text::decode_as(Prefix::Bytes, &self.bytes).ok()?;
        light::Header::decode(self.kind()?, &bytes).ok()
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct ProofItem {
    key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<String>,
}

impl StateProof {
    /// The block that the node says it is of.
    pub fn at(&self) -> Option<At> {
        At::deserialize(&self.at).ok()
    }

    /// As the light client takes it. `None` if a text is not what it should be.
    pub fn claim(&self) -> Option<light::StateProof> {
        let leaf = |item: &ProofItem| {
            let mut key: Key = [0; 32];
            hex::decode_to_slice(&item.key, &mut key).ok()?;
            let value = item.value.as_ref().map(|value| text::decode_as(Prefix::Bytes, value));
            Some((key, value.transpose().ok()?))
        };
        Some(light::StateProof {
            kind: self.header.kind()?,
            header: text::decode_as(Prefix::Bytes, &self.header.bytes).ok()?,
            proof: text::decode_as(Prefix::Proof, &self.proof).ok()?,
            leaves: self.items.iter().map(leaf).collect::<Option<_>>()?,
        })
    }
}

fn parsed<'de, D: Deserializer<'de>, T: std::str::FromStr<Err: fmt::Display>>(input: D) -> Result<T, D::Error> {
    String::deserialize(input)?.parse().map_err(D::Error::custom)
}

fn parsed_or_none<'de, D, T>(input: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr<Err: fmt::Display>,
{
    Option::<String>::deserialize(input)?.map(|text| text.parse().map_err(D::Error::custom)).transpose()
}

/// A sum as digits of base units.
fn units<'de, D: Deserializer<'de>>(input: D) -> Result<Amount, D::Error> {
    let base = parsed::<D, u128>(input)?;
    Amount::new(base).ok_or_else(|| D::Error::custom("an amount above the whole supply"))
}
