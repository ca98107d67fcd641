//! Start: from the genesis, or from what the last run left on disk.

use alloc::{sync::Arc, vec::Vec};

use banyan_child::{Mark, Range};
use banyan_crypto::SecretKey;
use banyan_ledger::{ParentTip, engine::committee::Epoch};
use banyan_types::{
    Hash, Height,
    committee::{Certificate, SignedStatement, Statement, ValidatorSet},
    header::ChildHeader,
};

use crate::{
    CommitteeParams, Effect, Machine, Record, Stopped, agreement::Logged, candidates::Wanted, machine::Run, said::Said,
};

/// What the store has kept of a child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// Header of the last committed block.
    pub tip: ChildHeader,
    /// Its seal; `None` at the genesis.
    pub seal: Option<Certificate>,
    /// The parent block that it names; `None` at the genesis.
    pub parent: Option<ParentTip>,
    /// The epoch of the next block.
    pub epoch: Epoch,
    /// The set that sealed the last block; at the genesis the epoch's.
    pub sealers: ValidatorSet,
    /// The records of the height above the tip, in their order.
    pub log: Vec<Record>,
    /// Number of the last accepted summary; 0 if there was none.
    pub accepted: u64,
    /// Where that summary ends; above the tip where others have made blocks without this node.
    pub accepted_to: Height,
    /// The last block here that it covers, or the genesis.
    pub base: Mark,
    /// The blocks after it up to the tip, in order.
    pub since: Vec<Mark>,
    /// Among them the first ones of another set than the block before.
    pub edges: Vec<Height>,
    /// The newest [`Record::Summary`].
    pub summary: Option<Range>,
    /// The newest [`Record::Handover`].
    pub handover: Option<SignedStatement>,
}

/// Why what was kept makes no ledger: this node's fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The parent block is not the one that the tip names.
    #[error("parent block is not the one that block {0} names")]
    Parent(Height),
    /// The seal is not of the tip.
    #[error("seal is not of block {0}")]
    Seal(Height),
    /// The blocks since the last summary are not those up to the tip.
    #[error("block {got} in place of {expected} since the last summary")]
    Since {
        /// The next in order.
        expected: Height,
        /// What was there.
        got: Height,
    },
    /// A record is of another height.
    #[error("a record of height {got} in the log of {expected}")]
    Log {
        /// The height above the tip.
        expected: Height,
        /// The record's.
        got: Height,
    },
    /// The core does not accept the log.
    #[error(transparent)]
    Core(#[from] Stopped),
}

impl Saved {
    /// A child that has its genesis and nothing else.
    pub fn genesis(header: ChildHeader, epoch: Epoch) -> Self {
        let base = Mark { height: header.height, parent_height: header.parent_height, ..Mark::default() };
        Self {
            tip: header,
            seal: None,
            parent: None,
            sealers: epoch.set.clone(),
            epoch,
            log: Vec::new(),
            accepted: 0,
            accepted_to: Height(0),
            base,
            since: Vec::new(),
            edges: Vec::new(),
            summary: None,
            handover: None,
        }
    }

    fn check(&self) -> Result<(), Broken> {
        let (height, is_genesis) = (self.tip.height, self.tip.height == Height(0));
        if !is_genesis && self.parent.map(|parent| parent.hash) != Some(self.tip.parent_hash) {
            return Err(Broken::Parent(height));
        }
        let sealed = self.seal.as_ref().map(|seal| (seal.height, seal.block_hash));
        if sealed != (!is_genesis).then(|| (height, self.tip.hash())) {
            return Err(Broken::Seal(height));
        }
        let mut expected = self.base.height;
        for got in self.since.iter().map(|mark| mark.height) {
            expected = Height(expected.0.saturating_add(1));
            if got != expected {
                return Err(Broken::Since { expected, got });
            }
        }
        if expected != height {
            return Err(Broken::Since { expected: height, got: expected });
        }
        let expected = Height(height.0.saturating_add(1));
        let other = self.log.iter().filter_map(Record::height).find(|got| *got != expected);
        other.map_or(Ok(()), |got| Err(Broken::Log { expected, got }))
    }
}

impl Machine {
    /// A machine where the last run stopped, or at the genesis ([`Saved::genesis`]), and what it wants done first. What was
    /// signed before is said again, and nothing else in its place. `key` is the validator's own; of a node that only
    /// follows, any that is no validator's.
    /// # Errors
    /// The first [`Broken`] that applies: the store is at fault.
    pub fn resume(
        params: CommitteeParams,
        key: SecretKey,
        mut saved: Saved,
        effects: &mut Vec<Effect>,
    ) -> Result<Self, Broken> {
        saved.check()?;
        let log = core::mem::take(&mut saved.log);
        let mut said = Said::new(key, params.network_id.clone());
        saved.handover.iter().for_each(|signed| said.recall(signed));
        let mut machine = Self::at(Arc::new(params), said, saved);
        if !log.is_empty() {
            machine.replay(log)?;
        }
        machine.advance(effects)?;
        Ok(machine)
    }

    /// Go on at a height that a crash interrupted.
    fn replay(&mut self, log: Vec<Record>) -> Result<(), Stopped> {
        let (mut logged, mut answered) = (Vec::new(), Vec::new());
        for record in log {
            match record {
                Record::Built(block) | Record::Verified(block) => self.run.candidates.good(*block),
                Record::Proposal(proposed) => {
                    self.said.recall(&proposed.signed);
                    logged.push(Logged::Proposal(proposed.signed));
                    let Statement { view, block_hash, .. } = proposed.signed.statement;
                    self.run.candidates.propose(view, block_hash);
                    self.run.candidates.insert(proposed.header, proposed.prev_seal);
                }
                Record::Vote(vote) => {
                    self.said.recall(&vote);
                    logged.push(Logged::Vote(vote));
                }
                Record::Polka(votes) => logged.push(Logged::Polka(votes)),
                Record::Judged { view, by, block_hash, is_valid, .. } => {
                    answered.push(Wanted { view, by, block_hash });
                    logged.push(Logged::Judged { view, by, block_hash, is_valid });
                }
                Record::Elapsed { view, wait, .. } => logged.push(Logged::Elapsed(wait, view)),
                Record::Summary(_) | Record::Handover(_) => {}
            }
        }
        let (mut agreement, mut orders) = (self.agreement(), Vec::new());
        agreement.resume(&logged, &mut self.said, &mut orders)?;
        self.run = Run { agreement: Some(agreement), started: self.now, ..core::mem::take(&mut self.run) };
        self.carry_out(orders);
        for answered in &answered {
            self.run.candidates.answered(answered);
        }
        Ok(())
    }

    /// Hash of the last committed block.
    pub fn tip_hash(&self) -> Hash {
        self.tip.hash()
    }
}
