//! When a witness may vote: not before it is known what its key may have signed before.
//!
//! A node remembers its votes in its store. A store that begins anew may be the first one that this key ever had, or it may
//! come after a loss, and nothing in it tells which. So a witness at the genesis votes once a peer has said that nothing is
//! final yet; else it waits until it sees a fresh seal, and then two eras more: what the key signed before the loss was for
//! none of those. Rules: root 8.

use banyan_types::{Era, Height};

/// From which era a witness may vote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// From this one on.
    Open(Era),
    /// The store begins at the genesis, and no peer was met yet.
    Untried,
    /// Past votes are lost, and it is not known yet in which era the network is.
    Waiting,
}

/// On disk, eras that no chain reaches stand for what is no era.
const WAITING: Era = Era(u32::MAX);
const UNTRIED: Era = Era(u32::MAX - 1);

impl Gate {
    /// As the row holds it.
    pub const fn to_era(self) -> Era {
        match self {
            Self::Open(era) => era,
            Self::Untried => UNTRIED,
            Self::Waiting => WAITING,
        }
    }

    /// From the row.
    pub const fn of_era(era: Era) -> Self {
        match era {
            WAITING => Self::Waiting,
            UNTRIED => Self::Untried,
            era => Self::Open(era),
        }
    }

    /// A peer says up to where its chain is final. Whether this changes anything.
    pub fn met(&mut self, last_final: Height) -> bool {
        let was = *self;
        if *self == Self::Untried {
            *self = if last_final == Height(0) { Self::Open(Era(0)) } else { Self::Waiting };
        }
        *self != was
    }

    /// A key block of this era was sealed; `is_fresh` says that it was made just now. Whether this changes anything.
    pub fn sealed(&mut self, era: Era, is_fresh: bool) -> bool {
        let was = *self;
        if *self == Self::Waiting && is_fresh {
            *self = Self::Open(Era(era.0.saturating_add(2)));
        }
        *self != was
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_witness_without_memory_waits_unless_nothing_is_final_anywhere() {
        let (mut first, mut wiped) = (Gate::Untried, Gate::Untried);
        assert!(first.met(Height(0)));
        assert_eq!(first, Gate::Open(Era(0)));
        assert!(!first.met(Height(7)), "who has begun at the genesis goes on");
        assert!(wiped.met(Height(7)));
        assert_eq!(wiped, Gate::Waiting);
        assert!(!wiped.met(Height(0)), "no peer talks it out of waiting");
    }

    #[test]
    fn only_a_fresh_seal_says_in_which_era_the_network_is() {
        let mut gate = Gate::Waiting;
        assert!(!gate.sealed(Era(3), false), "a seal of a chain that is still being fetched is old");
        assert_eq!(gate, Gate::Waiting);
        assert!(gate.sealed(Era(9), true));
        assert_eq!(gate, Gate::Open(Era(11)));
        assert!(!gate.sealed(Era(12), true));
    }

    #[test]
    fn waiting_survives_a_restart() {
        for gate in [Gate::Open(Era(0)), Gate::Open(Era(11)), Gate::Untried, Gate::Waiting] {
            assert_eq!(Gate::of_era(gate.to_era()), gate);
        }
    }
}
