//! Who gets a message.

use banyan_types::Peer;

/// Who gets a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// Every peer.
    All,
    /// Every peer but the one that sent it.
    Except(Peer),
    /// One peer.
    One(Peer),
}

impl To {
    /// Whether this peer does.
    pub fn is(&self, peer: Peer) -> bool {
        match self {
            Self::All => true,
            Self::Except(other) => *other != peer,
            Self::One(one) => *one == peer,
        }
    }
}
