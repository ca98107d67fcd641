//! The open routes of a rotation: schedule data, look at what is ordered, prove that data stand there.
//!
//! Keys and types are those of an earlier system whose clients are to work here; more keys are additions. Bytes are arrays of
//! numbers, and hexadecimal text is taken too. Rules: associates 10, node 8.5.

mod index;
mod look;
mod octets;
mod schedule;
mod speak;

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use banyan_crypto::SecretKey;
use banyan_ledger::engine::rotation::Turns;
use banyan_node::{EngineParams, Handle};
use banyan_types::{Hash, TxHash};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Failure, ledger::Mount};
use index::Index;

/// Data of which this node remembers the transaction.
const RECENT_MAX: usize = 65_536;

/// What the open routes of one ledger need.
pub(crate) struct Lane {
    pub turns: Turns,
    /// Signs and pays for data that a client did not sign.
    scribe: Option<SecretKey>,
    /// Held while a transaction of the scribe is made and given to the node: its numbers must not cross.
    turn: tokio::sync::Mutex<()>,
    recent: Mutex<Recent>,
    index: Mutex<Index>,
}

/// Which transaction carries data that were scheduled here, by their hash.
#[derive(Default)]
struct Recent {
    by_data: HashMap<Hash, TxHash>,
    order: VecDeque<Hash>,
}

impl Lane {
    /// The lane of a ledger; `None` if its validators take no turns.
    pub fn of(handle: &Handle, scribe: Option<SecretKey>) -> Option<Self> {
        let EngineParams::Rotation(engine) = &handle.chain().file().engine else { return None };
        let turns = engine.turns(handle.chain().genesis_hash()).ok()?;
        let (turn, recent, index) = (tokio::sync::Mutex::default(), Mutex::default(), Mutex::default());
        Some(Self { turns, scribe, turn, recent, index })
    }

    fn carrier(&self, data: Hash) -> Option<TxHash> {
        lock(&self.recent).by_data.get(&data).copied()
    }

    fn remember(&self, data: Hash, tx: TxHash) {
        let mut recent = lock(&self.recent);
        if recent.by_data.insert(data, tx).is_none() {
            recent.order.push_back(data);
        }
        while recent.order.len() > RECENT_MAX {
            let oldest = recent.order.pop_front();
            oldest.map(|oldest| recent.by_data.remove(&oldest));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The lane of the ledger that is asked.
fn lane(mount: &Mount) -> Result<&Lane, Failure> {
    let ledger = mount.ledger();
    ledger.lane.as_ref().ok_or_else(|| {
        let message = format!("{} is ordered by engine {}, this route is for rotation", ledger.name(), ledger.engine());
        Failure::unknown("no_rotation", message)
    })
}

pub(crate) fn routes() -> OpenApiRouter<Mount> {
    OpenApiRouter::new()
        .routes(routes!(schedule::post))
        .routes(routes!(speak::commit))
        .routes(routes!(speak::propose))
        .routes(routes!(look::merkle_proof))
        .routes(routes!(look::pool))
        .routes(routes!(look::commitments))
        .routes(routes!(look::block))
        .routes(routes!(look::height))
        .routes(routes!(look::state_root_hash))
        .routes(routes!(look::blob_proof))
}
