//! What witnesses promise, and what the fork choice makes of it.
//!
//! Of tips with equal work the one that a majority of the witnesses prevoted is preferred; of micro blocks with one index
//! the one whose branch is locked. A key block that leaves out a micro block locked for a while brings no work: it is
//! discounted until its branch is chosen all the same, which takes a lead of two key blocks where one would do. All this
//! is choice, never validity: what this node did not hear, or forgot by a restart, makes no block wrong. Rules: protocol,
//! root 7. Prior art: ChainLocks (Dash DIP 8).

use alloc::{collections::VecDeque, vec};

use banyan_types::{Hash, TimeMs};

use crate::{
    Fraud, Header,
    ancestry::solved,
    tree::{Node, Tree},
};

/// Promises of each kind that are remembered, the newest. The hold of a lock is two micro intervals on `main` and five on
/// `dev`, and every older lock of a chain is left out together with a newer one.
pub const PROMISES_MAX: usize = 64;

/// The newest promises. Their blocks may be unknown still, or gone.
#[derive(Clone, Debug, Default)]
pub struct Promises {
    /// Micro blocks, and since when each is locked, oldest first.
    locks: VecDeque<(Hash, TimeMs)>,
    /// Key blocks with a majority, and the number of each.
    witnessed: VecDeque<(Hash, u64)>,
    told: u64,
}

impl Tree {
    /// A majority of the witnesses prevoted a key block in one round.
    pub fn witness(&mut self, key: Hash) {
        self.promises.told += 1;
        let told = self.promises.told;
        self.promises.witnessed.retain(|(hash, _)| *hash != key);
        push(&mut self.promises.witnessed, (key, told));
        self.mark_witnessed(&key, told);
    }

    /// A quorum of the witnesses locked a micro block. Saying so again does not make the lock younger.
    pub fn lock(&mut self, micro: Hash, now: TimeMs) {
        if self.promises.locks.iter().all(|(hash, _)| *hash != micro) {
            push(&mut self.promises.locks, (micro, now));
            self.mark_locked(&micro);
        }
    }

    /// Apply what was promised of a block before it came.
    pub(crate) fn remember_promises(&mut self, hash: &Hash) {
        if self.promises.locks.iter().any(|(locked, _)| locked == hash) {
            self.mark_locked(hash);
        }
        let told = self.promises.witnessed.iter().find(|(key, _)| key == hash).map(|(_, told)| *told);
        if let Some(told) = told {
            self.mark_witnessed(hash, told);
        }
    }

    fn mark_witnessed(&mut self, key: &Hash, told: u64) {
        let is_key = |node: &Node| node.header.index() == 0;
        if self.get(key).is_some_and(is_key) {
            self.change_above(key, |top, node| node.key == top, |node| node.standing.witnessed = told);
        }
    }

    fn mark_locked(&mut self, micro: &Hash) {
        let Some(node) = self.get(micro).filter(|node| node.header.index() > 0) else { return };
        let (key, index) = (node.key, node.header.index());
        let raise = |node: &mut Node| node.standing.locked = node.standing.locked.max(index);
        self.change_above(micro, |_, node| node.key == key, raise);
    }

    /// Whether a key block that comes after `prev` leaves out a micro block that has been locked for `hold_ms`: the lock
    /// stands in or above the generation of `prev`, yet not below `prev`. What comes later on its branch leaves out
    /// nothing more.
    pub fn leaves_out_a_lock(&self, prev: &Hash, hold_ms: u64, now: TimeMs) -> bool {
        let Some(generation) = self.get(prev).map(|node| node.key) else { return false };
        let height = self.node(&generation).header.height();
        let held = self.promises.locks.iter().filter(|(_, since)| now.0.saturating_sub(since.0) >= hold_ms);
        let mut known = held.filter_map(|(micro, _)| self.get(micro).map(|node| (micro, node)));
        known.any(|(micro, node)| {
            node.header.height() >= height && self.descends(micro, &generation) && !self.descends(prev, micro)
        })
    }

    /// Let a key block, which nothing stands on yet, bring no work.
    pub fn discount(&mut self, key: &Hash) {
        let work = own_work(self.node(key));
        self.change(key, |node| node.standing.discount = node.standing.discount.saturating_add(work));
    }

    /// A chain is chosen that ends at `tip`: from now on all its work counts.
    pub fn count_all_work(&mut self, tip: &Hash) {
        while self.node(tip).standing.discount > 0 {
            let Some((key, work)) = self.lowest_discounted(tip) else { return };
            let count = |node: &mut Node| node.standing.discount = node.standing.discount.saturating_sub(work);
            self.change_above(&key, |_, _| true, count);
        }
    }

    /// The first key block of the chain that ends at `tip` with a discount, and how much that is.
    fn lowest_discounted(&self, tip: &Hash) -> Option<(Hash, u128)> {
        let line = self.line(tip).take_while(|(_, node)| node.standing.discount > 0);
        line.last().map(|(hash, node)| (hash, node.standing.discount))
    }

    /// Change `top` and what stands on it, as long as it is `within`.
    fn change_above(&mut self, top: &Hash, within: impl Fn(Hash, &Node) -> bool, change: impl Fn(&mut Node)) {
        let mut above = vec![*top];
        while let Some(hash) = above.pop() {
            above.extend(self.node(&hash).children.iter().filter(|child| within(*top, self.node(child))));
            self.change(&hash, &change);
        }
    }

    /// The evidence that a micro block gives together with another child of the block before it. Two blocks with one index
    /// come from two with one parent, so no other pair is ever the first of a generation.
    pub fn accuse(&mut self, hash: &Hash) -> Option<Fraud> {
        let node = self.get(hash)?;
        let Header::Micro(second) = &node.header else { return None };
        let (Header::Key(key), false) = (&self.node(&node.key).header, self.node(&node.key).accused) else {
            return None;
        };
        let siblings = self.get(&second.prev_hash)?.children.iter().filter(|sibling| *sibling != hash);
        let mut first = siblings.filter_map(|sibling| match &self.node(sibling).header {
            Header::Micro(first) => Some(first),
            Header::Key(_) => None,
        });
        let first = first.next()?;
        let fraud = Fraud { key: (**key).clone(), a: (**first).clone(), b: (**second).clone() };
        let key = node.key;
        self.change(&key, |node| node.accused = true);
        Some(fraud)
    }
}

fn own_work(key: &Node) -> u128 {
    match &key.header {
        Header::Key(header) => solved(header).target.work(),
        Header::Micro(_) => 0,
    }
}

fn push<T>(newest: &mut VecDeque<T>, promise: T) {
    newest.push_back(promise);
    if newest.len() > PROMISES_MAX {
        newest.pop_front();
    }
}
