//! How often values mention maps of the store.

use alloc::{collections::BTreeMap, vec::Vec};

use crate::Value;

/// Changes to the references of maps, by id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct References(BTreeMap<u32, i64>);

impl References {
    /// Count what a value mentions, `times` over.
    pub fn count(&mut self, value: &Value, times: i64) {
        let mut todo = Vec::new();
        if value.measure().has_store_map() {
            todo.push(value);
        }
        while let Some(value) = todo.pop() {
            if let Value::StoreMap(map) = value {
                let count = self.0.entry(map.id()).or_default();
                *count = count.saturating_add(times);
            }
            let inside = value.children().into_iter().flatten();
            todo.extend(inside.filter(|value| value.measure().has_store_map()));
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (u32, i64)> + '_ {
        self.0.iter().map(|(id, delta)| (*id, *delta))
    }
}
