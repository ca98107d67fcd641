//! What the shell must do, in this order. Plain data: a test can print, compare and replay it.

use alloc::{boxed::Box, string::String, vec::Vec};

use banyan_types::{Bytes, Hash, Peer, TimeMs};
use thiserror::Error;

use crate::{
    input::Word,
    look::{Look, LookId},
    message::{BlockBytes, Hello, Message},
};

/// An order to the shell. Effects are carried out in the order given.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Send a message. Where messages queue, [`Message::priority`] says which goes first.
    Send(Peer, Box<Message>),
    /// Look this up, and answer with [`crate::Input::Found`].
    Look(LookId, Look),
    /// A peer said who it is, and belongs to this chain: tell it the newest seal, justification and votes.
    Met(Peer, Box<Hello>),
    /// Give the root machine a block. The body is the one that the header names; all else is for that machine to judge.
    Block(Peer, BlockBytes),
    /// Give the witness machine what a peer says.
    Word(Peer, Word),
    /// Give the pool signed transactions.
    Txs(Peer, Vec<Bytes>),
    /// Addresses that a peer has reached.
    Addresses(Peer, Vec<String>),
    /// Close the connection; [`crate::Input::Gone`] need not follow.
    Disconnect {
        /// Whose.
        peer: Peer,
        /// Why.
        why: Why,
        /// How long to stay away from it, in milliseconds.
        ban_ms: Option<u64>,
    },
    /// Tick at this time at the latest; replaces what was asked before.
    Wake(TimeMs),
}

/// Why a connection is closed, in the order of the checks.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Why {
    /// There are enough peers.
    #[error("{max} peers are connected already")]
    Full {
        /// At most so many.
        max: usize,
    },
    /// It is of another chain.
    #[error("chain {theirs}, ours is {ours}")]
    Chain {
        /// Its genesis.
        theirs: Hash,
        /// This node's.
        ours: Hash,
    },
    /// It is in another epoch.
    #[error("epoch {theirs}, ours is {ours}")]
    Epoch {
        /// Its epoch.
        theirs: u32,
        /// This node's.
        ours: u32,
    },
    /// It speaks another version.
    #[error("version {theirs}, ours is {ours}")]
    Version {
        /// Its version.
        theirs: u32,
        /// This node's.
        ours: u32,
    },
    /// It signs for another network.
    #[error("network {theirs}, ours is {ours}")]
    Network {
        /// Its network.
        theirs: String,
        /// This node's.
        ours: String,
    },
    /// It never said who it is.
    #[error("no hello within {max_ms} ms")]
    Silent {
        /// Within this time it should have.
        max_ms: u64,
    },
    /// Its score fell to the least.
    #[error("score {score}")]
    Score {
        /// The score.
        score: i8,
    },
}
