//! Ask a parent ledger over HTTP, trusting only what it proves.
//!
//! A child whose parent's node is elsewhere has a [`RemoteParent`]: what was proven of the parent, kept in memory, so that the
//! child's node never waits for a socket. A [`Watch`] keeps it new on a thread of its own, by way of any of several nodes, and
//! carries remits up. How far a node is believed is a [`Trust`]. Read [`open`] first. Rules: associates 5, node 4; ADR 21.

mod ask;
mod error;
mod known;
mod trust;
mod watch;

pub use ask::Config;
pub use error::ParentError;
pub use known::RemoteParent;
pub use trust::{Memory, Trust};
pub use watch::{Uplink, Watch, Watching, open};
