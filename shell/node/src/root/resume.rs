//! Start where the last run stopped: what the store has kept, as the chain machine takes it.

use banyan_root::{Checks, Header as Named, RootParams, Saved, Watermark, lock_hold_ms, pow::EdgeBits, target::Target};
use banyan_store::{Commit, Flush, Place};
use banyan_types::{
    Hash, TimeMs,
    header::{KeyHeader, MicroHeader},
};

use super::{RootDriver, finality};
use crate::{Chain, Header, NodeError, genesis::RootEngineParams, node::Core};

/// Kind of the record that holds the newest micro header signed here.
pub const SIGNED_RECORD: u8 = 1;
/// Name of the row that says which key block is final: it is on disk before anybody hears of that.
const FINAL_ROW: &str = "root.final";
/// Key headers below the last final one that median and retarget look at.
pub const PAST_HEADERS: u64 = 32;

/// The last final key block, as [`FINAL_ROW`] holds it.
pub struct Final {
    hash: Hash,
    /// Work of its chain.
    pub work: u128,
    /// The greatest time of any final key block.
    clock: TimeMs,
}

impl Final {
    fn encode(&self) -> Vec<u8> {
        [&self.hash.0[..], &self.work.to_be_bytes(), &self.clock.0.to_be_bytes()].concat()
    }

    fn decode(row: &[u8]) -> Option<Self> {
        let (hash, rest) = row.split_first_chunk()?;
        let (work, clock) = rest.split_first_chunk()?;
        let clock = u64::from_be_bytes(clock.try_into().ok()?);
        Some(Self { hash: Hash(*hash), work: u128::from_be_bytes(*work), clock: TimeMs(clock) })
    }
}

impl RootDriver {
    /// A key block is final and applied: write it down, tell the children, learn the sets that its state holds.
    pub(super) fn make_final(&mut self, core: &mut Core, hash: Hash, clock: TimeMs) -> Result<(), NodeError> {
        let mut commit = Commit::new();
        let work = self.machine.work(&hash).unwrap_or(0);
        commit.meta(FINAL_ROW, Final { hash, work, clock }.encode());
        let (above, to) = (core.chain.last_final()?.header.height(), core.chain.header(hash)?);
        finality::keep_boundaries(&core.chain, above, to.ok_or(NodeError::Header)?.height(), &mut commit)?;
        // Children build on what is final: it must survive what they survive.
        core.chain.store().commit(commit, Flush::Now)?;
        core.finalise(hash)?;
        self.todo.extend(finality::sets(&core.chain, hash)?.into_iter().map(super::Todo::Votes));
        Ok(())
    }
}

/// What was said to be final is so after a crash too, even if the store's own mark was lost.
pub fn make_final_again(core: &mut Core) -> Result<(), NodeError> {
    match last_final(&core.chain)? {
        Some(last) if last.hash != core.chain.last_final()?.hash => core.finalise(last.hash),
        _ => Ok(()),
    }
}

/// The row of the last final key block; none at the genesis.
pub fn last_final(chain: &Chain) -> Result<Option<Final>, NodeError> {
    chain.store().meta(FINAL_ROW)?.map(|row| Final::decode(&row).ok_or(NodeError::Header)).transpose()
}

pub fn machine_params(chain: &Chain, engine: &RootEngineParams) -> Result<RootParams, NodeError> {
    let wrong = |what: &str| NodeError::GenesisFile(format!("engine: {what}"));
    let interval = chain.params().height_interval_ms.try_into().map_err(|_| wrong("height_interval_ms is zero"))?;
    Ok(RootParams {
        network_id: chain.params().network_id.clone(),
        versions: engine.known_versions()?,
        edge_bits: EdgeBits::new(engine.edge_bits).ok_or_else(|| wrong("edge_bits"))?,
        key_interval_ms: interval,
        micro_interval_ms: engine.micro_interval_ms,
        drift_ms: engine.drift_ms,
        target_initial: Target::from_compact(engine.target_initial).map_err(|error| wrong(&error.to_string()))?,
        retarget: engine.retarget,
        paced: engine.paced,
        micro_per_generation_max: engine.micro_per_generation_max,
        micro_bytes_max: engine.micro_bytes_max,
        genesis_time: chain.file().time,
        lock_hold_ms: lock_hold_ms(engine.delta_ms),
        checks: Checks::PROTOCOL,
    })
}

/// What the store has kept, as the machine takes it.
pub fn saved(chain: &Chain) -> Result<Saved, NodeError> {
    let last = chain.last_final()?;
    let watermark = match chain.store().record(SIGNED_RECORD, 0)? {
        Some(bytes) => Some(Watermark::of(&MicroHeader::decode(&bytes)?)),
        None => None,
    };
    let (work, clock) = match last_final(chain)? {
        Some(last) => (last.work, last.clock),
        None => (0, last.header.time()),
    };
    let top = last.header.height().0;
    Ok(Saved {
        past: key_headers(chain, top.saturating_sub(PAST_HEADERS), top)?,
        work,
        clock,
        above: above(chain, last.hash)?,
        tip: chain.head()?.hash,
        watermark,
    })
}

/// The key headers of the chain at these heights, oldest first.
pub fn key_headers(chain: &Chain, from: u64, to: u64) -> Result<Vec<KeyHeader>, NodeError> {
    let mut headers = Vec::new();
    for height in from..=to {
        let hash = chain.main_at(Place::at(height))?.ok_or(NodeError::Header)?;
        match chain.header(hash)? {
            Some(Header::Key(header)) => headers.push(*header),
            _ => return Err(NodeError::Header),
        }
    }
    Ok(headers)
}

/// Headers of executed blocks that descend from the last final one, parents first: versions count up in that order.
fn above(chain: &Chain, last_final: Hash) -> Result<Vec<Named>, NodeError> {
    let mut line = std::collections::BTreeSet::from([last_final]);
    let mut above = Vec::new();
    for (_, block) in chain.store().kept() {
        let hash = Hash(block);
        let Some(header) = chain.header(hash)? else { continue };
        if hash == last_final || !line.contains(&header.prev_hash()) || !line.insert(hash) {
            continue;
        }
        above.push(match header {
            Header::Key(header) => Named::Key(header),
            Header::Micro(header) => Named::Micro(header),
            Header::Child(_) => return Err(NodeError::Header),
        });
    }
    Ok(above)
}
