//! Whether the mempool has something, as far as the shell has told.

/// Level, not edge: what is told while a block is being built is not lost when that block comes back without it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pool {
    /// Nothing was told since a block came back empty.
    #[default]
    Empty,
    /// There is something.
    Ready,
    /// There was; a block that takes it is being built.
    Asked,
}

impl Pool {
    /// A block is being built from it.
    pub fn ask(&mut self) {
        if *self == Self::Ready {
            *self = Self::Asked;
        }
    }

    /// That block has come back with so many transactions: there may be more, unless there were none.
    pub fn answered(&mut self, txs: u32) {
        if *self == Self::Asked {
            *self = if txs == 0 { Self::Empty } else { Self::Ready };
        }
    }
}
