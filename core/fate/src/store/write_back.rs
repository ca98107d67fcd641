//! Write what changed: allocate ids, count references, find what may be changed in place, write, collect.
//!
//! Everything is decided against the store as it is; then it is written, copies before changes in place, since those
//! destroy what copies are made of.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use super::{
    Store, Stores,
    allocate::{Allocate, NewMap},
    entry_key, fetch, map_prefix,
    meta::{Maps, Meta},
    raw_entries, read,
    references::References,
    register_key,
};
use crate::{
    Value,
    engine::{Address, BadStore, Host, Reason, Step, Trap},
    gas::{Meter, STORE_BYTE},
    limits::{REUSE_ROUNDS_MAX, VALUE_BYTES_MAX, VALUE_DEPTH_MAX},
    value::count,
};

impl Stores {
    /// Write all stores back, in the order of their contracts.
    pub(crate) fn write_back<H: Host>(&mut self, host: &mut H, meter: &mut Meter) -> Step<(), H> {
        for at in self.in_order() {
            let Some(store) = self.all.get(at) else { continue };
            if !store.registers.values().any(|register| register.written) {
                continue;
            }
            let maps = self.maps(host, at).map_err(Trap::Fault)?.clone();
            if let Some(store) = self.all.get(at) {
                Work::plan(host, store, &maps)?.carry_out(host, meter)?;
            }
        }
        Ok(())
    }
}

/// What has to be written of one store.
struct Work<'a> {
    contract: &'a Address,
    registers: Vec<(u32, Value)>,
    new: BTreeMap<u32, NewMap>,
    /// As they were.
    old: &'a Maps,
    /// As they will be, but for places and sizes of what is written.
    maps: Maps,
    /// Maps that are changed in place, and the ids that they get.
    reuse: BTreeMap<u32, u32>,
    /// Maps that go.
    garbage: Vec<Meta>,
}

impl<'a> Work<'a> {
    fn plan<H: Host>(host: &mut H, store: &'a Store, old: &'a Maps) -> Step<Self, H> {
        let mut allocate = Allocate::new(old.used());
        let mut registers = Vec::new();
        for (number, register) in store.registers.iter().filter(|(_, register)| register.written) {
            let measure = register.value.measure();
            if measure.depth > VALUE_DEPTH_MAX {
                return Err(Reason::Limit("values inside values").into());
            }
            registers.push((*number, allocate.value(register.value.clone())));
        }
        let new = allocate.maps;
        let contract = &store.contract;
        let counted = old.with(&count_references(host, contract, &registers, &new)?);
        let mut work =
            Self { contract, registers, new, old, maps: counted, reuse: BTreeMap::new(), garbage: Vec::new() };
        work.find_reuse(host)?;
        work.find_garbage(host)?;
        Ok(work)
    }

    /// Which maps are changed in place: those that nothing else mentions. What is changed in place or copied changes
    /// the references of maps inside, and with them what else is unused, until nothing changes any more.
    fn find_reuse<H: Host>(&mut self, host: &mut H) -> Step<(), H> {
        let counted = self.maps.clone();
        let mut unused = counted.unused();
        // First as if copies mentioned nothing: if in the end nothing is copied, no map has to be read whole.
        for copies in [false, true] {
            unused = if copies { counted.unused() } else { unused };
            for _ in 0..REUSE_ROUNDS_MAX {
                self.reuse = self.reusable(&unused);
                self.maps = counted.with(&self.inner_references(host, copies)?);
                let next = self.maps.unused();
                if next == unused {
                    break;
                }
                unused = next;
            }
            let changed = self.new.values().filter(|map| matches!(map, NewMap::Changed { .. })).count();
            if self.reuse.len() == changed {
                break;
            }
        }
        Ok(())
    }

