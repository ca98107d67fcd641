//! The store of one ledger: commit blocks, read any kept version, move the head, forget what is final.

use crate::commit::Commit;
use crate::engine::{Batch, Engine, Fault, Flush};
use crate::prune::{Pruned, Step};
use crate::state::{Id, Key, Session, Version, View};
use crate::versions::{Marks, Versions, put};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// Why the store refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// No such version, or it has been forgotten: the caller answers `unknown` or `collected`.
    #[error("version {version} is not kept, the oldest is {oldest}")]
    NotKept {
        /// The version asked for.
        version: Version,
        /// The oldest version that is kept.
        oldest: Version,
    },
    /// The head must be the final version or follow it, and the final version must follow the last one: a caller's bug.
    #[error("version {version} does not follow version {ancestor}")]
    NotAhead {
        /// The version that should follow.
        version: Version,
        /// The version that should be its ancestor.
        ancestor: Version,
    },
    /// The disk, or what is on it; *ours*.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Blocks, states and logs of one ledger. Reads run beside each other and beside a write; writes take turns.
pub struct Store {
    engine: Arc<dyn Engine>,
    /// Held over each write and the change in memory that follows it.
    writer: Mutex<()>,
    versions: RwLock<Versions>,
}

impl Store {
    /// The store that `engine` holds, or a new one if it is empty. All roots are computed again: [`Fault::Broken`] if one differs.
    pub fn open(engine: impl Engine + 'static) -> Result<Self, Fault> {
        let versions = Versions::open(&engine)?;
        Ok(Self { engine: Arc::new(engine), writer: Mutex::default(), versions: RwLock::new(versions) })
    }

    /// The tables themselves, to look at: what is written past the store, the store does not know.
    pub fn engine(&self) -> &dyn Engine {
        self.engine.as_ref()
    }

    /// The version that the chosen chain ends at; [`Version::EMPTY`] in a new store.
    pub fn head(&self) -> Version {
        self.with(|versions| versions.marks.head)
    }

    /// The last version that was made final.
    pub fn last_final(&self) -> Version {
        self.with(|versions| versions.marks.last_final)
    }

    /// Every kept version with its block, oldest first.
    pub fn kept(&self) -> Vec<(Version, Id)> {
        self.with(|versions| versions.kept.values().map(|state| (state.version, state.block)).collect())
    }

    /// The newest kept version that executed `block`.
    pub fn version_of(&self, block: &Id) -> Option<Version> {
        self.with(|versions| {
            versions.kept.values().rev().find(|state| state.block == *block).map(|state| state.version)
        })
    }

    /// The state at `version`, to read and to prove.
    pub fn at(&self, version: Version) -> Result<View, StoreError> {
        let state = self.with(|versions| versions.require(version).cloned())?;
        Ok(View { engine: Arc::clone(&self.engine), state })
    }

    /// The state at the head. Unlike [`Store::at`] with [`Store::head`] it cannot fail, whatever is committed in between.
    pub fn tip(&self) -> View {
        let state = self.with(|versions| Arc::clone(&versions.kept[&versions.marks.head]));
        View { engine: Arc::clone(&self.engine), state }
    }

    /// Begin to execute a block on top of `version`.
    pub fn session(&self, version: Version) -> Result<Session, StoreError> {
        let base = self.at(version)?;
        Ok(Session::new(base, self.with_mut(|versions| versions.marks.reserve())))
    }

    /// Write all of `commit` or nothing. With [`Flush::Now`] it is on disk when this returns; only then may a promise that rests
    /// on it leave the process.
    pub fn commit(&self, commit: Commit, flush: Flush) -> Result<(), StoreError> {
        let _turn = self.turn();
        let Commit { mut batch, executed, head } = commit;
        let mut marks = self.with(|versions| versions.marks);
        if let Some(head) = head {
            let parent = executed.as_ref().filter(|new| new.version() == head).map_or(head, |new| new.state.parent);
            self.with(|versions| versions.require_ahead(parent, marks.last_final))?;
            marks.head = head;
        }
        if executed.is_some() || head.is_some() {
            marks.put(&mut batch);
        }
        let state = executed.map(|executed| {
            put(&mut batch, &executed.state, executed.changes);
            executed.names.into_iter().for_each(|name| name.put(&mut batch));
            executed.state
        });
        self.engine.write(batch, flush)?;
        self.with_mut(|versions| {
            versions.marks.head = marks.head;
            versions.kept.extend(state.map(|state| (state.version, Arc::new(state))));
        });
        Ok(())
    }

    /// Make `version`, which the head must follow or be, final: nothing moves behind it any more. Forgets all branches that it
    /// leaves behind, and on its own chain what is more than `window` versions before it; what is left to do for the limit
    /// [`PRUNE_VERSIONS_MAX`](crate::PRUNE_VERSIONS_MAX) or for open views, the next call does. Written without a sync: a crash
    /// may undo the end of it, never the middle.
    pub fn finalise(&self, version: Version, window: usize) -> Result<Pruned, StoreError> {
        let _turn = self.turn();
        let (mut marks, steps, waiting) = self.with_mut(|versions| {
            versions.require_ahead(version, versions.marks.last_final)?;
            versions.require_ahead(versions.marks.head, version)?;
            versions.marks.last_final = version;
            let marks = versions.marks;
            let (steps, waiting) = versions.take_prunable(window);
            Ok::<_, StoreError>((marks, steps, waiting))
        })?;
        self.write_marks(Batch::default(), marks)?;
        let mut pruned = Pruned { versions: steps.len(), rows: 0, waiting };
        let kept: Vec<_> = self.with(|versions| versions.kept.values().cloned().collect());
        for (at, step) in steps.iter().enumerate() {
            let later = steps.iter().skip(at + 1).map(Step::state);
            let held = |key: &Key| kept.iter().chain(later.clone()).any(|state| state.trie.get(key).is_some());
            let batch = step.batch(self.engine(), &mut marks, held)?;
            pruned.rows += batch.len();
            self.write_marks(batch, marks)?;
        }
        Ok(pruned)
    }

    /// Put everything committed so far on disk.
    pub fn sync(&self) -> Result<(), Fault> {
        self.engine.sync()
    }

    fn write_marks(&self, mut batch: Batch, marks: Marks) -> Result<(), Fault> {
        marks.put(&mut batch);
        self.engine.write(batch, Flush::Later)
    }

    // A panic under one of these locks leaves nothing half done: memory changes in single assignments after the write.

    fn turn(&self) -> MutexGuard<'_, ()> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, read: impl FnOnce(&Versions) -> T) -> T {
        read(&self.versions.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn with_mut<T>(&self, write: impl FnOnce(&mut Versions) -> T) -> T {
        write(&mut self.versions.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Versions {
    fn require(&self, version: Version) -> Result<&Arc<crate::state::State>, StoreError> {
        self.kept.get(&version).ok_or(StoreError::NotKept { version, oldest: self.marks.base })
    }

    fn require_ahead(&self, version: Version, ancestor: Version) -> Result<(), StoreError> {
        self.require(version)?;
        if self.descends(version, ancestor) { Ok(()) } else { Err(StoreError::NotAhead { version, ancestor }) }
    }
}
