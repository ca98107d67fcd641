//! Check a proof: pure, without allocation, at most 84 short hashes, 42·42 comparisons and one long hash.

use banyan_crypto::blake2b;
use banyan_types::header::POW_EDGES;
use thiserror::Error;

use super::{
    Cycle, Seed,
    graph::{Edge, EdgeBits},
};
use crate::target::Target;

/// Why a proof is refused, in the order of the checks. Always the sender's fault, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadCycle {
    /// An edge number is not in the graph.
    #[error("edge {edge} is above {last}, the last of the graph")]
    TooBig {
        /// The first such edge.
        edge: u32,
        /// The greatest edge number of the graph.
        last: u32,
    },
    /// An edge number is not above the one before it.
    #[error("edge {next} does not ascend from {edge}")]
    NotAscending {
        /// The first edge whose successor does not ascend.
        edge: u32,
        /// That successor.
        next: u32,
    },
    /// The ends of a side do not cancel out: some node has an odd number of edges. A cheap sieve before the walk.
    #[error("ends do not pair up: they leave {u} on one side and {v} on the other")]
    EndpointsDiffer {
        /// Exclusive or of the first side's nodes.
        u: u32,
        /// Exclusive or of the second side's nodes.
        v: u32,
    },
    /// A node on the walk has more than two of the edges.
    #[error("node {node} has more than two edges")]
    Branch {
        /// The node: twice its number, plus its side.
        node: u32,
    },
    /// A node on the walk has one of the edges only.
    #[error("node {node} has one edge only")]
    DeadEnd {
        /// The node: twice its number, plus its side.
        node: u32,
    },
    /// The walk returned before it saw every edge.
    #[error("cycle of {edges} edges, {} expected", POW_EDGES)]
    ShortCycle {
        /// Edges seen.
        edges: usize,
    },
    /// A good cycle whose hash is not below the target.
    #[error("cycle hash {hash:02x?} is not below target {target}")]
    AboveTarget {
        /// Blake2b-256 of the cycle.
        hash: [u8; 32],
        /// The target it had to be below.
        target: Target,
    },
}

/// Check that `cycle` is a cycle of 42 edges in the graph of `seed` with a hash below `target`. The first failure, in
/// the order of [`BadCycle`], decides. Protocol: root 5, point 5.
pub fn verify(seed: &Seed, edge_bits: EdgeBits, cycle: &Cycle, target: &Target) -> Result<(), BadCycle> {
    let last = edge_bits.last();
    if let Some(&edge) = cycle.iter().find(|&&edge| edge > last) {
        return Err(BadCycle::TooBig { edge, last });
    }
    if let Some((&edge, &next)) = cycle.iter().zip(cycle.iter().skip(1)).find(|(edge, next)| edge >= next) {
        return Err(BadCycle::NotAscending { edge, next });
    }
    walk(&cycle.map(|index| seed.edge(edge_bits, index)))?;
    let hash = cycle_hash(cycle);
    if target.is_met_by(&hash) { Ok(()) } else { Err(BadCycle::AboveTarget { hash, target: *target }) }
}

/// Blake2b-256 of the edge numbers as they stand in a header, 168 bytes; read as a big-endian integer against a target.
pub fn cycle_hash(cycle: &Cycle) -> [u8; 32] {
    blake2b(&[cycle.map(u32::to_be_bytes).as_flattened()])
}

/// From the first edge's U end over shared nodes until the first edge comes again.
pub(super) fn walk(edges: &[Edge; POW_EDGES]) -> Result<(), BadCycle> {
    let (u, v) = edges.iter().fold((0, 0), |(u, v), edge| (u ^ edge.u, v ^ edge.v));
    if (u, v) != (0, 0) {
        return Err(BadCycle::EndpointsDiffer { u, v });
    }
    let first = edges[0];
    let (mut edge, mut node) = (first, first.u);
    for seen in 1..POW_EDGES {
        edge = other(edges, edge, node)?;
        node = edge.across(node);
        if edge == first {
            return Err(BadCycle::ShortCycle { edges: seen });
        }
    }
    // All 42 edges are seen, since who leads to whom is one to one. What remains is that the last leads to the first.
    other(edges, edge, node).map(|_| ())
}

/// The one edge that shares `node` with `edge`.
fn other(edges: &[Edge; POW_EDGES], edge: Edge, node: u32) -> Result<Edge, BadCycle> {
    let mut others = edges.iter().filter(|other| other.touches(node) && other.index != edge.index);
    match (others.next(), others.next()) {
        (None, _) => Err(BadCycle::DeadEnd { node }),
        (Some(&other), None) => Ok(other),
        (Some(_), Some(_)) => Err(BadCycle::Branch { node }),
    }
}
