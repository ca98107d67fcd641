//! What goes wrong, drawn from a seed.

use crate::random::Random;

/// The faults of a world. Times in milliseconds, shares in thousandths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    /// Longest time that a message usually takes.
    pub delay_ms: u64,
    /// Share of messages that take ten times as long.
    pub slow: u64,
    /// Share of messages that are lost.
    pub dropped: u64,
    /// Share of messages that come twice.
    pub doubled: u64,
    /// Share of blocks that a forger sends on, changed, under its own name.
    pub forged: u64,
    /// How far clocks are apart from the world's, at most.
    pub skew_ms: u64,
    /// Mean time between partitions; 0 for none.
    pub partition_every_ms: u64,
    /// Longest partition.
    pub partition_ms: u64,
    /// Mean time between crashes; 0 for none.
    pub crash_every_ms: u64,
    /// Longest time that a process stays down.
    pub outage_ms: u64,
}

impl Faults {
    /// Nothing but the time that light takes.
    pub fn none() -> Self {
        Self { delay_ms: 40, ..Self::default() }
    }

    /// Some of all faults: each world has others, so that one does not always hide behind another.
    pub fn swarm(seed: u64) -> Self {
        let mut random = Random::named(seed, "faults");
        let mut sometimes = |least, most| if random.chance(600) { random.between(least, most) } else { 0 };
        Self {
            delay_ms: 20 + sometimes(10, 130),
            slow: sometimes(5, 40),
            dropped: sometimes(5, 60),
            doubled: sometimes(5, 150),
            forged: sometimes(20, 300),
            skew_ms: sometimes(50, 1_000),
            partition_every_ms: sometimes(20_000, 60_000),
            partition_ms: 10_000,
            crash_every_ms: sometimes(5_000, 40_000),
            outage_ms: 500 + sometimes(500, 30_000),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_in_some_world_and_absent_from_another() {
        let worlds: Vec<_> = (0..50).map(Faults::swarm).collect();
        let shares: [fn(&Faults) -> u64; 7] = [
            |faults| faults.slow,
            |faults| faults.dropped,
            |faults| faults.doubled,
            |faults| faults.forged,
            |faults| faults.skew_ms,
            |faults| faults.partition_every_ms,
            |faults| faults.crash_every_ms,
        ];
        for share in shares {
            assert!(worlds.iter().any(|faults| share(faults) > 0) && worlds.iter().any(|faults| share(faults) == 0));
        }
    }
}
