//! A store and a map of maps, driven side by side by one seed.

#![allow(dead_code, reason = "each test file uses its own part")]

use banyan_store::{Changes, Column, Commit, Engine, Flush, Id, Key, Order, Row, Store, StoreError, Version};
use banyan_tree::{Leaf, Trie, value_hash};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// Keys that blocks write to: few, so that branches and versions meet on them.
const KEYS: u64 = 12;

/// A small deterministic generator (splitmix64).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.roll(from.len() as u64)).unwrap()]
    }
}

/// What the store should hold. States of forgotten versions stay here, to compare with after a crash.
#[derive(Clone)]
pub struct Model {
    pub states: BTreeMap<Version, ModelState>,
    pub kept: BTreeSet<Version>,
    pub base: Version,
    pub last_final: Version,
    pub head: Version,
    /// Number of the last act that committed; the store has it under the name `act`.
    pub act: u64,
}

#[derive(Clone)]
pub struct ModelState {
    pub parent: Version,
    pub block: Id,
    /// Each value with the version that wrote it.
    pub leaves: BTreeMap<Key, (Version, Vec<u8>)>,
}

impl Model {
    pub fn new() -> Self {
        let empty = ModelState { parent: Version::EMPTY, block: [0; 32], leaves: BTreeMap::new() };
        let zero = Version::EMPTY;
        Self {
            states: BTreeMap::from([(zero, empty)]),
            kept: BTreeSet::from([zero]),
            base: zero,
            last_final: zero,
            head: zero,
            act: 0,
        }
    }

    /// `version` and what it was built on, down to the base.
    fn line(&self, version: Version) -> Vec<Version> {
        let parent = |version: &Version| (*version > self.base).then(|| self.states[version].parent);
        std::iter::successors(Some(version), parent).collect()
    }

    fn followers_of_final(&self) -> Vec<Version> {
        self.kept.iter().copied().filter(|version| self.line(*version).contains(&self.last_final)).collect()
    }

    fn finalise(&mut self, version: Version, window: usize) {
        self.last_final = version;
        let line = self.line(version);
        let base = line.get(window).copied().unwrap_or(self.base);
        let followers = self.followers_of_final();
        let stays = |version: &Version| (*version >= base && line.contains(version)) || followers.contains(version);
        self.kept.retain(stays);
        self.base = base;
    }
}

/// One step of the trace.
pub enum Act {
    Block { parent: Version, changes: Changes, to_head: bool, flush: Flush },
    Head { version: Version, flush: Flush },
    Finalise { version: Version, window: usize },
    Sync,
}

/// Draws acts, does them to the store and to the model.
pub struct World {
    pub store: Store,
    pub dice: Dice,
    /// The model after each act; the last may be an act that failed half way.
    pub history: Vec<Model>,
    /// Acts up to this one were answered after a sync.
    pub durable: usize,
}

impl World {
    pub fn new(store: Store, seed: u64) -> Self {
        Self { store, dice: Dice::new(seed), history: vec![Model::new()], durable: 0 }
    }

    pub fn model(&self) -> &Model {
        self.history.last().unwrap()
    }

    /// At most `acts` acts, up to the first that fails.
    pub fn run(&mut self, acts: usize) -> Result<(), StoreError> {
        (0..acts).try_for_each(|_| self.step())
    }

    pub fn step(&mut self) -> Result<(), StoreError> {
        let act = self.draw();
        let number = self.model().act.max(self.history.len() as u64 - 1) + 1;
        let synced =
            matches!(act, Act::Sync | Act::Block { flush: Flush::Now, .. } | Act::Head { flush: Flush::Now, .. });
        self.perform(act, number)?;
        if synced {
            self.durable = self.history.len() - 1;
        }
        Ok(())
    }

    fn draw(&mut self) -> Act {
        let model = self.history.last().unwrap().clone();
        let dice = &mut self.dice;
        let flush = if dice.roll(2) == 0 { Flush::Now } else { Flush::Later };
        match dice.roll(20) {
            0..12 => {
                let parent = if dice.roll(4) > 0 { model.head } else { dice.pick(&model.followers_of_final()) };
                Act::Block { parent, changes: changes(dice), to_head: dice.roll(4) > 0, flush }
            }
            12..14 => Act::Head { version: dice.pick(&model.followers_of_final()), flush },
            14..19 => {
                let line = model.line(model.head);
                let due: Vec<_> = line.into_iter().filter(|version| *version >= model.last_final).collect();
                Act::Finalise { version: dice.pick(&due), window: usize::try_from(dice.roll(4)).unwrap() }
            }
            _ => Act::Sync,
        }
    }

