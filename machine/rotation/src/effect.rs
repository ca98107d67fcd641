//! What the shell must do, in this order. Plain data: a test can print, compare and replay it.

use alloc::{boxed::Box, vec::Vec};

use banyan_child::{Contradiction, Range, To};
use banyan_types::{
    Height, Peer, Points, TimeMs,
    committee::{Certificate, SignedStatement},
    header::ChildHeader,
};

use crate::{Block, Message, Record};

/// An order to the shell. Effects are carried out in the order given.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Build and execute a block on the one that the header names before it, which was committed, built or verified, with
    /// this header but its roots and outbox, and this seal of the block before in its body: settle the inbox entries up to
    /// `inbox_to`, then take transactions. [`crate::Input::Built`] follows even if there were none.
    Build(Box<ChildHeader>, Option<Box<Certificate>>),
    /// Find the body of this block, whose header is good but for its roots, and execute it on the one that it names before
    /// it: [`crate::Input::Verified`]. The body must carry this seal of the block before.
    Verify(Box<ChildHeader>, Option<Box<Certificate>>),
    /// Write the records to disk after those before, flushed together; then [`crate::Input::Persisted`]. A block is written
    /// with its body.
    Persist(Seq, Vec<Record>),
    /// Send the message. A proposal is followed by the block's body, to whoever needs it.
    Send(To, Message),
    /// Send a peer the ledger's blocks from this height on, each with its body and its seal: [`crate::Input::Blocks`] there.
    Serve(Peer, Height),
    /// Make the block, with the body that was built or verified, the ledger's last, with its seal beside it:
    /// [`crate::Input::Committed`]. It names its parent: where that is not the ledger's last block, the shell first takes
    /// back every block after it and gives their transactions to the mempool again. Never a block that is final.
    Commit(Box<Decided>),
    /// Keep this seal beside its block, which was committed, in place of the one before: more commitments have come. Need not
    /// be flushed.
    Seal(Box<Certificate>),
    /// The committed block that the certificate names, and all before it, are final: keep the certificate as its seal, and
    /// drop the records up to its height in the same write.
    Final(Box<Finality>),
    /// One validator signed both of these, and may have signed one only. Said once per validator and height.
    Accuse(Box<[SignedStatement; 2]>),
    /// The seal of this block holds, which came with its body. It may name a block of the parent that is long past.
    Sealed(Box<ChildHeader>),
    /// Tell the final block of the parent at this height.
    AskParent(Height),
    /// Make the summary of these blocks, all of them final, and remit it: it is this validator's turn. Sent again, by the
    /// next validator, while there is no answer.
    Summarise(Range),
    /// Whether enough validators are heard of for blocks to become final. Said when it changes; at the start they are.
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

/// A block that enough validators committed to: itself, or one that is built on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// The block.
    pub block: Block,
    /// The commitments to it that are known.
    pub certificate: Certificate,
}

/// Why a block is final, for whoever knows nothing but the validators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finality {
    /// Over two thirds committed to the block.
    pub seal: Certificate,
    /// Where one step confirms: a block built on it that carries that seal, with the commitments of over two thirds to it.
    pub child: Option<(ChildHeader, Certificate)>,
}

/// Something that an operator must know of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alarm {
    /// The parent contradicts what it called final.
    Parent(Contradiction),
    /// Over two thirds committed to a block at this height that is not good here, or that contradicts what is final: this
    /// node, or over a third of the validators, is wrong. Nothing more is done.
    Diverged {
        /// The height.
        height: Height,
    },
    /// So many blocks are not final that this validator starts no more.
    Unfinal {
        /// That number.
        blocks_max: u64,
    },
    /// So many summaries are waiting to be accepted that this validator starts no more blocks.
    Backlog {
        /// That number.
        summaries_max: usize,
    },
}
