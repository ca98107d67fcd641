//! The trie of the open routes: a binary Patricia trie over the hashes of data, with the nodes of the seed's proofs.
//!
//! A derived index: it is rebuilt from blocks and stands in no header. Its root is a function of the data alone, whatever
//! their order. Read [`SeedTrie`] first, [`verify_merkle_proof`] for the other side. A node's hash is SHA-256 over its fields
//! with `hash` absent, as bincode 1 writes them: a list is its length (8 bytes, little-endian) and its bytes, an optional field
//! 0, or 1 and the value.
//!
//! | node | fields in order | here |
//! |---|---|---|
//! | root | hash, left, right | the sides of bit 0; either may be absent |
//! | branch | key, hash, left, right | key: one byte, the first bit at which its sides differ; both are there |
//! | leaf | prefix, key, hash, data | prefix absent; key: 256 bits, a byte each, of the hash of the leaf with an empty key |
//!
//! Source: associates 10; node 8.5; the layout is the one of the seed's trie library (`ciphercurve-trie`).

use alloc::{boxed::Box, string::String, vec::Vec};
use core::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// Hash of a node.
pub type SeedHash = [u8; 32];
/// Bytes of one datum, at most. Source: node 8.5.
pub const SEED_DATA_BYTES_MAX: usize = 64 * 1024;
/// Nodes of a proof, at most: the root, a branch for each further bit, a leaf.
pub const SEED_NODES_MAX: usize = 257;

/// A node, as it travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SeedNode {
    /// The top.
    Root {
        /// Below it on the side of bit 0 clear.
        left: Option<SeedHash>,
        /// And set.
        right: Option<SeedHash>,
    },
    /// Where keys part.
    Branch {
        /// Bytes that the hash covers; here the bit's place.
        key: Vec<u8>,
        /// Hash of the side where that bit is clear.
        left: Option<SeedHash>,
        /// And set.
        right: Option<SeedHash>,
    },
    /// A datum.
    Leaf {
        /// Bytes that the hash covers; absent here.
        prefix: Option<Vec<u8>>,
        /// The key's bits, a byte each.
        key: Vec<u8>,
        /// The datum.
        data: Option<Vec<u8>>,
    },
}

impl SeedNode {
    /// Its hash.
    pub fn hash(&self) -> SeedHash {
        let mut out = Vec::new();
        match self {
            Self::Root { left, right } => {
                put_option(None, &mut out);
                put_sides(*left, *right, &mut out);
            }
            Self::Branch { key, left, right } => {
                put_bytes(key, &mut out);
                put_option(None, &mut out);
                put_sides(*left, *right, &mut out);
            }
            Self::Leaf { prefix, key, data } => {
                put_option(prefix.as_deref(), &mut out);
                put_bytes(key, &mut out);
                put_option(None, &mut out);
                put_option(data.as_deref(), &mut out);
            }
        }
        Sha256::digest(&out).into()
    }

    /// The side of a root or branch; `None` where it has none, as a leaf.
    const fn side(&self, is_right: bool) -> Option<SeedHash> {
        match self {
            Self::Root { left, right } | Self::Branch { left, right, .. } => {
                if is_right {
                    *right
                } else {
                    *left
                }
            }
            Self::Leaf { .. } => None,
        }
    }
}

fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_le_bytes());
    out.extend_from_slice(bytes);
}

fn put_option(bytes: Option<&[u8]>, out: &mut Vec<u8>) {
    out.push(u8::from(bytes.is_some()));
    if let Some(bytes) = bytes {
        put_bytes(bytes, out);
    }
}

fn put_sides(left: Option<SeedHash>, right: Option<SeedHash>, out: &mut Vec<u8>) {
    put_option(left.as_ref().map(<[u8; 32]>::as_slice), out);
    put_option(right.as_ref().map(<[u8; 32]>::as_slice), out);
}

