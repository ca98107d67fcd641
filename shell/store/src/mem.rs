//! A disk that can be told to fail, for tests and the simulator.
//!
//! It keeps what was synced and what was only written apart. [`Mem::fail_at`] stops it at any operation, [`Mem::crash`] loses
//! any suffix of the unsynced batches. Nothing here is random: the caller draws the numbers from its own seed.

use crate::engine::{Batch, Column, Engine, Fault, Flush, Order, Poison, Row, Span, is_void, page};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Tables = BTreeMap<Column, BTreeMap<Vec<u8>, Vec<u8>>>;

/// A store in memory. Clones are handles to one disk.
#[derive(Clone, Default)]
pub struct Mem {
    disk: Arc<Mutex<Disk>>,
    poison: Arc<Poison>,
}

#[derive(Default)]
struct Disk {
    /// What survives every crash.
    synced: Tables,
    /// Written since the last sync, oldest first.
    unsynced: Vec<Batch>,
    /// What reads see: everything that was answered.
    answered: Tables,
    /// Writes and syncs begun so far.
    operations: u64,
    /// The operation that fails.
    fails_at: Option<u64>,
}

impl Mem {
    /// An empty disk without faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Let the `operation`-th write or sync fail, counted from 0. A write with [`Flush::Now`] is two operations: the batch, then
    /// its sync; when the second fails the batch is there, unsynced, and a crash may keep or lose it.
    pub fn fail_at(&self, operation: u64) {
        self.disk().fails_at = Some(operation);
    }

    /// Writes and syncs begun so far, the failed one included.
    pub fn operations(&self) -> u64 {
        self.disk().operations
    }

    /// Batches that a crash may lose.
    pub fn unsynced(&self) -> usize {
        self.disk().unsynced.len()
    }

    /// The disk as found after a crash which kept the oldest `kept` of the unsynced batches. Old handles keep their own view.
    #[must_use]
    pub fn crash(&self, kept: usize) -> Self {
        let disk = self.disk();
        let mut synced = disk.synced.clone();
        disk.unsynced.iter().take(kept).for_each(|batch| apply(&mut synced, batch));
        let found = Disk { answered: synced.clone(), synced, ..Disk::default() };
        Self { disk: Arc::new(Mutex::new(found)), poison: Arc::default() }
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        // A panicking test must not hide its own message behind this lock's.
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk {
    fn begin(&mut self, action: &'static str) -> Result<(), Fault> {
        let operation = self.operations;
        self.operations += 1;
        if self.fails_at == Some(operation) {
            return Err(Fault::Failed { action, cause: format!("planned at operation {operation}") });
        }
        Ok(())
    }

    fn write(&mut self, batch: &Batch, flush: Flush) -> Result<(), Fault> {
        self.begin("write")?;
        self.unsynced.push(batch.clone());
        if flush == Flush::Now {
            self.sync()?;
        }
        apply(&mut self.answered, batch);
        Ok(())
    }

    fn sync(&mut self) -> Result<(), Fault> {
        self.begin("sync")?;
        self.unsynced.drain(..).for_each(|batch| apply(&mut self.synced, &batch));
        Ok(())
    }
}

fn apply(tables: &mut Tables, batch: &Batch) {
    for (column, key, value) in batch.iter() {
        let table = tables.entry(column).or_default();
        match value {
            Some(value) => table.insert(key.to_vec(), value.to_vec()),
            None => table.remove(key),
        };
    }
}

impl Engine for Mem {
    fn get(&self, column: Column, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        Ok(self.disk().answered.get(&column).and_then(|table| table.get(key)).cloned())
    }

    fn scan(&self, column: Column, span: Span, order: Order, rows_max: usize) -> Result<Vec<Row>, Fault> {
        let disk = self.disk();
        let Some(table) = disk.answered.get(&column).filter(|_| !is_void(&span)) else { return Ok(Vec::new()) };
        let rows = table.range(span).map(|(key, value)| Ok((key.clone(), value.clone())));
        match order {
            Order::Ascending => page(rows, rows_max),
            Order::Descending => page(rows.rev(), rows_max),
        }
    }

    fn write(&self, batch: Batch, flush: Flush) -> Result<(), Fault> {
        self.poison.guard(|| self.disk().write(&batch, flush))
    }

    fn sync(&self) -> Result<(), Fault> {
        self.poison.guard(|| self.disk().sync())
    }
}
