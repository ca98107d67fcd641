//! Walk coins along the tree: the way, the plan, the walk.
//!
//! [`path()`] finds the way from ledger to ledger, [`Draft`] builds a transaction for each leg, [`Plan`] is the draft
//! signed and on disk, [`Walk`] sends and follows it. Rules: protocol, node 3.3, associates 12.

mod path;
mod plan;
mod walk;

pub use path::{Action, NoPath, Step, path};
pub use plan::{CannotPlan, Draft, DraftLeg, Leg, Plan, PlanError, first_leg, next_leg, place};
pub use walk::{Checked, Progress, Step as Reached, Stopped, Walk};
