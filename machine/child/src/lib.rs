//! Keep a child ledger's side of its connection: which parent block to name, which blocks to summarise.
//!
//! What every producer of a child's blocks has, whatever engine it is: the parent's final blocks ([`Parents`]), the
//! mempool's state ([`Pool`]), the summaries under way ([`Summaries`]). Rules: protocol, associates 5.
#![no_std]

extern crate alloc;

mod draft;
mod parents;
mod pool;
mod summaries;
mod to;

pub use draft::Draft;
pub use parents::{Contradiction, Parents};
pub use pool::Pool;
pub use summaries::{Mark, PIECES_MAX, Range, Summaries, SummaryParams};
pub use to::To;
