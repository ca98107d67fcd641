//! What a genesis fixes for the root machine, and who this node mines for.

use alloc::{string::String, vec, vec::Vec};
use core::num::NonZeroU64;

use banyan_types::{AccountId, Height, PublicKey, TimeMs, header::PROTOCOL_VERSION};

use crate::{
    Checks,
    pow::EdgeBits,
    target::{Pace, Target},
};

/// The parameters of the root that its machine reads, all from the genesis file. Source: root 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootParams {
    /// Stands before what a leader signs, so that no signature serves on two networks.
    pub network_id: String,
    /// Time of the genesis.
    pub genesis_time: TimeMs,
    /// Protocol versions that headers carry.
    pub versions: Versions,
    /// Size of the graph that holds a proof of work.
    pub edge_bits: EdgeBits,
    /// Wanted between key blocks, in milliseconds.
    pub key_interval_ms: NonZeroU64,
    /// Least time between two micro blocks of one generation, in milliseconds.
    pub micro_interval_ms: u64,
    /// How far ahead of the local clock a block may be, in milliseconds.
    pub drift_ms: u64,
    /// Target until the retarget window fills, or for ever where `retarget` is off.
    pub target_initial: Target,
    /// Whether the target follows the interval.
    pub retarget: bool,
    /// Whether a key block must leave a whole interval after the one before: a laptop then mines without burning CPU.
    pub paced: bool,
    /// Greatest index of a micro block.
    pub micro_per_generation_max: u32,
    /// Greatest body of a micro block, in bytes; attachments do not count.
    pub micro_bytes_max: u32,
    /// How long a micro block must have been locked, in milliseconds, for a key block to leave it out at a price:
    /// [`lock_hold_ms`] of the witnesses' `delta_ms`.
    pub lock_hold_ms: u64,
    /// How proofs and signatures are checked: [`Checks::PROTOCOL`] outside a simulator.
    pub checks: Checks,
}

/// From which height on headers carry which version. A genesis lists them; none begins before its height. Source: root 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versions(Vec<(Height, u32)>);

impl Versions {
    /// The version that every chain begins with.
    pub const FIRST: u32 = 6;

    /// That version, for ever.
    pub fn first() -> Self {
        Self(vec![(Height(0), Self::FIRST)])
    }

    /// Rows of a first height and its version: the first one from height 0, each later one higher in both. `None` else.
    pub fn new(rows: Vec<(Height, u32)>) -> Option<Self> {
        let begins = rows.first() == Some(&(Height(0), Self::FIRST));
        let ascends = rows.is_sorted_by(|a, b| a.0 < b.0 && a.1 < b.1);
        (begins && ascends).then_some(Self(rows))
    }

    /// The version of a height.
    pub fn at(&self, height: Height) -> u32 {
        self.0.iter().take_while(|(from, _)| *from <= height).last().map_or(Self::FIRST, |(_, version)| *version)
    }

    /// The last one.
    pub fn newest(&self) -> u32 {
        self.0.last().map_or(Self::FIRST, |(_, version)| *version)
    }

    /// The first that this program does not know, with its height.
    pub fn unknown(&self) -> Option<(Height, u32)> {
        self.0.iter().copied().find(|(_, version)| *version > PROTOCOL_VERSION)
    }
}

/// The hold of a lock where messages take `delta_ms`: every honest miner has heard of it by then. Source: root 7.
pub const fn lock_hold_ms(delta_ms: u64) -> u64 {
    delta_ms.saturating_mul(2).saturating_add(1_000)
}

impl RootParams {
    /// The profile `main`: a key block every 120 s, a micro block every 3 s. The first target is set at launch.
    pub fn main(network_id: impl Into<String>, genesis_time: TimeMs, target_initial: Target) -> Self {
        Self {
            edge_bits: const { EdgeBits::new(29).unwrap() },
            key_interval_ms: const { NonZeroU64::new(120_000).unwrap() },
            micro_interval_ms: 3_000,
            drift_ms: 60_000,
            target_initial,
            retarget: true,
            paced: false,
            lock_hold_ms: lock_hold_ms(2_000),
            ..Self::dev(network_id, genesis_time)
        }
    }

