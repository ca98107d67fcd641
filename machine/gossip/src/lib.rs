//! Exchange blocks, votes and transactions with peers.
//!
//! [`Gossip`] is a value: [`Input`] in, [`Effect`]s out. It decides what to ask whom and what to pass on; the root machine
//! judges blocks, the witness machine votes, the pool transactions. Bodies live in the store: a question to it is an
//! [`Effect::Look`], answered by [`Input::Found`]. Everything that a peer can make grow has a limit in [`limits`].
//! Read [`Gossip::step`] first, then `sync`. Rules: protocol, root 10; node 10.
//! Prior art: headers first (Bitcoin), compact blocks (BIP 152), range-based set reconciliation (Meyer, 2023).
#![no_std]

extern crate alloc;

pub mod limits;
pub mod message;

mod dice;
mod effect;
mod input;
mod light;
mod look;
mod machine;
mod meet;
mod peer;
mod plan;
mod pool;
mod relay;
mod ring;
mod score;
mod serve;
mod spread;
mod sync;
mod want;

#[cfg(test)]
mod tests;

pub use banyan_types::{Peer, Points};
pub use effect::{Effect, Why};
pub use input::{Input, NewBlock, Params, To, Word};
pub use look::{Found, Look, LookId};
pub use machine::Gossip;
pub use message::Message;
