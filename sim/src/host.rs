//! A process: one node on its disk, with a clock of its own, that can lose its power.

use std::{fmt, sync::Arc};

use banyan_node::{Chain, GenesisFile, Input, Node, NodeError, Order, PoolLimits, Role, Submitted};
use banyan_store::{Fault, Mem, StoreError};
use banyan_types::{TimeMs, tx::SignedTx};

use crate::random::Random;

/// A process of the world. The nodes of the root come first, then the child's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostId(pub usize);

impl fmt::Display for HostId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0)
    }
}

/// One start of a process: what an older one asked of the world is void.
pub type Run = u32;

/// A process, up or down.
pub struct Host {
    file: GenesisFile,
    disk: Mem,
    node: Option<Node>,
    /// Counted up at each start.
    pub run: Run,
    /// How far its clock is ahead of the world's; below zero it is behind.
    pub skew_ms: i64,
    /// When it wants its next tick, by the world's clock.
    pub wake: Option<TimeMs>,
}

impl Host {
    /// A process that was never started, with an empty disk.
    pub fn new(file: GenesisFile, skew_ms: i64) -> Self {
        Self { file, disk: Mem::new(), node: None, run: 0, skew_ms, wake: None }
    }

    /// Whether it runs.
    pub const fn is_up(&self) -> bool {
        self.node.is_some()
    }

    /// Its node, if it runs.
    pub const fn node(&self) -> Option<&Node> {
        self.node.as_ref()
    }

    /// What its node knows, if it runs.
    pub fn chain(&self) -> Option<&Arc<Chain>> {
        self.node.as_ref().map(Node::chain)
    }

    /// The disk under it now.
    pub const fn disk(&self) -> &Mem {
        &self.disk
    }

    /// Its own clock's time when the world's is `now`.
    pub const fn clock(&self, now: TimeMs) -> TimeMs {
        TimeMs(now.0.saturating_add_signed(self.skew_ms))
    }

    /// The world's time when its own clock says `at`.
    pub const fn world_time(&self, at: TimeMs) -> TimeMs {
        TimeMs(at.0.saturating_add_signed(-self.skew_ms))
    }

    /// Start on what the disk holds.
    /// # Errors
    /// What the node says: the disk's failure, or a bug.
    pub fn start(&mut self, role: Role) -> Result<(), NodeError> {
        self.run += 1;
        self.wake = None;
        let chain = Arc::new(Chain::open(self.disk.clone(), self.file.clone())?);
        self.node = Some(Node::open(chain, role, PoolLimits::default())?);
        Ok(())
    }

    /// Tell the time, then the input: what every shell does.
    /// # Errors
    /// What the node says: the disk's failure, or a bug.
    pub fn handle(&mut self, now: TimeMs, input: Option<Input>) -> Result<Vec<Order>, NodeError> {
        let clock = self.clock(now);
        let Some(node) = &mut self.node else { return Ok(Vec::new()) };
        let mut orders = node.handle(Input::Tick(clock))?;
        if let Some(input) = input {
            orders.extend(node.handle(input)?);
        }
        Ok(orders)
    }

    /// Tell the time, then give it transactions.
    /// # Errors
    /// What the node says: the disk's failure, or a bug.
    pub fn submit(&mut self, now: TimeMs, txs: Vec<SignedTx>) -> Result<(Vec<Submitted>, Vec<Order>), NodeError> {
        let mut orders = self.handle(now, None)?;
        let Some(node) = &mut self.node else { return Ok((Vec::new(), Vec::new())) };
        let (answers, more) = node.submit(txs)?;
        orders.extend(more);
        Ok((answers, orders))
    }

    /// The power goes. Of what was written and not synced, the oldest part stays: how much, `random` says.
    pub fn lose_power(&mut self, random: &mut Random) -> usize {
        self.node = None;
        let unsynced = self.disk.unsynced();
        // Nothing lost is what kill -9 does, all lost the worst; both must come often.
        let kept = match random.below(4) {
            0 => 0,
            1 => unsynced,
            _ => random.place(unsynced + 1),
        };
        self.disk = self.disk.crash(kept);
        unsynced - kept
    }
}

/// Whether a node stopped because the world let its disk fail.
pub const fn is_planned(error: &NodeError) -> bool {
    matches!(error, NodeError::Store(StoreError::Fault(Fault::Failed { .. } | Fault::Poisoned)))
}
