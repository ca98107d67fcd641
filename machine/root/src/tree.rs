//! Headers from the last final key block upward, and which of them is best.
//!
//! Every block here passed the rules that a header alone can break, and none of them descends from an invalid one. One
//! order ranks them all: the work of the key chain, then whom the witnesses prefer, then who was seen first; then the
//! length of the micro chain, then how far it is locked, then who was seen first. So the greatest [`Rank`] is the fork
//! choice, the least is what is forgotten when room is short. What witnesses say is in [`crate::promises`].

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use core::cmp::Reverse;

use banyan_types::{Hash, header::KeyHeader};

use crate::{
    BlockRef, Header, Peer,
    ancestry::{HISTORY, solved},
    promises::Promises,
    target::Solved,
};

/// Headers above the last final key block, at most. Source: root 3.
pub const HEADERS_MAX: usize = 20_000;

/// What besides work ranks a block; a micro block begins with what the block before it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// When its key block was seen.
    key_seen: Seen,
    /// Work that does not count: of key blocks in its chain that left out a lock and were not chosen yet.
    pub(crate) discount: u128,
    /// When a majority of the witnesses stood behind its key block, in the order of telling; 0 if never.
    pub(crate) witnessed: u64,
    /// Index of the last locked block of its generation, up to it and with it; 0 if none is.
    pub(crate) locked: u32,
}

/// A header with its place in the tree.
#[derive(Clone, Debug)]
pub struct Node {
    pub header: Header,
    /// The key block of its generation.
    pub key: Hash,
    /// Sum of its key chain's work since the chain began.
    pub work: u128,
    /// Who sent it first; `None` for this node's own.
    pub from: Option<Peer>,
    pub(crate) standing: Standing,
    /// Whether its leader was accused of two blocks with one index: known of key blocks.
    pub(crate) accused: bool,
    /// Blocks since the chain began, or since this node started.
    depth: u64,
    seen: Seen,
    pub(crate) children: Vec<Hash>,
}

impl Node {
    fn rank(&self, hash: Hash) -> Rank {
        let Standing { key_seen, discount, witnessed, locked } = self.standing;
        let generation = (self.work.saturating_sub(discount), witnessed, Reverse(key_seen));
        (generation, (self.header.index(), locked, Reverse(self.seen)), hash)
    }
}

/// Place in the order of arrival.
type Seen = u64;

/// How good a block is as an end of the chain; see the module's page. The hash only names the block.
type Rank = ((u128, u64, Reverse<Seen>), (u32, u32, Reverse<Seen>), Hash);

/// The tree. Its root is the last final key block, whose own parents are gone.
#[derive(Clone, Debug)]
pub struct Tree {
    nodes: BTreeMap<Hash, Node>,
    ranks: BTreeSet<Rank>,
    root: Hash,
    /// Key blocks up to the root and with it, oldest first, [`HISTORY`] at most: the genesis is among them or 18 are.
    past: Vec<Past>,
    seen: Seen,
    pub(crate) promises: Promises,
}

/// What stays known of a key block whose header may go.
#[derive(Clone, Copy, Debug)]
pub struct Past {
    pub hash: Hash,
    pub solved: Solved,
    /// Sum of work up to it and with it.
    pub work: u128,
}

/// What became of the blocks that a new root leaves behind.
pub struct Rerooted {
    /// Key headers that are final now, oldest first; the last is the root.
    pub finals: Vec<KeyHeader>,
    /// Blocks off the chain, with the work of each.
    pub lost: Vec<(Hash, u128)>,
}

impl Tree {
    /// A tree of one block. `past` are the key blocks below it, oldest first; `work` is its chain's.
    pub fn new(root: KeyHeader, past: Vec<Past>, work: u128) -> Self {
        let hash = root.hash();
        let (nodes, ranks, promises) = (BTreeMap::new(), BTreeSet::new(), Promises::default());
        let mut tree = Self { nodes, ranks, root: hash, past, seen: 0, promises };
        tree.extend_past(Past { hash, solved: solved(&root), work });
        let header = Header::Key(root.into());
        let (standing, children) = (Standing::default(), Vec::new());
        let node = Node { header, key: hash, work, from: None, standing, accused: false, depth: 0, seen: 0, children };
        tree.add(hash, node);
        tree
    }

