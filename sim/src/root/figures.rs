//! Count what the root's worlds show.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::root::plan::INTERVAL_MS;

/// The counts of one world or many.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    /// Worlds.
    pub worlds: u64,
    /// Events carried out.
    pub steps: u64,
    /// Key blocks on the final chains.
    pub key_blocks: u64,
    /// Key block applied until its seal, at each honest node, in milliseconds.
    pub key_final_ms: Vec<u64>,
    /// Micro block applied until final, at each honest node, in milliseconds.
    pub micro_final_ms: Vec<u64>,
    /// Generations whose next key block left out some of them.
    pub forked_generations: u64,
    /// Switches to another branch, by key blocks undone.
    pub reorgs: BTreeMap<u64, u64>,
    /// Most key blocks between a tip and its node's last final one.
    pub lag_max: u64,
    /// Key blocks between a sealed height and the block that carries its seal.
    pub seal_lag: Vec<u64>,
    /// Votes cast by honest nodes.
    pub votes: u64,
    /// Bytes of votes, seals and justifications that were sent.
    pub bytes: u64,
    /// Witnesses and leaders convicted.
    pub convicted: u64,
    /// Conflicting seals, where the dishonest are enough for that.
    pub conflicts: u64,
    /// Key blocks on the chain by miners that cheat.
    pub cheats_blocks: u64,
    /// From the heal until every honest node is final above it, in milliseconds.
    pub heal_ms: Vec<u64>,
    /// Per shock, what the interval should be for the blocks that come long after it, in milliseconds: up and down in turn.
    pub shocks_ms: Vec<Vec<u64>>,
    /// Virtual time, for the mean interval.
    pub time_ms: u64,
}

impl Figures {
    /// Add another world's.
    pub fn add(&mut self, other: Self) {
        self.worlds += other.worlds;
        self.steps += other.steps;
        self.key_blocks += other.key_blocks;
        self.key_final_ms.extend(other.key_final_ms);
        self.micro_final_ms.extend(other.micro_final_ms);
        self.forked_generations += other.forked_generations;
        for (depth, count) in other.reorgs {
            *self.reorgs.entry(depth).or_default() += count;
        }
        self.lag_max = self.lag_max.max(other.lag_max);
        self.seal_lag.extend(other.seal_lag);
        self.votes += other.votes;
        self.bytes += other.bytes;
        self.convicted += other.convicted;
        self.conflicts += other.conflicts;
        self.cheats_blocks += other.cheats_blocks;
        self.heal_ms.extend(other.heal_ms);
        self.shocks_ms.extend(other.shocks_ms);
        self.time_ms += other.time_ms;
    }

    /// What the columns of [`Self::row`] are.
    pub fn head() -> String {
        format!(
            "{:<20} {:>5} {:>6} {:>15} {:>15} {:>15} {:>15} {:>6} {:>7} {:>4} {:>8} {:>6} {:>8} {:>7} {:>6} {:>6} {:>9}  {}",
            "scenario",
            "runs",
            "keys",
            "key-final s",
            "(intervals)",
            "micro-final s",
            "(intervals)",
            "forks",
            "reorg",
            "lag",
            "seal lag",
            "votes",
            "bytes",
            "mean s",
            "cheat%",
            "guilty",
            "resumed s",
            "reorgs by depth"
        )
    }

    /// One line of the table.
    pub fn row(&self, name: &str) -> String {
        let (key, micro, heal) = (spread(&self.key_final_ms), spread(&self.micro_final_ms), spread(&self.heal_ms));
        let each = |count: u64| count / self.key_blocks.max(1);
        let reorgs: Vec<_> = self.reorgs.iter().map(|(depth, count)| format!("{depth}:{count}")).collect();
        let lag = spread(&self.seal_lag);
        format!(
            "{name:<20} {:>5} {:>6} {:>15} {:>15} {:>15} {:>15} {:>6} {:>7} {:>4} {:>8} {:>6} {:>8} {:>7} {:>6} {:>6} {:>9}  {}",
            self.worlds,
            self.key_blocks,
            format!("{}/{}", seconds(key.0), seconds(key.1)),
            format!("{}/{}", intervals(key.0), intervals(key.1)),
            format!("{}/{}", seconds(micro.0), seconds(micro.1)),
            format!("{}/{}", intervals(micro.0), intervals(micro.1)),
            hundredths(self.forked_generations * 10_000 / self.key_blocks.max(1)),
            self.reorgs.keys().max().copied().unwrap_or(0),
            self.lag_max,
            format!("{}/{}", lag.0, lag.1),
            each(self.votes),
            each(self.bytes),
            seconds(each(self.time_ms)),
            self.cheats_blocks * 100 / self.key_blocks.max(1),
            self.convicted,
            format!("{}/{}", seconds(heal.0), seconds(heal.1)),
            reorgs.join(" "),
        )
    }

    /// As one JSON object.
    pub fn json(&self) -> Value {
        let pair = |values: &[u64]| {
            let (p50, p95) = spread(values);
            json!({ "count": values.len(), "p50": p50, "p95": p95 })
        };
        json!({
            "worlds": self.worlds,
            "steps": self.steps,
            "key_blocks": self.key_blocks,
            "key_final_ms": pair(&self.key_final_ms),
            "micro_final_ms": pair(&self.micro_final_ms),
            "forked_generations": self.forked_generations,
            "reorgs": self.reorgs.iter().map(|(depth, count)| (depth.to_string(), *count)).collect::<BTreeMap<_, _>>(),
            "lag_max": self.lag_max,
            "seal_lag": pair(&self.seal_lag),
            "votes": self.votes,
            "bytes": self.bytes,
            "convicted": self.convicted,
            "conflicts": self.conflicts,
            "cheats_blocks": self.cheats_blocks,
            "heal_ms": pair(&self.heal_ms),
            "time_ms": self.time_ms,
        })
    }
}

/// The middle, and where the slowest twentieth begins.
pub fn spread(values: &[u64]) -> (u64, u64) {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let at = |percent: usize| sorted.get(sorted.len() * percent / 100).copied().unwrap_or(0);
    (at(50), at(95))
}

fn seconds(ms: u64) -> String {
    format!("{}.{}", ms / 1_000, ms % 1_000 / 100)
}

fn intervals(ms: u64) -> String {
    hundredths(ms * 100 / INTERVAL_MS)
}

fn hundredths(n: u64) -> String {
    format!("{}.{:02}", n / 100, n % 100)
}
