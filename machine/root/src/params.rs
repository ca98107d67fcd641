//! What a genesis fixes for the root machine, and who this node mines for.

use alloc::string::String;
use core::num::NonZeroU64;

use banyan_types::{AccountId, PublicKey, TimeMs, header::PROTOCOL_VERSION};

use crate::{
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
    /// Protocol version that every header carries.
    pub version: u32,
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
}

impl RootParams {
    /// The profile `dev`: a key block every 3 s, a micro block every 300 ms, work that costs nothing.
    pub fn dev(network_id: impl Into<String>, genesis_time: TimeMs) -> Self {
        Self {
            network_id: network_id.into(),
            genesis_time,
            version: PROTOCOL_VERSION,
            edge_bits: const { EdgeBits::new(10).unwrap() },
            key_interval_ms: const { NonZeroU64::new(3_000).unwrap() },
            micro_interval_ms: 300,
            drift_ms: 3_000,
            target_initial: Target::HIGHEST,
            retarget: false,
            paced: true,
            micro_per_generation_max: 4_096,
            micro_bytes_max: 2 * 1024 * 1024,
        }
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
