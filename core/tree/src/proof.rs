//! Prove one key.

use alloc::{vec, vec::Vec};
use thiserror::Error;

use crate::{
    bytes::{BadEncoding, Reader},
    node::{self, DEPTH_MAX, EMPTY, Key, Node, ValueHash, value_hash},
    trie::{Place, Sight},
};

/// Longest encoded [`Proof`]: depth, a bitmap, 256 siblings, the end of the path with a leaf.
pub const PROOF_BYTES_MAX: usize = 2 + 32 + DEPTH_MAX * 32 + 1 + 64;

/// Why a proof does not prove: its maker is at fault, but for the first. In the order of the checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadProof {
    /// The keys asked for are not ascending and unique: the caller is at fault.
    #[error("key {index} does not stand above the one before it")]
    Order {
        /** Position among the keys. */
        index: usize,
    },
    /// The proof shows other places than those that the keys lead to.
    #[error("the proof does not follow the keys")]
    Shape,
    /// The proof is of another state.
    #[error("proof of another root")]
    Root {
        /** The caller's. */
        expected: Node,
        /** The proof's. */
        got: Node,
    },
    /// The state holds something else at this key: the proof is good, the claim is not.
    #[error("the state holds another value")]
    Value {
        /** What was claimed. */
        claimed: Option<ValueHash>,
        /** What is held. */
        held: Option<ValueHash>,
    },
}

/// What a key's path through the trie shows: the nodes beside it and the place where it ends.
///
/// Bytes: depth `u16` big-endian ‖ one bit per sibling from the root down, first in the highest bit, set if it is not
/// empty, padded with zeros ‖ those siblings, 32 bytes each ‖ `00` where the path ends empty, or `01 ‖ key ‖ value hash`
/// of the leaf it ends at. There is one proof, and one encoding of it, for each root and key.
/// At 1,000,000 leaves about 750 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// From the root down, at most [`DEPTH_MAX`].
    siblings: Vec<Node>,
    end: Option<(Key, ValueHash)>,
}

impl Proof {
    pub(crate) fn new<V>(top: Place<'_, V>, key: &Key) -> Self {
        let (mut siblings, mut place) = (Vec::new(), top);
        let end = loop {
            let depth = siblings.len();
            match place.look(depth) {
                Sight::Empty => break None,
                Sight::Leaf(leaf) => break Some((leaf.key, leaf.value_hash)),
                Sight::Inner(left, right) => {
                    let (own, other) = if node::goes_right(key, depth) { (right, left) } else { (left, right) };
                    siblings.push(other.node(depth.saturating_add(1)));
                    place = own;
                }
            }
        };
        Self { siblings, end }
    }

    /// What the state under `root` holds at `key`: a value's hash or nothing.
    pub fn open(&self, root: &Node, key: &Key) -> Result<Option<ValueHash>, BadProof> {
        let mut above = self.end.map_or(EMPTY, |(key, value)| node::leaf(&key, &value));
        for (depth, sibling) in self.siblings.iter().enumerate().rev() {
            above =
                if node::goes_right(key, depth) { node::inner(sibling, &above) } else { node::inner(&above, sibling) };
        }
        if above != *root {
            return Err(BadProof::Root { expected: *root, got: above });
        }
        Ok(self.end.filter(|(found, _)| found == key).map(|(_, value)| value))
    }

    /// Whether the state under `root` holds exactly `value` at `key`; `None` claims that it holds nothing there.
    pub fn verify(&self, root: &Node, key: &Key, value: Option<&[u8]>) -> Result<(), BadProof> {
        let claimed = value.map(value_hash);
        let held = self.open(root, key)?;
        if held == claimed { Ok(()) } else { Err(BadProof::Value { claimed, held }) }
    }

    /// Number of nodes hashed to verify: the siblings and the end. What a ledger charges for.
    pub fn nodes(&self) -> usize {
        self.siblings.len().saturating_add(1)
    }

    /// Write the canonical bytes, at most [`PROOF_BYTES_MAX`].
    pub fn encode(&self) -> Vec<u8> {
        let depth = u16::try_from(self.siblings.len()).unwrap_or(u16::MAX);
        let mut bytes = depth.to_be_bytes().to_vec();
        bytes.extend(self.siblings.chunks(8).map(bitmap));
        bytes.extend(self.siblings.iter().filter(|sibling| **sibling != EMPTY).flatten());
        match &self.end {
            None => bytes.push(0),
            Some((key, value)) => bytes.extend([1].iter().chain(key).chain(value)),
        }
        bytes
    }

    /// Read what [`encode`](Self::encode) wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, BadEncoding> {
        let mut reader = Reader::new(bytes, PROOF_BYTES_MAX)?;
        let depth = usize::from(u16::from_be_bytes(reader.array()?));
        if depth > DEPTH_MAX {
            return Err(BadEncoding::Range { field: "depth", got: depth as u64 });
        }
        let present = reader.slice(depth.div_ceil(8))?;
        let mut siblings = vec![EMPTY; depth];
        for (chunk, bits) in siblings.chunks_mut(8).zip(present) {
            read_siblings(&mut reader, chunk, *bits)?;
        }
        let end = match reader.byte()? {
            0 => None,
            1 => Some((reader.array()?, reader.array()?)),
            kind => return Err(BadEncoding::Range { field: "end", got: u64::from(kind) }),
        };
        reader.end()?;
        Ok(Self { siblings, end })
    }
}

const FIRST_BIT: u8 = 0x80;

/// One bit for each of at most eight siblings, the first one highest.
fn bitmap(siblings: &[Node]) -> u8 {
    let masks = (0..8).map(|shift| FIRST_BIT >> shift);
    siblings.iter().zip(masks).filter(|(sibling, _)| **sibling != EMPTY).fold(0, |bits, (_, mask)| bits | mask)
}

fn read_siblings(reader: &mut Reader<'_>, siblings: &mut [Node], bits: u8) -> Result<(), BadEncoding> {
    let masks = (0..8).map(|shift| FIRST_BIT >> shift);
    for (sibling, _) in siblings.iter_mut().zip(masks).filter(|(_, mask)| bits & mask != 0) {
        *sibling = reader.array()?;
    }
    // Catches a set bit behind the last sibling as well as a written sibling that is empty.
    if bitmap(siblings) == bits { Ok(()) } else { Err(BadEncoding::NotCanonical { field: "siblings" }) }
}
