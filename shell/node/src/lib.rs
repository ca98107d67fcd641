//! Wire machines to store, mempool, clock and parent.
//!
//! [`Node`] is one ledger's node as a value: an [`Input`] goes in, [`Order`]s for the world come out; disk is behind the
//! store, time is an input, so that the simulator runs it unchanged. [`Service`] gives it a thread, a clock, a miner and
//! ears. [`Chain`] is what everybody may read beside it. Read [`Node::handle`] first.

extern crate alloc;

pub mod anchor;
mod chain;
mod child;
mod error;
pub mod genesis;
mod header;
mod mail;
mod mempool;
mod miner;
mod node;
mod parent;
mod root;
mod service;
mod verify;

pub use banyan_rotation::{Proposed, Weight};
pub use chain::{Chain, Found, Head, Leaves, StoredBlock};
pub use child::{Operators, SoloRole, ValidatorRole, with_least_fee};
pub use error::{NodeError, SubmitError};
pub use genesis::{CommitteeEngineParams, EngineParams, GenesisFile, RotationEngineParams, VersionRow};
pub use header::Header;
pub use mempool::{Dropped, Pool, PoolLimits, Purse, Waiting, bid};
pub use node::{BlockBytes, Input, News, Node, Order, Role, Submitted};
pub use parent::{At, LocalParent, NEARBY_HEIGHTS, Parent, inbox_next_at};
pub use root::{Boundary, FinalityView, MemberView, PeersRole, RootRole, WitnessRole};
pub use service::{Handle, Net, NoWork, PeerEvent, Service, ServiceConfig, Uplink};
pub use verify::check_all;
