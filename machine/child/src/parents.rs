//! Which parent block the next block names: the newest final one, or the furthest on the way to it.

use banyan_ledger::{ParentTip, engine};
use banyan_types::{Hash, Height, header::ChildHeader};

/// The parent contradicts what it called final. The new block is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contradiction {
    /// Another block at a height that was final.
    Changed {
        /// The height.
        height: Height,
        /// Final before.
        held: Hash,
        /// Said to be final now.
        got: Hash,
    },
    /// Fewer inbox entries than before.
    InboxShrank {
        /// Entries known.
        held: u64,
        /// Entries there.
        got: u64,
    },
}

/// What is known of the parent.
#[derive(Clone, Debug, Default)]
pub struct Parents {
    /// The block that the last block names; `None` at the genesis.
    named: Option<ParentTip>,
    /// The newest final one.
    newest: Option<ParentTip>,
    /// One on the way there, if that is too far for one step.
    bridge: Option<ParentTip>,
}

impl Parents {
    /// After a block that names `named`.
    pub const fn new(named: Option<ParentTip>) -> Self {
        Self { named, newest: None, bridge: None }
    }

    /// A final parent block was told.
    /// # Errors
    /// A [`Contradiction`] to what was told before: the parent's fault.
    pub fn told(&mut self, tip: ParentTip) -> Result<(), Contradiction> {
        let mut is_known = false;
        for held in [self.named, self.bridge, self.newest].into_iter().flatten() {
            contradict(&held, &tip)?;
            is_known |= held.hash == tip.hash;
        }
        if is_known {
            return Ok(());
        }
        if self.newest.is_none_or(|newest| newest.height < tip.height) {
            self.newest = Some(tip);
        } else {
            self.bridge = Some(tip);
        }
        Ok(())
    }

    /// A block was made that names `tip`.
    pub fn name(&mut self, tip: ParentTip) {
        self.named = Some(tip);
    }

    /// The block that the block after `prev` names. `None` while no parent block is known at all.
    pub fn next(&self, prev: &ChildHeader) -> Option<ParentTip> {
        let furthest = engine::furthest(prev);
        let known = [self.named, self.bridge, self.newest].into_iter().flatten();
        known.filter(|tip| furthest.is_none_or(|furthest| tip.height <= furthest)).max_by_key(|tip| tip.height)
    }

    /// The block with this hash, if it was told and may still be named.
    pub fn find(&self, hash: Hash) -> Option<ParentTip> {
        [self.named, self.bridge, self.newest].into_iter().flatten().find(|tip| tip.hash == hash)
    }

    /// Whether the parent is final up to this height, as far as was told.
    pub fn reaches(&self, height: Height) -> bool {
        self.newest.or(self.named).is_some_and(|tip| tip.height >= height)
    }

    /// The height to ask for: the newest is out of reach, and nothing on the way is known.
    pub fn wanted(&self, prev: &ChildHeader) -> Option<Height> {
        let furthest = engine::furthest(prev)?;
        let out_of_reach = self.newest.is_some_and(|newest| newest.height > furthest);
        (out_of_reach && self.next(prev) == self.named).then_some(furthest)
    }
}

/// Two final blocks cannot contradict each other.
fn contradict(held: &ParentTip, tip: &ParentTip) -> Result<(), Contradiction> {
    if held.height == tip.height && held.hash != tip.hash {
        return Err(Contradiction::Changed { height: tip.height, held: held.hash, got: tip.hash });
    }
    if held.height <= tip.height && held.inbox_next > tip.inbox_next {
        return Err(Contradiction::InboxShrank { held: held.inbox_next, got: tip.inbox_next });
    }
    Ok(())
}
