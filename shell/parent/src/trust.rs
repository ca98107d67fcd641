//! How far a node of the parent is believed.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use banyan_ledger::{
    Genesis,
    follow::{Follower, NotFollowed},
};
use banyan_types::{Hash, Height, TimeMs};
use banyan_wallet::client::{Client, When};

use crate::ParentError;

/// How a final block of the parent is known to be final.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// By the seals of the root's witnesses, followed from its genesis. Only a root with witnesses has them.
    Verify(Memory),
    /// By the node's word. Everything about a block is still proven against its hash, but which blocks are final is what the
    /// node says: for one's own node, and for parents that are children themselves.
    Node,
}

/// Where the seals that were followed are kept, so that no node can show less than was seen once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Memory {
    /// In this file.
    File(PathBuf),
    /// Nowhere: every start follows from the genesis.
    None,
}

/// What decides which block is final.
pub(crate) enum Judge {
    Seals {
        follower: Box<Follower>,
        memory: Memory,
        /// A height that was sealed once: no node may show less.
        floor: Height,
    },
    Word,
}

impl Judge {
    pub(crate) fn new(trust: &Trust, genesis: &Genesis) -> Result<Self, ParentError> {
        let Trust::Verify(memory) = trust else { return Ok(Self::Word) };
        let saved = match memory {
            Memory::File(path) => load(path)?,
            Memory::None => None,
        };
        let saved = saved.map(|bytes| Follower::resume(genesis, &bytes)).transpose();
        let saved = saved.map_err(ParentError::BrokenMemory)?;
        let floor = saved.as_ref().and_then(Follower::newest).map_or(Height(0), |seal| seal.height);
        // What is older than bonds answer proves nothing any more; the genesis needs no proof.
        let follower = match saved.filter(|saved| !saved.is_stale(now())) {
            Some(saved) => saved,
            None => Follower::from_genesis(genesis).map_err(ParentError::Unsealed)?,
        };
        Ok(Self::Seals { follower: Box::new(follower), memory: memory.clone(), floor })
    }

    /// The block to prove everything against: the newest sealed one; by a node's word, whatever it calls final.
    pub(crate) fn final_block(&mut self, client: &Client) -> Result<When, ParentError> {
        let Self::Seals { follower, memory, floor } = self else { return Ok(When::Final) };
        let (sealed, _) = client.catch_up(follower, |_, _| {})?;
        let sealed = sealed.ok_or(ParentError::NothingFinal)?;
        if sealed.height < *floor {
            return Err(ParentError::Behind { held: *floor, got: sealed.height });
        }
        if sealed.height > *floor
            && let Memory::File(path) = memory
        {
            save(path, &follower.save())?;
        }
        *floor = sealed.height;
        Ok(When::Block(sealed.hash))
    }

    /// The same block as last time, or any where the node's word is enough.
    pub(crate) fn check_floor(&self, height: Height, held: Option<(Height, Hash)>) -> Result<(), ParentError> {
        match (self, held) {
            (Self::Word, Some((held, _))) if height < held => Err(ParentError::Behind { held, got: height }),
            _ => Ok(()),
        }
    }
}

/// Two seals that hold and contradict each other: no node's fault alone, and nothing to go on from.
pub(crate) const fn is_conflict(error: &ParentError) -> bool {
    use banyan_wallet::client::ClientError;
    matches!(error, ParentError::Client(ClientError::NotFollowed(NotFollowed::Conflict { .. })))
}

fn load(path: &Path) -> Result<Option<Vec<u8>>, ParentError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(path, &error)),
    }
}

/// Whole or not at all.
fn save(path: &Path, bytes: &[u8]) -> Result<(), ParentError> {
    let beside = path.with_extension("new");
    let write = || {
        let mut file = fs::File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    write().map_err(|error| failed(path, &error))
}

fn failed(path: &Path, error: &io::Error) -> ParentError {
    ParentError::Memory { path: path.display().to_string(), why: error.to_string() }
}

fn now() -> TimeMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    TimeMs(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