/// The key of a datum: the hash of its leaf with an empty key.
pub fn seed_key(data: &[u8]) -> SeedHash {
    SeedNode::Leaf { prefix: None, key: Vec::new(), data: Some(data.to_vec()) }.hash()
}

/// The bits of a key, a byte each, from the highest of the first byte on: what the route takes.
pub fn seed_bits(key: &SeedHash) -> Vec<u8> {
    (0..=u8::MAX).map(|at| u8::from(bit(key, at))).collect()
}

/// The key that these bits are; `None` unless they are 256 of 0 and 1.
pub fn seed_key_of(bits: &[u8]) -> Option<SeedHash> {
    if bits.len() != 256 || bits.iter().any(|bit| *bit > 1) {
        return None;
    }
    let mut key = [0; 32];
    for (byte, bits) in key.iter_mut().zip(bits.chunks(8)) {
        *byte = bits.iter().fold(0, |byte, bit| (byte << 1) | bit);
    }
    Some(key)
}

fn bit(key: &SeedHash, at: u8) -> bool {
    key.get(usize::from(at / 8)).is_some_and(|byte| byte & (0x80 >> (at % 8)) != 0)
}

/// The first bit at which keys differ.
fn parting(a: &SeedHash, b: &SeedHash) -> Option<u8> {
    (0..=u8::MAX).find(|at| bit(a, *at) != bit(b, *at))
}

/// The data of all blocks, by their keys.
#[derive(Debug, Clone, Default)]
pub struct SeedTrie {
    left: Option<Below>,
    right: Option<Below>,
    len: usize,
}

/// What is below the root or a branch.
#[derive(Debug, Clone)]
enum Below {
    Leaf { key: SeedHash, data: Vec<u8>, hash: SeedHash },
    Branch { bit: u8, sides: Box<[Below; 2]>, hash: SeedHash },
}

impl Below {
    fn leaf(key: SeedHash, data: Vec<u8>) -> Self {
        let hash = leaf_node(&key, &data).hash();
        Self::Leaf { key, data, hash }
    }

    fn branch(bit: u8, sides: [Self; 2]) -> Self {
        let [left, right] = &sides;
        let hash = branch_node(bit, left.hash(), right.hash()).hash();
        Self::Branch { bit, sides: Box::new(sides), hash }
    }

    const fn hash(&self) -> SeedHash {
        match self {
            Self::Leaf { hash, .. } | Self::Branch { hash, .. } => *hash,
        }
    }

    fn node(&self) -> SeedNode {
        match self {
            Self::Leaf { key, data, .. } => leaf_node(key, data),
            Self::Branch { bit, sides, .. } => {
                let [left, right] = &**sides;
                branch_node(*bit, left.hash(), right.hash())
            }
        }
    }

    /// The side of a branch that a key leads to, and which; `None` for a leaf.
    fn next(&self, key: &SeedHash) -> Option<(bool, &Self)> {
        let Self::Branch { bit: at, sides, .. } = self else { return None };
        let [left, right] = &**sides;
        let is_right = bit(key, *at);
        Some((is_right, if is_right { right } else { left }))
    }

    /// The key of the leaf that `key` leads to.
    fn nearest(&self, key: &SeedHash) -> SeedHash {
        let mut below = self;
        while let Some((_, next)) = below.next(key) {
            below = next;
        }
        match below {
            Self::Leaf { key, .. } => *key,
            Self::Branch { .. } => *key,
        }
    }

    /// With a new leaf that parts from what is here at a bit.
    fn insert(self, at: u8, leaf: Self, key: &SeedHash) -> Self {
        match self {
            Self::Branch { bit: here, sides, .. } if here < at => {
                let [left, right] = *sides;
                let sides = if bit(key, here) {
                    [left, right.insert(at, leaf, key)]
                } else {
                    [left.insert(at, leaf, key), right]
                };
                Self::branch(here, sides)
            }
            below if bit(key, at) => Self::branch(at, [below, leaf]),
            below => Self::branch(at, [leaf, below]),
        }
    }
}

