//! Find cycles in little memory: throw away edges with a loose end until almost nothing is left, then walk the rest.
//!
//! An edge is on a cycle only if both of its nodes have another edge. So count the edges of each node on one side,
//! drop those that are alone there, go to the other side, and again. A bit for each edge and two for each node of one
//! side are all that this needs: 192 MiB at 29 bits. Ends are hashed anew each time; when few edges remain they are
//! kept in a list with their ends. What nothing more can be dropped from (the 2-core) is so
//! little that every way through it can be tried: its size grows with the cube root of the graph's.

use alloc::{vec, vec::Vec};
use core::sync::atomic::{AtomicU64, Ordering};

use banyan_types::header::POW_EDGES;

use super::{
    Cycle, Seed, Solver,
    graph::{Edge, EdgeBits, Side},
};

/// Edges that are held as a list at most: 12 MiB. All of a graph up to 20 bits, so that it is hashed only once.
const LISTED_EDGES_MAX: usize = 1 << 20;

/// Words of the edge bitmap between two questions whether to stop: a million edges, some tens of milliseconds.
const STOP_WORDS: usize = 1 << 14;

/// The solver in this process: 2^bits/8 + 2^bits/4 bytes and at most 12 MiB more. Finds all cycles. Graphs of more edges than
/// it lists are shared out to its crew.
#[derive(Clone, Copy, Debug)]
pub struct Lean<C = Alone> {
    pub(super) listed_edges_max: usize,
    pub(super) crew: C,
}

impl Default for Lean {
    fn default() -> Self {
        Self::with(Alone)
    }
}

impl<C: Crew> Lean<C> {
    /// A solver with these hands.
    pub const fn with(crew: C) -> Self {
        Self { listed_edges_max: LISTED_EDGES_MAX, crew }
    }

    /// Whether a graph of this size is shared out; smaller ones are done sooner than hands are called.
    pub const fn shares(&self, edge_bits: EdgeBits) -> bool {
        edge_bits.edges() > self.listed_edges_max
    }
}

impl<C: Crew> Solver for Lean<C> {
    fn solve(&self, seed: &Seed, edge_bits: EdgeBits, stop: &(dyn Fn() -> bool + Sync)) -> Vec<Cycle> {
        if edge_bits.edges() < POW_EDGES {
            return Vec::new(); // whatever comes after this line fills whole words of the bitmap
        }
        let pieces = if self.shares(edge_bits) { self.crew.hands().max(1) } else { 1 };
        let graph = Graph { seed, edge_bits, stop, crew: &self.crew, pieces };
        graph.trimmed(self.listed_edges_max).map_or_else(Vec::new, |core| cycles(&core))
    }
}

/// Hands that share the work on one graph. What they are is the shell's matter: here is no thread.
pub trait Crew: Sync {
    /// Pieces of work that are done at a time.
    fn hands(&self) -> usize;

    /// Do `work` on each item, in whatever order; the results stand in the order of the items.
    fn share<I: Send, T: Send>(&self, items: Vec<I>, work: impl Fn(I) -> T + Sync) -> Vec<T>;
}

/// The caller's own two hands.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alone;

impl Crew for Alone {
    fn hands(&self) -> usize {
        1
    }

    fn share<I: Send, T: Send>(&self, items: Vec<I>, work: impl Fn(I) -> T + Sync) -> Vec<T> {
        items.into_iter().map(work).collect()
    }
}

/// A search in one graph. `None` from its methods: told to stop.
struct Graph<'a, C> {
    seed: &'a Seed,
    edge_bits: EdgeBits,
    stop: &'a (dyn Fn() -> bool + Sync),
    crew: &'a C,
    /// Into how many pieces the work is cut.
    pieces: usize,
}