    fn perform(&mut self, act: Act, number: u64) -> Result<(), StoreError> {
        let mut model = self.model().clone();
        match act {
            Act::Block { parent, changes, to_head, flush } => {
                let block = id(number);
                let mut session = self.store.session(parent)?;
                let version = session.version();
                let mut leaves = model.states[&parent].leaves.clone();
                for (key, value) in &changes {
                    match value {
                        Some(value) => leaves.insert(*key, (version, value.clone())),
                        None => leaves.remove(key),
                    };
                }
                if self.dice.roll(2) == 0 {
                    assert_eq!(session.root_after(&changes), root(leaves.iter().map(|(key, (_, value))| (key, value))));
                }
                let executed = session.finish(block, changes);
                assert_eq!(executed.root(), root(leaves.iter().map(|(key, (_, value))| (key, value))));
                let mut commit = Commit::new();
                commit.header(&block, number.to_be_bytes()).meta("act", number.to_be_bytes()).state(executed);
                if to_head {
                    commit.head(version);
                    model.head = version;
                }
                model.states.insert(version, ModelState { parent, block, leaves });
                model.kept.insert(version);
                model.act = number;
                self.history.push(model);
                self.store.commit(commit, flush)
            }
            Act::Head { version, flush } => {
                let mut commit = Commit::new();
                commit.head(version).meta("act", number.to_be_bytes());
                (model.head, model.act) = (version, number);
                self.history.push(model);
                self.store.commit(commit, flush)
            }
            Act::Finalise { version, window } => {
                model.finalise(version, window);
                self.history.push(model);
                self.store.finalise(version, window).map(drop)
            }
            Act::Sync => {
                self.history.push(model);
                Ok(self.store.sync()?)
            }
        }
    }

    /// What a crash left must be some point of the history between the last sync and the crash; that point.
    pub fn found(&self, store: &Store) -> Model {
        let act = store.meta("act").unwrap().map_or(0, |act| u64::from_be_bytes(act.try_into().unwrap()));
        let last_final = store.last_final();
        assert!(act >= self.history[self.durable].act, "act {act} is older than the last sync");
        let fits = |model: &Model| model.act == act && model.last_final == last_final;
        let first = (self.durable..self.history.len()).find(|at| fits(&self.history[*at])).expect("a point in history");
        let last = (first..self.history.len()).take_while(|at| fits(&self.history[*at])).last().unwrap();
        // Pruning may have stopped half way: what is kept is between before and after.
        let kept: BTreeSet<_> = store.kept().into_iter().map(|(version, _)| version).collect();
        let before = if first > 0 { &self.history[first - 1].kept | &self.history[first].kept } else { kept.clone() };
        assert!(kept.is_superset(&self.history[last].kept), "forgot more than was final");
        assert!(kept.is_subset(&before), "a forgotten version came back");
        Model { base: *kept.first().unwrap(), kept, ..self.history[last].clone() }
    }
}

/// The store holds what the model holds: every root, every value, and not one row more.
pub fn assert_agree(store: &Store, model: &Model) {
    assert_eq!((store.head(), store.last_final()), (model.head, model.last_final));
    let kept: Vec<_> = model.kept.iter().map(|version| (*version, model.states[version].block)).collect();
    assert_eq!(store.kept(), kept);
    let mut rows = BTreeMap::new();
    for version in &model.kept {
        let state = &model.states[version];
        assert_eq!(
            leaves(store, *version),
            state.leaves.iter().map(|(key, (_, value))| (*key, value.clone())).collect()
        );
        rows.extend(state.leaves.iter().map(|(key, (owner, value))| (leaf_row(key, *owner), value.clone())));
        assert!(
            *version == Version::EMPTY || store.header(&state.block).unwrap().is_some(),
            "a state without its header"
        );
    }
    assert_eq!(all_rows(store.engine(), Column::Leaf), rows.into_iter().collect::<Vec<_>>());
    assert_eq!(all_rows(store.engine(), Column::Change).len(), model.kept.len());
}

/// All of a version's leaves, which must have its root.
pub fn leaves(store: &Store, version: Version) -> BTreeMap<Key, Vec<u8>> {
    let view = store.at(version).unwrap();
    let mut leaves = BTreeMap::new();
    view.for_each(|key, value| {
        leaves.insert(*key, value);
        Ok(())
    })
    .unwrap();
    assert_eq!(view.root(), root(leaves.iter()));
    leaves
}

pub fn root<'a>(leaves: impl Iterator<Item = (&'a Key, &'a Vec<u8>)>) -> [u8; 32] {
    Trie::build(leaves.map(|(key, value)| Leaf { key: *key, value_hash: value_hash(value), note: () })).root()
}

pub fn all_rows(engine: &dyn Engine, column: Column) -> Vec<Row> {
    engine.scan(column, (Bound::Unbounded, Bound::Unbounded), Order::Ascending, usize::MAX).unwrap()
}

/// A block's name, or a key.
pub fn id(number: u64) -> Id {
    value_hash(&number.to_be_bytes())
}

fn leaf_row(key: &Key, version: Version) -> Vec<u8> {
    [&key[..], &(!version.number()).to_be_bytes()].concat()
}

fn changes(dice: &mut Dice) -> Changes {
    let value = |dice: &mut Dice| (dice.roll(4) > 0).then(|| vec![0xab; usize::try_from(dice.roll(40)).unwrap()]);
    (0..dice.roll(6)).map(|_| (id(dice.roll(KEYS)), value(dice))).collect()
}

/// Execute a block of these writes on `parent` and commit it with its header, the head staying where it is.
pub fn commit(store: &Store, parent: Version, number: u64, writes: &[(u64, Option<&[u8]>)], flush: Flush) -> Version {
    let changes = writes.iter().map(|(key, value)| (id(*key), value.map(<[u8]>::to_vec))).collect();
    let executed = store.session(parent).unwrap().finish(id(number), changes);
    let version = executed.version();
    let mut commit = Commit::new();
    commit.header(&id(number), b"header").state(executed);
    store.commit(commit, flush).unwrap();
    version
}
