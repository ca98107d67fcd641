//! Prove many keys at once.

use alloc::vec::Vec;
use core::slice;

use crate::{
    bytes::{BadEncoding, Reader},
    node::{self, DEPTH_MAX, EMPTY, Key, Node, ValueHash, value_hash},
    proof::BadProof,
    trie::{Place, Sight},
};

/// Longest encoded [`MultiProof`]: 64 MiB, which is also the limit of a block's witness (protocol, proofs 5). Whoever reads
/// from a stranger gives less: decoding takes up to eight times the bytes in memory.
pub const MULTI_PROOF_BYTES_MAX: usize = 64 << 20;

/// The part of the trie that some keys lead to, in pre-order, with one hash for each subtree that none leads to.
///
/// Bytes: two bits per node in pre-order, first in the highest bits, padded with zeros: 0 empty, 1 inner, 2 a subtree
/// that no key leads to, 3 a leaf at the end of a key's path ‖ in the same order 32 bytes for each 2 (its hash) and 64
/// for each 3 (key, value hash). The nodes say themselves where they end: there is no length. There is one proof, and
/// one encoding of it, for each root and set of keys.
/// At 1,000,000 leaves and 100 keys about 50 KB, 500 bytes a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MultiProof {
    kinds: Vec<Kind>,
    /// One for a `Hidden`, two for a `Leaf`.
    hashes: Vec<Node>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Empty,
    Inner,
    Hidden,
    Leaf,
}

impl MultiProof {
    /// `keys` are ascending and unique.
    pub(crate) fn new<V>(top: &Place<'_, V>, keys: &[Key]) -> Self {
        let mut proof = Self { kinds: Vec::new(), hashes: Vec::new() };
        proof.show(top, 0, keys);
        proof
    }

    fn show<V>(&mut self, place: &Place<'_, V>, depth: usize, keys: &[Key]) {
        if keys.is_empty() {
            return self.hide(place.node(depth));
        }
        match place.look(depth) {
            Sight::Empty => self.kinds.push(Kind::Empty),
            Sight::Leaf(leaf) => {
                self.kinds.push(Kind::Leaf);
                self.hashes.extend([leaf.key, leaf.value_hash]);
            }
            Sight::Inner(left, right) => {
                self.kinds.push(Kind::Inner);
                let (left_keys, right_keys) = node::halves(keys, depth, |key| key);
                let below = depth.saturating_add(1);
                self.show(&left, below, left_keys);
                self.show(&right, below, right_keys);
            }
        }
    }

    fn hide(&mut self, node: Node) {
        if node == EMPTY {
            return self.kinds.push(Kind::Empty);
        }
        self.kinds.push(Kind::Hidden);
        self.hashes.push(node);
    }

    /// What the state under `root` holds at each of `keys`, which are ascending and unique: a value's hash or nothing.
    pub fn open(&self, root: &Node, keys: &[Key]) -> Result<Vec<Option<ValueHash>>, BadProof> {
        in_order(keys)?;
        let held = Vec::with_capacity(keys.len());
        let mut walk = Walk { kinds: self.kinds.iter(), hashes: self.hashes.iter(), held };
        let got = walk.node(0, keys)?;
        if got != *root {
            return Err(BadProof::Root { expected: *root, got });
        }
        Ok(walk.held)
    }

    /// Whether the state under `root` holds exactly the value beside each key; `None` claims that it holds nothing there.
    /// The keys are ascending and unique, and are those that the proof was made for.
    pub fn verify<T: AsRef<[u8]>>(&self, root: &Node, items: &[(Key, Option<T>)]) -> Result<(), BadProof> {
        let keys: Vec<Key> = items.iter().map(|(key, _)| *key).collect();
        for ((_, value), held) in items.iter().zip(self.open(root, &keys)?) {
            let claimed = value.as_ref().map(|value| value_hash(value.as_ref()));
            if claimed != held {
                return Err(BadProof::Value { claimed, held });
            }
        }
        Ok(())
    }

    /// Number of nodes hashed to verify. What a ledger charges for.
    pub fn nodes(&self) -> usize {
        self.kinds.len()
    }

