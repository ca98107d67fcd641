//! Why a header is refused.

use banyan_types::{Hash, Height, PublicKey, TimeMs};

use super::committee::BadCertificate;

/// Why a header or its seal is refused, in the order of the checks. All but [`BadHeader::ParentUnknown`] are the sender's
/// fault, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHeader {
    /// Rule 1.
    #[error("version {got}, {expected} expected")]
    Version {
        /// The ledger's.
        expected: u32,
        /// The header's.
        got: u32,
    },
    /// Rule 2.
    #[error("height {got}, {expected} expected")]
    Height {
        /// One above the block before.
        expected: Height,
        /// The header's.
        got: Height,
    },
    /// Rule 2.
    #[error("previous block {got:?}, {expected:?} expected")]
    Prev {
        /// The block before.
        expected: Hash,
        /// The header's.
        got: Hash,
    },
    /// Rule 3: another parent block, but none further on.
    #[error("parent height {got} does not come after {named}")]
    ParentBack {
        /// Named by the block before.
        named: Height,
        /// The header's.
        got: Height,
    },
    /// Rule 3: too far at once.
    #[error("parent height {got} is above {max}")]
    ParentFar {
        /// The furthest allowed.
        max: Height,
        /// The header's.
        got: Height,
    },
    /// Rule 3, early: not known or not final here.
    #[error("parent block {parent:?} is not known to be final")]
    ParentUnknown {
        /// The header's.
        parent: Hash,
    },
    /// Rule 3: that block has another height.
    #[error("parent height {got}, {expected} expected")]
    ParentHeight {
        /// Of the block named.
        expected: Height,
        /// The header's.
        got: Height,
    },
    /// Rule 4.
    #[error("time {got} is before {least}")]
    Clock {
        /// Above the block before, and not before the parent's.
        least: TimeMs,
        /// The header's.
        got: TimeMs,
    },
    /// Rule 5.
    #[error("entropy {got:?}, {expected:?} expected")]
    Entropy {
        /// Derived from the parent's.
        expected: Hash,
        /// The header's.
        got: Hash,
    },
    /// Rule 5.
    #[error("root height {got}, {expected} expected")]
    RootHeight {
        /// At the parent block named.
        expected: Height,
        /// The header's.
        got: Height,
    },
    /// Rule 6: no entry may be held back, none settled before it is final.
    #[error("inbox to {got}, {expected} expected")]
    Inbox {
        /// The largest allowed.
        expected: u64,
        /// The header's.
        got: u64,
    },
    /// Rule 7: somebody else's turn, or a turn where there are none.
    #[error("leader {got:?} in view {view}, {expected:?} expected")]
    Leader {
        /// Whose turn it is; `None` where the engine has no such view.
        expected: Option<PublicKey>,
        /// The header's.
        got: PublicKey,
        /// The header's view.
        view: u32,
    },
    /// Rule 7.
    #[error("validator set {got:?}, {expected:?} expected")]
    Set {
        /// The engine's; zero where it has none.
        expected: Hash,
        /// The header's.
        got: Hash,
    },
    /// Rule 7.
    #[error("seal of the previous block hashes to {expected:?}, header says {got:?}")]
    PrevSeal {
        /// Of the seal that came with the block.
        expected: Hash,
        /// The header's.
        got: Hash,
    },
    /// Rule 7: a seal that is not this block's.
    #[error("seal is not of this block")]
    Seal,
    /// Rule 7: a certificate that does not hold.
    #[error("certificate: {0}")]
    Certificate(BadCertificate),
}

impl BadHeader {
    /// Whether the block may be accepted later.
    pub const fn is_early(&self) -> bool {
        matches!(self, Self::ParentUnknown { .. })
    }
}
