//! Let the transition of a ledger read from a session: the only place where the store meets it.

use crate::state::{Changes, Key, Session};
use banyan_ledger::{Base, Missing};
use banyan_types::Hash;

impl Base for Session {
    fn read(&self, key: &Key) -> Result<Option<Vec<u8>>, Missing> {
        // The transition needs to know no more than that it must stop; the operator does.
        Self::read(self, key).map_err(|fault| {
            tracing::error!(%fault, version = %self.base().version(), "a leaf cannot be read");
            Missing("the store failed")
        })
    }

    fn root_after(&mut self, changes: &Changes) -> Result<Hash, Missing> {
        Ok(Hash(Self::root_after(self, changes)))
    }
}
