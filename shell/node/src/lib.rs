//! Wire machines to store, mempool, clock and parent.
