//! What a genesis fixes for the witness machine, and how it checks signatures.

use core::num::NonZeroU64;

use banyan_ledger::certificate::{self, BadCertificate};
use banyan_types::{
    Era, Hash, Height,
    witness::{Justification, Seal, Vote, WitnessSet},
};

/// Doublings of a round's length, at most. Source: root 8.
const DOUBLINGS_MAX: u32 = 5;

/// The parameters of the root that this machine reads, all from the genesis file. Source: root 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Params {
    /// Hash of the chain's first genesis.
    pub chain: Hash,
    /// Key blocks per era: era `e` is the heights from `e · era_len` on.
    pub era_len: NonZeroU64,
    /// From a key block's application until it is voted for, in milliseconds.
    pub settle_ms: u64,
    /// Length of the first round after a final block, in milliseconds; each failed round doubles it.
    pub delta_ms: u64,
    /// Wanted between key blocks, in milliseconds.
    pub key_interval_ms: NonZeroU64,
    /// Least time between two lock votes, in milliseconds.
    pub micro_interval_ms: u64,
}

impl Params {
    /// The era that a key block belongs to.
    pub fn era_of(&self, height: Height) -> Era {
        // `era_len` is not zero; an era past 32 bits is four thousand million sets away.
        Era(u32::try_from(height.0.checked_div(self.era_len.get()).unwrap_or(0)).unwrap_or(u32::MAX))
    }

    /// Height of an era's last key block.
    pub fn last_of(&self, era: Era) -> Height {
        let end = u64::from(era.0).saturating_add(1).saturating_mul(self.era_len.get());
        Height(end.saturating_sub(1))
    }

    /// Length of a round that comes after `failed` rounds without a final block.
    pub(crate) fn round_ms(&self, failed: u32) -> u64 {
        let length = self.delta_ms.saturating_mul(1 << failed.min(DOUBLINGS_MAX));
        // Never under a millisecond, so that time passes whatever a genesis says.
        length.min(self.key_interval_ms.get() >> 1).max(1)
    }
}

/// How signatures are checked. The real checks cost most of a vote's time; a model that walks through millions of states
/// puts its own here, over signatures that it made up.
#[derive(Clone, Copy, Debug)]
pub struct Checks {
    /// That a vote is by the member it names.
    pub vote: fn(&Vote, &WitnessSet) -> Result<(), BadCertificate>,
    /// That a seal holds.
    pub seal: fn(&Seal, &WitnessSet, Hash) -> Result<(), BadCertificate>,
    /// That a justification holds.
    pub justification: fn(&Justification, &WitnessSet, Hash) -> Result<(), BadCertificate>,
}

impl Checks {
    /// The ledger's own.
    pub const LEDGER: Self = Self {
        vote: certificate::check_vote,
        seal: certificate::check_seal,
        justification: certificate::check_justification,
    };
}
