//! Commit to a list: a block's transactions, its receipts.
//!
//! | node | 32 bytes |
//! |---|---|
//! | item | SHA-256(`00` ‖ item) |
//! | inner | SHA-256(`01` ‖ left ‖ right), left over the largest power of two of items that leaves some to the right |
//! | root | SHA-256(`02` ‖ number of items, `u64` big-endian ‖ top node); of no items 32 zero bytes |
//!
//! The first byte and the length of each preimage (33, 65, 41) tell the kinds apart from one another and from the nodes of
//! the trie (64), whatever bytes the items are. The root holds the number of items, since otherwise an item's place could be
//! told wrong: the third of three has the path of the second of two.

use alloc::vec::Vec;
use core::iter;

use sha2::{Digest, Sha256};

use crate::{
    BadProof,
    bytes::{BadEncoding, Reader},
    node::{EMPTY, Node},
};

/// Longest encoded [`ListProof`]: index, number of items, one node for each bit of it.
pub const LIST_PROOF_BYTES_MAX: usize = 4 + 4 + 32 * 32;

/// The root of a list of hashes. Reads each item once and keeps one node per bit of their number.
pub fn list_root(items: impl IntoIterator<Item = [u8; 32]>) -> Node {
    // Complete subtrees from left to right with the numbers of their items: falling powers of two.
    let mut done: Vec<(u64, Node)> = Vec::new();
    let mut count = 0_u64;
    for item in items {
        let (mut size, mut node) = (1_u64, leaf(&item));
        while let Some((_, left)) = done.pop_if(|(left_size, _)| *left_size == size) {
            (size, node) = (size.saturating_mul(2), inner(&left, &node));
        }
        done.push((size, node));
        count = count.saturating_add(1);
    }
    let top = done.into_iter().map(|(_, node)| node).rev().reduce(|right, left| inner(&left, &right));
    top.map_or(EMPTY, |top| seal(count, &top))
}

/// Prove which item stands at `index`, counted from 0; `None` if the list is not that long.
pub fn prove_item(items: &[[u8; 32]], index: usize) -> Option<ListProof> {
    items.get(index)?;
    let (index, count) = (index.try_into().ok()?, items.len().try_into().ok()?);
    let (mut path, mut rest) = (Vec::new(), items);
    for turn in turns(index, count) {
        let (left, right) = halves(rest)?;
        let (own, other) = match turn {
            Turn::Left => (left, right),
            Turn::Right => (right, left),
        };
        path.push(top(other));
        rest = own;
    }
    Some(ListProof { index, count, path })
}

/// What convinces a holder of a list's root that an item stands at [`index`](Self::index) of [`count`](Self::count).
///
/// Bytes: index `u32` ‖ number of items `u32`, both big-endian ‖ the nodes beside the item's path from the top down, as
/// many as index and number demand. There is one proof, and one encoding of it, for each list and index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListProof {
    index: u32,
    count: u32,
    path: Vec<Node>,
}

impl ListProof {
    /// The item's place, counted from 0.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Number of items in the list.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Whether the list under `root` holds `item` at [`index`](Self::index) and has [`count`](Self::count) items.
    pub fn verify(&self, root: &Node, item: &[u8; 32]) -> Result<(), BadProof> {
        let mut node = leaf(item);
        let turns: Vec<Turn> = turns(self.index, self.count).collect();
        for (turn, other) in turns.iter().zip(&self.path).rev() {
            node = match turn {
                Turn::Left => inner(&node, other),
                Turn::Right => inner(other, &node),
            };
        }
        let got = seal(u64::from(self.count), &node);
        if got == *root { Ok(()) } else { Err(BadProof::Root { expected: *root, got }) }
    }

    /// Write the canonical bytes, at most [`LIST_PROOF_BYTES_MAX`].
    pub fn encode(&self) -> Vec<u8> {
        let head = self.index.to_be_bytes().into_iter().chain(self.count.to_be_bytes());
        head.chain(self.path.iter().flatten().copied()).collect()
    }

    /// Read what [`encode`](Self::encode) wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, BadEncoding> {
        let mut reader = Reader::new(bytes, LIST_PROOF_BYTES_MAX)?;
        let (index, count) = (u32::from_be_bytes(reader.array()?), u32::from_be_bytes(reader.array()?));
        if index >= count {
            return Err(BadEncoding::Range { field: "index", got: u64::from(index) });
        }
        let path = turns(index, count).map(|_| reader.array()).collect::<Result<_, _>>()?;
        reader.end()?;
        Ok(Self { index, count, path })
    }
}

enum Turn {
    Left,
    Right,
}

/// The way from the top of a list of `count` down to `index`, at most 32 turns.
fn turns(index: u32, count: u32) -> impl Iterator<Item = Turn> {
    let (mut index, mut count) = (u64::from(index), u64::from(count));
    iter::from_fn(move || {
        let left = left_size(count)?;
        if let Some(right_index) = index.checked_sub(left) {
            (index, count) = (right_index, count.saturating_sub(left));
            return Some(Turn::Right);
        }
        count = left;
        Some(Turn::Left)
    })
}

/// How many of `count` items stand in the left half: the largest power of two below; `None` if there is nothing to halve.
fn left_size(count: u64) -> Option<u64> {
    count.checked_sub(1)?.checked_ilog2().map(|bit| 1 << bit)
}

fn halves<T>(items: &[T]) -> Option<(&[T], &[T])> {
    let left = left_size(items.len() as u64)?;
    items.split_at_checked(usize::try_from(left).ok()?)
}

/// The node over items of which there is at least one.
fn top(items: &[[u8; 32]]) -> Node {
    match halves(items) {
        Some((left, right)) => inner(&top(left), &top(right)),
        None => items.first().map_or(EMPTY, leaf),
    }
}

fn leaf(item: &[u8; 32]) -> Node {
    Sha256::new().chain_update([0]).chain_update(item).finalize().into()
}

fn inner(left: &Node, right: &Node) -> Node {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

fn seal(count: u64, top: &Node) -> Node {
    Sha256::new().chain_update([2]).chain_update(count.to_be_bytes()).chain_update(top).finalize().into()
}