    /// The profile `test`: a key block every 30 s, a micro block every second, work for one processor.
    pub fn test(network_id: impl Into<String>, genesis_time: TimeMs) -> Self {
        Self {
            edge_bits: const { EdgeBits::new(15).unwrap() },
            key_interval_ms: const { NonZeroU64::new(30_000).unwrap() },
            micro_interval_ms: 1_000,
            drift_ms: 15_000,
            lock_hold_ms: lock_hold_ms(1_000),
            ..Self::main(network_id, genesis_time, Target::HIGHEST)
        }
    }

    /// The profile `dev`: a key block every 3 s, a micro block every 300 ms, work that costs nothing.
    pub fn dev(network_id: impl Into<String>, genesis_time: TimeMs) -> Self {
        Self {
            network_id: network_id.into(),
            genesis_time,
            versions: Versions::first(),
            edge_bits: const { EdgeBits::new(10).unwrap() },
            key_interval_ms: const { NonZeroU64::new(3_000).unwrap() },
            micro_interval_ms: 300,
            drift_ms: 3_000,
            target_initial: Target::HIGHEST,
            retarget: false,
            paced: true,
            micro_per_generation_max: 4_096,
            micro_bytes_max: 2 * 1024 * 1024,
            lock_hold_ms: lock_hold_ms(200),
            checks: Checks::PROTOCOL,
        }
    }

    /// The latest time that a header may say.
    pub(crate) const fn latest(&self, now: TimeMs) -> TimeMs {
        TimeMs(now.0.saturating_add(self.drift_ms))
    }

    pub(crate) const fn pace(&self) -> Pace {
        Pace { interval_ms: self.key_interval_ms, drift_ms: self.drift_ms }
    }
}

/// Whom this node mines and leads for. The secret key stays with the shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Miner {
    /// Key that signs the micro blocks of its generations.
    pub key: PublicKey,
    /// Account that its rewards go to.
    pub beneficiary: AccountId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_begins_at_its_height_and_never_before() {
        let rows = |rows: &[(u64, u32)]| Versions::new(rows.iter().map(|(from, of)| (Height(*from), *of)).collect());
        let versions = rows(&[(0, 6), (100, 7), (200, 9)]).unwrap();
        for (height, expected) in [(0, 6), (99, 6), (100, 7), (199, 7), (200, 9), (u64::MAX, 9)] {
            assert_eq!(versions.at(Height(height)), expected, "{height}");
        }
        assert_eq!((versions.unknown(), Versions::first().unknown()), (Some((Height(100), 7)), None));
        for wrong in [&[][..], &[(1, 6)], &[(0, 5)], &[(0, 6), (10, 6)], &[(0, 6), (10, 8), (20, 7)], &[(0, 6), (0, 7)]]
        {
            assert_eq!(rows(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn profiles_are_the_table_of_the_protocol() {
        let (main, test, dev) = (
            RootParams::main("main", TimeMs(1), Target::LOWEST),
            RootParams::test("test", TimeMs(1)),
            RootParams::dev("dev", TimeMs(1)),
        );
        let of = |params: &RootParams| {
            let times = [params.key_interval_ms.get(), params.micro_interval_ms, params.drift_ms, params.lock_hold_ms];
            (params.edge_bits.get(), times, params.target_initial, params.retarget, params.paced)
        };
        assert_eq!(of(&main), (29, [120_000, 3_000, 60_000, 5_000], Target::LOWEST, true, false));
        assert_eq!(of(&test), (15, [30_000, 1_000, 15_000, 3_000], Target::HIGHEST, true, false));
        assert_eq!(of(&dev), (10, [3_000, 300, 3_000, 1_400], Target::HIGHEST, false, true));
        for params in [main, test, dev] {
            assert_eq!((params.versions.at(Height(1)), params.micro_per_generation_max), (6, 4_096));
            assert_eq!(params.micro_bytes_max, 2 * 1024 * 1024);
        }
    }
}
