//! Transactions: what an account asks a ledger to do, and the signatures that make it a will.
//!
//! One table gives each kind its number, fields in order, signer and base gas; encoding, decoding and the decoded view
//! follow from it. Rules: protocol, ledger 2.2.

mod signed;
mod table;

pub use signed::{SignedTx, Wrapped, inner_network};
pub use table::*;
