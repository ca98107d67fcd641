//! What makes a child's block acceptable, whatever engine orders it.
//!
//! Rules 1 to 6 of a header are everybody's and stand in [`check`]; rule 7, who led and what seals the block, is the
//! engine's, behind [`Rules`]. Producers and followers share them. The roots (rule 8) are execution's, and how far a block
//! may be ahead of a clock is the shell's. Read [`check`] first. Rules: protocol, associates 5, 8.

pub mod committee;
pub mod rotation;
pub mod solo;

mod bad_header;
#[cfg(test)]
mod suite;

pub use bad_header::BadHeader;

use banyan_types::{AssociateId, Hash, Height, PublicKey, TimeMs, header::ChildHeader, limits::INBOX_PER_BLOCK_MAX};

use crate::ParentTip;

/// Parent blocks between two that are named one after the other, at most. Source: associates 5, rule 3.
pub const PARENT_STEP_MAX: u64 = 1_000;

/// What engines differ in: who may make a block, and what seals it.
pub trait Rules {
    /// What makes a block of this engine its ledger's.
    type Seal;

    /// Whose turn `view` at `height` is; `None` if the engine has no such view.
    fn leader(&self, height: Height, view: u32) -> Option<PublicKey>;
    /// What a header says of the validator set; zero where the engine has none.
    fn set_hash(&self) -> Hash;
    /// What the next header carries as `prev_seal_hash`.
    fn seal_hash(&self, seal: &Self::Seal) -> Hash;
    /// Check that the seal makes this block final.
    /// # Errors
    /// `Seal` or `Certificate`: the sender's fault.
    fn check_seal(&self, header: &ChildHeader, seal: &Self::Seal) -> Result<(), BadHeader>;
}

/// What the rules look at besides the block.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The protocol version of the ledger.
    pub version: u32,
    /// The child, as its parent knows it.
    pub associate: AssociateId,
    /// The header before.
    pub prev: &'a ChildHeader,
    /// Hash of the seal of the block before that comes with the block; zero after the genesis.
    pub prev_seal_hash: Hash,
    /// The parent block named, if it is known here and final.
    pub parent: Option<ParentTip>,
}

/// Check a header, its own seal apart: a proposal has none yet.
/// # Errors
/// The first [`BadHeader`] that applies.
pub fn check(rules: &impl Rules, view: &View<'_>, header: &ChildHeader) -> Result<(), BadHeader> {
    let expected = view.version;
    if header.version != expected {
        return Err(BadHeader::Version { expected, got: header.version });
    }
    link(view.prev, header)?;
    let parent = parent(view, header)?;
    let (least, got) = (least_time(view.prev, &parent), header.time_ms);
    if got < least {
        return Err(BadHeader::Clock { least, got });
    }
    derived(view.associate, &parent, header)?;
    let (expected, got) = (inbox_to(view.prev.inbox_to, &parent), header.inbox_to);
    if got != expected {
        return Err(BadHeader::Inbox { expected, got });
    }
    ordered(rules, view, header)
}

/// Check a header and its seal.
/// # Errors
/// The first [`BadHeader`] that applies.
pub fn check_sealed<R: Rules>(
    rules: &R,
    view: &View<'_>,
    header: &ChildHeader,
    seal: &R::Seal,
) -> Result<(), BadHeader> {
    check(rules, view, header)?;
    rules.check_seal(header, seal)
}

/// Rule 2.
fn link(prev: &ChildHeader, header: &ChildHeader) -> Result<(), BadHeader> {
    let expected = Height(prev.height.0.saturating_add(1));
    if header.height != expected {
        return Err(BadHeader::Height { expected, got: header.height });
    }
    let expected = prev.hash();
    if header.prev_hash == expected { Ok(()) } else { Err(BadHeader::Prev { expected, got: header.prev_hash }) }
}

/// Rule 3: the block that the header names, if it may.
fn parent(view: &View<'_>, header: &ChildHeader) -> Result<ParentTip, BadHeader> {
    let (got, named) = (header.parent_height, view.prev.parent_height);
    let moves = header.parent_hash != view.prev.parent_hash;
    if moves && !is_first(view.prev) && got <= named {
        return Err(BadHeader::ParentBack { named, got });
    }
    if let Some(max) = furthest(view.prev).filter(|max| got > *max) {
        return Err(BadHeader::ParentFar { max, got });
    }
    let unknown = BadHeader::ParentUnknown { parent: header.parent_hash };
    let parent = view.parent.filter(|parent| parent.hash == header.parent_hash).ok_or(unknown)?;
    if parent.height == got { Ok(parent) } else { Err(BadHeader::ParentHeight { expected: parent.height, got }) }
}

/// Rule 5.
fn derived(associate: AssociateId, parent: &ParentTip, header: &ChildHeader) -> Result<(), BadHeader> {
    let (expected, got) = (ChildHeader::derive_entropy(parent.entropy, associate), header.entropy);
    if got != expected {
        return Err(BadHeader::Entropy { expected, got });
    }
    let (expected, got) = (parent.root_height, header.root_height);
    if got == expected { Ok(()) } else { Err(BadHeader::RootHeight { expected, got }) }
}

/// Rule 7, as far as the header says it.
fn ordered(rules: &impl Rules, view: &View<'_>, header: &ChildHeader) -> Result<(), BadHeader> {
    let (expected, got) = (rules.leader(header.height, header.view), header.leader);
    if expected != Some(got) {
        return Err(BadHeader::Leader { expected, got, view: header.view });
    }
    let (expected, got) = (rules.set_hash(), header.set_hash);
    if got != expected {
        return Err(BadHeader::Set { expected, got });
    }
    let (expected, got) = (view.prev_seal_hash, header.prev_seal_hash);
    if got == expected { Ok(()) } else { Err(BadHeader::PrevSeal { expected, got }) }
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

/// The next header, all that the rules fix of it: roots and outbox follow from execution.
pub fn next_header(rules: &impl Rules, view: &View<'_>, parent: &ParentTip, turn: Turn) -> ChildHeader {
    let prev = view.prev;
    ChildHeader {
        version: view.version,
        height: Height(prev.height.0.saturating_add(1)),
        prev_hash: prev.hash(),
        parent_hash: parent.hash,
        parent_height: parent.height,
        root_height: parent.root_height,
        time_ms: least_time(prev, parent).max(turn.now),
        entropy: ChildHeader::derive_entropy(parent.entropy, view.associate),
        txs_root: Hash::ZERO,
        receipts_root: Hash::ZERO,
        inbox_to: inbox_to(prev.inbox_to, parent),
        outbox_to: prev.outbox_to,
        state_root: Hash::ZERO,
        set_hash: rules.set_hash(),
        leader: turn.leader,
        view: turn.view,
        prev_seal_hash: view.prev_seal_hash,
    }
}

/// Who makes a block, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Whose turn it is.
    pub leader: PublicKey,
    /// In which view.
    pub view: u32,
    /// The leader's clock.
    pub now: TimeMs,
}