impl<C: Crew> Graph<'_, C> {
    /// The edges that are left when each has a neighbour at both ends.
    fn trimmed(&self, listed_edges_max: usize) -> Option<Vec<Edge>> {
        let mut degrees = Degrees::new(self.edge_bits);
        let mut edges = self.listed(&mut degrees, listed_edges_max)?;
        loop {
            let before = edges.len();
            trim_list(&mut edges, &mut degrees, Side::U);
            trim_list(&mut edges, &mut degrees, Side::V);
            if (self.stop)() {
                return None;
            }
            if edges.len() == before {
                return Some(edges);
            }
        }
    }

    /// The edges that are left when few enough are, or when nothing more goes.
    fn listed(&self, degrees: &mut Degrees, edges_max: usize) -> Option<Vec<Edge>> {
        let mut alive = Alive::all(self.edge_bits);
        let mut left = usize::MAX;
        while alive.count() > edges_max && alive.count() < left {
            left = alive.count();
            self.trim(&mut alive, degrees, Side::U)?;
            self.trim(&mut alive, degrees, Side::V)?;
        }
        let list = |mut piece: Piece<'_>| {
            let mut edges = Vec::new();
            piece.each(self.stop, |index| edges.push(self.seed.edge(self.edge_bits, index)))?;
            Some(edges)
        };
        let lists: Option<Vec<_>> = self.crew.share(alive.pieces(self.pieces), list).into_iter().collect();
        Some(lists?.concat())
    }

    /// Drop the edges that are alone at their node on `side`.
    fn trim(&self, alive: &mut Alive, degrees: &mut Degrees, side: Side) -> Option<()> {
        let node = |index| self.seed.node(self.edge_bits, side, index);
        degrees.clear();
        if self.pieces == 1 {
            // Nobody else counts: then it takes no locked instruction.
            alive.pieces(1).iter_mut().try_for_each(|all| all.each(self.stop, |index| degrees.add(node(index))))?;
        } else {
            let count = |mut piece: Piece<'_>| piece.each(self.stop, |index| degrees.add_beside_others(node(index)));
            self.crew.share(alive.pieces(self.pieces), count).into_iter().collect::<Option<()>>()?;
        }
        let drop_lonely = |mut piece: Piece<'_>| piece.retain(self.stop, |index| degrees.shared(node(index)));
        self.crew.share(alive.pieces(self.pieces), drop_lonely).into_iter().collect()
    }
}

/// As [`Graph::trim`], for a list. Clears just what it then counts: a sweep over all nodes would cost more.
fn trim_list(edges: &mut Vec<Edge>, degrees: &mut Degrees, side: Side) {
    for edge in edges.iter() {
        degrees.forget(edge.node(side));
    }
    for edge in edges.iter() {
        degrees.add(edge.node(side));
    }
    let mut kept = 0;
    for at in 0..edges.len() {
        let edge = edges[at];
        edges[kept] = edge;
        kept += usize::from(degrees.shared(edge.node(side))); // a branch, as in `retain`, would be a coin toss
    }
    edges.truncate(kept);
}

/// A bit for each edge: not yet dropped.
struct Alive(Vec<u64>);

impl Alive {
    fn all(edge_bits: EdgeBits) -> Self {
        Self(vec![u64::MAX; edge_bits.edges() / 64])
    }

    fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The edges in so many parts, or fewer where there are not enough.
    fn pieces(&mut self, count: usize) -> Vec<Piece<'_>> {
        let words = self.0.len().div_ceil(count).max(1);
        self.0.chunks_mut(words).enumerate().map(|(at, piece)| Piece { first: at * words * 64, words: piece }).collect()
    }
}

/// A part of the edges.
struct Piece<'a> {
    /// Number of its first edge.
    first: usize,
    words: &'a mut [u64],
}

impl Piece<'_> {
    /// Visit each living edge in ascending order.
    fn each(&mut self, stop: &(dyn Fn() -> bool + Sync), mut visit: impl FnMut(u32)) -> Option<()> {
        self.retain(stop, |index| {
            visit(index);
            true
        })
    }

    /// Keep the living edges that `keep` answers true for.
    fn retain(&mut self, stop: &(dyn Fn() -> bool + Sync), mut keep: impl FnMut(u32) -> bool) -> Option<()> {
        // There are 2^31 edges at most.
        let mut base = u32::try_from(self.first).ok()?;
        for words in self.words.chunks_mut(STOP_WORDS) {
            if stop() {
                return None;
            }
            for word in words {
                let mut rest = *word;
                while rest != 0 {
                    let bit = rest.trailing_zeros();
                    rest &= rest - 1;
                    *word ^= u64::from(!keep(base | bit)) << bit;
                }
                base = base.wrapping_add(64);
            }
        }
        Some(())
    }
}

