//! What a contract has decided of an epoch before it begins: who leads its blocks, and how far apart they are.
//! Rules: associates 9.
//!
//! A decree stands in the state one epoch ahead, with the set that it is about. So whoever has the state after a block can say
//! who may make the next one, be it a validator, a follower or a light client with a proof of one leaf.

use alloc::vec::Vec;

use banyan_types::{Height, PublicKey, committee::ValidatorSet};

/// Leaders that a contract names for one epoch, at most: longer epochs go through the list again. A bound of ours: two bytes
/// each in the state.
pub const LEADERS_MAX: u64 = 1_024;
/// Milliseconds between two blocks, at least. Source: associates 9.
pub const INTERVAL_MS_MIN: u64 = 100;
/// Milliseconds between two blocks, at most: ten of the target intervals of associates 9, and its heartbeat. A bound of ours: a
/// contract may slow its ledger down, and not stop it.
pub const INTERVAL_MS_MAX: u64 = 10_000;

banyan_types::record! {
    /// What a contract has decided of an epoch.
    Decree {
        /// The epoch's first block: leaders are counted from it.
        from: Height,
        /// Places in the epoch's set of those who lead its blocks, in turn and from the beginning again; none where leaders are
        /// drawn.
        leaders: Vec<u32>,
        /// Milliseconds between its blocks; absent where the genesis says it.
        interval_ms: Option<u64>,
    }
}

impl Decree {
    /// Whether everything is as it would be without a contract.
    pub const fn is_empty(&self) -> bool {
        self.leaders.is_empty() && self.interval_ms.is_none()
    }

    /// Who is to lead the first view at `height`, where that is decided.
    pub fn leader(&self, set: &ValidatorSet, height: Height) -> Option<PublicKey> {
        let slot = height.since(self.from)?;
        let at = slot.checked_rem(u64::try_from(self.leaders.len()).ok()?)?;
        let place = self.leaders.get(usize::try_from(at).ok()?)?;
        set.member(*place).map(|member| member.key)
    }
}

/// So many leaders are asked for, where epochs have so many blocks.
pub fn slots(epoch_blocks: u64) -> u64 {
    epoch_blocks.min(LEADERS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use banyan_types::committee::Member;

    #[test]
    fn leaders_go_round_from_the_epochs_first_block() {
        let member = |n| Member { key: PublicKey([n; 32]), weight: 1 };
        let set = ValidatorSet::new((1..=4).map(member).collect()).unwrap();
        let decree = Decree { from: Height(9), leaders: vec![2, 0, 2], interval_ms: None };
        let led = |height| decree.leader(&set, Height(height)).map(|key| key.0[0]);
        assert_eq!([9, 10, 11, 12, 13, 14].map(led), [3, 1, 3, 3, 1, 3].map(Some));
        assert_eq!(led(8), None, "another epoch's");
        let drawn = Decree { leaders: vec![], ..decree };
        assert_eq!(drawn.leader(&set, Height(9)), None);
        assert!(drawn.is_empty() && !Decree { interval_ms: Some(100), ..drawn }.is_empty());
    }
}
