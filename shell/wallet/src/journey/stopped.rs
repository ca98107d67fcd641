//! Why a walk ended before its end, and where the money is then.

use banyan_types::{Amount, Height};

use crate::{client::ClientError, light::NotProven};

/// Why a walk ended before its end. The coins are on a ledger under their owner's key, or on their way.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// The node does not answer, says no, or lies.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The transaction left the pool for good.
    #[error("the transaction of leg {leg} was dropped on {ledger}: {code}")]
    Dropped {
        /// Which leg.
        leg: usize,
        /// Where the coins still are.
        ledger: String,
        /// Why.
        code: String,
    },
    /// The child took it too late; the coins are back where they came from.
    #[error("leg {leg} came to {child} at parent height {height}, after its deadline {deadline}")]
    Skipped {
        /// Which leg.
        leg: usize,
        /// Which child.
        child: String,
        /// The parent height that the child had come to.
        height: Height,
        /// The last one that would have done.
        deadline: Height,
        /// Where the coins are again.
        ledger: String,
        /// How many.
        amount: Amount,
    },
    /// A ledger on the way could not send on what arrived.
    #[error("leg {leg} could not leave {ledger}, where {amount} BNY rest: {why}")]
    Rests {
        /// The leg that was not walked.
        leg: usize,
        /// Where the coins are.
        ledger: String,
        /// How many.
        amount: Amount,
        /// The ledger's reason.
        why: String,
    },
    /// The lists no longer hold the leg, and the states of its time are no longer kept. Nothing is on its way.
    #[error("leg {leg} has left {ledger} or rests there: the states of its time are no longer kept")]
    Forgotten {
        /// The first leg of which nothing can be proven.
        leg: usize,
        /// The ledger that it leaves.
        ledger: String,
    },
    /// The time is over; the leg may still arrive.
    #[error("leg {leg} is not {waiting} after {seconds} s; it may still be")]
    TimedOut {
        /// Which leg.
        leg: usize,
        /// What was waited for.
        waiting: &'static str,
        /// How long.
        seconds: u64,
    },
    /// The state does not hold what it must: the ledger is broken.
    #[error("leg {leg}: {what}")]
    Broken {
        /// Which leg.
        leg: usize,
        /// What is wrong.
        what: String,
    },
}

impl From<NotProven> for Stopped {
    fn from(why: NotProven) -> Self {
        Self::Client(why.into())
    }
}
