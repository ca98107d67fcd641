//! Choose, extend and reward the proof-of-work chain (Bitcoin-NG).
//!
//! A key block proves work and names a leader; the leader adds micro blocks until the next key block. The [`Machine`]
//! is a value: [`Input`] in, [`Effect`]s out. It holds headers alone, from the last final key block upward; bodies and
//! states live in the store. Read [`Machine::step`] first, then [`validity`]. Rules: protocol, root 2 to 7.
//! Prior art: Bitcoin-NG (Eyal et al., 2016).
#![no_std]

extern crate alloc;

pub mod finality;
pub mod pow;
pub mod target;
pub mod validity;

mod ancestry;
mod block;
mod checks;
mod effect;
mod headers;
mod input;
mod lead;
mod machine;
mod mine;
mod params;
mod promises;
mod refused;
mod resume;
mod tree;
mod waiting;

#[cfg(test)]
mod tests;

pub use banyan_types::{Peer, Points};
pub use block::{Block, BlockRef, BodyFacts, Header, KeyBodyFacts};
pub use checks::Checks;
pub use effect::{Alarm, Effect, Fraud, ParentTip, Record, Seq, Tip, To};
pub use headers::HeaderChain;
pub use input::{Draft, Input, NotApplied, TemplateId};
pub use lead::Watermark;
pub use machine::{Machine, Stopped};
pub use params::{Miner, RootParams, Versions, lock_hold_ms};
pub use resume::{Broken, Saved};