    /// Write the canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        let kinds = self.kinds.chunks(4).map(pack);
        kinds.chain(self.hashes.iter().flatten().copied()).collect()
    }

    /// Read what [`encode`](Self::encode) wrote, at most [`MULTI_PROOF_BYTES_MAX`].
    pub fn decode(bytes: &[u8]) -> Result<Self, BadEncoding> {
        let mut reader = Reader::new(bytes, MULTI_PROOF_BYTES_MAX)?;
        let kinds = read_kinds(&mut reader)?;
        let mut hashes = Vec::new();
        for kind in &kinds {
            match kind {
                Kind::Empty | Kind::Inner => {}
                Kind::Hidden => hashes.push(not_empty(reader.array()?)?),
                Kind::Leaf => hashes.extend([reader.array()?, reader.array()?]),
            }
        }
        reader.end()?;
        Ok(Self { kinds, hashes })
    }
}

/// A reading of the proof, node by node, along the keys.
struct Walk<'a> {
    kinds: slice::Iter<'a, Kind>,
    hashes: slice::Iter<'a, Node>,
    /// One for each key passed so far.
    held: Vec<Option<ValueHash>>,
}

impl Walk<'_> {
    /// Deeper than the keys are long no key is left to follow, so it ends there.
    fn node(&mut self, depth: usize, keys: &[Key]) -> Result<Node, BadProof> {
        match (self.kinds.next().ok_or(BadProof::Shape)?, keys) {
            (Kind::Empty, _) => {
                self.held.extend(keys.iter().map(|_| None));
                Ok(EMPTY)
            }
            (Kind::Hidden, []) => self.hash(),
            (Kind::Leaf, [_, ..]) => {
                let (key, value) = (self.hash()?, self.hash()?);
                self.held.extend(keys.iter().map(|asked| (*asked == key).then_some(value)));
                Ok(node::leaf(&key, &value))
            }
            (Kind::Inner, [_, ..]) if depth < DEPTH_MAX => {
                let (left_keys, right_keys) = node::halves(keys, depth, |key| key);
                let below = depth.saturating_add(1);
                let left = self.node(below, left_keys)?;
                Ok(node::inner(&left, &self.node(below, right_keys)?))
            }
            _ => Err(BadProof::Shape),
        }
    }

    fn hash(&mut self) -> Result<Node, BadProof> {
        self.hashes.next().copied().ok_or(BadProof::Shape)
    }
}

fn in_order(keys: &[Key]) -> Result<(), BadProof> {
    let mut pairs = keys.iter().zip(keys.iter().skip(1));
    match pairs.position(|(low, high)| low >= high) {
        None => Ok(()),
        Some(below) => Err(BadProof::Order { index: below.saturating_add(1) }),
    }
}

fn pack(kinds: &[Kind]) -> u8 {
    kinds.iter().zip([6, 4, 2, 0]).fold(0, |byte, (kind, shift)| byte | ((*kind as u8) << shift))
}

fn unpack(byte: u8) -> [Kind; 4] {
    [6, 4, 2, 0].map(|shift| match (byte >> shift) & 3 {
        0 => Kind::Empty,
        1 => Kind::Inner,
        2 => Kind::Hidden,
        _ => Kind::Leaf,
    })
}

/// Read nodes until every inner one has both its children.
fn read_kinds(reader: &mut Reader<'_>) -> Result<Vec<Kind>, BadEncoding> {
    let (mut kinds, mut open) = (Vec::new(), 1_usize);
    while open > 0 {
        for kind in unpack(reader.byte()?) {
            match kind {
                _ if open == 0 && kind != Kind::Empty => return Err(BadEncoding::NotCanonical { field: "padding" }),
                _ if open == 0 => continue,
                Kind::Inner => open = open.saturating_add(1),
                _ => open = open.saturating_sub(1),
            }
            kinds.push(kind);
        }
    }
    Ok(kinds)
}

fn not_empty(node: Node) -> Result<Node, BadEncoding> {
    if node == EMPTY { Err(BadEncoding::NotCanonical { field: "hidden node" }) } else { Ok(node) }
}
