//! The graph that a seed defines: nothing is stored, each end of each edge is one short hash.

use core::array;

use banyan_crypto::blake2b;
use banyan_types::header::KEY_WORKED_BYTES;
use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Size of a graph: 2^bits edges, and 2^bits nodes on each side. From 1 to 31, so that a node fits a `u32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EdgeBits(u8);

impl EdgeBits {
    /// The only door from outside. `None` unless `1 <= bits <= 31`.
    pub const fn new(bits: u8) -> Option<Self> {
        if bits >= 1 && bits <= 31 { Some(Self(bits)) } else { None }
    }

    /// The exponent itself.
    pub const fn get(self) -> u8 {
        self.0
    }

    /// Edges of the graph, and nodes of either side.
    pub const fn edges(self) -> usize {
        1 << self.0
    }

    /// The greatest edge number, which is also the mask of a node's number.
    pub const fn last(self) -> u32 {
        u32::MAX >> (32 - self.0)
    }
}

/// Four words that define a graph, from a header and its nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed([u64; 4]);

impl Seed {
    /// From the first 224 bytes of a key header, and the nonce that follows them there.
    pub fn of_header(prefix: &[u8; KEY_WORKED_BYTES], nonce: u64) -> Self {
        Self::new(&blake2b(&[prefix]), nonce)
    }

    /// As [`Seed::of_header`], from the prefix's Blake2b-256: a miner hashes the prefix once for all nonces.
    #[expect(clippy::missing_panics_doc, reason = "the lengths of both texts are constants")]
    pub fn new(prefix_hash: &[u8; 32], nonce: u64) -> Self {
        // The public rule hashes text: base64 of the hash, base64 of the little-endian nonce, zeros up to 80 bytes.
        let mut text = [0; 80];
        let (hash_text, rest) = text.split_at_mut(44);
        STANDARD.encode_slice(prefix_hash, hash_text).expect("32 bytes are 44 characters");
        STANDARD.encode_slice(nonce.to_le_bytes(), rest).expect("8 bytes are 12 characters");
        let hash = blake2b(&[&text]);
        let (words, _) = hash.as_chunks();
        Self(array::from_fn(|word| u64::from_le_bytes(words[word])))
    }

    /// The four words, k0 to k3.
    pub const fn keys(&self) -> [u64; 4] {
        self.0
    }

    /// Edge `index` with both ends.
    pub(super) fn edge(&self, bits: EdgeBits, index: u32) -> Edge {
        Edge { index, u: self.node(bits, Side::U, index), v: self.node(bits, Side::V, index) }
    }

    /// The node on `side` that edge `index` touches; its lowest bit is the side.
    pub(super) fn node(&self, bits: EdgeBits, side: Side, index: u32) -> u32 {
        let hash = self.sip(u64::from(index) << 1 | side as u64);
        #[expect(clippy::cast_possible_truncation, reason = "the mask keeps at most 31 bits")]
        let number = (hash & u64::from(bits.last())) as u32;
        number << 1 | side as u32
    }

    /// SipHash-2-4 of one word, with the keys as the whole state and a last rotation (public aeternity form).
    #[inline]
    fn sip(&self, word: u64) -> u64 {
        let [k0, k1, k2, k3] = self.0;
        let mut v = [k0, k1, k2, k3 ^ word];
        sip_round(&mut v);
        sip_round(&mut v);
        v[0] ^= word;
        v[2] ^= 0xff;
        (0..4).for_each(|_| sip_round(&mut v));
        (v[0] ^ v[1] ^ v[2] ^ v[3]).rotate_left(17)
    }
}

#[inline]
fn sip_round(v: &mut [u64; 4]) {
    v[0] = v[0].wrapping_add(v[1]);
    v[2] = v[2].wrapping_add(v[3]);
    v[1] = v[1].rotate_left(13) ^ v[0];
    v[3] = v[3].rotate_left(16) ^ v[2];
    v[0] = v[0].rotate_left(32).wrapping_add(v[3]);
    v[2] = v[2].wrapping_add(v[1]);
    v[1] = v[1].rotate_left(17) ^ v[2];
    v[3] = v[3].rotate_left(21) ^ v[0];
    v[2] = v[2].rotate_left(32);
}

/// The two halves of a bipartite graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    U = 0,
    V = 1,
}

/// An edge: its number, and its nodes on both sides, which never equal each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Edge {
    pub index: u32,
    pub u: u32,
    pub v: u32,
}

impl Edge {
    pub const fn node(&self, side: Side) -> u32 {
        match side {
            Side::U => self.u,
            Side::V => self.v,
        }
    }

    pub const fn touches(&self, node: u32) -> bool {
        self.u == node || self.v == node
    }

    /// The end that is not `node`, given that this edge touches it.
    pub const fn across(&self, node: u32) -> u32 {
        self.u ^ self.v ^ node
    }
}
