//! Decide which maps in registers become maps of the store, and give them ids.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use core::convert::Infallible;

use super::rebuild::{Plan, Rebuild, Shape, pairs, put_together, rebuild, take_apart};
use crate::{
    Value,
    value::{Map, StoreMap},
};

/// Bytes from which a map is worth a place of its own. Part of consensus.
const STORE_MAP_BYTES_MIN: usize = 100;

/// A map that has to be written.
pub(super) enum NewMap {
    /// All of it.
    Fresh(Map),
    /// A map of the store with changes.
    Changed { base: u32, changes: Map },
}

impl NewMap {
    /// What is written of it for sure.
    pub fn pairs(&self) -> &Map {
        match self {
            Self::Fresh(map) | Self::Changed { changes: map, .. } => map,
        }
    }
}

/// Gives out the smallest ids that are free, in the order in which maps are met.
pub(super) struct Allocate {
    used: BTreeSet<u32>,
    /// Below this everything is used.
    low: u32,
    pub maps: BTreeMap<u32, NewMap>,
}

impl Allocate {
    pub const fn new(used: BTreeSet<u32>) -> Self {
        Self { used, low: 0, maps: BTreeMap::new() }
    }

    /// The value with all its maps in their places.
    pub fn value(&mut self, value: Value) -> Value {
        match rebuild(value, self) {
            Ok(value) => value,
            Err(never) => match never {},
        }
    }

    fn next_id(&mut self) -> u32 {
        while self.used.contains(&self.low) {
            self.low = self.low.saturating_add(1);
        }
        self.used.insert(self.low);
        self.low
    }
}

impl Rebuild for Allocate {
    type Error = Infallible;

    /// A changed map gets its id before the maps inside its changes, a fresh one after those inside it.
    fn plan(&mut self, value: &Value) -> Result<Plan, Infallible> {
        if !value.measure().has_map() {
            return Ok(Plan::Keep);
        }
        let Value::StoreMap(map) = value else { return Ok(take_apart(value)) };
        if map.changes().is_empty() {
            return Ok(Plan::Keep);
        }
        let shape = Shape::Changes { base: map.id(), id: self.next_id() };
        let parts = map.changes().iter().flat_map(|(key, value)| [key.clone(), value.clone()]);
        Ok(Plan::Open(shape, parts.collect()))
    }

    fn close(&mut self, shape: Shape, parts: Vec<Value>) -> Result<Value, Infallible> {
        if let Shape::Changes { base, id } = shape {
            self.maps.insert(id, NewMap::Changed { base, changes: pairs(parts) });
            return Ok(Value::StoreMap(StoreMap::new(id, Map::EMPTY)));
        }
        let value = put_together(shape, parts);
        let Value::Map(map) = &value else { return Ok(value) };
        if value.encode().len() < STORE_MAP_BYTES_MIN {
            return Ok(value);
        }
        let id = self.next_id();
        self.maps.insert(id, NewMap::Fresh(map.clone()));
        Ok(Value::StoreMap(StoreMap::new(id, Map::EMPTY)))
    }
}
