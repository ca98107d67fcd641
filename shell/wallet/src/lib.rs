//! Keep keys, build transactions, check proofs and walk coins along the tree.
//!
//! Read [`keystore::Keystore`] first: it is where a user's secrets live; then [`review::Review`], the only way to a
//! signature, and [`light::StateProof`], the only way to believe a node. Rules: protocol, node 3.

extern crate alloc;

pub mod aci;
pub mod blob;
pub mod client;
pub mod journey;
pub mod keystore;
pub mod kit;
pub mod light;
pub mod mnemonic;
pub mod random;
pub mod review;
pub mod time;
pub mod tx;

#[cfg(test)]
mod testing;

pub use keystore::{Keystore, Name, Password, Secret};
pub use mnemonic::{Mnemonic, is_dev_mnemonic};