fn leaf_node(key: &SeedHash, data: &[u8]) -> SeedNode {
    SeedNode::Leaf { prefix: None, key: seed_bits(key), data: Some(data.to_vec()) }
}

fn branch_node(bit: u8, left: SeedHash, right: SeedHash) -> SeedNode {
    SeedNode::Branch { key: [bit].into(), left: Some(left), right: Some(right) }
}

impl SeedTrie {
    /// Put a datum into it; whether it is new. The caller limits it to [`SEED_DATA_BYTES_MAX`].
    pub fn insert(&mut self, data: &[u8]) -> bool {
        let key = seed_key(data);
        let side = if bit(&key, 0) { &mut self.right } else { &mut self.left };
        let parts_at = side.as_ref().map(|below| parting(&below.nearest(&key), &key));
        let leaf = || Below::leaf(key, data.to_vec());
        *side = match (side.take(), parts_at) {
            (Some(below), Some(Some(at))) => Some(below.insert(at, leaf(), &key)),
            (Some(below), _) => {
                *side = Some(below);
                return false;
            }
            (None, _) => Some(leaf()),
        };
        self.len = self.len.saturating_add(1);
        true
    }

    /// How many data it holds.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether it holds none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The root: its hash is what proofs are checked against.
    pub fn root(&self) -> SeedNode {
        let hash = |below: &Option<Below>| below.as_ref().map(Below::hash);
        SeedNode::Root { left: hash(&self.left), right: hash(&self.right) }
    }

    /// The way that a key leads, from the root: to its datum, to another one, or to an empty side.
    pub fn prove(&self, key: &SeedHash) -> SeedProof {
        let mut nodes: Vec<_> = [(false, self.root())].into();
        let is_right = bit(key, 0);
        let side = if is_right { &self.right } else { &self.left };
        let mut next = side.as_ref().map(|below| (is_right, below));
        while let Some((is_right, below)) = next {
            nodes.push((is_right, below.node()));
            next = below.next(key);
        }
        SeedProof { nodes }
    }
}

/// Nodes from the root on, each with the side of the one before that it is on: right is `true`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeedProof {
    /// The root first, then what the key leads to.
    pub nodes: Vec<(bool, SeedNode)>,
}

/// What a proof shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown<'a> {
    /// The datum with the key.
    Present(&'a [u8]),
    /// There is none.
    Absent,
}

/// Why a proof shows nothing, in the order of the checks. All are the sender's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSeedProof {
    /// No root first, a root later, or a leaf before the end.
    #[error("node {at} is of another kind than its place asks")]
    Kind {
        /// Its place, from the root.
        at: usize,
    },
    /// More nodes than a key has bits.
    #[error("{got} nodes, at most {SEED_NODES_MAX} expected")]
    Length {
        /// How many.
        got: usize,
    },
    /// A branch has not one bit's place as its key, or not a later one than the branch before.
    #[error("node {at} does not part at a later bit")]
    Bit {
        /// Its place.
        at: usize,
    },
    /// A node is not on the side that the key leads to.
    #[error("node {at} is on the other side")]
    Side {
        /// Its place.
        at: usize,
    },
    /// A node is not the one that the node before names, or the root is not the one asked for.
    #[error("node {at} has another hash")]
    Hash {
        /// Its place.
        at: usize,
    },
    /// The way ends where it should go on, or the leaf's key is not its datum's.
    #[error("the last node ends no way")]
    End,
}

