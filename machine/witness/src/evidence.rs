//! Convict a witness by two of its own votes.
//!
//! *Double*: two votes of one slot with different bytes. *Unlock*: a precommit in one round, and in a later round of the
//! era a prevote whose source is older than that precommit, or as old and another block. Honest witnesses never do either,
//! whatever the network does; [`crate::Watermarks::allows`] sees to it. Rules: protocol, root 9.

use banyan_types::{
    AccountId,
    witness::{Statement, Vote, VoteKind},
};

/// Two votes that no honest witness casts both. Checked from signatures and the set alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Whose stake answers.
    pub staker: AccountId,
    /// The vote that was seen first; of an unlock, the precommit.
    pub first: Vote,
    /// The other.
    pub second: Vote,
}

/// Whether two statements of one witness convict it.
pub(crate) fn convicts(a: &Statement, b: &Statement) -> bool {
    is_double(a, b) || unlocks(a, b) || unlocks(b, a)
}

fn is_double(a: &Statement, b: &Statement) -> bool {
    a.slot() == b.slot() && a != b
}

/// Whether a prevote lets go of what an earlier precommit promised.
pub(crate) fn unlocks(precommit: &Statement, prevote: &Statement) -> bool {
    (precommit.kind, prevote.kind) == (VoteKind::Precommit, VoteKind::Prevote)
        && precommit.era == prevote.era
        && precommit.round < prevote.round
        && (prevote.source.round < precommit.round
            || prevote.source.round == precommit.round && prevote.source.hash != precommit.hash)
}
