//! What the shell tells the machine.

use alloc::{boxed::Box, vec::Vec};

use banyan_types::{
    Hash, Height, Peer, Signature, TimeMs,
    witness::{Justification, Seal, Statement, Vote, WitnessSet},
};

use crate::Seq;

/// A key block, as far as finality cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRef {
    /// Its hash.
    pub hash: Hash,
    /// Its height.
    pub height: Height,
    /// The key block before it.
    pub prev_key: Hash,
    /// Work of its chain since the genesis.
    pub work: u128,
}

/// A micro block, as far as locks care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MicroRef {
    /// Its hash.
    pub hash: Hash,
    /// The key block of its generation.
    pub key_hash: Hash,
    /// Height of that key block.
    pub height: Height,
    /// Its place in the generation, from 1.
    pub index: u32,
    /// The block before it, key or micro.
    pub prev_hash: Hash,
}

/// Something happened. The shell tells the time first: everything is judged at the last [`Input::Tick`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The time now. Never goes back: an earlier one is ignored.
    Tick(TimeMs),
    /// A key header was found valid. Parents come first; one whose parent is not known here is ignored.
    Header(KeyRef),
    /// These blocks proved invalid; with them all that descends from them.
    Invalid(Vec<Hash>),
    /// The fork choice's key block. It and its ancestors are applied.
    Tip(Hash),
    /// A key block was executed here and holds, whether it is the tip or not. So do its ancestors.
    Applied(Hash),
    /// The set of an era, from the state of a final key block.
    Set(WitnessSet),
    /// A micro block of the tip's generation was applied: its body is held, its state checked.
    Micro(MicroRef),
    /// A vote came in.
    Vote {
        /// Who sent it; `None` for what this node found itself, in a store or a block.
        from: Option<Peer>,
        /// The vote.
        vote: Vote,
    },
    /// A seal came in, alone or in a key block.
    Seal {
        /// Who sent it.
        from: Option<Peer>,
        /// The seal.
        seal: Box<Seal>,
    },
    /// A seal of an era that is over here names a block that is not on this chain. The shell has checked it by that era's set.
    Conflict {
        /// That era's set.
        set: WitnessSet,
        /// What this node holds of that height.
        held: Option<Box<Seal>>,
        /// The other one.
        got: Box<Seal>,
    },
    /// A justification came in.
    Justification {
        /// Who sent it.
        from: Option<Peer>,
        /// The justification.
        justification: Box<Justification>,
    },
    /// The answer to [`crate::Effect::Sign`]; `None` if the signer refuses, and then the slot stays empty.
    Signed(Statement, Option<Signature>),
    /// The record of [`crate::Effect::Persist`] is on disk.
    Persisted(Seq),
    /// A peer is there.
    Connected(Peer),
    /// A peer left.
    Gone(Peer),
}
