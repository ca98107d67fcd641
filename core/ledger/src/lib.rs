//! Apply a transaction or a block to a state.
