//! Data entries: bytes that an account keeps on the ledger for a time. Rules: ledger 3.5, 5.

use banyan_types::{
    AccountId, EntryId, Height,
    limits::ENTRY_BYTES_MAX,
    tx::{EntryCreate, EntryDestroy, EntryTransfer},
};

use crate::{
    Entry, Event, Missing, Rejected, State, Tombstone,
    due::Ending,
    leaf::key,
    rules::Under,
    scene::{Scene, load},
};

/// A data entry, as long as it is there; it may have expired.
/// # Errors
/// `Missing` when the state could not answer.
pub fn entry(state: &mut impl State, id: EntryId) -> Result<Option<Entry>, Missing> {
    load(state, &key::entry(id))
}

impl<S: State> Scene<'_, S> {
    pub(crate) fn create_entry(&mut self, tx: &EntryCreate, under: &Under) -> Result<EntryId, Rejected> {
        let (owner, got) = (tx.owner_id, tx.data.0.len());
        if got > ENTRY_BYTES_MAX {
            return Err(Rejected::EntryTooLarge { max: ENTRY_BYTES_MAX, got });
        }
        let expiry = self.expiry_of(tx.lifetime)?;
        let id = EntryId::derive(&self.params.network_id, owner, under.serial(owner, tx.nonce));
        let gone: Option<Tombstone> = self.get(&key::tombstone(id.into()))?;
        if gone.is_some() || entry(self.state, id)?.is_some() {
            return Err(Rejected::Taken { id: id.into() });
        }
        self.set(key::entry(id), &Entry { owner, data: tx.data.clone(), expiry });
        self.end_at(Ending::Entry(id), expiry)?;
        self.events.push(Event::Created { id: id.into(), owner, expiry });
        Ok(id)
    }

    pub(crate) fn transfer_entry(&mut self, tx: &EntryTransfer) -> Result<(), Rejected> {
        let held = self.own_entry(tx.entry_id, tx.owner_id)?;
        if held.expiry < self.height {
            return Err(Rejected::Expired { id: tx.entry_id.into(), height: held.expiry });
        }
        self.set(key::entry(tx.entry_id), &Entry { owner: tx.to_id, ..held });
        self.events.push(Event::Given { id: tx.entry_id.into(), from: tx.owner_id, to: tx.to_id });
        Ok(())
    }

    pub(crate) fn destroy_entry(&mut self, tx: &EntryDestroy) -> Result<(), Rejected> {
        let held = self.own_entry(tx.entry_id, tx.owner_id)?;
        // What is destroyed was last there now, or when it expired.
        self.remove_entry(tx.entry_id, &held, held.expiry.min(self.height));
        Ok(())
    }

    /// An entry whose grace is over is gone, whether it was taken away yet or not.
    fn own_entry(&mut self, id: EntryId, owner: AccountId) -> Result<Entry, Rejected> {
        let held = entry(self.state, id)?.filter(|held| !self.is_gone(held.expiry));
        let held = held.ok_or(Rejected::NoEntry { entry: id.into() })?;
        if held.owner == owner { Ok(held) } else { Err(Rejected::NotOwner { owner: held.owner }) }
    }

    /// Delete an entry and leave its tombstone.
    pub(crate) fn remove_entry(&mut self, id: EntryId, held: &Entry, last: Height) {
        self.state.put(key::entry(id), None);
        self.set(key::tombstone(id.into()), &Tombstone::of(last, &held.encode()));
        self.events.push(Event::Removed { id: id.into(), to: None, amount: banyan_types::Amount::ZERO });
    }
}
