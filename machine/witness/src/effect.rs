//! What the shell must do, in this order. Plain data: a test can print, compare and replay it.

use alloc::boxed::Box;

use banyan_types::{
    Amount, Era, Hash, Height, Peer, Points, TimeMs,
    witness::{Justification, Seal, Source, Statement, Vote},
};

use crate::{MicroRef, Proof};

/// An order to the shell. Effects are carried out in the order given.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Sign [`Statement::encode`] with the witness key: [`crate::Input::Signed`].
    Sign(Statement),
    /// Write the record to disk, flushed; then [`crate::Input::Persisted`]. Records become durable in the order given: a
    /// precommit is never there without the justification it rests on.
    Persist(Seq, Record),
    /// Send the message.
    Send {
        /// What.
        message: Message,
        /// To whom.
        to: To,
    },
    /// Ask a peer for a certificate. Peers answer from their stores.
    Fetch(Peer, Want),
    /// Over half of the weight prevoted this key block in one round. Said once per block.
    Witnessed {
        /// The key block.
        hash: Hash,
        /// Weight of its prevotes when that was seen.
        weight: Amount,
    },
    /// Over two thirds of the weight promised this micro block or one after it. Said of ever later ones in a generation.
    Locked(MicroRef),
    /// The key block that the seal names is final, and all its ancestors. Heights only grow.
    Final(Box<Seal>),
    /// An operators' anchor makes this key block final, and all its ancestors: check that they signed it. The next era begins
    /// after it.
    Anchored {
        /// The key block.
        hash: Hash,
        /// Its height, the last of an era.
        height: Height,
    },
    /// Two votes convict a witness. Said once per witness and era for finality votes, once for locks.
    Accuse(Box<Proof>),
    /// Think so much better or worse of a peer.
    Score(Peer, Points),
    /// Tick at this time at the latest; replaces what was asked before.
    Wake(TimeMs),
    /// Tell the operator.
    Alarm(Alarm),
}

/// Number of a record to persist; they only grow within one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(pub u64);

/// What the next start needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A vote of this node's own: [`crate::Watermarks::note`] says which of them to keep.
    Vote(Box<Vote>),
    /// A seal: the newest is what a restart takes as final. All are kept, for peers that are behind.
    Seal(Box<Seal>),
    /// A justification. Those of the running era come back at the start; all are kept, for peers that fetch them.
    Justification(Box<Justification>),
    /// Two seals that cannot both be. It outlives every restart: [`crate::Saved::halted`].
    Conflict {
        /// Of what is final here; none if the node began there.
        held: Option<Box<Seal>>,
        /// The other one.
        got: Box<Seal>,
    },
}

/// What is sent to peers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A vote.
    Vote(Box<Vote>),
    /// A seal.
    Seal(Box<Seal>),
    /// A justification.
    Justification(Box<Justification>),
}

/// Receivers of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// Every peer.
    All,
    /// Every peer but the one that sent it.
    Except(Peer),
    /// One peer.
    One(Peer),
}

/// A certificate that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Want {
    /// The justification of a key block in a round of an era.
    Justification(Era, Source),
    /// The seal of an era's last key block: without it the next era does not begin here.
    Boundary(Era),
}

/// Something that an operator must know of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Alarm {
    /// Two sealed key blocks do not descend from each other. This node finalises and votes no more until it is started with
    /// an anchor on its chain, or operators overrule the other seal. Both seals are on disk.
    ConflictingSeal {
        /// Key block held final here.
        held: Hash,
        /// Its seal; none if the node began there.
        seal: Option<Box<Seal>>,
        /// The other seal.
        got: Box<Seal>,
    },
    /// A vote by this node's key that this node did not cast: somebody else has the key. This node votes no more.
    MyKeyElsewhere(Box<Vote>),
    /// A sealed key block proved invalid here: one of the two is wrong. This node votes no more.
    FinalInvalid(Hash),
}
