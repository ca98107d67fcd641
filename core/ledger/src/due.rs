//! What is to be done at a height, in order of its making. Rules: ledger 5.3, 6.1.
//!
//! Each key or child block walks on from the cursor, at most [`PRUNE_MAX`] items; what is left over is done by the next
//! ones. No rule asks how far the walk has come: an object's own expiry says what it is. An item is a reminder and no more:
//! whoever is reminded looks at the object, which may live for longer by now.

use banyan_types::{AccountId, AssociateId, Bytes, ContractId, EntryId, Hash, Height, limits::PRUNE_MAX};

use crate::{
    Missing, Rejected, State,
    leaf::{Due, DueCount, DueCursor, UsedAuth, key},
    scene::Scene,
};

/// What an item is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Pay back what an account has unbonded.
    Release(AccountId),
    /// A contract expires, or is taken away.
    Contract(ContractId),
    /// A connection point expires.
    Associate(AssociateId),
    /// A data entry expires, or is taken away.
    Entry(EntryId),
    /// An authentication may be forgotten.
    Auth(Hash),
    /// Announced changes of a connection point bind.
    Changes(AssociateId),
    /// Claims on a dead child are to be paid.
    Escape(AssociateId),
}

impl Ending {
    const fn parts(&self) -> (u64, &[u8; 32]) {
        match self {
            Self::Release(id) => (1, &id.0),
            Self::Contract(id) => (2, &id.0),
            Self::Associate(id) => (3, &id.0),
            Self::Entry(id) => (4, &id.0),
            Self::Auth(id) => (5, &id.0),
            Self::Changes(id) => (6, &id.0),
            Self::Escape(id) => (7, &id.0),
        }
    }

    fn of(due: &Due) -> Option<Self> {
        let id: [u8; 32] = due.id.0.as_slice().try_into().ok()?;
        Some(match due.kind {
            1 => Self::Release(AccountId(id)),
            2 => Self::Contract(ContractId(id)),
            3 => Self::Associate(AssociateId(id)),
            4 => Self::Entry(EntryId(id)),
            5 => Self::Auth(Hash(id)),
            6 => Self::Changes(AssociateId(id)),
            7 => Self::Escape(AssociateId(id)),
            _ => return None,
        })
    }
}

impl<S: State> Scene<'_, S> {
    /// Be reminded of something at a height.
    pub(crate) fn due_at(&mut self, height: Height, ending: Ending) -> Result<(), Rejected> {
        let n = self.get::<DueCount>(&key::due_count(height))?.map_or(0, |count| count.n);
        let next = n.checked_add(1).ok_or(Rejected::Overflow)?;
        let (kind, id) = ending.parts();
        self.set(key::due(height, n), &Due { kind, id: Bytes(id.to_vec()) });
        self.set(key::due_count(height), &DueCount { n: next });
        Ok(())
    }

    /// The part of every key and child block that makes room.
    pub(crate) fn end_what_is_due(&mut self) -> Result<(), Rejected> {
        self.walk_due()?;
        Ok(self.sweep()?)
    }

    /// Do what is due up to this height.
    fn walk_due(&mut self) -> Result<(), Rejected> {
        let at = key::due_cursor();
        let before: DueCursor = self.get(&at)?.ok_or(Missing("no due cursor: the state has no genesis"))?;
        let mut cursor = before.clone();
        let mut left = PRUNE_MAX;
        while cursor.height <= self.height && left > 0 && !self.is_sweep_full()? {
            let count = self.get::<DueCount>(&key::due_count(cursor.height))?.map_or(0, |count| count.n);
            if cursor.index < count {
                self.do_item(cursor.height, cursor.index)?;
                cursor.index = cursor.index.saturating_add(1);
                left = left.saturating_sub(1);
                continue;
            }
            if count > 0 {
                self.state.put(key::due_count(cursor.height), None);
            }
            cursor = DueCursor { height: cursor.height.next().ok_or(Rejected::Overflow)?, index: 0 };
        }
        if cursor != before {
            self.set(at, &cursor);
        }
        Ok(())
    }

    fn do_item(&mut self, height: Height, index: u32) -> Result<(), Rejected> {
        let item = key::due(height, index);
        let due: Due = self.get(&item)?.ok_or(Missing("a due item that is counted is absent"))?;
        self.state.put(item, None);
        match Ending::of(&due).ok_or(Missing("a due item of an unknown kind"))? {
            Ending::Release(staker) => self.release(staker),
            Ending::Contract(id) => self.end_contract(id, height),
            Ending::Associate(id) => self.end_associate(id),
            Ending::Entry(id) => self.end_entry(id, height),
            Ending::Auth(id) => self.forget_auth(id),
            Ending::Changes(id) => self.ripen(id),
            Ending::Escape(id) => self.end_escape(id),
        }
    }

    /// An authentication of an earlier generation may be made again.
    fn forget_auth(&mut self, id: Hash) -> Result<(), Rejected> {
        let at = key::used_auth(id);
        if self.get::<UsedAuth>(&at)?.is_some_and(|used| used.height < self.height) {
            self.state.put(at, None);
        }
        Ok(())
    }
}
