//! The root's own scenarios: many nodes over the real machines, with next to nothing around them.
//!
//! Each node is a chain machine and a witness machine, wired as the real shell wires them; a ledger of hashes stands in for
//! stores, chance for mining, made-up signatures for real ones, so that a world of dozens of key blocks takes a fraction of
//! a second. Read [`world`] first, then [`scenario`]. Rules: protocol, root 11.

pub mod figures;
pub mod scenario;
pub mod world;

mod cheats;
mod ledger;
mod node;
mod plan;
mod rules;
mod watch;
