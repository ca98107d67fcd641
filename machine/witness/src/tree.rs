//! The key blocks of the running era and above, by hash.
//!
//! The root is the era's anchor: the last key block of the era before, or the genesis. Nothing below it can be a source.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use banyan_types::{Hash, Height};

use crate::KeyRef;

/// Key blocks held, at most. Source: root 3, headers above final.
pub const KEYS_MAX: usize = 20_000;

/// A key block here.
#[derive(Clone, Copy, Debug)]
pub struct Node {
    pub key: KeyRef,
    /// It was executed here and holds.
    pub is_applied: bool,
    /// It, or an ancestor, proved invalid.
    pub is_invalid: bool,
    /// [`crate::Effect::Witnessed`] was said.
    pub is_witnessed: bool,
}

/// The anchor and what descends from it.
#[derive(Clone, Debug)]
pub struct Tree {
    root: KeyRef,
    nodes: BTreeMap<Hash, Node>,
}

impl Tree {
    pub fn new(root: KeyRef) -> Self {
        let node = Node { key: root, is_applied: true, is_invalid: false, is_witnessed: true };
        Self { root, nodes: BTreeMap::from([(root.hash, node)]) }
    }

    pub const fn root(&self) -> KeyRef {
        self.root
    }

    pub fn get(&self, hash: &Hash) -> Option<&Node> {
        self.nodes.get(hash)
    }

    pub fn get_mut(&mut self, hash: &Hash) -> Option<&mut Node> {
        self.nodes.get_mut(hash)
    }

    pub fn key(&self, hash: &Hash) -> Option<KeyRef> {
        self.get(hash).map(|node| node.key)
    }

    /// Add a key block below which everything is known. False if its parent is not, or it was here before.
    pub fn insert(&mut self, key: KeyRef) -> bool {
        let Some(parent) = self.nodes.get(&key.prev_key) else { return false };
        if self.nodes.contains_key(&key.hash) || parent.key.height.next() != Some(key.height) {
            return false;
        }
        let node = Node { key, is_applied: false, is_invalid: parent.is_invalid, is_witnessed: false };
        self.nodes.insert(key.hash, node);
        true
    }

    /// From a block down to the root, itself first.
    pub fn line<'a>(&'a self, hash: &Hash) -> impl Iterator<Item = &'a Node> + use<'a> {
        let mut next = self.nodes.get(hash);
        core::iter::from_fn(move || {
            let node = next?;
            next = if node.key.hash == self.root.hash { None } else { self.nodes.get(&node.key.prev_key) };
            Some(node)
        })
    }

    /// The block of a block's line at a height.
    pub fn at(&self, hash: &Hash, height: Height) -> Option<&Node> {
        self.line(hash).find(|node| node.key.height <= height).filter(|node| node.key.height == height)
    }

    /// Whether `hash` is `ancestor` or descends from it. False if either is unknown.
    pub fn descends(&self, hash: &Hash, ancestor: &Hash) -> bool {
        let Some(height) = self.get(ancestor).map(|node| node.key.height) else { return false };
        self.at(hash, height).is_some_and(|node| node.key.hash == *ancestor)
    }

    /// Mark a block and its ancestors as executed.
    pub fn apply(&mut self, hash: &Hash) {
        let mut next = *hash;
        while let Some(node) = self.nodes.get_mut(&next).filter(|node| !node.is_applied) {
            node.is_applied = true;
            next = node.key.prev_key;
        }
    }

    /// Mark a block and all that descends from it as invalid.
    pub fn invalidate(&mut self, hash: &Hash) {
        if *hash == self.root.hash {
            return;
        }
        for child in self.branch(hash) {
            if let Some(node) = self.nodes.get_mut(&child) {
                node.is_invalid = true;
            }
        }
    }

    /// Blocks whose chains have this much work: none descends from another.
    pub fn of_work(&self, work: u128) -> impl Iterator<Item = &Node> {
        self.nodes.values().filter(move |node| node.key.work == work)
    }

    /// Blocks that nothing descends from.
    fn leaves(&self) -> impl Iterator<Item = &Node> {
        let parents: BTreeSet<_> = self.nodes.values().map(|node| node.key.prev_key).collect();
        self.nodes.values().filter(move |node| !parents.contains(&node.key.hash))
    }

    /// Make a block the root: only it and what descends from it stays.
    pub fn reroot(&mut self, hash: &Hash) {
        let Some(root) = self.key(hash) else { return };
        let kept = self.branch(hash);
        self.nodes.retain(|hash, _| kept.contains(hash));
        self.root = root;
    }

    /// A block and all that descends from it. Parents are looked at first, so one look at each is enough: whoever is eras
    /// behind has thousands of blocks here, and asks at the end of each era.
    fn branch(&self, hash: &Hash) -> BTreeSet<Hash> {
        let Some(first) = self.key(hash) else { return BTreeSet::new() };
        let mut above: Vec<_> =
            self.nodes.values().map(|node| node.key).filter(|key| key.height > first.height).collect();
        above.sort_unstable_by_key(|key| key.height);
        let mut branch = BTreeSet::from([first.hash]);
        for key in above {
            if branch.contains(&key.prev_key) {
                branch.insert(key.hash);
            }
        }
        branch
    }

    /// Forget a leaf of least work while too many blocks are held; `kept` and their ancestors stay.
    pub fn make_room(&mut self, kept: &[Hash]) {
        while self.nodes.len() > KEYS_MAX {
            let is_free = |node: &&Node| !kept.contains(&node.key.hash) && node.key.hash != self.root.hash;
            let worst = self.leaves().filter(is_free).min_by_key(|node| (node.key.work, node.key.hash));
            let Some(worst) = worst.map(|node| node.key.hash) else { return };
            self.nodes.remove(&worst);
        }
    }
}
