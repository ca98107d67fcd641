//! Every price, and the one meter that takes it.
//!
//! An instruction's base price stands in its row of the table; all else stands here. Rules: protocol, fate 6.

use crate::value::Measure;

/// Topping up: first use of a foreign contract's code in a run.
pub const FOREIGN_CODE: u64 = 4900;
/// First read of a store register in a run.
pub const STORE_READ: u64 = 2000;
/// Looking up one entry of a map in the store.
pub const STORE_ENTRY: u64 = 5000;
/// One byte written to the store, key and value.
pub const STORE_BYTE: u64 = 5;
/// One byte of code that a contract creates.
pub const CODE_BYTE: u64 = 5;
/// One byte of the code whose hash is asked for.
pub const HASHED_BYTE: u64 = 1;
/// One byte of an event.
pub const LOG_BYTE: u64 = 20;
/// What a topic counts in bytes.
pub const LOG_TOPIC_BYTES: u64 = 8;

/// Cells that cost one gas each; every further such number makes all later ones dearer by one.
const CELLS_CHEAP: i64 = 1024;
/// Walks are priced in thousandths.
const MILLI: u64 = 1000;
/// A node of any walk.
const NODE: u64 = 800;
/// One entry that a walk has to fetch from the store.
const UNFOLD: u64 = 20_000_000;

/// Why a walk is made, which sets its price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// Before anything is done with a whole value.
    Simple,
    /// To bring in what lies in the store.
    Unfold,
    /// The same, for a comparison.
    UnfoldCompare,
    /// The same, for a hash.
    UnfoldSerial,
    /// To write a register back.
    Serial,
    /// To give the result to the caller.
    Final,
}

impl Model {
    const fn leaf_byte(self) -> u64 {
        match self {
            Self::Simple | Self::Unfold => 0,
            Self::UnfoldCompare => 4,
            Self::UnfoldSerial | Self::Serial => 300,
            Self::Final => 1000,
        }
    }

    /// Gas for a walk over this much, `entries` of it fetched from the store. Rounded up: what remains is rounded down.
    pub fn price(self, measure: Measure, entries: u64) -> u64 {
        let nodes = measure.nodes.saturating_mul(NODE);
        let leaves = measure.bytes.saturating_mul(self.leaf_byte());
        nodes.saturating_add(leaves).saturating_add(entries.saturating_mul(UNFOLD)).div_ceil(MILLI)
    }
}

/// There is not enough gas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutOfGas;

/// What is left, and how many cells were made. Cells are counted over all frames and contracts of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meter {
    /// Gas that is left to the innermost cap.
    pub gas: u64,
    /// Cells so far. Pops of what was never counted can take it below zero.
    pub cells: i64,
}

impl Meter {
    /// A meter with so much gas.
    pub const fn new(gas: u64) -> Self {
        Self { gas, cells: 0 }
    }

    /// Take so much gas.
    #[inline]
    pub fn spend(&mut self, gas: u64) -> Result<(), OutOfGas> {
        self.gas = self.gas.checked_sub(gas).ok_or(OutOfGas)?;
        Ok(())
    }

    /// Count new cells and take their gas.
    #[inline]
    pub fn add_cells(&mut self, cells: i64) -> Result<(), OutOfGas> {
        // A negative number costs its magnitude and two, and adds as much: so the reference.
        let cells = if cells < 0 { cells.saturating_abs().saturating_add(2) } else { cells };
        self.cells = self.cells.saturating_add(cells);
        if self.cells <= CELLS_CHEAP {
            return self.spend(cells.unsigned_abs());
        }
        let each = (self.cells >> 10).saturating_add(1);
        self.spend(cells.saturating_mul(each).unsigned_abs())
    }

    /// Count a length in cells.
    pub fn add_length(&mut self, cells: u64) -> Result<(), OutOfGas> {
        self.add_cells(i64::try_from(cells).map_err(|_| OutOfGas)?)
    }

    /// A value left the stack. No gas comes back.
    #[inline]
    pub fn pop(&mut self) {
        self.cells = self.cells.wrapping_sub(1);
    }

    /// Pay for a walk.
    #[inline]
    pub fn walk(&mut self, model: Model, measure: Measure) -> Result<(), OutOfGas> {
        self.spend(model.price(measure, 0))
    }
}

/// Cells of a string or byte array: whole words of eight bytes.
pub fn words(bytes: usize) -> u64 {
    crate::value::count(bytes) / 8
}
