//! What this witness has signed, as far as it binds what it may sign next.
//!
//! This is the file that a witness must not lose. It has the last prevote, the last precommit and, for each of the newest
//! generations, the last lock. A statement that it allows makes no evidence with any that it was told of before.

use alloc::{collections::BTreeMap, vec::Vec};

use banyan_types::{
    Hash, Height,
    witness::{Slot, Statement, Vote, VoteKind},
};

use crate::evidence::unlocks;

/// Generations whose last lock is remembered. The fork choice may come back to an older generation, and an index that was
/// locked there must not be locked again; older ones than these are never locked any more.
pub const GENERATIONS_MAX: usize = 64;

/// The votes that bind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watermarks {
    prevote: Option<Vote>,
    precommit: Option<Vote>,
    /// By key block: the vote with the highest index.
    locks: BTreeMap<Hash, Vote>,
    /// No lock at or below this height.
    floor: Option<Height>,
}

impl Watermarks {
    /// Fold the votes that were kept, in any order.
    pub fn of(votes: impl IntoIterator<Item = Vote>) -> Self {
        let mut marks = Self::default();
        votes.into_iter().for_each(|vote| marks.note(&vote));
        marks
    }

    /// The votes to keep: all that a restart needs.
    pub fn votes(&self) -> Vec<Vote> {
        let newest = [self.prevote, self.precommit];
        newest.into_iter().flatten().chain(self.locks.values().copied()).collect()
    }

    /// Remember a vote, if it binds more than those before it.
    pub fn note(&mut self, vote: &Vote) {
        let newest = match vote.statement.kind {
            VoteKind::Prevote => &mut self.prevote,
            VoteKind::Precommit => &mut self.precommit,
            VoteKind::Lock => return self.note_lock(vote),
        };
        if newest.is_none_or(|last| when(&last.statement) < when(&vote.statement)) {
            *newest = Some(*vote);
        }
    }

    /// Whether no vote noted so far stands against this statement.
    pub fn allows(&self, statement: &Statement) -> bool {
        let is_new = |last: Option<Vote>| last.is_none_or(|last| when(&last.statement) < when(statement));
        match statement.kind {
            VoteKind::Prevote => {
                is_new(self.prevote) && self.precommit.is_none_or(|last| !unlocks(&last.statement, statement))
            }
            // A precommit in a round before the last prevote's could make that prevote an unlock.
            VoteKind::Precommit => {
                let entered = self.prevote.is_none_or(|last| when(&last.statement) <= when(statement));
                is_new(self.precommit) && entered
            }
            VoteKind::Lock => match self.locks.get(&statement.source.hash) {
                Some(last) => last.statement.index < statement.index,
                None => self.allows_generation(statement.height),
            },
        }
    }

    /// Whether a generation at this height may have its first lock.
    pub(crate) fn allows_generation(&self, height: Height) -> bool {
        self.floor.is_none_or(|floor| floor < height)
    }

    /// Whether a vote with this node's key is one that this node may have cast: not newer than what was noted for its
    /// kind, and where it is of the same slot, the same.
    pub fn knows(&self, statement: &Statement) -> bool {
        let covers = |last: Option<Vote>| {
            last.is_some_and(|last| match when(statement).cmp(&when(&last.statement)) {
                core::cmp::Ordering::Less => true,
                core::cmp::Ordering::Equal => *statement == last.statement,
                core::cmp::Ordering::Greater => false,
            })
        };
        match statement.kind {
            VoteKind::Prevote => covers(self.prevote),
            VoteKind::Precommit => covers(self.precommit),
            VoteKind::Lock => match self.locks.get(&statement.source.hash) {
                Some(last) if last.statement.slot() == statement.slot() => last.statement == *statement,
                Some(last) => statement.index < last.statement.index,
                None => self.floor.is_some_and(|floor| statement.height <= floor),
            },
        }
    }

    /// The last prevote.
    pub const fn prevote(&self) -> Option<&Vote> {
        self.prevote.as_ref()
    }

    /// The last precommit.
    pub const fn precommit(&self) -> Option<&Vote> {
        self.precommit.as_ref()
    }

    /// The last lock in the generation of a key block.
    pub fn lock(&self, key_block: &Hash) -> Option<&Vote> {
        self.locks.get(key_block)
    }

    fn note_lock(&mut self, vote: &Vote) {
        let Slot::Lock(key_block, index) = vote.statement.slot() else { return };
        if self.locks.get(&key_block).is_none_or(|last| last.statement.index < index) {
            self.locks.insert(key_block, *vote);
        }
        if self.locks.len() > GENERATIONS_MAX {
            let lowest = self.locks.iter().min_by_key(|(_, lock)| lock.statement.height);
            let Some((key_block, height)) = lowest.map(|(hash, lock)| (*hash, lock.statement.height)) else { return };
            self.locks.remove(&key_block);
            self.floor = self.floor.max(Some(height));
        }
    }
}

/// Orders the votes of one kind.
const fn when(statement: &Statement) -> (u32, u32) {
    (statement.era.0, statement.round.0)
}