/// Two bits for each node of one side: 00 no edge, 01 one, 11 more.
struct Degrees(Vec<AtomicU64>);

impl Degrees {
    fn new(edge_bits: EdgeBits) -> Self {
        Self((0..edge_bits.edges() / 32).map(|_| AtomicU64::new(0)).collect())
    }

    fn clear(&mut self) {
        self.0.iter_mut().for_each(|word| *word.get_mut() = 0);
    }

    fn forget(&mut self, node: u32) {
        let (word, shift) = Self::place(node);
        *self.0[word].get_mut() &= !(0b11 << shift);
    }

    fn add(&mut self, node: u32) {
        let (word, shift) = Self::place(node);
        let word = self.0[word].get_mut();
        *word |= (1 + (*word >> shift & 1)) << shift; // without a branch: none would guess right
    }

    /// As [`Self::add`], while others add too: whoever finds the first bit set sets the second.
    fn add_beside_others(&self, node: u32) {
        let (word, shift) = Self::place(node);
        let word = &self.0[word];
        if word.load(Ordering::Relaxed) >> shift & 0b10 == 0
            && word.fetch_or(1 << shift, Ordering::Relaxed) >> shift & 1 != 0
        {
            word.fetch_or(0b10 << shift, Ordering::Relaxed);
        }
    }

    fn shared(&self, node: u32) -> bool {
        let (word, shift) = Self::place(node);
        self.0[word].load(Ordering::Relaxed) >> shift & 0b10 != 0
    }

    /// The lowest bit of a node is its side, which all nodes here have in common.
    fn place(node: u32) -> (usize, u32) {
        let number = node >> 1;
        ((number / 32) as usize, number % 32 * 2)
    }
}

/// All cycles of 42 among `edges`.
pub(super) fn cycles(edges: &[Edge]) -> Vec<Cycle> {
    let mut by_node: Vec<(u32, Edge)> = edges.iter().flat_map(|&edge| [(edge.u, edge), (edge.v, edge)]).collect();
    by_node.sort_unstable_by_key(|(node, edge)| (*node, edge.index));
    let mut search = Search { by_node, path: Vec::with_capacity(POW_EDGES), found: Vec::new() };
    for edge in edges {
        search.path.push(*edge);
        search.extend(edge.v);
        search.path.pop();
    }
    search.found
}

/// A walk that tries every way. It starts at the least edge of a cycle and from its V end, so it meets each cycle once.
struct Search {
    by_node: Vec<(u32, Edge)>,
    path: Vec<Edge>,
    found: Vec<Cycle>,
}

impl Search {
    /// Go on from `node`, the free end of the path. The depth is at most 42.
    fn extend(&mut self, node: u32) {
        let start = self.path[0];
        let from = self.by_node.partition_point(|(other, _)| *other < node);
        for at in from..self.by_node.len() {
            let (other, edge) = self.by_node[at];
            if other != node {
                return;
            }
            let next = edge.across(node);
            let closes = next == start.u;
            let last = self.path.len() + 1 == POW_EDGES;
            let visited = !closes && self.path.iter().any(|edge| edge.touches(next));
            if edge.index <= start.index || closes != last || visited {
                continue;
            }
            self.path.push(edge);
            if closes {
                self.record();
            } else {
                self.extend(next);
            }
            self.path.pop();
        }
    }

    fn record(&mut self) {
        let mut cycle = [0; POW_EDGES];
        cycle.iter_mut().zip(&self.path).for_each(|(index, edge)| *index = edge.index);
        cycle.sort_unstable();
        self.found.push(cycle);
    }
}
