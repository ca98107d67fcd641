//! Find blocks, transactions, records: the typed tables beside the state.
//!
//! Names go in, bytes come out. What a header or a record says is for whoever wrote it to know.

use crate::engine::{Column, Fault, Order, Row, prefixed};
use crate::state::Id;
use crate::store::Store;
use std::ops::Bound;

/// A place on the chosen chain, in chain order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Height of the block, or of the key block whose generation it is in.
    pub height: u64,
    /// 0 for the block that starts the height, then counted up.
    pub index: u32,
}

impl Place {
    /// The place of the block that starts `height`.
    pub const fn at(height: u64) -> Self {
        Self { height, index: 0 }
    }
}

pub(crate) fn main_row(place: Place) -> Vec<u8> {
    [&place.height.to_be_bytes()[..], &place.index.to_be_bytes()].concat()
}

pub(crate) fn tx_row(tx: &Id, block: &Id) -> Vec<u8> {
    [*tx, *block].concat()
}

pub(crate) fn record_row(kind: u8, seq: u64) -> Vec<u8> {
    [&[kind][..], &seq.to_be_bytes()].concat()
}

/// Under a prefix of their own, so that no name is one of the store's marks.
pub(crate) fn meta_row(name: &str) -> Vec<u8> {
    ["name/", name].concat().into_bytes()
}

/// Blocks.
impl Store {
    /// A block's header.
    pub fn header(&self, block: &Id) -> Result<Option<Vec<u8>>, Fault> {
        self.engine().get(Column::Header, block)
    }

    /// A block's body.
    pub fn body(&self, block: &Id) -> Result<Option<Vec<u8>>, Fault> {
        self.engine().get(Column::Body, block)
    }

    /// A block's receipts.
    pub fn receipt(&self, block: &Id) -> Result<Option<Vec<u8>>, Fault> {
        self.engine().get(Column::Receipt, block)
    }

    /// The block of the chosen chain at `place`.
    pub fn main(&self, place: Place) -> Result<Option<Id>, Fault> {
        let block = self.engine().get(Column::Main, &main_row(place))?;
        block.map(|block| parse_id(Column::Main, &block)).transpose()
    }

    /// At most `rows_max` blocks of the chosen chain from `place` on, itself included: upwards, or downwards if descending.
    pub fn main_from(&self, place: Place, order: Order, rows_max: usize) -> Result<Vec<(Place, Id)>, Fault> {
        let place = Bound::Included(main_row(place));
        let span = match order {
            Order::Ascending => (place, Bound::Unbounded),
            Order::Descending => (Bound::Unbounded, place),
        };
        let rows = self.engine().scan(Column::Main, span, order, rows_max)?;
        rows.iter().map(|(place, block)| Ok((parse_place(place)?, parse_id(Column::Main, block)?))).collect()
    }

    /// The blocks that hold a transaction, with its position in each; in no order that means anything.
    pub fn blocks_of(&self, tx: &Id) -> Result<Vec<(Id, u32)>, Fault> {
        /// More blocks than branches are ever kept.
        const BLOCKS_MAX: usize = 1024;
        let rows = self.engine().scan(Column::Tx, prefixed(tx), Order::Ascending, BLOCKS_MAX)?;
        rows.iter().map(|row| parse_block_of(row).ok_or_else(|| Fault::broken(Column::Tx, "not a position"))).collect()
    }
}

/// Waiting transactions, records, names.
impl Store {
    /// At most `rows_max` waiting transactions by ascending number, from `seq` on.
    pub fn pool_from(&self, seq: u64, rows_max: usize) -> Result<Vec<(u64, Vec<u8>)>, Fault> {
        let span = (Bound::Included(seq.to_be_bytes().to_vec()), Bound::Unbounded);
        let rows = self.engine().scan(Column::Pool, span, Order::Ascending, rows_max)?;
        rows.into_iter().map(|(key, bytes)| Ok((parse_seq(Column::Pool, &key)?, bytes))).collect()
    }

    /// A machine's record.
    pub fn record(&self, kind: u8, seq: u64) -> Result<Option<Vec<u8>>, Fault> {
        self.engine().get(Column::Record, &record_row(kind, seq))
    }

    /// At most `rows_max` records of a kind from `seq` on, itself included: upwards, or downwards if descending.
    pub fn records(&self, kind: u8, seq: u64, order: Order, rows_max: usize) -> Result<Vec<(u64, Vec<u8>)>, Fault> {
        let (first, last) = match order {
            Order::Ascending => (seq, u64::MAX),
            Order::Descending => (0, seq),
        };
        let span = (Bound::Included(record_row(kind, first)), Bound::Included(record_row(kind, last)));
        let rows = self.engine().scan(Column::Record, span, order, rows_max)?;
        rows.into_iter().map(|(key, bytes)| Ok((parse_seq(Column::Record, &key[1..])?, bytes))).collect()
    }

    /// What was kept under `name`.
    pub fn meta(&self, name: &str) -> Result<Option<Vec<u8>>, Fault> {
        self.engine().get(Column::Meta, &meta_row(name))
    }
}

fn parse_id(column: Column, bytes: &[u8]) -> Result<Id, Fault> {
    bytes.try_into().map_err(|_| Fault::broken(column, "not a name"))
}

fn parse_seq(column: Column, bytes: &[u8]) -> Result<u64, Fault> {
    bytes.try_into().map(u64::from_be_bytes).map_err(|_| Fault::broken(column, "not a number"))
}

fn parse_place(bytes: &[u8]) -> Result<Place, Fault> {
    let place = bytes.split_first_chunk().and_then(|(height, index)| {
        Some(Place { height: u64::from_be_bytes(*height), index: u32::from_be_bytes(index.try_into().ok()?) })
    });
    place.ok_or_else(|| Fault::broken(Column::Main, "not a place"))
}

fn parse_block_of((key, position): &Row) -> Option<(Id, u32)> {
    let block = key.get(32..)?.try_into().ok()?;
    Some((block, u32::from_be_bytes(position.as_slice().try_into().ok()?)))
}
