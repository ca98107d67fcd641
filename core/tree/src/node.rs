//! Hash the nodes of the trie.
//!
//! | node | 32 bytes |
//! |---|---|
//! | empty | zeros |
//! | leaf, at the shallowest place where it is alone | SHA-256(key ‖ SHA-256(value)), top bit set |
//! | inner | SHA-256(left ‖ right), top bit clear |
//!
//! The top bit tells the kinds apart, so that nobody can show a leaf's preimage as two children or the reverse; each
//! key's path therefore ends at one place under any root, also under one that no honest trie has.

use sha2::{Digest, Sha256, block_api::compress256};

/// Where a value stands: already a hash (of a domain byte and its parts), so that paths are balanced.
pub type Key = [u8; 32];

/// SHA-256 of a value's bytes: what a leaf commits to.
pub type ValueHash = [u8; 32];

/// The hash of a node of the trie; that of the top node is the root.
pub type Node = [u8; 32];

/// The root of a trie without leaves.
pub const EMPTY: Node = [0; 32];

/// Bits of a key, hence the greatest depth of a leaf.
pub const DEPTH_MAX: usize = 256;

const FIRST_BIT: u8 = 0x80;

/// The hash under which a leaf holds `value`.
pub fn value_hash(value: &[u8]) -> ValueHash {
    Sha256::digest(value).into()
}

pub(crate) fn leaf(key: &Key, value: &ValueHash) -> Node {
    let mut node = pair(key, value);
    let [first, ..] = &mut node;
    *first |= FIRST_BIT;
    node
}

pub(crate) fn inner(left: &Node, right: &Node) -> Node {
    let mut node = pair(left, right);
    let [first, ..] = &mut node;
    *first &= !FIRST_BIT;
    node
}

/// The node above two others: a leaf that is left alone moves up, everything else makes an inner node.
pub(crate) fn above(left: &Node, right: &Node) -> Node {
    match (left, right) {
        (lone, &EMPTY) | (&EMPTY, lone) if *lone == EMPTY || is_leaf(lone) => *lone,
        _ => inner(left, right),
    }
}

/// Which half of a subtree at `depth` the key belongs to: true is right.
pub(crate) fn goes_right(key: &Key, depth: usize) -> bool {
    key.get(depth >> 3).is_some_and(|byte| byte & (FIRST_BIT >> (depth & 7)) != 0)
}

/// Cut ascending entries that share the first `depth` bits of their keys into those that go left and right.
pub(crate) fn halves<T>(entries: &[T], depth: usize, key: impl Fn(&T) -> &Key) -> (&[T], &[T]) {
    entries.split_at(entries.partition_point(|entry| !goes_right(key(entry), depth)))
}

fn is_leaf([first, ..]: &Node) -> bool {
    first & FIRST_BIT != 0
}

/// SHA-256 of 64 bytes. They fill one block and their padding is always the same second one, so nothing needs buffering.
/// Measured: with the buffering hasher a build takes a quarter more time.
fn pair(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    let mut block = [0; 64];
    let (first, second) = block.split_at_mut(32);
    first.copy_from_slice(left);
    second.copy_from_slice(right);
    let mut state = INITIAL_STATE;
    compress256(&mut state, &[block, PADDING]);
    let mut hash = [0; 32];
    for (bytes, word) in hash.as_chunks_mut().0.iter_mut().zip(state) {
        *bytes = word.to_be_bytes();
    }
    hash
}

/// FIPS 180-4, 5.3.3.
const INITIAL_STATE: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// FIPS 180-4, 5.1.1: a one bit, zeros, the number of bits before it, 512, in the last eight bytes.
const PADDING: [u8; 64] = {
    let mut block = [0; 64];
    block[0] = 0x80;
    block[62] = 2;
    block
};
