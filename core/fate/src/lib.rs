//! Run FATE bytecode. VM 8, ABI 3, the semantics of protocol 6 and nothing older.
//!
//! No clock, thread, float or hash order: the same source runs in the node, the simulator and the prover's guest.
//! Read [`value`] first. Rules: protocol, fate.
#![no_std]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::float_arithmetic
    )
)]

extern crate alloc;

pub mod abi;
pub mod limits;
pub mod value;

pub use value::{Type, Value};
