//! State proofs that a client checks itself: the values, one multi-proof, and the header that names the root.

use banyan_ledger::{Key, key};
use banyan_node::Header;
use banyan_store::{Place, View};
use banyan_types::{
    Asset, Hash,
    text::{self, Prefix},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Failure, ask, ledger::Mount, show};

/// Keys of one proof. Source: node 8.2.
pub(crate) const KEYS_MAX: usize = 256;

/// Values of a state, or their absence, with all that proves it.
///
/// To check: the block's hash is Blake2b-256 of `header.bytes`; the header holds `state_root`; the multi-proof in
/// `proof` opens under that root to exactly `items`, in this order.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct StateProof {
    /// The block whose state is meant.
    pub at: crate::At,
    /// Its header.
    pub header: HeaderBytes,
    /// Root of the state after it, `bs_`.
    pub state_root: String,
    /// Keys ascending, each once.
    pub items: Vec<ProofItem>,
    /// The multi-proof, `pf_`.
    pub proof: String,
}

/// A block's header as it is hashed.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct HeaderBytes {
    /// `key`, `micro` or `child`.
    pub kind: String,
    /// The bytes, `ba_`.
    pub bytes: String,
}

/// One key of a state and what stands there.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProofItem {
    /// The key, 64 hexadecimal digits.
    pub key: String,
    /// The value's bytes, `ba_`; absent where the state holds nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// A key as a client names it: 64 hexadecimal digits, or a kind and its object.
pub(crate) fn parse_key(text: &str) -> Result<Key, Failure> {
    if let Some(key) = show::unhex(text) {
        return Ok(key);
    }
    let wrong = || {
        Failure::invalid(
            "key",
            "a key is 64 hexadecimal digits, account:ak_…, associate:ac_…, escrow:ac_…, inbox:ac_…:n, parent, supply or clock",
        )
    };
    let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
    Ok(match (kind, rest) {
        ("account", id) => key::account(ask::account(id)?),
        ("associate", id) => key::point(ask::associate(id)?),
        ("escrow", id) => key::escrow(ask::associate(id)?, Asset::Coin),
        ("inbox", entry) => {
            let (id, n) = entry.split_once(':').ok_or_else(wrong)?;
            key::inbox(ask::associate(id)?, n.parse().map_err(|_| wrong())?)
        }
        ("parent", "") => key::parent(),
        ("supply", "") => key::supply(),
        ("clock", "") => key::clock(),
        _ => return Err(wrong()),
    })
}

/// The kept state that `at` names: `top`, `final`, a height, a block, a state root.
pub(crate) fn find_state(mount: &Mount, at: &str) -> Result<View, Failure> {
    let chain = mount.chain();
    match at {
        "top" => return Ok(chain.head()?.view),
        "final" => return Ok(chain.last_final()?.view),
        _ => {}
    }
    if let Ok(height) = at.parse::<u64>() {
        return state_of_block(mount, block_at(mount, height)?);
    }
    if at.starts_with("bs_") {
        let root = ask::block_hash(at, &[Prefix::StateRoot])?;
        return state_with_root(mount, root);
    }
    state_of_block(mount, ask::block_hash(at, &[Prefix::KeyBlock, Prefix::MicroBlock])?)
}

fn state_with_root(mount: &Mount, root: Hash) -> Result<View, Failure> {
    let store = mount.chain().store();
    let kept = store.kept().into_iter().rev().map(|(version, _)| store.at(version));
    let found = kept.filter_map(Result::ok).find(|view| view.root() == root.0);
    found.ok_or_else(|| Failure::gone("collected", "no kept state has that root"))
}

/// The block that starts `height` on the chosen chain.
pub(crate) fn block_at(mount: &Mount, height: u64) -> Result<Hash, Failure> {
    if let Some(hash) = mount.chain().main_at(Place::at(height))? {
        return Ok(hash);
    }
    let top = mount.head()?.header.height();
    Err(Failure::early("height_early", format!("height {height} is above the top, {top}"))
        .with(serde_json::json!({ "top": top.0, "height": height }))
        .status(axum::http::StatusCode::NOT_FOUND)
        .reason("Height not available"))
}

/// The state after a block, if it is kept.
pub(crate) fn state_of_block(mount: &Mount, block: Hash) -> Result<View, Failure> {
    if let Some(view) = mount.chain().state_at(block)? {
        return Ok(view);
    }
    if mount.chain().header(block)?.is_none() {
        return Err(Failure::unknown("unknown_block", "no such block").reason("Block not found"));
    }
    Err(Failure::gone("collected", "the state after that block is no longer kept")
        .reason("State data at the requested height has been garbage-collected")
        .hint("ask for a newer height, or a node that keeps all states"))
}

/// What `view` holds at `keys`, proved.
pub(crate) fn prove(mount: &Mount, view: &View, mut keys: Vec<Key>) -> Result<StateProof, Failure> {
    keys.sort_unstable();
    keys.dedup();
    let block = Hash(view.block());
    let header = mount.chain().header(block)?.ok_or_else(|| Failure::ours("a state without its block"))?;
    let item = |key: &Key| {
        let value = view.read(key)?.map(|value| show::bytes(&value));
        Ok(ProofItem { key: show::hex(*key), value })
    };
    let items = keys.iter().map(item).collect::<Result<_, Failure>>()?;
    Ok(StateProof {
        at: crate::At::of(&header, block),
        state_root: show::state_root(Hash(view.root())),
        items,
        proof: text::encode(Prefix::Proof, &view.prove_many(&keys).encode()),
        header: HeaderBytes::of(&header),
    })
}

impl HeaderBytes {
    pub(crate) fn of(header: &Header) -> Self {
        let (kind, bytes) = match header {
            Header::Key(header) => ("key", header.encode()),
            Header::Micro(header) => ("micro", header.encode()),
            Header::Child(header) => ("child", header.encode()),
        };
        Self { kind: kind.into(), bytes: show::bytes(&bytes) }
    }
}
