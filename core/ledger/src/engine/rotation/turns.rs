//! Whose turn it is, and how many commitments confirm a block.

use alloc::vec::Vec;

use banyan_types::{
    Hash, Height, PublicKey,
    committee::{Certificate, ValidatorSet},
};

use super::{super::committee::Epoch, Strength};

/// What a threshold promises. Source: associates 10.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Safety {
    /// Honest validators that hear each other agree; a partition can fork.
    OrderOnly,
    /// No fork while validators only stop.
    Crash,
    /// No fork while less than a third lies.
    Byzantine,
}

impl Safety {
    /// Its word, as status shows it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OrderOnly => "order-only",
            Self::Crash => "crash",
            Self::Byzantine => "byzantine",
        }
    }
}

/// How often a validator speaks of a block. Source: associates 10.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Steps {
    /// It commits, once for each height.
    One,
    /// It accepts, and commits when the threshold accepts.
    Two,
}

/// Why validators cannot take turns, in the order of the checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadTurns {
    /// Everybody counts once.
    #[error("validator {key:?} has weight {got}, 1 expected")]
    Weight {
        /// The key.
        key: PublicKey,
        /// Its weight.
        got: u64,
    },
    /// None, or more than there are validators.
    #[error("a threshold of {got} commitments by {members} validators")]
    Threshold {
        /// Commitments asked for.
        got: u32,
        /// Validators.
        members: u32,
    },
}

/// The validators of an epoch in the order of their turns, and the threshold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turns {
    set: ValidatorSet,
    order: Vec<PublicKey>,
    threshold: u32,
}

impl Turns {
    /// The turns of an epoch: its set, shuffled by its seed. `threshold` commitments confirm a block.
    /// # Errors
    /// The first [`BadTurns`] that applies.
    pub fn new(epoch: &Epoch, threshold: u32) -> Result<Self, BadTurns> {
        let set = epoch.set.clone();
        if let Some(member) = set.members().iter().find(|member| member.weight != 1) {
            return Err(BadTurns::Weight { key: member.key, got: member.weight });
        }
        let members = u32::try_from(set.members().len()).unwrap_or(u32::MAX);
        if threshold == 0 || threshold > members {
            return Err(BadTurns::Threshold { got: threshold, members });
        }
        let mut order: Vec<_> = set.members().iter().map(|member| member.key).collect();
        // By the hash of each key with the seed: as good as drawn, and the same whatever stood where before.
        order.sort_by_cached_key(|key| banyan_crypto::blake2b(&[b"turn", &epoch.seed.0, &key.0]));
        Ok(Self { set, order, threshold })
    }

    /// The validators, each of weight 1.
    pub const fn set(&self) -> &ValidatorSet {
        &self.set
    }

    /// How many they are.
    pub fn members(&self) -> u32 {
        u32::try_from(self.order.len()).unwrap_or(u32::MAX)
    }

    /// Commitments that confirm a block.
    pub const fn threshold(&self) -> u32 {
        self.threshold
    }

    /// Who leads `view` at `height`: all in turn, and the next one where a leader is missing.
    pub fn leader(&self, height: Height, view: u32) -> Option<PublicKey> {
        let turn = u128::from(height.0).saturating_add(u128::from(view));
        let at = turn.checked_rem(u128::from(self.members()))?;
        self.order.get(usize::try_from(at).ok()?).copied()
    }

    /// What the threshold promises.
    pub fn safety(&self) -> Safety {
        let (members, threshold) = (u64::from(self.members()), u64::from(self.threshold));
        match threshold.saturating_mul(6) {
            sixths if sixths <= members.saturating_mul(3) => Safety::OrderOnly,
            sixths if sixths <= members.saturating_mul(4) => Safety::Crash,
            _ => Safety::Byzantine,
        }
    }

    /// How often a validator speaks of a block.
    pub fn steps(&self) -> Steps {
        if self.safety() == Safety::OrderOnly { Steps::One } else { Steps::Two }
    }

    /// Whether a block is accepted first, and committed to only when the threshold accepts it.
    pub fn has_two_steps(&self) -> bool {
        self.steps() == Steps::Two
    }

    /// Commitments that a block must have for another to be built on it. Where one step confirms, one will do: commitments
    /// that are spread over several blocks of a height never reach a threshold there, and a block further on does.
    pub fn least(&self) -> u64 {
        if self.has_two_steps() { u64::from(self.threshold) } else { 1 }
    }

    /// What so many commitments are worth.
    pub fn worth(&self, commitments: usize) -> Strength {
        let commitments = u64::try_from(commitments).unwrap_or(u64::MAX);
        if self.set.is_quorum(commitments) && commitments >= u64::from(self.threshold) {
            Strength::Quorum
        } else if commitments >= u64::from(self.threshold) {
            Strength::Confirmed
        } else {
            Strength::Followed
        }
    }

    /// What a certificate that was checked is worth.
    pub fn strength(&self, certificate: &Certificate) -> Strength {
        self.worth(certificate.signatures.len())
    }

    /// What a header carries of the seal before it: the hash, or zero where there is none.
    pub fn seal_hash(seal: Option<&Certificate>) -> Hash {
        seal.map_or(Hash::ZERO, Certificate::hash)
    }
}
