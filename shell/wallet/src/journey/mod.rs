//! Walk coins along the tree: the way, the draft, the quote, the plan, the walk.
//!
//! [`path()`] finds the way from ledger to ledger, [`Draft`] says what each leg carries and costs, [`Quote`] adds times
//! and risks, [`Plan`] is the draft signed and on disk, [`Walk`] sends and follows it. Rules: protocol, node 3.3,
//! associates 12.

mod draft;
mod path;
mod plan;
mod quote;
mod stopped;
mod walk;

pub use banyan_ledger::{first_leg, next_leg};
pub use draft::{CannotPlan, Draft, DraftLeg, place};
pub use path::{Action, NoPath, Step, path};
pub use plan::{Leg, Manner, Plan, PlanError};
pub use quote::{Quote, QuoteLeg};
pub use stopped::Stopped;
pub use walk::{Checked, Progress, Step as Reached, Walk};