    /// Of several changes of one map the last one gets its place.
    fn reusable(&self, unused: &BTreeSet<u32>) -> BTreeMap<u32, u32> {
        let changed = self.new.iter().filter_map(|(id, map)| match map {
            NewMap::Changed { base, .. } if unused.contains(base) => Some((*base, *id)),
            _ => None,
        });
        changed.collect()
    }

    /// Changes in place drop what stood at their keys; copies mention again what stands at all others.
    fn inner_references<H: Host>(&self, host: &mut H, copies: bool) -> Step<References, H> {
        let mut references = References::default();
        for (id, map) in &self.new {
            let NewMap::Changed { base, changes } = map else { continue };
            let meta = self.old_meta(host, *base)?;
            if self.reuse.get(base) == Some(id) {
                for (key, _) in changes {
                    let key = entry_key(meta.raw, &key.encode());
                    if let Some(value) = fetch(host, self.contract, &key).map_err(Trap::Fault)? {
                        references.count(&value, -1);
                    }
                }
            } else if copies {
                let replaced: BTreeSet<_> = changes.iter().map(|(key, _)| key.encode()).collect();
                let entries = raw_entries(host, self.contract, meta.raw, meta.size).map_err(Trap::Fault)?;
                for (_, value) in entries.iter().filter(|(key, _)| !replaced.contains(*key)) {
                    references.count(&read(host, self.contract, value).map_err(Trap::Fault)?, 1);
                }
            }
        }
        Ok(references)
    }

    fn old_meta<H: Host>(&self, host: &mut H, id: u32) -> Step<Meta, H> {
        let meta = self.old.get(id).copied();
        meta.ok_or_else(|| Trap::Fault(host.bad_store(self.contract, BadStore::Maps)))
    }

    /// Maps that nothing mentions and nothing reuses go, and with them what only they mention.
    fn find_garbage<H: Host>(&mut self, host: &mut H) -> Step<(), H> {
        loop {
            let unused = self.maps.unused();
            let garbage: Vec<_> = unused.into_iter().filter(|id| !self.reuse.contains_key(id)).collect();
            if garbage.is_empty() {
                return Ok(());
            }
            let mut references = References::default();
            for id in &garbage {
                let meta = self.old_meta(host, *id)?;
                for value in raw_entries(host, self.contract, meta.raw, meta.size).map_err(Trap::Fault)?.values() {
                    references.count(&read(host, self.contract, value).map_err(Trap::Fault)?, -1);
                }
                self.garbage.push(meta);
            }
            self.maps = self.maps.with(&references);
            for id in garbage {
                self.maps.remove(id);
            }
        }
    }

    fn carry_out<H: Host>(mut self, host: &mut H, meter: &mut Meter) -> Step<(), H> {
        for (number, value) in core::mem::take(&mut self.registers) {
            self.put(host, meter, &register_key(number), 0, &encode(&value)?)?;
        }
        let new = core::mem::take(&mut self.new);
        let in_place = |id: u32, map: &NewMap| match map {
            NewMap::Changed { base, .. } => self.reuse.get(base) == Some(&id),
            NewMap::Fresh(_) => false,
        };
        let (changes, copies): (Vec<_>, Vec<_>) = new.into_iter().partition(|(id, map)| in_place(*id, map));
        for (id, map) in copies {
            self.copy(host, meter, id, &map)?;
        }
        for (id, map) in changes {
            if let NewMap::Changed { base, .. } = &map {
                self.change(host, meter, id, *base, &map)?;
            }
        }
        for meta in core::mem::take(&mut self.garbage) {
            self.collect(host, meta)?;
        }
        self.put(host, meter, &register_key(0), 0, &self.maps.encode())
    }

    /// Write an entry and pay for its bytes, without the part of the key that says which map it is.
    fn put<H: Host>(&self, host: &mut H, meter: &mut Meter, key: &[u8], free: usize, value: &[u8]) -> Step<(), H> {
        let bytes = key.len().saturating_sub(free).saturating_add(value.len());
        meter.spend(count(bytes).saturating_mul(STORE_BYTE))?;
        host.put(self.contract, key, Some(value)).map_err(Trap::Fault)
    }

