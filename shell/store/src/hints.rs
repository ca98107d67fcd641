//! Find the leaves of a contract's store, whose keys the trie hides behind hashes.
//!
//! A row of [`Column::StoreKey`] stands for every store leaf that some kept version holds, whichever branch wrote it; a version
//! is asked by looking up each found key in its own trie. So unwinding and changing branches need nothing here: a row is
//! written with the block that writes the leaf, and goes when pruning leaves no version that holds it. Which row a leaf has
//! stands in [`Column::StoreName`].

use crate::engine::{Batch, Column, Engine, Fault, Order};
use crate::state::{Id, Key};
use std::ops::Bound;

/// The beginning of a store key that its row is ordered by; engines limit the length of a row's key.
const ORDERED_BYTES: usize = 256;
/// Rows that are read at once.
const PAGE_ROWS: usize = 1_024;

/// A leaf of a contract's store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreName {
    /// The contract.
    pub contract: Id,
    /// The key that the contract knows it by.
    pub raw: Vec<u8>,
    /// Where it stands in the trie.
    pub key: Key,
}

impl StoreName {
    fn row(&self) -> Vec<u8> {
        let ordered = self.raw.get(..ORDERED_BYTES).unwrap_or(&self.raw);
        [&self.contract[..], ordered, &self.key].concat()
    }

    /// Put the rows of a leaf that a version holds.
    pub(crate) fn put(self, batch: &mut Batch) {
        let row = self.row();
        batch.put(Column::StoreName, self.key, row.clone());
        batch.put(Column::StoreKey, row, self.raw);
    }
}

/// Delete the rows of a leaf that no version holds any more, if it is one of a store.
pub(crate) fn forget(engine: &dyn Engine, batch: &mut Batch, key: &Key) -> Result<(), Fault> {
    if let Some(row) = engine.get(Column::StoreName, key)? {
        batch.delete(Column::StoreName, *key);
        batch.delete(Column::StoreKey, row);
    }
    Ok(())
}

/// The keys of a contract's store that begin with `prefix` and whose leaf `is_here`, ascending, at most `max`.
pub(crate) fn keys(
    engine: &dyn Engine,
    contract: &Id,
    prefix: &[u8],
    max: usize,
    is_here: impl Fn(&Key) -> bool,
) -> Result<Vec<Vec<u8>>, Fault> {
    let start = [&contract[..], prefix.get(..ORDERED_BYTES).unwrap_or(prefix)].concat();
    let (mut found, mut from) = (Vec::new(), Bound::Included(start.clone()));
    while found.len() < max {
        let rows = engine.scan(Column::StoreKey, (from, Bound::Unbounded), Order::Ascending, PAGE_ROWS)?;
        let Some((last, _)) = rows.last().cloned() else { break };
        for (row, raw) in rows {
            if !row.starts_with(&start) {
                found.sort_unstable();
                return Ok(found);
            }
            let key =
                row.last_chunk::<32>().ok_or_else(|| Fault::broken(Column::StoreKey, "a row without a state key"))?;
            if found.len() < max && raw.starts_with(prefix) && is_here(key) {
                found.push(raw);
            }
        }
        from = Bound::Excluded(last);
    }
    // Only keys that are longer than a row orders by can stand otherwise.
    found.sort_unstable();
    Ok(found)
}
