//! The header of a block of any ledger, as the store keeps it: a byte for the kind, then the header's own bytes.

use banyan_store::Place;
use banyan_types::{
    Hash, Height, TimeMs,
    header::{ChildHeader, KeyHeader, MicroHeader},
};

use crate::NodeError;

/// A header of any kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Header {
    /// Of the root: opens a generation.
    Key(Box<KeyHeader>),
    /// Of the root: adds transactions to one.
    Micro(Box<MicroHeader>),
    /// Of an associate.
    Child(Box<ChildHeader>),
}

impl Header {
    /// The block's name.
    pub fn hash(&self) -> Hash {
        match self {
            Self::Key(header) => header.hash(),
            Self::Micro(header) => header.hash(),
            Self::Child(header) => header.hash(),
        }
    }

    /// The block before.
    pub const fn prev_hash(&self) -> Hash {
        match self {
            Self::Key(header) => header.prev_hash,
            Self::Micro(header) => header.prev_hash,
            Self::Child(header) => header.prev_hash,
        }
    }

    /// Number of the block, of a micro block that of its key block.
    pub const fn height(&self) -> Height {
        match self {
            Self::Key(header) => header.height,
            Self::Micro(header) => header.height,
            Self::Child(header) => header.height,
        }
    }

    /// When it was made.
    pub const fn time(&self) -> TimeMs {
        match self {
            Self::Key(header) => header.time,
            Self::Micro(header) => header.time,
            Self::Child(header) => header.time_ms,
        }
    }

    /// Root of the state after it.
    pub const fn state_root(&self) -> Hash {
        match self {
            Self::Key(header) => header.state_root,
            Self::Micro(header) => header.state_root,
            Self::Child(header) => header.state_root,
        }
    }

    /// Where it stands on its chain.
    pub const fn place(&self) -> Place {
        match self {
            Self::Key(header) => Place::at(header.height.0),
            Self::Micro(header) => Place { height: header.height.0, index: header.index },
            Self::Child(header) => Place::at(header.height.0),
        }
    }

    /// The bytes that the store keeps and peers send.
    pub fn encode(&self) -> Vec<u8> {
        let (kind, bytes) = match self {
            Self::Key(header) => (0, header.encode()),
            Self::Micro(header) => (1, header.encode()),
            Self::Child(header) => (2, header.encode()),
        };
        [&[kind], &bytes[..]].concat()
    }

    /// Read exactly these bytes.
    /// # Errors
    /// [`NodeError::Header`] when they are no header.
    pub fn decode(bytes: &[u8]) -> Result<Self, NodeError> {
        let decoded = match bytes.split_first() {
            Some((0, bytes)) => KeyHeader::decode(bytes).map(|header| Self::Key(Box::new(header))),
            Some((1, bytes)) => MicroHeader::decode(bytes).map(|header| Self::Micro(Box::new(header))),
            Some((2, bytes)) => ChildHeader::decode(bytes).map(|header| Self::Child(Box::new(header))),
            _ => return Err(NodeError::Header),
        };
        decoded.map_err(|_| NodeError::Header)
    }
}
