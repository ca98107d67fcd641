//! Hash, sign and verify under thin names over reviewed crates.
//!
//! Everything takes and gives plain byte arrays; the named types stand in `banyan-types`. One signature rule
//! holds in every ledger: Ed25519 by ZIP-215, for which single and batch verification accept the same set, so that
//! no signature can split nodes. Rules: protocol, ledger 2.1.
//!
//! What only contracts reach stands apart: [`verify_strict`], [`secp256k1`], [`poseidon()`] and [`bls12`] do what the
//! instructions of the FATE machine do, down to their oddities.
#![no_std]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

extern crate alloc;

pub mod bls12;
mod hash;
mod poseidon;
pub mod secp256k1;
mod sign;
mod strict;

pub use hash::{blake2b, keccak256, sha256, sha256_twice};
pub use poseidon::poseidon;
pub use sign::{BadSignature, Claim, SecretKey, verify, verify_all};
pub use strict::verify_strict;
