//! Prove work by a cycle of 42 edges in a random graph (Cuckoo Cycle).
//!
//! A header and a nonce make a [`Seed`]; the seed makes a bipartite graph of 2^`edge_bits` edges over as many nodes a
//! side. About one graph in 42 holds a cycle of 42 edges: finding it takes memory and time ([`Solver`]), checking it
//! takes 84 short hashes ([`verify()`]). No allocation and no clock in the verifier. Read [`verify()`] first, then
//! [`Lean`]. Rules: protocol, root 5; the derivation equals the public aeternity one. Prior art: Cuckoo Cycle (Tromp,
//! 2014).

mod graph;
mod lean;
mod verify;

#[cfg(test)]
mod tests;

use alloc::vec::Vec;

use banyan_types::header::POW_EDGES;

pub use graph::{EdgeBits, Seed};
pub use lean::{Alone, Crew, Lean};
pub use verify::{BadCycle, cycle_hash, verify};

/// The edge numbers of a proof, strictly ascending when valid, as they stand in a key header (there big-endian).
pub type Cycle = [u32; POW_EDGES];

/// Whatever finds proofs: this process, a test's script, a farm.
pub trait Solver {
    /// All cycles of 42 edges in the graph of `seed`, each ascending, in no promised order; targets are the caller's
    /// matter. `stop` is asked every few tens of milliseconds: once it answers true, the search ends with nothing.
    fn solve(&self, seed: &Seed, edge_bits: EdgeBits, stop: &(dyn Fn() -> bool + Sync)) -> Vec<Cycle>;
}

/// A test double: answers the same cycles for every graph.
#[derive(Clone, Debug, Default)]
pub struct Canned(pub Vec<Cycle>);

impl Solver for Canned {
    fn solve(&self, _: &Seed, _: EdgeBits, _: &(dyn Fn() -> bool + Sync)) -> Vec<Cycle> {
        self.0.clone()
    }
}
