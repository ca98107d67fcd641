//! Gather everything that one block changes, to be written as one.

use crate::blocks::{Place, main_row, record_row, tx_row};
use crate::engine::{Batch, Column};
use crate::state::{Executed, Id, Version};

/// One atomic batch in the making: give it rows, then hand it to [`Store::commit`](crate::Store::commit).
#[derive(Default)]
pub struct Commit {
    pub(crate) batch: Batch,
    pub(crate) executed: Option<Executed>,
    pub(crate) head: Option<Version>,
}

impl Commit {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The state after the block. A commit takes one; the last word wins.
    pub fn state(&mut self, executed: Executed) -> &mut Self {
        self.executed = Some(executed);
        self
    }

    /// Move the head to a version that is kept or that this commit brings. The rows of [`Commit::main`] are the caller's to move.
    pub fn head(&mut self, version: Version) -> &mut Self {
        self.head = Some(version);
        self
    }

    /// A block's header.
    pub fn header(&mut self, block: &Id, bytes: impl Into<Vec<u8>>) -> &mut Self {
        self.put(Column::Header, block, bytes)
    }

    /// A block's body.
    pub fn body(&mut self, block: &Id, bytes: impl Into<Vec<u8>>) -> &mut Self {
        self.put(Column::Body, block, bytes)
    }

    /// A block's receipts.
    pub fn receipt(&mut self, block: &Id, bytes: impl Into<Vec<u8>>) -> &mut Self {
        self.put(Column::Receipt, block, bytes)
    }

    /// The block of the chosen chain at `place`; `None` when the chain no longer reaches there.
    pub fn main(&mut self, place: Place, block: Option<&Id>) -> &mut Self {
        match block {
            Some(block) => self.put(Column::Main, main_row(place), *block),
            None => self.delete(Column::Main, main_row(place)),
        }
    }

    /// A transaction's position in a block; the same transaction may stand in blocks of several branches.
    pub fn tx(&mut self, tx: &Id, block: &Id, position: u32) -> &mut Self {
        self.put(Column::Tx, tx_row(tx, block), position.to_be_bytes())
    }

    /// A waiting transaction.
    pub fn pool(&mut self, seq: u64, bytes: impl Into<Vec<u8>>) -> &mut Self {
        self.put(Column::Pool, seq.to_be_bytes(), bytes)
    }

    /// A transaction that waits no more.
    pub fn unpool(&mut self, seq: u64) -> &mut Self {
        self.delete(Column::Pool, seq.to_be_bytes())
    }

    /// A record of a machine, kept until it is forgotten.
    pub fn record(&mut self, kind: u8, seq: u64, bytes: impl Into<Vec<u8>>) -> &mut Self {
        self.put(Column::Record, record_row(kind, seq), bytes)
    }

    /// A record that its machine needs no more.
    pub fn forget(&mut self, kind: u8, seq: u64) -> &mut Self {
        self.delete(Column::Record, record_row(kind, seq))
    }

    /// Anything else, by name.
    pub fn meta(&mut self, name: &str, bytes: impl Into<Vec<u8>>) -> &mut Self {
        self.put(Column::Meta, crate::blocks::meta_row(name), bytes)
    }

    fn put(&mut self, column: Column, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> &mut Self {
        self.batch.put(column, key, value);
        self
    }

    fn delete(&mut self, column: Column, key: impl Into<Vec<u8>>) -> &mut Self {
        self.batch.delete(column, key);
        self
    }
}
