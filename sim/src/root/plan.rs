//! What a world is made of, and what befalls it.

use crate::root::node::NodeId;

/// How a node behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// By the rules.
    Honest,
    /// Votes for two things in each slot.
    Equivocator,
    /// Runs on keys that another node has too: both vote.
    Twin,
    /// Keeps its key blocks until the others come near.
    Selfish,
    /// Mines below the last micro block, for its fees.
    Greedy,
    /// Sends its micro blocks late or not at all.
    Withholding,
    /// Signs two micro blocks with one index.
    Forking,
}

/// Something that happens at a time.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Nodes of different groups do not reach each other.
    Part(Vec<usize>),
    /// They do again.
    Heal,
    /// All work is now so many percent of what it was.
    Power(u64),
    /// A node's power goes after so many steps, and comes back after so many milliseconds.
    Crash(NodeId, u64, Option<u64>),
    /// Operators restart all that is left from an anchor without the last so many members.
    Anchor(usize),
}

/// A world.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How many nodes, twins not counted.
    pub nodes: usize,
    /// Nodes `0..witnesses` vote.
    pub witnesses: usize,
    /// Heights of an era.
    pub era: u64,
    /// Whether sets change each era.
    pub rotates: bool,
    /// Whether signatures are real.
    pub signs: bool,
    /// How each node behaves; honest where the list ends.
    pub acts: Vec<Act>,
    /// Share of all work, in thousandths; none for nodes that do not mine.
    pub power: Vec<u64>,
    /// What each clock is ahead, in milliseconds; 0 where the list ends.
    pub skews: Vec<i64>,
    /// Which nodes have a twin.
    pub twins: Vec<NodeId>,
    /// Who leaves out seals.
    pub censors: usize,
    /// Least and greatest delay of a message.
    pub delay_ms: (u64, u64),
    /// Votes that get lost, in thousandths.
    pub loss: u64,
    /// Between two payments, on average.
    pub pay_ms: u64,
    /// What happens, by milliseconds after the genesis.
    pub faults: Vec<(u64, Fault)>,
    /// When all is well again, in milliseconds after the genesis.
    pub heal_ms: u64,
    /// Key intervals until finality must have resumed then.
    pub bound: u64,
}

impl Plan {
    /// Nothing goes wrong among so many nodes that all mine alike.
    pub fn calm(nodes: usize, witnesses: usize, intervals: u64) -> Self {
        Self {
            nodes,
            witnesses,
            era: 10,
            rotates: false,
            signs: false,
            acts: Vec::new(),
            power: vec![1_000 / nodes as u64; nodes],
            skews: Vec::new(),
            twins: Vec::new(),
            censors: 0,
            delay_ms: (50, 500),
            loss: 0,
            pay_ms: 12_000,
            faults: Vec::new(),
            heal_ms: intervals * INTERVAL_MS,
            bound: 25,
        }
    }

    /// How a node behaves.
    pub fn act(&self, node: NodeId) -> Act {
        if node.0 >= self.nodes || self.twins.contains(&node) {
            return Act::Twin;
        }
        self.acts.get(node.0).copied().unwrap_or(Act::Honest)
    }

    /// Whether safety may depend on a node.
    pub fn is_honest(&self, node: NodeId) -> bool {
        matches!(self.act(node), Act::Honest)
    }

    /// Whether less than a third of the weight breaks the rules of voting.
    pub fn is_safe(&self) -> bool {
        let bad = (0..self.witnesses).filter(|at| matches!(self.act(NodeId(*at)), Act::Equivocator | Act::Twin));
        bad.count() * 3 < self.witnesses
    }
}

/// The target between key blocks, as on `main`.
pub const INTERVAL_MS: u64 = 120_000;