/// Check what a proof says of a key, under the root with this hash. Pure; never panics.
/// # Errors
/// The first [`BadSeedProof`] that applies.
pub fn verify_merkle_proof<'a>(
    proof: &'a SeedProof,
    key: &SeedHash,
    root: &SeedHash,
) -> Result<Shown<'a>, BadSeedProof> {
    let got = proof.nodes.len();
    if got > SEED_NODES_MAX {
        return Err(BadSeedProof::Length { got });
    }
    let mut wanted = Some(*root);
    // The bit that leads on from the node before, and what the key has there.
    let mut lead: Option<(u8, bool)> = None;
    for (at, (is_right, node)) in proof.nodes.iter().enumerate() {
        let parts_at = place(at, node, lead)?;
        if *is_right != lead.is_some_and(|(_, side)| side) {
            return Err(BadSeedProof::Side { at });
        }
        if wanted != Some(node.hash()) {
            return Err(BadSeedProof::Hash { at });
        }
        let Some(parts_at) = parts_at else { return end(node, key) };
        let side = bit(key, parts_at);
        (wanted, lead) = (node.side(side), Some((parts_at, side)));
    }
    // Only a root may have an empty side, and then nothing follows.
    if got == 1 && wanted.is_none() { Ok(Shown::Absent) } else { Err(BadSeedProof::End) }
}

/// The bit at which a node parts; `None` for a leaf.
fn place(at: usize, node: &SeedNode, lead: Option<(u8, bool)>) -> Result<Option<u8>, BadSeedProof> {
    match (node, lead) {
        (SeedNode::Root { .. }, None) => Ok(Some(0)),
        (SeedNode::Branch { key, left: Some(_), right: Some(_) }, Some((before, _))) => match key.as_slice() {
            [here] if *here > before => Ok(Some(*here)),
            _ => Err(BadSeedProof::Bit { at }),
        },
        (SeedNode::Leaf { .. }, Some(_)) => Ok(None),
        _ => Err(BadSeedProof::Kind { at }),
    }
}

/// The leaf that a key leads to holds it, or nothing does.
fn end<'a>(node: &'a SeedNode, key: &SeedHash) -> Result<Shown<'a>, BadSeedProof> {
    let SeedNode::Leaf { prefix: None, key: bits, data: Some(data) } = node else { return Err(BadSeedProof::End) };
    let held = seed_key(data);
    if *bits != seed_bits(&held) {
        return Err(BadSeedProof::End);
    }
    Ok(if held == *key { Shown::Present(data) } else { Shown::Absent })
}

impl SeedProof {
    /// As JSON, in the seed's shape: `{"nodes":[[bool,Node],…]}`, bytes as arrays of numbers.
    pub fn to_json(&self) -> String {
        let mut out = String::from("{\"nodes\":[");
        for (at, (is_right, node)) in self.nodes.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            let _ = write!(out, "{comma}[{is_right},");
            node.put_json(&mut out);
            out.push(']');
        }
        out.push_str("]}");
        out
    }
}

impl SeedNode {
    /// As JSON inside a proof: the kind with its fields.
    fn put_json(&self, out: &mut String) {
        let hash = self.hash();
        let field = |out: &mut String, name: &str, bytes: Option<&[u8]>| {
            let _ = write!(out, "{name}:");
            match bytes {
                Some(bytes) => {
                    let _ = write!(out, "{bytes:?}");
                }
                None => out.push_str("null"),
            }
        };
        let sides = |out: &mut String, left: &Option<SeedHash>, right: &Option<SeedHash>| {
            field(out, "\"hash\"", Some(&hash));
            field(out, ",\"left\"", left.as_ref().map(<[u8; 32]>::as_slice));
            field(out, ",\"right\"", right.as_ref().map(<[u8; 32]>::as_slice));
        };
        match self {
            Self::Root { left, right } => {
                out.push_str("{\"Root\":{");
                sides(out, left, right);
            }
            Self::Branch { key, left, right } => {
                out.push_str("{\"Branch\":{");
                field(out, "\"key\"", Some(key));
                out.push(',');
                sides(out, left, right);
            }
            Self::Leaf { prefix, key, data } => {
                out.push_str("{\"Leaf\":{");
                field(out, "\"prefix\"", prefix.as_deref());
                field(out, ",\"key\"", Some(key));
                field(out, ",\"hash\"", Some(&hash));
                field(out, ",\"data\"", data.as_deref());
            }
        }
        out.push_str("}}");
    }
}

#[cfg(test)]
mod tests;
