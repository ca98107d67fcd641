//! What makes a block of this engine acceptable: rules 1 to 7 for its header, which producer and followers share.
//!
//! Checks run in this order, and the first failure decides. The roots (rule 8) are the ledger's; how far a block may be
//! ahead of a clock is the shell's. Rules: protocol, associates 5.

use alloc::vec::Vec;

use banyan_types::{Hash, Height, PublicKey, Signature, TimeMs, header::ChildHeader, limits::INBOX_PER_BLOCK_MAX};
use thiserror::Error;

use crate::{ParentTip, SoloParams};

/// Parent blocks between two that are named one after the other, at most. Source: associates 5, rule 3.
pub const PARENT_STEP_MAX: u64 = 1_000;

/// What the rules look at besides the block.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The ledger's parameters.
    pub params: &'a SoloParams,
    /// The header before.
    pub prev: &'a ChildHeader,
    /// Hash of the seal of the block before; zero after the genesis.
    pub prev_seal_hash: Hash,
    /// The parent block named, if it is known here and final.
    pub parent: Option<ParentTip>,
}

/// Why a header is refused, in the order of the checks. All but [`Fault::ParentUnknown`] are the sender's fault, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Fault {
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
    /// Rule 7: somebody else's key, or a turn where there are none.
    #[error("leader {got:?} in view {view}, {expected:?} in view 0 expected")]
    Leader {
        /// The operator.
        expected: PublicKey,
        /// The header's.
        got: PublicKey,
        /// The header's view.
        view: u32,
    },
    /// Rule 7: this engine has no validator set.
    #[error("validator set {got:?}, none expected")]
    Set {
        /// The header's.
        got: Hash,
    },
    /// Rule 7.
    #[error("seal of the previous block hashes to {expected:?}, header says {got:?}")]
    PrevSeal {
        /// Of the block before.
        expected: Hash,
        /// The header's.
        got: Hash,
    },
    /// Rule 7.
    #[error("seal is not the operator's signature")]
    Seal,
}

impl Fault {
    /// Whether the block may be accepted later.
    pub const fn is_early(&self) -> bool {
        matches!(self, Self::ParentUnknown { .. })
    }
}

/// Check a header and its seal.
/// # Errors
/// The first [`Fault`] that applies.
pub fn check(view: &View<'_>, header: &ChildHeader, seal: &Signature) -> Result<(), Fault> {
    let expected = view.params.version;
    if header.version != expected {
        return Err(Fault::Version { expected, got: header.version });
    }
    link(view.prev, header)?;
    let parent = parent(view, header)?;
    let (least, got) = (least_time(view.prev, &parent), header.time_ms);
    if got < least {
        return Err(Fault::Clock { least, got });
    }
    derived(view.params, &parent, header)?;
    let (expected, got) = (inbox_to(view.prev.inbox_to, &parent), header.inbox_to);
    if got != expected {
        return Err(Fault::Inbox { expected, got });
    }
    sealed(view, header, seal)
}

/// Rule 2.
fn link(prev: &ChildHeader, header: &ChildHeader) -> Result<(), Fault> {
    let expected = Height(prev.height.0.saturating_add(1));
    if header.height != expected {
        return Err(Fault::Height { expected, got: header.height });
    }
    let expected = prev.hash();
    if header.prev_hash == expected { Ok(()) } else { Err(Fault::Prev { expected, got: header.prev_hash }) }
}

/// Rule 3: the block that the header names, if it may.
fn parent(view: &View<'_>, header: &ChildHeader) -> Result<ParentTip, Fault> {
    let (got, named) = (header.parent_height, view.prev.parent_height);
    let moves = header.parent_hash != view.prev.parent_hash;
    if moves && !is_first(view.prev) && got <= named {
        return Err(Fault::ParentBack { named, got });
    }
    if let Some(max) = furthest(view.prev).filter(|max| got > *max) {
        return Err(Fault::ParentFar { max, got });
    }
    let unknown = Fault::ParentUnknown { parent: header.parent_hash };
    let parent = view.parent.filter(|parent| parent.hash == header.parent_hash).ok_or(unknown)?;
    if parent.height == got { Ok(parent) } else { Err(Fault::ParentHeight { expected: parent.height, got }) }
}

/// Rule 5.
fn derived(params: &SoloParams, parent: &ParentTip, header: &ChildHeader) -> Result<(), Fault> {
    let (expected, got) = (ChildHeader::derive_entropy(parent.entropy, params.associate), header.entropy);
    if got != expected {
        return Err(Fault::Entropy { expected, got });
    }
    let (expected, got) = (parent.root_height, header.root_height);
    if got == expected { Ok(()) } else { Err(Fault::RootHeight { expected, got }) }
}

/// Rule 7.
fn sealed(view: &View<'_>, header: &ChildHeader, seal: &Signature) -> Result<(), Fault> {
    let (expected, got) = (view.params.operator, header.leader);
    if got != expected || header.view != 0 {
        return Err(Fault::Leader { expected, got, view: header.view });
    }
    if header.set_hash != Hash::ZERO {
        return Err(Fault::Set { got: header.set_hash });
    }
    let (expected, got) = (view.prev_seal_hash, header.prev_seal_hash);
    if got != expected {
        return Err(Fault::PrevSeal { expected, got });
    }
    let message = seal_message(&view.params.network_id, header);
    let claim = banyan_crypto::Claim { key: &header.leader.0, message: &message, signature: &seal.0 };
    banyan_crypto::verify(claim).map_err(|_| Fault::Seal)
}

/// What the operator signs of a block: the child's network id, then the block's hash.
pub fn seal_message(network_id: &str, header: &ChildHeader) -> Vec<u8> {
    [network_id.as_bytes(), &header.hash().0].concat()
}

/// The furthest parent height that the block after `prev` may name; `None` after the genesis, which names none.
pub fn furthest(prev: &ChildHeader) -> Option<Height> {
    (!is_first(prev)).then(|| Height(prev.parent_height.0.saturating_add(PARENT_STEP_MAX)))
}

/// The least time of a block after `prev` that names `parent`.
pub fn least_time(prev: &ChildHeader, parent: &ParentTip) -> TimeMs {
    TimeMs(prev.time_ms.0.saturating_add(1)).max(parent.time)
}

/// Where the inbox stands after a block that names `parent`, when it stood at `from`: as far as allowed.
pub fn inbox_to(from: u64, parent: &ParentTip) -> u64 {
    parent.inbox_next.min(from.saturating_add(INBOX_PER_BLOCK_MAX)).max(from)
}

/// Whether the block after `prev` is the first to name a parent block.
fn is_first(prev: &ChildHeader) -> bool {
    prev.height == Height(0)
}
