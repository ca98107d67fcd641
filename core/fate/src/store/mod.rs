//! A contract's store: registers, and maps that lie outside of them.
//!
//! Registers are read once and written back at the end of the run; until then changes to maps collect in the values.
//! Read [`Stores`] first, then `write_back`. Rules: protocol, fate 7.

mod allocate;
mod meta;
mod rebuild;
mod references;
mod unfold;
mod write_back;

use alloc::{collections::BTreeMap, vec::Vec};

use crate::{
    Value,
    engine::{Address, BadStore, Host},
    value::{
        Measure,
        decode::{Door, decode},
    },
};
pub(crate) use meta::Maps;
pub(crate) use unfold::unfold;

/// A register's number and value as the run sees it.
#[derive(Clone)]
struct Register {
    value: Value,
    written: bool,
}

/// What is known of one contract's store.
struct Store {
    contract: Address,
    registers: BTreeMap<u32, Register>,
    maps: Option<Maps>,
}

/// What a register was before it was read or written, so that a protected call can be undone.
struct Undo {
    store: usize,
    register: u32,
    before: Option<Register>,
}

/// The stores that a run touched.
#[derive(Default)]
pub struct Stores {
    all: Vec<Store>,
    journal: Vec<Undo>,
    /// Protected calls that are running. Without one nobody will ask to undo.
    guards: usize,
}

impl Stores {
    /// The place of a contract's store.
    pub(crate) fn open(&mut self, contract: &Address) -> usize {
        if let Some(at) = self.all.iter().position(|store| store.contract == *contract) {
            return at;
        }
        self.all.push(Store { contract: *contract, registers: BTreeMap::new(), maps: None });
        self.all.len().saturating_sub(1)
    }

    /// A register's value, if the run has it.
    pub(crate) fn cached(&self, at: usize, register: u32) -> Option<&Value> {
        self.all.get(at)?.registers.get(&register).map(|register| &register.value)
    }

    /// Read a register from the host.
    pub(crate) fn fetch<H: Host>(&self, host: &mut H, at: usize, register: u32) -> Result<Option<Value>, H::Fault> {
        let Some(store) = self.all.get(at) else { return Ok(None) };
        fetch(host, &store.contract, &register_key(register))
    }

    /// Keep what was read.
    pub(crate) fn remember(&mut self, at: usize, register: u32, value: Value) {
        self.change(at, register, Register { value, written: false });
    }

    /// Write a register.
    pub(crate) fn set(&mut self, at: usize, register: u32, value: Value) {
        self.change(at, register, Register { value, written: true });
    }

    /// Let go of a value that will be written at once, unless somebody could go back to it.
    pub(crate) fn forget(&mut self, at: usize, register: u32) {
        let store = self.all.get_mut(at).filter(|_| self.guards == 0);
        if let Some(register) = store.and_then(|store| store.registers.get_mut(&register)) {
            register.value = Value::Unit;
        }
    }

    fn change(&mut self, at: usize, register: u32, to: Register) {
        let Some(store) = self.all.get_mut(at) else { return };
        let before = store.registers.insert(register, to);
        if self.guards > 0 {
            self.journal.push(Undo { store: at, register, before });
        }
    }

    /// A protected call begins.
    pub(crate) fn guard(&mut self, protected: bool) {
        self.guards = self.guards.saturating_add(usize::from(protected));
    }

    /// A protected call is over.
    pub(crate) fn unguard(&mut self, protected: bool) {
        self.guards = self.guards.saturating_sub(usize::from(protected));
        if self.guards == 0 {
            self.journal.clear();
        }
    }

    /// A point to return to.
    pub(crate) fn mark(&self) -> usize {
        self.journal.len()
    }

    /// Undo everything since.
    pub(crate) fn rewind(&mut self, to: usize) {
        while self.journal.len() > to {
            let Some(undo) = self.journal.pop() else { return };
            let Some(store) = self.all.get_mut(undo.store) else { continue };
            match undo.before {
                Some(register) => store.registers.insert(undo.register, register),
                None => store.registers.remove(&undo.register),
            };
        }
    }

    /// Sizes of the values that were written, in the order in which they are paid for.
    pub(crate) fn written(&self) -> Vec<Measure> {
        let registers =
            self.in_order().into_iter().filter_map(|at| self.all.get(at)).flat_map(|store| &store.registers);
        registers.filter(|(_, register)| register.written).map(|(_, register)| register.value.measure()).collect()
    }

    /// Places of the stores by the ids of their contracts.
    fn in_order(&self) -> Vec<usize> {
        let mut order: Vec<_> = (0..self.all.len()).collect();
        order.sort_unstable_by_key(|at| self.all.get(*at).map(|store| store.contract));
        order
    }

