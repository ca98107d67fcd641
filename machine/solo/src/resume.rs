//! Start: from the genesis, or from what the last run left on disk.

use alloc::{boxed::Box, vec::Vec};

use banyan_types::{Hash, Height, header::ChildHeader};

use crate::{Machine, Mark, ParentTip, Produced, Range, SoloParams};

/// What the store has kept of a child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// Header of the last committed block.
    pub tip: ChildHeader,
    /// [`Produced::seal_hash`] of that block; zero at the genesis.
    pub seal_hash: Hash,
    /// The parent block that it names; `None` at the genesis.
    pub parent: Option<ParentTip>,
    /// The newest [`crate::Record::Block`].
    pub signed: Option<Box<Produced>>,
    /// Number of the last accepted summary; 0 if there was none.
    pub accepted: u64,
    /// The block where that summary ends, or the genesis.
    pub base: Mark,
    /// The blocks after it up to the tip, in order.
    pub since: Vec<Mark>,
    /// The newest [`crate::Record::Summary`].
    pub summary: Option<Range>,
}

/// Why what was kept makes no ledger: this node's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The parent block is not the one that the tip names.
    #[error("parent block is not the one that block {0} names")]
    Parent(Height),
    /// The blocks since the last summary are not those up to the tip.
    #[error("block {got} in place of {expected} since the last summary")]
    Since {
        /// The next in order.
        expected: Height,
        /// What was there.
        got: Height,
    },
    /// A block was signed that does not follow the tip.
    #[error("signed block {0} does not follow the tip")]
    Signed(Height),
}

impl Saved {
    /// A child that has its genesis and nothing else.
    pub fn genesis(header: ChildHeader) -> Self {
        let base = Mark { height: header.height, parent_height: header.parent_height, ..Mark::default() };
        let (since, signed, summary) = (Vec::new(), None, None);
        Self { tip: header, seal_hash: Hash::ZERO, parent: None, signed, accepted: 0, base, since, summary }
    }

    /// A signed block that was not committed: it stays the answer at its height.
    pub(crate) fn unfinished(&self) -> Option<&Produced> {
        self.signed.as_deref().filter(|signed| signed.header.height > self.tip.height)
    }

    fn check(&self) -> Result<(), Broken> {
        let named = self.parent.map(|parent| parent.hash);
        if self.tip.height > Height(0) && named != Some(self.tip.parent_hash) {
            return Err(Broken::Parent(self.tip.height));
        }
        let mut expected = self.base.height;
        for mark in &self.since {
            expected = Height(expected.0.saturating_add(1));
            if mark.height != expected {
                return Err(Broken::Since { expected, got: mark.height });
            }
        }
        if expected != self.tip.height {
            return Err(Broken::Since { expected: self.tip.height, got: expected });
        }
        let unfinished = self.unfinished().map(|signed| &signed.header);
        match unfinished.filter(|header| header.prev_hash != self.tip.hash()) {
            Some(header) => Err(Broken::Signed(header.height)),
            None => Ok(()),
        }
    }
}

impl Machine {
    /// A machine where the last run stopped, or at the genesis ([`Saved::genesis`]). Tell it the time first.
    /// # Errors
    /// The first [`Broken`] that applies: the store is at fault.
    pub fn resume(params: SoloParams, saved: Saved) -> Result<Self, Broken> {
        saved.check()?;
        Ok(Self::at(params, saved))
    }
}
