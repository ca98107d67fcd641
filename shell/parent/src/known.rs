//! What was proven of the parent, for the child's node to read at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, mpsc::Sender},
};

use banyan_ledger::{ConnectionPoint, Params, ParentTip};
use banyan_node::{At, NodeError, Parent};
use banyan_types::{AccountId, Hash, Height, Nonce, associate::InboxEntry};

use crate::watch::Job;

/// Final blocks of the parent that are remembered.
const TIPS_MAX: usize = 256;
/// Hashes of final blocks that are remembered, 40 bytes each: more than a year of key blocks.
const TRAIL_MAX: usize = 400_000;
/// Blocks whose headers are remembered without what stood in their states.
const PASSED_MAX: usize = 4_096;
/// Heights that may be asked for and not answered yet.
const ASKED_MAX: usize = 64;

/// What was proven, newest.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    /// Final blocks, by height.
    pub tips: BTreeMap<Height, ParentTip>,
    /// The connection point in the newest of them.
    pub point: ConnectionPoint,
    /// The connection point at the tip, on a chain that may lose yet.
    pub top: ConnectionPoint,
    /// The next nonce of the account that pays, at the tip.
    pub nonce: Nonce,
    /// Open entries of the inbox in the newest final block.
    pub inbox: BTreeMap<u64, InboxEntry>,
    /// Heights that were asked for, with the block to go on from: it may be one a little below.
    pub answers: BTreeMap<Height, ParentTip>,
    /// Final blocks as far as their headers say, for whoever knows by itself how far the inbox went there.
    pub passed: BTreeMap<Height, ParentTip>,
    /// Blocks that are final, as they lie below a final one: hash by height.
    pub trail: BTreeMap<Height, Hash>,
}

impl Known {
    /// The newest final block.
    pub fn tip(&self) -> Option<ParentTip> {
        self.tips.last_key_value().map(|(_, tip)| *tip)
    }

    /// A final block was proven.
    pub fn add(&mut self, tip: ParentTip) {
        self.tips.insert(tip.height, tip);
        self.trail.insert(tip.height, tip.hash);
        while self.tips.len() > TIPS_MAX {
            self.tips.pop_first();
        }
        // What is left out here is found again from above it.
        while self.trail.len() > TRAIL_MAX {
            self.trail.pop_first();
        }
    }

    /// The header of a final block was found.
    pub fn pass(&mut self, tip: ParentTip) {
        self.passed.insert(tip.height, tip);
        while self.passed.len() > PASSED_MAX {
            self.passed.pop_first();
        }
    }

    /// A height that was asked for was found, or one to go on from in its place.
    pub fn answer(&mut self, height: Height, tip: ParentTip) {
        self.answers.insert(height, tip);
        while self.answers.len() > ASKED_MAX {
            self.answers.pop_first();
        }
    }
}

/// Between the child's node and the watch.
pub(crate) struct Shared {
    pub params: Params,
    pub payer: AccountId,
    known: RwLock<Known>,
    /// Heights asked for.
    asked: RwLock<BTreeSet<Height>>,
}

impl Shared {
    pub fn new(params: Params, payer: AccountId, known: Known) -> Self {
        Self { params, payer, known: RwLock::new(known), asked: RwLock::default() }
    }

    pub fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn known_mut(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn asked(&self) -> Vec<Height> {
        self.asked.read().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }

    pub fn answered(&self, height: Height) {
        self.asked.write().unwrap_or_else(PoisonError::into_inner).remove(&height);
    }

    fn ask(&self, height: Height) {
        let mut asked = self.asked.write().unwrap_or_else(PoisonError::into_inner);
        if asked.len() < ASKED_MAX {
            asked.insert(height);
        }
    }
}

/// A parent whose node is elsewhere, as far as it was proven. Nothing here waits: what is not known is not there yet, and asked
/// for meanwhile.
pub struct RemoteParent {
    pub(crate) shared: Arc<Shared>,
    /// Wakes the watch.
    pub(crate) jobs: Sender<Job>,
}

impl RemoteParent {
    /// The account that pays for remits.
    pub fn payer(&self) -> AccountId {
        self.shared.payer
    }

    fn ask(&self, height: Height) {
        self.shared.ask(height);
        // Without a watch there is nobody to answer.
        let _ = self.jobs.send(Job::Look);
    }
}

impl Parent for RemoteParent {
    fn tip(&self) -> Result<ParentTip, NodeError> {
        self.shared.known().tip().ok_or_else(|| NodeError::Parent("nothing is known of it".into()))
    }

    fn tip_at(&self, height: Height) -> Result<Option<ParentTip>, NodeError> {
        let known = self.shared.known();
        let held = known.tips.get(&height).or_else(|| known.answers.get(&height)).copied();
        drop(known);
        if held.is_none() {
            self.ask(height);
        }
        Ok(held)
    }

    fn past(&self, height: Height, inbox_next: u64) -> Result<Option<ParentTip>, NodeError> {
        let known = self.shared.known();
        let held = known.tips.get(&height).or_else(|| known.passed.get(&height)).copied();
        drop(known);
        if held.is_none() {
            self.ask(height);
        }
        Ok(held.map(|tip| ParentTip { inbox_next, ..tip }))
    }

    fn params(&self) -> &Params {
        &self.shared.params
    }

    fn inbox(&self, from: u64, to: u64) -> Result<Option<Vec<InboxEntry>>, NodeError> {
        let known = self.shared.known();
        Ok((from..to).map(|n| known.inbox.get(&n).cloned()).collect())
    }

    fn point(&self, at: At) -> Result<ConnectionPoint, NodeError> {
        let known = self.shared.known();
        Ok(match at {
            At::Final => known.point.clone(),
            At::Tip => known.top.clone(),
        })
    }

    fn next_nonce(&self, account: AccountId) -> Result<Nonce, NodeError> {
        if account != self.shared.payer {
            return Err(NodeError::Parent(format!("{account} is not the account that pays")));
        }
        Ok(self.shared.known().nonce)
    }
}
