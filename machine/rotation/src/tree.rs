//! The blocks after the last final one: a tree, of which one branch is the ledger.
//!
//! | where | a branch goes on with | a block is final when over two thirds committed |
//! |---|---|---|
//! | one step (t <= n/2) | the child below which the highest block with a quorum stands; more commitments; lower view; lower hash | to it and to a child that carries that quorum as its seal |
//! | two steps | the child with a threshold of commitments | to it |
//!
//! Whatever is final makes all before it final. Why one quorum is not enough where one step confirms: a validator that has
//! committed to a block may not have heard that others did, and may follow another branch later. Once it has committed to a
//! child that shows it the quorum, it is bound: see [`crate::agree`].

use alloc::{collections::BTreeMap, vec::Vec};
use core::cmp::Reverse;

use banyan_ledger::{
    ParentTip,
    engine::rotation::{Strength, Turns},
};
use banyan_types::{Hash, Height, committee::Certificate, header::ChildHeader};

use crate::{
    Block, Finality,
    votes::{Votes, certificate},
};

/// Heights that may be above the last final block: more are neither made nor followed.
pub const HEIGHTS_MAX: u64 = 1_000;
/// So many more, while a quorum is heard: after a partition in which both sides went as far as they could, nobody may commit
/// below his last height, and only blocks above can become final.
pub const HEIGHTS_SPARE: u64 = 24;
/// Blocks that may be there.
pub const NODES_MAX: usize = 4_000;

/// The last final block.
#[derive(Clone, Debug)]
pub struct Root {
    pub hash: Hash,
    pub header: ChildHeader,
    /// Its seal; `None` at the genesis.
    pub seal: Option<Certificate>,
}

/// A block that is good here.
#[derive(Clone, Debug)]
pub struct Node {
    pub block: Block,
    /// The highest block before it whose quorum the branch carries; the root at least.
    pub bound: Bound,
    /// Known by its leader's proposal alone: only to be followed once its view is reached.
    pub is_proposed: bool,
    /// How many commitments to it the shell has been told of.
    pub told: usize,
}

/// A block with a quorum that somebody has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    pub height: Height,
    pub hash: Hash,
}

#[derive(Clone, Debug)]
pub struct Tree {
    pub root: Root,
    nodes: BTreeMap<Hash, Node>,
    /// Grows with every change.
    changes: u64,
}

/// What a branch is chosen by.
pub struct Choice<'a> {
    pub turns: &'a Turns,
    pub votes: &'a Votes,
    /// The running height and view: proposals of it that are ahead of time have to wait.
    pub at: (Height, u32),
}

impl Choice<'_> {
    fn worth(&self, hash: Hash, node: &Node) -> (Strength, usize) {
        let commitments = self.votes.commitments(node.block.header.height, hash).len();
        (self.turns.worth(commitments), commitments)
    }

    fn may_follow(&self, node: &Node) -> bool {
        let (height, view) = self.at;
        !node.is_proposed || node.block.header.height < height || node.block.header.view <= view
    }
}

impl Tree {
    pub const fn new(root: Root) -> Self {
        Self { root, nodes: BTreeMap::new(), changes: 0 }
    }

    pub const fn changes(&self) -> u64 {
        self.changes
    }

    pub fn get(&self, hash: &Hash) -> Option<&Node> {
        self.nodes.get(hash)
    }

    /// The header of a block, also of the root.
    pub fn header(&self, hash: &Hash) -> Option<&ChildHeader> {
        if *hash == self.root.hash { Some(&self.root.header) } else { self.get(hash).map(|node| &node.block.header) }
    }

    /// The parent block that a block names, if that is known from here.
    pub fn parent(&self, hash: &Hash) -> Option<ParentTip> {
        self.get(hash).map(|node| node.block.parent)
    }

    pub const fn root_bound(&self) -> Bound {
        Bound { height: self.root.header.height, hash: self.root.hash }
    }

    /// Add a block on one that is here; others are ignored.
    pub fn insert(&mut self, turns: &Turns, block: Block, is_proposed: bool) {
        let prev = block.header.prev_hash;
        let Some(before) = self.header(&prev).map(|header| header.height) else { return };
        let carried = block.prev_seal.as_ref().map(|seal| turns.strength(seal));
        let bound = match self.get(&prev) {
            _ if carried == Some(Strength::Quorum) => Bound { height: before, hash: prev },
            Some(node) => node.bound,
            None => self.root_bound(),
        };
        let is_known = self.nodes.contains_key(&block.header.hash());
        if !is_known && self.nodes.len() < NODES_MAX {
            self.nodes.insert(block.header.hash(), Node { block, bound, is_proposed, told: 0 });
            self.changes = self.changes.saturating_add(1);
        }
    }

    /// Somebody follows this block: it has not to wait for its view.
    pub fn follow(&mut self, hash: &Hash) {
        if let Some(node) = self.nodes.get_mut(hash) {
            node.is_proposed = false;
            self.changes = self.changes.saturating_add(1);
        }
    }

