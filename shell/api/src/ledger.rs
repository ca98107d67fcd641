//! The ledgers of one process, and where each is mounted.

use std::{
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use banyan_crypto::SecretKey;
use banyan_ledger::Params;
use banyan_node::{Chain, Handle, Head, Leaves as _, NodeError};
use banyan_types::{AssociateId, tx::Transaction};
use tokio::sync::Semaphore;

use crate::{
    open::Lane,
    pass::{Pass, Passes},
};

/// Event streams that may be open at once.
const STREAMS_MAX: usize = 1_024;

/// One ledger to serve.
#[derive(Clone)]
pub struct Served {
    /// Names from the top of the tree down to this ledger; the last is its own, under which it is mounted.
    pub path: Vec<String>,
    /// Its node.
    pub handle: Handle,
    /// Of a rotation: signs and pays for data that its clients did not sign. Without one such data is refused.
    pub scribe: Option<SecretKey>,
    /// Of a private ledger: whoever says none of these is told that there is no such ledger. None: everybody may see it.
    pub passes: Vec<Pass>,
}

impl Served {
    /// A ledger that everybody may see.
    pub const fn new(path: Vec<String>, handle: Handle) -> Self {
        Self { path, handle, scribe: None, passes: vec![] }
    }
}

/// Why ledgers cannot be served together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// Nothing to serve.
    #[error("no ledger to serve")]
    Empty,
    /// A path without a name.
    #[error("ledger {index} has an empty path")]
    Nameless {
        /// Its place in the list.
        index: usize,
    },
    /// Two ledgers would be mounted at one place.
    #[error("two ledgers are named {name}")]
    Twice {
        /// Their name.
        name: String,
    },
}

/// The ledgers of one process. The first is mounted at `/`, each at `/l/<name>/`.
pub struct Tree {
    ledgers: Vec<Ledger>,
    started: Instant,
    streams: Arc<Semaphore>,
}

/// One served ledger and its place in the tree.
pub(crate) struct Ledger {
    pub path: Vec<String>,
    pub handle: Handle,
    /// Of a rotation: what its open routes need.
    pub lane: Option<Lane>,
    /// Who may see it.
    pub passes: Passes,
    /// Place of its parent in the list, if that is served too.
    pub parent: Option<usize>,
    pub children: Vec<usize>,
}

impl Tree {
    /// The ledgers, parents recognised by their paths.
    /// # Errors
    /// The first [`TreeError`] that applies.
    pub fn new(served: Vec<Served>) -> Result<Self, TreeError> {
        if served.is_empty() {
            return Err(TreeError::Empty);
        }
        let paths: Vec<_> = served.iter().map(|served| served.path.clone()).collect();
        for (index, path) in paths.iter().enumerate() {
            let name = path.last().ok_or(TreeError::Nameless { index })?;
            if paths[..index].iter().any(|other| other.last() == Some(name)) {
                return Err(TreeError::Twice { name: name.clone() });
            }
        }
        let parent_of =
            |path: &[String]| paths.iter().position(|other| path.split_last().is_some_and(|(_, up)| up == other));
        let parents: Vec<_> = paths.iter().map(|path| parent_of(path)).collect();
        let ledger = |(at, Served { path, handle, scribe, passes })| {
            let children = (0..parents.len()).filter(|child| parents[*child] == Some(at)).collect();
            let lane = Lane::of(&handle, scribe);
            Ledger { path, handle, lane, passes: Passes::new(passes), parent: parents[at], children }
        };
        let ledgers = served.into_iter().enumerate().map(ledger).collect();
        Ok(Self { ledgers, started: Instant::now(), streams: Arc::new(Semaphore::new(STREAMS_MAX)) })
    }

    pub(crate) fn ledgers(&self) -> &[Ledger] {
        &self.ledgers
    }

    pub(crate) fn uptime_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub(crate) const fn streams(&self) -> &Arc<Semaphore> {
        &self.streams
    }
}

impl Ledger {
    pub fn name(&self) -> &str {
        self.path.last().map_or("", String::as_str)
    }

    pub fn chain(&self) -> &Arc<Chain> {
        self.handle.chain()
    }

    pub fn params(&self) -> &Params {
        self.chain().params()
    }

    /// Its own id at its parent; `None` on the root.
    pub fn associate_id(&self) -> Option<AssociateId> {
        let id = self.params().ledger;
        (id != AssociateId::ZERO).then_some(id)
    }

    /// The engine's name.
    pub fn engine(&self) -> &'static str {
        self.chain().file().engine.name()
    }
}

/// Milliseconds since 1970 by this machine's clock: for ages that people read, never for rules.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// One ledger of the tree, as the handlers under one mount see it.
#[derive(Clone)]
pub(crate) struct Mount {
    tree: Arc<Tree>,
    at: usize,
    /// What stands before every path of this mount: nothing, or `/l/<name>`.
    pub base: Arc<str>,
    /// The mount that was asked: what its passes open is shown under every mount that leads on from there.
    asked: usize,
}

impl Mount {
    pub fn new(tree: &Arc<Tree>, at: usize, base: &str) -> Self {
        Self { tree: Arc::clone(tree), at, base: base.into(), asked: at }
    }

    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    pub fn ledger(&self) -> &Ledger {
        &self.tree.ledgers[self.at]
    }

    pub fn chain(&self) -> &Arc<Chain> {
        self.ledger().chain()
    }

    /// The mount of another ledger of the process, under its own name.
    pub fn of(&self, at: usize) -> Self {
        let base = format!("/l/{}", self.tree.ledgers[at].name());
        Self { tree: Arc::clone(&self.tree), at, base: base.into(), asked: self.asked }
    }

    /// The mount of the first ledger, at `/`.
    pub fn first(&self) -> Self {
        Self::new(&self.tree, 0, "")
    }

    pub fn parent(&self) -> Option<Self> {
        self.ledger().parent.map(|at| self.of(at)).filter(|parent| self.may_show(parent))
    }

    pub fn children(&self) -> impl Iterator<Item = Self> {
        self.ledger().children.iter().map(|at| self.of(*at)).filter(|other| self.may_show(other))
    }

    /// Every ledger of the process that those who see this one may see.
    pub fn all(&self) -> impl Iterator<Item = Self> {
        (0..self.tree.ledgers.len()).map(|at| self.of(at)).filter(|other| self.may_show(other))
    }

    fn may_show(&self, other: &Self) -> bool {
        self.tree.ledgers[self.asked].passes.all_open(&other.ledger().passes)
    }

    pub fn head(&self) -> Result<Head, NodeError> {
        self.chain().head()
    }

    /// The served child with this id.
    pub fn child(&self, id: AssociateId) -> Option<Self> {
        self.children().find(|child| child.ledger().params().ledger == id)
    }

    /// Connection points of this ledger that are known here: those of its genesis, those registered since, those served.
    pub fn associates(&self) -> Result<Vec<AssociateId>, NodeError> {
        let network = &self.ledger().params().network_id;
        let of_genesis = self.chain().file().associates.iter().filter_map(|tx| match tx {
            Transaction::AssociateCreate(tx) => Some(AssociateId::derive(network, tx.creator_id, tx.nonce)),
            _ => None,
        });
        let served = self.children().map(|child| child.ledger().params().ledger);
        let mut ids: Vec<_> = of_genesis.chain(served).collect();
        ids.sort_unstable();
        ids.dedup();
        let view = self.head()?.view;
        let mut known = Vec::with_capacity(ids.len());
        for id in ids {
            if view.associate(id)?.is_some() {
                known.push(id);
            }
        }
        Ok(known)
    }
}
