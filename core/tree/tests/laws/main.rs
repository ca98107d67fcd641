//! What the trie and its proofs promise, against a naive model and against the published definition.

mod list;
mod model;
mod multi;
mod proof;
mod trie;
