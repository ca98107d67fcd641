//! Run FATE bytecode. VM 8, ABI 3, the semantics of protocol 6 and nothing older.
//!
//! No clock, thread, float or hash order: the same source runs in the node, the simulator and the prover's guest.
//! Read [`engine`] first. Rules: protocol, fate.
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
pub mod code;
pub mod engine;
pub mod gas;
mod host_map;
pub mod limits;
pub mod ops;
mod store;
pub mod value;

pub use code::{BadCode, Loaded};
pub use engine::{Engine, Host, Message, Outcome};
pub use host_map::{MapContract, MapFault, MapHost};
pub use value::{Type, Value};
