//! Compare two pools by sums over ranges of hashes.
//!
//! A range is all hashes that begin with the same digits. Where the sums differ, a range splits in 16, until one side has
//! so few that it lists them. The sum adds the hashes' last 16 bytes modulo 2^128: whoever makes transactions could make two
//! sets of one sum with much work, and would gain a delay until the pools change. Rules: protocol, root 10.

use alloc::{collections::BTreeSet, vec::Vec};

use banyan_types::{Bytes, TxHash};

use crate::{
    limits::{LISTED_MAX, RANGES_MAX},
    message::{Limited, PoolRanges, Range, RangeList, RangeSum},
};

/// Bytes of a range's sum.
pub const SUM_BYTES: usize = 16;
/// Digits of a hash.
const DIGITS: u8 = 64;
/// Bytes of a sum on the wire: range, count and sum.
const SUM_WIRE: usize = 64;
/// Bytes of a list on the wire before its hashes, and of each.
const LIST_WIRE: usize = 48;
const HASH_WIRE: usize = 33;

impl Range {
    /// All hashes.
    pub const ALL: Self = Self { digits: 0, least: TxHash::ZERO };

    /// The greatest hash of it.
    pub fn greatest(&self) -> TxHash {
        let mut greatest = self.least;
        for (at, byte) in greatest.0.iter_mut().enumerate() {
            *byte |= self.free(at);
        }
        greatest
    }

    /// Bits of the byte at `at` that may be anything.
    fn free(&self, at: usize) -> u8 {
        let digits = usize::from(self.digits);
        if at < digits / 2 {
            0
        } else if at == digits / 2 && digits % 2 == 1 {
            0x0f
        } else {
            0xff
        }
    }

    /// Whether its least hash is one.
    pub fn is_canonical(&self) -> bool {
        self.digits <= DIGITS && self.least.0.iter().enumerate().all(|(at, byte)| byte & self.free(at) == 0)
    }

    /// Whether it holds a hash.
    pub fn holds(&self, hash: &TxHash) -> bool {
        self.least <= *hash && *hash <= self.greatest()
    }

    /// Its 16 parts; none of a range of one hash.
    fn parts(self) -> Vec<Self> {
        let at = usize::from(self.digits / 2);
        let shift = if self.digits.is_multiple_of(2) { 4 } else { 0 };
        let part = |digit: u8| {
            let mut least = self.least;
            *least.0.get_mut(at)? |= digit << shift;
            Some(Self { digits: self.digits.checked_add(1)?, least })
        };
        (0..16).filter_map(part).collect()
    }
}

/// The hashes of the pool's transactions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PoolSet(BTreeSet<TxHash>);

/// What follows from a message of the other side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// The next message, if anything is left to compare.
    pub answer: Option<PoolRanges>,
    /// What the other side has and this one lacks.
    pub lacking: Vec<TxHash>,
    /// What this side has and the other one lacks.
    pub surplus: Vec<TxHash>,
}

impl PoolSet {
    pub fn add(&mut self, hash: TxHash) -> bool {
        self.0.insert(hash)
    }

    pub fn remove(&mut self, hash: &TxHash) {
        self.0.remove(hash);
    }

    pub fn has(&self, hash: &TxHash) -> bool {
        self.0.contains(hash)
    }

    /// The first message.
    pub fn open(&self) -> PoolRanges {
        let mut draft = Draft::new(usize::MAX);
        match self.0.len() {
            0..=LISTED_MAX => draft.list(self, Range::ALL),
            _ => draft.sum(self, Range::ALL),
        }
        draft.finish().unwrap_or(PoolRanges { sums: Limited::first_of([]), lists: Limited::first_of([]) })
    }

    /// Compare, and answer in at most so many bytes.
    pub fn compare(&self, theirs: &PoolRanges, bytes_max: usize) -> Compared {
        let mut draft = Draft::new(bytes_max);
        for RangeSum { range, count, sum } in theirs.sums.iter() {
            let (our_count, our_sum) = self.sum(*range);
            if our_count == *count && our_sum == sum.0[..] {
                continue;
            }
            let few = usize::try_from(our_count).is_ok_and(|count| count <= LISTED_MAX);
            if few {
                draft.list(self, *range);
            } else {
                range.parts().into_iter().for_each(|part| draft.sum(self, part));
            }
        }
        let (mut lacking, mut surplus) = (Vec::new(), Vec::new());
        for RangeList { range, hashes } in theirs.lists.iter() {
            lacking.extend(hashes.iter().filter(|hash| !self.has(hash)));
            // The list ascends: it was checked when it was read.
            surplus.extend(self.within(*range).filter(|hash| hashes.binary_search(hash).is_err()));
        }
        Compared { answer: draft.finish(), lacking, surplus }
    }

    fn within(&self, range: Range) -> impl Iterator<Item = &TxHash> {
        self.0.range(range.least..=range.greatest())
    }

    fn sum(&self, range: Range) -> (u32, [u8; SUM_BYTES]) {
        let (mut count, mut sum) = (0_u32, 0_u128);
        for hash in self.within(range) {
            count = count.saturating_add(1);
            sum = sum.wrapping_add(hash.0.last_chunk().copied().map_or(0, u128::from_be_bytes));
        }
        (count, sum.to_be_bytes())
    }
}

/// A message in the making, within a budget.
struct Draft {
    left: usize,
    sums: Vec<RangeSum>,
    lists: Vec<RangeList>,
}

impl Draft {
    const fn new(left: usize) -> Self {
        Self { left, sums: Vec::new(), lists: Vec::new() }
    }

    fn sum(&mut self, pool: &PoolSet, range: Range) {
        let Some(left) = self.left.checked_sub(SUM_WIRE).filter(|_| self.sums.len() < RANGES_MAX) else { return };
        let (count, sum) = pool.sum(range);
        self.left = left;
        self.sums.push(RangeSum { range, count, sum: Bytes(sum.to_vec()) });
    }

    fn list(&mut self, pool: &PoolSet, range: Range) {
        let hashes = Limited::first_of(pool.within(range).copied());
        let wire = LIST_WIRE.saturating_add(hashes.len().saturating_mul(HASH_WIRE));
        let Some(left) = self.left.checked_sub(wire).filter(|_| self.lists.len() < RANGES_MAX) else { return };
        self.left = left;
        self.lists.push(RangeList { range, hashes });
    }

    fn finish(self) -> Option<PoolRanges> {
        let any = !self.sums.is_empty() || !self.lists.is_empty();
        any.then(|| PoolRanges { sums: Limited::first_of(self.sums), lists: Limited::first_of(self.lists) })
    }
}
