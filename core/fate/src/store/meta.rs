//! Register 0: the maps of a store.

use alloc::{collections::BTreeMap, vec::Vec};

use super::{fetch, register_key};
use crate::{
    Value,
    engine::{Address, BadStore, Host},
    value::Map,
};

/// One map of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Meta {
    /// Under which number its entries lie. Another than its id, once it was changed in place.
    pub raw: u32,
    /// How often registers and other maps mention it.
    pub references: i64,
    /// How many keys it has.
    pub size: u64,
}

/// The maps of a store by their ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Maps(BTreeMap<u32, Meta>);

impl Maps {
    pub fn read<H: Host>(host: &mut H, contract: &Address) -> Result<Self, H::Fault> {
        let maps = match fetch(host, contract, &register_key(0))? {
            None => Some(Self::default()),
            Some(value) => Self::parse(&value),
        };
        maps.ok_or_else(|| host.bad_store(contract, BadStore::Maps))
    }

    fn parse(value: &Value) -> Option<Self> {
        let Value::Map(map) = value else { return None };
        let mut maps = BTreeMap::new();
        for (id, meta) in map {
            let [Value::Int(raw), Value::Int(references), Value::Int(size)] = meta.as_tuple()? else { return None };
            let Value::Int(id) = id else { return None };
            let meta =
                Meta { raw: u32::try_from(*raw).ok()?, references: *references, size: u64::try_from(*size).ok()? };
            maps.insert(u32::try_from(*id).ok()?, meta);
        }
        Some(Self(maps))
    }

    pub fn encode(&self) -> Vec<u8> {
        let pairs = self.0.iter().map(|(id, meta)| {
            let size = i64::try_from(meta.size).unwrap_or(i64::MAX);
            let row = [i64::from(meta.raw), meta.references, size].map(Value::Int);
            (Value::Int(i64::from(*id)), Value::tuple(row.to_vec()))
        });
        Value::Map(pairs.collect::<Map>()).encode()
    }

    pub fn get(&self, id: u32) -> Option<&Meta> {
        self.0.get(&id)
    }

    pub fn set(&mut self, id: u32, meta: Meta) {
        self.0.insert(id, meta);
    }

    pub fn remove(&mut self, id: u32) {
        self.0.remove(&id);
    }

    /// Ids that are not free: those of maps, and those under which entries lie.
    pub fn used(&self) -> alloc::collections::BTreeSet<u32> {
        self.0.iter().flat_map(|(id, meta)| [*id, meta.raw]).collect()
    }

    /// Maps that nothing mentions.
    pub fn unused(&self) -> alloc::collections::BTreeSet<u32> {
        self.0.iter().filter(|(_, meta)| meta.references == 0).map(|(id, _)| *id).collect()
    }

    /// Add to the references. A map that is yet to be written begins with its own id and no keys.
    #[must_use]
    pub fn with(&self, deltas: &super::references::References) -> Self {
        let mut maps = self.clone();
        for (id, delta) in deltas.iter() {
            let meta = maps.0.entry(id).or_insert(Meta { raw: id, references: 0, size: 0 });
            meta.references = meta.references.saturating_add(delta);
        }
        maps
    }
}
