//! Blocks as the machine sees them: a header, and what it must know of the body.

use alloc::boxed::Box;

use banyan_types::{
    Hash, Height, TimeMs,
    header::{KeyHeader, MicroHeader},
};

/// What the shell found in a micro block's body, which itself stays in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyFacts {
    /// List root of its transactions' hashes; all zero without transactions.
    pub txs_root: Hash,
    /// Size on the wire, in bytes, attachments not counted.
    pub bytes: u32,
}

/// What the shell found in a key block's body: at most one seal. Whether the seal holds is for execution to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyBodyFacts {
    /// From [`banyan_types::header::KeyBody::witness_hash`]; all zero for the empty body.
    pub witness_hash: Hash,
    /// Size in bytes.
    pub bytes: u32,
}

impl KeyBodyFacts {
    /// No body: a key block without a seal.
    pub const EMPTY: Self = Self { witness_hash: Hash::ZERO, bytes: 0 };
}

/// A header of either kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Header {
    /// Opens a generation.
    Key(Box<KeyHeader>),
    /// Adds transactions to one.
    Micro(Box<MicroHeader>),
}

impl Header {
    /// The block's name.
    pub fn hash(&self) -> Hash {
        match self {
            Self::Key(header) => header.hash(),
            Self::Micro(header) => header.hash(),
        }
    }

    /// The block before, of either kind.
    pub const fn prev_hash(&self) -> Hash {
        match self {
            Self::Key(header) => header.prev_hash,
            Self::Micro(header) => header.prev_hash,
        }
    }

    /// The key block before: of a micro block, the one that opened its generation.
    pub const fn prev_key_hash(&self) -> Hash {
        match self {
            Self::Key(header) => header.prev_key_hash,
            Self::Micro(header) => header.prev_key_hash,
        }
    }

    /// Height of the key block that this is, or that opened its generation.
    pub const fn height(&self) -> Height {
        match self {
            Self::Key(header) => header.height,
            Self::Micro(header) => header.height,
        }
    }

    /// Place in the generation: 0 is the key block.
    pub const fn index(&self) -> u32 {
        match self {
            Self::Key(_) => 0,
            Self::Micro(header) => header.index,
        }
    }

    /// When the block was made, as it says.
    pub const fn time(&self) -> TimeMs {
        match self {
            Self::Key(header) => header.time,
            Self::Micro(header) => header.time,
        }
    }

    /// Root of the state after the block.
    pub const fn state_root(&self) -> Hash {
        match self {
            Self::Key(header) => header.state_root,
            Self::Micro(header) => header.state_root,
        }
    }
}

/// A block that came in, from a peer or from this node itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// A key block.
    Key(Box<KeyHeader>, KeyBodyFacts),
    /// A micro block.
    Micro(Box<MicroHeader>, BodyFacts),
}

impl Block {
    /// The block's name.
    pub fn hash(&self) -> Hash {
        match self {
            Self::Key(header, _) => header.hash(),
            Self::Micro(header, _) => header.hash(),
        }
    }

    /// Whether the body is the one that the header names. If not, nothing about the body is the header's fault.
    pub fn body_fits(&self) -> bool {
        match self {
            Self::Key(header, body) => header.witness_hash == body.witness_hash,
            Self::Micro(header, body) => header.txs_root == body.txs_root,
        }
    }

    pub(crate) fn into_header(self) -> Header {
        match self {
            Self::Key(header, _) => Header::Key(header),
            Self::Micro(header, _) => Header::Micro(header),
        }
    }
}

/// Where a block stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockRef {
    /// Its name.
    pub hash: Hash,
    /// The key block of its generation; itself for a key block.
    pub key_hash: Hash,
    /// Height of that key block.
    pub height: Height,
    /// Place in the generation: 0 is the key block.
    pub index: u32,
    /// The key block before `key_hash`.
    pub prev_key_hash: Hash,
}

impl BlockRef {
    /// Whether this is a key block.
    pub const fn is_key(&self) -> bool {
        self.index == 0
    }
}
