//! Order a child ledger by turns.
//!
//! Validators propose in turn; a threshold of commitments confirms a block, and only what is final goes up in summaries. The
//! [`Machine`] is a value: [`Input`] in, [`Effect`]s out. Blocks that are not final make a tree (`tree`): which branch is
//! the ledger's, what may be committed to and what is final is said there. Read [`Machine::step`] first.
//! Rules: protocol, associates 5, 8, 10. Why finality takes two blocks where one step confirms: ADR 19.
#![no_std]

extern crate alloc;

mod agree;
mod effect;
mod follow;
mod hear;
mod input;
mod lead;
mod machine;
mod message;
mod params;
mod record;
mod resume;
mod said;
mod tree;
mod votes;
mod weigh;

#[cfg(test)]
mod tests;

pub use banyan_child::{Draft, Mark, Range, SummaryParams, To};
pub use banyan_ledger::ParentTip;
pub use effect::{Alarm, Decided, Effect, Finality, Seq};
pub use input::{Input, Verdict};
pub use machine::{Machine, Status};
pub use message::{MESSAGE_BYTES_MAX, Message, Proposed, Sealed};
pub use params::RotationParams;
pub use record::{Block, Record};
pub use resume::{Broken, Saved, Tip};
pub use weigh::Weight;