    /// The shell knows so many commitments to this block.
    pub fn tell_seal(&mut self, hash: &Hash, commitments: usize) {
        if let Some(node) = self.nodes.get_mut(hash) {
            node.told = commitments;
        }
    }

    /// The blocks from above the root to this one.
    pub fn path(&self, tip: Hash) -> Vec<Hash> {
        let mut path: Vec<_> = self.up(tip).collect();
        path.reverse();
        path
    }

    /// This block and those before it, down to above the root.
    pub fn up(&self, tip: Hash) -> impl Iterator<Item = Hash> {
        core::iter::successors(Some(tip), |hash| Some(self.get(hash)?.block.header.prev_hash))
            .take_while(|hash| self.nodes.contains_key(hash))
    }

    /// Whether `hash` is `tip` or before it; the root is before all.
    pub fn is_on(&self, tip: Hash, hash: Hash) -> bool {
        hash == self.root.hash || self.up(tip).any(|before| before == hash)
    }

    /// Last block of the branch that the ledger goes on with.
    pub fn best(&self, choice: &Choice<'_>) -> Hash {
        let justified = self.justified(choice);
        let mut children = BTreeMap::<Hash, Vec<(Hash, &Node)>>::new();
        for (hash, node) in &self.nodes {
            children.entry(node.block.header.prev_hash).or_default().push((*hash, node));
        }
        let mut tip = self.root.hash;
        loop {
            let here = children.get(&tip).into_iter().flatten().filter(|(_, node)| choice.may_follow(node));
            let ranked = here.filter_map(|(hash, node)| {
                let (strength, commitments) = choice.worth(*hash, node);
                let counts = !choice.turns.has_two_steps() || strength >= Strength::Confirmed;
                let order = (Reverse(node.block.header.view), Reverse(*hash));
                counts.then(|| ((justified.get(hash).copied(), commitments, order), *hash))
            });
            let Some((_, next)) = ranked.max() else { return tip };
            tip = next;
        }
    }

    /// The highest block with a quorum at or after each block, where there is one.
    fn justified(&self, choice: &Choice<'_>) -> BTreeMap<Hash, Height> {
        let mut highest = BTreeMap::<Hash, Height>::new();
        for (hash, node) in &self.nodes {
            if choice.worth(*hash, node).0 < Strength::Quorum {
                continue;
            }
            let height = node.block.header.height;
            for before in self.up(*hash) {
                let known = highest.entry(before).or_insert(height);
                *known = (*known).max(height);
            }
        }
        highest
    }

    /// The last block of a branch that is confirmed, by itself or by one after it; the root where none is.
    pub fn confirmed(&self, choice: &Choice<'_>, tip: Hash) -> Hash {
        let is_confirmed =
            |hash: &Hash| self.get(hash).is_some_and(|node| choice.worth(*hash, node).0 >= Strength::Confirmed);
        self.up(tip).find(is_confirmed).unwrap_or(self.root.hash)
    }

    /// The highest block that has become final, and why.
    pub fn finality(&self, choice: &Choice<'_>) -> Option<(Hash, Finality)> {
        let quorum = self.nodes.iter().filter(|(hash, node)| choice.worth(**hash, node).0 == Strength::Quorum);
        let proven = quorum.filter_map(|(hash, node)| {
            let header = &node.block.header;
            let own = || certificate(choice.turns, &choice.votes.commitments(header.height, *hash));
            if choice.turns.has_two_steps() {
                return Some((*hash, Finality { seal: own()?, child: None }));
            }
            let seal = node.block.prev_seal.as_ref()?;
            let is_shown = choice.turns.strength(seal) == Strength::Quorum && seal.block_hash != self.root.hash;
            let child = is_shown.then(|| Some((header.clone(), own()?)))??;
            Some((seal.block_hash, Finality { seal: seal.clone(), child: Some(child) }))
        });
        proven.max_by_key(|(_, finality)| finality.seal.height)
    }

    /// Make a block the root: what does not follow from it is dropped. Gives the blocks that became final, in order.
    pub fn finalise(&mut self, hash: Hash, seal: Certificate) -> Vec<Block> {
        self.changes = self.changes.saturating_add(1);
        let path = self.path(hash);
        let kept: Vec<_> =
            self.nodes.keys().filter(|tip| **tip != hash && self.up(**tip).any(|up| up == hash)).copied().collect();
        let mut nodes = core::mem::take(&mut self.nodes);
        let done: Vec<_> = path.iter().filter_map(|hash| nodes.remove(hash)).map(|node| node.block).collect();
        self.nodes = kept.into_iter().filter_map(|hash| Some((hash, nodes.remove(&hash)?))).collect();
        if let Some(last) = done.last() {
            self.root = Root { hash, header: last.header.clone(), seal: Some(seal) };
        }
        done
    }

    /// Blocks above a height, lowest first.
    pub fn above(&self, height: Height) -> Vec<&Node> {
        let mut nodes: Vec<_> = self.nodes.values().filter(|node| node.block.header.height > height).collect();
        nodes.sort_by_key(|node| node.block.header.height);
        nodes
    }
}
