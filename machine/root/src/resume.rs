//! Start: from the genesis, or from what the last run left on disk.

use alloc::vec::Vec;

use banyan_types::{Hash, TimeMs, header::KeyHeader};

use crate::{
    Header, Machine, Miner, RootParams, Watermark,
    ancestry::{HISTORY, solved},
    tree::{HEADERS_MAX, Past, Tree},
};

/// What the store has kept of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// The chain's key headers up to the last final one, oldest first: the newest 18 or more, or all from the genesis.
    pub past: Vec<KeyHeader>,
    /// Work of the last final key block's chain, from [`Machine::work`].
    pub work: u128,
    /// Time of the last [`crate::ParentTip`]; the genesis' own before there was one.
    pub clock: TimeMs,
    /// Headers of executed blocks that descend from the last final one, parents first.
    pub above: Vec<Header>,
    /// The block that the state stands at: the last final key block or one of `above`.
    pub tip: Hash,
    /// Of the newest [`crate::Record::Signed`].
    pub watermark: Option<Watermark>,
}

/// Why what was kept makes no chain: this node's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// No final key header.
    #[error("no final key header")]
    NoFinal,
    /// More headers than the machine holds.
    #[error("{got} headers, {max} allowed")]
    TooMany {
        /// Greatest number.
        max: usize,
        /// How many.
        got: usize,
    },
    /// A header's parent did not come before it.
    #[error("header {0:?} has no parent before it")]
    Unlinked(Hash),
    /// The tip is none of the headers.
    #[error("tip {0:?} is none of the headers")]
    Tip(Hash),
}

impl Machine {
    /// A machine at the genesis, which the shell has applied. Tell it the time first.
    pub fn new(params: RootParams, miner: Option<Miner>, genesis: KeyHeader) -> Self {
        let (head, clock) = (genesis.hash(), genesis.time);
        Self::at(params, miner, Tree::new(genesis, Vec::new(), 0), head, clock)
    }

    /// A machine where the last run stopped. Blocks that were not executed then are not known; peers have them. Tell it
    /// the time first.
    /// # Errors
    /// The first [`Broken`] that applies: the store is at fault.
    pub fn resume(params: RootParams, miner: Option<Miner>, saved: Saved) -> Result<Self, Broken> {
        let Saved { mut past, work, clock, above, tip, watermark } = saved;
        let root = past.pop().ok_or(Broken::NoFinal)?;
        if above.len() > HEADERS_MAX {
            return Err(Broken::TooMany { max: HEADERS_MAX, got: above.len() });
        }
        let below = with_work(&past, work.saturating_sub(solved(&root).target.work()));
        let mut tree = Tree::new(root, below, work);
        let mut frauds = Vec::new();
        for header in above {
            let hash = header.hash();
            if tree.get(&header.prev_hash()).is_none() || tree.get(&hash).is_some() {
                return Err(Broken::Unlinked(hash));
            }
            tree.insert(hash, header, None);
            frauds.extend(tree.accuse(&hash));
        }
        if tree.get(&tip).is_none() {
            return Err(Broken::Tip(tip));
        }
        let mut machine = Self::at(params, miner, tree, tip, clock);
        machine.leader.watermark = watermark;
        machine.frauds = frauds;
        Ok(machine)
    }
}

/// The newest of `headers` with the work of their chain, which ends at `work`.
fn with_work(headers: &[KeyHeader], mut work: u128) -> Vec<Past> {
    let newest = headers.iter().rev().take(HISTORY).map(|header| {
        let past = Past { hash: header.hash(), solved: solved(header), work };
        work = work.saturating_sub(past.solved.target.work());
        past
    });
    let mut past: Vec<_> = newest.collect();
    past.reverse();
    past
}
