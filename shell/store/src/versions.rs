//! The versions that are kept: which they are, how they are found again after a start, and what pruning takes away.
//!
//! Kept versions form one tree. Its root, the *base*, owns the whole state; every other version owns the rows of its own changes.
//! The *final* version is an ancestor of the *head* or the head. Pruning is a sequence of steps, each one atomic batch that
//! leaves such a tree: drop a version that nothing follows, or move the base to its only child.

use crate::engine::{Batch, Column, Engine, Fault, Flush, Order, Span, scan_all};
use crate::state::{Id, Key, Note, State, Version, leaf_row, parse_leaf_row};
use banyan_tree::{Change as Update, Leaf, Trie, value_hash};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

/// The row of [`Column::Meta`] that holds the marks; callers' names live under another prefix.
const MARKS_ROW: &[u8] = b"store/versions";

/// Every key of a column.
const ALL: Span = (Bound::Unbounded, Bound::Unbounded);

/// The versions with a role, and the first free number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    pub(crate) base: Version,
    pub(crate) last_final: Version,
    pub(crate) head: Version,
    pub(crate) next: Version,
}

impl Marks {
    /// The next version's number, never given again while this process runs, nor later if it was committed.
    pub(crate) fn reserve(&mut self) -> Version {
        let version = self.next;
        self.next = version.next();
        version
    }

    pub(crate) fn put(&self, batch: &mut Batch) {
        let marks = [self.base, self.last_final, self.head, self.next];
        batch.put(Column::Meta, MARKS_ROW, marks.map(Version::to_bytes).concat());
    }

    fn parse(row: &[u8]) -> Result<Self, Fault> {
        let broken = || Fault::broken(Column::Meta, format!("marks of {} bytes", row.len()));
        let (versions, []) = row.as_chunks::<8>() else { return Err(broken()) };
        let [base, last_final, head, next] = versions else { return Err(broken()) };
        let [base, last_final, head, next] = [base, last_final, head, next].map(|bytes| Version::from_bytes(*bytes));
        Ok(Self { base, last_final, head, next })
    }
}

/// A row of [`Column::Change`].
pub(crate) struct Change {
    parent: Version,
    block: Id,
    root: [u8; 32],
    /// Ascending; a key without a leaf row of this version was removed by it.
    pub(crate) keys: Vec<Key>,
}

impl Change {
    fn encode(&self) -> Vec<u8> {
        [&self.parent.to_bytes()[..], &self.block, &self.root, self.keys.as_flattened()].concat()
    }

    fn parse(row: &[u8]) -> Option<Self> {
        let (parent, rest) = row.split_first_chunk()?;
        let (block, rest) = rest.split_first_chunk()?;
        let (root, rest) = rest.split_first_chunk()?;
        let (keys, []) = rest.as_chunks() else { return None };
        Some(Self { parent: Version::from_bytes(*parent), block: *block, root: *root, keys: keys.to_vec() })
    }

    pub(crate) fn read(engine: &dyn Engine, version: Version) -> Result<Self, Fault> {
        let row = engine.get(Column::Change, &version.to_bytes())?;
        row.as_deref().and_then(Self::parse).ok_or_else(|| broken(version, "has no readable row"))
    }
}

fn broken(version: Version, what: &str) -> Fault {
    Fault::broken(Column::Change, format!("version {version} {what}"))
}

/// Put the rows of a new version.
pub(crate) fn put(batch: &mut Batch, state: &State, changes: crate::state::Changes) {
    let State { version, parent, block, ref trie } = *state;
    let change = Change { parent, block, root: trie.root(), keys: changes.keys().copied().collect() };
    batch.put(Column::Change, version.to_bytes(), change.encode());
    for (key, value) in changes {
        if let Some(value) = value {
            batch.put(Column::Leaf, leaf_row(&key, version), value);
        }
    }
}

/// Every kept version, and the marks.
pub(crate) struct Versions {
    pub(crate) kept: BTreeMap<Version, Arc<State>>,
    pub(crate) marks: Marks,
}

impl Versions {
    /// What `engine` holds, every root computed anew and compared with the one written.
    pub(crate) fn open(engine: &dyn Engine) -> Result<Self, Fault> {
        match engine.get(Column::Meta, MARKS_ROW)? {
            Some(marks) => rebuild(engine, Marks::parse(&marks)?),
            None => begin(engine),
        }
    }

