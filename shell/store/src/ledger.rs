//! Let the transition of a ledger read from a session: the only place where the store meets it.

use crate::hints::StoreName;
use crate::state::{Changes, Key, Session, View};
use banyan_ledger::{Base, Missing, StoreKeys, key};
use banyan_types::{ContractId, Hash};

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

    fn hint_keys(&self, contract: ContractId, prefix: &[u8], max: usize) -> Result<Vec<Vec<u8>>, Missing> {
        Base::hint_keys(self.base(), contract, prefix, max)
    }

    fn learn_keys(&mut self, keys: StoreKeys) {
        self.name(keys.into_iter().map(|(contract, raw)| {
            let key = key::store(contract, &raw);
            StoreName { contract: contract.0, raw, key }
        }));
    }
}

/// A state as it is: to try what would happen.
impl Base for View {
    fn read(&self, key: &Key) -> Result<Option<Vec<u8>>, Missing> {
        Self::read(self, key).map_err(|fault| {
            tracing::error!(%fault, version = %self.version(), "a leaf cannot be read");
            Missing("the store failed")
        })
    }

    fn root_after(&mut self, _: &Changes) -> Result<Hash, Missing> {
        Err(Missing("a view has no state after it"))
    }

    fn hint_keys(&self, contract: ContractId, prefix: &[u8], max: usize) -> Result<Vec<Vec<u8>>, Missing> {
        self.store_keys(&contract.0, prefix, max).map_err(|fault| {
            tracing::error!(%fault, version = %self.version(), "the keys of a store cannot be read");
            Missing("the store failed")
        })
    }

    fn learn_keys(&mut self, _: StoreKeys) {}
}