    /// Write a map under an id of its own.
    fn copy<H: Host>(&mut self, host: &mut H, meter: &mut Meter, id: u32, map: &NewMap) -> Step<(), H> {
        let mut size = 0;
        if let NewMap::Changed { base, .. } = map {
            let old = self.old_meta(host, *base)?;
            size = old.size;
            let prefix = map_prefix(id);
            for (key, value) in raw_entries(host, self.contract, old.raw, old.size).map_err(Trap::Fault)? {
                self.put(host, meter, &entry_key(id, &key), prefix.len(), &value)?;
            }
        }
        let size = self.put_pairs(host, meter, id, size, map)?;
        host.put(self.contract, &map_prefix(id), Some(&[0])).map_err(Trap::Fault)?;
        let references = self.maps.get(id).map_or(0, |meta| meta.references);
        self.maps.set(id, Meta { raw: id, references, size });
        Ok(())
    }

    /// Write changes over the map that they change, which gets a new id.
    fn change<H: Host>(&mut self, host: &mut H, meter: &mut Meter, id: u32, base: u32, map: &NewMap) -> Step<(), H> {
        let old = self.old_meta(host, base)?;
        let size = self.put_pairs(host, meter, old.raw, old.size, map)?;
        let references = self.maps.get(id).map_or(0, |meta| meta.references);
        self.maps.remove(base);
        self.maps.set(id, Meta { raw: old.raw, references, size });
        Ok(())
    }

    /// Write or delete keys of a map; gives how many it has then.
    fn put_pairs<H: Host>(&self, host: &mut H, meter: &mut Meter, raw: u32, size: u64, map: &NewMap) -> Step<u64, H> {
        let mut size = size;
        let prefix = map_prefix(raw).len();
        for (key, value) in map.pairs() {
            let key = entry_key(raw, &encode(key)?);
            let known = host.get(self.contract, &key).map_err(Trap::Fault)?.is_some();
            if matches!(value, Value::Gone) {
                host.put(self.contract, &key, None).map_err(Trap::Fault)?;
                size = size.saturating_sub(u64::from(known));
            } else {
                self.put(host, meter, &key, prefix, &encode(value)?)?;
                size = size.saturating_add(u64::from(!known));
            }
        }
        Ok(size)
    }

    fn collect<H: Host>(&self, host: &mut H, meta: Meta) -> Step<(), H> {
        let entries = raw_entries(host, self.contract, meta.raw, meta.size).map_err(Trap::Fault)?;
        for key in entries.keys() {
            host.put(self.contract, &entry_key(meta.raw, key), None).map_err(Trap::Fault)?;
        }
        host.put(self.contract, &map_prefix(meta.raw), None).map_err(Trap::Fault)
    }
}

fn encode(value: &Value) -> Result<Vec<u8>, Reason> {
    if value.measure().bytes > count(VALUE_BYTES_MAX) {
        return Err(Reason::Limit("bytes of a stored value"));
    }
    let bytes = value.encode();
    if bytes.len() > VALUE_BYTES_MAX { Err(Reason::Limit("bytes of a stored value")) } else { Ok(bytes) }
}

/// What registers and new maps mention, less what the registers mentioned before.
fn count_references<H: Host>(
    host: &mut H,
    contract: &Address,
    registers: &[(u32, Value)],
    new: &BTreeMap<u32, NewMap>,
) -> Step<References, H> {
    let mut references = References::default();
    for (number, value) in registers {
        references.count(value, 1);
        if let Some(old) = fetch(host, contract, &register_key(*number)).map_err(Trap::Fault)? {
            references.count(&old, -1);
        }
    }
    for (_, value) in new.values().flat_map(NewMap::pairs) {
        references.count(value, 1);
    }
    Ok(references)
}
