//! Start: from the genesis, or from what the last run left on disk.

use alloc::vec::Vec;

use banyan_child::Range;
use banyan_crypto::SecretKey;
use banyan_ledger::engine::rotation::Turns;
use banyan_types::{
    Hash, Height,
    committee::{Certificate, StatementKind},
    header::ChildHeader,
};

use crate::{
    Block, Decided, Machine, Mark, ParentTip, Record, RotationParams,
    machine::{Clock, Lock},
};

/// The last final block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tip {
    /// Its header.
    pub header: ChildHeader,
    /// Its seal; `None` at the genesis.
    pub seal: Option<Certificate>,
    /// The parent block that it names; `None` at the genesis.
    pub parent: Option<ParentTip>,
}

/// What the store has kept of a child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// The last final block.
    pub last: Tip,
    /// The committed blocks after it, in order.
    pub chain: Vec<Decided>,
    /// All records above it, in the order in which they were written, and the newest summary's.
    pub records: Vec<Record>,
    /// Number of the last accepted summary; 0 if there was none.
    pub accepted: u64,
    /// Where it ends; 0 if there was none.
    pub accepted_to: Height,
    /// The last block that it covers and that is final here, or the genesis.
    pub base: Mark,
    /// The final blocks after it, in order.
    pub since: Vec<Mark>,
}

/// Why what was kept makes no ledger: this node's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The parent block is not the one that the last final block names.
    #[error("parent block is not the one that block {0} names")]
    Parent(Height),
    /// The final blocks since the last summary are not those up to the last.
    #[error("block {got} in place of {expected} since the last summary")]
    Since {
        /// The next in order.
        expected: Height,
        /// What was there.
        got: Height,
    },
    /// A committed block does not follow the one before.
    #[error("block {0} does not follow the block before")]
    Chain(Height),
}

impl Saved {
    /// A child that has its genesis and nothing else.
    pub fn genesis(header: ChildHeader) -> Self {
        let base = Mark { height: header.height, parent_height: header.parent_height, ..Mark::default() };
        let (chain, records, since) = (Vec::new(), Vec::new(), Vec::new());
        Self {
            last: Tip { header, seal: None, parent: None },
            chain,
            records,
            accepted: 0,
            accepted_to: Height(0),
            base,
            since,
        }
    }

    /// The newest range that was written down.
    pub(crate) fn summary(&self) -> Option<Range> {
        self.records.iter().rev().find_map(|record| match record {
            Record::Summary(range) => Some(*range),
            _ => None,
        })
    }

    fn check(&self) -> Result<(), Broken> {
        let (height, named) = (self.last.header.height, self.last.parent.map(|parent| parent.hash));
        if height > Height(0) && named != Some(self.last.header.parent_hash) {
            return Err(Broken::Parent(height));
        }
        let mut expected = self.base.height;
        for mark in &self.since {
            expected = Height(expected.0.saturating_add(1));
            if mark.height != expected {
                return Err(Broken::Since { expected, got: mark.height });
            }
        }
        if expected != height {
            return Err(Broken::Since { expected: height, got: expected });
        }
        let mut before = self.last.header.hash();
        for decided in &self.chain {
            let header = &decided.block.header;
            if header.prev_hash != before {
                return Err(Broken::Chain(header.height));
            }
            before = header.hash();
        }
        Ok(())
    }
}

impl Machine {
    /// A machine where the last run stopped, or at the genesis ([`Saved::genesis`]). Tell it the time first.
    /// # Errors
    /// The first [`Broken`] that applies: the store is at fault.
    pub fn resume(params: RotationParams, turns: Turns, key: SecretKey, saved: Saved) -> Result<Self, Broken> {
        saved.check()?;
        Ok(Self::at(params, turns, key, saved))
    }

    /// Go through what is on disk: nothing of it is signed or sent again now.
    pub(crate) fn replay(&mut self, chain: Vec<Decided>, records: &[Record]) {
        for Decided { block, certificate } in chain {
            self.adopted = block.header.hash();
            block.prev_seal.iter().for_each(|seal| self.count_all(seal));
            self.count_all(&certificate);
            self.take(block, false);
        }
        for record in records {
            match record {
                Record::Built(block) | Record::Verified(block) => {
                    block.prev_seal.iter().for_each(|seal| self.count_all(seal));
                    self.take((**block).clone(), true);
                }
                Record::Vote(signed) => {
                    self.said.recall(signed);
                    self.votes.add(&self.turns, signed);
                }
                Record::Polka(accepts) => accepts.iter().for_each(|signed| self.recall_accept(signed)),
                Record::Summary(_) => {}
            }
        }
        self.heard.clear();
        self.recall_bonds();
        self.retime();
        self.resume_view();
    }

    fn take(&mut self, block: Block, is_proposed: bool) {
        self.tips.insert(block.parent.height, block.parent);
        self.tree.insert(&self.turns, block, is_proposed);
    }

    fn recall_accept(&mut self, signed: &banyan_types::committee::SignedStatement) {
        self.votes.add(&self.turns, signed);
    }

    /// What the own commitments bind to.
    fn recall_bonds(&mut self) {
        let mut last: Option<Lock> = None;
        for said in self.votes.commitments_of(&self.said.own()) {
            if let Some(bound) = self.tree.get(&said.block_hash).map(|node| node.bound) {
                self.bind(bound);
            }
            let lock = Lock { height: said.height, view: said.view, hash: said.block_hash };
            if last.is_none_or(|last| (last.height, last.view) < (lock.height, lock.view)) {
                last = Some(lock);
            }
        }
        self.lock = last;
    }

    /// Not back to a view that was left.
    fn resume_view(&mut self) {
        let left = |(kind, view, hash): (StatementKind, u32, Hash)| {
            let is_left = kind == StatementKind::Prevote && hash == Hash::ZERO;
            view.saturating_add(u32::from(is_left))
        };
        let said = self.said.at(self.clock.height).map(|signed| signed.statement);
        let views = said.map(|said| left((said.kind, said.view, said.block_hash)));
        let view = views.max().unwrap_or(0).max(self.clock.view);
        self.clock = Clock { view, ..self.clock };
    }
}
