//! Serve HTTP, events and the explorer pages of a node.
//!
//! One port serves every ledger of a process: the first at `/`, each at `/l/<name>/`. Under each mount stand `/v3`, which
//! the public JavaScript SDK speaks, `/banyan/v1`, which is ours, and the explorer's pages. Read [`router`] first, then
//! the ladder of levels, [`Level`]. Rules: node 1, 7 to 9.

mod answer;
mod ask;
mod event;
mod failure;
mod ladder;
mod ledger;
mod odds;
mod open;
mod page;
mod pass;
mod proof;
mod serve;
mod show;
mod submit;
mod v1;
mod v3;

pub use answer::*;
pub use event::Event;
pub(crate) use failure::Failure;
pub use failure::{ErrorBody, ErrorObject};
pub use ladder::Level;
pub use ledger::{Served, Tree, TreeError};
pub use pass::Pass;
pub use proof::{HeaderBytes, ProofItem, StateProof};
pub use serve::{document, router, routers, serve};
pub use v1::{
    journeys::{Journey, JourneyEvent, JourneyStatus},
    ways::{LegAction, WayAnswer, WayLeg},
};