    /// Put a block under its parent, which must be here.
    pub fn insert(&mut self, hash: Hash, header: Header, from: Option<Peer>) {
        self.seen += 1;
        let (seen, parent) = (self.seen, self.node(&header.prev_hash()));
        let (depth, standing) = (parent.depth + 1, parent.standing);
        let (key, work, standing) = match &header {
            Header::Key(key) => {
                let work = parent.work.saturating_add(solved(key).target.work());
                (hash, work, Standing { key_seen: seen, discount: standing.discount, ..Standing::default() })
            }
            Header::Micro(_) => (parent.key, parent.work, standing),
        };
        let children = Vec::new();
        self.add(hash, Node { header, key, work, from, standing, accused: false, depth, seen, children });
        self.remember_promises(&hash);
    }

    fn add(&mut self, hash: Hash, node: Node) {
        if let Some(parent) = self.nodes.get_mut(&node.header.prev_hash()) {
            parent.children.push(hash);
        }
        self.ranks.insert(node.rank(hash));
        self.nodes.insert(hash, node);
    }

    /// Change how a block ranks.
    pub(crate) fn change(&mut self, hash: &Hash, change: impl FnOnce(&mut Node)) {
        if let Some(mut node) = self.drop_node(hash) {
            change(&mut node);
            self.ranks.insert(node.rank(*hash));
            self.nodes.insert(*hash, node);
        }
    }

    fn drop_node(&mut self, hash: &Hash) -> Option<Node> {
        let node = self.nodes.remove(hash)?;
        self.ranks.remove(&node.rank(*hash));
        Some(node)
    }

    /// The block, if it is here.
    pub fn get(&self, hash: &Hash) -> Option<&Node> {
        self.nodes.get(hash)
    }

    /// The block, which is here because something that is here names it.
    pub fn node(&self, hash: &Hash) -> &Node {
        self.nodes.get(hash).expect("blocks leave the tree with all that name them")
    }

    /// Blocks above the root.
    pub fn len(&self) -> usize {
        self.nodes.len() - 1
    }

    pub const fn root(&self) -> Hash {
        self.root
    }

    pub fn block_ref(&self, hash: &Hash) -> BlockRef {
        let node = self.node(hash);
        let prev_key_hash = self.node(&node.key).header.prev_key_hash();
        let (height, index) = (node.header.height(), node.header.index());
        BlockRef { hash: *hash, key_hash: node.key, height, index, prev_key_hash }
    }

    /// Fork choice among the blocks that descend from `ancestor`.
    pub fn best_above(&self, ancestor: &Hash) -> Hash {
        let fits = |rank: &&Rank| self.descends(&rank.2, ancestor);
        self.ranks.iter().rev().find(fits).map_or(*ancestor, |rank| rank.2)
    }

    /// Whether `hash` is `ancestor` or has it below.
    pub fn descends(&self, hash: &Hash, ancestor: &Hash) -> bool {
        *ancestor == self.root || self.ancestor_at(hash, self.node(ancestor).depth) == *ancestor
    }

    fn ancestor_at(&self, hash: &Hash, depth: u64) -> Hash {
        self.line(hash).find(|(_, node)| node.depth <= depth).map_or(self.root, |(hash, _)| hash)
    }

    /// The last block that two have in common.
    pub fn common(&self, a: &Hash, b: &Hash) -> Hash {
        let depth = self.node(a).depth.min(self.node(b).depth);
        let (a, b) = (self.ancestor_at(a, depth), self.ancestor_at(b, depth));
        let pairs = self.line(&a).zip(self.line(&b));
        pairs.map(|((a, _), (b, _))| (a, b)).find(|(a, b)| a == b).map_or(self.root, |(a, _)| a)
    }

    /// The blocks above `ancestor` up to `hash` and with it, newest first.
    pub fn path(&self, ancestor: &Hash, hash: &Hash) -> Vec<Hash> {
        self.line(hash).map(|(hash, _)| hash).take_while(|hash| hash != ancestor).collect()
    }

