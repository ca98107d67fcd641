//! Run whole trees in a seeded world with virtual time, disk and links.
//!
//! Real nodes over disks that lose what was not synced, links that drop, double and delay, proofs of work found by chance, users
//! with good and bad transactions, an operator who lies. One seed fixes all of it. Read [`world`] first, then [`scenario`].

pub mod faults;
pub mod figures;
pub mod law;
pub mod root;
pub mod scenario;
pub mod setting;
pub mod tree;
pub mod watch;
pub mod world;

mod forge;
mod host;
mod journeys;
mod links;
mod minter;
mod oracle;
mod promise;
mod random;
mod replay;
mod trace;
mod users;
