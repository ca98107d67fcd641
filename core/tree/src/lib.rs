//! Commit to a key-value state; prove and disprove membership.
//!
//! A binary Merkle trie over 32-byte keys by the published definition of `nomt-core` with its SHA-256 hasher, so the
//! root is a function of the leaves alone, whatever their history. It lives in memory, is persistent (an old version
//! stays valid and shares what did not change) and holds hashes of values, not values: whoever owns the values keeps
//! them elsewhere and hangs a note on each leaf to find them. Lists, such as a block's transactions, have a tree of
//! their own. Read [`Trie`] first, [`MultiProof`] for what travels. Rules: protocol, ledger 4 and 6.
#![no_std]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::float_arithmetic
    )
)]

extern crate alloc;

mod bytes;
mod list;
mod multi;
mod node;
mod proof;
mod seed;
mod trie;

pub use bytes::BadEncoding;
pub use list::{LIST_PROOF_BYTES_MAX, ListProof, list_root, prove_item};
pub use multi::{MULTI_PROOF_BYTES_MAX, MultiProof};
pub use node::{DEPTH_MAX, EMPTY, Key, Node, ValueHash, value_hash};
pub use proof::{BadProof, PROOF_BYTES_MAX, Proof};
pub use seed::{
    BadSeedProof, SEED_DATA_BYTES_MAX, SEED_NODES_MAX, SeedHash, SeedNode, SeedProof, SeedTrie, Shown, seed_bits,
    seed_key, seed_key_of, verify_merkle_proof,
};
pub use trie::{Change, Leaf, Trie};