    /// `hash` and everything below it down to the root, newest first.
    pub fn line(&self, hash: &Hash) -> impl Iterator<Item = (Hash, &Node)> {
        let first = self.nodes.get(hash).map(|node| (*hash, node));
        core::iter::successors(first, |(_, node)| {
            let prev = node.header.prev_hash();
            self.nodes.get(&prev).map(|node| (prev, node))
        })
    }

    /// Up to [`HISTORY`] key headers, from `key` downward, newest first.
    pub fn history(&self, key: &Hash) -> Vec<Solved> {
        let first = (*key != self.root).then(|| self.node(key));
        let above = core::iter::successors(first, |node| {
            let prev = node.header.prev_key_hash();
            (prev != self.root).then(|| self.node(&prev))
        });
        let above = above.filter_map(|node| match &node.header {
            Header::Key(header) => Some(solved(header)),
            Header::Micro(_) => None,
        });
        above.chain(self.past.iter().rev().map(|past| past.solved)).take(HISTORY).collect()
    }

    /// Work of the chain up to a key block, here or among the last below the root.
    pub fn work(&self, key: &Hash) -> Option<u128> {
        let past = || self.past.iter().find(|past| past.hash == *key).map(|past| past.work);
        self.nodes.get(key).map(|node| node.work).or_else(past)
    }

    /// Take a block and all that descends from it out: their names and their chains' work.
    pub fn remove(&mut self, hash: &Hash) -> Vec<(Hash, u128)> {
        let parent = self.nodes.get(hash).map(|node| node.header.prev_hash());
        if let Some(parent) = parent.and_then(|parent| self.nodes.get_mut(&parent)) {
            parent.children.retain(|child| child != hash);
        }
        let (mut doomed, mut removed) = (alloc::vec![*hash], Vec::new());
        while let Some(hash) = doomed.pop() {
            if let Some(node) = self.drop_node(&hash) {
                removed.push((hash, node.work));
                doomed.extend(node.children);
            }
        }
        removed
    }

    /// Forget the worst end that is none of `kept`. `None` if they are all there is.
    pub fn forget_worst(&mut self, kept: &[Hash]) -> Option<Hash> {
        let mut hashes = self.ranks.iter().map(|rank| rank.2);
        let worst = hashes.find(|hash| self.node(hash).children.is_empty() && !kept.contains(hash))?;
        self.remove(&worst);
        Some(worst)
    }

    /// Make `key`, a key block, the root; what does not descend from it goes.
    pub fn reroot(&mut self, key: &Hash) -> Rerooted {
        let (mut finals, mut lost) = (Vec::new(), Vec::new());
        for hash in self.path(&self.root, key).iter().rev() {
            lost.extend(self.drop_below(hash));
            let node = self.node(hash);
            if let Header::Key(header) = &node.header {
                let past = Past { hash: *hash, solved: solved(header), work: node.work };
                finals.push((**header).clone());
                self.extend_past(past);
            }
        }
        self.root = *key;
        Rerooted { finals, lost }
    }

    /// Drop the parent of `hash`, and all branches that begin there but this one.
    fn drop_below(&mut self, hash: &Hash) -> Vec<(Hash, u128)> {
        let below = self.drop_node(&self.node(hash).header.prev_hash());
        let branches = below.into_iter().flat_map(|node| node.children).filter(|branch| branch != hash);
        branches.flat_map(|branch| self.remove(&branch)).collect()
    }

    /// Every block ranks once and as it stands, and never with less work than none.
    #[cfg(test)]
    pub fn check(&self) {
        let ranks: BTreeSet<_> = self.nodes.iter().map(|(hash, node)| node.rank(*hash)).collect();
        assert_eq!(ranks, self.ranks);
        assert!(self.nodes.values().all(|node| node.standing.discount <= node.work));
    }

    fn extend_past(&mut self, past: Past) {
        self.past.push(past);
        let excess = self.past.len().saturating_sub(HISTORY);
        self.past.drain(..excess);
    }
}
