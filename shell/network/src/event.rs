//! What the network tells and why it ends things.

use std::{io, net::SocketAddr};

use banyan_types::{Peer, PublicKey};

use crate::{Frame, Traffic};

/// What happened. For one peer: `Connected`, then any number of `Frame`, then `Gone`, and never anything after.
#[derive(Debug)]
pub enum Event {
    /// A peer of this network has proven its key.
    Connected {
        /// Its number, for the life of this connection.
        peer: Peer,
        /// Its key.
        key: PublicKey,
        /// Where it is seen.
        address: SocketAddr,
        /// Whether this node has called.
        outbound: bool,
    },
    /// A peer sent something.
    Frame {
        /// Who.
        peer: Peer,
        /// What. Keep it no longer than needed: the peer's credit is bound to it.
        frame: Frame,
    },
    /// A connection is over.
    Gone {
        /// Whose.
        peer: Peer,
        /// Why.
        reason: Reason,
    },
    /// A connection never came to be.
    Failed {
        /// Where.
        address: SocketAddr,
        /// Why.
        reason: Reason,
    },
    /// This node can be called here.
    Listening(SocketAddr),
}

/// Why a connection is over, or never was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The other side hung up.
    #[error("the peer closed the connection")]
    Closed,
    /// This node was told to.
    #[error("disconnected by this node")]
    Disconnected,
    /// It is banned here.
    #[error("banned")]
    Banned,
    /// It is not on the list of those allowed.
    #[error("its key is not on the allow-list")]
    NotAllowed,
    /// Traffic with it is cut for a drill.
    #[error("cut until joined again")]
    Cut,
    /// There is no room for it.
    #[error("no room: {used} of {max} places are taken")]
    Full {
        /// Places taken.
        used: usize,
        /// Places there are.
        max: usize,
    },
    /// It is this node.
    #[error("that is this node itself")]
    Own,
    /// Somebody else answers at its address.
    #[error("another key answers there")]
    WrongKey,
    /// It speaks, but of another network.
    #[error("it belongs to another network: this one is {ours}")]
    OtherNetwork {
        /// This node's protocol.
        ours: String,
    },
    /// Its first frame says nothing that we understand.
    #[error("malformed greeting")]
    Greeting,
    /// There is a better connection to the same key.
    #[error("one of two connections with the same key is enough")]
    Duplicate,
    /// Its frame is too long.
    #[error("a frame of {bytes} bytes, at most {max}")]
    Oversized {
        /// What it announced.
        bytes: usize,
        /// [`crate::FRAME_BYTES_MAX`].
        max: usize,
    },
    /// It began something and did not finish it in time.
    #[error("too slow in a handshake or in the middle of a frame")]
    Loris,
    /// It said nothing for too long.
    #[error("quiet for too long")]
    Quiet,
    /// It does not take what is sent to it.
    #[error("it does not read what is sent to it")]
    Slow,
    /// Its place goes to somebody else for a while, so that nobody surrounds this node for long.
    #[error("its place rotates")]
    Rotated,
    /// It was only asked whether it is there.
    #[error("it was only asked whether it is there")]
    Feeler,
    /// Nobody answers, or the line broke.
    #[error("{0}")]
    Line(String),
}

impl From<io::Error> for Reason {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Closed,
            _ => Self::Line(error.to_string()),
        }
    }
}

/// Why a frame is not on its way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// A frame of no bytes is a sign of life and nobody's message.
    #[error("an empty frame")]
    Empty,
    /// Nobody would take it.
    #[error("a frame of {bytes} bytes, at most {max}")]
    Oversized {
        /// Its bytes.
        bytes: usize,
        /// [`crate::FRAME_BYTES_MAX`].
        max: usize,
    },
    /// The connection is over.
    #[error("no such peer")]
    NoPeer,
    /// The queue is full: the peer is being disconnected.
    #[error("the peer's queue is full with {bytes} bytes in {frames} frames")]
    Slow {
        /// Bytes with this frame.
        bytes: usize,
        /// Frames with this one.
        frames: usize,
    },
}

/// A live connection as others may see it.
#[derive(Debug, Clone)]
pub struct PeerInfo {
    /// Its number.
    pub peer: Peer,
    /// The peer's key.
    pub key: PublicKey,
    /// Where it is seen.
    pub address: SocketAddr,
    /// Whether this node has called.
    pub outbound: bool,
    /// What has passed.
    pub traffic: Traffic,
}
