//! What the shell must do, in this order. Plain data: a test can print, compare and replay it.

use alloc::{boxed::Box, vec::Vec};

use banyan_child::{Contradiction, Range, To};
use banyan_types::{
    Height, Peer, Points, TimeMs,
    committee::{Certificate, SignedStatement},
    header::ChildHeader,
};

use crate::{Block, Handover, Message, Record};

/// An order to the shell. Effects are carried out in the order given.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Build and execute a block on the last one, with this header but its roots and outbox, and this seal of the block
    /// before in its body: settle the inbox entries up to `inbox_to`, then take transactions. [`crate::Input::Built`]
    /// follows even if there were none.
    Build(Box<ChildHeader>, Option<Box<Certificate>>),
    /// Find the body of this block, whose header is good but for its roots, and execute it: [`crate::Input::Verified`]. The
    /// body must carry this seal of the block before.
    Verify(Box<ChildHeader>, Option<Box<Certificate>>),
    /// Write the records to disk after those before, flushed together; then [`crate::Input::Persisted`]. A block is written
    /// with its body.
    Persist(Seq, Vec<Record>),
    /// Send the message. A proposal is followed by the block's body, to whoever needs it.
    Send(To, Message),
    /// Send a peer final blocks from this height on, each with its body and its seal: [`crate::Input::Blocks`] there.
    Serve(Peer, Height),
    /// Make the block, with the body that was built or verified, the ledger's last, final, with its seal beside it, and drop
    /// the records of its height in the same write: [`crate::Input::Committed`].
    Commit(Box<Decided>),
    /// One validator signed both of these, and may have signed one only. Said once per fault and height.
    Accuse(Box<[SignedStatement; 2]>),
    /// The seal of this block holds, which came with its body: the block is good whatever becomes of it here. It may name a
    /// block of the parent that is long past.
    Sealed(Box<ChildHeader>),
    /// Tell the final block of the parent at this height.
    AskParent(Height),
    /// Make the summary of these blocks and remit it: it is this validator's turn. Sent again while there is no answer.
    Summarise(Range),
    /// Have the parent follow the new set: a quorum of the old one has signed it, and it is this validator's turn to send it.
    /// Said again while there is no answer.
    HandOver(Box<Handover>, Box<Certificate>),
    /// Whether enough validators are heard of for blocks to go on. Said when it changes; at the start they are.
    Quorum(bool),
    /// Think so much better or worse of a peer.
    Score(Peer, Points),
    /// Tick at this time at the latest; replaces what was asked before.
    Wake(TimeMs),
    /// Tell the operator.
    Alarm(Alarm),
}

/// Number of a write; they only grow within one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seq(pub u64);

/// A block that a quorum precommitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// The block.
    pub block: Block,
    /// Its seal.
    pub certificate: Certificate,
}

/// Something that an operator must know of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alarm {
    /// The parent contradicts what it called final.
    Parent(Contradiction),
    /// A quorum sealed a block at this height that is not good here: this node, or over two thirds of the weight, is wrong.
    /// Nothing more is done.
    Diverged {
        /// The height.
        height: Height,
    },
    /// Asked to contradict what this validator has signed; nothing was signed. Its log is not its own, or another node has
    /// its key.
    Silent {
        /// The height.
        height: Height,
        /// The view.
        view: u32,
    },
    /// So many summaries are waiting to be accepted that this validator starts no more blocks.
    Backlog {
        /// That number.
        summaries_max: usize,
    },
}
