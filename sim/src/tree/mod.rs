//! Whole trees of ledgers, and named actors in them: the scenarios of the connection protocol.
//!
//! Up to forty ledgers of every engine and regime, each a state that the one transition changes, with true seals, certificates
//! and summaries between them; no nodes, so that thousands of trees take minutes. Read [`scenario`] first, then `world`.
//! Rules: protocol, associates 4, 13.

pub mod figures;
pub mod scenario;

mod actors;
mod acts;
mod blocks;
mod books;
mod chain;
mod grow;
mod journeys;
mod laws;
mod order;
mod people;
mod plan;
mod settled;
mod speak;
#[cfg(test)]
mod tests;
mod users;
mod world;
