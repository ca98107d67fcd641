//! Parse, print and encode the values: ids, amounts, heights, RLP, checked text.
//!
//! Everything that a ledger reads or writes becomes one of these types at the edge, and the type is the proof that
//! the check was made. Decoding is strict: what does not encode back to the same bytes is refused.
//! Read [`tx`] first. Rules: protocol, ledger 1, 2, 6, 10.
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

pub mod associate;
pub mod committee;
pub mod engine;
pub mod header;
pub mod limits;
pub mod rlp;
pub mod show;
pub mod text;
pub mod tx;
pub mod witness;

mod amount;
mod bytes;
mod contract;
mod id;
mod number;
mod peer;
mod receipt;
mod token;

pub use amount::{Amount, COIN, ParseAmountError, SUPPLY_MAX};
pub use bytes::{Bytes, ContractBytes, Hash, PublicKey, Signature, TxHash};
pub use contract::{AuthHashInput, CodeObject, CtVersion, FATE, Lifetime, NoTypes, source_hash};
pub use id::{
    AccountId, Asset, AssociateId, ChannelId, ContractId, EntryId, Id, Payee, Serial, Target, TokenId, auth_id,
};
pub use number::{Era, Gas, GasPrice, Height, Nonce, Round, TimeMs};
pub use peer::{Peer, Points};
pub use receipt::{Log, Receipt, Status};
pub use token::{Decimals, Symbol, TokenAmount};
