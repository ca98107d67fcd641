//! Keep blocks, states and logs of one ledger on disk.
//!
//! One table engine, one atomic batch per block. The store knows no protocol: keys and values are bytes. Read [`Engine`] for what
//! it rests on, [`Store`] for what it gives, [`Commit`] for what one block writes.

mod blocks;
mod commit;
mod engine;
mod fjall;
mod hints;
mod ledger;
mod mem;
mod prune;
mod state;
mod store;
mod versions;

pub use blocks::Place;
pub use commit::Commit;
pub use engine::{Batch, Column, Engine, Fault, Flush, Order, PAGE_BYTES_MAX, Row, Span, prefixed, scan_all};
pub use fjall::{FORMAT, Fjall, OpenError};
pub use hints::StoreName;
pub use mem::Mem;
pub use prune::{PRUNE_VERSIONS_MAX, Pruned};
pub use state::{Changes, Executed, Id, Key, Session, Version, View};
pub use store::{Store, StoreError};