    /// `ancestor` is `version` or one that it was built on.
    pub(crate) fn descends(&self, mut version: Version, ancestor: Version) -> bool {
        while version > ancestor {
            let Some(state) = self.kept.get(&version) else { return false };
            version = state.parent;
        }
        version == ancestor
    }
}

/// A new store: the empty state is its base, its head and final.
fn begin(engine: &dyn Engine) -> Result<Versions, Fault> {
    for column in [Column::Leaf, Column::Change] {
        if !engine.scan(column, ALL, Order::Ascending, 1)?.is_empty() {
            return Err(Fault::broken(column, "rows without marks"));
        }
    }
    let empty = State { version: Version::EMPTY, parent: Version::EMPTY, block: [0; 32], trie: Trie::new() };
    let marks = Marks { next: Version::EMPTY.next(), ..Marks::default() };
    let mut batch = Batch::default();
    put(&mut batch, &empty, BTreeMap::new());
    marks.put(&mut batch);
    engine.write(batch, Flush::Now)?;
    Ok(Versions { kept: BTreeMap::from([(Version::EMPTY, Arc::new(empty))]), marks })
}

type Leaves = Vec<Leaf<Note>>;

fn rebuild(engine: &dyn Engine, marks: Marks) -> Result<Versions, Fault> {
    let changes = read_changes(engine)?;
    let (mut base, mut written) = read_leaves(engine, &changes, marks.base)?;
    let mut versions = Versions { kept: BTreeMap::new(), marks };
    for (version, change) in changes {
        // Every walk up the tree ends because of this.
        if change.parent >= version && version != Version::EMPTY {
            return Err(broken(version, "is not younger than its parent"));
        }
        let trie = if version == marks.base {
            Trie::build(std::mem::take(&mut base))
        } else {
            let parent = versions.kept.get(&change.parent).ok_or_else(|| broken(version, "has no parent"))?;
            parent.trie.update(&updates(&change.keys, &written.remove(&version).unwrap_or_default()))
        };
        if trie.root() != change.root {
            return Err(broken(version, "has another root than its leaves"));
        }
        let state = State { version, parent: change.parent, block: change.block, trie };
        versions.kept.insert(version, Arc::new(state));
    }
    let roles = [marks.base, marks.last_final, marks.head];
    match roles.into_iter().find(|version| !versions.kept.contains_key(version)) {
        Some(missing) => Err(broken(missing, "has a role and no row")),
        None => Ok(versions),
    }
}

fn read_changes(engine: &dyn Engine) -> Result<BTreeMap<Version, Change>, Fault> {
    let mut changes = BTreeMap::new();
    scan_all(engine, Column::Change, ALL, |(key, row)| {
        let version = key.as_slice().try_into().map(Version::from_bytes);
        let version = version.map_err(|_| Fault::broken(Column::Change, "a key is no version"))?;
        changes.insert(version, Change::parse(&row).ok_or_else(|| broken(version, "has no readable row"))?);
        Ok(())
    })?;
    Ok(changes)
}

/// The leaves of the base, and those that each later version wrote; all by ascending key.
fn read_leaves(
    engine: &dyn Engine,
    changes: &BTreeMap<Version, Change>,
    base: Version,
) -> Result<(Leaves, BTreeMap<Version, Leaves>), Fault> {
    let mut of_base = Leaves::new();
    let mut written = BTreeMap::<Version, Leaves>::new();
    scan_all(engine, Column::Leaf, ALL, |(row, value)| {
        let (key, version) = parse_leaf_row(&row).ok_or_else(|| Fault::broken(Column::Leaf, "a key is no leaf's"))?;
        let leaf = Leaf { key, value_hash: value_hash(&value), note: Note::new(version, &value) };
        if version != base && changes.contains_key(&version) {
            written.entry(version).or_default().push(leaf);
        } else if version <= base && of_base.last().is_none_or(|last| last.key < key) {
            of_base.push(leaf);
        } else {
            return Err(broken(version, "has leaves and no row, or two of one key"));
        }
        Ok(())
    })?;
    Ok((of_base, written))
}

/// What a version did to each of its keys, given the leaves that it wrote.
fn updates(keys: &[Key], written: &Leaves) -> Vec<Update<Note>> {
    let mut written = written.iter().peekable();
    let mut update = |key: &Key| {
        let leaf = written.next_if(|leaf| leaf.key == *key);
        (*key, leaf.map(|leaf| (leaf.value_hash, leaf.note)))
    };
    keys.iter().map(&mut update).collect()
}
