//! What the shell must do, in this order. Plain data: a test can print, compare and replay it.

use alloc::{boxed::Box, vec::Vec};

use banyan_types::{
    Hash, Height, Peer, Points, TimeMs,
    header::{KeyHeader, MicroHeader},
};

use crate::{BlockRef, TemplateId, validity::Fault};

/// An order to the shell. Effects are carried out in the order given.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Make this block the head of the state; the head is its parent. A block that was executed before is not executed
    /// again, its version is still there. Answered by [`crate::Input::Applied`]; one is under way at a time.
    Apply(Hash),
    /// Make this block, an ancestor of the head, the head of the state.
    Unwind(Hash),
    /// The chain has a new end, applied. Transactions of `undone` that are not in `redone` go back to the mempool.
    Tip(Tip),
    /// These blocks are of no use any more: bodies, versions, records of them may go.
    Forget(Vec<Hash>),
    /// Tell the children: a key block is final and applied. What lies below it on the chain is final too.
    Propagate(ParentTip),
    /// Send the block, header and body.
    Send {
        /// Which.
        block: Hash,
        /// To whom.
        to: To,
    },
    /// Ask a peer for a block.
    Fetch {
        /// Who is asked: it sent a block that names the one wanted.
        from: Peer,
        /// The block wanted.
        block: Hash,
    },
    /// Choose a body and run the key block's own steps on the state of its `prev_hash`: [`crate::Input::Templated`].
    Template(TemplateId, Box<KeyHeader>),
    /// Search a proof of work for this header until [`crate::Input::Solved`] or the next `Mine` or `StopMining`.
    Mine(TemplateId, Box<KeyHeader>),
    /// Search no longer.
    StopMining,
    /// Build a body on the tip from the mempool and execute it: [`crate::Input::Built`].
    Build {
        /// The block to build on.
        on: Hash,
        /// Time that the block will carry.
        time: TimeMs,
    },
    /// Sign this header, its signature still zero, with the miner's key: [`crate::Input::Signed`].
    SignMicro(Box<MicroHeader>),
    /// Write the record to disk, flushed; then [`crate::Input::Persisted`].
    Persist(Seq, Record),
    /// Think so much better or worse of a peer.
    Score(Peer, Points),
    /// The block was refused, and why: it may go. For logs, and for the answer to whoever gave it.
    Refuse(Hash, Fault),
    /// Tick at this time at the latest; replaces what was asked before.
    Wake(TimeMs),
    /// A leader signed two blocks with one index: evidence for whoever wants to report it. Once for each generation and
    /// run; both blocks stay what they are.
    Accuse(Box<Fraud>),
    /// Tell the operator.
    Alarm(Alarm),
}

/// Two micro headers of one generation with one index, both signed by its leader. Source: root 6.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fraud {
    /// Opened the generation.
    pub key: KeyHeader,
    /// The one seen first.
    pub a: MicroHeader,
    /// The other.
    pub b: MicroHeader,
}

/// Number of a record to persist; they only grow within one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seq(pub u64);

/// What must be on disk before it may be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A micro header that this node signed: the next start takes its watermark from the newest.
    Signed(Box<MicroHeader>),
}

/// Receivers of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// Every peer.
    All,
    /// Every peer but the one that sent it.
    Except(Peer),
}

/// The chain's new end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tip {
    /// The last block, applied.
    pub block: BlockRef,
    /// Blocks that left the chain since the last `Tip`, oldest first.
    pub undone: Vec<BlockRef>,
    /// Blocks that came to it, oldest first; the last is `block`.
    pub redone: Vec<BlockRef>,
}

/// A final key block, as children learn of it. Source: root 7.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParentTip {
    /// The key block.
    pub hash: Hash,
    /// Its height.
    pub height: Height,
    /// The greatest time of any final key block: key times themselves may go back a little.
    pub time: TimeMs,
    /// Drawn from the header with its proof of work.
    pub entropy: Hash,
    /// Root of the state after it.
    pub state_root: Hash,
}

/// Something that an operator must know of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alarm {
    /// A branch that leaves out the last final block has more work than the chain. It is refused.
    ForkBelowFinal {
        /// Its last block.
        block: Hash,
        /// Its work.
        work: u128,
        /// The chain's work.
        ours: u128,
    },
    /// Two key blocks that do not descend from each other are said to be final. The second is refused.
    ConflictingFinal {
        /// Held final here.
        held: Hash,
        /// Said to be final.
        got: Hash,
    },
    /// A final block is invalid by this node's execution: one of the two is wrong. The machine stops.
    FinalInvalid(Hash),
    /// The shell could not execute a block. The machine stops.
    Store(Hash),
}
