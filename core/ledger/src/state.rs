//! Where the leaves come from: the store in a node, a witness in a prover, a map in tests.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use banyan_tree::Trie;
use banyan_types::{ContractId, Hash};

use crate::leaf::key;

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
    /// Write a leaf of a contract's store, or remove it.
    fn put_store(&mut self, contract: ContractId, raw: &[u8], value: Option<Vec<u8>>);
    /// Keys of leaves that a contract's store holds and that begin with `prefix`, ascending, at most `max`. A hint: whoever
    /// asks knows from the state how many there are, and fewer are our fault.
    fn hint_keys(&mut self, contract: ContractId, prefix: &[u8], max: usize) -> Result<Vec<Vec<u8>>, Missing>;
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
    /// Keys of the leaves that a contract's store held before the block and that begin with `prefix`, ascending, at most
    /// `max`.
    fn hint_keys(&self, contract: ContractId, prefix: &[u8], max: usize) -> Result<Vec<Vec<u8>>, Missing>;
    /// Learn the keys of store leaves that the block has written: a hashed trie cannot tell them.
    fn learn_keys(&mut self, keys: StoreKeys);
}

/// Contracts with keys of their stores.
pub type StoreKeys = BTreeSet<(ContractId, Vec<u8>)>;

impl<B: Base> Base for &mut B {
    fn read(&self, key: &Key) -> Result<Option<Vec<u8>>, Missing> {
        (**self).read(key)
    }

    fn root_after(&mut self, changes: &Changes) -> Result<Hash, Missing> {
        (**self).root_after(changes)
    }

    fn hint_keys(&self, contract: ContractId, prefix: &[u8], max: usize) -> Result<Vec<Vec<u8>>, Missing> {
        (**self).hint_keys(contract, prefix, max)
    }

    fn learn_keys(&mut self, keys: StoreKeys) {
        (**self).learn_keys(keys);
    }
}

/// The writes of one block over a [`Base`], with a journal to rewind by.
#[derive(Debug)]
pub struct Overlay<B> {
    base: B,
    changes: Changes,
    /// What each written key held in `changes` before.
    journal: Vec<(Key, Option<Change>)>,
    /// Keys of every store leaf touched. What is rewound stays: a key too many is looked up and found absent.
    touched: StoreKeys,
}

impl<B: Base> Overlay<B> {
    /// Nothing written yet.
    pub const fn new(base: B) -> Self {
        Self { base, changes: Changes::new(), journal: Vec::new(), touched: StoreKeys::new() }
    }

    /// The base, which has learned the keys of store leaves, and everything written over it.
    pub fn into_parts(self) -> (B, Changes) {
        let Self { mut base, changes, mut touched, .. } = self;
        touched.retain(|(contract, raw)| changes.get(&key::store(*contract, raw)).is_some_and(Option::is_some));
        if !touched.is_empty() {
            base.learn_keys(touched);
        }
        (base, changes)
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

    fn put_store(&mut self, contract: ContractId, raw: &[u8], value: Option<Vec<u8>>) {
        self.touched.insert((contract, raw.to_vec()));
        self.put(key::store(contract, raw), value);
    }

    fn hint_keys(&mut self, contract: ContractId, prefix: &[u8], max: usize) -> Result<Vec<Vec<u8>>, Missing> {
        let touched: BTreeSet<_> = under(&self.touched, contract, prefix).cloned().collect();
        // So many may be gone since; of the others enough are left.
        let before = self.base.hint_keys(contract, prefix, max.saturating_add(touched.len()))?;
        let mut keys = Vec::new();
        for raw in before.into_iter().collect::<BTreeSet<_>>().union(&touched) {
            if keys.len() < max && self.get(&key::store(contract, raw))?.is_some() {
                keys.push(raw.clone());
            }
        }
        Ok(keys)
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
    /// Keys of every store leaf there ever was.
    store_keys: StoreKeys,
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

    fn hint_keys(&self, contract: ContractId, prefix: &[u8], max: usize) -> Result<Vec<Vec<u8>>, Missing> {
        let held = under(&self.store_keys, contract, prefix)
            .filter(|raw| self.leaves.contains_key(&key::store(contract, raw)));
        Ok(held.take(max).cloned().collect())
    }

    fn learn_keys(&mut self, mut keys: StoreKeys) {
        self.store_keys.append(&mut keys);
    }
}

/// The keys of a contract's store that begin with `prefix`.
fn under<'a>(keys: &'a StoreKeys, contract: ContractId, prefix: &'a [u8]) -> impl Iterator<Item = &'a Vec<u8>> {
    keys.range((contract, prefix.to_vec())..)
        .take_while(move |(of, raw)| *of == contract && raw.starts_with(prefix))
        .map(|(_, raw)| raw)
}

fn updated(trie: &Trie<()>, changes: &Changes) -> Trie<()> {
    let changes: Vec<_> = changes
        .iter()
        .map(|(key, value)| (*key, value.as_ref().map(|value| (banyan_tree::value_hash(value), ()))))
        .collect();
    trie.update(&changes)
}
