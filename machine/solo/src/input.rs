//! What the shell tells the machine.

use banyan_child::Draft;
use banyan_ledger::ParentTip;
use banyan_types::{Height, Signature, TimeMs};

use crate::Seq;

/// Something happened. The shell tells the time first: everything is done at the last [`Input::Tick`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The time now. Never goes back: an earlier one is ignored.
    Tick(TimeMs),
    /// A final block of the parent: the newest, or the one that [`crate::Effect::AskParent`] asked for.
    ParentTip(ParentTip),
    /// The mempool has something that a block can take.
    PoolReady,
    /// It has nothing.
    PoolEmpty,
    /// The answer to [`crate::Effect::Build`].
    Built(Draft),
    /// The answer to [`crate::Effect::Sign`].
    Signed(Signature),
    /// The record of [`crate::Effect::Persist`] is on disk.
    Persisted(Seq),
    /// The block of [`crate::Effect::Commit`] is on disk with its state.
    Committed(Height),
    /// The parent has accepted a summary, in a block that is final there, whoever sent it.
    SummaryAccepted {
        /// Number of the summary.
        seq: u64,
        /// The child's block that it ends at.
        child_to: Height,
    },
}
