//! Order a child ledger by a quorum of validators.
//!
//! A drawn leader proposes a block, validators prevote and precommit it, and precommits of over two thirds of the weight
//! make it final. The [`Machine`] is a value: [`Input`] in, [`Effect`]s out. The agreement itself is a core that others keep
//! (ADR 18), named in `agreement`, `context` and `form` alone; around it stand what it leaves open: one signature for each slot across
//! restarts, judging blocks, waiting, catching up, summaries. Read [`Machine::step`] first, then `blocks`.
//! Rules: protocol, associates 5, 8, 9. Prior art: Tendermint (Buchman, Kwon, Milosevic, 2018).
#![no_std]

extern crate alloc;

mod agreement;
mod ahead;
mod blocks;
mod candidates;
mod context;
mod effect;
mod form;
mod gate;
mod handover;
mod hear;
mod input;
mod machine;
mod message;
mod params;
mod presence;
mod record;
mod resume;
mod said;
mod sync;

#[cfg(test)]
mod tests;

pub use banyan_child::{Draft, Mark, Range, SummaryParams, To};
pub use banyan_ledger::{ParentTip, engine::committee::Epoch};
pub use banyan_types::{Peer, Points};
pub use effect::{Alarm, Decided, Effect, Seq};
pub use handover::Handover;
pub use input::{Input, Verdict};
pub use machine::{Machine, Stopped};
pub use message::{MESSAGE_BYTES_MAX, Message, Proposed, Sealed};
pub use params::CommitteeParams;
pub use record::{Block, Record, Wait};
pub use resume::{Broken, Saved};
