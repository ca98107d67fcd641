//! What the shell tells the machine.

use alloc::vec::Vec;

use banyan_child::Draft;
use banyan_ledger::ParentTip;
use banyan_types::{Hash, Height, Peer, TimeMs};

use crate::{Message, Sealed, Seq};

/// Something happened. The shell tells the time first: everything is done at the last [`Input::Tick`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The time now. Never goes back: an earlier one is ignored.
    Tick(TimeMs),
    /// A final block of the parent: the newest, or the one that [`crate::Effect::AskParent`] asked for.
    ParentTip(ParentTip),
    /// The mempool has something that a block can take.
    PoolReady,
    /// It has nothing.
    PoolEmpty,
    /// A peer sent this.
    Heard(Peer, Message),
    /// A peer sent blocks of its ledger in the order of their heights; their bodies wait in the shell.
    Blocks(Peer, Vec<Sealed>),
    /// The answer to [`crate::Effect::Build`].
    Built(Draft),
    /// The answer to it where the parent has let go what the block would settle: others are far ahead, and this turn passes.
    Unbuilt,
    /// The answer to [`crate::Effect::Verify`].
    Verified(Hash, Verdict),
    /// The records of [`crate::Effect::Persist`] are on disk.
    Persisted(Seq),
    /// The block of [`crate::Effect::Commit`] is on disk with its state.
    Committed {
        /// Its height.
        height: Height,
    },
    /// The parent has accepted a summary, in a block that is final there, whoever sent it.
    SummaryAccepted {
        /// Number of the summary.
        seq: u64,
        /// The child's block that it ends at.
        child_to: Height,
    },
}

/// What execution says of another's block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It gives what the header says.
    Good {
        /// Inbox entries that carry money and are settled by it.
        settled: u32,
    },
    /// It does not: the leader's fault.
    Bad,
    /// No peer has the body. It is asked for again if it is still wanted later.
    Missing,
}