    /// The maps of a store, from register 0.
    pub(crate) fn maps<H: Host>(&mut self, host: &mut H, at: usize) -> Result<&mut Maps, H::Fault> {
        let Some(store) = self.all.get_mut(at) else { return Err(host.bad_store(&[0; 32], BadStore::Maps)) };
        if store.maps.is_none() {
            store.maps = Some(Maps::read(host, &store.contract)?);
        }
        match &mut store.maps {
            Some(maps) => Ok(maps),
            None => Err(host.bad_store(&store.contract, BadStore::Maps)),
        }
    }

    /// One entry of a map.
    pub(crate) fn entry<H: Host>(
        &mut self,
        host: &mut H,
        at: usize,
        map: u32,
        key: &Value,
    ) -> Result<Option<Value>, H::Fault> {
        let raw = self.maps(host, at)?.get(map).map(|meta| meta.raw);
        let contract = self.contract(at);
        let Some(raw) = raw else { return Err(host.bad_store(&contract, BadStore::Maps)) };
        fetch(host, &contract, &entry_key(raw, &key.encode()))
    }

    /// How many keys a map has.
    pub(crate) fn size<H: Host>(&mut self, host: &mut H, at: usize, map: u32) -> Result<u64, H::Fault> {
        let size = self.maps(host, at)?.get(map).map(|meta| meta.size);
        let contract = self.contract(at);
        size.ok_or_else(|| host.bad_store(&contract, BadStore::Maps))
    }

    /// All entries of a map.
    pub(crate) fn entries<H: Host>(
        &mut self,
        host: &mut H,
        at: usize,
        map: u32,
    ) -> Result<Vec<(Value, Value)>, H::Fault> {
        let meta = self.maps(host, at)?.get(map).copied();
        let contract = self.contract(at);
        let Some(meta) = meta else { return Err(host.bad_store(&contract, BadStore::Maps)) };
        let mut pairs = Vec::new();
        for (key, value) in raw_entries(host, &contract, meta.raw, meta.size)? {
            pairs.push((read(host, &contract, &key)?, read(host, &contract, &value)?));
        }
        Ok(pairs)
    }

    fn contract(&self, at: usize) -> Address {
        self.all.get(at).map_or([0; 32], |store| store.contract)
    }
}

/// Give a fresh contract its list of no maps.
pub(crate) fn begin<H: Host>(host: &mut H, contract: &Address) -> Result<(), H::Fault> {
    host.put(contract, &register_key(0), Some(&Maps::default().encode()))
}

/// `00 ‖ number`, the number minimal; that of register 0 is one zero byte.
fn register_key(register: u32) -> Vec<u8> {
    let bytes = register.to_be_bytes();
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count().min(3);
    [&[0], bytes.get(zeros..).unwrap_or_default()].concat()
}

/// `01 ‖ raw id`: what all keys of a map begin with, and by itself its marker.
fn map_prefix(raw: u32) -> Vec<u8> {
    [&[1][..], &raw.to_be_bytes()].concat()
}

fn entry_key(raw: u32, key: &[u8]) -> Vec<u8> {
    let mut all = map_prefix(raw);
    all.extend_from_slice(key);
    all
}

fn fetch<H: Host>(host: &mut H, contract: &Address, key: &[u8]) -> Result<Option<Value>, H::Fault> {
    match host.get(contract, key)? {
        Some(bytes) => read(host, contract, &bytes).map(Some),
        None => Ok(None),
    }
}

fn read<H: Host>(host: &mut H, contract: &Address, bytes: &[u8]) -> Result<Value, H::Fault> {
    decode(bytes, Door::Store).map_err(|_| host.bad_store(contract, BadStore::Value))
}

/// Keys, without what they all begin with, and values of a map, sorted. The host's hint is held to the map's size.
fn raw_entries<H: Host>(
    host: &mut H,
    contract: &Address,
    raw: u32,
    size: u64,
) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, H::Fault> {
    let prefix = map_prefix(raw);
    let mut entries = BTreeMap::new();
    for key in host.hint_keys(contract, &prefix)? {
        let Some(rest) = key.strip_prefix(&prefix[..]).filter(|rest| !rest.is_empty()) else { continue };
        if let Some(value) = host.get(contract, &key)? {
            entries.insert(rest.to_vec(), value);
        }
    }
    let got = crate::value::count(entries.len());
    if got == size { Ok(entries) } else { Err(host.bad_store(contract, BadStore::Keys { expected: size, got })) }
}
