//! Take away the leaves that gone objects have left behind. Rules: ledger 5.3, 7.
//!
//! Nothing reads them any more, so how far the sweep has come means nothing. Each block takes away at most [`SWEEP_MAX`]
//! leaves, of the oldest object first; while [`QUEUE_MAX`] objects wait, no further one ends.

use banyan_types::{
    AssociateId, ContractId,
    limits::{PRUNE_MAX, SWEEP_MAX},
};

use crate::{Claim, Missing, Rejected, State, SweepItem, SweepKind, SweepQueue, leaf::key, scene::Scene};

/// Objects that may wait: the queue is a leaf of 40 kB at most.
const QUEUE_MAX: usize = PRUNE_MAX as usize;

impl<S: State> Scene<'_, S> {
    fn sweep_queue(&mut self) -> Result<SweepQueue, Missing> {
        Ok(self.get(&key::sweep_queue())?.unwrap_or(SweepQueue { items: alloc::vec![] }))
    }

    /// Whether the walk over due items must wait.
    pub(crate) fn is_sweep_full(&mut self) -> Result<bool, Missing> {
        Ok(self.sweep_queue()?.items.len() >= QUEUE_MAX)
    }

    pub(crate) fn sweep_later(&mut self, item: SweepItem) -> Result<(), Rejected> {
        if item.from < item.to {
            let mut queue = self.sweep_queue()?;
            queue.items.push(item);
            self.set(key::sweep_queue(), &queue);
        }
        Ok(())
    }

    /// Take away as much as one block may.
    pub(crate) fn sweep(&mut self) -> Result<(), Missing> {
        let mut queue = self.sweep_queue()?;
        if queue.items.is_empty() {
            return Ok(());
        }
        let mut left = u64::from(SWEEP_MAX);
        while left > 0
            && let Some(item) = queue.items.first_mut()
        {
            let count = item.to.saturating_sub(item.from).min(left);
            self.sweep_leaves(item, count)?;
            left = left.saturating_sub(count);
            if item.from >= item.to {
                queue.items.remove(0);
            }
        }
        let value = (!queue.items.is_empty()).then(|| queue.encode());
        self.state.put(key::sweep_queue(), value);
        Ok(())
    }

    /// A claim, its mark, and the buckets of its path, which others may have taken away already.
    fn forget_claim(&mut self, id: AssociateId, n: u64) -> Result<(), Missing> {
        let at = key::claim(id, n);
        if let Some(Claim { account, asset, path, .. }) = self.get(&at)? {
            for depth in 0..=path.len() {
                self.state.put(key::bucket(id, asset, path.get(..depth).unwrap_or(&path), None), None);
            }
            self.state.put(key::bucket(id, asset, &path, Some(account)), None);
        }
        self.state.put(at, None);
        Ok(())
    }

    fn sweep_leaves(&mut self, item: &mut SweepItem, count: u64) -> Result<(), Missing> {
        match item.kind {
            SweepKind::Store => {
                let contract = ContractId(item.id.0);
                let max = usize::try_from(count).map_err(|_| Missing("more leaves than there is memory"))?;
                let keys = self.state.hint_keys(contract, &[], max)?;
                if keys.len() != max {
                    return Err(Missing("fewer keys of a contract's store than it has leaves"));
                }
                for raw in &keys {
                    self.state.put_store(contract, raw, None);
                }
                item.to = item.to.saturating_sub(count);
            }
            SweepKind::Inbox => {
                let to = item.from.saturating_add(count);
                (item.from..to).for_each(|n| self.state.put(key::inbox(AssociateId(item.id.0), n), None));
                item.from = to;
            }
            SweepKind::Claims => {
                let to = item.from.saturating_add(count);
                for n in item.from..to {
                    self.forget_claim(AssociateId(item.id.0), n)?;
                }
                item.from = to;
            }
        }
        Ok(())
    }
}
