//! What the shell tells the machine.

use alloc::{boxed::Box, string::String, vec::Vec};

use banyan_root::RootParams;
use banyan_types::{
    Bytes, Hash, Height, Peer, Points, Round, TimeMs, TxHash,
    header::{KeyHeader, MicroHeader},
    witness::{Justification, Seal, Vote},
};

use crate::{
    look::{Found, LookId},
    message::{Message, Status},
};

/// What a genesis and a configuration fix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Params {
    /// The root's parameters: headers are checked by them.
    pub root: RootParams,
    /// Hash of the chain's first genesis.
    pub chain: Hash,
    /// How often the chain was closed out and begun anew.
    pub epoch: u32,
    /// What this node keeps, in its own word.
    pub mode: String,
    /// Peers at once; at most [`crate::limits::PEERS_MAX`].
    pub peers_max: usize,
}

/// Something happened. The shell tells the time first: everything is judged at the last [`Input::Tick`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The time now. Never goes back: an earlier one is ignored.
    Tick(TimeMs),
    /// A connection to a peer stands.
    Connected {
        /// Its number; one in use is ignored.
        peer: Peer,
        /// Whether this node opened it.
        outbound: bool,
        /// What is left of the score of an earlier connection; 0 for a stranger.
        score: Points,
    },
    /// The connection is gone.
    Gone(Peer),
    /// A message came in.
    Message {
        /// From whom.
        from: Peer,
        /// What.
        message: Box<Message>,
        /// Its bytes on the wire.
        bytes: usize,
    },
    /// Bytes came in that are no message.
    Wrong(Peer),
    /// Where this node stands now.
    Status(Status),
    /// The root machine wants this block sent.
    Block {
        /// The block.
        block: NewBlock,
        /// To whom.
        to: To,
    },
    /// A good seal names this key block, which is not here; `None`: it is by now.
    Sealed(Option<(Hash, Height)>),
    /// These came into the pool.
    Pooled(Vec<TxHash>),
    /// These left the pool.
    Unpooled(Vec<TxHash>),
    /// The witness machine wants this said.
    Say {
        /// What.
        word: Word,
        /// To whom.
        to: To,
    },
    /// The root machine wants a block that a peer must have.
    FetchBlock(Peer, Hash),
    /// The witness machine wants a justification that a peer must have.
    FetchJustification(Peer, Round, Hash),
    /// The witness machine wants the seals of eras' last key blocks that a peer must have, from this height on.
    FetchSeals(Peer, Height),
    /// The shell wants addresses of peers.
    FetchAddresses(Peer),
    /// A machine thinks so much better or worse of a peer.
    Score(Peer, Points),
    /// The root machine refused this block for ever.
    Refused(Hash),
    /// The answer to [`crate::Effect::Look`].
    Found(LookId, Found),
}

/// A block to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewBlock {
    /// Goes out whole.
    Key(Box<KeyHeader>, Bytes),
    /// Goes out as header and hashes.
    Micro(Box<MicroHeader>, Vec<TxHash>),
}

/// What the witness machine says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// A vote.
    Vote(Box<Vote>),
    /// A seal.
    Seal(Box<Seal>),
    /// A justification.
    Justification(Box<Justification>),
}

/// Receivers. None gets what it is known to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// Every peer.
    All,
    /// Every peer but this one, which has it.
    Except(Peer),
    /// This peer alone.
    One(Peer),
}
