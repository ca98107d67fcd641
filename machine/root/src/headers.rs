//! Judge a run of key headers without micro headers or bodies, so that a node that catches up knows the best chain before
//! it asks for the first body. Rules: protocol, root 4 and 10.

use alloc::vec::Vec;

use banyan_types::{Hash, Height, TimeMs, header::KeyHeader};

use crate::{
    RootParams,
    ancestry::{Ancestry, solved, worked},
    validity::{KeyFault, key_link},
};

/// A chain of key headers that all pass rules 2 to 10, as far as key headers tell: whether `prev_hash` is in the
/// generation of `prev_key_hash` is not known without the micro headers. Rule 6 is the caller's: it starts at a block at or
/// above its last final one. Copies are small, so a fork is followed by a copy of the chain where it leaves.
#[derive(Clone, Debug)]
pub struct HeaderChain {
    params: RootParams,
    hash: Hash,
    work: u128,
    ancestry: Ancestry,
}

impl HeaderChain {
    /// Go on from the last of `past`: key headers that this node has accepted, oldest first, the newest 18 or more or all
    /// from the genesis. `work` is that of the last one's chain, from [`crate::Machine::work`]. `None` without a header.
    pub fn new(params: RootParams, past: Vec<KeyHeader>, work: u128) -> Option<Self> {
        let (hash, height) = past.last().map(|last| (last.hash(), last.height))?;
        let newest = past.into_iter().rev().map(|header| solved(&header));
        Some(Self { params, hash, work, ancestry: Ancestry::new(height, newest) })
    }

    /// Add the next header.
    /// # Errors
    /// The first rule that it breaks; nothing is added then. A header that does not name the tip as `prev_key_hash` is a
    /// [`KeyFault::Link`]: whoever sent a run sent none. Whose fault it is says [`crate::validity::Fault::owner`].
    pub fn push(&mut self, header: &KeyHeader, now: TimeMs) -> Result<(), KeyFault> {
        let target = worked(&self.params, header)?;
        key_link(header, self.hash, self.ancestry.next_height())?;
        self.ancestry.judge(&self.params, header, target, now)?;
        self.ancestry.extend(header);
        self.hash = header.hash();
        self.work = self.work.saturating_add(target.work());
        Ok(())
    }

    /// The last header's name, its height, and its chain's work.
    pub const fn tip(&self) -> (Hash, Height, u128) {
        (self.hash, self.ancestry.height(), self.work)
    }
}
