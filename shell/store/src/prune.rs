//! Forget versions that finality has passed.
//!
//! What may go is known from the tree of versions alone, and which rows go with it from the rows of their changes; nothing is
//! scanned. A version that somebody looks at stays, and so does what its leaves rest on, until a later call.

use crate::engine::{Batch, Column, Engine, Fault};
use crate::hints::forget;
use crate::state::{Key, State, Version, leaf_row};
use crate::versions::{Change, Marks, Versions};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Most versions that one call forgets, so that blocks never wait long behind a backlog.
pub const PRUNE_VERSIONS_MAX: usize = 256;

/// What one call forgot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Versions forgotten.
    pub versions: usize,
    /// Rows deleted.
    pub rows: usize,
    /// Versions left for a later call: above the limit, or being read.
    pub waiting: usize,
}

/// One atomic step; the tree of versions is whole before and after it.
pub(crate) enum Step {
    /// Forget a version that nothing kept was built on.
    Drop(Arc<State>),
    /// Forget the base, whose only child takes its place.
    Advance {
        /// The old base.
        from: Arc<State>,
        /// Its child.
        to: Version,
    },
}

impl Step {
    /// The version that goes.
    pub(crate) const fn state(&self) -> &Arc<State> {
        match self {
            Self::Drop(state) | Self::Advance { from: state, .. } => state,
        }
    }

    /// The rows that go; `marks` follow. `held` says of a leaf whether another version still has it.
    pub(crate) fn batch(
        &self,
        engine: &dyn Engine,
        marks: &mut Marks,
        held: impl Fn(&Key) -> bool,
    ) -> Result<Batch, Fault> {
        let mut batch = Batch::default();
        match self {
            Self::Drop(state) => {
                for key in Change::read(engine, state.version)?.keys {
                    batch.delete(Column::Leaf, leaf_row(&key, state.version));
                    if state.trie.get(&key).is_some() && !held(&key) {
                        forget(engine, &mut batch, &key)?;
                    }
                }
                batch.delete(Column::Change, state.version.to_bytes());
            }
            Self::Advance { from, to } => {
                let replaced = Change::read(engine, *to)?.keys;
                for leaf in replaced.iter().filter_map(|key| from.trie.get(key)) {
                    batch.delete(Column::Leaf, leaf_row(&leaf.key, leaf.note.version));
                    if !held(&leaf.key) {
                        forget(engine, &mut batch, &leaf.key)?;
                    }
                }
                batch.delete(Column::Change, from.version.to_bytes());
                marks.base = *to;
            }
        }
        Ok(batch)
    }
}

impl Versions {
    /// Take out of the tree what the final version lets go, keeping `window` versions before it, in the order in which the rows
    /// must go; and how many versions must wait.
    pub(crate) fn take_prunable(&mut self, window: usize) -> (Vec<Step>, usize) {
        let losers = self.losers();
        let chain = self.chain_to_final(window);
        let candidates = losers.len() + chain.len() - 1;
        let due = self.due(losers, &chain);
        let waiting = candidates - due.len();
        (due.into_iter().filter_map(|(version, child)| self.take(version, child)).collect(), waiting)
    }

    /// Of the candidates those that nobody reads, each with the child that takes its place.
    fn due(&self, losers: Vec<Version>, chain: &[Version]) -> Vec<(Version, Option<Version>)> {
        let is_read = |version| self.kept.get(&version).is_none_or(|state| Arc::strong_count(state) > 1);
        // What versions that stay were built on, the chain itself aside.
        let mut held = BTreeSet::new();
        let mut due = Vec::new();
        for loser in losers {
            if is_read(loser) || held.contains(&loser) {
                held.extend(self.kept.get(&loser).map(|state| state.parent));
            } else {
                due.push((loser, None));
            }
        }
        let free = chain.windows(2).take_while(|pair| !is_read(pair[0]) && !held.contains(&pair[0]));
        due.extend(free.map(|pair| (pair[0], Some(pair[1]))));
        due.truncate(PRUNE_VERSIONS_MAX);
        due
    }

    /// Versions that neither led to the final one nor follow it, children first.
    fn losers(&self) -> Vec<Version> {
        let last_final = self.marks.last_final;
        let mut kin: BTreeSet<_> = self.chain_to_final(0).into_iter().collect();
        for state in self.kept.values() {
            if state.parent >= last_final && kin.contains(&state.parent) {
                kin.insert(state.version);
            }
        }
        self.kept.keys().rev().filter(|version| !kin.contains(version)).copied().collect()
    }

    /// From the base to the version `window` before the final one, parents first; the base alone if it is nearer.
    fn chain_to_final(&self, window: usize) -> Vec<Version> {
        let parent =
            |version: &Version| self.kept.get(version).filter(|_| *version > self.marks.base).map(|state| state.parent);
        let mut chain: Vec<_> = std::iter::successors(Some(self.marks.last_final), parent).skip(window).collect();
        chain.reverse();
        if chain.is_empty() { vec![self.marks.base] } else { chain }
    }

    fn take(&mut self, version: Version, child: Option<Version>) -> Option<Step> {
        let state = self.kept.remove(&version)?;
        self.marks.base = child.unwrap_or(self.marks.base);
        Some(child.map_or_else(|| Step::Drop(Arc::clone(&state)), |to| Step::Advance { from: Arc::clone(&state), to }))
    }
}
