//! Where the leaves come from: the store in a node, a witness in a prover, a map in tests.

use alloc::{collections::BTreeMap, vec::Vec};

use banyan_tree::Trie;
use banyan_types::Hash;

pub use banyan_tree::Key;

/// The state could not answer. Ours, never the sender's: a node must not confuse a bad disk with a bad block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the state cannot answer: {0}")]
pub struct Missing(pub &'static str);

/// Leaves with their new values; `None` removes.
pub type Changes = BTreeMap<Key, Change>;

/// A leaf's new value; `None` removes.
type Change = Option<Vec<u8>>;

/// A place in the history of a [`State`]'s writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(usize);

/// The leaves as a transition sees them.
pub trait State {
    /// The leaf's value, `None` if it is absent.
    fn get(&mut self, key: &Key) -> Result<Option<Vec<u8>>, Missing>;
    /// Write the leaf, or remove it.
    fn put(&mut self, key: Key, value: Option<Vec<u8>>);
    /// The root of the state with everything written so far.
    fn root(&mut self) -> Result<Hash, Missing>;
    /// Remember this moment.
    fn mark(&mut self) -> Mark;
    /// Undo every write since `to`.
    fn rewind(&mut self, to: Mark);
}

/// Leaves that do not change while a block is applied.
pub trait Base {
    /// The leaf's value before the block.
    fn read(&self, key: &Key) -> Result<Option<Vec<u8>>, Missing>;
    /// The root with `changes` applied.
    fn root_after(&mut self, changes: &Changes) -> Result<Hash, Missing>;
}

impl<B: Base> Base for &mut B {
    fn read(&self, key: &Key) -> Result<Option<Vec<u8>>, Missing> {
        (**self).read(key)
    }

    fn root_after(&mut self, changes: &Changes) -> Result<Hash, Missing> {
        (**self).root_after(changes)
    }
}

/// The writes of one block over a [`Base`], with a journal to rewind by.
#[derive(Debug)]
pub struct Overlay<B> {
    base: B,
    changes: Changes,
    /// What each written key held in `changes` before.
    journal: Vec<(Key, Option<Change>)>,
}

impl<B: Base> Overlay<B> {
    /// Nothing written yet.
    pub const fn new(base: B) -> Self {
        Self { base, changes: Changes::new(), journal: Vec::new() }
    }

    /// The base and everything written over it.
    pub fn into_parts(self) -> (B, Changes) {
        (self.base, self.changes)
    }

    /// The old values of every touched leaf: writing them back undoes the block.
    pub fn undo(&self) -> Result<Changes, Missing> {
        self.changes.keys().map(|key| Ok((*key, self.base.read(key)?))).collect()
    }
}

impl<B: Base> State for Overlay<B> {
    fn get(&mut self, key: &Key) -> Result<Option<Vec<u8>>, Missing> {
        match self.changes.get(key) {
            Some(value) => Ok(value.clone()),
            None => self.base.read(key),
        }
    }

    fn put(&mut self, key: Key, value: Option<Vec<u8>>) {
        let before = self.changes.insert(key, value);
        self.journal.push((key, before));
    }

    fn root(&mut self) -> Result<Hash, Missing> {
        self.base.root_after(&self.changes)
    }

    fn mark(&mut self) -> Mark {
        Mark(self.journal.len())
    }

    fn rewind(&mut self, to: Mark) {
        while self.journal.len() > to.0 {
            match self.journal.pop() {
                Some((key, Some(before))) => drop(self.changes.insert(key, before)),
                Some((key, None)) => drop(self.changes.remove(&key)),
                None => return,
            }
        }
    }
}

/// A whole state in memory: the model that other states are held against.
#[derive(Debug, Clone, Default)]
pub struct MapState {
    leaves: BTreeMap<Key, Vec<u8>>,
    trie: Trie<()>,
}

impl MapState {
    /// Write `changes` for good.
    pub fn commit(&mut self, changes: &Changes) {
        self.trie = updated(&self.trie, changes);
        for (key, value) in changes {
            match value {
                Some(value) => drop(self.leaves.insert(*key, value.clone())),
                None => drop(self.leaves.remove(key)),
            }
        }
    }

    /// Every leaf, ascending by key.
    pub fn leaves(&self) -> impl Iterator<Item = (&Key, &[u8])> {
        self.leaves.iter().map(|(key, value)| (key, value.as_slice()))
    }

    /// The root of the committed state.
    pub fn root(&self) -> Hash {
        Hash(self.trie.root())
    }
}

impl Base for MapState {
    fn read(&self, key: &Key) -> Result<Option<Vec<u8>>, Missing> {
        Ok(self.leaves.get(key).cloned())
    }

    fn root_after(&mut self, changes: &Changes) -> Result<Hash, Missing> {
        Ok(Hash(updated(&self.trie, changes).root()))
    }
}

fn updated(trie: &Trie<()>, changes: &Changes) -> Trie<()> {
    let changes: Vec<_> = changes
        .iter()
        .map(|(key, value)| (*key, value.as_ref().map(|value| (banyan_tree::value_hash(value), ()))))
        .collect();
    trie.update(&changes)
}
