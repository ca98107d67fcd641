//! Order a child ledger by one operator.
//!
//! Each block names a final block of the parent and takes from it the clock, the entropy and the inbox entries to
//! settle. The [`Machine`] is a value: [`Input`] in, [`Effect`]s out. It makes blocks, and asks for the summaries that
//! carry withdrawals up. Read [`Machine::step`] first, then [`rules`], which everybody who follows such a ledger
//! checks. Rules: protocol, associates 5, 8, 11.
#![no_std]

extern crate alloc;

pub mod rules;

mod effect;
mod input;
mod machine;
mod params;
mod resume;

#[cfg(test)]
mod tests;

pub use banyan_child::{Draft, Mark, Range, SummaryParams};
pub use banyan_ledger::ParentTip;
pub use effect::{Alarm, Effect, Produced, Record, Seq};
pub use input::Input;
pub use machine::Machine;
pub use params::SoloParams;
pub use resume::{Broken, Saved};
