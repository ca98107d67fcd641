//! Finalise key blocks by stake.
//!
//! Bonded witnesses prevote and precommit key blocks in rounds; over two thirds of an era's weight make one final with all
//! its ancestors. The [`Machine`] is a value: [`Input`] in, [`Effect`]s out. It holds references alone, from the last
//! block of the era before upward: headers, states and keys are the shell's. A node that is no witness runs the same
//! machine to learn what is final, to relay, and to see double votes. Read [`Machine::step`] first, then `round`.
//! Rules: protocol, root 8 to 10. Prior art: Casper FFG (Buterin, Griffith, 2017), GRANDPA (Stewart, Kokoris-Kogia,
//! 2020), ChainLocks (Dash DIP 8), Ebb-and-Flow (Neu, Tas, Tse, 2021).
#![no_std]

extern crate alloc;

mod certify;
mod effect;
mod evidence;
mod gossip;
mod input;
mod lock;
mod machine;
mod mutant;
mod params;
mod pool;
mod resume;
mod round;
mod status;
mod tree;
mod watermarks;

#[cfg(test)]
mod tests;

pub use banyan_types::{Peer, Points};
pub use effect::{Alarm, Effect, Message, Record, Seq, To, Want};
pub use evidence::Proof;
pub use input::{Input, KeyRef, MicroRef};
pub use machine::Machine;
pub use params::{Checks, Params};
pub use pool::Standing;
pub use resume::{Me, Memory, Refused, Saved};
pub use status::Tally;
pub use watermarks::Watermarks;
