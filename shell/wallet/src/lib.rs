//! Keep keys, build transactions, check proofs and walk coins along the tree.
//!
//! Read [`keystore::Keystore`] first: it is where a user's secrets live. Rules: protocol, node 3.

pub mod keystore;
pub mod mnemonic;
pub mod random;

pub use keystore::{Keystore, Name, Password, Secret};
pub use mnemonic::{Mnemonic, is_dev_mnemonic};
